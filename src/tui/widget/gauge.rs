//! Progress in one row: a bar, iterations, speed, time left, trial, evaluations.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::format;
use crate::run::Health;
use crate::tui::model::RunView;
use crate::tui::theme::Theme;

/// Draws the row.
pub fn draw(run: &RunView, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let Some((done, parts)) = training(run).or_else(|| attacking(run)) else {
        let text = match run.health {
            Health::Queued => " waiting for the worker to take the run up",
            Health::Running if run.reading => " reading the log",
            Health::Running => " preparing: data, model, the victim's update",
            _ => "",
        };
        buffer.set_stringn(area.x, area.y, text, area.width.into(), theme.dim());
        return;
    };
    let mut text = String::new();
    for part in parts {
        if text.len() + part.len() + 3 + 10 <= usize::from(area.width) {
            text = format!("{text}  {part}");
        }
    }
    let bar = usize::from(area.width).saturating_sub(text.len() + 2).min(60);
    let full = ((done.clamp(0.0, 1.0) * bar as f64).round() as usize).min(bar);
    let line = Line::from(vec![
        Span::raw(" "),
        Span::styled(theme.glyph("━", "#").repeat(full), theme.health(run.health)),
        Span::styled(theme.glyph("─", "-").repeat(bar - full), theme.dim()),
        Span::raw(text),
    ]);
    buffer.set_line(area.x, area.y, &line, area.width);
}

/// Share that is done and its words while clients train the global model.
fn training(run: &RunView) -> Option<(f64, Vec<String>)> {
    let trained = run.state().training()?;
    let rounds = run.manifest.as_ref()?.config.rounds();
    let digits = rounds.to_string().len();
    let parts = vec![
        format!("round {:>digits$} / {rounds}", trained.round),
        format!("accuracy {:.0} %", 100.0 * trained.accuracy),
        format!("loss {:.3}", trained.loss),
    ];
    Some((f64::from(trained.round) / f64::from(rounds.max(1)), parts))
}

/// Share that is done and its words while a round is attacked, or once all are.
fn attacking(run: &RunView) -> Option<(f64, Vec<String>)> {
    let at = run.state().position()?;
    let digits = at.iterations.to_string().len();
    let mut parts = vec![
        format!("{:>digits$} / {} it", at.iteration, at.iterations),
        format!("trial {} of {}", at.trial, at.trials),
    ];
    if run.health.is_live() {
        let speed = run.state().iterations_per_second();
        parts.push(speed.map_or("     - it/s".into(), |speed| format!("{speed:>6.1} it/s")));
        // How long the clients will train until the next attacked round is not known.
        let more = run.manifest.as_ref().is_some_and(|manifest| manifest.config.trains())
            && run.state().rounds.len() < run.rounds_planned();
        let left = run.state().remaining_seconds(run.rounds_planned()).filter(|_| !more);
        parts.push(left.map_or("ETA --:--".into(), |left| format!("ETA {}", format::clock(left.round()))));
    }
    parts.push(format!("{} evaluations", format::count(at.evaluations)));
    let done = if at.iterations == 0 { 0.0 } else { at.iteration as f64 / at.iterations as f64 };
    Some((done, parts))
}
