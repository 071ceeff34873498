//! Which pictures are wanted, loaded and shown.

use std::collections::HashMap;
use std::sync::Arc;

use crate::gfx::Raster;
use crate::run::state::Picture;
use crate::tui::effect::Effect;
use crate::tui::model::{Model, RunView};
use crate::tui::msg::PictureKey;

/// Decoded pictures kept of one run for scrubbing.
const CACHED: usize = 64;

/// Brings the pictures up to date with what is looked at, and asks for what is not loaded.
pub fn want(model: &mut Model) -> Vec<Effect> {
    let missing: Vec<PictureKey> = model.views.iter_mut().flat_map(want_of).collect();
    if missing.is_empty() { Vec::new() } else { vec![Effect::Decode(missing)] }
}

fn want_of(run: &mut RunView) -> Vec<PictureKey> {
    let key = |picture: &Picture| {
        let file = picture.file()?.to_owned();
        Some(PictureKey { run: run.id.clone(), file, iteration: picture.iteration })
    };
    let wanted = [
        run.round().and_then(|round| round.truth.as_ref()).and_then(key),
        run.beside().map(|(_, picture)| picture).or_else(|| run.current_picture()).and_then(key),
        run.best_picture().and_then(key),
    ];
    let pictures = &mut run.pictures;
    let mut missing = Vec::new();
    for (slot, wanted) in pictures.slots.iter_mut().zip(wanted) {
        if slot.wanted != wanted {
            slot.error = None;
            slot.wanted = wanted;
        }
        let Some(key) = &slot.wanted else {
            slot.shown = None;
            continue;
        };
        if slot.shown.as_ref().is_some_and(|(shown, _)| shown == key) {
            continue;
        }
        match pictures.cache.get(key) {
            Some(raster) => slot.shown = Some((key.clone(), raster.clone())),
            None if slot.error.is_none() && !pictures.pending.contains(key) && !missing.contains(key) => {
                missing.push(key.clone());
            }
            None => {}
        }
    }
    pictures.pending.extend(missing.iter().cloned());
    make_shown(run);
    missing
}

/// Cuts the chosen sample out and takes the difference, if that is not what stands already.
fn make_shown(run: &mut RunView) {
    let sample = run.shown_sample();
    let judges_best = run.judges_best();
    let tiles = run.tiles();
    let pictures = &mut run.pictures;
    let keys = [0, 1, 2].map(|slot| pictures.slots[slot].shown.as_ref().map(|(key, _)| key.clone()));
    let made_of = Some((keys, sample, judges_best));
    if pictures.made_of == made_of {
        return;
    }
    pictures.made_of = made_of;
    pictures.shown = [0, 1, 2].map(|slot| {
        let (_, raster) = pictures.slots[slot].shown.as_ref()?;
        match (sample, tiles) {
            (Some(sample), Some(tiles)) => {
                let rows = tiles.samples.div_ceil(tiles.columns.max(1));
                Some(Arc::new(raster.tile(tiles.columns, rows, sample)))
            }
            _ => Some(raster.clone()),
        }
    });
    let [truth, current, best] = &pictures.shown;
    let judged = if judges_best { best } else { current };
    pictures.difference = match (truth, judged) {
        (Some(truth), Some(judged)) => {
            truth.difference(judged).map(|(raster, factor)| (Arc::new(raster), factor))
        }
        _ => None,
    };
}

/// Takes a loaded picture in.
pub fn arrived(model: &mut Model, key: PictureKey, decoded: Result<Arc<Raster>, String>) {
    let Some(run) = model.view_mut(&key.run) else { return };
    let pictures = &mut run.pictures;
    pictures.pending.retain(|pending| *pending != key);
    match decoded {
        Ok(raster) => {
            if pictures.cache.len() >= CACHED {
                pictures.cache = HashMap::new();
            }
            pictures.cache.insert(key, raster);
        }
        Err(error) => {
            for slot in pictures.slots.iter_mut().filter(|slot| slot.wanted.as_ref() == Some(&key)) {
                slot.error = Some(error.clone());
            }
        }
    }
}
