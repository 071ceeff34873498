//! A plot in its size: axes, curves and marks that can be told apart in grey, a legend and notes below.

use super::{Axis, Curve, Key, Mark, Plot, Scale};
use crate::paper::axis::{line, mark};
use crate::paper::drawing::{Anchor, Colour, Drawing, FAINT, GREY, INK, Item, PAPER, Words};
use crate::paper::path::Path;
use crate::paper::{LINE, SIZE, Width, font};
use crate::text;

/// Okabe and Ito 2008, without the yellow, which white paper swallows: told apart by all kinds of colour vision.
const COLOURS: [Colour; 7] = [
    Colour(0x00, 0x72, 0xb2),
    Colour(0xd5, 0x5e, 0x00),
    Colour(0x00, 0x9e, 0x73),
    INK,
    Colour(0xcc, 0x79, 0xa7),
    Colour(0xe6, 0x9f, 0x00),
    Colour(0x56, 0xb4, 0xe9),
];
/// Another number than of colours, so that 42 curves look different.
const DASHES: [&[f64]; 6] =
    [&[], &[4.0, 1.5], &[1.0, 1.2], &[6.0, 1.5, 1.0, 1.5], &[8.0, 2.0], &[3.0, 1.0, 1.0, 1.0, 1.0, 1.0]];

const RIGHT: f64 = 9.0;
const TOP: f64 = 6.0;
/// From the plot to what stands beside it.
const TICK: f64 = 4.0;
/// What stands before a name in the legend.
const SWATCH: f64 = 26.0;
/// Of marks as they are defined.
const MARK: f64 = 0.55;
/// Half the width of the ends of an interval.
const END: f64 = 1.5;

/// Where the plot lies.
struct Frame<'a> {
    plot: &'a Plot,
    left: f64,
    right: f64,
    bottom: f64,
}

/// A tick: its share of the axis, and its label with an exponent.
struct Tick {
    share: f64,
    label: String,
    raised: String,
}

/// Draws a plot of this width.
pub fn drawing(plot: &Plot, width: Width) -> Drawing {
    let (whole, height, columns) = match width {
        Width::Column => (width.points(), 125.0, 1),
        Width::Page => (width.points(), 205.0, 2),
    };
    let mut drawing = Drawing::new(whole, &shown(&plot.title), &shown(&plot.about));
    let longest = ticks(&plot.y).iter().map(Tick::width).fold(0.0, f64::max);
    let left = (2.0 * LINE + longest + TICK).max(30.0);
    let frame = Frame { plot, left, right: whole - RIGHT, bottom: TOP + height };
    let below = frame.axes(&mut drawing);
    frame.rules(&mut drawing);
    for curve in &plot.curves {
        frame.curve(curve, &mut drawing);
    }
    for &(from, to) in &plot.joined {
        if let (Some(from), Some(to)) = (frame.at(from), frame.at(to)) {
            drawing.stroke("joined", Path::line(from, (from.0, to.1)), (GREY, 0.6), &[1.0, 1.0]);
        }
    }
    for &Mark { at, style, is_hollow } in &plot.marks {
        if let Some(at) = frame.at(at) {
            symbol(style, is_hollow, at, &mut drawing);
        }
    }
    let column = (whole - 2.0 * RIGHT) / columns as f64;
    for (i, key) in plot.keys.iter().enumerate() {
        let at = (RIGHT + column * (i % columns) as f64, below + LINE * (i / columns + 1) as f64);
        key_of(key, at, column - SWATCH - TICK, &mut drawing);
    }
    let below = below + LINE * plot.keys.len().div_ceil(columns) as f64;
    let room = whole - 2.0 * RIGHT;
    let notes = plot.notes.iter().flat_map(|note| font::wrapped(&shown(note), SIZE, room));
    let mut last = below;
    for (i, note) in notes.enumerate() {
        last = below + LINE * (i + 1) as f64;
        drawing.words("note", note, (RIGHT, last), Anchor::Start, GREY);
    }
    // The last line needs what letters have below it.
    drawing.height = last + 3.0;
    drawing
}

