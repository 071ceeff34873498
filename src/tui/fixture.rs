//! Recorded runs made from code: a model and a store to draw without an engine.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::model::{Model, RunRow, Summary};
use super::msg::{Msg, PictureKey};
use super::theme::Theme;
use super::update::update;
use super::view::with_cells;
#[cfg(test)]
use super::view::{Hits, View};
use super::{BackendEntry, DatasetEntry, MachineEntry, PresetEntry, Setup, screen};
use crate::calibration::Calibration;
use crate::config::{
    AttackConfig, BatchNormMode, Expect, Federation, KnowledgeConfig, ModelOptions, Normalise, RunConfig,
    RunSettings, TrainingState, VictimConfig,
};
use crate::gfx::{Depth, Raster};
use crate::reading::Reading;
use crate::run::effect::{Effects, Step};
use crate::run::event::{
    AtTruth, Baselines, Effect, Finished, Level, Metrics, PictureOf, Point, Ratio, RoundResult, Sample,
    Spread, Tiles, TrialOutcome, VERSION,
};
use crate::run::launch::As;
use crate::run::progress::Place;
use crate::run::{Event, Health, Line, Manifest, RunDirectory, Status, Store};

/// 22 November 2026, 12:55:01 UTC.
pub const NOW: f64 = 1_795_352_101.0;

/// Presets as they might be shipped.
pub fn presets() -> Vec<PresetEntry> {
    let entry = |name: &str, title: &str, group: &str, model: &str, seconds: f64, psnr: f64| PresetEntry {
        name: name.into(),
        config: config(title, group, model, seconds, psnr),
    };
    vec![
        entry("dlg-lenet", "Deep Leakage from Gradients, LeNet", "quick", "lenet", 13.0, 45.0),
        entry("idlg-lenet", "Improved DLG, LeNet", "quick", "lenet", 11.0, 48.0),
        entry("dlg-digits", "Digits from their gradient", "quick", "lenet", 9.0, 41.0),
        entry("ig-convnet64", "Inverting Gradients, ConvNet", "model", "convnet64", 240.0, 17.0),
        entry("ig-resnet18", "Inverting Gradients, ResNet-18", "model", "resnet18", 9000.0, 14.0),
    ]
}

/// One config.
pub fn config(title: &str, group: &str, model: &str, seconds: f64, psnr: f64) -> RunConfig {
    RunConfig {
        schema: crate::config::SCHEMA,
        title: title.into(),
        about: "Optimises a picture and its label together with L-BFGS until their gradient equals the one \
                the client sent. Exact for one small picture on a sigmoid network; breaks on ReLU networks \
                and on batches. Zhu et al., NeurIPS 2019, arXiv 1906.08935."
            .into(),
        group: group.into(),
        victim: VictimConfig {
            data: "photos".into(),
            indices: vec![0],
            size: Some(32),
            normalise: Normalise::Own(false),
            model: model.into(),
            options: ModelOptions::default(),
            classes: Some(10),
            sample: None,
            weights: None,
            weights_key: None,
            by_order: false,
            captured: None,
            loss: Default::default(),
            state: TrainingState::Untrained,
            share_buffers: false,
            mode: BatchNormMode::Eval,
        },
        federation: Federation::default(),
        post: Vec::new(),
        knowledge: KnowledgeConfig {
            normalisation: false,
            generator: None,
            enhancer: None,
            labels: false,
            local: Default::default(),
            order: false,
            same_batch: false,
            post: Default::default(),
            statistics: Default::default(),
            manipulate: false,
            choose: false,
        },
        attack: dlg(),
        run: RunSettings::default(),
        expect: Some(Expect {
            seconds,
            figures: [("psnr".to_owned(), psnr)].into(),
            note: "flex, 2 threads".into(),
        }),
    }
}

fn dlg() -> AttackConfig {
    toml::from_str("kind = \"dlg\"\ntrials = 4\nstop_below = 1e-6").unwrap()
}

