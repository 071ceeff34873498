//! What attacks need, as data: from it come refusals, before anything is computed.

/// Something that an attack cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A network with BatchNorm layers.
    BatchNorm,
    /// A fully connected layer with a bias.
    FullyConnected,
    /// Rows of a table.
    Rows,
    /// The update is one gradient of one batch.
    OneGradient,
    /// The update is of local steps.
    LocalSteps,
    /// Local steps that the attacker knows, or assumes.
    LocalKnowledge,
    /// The update is of one sample.
    OneSample,
    /// A generator of pictures like the client's.
    Generator,
    /// A generator that comes with the encoder of its codes.
    Autoencoder,
    /// Pictures.
    Pictures,
    /// The server may change the model that it sends.
    Manipulate,
    /// It may send different models to different clients.
    Choose,
}

/// What a run offers of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// The network has BatchNorm layers.
    pub batch_norm: bool,
    /// It has a fully connected layer with a bias.
    pub fully_connected: bool,
    /// Samples are rows of a table.
    pub rows: bool,
    /// The update is one gradient of one batch.
    pub one_gradient: bool,
    /// The attacker knows the local steps, or assumes some.
    pub local_knowledge: bool,
    /// The update is of one sample.
    pub one_sample: bool,
    /// It is granted a generator.
    pub generator: bool,
    /// The server may change the model.
    pub manipulate: bool,
    /// It may send different models to different clients.
    pub choose: bool,
    /// There is a client that the server sends a model to; an update from a file was made on the model in it.
    pub client: bool,
}

impl Need {
    /// For lists.
    pub fn name(self) -> &'static str {
        match self {
            Need::BatchNorm => "BatchNorm layers",
            Need::FullyConnected => "a fully connected layer with a bias",
            Need::Rows => "rows of a table",
            Need::OneGradient => "one gradient",
            Need::LocalSteps => "local steps",
            Need::LocalKnowledge => "knowledge of the local steps",
            Need::OneSample => "one sample",
            Need::Generator => "a generator trained on like pictures",
            Need::Autoencoder => "an autoencoder trained on like pictures",
            Need::Pictures => "pictures",
            Need::Manipulate => "a server that changes the model",
            Need::Choose => "a server that sends clients different models",
        }
    }

    /// What is missing and what to do, where it is not met.
    pub fn unmet(self, offer: &Offer) -> Option<&'static str> {
        let (met, why) = match self {
            Need::BatchNorm => (
                offer.batch_norm,
                "matches BatchNorm statistics, but the model has no BatchNorm layer; choose one that has (convnet64, \
                 resnet20), or attack with inverting-gradients",
            ),
            Need::FullyConnected => (
                offer.fully_connected,
                "divides the weight's gradient of a fully connected layer by its bias', but the model has no such layer \
                 with a bias; choose another model (mlp, lenet), or attack with inverting-gradients",
            ),
            Need::Rows => (
                offer.rows,
                "is for rows of tables, but the data are pictures; choose a table (--set victim.data=wine), or attack with \
                 inverting-gradients",
            ),
            Need::OneGradient => (
                offer.one_gradient,
                "reads one gradient, but the client takes local steps; set federation.algorithm = \"fedsgd\", or attack \
                 with inverting-gradients",
            ),
            Need::LocalSteps => (
                !offer.one_gradient,
                "is about local steps, but the client sends one gradient; set federation.algorithm = \"fedavg\", or attack \
                 with inverting-gradients",
            ),
            Need::LocalKnowledge => (
                offer.local_knowledge,
                "simulates the local steps, of which knowledge.local = \"none\" tells nothing; set it to \"known\" or assume \
                 some, or attack with inverting-gradients",
            ),
            Need::OneSample => (
                offer.one_sample,
                "takes the update for that of one sample, but the batch has more, whose sum it would return; choose one (--set \
                 'victim.indices=[0]'), or attack with inverting-gradients",
            ),
            Need::Generator => (
                offer.generator,
                "searches what a generator makes, and none is granted; set knowledge.generator to a built-in one \
                 (fashion28-vae) or a file, or attack with inverting-gradients",
            ),
            Need::Autoencoder => (
                offer.generator,
                "makes pictures of features by the decoder of an autoencoder, and none is granted; set knowledge.generator to \
                 the built-in one (fashion28-autoencoder), or to what gialab train PRESET --autoencoder made",
            ),
            Need::Pictures => (
                !offer.rows,
                "is for pictures, but the data are rows of a table; choose pictures (--set victim.data=fashion28), or attack \
                 with tableak",
            ),
            Need::Manipulate if !offer.client => (
                false,
                "sends a changed model, but a captured update was made on the model in its file; attack with an honest \
                 server's attack",
            ),
            Need::Choose => (
                offer.choose,
                "sends clients different models, which knowledge.choose = false does not grant; set it to true, or attack with \
                 imprint, which sends all the same",
            ),
            Need::Manipulate => (
                offer.manipulate,
                "sends a changed model, which knowledge.manipulate = false does not grant; set it to true, or attack with \
                 an honest server's attack",
            ),
        };
        (!met).then_some(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_need_is_refused_alone() {
        let all = Offer {
            batch_norm: true,
            fully_connected: true,
            rows: true,
            one_gradient: true,
            local_knowledge: true,
            one_sample: true,
            generator: true,
            manipulate: true,
            choose: true,
            client: true,
        };
        for (need, offer) in [
            (Need::BatchNorm, Offer { batch_norm: false, ..all }),
            (Need::FullyConnected, Offer { fully_connected: false, ..all }),
            (Need::Rows, Offer { rows: false, ..all }),
            (Need::OneGradient, Offer { one_gradient: false, ..all }),
            (Need::Manipulate, Offer { manipulate: false, ..all }),
            (Need::Manipulate, Offer { client: false, ..all }),
            (Need::LocalKnowledge, Offer { local_knowledge: false, ..all }),
            (Need::Generator, Offer { generator: false, ..all }),
            (Need::Autoencoder, Offer { generator: false, ..all }),
            (Need::Choose, Offer { choose: false, ..all }),
            (Need::OneSample, Offer { one_sample: false, ..all }),
        ] {
            assert_eq!(need.unmet(&all), None);
            assert!(need.unmet(&offer).is_some_and(|why| why.contains(';')), "{need:?}");
        }
        // Their opposites are needs as well.
        for (need, offer) in [
            (Need::LocalSteps, Offer { one_gradient: false, ..all }),
            (Need::Pictures, Offer { rows: false, ..all }),
        ] {
            assert_eq!(need.unmet(&offer), None);
            assert!(need.unmet(&all).is_some_and(|why| why.contains(';')), "{need:?}");
        }
    }
}
