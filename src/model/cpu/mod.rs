//! Both passes of gradient matching on the CPU, without a tape.
//!
//! The tape differentiates whatever is written on duals; it knows nothing of what the second pass repeats. Here
//! every layer brings four rules over plain buffers, and the second pass is the derivative of the first along `v`:
//!
//! ```text
//! pass 1   forward  a -> z             reverse  p -> W^T p,  g = p a^T
//! pass 2   forward  a' -> z'           reverse  p' -> W^T p' + V^T p
//! ```
//!
//! where `p` is the gradient of the loss to a layer's output and a prime is the derivative along `v`. Pass 2 reads
//! the `a` and `p` of pass 1: seven units of convolution work where two passes on the tape do nine. `p'` at the
//! input is the gradient of `<g(x), v>` to x, because derivatives along theta and x commute.
//!
//! Networks with a layer that has no rules here, and all other devices, take the tape (`super::gradient`); tests
//! hold the two against each other.

mod activation;
mod buffer;
mod chain;
mod columns;
mod conv;
mod geometry;
mod group;
mod lanes;
mod loss;
mod map;
mod matrix;
mod moments;
mod narrow;
mod norm;
mod pass;
mod pool;
mod real;
mod transposed;
mod winograd;

pub use buffer::Buffer;
pub use map::dot;
pub use pass::{First, Second, scores, supports};
pub use real::Real;

#[cfg(test)]
mod tests;
