//! Which terminal it is: by its own answer first, which works over SSH, then by the environment.

use serde::Serialize;

/// A kind of terminal that is known to do something in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Brand {
    Kitty,
    Ghostty,
    Rio,
    WezTerm,
    ITerm2,
    VsCode,
    Foot,
    Xterm,
    WindowsTerminal,
    Konsole,
    Mintty,
    Mlterm,
    Alacritty,
    Contour,
    Warp,
    AppleTerminal,
    Vte,
    LinuxConsole,
    Tmux,
    Screen,
    Zellij,
    Unknown,
}

/// Name as people write it, beginning of the answer to XTVERSION, value of TERM_PROGRAM, beginning of TERM.
const KNOWN: &[(Brand, &str, &str, &str, &str)] = &[
    (Brand::Kitty, "kitty", "kitty", "kitty", "xterm-kitty"),
    (Brand::Ghostty, "Ghostty", "ghostty", "ghostty", "xterm-ghostty"),
    (Brand::Rio, "Rio", "rio", "rio", "xterm-rio"),
    (Brand::WezTerm, "WezTerm", "wezterm", "WezTerm", "wezterm"),
    (Brand::ITerm2, "iTerm2", "iterm2", "iTerm.app", ""),
    (Brand::VsCode, "VS Code", "xterm.js", "vscode", ""),
    (Brand::Foot, "foot", "foot", "foot", "foot"),
    (Brand::Xterm, "xterm", "xterm(", "", ""),
    (Brand::WindowsTerminal, "Windows Terminal", "windows terminal", "Windows_Terminal", "ms-terminal"),
    (Brand::Konsole, "Konsole", "konsole", "konsole", "konsole"),
    (Brand::Mintty, "mintty", "mintty", "mintty", "mintty"),
    (Brand::Mlterm, "mlterm", "mlterm", "mlterm", "mlterm"),
    (Brand::Alacritty, "Alacritty", "alacritty", "alacritty", "alacritty"),
    (Brand::Contour, "Contour", "contour", "contour", "contour"),
    (Brand::Warp, "Warp", "warp", "WarpTerminal", "warp"),
    (Brand::AppleTerminal, "Terminal.app", "", "Apple_Terminal", ""),
    (Brand::Vte, "VTE", "vte(", "", "vte"),
    (Brand::LinuxConsole, "Linux console", "", "", "linux"),
    (Brand::Tmux, "tmux", "tmux", "tmux", "tmux"),
    (Brand::Screen, "GNU screen", "screen", "", "screen"),
    (Brand::Zellij, "Zellij", "zellij", "", ""),
];

/// Variables that only one terminal sets.
const MARKS: &[(&str, Brand)] = &[
    ("KITTY_WINDOW_ID", Brand::Kitty),
    ("GHOSTTY_RESOURCES_DIR", Brand::Ghostty),
    ("WEZTERM_EXECUTABLE", Brand::WezTerm),
    ("ITERM_SESSION_ID", Brand::ITerm2),
    ("WT_SESSION", Brand::WindowsTerminal),
    ("KONSOLE_VERSION", Brand::Konsole),
    ("VTE_VERSION", Brand::Vte),
];

impl Brand {
    /// Name as people write it.
    pub fn name(self) -> &'static str {
        KNOWN.iter().find(|known| known.0 == self).map_or("unknown", |known| known.1)
    }

    /// By the answer to XTVERSION, or what tmux keeps of it.
    pub fn of_version(text: &str) -> Option<Brand> {
        let text = text.to_ascii_lowercase();
        let fits =
            |known: &&(Brand, &str, &str, &str, &str)| !known.2.is_empty() && text.starts_with(known.2);
        KNOWN.iter().find(fits).map(|known| known.0)
    }

    /// By the environment: TERM_PROGRAM and TERM, then variables of one terminal, which may stem from the one
    /// that this was started in.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Brand {
        let (program, term) =
            (variable("TERM_PROGRAM").unwrap_or_default(), variable("TERM").unwrap_or_default());
        let by_program = KNOWN.iter().find(|known| !known.3.is_empty() && program == known.3);
        let by_term = KNOWN.iter().find(|known| !known.4.is_empty() && term.starts_with(known.4));
        let by_mark = MARKS.iter().find(|(name, _)| variable(name).is_some_and(|value| !value.is_empty()));
        let iterm = variable("LC_TERMINAL").as_deref() == Some("iTerm2");
        by_term
            .or(by_program)
            .map(|known| known.0)
            .or(iterm.then_some(Brand::ITerm2))
            .or(by_mark.map(|mark| mark.1))
            .unwrap_or(Brand::Unknown)
    }

    /// Whether every version in use shows 24-bit colours, so that a name is as good as COLORTERM.
    pub fn has_true_colour(self) -> bool {
        use Brand::{
            Alacritty, Contour, Foot, Ghostty, ITerm2, Kitty, Konsole, Mintty, Rio, VsCode, Vte, WezTerm,
            WindowsTerminal,
        };
        matches!(
            self,
            Kitty
                | Ghostty
                | Rio
                | WezTerm
                | ITerm2
                | VsCode
                | Foot
                | WindowsTerminal
                | Konsole
                | Mintty
                | Alacritty
                | Contour
                | Vte
        )
    }
}

/// The first two numbers of a version: `kitty(0.26.5)` is (0, 26).
pub fn version(text: &str) -> Option<(u32, u32)> {
    let digits = text.find(|c: char| c.is_ascii_digit()).map(|at| &text[at..])?;
    let mut numbers = digits.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next().and_then(Result::ok).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Brand {
        Brand::of_environment(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn terminals_are_known_by_what_they_answer() {
        for (text, brand) in [
            ("kitty(0.43.1)", Brand::Kitty),
            ("ghostty 1.2.0", Brand::Ghostty),
            ("WezTerm 20240203-110809-5046fc22", Brand::WezTerm),
            ("iTerm2 3.5.10", Brand::ITerm2),
            ("xterm.js(5.6.0-beta.99)", Brand::VsCode),
            ("foot(1.16.2)", Brand::Foot),
            ("XTerm(379)", Brand::Xterm),
            ("Konsole 23.08.5", Brand::Konsole),
            ("tmux 3.3a", Brand::Tmux),
        ] {
            assert_eq!(Brand::of_version(text), Some(brand), "{text}");
        }
        assert_eq!(Brand::of_version("something else"), None);
    }

    #[test]
    fn the_environment_is_the_second_witness() {
        assert_eq!(environment(&[("TERM_PROGRAM", "vscode"), ("TERM", "xterm-256color")]), Brand::VsCode);
        assert_eq!(environment(&[("TERM", "xterm-kitty"), ("TERM_PROGRAM", "vscode")]), Brand::Kitty);
        assert_eq!(environment(&[("WT_SESSION", "x"), ("TERM", "xterm-256color")]), Brand::WindowsTerminal);
        assert_eq!(environment(&[("LC_TERMINAL", "iTerm2")]), Brand::ITerm2);
        assert_eq!(environment(&[("TERM", "linux")]), Brand::LinuxConsole);
        assert_eq!(environment(&[("TERM", "xterm-256color")]), Brand::Unknown);
    }

    #[test]
    fn versions_are_two_numbers() {
        assert_eq!(version("kitty(0.26.5)"), Some((0, 26)));
        assert_eq!(version("XTerm(379)"), Some((379, 0)));
        assert_eq!(version("foot"), None);
    }
}
