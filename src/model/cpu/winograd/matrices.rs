//! The matrices of F(4x4, 3x3) and their products, lane by lane.

use super::super::lanes::{LANES, Lanes};
use super::super::matrix::ViewMut;
use super::super::real::Real;
use super::{SIDE, TILE};

/// A matrix of N columns and M rows.
pub trait Matrix<T, const N: usize, const M: usize> {
    /// Its product with a vector, in each lane.
    fn times(x: [Lanes<T>; N]) -> [Lanes<T>; M];
}

/// `M x M^T` for the x at each of `count` places of N^2 lines, `line` apart, to M^2 rows.
#[allow(clippy::needless_range_loop)]
#[inline(always)]
pub fn twice<X: Matrix<T, N, M>, T: Real, const N: usize, const M: usize>(
    lines: &[T],
    line: usize,
    count: usize,
    out: &mut ViewMut<T>,
) {
    // Plain loops: closures would keep the compiler from making one vector instruction of each operation.
    let mut columns = [[Lanes::<T>::zero(); N]; M];
    for begin in (0..count).step_by(LANES) {
        let left = count - begin;
        for v in 0..N {
            let mut x = [Lanes::zero(); N];
            for u in 0..N {
                let start = (u * N + v) * line + begin;
                x[u] = if left >= LANES {
                    Lanes::load(&lines[start..])
                } else {
                    Lanes::load_some(&lines[start..], left)
                };
            }
            let y = X::times(x);
            for u in 0..M {
                columns[u][v] = y[u];
            }
        }
        for u in 0..M {
            let y = X::times(columns[u]);
            for v in 0..M {
                let out = &mut out.row(u * M + v)[begin..];
                if left >= LANES {
                    y[v].store(out);
                } else {
                    y[v].store_some(out, left);
                }
            }
        }
    }
}

/// Points at which polynomials are multiplied: 0, +-P, +-Q and infinity. Rounding at these is a fifth of that at the
/// 0, +-1, +-2 of the paper, and all entries of `A` and `B` are exact.
const P: f64 = 0.75;
const Q: f64 = 1.5;

/// What rows of `G` are divided by: the products of differences between points.
const AT_ZERO: f64 = P * P * Q * Q;
const AT_P: f64 = 2.0 * P * P * (P * P - Q * Q);
const AT_Q: f64 = 2.0 * Q * Q * (Q * Q - P * P);

/// `B^T`.
pub struct B;

impl<T: Real> Matrix<T, SIDE, SIDE> for B {
    #[inline(always)]
    fn times(x: [Lanes<T>; SIDE]) -> [Lanes<T>; SIDE] {
        let (product, sum) = (T::of(P * P * Q * Q), T::of(P * P + Q * Q));
        let (even_p, odd_p) = (x[4] - x[2] * T::of(Q * Q), (x[3] - x[1] * T::of(Q * Q)) * T::of(P));
        let (even_q, odd_q) = (x[4] - x[2] * T::of(P * P), (x[3] - x[1] * T::of(P * P)) * T::of(Q));
        [
            x[0] * product - x[2] * sum + x[4],
            even_p + odd_p,
            even_p - odd_p,
            even_q + odd_q,
            even_q - odd_q,
            x[1] * product - x[3] * sum + x[5],
        ]
    }
}

/// `B`.
pub struct TransposedB;

impl<T: Real> Matrix<T, SIDE, SIDE> for TransposedB {
    #[inline(always)]
    fn times(x: [Lanes<T>; SIDE]) -> [Lanes<T>; SIDE] {
        let (product, sum) = (T::of(P * P * Q * Q), T::of(P * P + Q * Q));
        let (even_p, odd_p) = (x[1] + x[2], (x[1] - x[2]) * T::of(P));
        let (even_q, odd_q) = (x[3] + x[4], (x[3] - x[4]) * T::of(Q));
        [
            x[0] * product,
            x[5] * product - odd_p * T::of(Q * Q) - odd_q * T::of(P * P),
            Lanes::zero() - x[0] * sum - even_p * T::of(Q * Q) - even_q * T::of(P * P),
            odd_p + odd_q - x[5] * sum,
            x[0] + even_p + even_q,
            x[5],
        ]
    }
}

/// `A`.
pub struct A;

impl<T: Real> Matrix<T, TILE, SIDE> for A {
    #[inline(always)]
    fn times(x: [Lanes<T>; TILE]) -> [Lanes<T>; SIDE] {
        let (even_p, odd_p) = (x[0] + x[2] * T::of(P * P), (x[1] + x[3] * T::of(P * P)) * T::of(P));
        let (even_q, odd_q) = (x[0] + x[2] * T::of(Q * Q), (x[1] + x[3] * T::of(Q * Q)) * T::of(Q));
        [x[0], even_p + odd_p, even_p - odd_p, even_q + odd_q, even_q - odd_q, x[3]]
    }
}

/// `A^T`.
pub struct TransposedA;

impl<T: Real> Matrix<T, SIDE, TILE> for TransposedA {
    #[inline(always)]
    fn times(x: [Lanes<T>; SIDE]) -> [Lanes<T>; TILE] {
        let (even_p, odd_p) = (x[1] + x[2], (x[1] - x[2]) * T::of(P));
        let (even_q, odd_q) = (x[3] + x[4], (x[3] - x[4]) * T::of(Q));
        [
            x[0] + even_p + even_q,
            odd_p + odd_q,
            even_p * T::of(P * P) + even_q * T::of(Q * Q),
            odd_p * T::of(P * P) + odd_q * T::of(Q * Q) + x[5],
        ]
    }
}

/// `G`.
pub struct G;

impl<T: Real> Matrix<T, 3, SIDE> for G {
    #[inline(always)]
    fn times(x: [Lanes<T>; 3]) -> [Lanes<T>; SIDE] {
        let even_p = (x[0] + x[2] * T::of(P * P)) * T::of(1.0 / AT_P);
        let even_q = (x[0] + x[2] * T::of(Q * Q)) * T::of(1.0 / AT_Q);
        let (odd_p, odd_q) = (x[1] * T::of(P / AT_P), x[1] * T::of(Q / AT_Q));
        [x[0] * T::of(1.0 / AT_ZERO), even_p + odd_p, even_p - odd_p, even_q + odd_q, even_q - odd_q, x[2]]
    }
}

/// `G^T`.
pub struct TransposedG;

impl<T: Real> Matrix<T, SIDE, 3> for TransposedG {
    #[inline(always)]
    fn times(x: [Lanes<T>; SIDE]) -> [Lanes<T>; 3] {
        let (even_p, odd_p) = ((x[1] + x[2]) * T::of(1.0 / AT_P), (x[1] - x[2]) * T::of(P / AT_P));
        let (even_q, odd_q) = ((x[3] + x[4]) * T::of(1.0 / AT_Q), (x[3] - x[4]) * T::of(Q / AT_Q));
        [
            x[0] * T::of(1.0 / AT_ZERO) + even_p + even_q,
            odd_p + odd_q,
            even_p * T::of(P * P) + even_q * T::of(Q * Q) + x[5],
        ]
    }
}
