//! Filters on the runs of the fixture: of all states, half an hour apart, with growing times and falling PSNR.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::run::in_words;
use crate::tui::fixture::{NOW, presets, rows};

fn words(row: &RunRow) -> InWords {
    let presets = presets();
    let preset = presets.iter().find(|entry| entry.name == row.preset).map(|entry| &entry.config);
    InWords::of(row, &in_words::changed(row, preset), NOW, &TimeZone::UTC)
}

/// Positions of the runs that are found.
fn found(filter: &str) -> Vec<usize> {
    let (filter, mistake) = Filter::read(filter, &TimeZone::UTC);
    assert_eq!(mistake, None);
    let rows = rows(4);
    (0..rows.len()).filter(|at| filter.fits(&rows[*at], &words(&rows[*at]))).collect()
}

fn mistake(filter: &str) -> String {
    Filter::read(filter, &TimeZone::UTC).1.unwrap().to_string()
}

#[test]
fn every_word_and_number_that_a_row_shows_finds_it() {
    for (at, row) in rows(4).iter().enumerate() {
        let InWords { name, changed, psnr, loss, started, took, backend } = words(row);
        let status = row.health.name().to_owned();
        let error = row.error.clone().unwrap_or_default();
        for shown in [name, changed, psnr, loss, started, took, backend, status, error, row.host.clone()] {
            for word in shown.split_whitespace().filter(|word| *word != "-") {
                // A condition is no word.
                let word = word.trim_matches(['(', ')', ',']);
                assert!(found(word).contains(&at), "{word} of {row:?}");
                assert!(found(&word.to_uppercase()).contains(&at), "{word} in capitals");
            }
        }
        assert!(found(&row.id).contains(&at), "{}", row.id);
    }
    assert_eq!(found("seed 7"), [1, 4, 7]);
    assert_eq!(found("45.20"), [0]);
    assert_eq!(found("newer gialab"), [9]);
    assert!(found("nothing-like-this").is_empty());
    assert_eq!(found("  "), (0..10).collect::<Vec<_>>());
}

#[test]
fn numbers_are_compared_and_what_is_not_known_is_never_found() {
    assert_eq!(found("psnr>=43.2"), [0, 1, 2]);
    assert_eq!(found("psnr > 43.2"), [0, 1]);
    assert_eq!(found("psnr< 39"), [7, 8]);
    assert_eq!(found("psnr<=38.2"), [7, 8]);
    assert_eq!(found("PSNR=45.2"), [0]);
    assert_eq!(found("psnr<1000"), [0, 1, 2, 4, 5, 6, 7, 8], "3 has none, 9 cannot be read");
    assert_eq!(found("psnr>-inf").len(), 8);
    assert_eq!(found("loss<1e-6").len(), 9);
    assert_eq!(found("match=3.1e-7").len(), 9);
    assert!(found("loss>1").is_empty());
    // Every figure there is, measured here or not.
    assert!(
        found("brr>=50%").is_empty() && found("update_norm<3").is_empty() && found("ssim>0.9").is_empty()
    );
}

#[test]
fn durations_and_dates_are_compared_as_people_write_them() {
    assert_eq!(found("took>47"), [7, 8]);
    assert_eq!(found("took=00:42"), [1]);
    assert_eq!(found("took<1min").len(), 9);
    assert_eq!(found("took>=0.0125h took<46s"), [4]);
    assert_eq!(found("started=2026-11-22").len(), 9);
    assert!(found("started>2026-11-22").is_empty());
    assert_eq!(found("started>=2026-11-22T12:42"), [0, 1]);
    assert_eq!(found("started=2026-11-22T12:42"), [1]);
    assert_eq!(found("started<2026-11-22T12:00"), [5, 6, 7, 8]);
    assert_eq!(found("started<12:55").len(), 9, "all are of a day before today");
    assert!(found("started>=00:00").is_empty());
}

#[test]
fn words_of_one_column_and_all_terms_must_hold() {
    assert_eq!(found("status:failed"), [3, 9]);
    assert_eq!(found("status:run"), [0]);
    assert_eq!(found("preset:lenet"), [0, 2, 5, 7]);
    assert_eq!(found("preset=dlg-lenet"), [0, 5]);
    assert_eq!(found("changed:seed status:done"), [7]);
    assert_eq!(found("model:convnet64 psnr<40"), [6]);
    assert_eq!(found("data:photos attack=dlg").len(), 9);
    assert_eq!(found("12:42"), [1], "a time is a word");
}