impl Frame<'_> {
    fn at(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let (x, y) = (self.plot.x.scale.share(x)?, self.plot.y.scale.share(y)?);
        Some((self.left + (self.right - self.left) * x, self.bottom - (self.bottom - TOP) * y))
    }

    /// Draws both axes; returns the base line of the name below them.
    fn axes(&self, drawing: &mut Drawing) -> f64 {
        let Frame { plot, left, right, bottom } = *self;
        for tick in ticks(&plot.y) {
            let at = bottom - (bottom - TOP) * tick.share;
            drawing.stroke("grid", Path::line((left, at), (right, at)), (FAINT, 0.5), &[]);
            drawing.items.push(Item::Text(tick.words((left - TICK, at + 2.5), Anchor::End)));
        }
        let labels = ticks(&plot.x);
        let room = (right - left) / labels.len().max(1) as f64 - 2.0;
        // Of numbers, which a scale has few of, the outer ones have room beside the plot.
        let is_named = matches!(plot.x.scale, Scale::Named(_));
        let is_upright = is_named && labels.iter().any(|tick| tick.width() > room);
        let longest = labels.iter().map(Tick::width).fold(0.0, f64::max).min((bottom - TOP) * 0.7);
        for tick in labels {
            let at = left + (right - left) * tick.share;
            drawing.stroke("tick", Path::line((at, bottom), (at, bottom + 2.5)), (INK, 0.5), &[]);
            let words = match is_upright {
                false => tick.words((at, bottom + 10.0), Anchor::Middle),
                true => Words {
                    is_upright,
                    text: font::cut(&tick.label, SIZE, longest),
                    ..tick.words((at + 2.5, bottom + TICK), Anchor::End)
                },
            };
            drawing.items.push(Item::Text(words));
        }
        let mut frame = Path::line((left, TOP), (left, bottom));
        frame.0.extend(Path::line((left, bottom), (right, bottom)).0.into_iter().skip(1));
        drawing.stroke("frame", frame, (INK, 0.5), &[]);
        let below = bottom + if is_upright { longest + TICK } else { LINE };
        let base = below + LINE + 1.0;
        let middle = (left + right) / 2.0;
        drawing.words("axis", shown(&plot.x.name), (middle, base), Anchor::Middle, INK);
        let tall = bottom - TOP;
        drawing.items.push(Item::Text(Words {
            class: "axis",
            at: (9.0, (TOP + bottom) / 2.0),
            anchor: Anchor::Middle,
            colour: INK,
            is_upright: true,
            text: font::cut(&shown(&plot.y.name), SIZE, tall),
            raised: String::new(),
        }));
        base
    }

    /// Values to be above, in grey and named.
    fn rules(&self, drawing: &mut Drawing) {
        for (value, name) in &self.plot.rules {
            let Some(share) = self.plot.y.scale.share(*value) else { continue };
            let y = self.bottom - (self.bottom - TOP) * share;
            drawing.stroke("rule", Path::line((self.left, y), (self.right, y)), (GREY, 0.5), &[2.0, 2.0]);
            let base = if self.is_crowded(*value) { y + 7.0 } else { y - 2.0 };
            drawing.words("rule-name", shown(name), (self.right - 1.0, base), Anchor::End, GREY);
        }
    }

    /// Whether the name of another value stands above this one's.
    fn is_crowded(&self, value: f64) -> bool {
        let y = |value| Some((self.bottom - TOP) * self.plot.y.scale.share(value)?);
        let near = |other: f64| Some((0.0..LINE).contains(&(y(other)? - y(value)?)) && other > value);
        self.plot.rules.iter().any(|(other, _)| near(*other).unwrap_or(false))
    }

    fn curve(&self, curve: &Curve, drawing: &mut Drawing) {
        let colour = colour(curve.style);
        let points: Vec<Option<(f64, f64)>> = curve.points.iter().map(|point| self.at(*point)).collect();
        if curve.is_joined {
            let drawn = drawing.stroke("curve", line(&points), (colour, 1.0), dashes(curve.style));
            drawn.name = Some(shown(&curve.name));
            let is_point = |i: usize| points.get(i).is_some_and(Option::is_some);
            for (i, point) in points.iter().enumerate().filter(|_| !curve.has_marks) {
                let is_alone = !is_point(i + 1) && (i == 0 || !is_point(i - 1));
                if let Some(at) = point.filter(|_| is_alone) {
                    drawing.fill("point", Path::circle(0.8).placed(1.0, at), colour);
                }
            }
        }
        for &(x, low, high) in &curve.intervals {
            let (Some(low), Some(high)) = (self.at((x, low)), self.at((x, high))) else { continue };
            let mut bar = Path::line(low, high);
            for (x, y) in [low, high] {
                bar.0.extend(Path::line((x - END, y), (x + END, y)).0);
            }
            drawing.stroke("interval", bar, (colour, 0.8), &[]);
        }
        if curve.has_marks {
            for at in points.into_iter().flatten() {
                symbol(curve.style, mark(curve.style).1, at, drawing);
            }
        }
    }
}

