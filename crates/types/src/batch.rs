//! A netted settlement batch: what a gateway asks the ledger to settle for a run of its receipts. The receipts stay
//! outside; their Merkle root is inside. Cost grows with the accounts touched, not with the receipts.
//! Absent: prompts, answers and single receipts.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{AccountId, Amount, ChannelId, ContributionId, Hash, Name};

/// What one channel owes, as a cumulative voucher.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Debit {
    /// Which channel.
    pub channel: ChannelId,
    /// Everything spent on the channel so far, this batch included.
    pub cumulative: Amount,
    /// The authorizer's signature over the voucher (EIP-712), 65 bytes `r ‖ s ‖ v`, in hexadecimal in JSON.
    #[serde(with = "crate::transaction::signature_hex")]
    pub voucher: [u8; 65],
}

/// What a provider earned: its part of the reference price and of the premium.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ProviderLine {
    /// Who.
    pub provider: AccountId,
    /// How much.
    pub amount: Amount,
}

/// What an account earned as a builder of a model's lineage.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct BuilderLine {
    /// The model that served.
    pub model: Name,
    /// Who, by the royalties of the lineage.
    pub account: AccountId,
    /// How much.
    pub amount: Amount,
}

/// What an owner of a contribution earned by attribution.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct DataLine {
    /// Where the contribution lives.
    pub datanet: Name,
    /// Which contribution.
    pub contribution: ContributionId,
    /// Who, one of its owners.
    pub owner: AccountId,
    /// How much.
    pub amount: Amount,
}

/// What a model's uplift pool received: a fifth of the data share, and what nobody explains.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct UpliftLine {
    /// Which model.
    pub model: Name,
    /// How much.
    pub amount: Amount,
}

/// The rounding carry of a model's data pool at this gateway, before and after the batch, in uC.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct CarryLine {
    /// Which model.
    pub model: Name,
    /// The carry that the ledger holds before the batch.
    pub before: Amount,
    /// The carry after it.
    pub after: Amount,
}

/// What a provider served in a resource class at the quote of one round. Completions without a class have none.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ClassLine {
    /// Which class.
    pub class: Name,
    /// Whose quote: the round of the class.
    pub round: u64,
    /// Who served.
    pub provider: AccountId,
    /// How many completions.
    pub receipts: u32,
    /// Sum of their reference prices.
    pub reference: Amount,
    /// Sum of their premiums.
    pub premium: Amount,
}

/// A batch. Lines are sorted by their keys, without repeats; a zero line is left out.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Batch {
    /// Number of the batch at this gateway, from 1, without gaps.
    pub number: u64,
    /// Sequence number of its first receipt at this gateway; one more than the last settled.
    pub first_receipt: u64,
    /// How many receipts.
    pub receipts: u32,
    /// Merkle root over the receipts in sequence order.
    pub receipts_root: Hash,
    /// Sum of the reference prices.
    pub reference_total: Amount,
    /// Sum of the congestion premiums.
    pub premium_total: Amount,
    /// Sum of the router fees, paid on top to the gateway.
    pub router_fee_total: Amount,
    /// Who pays.
    pub debits: Vec<Debit>,
    /// Providers' earnings.
    pub providers: Vec<ProviderLine>,
    /// Builders' earnings.
    pub builders: Vec<BuilderLine>,
    /// Contributors' earnings.
    pub data: Vec<DataLine>,
    /// Uplift pools.
    pub uplift: Vec<UpliftLine>,
    /// Rounding carries.
    pub carries: Vec<CarryLine>,
    /// To the verification fund.
    pub verification: Amount,
    /// To the maintenance fund, with the remainders of the split.
    pub maintenance: Amount,
    /// To the insurance fund.
    pub insurance: Amount,
    /// To the capacity fund, from premiums.
    pub capacity: Amount,
    /// Burned.
    pub burn: Amount,
    /// What was served in resource classes; their premiums are all there are.
    pub classes: Vec<ClassLine>,
}