#[test]
fn settings_are_compared_by_key_or_its_last_part_changed_or_not() {
    assert_eq!(found("seed=7"), [1, 4, 7]);
    assert_eq!(found("run.seed:7.0"), [1, 4, 7], "a number is one however it is written");
    assert_eq!(found("seed<7"), [0, 2, 3, 5, 6, 8]);
    assert_eq!(found("victim.model=lenet seed>=7"), [4, 7]);
    assert_eq!(found("victim.model:len"), found("victim.model=lenet"));
    assert!(found("victim.model=len").is_empty(), "the whole of it is meant");
    assert_eq!(found("distance=l2 lr>0"), found("distance=l2"));
    assert!(mistake("eed=7").starts_with("runs have no `eed`"), "a part of a key is no key");
}

#[test]
fn words_are_found_by_how_they_begin_and_a_setting_is_meant_as_a_whole() {
    // dlg-lenet and lenet stand in the rows; a part from the middle finds neither.
    let all = found("lenet");
    assert!(found("preset:lenet").iter().chain(&found("model:lenet")).all(|at| all.contains(at)));
    assert!(found("enet").is_empty() && found("preset:enet").is_empty() && found("model:enet").is_empty());
    assert_eq!(found("status:fail"), [3, 9]);
    assert_eq!(mistake("status=fail"), "there is no status `fail`; did you mean failed?");
    for (text, word, is) in [
        ("lenet5", "lenet", true),
        ("dlg-lenet", "lenet", true),
        ("convnet64", "net", false),
        ("convnet64", "64", true),
        ("11-22 12:42", "12:42", true),
        ("11-22 12:42", "2:42", false),
        ("45.20", "45", true),
        ("45.20", "5.2", false),
        ("45.20", "20", false),
        ("3.1e-07", "3.1e", true),
        ("attack.prior.tv 0.01", "prior.tv", true),
        ("resnet20-a", "20-a", true),
    ] {
        assert_eq!(has(text, word), is, "{word} in {text}");
    }
    let whole = |found: &str| is_met(found, Compare::Is, "lenet", true);
    assert!(whole("lenet") && !whole("lenet5") && is_met("lenet5", Compare::Is, "lenet", false));
}

#[test]
fn a_mistake_is_one_sentence_that_says_what_is_wanted() {
    for (filter, sentence) in [
        ("psnr>abc", "`abc` is no number; psnr> wants one, as in psnr>20"),
        ("psnr>nan", "`nan` is no number; psnr> wants one, as in psnr>20"),
        ("brr>many", "`many` is no share; brr> wants one, as in brr>50%"),
        ("psnr>", "psnr> wants a number, as in psnr>20"),
        ("loss<=1e", "`1e` is no number; loss<= wants one, as in loss<=1e-3"),
        ("took<soon", "`soon` is no duration; took< wants one, as in took<2min"),
        ("took<-5", "`-5` is no duration; took< wants one, as in took<2min"),
        ("started>22", "`22` is no date; started> wants one, as in started>2026-11-22"),
        ("started=2026-02-30", "`2026-02-30` is no date; started= wants one, as in started=2026-11-22"),
        ("psmr>20", "runs have no `psmr`; did you mean psnr?"),
        ("statis:done", "runs have no `statis`; did you mean status?"),
        ("status:fialed", "there is no status `fialed`; did you mean failed?"),
        ("status>3", "status is a word and has no order; write status:3"),
        ("backend:", "backend: wants a word, as in backend:flex"),
        (">20", "name what is compared in front of >, as in psnr>20"),
        ("seed=", "seed= wants a value, as presets write it"),
        ("run.seed>many", "`many` is no number; run.seed> wants one, or write run.seed=many"),
    ] {
        assert_eq!(mistake(filter), sentence, "{filter}");
    }
    assert!(mistake("beauty>1").starts_with("runs have no `beauty`; they have psnr, loss, "));
}

#[test]
fn what_can_be_read_counts_beside_a_mistake() {
    let (filter, mistake) = Filter::read("status:done psnr>", &TimeZone::UTC);
    assert!(mistake.is_some() && !filter.is_empty());
    let rows = rows(4);
    let count = rows.iter().filter(|row| filter.fits(row, &words(row))).count();
    assert_eq!(count, 4);
}
