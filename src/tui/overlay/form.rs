//! The form that changes any setting of a preset, or of a run that is made again.

use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;
use tui_input::Input;

use crate::config::RunConfig;
use crate::config::preset::{self, Refused};
use crate::config::setting::{Kind, SETTINGS, Setting};
use crate::tui::model::{Changes, Model};
use crate::tui::view::{Target, View};
use crate::tui::{PresetEntry, format};

/// The form being filled in.
#[derive(Debug)]
pub struct Form {
    /// Name of the preset.
    pub preset: String,
    /// What Enter does.
    pub purpose: Purpose,
    /// One for every setting, in the order of [`SETTINGS`].
    pub fields: Vec<Field>,
    /// Which field has the keys.
    pub focus: usize,
    /// The first setting that cannot be used as it stands.
    pub problem: Option<Refused>,
    base: RunConfig,
}

/// What Enter does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Keeps the changes for the next start of the preset.
    Keep,
    /// Starts a new run on this backend.
    Start {
        /// Backend's name.
        backend: String,
    },
}

/// One setting with its value as text.
#[derive(Debug)]
pub struct Field {
    /// Which setting.
    pub setting: &'static Setting,
    /// Its value.
    pub input: Input,
    /// What it may be, if only a few values are allowed.
    choices: Vec<String>,
    unchanged: String,
}

impl Form {
    /// The form for a preset with its present changes.
    pub fn of_preset(entry: &PresetEntry, model: &Model) -> Self {
        Form::new(&entry.name, Purpose::Keep, &entry.config, &model.config_of(entry), model)
    }

    /// The form for a new run with the settings of an earlier one.
    pub fn of_run(preset: &str, config: &RunConfig, backend: String, model: &Model) -> Self {
        Form::new(preset, Purpose::Start { backend }, config, config, model)
    }

    fn new(preset: &str, purpose: Purpose, base: &RunConfig, now: &RunConfig, model: &Model) -> Self {
        let (unchanged, values) = (preset::flat(base), preset::flat(now));
        let of = |values: &Changes, key: &str| values.get(key).cloned().unwrap_or_default();
        let fields = SETTINGS.iter().map(|setting| Field {
            setting,
            input: Input::new(of(&values, setting.key)),
            choices: choices(setting, model),
            unchanged: of(&unchanged, setting.key),
        });
        let fields: Vec<Field> = fields.collect();
        Form { preset: preset.to_owned(), purpose, fields, focus: 0, problem: None, base: base.clone() }
    }

    /// The text field that keys go to.
    pub fn focused_input(&mut self) -> Option<&mut Input> {
        self.fields.get_mut(self.focus).map(|field| &mut field.input)
    }

    /// What differs from the preset.
    pub fn changes(&self) -> Changes {
        let changed = self.fields.iter().filter(|field| field.is_changed());
        changed.map(|field| (field.setting.key.to_owned(), field.value().to_owned())).collect()
    }

    /// The config as it stands in the form.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn config(&self) -> Result<RunConfig, Refused> {
        let changes = self.changes();
        let all = || changes.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        // One by one first: a mistake is then said of the setting that was typed, not of one it breaks.
        for (key, value) in all() {
            if let Err(refused) = preset::change(&self.base, [(key, value)])
                && refused.key == key
                && preset::change(&self.base, all()).is_err()
            {
                return Err(refused);
            }
        }
        preset::change(&self.base, all())
    }

    /// Looks again at what cannot be used.
    pub fn check(&mut self) {
        self.problem = self.config().err();
    }

    /// Puts the preset's own value back into the field in focus.
    pub fn reset_field(&mut self) {
        if let Some(field) = self.fields.get_mut(self.focus) {
            field.input = Input::new(field.unchanged.clone());
        }
        self.check();
    }

    /// Whether the field in focus has a few values to go through.
    pub fn has_choices(&self) -> bool {
        self.fields.get(self.focus).is_some_and(|field| !field.choices.is_empty())
    }

    /// The next or previous of the values that the field in focus can have.
    pub fn choose(&mut self, by: isize) {
        let Some(field) = self.fields.get_mut(self.focus).filter(|field| !field.choices.is_empty()) else {
            return;
        };
        let count = field.choices.len() as isize;
        let at = field.choices.iter().position(|choice| choice == field.value());
        let to = at.map_or(0, |at| (at as isize + by).rem_euclid(count) as usize);
        field.input = Input::new(field.choices[to].clone());
        self.check();
    }
}

impl Field {
    fn value(&self) -> &str {
        self.input.value().trim()
    }

    fn is_changed(&self) -> bool {
        self.value() != self.unchanged
    }
}

fn choices(setting: &Setting, model: &Model) -> Vec<String> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match setting.kind {
        Kind::Choice(choices) => words(choices),
        Kind::Flag => words(&["false", "true"]),
        Kind::Model => model.models.clone(),
        Kind::Attack => model.attacks.clone(),
        // A path can be typed as well; the arrows go through the sets.
        Kind::Data => model.datasets.iter().map(|set| set.name.clone()).collect(),
        Kind::Typed | Kind::Optional => Vec::new(),
    }
}

