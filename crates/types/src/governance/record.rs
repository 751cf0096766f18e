//! What the ledger remembers of governance, one record for each key.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{Change, Pausable, ProposalClass, Target};
use crate::datanets::Policy;
use crate::{AccountId, Amount, BasisPoints, Domain, Hash};

/// The sum of one house at one moment.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
pub struct HouseSum {
    /// Token house: OPEN locked. Contributor house: registered weight in 1/2^16 units.
    pub full: u64,
    /// Token house: what conviction still lacks of `full`. Contributor house: 0.
    pub missing: u64,
}

/// Everything registered in one house.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct HouseRecord {
    /// Epoch of the last change.
    pub epoch: u64,
    /// The sum at the beginning of that epoch: what a proposal of that epoch is measured against.
    pub opening: HouseSum,
    /// The sum with the changes of that epoch.
    pub now: HouseSum,
}

/// One voter's weight after the changes of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Weight {
    /// The epoch.
    pub epoch: u64,
    /// Like [`HouseSum::full`].
    pub full: u64,
    /// Like [`HouseSum::missing`].
    pub missing: u64,
}

/// OPEN that an account locked to vote.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct LockRecord {
    /// The weight after each epoch with changes, oldest first; as far back as a vote can be open.
    pub weights: Vec<Weight>,
    /// OPEN on its way back: the first epoch of release, and how much.
    pub leaving: Vec<(u64, Amount)>,
    /// First epoch without a vote that the lock was given to; what is unlocked before waits at least as long.
    pub held_until_epoch: u64,
}

/// An account's audited work as it registered it.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct EnrolmentRecord {
    /// The domains that count.
    pub domains: Vec<Domain>,
    /// The weight after each epoch with changes, oldest first.
    pub weights: Vec<Weight>,
}

/// The proposals of a scope.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ScopeRecord {
    /// Number of the last proposal; they count from 1.
    pub proposals: u64,
    /// Who made those that are not decided; a cluster has one at a time.
    pub open: Vec<AccountId>,
}

/// The votes of one house.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
pub struct Tally {
    /// For it, after the cap of each cluster.
    pub yes: u64,
    /// Against it.
    pub no: u64,
    /// Everything that could have been given: the house at the beginning of the epoch of the proposal.
    pub total: u64,
}

/// What a proposal has to pass, as it was when the proposal was made: no later vote shortens a delay that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Terms {
    /// The least part of the token house that votes, in basis points; for a routine proposal the part that cancels it.
    pub token: u16,
    /// The same for the contributor house.
    pub contributors: u16,
    /// The most that one cluster counts in the token house, in basis points.
    pub token_cap: u16,
    /// The same for the contributor house.
    pub contributor_cap: u16,
    /// Epochs from approval to execution without objections.
    pub delay_low_epochs: u64,
    /// The same with the most objections.
    pub delay_high_epochs: u64,
    /// Objections from which on the delay grows, in basis points of either house.
    pub objection_low: u16,
    /// Objections at which it grows no further.
    pub objection_high: u16,
    /// Epochs after the delay in which it can be executed.
    pub execution_epochs: u64,
    /// Epochs that a constitutional proposal stands.
    pub sunset_epochs: u64,
}

/// How far a proposal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Stage {
    /// It is voted on.
    Voting,
    /// Both houses passed it; its delay runs.
    Approved {
        /// When.
        epoch: u64,
        /// First epoch in which it can be executed. Objections move it later, nothing moves it earlier.
        executes_in_epoch: u64,
    },
    /// It was executed.
    Executed {
        /// When.
        epoch: u64,
        /// Whether its target was looked at.
        reviewed: bool,
        /// First epoch in which its changes end; absent when they stand.
        sunset_epoch: Option<u64>,
    },
    /// Too many objected, or it was not executed in time.
    Cancelled,
    /// The houses did not pass it.
    Failed,
    /// Its target was missed, or its term ended: the old values are back.
    Restored,
}

/// A proposal.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ProposalRecord {
    /// Who proposed.
    pub proposer: AccountId,
    /// Title for people.
    pub title: String,
    /// Hash of the text that explains it.
    pub document: Hash,
    /// What it does.
    pub changes: Vec<Change>,
    /// What it promises.
    pub target: Option<Target>,
    /// What it needs.
    pub class: ProposalClass,
    /// What it has to pass.
    pub terms: Terms,
    /// OPEN of the proposer that waits for the decision.
    pub bond: Amount,
    /// Epoch of the proposal: weight counts as it was at its beginning.
    pub epoch: u64,
    /// First epoch without votes.
    pub closes_in_epoch: u64,
    /// Votes of the token house.
    pub token: Tally,
    /// Votes of the contributor house.
    pub contributors: Tally,
    /// How far it is.
    pub stage: Stage,
    /// What was replaced at execution, in the order of the changes of parameters.
    pub previous: Vec<u64>,
    /// The running total behind the metric at execution.
    pub metric_base: u64,
    /// The policy that was replaced at execution.
    pub previous_policy: Option<Box<Policy>>,
}

