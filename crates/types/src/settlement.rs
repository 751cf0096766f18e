//! Words of settlement beside batches: refunds of single receipts. Absent: the rules; they are in `ledger`.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{AccountId, Amount, ChannelId};

/// A provider's consent that a receipt is refunded out of what it earned, signed like a voucher: over everything that it
/// gives for the receipt so far, so that one signature counts once.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct RefundConsent {
    /// Who gives.
    pub provider: AccountId,
    /// The epoch of the tranche from which it gives.
    pub epoch: u64,
    /// Everything that it gives for this receipt so far, this refund included.
    pub cumulative: Amount,
    /// Its account's signature (EIP-712), 65 bytes `r ‖ s ‖ v`, in hexadecimal in JSON.
    #[serde(with = "crate::transaction::signature_hex")]
    pub signature: [u8; 65],
}

/// A refund of one settled receipt.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Refund {
    /// The batch that settled it.
    pub batch: u64,
    /// Its number at the gateway.
    pub receipt: u64,
    /// The channel that paid it: its consumer is refunded.
    pub channel: ChannelId,
    /// What it charged, as the receipt says. Refunds of one receipt name the same.
    pub charged: Amount,
    /// How much goes back now.
    pub amount: Amount,
    /// Whether the receipt failed: then nothing of its charge stays.
    pub failed: bool,
    /// Out of the provider's tranche, with its consent; without one out of the gateway's balance.
    pub consent: Option<RefundConsent>,
}

/// What a gateway asks for beside settling batches.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SettlementAction {
    /// Give a consumer back what a receipt charged, or a part of it. Sender: the gateway.
    Refund(Refund),
}

impl SettlementAction {
    /// The action's name, as wallets show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Refund(_) => "Refund",
        }
    }

    /// What the action does, in plain words.
    pub fn summary(&self) -> String {
        match self {
            Self::Refund(refund) => {
                let from = match &refund.consent {
                    Some(consent) => {
                        format!("the tranche of epoch {} of {}", consent.epoch, consent.provider)
                    }
                    None => "the gateway's balance".to_owned(),
                };
                let failed = if refund.failed { " that failed" } else { "" };
                format!(
                    "Refund {} C of the {} C that receipt {}{failed} charged, out of {from}",
                    refund.amount, refund.charged, refund.receipt
                )
            }
        }
    }
}

/// What happened to settled receipts.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs, reason = "field names repeat the action's documented fields")]
pub enum SettlementEvent {
    /// A receipt was refunded; the money is in the `Moved` event beside it.
    Refunded {
        gateway: AccountId,
        receipt: u64,
        consumer: AccountId,
        amount: Amount,
        refunded: Amount,
        failed: bool,
    },
}

/// What was refunded of one receipt.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct RefundRecord {
    /// The channel that paid it; `None` while only an audit gave something back, which does not know it.
    pub channel: Option<ChannelId>,
    /// Whom it was given back to.
    pub consumer: AccountId,
    /// What it charged.
    pub charged: Amount,
    /// What went back so far, by the gateway or by an audit.
    pub refunded: Amount,
    /// What of it its provider gave.
    pub by_provider: Amount,
    /// Whether it failed.
    pub failed: bool,
}