/// Draws the form, with the cursor in the field in focus.
pub fn draw(model: &Model, view: &mut View, area: Rect, form: &Form) {
    let theme = model.theme;
    let place = super::centred(view, area, 96, form.fields.len() as u16 + 7);
    let title = match &form.purpose {
        Purpose::Keep => format!("settings of {}", form.preset),
        Purpose::Start { backend } => format!("run {} again on {backend}: Enter starts it", form.preset),
    };
    let mut block = theme.frame(title).border_style(theme.accent());
    let inner = block.inner(place);
    let [list, below] = [
        Rect { height: inner.height.saturating_sub(4), ..inner },
        Rect { y: inner.bottom().saturating_sub(4).max(inner.y), height: 4.min(inner.height), ..inner },
    ];
    let room = usize::from(list.height).max(1);
    let first = form.focus.saturating_sub(room * 2 / 3).min(form.fields.len().saturating_sub(room));
    let hidden = form.fields.len().saturating_sub(room);
    if hidden > 0 {
        let (up, down) = (theme.glyph("↑", "up"), theme.glyph("↓", "down"));
        let hint = format!(" {up} {first} more, {down} {} more ", hidden - first);
        block = block.title_bottom(Line::styled(hint, theme.dim()).right_aligned());
    }
    view.frame.render_widget(block, place);
    for (row, at) in (first..form.fields.len()).take(room).enumerate() {
        let line = Rect { y: list.y + row as u16, height: 1, ..list };
        draw_field(model, view, line, form, at);
        view.hits.add(line, Target::Item(at));
    }
    draw_help(model, view, below, form);
}

fn draw_field(model: &Model, view: &mut View, area: Rect, form: &Form, at: usize) {
    let theme = model.theme;
    let (field, has_focus) = (&form.fields[at], at == form.focus);
    let label = 32.min(usize::from(area.width) / 2);
    let unit = if field.setting.unit.is_empty() { String::new() } else { format!(" {}", field.setting.unit) };
    let room = usize::from(area.width).saturating_sub(label + unit.len() + 4).max(1);
    let scroll = if has_focus { field.input.visual_scroll(room.saturating_sub(1)) } else { 0 };
    let value: String = field.input.value().chars().skip(scroll).take(room).collect();
    let is_wrong = form.problem.as_ref().is_some_and(|problem| problem.key == field.setting.key);
    let style = match () {
        () if is_wrong => theme.bad(),
        () if field.is_changed() => theme.accent(),
        () => Style::new(),
    };
    let mark = match (has_focus, field.is_changed()) {
        (true, _) => theme.glyph("▸", ">"),
        (false, true) => theme.glyph("•", "*"),
        (false, false) => " ",
    };
    let name = format!("{mark} {:<label$}", field.setting.key, label = label - 2);
    let cursor = area.x + (label + field.input.visual_cursor().saturating_sub(scroll).min(room)) as u16;
    let value = if value.is_empty() && !has_focus { "-".to_owned() } else { value };
    let mut line = Line::from(vec![
        Span::styled(name, if has_focus { theme.strong() } else { theme.dim() }),
        Span::styled(value, style),
        Span::styled(unit, theme.dim()),
    ]);
    if has_focus && form.has_choices() {
        line.spans.push(Span::styled(theme.glyph("  ◂ ▸", "  < >"), theme.accent()));
    }
    view.frame.buffer_mut().set_line(area.x, area.y, &line, area.width);
    if has_focus {
        view.frame.set_cursor_position(Position::new(cursor.min(area.right().saturating_sub(1)), area.y));
    }
}

/// What the field in focus means, what is wrong, and the keys.
fn draw_help(model: &Model, view: &mut View, area: Rect, form: &Form) {
    let theme = model.theme;
    let Some(field) = form.fields.get(form.focus) else { return };
    let setting = field.setting;
    let range = match (field.choices.is_empty(), setting.kind) {
        (false, Kind::Data) => format!("{}, or a path", field.choices.join(", ")),
        (false, _) => field.choices.join(", "),
        (true, _) => setting.range.to_owned(),
    };
    let width = usize::from(area.width).saturating_sub(2);
    let own = match field.is_changed() {
        true if field.unchanged.is_empty() => " (preset: not set)".to_owned(),
        true => format!(" (preset: {})", field.unchanged),
        false => String::new(),
    };
    let problem = match &form.problem {
        Some(problem) => Line::styled(
            format!(" {}", format::cut(&problem.message.replace('\n', " "), width, theme.ascii)),
            theme.bad(),
        ),
        None => Line::default(),
    };
    let rule = theme.glyph("─", "-").repeat(area.width.into());
    let lines = vec![
        Line::styled(rule, theme.dim()),
        Line::raw(format!(" {}", format::cut(&format!("{}{own}", setting.help), width, theme.ascii))),
        Line::styled(format!(" {}", format::cut(&range, width, theme.ascii)), theme.dim()),
        problem,
    ];
    view.frame.render_widget(Paragraph::new(Text::from(lines)), area);
}
