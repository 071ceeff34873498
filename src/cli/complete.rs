//! What a shell offers at Tab: commands and options by clap, and by these the presets, runs and settings there are.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter};
use gialab::audit::shelf;
use gialab::catalogue::literature;
use gialab::config::setting::{self, Kind, SETTINGS, Setting};
use gialab::config::{ConfigError, preset};
use gialab::figure::{self, Better, FIGURES};
use gialab::paths::Paths;
use gialab::run::{Filter, Sort, Store};
use gialab::{catalogue, data, model, study, text};

/// The variable by which a shell asks.
pub const VARIABLE: &str = "GIALAB_COMPLETE";

/// A shipped preset, one of the person's, or a file.
pub fn presets() -> ArgValueCompleter {
    ArgValueCompleter::new(|begun: &OsStr| {
        let (presets, _errors): (_, Vec<ConfigError>) = preset::all(&paths().presets());
        let named = presets.into_iter().map(|preset| candidate(preset.name, &preset.config.title));
        fitting(named, begun, paths_of(begun, None))
    })
}

/// A study that ships, one that was begun, or a file.
pub fn studies() -> ArgValueCompleter {
    ArgValueCompleter::new(|begun: &OsStr| {
        let shipped =
            study::shipped_names().filter_map(|name| Some((name.to_owned(), study::load(name).ok()?.2)));
        let begun_here =
            study::begun(&paths().data).into_iter().filter_map(|(name, of)| Some((name, of.ok()?)));
        let mut named: Vec<_> = shipped.chain(begun_here).map(|(name, of)| (name, of.title)).collect();
        named.sort();
        named.dedup_by(|a, b| a.0 == b.0);
        fitting(named.into_iter().map(|(name, title)| candidate(name, &title)), begun, paths_of(begun, None))
    })
}

/// A study that was begun here, by its name here.
pub fn begun() -> ArgValueCompleter {
    ArgValueCompleter::new(|begun: &OsStr| {
        let all = study::begun(&paths().data).into_iter();
        let named = all.map(|(name, of)| candidate(name, &of.map_or_else(|_| String::new(), |of| of.title)));
        fitting(named, begun, Vec::new())
    })
}

/// An audit that is being made.
pub fn audits() -> ArgValueCompleter {
    ArgValueCompleter::new(|begun: &OsStr| {
        let all = shelf::kept(&paths().data).into_iter().filter(|kept| kept.live);
        fitting(all.map(|kept| candidate(kept.name, "is being made")), begun, Vec::new())
    })
}

/// An axis of the study that the line names.
pub fn axes() -> ArgValueCompleter {
    ArgValueCompleter::new(|begun: &OsStr| {
        let words = std::env::args_os().filter_map(|word| word.into_string().ok());
        let mut after = words.skip_while(|word| word != "export").skip(1);
        let named = after.find(|word| !word.starts_with('-')).and_then(|word| study::load(&word).ok());
        let axes = named.into_iter().flat_map(|(_, _, study)| study.axes);
        fitting(axes.map(|axis| candidate(axis.name, axis.key.as_deref().unwrap_or(""))), begun, Vec::new())
    })
}

