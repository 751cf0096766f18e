//! The bounds within which datanets set their own rules, and the deadlines, bonds and fees of open contributions,
//! disputes and tasks.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{Amount, BasisPoints};

/// The parameters of datanets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct DatanetParameters {
    /// The most that a curator may take of what contributions earn.
    pub curator_share_max: BasisPoints,
    /// The most that a treasury may take of what contributions earn.
    pub treasury_share_max: BasisPoints,
    /// The most by which one change of policy may raise either share.
    pub share_step_max: BasisPoints,
    /// Epochs until a changed policy comes into force.
    pub policy_delay_epochs: u64,
    /// What the attribution of a verified human text counts.
    pub factor_human: BasisPoints,
    /// What the attribution of a text counts that nobody verified.
    pub factor_unverified: BasisPoints,
    /// What the attribution of a declared synthetic text counts.
    pub factor_synthetic: BasisPoints,
    /// The most that a policy may ask for as the bond of one contribution, in OPEN.
    pub contribution_bond_max: Amount,
    /// Bond of a commitment, in OPEN; it is burned unless the contribution is revealed in time.
    pub commitment_bond: Amount,
    /// Epochs after that of a commitment in which it can be revealed; at most the delay of policies.
    pub reveal_epochs: u64,
    /// Epochs after a reveal in which a reviewer decides; then silence accepts.
    pub decision_epochs: u64,
    /// Epochs in which what silence accepted may still be decided.
    pub provisional_epochs: u64,
    /// Epochs to appeal against a rejection, or to object to a claim.
    pub appeal_epochs: u64,
    /// Epochs after the call of a panel in which it judges.
    pub vote_epochs: u64,
    /// Bond of an appeal, of a claim and of an objection, in OPEN.
    pub dispute_bond: Amount,
    /// Bond of a juror, in OPEN.
    pub juror_bond: Amount,
    /// What a vote is paid, in OPEN, whatever it says.
    pub juror_fee: Amount,
    /// Seats of a panel, on average; all jurors sit while there are no more than that.
    pub panel_seats: u64,
    /// The least votes that make a verdict.
    pub panel_quorum: u64,
    /// Bond of a labeller for a batch, in OPEN; it is burned without a reveal, and for garbage.
    pub label_bond: Amount,
    /// Epochs to reveal labels, after the last to commit them.
    pub label_epochs: u64,
    /// Epochs to reveal gold, after the last to reveal labels.
    pub gold_epochs: u64,
    /// The most epochs in which a campaign lets labellers commit.
    pub campaign_epochs_max: u64,
    /// How many gold items of a batch are checked for each labeller.
    pub gold_checked: u64,
    /// The least part of checked gold that a campaign may ask for.
    pub gold_accuracy_min: BasisPoints,
    /// How often an item may serve as gold.
    pub gold_uses_max: u64,
    /// The most of a treasury that its curator spends on tasks in one epoch.
    pub treasury_spend_max: BasisPoints,
}

impl DatanetParameters {
    /// The starting values.
    pub fn starting() -> Self {
        Self {
            curator_share_max: BasisPoints(1_000),
            treasury_share_max: BasisPoints(2_000),
            share_step_max: BasisPoints(200),
            policy_delay_epochs: 7,
            factor_human: BasisPoints(10_000),
            factor_unverified: BasisPoints(6_000),
            factor_synthetic: BasisPoints(4_000),
            contribution_bond_max: Amount(100_000_000),
            commitment_bond: Amount(100_000),
            reveal_epochs: 2,
            decision_epochs: 7,
            provisional_epochs: 30,
            appeal_epochs: 3,
            vote_epochs: 3,
            dispute_bond: Amount(10_000_000),
            juror_bond: Amount(100_000_000),
            juror_fee: Amount(200_000),
            panel_seats: 9,
            panel_quorum: 3,
            label_bond: Amount(1_000_000),
            label_epochs: 2,
            gold_epochs: 2,
            campaign_epochs_max: 30,
            gold_checked: 8,
            gold_accuracy_min: BasisPoints(7_000),
            gold_uses_max: 3,
            treasury_spend_max: BasisPoints(500),
        }
    }
}
