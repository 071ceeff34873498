//! Risk by client: the best attack on the samples of other clients of a described federation as well, as many of each, in the
//! place of those that are audited. The rest of the data is dealt anew.

use super::AuditError;
use super::conduct::{Asked, How, Seen, Step, stage};
use super::report::{Report, as_it_ran};
use crate::config::RunConfig;
use crate::run::plan;
use crate::study::Place;

/// Clients that are looked at besides the one that is audited. Ours: what they have shows how much it is a matter of whose samples.
const MOST: usize = 7;

/// Samples of other clients, as many of each as are audited; none where clients are seen as a sum alone, or there are no others.
pub(super) fn others(base: &RunConfig, seen: &Seen) -> Vec<Vec<usize>> {
    let single =
        base.federation.secure_aggregation <= 1 && base.victim.captured.is_none() && base.has_truth();
    let population = seen.setup.population.as_ref().filter(|_| single);
    let all = population.map(|population| population.clients()).unwrap_or_default();
    let count = base.batch();
    all.iter().filter(|own| own.len() >= count).take(MOST).map(|own| own[..count].to_vec()).collect()
}

/// Sets the best attack on the other clients, with as many evaluations. False if it was asked to end.
pub(super) fn by_client(
    asked: &Asked,
    others: Vec<Vec<usize>>,
    how: &How<'_>,
    report: &mut dyn FnMut(Step<'_>),
    made: &mut Report,
) -> Result<bool, AuditError> {
    let Some(best) = made.best().filter(|_| !others.is_empty()) else { return Ok(true) };
    let run = Place::at(asked.place.clone()).run(&best.run);
    let as_it_ran = as_it_ran(&run)?;
    let of = |(number, samples): (usize, Vec<usize>)| {
        let mut config = as_it_ran.clone();
        config.victim.sample = None;
        config.victim.indices = samples;
        // The first is the one that is audited. What an attack refuses, as one that aims at a class, is not its client.
        plan::plan(&config).is_ok().then(|| (format!("client-{}_{}", number + 2, best.name()), config))
    };
    let configs: Vec<(String, RunConfig)> = others.into_iter().enumerate().filter_map(of).collect();
    if configs.is_empty() {
        return Ok(true);
    }
    let Some(clients) = stage(asked, &as_it_ran, configs, how, "other clients", report)? else {
        return Ok(false);
    };
    made.clients = clients;
    Ok(true)
}
