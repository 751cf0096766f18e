//! One running validator: the handle that callers hold, and behind it the engine on its own thread.
//!
//! A call goes down this list: the handle asks, admission checks, the application builds and executes, pacing says
//! when, the service answers questions, the link reaches the other validators, the engine owns them all.
//! Absent: the rules (the caller's state machine) and the shapes of what is agreed on (one level up).

mod handle;

mod admission;
mod application;
mod pacing;
mod service;

mod link;

mod engine;

pub use handle::{Chain, ProveAt, StateValue, StateValues, Subscription};
