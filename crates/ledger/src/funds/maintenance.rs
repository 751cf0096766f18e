//! Rounds of maintenance: commitments, reveals, and the payment by measured use.

use std::collections::BTreeMap;

use openledger_types::funds::{
    FundsEvent, FundsRecord, MaintenanceRoundRecord, MeasuredProject, Measurement, MeasurerRecord,
    ProjectRecord, UsageLine, UsageReport,
};
use openledger_types::record::Pool;
use openledger_types::{AccountId, Amount, Asset, Cause, Hash, Holder, Name, Rejection, limits};

use super::apply::{check_audited, emit};
use super::arithmetic;
use super::key::FundsKey;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::{accounts, supply};

/// What [`close`] reads before the round is known.
pub(super) fn keys(round: u64) -> Vec<StateKey> {
    let mut keys = vec![FundsKey::Funds.state(), FundsKey::Round(round).state()];
    keys.extend([Pool::Maintenance, Pool::Verification, Pool::Slashed].map(StateKey::Pool));
    keys
}

/// What [`diverted`] reads.
pub(crate) fn keys_of_settlement() -> [StateKey; 2] {
    [FundsKey::Funds.state(), StateKey::Pool(Pool::Maintenance)]
}

/// What of a batch's burn goes to maintenance while it is not covered.
pub(crate) fn diverted(transition: &mut Transition<'_>, reference: Amount, burn: Amount) -> Applied<Amount> {
    let funds: FundsRecord = transition.view.get(&FundsKey::Funds.state())?.unwrap_or_default();
    Ok(reference.basis_points(funds.shift).min(burn))
}

/// The running round.
pub(super) fn round(transition: &Transition<'_>) -> u64 {
    let epochs = transition.parameters.funds.round_epochs;
    transition.epoch().checked_div(epochs).expect("genesis refuses rounds of zero epochs")
}

fn read(transition: &mut Transition<'_>, round: u64) -> Applied<MaintenanceRoundRecord> {
    Ok(transition.view.get(&FundsKey::Round(round).state())?.unwrap_or_default())
}

/// Commits to a report about the running round.
pub(super) fn commit(transition: &mut Transition<'_>, commitment: Hash) -> Applied {
    let (measurer, round) = (transition.sender, round(transition));
    let key = FundsKey::Measurer(measurer).state();
    let mut record: MeasurerRecord = transition.view.get(&key)?.ok_or(Rejection::MeasurerUnknown)?;
    check_audited(transition, measurer)?;
    let cluster = accounts::cluster_of(transition, measurer)?;
    let mut measured = read(transition, round)?;
    if measured.measurements.iter().any(|one| one.cluster == cluster || one.measurer == measurer) {
        return Err(Rejection::UsageRepeated.into());
    }
    if measured.measurements.len() >= limits::MEASURERS_PER_ROUND_MAX {
        return Err(Rejection::MeasurersTooMany.into());
    }
    let funds: FundsRecord = transition.view.get(&FundsKey::Funds.state())?.unwrap_or_default();
    if record.committed_round.is_some_and(|earlier| {
        // An earlier report may wait for its reveal in this round; one from before must have been paid or punished.
        earlier.saturating_add(1) < round && funds.next_round <= earlier
    }) {
        return Err(Rejection::UsageOpen.into());
    }
    measured.measurements.push(Measurement { measurer, cluster, commitment, revealed: false });
    record.committed_round = Some(round);
    transition.view.put(&key, &record);
    transition.view.put(&FundsKey::Round(round).state(), &measured);
    emit(transition, FundsEvent::UsageCommitted { round, measurer, commitment });
    Ok(())
}

fn check_lines(lines: &[UsageLine]) -> Applied {
    let increasing = lines.iter().zip(lines.iter().skip(1)).all(|(one, next)| one.project < next.project);
    let filled = lines.iter().all(|line| (1..=limits::USAGE_MAX).contains(&line.usage));
    let count = 1..=limits::PROJECTS_PER_ROUND_MAX;
    if count.contains(&lines.len()) && increasing && filled {
        Ok(())
    } else {
        Err(Rejection::UsageInvalid.into())
    }
}

