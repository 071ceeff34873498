//! Presets: shipped with the program or read from a file, changed by `key=value` overrides.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::attack::forget_recipe;
use super::error::{ConfigError, described, line_of};
use super::spoken::{FORM, missing, plain};
use super::{RunConfig, keys, older, setting, validate};
use crate::files::{self, Access};
use crate::text::nearest;

/// A named config, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    /// Its name: a shipped one, or the file's stem.
    pub name: String,
    /// What it says.
    pub config: RunConfig,
}

/// The key that says which attack it is.
pub const ATTACK: &str = "attack.kind";

/// Shipped presets in the order of lists, by name and text.
const SHIPPED: &[(&str, &str)] = &[
    ("dlg-lenet", include_str!("../../presets/dlg-lenet.toml")),
    ("idlg-lenet", include_str!("../../presets/idlg-lenet.toml")),
    ("dlg-digits", include_str!("../../presets/dlg-digits.toml")),
    ("ig-lenet", include_str!("../../presets/ig-lenet.toml")),
    ("ig-mlp", include_str!("../../presets/ig-mlp.toml")),
    ("ig-convnet64", include_str!("../../presets/ig-convnet64.toml")),
    ("ig-resnet18", include_str!("../../presets/ig-resnet18.toml")),
    ("batch-size", include_str!("../../presets/batch-size.toml")),
    ("resolution", include_str!("../../presets/resolution.toml")),
    ("local-steps", include_str!("../../presets/local-steps.toml")),
    ("local-guessed", include_str!("../../presets/local-guessed.toml")),
    ("labels", include_str!("../../presets/labels.toml")),
    ("leakage-by-round", include_str!("../../presets/leakage-by-round.toml")),
    ("secure-sum", include_str!("../../presets/secure-sum.toml")),
    ("table-row", include_str!("../../presets/table-row.toml")),
    ("architecture", include_str!("../../presets/architecture.toml")),
    ("width", include_str!("../../presets/width.toml")),
    ("skip-connections", include_str!("../../presets/skip-connections.toml")),
    ("activation", include_str!("../../presets/activation.toml")),
    ("noise", include_str!("../../presets/noise.toml")),
    ("clip", include_str!("../../presets/clip.toml")),
    ("sparsify", include_str!("../../presets/sparsify.toml")),
    ("laplace-noise", include_str!("../../presets/laplace-noise.toml")),
    ("quantise", include_str!("../../presets/quantise.toml")),
    ("cast", include_str!("../../presets/cast.toml")),
    ("sign", include_str!("../../presets/sign.toml")),
    ("ats", include_str!("../../presets/ats.toml")),
    ("mixup", include_str!("../../presets/mixup.toml")),
    ("instahide", include_str!("../../presets/instahide.toml")),
    ("precode", include_str!("../../presets/precode.toml")),
    ("dropout", include_str!("../../presets/dropout.toml")),
    ("dp-sgd", include_str!("../../presets/dp-sgd.toml")),
    ("soteria", include_str!("../../presets/soteria.toml")),
    ("outpost", include_str!("../../presets/outpost.toml")),
    ("graddefense", include_str!("../../presets/graddefense.toml")),
    ("censor", include_str!("../../presets/censor.toml")),
    ("dcs-2", include_str!("../../presets/dcs-2.toml")),
    ("noise-only", include_str!("../../presets/noise-only.toml")),
    ("drop-layers", include_str!("../../presets/drop-layers.toml")),
    ("trained-victim", include_str!("../../presets/trained-victim.toml")),
    ("batch-norm", include_str!("../../presets/batch-norm.toml")),
    ("gradinversion", include_str!("../../presets/gradinversion.toml")),
    ("ig-modern", include_str!("../../presets/ig-modern.toml")),
    ("huang", include_str!("../../presets/huang.toml")),
    ("sapag", include_str!("../../presets/sapag.toml")),
    ("dimitrov", include_str!("../../presets/dimitrov.toml")),
    ("sme", include_str!("../../presets/sme.toml")),
    ("rog", include_str!("../../presets/rog.toml")),
    ("gias", include_str!("../../presets/gias.toml")),
    ("ggl", include_str!("../../presets/ggl.toml")),
    ("gifd", include_str!("../../presets/gifd.toml")),
    ("ci-net", include_str!("../../presets/ci-net.toml")),
    ("fedleak", include_str!("../../presets/fedleak.toml")),
    ("cpl", include_str!("../../presets/cpl.toml")),
    ("fc-inversion", include_str!("../../presets/fc-inversion.toml")),
    ("logit", include_str!("../../presets/logit.toml")),
    ("r-gap", include_str!("../../presets/r-gap.toml")),
    ("copa", include_str!("../../presets/copa.toml")),
    ("april", include_str!("../../presets/april.toml")),
    ("cpa", include_str!("../../presets/cpa.toml")),
    ("spear", include_str!("../../presets/spear.toml")),
    ("tableak", include_str!("../../presets/tableak.toml")),
    ("imprint", include_str!("../../presets/imprint.toml")),
    ("trap-weights", include_str!("../../presets/trap-weights.toml")),
    ("loki", include_str!("../../presets/loki.toml")),
    ("scale-mia", include_str!("../../presets/scale-mia.toml")),
    ("fishing", include_str!("../../presets/fishing.toml")),
    ("fishing-each", include_str!("../../presets/fishing-each.toml")),
];

