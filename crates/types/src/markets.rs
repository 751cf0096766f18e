//! Words of markets: posted prices by resource class, the capacity fund, leases, and revenue notes.
//! Absent: the rules; they are in `ledger`.

mod action;
mod parameters;
mod record;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{AccountId, Amount, BasisPoints, Name};

pub use action::MarketAction;
pub use parameters::{ClassParameters, MarketParameters};
pub use record::{
    AwardRecord, CapacityBid, CapacityBookRecord, HoldingRecord, LeaseBookRecord, LeaseOffer, LeaseRecord,
    NoteBookRecord, NoteOrder, PriceRecord, QuoteRecord, SeriesRecord,
};

/// The posted price that is the reference price itself: prices are in millionths of the reference price.
pub const PRICE_WHOLE: u64 = 1_000_000;

/// The price at which a completion of a class was quoted.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Quoted {
    /// Which resource class.
    pub class: Name,
    /// The round of the class whose quote it is.
    pub round: u64,
    /// The posted price in millionths of the reference price; at least [`PRICE_WHOLE`].
    pub price: u64,
    /// Whether the provider part of the premium is capped, because too few clusters could serve without the largest.
    pub capped: bool,
}

/// Which side of a market an order is on.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Pays credits.
    Buy,
    /// Gives notes.
    Sell,
}

impl Side {
    /// The side in plain words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

/// What happened in markets. Money is in the `Moved` events beside them.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs, reason = "field names repeat the documented fields of actions and records")]
pub enum MarketEvent {
    /// A round of a class was closed; `round` is the new one, with its quote.
    RoundClosed {
        class: Name,
        round: u64,
        price: u64,
        gain: u64,
        capped: bool,
        capacity: Amount,
        served: Amount,
    },
    /// Somebody asks the capacity fund to pay for new capacity.
    CapacityBid { class: Name, provider: AccountId, capacity: Amount, price: Amount },
    /// The capacity fund bought capacity; all who sold get the same price.
    CapacityAwarded { class: Name, provider: AccountId, capacity: Amount, price: Amount, until_epoch: u64 },
    /// An award ended; what was not earned went back to the fund.
    AwardEnded { class: Name, provider: AccountId, returned: Amount },
    /// Capacity can be leased.
    LeaseOffered { provider: AccountId, number: u64, offer: LeaseOffer },
    /// An offer of a lease ended untaken.
    LeaseWithdrawn { provider: AccountId, number: u64 },
    /// Capacity was leased and prepaid.
    LeaseTaken { provider: AccountId, number: u64, holder: AccountId, begins_epoch: u64, ends_epoch: u64 },
    /// A lease changed hands.
    LeaseTransferred { provider: AccountId, number: u64, from: AccountId, to: AccountId },
    /// The elapsed epochs of a lease were paid or refunded.
    LeaseCollected { provider: AccountId, number: u64, kept: u64, missed: u64 },
    /// A lease is over.
    LeaseEnded { provider: AccountId, number: u64 },
    /// Revenue notes are for sale in the auction of `auction_epoch`.
    NotesIssued {
        model: Name,
        series: u64,
        share: BasisPoints,
        epochs: u64,
        units: u64,
        reserve: Amount,
        auction_epoch: u64,
    },
    /// An order waits for its auction.
    NotesOrdered {
        model: Name,
        series: u64,
        epoch: u64,
        account: AccountId,
        side: Side,
        units: u64,
        price: Amount,
    },
    /// A better order took the place of this one in a full book.
    NotesDisplaced { model: Name, series: u64, epoch: u64, account: AccountId, side: Side, units: u64 },
    /// An auction was cleared: `units` changed hands, all at `price`.
    NotesCleared { model: Name, series: u64, epoch: u64, units: u64, price: Amount },
    /// Notes were bought or given in an auction.
    NotesFilled { model: Name, series: u64, epoch: u64, account: AccountId, side: Side, units: u64 },
    /// Earnings of a model went to its notes.
    NotesEarned { model: Name, series: u64, amount: Amount },
    /// Earnings were paid to a holder of notes.
    NotesClaimed { model: Name, series: u64, account: AccountId, amount: Amount },
}