/// What two steps might do to an update.
pub fn effects() -> Effects {
    let step = |post: &str, norm, bytes, effect| Step { post: post.into(), norm, bytes, effect };
    let clipped = Effect { norm: 0.34, cosine: 1.0, change: 0.66, zeros: 0.0, bits: 32.0 };
    let sparse = Effect { norm: 0.31, cosine: 0.92, change: 0.7, zeros: 0.9, bits: 6.4 };
    Effects {
        update: "gradient".into(),
        round: 0,
        parameters: 15_826,
        added: 0,
        norm: 2.9412,
        bytes: 63_304,
        steps: vec![step("clip 1.0", 1.0, 63_304, clipped), step("sparsify 0.9", 0.92, 12_661, sparse)],
    }
}

/// What the application would be started with.
pub fn setup(store: Store, directory: &Path) -> Setup {
    let backend = |name: &str, unavailable: Option<&str>| BackendEntry {
        name: name.into(),
        unavailable: unavailable.map(str::to_owned),
    };
    Setup {
        store,
        data: directory.into(),
        presets: presets(),
        backends: vec![
            backend("auto", None),
            backend("flex", None),
            backend("ndarray", None),
            backend("cuda", Some("not in this build")),
        ],
        datasets: vec![DatasetEntry {
            name: "photos".into(),
            samples: 17,
            sample_names: ["portrait", "cat", "coffee"].map(str::to_owned).to_vec(),
        }],
        session_file: Some(directory.join("session.json")),
        log_file: "/var/log/gialab.log".into(),
        ascii: false,
        images: None,
        tmux_passthrough: false,
        user_presets: "/home/ada/.config/gialab/presets".into(),
        here: "/home/ada".into(),
        models: ["mlp", "lenet", "convnet64", "resnet18"].map(str::to_owned).to_vec(),
        attacks: ["dlg", "idlg", "inverting-gradients"].map(str::to_owned).to_vec(),
        config: "/nonexistent".into(),
        theme: "auto".into(),
        mouse: false,
        notify: super::notify::Wish::Auto,
        mistakes: Vec::new(),
        machine: MachineEntry { host: "lab".into(), threads: 2 },
        cache: "/nonexistent".into(),
    }
}

/// A model of that size on an empty store, without colours, at [`NOW`] in UTC.
pub fn model(width: u16, height: u16) -> Model {
    let directory = Path::new("/data/gialab");
    let mut setup = setup(Store::in_data_dir(directory), directory);
    setup.session_file = None;
    let mut model = super::new_model(setup, Theme::neutral(Depth::Mono, false), TimeZone::UTC, NOW);
    model.size = (width, height);
    model
}

/// A run that is computed now, in its second trial of four, or one that is complete.
pub fn events(iterations: usize, is_done: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut push = |t: f64, event: Event| lines.push(Line { v: VERSION, t, event });
    push(
        0.0,
        Event::Started {
            run: "20261122-125501-dlg-lenet".into(),
            preset: "dlg-lenet".into(),
            backend: "flex".into(),
            device: "flex, 2 threads".into(),
        },
    );
    push(0.0, Event::Log { level: Level::Info, message: "victim: photos 1 (portrait), 32x32".into() });
    push(
        0.1,
        Event::Round {
            round: 0,
            update_norm: 3.412,
            accuracy: None,
            batch: 1,
            parameters: 15_826,
            input: 3072,
            trials: 4,
            iterations,
        },
    );
    push(0.1, picture(0, None, PictureOf::Truth));
    let trials = if is_done { 1 } else { 2 };
    for trial in 0..trials {
        let last = if trial + 1 == trials && !is_done { iterations * 6 / 10 } else { iterations };
        let begin = trial as f64 * iterations as f64 / 20.0;
        push(begin, Event::Trial { round: 0, trial, labels: if is_done { vec![3] } else { Vec::new() } });
        for from in (0..last).step_by(10) {
            let to = (from + 10).min(last);
            let t = begin + to as f64 / 20.0;
            let points = (from + 1..=to).map(|i| point(i, iterations)).collect();
            push(
                t,
                Event::Progress {
                    round: 0,
                    trial,
                    points,
                    evaluations: to + to / 5,
                    learning_rate: 1.0,
                    best_iteration: to,
                    best: point(to, iterations).total(),
                },
            );
            if to % 50 == 0 {
                push(t, picture(to, Some(trial), PictureOf::Current));
                push(t, picture(to, Some(trial), PictureOf::Best));
                let metrics = metrics(10.0 + 30.0 * to as f64 / iterations as f64);
                push(t, Event::Metrics { round: 0, trial, iteration: to, metrics });
            }
        }
        if last == iterations {
            let seconds = iterations as f64 / 20.0;
            push(
                begin + seconds,
                Event::TrialFinished {
                    round: 0,
                    trial,
                    outcome: if is_done { TrialOutcome::Converged } else { TrialOutcome::Completed },
                    best: 3.1e-7,
                    matching: 3.1e-7,
                    best_iteration: iterations,
                    evaluations: iterations + iterations / 5,
                    seconds,
                    metrics: Some(judged(45.2)),
                    labels: vec![3],
                },
            );
        }
    }
    let t = trials as f64 * iterations as f64 / 20.0;
    if is_done {
        push(t, picture(iterations, None, PictureOf::Reconstruction));
        let result = result(iterations);
        push(t, Event::RoundFinished(Box::new(result.clone())));
        push(t, Event::Log { level: Level::Info, message: "chosen by its matching loss: trial 1".into() });
        push(
            t,
            Event::Finished(Finished {
                status: Status::Done,
                run: "20261122-125501-dlg-lenet".into(),
                rounds: vec![result],
                error: None,
                interrupted: false,
            }),
        );
    }
    lines
}

