//! The steps of post-processing in the form: a list that is added to, taken from, ordered, and changed step by step.

use std::mem::discriminant;
use std::ops::Range;

use tui_input::Input;

use super::{Field, Form, Subject};
use crate::catalogue::defence::{Defence, defence};
use crate::config::preset::Refused;
use crate::config::{Post, inline};

impl Form {
    /// How many steps there are.
    pub fn steps(&self) -> usize {
        self.fields.iter().filter(|field| matches!(field.subject, Subject::Step(..))).count()
    }

    /// Place of the step in focus.
    pub fn step_in_focus(&self) -> Option<usize> {
        self.fields.get(self.focus).and_then(Field::step)
    }

    /// Adds a step with its defaults behind the one in focus, or at the end. What must be said of it gets the keys.
    pub fn add_step(&mut self, defence: &'static Defence) {
        let at = self.step_in_focus().map_or(self.steps(), |step| step + 1);
        let place = self.place_of(at);
        self.fields.splice(place..place, fields_of(&Post::typed(defence.name, []), defence));
        self.number_steps();
        let added = self.fields_of_step(at);
        let must = added.clone().find(|field| {
            matches!(self.fields[*field].subject, Subject::Parameter(_, parameter) if parameter.default.is_none())
        });
        self.filter.reset();
        self.look_at(must.unwrap_or(added.start));
        self.check();
    }

    /// Takes the step in focus away; the next one gets the keys, or the one before it.
    pub fn remove_step(&mut self) {
        let Some(at) = self.step_in_focus() else { return };
        self.fields.drain(self.fields_of_step(at));
        self.number_steps();
        let next = at.min(self.steps().saturating_sub(1));
        // Without a step it is the list itself.
        let to = if self.steps() == 0 { self.list().unwrap_or(0) } else { self.fields_of_step(next).start };
        self.look_at(to);
        self.check();
    }

    /// Moves the step in focus by so many places, with the keys.
    pub fn move_step(&mut self, by: isize) {
        let Some(at) = self.step_in_focus() else { return };
        let Some(to) = at.checked_add_signed(by).filter(|to| *to < self.steps()) else { return };
        let inside = self.focus - self.fields_of_step(at).start;
        let moved: Vec<Field> = self.fields.drain(self.fields_of_step(at)).collect();
        self.number_steps();
        let place = self.place_of(to);
        self.fields.splice(place..place, moved);
        self.number_steps();
        self.look_at(place + inside);
        self.check();
    }

    /// Makes these the steps.
    pub(super) fn list_steps(&mut self, steps: &[Post]) {
        self.fields.retain(|field| field.step().is_none());
        let Some(list) = self.list() else { return };
        let known = steps.iter().filter_map(|step| Some(fields_of(step, defence(&step.kind)?)));
        let fields: Vec<Field> = known.flatten().collect();
        self.fields.splice(list + 1..list + 1, fields);
        self.number_steps();
    }

    /// After another defence was chosen for a step: it has its parameters, and keeps what both have.
    pub(super) fn take_kind(&mut self) {
        let Some(Field { subject: Subject::Step(at, before), input, .. }) = self.fields.get(self.focus)
        else {
            return;
        };
        let (at, before) = (*at, *before);
        let Some(chosen) = defence(input.value()) else { return };
        let takes = |defence: &Defence, name: &str| {
            let parameter = defence.parameters.iter().find(|parameter| parameter.name == name);
            parameter.map(|parameter| discriminant(&parameter.takes))
        };
        let step = self.step_at(at);
        let kept: Vec<(&str, String)> = chosen
            .parameters
            .iter()
            .filter(|parameter| takes(before, parameter.name) == takes(chosen, parameter.name))
            .map(|parameter| (parameter.name, step.text(parameter.name)))
            .collect();
        let step = Post::typed(chosen.name, kept.iter().map(|(name, text)| (*name, text.as_str())));
        self.fields.splice(self.fields_of_step(at), fields_of(&step, chosen));
        self.number_steps();
    }

    /// Writes the steps into the list.
    pub(super) fn gather_steps(&mut self) {
        let steps: Vec<Post> = (0..self.steps()).map(|at| self.step_at(at)).collect();
        if let Some(list) = self.list() {
            self.fields[list].input = Input::new(inline(&steps));
        }
    }

    /// A refusal of the list as one of the field that it names.
    pub(super) fn of_step(&self, refused: Refused) -> Refused {
        let is_named = |field: &&Field| {
            let rest = refused.message.strip_prefix(&*field.key());
            rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        };
        let own = self.fields.iter().filter(|field| field.step().is_some()).find(is_named);
        match own.filter(|_| refused.key == "post") {
            Some(field) => Refused { key: field.key().into_owned(), ..refused },
            None => refused,
        }
    }

    /// The step at this place, as typed.
    fn step_at(&self, at: usize) -> Post {
        let fields = &self.fields[self.fields_of_step(at)];
        let kind = fields.first().map_or("", Field::value);
        let parameters = fields.iter().filter_map(|field| match field.subject {
            Subject::Parameter(_, parameter) => Some((parameter.name, field.value())),
            Subject::Setting(_) | Subject::Step(..) => None,
        });
        Post::typed(kind, parameters)
    }

    /// Position of the list.
    fn list(&self) -> Option<usize> {
        self.fields.iter().position(Field::is_list)
    }

    /// Position at which the fields of a step at this place begin, or would.
    fn place_of(&self, at: usize) -> usize {
        let behind = self.list().map_or(0, |list| list + 1);
        let belongs = |field: &&Field| field.step().is_some_and(|step| step < at);
        behind + self.fields[behind..].iter().take_while(belongs).count()
    }

    /// Positions of a step's fields.
    fn fields_of_step(&self, at: usize) -> Range<usize> {
        self.place_of(at)..self.place_of(at + 1)
    }

    /// Numbers the steps as they stand, each beside the preset's own at its place.
    fn number_steps(&mut self) {
        let mut next = 0;
        let mut own: Option<&Post> = None;
        for field in &mut self.fields {
            match &mut field.subject {
                Subject::Setting(_) => {}
                Subject::Step(at, defence) => {
                    *at = next;
                    own = self.base.post.get(next).filter(|own| own.kind == defence.name);
                    field.unchanged = own.map(|own| own.kind.clone()).unwrap_or_default();
                    next += 1;
                }
                Subject::Parameter(at, parameter) => {
                    *at = next.saturating_sub(1);
                    field.unchanged = own.map(|own| own.text(parameter.name)).unwrap_or_default();
                }
            }
        }
    }
}

/// Which defence a step is, and its parameters.
fn fields_of(step: &Post, defence: &'static Defence) -> Vec<Field> {
    let parameters = defence.parameters.iter();
    let parameters = parameters.map(|parameter| Field::of_parameter(0, parameter, step.text(parameter.name)));
    [Field::of_step(0, defence)].into_iter().chain(parameters).collect()
}
