//! Pictures in terminals.
