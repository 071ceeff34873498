//! Moments of BatchNorm's inputs, and the way back from them.

use super::map::{Map, sum, total};
use super::real::Real;
use crate::model::Moments;

/// Mean and biased variance of each channel.
pub fn of<T: Real>(a: &Map<T>) -> Moments {
    let count = a.columns() as f64;
    let wide = |values: Vec<T>| values.into_iter().map(Real::wide).collect();
    let mean = a.per_channel(|channel| total(a.row(channel)) * T::of(1.0 / count));
    let variance = a.per_channel(|channel| {
        let m = mean[channel];
        sum(a.row(channel).iter().map(|&x| (x - m) * (x - m))) * T::of(1.0 / count)
    });
    Moments { mean: wide(mean), variance: wide(variance) }
}

/// Adds to the gradient to `a` what cotangents of its moments say: (w_m + 2 w_v (a - m)) / n.
pub fn pull<T: Real>(a: &Map<T>, cotangent: &Moments, back: &mut Map<T>) {
    let share = T::of(1.0 / a.columns() as f64);
    let columns = a.columns();
    let channels = cotangent.mean.iter().zip(&cotangent.variance).enumerate();
    for (channel, (&of_mean, &of_variance)) in channels {
        let row = a.row(channel);
        let mean = total(row) * share;
        let (constant, slope) = (T::of(of_mean) * share, T::of(2.0 * of_variance) * share);
        let out = &mut back.data[channel * columns..(channel + 1) * columns];
        out.iter_mut().zip(row).for_each(|(out, &x)| *out = *out + constant + slope * (x - mean));
    }
}
