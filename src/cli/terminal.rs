//! No command: the terminal application.

use gialab::config::preset;
use gialab::tui::{self, BackendEntry, DatasetEntry, PresetEntry, Setup};
use gialab::{backend, data};

use super::{Context, DONE};

pub fn run(context: &Context) -> anyhow::Result<u8> {
    let (presets, errors) = preset::all(&context.paths.presets());
    errors.iter().for_each(|error| eprintln!("gialab: {error}"));
    let presets =
        presets.into_iter().map(|preset| PresetEntry { name: preset.name, config: preset.config }).collect();
    let backends = backend::availability()
        .into_iter()
        .map(|(name, unavailable)| BackendEntry { name: name.to_owned(), unavailable })
        .collect();
    let state = &context.paths.state;
    std::fs::create_dir_all(state)?;
    tui::start(Setup {
        store: context.store.clone(),
        presets,
        backends,
        datasets: datasets(),
        session_file: Some(state.join("session.json")),
        log_file: state.join("gialab.log"),
        ascii: context.wishes.ascii,
        images: Some(context.wishes.images),
        tmux_passthrough: context.wishes.tmux_passthrough,
        user_presets: context.paths.presets(),
    })?;
    Ok(DONE)
}

fn datasets() -> Vec<DatasetEntry> {
    data::catalogue()
        .into_iter()
        .map(|set| DatasetEntry {
            name: set.name.to_owned(),
            samples: set.samples,
            sample_names: data::open(set.name).map_or_else(
                |_| Vec::new(),
                |opened| (0..opened.len()).filter_map(|i| opened.sample_name(i)).collect(),
            ),
        })
        .collect()
}