/// One account's vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct VoteRecord {
    /// For or against.
    pub support: bool,
    /// Weight in the token house.
    pub token: u64,
    /// Weight in the contributor house.
    pub contributors: u64,
    /// The cluster that it was counted in.
    pub cluster: AccountId,
}

/// What the accounts of one cluster gave on one proposal, before the cap: against and for.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
pub struct ClusterVotesRecord {
    /// In the token house.
    pub token: [u64; 2],
    /// In the contributor house.
    pub contributors: [u64; 2],
}

/// How far routine proposals moved a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct DriftRecord {
    /// The value before the first step.
    pub anchor: u64,
    /// Epoch of the last step.
    pub epoch: u64,
}

/// What a treasury paid lately, by epoch, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct GrantsRecord {
    /// Epoch and amount.
    pub paid: Vec<(u64, Amount)>,
}

impl GrantsRecord {
    /// Counts a payment out of a treasury that holds `held`, and says whether all payments of the last `window` epochs are
    /// within `most` of what there was. None when a sum overflows.
    pub fn count(
        &mut self,
        epoch: u64,
        window: u64,
        held: Amount,
        amount: Amount,
        most: BasisPoints,
    ) -> Option<bool> {
        self.paid.retain(|(paid, _)| epoch.saturating_sub(*paid) < window);
        let before = Amount::sum(self.paid.iter().map(|(_, amount)| *amount))?;
        let (whole, spent) = (held.plus(before)?, before.plus(amount)?);
        match self.paid.last_mut().filter(|last| last.0 == epoch) {
            Some(last) => last.1 = last.1.plus(amount)?,
            None => self.paid.push((epoch, amount)),
        }
        Some(spent <= whole.basis_points(most))
    }
}

/// An order to pause.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct PauseOrder {
    /// Which steps.
    pub steps: Vec<Pausable>,
    /// For how long.
    pub duration_ms: u64,
    /// When it was given; it is forgotten after a day.
    pub ordered_at_ms: u64,
}

/// A seat of the emergency council.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Seat {
    /// Who.
    pub member: AccountId,
    /// The order that the member gave last.
    pub order: Option<PauseOrder>,
}

/// The emergency council.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct CouncilRecord {
    /// Its members, at most seven.
    pub seats: Vec<Seat>,
    /// Epoch in which its term ends.
    pub term_ends_in_epoch: u64,
    /// Whether it has paused once. Then it can do nothing more.
    pub used: bool,
    /// Number of the last election.
    pub election: u64,
}

/// A candidate for the council.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Candidate {
    /// Who.
    pub account: AccountId,
    /// The cluster when the candidate stood; one candidate for each.
    pub cluster: AccountId,
    /// Votes, after the cap of each cluster.
    pub votes: u64,
    /// Which candidacy of the election this is; votes name it, so that nobody inherits them.
    pub number: u32,
}

/// An election of the council.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ElectionRecord {
    /// Epoch in which it was opened: weight counts as it was at its beginning.
    pub epoch: u64,
    /// First epoch without votes.
    pub closes_in_epoch: u64,
    /// The contributor house at the beginning of that epoch.
    pub total: u64,
    /// The candidates, in the order in which they stood.
    pub candidates: Vec<Candidate>,
    /// How many stood, those who made room for others counted.
    pub stood: u32,
}

/// One account's vote in an election.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ElectionVoteRecord {
    /// Number of the candidacy.
    pub candidate: u32,
    /// Weight.
    pub weight: u64,
    /// The cluster that it was counted in.
    pub cluster: AccountId,
}

/// What the accounts of one cluster gave in an election, before the cap.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ElectionClusterRecord {
    /// Candidacies and their weight, for those who stand.
    pub given: Vec<(u32, u64)>,
}

/// The last pause of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct PausedStep {
    /// Which step.
    pub step: Pausable,
    /// When it began.
    pub from_ms: u64,
    /// When it ends, or ended, by itself.
    pub until_ms: u64,
}

/// The last pause of each step that was paused, in increasing order of steps.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct PauseRecord {
    /// One line for each step.
    pub steps: Vec<PausedStep>,
}
