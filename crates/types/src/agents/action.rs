//! What agents and whoever hires them can ask for, and what happened.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{AgentId, AgentProfile, JobId, JobTerms, MandateId, MandateTerms};
use crate::{AccountId, Amount, BasisPoints, ChannelId, Hash};

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AgentAction {
    /// Register an agent; the sender owns it and acts for it until it names a wallet.
    RegisterAgent {
        /// What it says about itself.
        profile: AgentProfile,
    },
    /// Change what an agent says about itself. Sender: its owner.
    UpdateAgent {
        /// Which.
        agent: AgentId,
        /// What it says about itself.
        profile: AgentProfile,
    },
    /// Name the wallet that acts for an agent, or take it away. It counts when the wallet has agreed. Sender: its owner.
    SetAgentWallet {
        /// Which.
        agent: AgentId,
        /// The wallet.
        wallet: Option<AccountId>,
    },
    /// Agree to act for an agent. Sender: the wallet that was named.
    AcceptAgentWallet {
        /// Which.
        agent: AgentId,
    },
    /// Give an agent to another owner. Its wallet and all mandates to it end. Sender: its owner.
    TransferAgent {
        /// Which.
        agent: AgentId,
        /// The new owner.
        to: AccountId,
    },
    /// Let an agent spend the sender's credits, or with a parent, a part of what the sender's agent may spend.
    GrantMandate {
        /// Who may spend.
        agent: AgentId,
        /// How much, on what, until when.
        terms: MandateTerms,
        /// The mandate of which this one is a part.
        parent: Option<MandateId>,
    },
    /// End a mandate and everything under it. Sender: who pays, or who granted it.
    RevokeMandate {
        /// Which.
        mandate: MandateId,
    },
    /// Pay an account from a mandate.
    PayByMandate {
        /// Which.
        mandate: MandateId,
        /// Who receives.
        to: AccountId,
        /// How much.
        amount: Amount,
    },
    /// Top up a channel of whoever pays, from a mandate.
    TopUpByMandate {
        /// Which.
        mandate: MandateId,
        /// The channel.
        channel: ChannelId,
        /// How much.
        amount: Amount,
    },
    /// Hire an agent: price and evaluator's fee are set aside, from the sender's balance or from a mandate.
    OpenJob {
        /// The job.
        terms: JobTerms,
        /// The mandate that pays.
        mandate: Option<MandateId>,
    },
    /// Take a job. Sender: who acts for the provider.
    AcceptJob {
        /// Which.
        job: JobId,
    },
    /// Take back a job that nobody has accepted, or decline it.
    CancelJob {
        /// Which.
        job: JobId,
    },
    /// Deliver the result. Sender: who accepted the job.
    SubmitResult {
        /// Which.
        job: JobId,
        /// Hash of the result.
        result: Hash,
    },
    /// Say which part of the price the result is worth. Sender: the evaluator.
    DecideJob {
        /// Which.
        job: JobId,
        /// The part that the provider gets.
        paid: BasisPoints,
        /// Hash of the reasons.
        reasons: Hash,
    },
    /// Contest a decision before it is final, for a bond, or answer a contest of the other side for the same bond. Sender: the
    /// client or the provider.
    ContestJob {
        /// Which.
        job: JobId,
        /// The part of the price that the result is worth; jurors choose between this and what the other side says, or
        /// the decision when that is silent. The client names less than was decided, the provider more.
        paid: BasisPoints,
    },
    /// End a job whose time has passed: pay out what was decided, or what silence decides. Anyone may.
    SettleJob {
        /// Which.
        job: JobId,
    },
    /// Put OPEN at stake for an agent's work. Sender: its owner.
    RaiseAgentBond {
        /// Which.
        agent: AgentId,
        /// How much.
        amount: Amount,
    },
    /// Begin to take an agent's OPEN back. Sender: its owner.
    UnbondAgent {
        /// Which.
        agent: AgentId,
        /// How much.
        amount: Amount,
    },
    /// Take back what has waited long enough. Sender: its owner.
    ReleaseAgentBond {
        /// Which.
        agent: AgentId,
        /// Epoch in which it was unbonded.
        epoch: u64,
    },
    /// Judge a contested decision. Sender: a juror who was drawn and has no part in the job.
    JudgeJob {
        /// Which.
        job: JobId,
        /// Epoch of the beacon that drew the jurors: the first after the time for an answer.
        beacon: u64,
        /// Whether whoever contested it is right; otherwise whoever answered is, or the evaluator.
        contested: bool,
    },
}

