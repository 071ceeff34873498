//! The same federation without post-processing, trained beside a run's own, so that every attacked round says what
//! post-processing costs by then.

use super::directory::RunDirectory;
use super::global_model;
use crate::backend::Compute;
use crate::config::RunConfig;
use crate::data::DataError;
use crate::fl::{Server, Setup, Source, Victim};

/// A server and the attacked clients as they would be.
pub struct Undefended {
    server: Server,
    victim: Box<Victim>,
}

impl Undefended {
    /// That of a run which trains and whose clients post-process, if there are samples to measure it by; nothing of any other.
    pub fn new(setup: &Setup, config: &RunConfig, compute: &Compute) -> Option<Undefended> {
        let measures = setup.population.as_ref().is_some_and(|all| !all.held_out().is_empty());
        if !config.trains() || config.post.is_empty() || !measures {
            return None;
        }
        let setup = setup.without_posts();
        let server = Server::new(&setup, config, compute.clone());
        match Source::new(setup, config, compute.clone()) {
            Source::Simulated(victim) => Some(Undefended { server, victim }),
            Source::Captured(_) => None,
        }
    }

    /// Goes on at this round: with what was saved at it, else with the rounds before it once more.
    pub fn go_on(
        &mut self,
        round: u32,
        directory: &RunDirectory,
        config: &RunConfig,
        compute: &Compute,
    ) -> Result<(), DataError> {
        let path = directory.undefended_path();
        let saved = global_model::read(&path, config, &self.server.model, compute).ok().flatten();
        match saved.filter(|saved| saved.round == round) {
            Some(saved) => self.server.model = saved.model,
            None => (0..round).try_for_each(|round| self.train(round))?,
        }
        Ok(())
    }

    /// One round.
    pub fn train(&mut self, round: u32) -> Result<(), DataError> {
        self.server.train(round, &self.victim).map(drop)
    }

    /// Share of held-out samples that it classifies rightly; nothing without such samples, or once it has diverged.
    pub fn accuracy(&self) -> Result<Option<f64>, DataError> {
        let standing = self.server.standing()?;
        let is_finite = self.server.model.parameters.norm().is_finite();
        Ok(standing.filter(|_| is_finite).map(|standing| standing.accuracy))
    }

    /// Keeps it for a resume.
    pub fn save(
        &self,
        round: u32,
        directory: &RunDirectory,
        config: &RunConfig,
    ) -> Result<(), super::RunError> {
        global_model::write(&directory.undefended_path(), config, round, 0.0, &self.server.model)
    }
}
