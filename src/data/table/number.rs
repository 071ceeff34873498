//! How numbers, dates and missing values are written in tables.

use std::borrow::Cow;

use jiff::civil::Date;

use super::unit::Measured;

/// Words for a value that is not there: those of pandas, the errors of a spreadsheet, and a few that people write.
const MISSING: [&str; 28] = [
    "", "?", "-", "--", "---", "\u{2013}", "\u{2014}", ".", "na", "n.a.", "n/a", "<na>", "#na", "#n/a",
    "#n/a n/a", "nan", "-nan", "nat", "null", "none", "missing", "1.#qnan", "#div/0!", "#ref!", "#value!",
    "#num!", "#name?", "#null!",
];
/// Numbers that stand for a missing value where no other value is negative.
pub const SENTINELS: [f64; 5] = [-99.0, -999.0, -9999.0, -99_999.0, -999_999.0];

/// Whether a field says that there is no value.
pub fn is_missing(field: &str) -> bool {
    field.len() <= 8 && MISSING.contains(&field.to_ascii_lowercase().as_str())
}

/// How the numbers of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `1,234.5`: a point before the fraction.
    Point,
    /// `1.234,5`: a comma before the fraction.
    Comma,
    /// `3.81 cm`: as `Point`, with a unit beside each.
    PointUnit,
    /// `3,81 cm`.
    CommaUnit,
    /// `2024-01-31`, counted in days since 1970.
    Date,
    /// `1/31/2024`.
    MonthFirst,
    /// `31.1.2024`.
    DayFirst,
}

impl Form {
    /// The number that a field says, finite.
    pub fn number(self, field: &str) -> Option<f64> {
        match self {
            Form::Point => point(field),
            Form::Comma => comma(field),
            Form::PointUnit => point(&Measured::of(field)?.number),
            Form::CommaUnit => comma(&Measured::of(field)?.number),
            Form::Date | Form::MonthFirst | Form::DayFirst => date(field, self),
        }
    }
}

/// What may stand between thousands, besides comma and point.
const APART: [char; 9] =
    [' ', '\'', '_', '\u{a0}', '\u{202f}', '\u{2009}', '\u{2007}', '\u{2019}', '\u{66c}'];

/// A number with a point before its fraction; thousands may be apart, money and percent marks stand beside it.
fn point(field: &str) -> Option<f64> {
    let core = &*bare(field);
    plain(core).or_else(|| {
        let (whole, fraction) = core.split_once('.').unwrap_or((core, ""));
        let whole = joined(whole, ',')?;
        plain(&if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") })
    })
}

/// A number with a comma before its fraction.
fn comma(field: &str) -> Option<f64> {
    let core = &*bare(field);
    let (whole, fraction) = core.split_once(',').map_or((core, None), |(whole, rest)| (whole, Some(rest)));
    if fraction.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit())) {
        return None;
    }
    let digits = |text: &str| text.trim_start_matches(['-', '+']).chars().all(|c| c.is_ascii_digit());
    let whole = match digits(whole) {
        true => whole.to_owned(),
        false => joined(whole, '.')?,
    };
    plain(&fraction.map_or(whole.clone(), |rest| format!("{whole}.{rest}")))
}

/// What Rust and C call a float, without the words for what is none.
fn plain(text: &str) -> Option<f64> {
    let is_number = text.contains(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E'));
    text.parse().ok().filter(|number: &f64| is_number && number.is_finite())
}

/// Thousands put together: `1,234` to `1234`; nothing if they are not in threes, nor as in India in twos before a three.
fn joined(whole: &str, mark: char) -> Option<String> {
    let sign = whole.len() - whole.trim_start_matches(['-', '+']).len();
    let (sign, digits) = whole.split_at(sign);
    let by = digits.chars().find(|c| *c == mark || APART.contains(c))?;
    let groups: Vec<&str> = digits.split(by).collect();
    let (first, rest) = groups.split_first()?;
    let (last, between) = rest.split_last()?;
    let is_digits = |text: &&str| text.chars().all(|c| c.is_ascii_digit());
    let in_threes = (1..=3).contains(&first.len()) && between.iter().all(|group| group.len() == 3);
    let in_twos = by == ',' && (1..=2).contains(&first.len()) && between.iter().all(|group| group.len() == 2);
    let right = groups.iter().all(is_digits) && last.len() == 3 && (in_threes || in_twos);
    right.then(|| format!("{sign}{}", digits.replace(by, "")))
}

/// Marks of money and of percent that may stand beside a number.
const MARKS: [char; 12] = ['$', '€', '£', '¥', '%', '¢', '₹', '₽', '₩', '₺', '₪', '‰'];
/// Signs that are drawn as a minus.
const MINUS: [char; 4] = ['\u{2212}', '\u{2013}', '\u{fe63}', '\u{ff0d}'];

/// A field without its marks: `-$5` is `-5`, and so is `(5)`, as accountants write it.
fn bare(field: &str) -> Cow<'_, str> {
    let is_mark = |c: char| MARKS.contains(&c) || c.is_whitespace();
    let core = field.trim_matches(is_mark);
    if core.contains(MINUS) {
        return bare(&core.replace(MINUS, "-")).into_owned().into();
    }
    if let Some(inside) = bracketed(core) {
        let inside = inside.trim_matches(is_mark);
        // One that has a sign of its own is no such number.
        return if inside.starts_with(['-', '+', '(']) { core.into() } else { format!("-{inside}").into() };
    }
    if let Some(scientific) = scientific(core) {
        return scientific.into();
    }
    // As SAP and COBOL write it, with nothing that could be a range or a code.
    if let Some(rest) = core.strip_suffix('-').map(|rest| rest.trim_end_matches(is_mark))
        && rest.starts_with(|c: char| c.is_ascii_digit() || is_mark(c))
        && !rest.contains('-')
    {
        return format!("-{}", rest.trim_matches(is_mark)).into();
    }
    match core.strip_prefix('-') {
        Some(rest) if rest.starts_with(is_mark) => format!("-{}", rest.trim_start_matches(is_mark)).into(),
        _ => core.into(),
    }
}

