//! What this terminal can show: from the environment, the terminal's answers and those of tmux to one way of
//! drawing pictures, and a sentence that says why.

use serde::Serialize;

use super::brand::{Brand, version};
use super::mux::Multiplexer;
use super::probe::Answers;
use super::{Depth, only_ascii};

/// How the user wants pictures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageMode {
    /// The best that the terminal is known to show.
    #[default]
    Auto,
    /// The kitty graphics protocol.
    Kitty,
    /// iTerm2's inline images.
    Iterm,
    /// Sixels.
    Sixel,
    /// Half blocks.
    Blocks,
    /// Characters.
    Ascii,
    /// None.
    Off,
}

impl ImageMode {
    /// Every choice, in the order of the help.
    pub const ALL: [ImageMode; 7] = [
        ImageMode::Auto,
        ImageMode::Kitty,
        ImageMode::Iterm,
        ImageMode::Sixel,
        ImageMode::Blocks,
        ImageMode::Ascii,
        ImageMode::Off,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            ImageMode::Auto => "auto",
            ImageMode::Kitty => "kitty",
            ImageMode::Iterm => "iterm",
            ImageMode::Sixel => "sixel",
            ImageMode::Blocks => "blocks",
            ImageMode::Ascii => "ascii",
            ImageMode::Off => "off",
        }
    }
}

impl std::str::FromStr for ImageMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = ImageMode::ALL.into_iter().find(|images| images.name() == text);
        found.ok_or_else(|| {
            format!("there is no way \"{text}\" to show pictures; use auto, kitty, iterm, sixel, blocks, ascii or off")
        })
    }
}

/// A way of drawing pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Kitty graphics shown by placeholder cells.
    KittyPlaceholders,
    /// Kitty graphics placed at the cursor.
    KittyClassic,
    /// iTerm2's inline images.
    Iterm,
    /// Sixels.
    Sixel,
    /// Half blocks in colour.
    Blocks,
    /// Characters by luminance.
    Ascii,
    /// No pictures.
    Off,
}

impl Protocol {
    /// Name for people.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::KittyPlaceholders => "kitty graphics, unicode placeholders",
            Protocol::KittyClassic => "kitty graphics, placed at the cursor",
            Protocol::Iterm => "iTerm2 inline images",
            Protocol::Sixel => "sixel",
            Protocol::Blocks => "half blocks",
            Protocol::Ascii => "characters",
            Protocol::Off => "none",
        }
    }

    /// Whether it draws the terminal's own pixels.
    pub fn has_pixels(self) -> bool {
        !matches!(self, Protocol::Blocks | Protocol::Ascii | Protocol::Off)
    }
}

/// What is known before a way is chosen.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// What the terminal answered.
    pub answers: Answers,
    /// What stands before it.
    pub multiplexer: Multiplexer,
    /// Pixels of a cell by the kernel.
    pub cell: Option<(usize, usize)>,
    /// What the user wants.
    pub images: ImageMode,
    /// Show nothing beyond ASCII, whatever the locale says.
    pub ascii: bool,
}

/// What this terminal can show and how pictures are drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Capabilities {
    /// The terminal, or the multiplexer if that hides it.
    pub brand: Brand,
    /// Its name and version as it says them, if it does.
    pub version: Option<String>,
    /// What stands before it.
    pub multiplexer: Multiplexer,
    /// How pictures are drawn.
    pub protocol: Protocol,
    /// Why so, a sentence.
    pub why: String,
    /// What would show better pictures, if something would.
    pub remedy: Option<String>,
    /// Colours.
    pub depth: Depth,
    /// Only ASCII can be shown.
    pub ascii: bool,
    /// Pixels of a cell, (width, height), if known.
    pub cell: Option<(usize, usize)>,
    /// Background colour, if known.
    pub background: Option<[u8; 3]>,
    /// Whether synchronized updates are known; none if it did not say.
    pub synchronized: Option<bool>,
    /// Colours of a sixel picture.
    pub sixel_registers: usize,
    /// The session comes over SSH.
    pub over_ssh: bool,
}

/// A cell where nobody tells: sixel terminals without an answer are VT340s, whose cell this is.
const USUAL_CELL: (usize, usize) = (10, 20);

/// What tmux 3.3a says of the pixels if it does not know: this cell.
const TMUX_INVENTS: (usize, usize) = (16, 32);

/// Why pictures are not as good as they may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shortfall {
    /// The terminal did not answer, and may yet.
    NoAnswer,
    /// Something else could be done about it.
    Remedy,
}

