//! No command: the terminal application.

use gialab::config::preset;
use gialab::tui::{self, BackendEntry, DatasetEntry, MachineEntry, PresetEntry, Setup};
use gialab::{backend, catalogue, data, model, sys, threads};

use super::{Context, DONE};

#[derive(clap::Args)]
pub struct Arguments {
    /// Colours: auto, neutral, dark, light, high-contrast, mono, or the name of a theme of yours
    #[arg(long, value_name = "NAME")]
    theme: Option<String>,
    /// Leave clicks and the wheel to the terminal, so that it selects text
    #[arg(long)]
    no_mouse: bool,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let (presets, errors) = preset::all(&context.paths.presets());
    let mut mistakes: Vec<String> = errors.iter().map(ToString::to_string).collect();
    mistakes.extend(context.mistake.clone());
    let preferences = &context.preferences;
    let presets = presets.into_iter().map(PresetEntry::from).collect();
    let backends = backend::availability()
        .into_iter()
        .map(|(name, unavailable)| BackendEntry { name: name.to_owned(), unavailable })
        .collect();
    let state = &context.paths.state;
    gialab::files::create_directories(state)?;
    tui::start(Setup {
        store: context.store.clone(),
        data: context.paths.data.clone(),
        presets,
        backends,
        datasets: datasets(),
        session_file: Some(state.join("session.json")),
        log_file: state.join("gialab.log"),
        ascii: context.wishes.ascii,
        images: Some(context.wishes.images),
        tmux_passthrough: context.wishes.tmux_passthrough,
        user_presets: context.paths.presets(),
        here: std::env::current_dir().unwrap_or_default(),
        models: model::names().map(str::to_owned).collect(),
        attacks: catalogue::names().map(str::to_owned).collect(),
        config: context.paths.config.clone(),
        theme: arguments.theme.clone().unwrap_or_else(|| preferences.theme.clone()),
        mouse: preferences.mouse && !arguments.no_mouse,
        notify: preferences.notify,
        mistakes,
        machine: MachineEntry { host: sys::host_name(), threads: threads::allowed().count },
        cache: context.paths.cache.clone(),
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
