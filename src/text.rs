//! Words from outside (names of files and runs, titles, messages) where they could do more than be read: on a terminal
//! and in a spreadsheet; numbers and times in words; the nearest of the words there are.

use std::borrow::Cow;

/// Whether a character acts instead of being seen: controls, among them those of eight bits, ends of lines, and what
/// turns the direction of the writing around.
pub fn acts(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A word or sentence for one line of a terminal: whatever acts is a question mark.
pub fn one_line(text: &str) -> Cow<'_, str> {
    replaced(text, "?")
}

/// A word as a cell of a table, comma- or tab-separated: whatever acts is a space, and what a spreadsheet would take for
/// a formula has an apostrophe in front, which it hides. Numbers stay numbers.
pub fn cell(text: &str) -> Cow<'_, str> {
    let text = replaced(text, " ");
    let is_formula = text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    // A lone dash says that there is nothing.
    if is_formula && text != "-" && text.parse::<f64>().is_err() { format!("'{text}").into() } else { text }
}

/// A number with its digits in groups of three.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `41.2 s`, `12 min 05 s`, `3 h 07 min`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        _ if !seconds.is_finite() || seconds < 0.0 => "unknown".into(),
        _ if seconds < 59.95 => format!("{seconds:.1} s"),
        0..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

/// Seconds of `90`, `90s`, `2min`, `1.5h`, `1h30m`, `01:30` or `1:02:03`; nothing of another text, or of a time before now.
pub fn seconds(text: &str) -> Option<f64> {
    let text = text.trim();
    if text.contains(':') {
        return text
            .split(':')
            .try_fold(0.0, |sum, part| Some(60.0 * sum + f64::from(part.parse::<u32>().ok()?)));
    }
    let units = [("min", 60.0), ("m", 60.0), ("h", 3600.0), ("s", 1.0), ("", 1.0)];
    let (rest, unit) = units.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))?;
    let several = || text.parse::<jiff::SignedDuration>().ok().map(|time| time.as_secs_f64());
    let seconds = rest.trim().parse().ok().map(|number: f64| number * unit).or_else(several)?;
    (seconds.is_finite() && seconds >= 0.0).then_some(seconds)
}

/// `00:41`, `59:59`, `1:02:03`, `3d 04h`.
pub fn clock(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "--:--".into();
    }
    let whole = seconds as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    match hours {
        0 => format!("{minutes:02}:{rest:02}"),
        1..100 => format!("{hours}:{minutes:02}:{rest:02}"),
        _ => format!("{}d {:02}h", hours / 24, hours % 24),
    }
}

/// `13 s`, `4 min`, `2.5 h`: for expectations, not for measurements.
pub fn about(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        "?".into()
    } else if seconds < 10.0 {
        format!("{} s", (10.0 * seconds).round() / 10.0)
    } else if seconds < 120.0 {
        format!("{} s", seconds.round())
    } else if seconds < 5400.0 {
        format!("{:.0} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}

/// An error with its causes, each said once: some quote their cause themselves.
pub fn sentence(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match said.as_str() {
        "" => cause,
        _ if said.contains(&cause) => said,
        _ => format!("{said}: {cause}"),
    })
}

/// The word among `known` that is nearest to `word`, if any is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().max(word.len()) / 3)
        .min()
        .map(|(_, candidate)| candidate)
}

fn replaced<'a>(text: &'a str, by: &str) -> Cow<'a, str> {
    if text.contains(acts) { text.replace(acts, by).into() } else { text.into() }
}

/// Whether a name is like a pattern, in which `*` stands for any characters and `?` for one.
pub fn is_like(name: &str, pattern: &str) -> bool {
    let (name, pattern): (Vec<char>, Vec<char>) = (name.chars().collect(), pattern.chars().collect());
    let (mut at, mut of) = (0, 0);
    // Where to go on after the last star if what follows it does not fit.
    let mut star: Option<(usize, usize)> = None;
    while at < name.len() {
        match (pattern.get(of), star) {
            (Some('*'), _) => {
                star = Some((at, of));
                of += 1;
            }
            (Some(wanted), _) if *wanted == '?' || *wanted == name[at] => (at, of) = (at + 1, of + 1),
            (_, Some((from, starred))) => {
                star = Some((from + 1, starred));
                (at, of) = (from + 1, starred + 1);
            }
            (_, None) => return false,
        }
    }
    pattern[of..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_line_acts() {
        assert_eq!(one_line("a\x1b[31m\u{9b}1m\r\n\u{202e}\x7f\u{2028}é"), "a?[31m?1m?????é");
        assert_eq!(one_line("plain"), "plain");
    }

    #[test]
    fn long_numbers_are_in_groups() {
        assert_eq!([0, 999, 1000, 12_345_678].map(grouped), ["0", "999", "1,000", "12,345,678"]);
    }

    #[test]
    fn a_cause_is_said_once() {
        let cause = std::io::Error::other("the disk is full");
        let quoting = anyhow::Error::new(cause).context("cannot write x: the disk is full").context("no run");
        assert_eq!(sentence(&quoting), "no run: cannot write x: the disk is full");
    }

    #[test]
    fn a_cell_is_no_formula_and_numbers_are_left_alone() {
        for formula in ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "＝1", " =1"] {
            assert_eq!(cell(formula), format!("'{formula}"));
        }
        assert_eq!((cell("\t=1"), cell("\r@x")), ("' =1".into(), "' @x".into()));
        for word in ["-0.5", "+1e-3", "-inf", "-", "a=b", "", "dlg-lenet"] {
            assert_eq!(cell(word), word);
        }
    }

    #[test]
    fn patterns_stand_for_names() {
        for (pattern, fits) in [
            ("*", true),
            ("2026*sparsify", true),
            ("*-spar?ify", true),
            ("*spars*fy*", true),
            ("2026-sparsify", false),
            ("*sparsif", false),
            ("?", false),
            ("", false),
        ] {
            assert_eq!(is_like("20261128-190000-sparsify", pattern), fits, "{pattern}");
        }
        assert!(is_like("", "*") && is_like("", "") && is_like("a*b", "a?b"));
    }
}
