//! What accounts ask of markets.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::Side;
use crate::{AccountId, Amount, BasisPoints, Name};

/// What an account asks of markets.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MarketAction {
    /// Close the running round of a class: the next quote follows from its totals, and the capacity fund buys. Anyone may
    /// send it, once the epoch in which the round began is over.
    CloseRound {
        /// Which class.
        class: Name,
    },
    /// Ask the capacity fund to pay for new capacity. Sender: a provider whose cluster is new in the class.
    BidCapacity {
        /// Which class.
        class: Name,
        /// How much per epoch, in uC of reference price.
        capacity: Amount,
        /// What one C of capacity in one epoch costs, in uC.
        price: Amount,
    },
    /// Give what an ended award did not pay back to the fund. Anyone may send it.
    EndAward {
        /// Which class.
        class: Name,
        /// Whose.
        provider: AccountId,
    },
    /// Offer reserved capacity. Sender: a provider.
    OfferLease {
        /// Which class.
        class: Name,
        /// How much per epoch, in uC of reference price.
        capacity: Amount,
        /// Price of one epoch.
        price: Amount,
        /// The longest time, in epochs.
        epochs_max: u64,
    },
    /// Withdraw an offer of reserved capacity. Sender: the provider.
    WithdrawLease {
        /// Its number.
        number: u64,
    },
    /// Lease capacity from the next epoch on; all of it is prepaid.
    TakeLease {
        /// Whose.
        provider: AccountId,
        /// The offer's number.
        number: u64,
        /// For how long.
        epochs: u64,
    },
    /// Give a lease to another account. Sender: its holder.
    TransferLease {
        /// Whose capacity.
        provider: AccountId,
        /// The lease's number.
        number: u64,
        /// To whom.
        to: AccountId,
    },
    /// Pay the provider for elapsed epochs with a heartbeat, and the holder back for those without. Anyone may send it.
    CollectLease {
        /// Whose capacity.
        provider: AccountId,
        /// The lease's number.
        number: u64,
    },
    /// Sell a part of a model's future earnings as notes, in the auction of the next epoch. Sender: the model's owner.
    IssueNotes {
        /// Which model.
        model: Name,
        /// The part of its earnings.
        share: BasisPoints,
        /// For how many epochs.
        epochs: u64,
        /// How many notes.
        units: u64,
        /// The least price of a note.
        reserve: Amount,
    },
    /// Buy or sell notes in the auction of this epoch.
    OrderNotes {
        /// Which model.
        model: Name,
        /// Which series.
        series: u64,
        /// This epoch: an order that comes late is refused and not moved to another auction.
        epoch: u64,
        /// Buy or sell.
        side: Side,
        /// How many notes.
        units: u64,
        /// The worst price of a note.
        price: Amount,
    },
    /// Clear the auction of an epoch that is over. Anyone may send it.
    ClearNotes {
        /// Which model.
        model: Name,
        /// Which series.
        series: u64,
        /// Which epoch.
        epoch: u64,
    },
    /// Claim what notes have earned.
    ClaimNotes {
        /// Which model.
        model: Name,
        /// Which series.
        series: u64,
    },
}

impl MarketAction {
    /// The action's name, as wallets show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CloseRound { .. } => "Close round",
            Self::BidCapacity { .. } => "Bid capacity",
            Self::EndAward { .. } => "End award",
            Self::OfferLease { .. } => "Offer lease",
            Self::WithdrawLease { .. } => "Withdraw lease",
            Self::TakeLease { .. } => "Take lease",
            Self::TransferLease { .. } => "Transfer lease",
            Self::CollectLease { .. } => "Collect lease",
            Self::IssueNotes { .. } => "Issue notes",
            Self::OrderNotes { .. } => "Order notes",
            Self::ClearNotes { .. } => "Clear notes",
            Self::ClaimNotes { .. } => "Claim notes",
        }
    }

    /// What the action does, in plain words.
    pub fn summary(&self) -> String {
        match self {
            Self::CloseRound { class } => format!("Close the round of the class {class}"),
            Self::BidCapacity { class, capacity, price } => format!(
                "Offer the capacity fund {capacity} C of new capacity per epoch in {class} at {price} C for each C"
            ),
            Self::EndAward { class, provider } => {
                format!("End the award of {provider} in {class}")
            }
            Self::OfferLease { class, capacity, price, epochs_max } => format!(
                "Lease out {capacity} C of capacity per epoch in {class} at {price} C an epoch, for at most {epochs_max} epochs"
            ),
            Self::WithdrawLease { number } => format!("Withdraw the offer of the lease {number}"),
            Self::TakeLease { provider, number, epochs } => {
                format!("Take the lease {number} of {provider} for {epochs} epochs, prepaid")
            }
            Self::TransferLease { provider, number, to } => {
                format!("Give the lease {number} of {provider} to {to}")
            }
            Self::CollectLease { provider, number } => {
                format!("Pay and refund the elapsed epochs of the lease {number} of {provider}")
            }
            Self::IssueNotes { model, share, epochs, units, reserve } => format!(
                "Sell {} basis points of what {model} earns in {epochs} epochs as {units} notes for at least {reserve} C each",
                share.0
            ),
            Self::OrderNotes { model, series, epoch, side, units, price } => format!(
                "{} {units} notes of series {series} of {model} at {price} C or better in the auction of epoch {epoch}",
                match side {
                    Side::Buy => "Buy",
                    Side::Sell => "Sell",
                }
            ),
            Self::ClearNotes { model, series, epoch } => {
                format!("Clear the auction of epoch {epoch} for series {series} of {model}")
            }
            Self::ClaimNotes { model, series } => {
                format!("Claim what notes of series {series} of {model} have earned")
            }
        }
    }
}
