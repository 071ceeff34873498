//! `[federation]`: who trains, on what, how, and which rounds are attacked.

use serde::{Deserialize, Serialize};

use super::validate::Fault;
use super::{Accumulate, BatchNormMode, LocalOptimiser, LocalTraining, Partition, RunConfig, is_default};

/// The federated algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// A client sends one gradient.
    #[default]
    Fedsgd,
    /// A client sends the weight difference after local steps.
    Fedavg,
}

/// How rounds are run and which of them are attacked.
///
/// The attacked client is client 0 and holds the batch of `[victim]`; under secure aggregation the first clients share
/// it in equal parts. The rest of the data set, less what is held out, is spread over the other clients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Federation {
    /// FedSGD or FedAvg.
    pub algorithm: Algorithm,
    /// Number of clients, the attacked one among them.
    pub clients: u32,
    /// Clients drawn for a round; all if absent. Attacked ones take part in every attacked round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clients_per_round: Option<u32>,
    /// How the data is spread over the clients that are not attacked.
    #[serde(skip_serializing_if = "is_default")]
    pub partition: Partition,
    /// Share of the data set, without the attacked batch, that no client has: accuracy is measured on it.
    pub held_out: f64,
    /// Federated rounds in all; up to the last attacked one if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u32>,
    /// Rounds that are attacked, ascending; round 0 is the initial model.
    pub attack_rounds: Vec<u32>,
    /// Passes over a client's data in one round (FedAvg).
    pub local_epochs: u32,
    /// Samples in one step: of the local steps in FedAvg (all of a client's if absent), of the gradient of a client
    /// that is not attacked in FedSGD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_batch: Option<u32>,
    /// Step size: of the local steps in FedAvg, of the server in FedSGD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// Batches whose gradients make one local step (FedAvg).
    #[serde(skip_serializing_if = "is_default")]
    pub accumulate: Accumulate,
    /// What makes a local step of a gradient (FedAvg).
    pub optimiser: LocalOptimiser,
    /// Momentum of the local steps (FedAvg, SGD).
    pub momentum: f64,
    /// Share of a gradient that does not join the momentum (FedAvg, SGD).
    #[serde(skip_serializing_if = "is_default")]
    pub dampening: f64,
    /// Nesterov's momentum (FedAvg, SGD).
    pub nesterov: bool,
    /// Decay of the moments (FedAvg, Adam); PyTorch's if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub betas: Option<[f64; 2]>,
    /// What is added to the root of the second moment (FedAvg, Adam); PyTorch's if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eps: Option<f64>,
    /// Weight decay of the local steps (FedAvg); if absent 0, but 0.01 for AdamW.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
    /// Largest norm of the gradient of a local step (FedAvg).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
    /// FedProx's mu (FedAvg).
    #[serde(skip_serializing_if = "is_default")]
    pub proximal: f64,
    /// Each epoch takes the samples in another order; in the order of the batch if not.
    pub shuffle: bool,
    /// Factor on the mean update that the server applies.
    pub server_learning_rate: f64,
    /// Clients whose updates the server sees only as one weighted mean; 1 is no secure aggregation.
    pub secure_aggregation: u32,
}

impl Default for Federation {
    fn default() -> Self {
        Federation {
            algorithm: Algorithm::Fedsgd,
            clients: 1,
            clients_per_round: None,
            partition: Partition::Iid,
            held_out: 0.2,
            rounds: None,
            attack_rounds: vec![0],
            local_epochs: 1,
            local_batch: None,
            learning_rate: None,
            accumulate: Accumulate::default(),
            optimiser: LocalOptimiser::default(),
            momentum: 0.0,
            dampening: 0.0,
            nesterov: false,
            betas: None,
            eps: None,
            weight_decay: None,
            clip: None,
            proximal: 0.0,
            shuffle: false,
            server_learning_rate: 1.0,
            secure_aggregation: 1,
        }
    }
}

