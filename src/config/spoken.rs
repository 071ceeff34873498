//! What readers of TOML say of a value, in a person's words.

use super::error::ELSEWHERE;
use crate::text::nearest;

/// The sentence for a message of serde or toml; one that is a sentence already stays as it is.
pub fn plain(message: &str) -> String {
    let message = message.trim();
    let said = None
        .or_else(|| unknown(message))
        .or_else(|| of_another_kind(message))
        .or_else(|| out_of_range(message))
        .or_else(|| missing(message).map(|field| format!("`{field}` is missing")))
        .or_else(|| wrong_length(message))
        .or_else(|| of_another_form(message));
    said.unwrap_or_else(|| message.to_owned())
}

/// The field that a message says is missing.
pub fn missing(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

/// Some word that is none of those known, in one sentence: what it is, and which is meant.
pub fn not_known<'a>(what: &str, word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(word, known.clone()) {
        Some(near) => format!("{what} `{word}` is not known; did you mean `{near}`?"),
        None => format!("{what} `{word}` is not known; use {}", listed(known)),
    }
}

/// `a`, `a or b`, `a, b or c`.
fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// "unknown field `tvv`, expected one of `tv`, `kind`".
fn unknown(message: &str) -> Option<String> {
    let (kind, _) = message.strip_prefix("unknown ")?.split_once(' ')?;
    let words: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (wrong, known) = words.split_first()?;
    let what = if kind == "field" { "is no setting" } else { "is not known" };
    Some(match meant(wrong, known) {
        Some(near @ ("epochs" | "local_epochs")) if wrong.ends_with("steps") => format!(
            "`{wrong}` {what}; did you mean `{near}`, from which, with the batch, the number of steps follows?"
        ),
        Some(near) => format!("`{wrong}` {what}; did you mean `{near}`?"),
        None if known.is_empty() => format!("`{wrong}` {what}; remove it"),
        None => format!("`{wrong}` {what}; use {}", listed(known.iter().copied())),
    })
}

/// The known key that is meant by a wrong one.
fn meant<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    let elsewhere = ELSEWHERE.iter().filter(|(word, _)| *word == wrong).map(|(_, ours)| *ours);
    let translated = elsewhere.filter_map(|ours| known.iter().copied().find(|key| *key == ours)).next();
    translated.or_else(|| nearest(wrong, known.iter().copied()))
}

/// "invalid type: string "fast", expected f64".
fn of_another_kind(message: &str) -> Option<String> {
    let (found, expected) = message.strip_prefix("invalid type: ")?.rsplit_once(", expected ")?;
    match expected {
        "string only" => of_another_form("wanted string or table"),
        _ => Some(format!("{} is {}", shown(found), negated(expected))),
    }
}

/// "invalid value: integer `-1`, expected usize".
fn out_of_range(message: &str) -> Option<String> {
    let (found, expected) = message.strip_prefix("invalid value: ")?.rsplit_once(", expected ")?;
    let (value, negated) = (shown(found), negated(expected));
    let is_whole = negated.starts_with("no whole number");
    Some(match value.starts_with('-') {
        false if is_whole => format!("{value} is too large"),
        _ => format!("{value} is {negated}"),
    })
}

/// A value as it was typed.
fn shown(found: &str) -> String {
    if let Some(text) = found.strip_prefix("string ") {
        let bare = text.trim_matches('"');
        let is_word = !bare.is_empty() && !bare.contains(|c: char| c.is_whitespace() || c == '\\');
        return if is_word { bare.to_owned() } else { text.to_owned() };
    }
    match (found.split('`').nth(1), found) {
        (Some(value), _) => value.to_owned(),
        (None, "sequence") => "a list".to_owned(),
        (None, "map") => "a table".to_owned(),
        (None, other) => other.to_owned(),
    }
}

/// What a value is not, in words.
fn negated(expected: &str) -> String {
    let plain = match expected {
        "f32" | "f64" => "no number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "no whole number of 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "no whole number",
        "a boolean" => "neither true nor false",
        "a string" => "no text; put it in quotes",
        "a sequence" => "no list, as [0, 1]",
        "a map" => "no table, as { name = value }",
        other if other.starts_with("struct ") => "no table, as { name = value }",
        other if other.starts_with("an array") => return format!("no list of {}", digits(other)),
        other => return format!("not what belongs here: {other}"),
    };
    plain.to_owned()
}

/// "invalid length 2, expected an array of length 3".
fn wrong_length(message: &str) -> Option<String> {
    let (found, expected) = message.strip_prefix("invalid length ")?.split_once(", expected ")?;
    Some(format!("the list has {found} value(s), must have {}", digits(expected)))
}

fn digits(text: &str) -> &str {
    text.trim_matches(|c: char| !c.is_ascii_digit())
}

/// How a sentence on a value of another form begins.
pub const FORM: &str = "this cannot be used here";

/// What toml says where one of several words or tables belongs.
fn of_another_form(message: &str) -> Option<String> {
    let form = match message {
        "wanted string or table" => "a word, or a table with one name, as { name = value }",
        _ if message.starts_with("wanted exactly 1 element") => "a table with one name, as { name = value }",
        _ if message.starts_with("expected table, found") => "a table, as { name = value }",
        _ if message.starts_with("expected empty") => "the word alone",
        _ => return None,
    };
    Some(format!("{FORM}; {form} belongs here"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_in_the_words_of_a_parser() {
        for (message, said) in [
            ("invalid type: string \"2e-6abc\", expected f64", "2e-6abc is no number"),
            ("invalid type: string \"two words\", expected f64", "\"two words\" is no number"),
            ("invalid type: string \"\", expected f64", "\"\" is no number"),
            ("invalid type: floating point `1.5`, expected usize", "1.5 is no whole number of 0 or more"),
            ("invalid value: integer `-1`, expected usize", "-1 is no whole number of 0 or more"),
            ("invalid value: integer `99999999999`, expected u32", "99999999999 is too large"),
            ("invalid type: integer `1`, expected a boolean", "1 is neither true nor false"),
            ("invalid type: integer `1`, expected a string", "1 is no text; put it in quotes"),
            ("invalid type: sequence, expected a boolean", "a list is neither true nor false"),
            ("invalid type: map, expected a sequence", "a table is no list, as [0, 1]"),
            ("invalid length 2, expected an array of length 3", "the list has 2 value(s), must have 3"),
            ("missing field `kind`", "`kind` is missing"),
            (
                "unknown variant `adamax`, expected one of `sgd`, `adam`, `adamw`",
                "`adamax` is not known; did you mean `adam`?",
            ),
            ("unknown variant `x`, expected `adam` or `lbfgs`", "`x` is not known; use adam or lbfgs"),
            ("unknown field `tvv`, expected one of `tv`, `kind`", "`tvv` is no setting; did you mean `tv`?"),
            ("unknown field `zzzzzz`, expected `tv`", "`zzzzzz` is no setting; use tv"),
            (
                "invalid type: unit variant, expected string only",
                "this cannot be used here; a word, or a table with one name, as { name = value } belongs here",
            ),
            ("a sentence of our own", "a sentence of our own"),
        ] {
            assert_eq!(plain(message), said);
        }
    }
}
