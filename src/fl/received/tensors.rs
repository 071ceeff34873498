//! What the tensors of a received model show by themselves, beside those of the model that was agreed on.

use faer::Mat;

use super::Finding;
use crate::backend::{self, Vector};
use crate::model::{Model, TensorSpec};
use crate::seed::{self, Seed};
use crate::text::grouped;

/// A tensor by its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// Module path and suffix.
    pub name: String,
    /// As in PyTorch, `[output, input, ..]`.
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: Vec<f64>,
}

/// Two rows with a cosine beyond this, whatever its sign, are one. Ours.
const ALIKE: f64 = 0.99999;

/// From this share of its rows on a weight is said to have some that are alike, or zero. Ours.
const SHARE: f64 = 0.05;

/// Rows and columns below which nothing is said: of few numbers many things are alike.
const LEAST: usize = 8;

/// A value is extreme beyond so many times the largest of the tensor before. Ours.
const EXTREME: f64 = 20.0;

/// A tensor has moved far by so many times its norm. Ours; a round of honest training moves it by a share.
const FAR: f64 = 3.0;

/// Rank is measured in a projection to so many rows and columns.
const PROJECTED: usize = 96;

/// A weight whose spectrum is as if of this share of its rows is of low rank. Ours.
const LOW: f64 = 0.1;

impl Named {
    /// Those of a model.
    pub fn of(model: &Model) -> Vec<Named> {
        let pairs = model.parameters.specs().iter().zip(model.parameters.tensors());
        let of = |(spec, tensor): (&TensorSpec, &Vector)| Named {
            name: spec.name.clone(),
            shape: spec.shape.clone(),
            values: backend::values(tensor),
        };
        pairs.map(of).collect()
    }

    /// As a matrix `[output, the rest]`; nothing where there are too few rows or columns to speak of.
    fn rows(&self) -> Option<(usize, usize)> {
        let rows = *self.shape.first().filter(|_| self.shape.len() >= 2)?;
        let columns = self.values.len() / rows.max(1);
        (rows >= LEAST && columns >= LEAST).then_some((rows, columns))
    }

    fn norm(&self) -> f64 {
        self.values.iter().map(|value| value * value).sum::<f64>().sqrt()
    }

    fn largest(&self) -> f64 {
        self.values.iter().fold(0.0, |most, value| most.max(value.abs()))
    }

    fn transposed(&self) -> Option<Named> {
        let (rows, columns) = self.rows()?;
        let values =
            (0..columns).flat_map(|j| (0..rows).map(move |i| i * columns + j)).map(|at| self.values[at]);
        Some(Named { name: self.name.clone(), shape: vec![columns, rows], values: values.collect() })
    }
}

/// What speaks against `received`, beside the tensors of the model that was agreed on, as the client last saw it.
pub fn of_tensors(received: &[Named], agreed: &[Named]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = architecture(received, agreed).into_iter().collect();
    for tensor in received {
        let before = agreed.iter().find(|other| other.name == tensor.name && other.shape == tensor.shape);
        findings.extend(alike(tensor, before));
        let Some(before) = before else { continue };
        findings.extend(silent(tensor, before));
        findings.extend(rank(tensor, before));
        findings.extend(extremes(tensor, before));
        findings.extend(change(tensor, before));
    }
    findings
}

/// What differs between the models that two clients of one round were sent.
pub fn between(one: &[Named], other: &[Named]) -> Option<Finding> {
    let differs = |tensor: &&Named| {
        let twin = other.iter().find(|twin| twin.name == tensor.name);
        twin.is_none_or(|twin| twin.shape != tensor.shape || twin.values != tensor.values)
    };
    let names: Vec<&str> = one.iter().filter(differs).map(|tensor| tensor.name.as_str()).collect();
    let (first, more) = (names.first()?, names.len() - 1);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(Finding::new(
        "other clients",
        format!("another client was sent another model: {first}{more} differ"),
    ))
}

fn architecture(received: &[Named], agreed: &[Named]) -> Option<Finding> {
    let here = |all: &[Named], name: &str| all.iter().any(|tensor| tensor.name == name);
    let added: Vec<&Named> = received.iter().filter(|tensor| !here(agreed, &tensor.name)).collect();
    let missing = agreed.iter().filter(|tensor| !here(received, &tensor.name)).count();
    let other = |tensor: &&Named| {
        agreed.iter().any(|before| before.name == tensor.name && before.shape != tensor.shape)
    };
    let reshaped = received.iter().filter(other).count();
    if added.is_empty() && missing == 0 && reshaped == 0 {
        return None;
    }
    let numbers: usize = added.iter().map(|tensor| tensor.values.len()).sum();
    let mut parts = Vec::new();
    if let Some(first) = added.first() {
        let (count, numbers) = (added.len(), grouped(numbers as u64));
        parts.push(format!("{count} tensors with {numbers} numbers were added ({}, ..)", first.name));
    }
    if missing > 0 {
        parts.push(format!("{missing} are missing"));
    }
    if reshaped > 0 {
        parts.push(format!("{reshaped} have another shape"));
    }
    Some(Finding::new("architecture", format!("not the layers that were agreed on: {}", parts.join(", "))))
}