/// A run whose first trials of four stalled at these iterations, in the trial after them.
pub fn trials(ended: &[usize], iteration: usize) -> Vec<Line> {
    let all = events(300, false);
    let begun = all.iter().filter(|line| !names_a_trial(line)).cloned();
    let mut lines: Vec<Line> = begun.collect();
    let mut begin = 0.0;
    for (trial, last) in ended.iter().copied().chain([iteration]).enumerate() {
        let is_ended = trial < ended.len();
        for line in all.iter().filter(|line| names_a_trial(line)) {
            let mut event = line.event.clone();
            let (of, at) = match &mut event {
                Event::Trial { trial, .. } => (trial, 0),
                Event::Progress { trial, points, .. } => (trial, points.last().map_or(0, |p| p.iteration)),
                Event::Metrics { trial, iteration, .. }
                | Event::Picture { trial: Some(trial), iteration, .. } => (trial, *iteration),
                _ => continue,
            };
            if *of == 0 && at <= last {
                *of = trial;
                lines.push(Line { t: begin + at as f64 / 20.0, event, ..line.clone() });
            }
        }
        begin += last as f64 / 20.0;
        if is_ended {
            let event = Event::TrialFinished {
                round: 0,
                trial,
                outcome: TrialOutcome::Stalled,
                best: 2e-2,
                matching: 2e-2,
                best_iteration: last,
                evaluations: last * 20,
                seconds: last as f64 / 20.0,
                metrics: Some(judged(12.0 + trial as f64)),
                labels: vec![5],
            };
            lines.push(Line { v: VERSION, t: begin, event });
        }
    }
    lines
}

fn names_a_trial(line: &Line) -> bool {
    matches!(
        line.event,
        Event::Trial { .. }
            | Event::Progress { .. }
            | Event::Metrics { .. }
            | Event::TrialFinished { .. }
            | Event::Picture { trial: Some(_), .. }
    )
}

/// A machine that takes so many times as long as the reference machine.
pub fn calibration(backend: &str, factor: f64) -> Calibration {
    Calibration {
        gialab: "0.1.0".into(),
        backend: backend.into(),
        threads: 2,
        processor: "a processor".into(),
        light: 0.32 * factor,
        heavy: 73.9 * factor,
    }
}

/// A run on a batch of so many samples, in its first trial.
pub fn batch_events(iterations: usize, samples: usize) -> Vec<Line> {
    let columns = (1..).find(|columns| columns * columns >= samples).unwrap_or(1);
    let mut lines = events(iterations, false);
    lines.retain(|line| !matches!(&line.event, Event::Metrics { .. }));
    for line in &mut lines {
        match &mut line.event {
            Event::Round { batch, trials, .. } => (*batch, *trials) = (samples, 2),
            Event::Picture { tiles, metrics, iteration, what, .. } => {
                *tiles = Tiles { samples, columns, width: 32, height: 32 };
                let psnr = |at: usize| 9.0 + (at * 7 % samples) as f64 + *iteration as f64 / 50.0;
                let sample = |at: usize| Sample {
                    mse: Some(Ratio(10f64.powf(-psnr(at) / 10.0))),
                    psnr: Some(Ratio(psnr(at))),
                    ssim: Some(Ratio(psnr(at) / 40.0)),
                    st_lpips: Some(Ratio(0.5 - psnr(at) / 100.0)),
                };
                let mean = (0..samples).map(psnr).sum::<f64>() / samples as f64;
                let all = Metrics { samples: (0..samples).map(sample).collect(), ..judged(mean) };
                *metrics = (*what != PictureOf::Truth).then(|| Box::new(all));
            }
            _ => {}
        }
    }
    lines
}

