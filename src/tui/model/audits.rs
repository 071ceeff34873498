//! The screen of audits: their list, and the report of the chosen one.

use super::Model;
use crate::audit::shelf::Kept;

/// The screen of audits.
#[derive(Debug, Default)]
pub struct AuditsView {
    /// As listed last; `None` before the first look.
    pub rows: Option<Vec<Kept>>,
    /// Name of the chosen one.
    pub selected: String,
    /// Its report has the whole screen.
    pub reading: bool,
    /// First line of the report that is shown.
    pub top: usize,
}

impl Model {
    /// The chosen audit.
    pub fn chosen_audit(&self) -> Option<&Kept> {
        let rows = self.audits_view.rows.as_deref().unwrap_or_default();
        rows.iter().find(|row| row.name == self.audits_view.selected).or(rows.first())
    }
}
