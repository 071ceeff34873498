//! Memory that is used again: every evaluation needs what the one before needed. Filling it with zeros first took a
//! tenth of the time.

use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;

use super::real::Real;

/// Values below which the allocator is as good.
const LEAST: usize = 1 << 10;

/// Values to be overwritten; at first they are whatever was left there.
#[derive(Debug, Default)]
pub struct Buffer<T: Real> {
    values: Vec<T>,
    length: usize,
}

/// Memory that no buffer holds.
#[derive(Debug)]
pub struct Pool<T> {
    free: Vec<Vec<T>>,
    /// Values in it, values in buffers, and the most there ever were in buffers: as many may wait here.
    waiting: usize,
    held: usize,
    most: usize,
}

impl<T> Pool<T> {
    /// With nothing in it.
    pub const fn empty() -> Self {
        Pool { free: Vec::new(), waiting: 0, held: 0, most: 0 }
    }

    /// The smallest that is large enough, but not so large that another size would miss it.
    fn take(&mut self, length: usize) -> Option<Vec<T>> {
        let fits = |i: &usize| (length..=length + length / 4).contains(&self.free[*i].len());
        let best = (0..self.free.len()).filter(fits).min_by_key(|&i| self.free[i].len())?;
        let values = self.free.swap_remove(best);
        self.waiting -= values.len();
        Some(values)
    }

    fn hold(&mut self, count: usize) {
        self.held += count;
        self.most = self.most.max(self.held);
    }

    fn put(&mut self, values: Vec<T>) {
        if self.waiting + values.len() <= self.most {
            self.waiting += values.len();
            self.free.push(values);
        }
    }
}

impl<T: Real> Buffer<T> {
    /// So many values.
    pub fn of(length: usize) -> Self {
        if length < LEAST {
            return Buffer { values: vec![T::zero(); length], length };
        }
        let mut pool = T::pool().lock().unwrap_or_else(PoisonError::into_inner);
        let found = pool.take(length);
        pool.hold(found.as_ref().map_or(length, Vec::len));
        drop(pool);
        Buffer { values: found.unwrap_or_else(|| vec![T::zero(); length]), length }
    }

    /// So many zeros.
    pub fn zeros(length: usize) -> Self {
        let mut buffer = Buffer::of(length);
        buffer.fill(T::zero());
        buffer
    }

    /// Changes the length; what was there is not kept.
    pub fn resize(&mut self, length: usize) {
        if self.values.len() < length {
            *self = Buffer::of(length);
        }
        self.length = length;
    }

    /// The values alone.
    pub fn into_vec(mut self) -> Vec<T> {
        let mut values = self.leave();
        values.truncate(self.length);
        values
    }

    /// Keeps memory for the next buffers that nobody needs any more.
    pub fn recycle(values: Vec<T>) {
        if values.len() >= LEAST {
            T::pool().lock().unwrap_or_else(PoisonError::into_inner).put(values);
        }
    }

    fn leave(&mut self) -> Vec<T> {
        let values = std::mem::take(&mut self.values);
        if values.len() >= LEAST {
            T::pool().lock().unwrap_or_else(PoisonError::into_inner).held -= values.len();
        }
        values
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

impl<T: Real> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        let mut buffer = Buffer::of(self.length);
        buffer.copy_from_slice(self);
        buffer
    }
}

impl<T: Real> PartialEq for Buffer<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Real> From<Vec<T>> for Buffer<T> {
    fn from(values: Vec<T>) -> Self {
        if values.len() >= LEAST {
            T::pool().lock().unwrap_or_else(PoisonError::into_inner).hold(values.len());
        }
        Buffer { length: values.len(), values }
    }
}

impl<T: Real> From<Buffer<T>> for Vec<T> {
    fn from(buffer: Buffer<T>) -> Self {
        buffer.into_vec()
    }
}

impl<T: Real> Drop for Buffer<T> {
    fn drop(&mut self) {
        Buffer::recycle(self.leave());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_and_no_more_of_it_waits_than_was_ever_held() {
        // By itself, since other tests compute at the same time.
        let mut pool = Pool::<f32>::empty();
        pool.put(vec![0.0; 4096]);
        assert!(pool.take(4096).is_none(), "nothing was held, so nothing waits");
        pool.most = 8192;
        pool.put(vec![1.0; 4096]);
        pool.put(vec![2.0; 4097]);
        assert_eq!((pool.waiting, pool.free.len()), (4096, 1), "the second is one too many");
        assert!(pool.take(4097).is_none() && pool.take(2048).is_none());
        assert_eq!(pool.take(4000).map(|values| values.len()), Some(4096));
        assert_eq!(pool.waiting, 0);
    }

    #[test]
    fn what_leaves_a_buffer_has_its_length() {
        let mut buffer = Buffer::<f64>::zeros(5000);
        buffer[4999] = 1.0;
        buffer.resize(4800);
        assert_eq!(buffer.into_vec(), vec![0.0; 4800]);
    }
}
