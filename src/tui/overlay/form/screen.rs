//! How the form looks: fields under the names of their sections, and below them what the one in focus means.

use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;

use super::{Field, Form, Purpose};
use crate::config::RunConfig;
use crate::format::{count, number};
use crate::run::effect::Effects;
use crate::tui::format::{self, wrapped};
use crate::tui::keymap::{Action, Place};
use crate::tui::model::Model;
use crate::tui::screen::runs::draw_filter;
use crate::tui::view::{Target, View};

/// Rows of what stands below the fields: a rule, help, range, and two for what is wrong.
const BELOW: u16 = 5;

/// Columns of a key with its mark.
const LABEL: usize = 34;

/// A row of the list.
#[derive(Debug, Clone, Copy)]
enum Row {
    Section(&'static str),
    Field(usize),
    /// What is left of the update after the step at this place.
    Effect(usize),
}

/// Draws the form, with the cursor in the field in focus.
pub fn draw(model: &Model, view: &mut View, area: Rect, form: &Form) {
    let theme = model.theme;
    let place = super::super::centred(view, area, 100, form.fields.len() as u16 + BELOW + 12);
    let room = usize::from(place.width).saturating_sub(6);
    let title = match &form.purpose {
        Purpose::Keep => format::around("settings of ", &form.preset, "", room, theme.ascii),
        Purpose::Start { backend } => {
            let after = format!(" again on {backend}: Enter starts it");
            format::around("run ", &form.preset, &after, room, theme.ascii)
        }
    };
    let mut block = theme.frame(title).border_style(theme.accent());
    let inner = block.inner(place);
    let mut list = Rect { height: inner.height.saturating_sub(BELOW), ..inner };
    let below = Rect { y: list.bottom(), height: BELOW.min(inner.height), ..inner };
    let filter = list;
    list.height -= u16::from(form.is_filtered() && list.height > 0);
    let rows = rows(form);
    let room = usize::from(list.height).max(1);
    let at = rows.iter().position(|row| matches!(row, Row::Field(at) if *at == form.focus)).unwrap_or(0);
    let hidden = rows.len().saturating_sub(room);
    let first = at.saturating_sub(room * 2 / 3).min(hidden);
    if hidden > 0 {
        let (up, down) = (theme.glyph("↑", "up"), theme.glyph("↓", "down"));
        let fields = |rows: &[Row]| rows.iter().filter(|row| matches!(row, Row::Field(_))).count();
        let (above, after) = (fields(&rows[..first]), fields(&rows[first + room..]));
        let hint = format!(" {up} {above} more, {down} {after} more ");
        block = block.title_bottom(Line::styled(hint, theme.dim()).right_aligned());
    }
    view.frame.render_widget(block, place);
    for (row, y) in rows[first..].iter().take(room).zip(list.y..) {
        let line = Rect { y, height: 1, ..list };
        match row {
            Row::Section(name) => {
                let line = Line::styled(format!("{name} "), theme.strong());
                let rule = theme.glyph("─", "-").repeat(usize::from(list.width).saturating_sub(line.width()));
                let line = Line::from([line.spans, vec![Span::styled(rule, theme.dim())]].concat());
                view.frame.buffer_mut().set_line(list.x, y, &line, list.width);
            }
            Row::Field(at) => {
                draw_field(model, view, line, form, *at);
                view.hits.add(line, Target::Item(*at));
            }
            Row::Effect(step) => {
                let told = effects(model, form).and_then(|effects| effects.steps.get(*step));
                let told = told.map_or_else(|| "-".to_owned(), |step| step.effect.short());
                let text = format!("  {} so far: {told}", theme.glyph("└", "`"));
                let text = format::cut(&text, line.width.into(), theme.ascii);
                view.frame.buffer_mut().set_stringn(line.x, y, text, line.width.into(), theme.dim());
            }
        }
    }
    if rows.is_empty() {
        let path = form.path_in_filter();
        let path = path.map(|(key, path)| format!("Enter makes {path} the value of {key}"));
        let lines = [Some("no setting has these words".to_owned()), path];
        for (text, y) in lines.into_iter().flatten().zip(list.y..list.bottom()) {
            let text = format::cut(&format!(" {text}"), list.width.into(), theme.ascii);
            view.frame.buffer_mut().set_stringn(list.x, y, text, list.width.into(), theme.dim());
        }
    }
    draw_help(model, view, below, form);
    draw_filter(view, theme, filter, &form.filter, form.filtering, None);
}

/// The fields that are shown, each section under its name.
fn rows(form: &Form) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut section = "";
    // What a single step does stands below.
    let told = form.steps() > 1 && !form.is_filtered();
    for at in form.visible() {
        let field = &form.fields[at];
        if field.section() != section {
            section = field.section();
            rows.push(Row::Section(section));
        }
        rows.push(Row::Field(at));
        let ends = form.fields.get(at + 1).and_then(Field::step) != field.step();
        rows.extend(field.step().filter(|_| told && ends).map(Row::Effect));
    }
    rows
}

/// What the steps do, if that is known of the config as it stands.
fn effects<'a>(model: &'a Model, form: &Form) -> Option<&'a Effects> {
    model.preview.answer(form.checked.as_ref()?)?.as_ref().ok()
}

