//! Numbers, durations and points in time as a report says them.

use crate::figure::{Figure, Form};
pub use crate::text::duration;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Fixed decimals; `NaN` and `∞` where there is no number.
pub fn fixed(value: f64, decimals: usize) -> String {
    if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 { "∞".into() } else { "−∞".into() }
    } else {
        format!("{value:.decimals$}")
    }
}

/// A loss: `3.1e-7`.
pub fn loss(value: f64) -> String {
    if value.is_finite() { format!("{value:.1e}") } else { fixed(value, 0) }
}

/// A figure.
pub fn of(figure: &Figure, value: f64) -> String {
    match figure.form {
        Form::Fixed(decimals) => fixed(value, decimals),
        Form::Power => loss(value),
        Form::Share => percent(value),
        Form::Count => count(value as usize),
        Form::Clock => duration(value),
    }
}

/// A share in percent.
pub fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.0} %", 100.0 * share) } else { fixed(share, 0) }
}

/// `22 November 2026, 12:55`, in the time zone of this machine. `seconds` since the epoch.
pub fn moment(seconds: f64) -> String {
    let timestamp = Timestamp::from_second(seconds as i64).unwrap_or_default();
    timestamp.to_zoned(TimeZone::system()).strftime("%-d %B %Y, %H:%M").to_string()
}

/// Digits in groups of three: `15,826`.
pub fn count(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            (fixed(f64::NAN, 2), fixed(f64::INFINITY, 2), fixed(45.248, 2)),
            ("NaN".into(), "∞".into(), "45.25".into())
        );
        assert_eq!((loss(3.12e-7), loss(f64::NAN)), ("3.1e-7".into(), "NaN".into()));
        assert_eq!([0, 999, 1000, 15_826, 11_173_962].map(count).join(" "), "0 999 1,000 15,826 11,173,962");
        assert_eq!(
            [0.25, 59.94, 61.0, 3599.0, 11_220.0, -1.0].map(duration).join("; "),
            "0.2 s; 59.9 s; 1 min 01 s; 59 min 59 s; 3 h 07 min; unknown"
        );
    }
}