fn result(iterations: usize) -> RoundResult {
    RoundResult {
        round: 0,
        labels: vec![3],
        label_names: vec!["boat".into()],
        metrics: Some(judged(45.2)),
        probe: None,
        accuracy: None,
        accuracy_lost: None,
        inferred: None,
        stages: Vec::new(),
        update_norm: None,
        processed: None,
        loss: 3.1e-7,
        iteration: Some(iterations),
        undescended: false,
        picked: None,
        enhanced: None,
        equation: None,
        at_truth: Some(AtTruth { matching: 2.1e-9, prior: 0.0, answer_prior: 0.0, of_nothing: 11.6 }),
        baselines: Some(Baselines { grey: Some(Ratio(11.3)), mean: Some(Ratio(12.6)), noise: None }),
        trial: 0,
        trials: 1,
        evaluations: iterations + iterations / 5,
        seconds: iterations as f64 / 20.0,
    }
}

fn point(iteration: usize, iterations: usize) -> Point {
    let x = iteration as f64 / iterations as f64;
    let wobble = 1.0 + 0.6 * (iteration as f64 * 0.9).sin() * (1.0 - x);
    Point { iteration, matching: 10f64.powf(1.5 - 7.0 * x) * wobble, prior: 2e-4 * (1.0 + x) }
}

fn metrics(psnr: f64) -> Metrics {
    let spread = |value: f64| Spread { mean: value, best: value, worst: value };
    Metrics {
        mse: Some(spread(10f64.powf(-psnr / 10.0))),
        psnr: Some(spread(psnr)),
        ssim: Some(spread((psnr / 46.0).min(1.0))),
        label_accuracy: Some(1.0),
        recovered: Some(f64::from(u8::from(psnr >= 20.0))),
        worst_recovered: Some(psnr >= 20.0),
        ..Metrics::default()
    }
}

/// With what is not measured while an attack goes on.
pub(super) fn judged(psnr: f64) -> Metrics {
    let distance = (0.5 - psnr / 100.0).max(0.0);
    Metrics { st_lpips: Some(Spread { mean: distance, best: distance, worst: distance }), ..metrics(psnr) }
}

fn picture(iteration: usize, trial: Option<usize>, what: PictureOf) -> Event {
    let name = match what {
        PictureOf::Truth => "truth",
        PictureOf::Current => "current",
        PictureOf::Best => "best",
        PictureOf::Reconstruction => "reconstruction",
        PictureOf::Control => "control",
        PictureOf::Enhanced => "enhanced",
    };
    let file = match trial {
        Some(trial) => format!("pictures/{name}-{trial}-{iteration}.png"),
        None => format!("pictures/{name}.png"),
    };
    let tiles = Tiles { samples: 1, columns: 1, width: 32, height: 32 };
    Event::Picture { round: 0, trial, iteration, what, file, tiles, metrics: None }
}

/// A disc on a gradient, under so much noise.
pub fn raster(noise: f64) -> Raster {
    let mut seed = 12345u32;
    let mut random = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(seed >> 16) / 65535.0
    };
    let mut pixels = Vec::new();
    for y in 0..32 {
        for x in 0..32 {
            let (dx, dy) = (f64::from(x) - 16.0, f64::from(y) - 14.0);
            let inside = dx * dx + dy * dy < 90.0;
            let clean = if inside { [240.0, 190.0, 150.0] } else { [20.0 + 4.0 * f64::from(y), 60.0, 120.0] };
            pixels.push(clean.map(|value: f64| ((1.0 - noise) * value + noise * 255.0 * random()) as u8));
        }
    }
    Raster { width: 32, height: 32, pixels }
}