/// `3.81e2` of `3.81×10²`, `3.81 x 10^2` and `3.81·10^2`.
fn scientific(core: &str) -> Option<String> {
    const RAISED: [char; 12] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹', '⁻', '⁺'];
    let (mantissa, rest) = core.split_once(['×', '·', '⋅', 'x', '*'])?;
    let raised = rest.trim_start().strip_prefix("10")?;
    let power: String = match raised.strip_prefix('^').or_else(|| raised.strip_prefix("**")) {
        Some(plain) => plain.trim_matches(['(', ')']).to_owned(),
        None => {
            let digit = |c: char| {
                RAISED.iter().position(|raised| *raised == c).map(|at| "0123456789-+".as_bytes()[at])
            };
            raised.chars().map(|c| digit(c).map(char::from)).collect::<Option<_>>()?
        }
    };
    let is_whole =
        power.trim_start_matches(['-', '+']).chars().all(|c| c.is_ascii_digit()) && !power.is_empty();
    is_whole.then(|| format!("{}e{power}", mantissa.trim_end()))
}

/// What stands in the parentheses that a field is.
fn bracketed(field: &str) -> Option<&str> {
    field.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'))
}

/// What stands beside or within the number of a field that [`plain`] would not read: `$`, `%`.
pub fn marks(field: &str) -> impl Iterator<Item = char> {
    MARKS.into_iter().filter(|mark| field.contains(*mark))
}

/// Whether the number of a field stands in parentheses, which make it negative.
pub fn is_bracketed(field: &str) -> bool {
    field.contains('(')
}

/// Whether thousands are apart in a field that is a number in this form.
pub fn is_grouped(field: &str, form: Form) -> bool {
    let core = bare(field);
    match form {
        Form::Point => plain(&core).is_none(),
        Form::Comma => {
            let whole = core.split(',').next().unwrap_or_default();
            whole.contains(|c| c == '.' || APART.contains(&c))
        }
        Form::PointUnit => Measured::of(field).is_some_and(|it| is_grouped(&it.number, Form::Point)),
        Form::CommaUnit => Measured::of(field).is_some_and(|it| is_grouped(&it.number, Form::Comma)),
        Form::Date | Form::MonthFirst | Form::DayFirst => false,
    }
}

/// Whether a field is read differently with a point and with a comma before the fraction: `1,234`.
pub fn is_ambiguous(field: &str) -> bool {
    matches!((point(field), comma(field)), (Some(a), Some(b)) if a != b)
}

/// Whether a field is a plain number as every reader takes it.
pub fn is_plain(field: &str) -> bool {
    plain(field).is_some()
}

/// Days since 1970-01-01, with the time of day as a fraction.
fn date(field: &str, form: Form) -> Option<f64> {
    let (day, time) = field.split_once(['T', ' ']).map_or((field, None), |(day, time)| (day, Some(time)));
    let by = day.chars().find(|c| matches!(c, '-' | '/' | '.'))?;
    let mut parts = day.split(by);
    let [a, b, c] = [parts.next()?, parts.next()?, parts.next()?];
    if parts.next().is_some() || [a, b, c].iter().any(|part| part.is_empty() || !is_digits(part)) {
        return None;
    }
    let (year, month, day) = match form {
        Form::Date if a.len() == 4 && by != '.' => (a, b, c),
        Form::MonthFirst if c.len() == 4 && by != '.' => (c, a, b),
        Form::DayFirst if c.len() == 4 => (c, b, a),
        _ => return None,
    };
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    let days = (date - Date::new(1970, 1, 1).ok()?).get_days();
    Some(f64::from(days) + time.map_or(Some(0.0), time_of_day)?)
}

