//! The numbers of governance, and where they start (mechanism notes, section 5).

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{Amount, BasisPoints};

/// How the network and its datanets decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct GovernanceParameters {
    /// Epochs until conviction has grown to half of what is locked.
    pub token_half_life_epochs: u64,
    /// Epochs until registered work has lost half its weight.
    pub contributor_half_life_epochs: u64,
    /// The most that one cluster counts in the token house.
    pub token_cap: BasisPoints,
    /// The most that one cluster counts in the contributor house.
    pub contributor_cap: BasisPoints,
    /// The same in both houses of a datanet, which are smaller.
    pub datanet_cap: BasisPoints,
    /// Units of verified evidence that a vote in the contributor house needs.
    pub units_min: u64,
    /// What a proposer locks, in OPEN.
    pub proposal_bond: Amount,
    /// Epochs that unlocked votes wait.
    pub unlock_epochs: u64,
    /// Epochs in which a routine proposal can be objected to.
    pub routine_epochs: u64,
    /// The part of the token house that cancels it.
    pub routine_cancel_token: BasisPoints,
    /// The part of the contributor house that cancels it.
    pub routine_cancel_contributors: BasisPoints,
    /// How far routine proposals move a parameter.
    pub routine_band: BasisPoints,
    /// Epochs without a step after which the band is counted from the value of then.
    pub routine_band_epochs: u64,
    /// Epochs in which a money proposal is voted on.
    pub money_epochs: u64,
    /// The least part of the token house that votes on it.
    pub money_quorum_token: BasisPoints,
    /// The least part of the contributor house that votes on it.
    pub money_quorum_contributors: BasisPoints,
    /// Epochs from its approval to its execution without objections.
    pub money_delay_low_epochs: u64,
    /// The same with the most objections.
    pub money_delay_high_epochs: u64,
    /// Epochs in which a constitutional proposal is voted on.
    pub constitution_epochs: u64,
    /// The least part of the token house that votes on it.
    pub constitution_quorum_token: BasisPoints,
    /// The least part of the contributor house that votes on it.
    pub constitution_quorum_contributors: BasisPoints,
    /// Epochs from its approval to its execution without objections.
    pub constitution_delay_low_epochs: u64,
    /// The same with the most objections.
    pub constitution_delay_high_epochs: u64,
    /// Objections from which on a delay grows.
    pub objection_low: BasisPoints,
    /// Objections at which it grows no further.
    pub objection_high: BasisPoints,
    /// Epochs after its delay in which a proposal can be executed.
    pub execution_epochs: u64,
    /// Epochs that a constitutional proposal stands unless it is renewed.
    pub sunset_epochs: u64,
    /// The most of the treasury that one grant pays.
    pub grant_max: BasisPoints,
    /// The most of the treasury that all grants of a window pay.
    pub grants_max: BasisPoints,
    /// Epochs of that window.
    pub grants_epochs: u64,
    /// Epochs in which a council is elected.
    pub election_epochs: u64,
    /// The least part of the contributor house that elects it.
    pub election_quorum: BasisPoints,
    /// Epochs that a council is in office.
    pub council_term_epochs: u64,
    /// The longest pause.
    pub pause_ms_max: u64,
}

impl GovernanceParameters {
    /// The starting values.
    pub fn starting() -> Self {
        Self {
            token_half_life_epochs: 7,
            contributor_half_life_epochs: 90,
            token_cap: BasisPoints(200),
            contributor_cap: BasisPoints(100),
            datanet_cap: BasisPoints(1_000),
            units_min: 8,
            proposal_bond: Amount(100_000_000),
            unlock_epochs: 7,
            routine_epochs: 3,
            routine_cancel_token: BasisPoints(1_500),
            routine_cancel_contributors: BasisPoints(1_000),
            routine_band: BasisPoints(1_000),
            routine_band_epochs: 30,
            money_epochs: 7,
            money_quorum_token: BasisPoints(1_500),
            money_quorum_contributors: BasisPoints(2_000),
            money_delay_low_epochs: 7,
            money_delay_high_epochs: 45,
            constitution_epochs: 14,
            constitution_quorum_token: BasisPoints(1_500),
            constitution_quorum_contributors: BasisPoints(3_300),
            constitution_delay_low_epochs: 14,
            constitution_delay_high_epochs: 60,
            objection_low: BasisPoints(100),
            objection_high: BasisPoints(1_000),
            execution_epochs: 30,
            sunset_epochs: 365,
            grant_max: BasisPoints(100),
            grants_max: BasisPoints(500),
            grants_epochs: 90,
            election_epochs: 7,
            election_quorum: BasisPoints(2_000),
            council_term_epochs: 365,
            pause_ms_max: 259_200_000,
        }
    }
}
