//! What the fields of a column are, before anything is made of them: how its numbers are written, what is missing,
//! whether it only counts or names the rows.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::number::{Form, SENTINELS, is_ambiguous, is_missing, is_plain, marks};

/// Rows of which it is known whether their fields are all different.
const MOST_DISTINCT: usize = 1 << 20;
/// Rows from which on words that are all different name the rows rather than say something of them.
const MANY: usize = 20;

/// The fields of one column.
#[derive(Debug)]
pub struct Survey {
    rows: usize,
    /// Fields without a value, and line and text of the first.
    pub missing: usize,
    pub first_missing: Option<(u64, String)>,
    /// Fields that are numbers in each of the forms.
    numbers: [usize; FORMS.len()],
    ambiguous: usize,
    /// Marks beside numbers, and whether thousands are apart.
    marks: BTreeSet<char>,
    grouped: bool,
    fractions: bool,
    /// Times that each number occurs that may stand for a missing value, the line of the first, and the range of all
    /// others.
    sentinels: [usize; SENTINELS.len()],
    first_sentinel: u64,
    least: f64,
    most: f64,
    /// Hashes of the fields, as long as they are all different.
    distinct: Option<HashSet<u64>>,
    /// The first number, as long as each row has the next one.
    counting: Option<f64>,
}

/// In the order in which they are tried.
const FORMS: [Form; 5] = [Form::Point, Form::Comma, Form::Date, Form::MonthFirst, Form::DayFirst];

impl Default for Survey {
    fn default() -> Self {
        Survey {
            rows: 0,
            missing: 0,
            first_missing: None,
            numbers: [0; FORMS.len()],
            ambiguous: 0,
            marks: BTreeSet::new(),
            grouped: false,
            fractions: false,
            sentinels: [0; SENTINELS.len()],
            first_sentinel: 0,
            least: f64::INFINITY,
            most: f64::NEG_INFINITY,
            distinct: Some(HashSet::new()),
            counting: None,
        }
    }
}

impl Survey {
    /// Adds the field of a row, which is in this line of the file.
    pub fn add(&mut self, line: u64, field: &str) {
        self.rows += 1;
        if is_missing(field) {
            self.missing += 1;
            self.first_missing.get_or_insert_with(|| (line, field.to_owned()));
            (self.distinct, self.counting) = (None, None);
            return;
        }
        let found: Vec<Option<f64>> = FORMS.iter().map(|form| form.number(field)).collect();
        found.iter().zip(&mut self.numbers).for_each(|(found, count)| *count += usize::from(found.is_some()));
        let number = found[0].or(found[1]);
        if let Some(number) = number {
            self.ambiguous += usize::from(is_ambiguous(field));
            self.fractions |= number.fract() != 0.0;
            if !is_plain(field) {
                self.marks.extend(marks(field));
                self.grouped |= found[0].is_some() && field.contains([',', '\'', '\u{a0}', '\u{202f}']);
            }
            match SENTINELS.iter().position(|sentinel| *sentinel == number) {
                Some(which) => {
                    if self.sentinels.iter().all(|count| *count == 0) {
                        self.first_sentinel = line;
                    }
                    self.sentinels[which] += 1;
                }
                None => (self.least, self.most) = (self.least.min(number), self.most.max(number)),
            }
        }
        let next = |first: f64| Some(first + (self.rows - 1) as f64) == number;
        self.counting = match self.counting {
            None if self.rows == 1 => number.filter(|number| *number == 0.0 || *number == 1.0),
            Some(first) if next(first) => Some(first),
            _ => None,
        };
        if let Some(distinct) = &mut self.distinct {
            let mut hasher = DefaultHasher::new();
            field.hash(&mut hasher);
            if !distinct.insert(hasher.finish()) || distinct.len() > MOST_DISTINCT {
                self.distinct = None;
            }
        }
    }

    /// Fields with a value.
    fn present(&self) -> usize {
        self.rows - self.missing
    }

    /// No field has a value.
    pub fn is_empty(&self) -> bool {
        self.present() == 0
    }

    /// The form of its numbers, if most of what it holds are numbers or all are dates. `comma` says whether the file
    /// writes a comma before fractions, for numbers that tell it not.
    pub fn form(&self, comma: bool) -> Option<Form> {
        let [point, with_comma, dates @ ..] = self.numbers;
        if let Some(at) = dates.iter().position(|count| *count == self.present() && *count > 0) {
            return Some(FORMS[2 + at]);
        }
        let is_comma = with_comma > point || (with_comma == point && self.ambiguous > 0 && comma);
        let (count, form) = if is_comma { (with_comma, Form::Comma) } else { (point, Form::Point) };
        (2 * count > self.present()).then_some(form)
    }

    /// Whether its numbers can only be read with a comma before the fraction.
    pub fn shows_comma(&self) -> bool {
        self.numbers[1] > self.numbers[0] && 2 * self.numbers[1] > self.present()
    }

