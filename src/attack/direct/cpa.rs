//! Cocktail party attack (Kariyappa et al. 2023): the rows of a fully connected layer's gradient are mixtures of the batch's
//! samples, and independent components part them.
//!
//! Differing from the paper: components are those of the differences of neighbouring pixels, which are mixed alike and further from
//! normal; and signs and sizes are not guessed, but follow from the gradient to the bias, which is the mixture of ones.

use faer::{Mat, Side};

use super::super::{AttackError, Task};
use super::rows::{self, Rows, inside};
use super::span::Span;
use super::{Desk, Found, Of, least_squares};
use crate::config::{Direct, Precision};
use crate::seed;

/// Steps of the fixed-point iteration (Hyvarinen 1999) at most, and where it has settled.
const STEPS: usize = 2_000;
const SETTLED: f64 = 1e-10;

pub(super) fn check(of: &Of<'_>) -> Result<(), String> {
    rows::begins_with_layer("cpa", of.net)
}

pub(super) fn solve(task: &Task<'_>, _settings: &Direct, desk: &mut Desk<'_>) -> Result<Found, AttackError> {
    let unsolved = |why: String| AttackError::Unsolved { why };
    let (rows, layer) = Rows::of_first(task)?;
    let batch = task.view.update.samples;
    let tolerance = match task.view.compute.precision() {
        Precision::F32 => 1e-6,
        Precision::F64 => 1e-11,
    };
    let span = Span::of(&rows, batch, tolerance, task.seed).map_err(unsolved)?;
    let rank = span.rank();
    desk.say(format!(
        "layer {}: rank {rank} of a batch of {batch}; the next singular value is {:.0e} of the first",
        layer.name, span.rest
    ));
    let unmixing = unmixing(&differences(&span.right, task.view.shape()), task).map_err(unsolved)?;
    // dL/db is the mixture of ones: it tells how large, and which way round, every component is.
    let bias = Mat::from_fn(rows.bias.len(), 1, |i, _| rows.bias[i]);
    let of_ones = least_squares::solve(span.left.as_ref(), bias.as_ref(), 1e-12).map_err(unsolved)?;
    let sizes = &unmixing * &of_ones.x;
    let components = &unmixing * &span.right;
    let inside = inside(task.view);
    let mut samples: Vec<(f64, Vec<f64>)> = (0..rank)
        .filter(|&n| sizes[(n, 0)] != 0.0)
        .map(|n| (0..rows.width).map(|j| components[(n, j)] / sizes[(n, 0)]).collect::<Vec<f64>>())
        .map(|x| (inside(&x), x))
        .collect();
    samples.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let possible = samples.iter().filter(|(inside, _)| *inside >= 1.0).count();
    desk.say(format!("{rank} components, {possible} of them what a sample can be in every value"));
    let samples: Vec<Vec<f64>> = samples.into_iter().map(|(_, x)| x).collect();
    let unexplained = rows.unexplained(&samples);
    desk.say(format!(
        "they leave {unexplained:.1e} of the layer's gradient unexplained, as any mixtures of them do: what parts them is only that \
         they are independent"
    ));
    Ok(Found::unlabelled(samples, unexplained))
}

/// Of each row, as a picture, the differences of neighbours to the right and below; of a table's row the row itself.
fn differences(rows: &Mat<f64>, [_, channels, height, width]: [usize; 4]) -> Mat<f64> {
    if height == 1 {
        return rows.clone();
    }
    let at = |c: usize, y: usize, x: usize| (c * height + y) * width + x;
    let mut pairs = Vec::new();
    for c in 0..channels {
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            if x + 1 < width {
                pairs.push((at(c, y, x), at(c, y, x + 1)));
            }
            if y + 1 < height {
                pairs.push((at(c, y, x), at(c, y + 1, x)));
            }
        }
    }
    Mat::from_fn(rows.nrows(), pairs.len(), |i, j| rows[(i, pairs[j].1)] - rows[(i, pairs[j].0)])
}

/// The matrix that makes independent components of these rows: whitening, then the symmetric fixed-point iteration with the
/// contrast log cosh.
fn unmixing(rows: &Mat<f64>, task: &Task<'_>) -> Result<Mat<f64>, String> {
    let (count, columns) = (rows.nrows(), rows.ncols());
    let mut centred = rows.clone();
    for i in 0..count {
        let mean = centred.row(i).sum() / columns as f64;
        (0..columns).for_each(|j| centred[(i, j)] -= mean);
    }
    let covariance = &centred * centred.transpose() * faer::Scale(1.0 / columns as f64);
    let whitening = to_the_power(&covariance, -0.5)?;
    let white = &whitening * &centred;
    let drawn = seed::normal(&mut task.seed.stream("components", &[u64::from(task.round)]), count * count);
    let mut turn = orthogonal(&Mat::from_fn(count, count, |i, j| drawn[i * count + j]))?;
    for _ in 0..STEPS {
        let along = &turn * &white;
        let squashed = Mat::from_fn(count, columns, |i, j| along[(i, j)].tanh());
        let slopes: Vec<f64> = (0..count)
            .map(|i| {
                (0..columns).map(|j| 1.0 - squashed[(i, j)] * squashed[(i, j)]).sum::<f64>() / columns as f64
            })
            .collect();
        let pulled = &squashed * white.transpose() * faer::Scale(1.0 / columns as f64);
        let next = orthogonal(&Mat::from_fn(count, count, |i, j| pulled[(i, j)] - slopes[i] * turn[(i, j)]))?;
        let moved = &next * turn.transpose();
        let off = (0..count).map(|i| (moved[(i, i)].abs() - 1.0).abs()).fold(0.0f64, f64::max);
        turn = next;
        if off < SETTLED {
            break;
        }
    }
    Ok(turn * whitening)
}

/// The orthogonal matrix nearest to this one: (M M^T)^-1/2 M.
fn orthogonal(matrix: &Mat<f64>) -> Result<Mat<f64>, String> {
    Ok(to_the_power(&(matrix * matrix.transpose()), -0.5)? * matrix)
}

/// A power of a symmetric positive matrix.
fn to_the_power(matrix: &Mat<f64>, power: f64) -> Result<Mat<f64>, String> {
    let eigen =
        matrix.self_adjoint_eigen(Side::Lower).map_err(|_| "the components are not finite".to_owned())?;
    let (u, values) = (eigen.U(), eigen.S().column_vector());
    let count = matrix.nrows();
    let floor = 1e-15 * values[count - 1];
    let scaled = Mat::from_fn(count, count, |i, j| u[(i, j)] * values[j].max(floor).powf(power));
    Ok(scaled * u.transpose())
}