/// What the attacker knows of the clients' local training.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LocalKnowledge {
    /// All of it: it simulates the client's steps.
    #[default]
    Known,
    /// Nothing: it takes the update for one gradient.
    None,
    /// Nothing, but it assumes these.
    Assumed(LocalTraining),
}

impl Federation {
    /// Local training of a client; nothing in FedSGD. A missing learning rate is refused by the check of the config.
    pub fn local(&self) -> Option<LocalTraining> {
        (self.algorithm == Algorithm::Fedavg).then_some(LocalTraining {
            epochs: self.local_epochs,
            batch: self.local_batch,
            learning_rate: self.learning_rate.unwrap_or_default(),
            accumulate: self.accumulate,
            optimiser: self.optimiser,
            momentum: self.momentum,
            dampening: self.dampening,
            nesterov: self.nesterov,
            betas: self.betas,
            eps: self.eps,
            weight_decay: self.weight_decay,
            clip: self.clip,
            proximal: self.proximal,
        })
    }
}

/// The first fault of the federation and of what is known of it.
pub(super) fn check(config: &RunConfig) -> Result<(), Fault> {
    let federation = &config.federation;
    let fault = |key: &'static str, message: String| Err(Fault { key, message: format!("{key} {message}") });
    if let Some(drawn) = federation.clients_per_round {
        let (key, most) = ("federation.clients_per_round", federation.clients);
        if !(1..=most).contains(&drawn) {
            return fault(key, format!("= {drawn}, must be 1 to {most}"));
        }
    }
    match federation.partition {
        Partition::Dirichlet(alpha) if !(alpha.is_finite() && alpha > 0.0) => {
            return fault(
                "federation.partition",
                format!("= {{ dirichlet = {alpha} }}, must be finite and above 0"),
            );
        }
        Partition::Shards(0) => {
            return fault("federation.partition", "= { shards = 0 }, must be 1 or more".into());
        }
        _ => {}
    }
    let rounds = &federation.attack_rounds;
    if rounds.is_empty() || !rounds.windows(2).all(|pair| pair[0] < pair[1]) {
        let message = format!("= {rounds:?}, must be one or more rounds in ascending order, as [0, 5, 20]");
        return fault("federation.attack_rounds", message);
    }
    if config.rounds() > 1_000_000 {
        return fault("federation.rounds", format!("= {}, must be at most 1000000", config.rounds()));
    }
    if let (Some(all), Some(last)) = (federation.rounds, rounds.last())
        && *last > all
    {
        return fault("federation.rounds", format!("= {all}, but round {last} is to be attacked"));
    }
    attacked_clients(config)?;
    local_training(config)?;
    knowledge(config)
}

fn attacked_clients(config: &RunConfig) -> Result<(), Fault> {
    let federation = &config.federation;
    let (key, summed) = ("federation.secure_aggregation", federation.secure_aggregation);
    let fault = |message: String| Err(Fault { key, message: format!("{key} = {summed} {message}") });
    if summed < 1 || summed > federation.clients {
        return fault(format!("clients cannot be summed, there are {}; use 1 to {0}", federation.clients));
    }
    if !config.batch().is_multiple_of(summed as usize) {
        return fault(format!(
            "clients share the batch in equal parts, which {} samples cannot be",
            config.batch()
        ));
    }
    if summed > 1 && config.victim.mode == BatchNormMode::EvalClient {
        return fault(
            "clients cannot each have BatchNorm statistics of their own; use victim.mode = \"eval\"".into(),
        );
    }
    if config.victim.share_buffers && config.victim.mode == BatchNormMode::Eval {
        let key = "victim.share_buffers";
        let message =
            "= true, but in eval mode the statistics are public already; use \"eval-client\" or \"train\"";
        return Err(Fault { key, message: format!("{key} {message}") });
    }
    Ok(())
}

