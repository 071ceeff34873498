//! `gialab show RUN`: what a run was, how it went, and its picture in the plain terminal.

use std::io::Write;
use std::path::{Path, PathBuf};

use gialab::config::StatisticsKnowledge;
use gialab::data::MIN_SIDE;
use gialab::figure::{FIGURES, Figure, Measured, figure};
use gialab::fl::post;
use gialab::reading::Reading;
use gialab::run::cost::{self, Cost, Costs};
use gialab::run::event::RoundResult;
use gialab::run::state::TrialState;
use gialab::run::{
    Health, Manifest, Notebook, RunDirectory, Verdict, death, labels, picture, progress, verdict,
};
use image::{RgbImage, imageops};

use super::images::Shell;
use super::selection::Among;
use super::{Context, DONE, complete, output, records};

#[derive(clap::Args)]
pub struct Arguments {
    /// Name of the run, a part of it that fits one run, or `last`
    #[arg(add = complete::runs())]
    run: String,
    #[command(flatten)]
    among: Among,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let directory = arguments.among.store(context)?.find(&arguments.run)?;
    let manifest = directory.manifest()?;
    let health = directory.health()?;
    let mut out = output::lines();
    writeln!(out, "{}", manifest.config.title)?;
    writeln!(out, "run      {} ({})", manifest.run, health.name())?;
    notebook(&mut out, &Notebook::read(&directory)?)?;
    facts(&mut out, &manifest)?;
    cost(&mut out, &manifest, Costs::beside(&directory).of(&manifest.config).as_ref())?;
    reading(&mut out, &manifest.reading)?;
    match &manifest.error {
        Some(error) => writeln!(out, "error    {error}")?,
        None if health == Health::Crashed => writeln!(out, "error    {}", death::of_silence(&manifest))?,
        None => {}
    }
    writeln!(out, "files    {}", directory.path().display())?;
    match directory.result() {
        Some(finished) => {
            rounds(&mut out, &manifest, &finished.rounds)?;
            drop(out);
            pictures(context, &directory, &finished.rounds)?;
        }
        None => {
            let (state, notice) = directory.state()?;
            if let Some(notice) = notice {
                writeln!(out, "note     {notice}")?;
            }
            if let Some(at) = state.position() {
                let eta = progress::eta(&manifest.config, &state).filter(|_| health.is_live());
                let eta = eta.map_or_else(String::new, |eta| format!(", {eta}"));
                writeln!(
                    out,
                    "trial    {} of {}, iteration {} of {}; {:.0} % of what is planned{eta}",
                    at.trial,
                    at.trials,
                    at.iteration,
                    at.iterations,
                    100.0 * progress::share(&manifest.config, &state)
                )?;
            }
            if let Some(read) = state.current_round().and_then(|round| round.labels_read.as_ref()) {
                writeln!(out, "labels   {}", labels::read(read))?;
            }
            let trial = state.current_round().and_then(|round| round.shown_trial());
            let measured = trial.map(TrialState::measured).unwrap_or_default();
            let so_far = FIGURES.iter().filter(|figure| figure.is_of_samples());
            let so_far = so_far.filter_map(|figure| {
                let value = figure.text(figure.value(&measured)?);
                let name = figure.word.ascii.trim_end_matches(figure.unit).trim_end();
                Some(format!("{name} {value} {}", figure.unit).trim_end().to_owned())
            });
            let so_far: Vec<String> = so_far.collect();
            if !so_far.is_empty() {
                writeln!(out, "so far   {}", so_far.join(", "))?;
            }
            if let Some(labels) = trial.and_then(|trial| labels::of_trial(&manifest.config, trial)) {
                writeln!(out, "came back {labels}")?;
            }
            let done: Vec<RoundResult> =
                state.rounds.iter().filter_map(|round| round.result.clone()).collect();
            rounds(&mut out, &manifest, &done)?;
            drop(out);
            let newest = state.current_round().and_then(|round| {
                let trial = round.shown_trial()?;
                trial.best_pictures.last().or(trial.pictures.last())
            });
            if let Some(rows) = newest.and_then(|picture| picture.rows()) {
                let truth = state.current_round().and_then(|round| round.truth.as_ref()?.rows());
                records::print(&mut output::lines(), &manifest.config.attack.labels, truth, rows)?;
            }
            if let Some(file) = newest.and_then(|picture| picture.file()) {
                side_by_side(context, &directory, &[file.to_owned()])?;
            }
        }
    }
    Ok(DONE)
}