impl Capabilities {
    /// Why pictures are not as good as they may be, if something can be done about it. The terminal answered, or not.
    pub fn shortfall(&self, answered: bool) -> Option<Shortfall> {
        match (&self.remedy, self.protocol) {
            (Some(_), _) => Some(Shortfall::Remedy),
            (None, Protocol::Blocks) if !answered && self.multiplexer == Multiplexer::None => {
                Some(Shortfall::NoAnswer)
            }
            _ => None,
        }
    }

    /// Pixels of a cell for drawing.
    pub fn drawing_cell(&self) -> (usize, usize) {
        if self.protocol.has_pixels() { self.cell.unwrap_or(USUAL_CELL) } else { super::fit::HALF_BLOCKS }
    }

    /// Whether the background is light; none if it is not known.
    pub fn is_light(&self) -> Option<bool> {
        let luma = |[r, g, b]: [u8; 3]| 299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b);
        self.background.map(|colour| luma(colour) > 600 * 255)
    }

    /// Concludes. Pure: `variable` is the environment.
    pub fn of(known: &Known, variable: impl Fn(&str) -> Option<String>) -> Capabilities {
        let Known { answers, multiplexer, .. } = known;
        let behind = match multiplexer {
            Multiplexer::Tmux(tmux) => Some(tmux.terminal.as_str()).filter(|text| !text.is_empty()),
            _ => None,
        };
        let said = behind.or(answers.version());
        let brand = said.and_then(Brand::of_version);
        let brand = brand.unwrap_or_else(|| Brand::of_environment(&variable));
        let terminal = Terminal { brand, version: said.and_then(version), answers, multiplexer };
        let depth = depth(&terminal, &variable);
        let ascii = known.ascii || only_ascii(&variable);
        let choice = terminal.choose(known.images, depth, ascii);
        let cell = answers
            .cell()
            .or(known.cell.filter(|cell| *multiplexer == Multiplexer::None || *cell != TMUX_INVENTS));
        Capabilities {
            brand,
            version: said.map(str::to_owned),
            multiplexer: multiplexer.clone(),
            protocol: choice.protocol,
            why: choice.why,
            remedy: choice.remedy,
            depth,
            ascii,
            cell,
            background: answers.background(),
            synchronized: answers.synchronized(),
            sixel_registers: answers.registers().unwrap_or(256).min(256),
            over_ssh: variable("SSH_CONNECTION").is_some(),
        }
    }
}

/// The environment's colours, or more if the terminal itself gave a name that promises more.
fn depth(terminal: &Terminal, variable: impl Fn(&str) -> Option<String>) -> Depth {
    let depth = Depth::from_environment(variable);
    let more = match terminal.multiplexer {
        Multiplexer::None => terminal.answers.version().is_some() && terminal.brand.has_true_colour(),
        Multiplexer::Tmux(tmux) => tmux.features.split(',').any(|feature| feature == "RGB"),
        _ => false,
    };
    if depth == Depth::Indexed && more { Depth::True } else { depth }
}

struct Terminal<'a> {
    brand: Brand,
    version: Option<(u32, u32)>,
    answers: &'a Answers,
    multiplexer: &'a Multiplexer,
}

struct Choice {
    protocol: Protocol,
    why: String,
    remedy: Option<String>,
}

impl Choice {
    fn new(protocol: Protocol, why: impl Into<String>) -> Choice {
        Choice { protocol, why: why.into(), remedy: None }
    }
}

