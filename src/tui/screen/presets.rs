//! What can be run: the list, what a preset is about, and how it would start.

use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Paragraph, Wrap};

use crate::config::RunConfig;
use crate::config::difference::in_words;
use crate::expectation::Source;
use crate::format::{self, wrapped};
use crate::tui::PresetEntry;
use crate::tui::keymap::{Action, Place};
use crate::tui::model::Model;
use crate::tui::view::{Target, View};

/// Draws list and description.
pub fn draw(model: &Model, view: &mut View, area: Rect) {
    let list = if area.width >= 110 { 44 } else { 36.min(area.width / 2) };
    let [left, right] = Layout::horizontal([Constraint::Length(list), Constraint::Min(0)]).areas(area);
    draw_list(model, view, left);
    draw_chosen(model, view, right);
}

/// What the status line says.
pub fn status(model: &Model) -> String {
    let shown = model.visible_presets().len();
    if shown < model.presets.len() {
        return format!("{shown} of {} presets; Esc shows all", model.presets.len());
    }
    let own = model.user_presets.display();
    format!("{shown} presets; your own belong in {own}")
}

fn draw_list(model: &Model, view: &mut View, area: Rect) {
    let theme = model.theme;
    let block = theme.frame("presets");
    let mut inner = block.inner(area);
    view.frame.render_widget(block, area);
    inner.height -= super::runs::draw_filter(
        view,
        theme,
        inner,
        &model.presets_view.filter,
        model.presets_view.filtering,
        None,
    );
    let visible = model.visible_presets();
    if visible.is_empty() {
        let text = "no preset has these words";
        view.frame.buffer_mut().set_stringn(inner.x + 1, inner.y, text, inner.width.into(), theme.dim());
        return;
    }
    let chosen = model.chosen_preset().map(|entry| entry.name.as_str());
    let mut lines = Vec::new();
    let mut rows = Vec::new();
    let mut at = 0;
    let mut group = "";
    for entry in visible {
        if entry.config.group != group {
            group = &entry.config.group;
            lines.push(Line::styled(format!("{} {group}", theme.glyph("▾", "-")), theme.dim()));
        }
        if chosen == Some(entry.name.as_str()) {
            at = lines.len();
        }
        let style = if chosen == Some(entry.name.as_str()) { theme.selected() } else { Style::new() };
        rows.push((lines.len(), entry.name.clone()));
        lines.push(Line::styled(row(model, entry, inner.width.into()), style));
    }
    // The chosen line stays in the middle third once the list is longer than the pane.
    let first = at.saturating_sub(usize::from(inner.height) * 2 / 3);
    let first = first.min(lines.len().saturating_sub(inner.height.into()));
    for (line, name) in rows {
        if (first..first + usize::from(inner.height)).contains(&line) {
            let y = inner.y + (line - first) as u16;
            view.hits.add(Rect { y, height: 1, ..inner }, Target::Row(name));
        }
    }
    view.frame.render_widget(Paragraph::new(Text::from(lines.split_off(first))), inner);
}

/// Name, time and PSNR to expect; of a preset that was changed nothing is known.
fn row(model: &Model, entry: &PresetEntry, width: usize) -> String {
    let ascii = model.theme.ascii;
    let name = width.saturating_sub(19);
    if !model.changes_of(entry).is_empty() {
        return format!("  {:<name$} {:>14}  ", format::cut(&entry.name, name, ascii), "changed");
    }
    let expect = entry.config.expect.as_ref();
    let time = model.expected(entry).map_or(String::new(), |expected| expected.short());
    let psnr = expect.map_or(String::new(), |expect| expect.in_words(0));
    format!("  {:<name$} {time:>7} {psnr:>6}  ", format::cut(&entry.name, name, ascii))
}