/// Reveals the report about the last round.
pub(super) fn reveal(transition: &mut Transition<'_>, report: &UsageReport) -> Applied {
    check_lines(&report.lines)?;
    let measurer = transition.sender;
    let round = round(transition).checked_sub(1).ok_or(Rejection::UsageUnknown)?;
    let mut projects = Vec::with_capacity(report.lines.len());
    for line in &report.lines {
        let record: Option<ProjectRecord> =
            transition.view.get(&FundsKey::Project(line.project.clone()).state())?;
        projects.push(record.ok_or(Rejection::ProjectUnknown)?);
    }
    let mut needed: Vec<StateKey> =
        projects.iter().map(|project| accounts::key_of_cluster(project.recipient)).collect();
    needed.push(FundsKey::Round(round).state());
    transition.view.need(needed)?;
    let mut measured = read(transition, round)?;
    let commitment = report.commitment(measurer, round);
    let own = measured.measurements.iter_mut().find(|one| one.measurer == measurer && !one.revealed);
    let own = own.filter(|one| one.commitment == commitment).ok_or(Rejection::UsageUnknown)?;
    own.revealed = true;
    for (line, project) in report.lines.iter().zip(projects) {
        let cluster = accounts::cluster_of(transition, project.recipient)?;
        add(&mut measured.projects, line, project.recipient, cluster)?;
    }
    transition.view.put(&FundsKey::Round(round).state(), &measured);
    let report = Box::new(report.clone());
    emit(transition, FundsEvent::UsageRevealed { round, measurer, report });
    Ok(())
}

fn add(
    projects: &mut Vec<MeasuredProject>,
    line: &UsageLine,
    recipient: AccountId,
    cluster: AccountId,
) -> Applied {
    match projects.binary_search_by(|one| one.name.cmp(&line.project)) {
        Ok(place) => {
            projects.get_mut(place).expect("it was found there").counts.push(line.usage);
        }
        Err(_) if projects.len() >= limits::PROJECTS_PER_ROUND_MAX => {
            return Err(Rejection::UsageInvalid.into());
        }
        Err(place) => {
            let (name, counts) = (line.project.clone(), vec![line.usage]);
            projects.insert(place, MeasuredProject { name, recipient, cluster, counts });
        }
    }
    Ok(())
}

/// Pays a round whose reveals are over.
pub(super) fn close(transition: &mut Transition<'_>, number: u64) -> Applied {
    let key = FundsKey::Funds.state();
    let mut funds: FundsRecord = transition.view.get(&key)?.unwrap_or_default();
    if number < funds.next_round || round(transition) < number.saturating_add(2) {
        return Err(Rejection::RoundNotDue.into());
    }
    let measured = read(transition, number)?;
    transition.view.need(keys_of_paid(&measured))?;
    let parameters = transition.parameters.funds;
    let revealed = measured.measurements.iter().filter(|one| one.revealed).count();
    let budget = arithmetic::budget(
        (funds.next_round > 0).then_some(funds.budget),
        transition.view.pool(&Pool::Maintenance)?.basis_points(parameters.usage_share),
        u64::try_from(revealed).expect("measurers are few"),
        parameters.measurers_target,
        parameters.opening,
        parameters.growth_max,
    );
    let paid = pay_projects(transition, number, &measured, revealed, budget)?;
    settle_measurers(transition, &measured)?;
    let required = parameters.required_per_epoch.fraction(parameters.round_epochs, 1);
    let coverage = arithmetic::coverage(paid, required.unwrap_or(Amount(u64::MAX)));
    let shift = arithmetic::shift(coverage, parameters.shift_max);
    funds = FundsRecord { next_round: number.saturating_add(1), budget, shift, claims: funds.claims };
    transition.view.put(&key, &funds);
    transition.view.remove(&FundsKey::Round(number).state());
    emit(transition, FundsEvent::MaintenanceClosed { round: number, budget, paid, coverage, shift });
    Ok(())
}

