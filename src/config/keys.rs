//! Dotted keys into a table: `victim.size`, and `post[0].sigma` or `post.0.sigma` into what stands in a list.

use toml::{Table, Value};

/// Puts a value in the place that a key names. Tables on the way are made; a list may grow by one.
///
/// # Errors
/// One sentence where there is no such place.
pub(super) fn set(table: &mut Table, key: &str, value: Value) -> Result<(), String> {
    let parts = parts(key);
    let (last, way) = parts.split_last().filter(|(last, _)| !last.is_empty()).ok_or("the key is empty")?;
    let Some((first, way)) = way.split_first() else {
        table.insert(last.clone(), value);
        return Ok(());
    };
    let mut at = table.entry(first.as_str()).or_insert_with(|| Value::Table(Table::new()));
    let mut path = first.clone();
    for part in way {
        at = inside(at, part, &path)?;
        path = format!("{path}.{part}");
    }
    *inside(at, last, &path)? = value;
    Ok(())
}

/// Removes what a key names, and a table that this leaves empty.
pub(super) fn unset(table: &mut Table, key: &str) {
    let parts = parts(key);
    let Some((first, rest)) = parts.split_first() else { return };
    let is_empty = match (table.get_mut(first), rest) {
        (Some(_), []) => true,
        (Some(inner), rest) => {
            remove(inner, rest);
            inner.as_table().is_some_and(Table::is_empty)
        }
        (None, _) => false,
    };
    if is_empty {
        table.remove(first);
    }
}

fn remove(value: &mut Value, parts: &[String]) {
    let [part, rest @ ..] = parts else { return };
    match value {
        Value::Table(table) => unset(table, &parts.join(".")),
        Value::Array(list) => {
            let Some(at) = part.parse().ok().filter(|at: &usize| *at < list.len()) else { return };
            match rest {
                [] => drop(list.remove(at)),
                rest => remove(&mut list[at], rest),
            }
        }
        _ => {}
    }
}

fn parts(key: &str) -> Vec<String> {
    key.replace('[', ".").replace(']', "").split('.').map(str::to_owned).collect()
}

/// What stands in a value under a name or at a place, made where it can be.
fn inside<'a>(value: &'a mut Value, part: &str, path: &str) -> Result<&'a mut Value, String> {
    match value {
        Value::Table(table) => Ok(table.entry(part).or_insert_with(|| Value::Table(Table::new()))),
        Value::Array(list) => {
            let count = list.len();
            let place = part.parse::<usize>().ok().filter(|place| *place <= count);
            let place = place.ok_or_else(|| match count {
                0 => format!("{path} is an empty list; {path}[0] begins it"),
                1 => format!("{path} has one entry, {path}[0]; {path}[1] adds another"),
                _ => format!(
                    "{path} has {count} entries, the last {path}[{}]; {path}[{count}] adds another",
                    count - 1
                ),
            })?;
            if place == count {
                list.push(Value::Table(Table::new()));
            }
            Ok(&mut list[place])
        }
        _ => Err(format!("{path} is a value, not a table")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn changed(key: &str, value: Option<Value>) -> Result<String, String> {
        let mut table: Table =
            toml::from_str("a = 1\nb = { c = 2 }\nl = [{ k = \"x\" }, { k = \"y\" }]").unwrap();
        match value {
            Some(value) => set(&mut table, key, value)?,
            None => unset(&mut table, key),
        }
        Ok(Value::Table(table).to_string())
    }

    #[test]
    fn places_in_tables_and_lists_are_named_by_dots_and_brackets() {
        let set = |key: &str| changed(key, Some(7.into()));
        assert_eq!(set("b.c").unwrap(), "{ a = 1, b = { c = 7 }, l = [{ k = \"x\" }, { k = \"y\" }] }");
        assert_eq!(
            set("b.d.e").unwrap(),
            "{ a = 1, b = { c = 2, d = { e = 7 } }, l = [{ k = \"x\" }, { k = \"y\" }] }"
        );
        for key in ["l[1].n", "l.1.n"] {
            assert_eq!(
                set(key).unwrap(),
                "{ a = 1, b = { c = 2 }, l = [{ k = \"x\" }, { k = \"y\", n = 7 }] }"
            );
        }
        assert!(set("l[2].n").unwrap().ends_with("{ k = \"y\" }, { n = 7 }] }"));
        for (key, said) in [
            ("l[3].n", "l has 2 entries, the last l[1]; l[2] adds another"),
            ("l.k", "l has 2 entries, the last l[1]; l[2] adds another"),
            ("a.b", "a is a value, not a table"),
            ("", "the key is empty"),
            ("b.", "the key is empty"),
        ] {
            assert_eq!(set(key).unwrap_err(), said, "{key}");
        }
    }

    #[test]
    fn what_is_removed_leaves_no_empty_table() {
        let unset = |key: &str| changed(key, None).unwrap();
        let list = "l = [{ k = \"x\" }, { k = \"y\" }]";
        assert_eq!(unset("b.c"), format!("{{ a = 1, {list} }}"));
        assert_eq!(unset("l[0]"), "{ a = 1, b = { c = 2 }, l = [{ k = \"y\" }] }");
        assert_eq!(unset("l[1].k"), "{ a = 1, b = { c = 2 }, l = [{ k = \"x\" }, {}] }");
        for key in ["b.d", "x", "l[5]", "l.k", "a.b", ""] {
            assert_eq!(unset(key), format!("{{ a = 1, b = {{ c = 2 }}, {list} }}"), "{key}");
        }
    }
}
