//! FC inversion (Phong et al. 2017; Geiping et al. 2020): a = (dL/dW)_i / (dL/db)_i.
//!
//! Exact where one sample alone has a say in row i. Of a batch most rows are mixtures, `sum k_n a_n / sum k_n`; those of one
//! sample alone say the same thing several times, to the last digits, which mixtures do not.

use super::super::{AttackError, Task};
use super::rows::{self, Rows, inside};
use super::{Desk, Found, Of};
use crate::config::{Direct, Precision};

/// A row whose bias gradient is smaller than this share of the largest is rounding. Ours.
const ACTIVE: f64 = 1e-6;

/// So many rows have to agree: of a thousand mixtures two come as near to each other as rounding now and then, three do
/// not. Ours.
const ENOUGH: usize = 3;

/// Two rows of one sample differ by no more than this share of their size: a division and a product are rounded in each.
/// Ours.
fn rounding(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => 5e-7,
        Precision::F64 => 1e-14,
    }
}

pub(super) fn check(of: &Of<'_>) -> Result<(), String> {
    rows::begins_with_layer("fc-inversion", of.net)
}

/// What several rows agree on.
pub(super) struct Cluster {
    pub x: Vec<f64>,
    pub rows: usize,
    /// Of its rows the largest |dL/db|.
    weight: f64,
    /// Share of values that are possible.
    inside: f64,
    /// It is taken for one sample alone.
    pub certain: bool,
}

pub(super) fn solve(task: &Task<'_>, _settings: &Direct, desk: &mut Desk<'_>) -> Result<Found, AttackError> {
    let (rows, layer) = Rows::of_first(task)?;
    let largest = rows.bias.iter().fold(0.0f64, |most, value| most.max(value.abs()));
    let mut active: Vec<usize> =
        (0..rows.bias.len()).filter(|&i| rows.bias[i].abs() > ACTIVE * largest).collect();
    active.sort_by(|&a, &b| rows.bias[b].abs().total_cmp(&rows.bias[a].abs()));
    let batch = task.view.update.samples;
    let clusters =
        clusters(&rows, &active, batch, rounding(task.view.compute.precision()), inside(task.view));
    let certain = || clusters.iter().filter(|cluster| cluster.certain);
    let (found, alone) = (certain().count(), certain().map(|cluster| cluster.rows).sum::<usize>());
    desk.say(format!(
        "layer {}: {} of {} rows are active, {alone} of them ({:.0} %) hold one sample alone: {found} of a batch of {batch}",
        layer.name,
        active.len(),
        rows.bias.len(),
        100.0 * alone as f64 / active.len() as f64
    ));
    let agreed = clusters.iter().filter(|cluster| cluster.agreed(batch)).count();
    if agreed > batch {
        desk.say(format!(
            "rows agree on {agreed} pictures that are possible, more than the batch has samples: mixtures agree as well here, so \
             that none is certain"
        ));
    } else if found < batch {
        desk.say(format!(
            "{} of {batch} samples not found for sure, the same as another or alone in fewer than {ENOUGH} rows: shown is the \
             likeliest mixture",
            batch - found
        ));
    }
    let samples: Vec<Vec<f64>> = clusters.into_iter().take(batch).map(|cluster| cluster.x).collect();
    let unexplained = rows.unexplained(&samples);
    desk.say(format!("they leave {unexplained:.1e} of the layer's gradient unexplained"));
    Ok(Found::unlabelled(samples, unexplained))
}

impl Cluster {
    /// Whether it looks like a sample by itself: enough rows say it, and all of it is possible. Of a batch of one every row is
    /// the sample.
    fn agreed(&self, batch: usize) -> bool {
        batch == 1 || (self.rows >= ENOUGH && self.inside >= 1.0)
    }
}

/// What the active rows say, each thing once: what is certain first, by the rows that say it, then what is possible. Where
/// more look like samples than the batch has, none is certain: behind two classes all samples weigh the rows alike, and
/// mixtures of the same ones agree.
pub(super) fn clusters(
    rows: &Rows,
    active: &[usize],
    batch: usize,
    rounding: f64,
    inside: impl Fn(&[f64]) -> f64,
) -> Vec<Cluster> {
    let mut clusters: Vec<Cluster> = Vec::new();
    for &row in active {
        let x = rows.quotient(row);
        let limit = rounding * rounding * x.iter().map(|value| value * value).sum::<f64>();
        match clusters.iter_mut().find(|known| no_further(&known.x, &x, limit)) {
            Some(known) => known.rows += 1,
            None => {
                let (inside, weight) = (inside(&x), rows.bias[row].abs());
                clusters.push(Cluster { x, rows: 1, weight, inside, certain: false });
            }
        }
    }
    if clusters.iter().filter(|cluster| cluster.agreed(batch)).count() <= batch {
        clusters.iter_mut().for_each(|cluster| cluster.certain = cluster.agreed(batch));
    }
    let rank = |cluster: &Cluster| (cluster.certain, if cluster.certain { cluster.rows } else { 0 });
    clusters.sort_by(|a, b| {
        let by_rows = rank(b).cmp(&rank(a));
        by_rows
            .then(b.inside.total_cmp(&a.inside))
            .then(b.rows.cmp(&a.rows))
            .then(b.weight.total_cmp(&a.weight))
    });
    clusters
}

/// Whether the square of their distance is at most `limit`; most are apart after a few values.
fn no_further(a: &[f64], b: &[f64], limit: f64) -> bool {
    let mut apart = 0.0;
    a.iter().zip(b).all(|(a, b)| {
        apart += (a - b) * (a - b);
        apart <= limit
    })
}
