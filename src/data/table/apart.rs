//! An encoding that says nothing of the samples that are attacked: it is public with the model, and so is what it was made
//! of.

use super::ColumnKind;
use crate::data::{Dataset, Samples};

impl Dataset {
    /// The same set with ranges of numbers that were found over all rows taken over those alone that are not `attacked`: a
    /// range that ends at a private number would give it away. What of an attacked row lies beyond is beyond 0 to 1. Words
    /// that attacked rows alone have stay, since without them the row has no encoding; both are said in
    /// [`Dataset::reading`]. Ranges and words of a schema, and those of sets that are built in, are public.
    #[must_use]
    pub fn without_telling(mut self, attacked: &[usize]) -> Dataset {
        let Samples::Rows { width, values } = &mut self.samples else { return self };
        let (width, rows) = (*width, self.labels.len());
        let Some(table) = &mut self.table else { return self };
        let mut at = 0;
        for column in &mut table.columns {
            let begin = at;
            at += column.kind.width();
            let name = &column.name;
            let others = (0..rows).filter(|row| !attacked.contains(row));
            match &mut column.kind {
                ColumnKind::Numeric { min, max, .. } => {
                    let found = others.map(|row| values[row * width + begin]);
                    let (low, high) = found.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                        (low.min(value), high.max(value))
                    });
                    let low = if column.given[0] { 0.0 } else { low };
                    let high = if column.given[1] { 1.0 } else { high };
                    if !low.is_finite() || !high.is_finite() || low >= high || (low, high) == (0.0, 1.0) {
                        continue;
                    }
                    for row in 0..rows {
                        let value = &mut values[row * width + begin];
                        *value = (*value - low) / (high - low);
                    }
                    let span = *max - *min;
                    (*min, *max) = (*min + low * span, *min + high * span);
                    self.reading.note(format!(
                        "{name}: the range is that of the rows that are not attacked, {min} to {max}, beyond which an attacked \
                         one lies; declare min and max to grant the attacker another"
                    ));
                }
                ColumnKind::Categorical { values: words } if column.given == [false, false] => {
                    let has = |row: usize, word: usize| values[row * width + begin + word] == 1.0;
                    let private = |word: &usize| {
                        attacked.iter().any(|row| has(*row, *word))
                            && !others.clone().any(|row| has(row, *word))
                    };
                    let private: Vec<&str> =
                        (0..words.len()).filter(private).map(|word| words[word].as_str()).collect();
                    if !private.is_empty() {
                        self.reading.note(format!(
                            "{name}: no row that is not attacked says {}, and that the encoding has it tells the attacker; \
                             declare the column's values where they are public",
                            private.join(" or ")
                        ));
                    }
                }
                ColumnKind::Categorical { .. } => {}
            }
        }
        self
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::super::read::dataset;
    use super::super::schema::Schema;
    use super::*;

    fn set(private: &str, schema: &str) -> Dataset {
        let text = format!("x,kind,label\n1,a,u\n2,b,v\n4,a,u\n{private},v\n");
        let schema: Schema = toml::from_str(schema).unwrap();
        dataset("t".into(), text.as_bytes(), &schema, Path::new("t.csv")).unwrap()
    }

    #[test]
    fn a_range_does_not_end_at_a_private_number() {
        let (a, b) = (set("500,a", "").without_telling(&[3]), set("5000,a", "").without_telling(&[3]));
        let ColumnKind::Numeric { min, max, .. } = a.table.as_ref().unwrap().columns[0].kind else {
            panic!()
        };
        assert_eq!((min, max), (1.0, 4.0));
        // All that a client or an attacker sees of the others is the same.
        for row in 0..3 {
            let seen = |set: &Dataset| set.batch(&[row], None).unwrap().images.pixels;
            seen(&a).iter().zip(seen(&b)).for_each(|(a, b)| assert!((a - b).abs() < 1e-12));
        }
        let value = |set: &Dataset| set.batch(&[3], None).unwrap().images.pixels[0];
        assert!((value(&a) - 499.0 / 3.0).abs() < 1e-9 && (value(&b) - 4999.0 / 3.0).abs() < 1e-9);
        assert!(a.reading.notes().iter().any(|note| note.starts_with("x: the range is that of the rows")));
    }

    #[test]
    fn what_is_declared_or_known_from_others_stays() {
        let declared = set("500,a", "[columns]\nx = { kind = \"numeric\", min = 0, max = 1000 }\n");
        assert_eq!(declared.clone().without_telling(&[3]).table, declared.table);
        let inside = set("3,a", "");
        assert_eq!(inside.clone().without_telling(&[3]).table, inside.table);
        let word = set("3,zz", "").without_telling(&[3]);
        assert!(
            word.reading.notes().iter().any(|note| note.contains("says zz")),
            "{:?}",
            word.reading.notes()
        );
    }
}