impl AgentAction {
    /// The action's name, as wallets show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RegisterAgent { .. } => "Register agent",
            Self::UpdateAgent { .. } => "Update agent",
            Self::SetAgentWallet { .. } => "Set agent wallet",
            Self::AcceptAgentWallet { .. } => "Accept agent wallet",
            Self::TransferAgent { .. } => "Transfer agent",
            Self::GrantMandate { .. } => "Grant mandate",
            Self::RevokeMandate { .. } => "Revoke mandate",
            Self::PayByMandate { .. } => "Pay by mandate",
            Self::TopUpByMandate { .. } => "Top up by mandate",
            Self::OpenJob { .. } => "Open job",
            Self::AcceptJob { .. } => "Accept job",
            Self::CancelJob { .. } => "Cancel job",
            Self::SubmitResult { .. } => "Submit result",
            Self::DecideJob { .. } => "Decide job",
            Self::ContestJob { .. } => "Contest job",
            Self::SettleJob { .. } => "Settle job",
            Self::RaiseAgentBond { .. } => "Raise agent bond",
            Self::UnbondAgent { .. } => "Unbond agent",
            Self::ReleaseAgentBond { .. } => "Release agent bond",
            Self::JudgeJob { .. } => "Judge job",
        }
    }

    /// What the action does, in plain words.
    pub fn summary(&self) -> String {
        match self {
            Self::RegisterAgent { profile } => {
                format!("Register an agent of {}, described at {}", profile.domain, profile.uri)
            }
            Self::UpdateAgent { agent, profile } => {
                format!("Agent {agent} is of {} and described at {}", profile.domain, profile.uri)
            }
            Self::SetAgentWallet { agent, wallet: Some(wallet) } => {
                format!("Let {wallet} act for agent {agent}")
            }
            Self::SetAgentWallet { agent, wallet: None } => format!("Agent {agent} has no wallet any more"),
            Self::AcceptAgentWallet { agent } => format!("Act for agent {agent}"),
            Self::TransferAgent { agent, to } => format!("Give agent {agent} and its bond to {to}"),
            Self::GrantMandate { agent, terms, parent } => {
                let whose = parent.map_or("this account's money".to_owned(), |parent| {
                    format!("the money of mandate {parent}")
                });
                format!(
                    "Let agent {agent} spend {whose} until epoch {}: at most {} C in an epoch and {} C in total",
                    terms.expires_in_epoch, terms.per_epoch, terms.total
                )
            }
            Self::RevokeMandate { mandate } => format!("End mandate {mandate} and everything under it"),
            Self::PayByMandate { mandate, to, amount } => {
                format!("Pay {amount} C to {to} from mandate {mandate}")
            }
            Self::TopUpByMandate { mandate, channel, amount } => {
                format!("Add {amount} C to channel {channel} from mandate {mandate}")
            }
            Self::OpenJob { terms, mandate } => {
                let from = mandate.map(|mandate| format!(" from mandate {mandate}")).unwrap_or_default();
                format!(
                    "Hire agent {} for {} C{from}; {} decides for {} C",
                    terms.provider, terms.price, terms.evaluator, terms.evaluator_fee
                )
            }
            Self::AcceptJob { job } => format!("Take job {job}"),
            Self::CancelJob { job } => format!("Take back or decline job {job}"),
            Self::SubmitResult { job, result } => format!("Deliver {result} for job {job}"),
            Self::DecideJob { job, paid, .. } => {
                format!("The result of job {job} is worth {} basis points of its price", paid.0)
            }
            Self::ContestJob { job, paid } => {
                format!("Contest the decision about job {job}: it is worth {} basis points", paid.0)
            }
            Self::JudgeJob { job, contested, .. } => {
                let whom = if *contested { "whoever contests it" } else { "the other side" };
                format!("Judge job {job}: {whom} is right")
            }
            Self::SettleJob { job } => format!("End job {job}"),
            Self::RaiseAgentBond { agent, amount } => format!("Put {amount} OPEN at stake for agent {agent}"),
            Self::UnbondAgent { agent, amount } => {
                format!("Take {amount} OPEN of the bond of agent {agent} back")
            }
            Self::ReleaseAgentBond { agent, epoch } => {
                format!("Release what agent {agent} unbonded in epoch {epoch}")
            }
        }
    }
}

/// What happened. Money that moved is in `Moved` events.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs, reason = "field names repeat the action's documented fields")]
pub enum AgentEvent {
    /// An agent was registered or changed what it says about itself.
    AgentDescribed { agent: AgentId, owner: AccountId, profile: AgentProfile },
    /// A wallet acts for the agent; none means its owner.
    AgentWalletSet { agent: AgentId, wallet: Option<AccountId> },
    /// A wallet was named and has to agree.
    AgentWalletNamed { agent: AgentId, wallet: AccountId },
    /// An agent has another owner; its wallet and mandates to it ended.
    AgentTransferred { agent: AgentId, from: AccountId, to: AccountId },
    /// An agent may spend.
    MandateGranted {
        mandate: MandateId,
        parent: Option<MandateId>,
        payer: AccountId,
        agent: AgentId,
        terms: MandateTerms,
    },
    /// A mandate ended with everything under it.
    MandateRevoked { mandate: MandateId },
    /// A mandate was spent from; it and every mandate above it count it.
    MandateSpent { mandate: MandateId, payer: AccountId, amount: Amount },
    /// A job was opened and its money set aside.
    JobOpened { job: JobId, root: JobId, client: AccountId, mandate: Option<MandateId>, terms: JobTerms },
    /// A job was accepted; `payee` acts and is paid.
    JobAccepted { job: JobId, payee: AccountId, deliver_in_epoch: u64 },
    /// A result was delivered.
    ResultSubmitted { job: JobId, result: Hash, decide_in_epoch: u64 },
    /// The evaluator has decided.
    JobDecided { job: JobId, paid: BasisPoints, reasons: Hash, final_in_epoch: u64 },
    /// A decision was contested, or a contest answered.
    JobContested { job: JobId, by: AccountId, paid: BasisPoints, final_in_epoch: u64 },
    /// A juror judged a contested decision.
    JobJudged { job: JobId, juror: AccountId, contested: bool },
    /// A job ended; its money was paid out.
    JobClosed { job: JobId, to_provider: Amount, to_client: Amount, to_evaluator: Amount, forfeited: Amount },
    /// OPEN is at stake for an agent; `total` in all.
    AgentBondRaised { agent: AgentId, owner: AccountId, amount: Amount, total: Amount },
    /// OPEN began to leave an agent's bond.
    AgentUnbonding { agent: AgentId, owner: AccountId, amount: Amount, releases_in_epoch: u64 },
    /// OPEN went back to the owner.
    AgentUnbonded { agent: AgentId, owner: AccountId, amount: Amount },
}
