#![allow(clippy::unwrap_used)]

use super::*;
use crate::catalogue::{self, defence};

/// How an attack goes about it: those of gialab's, and those that it has none of.
const FAMILIES: [&str; 8] =
    ["search", "latent search", "analytic", "malicious server", "learned", "text", "tables", "other"];

#[test]
fn the_files_are_read_and_every_entry_is_whole() {
    let [attacks_file, defences_file] = read::files();
    let (attacks_file, defences_file) = (attacks_file.unwrap(), defences_file.unwrap());
    assert_eq!(attacks_file.attack.len(), attacks().len());
    assert_eq!(defences_file.defence.len(), defences().len());
    let all = || attacks().iter().chain(defences());
    assert!(attacks().len() > 90 && defences().len() > 40, "{} {}", attacks().len(), defences().len());
    for entry in all() {
        let Entry { key, title, year, published, family, according_to, .. } = entry;
        assert_eq!(all().filter(|other| other.key == *key).count(), 1, "{key}");
        let is_said = |word: &str| !word.is_empty() && !word.contains('\n');
        assert!(is_said(title) && is_said(published) && is_said(according_to), "{entry:?}");
        assert!((2006..=2026).contains(year), "{entry:?}");
        match &entry.of {
            Of::Attack { threat_model, threat_source, modality, .. } => {
                assert!(THREAT_MODELS.contains(threat_model) && is_said(threat_source), "{entry:?}");
                assert!(FAMILIES.contains(&family.as_str()) && is_said(modality), "{entry:?}");
            }
            Of::Defence { rule, holds_for, partly_for, fails_for, holds_source, broken_by, .. } => {
                assert!(is_said(rule), "{entry:?}");
                for attack in broken_by {
                    assert!(attacks().iter().any(|known| known.key == *attack), "{key} names {attack}");
                }
                let mut rated: Vec<char> =
                    [holds_for, partly_for, fails_for].into_iter().flatten().copied().collect();
                rated.sort_unstable();
                let all_or_none = if holds_source.is_empty() { Vec::new() } else { THREAT_MODELS.to_vec() };
                assert_eq!(rated, all_or_none, "{key}");
            }
        }
    }
}

#[test]
fn what_runs_here_has_an_entry_that_repeats_nothing() {
    let [attacks_file, defences_file] = read::files().map(Result::unwrap);
    let attacks = catalogue::names().map(|name| (name, &attacks_file.attack));
    let settings = defence::SETTINGS.iter().map(|(defence, _)| defence.name);
    let defences = defence::names().chain(settings).map(|name| (name, &defences_file.defence));
    for (name, entries) in attacks.chain(defences) {
        let raw = entries.iter().find(|raw| raw.key == name).unwrap_or_else(|| panic!("{name} has no entry"));
        assert!(!raw.repeats(), "{name}");
        assert!(entry(name).unwrap().runs);
    }
}

#[test]
fn unsure_figures_and_numbers_are_not_shown() {
    let unsure: Vec<&Entry> = attacks().iter().chain(defences()).filter(|entry| !entry.sure).collect();
    assert!(!unsure.is_empty());
    for entry in unsure {
        assert!(entry.reported.is_empty());
        assert!(entry.page().iter().any(|(label, _)| *label == "how sure"), "{}", entry.key);
    }
    let raw = "key = \"x\"\nvenue = \"V 2024\"\nid = \"arXiv:1\"\nid_sure = false\nsource = \"s\"\nsure = false\n\
               reported = [{ setting = \"a\", figure = \"b\", source = \"c\" }]";
    let shown = read::attack(toml::from_str(raw).unwrap());
    assert_eq!((shown.published.as_str(), shown.reported.len()), ("V 2024", 0));
}

#[test]
fn entries_are_found_by_model_family_modality_and_words() {
    let found = |filter: Filter| -> Vec<&str> {
        attacks().iter().filter(|entry| filter.fits(entry)).map(|entry| entry.key.as_str()).collect()
    };
    let under = |model| Filter { threat_model: Some(model), ..Filter::default() };
    assert!(found(under('A')).contains(&"dlg") && !found(under('A')).contains(&"gifd"));
    assert!(found(Filter { family: Some("latent".into()), ..under('D') }).contains(&"gias"));
    let here = found(Filter { runs: true, ..Filter::default() });
    assert_eq!(here.len(), catalogue::ATTACKS.len());
    let words = Filter { words: vec!["Deep".into(), "leakage".into()], ..Filter::default() };
    assert!(found(words).contains(&"dlg"));
    let text = found(Filter { modality: Some("text".into()), ..Filter::default() });
    assert!(text.contains(&"lamp") && text.contains(&"fc-inversion") && !text.contains(&"dlg"));
    let held = |model| {
        let filter = under(model);
        defences()
            .iter()
            .filter(|entry| filter.fits(entry))
            .map(|entry| entry.key.as_str())
            .collect::<Vec<_>>()
    };
    assert!(held('A').contains(&"secure-aggregation") && !held('H').contains(&"secure-aggregation"));
}