fn draw_chosen(model: &Model, view: &mut View, area: Rect) {
    let theme = model.theme;
    let Some(entry) = model.chosen_preset() else {
        view.frame.render_widget(theme.frame(""), area);
        return;
    };
    let changed = if model.changes_of(entry).is_empty() { "" } else { ", changed" };
    let room = usize::from(area.width.saturating_sub(6)).saturating_sub(changed.len());
    let title = format!("{}{changed}", format::cut(&entry.config.title, room, theme.ascii));
    let block = theme.frame(title);
    let inner = block.inner(area);
    view.frame.render_widget(block, area);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let facts = facts(model, entry, inner.width.into());
    let needed = facts.len() as u16;
    let said = about(model, entry);
    let text = wrapped(&said, inner.width.into()).len() as u16 + 1;
    let room = inner.height.saturating_sub(needed);
    let [about, below] =
        Layout::vertical([Constraint::Length(text.min(room)), Constraint::Min(0)]).areas(inner);
    draw_about(model, view, about, &said);
    view.frame.render_widget(Paragraph::new(Text::from(facts)), below);
}

/// The description. Its figures are those of the preset as it stands in its file.
pub fn about(model: &Model, entry: &PresetEntry) -> String {
    let text = &entry.config.about;
    if model.changes_of(entry).is_empty() {
        text.clone()
    } else {
        format!("As shipped, before your changes: {text}")
    }
}

/// The description, and a hint where it goes on if it does not fit.
fn draw_about(model: &Model, view: &mut View, area: Rect, text: &str) {
    let theme = model.theme;
    if area.height < 2 {
        return;
    }
    let lines = wrapped(text, area.width.into());
    let room = usize::from(area.height) - 1;
    let mut shown: Vec<Line> = lines.iter().take(room).map(|line| Line::raw(line.clone())).collect();
    if lines.len() > room {
        shown.pop();
        shown.push(Line::styled(theme.glyph("… d shows all of it", "... d shows all of it"), theme.dim()));
    }
    view.frame.render_widget(Paragraph::new(Text::from(shown)).wrap(Wrap { trim: true }), area);
}

/// Everything that would be started, in label and value.
fn facts(model: &Model, entry: &PresetEntry, width: usize) -> Vec<Line<'static>> {
    let theme = model.theme;
    let config = model.config_of(entry);
    let own = &entry.config;
    let changes = model.changes_of(entry);
    let mut lines = Vec::new();
    let mut fact = |label: &'static str, value: String, changed: bool| {
        let style = if changed { theme.accent() } else { Style::new() };
        let room = width.saturating_sub(10);
        for (i, part) in wrapped(&value, room).into_iter().enumerate() {
            let label = if i == 0 { label } else { "" };
            lines.push(Line::from(vec![
                Span::styled(format!("{label:<10}"), theme.dim()),
                Span::styled(format::cut(&part, room, theme.ascii), style),
            ]));
        }
    };
    fact("attack", attack(&config), false);
    fact(
        "model",
        format!("{}, {}, BN {}", config.victim.model, config.training(), config.victim.batch_norm()),
        false,
    );
    let is_said = config.takes_steps() || config.own_normalisation().is_some();
    if is_said || config.federation.clients > 1 || !config.post.is_empty() {
        let clients = match config.federation.clients {
            0 | 1 => String::new(),
            clients => format!(", {clients} clients"),
        };
        let changed = config.federation != own.federation
            || config.knowledge != own.knowledge
            || config.post != own.post;
        fact("protocol", format!("{}{clients}", config.protocol_and_knowledge()), changed);
    }
    if let Some(privacy) = config.privacy() {
        fact("privacy", privacy.to_string(), config.post != own.post || config.federation != own.federation);
    }
    fact("picture", picture(model, &config), config.victim != own.victim);
    let labels = config.attack.labels.name();
    fact("attacker", format!("labels {labels}; {}", config.threat_model()), false);
    let work = match config.attack.search() {
        None => "solved, no iterations".to_owned(),
        Some(search) => format!(
            "{} iterations x {} {}",
            format::count(search.iterations),
            search.trials,
            if search.trials == 1 { "trial" } else { "trials" },
        ),
    };
    let budget = config.attack.search().and_then(|search| search.budget);
    let budget = budget.map_or_else(String::new, |budget| format!(", within {budget}"));
    let work = format!("{work}{budget}, seed {}", config.run.seed);
    fact("work", work, config.attack != own.attack || config.run != own.run);
    let (expected, changed) = (model.expected(entry), !changes.is_empty());
    match expected {
        Some(expected) => fact("time", expected.to_string(), false),
        None if changed => fact("time", "not known with these changes".into(), false),
        None => {}
    }
    if let Some(expect) = &own.expect {
        let figure = expect.in_words(0);
        let text = match expected.map(|expected| expected.source) {
            _ if changed => format!("unknown; as the preset stands {figure}"),
            Some(Source::Reference) => format!("{figure} ({})", expect.note),
            _ => format!("{figure} in {} ({})", format::about(expect.seconds), expect.note),
        };
        fact("expect", text, false);
    }
    if !changes.is_empty() {
        let undo = model.keymap.hint(Place::Presets, Action::Undo, theme.ascii);
        fact("changed", format!("{}; {undo} undoes it", in_words(&changes)), true);
    }
    lines.push(Line::default());
    lines.extend(backends(model, width));
    lines
}

