//! The cells of a study as rows and columns: the last axis goes across, all others down; a single axis goes down.

use super::grid::Study;

/// Columns up to this width have the name of their axis in front.
const SHORT: usize = 10;

/// Where the cells stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// What the names of rows, and of columns where those do not say it, are of.
    pub corner: String,
    /// Names of the columns; one without a name if there is a single axis.
    pub columns: Vec<String>,
    /// Names of the rows, each with the place of its cell in every column. Nothing where a combination is left out.
    pub rows: Vec<(String, Vec<Option<usize>>)>,
}

impl Matrix {
    /// Of a study.
    pub fn of(study: &Study) -> Matrix {
        let axes = &study.definition.axes;
        let (down, across) = match axes.split_last() {
            Some((last, before)) if !before.is_empty() => (before, Some(last)),
            _ => (axes.as_slice(), None),
        };
        let count = across.map_or(1, |axis| axis.names().len());
        let mut rows: Vec<(&[usize], Vec<Option<usize>>)> = Vec::new();
        for (place, cell) in study.cells.iter().enumerate() {
            let (at, column) = (&cell.at[..down.len()], cell.at.get(down.len()).copied().unwrap_or(0));
            // Cells come with the last axis fastest, so those of a row follow each other.
            if rows.last().is_none_or(|(known, _)| *known != at) {
                rows.push((at, vec![None; count]));
            }
            if let Some(cell) = rows.last_mut().and_then(|(_, cells)| cells.get_mut(column)) {
                *cell = Some(place);
            }
        }
        let named = |at: &[usize]| {
            let names = down.iter().zip(at).map(|(axis, at)| axis.names().swap_remove(*at));
            names.collect::<Vec<_>>().join(", ")
        };
        let rows = rows.into_iter().map(|(at, cells)| (named(at), cells)).collect();
        let mut corner = down.iter().map(|axis| axis.name.clone()).collect::<Vec<_>>().join(", ");
        let Some(across) = across else { return Matrix { corner, columns: vec![String::new()], rows } };
        let with_axis: Vec<String> =
            across.names().iter().map(|point| format!("{}={point}", across.name)).collect();
        let columns = match with_axis.iter().all(|name| name.chars().count() <= SHORT) {
            true => with_axis,
            false => {
                corner = format!("{corner} / {}", across.name);
                across.names()
            }
        };
        Matrix { corner, columns, rows }
    }

    /// Row and column of a cell.
    pub fn place(&self, cell: usize) -> Option<(usize, usize)> {
        self.rows.iter().enumerate().find_map(|(row, (_, cells))| {
            cells.iter().position(|known| *known == Some(cell)).map(|column| (row, column))
        })
    }

    /// The cell that lies so many rows and columns from this one, as near to that as there is one.
    pub fn step(&self, cell: usize, (down, across): (isize, isize)) -> usize {
        let Some((row, column)) = self.place(cell) else { return cell };
        let last = self.columns.len().saturating_sub(1);
        let column_of = |row: &[Option<usize>], wanted: usize| {
            let there = row.iter().enumerate().filter_map(|(at, cell)| Some((at, (*cell)?)));
            there.min_by_key(|(at, _)| at.abs_diff(wanted)).map(|(_, cell)| cell)
        };
        let to = row.saturating_add_signed(down).min(self.rows.len().saturating_sub(1));
        if across == 0 {
            return column_of(&self.rows[to].1, column).unwrap_or(cell);
        }
        // Combinations that are left out are passed over.
        let mut at = column;
        loop {
            let next = at.saturating_add_signed(across.signum()).min(last);
            if next == at {
                return cell;
            }
            at = next;
            if let Some(found) = self.rows[row].1[at] {
                return found;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;

    fn of(name: &str) -> (Study, Matrix) {
        let study = Study::load(name, Path::new("/nonexistent")).unwrap();
        let matrix = Matrix::of(&study);
        (study, matrix)
    }

    #[test]
    fn every_cell_has_one_place_and_its_names_are_those_of_the_row_and_the_column() {
        for name in ["t1", "t2", "t3", "figure4", "a1", "p2"] {
            let (study, matrix) = of(name);
            let shown = matrix.rows.iter().flat_map(|(_, cells)| cells.iter().flatten());
            assert_eq!(shown.count(), study.cells.len(), "{name}");
            for (place, cell) in study.cells.iter().enumerate() {
                let (row, column) = matrix.place(place).unwrap();
                let words = format!("{} {}", matrix.rows[row].0, matrix.columns[column]);
                for (axis, at) in study.definition.axes.iter().zip(&cell.at) {
                    assert!(words.contains(&axis.names()[*at]), "{name}: {words} is not {}", cell.name);
                }
            }
        }
        assert_eq!(of("t1").1.columns[0], "B=1");
        assert_eq!((of("figure4").1.corner.as_str(), of("figure4").1.columns.len()), ("side", 1));
    }

    #[test]
    fn steps_pass_over_what_is_left_out_and_stay_inside() {
        let (study, matrix) = of("t1");
        let named = |name: &str| study.cells.iter().position(|cell| cell.name == name).unwrap();
        let (last, other) = (named("classes=unique, B=8"), named("classes=any, B=64"));
        assert_eq!(matrix.step(last, (0, 1)), last);
        assert_eq!(matrix.step(last, (1, 0)), named("classes=any, B=8"));
        assert_eq!(matrix.step(other, (-1, 0)), last);
        assert_eq!(matrix.step(other, (1, 1)), other);
        assert_eq!(matrix.step(0, (-1, 0)), 0);
    }
}
