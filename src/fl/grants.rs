//! What stands beside an update, whoever sent it: where to compute, what is public, what the config grants of the rest.

use std::sync::Arc;

use super::post::{Posts, Received, estimate};
use super::{AttackerView, Knowledge, Protocol, Update};
use crate::backend::Compute;
use crate::config::{PostKnowledge, RunConfig};
use crate::data::Normalisation;
use crate::model::Model;
use crate::model::enhancer::Enhancer;
use crate::model::generator::Generator;

/// The one place in which an attacker's world is put together.
#[derive(Debug, Clone)]
pub(super) struct Grants {
    pub config: RunConfig,
    pub compute: Compute,
    /// What the attacker takes for the client's normalisation.
    pub taken: Normalisation,
    /// What is done to the update.
    pub posts: Posts,
    /// Values of each field, where samples are rows of a table.
    pub fields: Option<Arc<[usize]>>,
    pub generator: Option<Arc<Generator>>,
    pub enhancer: Option<Arc<Enhancer>>,
    /// Samples whose gradient is taken at once.
    pub most: usize,
}

impl Grants {
    /// Of pictures, before an attacker without a generator.
    pub fn new(config: &RunConfig, compute: Compute, taken: Normalisation, posts: Posts) -> Grants {
        let config = config.clone();
        Grants {
            config,
            compute,
            taken,
            posts,
            fields: None,
            generator: None,
            enhancer: None,
            most: usize::MAX,
        }
    }

    /// The attacker's world: the model that was sent, the update, the labels if they are granted, and what the clients are
    /// taken to have done before post-processing.
    pub fn view(
        &self,
        model: Model,
        update: Update,
        labels: Option<Vec<usize>>,
        protocol: Protocol,
    ) -> AttackerView {
        let granted = &self.config.knowledge;
        let protocol = self.adapted(&update, &model, protocol).in_parts(self.most);
        AttackerView {
            compute: self.compute.clone(),
            update,
            range: self.taken.range(),
            knowledge: Knowledge {
                labels: labels.filter(|_| granted.labels),
                fields: self.fields.clone(),
                generator: self.generator.clone(),
                enhancer: self.enhancer.clone(),
                ..Knowledge::of(self.config.victim.mode, protocol)
            },
            earlier: Vec::new(),
            model,
        }
    }

    /// The protocol with post-processing as an attacker simulates it who is granted so much of it. One that estimates it does
    /// not look at the steps themselves.
    fn adapted(&self, update: &Update, model: &Model, mut protocol: Protocol) -> Protocol {
        let received = Received {
            net: &model.net,
            alone: (protocol.clients.len() == 1).then_some(&update.values),
            samples: protocol.samples() / protocol.clients.len().max(1),
        };
        let (posts, inferred) = match self.config.knowledge.post {
            PostKnowledge::None => return protocol,
            PostKnowledge::Known => (self.posts.clone(), None),
            PostKnowledge::Estimated => {
                let inferred = estimate(update, model, &protocol.clients);
                (Posts::told(&inferred, update.values.specs()), Some(inferred))
            }
        };
        let (each, factors) = (posts.each(), posts.factors(&received));
        protocol.post = posts.transforms(&received);
        protocol.post.inferred = inferred;
        for client in &mut protocol.clients {
            (client.each, client.factors) = (each.clone(), factors.clone());
        }
        protocol
    }
}
