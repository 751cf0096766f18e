//! What can be asked of a datanet beyond creating, importing, revoking and sealing.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{CampaignId, CampaignTerms, DatanetRole, Decision, GoldItem, Matter, Mix, Policy, Provenance};
use crate::{AccountId, ContributionId, Hash, Name, NewContribution};

/// An action of the step `datanets`.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DatanetAction {
    /// Create a datanet with a policy; the sender becomes its curator.
    Create {
        /// Unique name.
        name: Name,
        /// Title for people.
        title: String,
        /// Its rules.
        policy: Box<Policy>,
    },
    /// Change the policy. It comes into force after the delay and touches nothing that was contributed before, but for its
    /// mix: versions that are sealed from then on are shared by it.
    /// Sender: the curator.
    SetPolicy {
        /// Which datanet.
        datanet: Name,
        /// The rules to come.
        policy: Box<Policy>,
    },
    /// Give an account a role. Sender: the curator.
    Grant {
        /// Which datanet.
        datanet: Name,
        /// Who.
        account: AccountId,
        /// Which role.
        role: DatanetRole,
    },
    /// Take a role back. Sender: the curator, or whoever holds it.
    Withdraw {
        /// Which datanet.
        datanet: Name,
        /// Who.
        account: AccountId,
        /// Which role.
        role: DatanetRole,
    },
    /// Offer the curatorship to somebody, or to nobody any more. Sender: the curator.
    OfferCuratorship {
        /// Which datanet.
        datanet: Name,
        /// To whom.
        to: Option<AccountId>,
    },
    /// Become the curator. Sender: to whom it was offered.
    AcceptCuratorship {
        /// Which datanet.
        datanet: Name,
    },
    /// Commit to a contribution without showing it, with a bond.
    Commit {
        /// Where.
        datanet: Name,
        /// Hash of what will be revealed ([`super::commitment`]).
        commitment: Hash,
    },
    /// Show what was committed to. Sender: who committed.
    Reveal {
        /// Where.
        datanet: Name,
        /// What.
        contribution: Box<NewContribution>,
        /// Where it comes from.
        provenance: Provenance,
        /// Salt of the commitment.
        salt: Hash,
    },
    /// Burn the bond of a commitment that was not revealed in time. Sender: anybody.
    Sweep {
        /// Where.
        datanet: Name,
        /// Who committed.
        contributor: AccountId,
        /// The commitment.
        commitment: Hash,
    },
    /// Accept or reject a contribution. Sender: the curator or a reviewer who has no part in it.
    Decide {
        /// Where.
        datanet: Name,
        /// Which.
        contribution: ContributionId,
        /// The decision.
        decision: Decision,
    },
    /// Go on with a contribution whose deadline has passed. Sender: anybody.
    Conclude {
        /// Where.
        datanet: Name,
        /// Which.
        contribution: ContributionId,
    },
    /// Give the cluster of a contribution in force to it, when the cluster's owner was rejected or came later.
    /// Sender: anybody.
    TakeCluster {
        /// Where.
        datanet: Name,
        /// Which.
        contribution: ContributionId,
    },
    /// Ask a panel whether a rejection stands, with a bond. Sender: the contributor.
    Appeal {
        /// Where.
        datanet: Name,
        /// Which.
        contribution: ContributionId,
    },
    /// Say with a bond that a contribution in force repeats an earlier one or must go. Without an objection it holds.
    /// Sender: anybody.
    Claim {
        /// Where.
        datanet: Name,
        /// Which.
        contribution: ContributionId,
        /// What is said about it.
        matter: Matter,
    },
    /// Object to a claim with a bond as high, so that a panel judges. Sender: anybody but the claimant.
    Contest {
        /// Where.
        datanet: Name,
        /// Which.
        contribution: ContributionId,
    },
    /// Judge a dispute. Sender: a juror who was drawn and has no part in it.
    Vote {
        /// Where.
        datanet: Name,
        /// Which.
        contribution: ContributionId,
        /// Epoch of the randomness that drew the panel: the first after it was called.
        beacon: u64,
        /// Whether the claimant is right.
        for_claimant: bool,
    },
    /// Apply the verdict of a dispute whose time is over. Sender: anybody.
    CloseDispute {
        /// Where.
        datanet: Name,
        /// Which.
        contribution: ContributionId,
    },
    /// Take what a contribution that was removed for a fault still holds for one of its owners. Sender: anybody.
    Clawback {
        /// Where.
        datanet: Name,
        /// Which.
        contribution: ContributionId,
        /// Whose money.
        owner: AccountId,
        /// Who claimed the fault and is rewarded.
        claimant: AccountId,
    },
    /// Become a juror, with a bond.
    JoinPanel,
    /// Be a juror no more; the bond comes back. Not before the unbonding time since joining has passed.
    LeavePanel,
    /// Ask for labels or evaluations and pay for all of them in advance. Sender: anybody; the curator where the treasury
    /// pays.
    OpenCampaign {
        /// In which datanet.
        datanet: Name,
        /// The sender's number for it, not used before.
        number: u32,
        /// What is asked for and paid.
        terms: Box<CampaignTerms>,
    },
    /// Take a place in a batch of a campaign by committing to labels, with a bond.
    CommitLabels {
        /// Which campaign.
        campaign: CampaignId,
        /// Which batch, from 0.
        batch: u32,
        /// Hash of the labels ([`super::labels_commitment`]).
        commitment: Hash,
    },
    /// Show the labels that were committed to.
    RevealLabels {
        /// Which campaign.
        campaign: CampaignId,
        /// Which batch.
        batch: u32,
        /// One label for each item.
        labels: Vec<u16>,
        /// Salt of the commitment.
        salt: Hash,
    },
    /// Show the gold of a batch. Sender: the requester.
    RevealGold {
        /// The sender's campaign in this datanet.
        datanet: Name,
        /// Its number.
        number: u32,
        /// Which batch.
        batch: u32,
        /// Its gold, by increasing place.
        gold: Vec<GoldItem>,
        /// Salt of the commitment.
        salt: Hash,
        /// Path to the campaign's gold root.
        path: Vec<Hash>,
    },
    /// End the work of a labeller on a batch: paid by gold, unpaid, or never revealed. Sender: anybody.
    JudgeLabels {
        /// Which campaign.
        campaign: CampaignId,
        /// Which batch.
        batch: u32,
        /// Whose work.
        labeller: AccountId,
        /// Epoch of the randomness that draws the gold: the first after labels were committed.
        beacon: u64,
    },
    /// Take back what nobody can earn any more. Sender: the requester.
    CloseCampaign {
        /// The sender's campaign in this datanet.
        datanet: Name,
        /// Its number.
        number: u32,
    },
    /// Move what has unlocked of a treasury's tranches to its balance. Sender: anybody.
    CollectTreasury {
        /// Whose treasury.
        datanet: Name,
        /// Epochs in which they began, at most `TRANCHES_PER_CLAIM_MAX`.
        epochs: Vec<u64>,
    },
}

