//! The keys of maturity and the record under each. The order of the variants is part of the protocol.

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_types::codec::DecodeError;
use openledger_types::maturity::{
    EvaluationRecord, EvaluatorRecord, Measured, UpliftCommitment, UpliftRecord,
};
use openledger_types::record::Pool;
use openledger_types::{AccountId, Amount, ContributionId, Name};
use serde::{Deserialize, Serialize};

use crate::queries::record;
use crate::state::StateKey;

/// The key of one record.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum MaturityKey {
    /// `EvaluatorRecord`.
    Evaluator(AccountId),
    /// `u64`: how many evaluators there are.
    Evaluators,
    /// `EvaluationRecord`, by what is measured.
    Evaluation(Measured),
    /// `UpliftCommitment`, by what is measured and evaluator.
    Commitment(Measured, AccountId),
    /// `UpliftRecord`, by pool and epoch of the entries.
    Uplift(Pool, u64),
    /// `u64`: the weight of one entry, by pool, epoch, datanet and contribution. One for each contribution: that many models
    /// measured it makes it no better.
    Entry(Pool, u64, Name, ContributionId),
}

impl MaturityKey {
    pub(crate) fn state(self) -> StateKey {
        StateKey::Maturity(self)
    }
}

/// A record of maturity. Each variant is the record of the [`MaturityKey`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "record", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is the record of the key of the same name")]
pub enum MaturityRecord {
    Evaluator(EvaluatorRecord),
    Evaluators(u64),
    Evaluation(EvaluationRecord),
    Commitment(UpliftCommitment),
    Uplift(UpliftRecord),
    Entry(u64),
}

impl MaturityRecord {
    pub(crate) fn decode(key: &MaturityKey, bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(match key {
            MaturityKey::Evaluator(_) => Self::Evaluator(record(bytes)?),
            MaturityKey::Evaluators => Self::Evaluators(record(bytes)?),
            MaturityKey::Evaluation(_) => Self::Evaluation(record(bytes)?),
            MaturityKey::Commitment(..) => Self::Commitment(record(bytes)?),
            MaturityKey::Uplift(..) => Self::Uplift(record(bytes)?),
            MaturityKey::Entry(..) => Self::Entry(record(bytes)?),
        })
    }

    /// What the record holds in custody.
    pub(crate) fn held(&self) -> Amount {
        match self {
            Self::Uplift(record) => record.left,
            _ => Amount::ZERO,
        }
    }
}
