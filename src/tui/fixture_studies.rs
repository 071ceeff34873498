//! Studies made from code, in any state.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use super::fixture::{events, judged};
use crate::run::Event;
use crate::run::event::Finished;
use crate::study::{Brief, Count, Member, Outcome, Place, Results, Scale, Seen, Snapshot, Standing, Study};

/// Two axes of which one combination is left out, on a preset that computes nothing here.
const BATCHES: &str = r#"
schema = 1
title = "Batch size"
about = "A larger batch is harder to take apart. Garments of any kinds repeat classes, as real batches do."
preset = "batch-size"
pairs = 6
figures = ["psnr", "brr", "match"]

[[axis]]
name = "classes"
key = "victim.sample.classes"
values = ["unique", "any"]

[[axis]]
name = "B"
key = "victim.sample.count"
values = [1, 2, 4, 8, 16, 32]

[[skip]]
classes = "unique"
B = 32

[[hypothesis]]
says = "PSNR falls with the batch size"
figure = "psnr"
along = "B"
is = "falling"

[[hypothesis]]
says = "A batch of unlike garments leaks more than one of any"
figure = "psnr"
of = { classes = "unique" }
above = { classes = "any" }

[quick]
pairs = 3
keep = { B = [1, 4] }
"#;

/// A single axis of twelve points with long names, each of 30 pairs.
const WIDTHS: &str = r#"
schema = 1
title = "Width of the network"
about = "Wider networks leak more."
preset = "batch-size"
pairs = 30
figures = ["psnr"]

[[axis]]
name = "channels, as a share of LeNet's"
key = "victim.options.width"
values = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0]

[[hypothesis]]
says = "PSNR rises with the width"
figure = "psnr"
along = "channels, as a share of LeNet's"
is = "rising"
"#;

fn study(name: &str, text: &str) -> Study {
    let definition = toml::from_str(text).unwrap();
    Study::of(name.into(), "fixture", definition, Path::new("/nonexistent")).unwrap()
}

/// So many runs of a study are done, in the order in which they are computed; two more are live, one has failed, one was left.
pub fn batches(done: usize) -> Snapshot {
    snapshot(study("batches", BATCHES), done, batch_psnr)
}

/// The runs of `batches`.
pub fn seen_of(study: &Study, done: usize) -> Vec<Seen> {
    seen(study, done, batch_psnr)
}

fn batch_psnr(cell: usize, pair: u32) -> f64 {
    50.0 - 4.0 * cell as f64 + f64::from(pair % 4)
}

fn seen(study: &Study, done: usize, psnr: impl Fn(usize, u32) -> f64) -> Vec<Seen> {
    let stands = |at: usize, member: Member| match at {
        _ if at < done => (Standing::Done(Some(12.0)), Some(finished(psnr(member.cell, member.pair)))),
        _ if at < done + 2 && at > 2 => (Standing::Live, None),
        _ if at == done + 2 && at > 2 => (Standing::Failed("no space left on the device".into()), None),
        _ if at == done + 3 && at > 3 => (Standing::Left, None),
        _ => (Standing::Open, None),
    };
    let members = study.members(Scale::default()).into_iter().enumerate();
    let seen = members.map(|(at, member)| {
        let (standing, finished) = stands(at, member);
        Seen { member, standing, finished }
    });
    seen.collect()
}

/// The same of one with a single long axis.
pub fn widths(done: usize) -> Snapshot {
    snapshot(study("widths", WIDTHS), done, |cell, pair| 12.0 + cell as f64 + f64::from(pair % 5))
}

fn snapshot(study: Study, done: usize, psnr: impl Fn(usize, u32) -> f64) -> Snapshot {
    let seen = seen(&study, done, psnr);
    let all = seen.len();
    let results = Results::of(&study, &seen);
    let begun = done > 0 && done < all;
    let is = usize::from(begun);
    let whole = Count {
        all,
        done,
        live: (2 * is).min(all - done),
        failed: is.min((all - done).saturating_sub(2)),
        left: is.min((all - done).saturating_sub(3)),
        seconds: Some(12.0 * (all - done) as f64 / 2.0),
    };
    let quick = study.definition.quick.as_ref().map(|_| {
        let all = study.members(Scale { quick: true, pairs: None }).len();
        Count {
            all,
            done: all.min(done),
            seconds: Some(6.0 * all.saturating_sub(done) as f64),
            ..Count::default()
        }
    });
    let brief = Brief {
        name: study.name.clone(),
        title: study.definition.title.clone(),
        about: study.definition.about.clone(),
        preset: study.definition.preset.clone(),
        cells: study.cells.len(),
        whole,
        quick,
        outcome: results.outcome().filter(|_| done > 0),
        is_conducted: begun,
        ..Brief::default()
    };
    let place = Place::of(Path::new("/data/gialab"), &study.name);
    Snapshot { study: Arc::new(study), place, brief, results: Arc::new(results) }
}

fn finished(psnr: f64) -> Finished {
    let end = events(10, true).into_iter().find_map(|line| match line.event {
        Event::Finished(finished) => Some(finished),
        _ => None,
    });
    let mut finished = end.unwrap();
    finished.rounds[0].metrics = Some(judged(psnr));
    finished.rounds[0].loss = 10f64.powf(-psnr / 10.0);
    finished
}

/// A list of studies in all states.
pub fn briefs() -> Vec<Brief> {
    let brief = |name: &str, title: &str, whole: Count, quick: Count| Brief {
        name: name.into(),
        title: title.into(),
        about: format!("{title}: what it is about."),
        preset: "batch-size".into(),
        cells: 11,
        whole,
        quick: Some(quick),
        ..Brief::default()
    };
    let count = |all, done, seconds| Count { all, done, seconds, ..Count::default() };
    let mut briefs = vec![
        batches(30).brief,
        brief("t2", "Batch size and resolution", count(100, 0, Some(9000.0)), count(12, 0, Some(64.0))),
        brief("t3", "Local training", count(40, 40, Some(0.0)), count(10, 10, Some(0.0))),
        brief("m1", "Training progress", count(60, 10, None), count(10, 10, None)),
        brief("m2", "Depth", Count { failed: 3, ..count(30, 7, Some(700.0)) }, count(6, 6, Some(0.0))),
        brief("a2", "Generative priors", Count::default(), Count::default()),
        brief("mine", "", Count::default(), Count::default()),
    ];
    briefs[2].outcome = Some(Outcome::Opposite);
    briefs[3].outcome = Some(Outcome::Inconclusive);
    briefs[4].outcome = Some(Outcome::AsExpected);
    briefs[5].lacks = Some("ggl".into());
    briefs[6].error = Some("studies/mine/study.toml:3: expected a string, found 3".into());
    briefs
}
