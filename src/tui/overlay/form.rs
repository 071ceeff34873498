//! The form that changes any setting of a preset, or of a run that is made again.

mod field;
mod screen;
mod steps;

use tui_input::Input;

pub use field::{Field, Subject};
pub use screen::draw;

use crate::catalogue;
use crate::config::preset::{self, ATTACK, Refused};
use crate::config::setting::{Kind, POST_PROCESSING, SECTIONS, SETTINGS};
use crate::config::{RunConfig, keys_of};
use crate::tui::PresetEntry;
use crate::tui::model::{Changes, Model};

/// The form being filled in.
#[derive(Debug)]
pub struct Form {
    /// Name of the preset.
    pub preset: String,
    /// What Enter does.
    pub purpose: Purpose,
    /// One for every setting, by section, and for what belongs to each step of post-processing.
    pub fields: Vec<Field>,
    /// Which field has the keys.
    pub focus: usize,
    /// What is typed takes the place of the value in focus, which nobody has edited yet.
    pub replaces: bool,
    /// Words that the shown fields have.
    pub filter: Input,
    /// Keys go to the filter.
    pub filtering: bool,
    /// Which field had the keys before the filter.
    before: usize,
    /// The first setting that cannot be used as it stands.
    pub problem: Option<Refused>,
    /// The config as it stands in the form; nothing where a setting cannot be used.
    pub checked: Option<RunConfig>,
    base: RunConfig,
    /// The attack whose settings stand in the fields.
    attack: String,
}

