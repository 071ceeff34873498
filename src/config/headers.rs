//! What a config says of itself wherever its figures stand: the conditions that decide them.

use super::{
    BatchNormMode, LocalKnowledge, Loss, Post, PostKnowledge, RunConfig, StatisticsKnowledge, VictimConfig,
};
use crate::catalogue::Need;

impl VictimConfig {
    /// Whose data is attacked, for headers: the data set, or `captured update.npz`.
    pub fn source(&self) -> String {
        match &self.captured {
            Some(captured) => format!("captured {}", file_name(&captured.update)),
            None => self.data.clone(),
        }
    }

    /// The BatchNorm situation, for headers: whose statistics the client used, and whether it shares its buffers.
    /// Figures of two situations are not comparable.
    pub fn batch_norm(&self) -> &'static str {
        match (self.mode, self.share_buffers) {
            (BatchNormMode::Eval, _) => "eval (public)",
            (BatchNormMode::EvalClient, true) => "eval (client's, shared)",
            (BatchNormMode::EvalClient, false) => "eval (client's, not shared)",
            (BatchNormMode::Train, true) => "train (shared)",
            (BatchNormMode::Train, false) => "train (not shared)",
        }
    }
}

/// Last part of a path, for headers.
fn file_name(path: &str) -> &str {
    std::path::Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or(path)
}

impl RunConfig {
    /// Whether the server sends a model of its own making: what is granted and not used is no deed.
    pub fn manipulates(&self) -> bool {
        self.knowledge.manipulate && self.attack.kind.facts().needs.contains(&Need::Manipulate)
    }

    /// What the attacker knows of local training, for headers; nothing if there is none: `known`, `known but for the
    /// order`, `assumed as 1 epoch of 4, lr 0.02`.
    pub fn local_knowledge(&self) -> Option<String> {
        self.takes_steps().then(|| match self.knowledge.local {
            LocalKnowledge::Known if self.knowledge.order => "known with the order".to_owned(),
            LocalKnowledge::Known if self.federation.shuffle => "known but for the order".to_owned(),
            LocalKnowledge::Known => "known".to_owned(),
            LocalKnowledge::None => match self.supposed().len() {
                0 => "not known".to_owned(),
                ways => format!("not known, guessed among {ways}"),
            },
            LocalKnowledge::Assumed(assumed) => {
                let own = &self.federation;
                let missed = [
                    (own.momentum > 0.0 && assumed.momentum == 0.0, ", no momentum"),
                    (own.weight_decay.unwrap_or(0.0) > 0.0 && assumed.decay() == 0.0, ", no weight decay"),
                    (own.shuffle, ", in order"),
                ];
                let missed: String = missed.iter().filter(|(is, _)| *is).map(|(_, words)| *words).collect();
                format!("assumed as {}{missed}", assumed.name())
            }
        })
    }

    /// Whose mean and deviation the client normalises by, where it is its own, for headers: `client's own mean and deviation
    /// (public)`; nothing where they are public by themselves.
    pub fn own_normalisation(&self) -> Option<String> {
        let known = if self.knowledge.normalisation { "public" } else { "not known" };
        self.victim.normalise.is_clients().then(|| format!("client's own mean and deviation ({known})"))
    }

    /// The protocol, for headers: `FedSGD`, `FedAvg, 2 epochs of 4, lr 0.01, sum of 3 clients`.
    pub fn protocol(&self) -> String {
        let mut name = match self.local() {
            None if self.takes_steps() => "FedAvg".to_owned(),
            None => "FedSGD".to_owned(),
            Some(local) => format!("FedAvg, {}", local.name()),
        };
        if self.federation.shuffle {
            name += ", shuffled";
        }
        if self.victim.loss != Loss::default() {
            name += &format!(", {}", self.victim.loss.name());
        }
        if self.federation.secure_aggregation > 1 {
            name += &format!(", sum of {} clients", self.federation.secure_aggregation);
        }
        name
    }

    /// Post-processing with what the attacker knows of it, for headers: `clip 1, gaussian-noise 0.01 (known)`; nothing without any.
    pub fn post_processing(&self) -> Option<String> {
        let known = match self.knowledge.post {
            PostKnowledge::Known => "known",
            PostKnowledge::Estimated => "not told, the attacker infers it",
            PostKnowledge::None => "not known",
        };
        let steps = match self.post_steps() {
            // Nothing is there to be told, which the attacker does not know.
            none if none.is_empty() && self.knowledge.post == PostKnowledge::Estimated => {
                vec!["none".to_owned()]
            }
            steps => steps,
        };
        let rounds = if self.knowledge.same_batch { "; rounds matched together" } else { "" };
        (!steps.is_empty()).then(|| format!("{} ({known}{rounds})", steps.join(", ")))
    }

