//! Governance: two houses decide about parameters and the treasury, and nobody decides alone.
//!
//! Rule (design, section 6; mechanism notes, section 5; invariants I18, I19, I24).
//!
//! Houses. The token house counts OPEN that was locked to vote, by conviction: `y = a y + x` with a half-life of 7 epochs,
//! scaled so that it tends to what is locked. The contributor house counts `R * verified evidence`, linear, from 8 units on,
//! and cannot be transferred. In either house a cluster counts at most a small part (2 % and 1 %; 10 % in a datanet), always less than
//! a quorum. Linear weight with a cap makes dividing a stake or an identity neutral below the cap and useless above it.
//! A house of few clusters cannot reach a quorum: until enough people take part, nothing but small steps changes. A cluster counts as it
//! was when the proposal was made or the election opened: whoever came to another since is not counted there, and whoever has
//! voted stays where the vote was counted. So no cap is counted anew by leaving a root.
//!
//! How power is known without a list of voters. Who wants to vote registers: locks OPEN, or enrols the domains of the
//! audited work. Both weights follow one linear law with one half-life, so the sum over all voters follows the same law and is
//! kept as one record for each house: what conviction lacks, and what was registered, decay lazily by the same factor. A
//! change of a voter is added to the sum at its epoch. Voters are rounded down and houses up, so the parts never exceed the
//! whole. The half-lives are fixed at genesis, because another one would decay sums and parts for different times.
//! A proposal counts weight as of the beginning of its epoch, for the voter and for the house: a voter's record keeps the
//! weight after each epoch with a change, as far back as a vote can be open. So nothing acquired after a proposal, or in its
//! epoch, counts. A voter counts at most what is still locked, and at most what the work is worth at the vote, so a fraud that was
//! proven since counts for nothing. Anyone may bring anyone's registration up to date.
//!
//! Scopes. Each datanet has houses of its own, of OPEN locked for it and of audited work in it, and decides by the same machinery: about
//! grants from its treasury (money), its policy and who curates it (constitution). A policy keeps the network's bounds, comes into
//! force after its delay, and has no term. The curator may set another; the houses may appoint another curator. Whoever leaves a
//! datanet takes back its locks.
//!
//! Proposals change something, and a cluster has one that is not decided at a time, so nobody fills the list with what nobody has a
//! reason to object to.
//!
//! Classes. What a proposal changes decides what it needs: the highest class of its parts, and a routine parameter moved by
//! more than 10 % within 30 epochs is money. All values are written together and then checked like a genesis.
//! - Routine: passes after 3 epochs unless 10 % of the contributor house or 15 % of the token house object.
//! - Money: more than half of the votes in both houses; 15 % and 20 % of the houses vote. Grants are money: at most 1 % of the
//!   treasury each and 5 % within 90 epochs.
//! - Constitution: at least two thirds in both houses; 15 % and 33 % vote. It ends after 365 epochs unless renewed.
//!
//! An approved proposal waits: 7 epochs, or 14 for the constitution, and up to 45 and 60 as objections of either house go from 1 % to
//! 10 %. Objections are taken until the delay ends, and move it later only. The terms are copied into the proposal, so no
//! later vote shortens a delay that runs. A proposal that nobody executes in 30 epochs is cancelled, and a vote
//! that nobody closes within 8 epochs of its end has failed. A pause of proposals takes no time from them: what could be executed when
//! it began has all of its time again when it ends. A pause that begins in that time continues the one before.
//!
//! Promises. Money and constitution name a metric of the ledger, its bound and an epoch of review. Anyone triggers the
//! review; a breach restores the old values, or the policy that was in force in a datanet, where no later decision replaced the new
//! ones and the old are still within bounds. A curator's policy in between stops no execution. A datanet's metric may be
//! what its treasury holds.
//!
//! Leaving. From the approval of a constitutional proposal to its execution every account takes back its locks and its stake
//! at once, except what covers payouts that no audit has covered or what faults in open audits would cost, and except all of it
//! where receipts that the account was paid for may still be drawn and opened; and of each tranche that no audit holds what has unlocked by then:
//! `floor(E * min(max(t - t0 - cliff, 0), V) / V)`. The rest of a tranche was not verified yet; its schedule is written into
//! the tranche, so the change that was left does not reach it. Leaving always completes. A lock that was given to a vote that is not
//! over counts no longer and comes back when it is.
//!
//! Council. The contributor house elects seven; five pause named steps for at most 72 hours, once, and then another council is
//! elected. A pause ends no other: one that runs becomes longer at most. It moves no money and stops no exit; where settlement is
//! paused, a consumer who closes a channel waits until its gateway could settle what it served (`channels`).
//!
//! Immutable, because no parameter says so: conservation, no mint on volume, exposure within collateral, exit, the
//! majorities. Verdicts of audits are never voted.
//!
//! Absent: bonds of agents, measurers and jurors in leaving, which end by their own rules; a market of forecasts; votes by delegation; ending a pause early; who holds the fork's snapshot (the chain has one).

