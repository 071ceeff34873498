//! Loss curves as inline SVG: iterations on a linear axis, losses on a logarithmic one.

use maud::{Markup, html};

use super::words::count;
use crate::paper::axis::{Decades, line, mark, round_step};
use crate::series::{Bucket, Series};

/// Size of the drawing and of the plot in it, in units of the drawing.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 688.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 252.0;

/// Markers on one curve.
const MARKERS: usize = 8;
/// Least distance of two marks for points that are not finite.
const APART: f64 = 9.0;

/// One curve; `style` decides colour, dashes and marker, which differ for 210 curves.
pub struct Curve<'a> {
    /// Its points.
    pub series: &'a Series,
    /// From 0.
    pub style: usize,
    /// Drawn thicker than others.
    pub strong: bool,
}

/// Draws curves on shared axes; a sentence if there is no value that a logarithmic axis has room for.
pub fn chart(name: &str, curves: &[Curve<'_>]) -> Markup {
    let lowest = curves.iter().filter_map(|curve| curve.series.smallest_positive()).reduce(f64::min);
    let highest =
        curves.iter().filter_map(|curve| curve.series.range()).map(|(_, high)| high).reduce(f64::max);
    let last = curves.iter().filter_map(|curve| curve.series.last_x()).reduce(f64::max);
    let (Some(lowest), Some(highest), Some(last)) = (lowest, highest, last) else {
        return html! { p.empty { "No loss above zero was recorded." } };
    };
    let axes = Axes::new(lowest, highest, last);
    html! {
        svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(name) {
            (axes.drawn())
            @for (place, curve) in curves.iter().enumerate() { (drawn(&axes, curve, place, curves.len())) }
        }
    }
}

/// A short piece of a curve, for legends and tables.
pub fn swatch(style: usize) -> Markup {
    html! {
        svg.swatch viewBox="0 0 40 12" aria-hidden="true" {
            g class=(classes(style)) {
                path.line d="M1 6H39" {}
                (marker(style, 20.0, 6.0))
            }
        }
    }
}

/// Where values lie in the drawing.
struct Axes {
    /// Of the losses.
    decades: Decades,
    /// Iterations at the right edge, and between two ticks.
    last: f64,
    step: f64,
}

impl Axes {
    fn new(lowest: f64, highest: f64, last: f64) -> Axes {
        let step = round_step(last / 8.0).max(1.0);
        Axes { decades: Decades::around(lowest, highest), last: last.max(1.0), step }
    }

    fn x(&self, iteration: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * iteration / self.last
    }

    /// Nothing for what a logarithmic axis does not have.
    fn y(&self, value: f64) -> Option<f64> {
        self.decades.share(value).map(|share| BOTTOM - (BOTTOM - TOP) * share)
    }

    /// Values with a label, upwards.
    fn losses(&self) -> Vec<(f64, String)> {
        let labelled = |(factor, power): (u8, i32)| {
            let label = match (factor, power) {
                (_, 0) => factor.to_string(),
                (_, 1) => format!("{factor}0"),
                (1, _) => power_of_ten(power),
                _ => format!("{factor}·{}", power_of_ten(power)),
            };
            (f64::from(factor) * 10f64.powi(power), label)
        };
        self.decades.ticks().into_iter().map(labelled).collect()
    }

    fn iterations(&self) -> impl Iterator<Item = f64> {
        let step = self.step;
        (0..=(self.last / step).floor() as usize).map(move |i| i as f64 * step)
    }

    fn drawn(&self) -> Markup {
        html! {
            g.axes {
                @for (value, label) in self.losses() {
                    @if let Some(y) = self.y(value) {
                        path.grid d=(format!("M{LEFT} {y:.1}H{RIGHT}")) {}
                        text x=(LEFT - 8.0) y=(format!("{:.1}", y + 4.0)) text-anchor="end" { (label) }
                    }
                }
                @for iteration in self.iterations() {
                    path.grid d=(format!("M{:.1} {TOP}V{BOTTOM}", self.x(iteration))) {}
                    text x=(format!("{:.1}", self.x(iteration))) y=(BOTTOM + 18.0) text-anchor="middle" {
                        (count(iteration as usize))
                    }
                }
                path.frame d=(format!("M{LEFT} {TOP}V{BOTTOM}H{RIGHT}")) {}
                text.title x=((LEFT + RIGHT) / 2.0) y=(HEIGHT - 8.0) text-anchor="middle" { "iteration" }
            }
        }
    }
}

fn power_of_ten(power: i32) -> String {
    let raised = |digit| match digit {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_u32(u32::from('⁰') + u32::from(digit) - u32::from('0')).unwrap_or(digit),
    };
    format!("10{}", power.to_string().chars().map(raised).collect::<String>())
}

fn drawn(axes: &Axes, curve: &Curve<'_>, place: usize, places: usize) -> Markup {
    let buckets = curve.series.buckets();
    let points: Vec<Option<(f64, f64)>> =
        buckets.iter().map(|bucket| Some((axes.x(bucket.last), axes.y(bucket.value)?))).collect();
    let strength = if curve.strong { " strong" } else { "" };
    html! {
        g class={ (classes(curve.style)) (strength) } {
            @if buckets.iter().any(|bucket| bucket.max > bucket.min) {
                path.spread d=(spread(axes, buckets)) {}
            }
            path.line d=(line(&points).d()) {}
            @for (x, y) in marked(&points, place, places) { (marker(curve.style, x, y)) }
            @for x in missing(axes, buckets) {
                // Above each other where several curves miss the same iteration.
                @let y = BOTTOM - 8.0 - APART * (place % 20) as f64;
                path.missing d=(format!("M{:.1} {:.1}l6 6m0 -6l-6 6", x - 3.0, y - 3.0)) {}
            }
        }
    }
}

/// The area between smallest and largest value of each bucket that stands for several iterations.
fn spread(axes: &Axes, buckets: &[Bucket]) -> String {
    let mut path = String::new();
    for run in buckets.split(|bucket| bucket.max.is_nan() || bucket.max <= 0.0) {
        let high = run.iter().filter_map(|bucket| Some((axes.x(bucket.last), axes.y(bucket.max)?)));
        let low = run.iter().rev().map(|bucket| (axes.x(bucket.last), axes.y(bucket.min).unwrap_or(BOTTOM)));
        for (i, (x, y)) in high.chain(low).enumerate() {
            path += &format!("{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' });
        }
    }
    path
}

/// Where markers stand: shifted from curve to curve, so that they do not cover each other.
fn marked(points: &[Option<(f64, f64)>], place: usize, places: usize) -> Vec<(f64, f64)> {
    let shift = (place as f64 + 0.5) / places as f64;
    let at = |i: usize| ((i as f64 + shift) / MARKERS as f64 * points.len() as f64) as usize;
    let mut places: Vec<usize> = (0..MARKERS).map(at).collect();
    places.dedup();
    places.into_iter().filter_map(|i| points.get(i).copied().flatten()).collect()
}

/// Where points are not finite, or below what the axis can show.
fn missing(axes: &Axes, buckets: &[Bucket]) -> Vec<f64> {
    let mut places: Vec<f64> = Vec::new();
    for bucket in buckets.iter().filter(|bucket| bucket.marks > 0 || bucket.min <= 0.0) {
        let x = axes.x(bucket.last);
        if places.last().is_none_or(|last| x - last >= APART) {
            places.push(x);
        }
    }
    places
}

fn classes(style: usize) -> String {
    format!("c{} d{}", style % 6, style % 5)
}

fn marker(style: usize, x: f64, y: f64) -> Markup {
    let (shape, is_hollow) = mark(style);
    let hollow = if is_hollow { "marker hollow" } else { "marker" };
    html! { path class=(hollow) d=(shape.placed(1.0, (x, y)).d()) {} }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn series(values: impl IntoIterator<Item = f64>) -> Series {
        let mut series = Series::new(1024);
        values.into_iter().enumerate().for_each(|(i, y)| series.push(i as f64 + 1.0, y));
        series
    }

    fn labels(axes: &Axes) -> Vec<String> {
        axes.losses().into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn axes_have_a_handful_of_true_labels_whatever_the_range() {
        assert_eq!(labels(&Axes::new(3e-7, 20.0, 300.0)).join(" "), "10⁻⁷ 10⁻⁵ 10⁻³ 10⁻¹ 10");
        assert_eq!(labels(&Axes::new(0.03, 0.5, 300.0)).join(" "), "10⁻² 3·10⁻² 10⁻¹ 3·10⁻¹ 1");
        assert_eq!(labels(&Axes::new(0.2, 0.5, 300.0)).join(" "), "10⁻¹ 2·10⁻¹ 5·10⁻¹ 1");
        assert_eq!(labels(&Axes::new(1.0, 1.0, 1.0)), ["1", "2", "5", "10"]);
        assert!(labels(&Axes::new(1e-300, 1e300, 1.0)).len() <= 9);
        for last in [1.0, 3.0, 10.0, 300.0, 4800.0, 24_000.0, 1e7] {
            let ticks: Vec<f64> = Axes::new(0.1, 1.0, last).iterations().collect();
            assert!((2..=9).contains(&ticks.len()), "{last}: {ticks:?}");
            assert!(ticks.iter().all(|tick| tick.fract() == 0.0 && *tick <= last));
        }
    }

    #[test]
    fn values_lie_where_the_labels_say() {
        let axes = Axes::new(1e-4, 1.0, 100.0);
        assert_eq!((axes.y(1.0), axes.y(1e-4)), (Some(TOP), Some(BOTTOM)));
        assert!((axes.y(1e-2).unwrap() - (TOP + BOTTOM) / 2.0).abs() < 1e-9);
        assert_eq!((axes.x(0.0), axes.x(100.0)), (LEFT, RIGHT));
        assert_eq!(
            (axes.y(0.0), axes.y(-1.0), axes.y(f64::NAN), axes.y(f64::INFINITY)),
            (None, None, None, None)
        );
    }

    #[test]
    fn a_curve_breaks_where_a_value_is_missing_and_says_so() {
        let series = series([1.0, 0.1, f64::NAN, 0.1, f64::INFINITY, 0.0, 0.01, 0.02]);
        let svg = chart("loss", &[Curve { series: &series, style: 0, strong: false }]).into_string();
        let path = svg.split("class=\"line\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(path.matches('M').count(), 3, "{path}");
        assert_eq!(path.matches('L').count(), 2, "{path}");
        assert_eq!(svg.matches("class=\"missing\"").count(), 3);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn thinned_curves_keep_their_extremes() {
        let mut series = Series::new(8);
        (1..=64).for_each(|i| series.push(f64::from(i), if i == 30 { 100.0 } else { 1.0 }));
        let svg = chart("loss", &[Curve { series: &series, style: 0, strong: false }]).into_string();
        let area = svg.split("class=\"spread\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert!(area.contains(&format!(" {TOP:.1}")), "{area}");
    }

    #[test]
    fn nothing_to_draw_is_said() {
        for values in [vec![], vec![f64::NAN], vec![0.0, -1.0]] {
            let series = series(values);
            let svg = chart("loss", &[Curve { series: &series, style: 0, strong: false }]).into_string();
            assert!(svg.contains("No loss above zero"), "{svg}");
        }
    }

    #[test]
    fn curves_differ_without_colour() {
        let looks: std::collections::HashSet<String> =
            (0..30).map(|style| swatch(style).into_string()).collect();
        assert_eq!(looks.len(), 30);
    }
}
