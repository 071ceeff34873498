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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::mpsc;

    use super::*;
    use crate::tui::fixture;

    /// The program of this test knows no such command: what it says of that is the answer.
    #[test]
    fn of_questions_in_quick_succession_the_newest_is_answered_alone() {
        let (ask, questions) = mpsc::channel();
        let (inbox, news) = mpsc::sync_channel(8);
        let config = |seed| {
            let mut config = fixture::presets().remove(0).config;
            config.run.seed = seed;
            Question::Of(Box::new(config))
        };
        (0..3).for_each(|seed| ask.send(config(seed)).unwrap());
        let thread = std::thread::spawn(move || answer(&questions, &inbox));
        let answered = news.recv_timeout(Duration::from_secs(20)).unwrap();
        let Msg::Previewed(config_of, Err(said)) = answered else { panic!("{answered:?}") };
        assert_eq!(config_of.run.seed, 2);
        assert!(!said.is_empty());
        // What is taken back before it has rested is not computed.
        ask.send(config(7)).unwrap();
        ask.send(Question::Nothing).unwrap();
        assert!(news.recv_timeout(3 * REST).is_err());
        ask.send(Question::End).unwrap();
        thread.join().unwrap();
    }
}
