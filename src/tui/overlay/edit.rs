//! The form that changes a preset before it starts.

use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;
use tui_input::Input;

use crate::tui::model::{Model, Settings};
use crate::tui::view::View;
use crate::tui::{DatasetEntry, PresetEntry};

/// Iterations and trials beyond these are typing errors.
const MOST: usize = 100_000_000;

/// What a field sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Iterations of one trial.
    Iterations,
    /// Restarts.
    Trials,
    /// Seed of everything random.
    Seed,
    /// First picture of the batch.
    Picture,
    /// Data set or path.
    Data,
}

/// All fields in order.
pub const FIELDS: [Field; 5] = [Field::Iterations, Field::Trials, Field::Seed, Field::Picture, Field::Data];

impl Field {
    fn label(self) -> &'static str {
        match self {
            Field::Iterations => "iterations",
            Field::Trials => "trials",
            Field::Seed => "seed",
            Field::Picture => "picture",
            Field::Data => "data",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Field::Iterations => "optimiser steps of one trial",
            Field::Trials => "restarts; the smallest matching loss wins",
            Field::Seed => "of weights and first guesses",
            Field::Picture => "position in the set, from 1",
            Field::Data => "a built-in set, or a path (photo, folder, IDX, CIFAR-10)",
        }
    }
}

/// The form being filled in.
#[derive(Debug)]
pub struct Form {
    /// Preset's name.
    pub preset: String,
    /// Texts of [`FIELDS`].
    pub inputs: [Input; 5],
    /// Which field has the keys.
    pub focus: usize,
    unchanged: [String; 5],
}

impl Form {
    /// The form for a preset with its present settings.
    pub fn new(entry: &PresetEntry, model: &Model) -> Self {
        let texts = texts(&model.config_of(entry));
        Form {
            preset: entry.name.clone(),
            inputs: texts.map(Input::new),
            focus: 0,
            unchanged: self::texts(&entry.config),
        }
    }

    /// Why a field cannot be used.
    pub fn problem(&self, field: Field, datasets: &[DatasetEntry]) -> Option<String> {
        let text = self.inputs[field as usize].value().trim();
        match field {
            Field::Iterations | Field::Trials => match text.parse::<usize>() {
                Ok(1..=MOST) => None,
                _ => Some("a whole number from 1 up".into()),
            },
            // Presets are TOML, whose integers are signed.
            Field::Seed => match text.parse::<i64>() {
                Ok(0..) => None,
                _ => Some("a whole number from 0 up".into()),
            },
            Field::Data => text.is_empty().then(|| "the name of a set, or a path".into()),
            Field::Picture => {
                let data = self.inputs[Field::Data as usize].value().trim();
                let samples = datasets.iter().find(|set| set.name == data).map_or(MOST, |set| set.samples);
                match text.parse::<usize>() {
                    Ok(number) if (1..=samples).contains(&number) => None,
                    _ if samples == MOST => Some("a whole number from 1 up".into()),
                    _ => Some(format!("a whole number from 1 to {samples}")),
                }
            }
        }
    }

    /// The settings, if every field can be used. What equals the preset is left to the preset.
    pub fn settings(&self, datasets: &[DatasetEntry]) -> Option<Settings> {
        if FIELDS.iter().any(|field| self.problem(*field, datasets).is_some()) {
            return None;
        }
        let changed = |field: Field| {
            let text = self.inputs[field as usize].value().trim();
            (text != self.unchanged[field as usize]).then(|| text.to_owned())
        };
        let number = |field: Field| changed(field).and_then(|text| text.parse::<usize>().ok());
        let data = changed(Field::Data);
        // In another set the preset's own position means nothing: say it whenever the set changes.
        let picture = match &data {
            Some(_) => self.inputs[Field::Picture as usize].value().trim().parse::<usize>().ok(),
            None => number(Field::Picture),
        };
        Some(Settings {
            iterations: number(Field::Iterations),
            trials: number(Field::Trials),
            seed: changed(Field::Seed).and_then(|text| text.parse().ok()),
            picture: picture.map(|number| number - 1),
            data,
        })
    }

    /// Puts the preset's own value back into the field in focus.
    pub fn reset_field(&mut self) {
        self.inputs[self.focus] = Input::new(self.unchanged[self.focus].clone());
    }
}

fn texts(config: &crate::config::RunConfig) -> [String; 5] {
    [
        config.attack.iterations.to_string(),
        config.attack.trials.to_string(),
        config.run.seed.to_string(),
        (config.victim.indices.first().copied().unwrap_or(0) + 1).to_string(),
        config.victim.data.clone(),
    ]
}

/// Draws the form, with the cursor in the field in focus.
pub fn draw(model: &Model, view: &mut View, area: Rect, form: &Form) {
    let theme = model.theme;
    let place = super::centred(view, area, 76, 2 * FIELDS.len() as u16 + 4);
    let block = theme.frame(format!("settings of {}", form.preset)).border_style(theme.accent());
    let inner = block.inner(place);
    let room = usize::from(inner.width.saturating_sub(16)).max(1);
    let mut lines = Vec::new();
    for (i, field) in FIELDS.into_iter().enumerate() {
        let input = &form.inputs[i];
        let scroll = if i == form.focus { input.visual_scroll(room.saturating_sub(1)) } else { 0 };
        let value: String = input.value().chars().skip(scroll).take(room).collect();
        let mark = if i == form.focus { theme.glyph("▸", ">") } else { " " };
        let changed = if input.value().trim() == form.unchanged[i] { theme.strong() } else { theme.accent() };
        lines.push(Line::from(vec![
            Span::styled(format!(" {mark} {:<11} ", field.label()), theme.dim()),
            Span::styled(value, changed),
        ]));
        let (text, style) = match form.problem(field, &model.datasets) {
            Some(problem) => (problem, theme.bad()),
            None if i == form.focus => (field.hint().to_owned(), theme.dim()),
            None => (String::new(), theme.dim()),
        };
        lines.push(Line::styled(format!("{:15}{text}", ""), style));
        if i == form.focus {
            let column = input.visual_cursor().saturating_sub(scroll).min(room - 1) as u16;
            view.frame.set_cursor_position(Position::new(inner.x + 15 + column, inner.y + 2 * i as u16));
        }
    }
    lines.push(Line::styled(
        " Enter keeps   Esc leaves all as it was   Ctrl-R the preset's own value",
        theme.dim(),
    ));
    view.frame.render_widget(Paragraph::new(Text::from(lines)).block(block), place);
}
