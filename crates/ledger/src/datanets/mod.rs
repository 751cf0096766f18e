//! Datanets: who contributed what, under which licence, and which versions were sealed.
//!
//! Rule (design, sections 4 and 6; mechanism notes, section 2 step 3): the creator is the curator and commits
//! contributions by content hash, in an order that never changes. Contributions with equal normalised text form one
//! cluster; the earliest owns it and only the owner is ever paid, so repeating a text earns nothing. That stays true
//! when the owner is revoked: a withdrawn text cannot come back as a copy of itself. Owners have whole parts; each
//! payment is floored per owner and the first owner gets what flooring leaves. A revoked contribution is paid nothing
//! from the next block on. A snapshot seals a version by its roots and the hash of the policy in force; versions count up
//! without gaps.
//!
//! Policy (mechanism notes, section 2 step 3): licences, who may contribute, which provenance, a quality bar, a bond, and a
//! part of what contributions earn for the curator and for the datanet's treasury. All within the network's bounds; a change
//! comes into force after a delay, raises a share by a small step at most, and never touches what was committed before, whatever number of policies follows:
//! curator and treasury are owners of a contribution from its acceptance, by parts that never change. So they earn, wait for
//! maturity and unlock like authors, and settlement and receipts divide by one rule. Whoever curated at the acceptance keeps
//! the share; curatorship passes by offer and acceptance. The treasury is an account without a key
//! ([`openledger_types::datanets::treasury_account`]).
//!
//! Provenance (`h` in the mechanism notes): attribution mass counts in full for verified human text, less for unverified and
//! declared synthetic text. The factor is fixed at the acceptance. The curator says what imports are and answers for it.
//!
//! Open contributions (mechanism notes, section 2 step 3, attacks A1 to A3, invariant I5): whoever the policy admits commits
//! to a hash with a bond, and reveals it in a later block. The place in the order of a cluster is that of the commitment, so
//! whoever sees a reveal on its way comes too late, the curator too. A commitment that is not revealed in time loses its bond
//! to nobody: it is burned, because a treasury or curator who gained by it could also hinder the reveal. A reviewer or the
//! curator decides, with a quality that fits the policy's bar and a numbered reason. Silence accepts: the contribution earns
//! as unverified and may still be decided for a while, so that absence steals no work. However late that is, the policy of the
//! commitment counts. Rejections for a fault lose the bond
//! (burned, for the same reason), judgements of taste return it. A rejected text frees its cluster.
//!
//! Disputes: a rejection is appealed to, a repetition or a fault is claimed, a claim is contested; each with a bond. A claim that
//! nobody contests in time holds. A panel is drawn from the jurors who were bonded before its call, by the first randomness after
//! it; linked accounts of a party are excluded, and jurors whose cluster changed since; a vote is paid a fixed fee, never for agreeing. The loser's bond pays the fees, half of the rest
//! goes to the winner and half is burned. Too few votes decide for the contribution and cost nobody a bond. Contributions
//! found to repeat an earlier one join its cluster and earn nothing from the next block on. No token votes. What a
//! contribution that was removed for a fault still holds, not mature yet, is taken from each of its owners, curator and treasury
//! too; the claimant is rewarded out of it.
//!
//! Tasks (mechanism notes, D1, section 1 "Elicitation", attack A4): a requester, or the curator with a small part of the
//! treasury, asks for labels or evaluations and pays for all of them in advance: a fixed fee per item. Items stand under a
//! root, in batches; the gold among them is committed to by a root before anybody works. Labellers commit, then reveal, and
//! only then is gold revealed; a random part of it, drawn for each labeller by randomness after the commitments, is checked.
//! Enough right answers earn the fee for the batch, too few earn nothing, and agreement with others is never looked at. Gold
//! that was used up, or public before labels were committed, does not count; a requester who does not reveal enough gold pays
//! everybody. Checks are evidence about the labeller where the treasury pays; elsewhere they are a requester's word. A campaign's
//! money ends once: paid, or back with whoever paid.
//!
//! Treasury: it collects what has unlocked like every owner; the datanet's governance spends it, the curator alone only a small
//! part, on tasks, counted over the window of grants: nobody takes more before the houses can appoint another curator.
//!
//! Absent: the texts, the items of a batch and the aggregation of labels (they are outside); near-duplicates that nobody
//! claimed; maturity (in `escrow`); disputes about gold that is wrong: the events show each requester's record.

mod actions;
mod apply;
mod clawback;
mod clusters;
mod disputes;
#[cfg(test)]
pub(crate) mod fixtures;
mod gold;
mod jurors;
mod key;
mod open;
mod rules;
mod tasks;
#[cfg(test)]
mod tests;
mod treasury;

pub(crate) use actions::{apply, keys};
pub(crate) use apply::{
    contribute, create, keys_of_contribute, keys_of_contribution, keys_of_datanet, revoke, seal,
};
pub(crate) use disputes::{dispute_key, is_open as is_disputed};
pub(crate) use jurors::{
    Panel, count as jurors, count_key as key_of_jurors, counted, juror_key, pay as pay_jurors, sit,
};
pub use key::{DatanetKey, DatanetsRecord};
pub(crate) use rules::{appoint, check_bounds, check_change, last_policy, replace_policy, rules_key};
pub(crate) use treasury::treasury_pay;
