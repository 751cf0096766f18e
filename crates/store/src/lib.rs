//! Durable things that are not chain state.
