//! `group` (Yin et al. 2021): candidates that are searched side by side should agree.

/// `sum over the S members of |x_s - mean|^2 / S`. The mean moves with them, which adds nothing to the gradient.
pub fn group(members: &[Vec<f64>], weight: f64, to: &mut [Vec<f64>]) -> f64 {
    let share = 1.0 / members.len().max(1) as f64;
    let mut value = 0.0;
    for entry in 0..members.first().map_or(0, Vec::len) {
        let mean = members.iter().map(|member| member[entry]).sum::<f64>() * share;
        for (member, to) in members.iter().zip(&mut *to) {
            let off = member[entry] - mean;
            value += off * off;
            to[entry] += weight * 2.0 * share * off;
        }
    }
    value * share
}
