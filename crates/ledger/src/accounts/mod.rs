//! Accounts: balances in credits and OPEN, transfers, the faucet of local networks, links between accounts, session keys.
//!
//! Rule (design, section 6): credits are the unit of prices, deposited and withdrawn; OPEN is stake, bond and vote. An
//! amount of zero is refused. The faucet exists on local networks only, gives a bounded amount at a time, and counts
//! as a deposit. An account needs no registration: the first payment makes it.
//!
//! Links and clusters (mechanism notes, D5, sections 3 to 5): limits on auditors, votes, traffic and royalties count clusters
//! of accounts, never accounts, so that nobody gains by having many. Two accounts are linked when both said so. A link can be
//! ended, after the unbonding time from the request, so nobody is one party when it is audited and two when it votes. An
//! account leaves its cluster with its last link; the rest stays together.
//!
//! Sessions (design, section 7): an account lets a key, ed25519 or secp256k1, act for it: named kinds of action, at most so
//! much of each asset per epoch and in total, until an epoch, revocable at once. What a session spends is counted where
//! balances fall, in both assets, and what comes back is not subtracted. A session has a nonce of its own, so that services
//! and their owner do not wait for each other; it goes on through revocation and new grants, so nothing is ever replayed. What
//! is no money (owning, voting) is limited by the kinds of action alone. No session grants sessions or withdraws.
//!
//! Links that nobody declared (section 3: shared funding, hardware key, withdrawal address) are reported by anybody for a bond;
//! who thinks otherwise challenges that for a bond, and a panel of the datanets' jurors judges, drawn by the chain.
//!
//! Absent: deposits and withdrawals, which pass through the bridge; the evidence of links, which stays outside, by its hash.

mod apply;
mod clusters;
#[cfg(test)]
mod finding_tests;
mod findings;
#[cfg(test)]
pub(crate) mod fixtures;
mod key;
#[cfg(test)]
mod link_tests;
mod links;
#[cfg(test)]
mod session_tests;
mod sessions;
#[cfg(test)]
mod tests;

use openledger_types::{AccountAction, AccountId};

use crate::execute::Transition;
use crate::state::{Applied, StateKey};

pub(crate) use apply::{faucet, keys, receive, spend, transfer};
pub(crate) use clusters::{cluster_of, key_of_cluster, moved_since};
pub use key::{AccountKey, AccountsRecord};
pub(crate) use sessions::Session;

pub(crate) fn keys_of_action(sender: AccountId, action: &AccountAction) -> Vec<StateKey> {
    match action {
        AccountAction::DeclareLink { other } | AccountAction::EndLink { other } => {
            links::keys(sender, *other)
        }
        AccountAction::ReportLink { one, other, .. }
        | AccountAction::ChallengeLink { one, other }
        | AccountAction::SettleLink { one, other } => findings::keys(*one, *other),
        AccountAction::JudgeLink { one, other, beacon, .. } => {
            findings::keys_of_judging(sender, (*one, *other), *beacon)
        }
        AccountAction::GrantSession { key, .. } | AccountAction::RevokeSession { key } => {
            sessions::keys(sender, *key)
        }
    }
}

pub(crate) fn apply(transition: &mut Transition<'_>, action: &AccountAction) -> Applied {
    match action {
        AccountAction::DeclareLink { other } => links::declare(transition, *other),
        AccountAction::EndLink { other } => links::end(transition, *other),
        AccountAction::ReportLink { one, other, basis, evidence } => {
            findings::report(transition, *one, *other, *basis, *evidence)
        }
        AccountAction::ChallengeLink { one, other } => findings::challenge(transition, *one, *other),
        AccountAction::SettleLink { one, other } => findings::settle(transition, *one, *other),
        AccountAction::JudgeLink { one, other, beacon, stands } => {
            findings::judge(transition, (*one, *other), *beacon, *stands)
        }
        AccountAction::GrantSession { key, grant } => sessions::grant(transition, *key, grant),
        AccountAction::RevokeSession { key } => sessions::revoke(transition, *key),
    }
}
