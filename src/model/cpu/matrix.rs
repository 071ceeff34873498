//! Matrix products on strided views. The only `unsafe` of the passes: the views check their bounds once, and the
//! product trusts them.
#![allow(unsafe_code)]

use std::marker::PhantomData;

use super::lanes::{self, LANES};
use super::narrow;
use super::real::Real;

/// A matrix to read, by strides.
#[derive(Debug, Clone, Copy)]
pub struct View<'a, T> {
    data: &'a [T],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a, T: Real> View<'a, T> {
    /// Rows of `stride` entries, of which the first `columns` are read.
    ///
    /// # Panics
    /// If the data is shorter.
    pub fn new(data: &'a [T], rows: usize, columns: usize, stride: usize) -> Self {
        assert!(rows == 0 || columns == 0 || (rows - 1) * stride + columns <= data.len());
        View { data, rows, columns, row_stride: stride, column_stride: 1 }
    }

    /// Some of the rows.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn rows(self, first: usize, count: usize) -> Self {
        assert!(first + count <= self.rows);
        View { data: &self.data[first * self.row_stride..], rows: count, ..self }
    }

    /// How many rows.
    pub fn height(self) -> usize {
        self.rows
    }

    /// Whether the entries of a row lie together.
    pub fn is_by_rows(self) -> bool {
        self.column_stride == 1
    }

    /// The entries of a row that lie together.
    ///
    /// # Panics
    /// If there is no such row, or columns were exchanged for rows.
    #[inline(always)]
    pub fn row(self, row: usize) -> &'a [T] {
        assert!(row < self.rows && self.column_stride == 1);
        &self.data[row * self.row_stride..][..self.columns]
    }

    /// N rows from `row` on of some columns.
    ///
    /// # Panics
    /// If there are not so many.
    #[inline(always)]
    pub fn block<const N: usize>(self, row: usize, columns: std::ops::Range<usize>) -> Block<'a, T, N> {
        assert!(row + N <= self.rows && columns.end <= self.columns && columns.start <= columns.end);
        Block {
            // SAFETY: inside the view, which is inside the slice, or one past its end where there are no columns.
            data: unsafe {
                self.data.as_ptr().add(match columns.is_empty() {
                    true => 0,
                    false => row * self.row_stride + columns.start * self.column_stride,
                })
            },
            columns: columns.len(),
            row_stride: self.row_stride,
            column_stride: self.column_stride,
            owner: PhantomData,
        }
    }

    /// Rows and columns exchanged.
    pub fn transposed(self) -> Self {
        View {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// N rows of a matrix, whose entries are read one by one.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a, T, const N: usize> {
    data: *const T,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
    owner: PhantomData<&'a [T]>,
}

impl<T: Real, const N: usize> Block<'_, T, N> {
    /// An entry.
    ///
    /// # Panics
    /// If there is none.
    #[inline(always)]
    pub fn at(self, row: usize, column: usize) -> T {
        assert!(row < N && column < self.columns);
        // SAFETY: inside the view, by the assertion here and where the block was made.
        unsafe { *self.data.add(row * self.row_stride + column * self.column_stride) }
    }
}

/// A matrix to write, by strides.
#[derive(Debug)]
pub struct ViewMut<'a, T> {
    data: *mut T,
    rows: usize,
    columns: usize,
    row_stride: usize,
    owner: PhantomData<&'a mut [T]>,
}

// SAFETY: a view is the only way to its entries while it lives, as `&mut [T]` is.
unsafe impl<T: Send> Send for ViewMut<'_, T> {}

impl<'a, T: Real> ViewMut<'a, T> {
    /// Rows of `stride` entries, of which the first `columns` are written.
    ///
    /// # Panics
    /// If the data is shorter or rows overlap.
    pub fn new(data: &'a mut [T], rows: usize, columns: usize, stride: usize) -> Self {
        assert!(columns <= stride || rows <= 1);
        assert!(rows == 0 || columns == 0 || (rows - 1) * stride + columns <= data.len());
        ViewMut { data: data.as_mut_ptr(), rows, columns, row_stride: stride, owner: PhantomData }
    }

    /// Cuts into tiles of these heights and widths, row by row. What they leave over is not written.
    pub fn tiles(self, heights: &[usize], widths: &[usize]) -> Vec<ViewMut<'a, T>> {
        assert!(heights.iter().sum::<usize>() <= self.rows && widths.iter().sum::<usize>() <= self.columns);
        let mut tiles = Vec::with_capacity(heights.len() * widths.len());
        let mut row = 0;
        for &rows in heights {
            let mut column = 0;
            for &columns in widths {
                // SAFETY: inside the view by the assertion, and no two tiles share an entry.
                let data = unsafe { self.data.add(row * self.row_stride + column) };
                tiles.push(ViewMut { data, rows, columns, row_stride: self.row_stride, owner: PhantomData });
                column += columns;
            }
            row += rows;
        }
        tiles
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The entries of a row.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline(always)]
    pub fn row(&mut self, row: usize) -> &mut [T] {
        assert!(row < self.rows);
        // SAFETY: inside the view, which is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(row * self.row_stride), self.columns) }
    }

    /// `self = lhs rhs`, or `self += lhs rhs`, on this thread.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn product(&mut self, add: bool, lhs: View<T>, rhs: View<T>) {
        assert!(lhs.columns == rhs.rows && lhs.rows == self.rows && rhs.columns == self.columns);
        if self.columns == LANES && rhs.column_stride == 1 && lanes::fuses() {
            return narrow::product(self, add, lhs, rhs);
        }
        let stride = |s: usize| s as isize;
        // SAFETY: the views checked that every entry they name lies in their slices; the destination is
        // exclusively borrowed, so it overlaps neither factor.
        unsafe {
            gemm::gemm(
                self.rows,
                self.columns,
                lhs.columns,
                self.data,
                1,
                stride(self.row_stride),
                add,
                lhs.data.as_ptr(),
                stride(lhs.column_stride),
                stride(lhs.row_stride),
                rhs.data.as_ptr(),
                stride(rhs.column_stride),
                stride(rhs.row_stride),
                T::one(),
                T::one(),
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        }
    }
}
