//! The samples that are not attacked: those of the other clients, and those held out.

use std::sync::Arc;

use rand::seq::SliceRandom;

use super::VictimError;
use crate::config::RunConfig;
use crate::data::{self, Batch, DataError, Dataset};
use crate::seed::Seed;

/// Held-out samples that are used: more sharpens the accuracy less than it costs.
const MOST_HELD_OUT: usize = 2000;

/// A data set without the attacked batch, dealt to clients.
#[derive(Debug, Clone)]
pub struct Population {
    data: Arc<Dataset>,
    size: Option<usize>,
    /// Samples of each client that is not attacked.
    clients: Vec<Vec<usize>>,
    held_out: Vec<usize>,
}

impl Population {
    /// Holds out a share of each class, then deals the rest to the clients that are not attacked.
    ///
    /// # Errors
    /// If there are fewer samples than clients.
    pub fn new(
        data: Dataset,
        attacked: &[usize],
        size: Option<usize>,
        config: &RunConfig,
        seed: Seed,
    ) -> Result<Population, VictimError> {
        let federation = &config.federation;
        let others = federation.clients.saturating_sub(federation.secure_aggregation) as usize;
        let labels = |samples: &[usize]| -> Vec<usize> {
            samples.iter().filter_map(|&sample| data.label(sample)).collect()
        };
        let rest: Vec<usize> = (0..data.len()).filter(|sample| !attacked.contains(sample)).collect();
        let (rest, mut held_out) =
            data::held_out(&labels(&rest), &rest, federation.held_out, &mut seed.stream("held out", &[]));
        if held_out.len() > MOST_HELD_OUT {
            held_out.shuffle(&mut seed.stream("held out, those used", &[]));
            held_out.truncate(MOST_HELD_OUT);
        }
        if rest.len() < others {
            let set = data.name.clone();
            return Err(VictimError::TooManyClients {
                clients: federation.clients,
                others,
                left: rest.len(),
                set,
            });
        }
        let generator = &mut seed.stream("partition", &[]);
        let clients = data::partition(&labels(&rest), &rest, others, federation.partition, generator);
        // A damaged picture is no surprise of a later round.
        data.check(&[rest.as_slice(), &held_out].concat(), size)?;
        Ok(Population { data: Arc::new(data), size, clients, held_out })
    }

    /// Labels of all samples that are used.
    pub fn labels(&self) -> impl Iterator<Item = &usize> {
        let samples = self.clients.iter().flatten().chain(&self.held_out);
        samples.filter_map(|&sample| self.data.labels().get(sample))
    }

    /// Samples of each client that is not attacked.
    pub fn clients(&self) -> &[Vec<usize>] {
        &self.clients
    }

    /// Samples that no client has.
    pub fn held_out(&self) -> &[usize] {
        &self.held_out
    }

    /// Some samples in the size that the model takes.
    ///
    /// # Errors
    /// If a picture cannot be read.
    pub fn batch(&self, samples: &[usize]) -> Result<Batch, DataError> {
        self.data.batch(samples, self.size)
    }
}