impl Tick {
    fn words(&self, at: (f64, f64), anchor: Anchor) -> Words {
        Words {
            class: "label",
            at,
            anchor,
            colour: INK,
            is_upright: false,
            text: self.label.clone(),
            raised: self.raised.clone(),
        }
    }

    fn width(&self) -> f64 {
        self.words((0.0, 0.0), Anchor::Start).width()
    }
}

fn ticks(axis: &Axis) -> Vec<Tick> {
    match &axis.scale {
        Scale::Log(decades) => {
            let tick = |(factor, power): (u8, i32)| {
                let share = decades.share(f64::from(factor) * 10f64.powi(power))?;
                let (label, raised) = power_of_ten(factor, power);
                Some(Tick { share, label, raised })
            };
            decades.ticks().into_iter().filter_map(tick).collect()
        }
        &Scale::Linear { from, to, step, unit } => {
            let first = (from / step).ceil();
            let ticks = (0..).map(|i| (first + f64::from(i)) * step).take_while(|at| *at <= to + 1e-9 * step);
            let decimals = (-(step / unit).log10().floor()).max(0.0) as usize;
            let tick = |at: f64| Tick {
                share: (at - from) / (to - from),
                label: format!("{:.decimals$}", at / unit).replace('-', "−"),
                raised: String::new(),
            };
            ticks.map(tick).collect()
        }
        Scale::Named(names) => {
            let tick = |(i, name): (usize, &String)| Tick {
                share: (i as f64 + 0.5) / names.len() as f64,
                label: shown(name),
                raised: String::new(),
            };
            names.iter().enumerate().map(tick).collect()
        }
    }
}

/// With the exponent by itself, since few fonts have a raised minus.
fn power_of_ten(factor: u8, power: i32) -> (String, String) {
    let before = match (factor, power) {
        (_, 0) => return (factor.to_string(), String::new()),
        (_, 1) => return (format!("{factor}0"), String::new()),
        (1, _) => String::new(),
        _ => format!("{factor}·"),
    };
    (format!("{before}10"), power.to_string().replace('-', "−"))
}

fn key_of(key: &Key, (x, y): (f64, f64), room: f64, drawing: &mut Drawing) {
    let middle = y - 2.5;
    let name = match key {
        Key::Curve { name, style, has_marks, is_joined } => {
            if *is_joined {
                let swatch = Path::line((x, middle), (x + 20.0, middle));
                drawing.stroke("swatch", swatch, (colour(*style), 1.0), dashes(*style));
            }
            if *has_marks {
                symbol(*style, mark(*style).1, (x + 10.0, middle), drawing);
            }
            name
        }
        Key::Mark { name, style, is_hollow } => {
            symbol(*style, *is_hollow, (x + 10.0, middle), drawing);
            name
        }
    };
    drawing.words("key", font::cut(&shown(name), SIZE, room), (x + SWATCH, y), Anchor::Start, INK);
}

fn symbol(style: usize, is_hollow: bool, at: (f64, f64), drawing: &mut Drawing) {
    let fill = if is_hollow { PAPER } else { colour(style) };
    let drawn = drawing.fill("mark", mark(style).0.placed(MARK, at), fill);
    drawn.stroke = Some((colour(style), 0.77));
}

fn colour(style: usize) -> Colour {
    COLOURS[style % COLOURS.len()]
}