    /// Each step of post-processing with how strong it is: `clip 1`.
    pub fn post_steps(&self) -> Vec<String> {
        self.post.iter().map(Post::in_words).collect()
    }

    /// Which steps of post-processing stand in another order than the usual one, and which that is.
    pub fn better_order(&self) -> Option<String> {
        super::post::better_order(&self.post)
    }

    /// The protocol with what the attacker knows of it, for headers: `FedAvg, 2 epochs of 4, lr 0.01 (known)`.
    pub fn protocol_and_knowledge(&self) -> String {
        let known = self.local_knowledge().map(|known| format!(" ({known})")).unwrap_or_default();
        let own = self.own_normalisation().map(|own| format!(", {own}")).unwrap_or_default();
        let post = self.post_processing().map(|post| format!(", then {post}")).unwrap_or_default();
        format!("{}{known}{own}{post}", self.protocol())
    }

    /// How the attacked model came by its weights, for headers: `untrained`, `weights resnet20.th`,
    /// `trained 0 to 20 rounds`. A figure on trained weights says nothing about untrained ones.
    pub fn training(&self) -> String {
        self.training_of(&self.attacked_rounds())
    }

    /// As [`RunConfig::training`], for the model of one round.
    pub fn training_in(&self, round: u32) -> String {
        self.training_of(&[round])
    }

    fn training_of(&self, rounds: &[u32]) -> String {
        let rounds = match (rounds.first(), rounds.last()) {
            (_, Some(0)) | (None, _) | (_, None) => None,
            (Some(first), Some(last)) if first == last => Some(format!("trained {last} rounds")),
            (Some(first), Some(last)) => Some(format!("trained {first} to {last} rounds")),
        };
        let captured = self.victim.captured.as_ref().map(|captured| &captured.weights);
        let weights = captured.or(self.victim.weights.as_ref());
        let weights = weights.map(|path| {
            let key = self.victim.weights_key.as_ref().map(|key| format!(" under {key}")).unwrap_or_default();
            let order = if self.victim.by_order { " by order" } else { "" };
            format!("weights {}{key}{order}", file_name(path))
        });
        match (weights, rounds) {
            (None, None) => "untrained".to_owned(),
            (Some(one), None) | (None, Some(one)) => one,
            (Some(weights), Some(rounds)) => format!("{weights} {rounds}"),
        }
    }

    /// Letter and name of the threat model after Carletti et al.: A sees the update alone, B also knows basics of the client's
    /// data such as its labels, C also how the client trains, D also has data like the client's, or a network trained on such,
    /// E also knows how the client's is distributed, as the statistics of its batch say; F changes the model that it sends, G
    /// by data of the same kind, H sends clients different ones.
    pub fn threat_model(&self) -> &'static str {
        let shares_statistics = self.victim.share_buffers && self.victim.mode != BatchNormMode::Eval;
        let exact = self.knowledge.statistics == StatisticsKnowledge::Exact;
        let normalises = self.knowledge.normalisation;
        match () {
            () if self.manipulates() && self.attack.kind.facts().needs.contains(&Need::Choose) => {
                "H (active client manipulator: sends clients different models that were made to leak)"
            }
            () if self.manipulates() && self.attack.kind.facts().needs.contains(&Need::Autoencoder) => {
                "G (active manipulator with like data: sends a model that was made to leak, by an autoencoder of like pictures)"
            }
            () if self.manipulates() => "F (active manipulator: sends a model that was made to leak)",
            () if shares_statistics || exact => {
                "E (statistical-informed: update, model, batch size and the batch's BatchNorm statistics)"
            }
            () if normalises => {
                "E (statistical-informed: update, model, batch size and the client's mean and deviation)"
            }
            () if self.knowledge.generator.is_some() => {
                "D (data-enhanced: update, model, batch size and a generator of like pictures)"
            }
            () if self.knowledge.enhancer.is_some() => {
                "D (data-enhanced: update, model, batch size and a network that enhances like pictures)"
            }
            () if self.takes_steps() && self.knowledge.local == LocalKnowledge::Known => {
                "C (parameter-aware: update, model, batch size and local training)"
            }
            () if self.knowledge.labels => "B (informed: update, model, batch size and labels)",
            () => "A (eavesdropper: update, model and batch size)",
        }
    }
}