/// What the fields hold that nobody changed: the preset's values, and the settings that its attack has, or another one.
fn unchanged(base: &RunConfig, attack: &str) -> Changes {
    let own = preset::flat(base);
    let mut values = preset::with_attack(base, attack).unwrap_or_else(|| own.clone());
    values.extend(own.get_key_value(ATTACK).map(|(key, kind)| (key.clone(), kind.clone())));
    values
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
        let (unchanged, values) = (unchanged(base, now.attack.kind.name()), preset::flat(now));
        let of = |values: &Changes, key: &str| values.get(key).cloned().unwrap_or_default();
        let fields = SETTINGS.iter().map(|setting| {
            Field::of_setting(setting, of(&values, setting.key), of(&unchanged, setting.key), model)
        });
        let mut fields: Vec<Field> = fields.collect();
        fields.sort_by_key(|field| SECTIONS.iter().position(|name| *name == field.section()));
        let mut form = Form {
            preset: preset.to_owned(),
            purpose,
            fields,
            focus: 0,
            replaces: true,
            filter: Input::default(),
            filtering: false,
            before: 0,
            problem: None,
            checked: Some(now.clone()),
            attack: now.attack.kind.name().to_owned(),
            base: base.clone(),
        };
        form.list_steps(&now.post);
        form
    }

    /// Positions of the fields that the chosen attack takes and that have every word of the filter, in key, section, value or
    /// help.
    pub fn visible(&self) -> Vec<usize> {
        let filter = self.filter.value().to_lowercase();
        let taken = self.taken();
        let fits = |field: &Field| {
            let key = field.key();
            let of_attack = key.strip_prefix("attack.").and_then(|rest| rest.split('.').next());
            if of_attack.is_some_and(|name| !taken.is_empty() && !taken.iter().any(|key| key == name)) {
                return false;
            }
            let text = field.text().to_lowercase();
            filter.split_whitespace().all(|word| text.contains(word))
        };
        self.fields.iter().enumerate().filter(|(_, field)| fits(field)).map(|(at, _)| at).collect()
    }

    /// Keys of `[attack]` that the chosen attack takes; none if it is not known.
    fn taken(&self) -> Vec<String> {
        let chosen = self.fields.iter().find(|field| field.key() == ATTACK).map(Field::value);
        let Some(facts) = chosen.and_then(catalogue::facts) else { return Vec::new() };
        keys_of(facts).into_iter().chain(["kind".to_owned()]).collect()
    }

    /// Whether the filter has its row.
    pub fn is_filtered(&self) -> bool {
        self.filtering || !self.filter.value().is_empty()
    }

    /// Gives the keys to the filter.
    pub fn begin_filter(&mut self) {
        (self.filtering, self.before) = (true, self.focus);
    }

    /// Shows all fields again, with the keys where they were.
    pub fn clear_filter(&mut self) {
        self.filtering = false;
        self.filter.reset();
        self.look_at(self.before);
    }

    /// Gives the keys to a field, whose value what is typed replaces.
    pub fn look_at(&mut self, field: usize) {
        self.focus = field.min(self.fields.len().saturating_sub(1));
        self.replaces = true;
    }

    /// Gives the keys to the shown field that lies `by` fields from the one that has them; from the last to the first
    /// and back only if it `turns`.
    pub fn step(&mut self, by: isize, turns: bool) {
        let visible = self.visible();
        let Some(last) = visible.len().checked_sub(1) else { return };
        let at = visible.iter().rposition(|field| *field <= self.focus).unwrap_or(0);
        let to = match (at.checked_add_signed(by), turns) {
            (Some(to), _) if to <= last => to,
            (Some(_), true) => 0,
            (None, false) => 0,
            (Some(_), false) | (None, true) => last,
        };
        self.look_at(visible[to]);
    }

    /// After the filter changed: the keys are those of a field that is shown.
    pub fn keep_focus(&mut self) {
        let visible = self.visible();
        if let Some(first) = visible.first().filter(|_| !visible.contains(&self.focus)) {
            self.look_at(*first);
        }
    }

    /// The text field that keys go to.
    pub fn focused_input(&mut self) -> Option<&mut Input> {
        if self.filtering {
            return Some(&mut self.filter);
        }
        if !self.visible().contains(&self.focus) {
            return None;
        }
        self.fields.get_mut(self.focus).filter(|field| field.is_typed()).map(|field| &mut field.input)
    }

    /// Whether the value in focus can be typed.
    pub fn is_typed(&self) -> bool {
        self.fields.get(self.focus).is_some_and(Field::is_typed)
    }

    /// Whether the keys are those of post-processing.
    pub fn is_at_steps(&self) -> bool {
        self.fields.get(self.focus).is_some_and(|field| field.section() == POST_PROCESSING)
    }

    /// What differs from the preset.
    pub fn changes(&self) -> Changes {
        let changed = self.fields.iter().filter(|field| field.is_changed());
        let settings = changed.filter_map(|field| Some((field.setting()?.key, field.value())));
        settings.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// The config as it stands in the form.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn config(&self) -> Result<RunConfig, Refused> {
        self.changed().map_err(|refused| self.of_step(refused))
    }

    fn changed(&self) -> Result<RunConfig, Refused> {
        if let Some(refused) = self.fields.iter().find_map(Field::not_known) {
            return Err(refused);
        }
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

    /// Another attack brings its own settings into the fields that nobody changed.
    fn take_attack(&mut self) {
        let chosen = self.fields.iter().find(|field| field.key() == ATTACK).map(Field::value);
        let Some(facts) = chosen.and_then(catalogue::facts).filter(|facts| facts.name != self.attack) else {
            return;
        };
        self.attack = facts.name.to_owned();
        let values = unchanged(&self.base, facts.name);
        for field in
            self.fields.iter_mut().filter(|field| field.key().starts_with("attack.") && field.key() != ATTACK)
        {
            field.go_on_from(values.get(&*field.key()).cloned().unwrap_or_default());
        }
    }

    /// Looks again at what cannot be used.
    pub fn check(&mut self) {
        self.take_attack();
        self.gather_steps();
        let config = self.config();
        self.problem = config.as_ref().err().cloned();
        self.checked = config.ok();
    }

    /// Puts the preset's own value back into the field in focus.
    pub fn reset_field(&mut self) {
        match self.fields.get_mut(self.focus) {
            Some(field) if field.is_list() => self.list_steps(&self.base.post.clone()),
            Some(field) if field.is_typed() => field.input = Input::new(field.unchanged.clone()),
            Some(_) | None => {}
        }
        self.replaces = true;
        self.check();
    }

    /// Whether the field in focus has a few values to go through.
    pub fn has_choices(&self) -> bool {
        !self.filtering && self.fields.get(self.focus).is_some_and(|field| !field.choices.is_empty())
    }

    /// The next or previous of the values that the field in focus can have.
    pub fn choose(&mut self, by: isize) {
        let Some(field) = self.fields.get_mut(self.focus).filter(|field| !field.choices.is_empty()) else {
            return;
        };
        let count = field.choices.len() as isize;
        let now = Some(field.value()).filter(|value| !value.is_empty());
        let now = now.map(str::to_owned).or(field.default());
        let at = field.choices.iter().position(|choice| Some(choice) == now.as_ref());
        let to = at.map_or(0, |at| (at as isize + by).rem_euclid(count) as usize);
        field.input = Input::new(field.choices[to].clone());
        self.take_kind();
        self.replaces = true;
        self.check();
    }

    /// The path that a filter which nothing has may be meant for, and the key of its field: `/` begins a filter, and
    /// many a path.
    pub fn path_in_filter(&self) -> Option<(&'static str, String)> {
        let setting = self.fields.get(self.before)?.setting()?;
        let takes_path = matches!(setting.kind, Kind::Data | Kind::Path);
        let typed = self.filter.value().trim();
        (takes_path && self.filtering && typed.contains(['/', '.']) && self.visible().is_empty())
            .then(|| (setting.key, format!("/{typed}")))
    }

    /// Makes a path that was typed into the filter the value of its field.
    pub fn take_path(&mut self, path: String) {
        self.clear_filter();
        if let Some(field) = self.fields.get_mut(self.focus) {
            field.input = Input::new(path);
        }
        self.replaces = false;
        self.check();
    }
}
