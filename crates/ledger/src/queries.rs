//! Reading the state from outside: the typed record under a key, for nodes that answer questions, for proofs that
//! were checked, and for the conservation check. JSON names the kind of the record.
//! Absent: lists and histories; read models build those from events.

use borsh::BorshDeserialize;
use openledger_types::codec::{self, DecodeError};
use openledger_types::record::{
    AccountRecord, BatchRecord, BeaconRecord, ChannelRecord, ClusterRecord, ContributionRecord,
    DatanetRecord, DepositRecord, GatewayRecord, ImmatureRecord, ModelRecord, OfferRecord, ProviderRecord,
    SnapshotRecord, SupplyRecord, TrancheRecord, UnbondingRecord, WithdrawalRecord,
};
use openledger_types::{Amount, Parameters, limits};
use serde::Serialize;

use crate::accounts::AccountsRecord;
use crate::advances::AdvanceRecord;
use crate::agents::AgentsRecord;
use crate::audits::AuditsRecord;
use crate::datanets::DatanetsRecord;
use crate::escrow::EscrowRecord;
use crate::funds::FundsStateRecord;
use crate::governance::GovernanceStateRecord;
use crate::markets::MarketsRecord;
use crate::maturity::MaturityRecord;
use crate::models::ModelsRecord;
use crate::providers::CapacityRecord;
use crate::reputation::ReputationRecord;
use crate::settlement::SettlementRecord;
use crate::state::StateKey;

/// A record of the state with its kind. Each variant is the record of the [`StateKey`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "record", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is the record of the state key of the same name")]
pub enum StateRecord {
    Parameters(Box<Parameters>),
    Supply(SupplyRecord),
    Account(AccountRecord),
    Datanet(DatanetRecord),
    Contribution(ContributionRecord),
    Cluster(ClusterRecord),
    Snapshot(SnapshotRecord),
    Model(ModelRecord),
    Provider(ProviderRecord),
    Offer(OfferRecord),
    Gateway(GatewayRecord),
    Channel(ChannelRecord),
    Batch(BatchRecord),
    Tranche(TrancheRecord),
    Immature(ImmatureRecord),
    Pool(Amount),
    Deposit(DepositRecord),
    Withdrawal(WithdrawalRecord),
    Unbonding(UnbondingRecord),
    Beacon(BeaconRecord),
    LastBeacon(u64),
    Reputation(ReputationRecord),
    Accounts(AccountsRecord),
    Datanets(DatanetsRecord),
    Providers(CapacityRecord),
    Models(ModelsRecord),
    Escrow(EscrowRecord),
    Audits(AuditsRecord),
    Agents(AgentsRecord),
    Governance(GovernanceStateRecord),
    Funds(FundsStateRecord),
    Maturity(MaturityRecord),
    Advances(AdvanceRecord),
    Markets(MarketsRecord),
    Settlement(SettlementRecord),
}

impl StateRecord {
    /// Reads the record that lives under `key`.
    pub fn decode(key: &StateKey, bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(match key {
            StateKey::Parameters => Self::Parameters(Box::new(record(bytes)?)),
            StateKey::Supply => Self::Supply(record(bytes)?),
            StateKey::Account(_) => Self::Account(record(bytes)?),
            StateKey::Datanet(_) => Self::Datanet(record(bytes)?),
            StateKey::Contribution(..) => Self::Contribution(record(bytes)?),
            StateKey::Cluster(..) => Self::Cluster(record(bytes)?),
            StateKey::Snapshot(..) => Self::Snapshot(record(bytes)?),
            StateKey::Model(_) => Self::Model(record(bytes)?),
            StateKey::Provider(_) => Self::Provider(record(bytes)?),
            StateKey::Offer(..) => Self::Offer(record(bytes)?),
            StateKey::Gateway(_) => Self::Gateway(record(bytes)?),
            StateKey::Channel(_) => Self::Channel(record(bytes)?),
            StateKey::Batch(..) => Self::Batch(record(bytes)?),
            StateKey::Tranche(..) => Self::Tranche(record(bytes)?),
            StateKey::Immature(..) => Self::Immature(record(bytes)?),
            StateKey::Pool(_) => Self::Pool(record(bytes)?),
            StateKey::Deposit(_) => Self::Deposit(record(bytes)?),
            StateKey::Withdrawal(..) => Self::Withdrawal(record(bytes)?),
            StateKey::Unbonding(..) => Self::Unbonding(record(bytes)?),
            StateKey::Beacon(_) => Self::Beacon(record(bytes)?),
            StateKey::LastBeacon => Self::LastBeacon(record(bytes)?),
            StateKey::Reputation(key) => Self::Reputation(ReputationRecord::decode(key, bytes)?),
            StateKey::Agents(key) => Self::Agents(AgentsRecord::decode(key, bytes)?),
            StateKey::Accounts(key) => Self::Accounts(AccountsRecord::decode(key, bytes)?),
            StateKey::Datanets(key) => Self::Datanets(DatanetsRecord::decode(key, bytes)?),
            StateKey::Providers(key) => Self::Providers(CapacityRecord::decode(key, bytes)?),
            StateKey::Models(key) => Self::Models(ModelsRecord::decode(key, bytes)?),
            StateKey::Escrow(key) => Self::Escrow(EscrowRecord::decode(key, bytes)?),
            StateKey::Audits(key) => Self::Audits(AuditsRecord::decode(key, bytes)?),
            StateKey::Governance(key) => Self::Governance(GovernanceStateRecord::decode(key, bytes)?),
            StateKey::Funds(key) => Self::Funds(FundsStateRecord::decode(key, bytes)?),
            StateKey::Maturity(key) => Self::Maturity(MaturityRecord::decode(key, bytes)?),
            StateKey::Advances(key) => Self::Advances(AdvanceRecord::decode(key, bytes)?),
            StateKey::Markets(key) => Self::Markets(MarketsRecord::decode(key, bytes)?),
            StateKey::Settlement(key) => Self::Settlement(SettlementRecord::decode(key, bytes)?),
        })
    }
}

pub(crate) fn record<T: BorshDeserialize>(bytes: &[u8]) -> Result<T, DecodeError> {
    codec::decode("record", bytes, limits::RECORD_BYTES_MAX)
}
