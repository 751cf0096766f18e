//! What the ledger holds: one record under each key ([`StateKey`]), read and written through a [`View`] that knows
//! what is loaded and what changed. Absent: how records are stored and proved; that belongs to the chain.

mod state_key;
mod view;

pub use state_key::{KEY_BYTES_MAX, StateKey};
pub(crate) use view::{Applied, Stop, View};
