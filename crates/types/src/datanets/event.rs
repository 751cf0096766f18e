//! What happened in a datanet. Money that moved has its own events.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{CampaignId, CampaignTerms, DatanetRole, Decision, GoldItem, Matter, Policy, Provenance};
use crate::{AccountId, Amount, ContributionId, Hash, Name, NewContribution};

/// A fact of the step `datanets`.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs, reason = "field names repeat the action's documented fields")]
pub enum DatanetEvent {
    /// A policy was set; it is in force from this epoch on.
    PolicySet { datanet: Name, policy: Box<Policy>, hash: Hash, from_epoch: u64 },
    /// An account has a role now.
    RoleGranted { datanet: Name, account: AccountId, role: DatanetRole },
    /// An account has a role no more.
    RoleWithdrawn { datanet: Name, account: AccountId, role: DatanetRole },
    /// The curatorship is offered, or no more.
    CuratorshipOffered { datanet: Name, to: Option<AccountId> },
    /// Somebody else curates.
    CuratorChanged { datanet: Name, from: AccountId, to: AccountId },
    /// Somebody committed to a contribution, to be revealed until the end of this epoch.
    Committed { datanet: Name, contributor: AccountId, commitment: Hash, until_epoch: u64 },
    /// A commitment was not revealed in time.
    CommitmentExpired { datanet: Name, contributor: AccountId, commitment: Hash },
    /// A contribution was revealed; it waits for a decision until the end of this epoch.
    Revealed {
        datanet: Name,
        contributor: AccountId,
        contribution: Box<NewContribution>,
        provenance: Provenance,
        until_epoch: u64,
    },
    /// A reviewer decided about a contribution.
    Decided { datanet: Name, contribution: ContributionId, by: AccountId, decision: Decision },
    /// Nobody decided in time, so a contribution is in force; it may be decided until the end of this epoch.
    AcceptedBySilence { datanet: Name, contribution: ContributionId, until_epoch: u64 },
    /// A contribution is in force for good, or gone for good.
    Settled { datanet: Name, contribution: ContributionId, accepted: bool },
    /// A cluster belongs to this contribution now.
    ClusterTaken { datanet: Name, cluster: Hash, owner: ContributionId },
    /// A dispute was opened.
    DisputeOpened {
        datanet: Name,
        contribution: ContributionId,
        claimant: AccountId,
        matter: Matter,
        until_epoch: u64,
    },
    /// Somebody objected to a claim; a panel judges until the end of this epoch.
    Contested { datanet: Name, contribution: ContributionId, respondent: AccountId, until_epoch: u64 },
    /// A juror judged.
    Voted { datanet: Name, contribution: ContributionId, juror: AccountId, for_claimant: bool },
    /// A dispute is over.
    DisputeClosed { datanet: Name, contribution: ContributionId, matter: Matter, won: bool, votes: u32 },
    /// Somebody judges disputes now.
    JurorJoined { account: AccountId },
    /// Somebody judges disputes no more.
    JurorLeft { account: AccountId },
    /// A campaign was opened and paid for; the last epochs to commit labels, to reveal them, and to reveal gold.
    CampaignOpened {
        campaign: CampaignId,
        terms: Box<CampaignTerms>,
        commit_until: u64,
        reveal_until: u64,
        gold_until: u64,
    },
    /// A labeller committed to labels.
    LabelsCommitted { campaign: CampaignId, batch: u32, labeller: AccountId, commitment: Hash },
    /// Labels were shown.
    LabelsRevealed { campaign: CampaignId, batch: u32, labeller: AccountId, labels: Vec<u16> },
    /// Gold was shown; this many of it count.
    GoldRevealed { campaign: CampaignId, batch: u32, gold: Vec<GoldItem>, counts: u32 },
    /// Work ended: so many of the checked gold items were right, and this was paid.
    WorkJudged {
        campaign: CampaignId,
        batch: u32,
        labeller: AccountId,
        right: u32,
        checked: u32,
        paid: Amount,
    },
    /// A campaign was closed; this went back.
    CampaignClosed { campaign: CampaignId, refunded: Amount },
}
