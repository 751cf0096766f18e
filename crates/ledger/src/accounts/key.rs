//! The keys and records of accounts beyond balances. The order of the variants is part of the protocol.

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_types::accounts::{FindingRecord, GroupRecord, LinkRecord, MemberRecord, SessionRecord};
use openledger_types::codec::DecodeError;
use openledger_types::{AccountId, Amount, SessionKey};
use serde::{Deserialize, Serialize};

use crate::queries::record;
use crate::state::StateKey;

/// The key of one record.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum AccountKey {
    /// `LinkRecord`, by the two accounts in increasing order.
    Link(AccountId, AccountId),
    /// `u32`: how many links an account has; absent means none.
    LinkCount(AccountId),
    /// `MemberRecord`: in which cluster an account is; absent means that it never had a link.
    Member(AccountId),
    /// `GroupRecord`, by the cluster's root.
    Group(AccountId),
    /// `SessionRecord`, by account and key.
    Session(AccountId, SessionKey),
    /// `FindingRecord`, by the two accounts in increasing order.
    Finding(AccountId, AccountId),
}

impl AccountKey {
    /// The key of the link between two accounts, in either order.
    pub fn link(one: AccountId, other: AccountId) -> Self {
        Self::Link(one.min(other), one.max(other))
    }

    /// The key of the report about two accounts, in either order.
    pub fn finding(one: AccountId, other: AccountId) -> Self {
        Self::Finding(one.min(other), one.max(other))
    }

    pub(crate) fn state(self) -> StateKey {
        StateKey::Accounts(self)
    }
}

/// A record of accounts beyond balances. Each variant is the record of the [`AccountKey`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "record", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is the record of the key of the same name")]
pub enum AccountsRecord {
    Link(LinkRecord),
    LinkCount(u32),
    Member(MemberRecord),
    Group(GroupRecord),
    Session(SessionRecord),
    Finding(FindingRecord),
}

impl AccountsRecord {
    /// OPEN in custody; none on overflow.
    pub(crate) fn held(&self) -> Option<Amount> {
        match self {
            Self::Finding(finding) => {
                let challenge = finding.challenge.as_ref().map_or(Amount::ZERO, |challenge| challenge.bond);
                finding.bond.plus(challenge)
            }
            _ => Some(Amount::ZERO),
        }
    }

    pub(crate) fn decode(key: &AccountKey, bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(match key {
            AccountKey::Link(..) => Self::Link(record(bytes)?),
            AccountKey::LinkCount(_) => Self::LinkCount(record(bytes)?),
            AccountKey::Member(_) => Self::Member(record(bytes)?),
            AccountKey::Group(_) => Self::Group(record(bytes)?),
            AccountKey::Session(..) => Self::Session(record(bytes)?),
            AccountKey::Finding(..) => Self::Finding(record(bytes)?),
        })
    }
}
