//! The thread that finds out what the post-processing in a form does, in a process of its own: one at a time, and only the
//! newest question counts.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use super::effect::found;
use super::msg::Msg;
use crate::config::RunConfig;
use crate::run::launch::Measuring;

/// What is asked holds still for so long before it is computed.
const REST: Duration = Duration::from_millis(300);

/// Between two looks at the process.
const LOOK: Duration = Duration::from_millis(30);

/// What the screen asks.
#[derive(Debug)]
pub enum Question {
    /// What the steps of this config do.
    Of(Box<RunConfig>),
    /// Nothing any more.
    Nothing,
    /// The screen is gone.
    End,
}

/// Answers until the screen is gone. A process that nobody waits for any more is ended.
pub fn answer(questions: &Receiver<Question>, inbox: &SyncSender<Msg>) {
    let mut next = questions.recv();
    while let Ok(question) = next {
        next = match question {
            Question::End => return,
            Question::Nothing => questions.recv(),
            Question::Of(config) => match questions.recv_timeout(REST) {
                Ok(newer) => Ok(newer),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => match measured(*config, questions, inbox) {
                    Some(newer) => Ok(newer),
                    None => questions.recv(),
                },
            },
        };
    }
}

/// Sends what comes of a config; if another question comes before that, returns it instead.
fn measured(config: RunConfig, questions: &Receiver<Question>, inbox: &SyncSender<Msg>) -> Option<Question> {
    let begun = found(config.clone()).and_then(|config| Measuring::begin(&config).map_err(|e| e.to_string()));
    let answer = match begun {
        Err(message) => Err(message),
        Ok(mut process) => loop {
            match questions.recv_timeout(LOOK) {
                Ok(newer) => return Some(newer),
                Err(RecvTimeoutError::Disconnected) => return Some(Question::End),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(answer) = process.answer() {
                break answer;
            }
        },
    };
    // A screen that is gone asks no more.
    let _ = inbox.send(Msg::Previewed(Box::new(config), answer));
    None
}