fn draw_field(model: &Model, view: &mut View, area: Rect, form: &Form, at: usize) {
    let theme = model.theme;
    let field = &form.fields[at];
    let has_focus = at == form.focus && !form.filtering;
    let label = LABEL.min(usize::from(area.width) / 2);
    let unit = if field.unit().is_empty() { String::new() } else { format!(" {}", field.unit()) };
    let room = usize::from(area.width).saturating_sub(label + unit.len() + 5).max(1);
    let scroll =
        if has_focus && field.is_typed() { field.input.visual_scroll(room.saturating_sub(1)) } else { 0 };
    let value: String = match (field.is_list(), form.steps()) {
        (false, _) => field.input.value().chars().skip(scroll).take(room).collect(),
        (true, 0) => String::new(),
        (true, 1) => "1 step".to_owned(),
        (true, steps) => format!("{steps} steps"),
    };
    let is_wrong = form.problem.as_ref().is_some_and(|problem| problem.key == field.key());
    let style = match () {
        () if is_wrong => theme.bad(),
        () if field.is_changed() => theme.accent(),
        () => Style::new(),
    };
    // What is typed takes the place of what is marked.
    let style = if has_focus && form.replaces { style.patch(theme.selected()) } else { style };
    let mark = match (at == form.focus, field.is_changed()) {
        (true, _) => theme.glyph("▸", ">"),
        (false, true) => theme.glyph("•", "*"),
        (false, false) => " ",
    };
    let name = format!("{mark} {:<label$}", field.key(), label = label - 2);
    let typed =
        if field.is_typed() { field.input.visual_cursor().saturating_sub(scroll).min(room) } else { 0 };
    let cursor = area.x + (label + typed) as u16;
    let (value, style) = match (value.is_empty(), field.default()) {
        (true, Some(default)) => (format!("({default})"), style.patch(theme.dim())),
        (true, None) if !has_focus || field.is_list() => ("-".to_owned(), style),
        _ => (value, style),
    };
    let mut line = Line::from(vec![
        Span::styled(name, if has_focus { theme.strong() } else { theme.dim() }),
        Span::styled(value, style),
        Span::styled(unit, theme.dim()),
    ]);
    if has_focus && form.has_choices() {
        line.spans.push(Span::styled(theme.glyph("  ◂ ▸", "  < >"), theme.accent()));
    }
    if has_focus && field.is_list() {
        let key = model.keymap.hint(Place::Form, Action::AddStep, theme.ascii);
        line.spans.push(Span::styled(format!("  {key} adds one"), theme.dim()));
    }
    view.frame.buffer_mut().set_line(area.x, area.y, &line, area.width);
    if has_focus {
        view.frame.set_cursor_position(Position::new(cursor.min(area.right().saturating_sub(1)), area.y));
    }
}

/// What the field in focus means, and what is wrong; of post-processing also what it does.
fn draw_help(model: &Model, view: &mut View, area: Rect, form: &Form) {
    let theme = model.theme;
    let Some(field) = form.fields.get(form.focus) else { return };
    let width = usize::from(area.width).saturating_sub(2);
    let own = match field.is_changed() {
        true if field.unchanged.is_empty() => " (preset: not set)".to_owned(),
        true => format!(" (preset: {})", field.unchanged),
        false => String::new(),
    };
    let rule = theme.glyph("─", "-").repeat(area.width.into());
    // What a step can be is known; that its place is not the usual one is news.
    let order = form.checked.as_ref().filter(|_| form.is_at_steps()).and_then(RunConfig::better_order);
    let (below, style) = match order {
        Some(order) => (order, theme.warning()),
        None => (field.range(), theme.dim()),
    };
    let mut lines = vec![
        Line::styled(rule, theme.dim()),
        Line::raw(format!(" {}", format::cut(&format!("{}{own}", field.help()), width, theme.ascii))),
        Line::styled(format!(" {}", format::cut(&below, width, theme.ascii)), style),
    ];
    let (said, style) = match (&form.problem, told(model, form)) {
        (Some(problem), _) => (wrapped(&problem.message, width), theme.bad()),
        (None, Some(Ok(told))) => (told, Style::new()),
        (None, Some(Err(failure))) => (wrapped(&failure, width), theme.warning()),
        (None, None) => (Vec::new(), Style::new()),
    };
    lines.extend(in_two(said, width, theme.ascii).into_iter().map(|part| Line::styled(part, style)));
    view.frame.render_widget(Paragraph::new(Text::from(lines)), area);
}

/// Lines in the room of two.
fn in_two(mut lines: Vec<String>, width: usize, ascii: bool) -> Vec<String> {
    if lines.len() > 2 {
        let rest = lines.split_off(1).join(" ");
        lines.push(rest);
    }
    lines.iter().map(|line| format!(" {}", format::cut(line, width, ascii))).collect()
}

/// What all steps do to the update, or why that cannot be told; nothing where nobody asks.
fn told(model: &Model, form: &Form) -> Option<Result<Vec<String>, String>> {
    let config = form.checked.as_ref().filter(|config| form.is_at_steps() && !config.post.is_empty())?;
    let ellipsis = model.theme.glyph("…", "...");
    Some(match model.preview.answer(config) {
        None => Ok(vec![format!("{ellipsis}computing what is left of the update")]),
        Some(Err(failure)) => Err(failure.clone()),
        Some(Ok(effects)) => {
            let sent = effects.steps.last()?;
            let bytes = |bytes: u64| count(usize::try_from(bytes).unwrap_or(usize::MAX));
            Ok(vec![
                format!("sent: {}", sent.effect.short()),
                format!(
                    "{} bytes instead of {}; norm {} of {}, round {}",
                    bytes(sent.bytes),
                    bytes(effects.bytes),
                    number(sent.norm),
                    number(effects.norm),
                    effects.round
                ),
            ])
        }
    })
}