/// Opens a run in the model with these events and with all wanted pictures.
pub fn open(model: &mut Model, lines: Vec<Line>, health: Health) {
    let directory = RunDirectory::at("/data/gialab/runs/20261122-125501-dlg-lenet");
    let run = directory.id();
    let manifest = Box::new(manifest(&run, "dlg-lenet", health, NOW - 60.0));
    let mut effects = update(model, Msg::Created(directory));
    effects.extend(update(model, Msg::ManifestArrived { run: run.clone(), manifest: Ok(manifest), health }));
    effects.extend(update(model, Msg::LinesArrived { run, restarted: false, lines, more: false }));
    load(model, effects);
}

/// A federation of which these rounds are attacked, each in one trial of that many iterations.
pub fn federation(rounds: &[u32], iterations: usize) -> Vec<Line> {
    let one = events(iterations, true);
    let lines = rounds.iter().zip(0..).flat_map(|(round, nth)| {
        let kept = one.iter().filter(move |line| nth == 0 || !matches!(line.event, Event::Started { .. }));
        kept.map(move |line| {
            let mut value = serde_json::to_value(line).unwrap();
            renumber(&mut value, *round);
            let line: Line = serde_json::from_value(value).unwrap();
            Line { t: line.t + f64::from(nth) * iterations as f64, ..line }
        })
    });
    let is_end = |line: &Line| matches!(line.event, Event::Finished(_));
    let mut lines: Vec<Line> = lines.collect();
    let end = lines.iter().rposition(is_end);
    let mut at = 0..;
    lines.retain(|line| {
        let at = at.next();
        !is_end(line) || at == end
    });
    lines
}

