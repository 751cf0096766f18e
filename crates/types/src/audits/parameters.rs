//! The parameters of audits. Sources: mechanism notes, sections 1 and 4.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::parameters::EscrowParameters;
use crate::{Amount, BasisPoints};

/// How settled work is checked, and what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct AuditParameters {
    /// Least bond of an auditor, in OPEN.
    pub bond_min: Amount,
    /// The most that one cluster weighs in a draw.
    pub cluster_max: BasisPoints,
    /// What an auditor without reputation weighs; the rest of the weight follows reputation.
    pub newcomer_weight: BasisPoints,
    /// Silences in a row after which an auditor is no longer drawn.
    pub silences_max: u64,
    /// Part of the receipts that is audited at reputation 1, typical value and no recent faults.
    pub rate_base: BasisPoints,
    /// The least part.
    pub rate_min: BasisPoints,
    /// The greatest part, newcomers apart.
    pub rate_max: BasisPoints,
    /// First audits of a provider in which everything is audited.
    pub newcomer_jobs: u64,
    /// Audits after those in which the part falls to its regular value.
    pub taper_jobs: u64,
    /// What a receipt typically charges. The rate follows the value, by a factor of one half to four.
    pub value_typical: Amount,
    /// Epochs for which a fault counts.
    pub fault_epochs: u64,
    /// Epochs after the beacon's in which a draw can be sent.
    pub draw_epochs: u64,
    /// Epochs after those in which the gateway opens receipts.
    pub open_epochs: u64,
    /// Epochs in which auditors commit.
    pub commit_epochs: u64,
    /// Epochs in which auditors reveal.
    pub reveal_epochs: u64,
    /// Epochs in which gateways reveal their seeds.
    pub seed_epochs: u64,
    /// What a check costs, as a part of the provider's share.
    pub cost: BasisPoints,
    /// What it pays, in hundredths of its cost.
    pub fee_percent: u64,
    /// The least that a check pays.
    pub fee_min: Amount,
    /// The most that a check pays.
    pub fee_max: Amount,
    /// Part of the audits that are planted faults.
    pub planted: BasisPoints,
    /// Part of the passing verdicts that a second auditor checks.
    pub repeated: BasisPoints,
    /// What an auditor loses who passes a fault, in fees.
    pub auditor_slash: u64,
    /// What provider or gateway lose for a proven fault, in provider shares of the receipt.
    pub job_slash: u64,
    /// The stake at risk rises with the part of a cluster's audits that fail, by this factor.
    pub correlation: u64,
    /// Audits of a cluster that its fault rate is at least taken over.
    pub correlation_audits: u64,
    /// Epochs in which a ruling can be challenged.
    pub challenge_epochs: u64,
    /// Bond of a first challenge or a secret report, in credits; it doubles with each appeal.
    pub challenge_bond: Amount,
    /// Auditors who run the work again.
    pub panel: u64,
    /// Auditors of the first appeal; each further appeal takes twice as many and one.
    pub committee: u64,
    /// Auditors of the last appeal.
    pub committee_max: u64,
    /// What a secret reporter gets of what the colluders lose.
    pub report_reward: BasisPoints,
    /// Part of an epoch's rulings that may be faults; above it slashing pauses.
    pub breaker: BasisPoints,
    /// Rulings in an epoch below which it never pauses.
    pub breaker_rulings: u64,
    /// Epochs for which it pauses.
    pub breaker_epochs: u64,
    /// Liquid part of fees at reputation 0.
    pub liquid_low: BasisPoints,
    /// Liquid part of fees at reputation 1.
    pub liquid_high: BasisPoints,
    /// Epochs before anything else of a fee unlocks.
    pub cliff_epochs: u64,
    /// Epochs of linear unlocking after the cliff.
    pub linear_epochs: u64,
}

impl AuditParameters {
    /// The starting values.
    pub fn starting() -> Self {
        Self {
            bond_min: Amount(1_000_000_000),
            cluster_max: BasisPoints(500),
            newcomer_weight: BasisPoints(500),
            silences_max: 5,
            rate_base: BasisPoints(500),
            rate_min: BasisPoints(400),
            rate_max: BasisPoints(2_500),
            newcomer_jobs: 20,
            taper_jobs: 40,
            value_typical: Amount(10_000),
            fault_epochs: 30,
            draw_epochs: 1,
            open_epochs: 1,
            commit_epochs: 1,
            reveal_epochs: 1,
            seed_epochs: 1,
            cost: BasisPoints(8_000),
            fee_percent: 125,
            fee_min: Amount(100),
            fee_max: Amount(100_000),
            planted: BasisPoints(1_000),
            repeated: BasisPoints(1_000),
            auditor_slash: 20,
            job_slash: 50,
            correlation: 3,
            correlation_audits: 20,
            challenge_epochs: 7,
            challenge_bond: Amount(1_000_000),
            panel: 3,
            committee: 15,
            committee_max: 63,
            report_reward: BasisPoints(5_000),
            breaker: BasisPoints(1_000),
            breaker_rulings: 20,
            breaker_epochs: 24,
            liquid_low: BasisPoints(2_500),
            liquid_high: BasisPoints(7_500),
            cliff_epochs: 7,
            linear_epochs: 30,
        }
    }

    /// How fees unlock.
    pub fn escrow(&self) -> EscrowParameters {
        EscrowParameters {
            liquid_low: self.liquid_low,
            liquid_high: self.liquid_high,
            cliff_epochs: self.cliff_epochs,
            linear_epochs: self.linear_epochs,
        }
    }
}