impl Terminal<'_> {
    fn choose(&self, images: ImageMode, depth: Depth, ascii: bool) -> Choice {
        let asked = |protocol| Choice::new(protocol, format!("asked for with {}", images.name()));
        match images {
            ImageMode::Kitty if self.lacks_placeholders() || depth == Depth::Mono => {
                asked(Protocol::KittyClassic)
            }
            ImageMode::Kitty => asked(Protocol::KittyPlaceholders),
            ImageMode::Iterm => asked(Protocol::Iterm),
            ImageMode::Sixel => asked(Protocol::Sixel),
            ImageMode::Blocks => asked(Protocol::Blocks),
            ImageMode::Ascii => asked(Protocol::Ascii),
            ImageMode::Off => asked(Protocol::Off),
            ImageMode::Auto => self.best(depth, ascii),
        }
    }

    fn best(&self, depth: Depth, ascii: bool) -> Choice {
        match (ascii, depth) {
            (true, _) => return Choice::new(Protocol::Ascii, "only ASCII can be shown here"),
            (_, Depth::Mono) => {
                return Choice::new(Protocol::Ascii, "there are no colours (NO_COLOR or TERM=dumb)");
            }
            (_, Depth::Sixteen) if *self.multiplexer == Multiplexer::Screen => {
                return Choice {
                    protocol: Protocol::Ascii,
                    why: "GNU screen shows 16 colours, too few for a picture".into(),
                    remedy: Some("`term screen-256color` in ~/.screenrc gives 256".into()),
                };
            }
            (_, Depth::Sixteen) => {
                return Choice::new(Protocol::Ascii, "16 colours are too few for a picture");
            }
            _ => {}
        }
        match self.multiplexer {
            Multiplexer::None => self.best_direct(),
            Multiplexer::Tmux(tmux) => self.best_in_tmux(tmux.passes()),
            other => Choice::new(Protocol::Blocks, format!("{} passes no pictures on", other.name())),
        }
    }

    /// tmux passes kitty graphics on if it may; nothing else survives its redrawing.
    fn best_in_tmux(&self, passes: bool) -> Choice {
        let name = self.brand.name();
        match (self.has_placeholders(), passes) {
            (true, true) => {
                let why = format!("{name} behind tmux shows placeholders, and allow-passthrough is on");
                Choice::new(Protocol::KittyPlaceholders, why)
            }
            (true, false) => Choice {
                protocol: Protocol::Blocks,
                why: "tmux: allow-passthrough is off".into(),
                remedy: Some(format!(
                    "{name} could show real pixels: `tmux set -g allow-passthrough on`, or start gialab with --tmux-passthrough"
                )),
            },
            (false, _) if self.brand == Brand::Unknown || self.brand == Brand::Tmux => {
                Choice::new(Protocol::Blocks, "tmux does not know the terminal behind it")
            }
            (false, _) => Choice::new(
                Protocol::Blocks,
                format!("{name} shows no placeholder pictures, which tmux needs"),
            ),
        }
    }

    fn best_direct(&self) -> Choice {
        let name = self.brand.name();
        if self.answers.attributes().is_none() {
            let why = match self.answers.asked {
                Some(_) => {
                    format!("the terminal did not answer within {} ms", self.answers.waited.as_millis())
                }
                None => "the terminal was not asked".to_owned(),
            };
            return Choice::new(Protocol::Blocks, why);
        }
        if matches!(self.brand, Brand::Alacritty | Brand::Contour | Brand::Warp | Brand::AppleTerminal) {
            return Choice::new(
                Protocol::Blocks,
                format!("{name} is known to show pictures badly or not at all"),
            );
        }
        let kitty = self.answers.kitty();
        if kitty && self.has_placeholders() {
            return Choice::new(Protocol::KittyPlaceholders, format!("{name} answered the kitty question"));
        }
        if matches!(self.brand, Brand::ITerm2 | Brand::WezTerm | Brand::Mintty) {
            return Choice::new(Protocol::Iterm, format!("{name} shows inline images"));
        }
        if self.brand == Brand::VsCode {
            return match self.answers.sixel() {
                true => Choice::new(Protocol::Iterm, "VS Code has its terminal images turned on"),
                false => Choice {
                    protocol: Protocol::Blocks,
                    why: "VS Code has its terminal images turned off".into(),
                    remedy: Some(
                        "turn on the setting terminal.integrated.enableImages for real pixels".into(),
                    ),
                },
            };
        }
        if kitty {
            let why = format!("{name} answered the kitty question, and is not known to show placeholders");
            return Choice::new(Protocol::KittyClassic, why);
        }
        if self.brand == Brand::Konsole {
            return Choice::new(Protocol::Iterm, "Konsole shows inline images, and its sixels are bad");
        }
        if self.answers.sixel() {
            return Choice::new(Protocol::Sixel, format!("{name} has sixels among its attributes (4)"));
        }
        Choice::new(Protocol::Blocks, format!("{name} answered, but named no way to show pixels"))
    }

    /// Known to show placeholder cells.
    fn has_placeholders(&self) -> bool {
        match self.brand {
            // New in kitty 0.28.
            Brand::Kitty => self.version.is_none_or(|version| version >= (0, 28)),
            Brand::Ghostty | Brand::Rio => true,
            _ => false,
        }
    }

    /// Known to show kitty graphics without placeholder cells.
    fn lacks_placeholders(&self) -> bool {
        match self.brand {
            Brand::Kitty => !self.has_placeholders(),
            Brand::WezTerm | Brand::Konsole | Brand::VsCode => true,
            _ => false,
        }
    }
}

#[cfg(test)]
#[path = "caps_tests.rs"]
mod tests;
