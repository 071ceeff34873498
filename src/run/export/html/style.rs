//! The style sheet of the report.

/// Light, dark and print.
pub const SHEET: &str = include_str!("style.css");
