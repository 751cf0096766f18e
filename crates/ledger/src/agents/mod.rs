//! Agents: programs that hire and are hired, with money that somebody allowed them to spend.
//!
//! Rule (design, section 1; ERC-8004 for identity, ERC-8183 for jobs, whose silence refunds the client: here it pays the work):
//! - Identity: an agent has a number, an owner, a wallet that agreed to act for it, and what it says about itself: domain,
//!   registration file and its hash. Its reputation and its validations are the domain `Agent` of reputation. With another
//!   owner its wallet and all mandates to it end.
//! - Mandate: an account lets an agent spend its credits: so much in total and per epoch, for named purposes, to named
//!   counterparties, with named models, until an epoch. An agent may pass parts of it on, four levels deep, never more than
//!   is left; a spending counts against the mandate and all above it, and ends with any of them. What comes back from a job
//!   buys nothing more: limits count what was spent.
//! - Job: price and evaluator's fee are set aside when it opens. Not accepted in time, or without a result in time: all of
//!   it goes back. A result that nobody decides about is paid in full, and the evaluator is not. Otherwise the evaluator names
//!   the part that it is worth, in basis points; either side may contest that once, for a bond, before it is final: the client with
//!   a smaller part, the provider with a larger one. The other side may answer with its own number for the same bond, and that
//!   takes the place of the decision. When the time for an answer is over, jurors, drawn like those of datanets, choose one of
//!   the two, so whoever asks for too much loses; if too few judge, the decision stands. The bond of whoever was wrong pays
//!   them, and what is left of it is lost; without an answer the bond of the contest pays them in any case. The fee of the
//!   evaluator is fixed in advance and paid unless jurors chose the number that is farther from the decision.
//! - Of what a provider is paid, parts are burned and go to maintenance, each rounded up: whoever hires themselves loses, and
//!   many small jobs lose no less than one.
//! - Parts: the provider of an accepted job opens jobs under it, which together never cost more than its price. All jobs of a
//!   graph and their cost are in one record under the first.
//! - Performance bond: OPEN of an agent. A job puts the amount that it names at risk: what failed of the job is taken of
//!   that, for the client. What is taken back waits for the unbonding time.
//! - Evidence: decisions of evaluators who belong to neither side's cluster, and missed jobs; ratings never.
//!
//! Absent: canaries against the drift of an agent, for which nobody could answer; which model answered on a channel, which the
//! gateway knows; what agents say to each other.

mod bonds;
mod closing;
mod contests;
#[cfg(test)]
pub(crate) mod fixtures;
mod identity;
#[cfg(test)]
mod identity_tests;
#[cfg(test)]
mod job_tests;
mod jobs;
mod key;
#[cfg(test)]
mod mandate_tests;
mod mandates;

use openledger_types::AccountId;
use openledger_types::agents::AgentAction;

use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::{accounts, datanets};

pub use key::{AgentKey, AgentsRecord};

pub(crate) fn keys(sender: AccountId, action: &AgentAction) -> Vec<StateKey> {
    use AgentAction as A;
    let agent = |agent: &_| vec![AgentKey::Agent(*agent).state()];
    let job = |job: &_| vec![AgentKey::Job(*job).state(), accounts::key_of_cluster(sender)];
    match action {
        A::RegisterAgent { .. } => vec![AgentKey::Counters.state()],
        A::UpdateAgent { agent: id, .. }
        | A::SetAgentWallet { agent: id, .. }
        | A::AcceptAgentWallet { agent: id }
        | A::TransferAgent { agent: id, .. }
        | A::RaiseAgentBond { agent: id, .. }
        | A::UnbondAgent { agent: id, .. } => agent(id),
        A::GrantMandate { agent: id, parent, .. } => {
            let parent = parent.map(|parent| AgentKey::Mandate(parent).state());
            agent(id).into_iter().chain([AgentKey::Counters.state()]).chain(parent).collect()
        }
        A::RevokeMandate { mandate } => vec![AgentKey::Mandate(*mandate).state()],
        A::PayByMandate { mandate, to, .. } => {
            vec![AgentKey::Mandate(*mandate).state(), StateKey::Account(*to)]
        }
        A::TopUpByMandate { mandate, channel, .. } => {
            vec![AgentKey::Mandate(*mandate).state(), StateKey::Channel(*channel)]
        }
        A::OpenJob { terms, mandate } => {
            let parent = terms.parent.map(|parent| AgentKey::Job(parent).state());
            let mandate = mandate.map(|mandate| AgentKey::Mandate(mandate).state());
            let named = [AgentKey::Agent(terms.provider).state(), AgentKey::Counters.state()];
            named.into_iter().chain(parent).chain(mandate).collect()
        }
        A::AcceptJob { job: id }
        | A::CancelJob { job: id }
        | A::SubmitResult { job: id, .. }
        | A::DecideJob { job: id, .. }
        | A::SettleJob { job: id } => job(id),
        A::ContestJob { job: id, .. } => job(id).into_iter().chain([datanets::key_of_jurors()]).collect(),
        A::JudgeJob { job: id, beacon, .. } => {
            job(id).into_iter().chain([datanets::juror_key(sender), StateKey::Beacon(*beacon)]).collect()
        }
        A::ReleaseAgentBond { agent: id, epoch } => {
            vec![AgentKey::Agent(*id).state(), AgentKey::Unbonding(*id, sender, *epoch).state()]
        }
    }
}

pub(crate) fn apply(transition: &mut Transition<'_>, action: &AgentAction) -> Applied {
    use AgentAction as A;
    match action {
        A::RegisterAgent { profile } => identity::register(transition, profile),
        A::UpdateAgent { agent, profile } => identity::update(transition, *agent, profile),
        A::SetAgentWallet { agent, wallet } => identity::set_wallet(transition, *agent, *wallet),
        A::AcceptAgentWallet { agent } => identity::accept_wallet(transition, *agent),
        A::TransferAgent { agent, to } => identity::transfer(transition, *agent, *to),
        A::GrantMandate { agent, terms, parent } => mandates::grant(transition, *agent, terms, *parent),
        A::RevokeMandate { mandate } => mandates::revoke(transition, *mandate),
        A::PayByMandate { mandate, to, amount } => mandates::pay(transition, *mandate, *to, *amount),
        A::TopUpByMandate { mandate, channel, amount } => {
            mandates::top_up(transition, *mandate, *channel, *amount)
        }
        A::OpenJob { terms, mandate } => jobs::open(transition, terms, *mandate),
        A::AcceptJob { job } => jobs::accept(transition, *job),
        A::CancelJob { job } => jobs::cancel(transition, *job),
        A::SubmitResult { job, result } => jobs::submit(transition, *job, *result),
        A::DecideJob { job, paid, reasons } => jobs::decide(transition, *job, *paid, *reasons),
        A::ContestJob { job, paid } => contests::contest(transition, *job, *paid),
        A::JudgeJob { job, beacon, contested } => contests::judge(transition, *job, *beacon, *contested),
        A::SettleJob { job } => closing::settle(transition, *job),
        A::RaiseAgentBond { agent, amount } => bonds::raise(transition, *agent, *amount),
        A::UnbondAgent { agent, amount } => bonds::unbond(transition, *agent, *amount),
        A::ReleaseAgentBond { agent, epoch } => bonds::release(transition, *agent, *epoch),
    }
}