fn keys_of_paid(measured: &MaintenanceRoundRecord) -> Vec<StateKey> {
    let recipients = measured.projects.iter().map(|project| StateKey::Account(project.recipient));
    let measurers = measured.measurements.iter();
    let measurers =
        measurers.flat_map(|one| [StateKey::Account(one.measurer), FundsKey::Measurer(one.measurer).state()]);
    recipients.chain(measurers).collect()
}

/// What each project is paid: its part by median use, and its part of the cap where its cluster has more than that.
fn parts(
    projects: &[MeasuredProject],
    revealed: usize,
    budget: Amount,
    cap: Amount,
) -> Vec<(&MeasuredProject, u64, Amount)> {
    let used = |project: &MeasuredProject| {
        let mut counts = project.counts.clone();
        counts.resize(revealed.max(counts.len()), 0);
        arithmetic::median(&counts)
    };
    let used: Vec<u64> = projects.iter().map(used).collect();
    let total = used.iter().fold(0u64, |sum, one| sum.saturating_add(*one));
    let part = |used: u64| budget.fraction(used, total).unwrap_or(Amount::ZERO);
    let mut clusters: BTreeMap<AccountId, Amount> = BTreeMap::new();
    for (project, used) in projects.iter().zip(&used) {
        let sum = clusters.entry(project.cluster).or_default();
        *sum = sum.plus(part(*used)).unwrap_or(Amount(u64::MAX));
    }
    let capped = |project: &MeasuredProject, amount: Amount| {
        let sum = clusters.get(&project.cluster).copied().unwrap_or_default();
        if sum <= cap { amount } else { cap.fraction(amount.0, sum.0).unwrap_or(Amount::ZERO) }
    };
    projects.iter().zip(used).map(|(project, used)| (project, used, capped(project, part(used)))).collect()
}

fn pay_projects(
    transition: &mut Transition<'_>,
    round: u64,
    measured: &MaintenanceRoundRecord,
    revealed: usize,
    budget: Amount,
) -> Applied<Amount> {
    let cap = budget.basis_points(transition.parameters.funds.recipient_cap);
    let mut paid = Amount::ZERO;
    for (project, usage, amount) in parts(&measured.projects, revealed, budget, cap) {
        if amount == Amount::ZERO {
            continue;
        }
        let (from, to) = (Holder::Pool(Pool::Maintenance), Holder::Account(project.recipient));
        supply::shift(transition, from, to, Asset::Credit, amount, Cause::MaintenancePaid)?;
        paid = paid.plus(amount).ok_or(Rejection::AmountOverflow)?;
        let (name, recipient): (Name, AccountId) = (project.name.clone(), project.recipient);
        emit(transition, FundsEvent::ProjectPaid { round, name, recipient, usage, amount });
    }
    Ok(paid)
}

/// A fixed fee for each report that was revealed, whatever it says; the bond of whoever kept silent is gone.
fn settle_measurers(transition: &mut Transition<'_>, measured: &MaintenanceRoundRecord) -> Applied {
    for one in &measured.measurements {
        if one.revealed {
            let held = transition.view.pool(&Pool::Verification)?;
            let fee = transition.parameters.funds.measurer_fee.min(held);
            let (from, to) = (Holder::Pool(Pool::Verification), Holder::Account(one.measurer));
            supply::shift(transition, from, to, Asset::Credit, fee, Cause::MeasurerPaid)?;
            continue;
        }
        let key = FundsKey::Measurer(one.measurer).state();
        if let Some(record) = transition.view.get::<MeasurerRecord>(&key)? {
            transition.view.remove(&key);
            let to = Holder::Pool(Pool::Slashed);
            supply::shift(transition, Holder::Custody, to, Asset::Open, record.bond, Cause::Slashed)?;
            emit(transition, FundsEvent::MeasurerLeft { measurer: one.measurer });
        }
    }
    Ok(())
}
