//! The keys of the state, and which record lives under each. The key's Borsh encoding is the chain's key, so the
//! order of the variants is part of the protocol: new kinds are added at the end.
//! Absent: secondary indexes; read models build those from events.

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_types::codec::{self, DecodeError};
use openledger_types::record::{Pool, Role};
use openledger_types::{AccountId, ChannelId, ContributionId, Hash, Name};
use serde::{Deserialize, Serialize};

use crate::accounts::AccountKey;
use crate::advances::AdvanceKey;
use crate::agents::AgentKey;
use crate::audits::AuditKey;
use crate::datanets::DatanetKey;
use crate::escrow::EscrowKey;
use crate::funds::FundsKey;
use crate::governance::GovernanceKey;
use crate::markets::MarketKey;
use crate::maturity::MaturityKey;
use crate::models::ModelKey;
use crate::providers::ProviderKey;
use crate::reputation::ReputationKey;
use crate::settlement::SettlementKey;

/// Bytes of the longest encoded key.
pub const KEY_BYTES_MAX: usize = 256;

/// The key of one record.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum StateKey {
    /// `Parameters`: the table that the network agreed on.
    Parameters,
    /// `SupplyRecord`: where all money is.
    Supply,
    /// `AccountRecord`; an account that was never touched is the default record.
    Account(AccountId),
    /// `DatanetRecord`.
    Datanet(Name),
    /// `ContributionRecord`, by datanet.
    Contribution(Name, ContributionId),
    /// `ClusterRecord`: who owns a normalised text, by datanet.
    Cluster(Name, Hash),
    /// `SnapshotRecord`, by datanet and version.
    Snapshot(Name, u32),
    /// `ModelRecord`.
    Model(Name),
    /// `ProviderRecord`.
    Provider(AccountId),
    /// `OfferRecord`, by provider and model.
    Offer(AccountId, Name),
    /// `GatewayRecord`.
    Gateway(AccountId),
    /// `ChannelRecord`.
    Channel(ChannelId),
    /// `BatchRecord`, by gateway and number.
    Batch(AccountId, u64),
    /// `TrancheRecord`, by account, role and the epoch in which it began.
    Tranche(AccountId, Role, u64),
    /// `ImmatureRecord`, by datanet, contribution and owner: money whose clock has not started.
    Immature(Name, ContributionId, AccountId),
    /// `Amount`: what a pool holds; absent means nothing.
    Pool(Pool),
    /// `DepositRecord`, by the payment outside.
    Deposit(Hash),
    /// `WithdrawalRecord`, by account and number.
    Withdrawal(AccountId, u64),
    /// `UnbondingRecord`, by account, role and the epoch of the request.
    Unbonding(AccountId, Role, u64),
    /// `BeaconRecord`, by epoch: the chain's randomness at its turn.
    Beacon(u64),
    /// `u64`: the epoch of the last beacon.
    LastBeacon,
    /// `ReputationRecord`: evidence, counterparties, marks of fraud.
    Reputation(ReputationKey),
    /// Records of accounts beyond balances, by [`AccountKey`].
    Accounts(AccountKey),
    /// `DatanetsRecord`: policies, roles, open contributions, disputes and tasks.
    Datanets(DatanetKey),
    /// `CapacityRecord`: heartbeats, retired keys, resource classes and clusters in them.
    Providers(ProviderKey),
    /// `ModelsRecord`: manifests and titles.
    Models(ModelKey),
    /// `EscrowRecord`: bonds, and what of an account is open.
    Escrow(EscrowKey),
    /// `AuditsRecord`: auditors, draws, audits.
    Audits(AuditKey),
    /// Records of agents, mandates and jobs, by [`AgentKey`].
    Agents(AgentKey),
    /// `GovernanceStateRecord`: houses, votes, proposals, the council.
    Governance(GovernanceKey),
    /// `FundsStateRecord`: projects, measurers, rounds, claims.
    Funds(FundsKey),
    /// `MaturityRecord`: evaluators, evaluations, entries for uplift.
    Maturity(MaturityKey),
    /// `AdvanceRecord`: the advance pool and its shares.
    Advances(AdvanceKey),
    /// `MarketsRecord`: prices, quotes, bids, awards, leases, notes.
    Markets(MarketKey),
    /// `SettlementRecord`: refunds.
    Settlement(SettlementKey),
}

impl StateKey {
    /// The chain's key.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads a key of at most [`KEY_BYTES_MAX`] bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::decode("state key", bytes, KEY_BYTES_MAX)
    }
}
