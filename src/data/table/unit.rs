//! Numbers with a unit or a currency beside them: `3.81 cm`, `5kg`, `USD 3.81`.

/// Longest unit in letters.
const MOST_LETTERS: usize = 8;
/// Currencies that stand before a number in letters.
const CURRENCIES: [&str; 41] = [
    "USD", "EUR", "GBP", "CHF", "JPY", "CNY", "RMB", "INR", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN",
    "CZK", "HUF", "RON", "BGN", "RUB", "UAH", "TRY", "ILS", "ZAR", "BRL", "MXN", "KRW", "SGD", "HKD", "TWD",
    "THB", "US$", "CA$", "AU$", "HK$", "A$", "C$", "R$", "Rs", "Fr", "kr",
];

/// A number as it is written, and what stands beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    pub number: String,
    pub unit: String,
    /// It stands right behind the number, in letters alone: `12A`, `1st`.
    pub glued: bool,
}

impl Measured {
    /// A field as number and unit; whether the number is one is not looked at.
    pub fn of(field: &str) -> Option<Measured> {
        let field = field.trim();
        if let Some(inside) = field.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            let measured = Measured::of(inside)?;
            return Some(Measured { number: format!("({})", measured.number), ..measured });
        }
        before(field).or_else(|| behind(field))
    }

    /// The unit by which two are compared: plurals are one with their singular, and capitals count in short ones alone.
    pub fn kind(&self) -> String {
        let unit = self.unit.trim_end_matches('.');
        if unit.chars().count() <= 2 {
            return unit.to_owned();
        }
        let lower = unit.to_lowercase();
        lower.strip_suffix('s').map(str::to_owned).unwrap_or(lower)
    }

    /// Whether it may be a code or an ordinal rather than a unit: `12A`, `1st`.
    pub fn is_doubtful(&self) -> bool {
        let ordinal = ["st", "nd", "rd", "th"].contains(&self.unit.to_lowercase().as_str());
        self.glued && (ordinal || (self.unit.chars().count() == 1 && self.unit != "°"))
    }
}

/// `USD 3.81`, `-USD3.81`.
fn before(field: &str) -> Option<Measured> {
    let (sign, rest) = match field.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => ("-", rest.trim_start()),
        None => ("", field),
    };
    let unit = CURRENCIES.iter().find(|unit| rest.starts_with(**unit))?;
    let number = rest[unit.len()..].trim_start_matches('.').trim_start();
    let begins = number.starts_with(|c: char| c.is_ascii_digit() || "+-.\u{2212}(".contains(c));
    begins.then(|| Measured { number: format!("{sign}{number}"), unit: (*unit).to_owned(), glued: false })
}

/// `3.81 cm`, `5kg`.
fn behind(field: &str) -> Option<Measured> {
    let begins = |c: char| c.is_alphabetic() || matches!(c, '°' | 'µ');
    let (number, unit, glued) = match field.rsplit_once(char::is_whitespace) {
        Some((number, unit)) if unit.starts_with(begins) => (number.trim_end(), unit, false),
        _ => {
            let at = field.find(begins)?;
            (field[..at].trim_end(), &field[at..], true)
        }
    };
    let is_unit = unit.chars().count() <= MOST_LETTERS
        && unit.chars().all(|c| c.is_alphanumeric() || "°µ²³/·^.*".contains(c));
    let is_other = |c: char| c.is_alphabetic() && !matches!(c, 'e' | 'E');
    let holds = number.contains(|c: char| c.is_ascii_digit()) && !number.contains(is_other);
    (is_unit && holds).then(|| Measured { number: number.to_owned(), unit: unit.to_owned(), glued })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_stand_behind_and_currencies_before() {
        for (field, number, unit) in [
            ("3.81 cm", "3.81", "cm"),
            ("3.81cm", "3.81", "cm"),
            ("1e3 cm", "1e3", "cm"),
            ("5 m2", "5", "m2"),
            ("20°C", "20", "°C"),
            ("90 km/h", "90", "km/h"),
            ("USD 3.81", "3.81", "USD"),
            ("-USD 3.81", "-3.81", "USD"),
            ("EUR5", "5", "EUR"),
            ("Rs. 100", "100", "Rs"),
            ("(USD 3.81)", "(3.81)", "USD"),
        ] {
            let found = Measured::of(field);
            let found = found.as_ref().map(|found| (found.number.as_str(), found.unit.as_str()));
            assert_eq!(found, Some((number, unit)), "{field}");
        }
        for field in ["C85", "cm", "12 Main Street", "5 kilometres an hour", "", "3.81"] {
            assert_eq!(Measured::of(field), None, "{field}");
        }
    }

    #[test]
    fn plurals_are_one_and_codes_are_doubtful() {
        let of = |field: &str| Measured::of(field).map(|it| (it.kind(), it.is_doubtful()));
        assert_eq!(of("2 bedrooms"), of("1 bedroom"));
        assert_ne!(of("2 Mb"), of("1 mb"));
        assert_eq!(of("12A").map(|it| it.1), Some(true));
        assert_eq!(of("1st").map(|it| it.1), Some(true));
        assert_eq!(of("12 A").map(|it| it.1), Some(false));
    }
}
