//! Durable things that are not chain state: a gateway's receipts, its batches in flight and its API keys, indexes that
//! grow and forget, and the lock that keeps a second process out of a directory.
//!
//! Rule: what a method acknowledged survives `kill -9` and power loss; what it did not acknowledge leaves no trace.
//! Absent: what the bytes mean, and the chain's own storage.

mod error;
mod index;
mod lock;
mod receipts;
mod records;

pub use error::StoreError;
pub use index::{IndexLimits, IndexStatus, IndexStore, Revoked, SegmentStatus, Source};
pub use lock::DirectoryLock;
pub use receipts::ReceiptStore;
pub use records::{ChannelState, NewReceipt, StoredBatch, StoredReceipt};