fn local_training(config: &RunConfig) -> Result<(), Fault> {
    let federation = &config.federation;
    let fault = |key: &'static str, message: String| Err(Fault { key, message: format!("{key} {message}") });
    if federation.local_batch == Some(0) {
        return fault("federation.local_batch", "= 0, must be 1 or more".into());
    }
    let Some(local) = federation.local() else {
        for (key, given) in [
            ("federation.local_epochs", federation.local_epochs != 1),
            ("federation.accumulate", federation.accumulate != Accumulate::default()),
            ("federation.optimiser", federation.optimiser != LocalOptimiser::default()),
            ("federation.momentum", federation.momentum != 0.0),
            ("federation.dampening", federation.dampening != 0.0),
            ("federation.nesterov", federation.nesterov),
            ("federation.betas", federation.betas.is_some()),
            ("federation.eps", federation.eps.is_some()),
            ("federation.weight_decay", federation.weight_decay.is_some_and(|decay| decay != 0.0)),
            ("federation.clip", federation.clip.is_some()),
            ("federation.proximal", federation.proximal != 0.0),
            ("federation.shuffle", federation.shuffle),
        ] {
            if given {
                return fault(key, "is for local steps; use federation.algorithm = \"fedavg\"".into());
            }
        }
        if config.trains() && federation.learning_rate.is_none() {
            let message = "is missing: the server needs a step size to train; for instance 0.1";
            return fault("federation.learning_rate", message.into());
        }
        return Ok(());
    };
    if federation.learning_rate.is_none() {
        let message = "is missing: fedavg takes local steps; for instance 0.01";
        return fault("federation.learning_rate", message.into());
    }
    let each = config.batch() / federation.secure_aggregation.max(1) as usize;
    local.check(each).map_err(|(field, message)| {
        let key = match field {
            "epochs" => "federation.local_epochs",
            "batch" => "federation.local_batch",
            "accumulate" => "federation.accumulate",
            "momentum" => "federation.momentum",
            "dampening" => "federation.dampening",
            "nesterov" => "federation.nesterov",
            "betas" => "federation.betas",
            "eps" => "federation.eps",
            "weight_decay" => "federation.weight_decay",
            "clip" => "federation.clip",
            _ => "federation.proximal",
        };
        Fault { key, message: format!("{key} {message}") }
    })
}

