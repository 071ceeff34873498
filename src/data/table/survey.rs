//! What the fields of a column are, before anything is made of them: how its numbers are written, what is missing,
//! whether it only counts or names the rows.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::number::{Form, SENTINELS, is_ambiguous, is_bracketed, is_grouped, is_missing, is_plain, marks};
use super::unit::Measured;

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
    /// Fields that are numbers with a point or with a comma, and the first that are so with one of them alone.
    either: usize,
    only: [Option<Place>; 2],
    /// Units of the fields that have one, the first of each, and the first field that has none.
    units: Vec<(String, Place)>,
    unmeasured: Option<Place>,
    doubtful: bool,
    /// The only word among numbers, with its line; nothing if there are several. The first number, and hashes of a few.
    word: Option<Option<Place>>,
    number: Option<Place>,
    some: HashSet<u64>,
    /// Marks beside numbers, whether thousands are apart with point and comma, and whether parentheses are a minus.
    marks: BTreeSet<char>,
    grouped: [bool; 2],
    brackets: bool,
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

/// A field of a line.
type Place = (u64, String);

/// In the order in which they are tried.
const FORMS: [Form; 7] = [
    Form::Point,
    Form::Comma,
    Form::PointUnit,
    Form::CommaUnit,
    Form::Date,
    Form::MonthFirst,
    Form::DayFirst,
];
/// Numbers from which on they are hardly codes of a few kinds, if none has a fraction.
const SEVERAL: usize = 8;
/// Most units that are told apart.
const MOST_UNITS: usize = 2;

