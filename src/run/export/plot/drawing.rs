//! A plot as SVG, one unit a point of print: axes, curves and marks that can be told apart in grey, a legend below.

use maud::{Markup, PreEscaped, html};

use super::{Axis, Curve, Key, Mark, Plot, Scale, Width};
use crate::format;
use crate::run::export::axis::{line, mark};
use crate::text;

/// Okabe and Ito 2008, without the yellow, which white paper swallows: told apart by all kinds of colour vision.
const COLOURS: [&str; 7] = ["#0072B2", "#D55E00", "#009E73", "#000000", "#CC79A7", "#E69F00", "#56B4E9"];
/// Another number than of colours, so that 42 curves look different.
const DASHES: [&str; 6] = ["none", "4 1.5", "1 1.2", "6 1.5 1 1.5", "8 2", "3 1 1 1 1 1"];
/// What most machines have, as metrics differ little.
const FONT: &str = "DejaVu Sans, Helvetica, Arial, sans-serif";
const GREY: &str = "#666666";

/// Size of letters, of a line, and about that of a letter on average.
const SIZE: f64 = 7.0;
const LINE: f64 = 9.5;
const LETTER: f64 = 4.0;

const LEFT: f64 = 38.0;
const RIGHT: f64 = 9.0;
const TOP: f64 = 6.0;
/// Below the plot: labels of ticks, name of the axis.
const BELOW: f64 = 24.0;
/// What stands before a name in the legend.
const SWATCH: f64 = 26.0;

/// Where the plot lies.
struct Frame<'a> {
    plot: &'a Plot,
    right: f64,
    bottom: f64,
}

/// Draws a plot of this width.
pub fn svg(plot: &Plot, width: Width) -> String {
    let whole = 72.0 * width.inches();
    let frame = Frame { plot, right: whole - RIGHT, bottom: TOP + width.height() };
    let columns = width.legend_columns();
    let column = (whole - 2.0 * RIGHT) / columns as f64;
    let letters = |room: f64| (room / LETTER) as usize;
    let notes: Vec<String> = plot
        .notes
        .iter()
        .flat_map(|note| format::wrapped(&shown(note), letters(whole - 2.0 * RIGHT)))
        .collect();
    let legend = frame.bottom + BELOW + LINE;
    let lines = plot.keys.len().div_ceil(columns);
    let below = legend + LINE * lines as f64;
    // The last line needs what letters have below it.
    let height = below + LINE * notes.len() as f64 - LINE + 3.0;
    let drawing = html! {
        svg xmlns="http://www.w3.org/2000/svg" width={ (width.inches()) "in" } height={ (format!("{:.3}", height / 72.0)) "in" }
            viewBox={ "0 0 " (number(whole)) " " (number(height)) } font-family=(FONT) font-size=(SIZE) fill="#000000" {
            title { (shown(&plot.title)) }
            desc { (shown(&plot.about)) }
            rect width=(number(whole)) height=(number(height)) fill="#ffffff" {}
            (frame.axes())
            (frame.rules())
            @for curve in &plot.curves { (frame.curve(curve)) }
            @for (from, to) in &plot.joined {
                @if let (Some((x, a)), Some((_, b))) = (frame.at(*from), frame.at(*to)) {
                    path class="joined" d=(format!("M{x:.1} {a:.1}V{b:.1}")) fill="none" stroke=(GREY) stroke-width="0.6"
                        stroke-dasharray="1 1" {}
                }
            }
            @for Mark { at, style, is_hollow } in &plot.marks {
                @if let Some(at) = frame.at(*at) { (symbol(*style, *is_hollow, at)) }
            }
            @for (i, key) in plot.keys.iter().enumerate() {
                @let at = (RIGHT + column * (i % columns) as f64, legend + LINE * (i / columns) as f64);
                (key_of(key, at, letters(column - SWATCH)))
            }
            @for (i, note) in notes.iter().enumerate() {
                text x=(RIGHT) y=(number(below + LINE * i as f64)) fill=(GREY) { (note) }
            }
        }
    };
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", drawing.into_string())
}