    /// The number that stands for a missing value, though it is one: -999 among values that are never negative. With
    /// the line of the first.
    pub fn sentinel(&self) -> Option<(f64, u64)> {
        let at = self.sentinels.iter().position(|count| *count > 0)?;
        let single = self.sentinels.iter().filter(|count| **count > 0).count() == 1;
        (single && self.least >= 0.0 && 2 * self.sentinels[at] < self.rows)
            .then_some((SENTINELS[at], self.first_sentinel))
    }

    /// Range of its numbers without such a one.
    pub fn range(&self) -> (f64, f64) {
        (self.least, self.most)
    }

    /// Marks and thousands that are left out of its numbers, for people.
    pub fn decoration(&self) -> Option<String> {
        let mut parts: Vec<String> = self.marks.iter().map(char::to_string).collect();
        if self.grouped {
            parts.push("separators of thousands".into());
        }
        (!parts.is_empty()).then(|| parts.join(" and "))
    }

    /// Why it says nothing of a row but which one it is, if it does not: it counts the rows under no name of its own,
    /// has a name for identifiers, or a word of its own in every row.
    pub fn identifies(&self, name: Option<&str>, is_first: bool) -> Option<&'static str> {
        let all_different = self.distinct.is_some() && self.rows > 1;
        let named = name.is_some_and(is_identifier);
        let counts = self.counting.is_some() && self.rows > 1;
        if counts && (named || (is_first && name.is_none() && self.rows >= 5)) {
            return Some("counts the rows");
        }
        let words = self.numbers.iter().all(|count| 2 * count <= self.rows);
        if all_different && !self.fractions && (named || (words && self.rows >= MANY)) {
            return Some("different in every row");
        }
        None
    }
}

/// Whether a column of this name tells which row it is: `id`, `user_id`, `PassengerId`, `Unnamed: 0`, `index`.
fn is_identifier(name: &str) -> bool {
    let lower = name.to_lowercase();
    let exact =
        ["id", "ids", "index", "idx", "uuid", "guid", "key", "row", "rowid", "row names", "rownames", "no"];
    exact.contains(&lower.as_str())
        || lower.starts_with("unnamed: ")
        || ["_id", "-id", " id", ".id", "_index", "_no"].iter().any(|end| lower.ends_with(end))
        || lower.starts_with("id_")
        || ["Id", "ID"]
            .iter()
            .any(|end| name.strip_suffix(end).is_some_and(|rest| rest.ends_with(char::is_lowercase)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fields: &[&str]) -> Survey {
        let mut survey = Survey::default();
        fields.iter().zip(2..).for_each(|(field, line)| survey.add(line, field));
        survey
    }

    #[test]
    fn the_form_is_that_of_all_fields() {
        for (fields, comma, form) in [
            (&["1", "2.5"][..], false, Some(Form::Point)),
            (&["1,5", "2"], false, Some(Form::Comma)),
            (&["1,000", "2,000"], false, Some(Form::Point)),
            (&["1,000", "2,000"], true, Some(Form::Comma)),
            (&["1,000", "2.5"], true, Some(Form::Point)),
            (&["$5", "3%"], false, Some(Form::Point)),
            (&["2024-01-01", "", "2024-01-02"], false, Some(Form::Date)),
            (&["1/2/2024", "3/4/2024"], false, Some(Form::MonthFirst)),
            (&["1/2/2024", "13/4/2024"], false, Some(Form::DayFirst)),
            (&["a", "1"], false, None),
            (&["?", "1"], false, Some(Form::Point)),
        ] {
            assert_eq!(of(fields).form(comma), form, "{fields:?}");
        }
        assert_eq!(of(&["$1,000", "5"]).decoration().as_deref(), Some("$ and separators of thousands"));
        assert_eq!(of(&["1000", "5"]).decoration(), None);
    }

    #[test]
    fn a_number_far_below_stands_for_a_missing_one() {
        assert_eq!(of(&["5", "-999", "3"]).sentinel(), Some((-999.0, 3)));
        assert_eq!(of(&["5", "-999", "-3"]).sentinel(), None);
        assert_eq!(of(&["5", "-998", "3"]).sentinel(), None);
    }

    #[test]
    fn what_names_the_rows_is_no_input() {
        let many: Vec<String> = (0..30).map(|i| format!("user{i}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(of(&many).identifies(Some("name"), false), Some("different in every row"));
        assert_eq!(of(&many[..5]).identifies(Some("name"), false), None);
        assert_eq!(of(&many[..5]).identifies(Some("user_id"), false), Some("different in every row"));
        assert_eq!(of(&["0", "1", "2", "3", "4"]).identifies(None, true), Some("counts the rows"));
        assert_eq!(of(&["1", "2"]).identifies(Some("Unnamed: 0"), true), Some("counts the rows"));
        assert_eq!(of(&["0", "1", "2", "3", "4"]).identifies(Some("day"), true), None);
        assert_eq!(of(&["0.5", "1.5"]).identifies(Some("id"), true), None);
        assert!(is_identifier("PassengerId") && is_identifier("customerID") && !is_identifier("Paid"));
    }
}
