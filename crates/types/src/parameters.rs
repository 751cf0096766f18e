//! The parameters of the economy: one table, agreed by the whole network, part of genesis and of the state.
//! Sources: the money rules of the design (split, premium, escrow) and their worked example.
//! Absent: what a single process may choose (ports, queue lengths).

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::datanets::DatanetParameters;
use crate::{AccountId, Amount, AuditParameters, BasisPoints, ForfeitParameters, ReputationParameters};

/// How the reference price of a completion is divided. The parts sum to [`BasisPoints::WHOLE`]; each is floored,
/// and the remainder goes to maintenance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct SplitParameters {
    /// The provider that computed the answer.
    pub provider: BasisPoints,
    /// The builders of the model's lineage.
    pub builder: BasisPoints,
    /// The contributors of the data behind the answer.
    pub data: BasisPoints,
    /// Verification: audits, gold tasks, canaries.
    pub verification: BasisPoints,
    /// Maintenance of what the network depends on.
    pub maintenance: BasisPoints,
    /// Insurance for harmed consumers.
    pub insurance: BasisPoints,
    /// Burned, so that buying from oneself always loses.
    pub burn: BasisPoints,
    /// The part of the data share that follows attribution; the rest goes to the uplift pool.
    pub attributed: BasisPoints,
}

/// How the congestion premium is divided. The remainder goes to the capacity fund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct PremiumParameters {
    /// The provider that computed the answer.
    pub provider: BasisPoints,
    /// The fund that pays for new capacity.
    pub capacity: BasisPoints,
    /// Burned.
    pub burn: BasisPoints,
}

/// What part of a payout is liquid at once, and how the rest unlocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct EscrowParameters {
    /// Liquid part at reputation 0.
    pub liquid_low: BasisPoints,
    /// Liquid part at reputation 1.
    pub liquid_high: BasisPoints,
    /// Epochs before anything of a tranche unlocks.
    pub cliff_epochs: u64,
    /// Epochs of linear unlocking after the cliff.
    pub linear_epochs: u64,
}

/// The network's parameters.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Parameters {
    /// EIP-155 chain id, part of every signature.
    pub chain_id: u64,
    /// Whether this is a local network: only there the faucet gives.
    pub local: bool,
    /// The most one faucet action gives, per asset.
    pub faucet_max: Amount,
    /// Milliseconds per epoch.
    pub epoch_ms: u64,
    /// Split of the reference price.
    pub split: SplitParameters,
    /// Split of the premium.
    pub premium: PremiumParameters,
    /// Escrow of providers.
    pub provider_escrow: EscrowParameters,
    /// Escrow of builders.
    pub builder_escrow: EscrowParameters,
    /// Escrow of contributors, once their data is mature; before that nothing is liquid.
    pub data_escrow: EscrowParameters,
    /// Least stake of a provider, in OPEN.
    pub provider_stake_min: Amount,
    /// Least bond of a gateway, in OPEN.
    pub gateway_bond_min: Amount,
    /// What one whole OPEN counts for as collateral, in uC. A governed haircut, never a market price.
    pub collateral_per_open: Amount,
    /// The highest router fee that a gateway may add, as a part of the reference price.
    pub router_fee_max: BasisPoints,
    /// Milliseconds between a consumer's request to close a channel and the refund.
    pub channel_close_delay_ms: u64,
    /// The account through which credits come in and go out; `None` where there is no bridge.
    pub bridge: Option<AccountId>,
    /// Epochs that unbonded OPEN waits; longer than any challenge.
    pub unbonding_epochs: u64,
    /// The account that a network's operators fund from; no rule pays it.
    pub treasury: AccountId,
    /// Reputation.
    pub reputation: ReputationParameters,
    /// Bounds of datanets' own rules.
    pub datanets: DatanetParameters,
    /// Markets: prices by resource class, the capacity fund, leases, revenue notes.
    pub markets: crate::MarketParameters,
    /// How a fault is paid for.
    pub forfeits: ForfeitParameters,
    /// Audits.
    pub audits: AuditParameters,
    /// Agents and jobs.
    pub agents: crate::AgentParameters,
    /// Accounts: reports of links.
    pub accounts: crate::AccountParameters,
    /// Governance.
    pub governance: crate::GovernanceParameters,
    /// The funds.
    pub funds: crate::FundsParameters,
    /// Maturity and evaluations.
    pub maturity: crate::maturity::MaturityParameters,
    /// Advances on tranches.
    pub advances: crate::advances::AdvanceParameters,
}

impl Parameters {
    /// The epoch of a moment in milliseconds since the Unix epoch.
    ///
    /// # Panics
    /// When epochs have zero milliseconds; genesis refuses that.
    pub fn epoch_at(&self, timestamp_ms: u64) -> u64 {
        timestamp_ms.checked_div(self.epoch_ms).expect("genesis refuses epochs of zero milliseconds")
    }

    /// The starting values, for a network with this chain id.
    pub fn starting(chain_id: u64, local: bool, treasury: AccountId) -> Self {
        Self {
            chain_id,
            local,
            faucet_max: Amount(1_000_000_000_000),
            epoch_ms: 3_600_000,
            split: SplitParameters {
                provider: BasisPoints(4_500),
                builder: BasisPoints(1_800),
                data: BasisPoints(1_700),
                verification: BasisPoints(700),
                maintenance: BasisPoints(700),
                insurance: BasisPoints(100),
                burn: BasisPoints(500),
                attributed: BasisPoints(8_000),
            },
            premium: PremiumParameters {
                provider: BasisPoints(4_000),
                capacity: BasisPoints(4_000),
                burn: BasisPoints(2_000),
            },
            provider_escrow: EscrowParameters {
                liquid_low: BasisPoints(4_000),
                liquid_high: BasisPoints(9_000),
                cliff_epochs: 7,
                linear_epochs: 7,
            },
            builder_escrow: EscrowParameters {
                liquid_low: BasisPoints(2_500),
                liquid_high: BasisPoints(7_500),
                cliff_epochs: 7,
                linear_epochs: 30,
            },
            data_escrow: EscrowParameters {
                liquid_low: BasisPoints(2_500),
                liquid_high: BasisPoints(7_500),
                cliff_epochs: 7,
                linear_epochs: 90,
            },
            provider_stake_min: Amount(1_000_000_000),
            gateway_bond_min: Amount(1_000_000_000),
            collateral_per_open: Amount(100_000),
            router_fee_max: BasisPoints(1_000),
            channel_close_delay_ms: 3_600_000,
            bridge: None,
            unbonding_epochs: 90,
            treasury,
            reputation: ReputationParameters::starting(),
            datanets: DatanetParameters::starting(),
            markets: crate::MarketParameters::starting(),
            forfeits: ForfeitParameters::starting(),
            audits: AuditParameters::starting(),
            agents: crate::AgentParameters::starting(),
            accounts: crate::AccountParameters::starting(),
            governance: crate::GovernanceParameters::starting(),
            funds: crate::FundsParameters::starting(),
            maturity: crate::maturity::MaturityParameters::starting(),
            advances: crate::advances::AdvanceParameters::starting(),
        }
    }
}