/// `13:45`, `13:45:30`, `13:45:30.5Z` as a fraction of a day.
fn time_of_day(time: &str) -> Option<f64> {
    let mut parts = time.trim_end_matches('Z').split(':').map(|part| plain(part).filter(|part| *part >= 0.0));
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().map_or(Some(0.0), |second| second)?;
    (hour < 24.0 && minute < 60.0 && second < 61.0 && parts.next().is_none())
        .then(|| (hour + (minute + second / 60.0) / 60.0) / 24.0)
}

fn is_digits(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (field, as_point, as_comma) in [
            ("5", Some(5.0), Some(5.0)),
            ("-5.25", Some(-5.25), None),
            ("1e3", Some(1000.0), None),
            ("1,000", Some(1000.0), Some(1.0)),
            ("1,234,567.5", Some(1_234_567.5), None),
            ("1.234,5", None, Some(1234.5)),
            ("4,95", None, Some(4.95)),
            ("1.234.567", None, Some(1_234_567.0)),
            ("$1000", Some(1000.0), Some(1000.0)),
            ("-$5", Some(-5.0), Some(-5.0)),
            ("3%", Some(3.0), Some(3.0)),
            ("12 %", Some(12.0), Some(12.0)),
            ("1 000 €", Some(1000.0), Some(1000.0)),
            ("1'000", Some(1000.0), Some(1000.0)),
            ("12,34", None, Some(12.34)),
            ("1,23,456", Some(123_456.0), None),
            ("1,2,456", None, None),
            ("1_100", Some(1100.0), Some(1100.0)),
            ("1\u{a0}234,5", None, Some(1234.5)),
            ("1\u{202f}234.5", Some(1234.5), None),
            ("\u{2212}3", Some(-3.0), Some(-3.0)),
            ("(3.81)", Some(-3.81), None),
            ("($1,000)", Some(-1000.0), Some(-1.0)),
            ("$ (3)", Some(-3.0), Some(-3.0)),
            ("(-3)", None, None),
            ("((3))", None, None),
            ("1e\u{2212}3", Some(0.001), None),
            ("3.81-", Some(-3.81), None),
            ("1,000.50-", Some(-1000.5), None),
            ("3,81 -", None, Some(-3.81)),
            ("$5-", Some(-5.0), Some(-5.0)),
            ("-5-", None, None),
            ("3-4-", None, None),
            ("3.81×10²", Some(381.0), None),
            ("3.81 × 10⁻²", Some(0.0381), None),
            ("-3.81x10^2", Some(-381.0), None),
            ("3,81·10^(-2)", None, Some(0.0381)),
            ("4×10", None, None),
            ("2x4", None, None),
            ("nan", None, None),
            ("inf", None, None),
            ("1e999", None, None),
            ("x1", None, None),
            ("", None, None),
            ("-", None, None),
            ("5.1,", None, None),
        ] {
            assert_eq!((point(field), comma(field)), (as_point, as_comma), "{field:?}");
        }
        for (field, form, grouped) in [
            ("1,000", Form::Point, true),
            ("1000", Form::Point, false),
            ("$5", Form::Point, false),
            ("1.234,5", Form::Comma, true),
            ("4,95", Form::Comma, false),
            ("1,000 kg", Form::PointUnit, true),
        ] {
            assert_eq!(is_grouped(field, form), grouped, "{field}");
        }
        assert!(is_ambiguous("1,000") && !is_ambiguous("1000") && !is_ambiguous("4,95"));
        assert_eq!(marks("$3%").collect::<String>(), "$%");
    }

    #[test]
    fn dates_are_days() {
        for (field, form, days) in [
            ("1970-01-02", Form::Date, Some(1.0)),
            ("2024-01-31 12:00", Form::Date, Some(19_753.5)),
            ("2024/01/31T06:00:00Z", Form::Date, Some(19_753.25)),
            ("1/31/2024", Form::MonthFirst, Some(19_753.0)),
            ("31.1.2024", Form::DayFirst, Some(19_753.0)),
            ("31/01/2024", Form::DayFirst, Some(19_753.0)),
            ("31/01/2024", Form::MonthFirst, None),
            ("2024-13-01", Form::Date, None),
            ("1-2", Form::Date, None),
            ("5.1.", Form::DayFirst, None),
            ("2024-01-31 25:00", Form::Date, None),
        ] {
            assert_eq!(form.number(field), days, "{field}");
        }
    }

    #[test]
    fn what_is_missing_has_many_words() {
        assert!(
            ["", "?", "NA", "N/A", "nan", "NULL", "None", "#N/A", "<NA>"].iter().all(|word| is_missing(word))
        );
        assert!(!["0", "no", "unknown", "Nadia"].iter().any(|word| is_missing(word)));
    }
}
