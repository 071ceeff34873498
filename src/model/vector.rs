//! Vector algebra over lists of flat tensors in the computer's memory, on all threads, with the same result for
//! every number of them. Large models do not fit the cache, so that it costs what it reads and writes.

use burn::tensor::{DType, TensorData};
use rayon::prelude::*;

use super::cpu::{Buffer, Real, dot as dot_of};

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

/// `<a, a>` and `<a, b>`, reading once.
pub fn products(a: &[TensorData], b: &[TensorData]) -> (f64, f64) {
    match a.first().map(|data| data.dtype) {
        Some(DType::F64) => products_in::<f64>(a, b),
        Some(_) => products_in::<f32>(a, b),
        None => (0.0, 0.0),
    }
}

/// `a <- alpha a + beta b`.
pub fn combine(a: &mut [TensorData], alpha: f64, b: &[TensorData], beta: f64) {
    for (a, b) in a.iter_mut().zip(b) {
        match a.dtype {
            DType::F64 => combine_in::<f64>(a, alpha, Some((b, beta))),
            _ => combine_in::<f32>(a, alpha, Some((b, beta))),
        }
    }
}

/// `a <- alpha a`.
pub fn scale(a: &mut [TensorData], alpha: f64) {
    for a in a {
        match a.dtype {
            DType::F64 => combine_in::<f64>(a, alpha, None),
            _ => combine_in::<f32>(a, alpha, None),
        }
    }
}

/// Zeros in the place of all values.
pub fn clear(a: &mut TensorData) {
    fn clear_in<T: Real>(a: &mut TensorData) {
        let values = a.as_mut_slice::<T>();
        values.unwrap_or_else(|_| unreachable!("all tensors of one model have one width")).fill(T::zero());
    }
    match a.dtype {
        DType::F64 => clear_in::<f64>(a),
        _ => clear_in::<f32>(a),
    }
}

/// What comes of several lists element by element, in 64 bit, rounded to the width of the tensors.
pub fn map<const N: usize, const M: usize>(
    of: [&[TensorData]; N],
    each: impl Fn([f64; N]) -> [f64; M] + Sync,
) -> [Vec<TensorData>; M] {
    let mut found = [const { Vec::new() }; M];
    for i in 0..of[0].len() {
        let tensors = of.map(|list| &list[i]);
        let made = match tensors[0].dtype {
            DType::F64 => map_in::<f64, N, M>(tensors, &each),
            _ => map_in::<f32, N, M>(tensors, &each),
        };
        found.iter_mut().zip(made).for_each(|(list, data)| list.push(data));
    }
    found
}

/// The same values in memory of their own.
pub fn copy(a: &[TensorData]) -> Vec<TensorData> {
    fn copy_in<T: Real>(a: &TensorData) -> TensorData {
        let mut out = Buffer::of(a.num_elements());
        out.par_chunks_mut(CHUNK)
            .zip(slice::<T>(a).par_chunks(CHUNK))
            .for_each(|(out, a)| out.copy_from_slice(a));
        TensorData::new(out.into_vec(), a.shape.clone())
    }
    let copy = |a: &TensorData| match a.dtype {
        DType::F64 => copy_in::<f64>(a),
        _ => copy_in::<f32>(a),
    };
    a.iter().map(copy).collect()
}

/// Keeps the memory of values that nobody needs any more for the next.
pub fn recycle(a: Vec<TensorData>) {
    for data in a {
        match data.dtype {
            DType::F64 => data.into_vec().map(Buffer::<f64>::recycle),
            _ => data.into_vec().map(Buffer::<f32>::recycle),
        }
        .ok();
    }
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

fn products_in<T: Real>(a: &[TensorData], b: &[TensorData]) -> (f64, f64) {
    let add = |sum: (f64, f64), part: (f64, f64)| (sum.0 + part.0, sum.1 + part.1);
    let tensor = |(a, b): (&TensorData, &TensorData)| -> (f64, f64) {
        let (a, b) = (slice::<T>(a), slice::<T>(b));
        let chunk = |(a, b): (&[T], &[T])| {
            let stretches = a.chunks(256).zip(b.chunks(256));
            stretches.map(|(a, b)| (dot_of(a, a).wide(), dot_of(a, b).wide())).fold((0.0, 0.0), add)
        };
        if a.len() <= CHUNK {
            return chunk((a, b));
        }
        let parts: Vec<(f64, f64)> = a.par_chunks(CHUNK).zip(b.par_chunks(CHUNK)).map(chunk).collect();
        parts.into_iter().fold((0.0, 0.0), add)
    };
    a.iter().zip(b).map(tensor).fold((0.0, 0.0), add)
}

fn combine_in<T: Real>(a: &mut TensorData, alpha: f64, b: Option<(&TensorData, f64)>) {
    let alpha = T::of(alpha);
    let x = a.as_mut_slice::<T>().unwrap_or_else(|_| unreachable!("all tensors of one model have one width"));
    match b {
        Some((b, beta)) => {
            let (y, beta) = (slice::<T>(b), T::of(beta));
            let chunk = |(x, y): (&mut [T], &[T])| {
                x.iter_mut().zip(y).for_each(|(x, &y)| *x = alpha * *x + beta * y);
            };
            if x.len() <= CHUNK {
                chunk((x, y));
            } else {
                x.par_chunks_mut(CHUNK).zip(y.par_chunks(CHUNK)).for_each(chunk);
            }
        }
        None => x.par_chunks_mut(CHUNK).for_each(|x| x.iter_mut().for_each(|x| *x = alpha * *x)),
    }
}

fn map_in<T: Real, const N: usize, const M: usize>(
    of: [&TensorData; N],
    each: impl Fn([f64; N]) -> [f64; M] + Sync,
) -> [TensorData; M] {
    let shape = of[0].shape.clone();
    let of = of.map(slice::<T>);
    let mut found: [Buffer<T>; M] = std::array::from_fn(|_| Buffer::of(of[0].len()));
    let mut parts = found.each_mut().map(|values| values.chunks_mut(CHUNK));
    let chunks = of[0].chunks(CHUNK).map(|_| parts.each_mut().map(|parts| parts.next().unwrap_or_default()));
    let chunks: Vec<[&mut [T]; M]> = chunks.collect();
    let chunk = |(number, mut into): (usize, [&mut [T]; M])| {
        let of = of.map(|values| &values[number * CHUNK..]);
        for i in 0..into[0].len() {
            let made = each(of.map(|values| values[i].wide()));
            into.iter_mut().zip(made).for_each(|(into, value)| into[i] = T::of(value));
        }
    };
    chunks.into_par_iter().enumerate().for_each(chunk);
    found.map(|values| TensorData::new(values.into_vec(), shape.clone()))
}
