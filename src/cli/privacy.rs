//! `gialab privacy`: the differential privacy of clipped sums with Gaussian noise.

use std::io::Write;

use gialab::config::ConfigError;
use gialab::format::wrapped;
use gialab::privacy::{Account, Mechanism, Refusal, noise_multiplier_for};
use serde::Serialize;

use super::{DONE, output};

#[derive(clap::Args)]
pub struct Arguments {
    /// Standard deviation of the noise on a sum, over the norm that each sample's gradient is clipped to
    #[arg(long, value_name = "Z", required_unless_present = "epsilon", allow_hyphen_values = true)]
    noise_multiplier: Option<f64>,
    /// Find the noise multiplier that gives this epsilon instead
    #[arg(long, value_name = "EPSILON", conflicts_with = "noise_multiplier", allow_hyphen_values = true)]
    epsilon: Option<f64>,
    /// Probability with which a sample takes part in a release, each by itself
    #[arg(long, value_name = "Q", default_value_t = 1.0, allow_hyphen_values = true)]
    sampling: f64,
    /// Releases
    #[arg(long, value_name = "T", default_value_t = 1, allow_hyphen_values = true)]
    steps: u64,
    /// Well below 1 / number of samples
    #[arg(long, value_name = "DELTA", default_value_t = 1e-5, allow_hyphen_values = true)]
    delta: f64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What was accounted for. An epsilon is absent where no finite one holds.
#[derive(Serialize)]
struct Answer {
    noise_multiplier: f64,
    sampling: f64,
    steps: u64,
    delta: f64,
    epsilon: Option<f64>,
    epsilon_renyi: Option<f64>,
}

/// What an epsilon is said of, each with its heading.
const MEANING: [(&str, &str); 3] = [
    ("unit", "one sample of one client, added or removed"),
    (
        "trust",
        "nobody: the client clips and adds the noise before it sends, and all that it sends is counted",
    ),
    (
        "holds for",
        "sums in which each sample takes part by a draw of its own (Poisson; 1 is every sample every time), its gradient \
         clipped before it is added, the noise added to the sum. Clipping or noise alone is no differential privacy, and \
         batches that are shuffled are not such draws.",
    ),
];

/// Columns of a line.
const WIDTH: usize = 80;

pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let &Arguments { noise_multiplier, epsilon, sampling, steps, delta, .. } = arguments;
    let refused = |refusal: Refusal| ConfigError::new("privacy", refusal.to_string());
    // Exact where it is known.
    let account = if sampling == 1.0 { Account::ClosedForm } else { Account::LossDistribution };
    let noise = match (noise_multiplier, epsilon) {
        (Some(noise), _) => noise,
        (None, epsilon) => {
            let epsilon = epsilon.unwrap_or_default();
            noise_multiplier_for(account, epsilon, delta, sampling, steps).map_err(refused)?
        }
    };
    let mechanism = Mechanism::new(noise, sampling).map_err(refused)?;
    let epsilon = mechanism.epsilon(account, steps, delta).map_err(refused)?;
    let renyi = mechanism.epsilon(Account::Renyi, steps, delta).map_err(refused)?;
    let mut out = output::lines();
    if arguments.json {
        let finite = |value: f64| Some(value).filter(|value| value.is_finite());
        let (epsilon, epsilon_renyi) = (finite(epsilon), finite(renyi));
        let answer = Answer { noise_multiplier: noise, sampling, steps, delta, epsilon, epsilon_renyi };
        writeln!(out, "{}", serde_json::to_string(&answer)?)?;
        return Ok(DONE);
    }
    writeln!(out, "noise multiplier {noise:.6}, sampling {sampling}, {steps} release(s), delta {delta:e}")?;
    let how = match account {
        Account::ClosedForm => "exact",
        _ => "an upper bound, close to the true one (distribution of the privacy loss)",
    };
    writeln!(out, "epsilon    {epsilon:.4}  {how}")?;
    writeln!(out, "           {renyi:.4}  by Renyi divergences, as most publications report it")?;
    let of_delta = format!(
        "with this chance the promise may be broken, for every sample: it says something of data of far fewer than {:.0} \
         samples",
        1.0 / delta
    );
    for (heading, text) in MEANING.iter().copied().chain([("delta", of_delta.as_str())]) {
        let mut heading = heading;
        for line in wrapped(text, WIDTH - 11) {
            writeln!(out, "{heading:<9}  {line}")?;
            heading = "";
        }
    }
    Ok(DONE)
}
