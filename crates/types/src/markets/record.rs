//! Records of markets. Those that hold money say how much is in custody.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::Side;
use crate::models::Earned;
use crate::{AccountId, Amount, BasisPoints, Name};

/// The posted price of a class, and how fast it moves.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct PriceRecord {
    /// In millionths of the reference price.
    pub price: u64,
    /// The gain, in 1/65536.
    pub gain: u64,
    /// Whether the last step was up; `None` when it stood still.
    pub rose: Option<bool>,
}

/// The quote of one round. It stays, so that receipts of the round can be settled and proved whenever they come.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct QuoteRecord {
    /// In millionths of the reference price.
    pub price: u64,
    /// Whether the provider part of the premium is capped.
    pub capped: bool,
    /// The epoch in which the round began.
    pub epoch: u64,
}

/// A bid to the capacity fund.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct CapacityBid {
    /// Who.
    pub provider: AccountId,
    /// Its cluster; one bid each.
    pub cluster: AccountId,
    /// How much capacity per epoch, in uC of reference price.
    pub capacity: Amount,
    /// What it asks for one C of capacity in one epoch, in uC.
    pub price: Amount,
}

/// The bids of one class that wait for the end of the round.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct CapacityBookRecord {
    /// In the order in which they came, at most `AUCTION_ORDERS_MAX`.
    pub bids: Vec<CapacityBid>,
}

/// What the capacity fund pays a provider for.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct AwardRecord {
    /// The capacity per epoch that was bought.
    pub capacity: Amount,
    /// The price of one C of capacity in one epoch, in uC.
    pub price: Amount,
    /// The first epoch in which it pays no more.
    pub until_epoch: u64,
    /// What is set aside for it, in custody.
    pub held: Amount,
}

/// A lease that a provider offers.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct LeaseOffer {
    /// Which resource class.
    pub class: Name,
    /// How much capacity per epoch, in uC of reference price.
    pub capacity: Amount,
    /// Price of one epoch.
    pub price: Amount,
    /// The longest time.
    pub epochs_max: u64,
}

/// Reserved capacity.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// Its number at the provider.
    pub number: u64,
    /// Whose it is now: requests of this account are served first, and refunds go here.
    pub holder: AccountId,
    /// What was offered.
    pub offer: LeaseOffer,
    /// The first epoch.
    pub begins_epoch: u64,
    /// The first epoch after it.
    pub ends_epoch: u64,
    /// Epochs with a heartbeat that showed the capacity and were not collected yet.
    pub kept: u64,
    /// The last of them.
    pub kept_epoch: Option<u64>,
    /// Epochs before this one are paid or refunded.
    pub collected_epoch: u64,
    /// What of the prepayment is left, in custody.
    pub held: Amount,
}

/// All leases of one provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct LeaseBookRecord {
    /// Numbers given so far.
    pub numbers: u64,
    /// What can be leased, by number.
    pub offers: Vec<(u64, LeaseOffer)>,
    /// What is leased. Together with the offers at most `LEASES_PER_PROVIDER_MAX`.
    pub leases: Vec<LeaseRecord>,
}

/// A series of revenue notes on one model.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct SeriesRecord {
    /// The part of the model's earnings.
    pub share: BasisPoints,
    /// How long it takes it, in epochs.
    pub epochs: u64,
    /// Notes issued; after the first auction, notes sold.
    pub units: u64,
    /// The least price of a note in the first auction.
    pub reserve: Amount,
    /// The most that the first auction may raise.
    pub raise_max: Amount,
    /// The epoch of the first auction.
    pub auction_epoch: u64,
    /// First epoch whose earnings are shared; `None` before the first auction is cleared.
    pub begins_epoch: Option<u64>,
    /// Earnings that have not matured, by epoch, increasing.
    pub pending: Vec<Earned>,
    /// Earnings that have matured, in total.
    pub matured: Amount,
    /// Earnings that were claimed, in total.
    pub claimed: Amount,
}

/// Notes of one account in one series.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct HoldingRecord {
    /// How many.
    pub units: u64,
    /// How many of them wait in sell orders.
    pub listed: u64,
    /// What of the series had matured when it was last counted.
    pub counted: Amount,
    /// What is owed from before that.
    pub owed: Amount,
}

/// An order that waits for an auction of notes.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct NoteOrder {
    /// Who.
    pub account: AccountId,
    /// Which side.
    pub side: Side,
    /// How many notes.
    pub units: u64,
    /// The worst price of a note.
    pub price: Amount,
}

/// The orders of one auction of notes. Buyers' money is in custody, sellers' notes are out of their holdings.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct NoteBookRecord {
    /// One for each account and side, at most `AUCTION_ORDERS_MAX` of each side.
    pub orders: Vec<NoteOrder>,
}

impl SeriesRecord {
    /// What is in custody; `None` when the record contradicts itself.
    pub fn custody(&self) -> Option<Amount> {
        let pending = Amount::sum(self.pending.iter().map(|earned| earned.amount))?;
        pending.plus(self.matured)?.minus(self.claimed)
    }
}

impl NoteBookRecord {
    /// What buyers have put into custody; `None` on overflow.
    pub fn custody(&self) -> Option<Amount> {
        let buys = self.orders.iter().filter(|order| order.side == Side::Buy);
        buys.map(|order| order.price.fraction(order.units, 1))
            .try_fold(Amount::ZERO, |sum, cost| sum.plus(cost?))
    }
}

impl LeaseBookRecord {
    /// What lessees have prepaid and was not collected; `None` on overflow.
    pub fn custody(&self) -> Option<Amount> {
        Amount::sum(self.leases.iter().map(|lease| lease.held))
    }
}