/// Rows that are multiples of another.
fn alike(tensor: &Named, before: Option<&Named>) -> Option<Finding> {
    let of = |tensor: &Named| {
        let by_rows = ("rows", share_alike(tensor));
        let by_columns = ("columns", tensor.transposed().as_ref().map_or(0.0, share_alike));
        if by_columns.1 > by_rows.1 { by_columns } else { by_rows }
    };
    let (what, share) = of(tensor);
    // What was alike before says nothing of the server.
    if share < SHARE || before.is_some_and(|before| share < 2.0 * of(before).1) {
        return None;
    }
    let words = format!("{:.0} % of the {what} of {} are multiples of another", 100.0 * share, tensor.name);
    Some(Finding::new("alike rows", words))
}

/// Share of rows with a twin. Rows with a twin stand side by side in the order of their product with any vector.
fn share_alike(tensor: &Named) -> f64 {
    let Some((rows, columns)) = tensor.rows() else { return 0.0 };
    let drawn = seed::normal(&mut Seed(0).stream("alike rows", &[]), columns);
    let unit = |row: &[f64]| -> Option<Vec<f64>> {
        let norm = row.iter().map(|value| value * value).sum::<f64>().sqrt();
        (norm > 0.0).then(|| row.iter().map(|value| value / norm).collect())
    };
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut all: Vec<(f64, Vec<f64>)> = tensor
        .values
        .chunks(columns)
        .filter_map(unit)
        .map(|row| (product(&row, &drawn).abs(), row))
        .collect();
    all.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let twins = all.windows(2).filter(|pair| product(&pair[0].1, &pair[1].1).abs() > ALIKE).count();
    twins as f64 / rows as f64
}

fn silent(tensor: &Named, before: &Named) -> Option<Finding> {
    let (rows, columns) = tensor.rows()?;
    let zeros = |tensor: &Named| {
        tensor.values.chunks(columns).filter(|row| row.iter().all(|value| *value == 0.0)).count()
    };
    let (now, then) = (zeros(tensor), zeros(before));
    (now as f64 > then as f64 + SHARE * rows as f64).then(|| {
        let words = format!("{now} of the {rows} rows of {} are zero, where {then} were", tensor.name);
        Finding::new("silent rows", words)
    })
}

fn rank(tensor: &Named, before: &Named) -> Option<Finding> {
    let (now, then) = (effective_rank(tensor)?, effective_rank(before)?);
    (now < LOW && now < 0.3 * then).then(|| {
        let words = format!(
            "{} is as if of {:.0} % of its rank, where it was of {:.0} %",
            tensor.name,
            100.0 * now,
            100.0 * then
        );
        Finding::new("rank", words)
    })
}

/// Rank by the spectrum, (sum s)^2 / sum s^2 over the most that it could be, of a projection; 1 where all directions count alike.
fn effective_rank(tensor: &Named) -> Option<f64> {
    let (rows, columns) = tensor.rows()?;
    let side = rows.min(columns).min(PROJECTED);
    let draw = |what: &str, rows: usize| {
        let drawn = seed::normal(&mut Seed(0).stream(what, &[]), rows * side);
        Mat::from_fn(rows, side, |i, j| drawn[i * side + j])
    };
    let matrix = Mat::from_fn(rows, columns, |i, j| tensor.values[i * columns + j]);
    let small = draw("rows", rows).transpose() * matrix * draw("columns", columns);
    let values = small.singular_values().ok()?;
    let (sum, squares): (f64, f64) = (values.iter().sum(), values.iter().map(|s| s * s).sum());
    (squares > 0.0).then(|| sum * sum / squares / side as f64)
}

fn extremes(tensor: &Named, before: &Named) -> Option<Finding> {
    let (now, then) = (tensor.largest(), before.largest());
    (now > EXTREME * then.max(1.0)).then(|| {
        let words = format!("{} has values up to {now:.3e}, where {then:.3e} was the largest", tensor.name);
        Finding::new("extremes", words)
    })
}

fn change(tensor: &Named, before: &Named) -> Option<Finding> {
    tensor.rows()?;
    let pairs = tensor.values.iter().zip(&before.values);
    let moved = pairs.map(|(now, then)| (now - then) * (now - then)).sum::<f64>().sqrt();
    let norm = before.norm();
    (norm > 0.0 && moved > FAR * norm).then(|| {
        let words =
            format!("{} moved by {:.1} times its norm since it was last seen", tensor.name, moved / norm);
        Finding::new("change", words)
    })
}
