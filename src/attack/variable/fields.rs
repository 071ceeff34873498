//! The fields of a table (TabLeak, Vero et al. 2023): words through softmax, numbers through sigmoid onto their range.

use std::ops::Range;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::Variable;
use crate::attack::start;
use crate::config::Start;
use crate::fl::AttackerView;

/// z holds a score for each value of a row.
#[derive(Debug)]
pub(super) struct Fields {
    samples: usize,
    width: usize,
    /// Values of each field.
    fields: Arc<[usize]>,
    /// Smallest and largest normalised value.
    range: (f64, f64),
}

impl Fields {
    /// Of a view without fields every value is a number.
    pub(super) fn new(view: &AttackerView) -> Fields {
        let [samples, channels, height, width] = view.shape();
        let width = channels * height * width;
        let fields = view.knowledge.fields.clone().unwrap_or_else(|| vec![1; width].into());
        let range = view.range.first().copied().unwrap_or((0.0, 1.0));
        Fields { samples, width, fields, range }
    }

    /// Where the values of each field are, sample by sample.
    fn blocks(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        (0..self.samples).flat_map(|sample| {
            let mut begin = sample * self.width;
            self.fields.iter().map(move |width| {
                let block = begin..begin + width;
                begin += width;
                block
            })
        })
    }

    /// A value in [0, 1].
    fn share(&self, x: f64) -> f64 {
        let (low, high) = self.range;
        ((x - low) / (high - low)).clamp(0.0, 1.0)
    }
}

/// Shares between 0 and 1: of a number its sigmoid, of words their softmax.
fn shares(z: &[f64]) -> Vec<f64> {
    match z {
        [number] => vec![1.0 / (1.0 + (-number).exp())],
        words => {
            let most = words.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let powers: Vec<f64> = words.iter().map(|word| (word - most).exp()).collect();
            let sum: f64 = powers.iter().sum();
            powers.into_iter().map(|power| power / sum).collect()
        }
    }
}

impl Variable for Fields {
    fn count(&self) -> usize {
        self.samples * self.width
    }

    fn decode(&self, z: &[f64]) -> Vec<f64> {
        let (low, high) = self.range;
        let shares = self.blocks().flat_map(|block| shares(&z[block]));
        shares.map(|share| low + (high - low) * share).collect()
    }

    fn pull(&self, z: &[f64], mut to_x: Vec<f64>) -> Vec<f64> {
        let scale = self.range.1 - self.range.0;
        for block in self.blocks() {
            let (shares, to) = (shares(&z[block.clone()]), &mut to_x[block]);
            if let ([share], [to]) = (shares.as_slice(), &mut *to) {
                *to *= scale * share * (1.0 - share);
                continue;
            }
            let mean: f64 = shares.iter().zip(&*to).map(|(share, to)| share * to).sum();
            to.iter_mut().zip(&shares).for_each(|(to, share)| *to = scale * share * (*to - mean));
        }
        to_x
    }

    /// Every z is possible.
    fn project(&self, _z: &mut [f64]) {}

    /// The median of each value.
    fn pool(&self, members: &[Vec<f64>]) -> Vec<f64> {
        let median = |entry: usize| {
            let mut values: Vec<f64> = members.iter().map(|member| member[entry]).collect();
            values.sort_by(f64::total_cmp);
            let middle = values.len() / 2;
            if values.len().is_multiple_of(2) {
                0.5 * (values[middle - 1] + values[middle])
            } else {
                values[middle]
            }
        };
        (0..self.count()).map(median).collect()
    }

    fn first(&self, start: Start, generator: &mut ChaCha8Rng) -> Vec<f64> {
        start::first(start, generator, [self.samples, 1, 1, self.width])
    }

    /// Of words 1 less the entropy of the mean share, as a part of the largest there can be; of numbers 1 less their
    /// deviation over the members, as a part of that of a number of which nothing is known (uniform). TabLeak's
    /// entropies, brought to 0 and 1: ours.
    fn confidence(&self, members: &[Vec<f64>]) -> Vec<f64> {
        if members.len() < 2 {
            return Vec::new();
        }
        let count = members.len() as f64;
        let of_field = |block: Range<usize>| {
            let mean = |entry: usize| members.iter().map(|m| self.share(m[entry])).sum::<f64>() / count;
            if block.len() == 1 {
                let (at, mean) = (block.start, mean(block.start));
                let square: f64 = members.iter().map(|m| (self.share(m[at]) - mean).powi(2)).sum();
                return 1.0 - ((square / count).sqrt() * 12f64.sqrt()).min(1.0);
            }
            let words = block.len() as f64;
            let means: Vec<f64> = block.map(mean).collect();
            let sum: f64 = means.iter().sum::<f64>().max(f64::MIN_POSITIVE);
            let shares = means.iter().map(|mean| mean / sum);
            let entropy: f64 = shares.filter(|p| *p > 0.0).map(|p| -p * p.ln()).sum();
            (1.0 - entropy / words.ln()).clamp(0.0, 1.0)
        };
        self.blocks().map(of_field).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Seed, normal};

    fn fields() -> Fields {
        Fields { samples: 2, width: 5, fields: vec![1, 3, 1].into(), range: (-1.0, 2.0) }
    }

    #[test]
    fn the_way_back_is_the_slope() {
        let fields = fields();
        let mut draw = Seed(1).stream("z", &[]);
        let (mut z, w) = (normal(&mut draw, 10), normal(&mut draw, 10));
        let found = fields.pull(&z, w.clone());
        for i in 0..10 {
            let kept = z[i];
            let mut at = |step: f64| {
                z[i] = kept + step;
                let value: f64 = fields.decode(&z).iter().zip(&w).map(|(x, w)| x * w).sum();
                z[i] = kept;
                value
            };
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((found[i] - slope).abs() < 1e-9, "{i}: {} {slope}", found[i]);
        }
    }

    #[test]
    fn rows_are_possible_and_words_share_one() {
        let x = fields().decode(&[3.0, 5.0, 0.0, -5.0, -40.0, 0.0, 1.0, 1.0, 1.0, 40.0]);
        assert!(x.iter().all(|x| (-1.0..=2.0).contains(x)), "{x:?}");
        for words in [&x[1..4], &x[6..9]] {
            let sum: f64 = words.iter().map(|x| (x + 1.0) / 3.0).sum();
            assert!((sum - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn members_that_agree_are_sure() {
        let fields = Fields { samples: 1, ..fields() };
        let low = vec![-1.0, 2.0, -1.0, -1.0, 0.5];
        let sure = fields.confidence(&[low.clone(), low.clone()]);
        assert_eq!(sure, [1.0, 1.0, 1.0]);
        let other = vec![2.0, -1.0, 2.0, -1.0, 0.5];
        let torn = fields.confidence(&[low.clone(), other.clone()]);
        assert!(torn[0] == 0.0 && (0.3..0.4).contains(&torn[1]) && torn[2] == 1.0, "{torn:?}");
        assert_eq!(fields.pool(&[low.clone(), other, low.clone()]), low);
        assert!(fields.confidence(&[low]).is_empty());
    }
}