impl DatanetAction {
    /// The action's name, as wallets show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create { .. } => "Create datanet with policy",
            Self::SetPolicy { .. } => "Set policy",
            Self::Grant { .. } => "Grant role",
            Self::Withdraw { .. } => "Withdraw role",
            Self::OfferCuratorship { .. } => "Offer curatorship",
            Self::AcceptCuratorship { .. } => "Accept curatorship",
            Self::Commit { .. } => "Commit contribution",
            Self::Reveal { .. } => "Reveal contribution",
            Self::Sweep { .. } => "Sweep commitment",
            Self::Decide { .. } => "Decide contribution",
            Self::Conclude { .. } => "Conclude contribution",
            Self::TakeCluster { .. } => "Take cluster",
            Self::Appeal { .. } => "Appeal rejection",
            Self::Claim { .. } => "Claim against contribution",
            Self::Contest { .. } => "Contest claim",
            Self::Vote { .. } => "Judge dispute",
            Self::CloseDispute { .. } => "Close dispute",
            Self::Clawback { .. } => "Claw back",
            Self::JoinPanel => "Join panel",
            Self::LeavePanel => "Leave panel",
            Self::OpenCampaign { .. } => "Open campaign",
            Self::CommitLabels { .. } => "Commit labels",
            Self::RevealLabels { .. } => "Reveal labels",
            Self::RevealGold { .. } => "Reveal gold",
            Self::JudgeLabels { .. } => "Judge labels",
            Self::CloseCampaign { .. } => "Close campaign",
            Self::CollectTreasury { .. } => "Collect treasury",
        }
    }

    /// What the action does, in plain words.
    pub fn summary(&self) -> String {
        match self {
            Self::Create { name, title, policy } => {
                format!("Create the datanet {name} ({title}): {}", shares(policy))
            }
            Self::SetPolicy { datanet, policy } => {
                format!("Change the policy of {datanet} to {}: {}", policy.hash(), shares(policy))
            }
            Self::Grant { datanet, account, role } => {
                format!("Make {account} a {} of {datanet}", role.name())
            }
            Self::Withdraw { datanet, account, role } => {
                format!("Withdraw the role of {} of {datanet} from {account}", role.name())
            }
            Self::OfferCuratorship { datanet, to: Some(to) } => {
                format!("Offer the curatorship of {datanet} to {to}")
            }
            Self::OfferCuratorship { datanet, to: None } => {
                format!("Offer the curatorship of {datanet} to nobody")
            }
            Self::AcceptCuratorship { datanet } => format!("Become the curator of {datanet}"),
            other => other.summary_of_open(),
        }
    }

    fn summary_of_open(&self) -> String {
        match self {
            Self::Commit { datanet, commitment } => {
                format!(
                    "Commit to a contribution to {datanet} by {commitment}, with a bond that is lost unless it is revealed"
                )
            }
            Self::Reveal { datanet, contribution, provenance, .. } => format!(
                "Contribute {} ({}) to {datanet} under {}, {}",
                contribution.id,
                contribution.label,
                contribution.license,
                provenance.name()
            ),
            Self::Sweep { datanet, contributor, commitment } => {
                format!("Burn the bond of the commitment {commitment} of {contributor} to {datanet}")
            }
            Self::Decide { datanet, contribution, decision: Decision::Accept { quality, verified } } => {
                format!(
                    "Accept contribution {contribution} of {datanet} with a quality of {} basis points{}",
                    quality.0,
                    if *verified { ", its human origin verified" } else { "" }
                )
            }
            Self::Decide { datanet, contribution, decision: Decision::Reject { reason, .. } } => {
                format!("Reject contribution {contribution} of {datanet}: {}", reason.name())
            }
            Self::Conclude { datanet, contribution } => {
                format!("Conclude contribution {contribution} of {datanet}")
            }
            Self::TakeCluster { datanet, contribution } => {
                format!("Give its cluster to contribution {contribution} of {datanet}")
            }
            Self::Appeal { datanet, contribution } => {
                format!("Appeal against the rejection of contribution {contribution} of {datanet}")
            }
            Self::Claim { datanet, contribution, matter } => {
                format!("Claim with a bond that contribution {contribution} of {datanet} {}", matter.words())
            }
            Self::Contest { datanet, contribution } => {
                format!("Object with a bond to the claim against contribution {contribution} of {datanet}")
            }
            Self::Vote { datanet, contribution, for_claimant, .. } => format!(
                "Judge that the claimant is {} about contribution {contribution} of {datanet}",
                if *for_claimant { "right" } else { "wrong" }
            ),
            Self::CloseDispute { datanet, contribution } => {
                format!("Close the dispute about contribution {contribution} of {datanet}")
            }
            Self::Clawback { datanet, contribution, owner, .. } => {
                format!("Take what {contribution} of {datanet} holds for {owner}: it was removed for a fault")
            }
            Self::JoinPanel => "Become a juror, with a bond".to_owned(),
            Self::LeavePanel => "Be a juror no more".to_owned(),
            other => other.summary_of_tasks(),
        }
    }

    fn summary_of_tasks(&self) -> String {
        match self {
            Self::OpenCampaign { datanet, number, terms } => format!(
                "Ask for {} times {} labels on each of {} batches in {datanet} (campaign {number}) for {} C per item, {} C in all",
                terms.workers,
                terms.batch_items,
                terms.batches,
                terms.fee,
                terms.total().unwrap_or_default()
            ),
            Self::CommitLabels { campaign, batch, commitment } => format!(
                "Commit to labels for batch {batch} of campaign {} of {} in {} by {commitment}",
                campaign.number, campaign.requester, campaign.datanet
            ),
            Self::RevealLabels { campaign, batch, labels, .. } => format!(
                "Show {} labels for batch {batch} of campaign {} of {} in {}",
                labels.len(),
                campaign.number,
                campaign.requester,
                campaign.datanet
            ),
            Self::RevealGold { datanet, number, batch, gold, .. } => {
                format!("Show {} gold items of batch {batch} of campaign {number} in {datanet}", gold.len())
            }
            Self::JudgeLabels { campaign, batch, labeller, .. } => format!(
                "Judge the labels of {labeller} for batch {batch} of campaign {} of {} in {}",
                campaign.number, campaign.requester, campaign.datanet
            ),
            Self::CloseCampaign { datanet, number } => format!("Close campaign {number} in {datanet}"),
            Self::CollectTreasury { datanet, epochs } => {
                format!("Collect what has unlocked of {} tranches of the treasury of {datanet}", epochs.len())
            }
            other => other.name().to_owned(),
        }
    }
}

fn shares(policy: &Policy) -> String {
    let Mix { verbatim, context, influence } = policy.mix;
    let mix = if policy.mix == Mix::VERBATIM {
        String::new()
    } else {
        let (verbatim, context, influence) = (verbatim.0, context.0, influence.0);
        format!(
            "; reuse of words counts {verbatim} basis points, help in the context {context}, influence {influence}"
        )
    };
    format!(
        "{} basis points of what contributions earn to the curator, {} to the treasury{mix}",
        policy.curator_share.0, policy.treasury_share.0
    )
}
