//! Progress in one row: a bar over the whole run, what it counts, time left, speed, evaluations.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::format;
use crate::run::{Health, progress};
use crate::tui::model::RunView;
use crate::tui::theme::Theme;

/// Draws the row.
pub fn draw(run: &RunView, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let Some(parts) = words(run) else {
        let text = match run.health {
            Health::Queued => " waiting: it begins when its turn comes",
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
    // Rounded down: it is full once everything is done.
    let done = run.manifest.as_ref().map_or(0.0, |manifest| progress::share(&manifest.config, run.state()));
    let full = ((done * bar as f64) as usize).min(bar);
    let line = Line::from(vec![
        Span::raw(" "),
        Span::styled(theme.glyph("━", "#").repeat(full), theme.health(run.health)),
        Span::styled(theme.glyph("─", "-").repeat(bar - full), theme.dim()),
        Span::raw(text),
    ]);
    buffer.set_line(area.x, area.y, &line, area.width);
}

/// What is counted and how fast, in the order in which it is needed.
fn words(run: &RunView) -> Option<Vec<String>> {
    training(run).or_else(|| attacking(run))
}

/// Words while clients train the global model.
fn training(run: &RunView) -> Option<Vec<String>> {
    let trained = run.state().training()?;
    let config = &run.manifest.as_ref()?.config;
    let digits = config.rounds().to_string().len();
    let mut parts = vec![
        format!("round {:>digits$} / {}", trained.round, config.rounds()),
        format!("accuracy {:.0} %", 100.0 * trained.accuracy),
        format!("loss {:.3}", trained.loss),
    ];
    if run.health.is_live() {
        parts.insert(1, eta(run));
    }
    Some(parts)
}

/// Words while a round is attacked, or once all are: of several attacks and trials which one, then its iterations.
fn attacking(run: &RunView) -> Option<Vec<String>> {
    let at = run.state().position()?;
    let attack = run.manifest.as_ref().map(|manifest| &manifest.config.attack);
    let mut parts = Vec::new();
    let attacks = run.rounds_planned();
    if attacks > 1 {
        let digits = attacks.to_string().len();
        parts.push(format!("attack {:>digits$} of {attacks}", run.state().rounds.len()));
    }
    if at.trials > 1 {
        let digits = at.trials.to_string().len();
        // Of a round that is over, not of the trial that happened to be the last.
        let now = at.trial - 1;
        let name = attack.filter(|_| run.health.is_live()).map_or("trial", |attack| attack.name_of(now));
        parts.push(format!("{name} {:>digits$} of {}", at.trial, at.trials));
    }
    let solves = attack.is_some_and(|attack| attack.search().is_none());
    if solves {
        parts.push(if run.health.is_live() { "solving" } else { "solved, no iterations" }.to_owned());
        return Some(parts);
    }
    let digits = at.iterations.to_string().len();
    parts.push(format!("{:>digits$} / {} it", at.iteration, at.iterations));
    if run.health.is_live() {
        parts.push(eta(run));
        let speed = run.state().iterations_per_second();
        parts.push(speed.map_or("     - it/s".into(), |speed| format!("{speed:>6.1} it/s")));
    }
    parts.push(format!("{} evaluations", format::count(at.evaluations)));
    Some(parts)
}

/// Time left; of the width that a range has, where one may come.
fn eta(run: &RunView) -> String {
    let Some(config) = run.manifest.as_ref().map(|manifest| &manifest.config) else {
        return "ETA --:--".into();
    };
    let width = if progress::ends_early(config) { "ETA 00:00 to 00:00".len() } else { 0 };
    let text = progress::eta(config, run.state()).map_or("ETA --:--".to_owned(), |eta| eta.to_string());
    format!("{text:<width$}")
}
