//! `gialab show RUN`: what a run was, how it went, and its picture in the plain terminal.

use std::io::Write;

use gialab::reading::Reading;
use gialab::run::event::{RoundResult, Spread};
use gialab::run::{Health, Manifest, RunDirectory, Verdict, death, labels, picture, progress, verdict};
use image::{RgbImage, imageops};

use super::images::Shell;
use super::{Context, DONE, complete, output};

#[derive(clap::Args)]
pub struct Arguments {
    /// Name of the run, a part of it that fits one run, or `last`
    #[arg(add = complete::runs())]
    run: String,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let directory = context.store.find(&arguments.run)?;
    let manifest = directory.manifest()?;
    let health = directory.health()?;
    let mut out = output::lines();
    writeln!(out, "{}", manifest.config.title)?;
    writeln!(out, "run      {} ({})", manifest.run, health.name())?;
    facts(&mut out, &manifest)?;
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
            if let Some(metrics) = trial.and_then(|trial| trial.latest_metrics()) {
                writeln!(out, "so far   PSNR {:.2} dB, MSE {:.5}", metrics.psnr.mean, metrics.mse.mean)?;
            }
            if let Some(labels) = trial.and_then(|trial| labels::of_trial(&manifest.config, trial)) {
                writeln!(out, "came back {labels}")?;
            }
            drop(out);
            let newest = state.current_round().and_then(|round| {
                let trial = round.shown_trial()?;
                trial.best_pictures.last().or(trial.pictures.last())
            });
            if let Some(picture) = newest {
                side_by_side(context, &directory, std::slice::from_ref(&picture.file))?;
            }
        }
    }
    Ok(DONE)
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
    writeln!(out, "protocol {}", config.protocol())?;
    writeln!(
        out,
        "attacker {}, labels {}{known}, threat model {}",
        config.attack.kind,
        config.attack.labels.name(),
        config.threat_model()
    )?;
    let width = config.run.precision.on(&manifest.backend);
    writeln!(out, "backend  {}{width}, seed {}", manifest.backend, config.run.seed)
}

/// How files were read where they left it open.
pub fn reading(out: &mut impl Write, reading: &Reading) -> std::io::Result<()> {
    reading.notes().iter().try_for_each(|note| writeln!(out, "read     {note}"))
}

