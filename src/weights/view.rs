//! A tensor as a view of raw bytes: offset, shape and strides, each checked against what is there.

use super::Fault;
use super::dtype::{Dtype, Endian};

/// Most axes of a tensor.
const MAX_AXES: usize = 16;

/// Where the values of one tensor lie in a storage, counted in values.
pub struct View<'a> {
    /// The tensor's name, for messages.
    pub name: &'a str,
    /// Position of the first value.
    pub offset: usize,
    /// Sizes.
    pub shape: &'a [usize],
    /// Distance between neighbours along each axis.
    pub strides: &'a [usize],
}

/// Number of values of a shape, if it can be counted.
pub fn count(name: &str, shape: &[usize]) -> Result<usize, Fault> {
    let impossible = || Fault::Damaged(format!("the shape of {} is {shape:?}", super::shown(name)));
    if shape.len() > MAX_AXES {
        let name = super::shown(name);
        return Err(Fault::Unsupported(format!("holds {name} with {} axes", shape.len())));
    }
    // An empty axis first, so that [2^40, 2^40, 0] is what it is: empty.
    if shape.contains(&0) {
        return Ok(0);
    }
    shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size)).ok_or_else(impossible)
}

/// Row-major strides of a shape whose values can be counted.
pub fn contiguous(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1_usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis]);
    }
    strides
}

impl View<'_> {
    /// Number of values, if all of them lie within a storage of `length` values and none is read twice.
    pub fn check(&self, length: usize) -> Result<usize, Fault> {
        let name = || super::shown(self.name);
        if self.shape.len() != self.strides.len() {
            return Err(Fault::Damaged(format!("{} has sizes and strides of two ranks", name())));
        }
        let count = count(self.name, self.shape)?;
        if count == 0 {
            return Ok(0);
        }
        // By growing stride, each axis must step over all that the axes before it span.
        let mut axes: Vec<(usize, usize)> = self
            .strides
            .iter()
            .zip(self.shape)
            .filter(|(_, size)| **size > 1)
            .map(|(stride, size)| (*stride, *size))
            .collect();
        axes.sort_unstable();
        let mut last = 0_usize;
        for (stride, size) in axes {
            if stride <= last {
                return Err(Fault::Unsupported(format!("holds {} with overlapping strides", name())));
            }
            last = stride.checked_mul(size - 1).and_then(|span| span.checked_add(last)).unwrap_or(usize::MAX);
        }
        if self.offset.checked_add(last).is_none_or(|last| last >= length) {
            return Err(Fault::Damaged(format!("{} reaches beyond its storage of {length} values", name())));
        }
        Ok(count)
    }

    /// The values, row-major, of a view that was checked against this storage.
    pub fn gather(&self, storage: &[u8], dtype: Dtype, endian: Endian, count: usize) -> Vec<f64> {
        let size = dtype.size();
        if count == 0 {
            return Vec::new();
        }
        if self.strides == contiguous(self.shape) {
            let bytes = &storage[self.offset * size..(self.offset + count) * size];
            return dtype.decode(bytes, endian);
        }
        dtype.decode(&self.bytes(storage, size, count), endian)
    }

    /// The bytes of its values of this size, row-major, of a view that was checked against this storage.
    pub fn bytes(&self, storage: &[u8], size: usize, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count * size);
        let mut index = vec![0_usize; self.shape.len()];
        let mut at = self.offset;
        for _ in 0..count {
            bytes.extend_from_slice(&storage[at * size..(at + 1) * size]);
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                at += self.strides[axis];
                if index[axis] < self.shape[axis] {
                    break;
                }
                // An axis of one may have any stride: wrapping undoes its step exactly.
                at = at.wrapping_sub(self.strides[axis].wrapping_mul(self.shape[axis]));
                index[axis] = 0;
            }
        }
        bytes
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn view<'a>(offset: usize, shape: &'a [usize], strides: &'a [usize]) -> View<'a> {
        View { name: "w", offset, shape, strides }
    }

    fn read(view: &View, length: u8) -> Result<Vec<f64>, String> {
        let storage: Vec<u8> = (0..length).collect();
        let count = view.check(storage.len()).map_err(|fault| fault.to_string())?;
        Ok(view.gather(&storage, Dtype::U8, Endian::Little, count))
    }

    #[test]
    fn views_are_read_in_row_major_order() {
        assert_eq!(read(&view(0, &[2, 3], &[3, 1]), 6).unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(read(&view(0, &[3, 2], &[1, 3]), 6).unwrap(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(read(&view(1, &[2, 2], &[3, 1]), 6).unwrap(), [1.0, 2.0, 4.0, 5.0]);
        assert_eq!(read(&view(4, &[], &[]), 6).unwrap(), [4.0]);
        assert_eq!(read(&view(9, &[0, 5], &[1, 1]), 6).unwrap(), [0.0; 0]);
        assert_eq!(read(&view(0, &[1, 2, 1], &[usize::MAX, 3, 7]), 6).unwrap(), [0.0, 3.0]);
    }

    #[test]
    fn views_that_overlap_leave_the_storage_or_overflow_are_refused() {
        for (offset, shape, strides, word) in [
            (0, vec![2, 3], vec![0, 1], "overlapping"),
            (0, vec![2, 3], vec![2, 1], "overlapping"),
            (0, vec![2, 3], vec![1, 1], "overlapping"),
            (1, vec![2, 3], vec![3, 1], "beyond"),
            (usize::MAX, vec![1], vec![1], "beyond"),
            (0, vec![2, 2], vec![usize::MAX, 1], "beyond"),
            (0, vec![usize::MAX, 2], vec![2, 1], "shape"),
            (0, vec![2], vec![1, 1], "ranks"),
            (0, vec![1; 17], vec![1; 17], "axes"),
        ] {
            let error = read(&view(offset, &shape, &strides), 6).unwrap_err();
            assert!(error.contains(word), "{shape:?} {strides:?}: {error}");
        }
    }
}