mod arithmetic;
mod changes;
mod checks;
mod council;
#[cfg(test)]
pub(crate) mod fixtures;
mod houses;
mod key;
mod leave;
mod pause;
mod proposals;
#[cfg(test)]
mod tests;
mod votes;

use openledger_types::governance::GovernanceAction as Ask;
use openledger_types::{AccountId, GovernanceAction};

use crate::execute::Transition;
use crate::state::{Applied, StateKey};

pub use key::{GovernanceKey, GovernanceStateRecord};
#[cfg(test)]
pub(crate) use pause::begin as begin_pause;
pub(crate) use pause::{check_pause, key_of_pause, last_pause, pause_key};

pub(crate) fn keys(sender: AccountId, action: &GovernanceAction) -> Vec<StateKey> {
    match action {
        Ask::Lock { scope, .. } | Ask::Unlock { scope, .. } | Ask::ReleaseLock { scope } => {
            houses::keys_of_lock(scope, sender)
        }
        Ask::Enrol { scope, domains } => houses::keys_of_enrolment(scope, sender, domains),
        Ask::RefreshEnrolment { scope, account } => houses::keys_of_enrolment(scope, *account, &[]),
        Ask::Propose { scope, changes, .. } => proposals::keys(sender, scope, changes),
        Ask::Vote { scope, proposal, .. } => votes::keys(sender, scope, *proposal),
        Ask::CloseVote { scope, proposal }
        | Ask::Execute { scope, proposal }
        | Ask::Review { scope, proposal }
        | Ask::Sunset { scope, proposal } => changes::keys(scope, *proposal),
        Ask::Leave { scope, proposal, scopes, tranches, unbonding } => {
            let leaving = leave::Leaving { scope, proposal: *proposal, scopes, tranches, unbonding };
            leave::keys(sender, &leaving)
        }
        Ask::OpenElection | Ask::Stand | Ask::Elect { .. } | Ask::CloseElection | Ask::OrderPause { .. } => {
            council::keys(sender)
        }
    }
}

pub(crate) fn apply(transition: &mut Transition<'_>, action: &GovernanceAction) -> Applied {
    match action {
        Ask::Lock { scope, amount } => houses::lock(transition, scope, *amount),
        Ask::Unlock { scope, amount } => houses::unlock(transition, scope, *amount),
        Ask::ReleaseLock { scope } => houses::release(transition, scope),
        Ask::Enrol { scope, domains } => houses::enrol(transition, scope, domains),
        Ask::RefreshEnrolment { scope, account } => houses::refresh(transition, scope, *account),
        Ask::Propose { scope, title, document, changes, target } => {
            let target = target.as_ref();
            let proposed = proposals::Proposed { scope, title, document: *document, changes, target };
            proposals::propose(transition, &proposed)
        }
        Ask::Vote { scope, proposal, support } => votes::vote(transition, scope, *proposal, *support),
        Ask::CloseVote { scope, proposal } => votes::close(transition, scope, *proposal),
        Ask::Execute { scope, proposal } => changes::execute(transition, scope, *proposal),
        Ask::Review { scope, proposal } => changes::review(transition, scope, *proposal),
        Ask::Sunset { scope, proposal } => changes::sunset(transition, scope, *proposal),
        Ask::Leave { scope, proposal, scopes, tranches, unbonding } => {
            let leaving = leave::Leaving { scope, proposal: *proposal, scopes, tranches, unbonding };
            leave::leave(transition, &leaving)
        }
        Ask::OpenElection => council::open_election(transition),
        Ask::Stand => council::stand(transition),
        Ask::Elect { candidate } => council::elect(transition, *candidate),
        Ask::CloseElection => council::close_election(transition),
        Ask::OrderPause { steps, duration_ms } => council::order_pause(transition, steps, *duration_ms),
    }
}