/// A run by name, and the last one; among those of a study if the line names one.
pub fn runs() -> ArgValueCompleter {
    ArgValueCompleter::new(|begun: &OsStr| {
        let data = paths().data;
        let study = option("--study").and_then(|study| study.into_string().ok());
        let store = match &study {
            Some(study) => study::Place::of(&data, study).store(),
            None => Store::in_data_dir(&data),
        };
        let items = std::fs::read_dir(store.path()).into_iter().flatten().flatten();
        let names = items.filter_map(|item| item.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
        // Names begin with the time.
        names.sort_unstable_by(|a, b| b.cmp(a));
        let last = [candidate("last".into(), "the newest run")];
        let all = last.into_iter().chain(names.iter().map(|name| candidate(name.clone(), "")));
        let offered = fitting(all, begun, paths_of(begun, None));
        if !offered.is_empty() {
            return offered;
        }
        // A person remembers the preset, which the time stands in front of. What was typed among them keeps a shell from
        // taking it away for what they begin with.
        let typed = begun.to_string_lossy();
        let held: Vec<String> =
            names.into_iter().filter(|name| name.contains(&*typed) && !name.contains(text::acts)).collect();
        let part = candidate(typed.into_owned(), "a part of these names");
        if held.is_empty() {
            Vec::new()
        } else {
            held.into_iter().map(|name| candidate(name, "")).chain([part]).collect()
        }
    })
}

/// An attack of the catalogue.
pub fn attacks() -> ArgValueCompleter {
    entries(literature::attacks)
}

/// A defence of the catalogue.
pub fn defences() -> ArgValueCompleter {
    entries(literature::defences)
}

fn entries(all: fn() -> &'static [literature::Entry]) -> ArgValueCompleter {
    ArgValueCompleter::new(move |begun: &OsStr| {
        let named = all().iter().map(|entry| candidate(entry.key.clone(), &entry.title));
        fitting(named, begun, Vec::new())
    })
}

/// A figure by its key.
pub fn figures() -> ArgValueCompleter {
    ArgValueCompleter::new(|begun: &OsStr| {
        let named = FIGURES.iter().map(|figure| candidate(figure.word.key.to_owned(), figure.word.ascii));
        fitting(named, begun, Vec::new())
    })
}

/// An order of runs.
pub fn sorts() -> ArgValueCompleter {
    ArgValueCompleter::new(|begun: &OsStr| {
        let named = Sort::all().map(|sort| {
            candidate(sort.key().to_owned(), sort.figure().map_or("a column", |figure| figure.word.ascii))
        });
        fitting(named, begun, Vec::new())
    })
}

/// A condition on a figure, `KEY>=`.
pub fn conditions() -> ArgValueCompleter {
    ArgValueCompleter::new(|begun: &OsStr| {
        let named = FIGURES.iter().map(|figure| {
            let sign = if figure.better == Better::Lower { "<=" } else { ">=" };
            candidate(format!("{}{sign}", figure.word.key), figure.word.ascii)
        });
        fitting(named, begun, Vec::new())
    })
}

/// The last word of a filter: a column, a figure or a setting, with its sign.
pub fn filters() -> ArgValueCompleter {
    ArgValueCompleter::new(|begun: &OsStr| {
        let Some(begun) = begun.to_str() else { return Vec::new() };
        let (before, word) = begun.rsplit_once(' ').map_or(("", begun), |(before, word)| (before, word));
        let tags = tags_there().into_iter().map(|tag| candidate(format!("tag:{tag}"), ""));
        let columns = Filter::columns().map(|name| candidate(format!("{name}:"), ""));
        let figures =
            FIGURES.iter().map(|figure| candidate(format!("{}>=", figure.word.key), figure.word.ascii));
        let settings = SETTINGS.iter().map(|setting| candidate(format!("{}=", setting.key), setting.help));
        let offered =
            fitting(columns.chain(tags).chain(figures).chain(settings), OsStr::new(word), Vec::new());
        match before {
            "" => offered,
            before => offered.into_iter().map(|offered| offered.add_prefix(format!("{before} "))).collect(),
        }
    })
}

/// A tag that a run has, to be put on or taken off.
pub fn tags() -> ArgValueCompleter {
    ArgValueCompleter::new(|begun: &OsStr| {
        let all = tags_there()
            .into_iter()
            .flat_map(|tag| ["+", "-"].map(|sign| candidate(format!("{sign}{tag}"), "")));
        fitting(all, begun, Vec::new())
    })
}

/// The tags that runs have.
fn tags_there() -> BTreeSet<String> {
    let rows = Store::in_data_dir(&paths().data).list().unwrap_or_default();
    rows.into_iter().flat_map(|row| row.notebook.tags).collect()
}

/// What is explained: words of the field, figures and settings.
pub fn words() -> ArgValueCompleter {
    ArgValueCompleter::new(|begun: &OsStr| {
        let words = figure::words().map(|word| candidate(word.key.to_owned(), word.ascii));
        let settings = SETTINGS.iter().map(|setting| candidate(setting.key.to_owned(), setting.help));
        fitting(words.chain(settings), begun, Vec::new())
    })
}

/// `KEY=`, and after it what the setting can be.
pub fn settings() -> ArgValueCompleter {
    ArgValueCompleter::new(|begun: &OsStr| {
        let Some((key, value)) = begun.to_str().and_then(|begun| begun.split_once('=')) else {
            let keys = SETTINGS.iter().map(|setting| candidate(format!("{}=", setting.key), setting.help));
            return fitting(keys, begun, Vec::new());
        };
        let Some(setting) = setting::of(key) else { return Vec::new() };
        let values = values(setting).into_iter().map(|value| candidate(value, ""));
        let files = match setting.kind {
            Kind::Path | Kind::Data => paths_of(OsStr::new(value), Some(setting.kind)),
            _ => Vec::new(),
        };
        let offered = fitting(values, OsStr::new(value), files);
        offered.into_iter().map(|candidate| candidate.add_prefix(format!("{key}="))).collect()
    })
}

/// Values that a setting can have, if only a few.
fn values(setting: &Setting) -> Vec<String> {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match setting.kind {
        Kind::Choice(choices) => owned(choices),
        Kind::Flag => owned(&["true", "false"]),
        Kind::Model => model::names().map(str::to_owned).collect(),
        Kind::Attack => catalogue::names().map(str::to_owned).collect(),
        Kind::Data => data::catalogue().into_iter().map(|set| set.name.to_owned()).collect(),
        Kind::Typed | Kind::Optional | Kind::Text | Kind::Path => Vec::new(),
    }
}

fn candidate(value: String, help: &str) -> CompletionCandidate {
    let help = Some(help.to_owned().into()).filter(|_| !help.is_empty());
    CompletionCandidate::new(value).help(help)
}

/// Those that begin like what was typed; if there are none, the only one that has it. A name that could act on a
/// terminal is not offered.
fn fitting(
    all: impl Iterator<Item = CompletionCandidate>,
    begun: &OsStr,
    others: Vec<CompletionCandidate>,
) -> Vec<CompletionCandidate> {
    let begun = begun.to_string_lossy();
    let value = |candidate: &CompletionCandidate| candidate.get_value().to_string_lossy().into_owned();
    let all = all.filter(|candidate| !value(candidate).contains(text::acts));
    let (mut fits, rest): (Vec<_>, Vec<_>) = all.partition(|candidate| value(candidate).starts_with(&*begun));
    fits.extend(others);
    if !fits.is_empty() {
        return fits;
    }
    let has: Vec<_> = rest.into_iter().filter(|candidate| value(candidate).contains(&*begun)).collect();
    if has.len() == 1 { has } else { Vec::new() }
}

/// Files, where a path was begun or nothing but a path belongs.
fn paths_of(begun: &OsStr, kind: Option<Kind>) -> Vec<CompletionCandidate> {
    let typed = begun.to_string_lossy();
    let is_path = typed.contains('/') || typed.starts_with(['.', '~']) || kind == Some(Kind::Path);
    let offered = if is_path { PathCompleter::any().complete(begun) } else { Vec::new() };
    let acts = |candidate: &CompletionCandidate| candidate.get_value().to_string_lossy().contains(text::acts);
    offered.into_iter().filter(|candidate| !acts(candidate)).collect()
}

/// The person's directories; where runs are may be on the line that is completed.
fn paths() -> Paths {
    let environment = std::env::var_os("GIALAB_DATA_DIR");
    Paths::new(option("--data-dir").as_deref().map(Path::new), environment.as_deref())
}

/// The value of an option on the line that is completed.
fn option(name: &str) -> Option<OsString> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let after = words.windows(2).find(|pair| pair[0] == name).map(|pair| pair[1].clone());
    let joined = || {
        let joined = words.iter().filter_map(|word| word.to_str()?.strip_prefix(name)?.strip_prefix('='));
        joined.map(OsString::from).next()
    };
    after.or_else(joined)
}
