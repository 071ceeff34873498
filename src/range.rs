//! What values a setting or a parameter can have: one place for forms, checks, lists, help and the manual.

use std::fmt;

/// What values something can have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    allowed: Allowed,
    /// What leaving it empty means, if it may be.
    empty: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Allowed {
    /// Told in words, and checked where it is known what they mean.
    Words(&'static str),
    /// A finite number between two ends.
    Between(End, End),
}

/// An end of an interval.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    /// Allowed itself.
    With(f64),
    /// Not allowed itself.
    Without(f64),
    /// None.
    Open,
}

/// Values told in words.
pub const fn words(words: &'static str) -> Range {
    Range { allowed: Allowed::Words(words), empty: "" }
}

/// A number from `least` to `most`.
pub const fn within(least: f64, most: f64) -> Range {
    between(End::With(least), End::With(most))
}

/// A number of `least` or more.
pub const fn from(least: f64) -> Range {
    between(End::With(least), End::Open)
}

/// A number of `least` or more that does not reach `most`.
pub const fn from_below(least: f64, most: f64) -> Range {
    between(End::With(least), End::Without(most))
}

/// A number above `least`.
pub const fn above(least: f64) -> Range {
    between(End::Without(least), End::Open)
}

/// A number above `least`, at most `most`.
pub const fn above_to(least: f64, most: f64) -> Range {
    between(End::Without(least), End::With(most))
}

/// A number above `least` and below `most`.
pub const fn inside(least: f64, most: f64) -> Range {
    between(End::Without(least), End::Without(most))
}

const fn between(least: End, most: End) -> Range {
    Range { allowed: Allowed::Between(least, most), empty: "" }
}

impl Range {
    /// It may be left empty, which means this.
    pub const fn or(self, empty: &'static str) -> Range {
        Range { empty, ..self }
    }

    /// What leaving it empty means; empty if it may not be.
    pub fn empty(&self) -> &'static str {
        self.empty
    }

    /// What is wrong with a number, if anything is: `= 9, must be 1 to 3`.
    pub fn refuses(&self, value: f64) -> Option<String> {
        let Allowed::Between(least, most) = self.allowed else { return None };
        let above = match least {
            End::With(least) => value >= least,
            End::Without(least) => value > least,
            End::Open => true,
        };
        let below = match most {
            End::With(most) => value <= most,
            End::Without(most) => value < most,
            End::Open => true,
        };
        let finite = if value.is_finite() { "" } else { "finite and " };
        (!(above && below && value.is_finite()))
            .then(|| format!("= {value}, must be {finite}{}", self.values()))
    }

    /// All of it, its values in a unit: `8 to 1024 pixels, empty: the set's own`.
    pub fn of_unit(&self, unit: &str) -> String {
        let values = format!("{} {unit}", self.values()).trim().to_owned();
        match self.empty {
            "" => values,
            empty if self.values().is_empty() => format!("empty: {empty}"),
            empty => format!("{values}, empty: {empty}"),
        }
    }

    /// The values without what an empty one means: `1 to 3`, `above 0`; empty if the kind of the setting says it all.
    pub fn values(&self) -> String {
        match self.allowed {
            Allowed::Words(words) => words.to_owned(),
            Allowed::Between(End::With(least), End::With(most)) => format!("{least} to {most}"),
            Allowed::Between(least, most) => {
                let least = match least {
                    End::With(least) => Some(format!("{least} or more")),
                    End::Without(least) => Some(format!("above {least}")),
                    End::Open => None,
                };
                let most = match most {
                    End::With(most) => Some(format!("at most {most}")),
                    End::Without(most) => Some(format!("below {most}")),
                    End::Open => None,
                };
                least.into_iter().chain(most).collect::<Vec<_>>().join(" and ")
            }
        }
    }
}

/// All of it: `8 to 1024, empty: the set's own`.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.of_unit(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_refuses_what_its_words_exclude() {
        for (range, said, good, bad) in [
            (within(1.0, 3.0), "1 to 3", [1.0, 3.0], [0.0, 3.5]),
            (from(0.0), "0 or more", [0.0, 1e300], [-1e-300, f64::INFINITY]),
            (from_below(0.0, 1.0), "0 or more and below 1", [0.0, 0.999], [1.0, -0.1]),
            (above(0.0), "above 0", [1e-300, 7.0], [0.0, f64::NAN]),
            (inside(0.0, 1.0), "above 0 and below 1", [1e-9, 0.999], [0.0, 1.0]),
            (above_to(0.0, 64.0), "above 0 and at most 64", [0.1, 64.0], [0.0, 64.1]),
        ] {
            assert_eq!(range.to_string(), said);
            assert_eq!(range.or("all").to_string(), format!("{said}, empty: all"));
            assert!(good.iter().all(|&value| range.refuses(value).is_none()), "{said}");
            for value in bad {
                let finite = if value.is_finite() { "" } else { "finite and " };
                assert_eq!(range.refuses(value), Some(format!("= {value}, must be {finite}{said}")));
            }
        }
        assert_eq!(words("a file").refuses(f64::NAN), None);
    }
}
