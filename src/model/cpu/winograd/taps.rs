//! Kernels of nine taps each, taken apart by tap and put together again.

use super::super::lanes::{LANES, widest};
use super::super::real::Real;

const TAPS: usize = 9;

/// Kernels `[width, 9]` as `[9, width]`, lines `line` apart.
#[allow(clippy::needless_range_loop)]
pub fn by_tap<T: Real>(kernels: &[T], taps: &mut [T], line: usize) {
    let width = kernels.len() / TAPS;
    #[cfg(target_arch = "x86_64")]
    let done = wide::by_tap(kernels, taps, line);
    #[cfg(not(target_arch = "x86_64"))]
    let done = 0;
    if done == width {
        return;
    }
    let kernels = &kernels[done * TAPS..];
    widest(
        #[inline(always)]
        || {
            for tap in 0..TAPS {
                let mut taps = taps[tap * line..][done..width].chunks_exact_mut(LANES);
                let mut kernels = kernels.chunks_exact(TAPS * LANES);
                // As many at a time as lanes: the compiler makes vectors of that.
                for (taps, kernels) in taps.by_ref().zip(kernels.by_ref()) {
                    for i in 0..LANES {
                        taps[i] = kernels[i * TAPS + tap];
                    }
                }
                let rest = kernels.remainder();
                taps.into_remainder().iter_mut().enumerate().for_each(|(i, to)| *to = rest[i * TAPS + tap]);
            }
        },
    );
}

/// `[9, width]` as kernels `[width, 9]`, or added to them.
#[allow(clippy::needless_range_loop)]
pub fn by_kernel<T: Real>(taps: &[T], kernels: &mut [T], add: bool) {
    let width = kernels.len() / TAPS;
    #[cfg(target_arch = "x86_64")]
    let done = wide::by_kernel(taps, kernels, add);
    #[cfg(not(target_arch = "x86_64"))]
    let done = 0;
    widest(
        #[inline(always)]
        || {
            let begins = (done..width).step_by(LANES);
            for (begin, kernels) in begins.zip(kernels[done * TAPS..].chunks_mut(TAPS * LANES)) {
                let mut some = [T::zero(); TAPS * LANES];
                for tap in 0..TAPS {
                    let taps = &taps[tap * width + begin..][..kernels.len() / TAPS];
                    for i in 0..taps.len() {
                        some[i * TAPS + tap] = taps[i];
                    }
                }
                if add {
                    kernels.iter_mut().zip(some).for_each(|(kernel, some)| *kernel += some);
                } else {
                    kernels.copy_from_slice(&some[..kernels.len()]);
                }
            }
        },
    );
}

/// Sixteen kernels at a time in vectors of sixteen lanes. Nine and sixteen have no common factor, so that entries of one tap
/// lie in sixteen different lanes of the nine vectors: they are chosen lane by lane and then put in order.
/// Structs do it, as closures are not compiled into the functions that have these vectors: that takes 1.6 times as long in all.
#[cfg(target_arch = "x86_64")]
mod wide {
    use pulp::x86::V4;
    use pulp::{NullaryFnOnce, Simd, b16, cast, f32x16, u32x16};

    use super::{LANES, Real, TAPS};

    /// What [`super::by_tap`] does of as many kernels as it returns.
    pub fn by_tap<T: Real>(kernels: &[T], taps: &mut [T], line: usize) -> usize {
        let (Some(v4), Some(kernels), Some(taps)) =
            (V4::try_new(), T::singles(kernels), T::singles_mut(taps))
        else {
            return 0;
        };
        v4.vectorize(ByTap { v4, kernels, taps, line });
        kernels.len() / TAPS / LANES * LANES
    }

    /// What [`super::by_kernel`] does of as many kernels as it returns.
    pub fn by_kernel<T: Real>(taps: &[T], kernels: &mut [T], add: bool) -> usize {
        let (Some(v4), Some(taps), Some(kernels)) =
            (V4::try_new(), T::singles(taps), T::singles_mut(kernels))
        else {
            return 0;
        };
        let done = kernels.len() / TAPS / LANES * LANES;
        v4.vectorize(ByKernel { v4, taps, kernels, add });
        done
    }

    /// By tap and lane: which kernel's entry the lane has.
    const KERNELS: [[u32; LANES]; TAPS] = {
        let mut kernels = [[0; LANES]; TAPS];
        let mut at = 0;
        while at < TAPS * LANES {
            kernels[at % TAPS][at % LANES] = (at / TAPS) as u32;
            at += 1;
        }
        kernels
    };

