//! Linear systems in 64 bit, whatever the run's width.

use faer::linalg::solvers::SolveLstsq;
use faer::linalg::triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::{Mat, MatRef, Scale};

use crate::seed::{self, Seed};

/// Up to so many unknowns all singular values are taken; of more, which would take minutes, the smallest and the largest.
const ALL: usize = 1024;

/// Steps of the iterations that find those two: to a few percent.
const STEPS: usize = 40;

/// A solution in the least squares.
pub(super) struct Solved {
    /// The shortest one.
    pub x: Mat<f64>,
    /// Singular values of the matrix above the tolerance.
    pub rank: usize,
    /// Directions of x that the equations tell, as orthonormal columns; nothing if they tell all.
    pub told: Option<Mat<f64>>,
    /// The largest over the smallest of them.
    pub condition: f64,
    /// |a x - b| / |b|.
    pub residual: f64,
}

/// Solves `a x = b`, column by column of b, by singular values; those below `tolerance` times the largest count as zero.
///
/// # Errors
/// Why there is no solution.
pub(super) fn solve(a: MatRef<'_, f64>, b: MatRef<'_, f64>, tolerance: f64) -> Result<Solved, String> {
    if !(a.norm_max() > 0.0 && a.is_all_finite() && b.is_all_finite()) {
        return Err("its equations say nothing".to_owned());
    }
    if a.ncols() > ALL && a.nrows() >= a.ncols() {
        let qr = a.qr();
        let (largest, smallest) = ends(a, qr.thin_R());
        if smallest > tolerance * largest {
            let x = qr.solve_lstsq(b);
            let residual = residual(a, &x, b);
            return Ok(Solved { x, rank: a.ncols(), told: None, condition: largest / smallest, residual });
        }
    }
    let svd = a.thin_svd().map_err(|_| "its singular values were not found".to_owned())?;
    let (u, values, v) = (svd.U(), svd.S().column_vector(), svd.V());
    let rank = (0..values.nrows()).take_while(|&i| values[i] > tolerance * values[0]).count();
    let mut along = u.subcols(0, rank).transpose() * b;
    for column in 0..along.ncols() {
        for i in 0..rank {
            along[(i, column)] /= values[i];
        }
    }
    let x = v.subcols(0, rank) * &along;
    let residual = residual(a, &x, b);
    let told = (rank < a.ncols()).then(|| v.subcols(0, rank).to_owned());
    Ok(Solved { x, rank, told, condition: values[0] / values[rank - 1], residual })
}

fn residual(a: MatRef<'_, f64>, x: &Mat<f64>, b: MatRef<'_, f64>) -> f64 {
    (a * x - b).norm_l2() / b.norm_l2().max(f64::MIN_POSITIVE)
}

/// The largest and the smallest singular value of `a = Q R`, by powers of `a^T a` and of its inverse.
fn ends(a: MatRef<'_, f64>, r: MatRef<'_, f64>) -> (f64, f64) {
    let par = faer::get_global_parallelism();
    let start = || {
        let drawn = seed::normal(&mut Seed(0).stream("singular values", &[]), a.ncols());
        Mat::from_fn(a.ncols(), 1, |i, _| drawn[i])
    };
    let grown = |mut step: Box<dyn FnMut(Mat<f64>) -> Mat<f64> + '_>| {
        let (mut v, mut grown) = (start(), 0.0);
        for _ in 0..STEPS {
            v = step(&v * Scale(1.0 / v.norm_l2().max(f64::MIN_POSITIVE)));
            grown = v.norm_l2();
        }
        grown.sqrt()
    };
    let largest = grown(Box::new(|v| a.transpose() * (a * v)));
    // R^T R v = w.
    let smallest = grown(Box::new(|mut v| {
        solve_lower_triangular_in_place(r.transpose(), v.as_mut(), par);
        solve_upper_triangular_in_place(r, v.as_mut(), par);
        v
    }));
    (largest, if smallest.is_finite() { 1.0 / smallest } else { 0.0 })
}
