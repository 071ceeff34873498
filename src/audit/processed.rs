//! A captured update with post-processing on it, as a file of the audit: what its client would have sent with that.

use std::collections::HashMap;
use std::path::Path;

use super::conduct::Seen;
use super::{AuditError, seal};
use crate::backend::Compute;
use crate::catalogue::defence;
use crate::config::{CapturedKind, RunConfig, Scale};
use crate::fl::post::{Posts, Sending};
use crate::fl::{At, UpdateKind};
use crate::model::Targets;
use crate::run::{directory, global_model};
use crate::seed::Seed;

/// What became of an update.
pub(super) struct Processed {
    /// Its file.
    path: String,
    kind: CapturedKind,
    /// Bytes of it, and of the update as it was.
    pub bytes: (u64, u64),
}

impl Processed {
    /// An attack's config on it.
    pub fn on(&self, mut config: RunConfig) -> RunConfig {
        if let Some(captured) = &mut config.victim.captured {
            captured.update.clone_from(&self.path);
            captured.kind = self.kind;
            // What was sent is read already; of what is not known it stays unknown.
            if let Scale::Known(_) = captured.scale {
                captured.scale = Scale::default();
            }
        }
        config
    }
}

/// Puts the post-processing of a config on the update that was captured, and writes it beside the audit. Nothing if a step acts
/// on what an update is computed from, or there are no private samples for steps that look at them.
pub(super) fn processed(
    with: &RunConfig,
    seen: &Seen,
    compute: &Compute,
    place: &Path,
) -> Result<Option<Processed>, AuditError> {
    let (setup, view) = (&seen.setup, &seen.view);
    let Some(batch) = &setup.batch else { return Ok(None) };
    let posts = Posts::new(with, &setup.net, &setup.normalisation).map_err(AuditError::Setting)?;
    let x = compute.tensor(&setup.normalisation.apply(&batch.images), batch.images.shape());
    let targets = Targets::hard(compute, &batch.labels, setup.net.classes());
    let own = At { model: &view.model, mode: with.victim.mode, x: &x, targets: &targets };
    let mut draw = Seed(with.run.seed).stream("post-processing of a captured update", &[]);
    let update = view.update.values.clone();
    let Some((values, bits)) = posts.on_update(update, &Sending { own, round: 0 }, &mut draw) else {
        return Ok(None);
    };
    // What a client does not train it does not send, whatever is put on the rest.
    let frozen = view.model.net.frozen();
    let mut values = values.without(frozen);
    if with.post.iter().all(|post| post.kind == defence::NOISE_ONLY.name) {
        // Noise of the update's norm, of what is sent alone.
        let (whole, left) = (view.update.values.norm(), values.norm());
        values = values.scaled(if left > 0.0 { whole / left } else { 1.0 });
    }
    let file = global_model::serialise(&[&values], HashMap::new()).map_err(AuditError::Setting)?;
    let path = place.join(format!("update-{}.safetensors", &seal::sha256(&file)[..8]));
    directory::write_atomically(&path, &file)?;
    let bytes = |bits: f64| (bits * values.count() as f64 / 8.0).ceil() as u64;
    let kind = match view.update.kind {
        UpdateKind::Gradient => CapturedKind::Gradient,
        UpdateKind::Delta => CapturedKind::Delta,
    };
    Ok(Some(Processed { path: path.display().to_string(), kind, bytes: (bytes(bits), bytes(32.0)) }))
}
