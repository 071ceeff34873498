//! Enhancers in files: convolutions in the order of their names.

use super::WeightFile;
use super::level::Level;
use crate::config::Residual;
use crate::model::enhancer::{Convolution, Enhancer};

impl WeightFile {
    /// The enhancer that a file holds: convolutions of odd sides and nothing else, in the order of the numbers in their names.
    ///
    /// # Errors
    /// What is in the way, in words that follow the name of the file.
    pub fn enhancer(&self, residual: Residual) -> Result<Enhancer, String> {
        let levels = self.levels();
        let mut tried = levels.iter().map(|level| read(level, residual));
        // Of the whole file, if no part of it is one.
        let why = match tried.next() {
            Some(Ok(enhancer)) => return Ok(enhancer),
            Some(Err(why)) => why,
            None => "holds no convolutions".to_owned(),
        };
        if let Some(enhancer) = tried.find_map(Result::ok) {
            return Ok(enhancer);
        }
        Err(format!(
            "is no enhancer that can be used (convolutions of odd sides with ReLUs between them): it {why}"
        ))
    }
}

fn read(level: &Level, residual: Residual) -> Result<Enhancer, String> {
    let mut modules: Vec<&str> = Vec::new();
    for (name, shape) in level.all() {
        match (name.strip_suffix(".weight"), name.strip_suffix(".bias"), shape) {
            (Some(module), _, [_, _, height, width]) if height == width && height % 2 == 1 => {
                modules.push(module)
            }
            (_, Some(_), [_]) => {}
            _ => return Err(format!("has {name} of the shape {shape:?}, which is none")),
        }
    }
    modules.sort_by_cached_key(|module| numbered(module));
    let convolution = |module: &str| {
        let weight = level.get(&format!("{module}.weight")).ok_or("lost a weight")?;
        let shape: [usize; 4] = weight.shape.as_slice().try_into().map_err(|_| "lost a shape")?;
        let bias = level.get(&format!("{module}.bias")).map(|bias| bias.values.clone()).unwrap_or_default();
        if !(bias.is_empty() || bias.len() == shape[0]) {
            return Err(format!("has {module}.bias of {} numbers for {} channels", bias.len(), shape[0]));
        }
        if weight.values.iter().chain(&bias).any(|value| !value.is_finite()) {
            return Err(format!("has numbers in {module} that are not finite"));
        }
        Ok(Convolution { shape, weight: weight.values.clone(), bias })
    };
    let convolutions = modules.into_iter().map(convolution).collect::<Result<_, String>>()?;
    Enhancer::new(convolutions, residual)
}

/// Words and numbers of a name, so that `model.10` comes after `model.2`.
fn numbered(name: &str) -> Vec<(String, u64)> {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric());
    let part = |part: &str| {
        let digits = part.len() - part.trim_start_matches(|c: char| !c.is_ascii_digit()).len();
        let (word, number) = part.split_at(digits);
        (word.to_owned(), number.parse().unwrap_or(0))
    };
    parts.map(part).collect()
}