fn attack(config: &RunConfig) -> String {
    let name = config.attack.kind.name();
    config.attack.objective().map_or_else(|| name.to_owned(), |objective| format!("{name}, {objective}"))
}

/// Which picture of which set.
fn picture(model: &Model, config: &RunConfig) -> String {
    let victim = &config.victim;
    if victim.captured.is_some() {
        return format!("{} {}, batch of {}", victim.source(), victim.which(), config.batch());
    }
    let Some(&first) = victim.positions().first() else {
        return format!("{}, {}", victim.data, victim.which());
    };
    let batch = match config.batch() {
        1 => String::new(),
        count => format!(", batch of {count}"),
    };
    match model.dataset(&victim.data) {
        Some(set) => {
            let name = set.sample_names.get(first).filter(|name| !name.is_empty());
            let name = name.map_or(String::new(), |name| format!(": {name}"));
            format!("{}, {} of {}{name}{batch}", victim.data, first + 1, set.samples)
        }
        None if first == 0 => format!("{}{batch}", victim.data),
        None => format!("{}, number {}{batch}", victim.data, first + 1),
    }
}

/// The backends there are in one line; each of the others greyed with the reason.
fn backends(model: &Model, width: usize) -> Vec<Line<'static>> {
    let theme = model.theme;
    let label = |text: &str| Span::styled(format!("{text:<10}"), theme.dim());
    let mut here = Line::from(label("backend"));
    let mut lines = Vec::new();
    for entry in &model.backends {
        let chosen = entry.name == model.backend;
        let mark = if chosen { theme.glyph("(•)", "(*)") } else { "( )" };
        match &entry.unavailable {
            None => {
                let style = if chosen { theme.accent() } else { Style::new() };
                let gap = if here.spans.len() == 1 {
                    ""
                } else if width < 60 {
                    " "
                } else {
                    "   "
                };
                here.spans.push(Span::styled(format!("{gap}{mark} {}", entry.name), style));
            }
            Some(reason) => {
                let text = format!("{mark} {} - {reason}", entry.name);
                let text = format::cut(&text, width.saturating_sub(10), theme.ascii);
                lines.push(Line::from(vec![label(""), Span::styled(text, theme.dim())]));
            }
        }
    }
    lines.insert(0, here);
    lines
}

/// Puts the cursor into a filter that is typed.
pub fn place_cursor(view: &mut View, x: u16, y: u16) {
    view.frame.set_cursor_position(Position::new(x, y));
}