fn knowledge(config: &RunConfig) -> Result<(), Fault> {
    let federation = &config.federation;
    let fault = |key: &'static str, message: String| Err(Fault { key, message: format!("{key} {message}") });
    let local = config.knowledge.local;
    if local != LocalKnowledge::Known && !config.takes_steps() {
        let message = "is about local steps; use federation.algorithm = \"fedavg\", or remove it";
        return fault("knowledge.local", message.into());
    }
    let guess = config.attack.search().and_then(|search| search.guess.as_ref());
    let each = config.batch() / federation.secure_aggregation.max(1) as usize;
    if let Some(guess) = guess {
        guess.check(each)?;
        if !config.takes_steps() {
            let message = "is about local steps; use federation.algorithm = \"fedavg\", or remove it";
            return fault("attack.guess", message.into());
        }
        if local != LocalKnowledge::None {
            let message = "is for an attacker who is not told how the client trains; set knowledge.local = \"none\", or remove it";
            return fault("attack.guess", message.into());
        }
    }
    if local == LocalKnowledge::None && guess.is_none() && !config.attack.ignores_scale() {
        let message = "= \"none\" leaves the scale of the update unknown; use attack.distance = \"cosine\"";
        return fault("knowledge.local", message.into());
    }
    if let LocalKnowledge::Assumed(assumed) = local
        && let Err((field, message)) = assumed.check(each)
    {
        return fault("knowledge.local", format!("assumes {field} {message}"));
    }
    if config.knowledge.order && !(federation.shuffle && local == LocalKnowledge::Known) {
        let message = "= true grants the order of a client that shuffles and whose local training is known; \
                       set federation.shuffle = true and knowledge.local = \"known\", or remove it";
        return fault("knowledge.order", message.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use crate::config::preset;

    fn refused(changes: &[&str]) -> String {
        let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
        preset::load("ig-lenet", &changes, Path::new("/nonexistent")).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_a_federation_is_refused_by_its_key() {
        let fedavg =
            ["federation.algorithm=fedavg", "federation.learning_rate=0.1", "victim.indices=[0,1,2,3]"];
        for (change, says) in [
            ("federation.local_batch=5", "local_batch = 5, but the attacked client holds 4 sample(s)"),
            ("federation.local_epochs=0", "local_epochs = 0, must be 1 to 10000"),
            ("federation.momentum=1", "momentum = 1, must be 0 or more and below 1"),
            (
                "federation.secure_aggregation=3",
                "secure_aggregation = 3 clients cannot be summed, there are 1",
            ),
            ("federation.clients_per_round=2", "clients_per_round = 2, must be 1 to 1"),
            (
                "federation.attack_rounds=[3, 1]",
                "attack_rounds = [3, 1], must be one or more rounds in ascending",
            ),
            ("federation.partition={ dirichlet = 0 }", "dirichlet = 0 }, must be finite and above 0"),
            ("knowledge.order=true", "knowledge.order = true grants the order of a client that shuffles"),
            (
                "knowledge.local={ assumed = { learning_rate = 0.1, batch = 9 } }",
                "knowledge.local assumes batch = 9, but the attacked client holds 4",
            ),
            ("federation.optimiser=adamax", "`adamax` is not known; did you mean `adam`?"),
            ("federation.lr=0.1", "did you mean `learning_rate`?"),
            ("federation.batch_size=2", "did you mean `local_batch`?"),
            ("federation.optimizer=adam", "did you mean `optimiser`?"),
            ("federation.steps=2", "did you mean `local_epochs`, from which, with the batch, the number of"),
            (
                "federation.nesterov=true",
                "federation.nesterov = true needs a momentum above 0 and no dampening",
            ),
            ("federation.dampening=0.5", "federation.dampening = 0.5, but there is no momentum to dampen"),
            ("federation.dampening=1.5", "federation.dampening = 1.5, must be 0 to 1"),
            ("federation.betas=[0.9, 0.99]", "federation.betas belongs to Adam, but the optimiser is SGD"),
            ("federation.eps=1e-6", "federation.eps belongs to Adam"),
            ("federation.clip=0", "federation.clip = 0, must be above 0"),
            ("federation.proximal=-1", "federation.proximal = -1, must be 0 or more"),
            ("federation.weight_decay=nan", "federation.weight_decay = NaN, must be finite and 0 or more"),
            (
                "federation.accumulate=2",
                "federation.accumulate = 2, but an epoch of the attacked client has 1 batch",
            ),
            ("federation.accumulate=0", "federation.accumulate = 0, but an epoch"),
            ("federation.accumulate=mean", "accumulate is a number of batches, as 4, or { sum = 4 } where"),
            ("victim.share_buffers=true", "in eval mode the statistics are public already"),
        ] {
            let error = refused(&[&fedavg[..], &[change]].concat());
            assert!(error.contains(says), "{change}: {error}");
        }
        for (change, says) in [
            ("federation.momentum=0.9", "federation.momentum belongs to SGD, but the optimiser is Adam"),
            ("federation.nesterov=true", "federation.nesterov belongs to SGD, but the optimiser is Adam"),
            (
                "federation.betas=[0.9, 1]",
                "federation.betas = [0.9, 1.0], must both be 0 or more and below 1",
            ),
            ("federation.eps=0", "federation.eps = 0, must be above 0"),
        ] {
            let error = refused(&[&fedavg[..], &["federation.optimiser=adam", change]].concat());
            assert!(error.contains(says), "{change}: {error}");
        }
        for (changes, says) in [
            (
                &["federation.optimiser=adam"][..],
                "federation.optimiser is for local steps; use federation.alg",
            ),
            (&["federation.clip=1"], "federation.clip is for local steps"),
            (&["federation.algorithm=fedavg"], "learning_rate is missing: fedavg takes local steps"),
            (&["federation.attack_rounds=[5]"], "learning_rate is missing: the server needs a step size"),
            (&["federation.local_epochs=2"], "local_epochs is for local steps"),
            (&["knowledge.local=none"], "knowledge.local is about local steps"),
            (
                &["federation.attack_rounds=[5]", "federation.rounds=4"],
                "rounds = 4, but round 5 is to be attacked",
            ),
            (
                &["federation.clients=4", "federation.secure_aggregation=2", "victim.indices=[0,1,2]"],
                "share the batch in equal parts, which 3 samples cannot be",
            ),
        ] {
            let error = refused(changes);
            assert!(error.contains(says), "{changes:?}: {error}");
        }
    }

    #[test]
    fn headers_say_how_clients_and_model_were_trained() {
        let load = |changes: &[&str]| {
            let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
            preset::load("ig-lenet", &changes, Path::new("/nonexistent")).unwrap().config
        };
        assert_eq!(load(&[]).training(), "untrained");
        let rate = "federation.learning_rate=0.1";
        assert_eq!(load(&[rate, "federation.attack_rounds=[0, 5, 20]"]).training(), "trained 0 to 20 rounds");
        assert_eq!(load(&[rate, "victim.state={ train-rounds = 7 }"]).training(), "trained 7 rounds");
        let config = load(&[
            rate,
            "federation.algorithm=fedavg",
            "federation.local_epochs=2",
            "victim.indices=[0,1,2,3]",
            "federation.local_batch=4",
        ]);
        assert_eq!(config.protocol(), "FedAvg, 2 epochs of 4, lr 0.1");
        let fedavg = |changes: &[&str]| {
            let common = [rate, "federation.algorithm=fedavg", "victim.indices=[0,1,2,3]"];
            load(&[&common[..], &["federation.local_batch=1"], changes].concat()).protocol()
        };
        for (changes, says) in [
            (&["federation.momentum=0.9", "federation.nesterov=true"][..], ", lr 0.1, Nesterov momentum 0.9"),
            (
                &["federation.momentum=0.9", "federation.dampening=0.5"],
                ", lr 0.1, momentum 0.9, dampening 0.5",
            ),
            (&["federation.clip=2", "federation.proximal=0.01"], ", lr 0.1, clip 2, proximal 0.01"),
            (&["federation.accumulate=2"], ", accumulate 2, lr 0.1"),
            (&["federation.accumulate={ sum = 2 }"], ", accumulate 2 (sum), lr 0.1"),
            (&["federation.optimiser=adam", "federation.eps=1e-6"], ", Adam, lr 0.1, eps 1e-6"),
            // As PyTorch's AdamW decays if nothing is said.
            (&["federation.optimiser=adamw"], ", AdamW, lr 0.1, weight decay 0.01"),
            (&["federation.optimiser=adamw", "federation.weight_decay=0"], ", AdamW, lr 0.1, weight decay 0"),
        ] {
            assert_eq!(fedavg(changes), format!("FedAvg, 1 epoch of 1{says}"));
        }
        let known = |changes: &[&str]| {
            let common =
                [rate, "federation.algorithm=fedavg", "victim.indices=[0,1,2,3]", "attack.distance=cosine"];
            load(&[&common[..], changes].concat()).protocol_and_knowledge()
        };
        for (changes, says) in [
            (&[][..], "lr 0.1 (known)"),
            (&["federation.shuffle=true"], "lr 0.1, shuffled (known but for the order)"),
            (&["federation.shuffle=true", "knowledge.order=true"], "lr 0.1, shuffled (known with the order)"),
            (&["federation.momentum=0.9", "knowledge.local=none"], "lr 0.1, momentum 0.9 (not known)"),
            (
                &["federation.weight_decay=0.1", "knowledge.local={ assumed = { learning_rate = 0.2 } }"],
                "lr 0.1, weight decay 0.1 (assumed as 1 epoch, lr 0.2, no weight decay)",
            ),
        ] {
            assert_eq!(known(changes), format!("FedAvg, 1 epoch, {says}"));
        }
        assert!(config.threat_model().starts_with("C (parameter-aware"));
        let config =
            preset::change(&config, [("victim.mode", "train"), ("victim.share_buffers", "true")]).unwrap();
        assert!(config.threat_model().starts_with("E (statistical-informed"));
    }
}