/// Names of the shipped presets.
pub fn shipped_names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _)| *name)
}

/// Text of a shipped preset.
pub fn shipped_text(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(shipped, _)| *shipped == name).map(|(_, text)| *text)
}

/// All presets: the shipped ones, then those of `user_directory` (`*.toml`). Broken files of the user are
/// returned as errors beside the good ones.
pub fn all(user_directory: &Path) -> (Vec<Preset>, Vec<ConfigError>) {
    let mut files: Vec<PathBuf> = std::fs::read_dir(user_directory)
        .map(|listing| listing.flatten().map(|item| item.path()).collect())
        .unwrap_or_default();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let shipped = shipped_names().map(|name| load(name, &[], user_directory));
    let own = files.iter().map(|path| {
        let preset = load(&path.to_string_lossy(), &[], user_directory)?;
        if shipped_text(&preset.name).is_some() {
            let message = "a shipped preset has this name; rename the file";
            return Err(ConfigError::new(path.display().to_string(), message));
        }
        Ok(preset)
    });
    let (mut presets, mut errors) = (Vec::new(), Vec::new());
    for result in shipped.chain(own) {
        match result {
            Ok(preset) => presets.push(preset),
            Err(error) => errors.push(error),
        }
    }
    (presets, errors)
}

/// Loads a preset by name (shipped, or in `user_directory`) or by path, applies `key=value` overrides in
/// order, and checks the result. `key=` leaves a setting to its default.
///
/// # Errors
/// Names the file and line, or the override, the key, and the nearest right word.
pub fn load(name: &str, overrides: &[String], user_directory: &Path) -> Result<Preset, ConfigError> {
    let (name, origin, text) = find(name, user_directory)?;
    read(name, &origin, &text, overrides)
}

/// As [`load`], of a text that comes from `origin`.
///
/// # Errors
/// As [`load`].
pub fn read(name: String, origin: &str, text: &str, overrides: &[String]) -> Result<Preset, ConfigError> {
    older::check(origin, text)?;
    let mut config: RunConfig = toml::from_str(text).map_err(|e| described(origin, Some(text), &e))?;
    // The file is checked by itself first, so that its errors carry its lines.
    let mut table: toml::Table = toml::from_str(text).map_err(|e| described(origin, Some(text), &e))?;
    let changes: Vec<(&str, &str)> =
        overrides.iter().map(|change| split(change)).collect::<Result<_, _>>()?;
    if !changes.is_empty() {
        config = apply(&mut table, &changes)
            .map_err(|(at, refused)| ConfigError::new(format!("--set {}", overrides[at]), refused.message))?;
    }
    validate::check(&config).map_err(|fault| {
        // An override sets the key itself, or the table that holds it.
        let holds = |change: &str| {
            let key = change.split_once('=').map_or("", |(key, _)| key.trim());
            fault.key.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'))
        };
        let touched = overrides.iter().rev().find(|change| change.starts_with(fault.key) || holds(change));
        let origin = match touched {
            Some(change) => format!("--set {change}"),
            None => match line_of(text, fault.key) {
                Some(line) => format!("{origin}:{line}"),
                None => origin.to_owned(),
            },
        };
        ConfigError::new(origin, fault.message)
    })?;
    Ok(Preset { name, config })
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its dotted key.
    pub key: String,
    /// What is wrong with it.
    pub message: String,
}