    /// By tap and kernel: in which lane its entry is.
    const PLACES: [[u32; LANES]; TAPS] = {
        let mut places = [[0; LANES]; TAPS];
        let mut at = 0;
        while at < TAPS * LANES {
            places[at % TAPS][at / TAPS] = (at % LANES) as u32;
            at += 1;
        }
        places
    };

    /// By tap and vector: which lanes of the vector have entries of the tap.
    const LANES_OF: [[u16; TAPS]; TAPS] = {
        let mut lanes = [[0; TAPS]; TAPS];
        let mut at = 0;
        while at < TAPS * LANES {
            lanes[at % TAPS][at / LANES] |= 1 << (at % LANES);
            at += 1;
        }
        lanes
    };

    struct ByTap<'a> {
        v4: V4,
        kernels: &'a [f32],
        taps: &'a mut [f32],
        line: usize,
    }

    impl NullaryFnOnce for ByTap<'_> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            let ByTap { v4, kernels, taps, line } = self;
            for (n, kernels) in kernels.chunks_exact(TAPS * LANES).enumerate() {
                let mut vectors = [v4.splat_f32s(0.0); TAPS];
                for (vector, kernels) in vectors.iter_mut().zip(kernels.chunks_exact(LANES)) {
                    *vector = load(kernels);
                }
                for tap in 0..TAPS {
                    let mut entries = vectors[0];
                    for other in 1..TAPS {
                        entries = v4.select_f32s(b16(LANES_OF[tap][other]), vectors[other], entries);
                    }
                    store(ordered(v4, PLACES[tap], entries), &mut taps[tap * line + n * LANES..]);
                }
            }
        }
    }

    struct ByKernel<'a> {
        v4: V4,
        taps: &'a [f32],
        kernels: &'a mut [f32],
        add: bool,
    }

    impl NullaryFnOnce for ByKernel<'_> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            let ByKernel { v4, taps, kernels, add } = self;
            let width = kernels.len() / TAPS;
            for (n, kernels) in kernels.chunks_exact_mut(TAPS * LANES).enumerate() {
                let mut vectors = [v4.splat_f32s(0.0); TAPS];
                for tap in 0..TAPS {
                    let entries = ordered(v4, KERNELS[tap], load(&taps[tap * width + n * LANES..]));
                    for other in 0..TAPS {
                        vectors[other] = v4.select_f32s(b16(LANES_OF[tap][other]), entries, vectors[other]);
                    }
                }
                for (vector, kernels) in vectors.into_iter().zip(kernels.chunks_exact_mut(LANES)) {
                    store(if add { v4.add_f32s(vector, load(kernels)) } else { vector }, kernels);
                }
            }
        }
    }

    #[inline(always)]
    fn ordered(v4: V4, order: [u32; LANES], entries: f32x16) -> f32x16 {
        cast(v4.avx512f._mm512_permutexvar_ps(cast(cast::<_, u32x16>(order)), cast(entries)))
    }

    #[inline(always)]
    fn load(values: &[f32]) -> f32x16 {
        let mut lanes = [0.0; LANES];
        lanes.copy_from_slice(&values[..LANES]);
        cast(lanes)
    }

    #[inline(always)]
    fn store(lanes: f32x16, values: &mut [f32]) {
        values[..LANES].copy_from_slice(&cast::<_, [f32; LANES]>(lanes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are_taken_apart_and_put_together<T: Real>() {
        for width in (1..40).chain([64, 100, 144]) {
            let kernels: Vec<T> = (0..width * TAPS).map(|i| T::of(i as f64)).collect();
            let line = width + 3;
            let mut taps = vec![T::of(-1.0); TAPS * line];
            by_tap(&kernels, &mut taps, line);
            for (at, &entry) in kernels.iter().enumerate() {
                assert_eq!(taps[at % TAPS * line + at / TAPS], entry, "{at} of {width}");
            }
            let packed: Vec<T> = taps.chunks(line).flat_map(|line| line[..width].to_vec()).collect();
            let mut again = vec![T::of(-1.0); width * TAPS];
            by_kernel(&packed, &mut again, false);
            assert_eq!(again, kernels, "{width}");
            by_kernel(&packed, &mut again, true);
            assert!(again.iter().zip(&kernels).all(|(&twice, &once)| twice == once + once), "{width}");
        }
    }

    #[test]
    fn kernels_are_taken_apart_by_tap_and_put_together_in_any_number() {
        are_taken_apart_and_put_together::<f32>();
        are_taken_apart_and_put_together::<f64>();
    }
}
