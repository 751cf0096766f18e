//! What the receipt store holds, in its own encoding (Borsh). A format number stands in the file, so a change here is a
//! new format.

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_types::{Amount, ChannelId, Hash, Name};

/// A receipt to be stored, with the state that it leaves behind.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct NewReceipt {
    /// Its number at this gateway; one more than the last.
    pub sequence: u64,
    /// Its id.
    pub id: String,
    /// The signed envelope.
    pub envelope: Vec<u8>,
    /// SHA-256 of the envelope's payload.
    pub payload_hash: Hash,
    /// Salt and texts, for the caller.
    pub opening: Vec<u8>,
    /// What it pays, line by line.
    pub lines: Vec<u8>,
    /// The channel that pays.
    pub channel: ChannelId,
    /// Everything spent on the channel so far, this receipt included.
    pub cumulative: Amount,
    /// The voucher over it.
    pub voucher: [u8; 65],
    /// The model that answered.
    pub model: Name,
    /// The model's rounding carry after this receipt.
    pub carry_after: Amount,
    /// Hash of the API key that asked.
    pub key_hash: Hash,
}

/// A stored receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReceipt {
    /// As it was appended.
    pub receipt: NewReceipt,
    /// The inclusion in its batch, once that is final.
    pub inclusion: Option<Vec<u8>>,
}

impl std::ops::Deref for StoredReceipt {
    type Target = NewReceipt;

    fn deref(&self) -> &NewReceipt {
        &self.receipt
    }
}

/// What was spent on a channel, as of the last receipt.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ChannelState {
    /// Everything spent so far.
    pub cumulative: Amount,
    /// The voucher over it.
    pub voucher: [u8; 65],
}

/// A batch that was built, and whether it is final.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StoredBatch {
    /// Its number at this gateway.
    pub number: u64,
    /// Number of its first receipt.
    pub first_receipt: u64,
    /// How many receipts.
    pub receipts: u32,
    /// The encoded batch.
    pub bytes: Vec<u8>,
    /// Height at which it was settled.
    pub settled_at: Option<u64>,
    /// Whether its receipts have their inclusion.
    pub included: bool,
}
