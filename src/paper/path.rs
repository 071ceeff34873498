//! Lines and curves, in the units of whoever draws them; y goes down.

use std::fmt::Write;

/// One step of the pen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// To here without a line.
    Move(f64, f64),
    /// A straight line to here.
    Line(f64, f64),
    /// A cubic Bezier curve: two control points and the end.
    Curve([f64; 6]),
    /// Back to where the last line began.
    Close,
}

/// Steps of the pen.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// One straight line.
    pub fn line(from: (f64, f64), to: (f64, f64)) -> Path {
        Path(vec![Step::Move(from.0, from.1), Step::Line(to.0, to.1)])
    }

    /// A closed shape with these corners.
    pub fn polygon(corners: &[(f64, f64)]) -> Path {
        let mut steps: Vec<Step> = corners.iter().map(|&(x, y)| Step::Line(x, y)).collect();
        if let Some(&(x, y)) = corners.first() {
            steps[0] = Step::Move(x, y);
        }
        steps.push(Step::Close);
        Path(steps)
    }

    /// A circle around the origin, of four curves.
    pub fn circle(radius: f64) -> Path {
        // 4/3 (sqrt 2 - 1): the curves are off the circle by 0.03 % of the radius.
        let (r, c) = (radius, 0.552_284_75 * radius);
        Path(vec![
            Step::Move(r, 0.0),
            Step::Curve([r, c, c, r, 0.0, r]),
            Step::Curve([-c, r, -r, c, -r, 0.0]),
            Step::Curve([-r, -c, -c, -r, 0.0, -r]),
            Step::Curve([c, -r, r, -c, r, 0.0]),
            Step::Close,
        ])
    }

    /// The same, scaled and then moved.
    #[must_use]
    pub fn placed(&self, scale: f64, (x, y): (f64, f64)) -> Path {
        let at = |a: f64, b: f64| (x + scale * a, y + scale * b);
        let step = |step: &Step| match *step {
            Step::Move(a, b) => Step::Move(at(a, b).0, at(a, b).1),
            Step::Line(a, b) => Step::Line(at(a, b).0, at(a, b).1),
            Step::Curve([a, b, c, d, e, f]) => {
                let (one, two, end) = (at(a, b), at(c, d), at(e, f));
                Step::Curve([one.0, one.1, two.0, two.1, end.0, end.1])
            }
            Step::Close => Step::Close,
        };
        Path(self.0.iter().map(step).collect())
    }

    /// As the attribute `d` of SVG, to a tenth of a unit.
    pub fn d(&self) -> String {
        let mut text = String::new();
        let mut pen = (f64::NAN, f64::NAN);
        for step in &self.0 {
            // Writing to a string cannot fail.
            let _ = match *step {
                // A line to where the pen is: a dot, where ends are round.
                Step::Line(x, y) if (x, y) == pen => write!(text, "h0"),
                Step::Move(x, y) => write!(text, "M{x:.1} {y:.1}"),
                Step::Line(x, y) => write!(text, "L{x:.1} {y:.1}"),
                Step::Curve([a, b, c, d, x, y]) => {
                    write!(text, "C{a:.1} {b:.1} {c:.1} {d:.1} {x:.1} {y:.1}")
                }
                Step::Close => write!(text, "Z"),
            };
            if let Step::Move(x, y) | Step::Line(x, y) | Step::Curve([.., x, y]) = *step {
                pen = (x, y);
            }
        }
        text
    }
}