/// A config with other values, by dotted key and written as in TOML or as plain words. An empty value leaves the
/// setting to its default.
///
/// # Errors
/// The first setting that cannot be used.
pub fn change<'a>(
    config: &RunConfig,
    changes: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<RunConfig, Refused> {
    let refused = |key: &str, message: String| Refused { key: key.to_owned(), message };
    let mut table = toml::Table::try_from(config).map_err(|e| refused("", e.to_string()))?;
    let changes: Vec<(&str, &str)> = changes.into_iter().collect();
    let changed = match changes.as_slice() {
        [] => config.clone(),
        changes => apply(&mut table, changes).map_err(|(_, refused)| refused)?,
    };
    validate::check(&changed).map_err(|fault| refused(fault.key, fault.message))?;
    Ok(changed)
}

/// Key and value of an override.
fn split(change: &str) -> Result<(&str, &str), ConfigError> {
    let (key, value) = change.split_once('=').ok_or_else(|| {
        let message = "an override has the form key=value, as attack.prior.tv=1e-3";
        ConfigError::new(format!("--set {change}"), message)
    })?;
    Ok((key.trim(), value.trim()))
}

/// The values of a config by dotted key with another attack, whose recipe is then its settings, whether or not it fits the
/// rest; nothing if no attack has this name.
pub fn with_attack(config: &RunConfig, kind: &str) -> Option<BTreeMap<String, String>> {
    let mut table = toml::Table::try_from(config).ok()?;
    apply(&mut table, &[(ATTACK, kind)]).ok().map(|config| flat(&config))
}

/// A config with another attack as its recipe has it, and other values besides, as [`change`] takes them.
///
/// # Errors
/// The first setting that cannot be used.
pub fn attacked_by<'a>(
    config: &RunConfig,
    kind: &str,
    changes: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<RunConfig, Refused> {
    let refused = |key: &str, message: String| Refused { key: key.to_owned(), message };
    let mut table = toml::Table::try_from(config).map_err(|e| refused("", e.to_string()))?;
    let attack = toml::Table::from_iter([("kind".to_owned(), toml::Value::from(kind))]);
    table.insert("attack".to_owned(), attack.into());
    let changes: Vec<(&str, &str)> = changes.into_iter().collect();
    let changed = apply(&mut table, &changes).map_err(|(_, refused)| refused)?;
    validate::check(&changed).map_err(|fault| refused(fault.key, fault.message))?;
    Ok(changed)
}

/// The config of a table after changes, which may need each other; if there is none, which of them is wrong. The attack
/// comes first, whatever their order: it brings settings of its own, which the others change.
fn apply(table: &mut toml::Table, changes: &[(&str, &str)]) -> Result<RunConfig, (usize, Refused)> {
    let before = table.clone();
    let read = |table: &toml::Table| toml::Value::Table(table.clone()).try_into::<RunConfig>();
    let (first, then): (Vec<_>, Vec<_>) =
        changes.iter().enumerate().partition(|(_, (key, _))| *key == ATTACK);
    for (at, (key, value)) in first.into_iter().chain(then) {
        write(table, key, value).map_err(|message| (at, Refused { key: (*key).to_owned(), message }))?;
    }
    let error = match read(table) {
        Ok(config) => return Ok(config),
        Err(error) => error.message().to_owned(),
    };
    let is_wrong_alone = |(key, value): &(&str, &str)| {
        let mut table = before.clone();
        let written = write(&mut table, key, value);
        written.is_ok() && read(&table).is_err_and(|alone| alone.message() == error)
    };
    let at = changes.iter().rposition(is_wrong_alone).unwrap_or(changes.len().saturating_sub(1));
    let (key, value) = changes.get(at).copied().unwrap_or_default();
    Err((at, refused_by_reader(key, value, &error)))
}

