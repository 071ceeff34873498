//! Pictures that a generator makes: its codes are moved, or its weights, or the features between two of its layers.

use std::fmt;
use std::sync::Arc;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{Of, Variable};
use crate::attack::{AttackError, start};
use crate::backend::Compute;
use crate::config::{Stage, Start, VariableKind};
use crate::model::generator::{Generator, upsampling};
use crate::seed::{self, Seed};

/// Numbers of the codes of a generator that nobody trained; ours.
pub const UNTRAINED_LATENT: usize = 128;

/// Channels of its smallest map; ours. Of 32x32 it has a quarter of a million weights for three thousand pixels.
const UNTRAINED_WIDTH: usize = 32;

/// What of a generator moves.
#[derive(Clone)]
enum Moving {
    /// The codes.
    Codes,
    /// The weights.
    Weights,
    /// What is given in front of a layer, of each sample within this distance of where it began.
    Features { begin: Vec<f64>, radius: Option<f64> },
}

/// A generator with what it is given.
#[derive(Clone)]
pub(super) struct Generated {
    generator: Arc<Generator>,
    compute: Compute,
    samples: usize,
    labels: Vec<usize>,
    range: Vec<(f64, f64)>,
    /// The layer in front of which `given` stands.
    at: usize,
    /// What stays: codes with their labels.
    given: Vec<f64>,
    moving: Moving,
    /// Fresh weights where a search begins.
    fresh: bool,
}

impl fmt::Debug for Generated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generated")
            .field("samples", &self.samples)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl Generated {
    /// Codes of the generator that the attacker is granted.
    pub(super) fn codes(of: &Of<'_>) -> Result<Generated, AttackError> {
        let generator = of.view.knowledge.generator.clone().ok_or_else(|| AttackError::Variable {
            why: "it searches the codes of a generator, and none is granted; set knowledge.generator"
                .to_owned(),
        })?;
        if generator.net.classes() > 0 && of.labels.iter().any(|label| *label >= generator.net.classes()) {
            let why = format!(
                "the generator makes pictures of {} classes, and a label is beyond them",
                generator.net.classes()
            );
            return Err(AttackError::Variable { why });
        }
        Generated::of(of, generator, Vec::new(), Moving::Codes)
    }

    /// The weights of a generator that nobody trained, at codes that are drawn once.
    pub(super) fn untrained(of: &Of<'_>) -> Result<Generated, AttackError> {
        let [samples, channels, height, width] = of.shape;
        let net = upsampling(UNTRAINED_LATENT, 0, [channels, height, width], UNTRAINED_WIDTH);
        let net =
            net.map_err(|why| AttackError::Variable { why: format!("the untrained generator: {why}") })?;
        let seed = of.seed.child("generator");
        let codes = seed::normal(&mut seed.stream("codes", &[]), samples * UNTRAINED_LATENT);
        let generator = Arc::new(net.untrained(&of.view.compute, seed));
        Ok(Generated { fresh: true, ..Generated::of(of, generator, codes, Moving::Weights)? })
    }

    fn of(
        of: &Of<'_>,
        generator: Arc<Generator>,
        given: Vec<f64>,
        moving: Moving,
    ) -> Result<Generated, AttackError> {
        let [samples, shape @ ..] = of.shape;
        if generator.net.shape() != shape {
            let why = "the generator makes pictures of another size than the victim's".to_owned();
            return Err(AttackError::Variable { why });
        }
        Ok(Generated {
            generator,
            compute: of.view.compute.clone(),
            samples,
            labels: of.labels.to_vec(),
            range: of.view.range.clone(),
            at: 0,
            given,
            moving,
            fresh: false,
        })
    }

    /// Values of a sample's pixels: channel by channel the smallest and the width of the range.
    fn scales(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let [channels, height, width] = self.generator.net.shape();
        (0..self.samples * channels).flat_map(move |plane| {
            let (low, high) = self.range[plane % channels];
            std::iter::repeat_n((low, high - low), height * width)
        })
    }

    /// What stands in front of layer [`Self::at`] where the moving part is z.
    fn values(&self, z: &[f64]) -> Vec<f64> {
        match &self.moving {
            Moving::Codes => self.generator.labelled(z, &self.labels_or_none()),
            Moving::Weights => self.given.clone(),
            Moving::Features { .. } => z.to_vec(),
        }
    }

    /// A label for each sample, whatever it is where the generator tells none apart.
    fn labels_or_none(&self) -> Vec<usize> {
        if self.labels.len() == self.samples { self.labels.clone() } else { vec![0; self.samples] }
    }

    /// The generator where the moving part is z.
    fn standing(&self, z: &[f64]) -> Arc<Generator> {
        match &self.moving {
            Moving::Weights => Arc::new(self.generator.with_weights(&self.compute, z)),
            Moving::Codes | Moving::Features { .. } => self.generator.clone(),
        }
    }
}

impl Variable for Generated {
    fn count(&self) -> usize {
        let net = &self.generator.net;
        match &self.moving {
            Moving::Codes => self.samples * net.latent(),
            Moving::Weights => net.parameter_count(),
            Moving::Features { begin, .. } => begin.len(),
        }
    }

