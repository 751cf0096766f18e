//! The tables and properties of escrow.

mod claims;
mod forfeits;
mod holds;
mod parts;