/// What a person wrote to it.
fn notebook(out: &mut impl Write, notebook: &Notebook) -> std::io::Result<()> {
    let Notebook { title, note, tags } = notebook;
    if !title.is_empty() {
        writeln!(out, "title    {title}")?;
    }
    if !tags.is_empty() {
        writeln!(out, "tags     {}", tags.iter().cloned().collect::<Vec<_>>().join(" "))?;
    }
    for (at, line) in note.lines().enumerate() {
        writeln!(out, "{:<8} {line}", if at == 0 { "note" } else { "" })?;
    }
    Ok(())
}

/// What is attacked by whom: the conditions that every figure below depends on.
pub fn facts(out: &mut impl Write, manifest: &Manifest) -> std::io::Result<()> {
    let config = &manifest.config;
    let victim = &config.victim;
    writeln!(
        out,
        "victim   {} {}, batch of {}, {} {}, BatchNorm {}",
        victim.source(),
        victim.which(),
        config.batch(),
        victim.model,
        config.training(),
        victim.batch_norm()
    )?;
    let known = config.local_knowledge().map(|known| format!(", local training {known}")).unwrap_or_default();
    let exact = match config.knowledge.statistics {
        StatisticsKnowledge::Exact => ", BatchNorm statistics of the batch known",
        StatisticsKnowledge::Running => "",
    };
    writeln!(out, "protocol {}", config.protocol())?;
    if let Some(post) = config.post_processing() {
        writeln!(out, "post     {post}")?;
    }
    if let Some(privacy) = config.privacy() {
        writeln!(out, "privacy  {privacy}")?;
    }
    if let Some(own) = config.own_normalisation() {
        writeln!(out, "pixels   {own}")?;
    }
    writeln!(
        out,
        "attacker {}, labels {}{known}{exact}, threat model {}",
        config.attack.kind.name(),
        config.attack.labels.name(),
        config.threat_model()
    )?;
    if let Some(budget) = config.attack.search().and_then(|search| search.budget) {
        writeln!(out, "budget   {budget} an attacked round")?;
    }
    let width = config.run.precision.on(&manifest.backend);
    writeln!(out, "backend  {}{width}, seed {}", manifest.place(), config.run.seed)?;
    manifest.chosen.iter().try_for_each(|why| writeln!(out, "         {why}"))
}

/// What post-processing costs.
fn cost(out: &mut impl Write, manifest: &Manifest, cost: Option<&Cost>) -> std::io::Result<()> {
    match cost {
        Some(cost) => writeln!(out, "cost     {cost}"),
        None if cost::applies(&manifest.config) => {
            writeln!(
                out,
                "cost     not measured: gialab utility {} measures it, with the same --set as this run",
                manifest.preset
            )
        }
        None => Ok(()),
    }
}

/// How files were read where they left it open.
pub fn reading(out: &mut impl Write, reading: &Reading) -> std::io::Result<()> {
    reading.notes().iter().try_for_each(|note| writeln!(out, "read     {note}"))
}

