//! Drawing a batch by class.

use std::collections::BTreeMap;

use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom, index};

use super::{DataError, Dataset};
use crate::config::{Classes, Sampling};
use crate::seed::Seed;

impl Dataset {
    /// Draws the samples of a batch with the run's seed: positions in the set, none twice.
    ///
    /// # Errors
    /// [`DataError`] if there are fewer such samples or classes than asked for, or no such class.
    pub fn draw(&self, sampling: &Sampling, seed: Seed) -> Result<Vec<usize>, DataError> {
        let generator = &mut seed.stream("sample", &[]);
        let count = sampling.count;
        let mut of_class: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (i, &label) in self.labels.iter().enumerate() {
            of_class.entry(label).or_default().push(i);
        }
        let too_few =
            |what: String, len: usize| DataError::TooFewSamples { count, what, set: self.name.clone(), len };
        match &sampling.classes {
            Classes::Any => {
                let all: Vec<usize> = (0..self.len()).collect();
                some_of(&all, count, generator).ok_or_else(|| too_few("samples".into(), self.len()))
            }
            Classes::Same => {
                let enough: Vec<&Vec<usize>> = of_class.values().filter(|of| of.len() >= count).collect();
                let chosen = enough.choose(generator).and_then(|of| some_of(of, count, generator));
                let largest = of_class.values().map(Vec::len).max().unwrap_or(0);
                chosen.ok_or_else(|| too_few("samples of one class".into(), largest))
            }
            Classes::Unique => {
                let classes: Vec<usize> = of_class.keys().copied().collect();
                let chosen = some_of(&classes, count, generator)
                    .ok_or_else(|| too_few("samples of different classes".into(), classes.len()))?;
                Ok(chosen.iter().filter_map(|class| of_class[class].choose(generator).copied()).collect())
            }
            Classes::Of(classes) => {
                if let Some(&class) = classes.iter().find(|class| **class >= self.classes.len()) {
                    return Err(DataError::NoSuchClass {
                        class,
                        set: self.name.clone(),
                        classes: self.classes.len(),
                    });
                }
                let these: Vec<usize> =
                    (0..self.len()).filter(|&i| classes.contains(&self.labels[i])).collect();
                let what = match classes[..] {
                    [class] => format!("samples of class {class}"),
                    _ => format!("samples of the classes {classes:?}"),
                };
                some_of(&these, count, generator).ok_or_else(|| too_few(what, these.len()))
            }
        }
    }
}

/// `count` of them in random order, if there are as many.
fn some_of(all: &[usize], count: usize, generator: &mut impl Rng) -> Option<Vec<usize>> {
    if count > all.len() {
        return None;
    }
    let mut chosen: Vec<usize> =
        index::sample(generator, all.len(), count).into_iter().map(|i| all[i]).collect();
    chosen.shuffle(generator);
    Some(chosen)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::data;

    fn draw(set: &str, count: usize, classes: Classes, seed: u64) -> Result<Vec<usize>, String> {
        let set = data::open(set).unwrap();
        set.draw(&Sampling { count, classes }, Seed(seed)).map_err(|error| error.to_string())
    }

    fn labels(set: &str, count: usize, classes: Classes, seed: u64) -> Vec<usize> {
        let drawn = draw(set, count, classes, seed).unwrap();
        assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), count, "a sample twice: {drawn:?}");
        let set = data::open(set).unwrap();
        drawn.into_iter().map(|i| set.label(i).unwrap()).collect()
    }

    #[test]
    fn a_seed_draws_the_same_and_another_one_others() {
        for classes in [Classes::Any, Classes::Same, Classes::Unique, Classes::Of(vec![1, 2])] {
            let drawn = |seed| draw("digits28", 8, classes.clone(), seed).unwrap();
            assert_eq!(drawn(5), drawn(5));
            assert_ne!(drawn(5), drawn(6), "{classes:?}");
        }
    }

    #[test]
    fn classes_are_as_asked() {
        let mut same = BTreeSet::new();
        for seed in 0..20 {
            let one = labels("digits28", 50, Classes::Same, seed);
            assert!(one.iter().all(|label| *label == one[0]), "{one:?}");
            same.insert(one[0]);
            let mut unique = labels("digits28", 10, Classes::Unique, seed);
            unique.sort_unstable();
            assert_eq!(unique, (0..10).collect::<Vec<_>>());
            assert_eq!(labels("digits28", 2, Classes::Of(vec![3]), seed), [3, 3]);
            let two = labels("digits28", 30, Classes::Of(vec![3, 5]), seed);
            assert_eq!(two.into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([3, 5]));
        }
        assert!(same.len() > 3, "the class is drawn too: {same:?}");
        assert!(labels("digits28", 100, Classes::Any, 0).into_iter().collect::<BTreeSet<_>>().len() > 5);
    }

    #[test]
    fn more_than_there_are_is_refused() {
        let error = |set, count, classes| draw(set, count, classes, 0).unwrap_err();
        assert_eq!(
            error("digits28", 501, Classes::Any),
            "victim.sample asks for 501 samples of digits28, which has 500; set a smaller count"
        );
        assert_eq!(
            error("crops32", 9, Classes::Same),
            "victim.sample asks for 9 samples of one class of crops32, which has 8; set a smaller count"
        );
        assert_eq!(
            error("histology32", 3, Classes::Unique),
            "victim.sample asks for 3 samples of different classes of histology32, which has 2; set a smaller count"
        );
        assert_eq!(
            error("photos", 3, Classes::Of(vec![2, 4])),
            "victim.sample asks for 3 samples of the classes [2, 4] of photos, which has 2; set a smaller count"
        );
        assert_eq!(
            error("digits28", 1, Classes::Of(vec![1, 10])),
            "victim.sample.classes names class 10 of digits28, which has 10: use 0 to 9"
        );
    }
}
