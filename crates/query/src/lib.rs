//! Finalized events to read models: what pages and programs ask about the network, answered from memory.
//!
//! Rule: nothing here decides anything. Blocks arrive in order, from height 1, as [`facts::BlockFacts`]; the models
//! are rebuilt by replay at every start, and a block that arrives twice changes nothing. Receipts belong to gateways,
//! not to the chain; the gateway tells about them with [`facts::ReceiptFacts`], in any order, before or after the
//! batch that settles them. Names of accounts are local labels.
//!
//! Memory is bounded by [`settings::Limits`]: what grows with time is kept newest first, what was dropped is counted.
//! Absent: the chain, texts of contributions and answers, HTTP, disks, clocks.

pub mod facts;
pub mod settings;
pub mod views;

mod accounts;
mod blocks;
mod datanets;
mod lines;
mod market;
mod receipts;
mod settlement;
mod state;

mod answers;
mod concentration;
mod read;
mod search;

pub use facts::{
    BlockFacts, PayoutFacts, PoolFacts, ReceiptFacts, RetrievedFacts, ShareFacts, TransactionFacts,
};
pub use read::ReadModels;
pub use settings::{Limits, Settings};
pub use state::{Applied, ApplyError, ReceiptError};
