//! `feat`: last features against those that the last layer's gradient gives away.

/// `mean over batch and features of (f - f_known)^2`, with its gradient to f; samples of which nothing is
/// known are left out. Other epochs of the same samples go on from the first.
pub fn feat(seen: &[f64], known: &[f64]) -> (f64, Vec<f64>) {
    let share = 1.0 / seen.len().max(1) as f64;
    let difference = |(seen, known): (&f64, &f64)| if known.is_finite() { seen - known } else { 0.0 };
    let differences: Vec<f64> = seen.iter().zip(known.iter().cycle()).map(difference).collect();
    let value = share * differences.iter().map(|d| d * d).sum::<f64>();
    (value, differences.into_iter().map(|d| 2.0 * share * d).collect())
}
