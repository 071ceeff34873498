//! A convolution as equations for its input.

use faer::Mat;

use crate::dual::ConvShape;

/// A convolution of one sample: `[input, height, width]` to `[output, rows, columns]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conv {
    pub kernel: usize,
    pub shape: ConvShape,
    pub from: [usize; 3],
    pub to: [usize; 3],
}

impl Conv {
    /// Every product that the layer forms: `(output channel, place out, place in, weight)`, the last three as positions in
    /// row-major order; places in the border are left out.
    fn products(&self, mut each: impl FnMut(usize, usize, usize, usize)) {
        let ([input, height, width], [output, rows, columns]) = (self.from, self.to);
        let inside = |at: usize, tap: usize, side: usize| {
            (at * self.shape.stride + tap * self.shape.dilation)
                .checked_sub(self.shape.padding)
                .filter(|at| *at < side)
        };
        for (o, row, column) in places([output, rows, columns]) {
            for (c, i, j) in places([input, self.kernel, self.kernel]) {
                let (Some(y), Some(x)) = (inside(row, i, height), inside(column, j, width)) else { continue };
                let weight = ((o * input + c) * self.kernel + i) * self.kernel + j;
                each(o, (o * rows + row) * columns + column, (c * height + y) * width + x, weight);
            }
        }
    }

    /// The equations that the gradient to the weight is: `sum k x = dW`, for k the gradient to the output.
    pub fn gradient(&self, k: &[f64]) -> Mat<f64> {
        let [input, height, width] = self.from;
        let mut rows = Mat::zeros(self.to[0] * input * self.kernel * self.kernel, input * height * width);
        self.products(|_, place_out, place_in, weight| rows[(weight, place_in)] += k[place_out]);
        rows
    }

    /// The equations that the output is: `W x = z`.
    pub fn forward(&self, weight: &[f64]) -> Mat<f64> {
        let ([input, height, width], [output, rows, columns]) = (self.from, self.to);
        let mut forward = Mat::zeros(output * rows * columns, input * height * width);
        self.products(|_, place_out, place_in, at| forward[(place_out, place_in)] += weight[at]);
        forward
    }

    /// The gradient to the input.
    pub fn to_input(self, weight: &[f64], k: &[f64]) -> Vec<f64> {
        let mut back = vec![0.0; self.from.iter().product()];
        self.products(|_, place_out, place_in, at| back[place_in] += weight[at] * k[place_out]);
        back
    }
}

fn places([a, b, c]: [usize; 3]) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..a).flat_map(move |a| (0..b).flat_map(move |b| (0..c).map(move |c| (a, b, c))))
}