/// The table of rounds.
pub fn rounds(out: &mut impl Write, manifest: &Manifest, rounds: &[RoundResult]) -> std::io::Result<()> {
    if rounds.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let measured: Vec<Measured> = rounds.iter().map(RoundResult::measured).collect();
    let mut columns: Vec<Vec<String>> = FIRST.iter().map(|key| column(figure(key), &measured)).collect();
    for (at, r) in measured.iter().enumerate() {
        if let Some(psnr) = figure("psnr").spread(r) {
            columns[PSNR][at + 1].push_str(&format!(" ({:>5})", figure("psnr").text(psnr.best)));
        }
    }
    columns[PSNR][0].push_str(" (best)");
    let trial = |r: &RoundResult| format!("{}/{}", r.trial + 1, r.trials);
    columns.push(std::iter::once("trial".to_owned()).chain(rounds.iter().map(trial)).collect());
    columns.push(column(figure("seconds"), &measured));
    table(out, rounds, &columns)?;
    for r in rounds {
        if let Some(inferred) = &r.inferred {
            writeln!(out, "told     from the update: {}", post::in_words(inferred))?;
        }
        r.stages.iter().try_for_each(|words| writeln!(out, "step     {words}"))?;
        outcome(out, manifest, r, rounds.len() > 1)?;
        if let Some(labels) = labels::of_round(&manifest.config, r) {
            let round = if rounds.len() > 1 { format!(" in round {}", r.round) } else { String::new() };
            writeln!(out, "Came back{round}: {labels}.")?;
        }
    }
    // The same in every round.
    if let Some(baselines) = rounds.first().and_then(verdict::baselines) {
        writeln!(out, "baseline {baselines}")?;
    }
    let is_further = |figure: &&Figure| !FIRST.contains(&figure.word.key) && figure.word.key != "seconds";
    // What is looked for is n/a where it is missing; the rest stands there where it was measured.
    let has =
        |figure: &&Figure| figure.rank <= LOOKED_FOR || measured.iter().any(|r| figure.value(r).is_some());
    let further: Vec<&Figure> = FIGURES.iter().filter(is_further).filter(has).collect();
    for figures in further.chunks(IN_A_ROW) {
        writeln!(out)?;
        let columns: Vec<Vec<String>> = figures.iter().map(|figure| column(figure, &measured)).collect();
        table(out, rounds, &columns)?;
    }
    writeln!(
        out,
        "Labels {}, BatchNorm {}, batch of {}.{}",
        manifest.config.attack.labels.name(),
        manifest.config.victim.batch_norm(),
        manifest.config.batch(),
        manifest.config.attack.search().map_or("", |_| " The trial was chosen by its matching loss.")
    )?;
    writeln!(out, "What a heading means: gialab explain HEADING.")
}

/// Figures of the first table of rounds; all others that were measured stand below it.
const FIRST: [&str; 6] = ["accuracy", "update_norm", "match", "label_accuracy", "psnr", "ssim"];

/// Place of PSNR among them.
const PSNR: usize = 4;

/// Figures up to this rank are missed where they are not.
const LOOKED_FOR: u8 = 3;

/// Figures that stand beside each other in a terminal of 80 columns.
const IN_A_ROW: usize = 7;

/// A figure round by round, below its heading.
fn column(figure: &Figure, rounds: &[Measured]) -> Vec<String> {
    let cell = |r: &Measured| figure.value(r).map_or_else(|| "n/a".to_owned(), |value| figure.text(value));
    std::iter::once(figure.word.ascii.to_owned()).chain(rounds.iter().map(cell)).collect()
}