impl Default for Survey {
    fn default() -> Self {
        Survey {
            rows: 0,
            missing: 0,
            first_missing: None,
            numbers: [0; FORMS.len()],
            ambiguous: 0,
            either: 0,
            only: [None, None],
            units: Vec::new(),
            unmeasured: None,
            doubtful: false,
            word: None,
            number: None,
            some: HashSet::new(),
            marks: BTreeSet::new(),
            grouped: [false; 2],
            brackets: false,
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
        let place = || (line, field.to_owned());
        self.either += usize::from(found[0].is_some() || found[1].is_some());
        match (found[0], found[1]) {
            (Some(_), None) => drop(self.only[0].get_or_insert_with(place)),
            (None, Some(_)) => drop(self.only[1].get_or_insert_with(place)),
            _ => {}
        }
        match found.iter().any(Option::is_some) {
            true => {
                self.number.get_or_insert_with(place);
                if self.some.len() < SEVERAL {
                    self.some.insert(hashed(field));
                }
            }
            false => match &self.word {
                Some(Some((_, known))) if known != field => self.word = Some(None),
                Some(_) => {}
                None => self.word = Some(Some(place())),
            },
        }
        self.measure(field, found[2].is_some() || found[3].is_some(), place);
        let number = found[..4].iter().copied().flatten().next();
        if let Some(number) = number {
            self.ambiguous += usize::from(is_ambiguous(field));
            self.fractions |= number.fract() != 0.0;
            if !is_plain(field) {
                self.marks.extend(marks(field));
                self.brackets |= is_bracketed(field);
                for (i, grouped) in self.grouped.iter_mut().enumerate() {
                    *grouped |= [i, i + 2].iter().any(|&i| found[i].is_some() && is_grouped(field, FORMS[i]));
                }
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
        if let Some(distinct) = &mut self.distinct
            && (!distinct.insert(hashed(field)) || distinct.len() > MOST_DISTINCT)
        {
            self.distinct = None;
        }
    }

    /// Notes the unit of a field, or that it has none.
    fn measure(&mut self, field: &str, is_measured: bool, place: impl Fn() -> Place) {
        match Measured::of(field).filter(|_| is_measured) {
            Some(measured) => {
                self.doubtful |= measured.is_doubtful();
                let kind = measured.kind();
                if self.units.len() < MOST_UNITS && self.units.iter().all(|(known, _)| *known != kind) {
                    self.units.push((kind, place()));
                }
            }
            None => drop(self.unmeasured.get_or_insert_with(place)),
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

    /// The form of its numbers, if most of what it holds are numbers, or all are dates or have one unit. `comma` says
    /// whether the file writes a comma before fractions, for numbers that tell it not.
    pub fn form(&self, comma: bool) -> Option<Form> {
        let [point, with_comma, point_unit, comma_unit, dates @ ..] = self.numbers;
        if let Some(at) = dates.iter().position(|count| *count == self.present() && *count > 0) {
            return Some(FORMS[4 + at]);
        }
        let is_comma =
            |point, comma_too| comma_too > point || (comma_too == point && self.ambiguous > 0 && comma);
        if self.units.len() == 1 && point_unit.max(comma_unit) == self.present() && !self.doubtful {
            return Some(if is_comma(point_unit, comma_unit) { Form::CommaUnit } else { Form::PointUnit });
        }
        let (count, form) =
            if is_comma(point, with_comma) { (with_comma, Form::Comma) } else { (point, Form::Point) };
        (2 * count > self.present()).then_some(form)
    }

    /// Why a column that is no column of numbers is hardly one of words: most of its fields are numbers, but written in
    /// two ways, or many are, and all others one word.
    pub fn doubt(&self) -> Option<String> {
        let most = |count: usize| 2 * count > self.present();
        if let ([Some((point_line, point)), Some((line, comma))], true) = (&self.only, most(self.either)) {
            return Some(format!(
                "line {line} has {comma:?}, with a comma before the fraction, but line {point_line} {point:?}, with a \
                 point; write all of them one way"
            ));
        }
        let are_measures = self.some.len() >= SEVERAL || self.fractions;
        if let (Some(Some((line, word))), Some((number_line, number)), true) =
            (&self.word, &self.number, are_measures)
            && 5 * self.either >= self.present()
        {
            return Some(format!(
                "line {line} has {word:?}, but line {number_line} the number {number:?}; leave the field empty where there \
                 is no number"
            ));
        }
        let measured = self.numbers[2].max(self.numbers[3]);
        if !most(measured) || self.doubtful {
            return None;
        }
        match (&self.units[..], &self.unmeasured) {
            ([(_, (first_line, first)), (_, (line, other))], _) => Some(format!(
                "line {line} has {other:?}, in another unit than {first:?} in line {first_line}; write all of them in one"
            )),
            ([(_, (first_line, first))], Some((line, other))) => Some(format!(
                "line {line} has {other:?}, without the unit that {first:?} in line {first_line} has; write all of them \
                 one way"
            )),
            _ => None,
        }
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

    /// Marks, units and separators of thousands that are left out of its numbers in this form, for people.
    pub fn decoration(&self, form: Form) -> Option<String> {
        let mut parts: Vec<String> = self.marks.iter().map(char::to_string).collect();
        if matches!(form, Form::PointUnit | Form::CommaUnit) {
            parts
                .extend(self.units.first().and_then(|(_, (_, field))| Measured::of(field)).map(|it| it.unit));
        }
        if self.grouped[usize::from(matches!(form, Form::Comma | Form::CommaUnit))] {
            parts.push("separators of thousands".into());
        }
        (!parts.is_empty()).then(|| parts.join(" and "))
    }

    /// Whether numbers in parentheses are taken as negative.
    pub fn has_brackets(&self) -> bool {
        self.brackets
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

fn hashed(field: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    field.hash(&mut hasher);
    hasher.finish()
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
            (&["3.81 cm", "4 cm"], false, Some(Form::PointUnit)),
            (&["3,81 cm", "4 cm"], false, Some(Form::CommaUnit)),
            (&["USD 3.81", "USD 1,000"], false, Some(Form::PointUnit)),
            (&["3.81 cm", "4 mm"], false, None),
            (&["1st", "2nd"], false, None),
            (&["12A", "13A"], false, None),
            (&["3,81", "4.12"], false, None),
        ] {
            assert_eq!(of(fields).form(comma), form, "{fields:?}");
        }
        let decoration = |fields: &[&str], form| of(fields).decoration(form).unwrap_or_default();
        assert_eq!(decoration(&["$1,000", "5"], Form::Point), "$ and separators of thousands");
        assert_eq!(decoration(&["1.234,5", "5"], Form::Comma), "separators of thousands");
        assert_eq!(decoration(&["1 000", "5"], Form::Point), "separators of thousands");
        assert_eq!(decoration(&["5 kg", "6 kg"], Form::PointUnit), "kg");
        assert_eq!(decoration(&["1000", "5"], Form::Point), "");
    }

    #[test]
    fn numbers_in_two_ways_are_no_words() {
        for (fields, says) in [
            (
                &["4.12", "3,81"][..],
                Some("line 3 has \"3,81\", with a comma before the fraction, but line 2 \"4.12\""),
            ),
            (&["3.81 cm", "5 mm"], Some("line 3 has \"5 mm\", in another unit than \"3.81 cm\" in line 2")),
            (&["3 kg", "5 kg", "4"], Some("line 4 has \"4\", without the unit that \"3 kg\" in line 2 has")),
            (&["1st", "2nd", "3rd"], None),
            (
                &["unknown", "3.5", "unknown", "4"],
                Some("line 2 has \"unknown\", but line 3 the number \"3.5\"; leave the field empty"),
            ),
            (&["0", "1", "unknown", "unknown"], None),
            (&["3.5", "low", "high", "low"], None),
            (&["low", "high"], None),
            (&["2 bedrooms", "1 bedroom"], None),
        ] {
            let doubt = of(fields).doubt();
            match says {
                Some(says) => assert!(doubt.as_ref().is_some_and(|it| it.starts_with(says)), "{doubt:?}"),
                None => assert_eq!(doubt, None),
            }
        }
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
