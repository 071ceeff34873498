//! The loop of the one thread that draws: takes messages, changes the model, does what the terminal is needed
//! for, draws when something changed.

use std::io::Write;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::MouseEventKind;

use super::asking::Asking;
use super::effect::{Effect, Performer};
use super::model::Model;
use super::msg::{Msg, Outcome};
use super::view::Hits;
use super::{INBOX, clipboard, editor, input, notify, terminal, update};
use crate::run;

/// Between two ticks.
const TICK: Duration = Duration::from_secs(1);

/// Between two pictures that pass, here and over SSH.
const BEAT: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));

/// How often things happen by themselves.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// At most one frame in this time.
    frame: Duration,
    /// Between two pictures that pass.
    beat: Duration,
}

impl Pace {
    /// At most 30 frames a second, 10 over SSH.
    pub fn new(over_ssh: bool) -> Self {
        let frame = Duration::from_millis(if over_ssh { 100 } else { 33 });
        Pace { frame, beat: if over_ssh { BEAT.1 } else { BEAT.0 } }
    }
}

/// What the loop needs besides model and screen.
pub struct Surroundings<'a> {
    /// Does what takes time.
    pub performer: &'a Performer,
    /// The thread that reads keys.
    pub reader: &'a input::Reader,
    /// How often things happen by themselves.
    pub pace: Pace,
    /// Copies go into tmux's buffer.
    pub in_tmux: bool,
    /// How the end of a run is announced.
    pub notify: notify::Kind,
}

/// What a click or a turn of the wheel means where it happened.
fn located(msg: Msg, hits: &Hits) -> Option<Msg> {
    let Msg::Mouse(mouse) = msg else { return Some(msg) };
    let hit = hits.at(mouse.column, mouse.row);
    match mouse.kind {
        MouseEventKind::ScrollUp => Some(Msg::Scrolled(hit.map(|hit| hit.target), -1)),
        MouseEventKind::ScrollDown => Some(Msg::Scrolled(hit.map(|hit| hit.target), 1)),
        _ => hit.map(Msg::Clicked),
    }
}

/// Hands the terminal to an editor on a preset, and reads the presets again.
fn edit_preset(name: &str, screen: &mut terminal::Screen, around: &Surroundings) -> anyhow::Result<()> {
    let outcome = match editor::file_of(name, &around.performer.user_presets) {
        Err(message) => Err(message),
        Ok(file) => {
            around.reader.hold();
            terminal::restore();
            let edited = editor::edit(&file, |name| std::env::var(name).ok());
            screen.enter()?;
            around.reader.go_on();
            edited.map(|()| file.file_stem().unwrap_or_default().to_string_lossy().into_owned())
        }
    };
    let performer = around.performer.clone();
    // The inbox is this thread's own: it must not wait for itself.
    thread::spawn(move || {
        performer.load_presets();
        let _ = performer.inbox.send(Msg::Finished(Outcome::Edited(outcome)));
    });
    Ok(())
}

/// Runs until the person leaves.
///
/// # Errors
/// If the terminal cannot be used any more, or another part of the program panicked.
pub fn run(
    model: &mut Model,
    screen: &mut terminal::Screen,
    messages: &Receiver<Msg>,
    around: &Surroundings,
    mut asking: Asking,
) -> anyhow::Result<()> {
    let Surroundings { performer, pace: Pace { frame: per_frame, beat: per_beat }, .. } = *around;
    let mut beat: Option<Instant> = None;
    let mut drawn: Option<Instant> = None;
    let mut tick = Instant::now() + TICK;
    // Written once a second at most; the way out writes the last one.
    let mut session: Option<Effect> = None;
    while !model.is_leaving {
        let now = Instant::now();
        let mut until = tick;
        if let Some(due) = screen.picture_due() {
            until = until.min(due.max(drawn.map_or(now, |drawn| drawn + per_frame)));
        }
        if model.is_dirty {
            until = until.min(drawn.map_or(now, |drawn| drawn + per_frame));
        }
        beat = match (model.is_playing(), beat) {
            (true, None) => Some(now + per_beat),
            (true, due) => due,
            (false, _) => None,
        };
        until = beat.map_or(until, |beat| until.min(beat));
        let first = match messages.recv_timeout(until.saturating_duration_since(now)) {
            Ok(msg) => Some(msg),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => anyhow::bail!("the input thread is gone"),
        };
        let mut waiting = first.into_iter().chain(std::iter::from_fn(|| messages.try_recv().ok()));
        let batch: Vec<Msg> = waiting.by_ref().take(4 * INBOX).collect();
        let timer = (tick <= Instant::now()).then(|| {
            tick = Instant::now() + TICK;
            session.take().into_iter().for_each(|save| performer.perform(save));
            Msg::Tick(run::now())
        });
        let beaten = beat.take_if(|beat| *beat <= Instant::now()).map(|_| Msg::Beat);
        let located = batch.into_iter().filter_map(|msg| located(msg, &screen.hits)).collect::<Vec<_>>();
        for msg in located.into_iter().chain(timer).chain(beaten) {
            let msg = match msg {
                Msg::Answered(answers) => {
                    asking.heard(*answers, model, screen, around.reader)?;
                    continue;
                }
                msg => msg,
            };
            for effect in update::update(model, msg) {
                match effect {
                    Effect::Redraw => screen.repaint()?,
                    Effect::AskTerminal => asking.ask(screen, around.reader)?,
                    Effect::Suspend if !crate::sys::can_be_continued() => {
                        update::update(model, Msg::CannotSuspend);
                    }
                    Effect::Suspend => {
                        terminal::restore();
                        crate::sys::stop_group();
                        screen.enter()?;
                        model.size = screen.size()?;
                        model.is_dirty = true;
                    }
                    Effect::EditPreset { name } => {
                        edit_preset(&name, screen, around)?;
                        model.size = screen.size()?;
                        model.is_dirty = true;
                    }
                    Effect::Copy(text) => {
                        let directory = clipboard::directory(&model.log_file);
                        let copied = clipboard::copy(&text, &directory, around.in_tmux, screen.out());
                        update::update(model, Msg::Finished(Outcome::Copied(copied)));
                    }
                    Effect::Notify(text) => {
                        let out = screen.out();
                        out.write_all(&notify::bytes(around.notify, &text))?;
                        out.flush()?;
                    }
                    save @ Effect::SaveSession(_) => session = Some(save),
                    other => performer.perform(other),
                }
            }
        }
        anyhow::ensure!(
            terminal::is_owned(),
            "a part of gialab failed; see above and {}; runs go on",
            model.log_file.display()
        );
        model.is_dirty |= screen.picture_due().is_some_and(|due| due <= Instant::now());
        if model.is_dirty && drawn.is_none_or(|drawn| drawn + per_frame <= Instant::now()) {
            model.is_dirty = false;
            screen.draw(model)?;
            drawn = Some(Instant::now());
        }
    }
    Ok(())
}