fn dashes(style: usize) -> &'static [f64] {
    DASHES[style % DASHES.len()]
}

/// Words from outside, without what XML cannot hold.
fn shown(words: &str) -> String {
    text::one_line(words).replace(['\u{fffe}', '\u{ffff}'], "?")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(names: &[&str]) -> Plot {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let curve = |style: usize| Curve {
            name: format!("a series with a long name that a column has no room for, number {style}"),
            style,
            points: (0..names.len()).map(|i| (i as f64, 10.0 * style as f64)).collect(),
            intervals: vec![(0.0, 5.0, 25.0)],
            has_marks: true,
            is_joined: true,
        };
        let curves = (0..3).map(curve).collect();
        let x = Axis::new("activation", Scale::Named(names.clone()));
        let mut plot =
            Plot::new("t", x, Axis::new("PSNR (dB)", Scale::linear(0.0, 25.0))).with_curves(curves);
        plot.notes = vec!["A note that goes on and on, ".repeat(12)];
        plot
    }

    fn words(drawing: &Drawing) -> Vec<&Words> {
        let words = drawing.items.iter().filter_map(|item| match item {
            Item::Text(words) => Some(words),
            _ => None,
        });
        words.collect()
    }

    /// Left, top, right and bottom of a line.
    fn bounds(words: &Words) -> [f64; 4] {
        let ((x, y), begins) = (words.at, words.begins());
        match words.is_upright {
            false => [x + begins, y - 5.0, x + begins + words.width(), y + 1.5],
            true => [x - 5.0, y - begins - words.width(), x + 1.5, y - begins],
        }
    }

    #[test]
    fn words_stay_on_the_page_and_off_each_other() {
        let long = ["eval, client's, shared", "train, hidden", "gaussian-noise 0.003", "none", "x", "y"];
        for names in [&["tanh", "relu"][..], &["1", "2", "4", "8", "16", "32", "64"], &long] {
            for width in Width::ALL {
                let drawing = drawing(&plot(names), width);
                let words = words(&drawing);
                for (i, one) in words.iter().enumerate() {
                    let a = bounds(one);
                    let is_inside =
                        a[0] >= 0.0 && a[1] >= 0.0 && a[2] <= drawing.width && a[3] <= drawing.height;
                    assert!(is_inside, "{:?} {a:?}", one.text);
                    let meets = |other: &&&Words| {
                        let b = bounds(other);
                        a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
                    };
                    let met = words[i + 1..].iter().find(meets).map(|other| &other.text);
                    assert_eq!(met, None, "{:?} {names:?} {width:?}", one.text);
                }
            }
        }
    }

    #[test]
    fn names_are_upright_only_where_they_have_no_room() {
        let upright = |names: &[&str], width| {
            let drawing = drawing(&plot(names), width);
            words(&drawing).iter().filter(|words| words.class == "label" && words.is_upright).count()
        };
        assert_eq!(upright(&["tanh", "gelu", "leaky-relu", "relu", "sigmoid"], Width::Page), 0);
        assert_eq!(upright(&["a name that is long", "b", "c"], Width::Column), 3);
    }

    #[test]
    fn curves_differ_without_colour() {
        let looks = |style: usize| (style % 7, format!("{:?}", dashes(style)));
        let all: std::collections::HashSet<_> = (0..42).map(looks).collect();
        assert_eq!(all.len(), 42);
    }

    #[test]
    fn ticks_say_where_values_lie() {
        let labels = |scale| {
            let ticks = ticks(&Axis::new("", scale));
            ticks.into_iter().map(|tick| tick.label + &tick.raised).collect::<Vec<_>>()
        };
        assert_eq!(labels(Scale::linear(-10.0, 10.0)), ["−10", "−5", "0", "5", "10"]);
        let percent = Scale::Linear { from: 0.0, to: 1.0, step: 0.2, unit: 0.01 };
        assert_eq!(labels(percent), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(labels(Scale::linear(0.0, 0.2)).last().map(String::as_str), Some("0.20"));
        assert_eq!(power_of_ten(1, -3), ("10".to_owned(), "−3".to_owned()));
        assert_eq!(power_of_ten(5, 0), ("5".to_owned(), String::new()));
    }
}
