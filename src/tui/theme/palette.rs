//! Colours by meaning, read from a theme file: the shipped ones, and patches of the user on top of them.

use std::path::Path;

use ratatui::style::Color;
use serde::Deserialize;

use crate::config::{ConfigError, described, line_of};
use crate::files;
use crate::gfx::{Depth, blocks::nearest_of_256};
use crate::text::nearest;

/// Colours that tell curves apart.
pub const SERIES: usize = 8;

/// The shipped themes.
const SHIPPED: [(&str, &str); 5] = [
    ("neutral", include_str!("../../../assets/themes/neutral.toml")),
    ("dark", include_str!("../../../assets/themes/dark.toml")),
    ("light", include_str!("../../../assets/themes/light.toml")),
    ("high-contrast", include_str!("../../../assets/themes/high-contrast.toml")),
    ("mono", include_str!("../../../assets/themes/mono.toml")),
];

/// Names of the shipped themes.
pub fn shipped_names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _)| *name)
}

/// One colour at every depth. Absent means the terminal's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shade {
    rgb: Option<[u8; 3]>,
    indexed: Option<u8>,
    basic: Option<Color>,
}

impl Shade {
    /// The colour for a terminal of that depth.
    pub fn lower(self, depth: Depth) -> Color {
        let rgb = self.rgb;
        match depth {
            Depth::True => rgb.map(|[r, g, b]| Color::Rgb(r, g, b)),
            Depth::Indexed => self.indexed.or_else(|| rgb.map(nearest_of_256)).map(Color::Indexed),
            Depth::Sixteen => self.basic.or_else(|| rgb.map(nearest_of_16)),
            Depth::Mono => None,
        }
        .unwrap_or(Color::Reset)
    }
}

/// Colours by meaning.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Palette {
    pub(super) mono: bool,
    pub(super) accent: Shade,
    pub(super) dim: Shade,
    pub(super) good: Shade,
    pub(super) warning: Shade,
    pub(super) bad: Shade,
    pub(super) matching: Shade,
    pub(super) prior: Shade,
    pub(super) raw: Shade,
    pub(super) series: [Shade; SERIES],
}

/// A colour as written: `"#268bd2"`, `"33"`, `"light-blue"`, `"none"`, or one for each depth.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Written {
    One(String),
    Each(Each),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Each {
    rgb: String,
    indexed: Option<u8>,
    basic: Option<String>,
}

/// A theme file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    base: Option<String>,
    mono: Option<bool>,
    accent: Option<Written>,
    dim: Option<Written>,
    good: Option<Written>,
    warning: Option<Written>,
    bad: Option<Written>,
    matching: Option<Written>,
    prior: Option<Written>,
    raw: Option<Written>,
    series: Option<Vec<Written>>,
}

/// The theme of that name: shipped, or `NAME.toml` in `directory`.
///
/// # Errors
/// What is wrong, with the file and its line.
pub fn load(name: &str, directory: &Path) -> Result<Palette, ConfigError> {
    if let Some((name, text)) = SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
        return read(&format!("theme \"{name}\""), text);
    }
    let file = directory.join(format!("{name}.toml"));
    let origin = file.display().to_string();
    match files::read_text(&file, files::TEXT) {
        Ok(text) => read(&origin, &text),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let near = nearest(name, shipped_names()).map_or_else(
                || format!("use auto, {}, or write {origin}", shipped_names().collect::<Vec<_>>().join(", ")),
                |near| format!("did you mean \"{near}\"?"),
            );
            Err(ConfigError::new(format!("theme \"{name}\""), format!("there is no such theme; {near}")))
        }
        Err(e) => Err(ConfigError::new(origin, format!("cannot be read: {e}"))),
    }
}

fn read(origin: &str, text: &str) -> Result<Palette, ConfigError> {
    let file: File = toml::from_str(text).map_err(|e| described(origin, Some(text), &e))?;
    let wrong = |key: &str, message: String| {
        let origin = line_of(text, key).map_or(origin.to_owned(), |line| format!("{origin}:{line}"));
        ConfigError::new(origin, format!("{key}: {message}"))
    };
    let mut palette = match file.base.as_deref() {
        None => Palette::default(),
        Some(base) => {
            let shipped = SHIPPED.iter().find(|(name, _)| *name == base);
            let (name, text) = shipped.ok_or_else(|| {
                let names = shipped_names().collect::<Vec<_>>().join(", ");
                wrong("base", format!("\"{base}\" is not one of {names}"))
            })?;
            read(&format!("theme \"{name}\""), text)?
        }
    };
    palette.mono = file.mono.unwrap_or(palette.mono);
    for (key, written, shade) in [
        ("accent", &file.accent, &mut palette.accent),
        ("dim", &file.dim, &mut palette.dim),
        ("good", &file.good, &mut palette.good),
        ("warning", &file.warning, &mut palette.warning),
        ("bad", &file.bad, &mut palette.bad),
        ("matching", &file.matching, &mut palette.matching),
        ("prior", &file.prior, &mut palette.prior),
        ("raw", &file.raw, &mut palette.raw),
    ] {
        if let Some(written) = written {
            *shade = written.shade().map_err(|message| wrong(key, message))?;
        }
    }
    if let Some(series) = &file.series {
        if series.is_empty() || series.len() > SERIES {
            return Err(wrong("series", format!("has {} colours, must be 1 to {SERIES}", series.len())));
        }
        for (at, shade) in palette.series.iter_mut().enumerate() {
            *shade = series[at % series.len()].shade().map_err(|message| wrong("series", message))?;
        }
    }
    Ok(palette)
}

