//! Models, providers and gateways.

use openledger_types::{Amount, BasisPoints, Hash, Name};
use serde::Serialize;

use super::{AccountRef, Paid};

/// A model or adapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelView {
    /// Name.
    pub name: Name,
    /// Who registered it.
    pub builder: AccountRef,
    /// SHA-256 of the weights.
    pub weights: Hash,
    /// What it was made from, nearest first up to the base model.
    pub made_from: Vec<Name>,
    /// What was made from it, at most a page.
    pub made_into: Vec<Name>,
    /// Who shares the builder share.
    pub royalties: Vec<RoyaltyView>,
    /// Licence of the weights.
    pub license: String,
    /// Height at which it was registered.
    pub height: u64,
    /// Answers that it gave.
    pub answers: u64,
    /// What its builders earned with it.
    pub earned: Amount,
    /// What its uplift pool holds.
    pub uplift_pool: Amount,
    /// Who offers it, cheapest completion first, at most a page.
    pub offers: Vec<OfferView>,
}

/// A part of the builder share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoyaltyView {
    /// Who.
    pub account: AccountRef,
    /// Which part.
    pub share: BasisPoints,
}

/// An offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OfferView {
    /// Who offers.
    pub provider: AccountRef,
    /// Which model.
    pub model: Name,
    /// Price of one prompt token in uC.
    pub prompt_price: Amount,
    /// Price of one completion token in uC.
    pub completion_price: Amount,
    /// Sequences at a time.
    pub capacity: u32,
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProviderView {
    /// Who.
    pub account: AccountRef,
    /// Stake in OPEN.
    pub stake: Amount,
    /// Where it serves.
    pub endpoint: String,
    /// Height at which it registered.
    pub height: u64,
    /// Answers that it computed.
    pub answers: u64,
    /// What it earned as a provider.
    pub earned: Paid,
    /// What it offers, at most a page.
    pub offers: Vec<OfferView>,
}

/// A gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GatewayView {
    /// Who.
    pub account: AccountRef,
    /// Bond in OPEN.
    pub bond: Amount,
    /// Router fee on top of the reference price.
    pub router_fee: BasisPoints,
    /// Where it serves.
    pub endpoint: String,
    /// Height at which it registered.
    pub height: u64,
    /// Batches settled.
    pub batches: u64,
    /// Receipts settled.
    pub receipts: u64,
    /// Everything it charged.
    pub charged: Amount,
}
