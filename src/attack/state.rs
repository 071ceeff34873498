//! What a trial keeps in a checkpoint: named vectors and numbers, exact in 64 bit.

use std::collections::BTreeMap;

/// Named vectors; numbers are vectors of one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    entries: BTreeMap<String, Vec<f64>>,
}

/// A checkpoint that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// An entry is not there.
    #[error("it has no entry \"{0}\"")]
    Missing(String),
    /// An entry has another size.
    #[error("its entry \"{name}\" has {found} values where this run needs {needed}")]
    Size {
        /// Which.
        name: String,
        /// Values in the checkpoint.
        found: usize,
        /// Values that this run has.
        needed: usize,
    },
}

impl State {
    /// Adds a vector.
    pub fn put(&mut self, name: &str, values: &[f64]) {
        self.entries.insert(name.to_owned(), values.to_vec());
    }

    /// Adds a number.
    pub fn put_number(&mut self, name: &str, value: f64) {
        self.put(name, &[value]);
    }

    /// Whether an entry is there.
    pub fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// A vector of `count` values.
    pub fn vector(&self, name: &str, count: usize) -> Result<Vec<f64>, StateError> {
        let values = self.any_vector(name)?;
        if values.len() == count {
            Ok(values.to_vec())
        } else {
            Err(StateError::Size { name: name.to_owned(), found: values.len(), needed: count })
        }
    }

    /// A vector of any size.
    pub fn any_vector(&self, name: &str) -> Result<&[f64], StateError> {
        self.entries.get(name).map(Vec::as_slice).ok_or_else(|| StateError::Missing(name.to_owned()))
    }

    /// A number.
    pub fn number(&self, name: &str) -> Result<f64, StateError> {
        Ok(self.vector(name, 1)?[0])
    }

    /// All entries by name.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &[f64])> {
        self.entries.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }
}

impl FromIterator<(String, Vec<f64>)> for State {
    fn from_iter<T: IntoIterator<Item = (String, Vec<f64>)>>(entries: T) -> Self {
        State { entries: entries.into_iter().collect() }
    }
}
