//! API types and the Rust client.
