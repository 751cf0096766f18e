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
        }
    }
}