/// Everything that names a round names this one; files too.
fn renumber(value: &mut serde_json::Value, round: u32) {
    match value {
        serde_json::Value::Object(fields) => {
            for (key, value) in fields {
                match key.as_str() {
                    "round" if value.is_u64() => *value = round.into(),
                    "file" => {
                        *value = value.as_str().unwrap().replace("round-0", &format!("round-{round}")).into()
                    }
                    _ => renumber(value, round),
                }
            }
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(|value| renumber(value, round)),
        _ => {}
    }
}

/// Answers requests for pictures.
pub fn load(model: &mut Model, effects: Vec<super::effect::Effect>) {
    for effect in effects {
        if let super::effect::Effect::Decode(keys) = effect {
            for key in keys {
                let tiles = model.view(&key.run).and_then(|view| view.tiles());
                let (columns, samples) = tiles.map_or((1, 1), |tiles| (tiles.columns, tiles.samples));
                let raster = Arc::new(tiled(&raster(noise(&key)), columns, samples.div_ceil(columns)));
                update(model, Msg::PictureArrived(key, Ok(raster)));
            }
        }
    }
}

/// The picture so many times beside and below itself, each time in another hue.
fn tiled(picture: &Raster, columns: usize, rows: usize) -> Raster {
    let (width, height) = (picture.width * columns, picture.height * rows);
    let all = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let pixel = |(x, y): (usize, usize)| {
        let [r, g, b] = picture.pixels[y % picture.height * picture.width + x % picture.width];
        match (x / picture.width + y / picture.height * columns) % 3 {
            0 => [r, g, b],
            1 => [g, b, r],
            _ => [b, r, g],
        }
    };
    Raster { width, height, pixels: all.map(pixel).collect() }
}

fn noise(key: &PictureKey) -> f64 {
    if key.file.contains("truth") { 0.0 } else { 1.0 / (1.0 + key.iteration as f64 / 40.0) }
}

/// A manifest of that status.
pub fn manifest(run: &str, preset: &str, health: Health, created: f64) -> Manifest {
    let status = match health {
        Health::Running | Health::Crashed => Status::Running,
        Health::Paused => Status::Paused,
        Health::Queued => Status::Queued,
        Health::Stopped => Status::Stopped,
        Health::Failed => Status::Failed,
        Health::Done => Status::Done,
    };
    let config = presets().into_iter().find(|entry| entry.name == preset).map(|entry| entry.config);
    Manifest {
        schema: 1,
        run: run.into(),
        preset: preset.into(),
        config: config.unwrap_or_else(config_of_stranger),
        weights_sha256: None,
        update_sha256: None,
        granted_sha256: Vec::new(),
        reading: Reading::default(),
        created,
        gialab: "0.1.0".into(),
        burn: "0.21.0".into(),
        backend: "flex".into(),
        host: crate::sys::host_name(),
        pid: 0,
        status,
        heartbeat: created + 30.0,
        threads: Some(2),
        memory_kills: None,
        device: None,
        chosen: None,
        standing: None,
        error: (health == Health::Failed).then(|| "no space left on the device".into()),
    }
}

fn config_of_stranger() -> RunConfig {
    config("A preset of one's own", "yours", "mlp", 1.0, 20.0)
}

/// A list of runs in all states, and so many more that are done.
pub fn rows(more: usize) -> Vec<RunRow> {
    let states = [Health::Running, Health::Paused, Health::Crashed, Health::Failed, Health::Stopped];
    let healths = states.into_iter().chain(std::iter::repeat_n(Health::Done, more));
    let names = ["dlg-lenet", "ig-convnet64", "idlg-lenet", "ig-resnet18", "dlg-digits"];
    let mut rows: Vec<RunRow> = healths
        .enumerate()
        .map(|(i, health)| {
            let preset = names[i % names.len()];
            let id = format!("20261122-{i:06}-{preset}");
            let created = NOW - 700.0 * i as f64 - 60.0;
            let mut manifest = manifest(&id, preset, health, created);
            if i % 3 == 1 {
                manifest.config.run.seed = 7;
                if let Some(search) = manifest.config.attack.search_mut() {
                    search.trials = 1;
                }
            }
            RunRow {
                directory: RunDirectory::at(format!("/data/gialab/runs/{id}")),
                id,
                preset: preset.into(),
                backend: "flex".into(),
                host: "lab".into(),
                threads: Some(2),
                created,
                heartbeat: created + 30.0,
                health,
                waits: None,
                notebook: crate::run::Notebook::default(),
                error: manifest.error,
                config: Some(Arc::new(manifest.config)),
                summary: Summary {
                    figures: (health != Health::Failed)
                        .then_some(("psnr", 45.2 - (i % 17) as f64))
                        .into_iter()
                        .chain([("match", 3.1e-7)])
                        .collect(),
                    iteration: Some(180),
                    seconds: Some(41.0 + i as f64),
                    place: health.is_live().then_some(Place::Attack(0, 0, 180)),
                    in_one_go: health == Health::Done,
                },
            }
        })
        .collect();
    rows.push(RunRow {
        directory: RunDirectory::at("/data/gialab/runs/from-tomorrow"),
        id: "from-tomorrow".into(),
        preset: String::new(),
        backend: String::new(),
        host: String::new(),
        threads: None,
        created: 0.0,
        heartbeat: 0.0,
        health: Health::Failed,
        waits: None,
        notebook: crate::run::Notebook::default(),
        error: Some("written by a newer gialab (format 2, this one knows 1)".into()),
        config: None,
        summary: Summary::default(),
    });
    rows
}

/// Writes a run directory with manifest, events and pictures, as a worker would.
pub fn write_run(store: &Store, preset: &str, health: Health, created: f64) -> RunDirectory {
    let config = presets().into_iter().find(|entry| entry.name == preset).unwrap().config;
    let (directory, lock) =
        store.create(preset, &config, "flex", &Reading::default(), created, As::default()).unwrap();
    let mut manifest = manifest(&directory.id(), preset, health, created);
    if health.is_live() {
        manifest.heartbeat = crate::run::now();
        manifest.pid = std::process::id();
        // As long as this process lives, as a worker would.
        std::mem::forget(lock);
    }
    directory.write_manifest(&manifest).unwrap();
    let mut events = fs::File::create(directory.events_path()).unwrap();
    for line in events_of(health) {
        if let Event::Picture { file, iteration, .. } = &line.event {
            let key = PictureKey { run: directory.id(), file: file.clone(), iteration: *iteration };
            let raster = raster(noise(&key));
            let bytes: Vec<u8> = raster.pixels.iter().flatten().copied().collect();
            let picture = image::RgbImage::from_raw(32, 32, bytes).unwrap();
            picture.save(directory.path().join(file)).unwrap();
        }
        writeln!(events, "{}", serde_json::to_string(&line).unwrap()).unwrap();
    }
    directory
}

/// Writes so many complete runs without pictures, a minute apart, for tests and benches of long lists.
pub fn write_many(store: &Store, count: usize) {
    let first = write_run(store, "dlg-lenet", Health::Done, NOW);
    let manifest = fs::read_to_string(first.manifest_path()).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    for i in 1..count {
        let run = RunDirectory::at(store.path().join(format!("run-{i:05}-dlg-lenet")));
        fs::create_dir(run.path()).unwrap();
        let mut manifest = manifest.clone();
        manifest["run"] = run.id().into();
        manifest["created"] = (NOW - 60.0 * i as f64).into();
        fs::write(run.manifest_path(), serde_json::to_vec_pretty(&manifest).unwrap()).unwrap();
        fs::copy(first.events_path(), run.events_path()).unwrap();
    }
}

fn events_of(health: Health) -> Vec<Line> {
    events(300, health == Health::Done)
}

/// Draws the model and returns the rows of the screen.
pub fn drawn(model: &Model) -> String {
    let mut terminal = Terminal::new(TestBackend::new(model.size.0, model.size.1)).unwrap();
    draw(&mut terminal, model);
    terminal.backend().to_string()
}

/// The drawn model with its styles.
#[cfg(test)]
pub(super) fn buffer(model: &Model) -> ratatui::buffer::Buffer {
    let mut terminal = Terminal::new(TestBackend::new(model.size.0, model.size.1)).unwrap();
    draw(&mut terminal, model);
    terminal.backend().buffer().clone()
}

/// What of the drawn model can be clicked.
#[cfg(test)]
pub(super) fn hits(model: &Model) -> Hits {
    let mut terminal = Terminal::new(TestBackend::new(model.size.0, model.size.1)).unwrap();
    let (mut hits, mut cells) = (Hits::default(), model.theme.cells());
    let draw = |frame: &mut ratatui::Frame| {
        screen::draw(model, &mut View { frame, surface: &mut cells, hits: &mut hits });
    };
    terminal.draw(draw).unwrap();
    hits
}

fn draw(terminal: &mut Terminal<TestBackend>, model: &Model) {
    let mut cells = model.theme.cells();
    terminal.draw(|frame| with_cells(frame, &mut cells, |view| screen::draw(model, view))).unwrap();
}

/// Draws benches repeat: 10,000 points a curve, four pictures, and so many runs listed.
pub struct Drawing {
    /// What is drawn.
    pub model: Model,
    terminal: Terminal<TestBackend>,
}

impl Drawing {
    /// A run with that many iterations on a screen of that size.
    pub fn of_run(iterations: usize, width: u16, height: u16) -> Self {
        let mut model = model(width, height);
        model.theme.depth = Depth::True;
        update(&mut model, Msg::RunsListed(rows(1000)));
        open(&mut model, events(iterations, false), Health::Running);
        Drawing { model, terminal: Terminal::new(TestBackend::new(width, height)).unwrap() }
    }

    /// That many runs listed.
    pub fn of_runs(count: usize, width: u16, height: u16) -> Self {
        let mut model = model(width, height);
        update(&mut model, Msg::RunsListed(rows(count)));
        model.screen = super::model::Screen::Runs;
        Drawing { model, terminal: Terminal::new(TestBackend::new(width, height)).unwrap() }
    }

    /// So many complete runs with that many iterations each, compared.
    pub fn of_comparison(count: usize, iterations: usize, width: u16, height: u16) -> Self {
        let mut model = model(width, height);
        model.theme.depth = Depth::True;
        update(&mut model, Msg::RunsListed(rows(count)));
        let ids: Vec<String> = rows(count).into_iter().skip(5).take(count).map(|row| row.id).collect();
        ids.iter().for_each(|id| model.runs_view.toggle(id));
        update(&mut model, Msg::Key(crossterm::event::KeyCode::Char('4').into()));
        for run in ids {
            let lines = events(iterations, true);
            let arrived = Msg::LinesArrived { run, restarted: false, lines, more: false };
            let effects = update(&mut model, arrived);
            load(&mut model, effects);
        }
        Drawing { model, terminal: Terminal::new(TestBackend::new(width, height)).unwrap() }
    }

    /// Draws one frame.
    pub fn frame(&mut self) {
        draw(&mut self.terminal, &self.model);
    }
}
