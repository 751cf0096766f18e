//! One node with all roles in one process: chain, provider, gateway, explorer, network API.
//!
//! The order of start is the order of the flow; the order of shutdown is the same: stop admitting, finish streams, settle,
//! stop the chain. Absent: rules of any role; this is wiring.

pub mod api;
pub mod feed;
pub mod library;
pub mod machine;
pub mod provision;
