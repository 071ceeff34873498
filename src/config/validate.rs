//! Checks a config once, before anything is computed.
