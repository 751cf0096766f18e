//! Projects, measurers and donations.

use openledger_types::funds::{FundsAction, FundsEvent, FundsRecord, MeasurerRecord, ProjectRecord};
use openledger_types::record::Pool;
use openledger_types::{
    AccountId, Amount, Asset, Cause, Domain, Event, FundsAction as Ask, Holder, Name, Rejection, limits,
};

use super::key::FundsKey;
use super::{insurance, maintenance};
use crate::execute::{Transition, check_text};
use crate::state::{Applied, StateKey};
use crate::{accounts, reputation, supply};

pub(crate) fn keys(sender: AccountId, action: &FundsAction) -> Vec<StateKey> {
    match action {
        Ask::Donate { pool, .. } => vec![StateKey::Pool(pool.clone())],
        Ask::RegisterProject { name, .. } | Ask::PassProject { name, .. } => {
            vec![FundsKey::Project(name.clone()).state()]
        }
        Ask::RegisterMeasurer { .. } | Ask::LeaveMeasuring | Ask::CommitUsage { .. } => {
            let mut keys = vec![
                FundsKey::Measurer(sender).state(),
                FundsKey::Funds.state(),
                accounts::key_of_cluster(sender),
            ];
            keys.extend(reputation::keys(sender, &Domain::Auditing));
            keys
        }
        Ask::RevealUsage { report } => {
            let lines = report.lines.iter().take(limits::PROJECTS_PER_ROUND_MAX);
            let projects = lines.map(|line| FundsKey::Project(line.project.clone()).state());
            projects.chain([FundsKey::Measurer(sender).state()]).collect()
        }
        Ask::CloseMaintenance { round } => maintenance::keys(*round),
        Ask::ClaimInsurance { claim } => {
            vec![FundsKey::Claim(*claim).state(), StateKey::Pool(Pool::Insurance)]
        }
    }
}

pub(crate) fn apply(transition: &mut Transition<'_>, action: &FundsAction) -> Applied {
    match action {
        Ask::Donate { pool, amount } => donate(transition, pool, *amount),
        Ask::RegisterProject { name, source } => register_project(transition, name, source),
        Ask::PassProject { name, to } => pass_project(transition, name, *to),
        Ask::RegisterMeasurer { bond } => register_measurer(transition, *bond),
        Ask::LeaveMeasuring => leave_measuring(transition),
        Ask::CommitUsage { commitment } => maintenance::commit(transition, *commitment),
        Ask::RevealUsage { report } => maintenance::reveal(transition, report),
        Ask::CloseMaintenance { round } => maintenance::close(transition, *round),
        Ask::ClaimInsurance { claim } => insurance::claim(transition, *claim),
    }
}

pub(super) fn emit(transition: &mut Transition<'_>, event: FundsEvent) {
    transition.emit(Event::Funds(event));
}

fn donate(transition: &mut Transition<'_>, pool: &Pool, amount: Amount) -> Applied {
    let open = [Pool::Treasury, Pool::Maintenance, Pool::Insurance, Pool::Verification, Pool::Capacity];
    if !open.contains(pool) {
        return Err(Rejection::PoolClosed.into());
    }
    if amount == Amount::ZERO {
        return Err(Rejection::AmountZero.into());
    }
    let (from, to) = (Holder::Account(transition.sender), Holder::Pool(pool.clone()));
    supply::shift(transition, from, to, Asset::Credit, amount, Cause::Donated)
}

fn register_project(transition: &mut Transition<'_>, name: &Name, source: &str) -> Applied {
    check_text(source)?;
    let key = FundsKey::Project(name.clone()).state();
    if transition.view.get::<ProjectRecord>(&key)?.is_some() {
        return Err(Rejection::ProjectExists.into());
    }
    let record = ProjectRecord { recipient: transition.sender, source: source.to_owned() };
    transition.view.put(&key, &record);
    let (recipient, source) = (record.recipient, record.source);
    emit(transition, FundsEvent::ProjectPaidTo { name: name.clone(), recipient, source });
    Ok(())
}

fn pass_project(transition: &mut Transition<'_>, name: &Name, to: AccountId) -> Applied {
    let key = FundsKey::Project(name.clone()).state();
    let mut record: ProjectRecord = transition.view.get(&key)?.ok_or(Rejection::ProjectUnknown)?;
    if record.recipient != transition.sender {
        return Err(Rejection::NotRecipient.into());
    }
    record.recipient = to;
    transition.view.put(&key, &record);
    let (recipient, source) = (to, record.source);
    emit(transition, FundsEvent::ProjectPaidTo { name: name.clone(), recipient, source });
    Ok(())
}

fn register_measurer(transition: &mut Transition<'_>, bond: Amount) -> Applied {
    let measurer = transition.sender;
    let key = FundsKey::Measurer(measurer).state();
    if transition.view.get::<MeasurerRecord>(&key)?.is_some() {
        return Err(Rejection::MeasurerExists.into());
    }
    if bond < transition.parameters.funds.measurer_bond_min {
        return Err(Rejection::MeasurerBondTooLow.into());
    }
    check_audited(transition, measurer)?;
    let from = Holder::Account(measurer);
    supply::shift(transition, from, Holder::Custody, Asset::Open, bond, Cause::MeasurerBonded)?;
    transition.view.put(&key, &MeasurerRecord { bond, committed_round: None });
    emit(transition, FundsEvent::MeasurerRegistered { measurer, bond });
    Ok(())
}

/// Who measures was audited as an auditor, as much as a vote needs.
pub(super) fn check_audited(transition: &mut Transition<'_>, account: AccountId) -> Applied {
    let units = reputation::units(transition, account, &Domain::Auditing)?;
    let least = transition.parameters.governance.units_min.saturating_mul(1 << 16);
    if units < least { Err(Rejection::MeasurerUnaudited.into()) } else { Ok(()) }
}

fn leave_measuring(transition: &mut Transition<'_>) -> Applied {
    let measurer = transition.sender;
    let key = FundsKey::Measurer(measurer).state();
    let record: MeasurerRecord = transition.view.get(&key)?.ok_or(Rejection::MeasurerUnknown)?;
    // The close of the round takes the bond of whoever kept silent, so it comes first.
    let funds: FundsRecord = transition.view.get(&FundsKey::Funds.state())?.unwrap_or_default();
    if record.committed_round.is_some_and(|round| funds.next_round <= round) {
        return Err(Rejection::UsageOpen.into());
    }
    transition.view.remove(&key);
    let to = Holder::Account(measurer);
    supply::shift(transition, Holder::Custody, to, Asset::Open, record.bond, Cause::MeasurerBondReturned)?;
    emit(transition, FundsEvent::MeasurerLeft { measurer });
    Ok(())
}
