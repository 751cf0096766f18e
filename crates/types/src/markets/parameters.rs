//! The parameters of markets, with their starting values from the mechanism notes, sections 1, 2, 3 and 6.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{Amount, BasisPoints, Name};

/// A resource class: offers that can stand in for each other.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ClassParameters {
    /// Its name.
    pub name: Name,
    /// The reference price of one prompt token in uC: offers of the class ask for at most this.
    pub prompt_price: Amount,
    /// The reference price of one completion token in uC, likewise.
    pub completion_price: Amount,
}

/// The parameters of markets.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct MarketParameters {
    /// The resource classes, at most `CLASSES_MAX`. An offer without a class takes no part in the market.
    pub classes: Vec<ClassParameters>,
    /// The utilisation at which a price stands still.
    pub utilisation_target: BasisPoints,
    /// The largest step of a price in one round.
    pub step_max: BasisPoints,
    /// The gain that a price begins with, in 1/65536 (4096 is 1/16).
    pub gain_start: u64,
    /// The least gain.
    pub gain_low: u64,
    /// The greatest gain.
    pub gain_high: u64,
    /// What is added to the gain while a price keeps its direction.
    pub gain_increase: u64,
    /// What the gain is multiplied by when a price turns.
    pub gain_decrease: BasisPoints,
    /// The residual supply index below which a class is capped (11000 is 1.1).
    pub residual_least: u64,
    /// The part of the reference price up to which a capped premium pays providers (2000: prices up to 1.2).
    pub capped_premium: BasisPoints,
    /// The part of a class's traffic that one cluster shall have, unless the class is capped.
    pub traffic_max: BasisPoints,
    /// Epochs after which a heartbeat counts no more.
    pub heartbeat_epochs: u64,
    /// The capacity per epoch that collateral backs, as a part of the collateral (10000 is as much).
    pub backed_capacity: u64,
    /// The capacity that counts for a provider before audits have shown more, in uC per epoch.
    pub newcomer_capacity: Amount,
    /// The capacity that each unit of audited evidence shows, in uC per epoch: a unit is an audit of work worth up to
    /// 0.1 C, and one audit stands for about twenty completions.
    pub unit_capacity: Amount,
    /// The part of the capacity fund that one round of one class may award.
    pub fund_budget: BasisPoints,
    /// The most that it pays for capacity, as a part of the reference price of what the capacity serves.
    pub fund_price_max: BasisPoints,
    /// Epochs for which an award pays.
    pub award_epochs: u64,
    /// Epochs from a cluster's first heartbeat in a class in which it counts as new.
    pub entrant_epochs: u64,
    /// The longest lease, in epochs.
    pub lease_epochs_max: u64,
    /// 1 where revenue notes exist, 0 where they do not.
    pub notes: u64,
    /// The greatest part of a model's earnings that notes may take.
    pub note_share_max: BasisPoints,
    /// The longest life of notes, in epochs.
    pub note_epochs_max: u64,
    /// What an issue may raise, as a multiple of the audited earnings.
    pub note_multiple: u64,
    /// The epochs of audited earnings that count.
    pub note_earning_epochs: u64,
    /// What the owner of the model gets of every resale.
    pub note_levy: BasisPoints,
}

impl MarketParameters {
    /// The starting values: one class for everything, no revenue notes.
    pub fn starting() -> Self {
        let name = "general".parse().expect("the name of the first class is a name");
        Self {
            classes: vec![ClassParameters {
                name,
                prompt_price: Amount(1_000),
                completion_price: Amount(1_000),
            }],
            utilisation_target: BasisPoints(7_000),
            step_max: BasisPoints(625),
            gain_start: 4_096,
            gain_low: 1_024,
            gain_high: 8_192,
            gain_increase: 256,
            gain_decrease: BasisPoints(7_500),
            residual_least: 11_000,
            capped_premium: BasisPoints(2_000),
            traffic_max: BasisPoints(2_000),
            heartbeat_epochs: 2,
            backed_capacity: 10_000,
            newcomer_capacity: Amount(1_000_000),
            unit_capacity: Amount(1_000_000),
            fund_budget: BasisPoints(1_000),
            fund_price_max: BasisPoints(2_000),
            award_epochs: 24,
            entrant_epochs: 720,
            lease_epochs_max: 720,
            notes: 0,
            note_share_max: BasisPoints(4_000),
            note_epochs_max: 90,
            note_multiple: 3,
            note_earning_epochs: 30,
            note_levy: BasisPoints(100),
        }
    }

    /// The class with this name.
    pub fn class(&self, name: &Name) -> Option<&ClassParameters> {
        self.classes.iter().find(|class| class.name == *name)
    }
}