impl Written {
    fn shade(&self) -> Result<Shade, String> {
        let text = match self {
            Written::Each(each) => {
                let basic = each.basic.as_deref().map(basic).transpose()?;
                return Ok(Shade { rgb: Some(rgb(&each.rgb)?), indexed: each.indexed, basic });
            }
            Written::One(text) => text.as_str(),
        };
        if text == "none" {
            return Ok(Shade::default());
        }
        if let Ok(index) = text.parse::<u8>() {
            let rgb = crate::gfx::blocks::rgb_of_256(index);
            return Ok(Shade { rgb: Some(rgb), indexed: Some(index), basic: None });
        }
        if text.starts_with('#') {
            return Ok(Shade { rgb: Some(rgb(text)?), indexed: None, basic: None });
        }
        let color = basic(text)?;
        let at = BASIC.iter().position(|(_, known, _)| *known == color).unwrap_or(0);
        Ok(Shade { rgb: Some(BASIC[at].2), indexed: Some(at as u8), basic: Some(color) })
    }
}

fn rgb(text: &str) -> Result<[u8; 3], String> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii());
    let value = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let value = value.ok_or_else(|| format!("\"{text}\" is no colour; write it as \"#268bd2\""))?;
    Ok([(value >> 16) as u8, (value >> 8) as u8, value as u8])
}

fn basic(text: &str) -> Result<Color, String> {
    let known = BASIC.iter().find(|(name, _, _)| *name == text);
    known.map(|(_, color, _)| *color).ok_or_else(|| {
        let names = BASIC.map(|(name, _, _)| name).join(", ");
        format!(
            "\"{text}\" is no colour; write \"#268bd2\", a number of 0 to 255, \"none\", or one of {names}"
        )
    })
}

/// The first sixteen, in the order of their numbers, with xterm's values.
const BASIC: [(&str, Color, [u8; 3]); 16] = [
    ("black", Color::Black, [0, 0, 0]),
    ("red", Color::Red, [205, 0, 0]),
    ("green", Color::Green, [0, 205, 0]),
    ("yellow", Color::Yellow, [205, 205, 0]),
    ("blue", Color::Blue, [0, 0, 238]),
    ("magenta", Color::Magenta, [205, 0, 205]),
    ("cyan", Color::Cyan, [0, 205, 205]),
    ("gray", Color::Gray, [229, 229, 229]),
    ("dark-gray", Color::DarkGray, [127, 127, 127]),
    ("light-red", Color::LightRed, [255, 0, 0]),
    ("light-green", Color::LightGreen, [0, 255, 0]),
    ("light-yellow", Color::LightYellow, [255, 255, 0]),
    ("light-blue", Color::LightBlue, [92, 92, 255]),
    ("light-magenta", Color::LightMagenta, [255, 0, 255]),
    ("light-cyan", Color::LightCyan, [0, 255, 255]),
    ("white", Color::White, [255, 255, 255]),
];

fn nearest_of_16(pixel: [u8; 3]) -> Color {
    let apart = |other: [u8; 3]| -> u32 {
        (0..3).map(|channel| u32::from(other[channel].abs_diff(pixel[channel])).pow(2)).sum()
    };
    BASIC.iter().min_by_key(|(_, _, value)| apart(*value)).map_or(Color::Reset, |(_, color, _)| *color)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_shipped_theme_can_be_read_and_differs() {
        let themes: Vec<Palette> =
            shipped_names().map(|name| load(name, Path::new("/nonexistent")).unwrap()).collect();
        for (i, theme) in themes.iter().enumerate() {
            assert!(themes.iter().skip(i + 1).all(|other| other != theme));
        }
    }

    #[test]
    fn a_patch_changes_what_it_names() {
        let base = load("dark", Path::new("/nonexistent")).unwrap();
        let mine = read("mine.toml", "base = \"dark\"\nbad = \"#102030\"\ngood = \"light-green\"\n").unwrap();
        assert_eq!(mine.bad.lower(Depth::True), Color::Rgb(0x10, 0x20, 0x30));
        assert_eq!(mine.good.lower(Depth::Sixteen), Color::LightGreen);
        assert_eq!(mine.accent, base.accent);
        assert_eq!(mine.bad.lower(Depth::Mono), Color::Reset);
    }

    #[test]
    fn every_depth_has_its_colour() {
        let shade = Written::One("#d70000".into()).shade().unwrap();
        assert_eq!(shade.lower(Depth::Indexed), Color::Indexed(160));
        assert_eq!(shade.lower(Depth::Sixteen), Color::Red);
        assert_eq!(Written::One("33".into()).shade().unwrap().lower(Depth::Indexed), Color::Indexed(33));
        assert_eq!(Written::One("none".into()).shade().unwrap().lower(Depth::True), Color::Reset);
    }

    #[test]
    fn mistakes_are_said_with_their_line() {
        let said = |text: &str| read("mine.toml", text).unwrap_err().to_string();
        assert!(said("\naccent = \"blurple\"\n").starts_with("mine.toml:2: accent: \"blurple\""));
        assert!(said("acent = \"blue\"\n").contains("did you mean `accent`?"));
        assert!(said("base = \"dusk\"\n").contains("mine.toml:1"));
        assert!(said("series = []\n").contains("must be 1 to 8"));
        let text = load("ligth", Path::new("/nonexistent")).unwrap_err().to_string();
        assert!(text.contains("did you mean \"light\"?"), "{text}");
    }
}
