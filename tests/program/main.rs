//! The program as its users meet it. One binary, because each links the whole engine.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod architecture;
mod bad_input;
mod captured;
mod commands;
mod data;
mod export;
mod federation;
mod files;
mod help;
mod interface;
mod lab;
mod life;
mod life_of_viewer;
mod lists;
mod local_training;
mod pictures;
mod probe;
mod recovery;
mod screen;
mod scripted;
mod server;
mod terminal;
mod truth;
mod updates;
mod weights;