/// What a reader said of a setting. Of one that is missing beside it, the missing one is refused.
fn refused_by_reader(key: &str, value: &str, error: &str) -> Refused {
    let parent = key.rsplit_once('.').map_or("", |(parent, _)| parent);
    let mut missing =
        missing(error).into_iter().flat_map(|field| [key, parent].map(|of| format!("{of}.{field}")));
    if let Some(missing) = missing.find(|known| setting::of(known).is_some()) {
        return Refused { message: format!("{missing} is missing"), key: missing };
    }
    let message = match (plain(error), setting::of(key)) {
        (message, Some(setting)) if message.starts_with(FORM) => {
            format!("{value} cannot be used here; use {}", setting.range.values())
        }
        (message, Some(setting)) if message.ends_with("number") || message.ends_with("of 0 or more") => {
            format!("{message}; use {}", setting.range.values())
        }
        (message, _) => message,
    };
    Refused { key: key.to_owned(), message }
}

/// The values of a config by dotted key, written so that [`change`] reads them back.
pub fn flat(config: &RunConfig) -> BTreeMap<String, String> {
    fn collect(prefix: &str, table: &toml::Table, into: &mut BTreeMap<String, String>) {
        for (name, value) in table {
            let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            match value {
                // A setting is one value: what is inside has no meaning by itself.
                toml::Value::Table(inner) if setting::of(&key).is_none() => collect(&key, inner, into),
                value => drop(into.insert(key, written(value))),
            }
        }
    }
    let mut values = BTreeMap::new();
    if let Ok(table) = toml::Table::try_from(config) {
        collect("", &table, &mut values);
    }
    values
}

/// A value as a person writes it: words without quotes, 1e-6 rather than 0.000001.
pub(super) fn written(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Float(value) if *value != 0.0 && !(1e-3..1e6).contains(&value.abs()) => {
            format!("{value:e}")
        }
        other => other.to_string(),
    }
}

/// Writes a config as a preset file of the user and returns its path. A file of that name is replaced.
///
/// # Errors
/// If the name cannot be that of a preset, or the file cannot be written.
pub fn save(config: &RunConfig, name: &str, user_directory: &Path) -> Result<PathBuf, ConfigError> {
    let origin = format!("preset \"{name}\"");
    check_name(name).map_err(|message| ConfigError::new(&origin, message))?;
    let text = toml::to_string_pretty(config).map_err(|e| ConfigError::new(&origin, e.to_string()))?;
    let path = user_directory.join(format!("{name}.toml"));
    files::create_directories(user_directory)
        .and_then(|()| files::write(&path, text.as_bytes(), Access::Umask))
        .map_err(|e| ConfigError::new(path.display().to_string(), format!("cannot be written: {e}")))?;
    Ok(path)
}

/// Whether a preset of the user can have this name.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.is_empty() || !name.chars().all(plain) {
        return Err("a name has letters, digits, - and _ alone".to_owned());
    }
    match shipped_text(name) {
        Some(_) => Err("a shipped preset has this name; choose another".to_owned()),
        None => Ok(()),
    }
}

/// Name, origin for messages, and text.
fn find(name: &str, user_directory: &Path) -> Result<(String, String, String), ConfigError> {
    if let Some(text) = shipped_text(name) {
        return Ok((name.to_owned(), format!("preset \"{name}\""), text.to_owned()));
    }
    let own = user_directory.join(format!("{name}.toml"));
    let path = if own.exists() { own } else { PathBuf::from(name) };
    if !path.exists() {
        let near = nearest(name, shipped_names()).map_or_else(
            || "`gialab presets` lists them".to_owned(),
            |near| format!("did you mean \"{near}\"?"),
        );
        return Err(ConfigError::new(
            format!("preset \"{name}\""),
            format!("there is no such preset and no such file; {near}"),
        ));
    }
    let origin = path.display().to_string();
    let text = files::read_text(&path, files::TEXT)
        .map_err(|e| ConfigError::new(&origin, format!("cannot be read: {e}")))?;
    let stem = path.file_stem().map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned());
    Ok((stem, origin, text))
}

/// Sets a key to what was typed, or unsets it.
fn write(table: &mut toml::Table, key: &str, value: &str) -> Result<(), String> {
    match value.trim() {
        "" => keys::unset(table, key),
        value => set(table, key, parse(key, value))?,
    }
    Ok(())
}

