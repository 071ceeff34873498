//! Error feedback: what a client keeps back of its update is added to the next one (Seide et al. 2014; Lin et al. 2018 without
//! their momentum).

use std::collections::BTreeMap;

use super::Post;
use crate::model::Parameters;

/// What a client has kept back so far, by the place of the step that did.
#[derive(Debug, Clone, Default)]
pub struct Residue(BTreeMap<usize, Parameters>);

/// The same of all clients, by their numbers.
#[derive(Debug, Clone, Default)]
pub struct Residues(BTreeMap<usize, Residue>);

impl Residues {
    /// Of one client.
    pub fn of(&mut self, client: usize) -> &mut Residue {
        self.0.entry(client).or_default()
    }

    /// That of one client, for it alone, until it is given back.
    pub fn lent(&mut self, client: usize) -> Residues {
        Residues(self.0.remove_entry(&client).into_iter().collect())
    }

    /// Takes back what was lent.
    pub fn take_back(&mut self, lent: Residues) {
        self.0.extend(lent.0);
    }
}

impl Residue {
    /// What a step makes of an update: of a step that feeds back, with what it kept back before, and what it keeps back now
    /// is remembered.
    pub(super) fn through(
        &mut self,
        at: usize,
        step: &dyn Post,
        update: Parameters,
        apply: impl FnOnce(Parameters) -> Parameters,
    ) -> Parameters {
        if !step.feeds_back() {
            return apply(update);
        }
        let carried = match self.0.remove(&at) {
            Some(kept) => update.combine(1.0, &kept, 1.0),
            None => update,
        };
        let sent = apply(carried.clone());
        self.0.insert(at, carried.combine(1.0, &sent, -1.0));
        sent
    }
}