impl Frame<'_> {
    fn at(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let (x, y) = (self.plot.x.scale.share(x)?, self.plot.y.scale.share(y)?);
        Some((LEFT + (self.right - LEFT) * x, self.bottom - (self.bottom - TOP) * y))
    }

    fn axes(&self) -> Markup {
        let Plot { x, y, .. } = self.plot;
        let (middle, across) = ((TOP + self.bottom) / 2.0, (LEFT + self.right) / 2.0);
        html! {
            g class="axes" stroke-width="0.5" {
                @for (share, label) in ticks(y) {
                    @let at = self.bottom - (self.bottom - TOP) * share;
                    path d=(format!("M{LEFT} {at:.1}H{:.1}", self.right)) stroke="#dddddd" {}
                    text x=(LEFT - 4.0) y=(number(at + 2.5)) text-anchor="end" { (label) }
                }
                @for (share, label) in ticks(x) {
                    @let at = LEFT + (self.right - LEFT) * share;
                    path d=(format!("M{at:.1} {:.1}v2.5", self.bottom)) stroke="#000000" {}
                    text x=(number(at)) y=(number(self.bottom + 10.0)) text-anchor="middle" { (label) }
                }
                path d=(format!("M{LEFT} {TOP}V{:.1}H{:.1}", self.bottom, self.right)) fill="none" stroke="#000000" {}
                text class="axis" x=(number(across)) y=(number(self.bottom + 20.0)) text-anchor="middle" { (x.name) }
                text class="axis" transform=(format!("translate(9 {middle:.1}) rotate(-90)")) text-anchor="middle" { (y.name) }
            }
        }
    }

    /// Values to be above, in grey and named.
    fn rules(&self) -> Markup {
        let Scale::Linear { from, .. } = self.plot.x.scale else { return html! {} };
        html! {
            @for (value, name) in &self.plot.rules {
                @if let Some((x, y)) = self.at((from, *value)) {
                    path class="rule" d=(format!("M{x:.1} {y:.1}H{:.1}", self.right)) fill="none" stroke=(GREY) stroke-width="0.5"
                        stroke-dasharray="2 2" {}
                    text x=(number(self.right - 1.0)) y=(number(if self.is_crowded(*value) { y + 7.0 } else { y - 2.0 })) text-anchor="end" fill=(GREY) { (shown(name)) }
                }
            }
        }
    }

    /// Whether the name of another value stands above this one's.
    fn is_crowded(&self, value: f64) -> bool {
        let y = |value| Some((self.bottom - TOP) * self.plot.y.scale.share(value)?);
        let near = |other: f64| Some((0.0..LINE).contains(&(y(other)? - y(value)?)) && other > value);
        self.plot.rules.iter().any(|(other, _)| near(*other).unwrap_or(false))
    }

    fn curve(&self, curve: &Curve) -> Markup {
        let points: Vec<Option<(f64, f64)>> = curve.points.iter().map(|point| self.at(*point)).collect();
        html! {
            path class="curve" d=(line(&points)) fill="none" stroke=(colour(curve.style)) stroke-width="1"
                stroke-linejoin="round" stroke-dasharray=(dashes(curve.style)) { title { (shown(&curve.name)) } }
            @if curve.has_marks {
                @for at in points.into_iter().flatten() { (symbol(curve.style, mark(curve.style).1, at)) }
            }
        }
    }
}

/// Share of the axis and label of every tick.
fn ticks(axis: &Axis) -> Vec<(f64, Markup)> {
    match axis.scale {
        Scale::Log(decades) => {
            let tick = |(factor, power): (u8, i32)| {
                let share = decades.share(f64::from(factor) * 10f64.powi(power))?;
                Some((share, power_of_ten(factor, power)))
            };
            decades.ticks().into_iter().filter_map(tick).collect()
        }
        Scale::Linear { from, to, step } => {
            let first = (from / step).ceil();
            let ticks = (0..).map(|i| (first + f64::from(i)) * step).take_while(|at| *at <= to + 1e-9 * step);
            let decimals = usize::from(step < 1.0);
            ticks.map(|at| ((at - from) / (to - from), html! { (format!("{at:.decimals$}")) })).collect()
        }
    }
}

/// With the exponent as a smaller, raised number, since few fonts have a raised minus.
fn power_of_ten(factor: u8, power: i32) -> Markup {
    let before = match (factor, power) {
        (_, 0) => return html! { (factor) },
        (_, 1) => return html! { (factor) "0" },
        (1, _) => String::new(),
        _ => format!("{factor}·"),
    };
    html! { (before) "10" tspan dy="-2.5" font-size="5" { (power.to_string().replace('-', "−")) } }
}

fn key_of(key: &Key, (x, y): (f64, f64), letters: usize) -> Markup {
    let middle = y - 2.5;
    let style = match key {
        Key::Curve { style, .. } | Key::Mark { style, .. } => *style,
    };
    html! {
        @match key {
            Key::Curve { name, has_marks, .. } => {
                path d=(format!("M{x:.1} {middle:.1}h20")) fill="none" stroke=(colour(style)) stroke-width="1"
                    stroke-dasharray=(dashes(style)) {}
                @if *has_marks { (symbol(style, mark(style).1, (x + 10.0, middle))) }
                (named(name, x, y, letters))
            }
            Key::Mark { name, is_hollow, .. } => {
                (symbol(style, *is_hollow, (x + 10.0, middle)))
                (named(name, x, y, letters))
            }
        }
    }
}

fn named(name: &str, x: f64, y: f64, letters: usize) -> Markup {
    html! { text class="key" x=(number(x + SWATCH)) y=(number(y)) { (format::cut(&shown(name), letters, false)) } }
}

fn symbol(style: usize, is_hollow: bool, (x, y): (f64, f64)) -> Markup {
    let fill = if is_hollow { "#ffffff" } else { colour(style) };
    html! {
        path class="mark" transform=(format!("translate({x:.1} {y:.1}) scale(0.55)")) d=(PreEscaped(format!("M0 0{}", mark(style).0)))
            fill=(fill) stroke=(colour(style)) stroke-width="1.4" {}
    }
}

fn colour(style: usize) -> &'static str {
    COLOURS[style % COLOURS.len()]
}

fn dashes(style: usize) -> &'static str {
    DASHES[style % DASHES.len()]
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}

/// Words from outside, without what XML cannot hold.
fn shown(words: &str) -> String {
    text::one_line(words).replace(['\u{fffe}', '\u{ffff}'], "?")
}