/// A TOML value, or a string where it is none: `photos` needs no quotes. Of words and paths nothing else but
/// a table is a value.
pub(super) fn parse(key: &str, value: &str) -> toml::Value {
    let parsed = toml::from_str::<toml::Table>(&format!("v = {value}")).ok();
    let parsed = parsed.and_then(|mut table| table.remove("v"));
    let is_text = setting::of(key).is_some_and(|setting| setting.kind.is_text());
    parsed
        .filter(|parsed| parsed.is_str() || parsed.is_table() || !is_text)
        .unwrap_or_else(|| toml::Value::String(value.to_owned()))
}

fn set(table: &mut toml::Table, key: &str, value: toml::Value) -> Result<(), String> {
    // Another attack brings its own settings.
    if key == ATTACK
        && let Some(attack) = table.get_mut("attack").and_then(toml::Value::as_table_mut)
        && attack.get("kind") != Some(&value)
    {
        forget_recipe(attack);
    }
    keys::set(table, key, value)?;
    // Both say which samples form the batch: the one that is set replaces the other.
    let other = match key {
        "victim.indices" => Some("victim.sample"),
        _ if key == "victim.sample" || key.starts_with("victim.sample.") => Some("victim.indices"),
        _ => None,
    };
    other.into_iter().for_each(|other| keys::unset(table, other));
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::{PriorKind, Priors};

    #[test]
    fn a_config_is_changed_by_key_and_read_back_flat() {
        let config = load_with(&[]).unwrap().config;
        let changed =
            change(&config, [("attack.prior.tv", "1e-3"), ("victim.size", ""), ("victim.data", "crops32")]);
        let changed = changed.unwrap();
        assert_eq!(
            (changed.attack.search().unwrap().prior.clone(), changed.victim.size),
            (Priors::one(PriorKind::Tv, 1e-3), None)
        );
        let flat = flat(&changed);
        assert_eq!((flat["attack.prior.tv"].as_str(), flat["victim.data"].as_str()), ("0.001", "crops32"));
        let again = change(&config, flat.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        assert_eq!(again.unwrap().attack, changed.attack);
        let refused = change(&config, [("attack.trials", "0")]).unwrap_err();
        assert_eq!(refused.key, "attack.trials");
        let refused = change(&config, [("attack.trials", "many")]).unwrap_err();
        assert_eq!(refused.key, "attack.trials");
    }

    #[test]
    fn a_saved_preset_is_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let config = load_with(&["attack.trials=3"]).unwrap().config;
        save(&config, "mine", directory.path()).unwrap();
        assert_eq!(load("mine", &[], directory.path()).unwrap().config, config);
        for name in ["dlg-lenet", "", "a/b", "../x"] {
            assert!(save(&config, name, directory.path()).is_err(), "{name}");
        }
    }

    fn load_with(overrides: &[&str]) -> Result<Preset, ConfigError> {
        let overrides: Vec<String> = overrides.iter().map(|s| (*s).to_owned()).collect();
        load("dlg-lenet", &overrides, Path::new("/nonexistent"))
    }

    fn load_text(text: &str) -> ConfigError {
        let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
        std::fs::write(file.path(), text).unwrap();
        load(&file.path().to_string_lossy(), &[], Path::new("/nonexistent")).unwrap_err()
    }

    #[test]
    fn an_attack_is_listed_with_the_threat_model_of_its_preset() {
        let configs: Vec<RunConfig> =
            shipped_names().map(|name| load(name, &[], Path::new("/nonexistent")).unwrap().config).collect();
        for facts in crate::catalogue::ATTACKS {
            let own = configs.iter().find(|config| config.attack.kind.name() == facts.name).unwrap();
            assert!(
                own.threat_model().starts_with(facts.threat_model),
                "{}: {}",
                facts.name,
                own.threat_model()
            );
        }
    }

    #[test]
    fn every_shipped_preset_is_valid_and_says_what_to_expect() {
        for name in shipped_names() {
            let preset = load(name, &[], Path::new("/nonexistent")).unwrap();
            assert!(preset.config.expect.is_some(), "{name}");
            assert!(preset.config.about.len() > 100, "{name}");
        }
    }

    #[test]
    fn the_readme_states_the_figures_of_the_presets() {
        let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
        let readme_line = readme.replace('\n', " ");
        let machines = ["cores of an AMD EPYC (Zen 4), flex", "cores of an Intel Xeon"];
        assert!(machines.iter().all(|machine| readme_line.contains(&format!("two {machine}"))));
        for name in shipped_names() {
            let expect = load(name, &[], Path::new("/nonexistent")).unwrap().config.expect.unwrap();
            let measured = machines.iter().any(|machine| expect.note.contains(&format!("2 {machine}")));
            assert!(measured, "{name}: {}", expect.note);
            let row = readme.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
            let cells: Vec<&str> = row.unwrap_or_default().split('|').map(str::trim).collect();
            assert!(cells.len() > 4, "{name} is not in README's tables");
            // `46 (41 to 56)`, perhaps with the round behind it.
            let (psnr, rest) = cells[3].split_once(" (").unwrap();
            assert_eq!(psnr, expect.figures["psnr"].round().to_string(), "{name}");
            let (range, _) = rest.split_once(')').unwrap();
            assert!(expect.note.contains(range), "{name}: {range} against {}", expect.note);
            if let Some(time) = cells[4].strip_suffix(" s") {
                let decimals = time.split_once('.').map_or(0, |(_, decimals)| decimals.len());
                assert_eq!(time, format!("{:.decimals$}", expect.seconds), "{name}");
            }
        }
    }

    #[test]
    fn overrides_change_values_of_every_type() {
        let preset = load_with(&[
            "attack.iterations=7",
            "victim.data=crops32",
            "attack.prior.tv=1e-3",
            "victim.indices=[1, 2]",
        ]);
        let config = preset.unwrap().config;
        assert_eq!(config.attack.iterations(), 7);
        assert_eq!(config.victim.data, "crops32");
        assert_eq!(config.attack.search().unwrap().prior, Priors::one(PriorKind::Tv, 1e-3));
        assert_eq!(config.victim.indices, [1, 2]);
    }

    #[test]
    fn an_empty_override_leaves_a_setting_to_its_default() {
        let config = load_with(&["victim.size=", "attack.trials="]).unwrap().config;
        assert_eq!((config.victim.size, config.attack.trials()), (None, 1));
        let error = load_with(&["victim.data="]).unwrap_err().to_string();
        assert!(error.contains("victim.data is missing"), "{error}");
    }

    #[test]
    fn a_wrong_key_is_named_with_its_line_and_the_nearest_right_one() {
        let text = shipped_text("dlg-lenet").unwrap().replace("iterations", "iteratons");
        let line = text.lines().position(|line| line.contains("iteratons")).unwrap() + 1;
        let error = load_text(&text).to_string();
        assert!(error.contains(&format!(".toml:{line}")), "{error}");
        assert!(error.contains("did you mean `iterations`?"), "{error}");
    }

    #[test]
    fn a_wrong_type_is_named_with_its_line() {
        let text = shipped_text("dlg-lenet").unwrap().replace("lr = 1.0", "lr = \"fast\"");
        let error = load_text(&text).to_string();
        assert!(error.contains("fast is no number") && error.contains(".toml:"), "{error}");
    }

    #[test]
    fn a_wrong_value_is_named_with_its_line() {
        let text = shipped_text("dlg-lenet").unwrap().replace("indices = [0]", "indices = []");
        let error = load_text(&text).to_string();
        assert!(error.contains("victim.indices") && error.contains(".toml:"), "{error}");
    }

    #[test]
    fn a_wrong_override_is_named() {
        let error = load_with(&["attack.prior.tvv=1"]).unwrap_err().to_string();
        assert!(
            error.starts_with("--set attack.prior.tvv=1:") && error.contains("did you mean `tv`?"),
            "{error}"
        );
        let error = load_with(&["attack.iterations=0"]).unwrap_err().to_string();
        assert!(error.starts_with("--set attack.iterations=0:"), "{error}");
        let error = load_with(&["attack"]).unwrap_err().to_string();
        assert!(error.contains("key=value"), "{error}");
    }

    #[test]
    fn an_unknown_preset_suggests_the_nearest() {
        let error = load("dlg-lent", &[], Path::new("/nonexistent")).unwrap_err().to_string();
        assert!(error.contains("did you mean \"dlg-lenet\"?"), "{error}");
    }
}
