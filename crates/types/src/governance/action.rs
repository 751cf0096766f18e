//! What an account can ask of governance.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{Change, Pausable, Scope, Target};
use crate::record::Role;
use crate::{AccountId, Amount, Domain, Hash};

/// Everything an account can ask of governance.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum GovernanceAction {
    /// Lock OPEN to vote in the token house.
    Lock {
        /// Of what.
        scope: Scope,
        /// How much, in OPEN.
        amount: Amount,
    },
    /// Begin to take locked OPEN back.
    Unlock {
        /// Of what.
        scope: Scope,
        /// How much, in OPEN.
        amount: Amount,
    },
    /// Take back what has waited long enough.
    ReleaseLock {
        /// Of what.
        scope: Scope,
    },
    /// Register the sender's audited work in the contributor house, or bring it up to date.
    Enrol {
        /// Of what.
        scope: Scope,
        /// The domains whose evidence counts, distinct and in increasing order.
        domains: Vec<Domain>,
    },
    /// Bring somebody's registration up to date.
    RefreshEnrolment {
        /// Of what.
        scope: Scope,
        /// Whose.
        account: AccountId,
    },
    /// Propose changes. The sender's bond is locked until the proposal is decided.
    Propose {
        /// For what.
        scope: Scope,
        /// Title for people.
        title: String,
        /// Hash of the text that explains it.
        document: Hash,
        /// What it does, all or nothing.
        changes: Vec<Change>,
        /// What it promises; money and constitution need one.
        target: Option<Target>,
    },
    /// Vote in both houses at once, or change the vote. After approval only objections are taken.
    Vote {
        /// Where.
        scope: Scope,
        /// Which.
        proposal: u64,
        /// For it, or against.
        support: bool,
    },
    /// Count a vote whose time is over.
    CloseVote {
        /// Where.
        scope: Scope,
        /// Which.
        proposal: u64,
    },
    /// Do what was decided, when its delay is over.
    Execute {
        /// Where.
        scope: Scope,
        /// Which.
        proposal: u64,
    },
    /// Compare what an executed proposal promised with what is; a breach restores the old values.
    Review {
        /// Where.
        scope: Scope,
        /// Which.
        proposal: u64,
    },
    /// End an executed constitutional proposal whose term is over and that nobody renewed: the old values return.
    Sunset {
        /// Where.
        scope: Scope,
        /// Which.
        proposal: u64,
    },
    /// Leave between the approval of a constitutional proposal and its execution: locks and stake come back at once, and
    /// escrow in proportion to its time. Whatever is named and not there is passed over.
    Leave {
        /// Where; a datanet gives back its locks alone.
        scope: Scope,
        /// The approved proposal.
        proposal: u64,
        /// Other scopes whose locks are taken back.
        scopes: Vec<Scope>,
        /// Tranches by role and the epoch in which they began.
        tranches: Vec<(Role, u64)>,
        /// Unbonded OPEN by role and the epoch of the request.
        unbonding: Vec<(Role, u64)>,
    },
    /// Open an election of the emergency council: there is none, it was used, or its term is over.
    OpenElection,
    /// Stand for the council. Sender: a member of the contributor house; one candidate for each cluster.
    Stand,
    /// Give the sender's vote in the contributor house to one candidate, or change it.
    Elect {
        /// Whom.
        candidate: AccountId,
    },
    /// Seat the candidates with the most votes.
    CloseElection,
    /// Order a pause. Sender: a member of the council; it begins when five members gave the same order.
    OrderPause {
        /// Which steps, distinct and in increasing order.
        steps: Vec<Pausable>,
        /// For how long.
        duration_ms: u64,
    },
}

impl GovernanceAction {
    /// The action's name, as wallets show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Lock { .. } => "Lock votes",
            Self::Unlock { .. } => "Unlock votes",
            Self::ReleaseLock { .. } => "Release votes",
            Self::Enrol { .. } => "Enrol",
            Self::RefreshEnrolment { .. } => "Refresh enrolment",
            Self::Propose { .. } => "Propose",
            Self::Vote { .. } => "Vote",
            Self::CloseVote { .. } => "Close vote",
            Self::Execute { .. } => "Execute proposal",
            Self::Review { .. } => "Review proposal",
            Self::Sunset { .. } => "End proposal",
            Self::Leave { .. } => "Leave",
            Self::OpenElection => "Open election",
            Self::Stand => "Stand for council",
            Self::Elect { .. } => "Elect",
            Self::CloseElection => "Close election",
            Self::OrderPause { .. } => "Order pause",
        }
    }

    /// What the action does, in plain words.
    pub fn summary(&self) -> String {
        match self {
            Self::Lock { scope, amount } => format!("Lock {amount} OPEN to vote on {scope}"),
            Self::Unlock { scope, amount } => format!("Take {amount} OPEN back from the votes on {scope}"),
            Self::ReleaseLock { scope } => format!("Release the OPEN that left the votes on {scope}"),
            Self::Enrol { scope, domains } => {
                let domains: Vec<String> = domains.iter().map(ToString::to_string).collect();
                format!("Register audited work in the contributor house of {scope}: {}", domains.join(", "))
            }
            Self::RefreshEnrolment { scope, account } => {
                format!("Bring the registration of {account} in {scope} up to date")
            }
            Self::Propose { scope, title, document, changes, target } => {
                let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
                let target = target.as_ref().map(|target| {
                    let side = if target.at_least { "at least" } else { "at most" };
                    format!(
                        "; promised after {} epochs: {side} {} {}",
                        target.review_after_epochs, target.value, target.metric
                    )
                });
                let target = target.unwrap_or_default();
                format!("Propose for {scope} \"{title}\" (text {document}): {}{target}", changes.join(", "))
            }
            Self::Vote { scope, proposal, support } => {
                let side = if *support { "for" } else { "against" };
                format!("Vote {side} proposal {proposal} of {scope}")
            }
            Self::CloseVote { scope, proposal } => {
                format!("Count the votes on proposal {proposal} of {scope}")
            }
            Self::Execute { scope, proposal } => format!("Execute proposal {proposal} of {scope}"),
            Self::Review { scope, proposal } => {
                format!("Review what proposal {proposal} of {scope} promised")
            }
            Self::Sunset { scope, proposal } => format!("End the term of proposal {proposal} of {scope}"),
            Self::Leave { scope, proposal, scopes, tranches, unbonding } => format!(
                "Leave because of proposal {proposal} of {scope}: stake, {} locks, {} tranches and {} unbondings come back",
                scopes.len().saturating_add(1),
                tranches.len(),
                unbonding.len()
            ),
            Self::OpenElection => "Open an election of the emergency council".to_owned(),
            Self::Stand => "Stand for the emergency council".to_owned(),
            Self::Elect { candidate } => format!("Elect {candidate} to the emergency council"),
            Self::CloseElection => "Seat the emergency council".to_owned(),
            Self::OrderPause { steps, duration_ms } => {
                format!("Pause {steps:?} for {duration_ms} ms")
            }
        }
    }
}
