//! Reputations as the ledger computes them, for routing: the same evidence, the same arithmetic, at most a moment old.
//! Absent: any score of the gateway's own.

use std::time::{SystemTime, UNIX_EPOCH};

use openledger_ledger::StateKey;
use openledger_ledger::accounts::AccountKey;
use openledger_ledger::reputation::{ReputationKey, current};
use openledger_types::accounts::MemberRecord;
use openledger_types::{AccountId, Domain, EvidenceRecord, FraudRecord, Parameters};

use crate::error::ApiError;
use crate::gateway::Gateway;

/// The reputation of a provider for serving, in 1/2^32.
pub(crate) async fn reputation(gateway: &Gateway, provider: AccountId) -> Result<u32, ApiError> {
    let facts = &gateway.facts;
    let parameters: Parameters =
        facts.must(&StateKey::Parameters, "parameters").await.map_err(ApiError::unavailable)?;
    let key = StateKey::Reputation(ReputationKey::Evidence(provider, Domain::Serving));
    let evidence: Option<EvidenceRecord> = facts.get(&key).await.map_err(ApiError::unavailable)?;
    let member = StateKey::Accounts(AccountKey::Member(provider));
    let member: Option<MemberRecord> = facts.get(&member).await.map_err(ApiError::unavailable)?;
    let root = member.map_or(provider, |member| member.root);
    let key = StateKey::Reputation(ReputationKey::Fraud(root));
    let mark: Option<FraudRecord> = facts.get(&key).await.map_err(ApiError::unavailable)?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let epoch = parameters.epoch_at(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    Ok(current(evidence.as_ref(), mark.as_ref(), &parameters.reputation, epoch))
}