/// The table of rounds.
pub fn rounds(out: &mut impl Write, manifest: &Manifest, rounds: &[RoundResult]) -> std::io::Result<()> {
    writeln!(out)?;
    writeln!(out, "round    acc  update     match  labels  PSNR dB (best)   SSIM  trial  seconds")?;
    for r in rounds {
        let metrics = r.metrics.as_ref();
        let figure = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.digits$}"))
        };
        let percent = |share: Option<f64>| {
            share.map_or_else(|| "n/a".to_owned(), |share| format!("{:.0} %", 100.0 * share))
        };
        writeln!(
            out,
            "{:>5}  {:>5}  {:>6}  {:>8.2e}  {:>6}  {:>7} {:>6}  {:>5}  {:>5}  {:>7.1}",
            r.round,
            percent(r.accuracy),
            figure(r.update_norm.map(|norm| norm.0), 3),
            r.loss,
            percent(metrics.and_then(|m| m.label_accuracy)),
            figure(metrics.map(|m| m.psnr.mean), 2),
            metrics.map(|m| format!("({:.1})", m.psnr.best)).unwrap_or_default(),
            figure(metrics.and_then(|m| m.ssim).map(|ssim| ssim.mean), 3),
            format!("{}/{}", r.trial + 1, r.trials),
            r.seconds
        )?;
    }
    for r in rounds {
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
    further(out, rounds)?;
    writeln!(
        out,
        "Labels {}, BatchNorm {}, batch of {}; SSIM with Gaussian window 11, sigma 1.5.\nThe trial was chosen by its matching loss.",
        manifest.config.attack.labels.name(),
        manifest.config.victim.batch_norm(),
        manifest.config.batch()
    )
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

/// The table of what is not in the first one, and what its words mean.
fn further(out: &mut impl Write, rounds: &[RoundResult]) -> std::io::Result<()> {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "n/a".to_owned());
    let percent = |share: Option<f64>| or_none(share.map(|share| format!("{:.0} %", 100.0 * share)));
    let small = |value: Option<f64>| or_none(value.map(|value| format!("{value:.2e}")));
    let three = |spread: Option<Spread>| or_none(spread.map(|spread| format!("{:.3}", spread.mean)));
    writeln!(out)?;
    writeln!(out, "round       MSE  ST-LPIPS    BRR   WSRR  exist  count    IIP  features     IGSA  r_eff")?;
    let (mut pools, mut probes) = (Vec::new(), false);
    for r in rounds {
        let m = r.metrics.as_ref();
        let worst = m.and_then(|m| m.worst_recovered).map(|all| f64::from(u8::from(all)));
        pools.extend(m.and_then(|m| m.iip_pool));
        probes |= r.probe.is_some();
        writeln!(
            out,
            "{:>5}  {:>8}  {:>8}  {:>5}  {:>5}  {:>5}  {:>5}  {:>5}  {:>8}  {:>7}  {:>5}",
            r.round,
            small(m.map(|m| m.mse.mean)),
            three(m.and_then(|m| m.st_lpips)),
            percent(m.and_then(|m| m.recovered)),
            percent(worst),
            percent(m.and_then(|m| m.label_existence)),
            percent(m.and_then(|m| m.label_count)),
            percent(m.and_then(|m| m.iip)),
            small(m.and_then(|m| m.feature_mse).map(|spread| spread.mean)),
            small(r.probe.map(|probe| probe.igsa)),
            or_none(r.probe.map(|probe| format!("{:.1}", probe.r_eff))),
        )?;
    }
    for r in rounds {
        if let Some(lpips) = r.metrics.as_ref().and_then(|m| m.lpips) {
            writeln!(out, "LPIPS in round {}: {:.3}, on the backbone of run.lpips.", r.round, lpips.mean)?;
        }
    }
    writeln!(out, "acc: held-out samples that the global model gets right. update: its l2 norm.")?;
    writeln!(
        out,
        "BRR, WSRR: samples, worst samples recovered, gialab's definitions. exist, count: classes"
    )?;
    writeln!(out, "known to be there or not, how often, of all. features: MSE of the victim's last ones.")?;
    if let (Some(least), Some(most)) = (pools.iter().min(), pools.iter().max()) {
        let pool = if least == most { most.to_string() } else { format!("{least} to {most}") };
        writeln!(out, "IIP: nearest to its own image in pixels, among {pool} of the class.")?;
    }
    if probes {
        writeln!(out, "IGSA: 1 / mean |d gradient / d input|, gialab's definition.")?;
    }
    Ok(())
}

/// Truth and reconstruction of every round: in the terminal if there is one, always by path.
pub fn pictures(context: &Context, directory: &RunDirectory, rounds: &[RoundResult]) -> anyhow::Result<()> {
    let files = rounds.iter().map(|round| format!("pictures/round-{}-reconstruction.png", round.round));
    side_by_side(context, directory, &files.collect::<Vec<_>>())
}

fn side_by_side(context: &Context, directory: &RunDirectory, files: &[String]) -> anyhow::Result<()> {
    let shell = Shell::look(context.wishes);
    let has_truth = directory.manifest()?.config.has_truth();
    for file in files {
        let reconstruction = directory.path().join(file);
        if let Some(shell) = &shell {
            let picture = picture::read(&reconstruction)?.pixels;
            if has_truth {
                let truth = picture::read(&directory.pictures_path().join("truth.png"))?.pixels;
                let what = "left: private (known to you, not to the attacker); right: reconstructed";
                writeln!(output::lines(), "\n{what}")?;
                shell.print(&beside(&truth, &picture))?;
            } else {
                writeln!(output::lines(), "\nreconstructed; there is no ground truth")?;
                shell.print(&picture)?;
            }
        }
        writeln!(output::lines(), "picture  {}", reconstruction.display())?;
    }
    Ok(())
}

/// Two pictures with a gap of two pixels.
fn beside(left: &RgbImage, right: &RgbImage) -> RgbImage {
    let gap = 2;
    let mut both = RgbImage::new(left.width() + gap + right.width(), left.height().max(right.height()));
    imageops::replace(&mut both, left, 0, 0);
    imageops::replace(&mut both, right, i64::from(left.width() + gap), 0);
    both
}