    fn decode(&self, z: &[f64]) -> Vec<f64> {
        let end = self.generator.net.whole().end;
        let pixels = self.standing(z).through(&self.compute, self.at..end, self.samples, &self.values(z));
        pixels.iter().zip(self.scales()).map(|(pixel, (low, width))| low + width * pixel).collect()
    }

    fn pull(&self, z: &[f64], to_x: Vec<f64>) -> Vec<f64> {
        let to_pixels: Vec<f64> = to_x.iter().zip(self.scales()).map(|(to, (_, width))| to * width).collect();
        let (net, with_weights) = (&self.generator.net, matches!(self.moving, Moving::Weights));
        let stretch = self.at..net.whole().end;
        let pulled = self.standing(z).pull(&self.compute, stretch, &self.values(z), &to_pixels, with_weights);
        match self.moving {
            Moving::Weights => pulled.to_weights,
            Moving::Features { .. } => pulled.to_values,
            Moving::Codes => {
                let rows = pulled.to_values.chunks(net.latent() + net.classes());
                rows.flat_map(|row| row[..net.latent()].to_vec()).collect()
            }
        }
    }

    /// Keeps features in a ball of the l1 norm around where they began, sample by sample.
    fn project(&self, z: &mut [f64]) {
        if let Moving::Features { begin, radius: Some(radius) } = &self.moving {
            let each = begin.len() / self.samples.max(1);
            z.chunks_mut(each).zip(begin.chunks(each)).for_each(|(z, begin)| into_ball(z, begin, *radius));
        }
    }

    /// The mean.
    fn pool(&self, members: &[Vec<f64>]) -> Vec<f64> {
        super::pixels::mean(members)
    }

    fn first(&self, start: Start, generator: &mut ChaCha8Rng) -> Vec<f64> {
        match &self.moving {
            Moving::Codes => {
                start::first(start, generator, [self.samples, 1, 1, self.generator.net.latent()])
            }
            Moving::Weights if self.fresh => {
                self.generator.net.clone().untrained(&self.compute, Seed(generator.random())).weights()
            }
            Moving::Weights => self.generator.weights(),
            Moving::Features { begin, .. } => begin.clone(),
        }
    }

    fn latent(&self) -> Option<usize> {
        matches!(self.moving, Moving::Codes).then(|| self.generator.net.latent())
    }

    fn then(&self, z: &[f64], stage: &Stage) -> Option<(Arc<dyn Variable>, Vec<f64>)> {
        let (generator, values) = (self.standing(z), self.values(z));
        let next = match stage.variable {
            VariableKind::Weights => {
                Generated { generator, given: values, moving: Moving::Weights, ..self.clone() }
            }
            VariableKind::Features(number) => {
                let at = *generator.net.cuts().get(number - 1).filter(|at| **at >= self.at)?;
                let begin = generator.through(&self.compute, self.at..at, self.samples, &values);
                let moving = Moving::Features { begin, radius: stage.radius };
                Generated { generator, at, given: Vec::new(), moving, ..self.clone() }
            }
            _ => return None,
        };
        let begin = match &next.moving {
            Moving::Features { begin, .. } => begin.clone(),
            _ => next.generator.weights(),
        };
        Some((Arc::new(next), begin))
    }
}

/// The nearest point to z with |z - begin|_1 at most `radius` (Duchi et al. 2008): a soft threshold of the differences.
fn into_ball(z: &mut [f64], begin: &[f64], radius: f64) {
    let mut sizes: Vec<f64> = z.iter().zip(begin).map(|(z, begin)| (z - begin).abs()).collect();
    if sizes.iter().sum::<f64>() <= radius {
        return;
    }
    sizes.sort_by(|a, b| b.total_cmp(a));
    let (mut sum, mut threshold) = (0.0, 0.0);
    for (count, size) in sizes.iter().enumerate() {
        sum += size;
        let candidate = (sum - radius) / (count as f64 + 1.0);
        if candidate >= *size {
            break;
        }
        threshold = candidate;
    }
    for (z, begin) in z.iter_mut().zip(begin) {
        let difference = *z - begin;
        *z = begin + difference.signum() * (difference.abs() - threshold).max(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ball_keeps_what_is_inside_and_takes_the_nearest_of_its_rim() {
        let begin = [1.0, -1.0, 0.5, 0.0];
        let mut inside = [1.2, -1.1, 0.5, 0.1];
        into_ball(&mut inside, &begin, 1.0);
        assert_eq!(inside, [1.2, -1.1, 0.5, 0.1]);
        let far = [4.0, -3.0, 0.6, 0.0];
        let mut z = far;
        into_ball(&mut z, &begin, 2.0);
        let length = |z: &[f64]| z.iter().zip(&begin).map(|(z, b)| (z - b).abs()).sum::<f64>();
        assert!((length(&z) - 2.0).abs() < 1e-12, "{z:?}");
        // Differences 3, 2, 0.1 less a threshold of 1.5: 1.5, 0.5, 0.
        for (found, expected) in z.iter().zip([2.5, -1.5, 0.5, 0.0]) {
            assert!((found - expected).abs() < 1e-12, "{z:?}");
        }
    }
}
