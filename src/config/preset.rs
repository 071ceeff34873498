//! Presets: shipped with the program or read from a file, changed by overrides.
