//! Vector algebra over lists of flat tensors in the computer's memory, on all threads, with the same result for
//! every number of them.

use burn::tensor::{DType, TensorData};
use rayon::prelude::*;

use super::cpu::{Real, dot as dot_of};

/// Entries that one thread takes at a time.
const CHUNK: usize = 1 << 15;

/// `<a, b>`.
pub fn dot(a: &[TensorData], b: &[TensorData]) -> f64 {
    match a.first().map(|data| data.dtype) {
        Some(DType::F64) => dot_in::<f64>(a, b),
        Some(_) => dot_in::<f32>(a, b),
        None => 0.0,
    }
}

/// `alpha a + beta b`.
pub fn combine(a: &[TensorData], alpha: f64, b: &[TensorData], beta: f64) -> Vec<TensorData> {
    let wide = a.first().is_some_and(|data| data.dtype == DType::F64);
    let pairs = a.iter().zip(b);
    if wide {
        pairs.map(|(a, b)| combine_in::<f64>(a, alpha, Some((b, beta)))).collect()
    } else {
        pairs.map(|(a, b)| combine_in::<f32>(a, alpha, Some((b, beta)))).collect()
    }
}

/// `alpha a`.
pub fn scaled(a: &[TensorData], alpha: f64) -> Vec<TensorData> {
    let wide = a.first().is_some_and(|data| data.dtype == DType::F64);
    let scale = |a| if wide { combine_in::<f64>(a, alpha, None) } else { combine_in::<f32>(a, alpha, None) };
    a.iter().map(scale).collect()
}

/// The entries of one tensor.
pub fn slice<T: Real>(data: &TensorData) -> &[T] {
    data.as_slice().unwrap_or_else(|_| unreachable!("all tensors of one model have one width"))
}

fn dot_in<T: Real>(a: &[TensorData], b: &[TensorData]) -> f64 {
    let tensor = |(a, b): (&TensorData, &TensorData)| -> f64 {
        let (a, b) = (slice::<T>(a), slice::<T>(b));
        // Products within a short stretch in their own width, stretches in 64 bit.
        let chunk = |(a, b): (&[T], &[T])| -> f64 {
            a.chunks(256).zip(b.chunks(256)).map(|(a, b)| dot_of(a, b).wide()).sum()
        };
        if a.len() <= CHUNK {
            return chunk((a, b));
        }
        let parts: Vec<f64> = a.par_chunks(CHUNK).zip(b.par_chunks(CHUNK)).map(chunk).collect();
        parts.iter().sum()
    };
    a.iter().zip(b).map(tensor).sum()
}

fn combine_in<T: Real>(a: &TensorData, alpha: f64, b: Option<(&TensorData, f64)>) -> TensorData {
    let (x, alpha) = (slice::<T>(a), T::of(alpha));
    let mut out = vec![T::zero(); x.len()];
    match b {
        Some((b, beta)) => {
            let (y, beta) = (slice::<T>(b), T::of(beta));
            let chunk = |(out, (x, y)): (&mut [T], (&[T], &[T]))| {
                out.iter_mut().zip(x.iter().zip(y)).for_each(|(out, (&x, &y))| *out = alpha * x + beta * y);
            };
            if x.len() <= CHUNK {
                chunk((&mut out, (x, y)));
            } else {
                let sources = x.par_chunks(CHUNK).zip(y.par_chunks(CHUNK));
                out.par_chunks_mut(CHUNK).zip(sources).for_each(chunk);
            }
        }
        None => out.iter_mut().zip(x).for_each(|(out, &x)| *out = alpha * x),
    }
    TensorData::new(out, a.shape.clone())
}