/// Columns beside the rounds, as wide as what they hold.
fn table(out: &mut impl Write, rounds: &[RoundResult], columns: &[Vec<String>]) -> std::io::Result<()> {
    let widths: Vec<usize> =
        columns.iter().map(|column| column.iter().map(String::len).max().unwrap_or(0)).collect();
    let heads = std::iter::once("round".to_owned());
    for (at, round) in heads.chain(rounds.iter().map(|r| r.round.to_string())).enumerate() {
        write!(out, "{round:>5}")?;
        for (column, width) in columns.iter().zip(&widths) {
            write!(out, "  {:>width$}", column[at])?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// What became of a round, and which iterate is its answer.
fn outcome(
    out: &mut impl Write,
    manifest: &Manifest,
    result: &RoundResult,
    several: bool,
) -> std::io::Result<()> {
    let round = if several { format!("round {}: ", result.round) } else { String::new() };
    if let Some(sentence) = verdict::sentence(result) {
        let remedy = Verdict::of(result).and_then(Verdict::remedy);
        writeln!(
            out,
            "outcome  {round}{sentence}{}",
            remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default()
        )?;
    }
    if let Some(answer) = verdict::answer(result, &manifest.config.attack) {
        writeln!(out, "answer   {round}{answer}")?;
    }
    Ok(())
}

/// Truth and reconstruction of every round: in the terminal if there is one, always by path; rows of a table field by
/// field.
pub fn pictures(context: &Context, directory: &RunDirectory, rounds: &[RoundResult]) -> anyhow::Result<()> {
    let is_missing = |round: &RoundResult| !reconstruction(directory, round).exists();
    // A log can be long: it is read only where it holds what no picture does.
    if rounds.iter().any(is_missing) {
        let (state, _) = directory.state()?;
        let labels = directory.manifest()?.config.attack.labels;
        if records::of_rounds(&mut output::lines(), &labels, &state)? {
            return Ok(());
        }
    }
    let files = rounds.iter().map(|round| format!("pictures/round-{}-reconstruction.png", round.round));
    side_by_side(context, directory, &files.collect::<Vec<_>>())
}

fn reconstruction(directory: &RunDirectory, round: &RoundResult) -> PathBuf {
    directory.pictures_path().join(format!("round-{}-reconstruction.png", round.round))
}

fn side_by_side(context: &Context, directory: &RunDirectory, files: &[String]) -> anyhow::Result<()> {
    let shell = Shell::look(context.wishes);
    let has_truth = directory.manifest()?.config.has_truth();
    for file in files {
        let reconstruction = directory.path().join(file);
        if let Some(shell) = &shell {
            let picture = picture::read(&reconstruction)?.pixels;
            if (picture.height() as usize) < MIN_SIDE {
                // What earlier versions stored of rows of a table.
                writeln!(
                    output::lines(),
                    "\nan earlier gialab kept no fields of these records: run it again"
                )?;
                continue;
            }
            let more = beside_it(&reconstruction);
            let named = more.first().map_or("", |(name, _)| *name);
            let third = more.first().map(|(_, path)| picture::read(path)).transpose()?;
            let third = third.map(|loaded| loaded.pixels);
            if has_truth {
                let truth = picture::read(&directory.pictures_path().join("truth.png"))?.pixels;
                let left = "left: private (known to you, not to the attacker)";
                match named {
                    "" => writeln!(output::lines(), "\n{left}; right: reconstructed")?,
                    named => writeln!(output::lines(), "\n{left}; then reconstructed; right: {named}")?,
                }
                let both = beside(&truth, &picture);
                shell.print(&third.map_or_else(|| both.clone(), |third| beside(&both, &third)))?;
            } else {
                writeln!(output::lines(), "\nreconstructed; there is no ground truth")?;
                shell.print(&picture)?;
            }
        }
        writeln!(output::lines(), "picture  {}", reconstruction.display())?;
        for (name, path) in beside_it(&reconstruction) {
            writeln!(output::lines(), "{name:<8} {}", path.display())?;
        }
    }
    Ok(())
}

/// The pictures that lie beside a reconstruction, with their names: what the same search made of noise, what the attacker's enhancer
/// made of the answer.
fn beside_it(reconstruction: &Path) -> Vec<(&'static str, PathBuf)> {
    let name = reconstruction.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some(round) = name.strip_suffix("-reconstruction.png") else { return Vec::new() };
    let named = [("on noise", "control"), ("enhanced", "enhanced")];
    let all = named.map(|(name, file)| (name, reconstruction.with_file_name(format!("{round}-{file}.png"))));
    all.into_iter().filter(|(_, path)| path.exists()).collect()
}

/// Two pictures with a gap of two pixels.
fn beside(left: &RgbImage, right: &RgbImage) -> RgbImage {
    let gap = 2;
    let mut both = RgbImage::new(left.width() + gap + right.width(), left.height().max(right.height()));
    imageops::replace(&mut both, left, 0, 0);
    imageops::replace(&mut both, right, i64::from(left.width() + gap), 0);
    both
}
