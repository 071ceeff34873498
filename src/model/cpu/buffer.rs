//! Memory for what lives within one layer, used again by the next one: filling it with zeros first took a tenth of
//! the time.

use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;

use super::real::Real;

/// Values to be overwritten; at first they are whatever was left there.
#[derive(Debug, Default)]
pub struct Buffer<T: Real> {
    values: Vec<T>,
    length: usize,
}

impl<T: Real> Buffer<T> {
    /// So many values.
    pub fn of(length: usize) -> Self {
        let mut values = {
            let mut free = T::buffers().lock().unwrap_or_else(PoisonError::into_inner);
            // The smallest that is large enough, or else the largest, which will grow.
            let fits = |values: &Vec<T>| (values.len() < length, values.len().abs_diff(length));
            let best = (0..free.len()).min_by_key(|&i| fits(&free[i]));
            best.map(|i| free.swap_remove(i)).unwrap_or_default()
        };
        if values.len() < length {
            // Grown as it is, the old values would be copied.
            values.clear();
            values.resize(length, T::zero());
        }
        Buffer { values, length }
    }

    /// Changes the length; what was there is not kept.
    pub fn resize(&mut self, length: usize) {
        if self.values.len() < length {
            *self = Buffer::of(length);
        }
        self.length = length;
    }
}

impl<T: Real> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.values[..self.length]
    }
}

impl<T: Real> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values[..self.length]
    }
}

impl<T: Real> Drop for Buffer<T> {
    fn drop(&mut self) {
        let values = std::mem::take(&mut self.values);
        if values.is_empty() {
            return;
        }
        T::buffers().lock().unwrap_or_else(PoisonError::into_inner).push(values);
    }
}
