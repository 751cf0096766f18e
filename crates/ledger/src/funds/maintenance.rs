//! Rounds of maintenance: commitments, reveals, and the payment by measured use.
//!
//! A report is a record of its own and everything is counted when the round is paid, so what one measurer names takes no place
//! from another. A name that only a minority names has a median of zero, and costs its reporter alone.

use openledger_types::funds::{
    CountedLine, FundsEvent, FundsRecord, MaintenanceRoundRecord, Measurement, MeasurerRecord, ProjectRecord,
    ReportRecord, UsageLine, UsageReport,
};
use openledger_types::record::Pool;
use openledger_types::{AccountId, Amount, Asset, Cause, Hash, Holder, Rejection, limits};

use super::apply::{check_audited, emit};
use super::key::FundsKey;
use super::{arithmetic, counting};
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
    check_alone(transition, round, cluster, &measured)?;
    if measured.measurements.len() >= limits::MEASURERS_PER_ROUND_MAX {
        return Err(Rejection::MeasurersTooMany.into());
    }
    let mut funds: FundsRecord = transition.view.get(&FundsKey::Funds.state())?.unwrap_or_default();
    // Reports of the last round may wait for their reveal; those from before must have been paid or punished.
    if funds.open.iter().any(|open| open.saturating_add(1) < round) {
        return Err(Rejection::UsageOpen.into());
    }
    if !funds.open.contains(&round) {
        funds.open.push(round);
        transition.view.put(&FundsKey::Funds.state(), &funds);
    }
    measured.measurements.push(Measurement { measurer, cluster, commitment, revealed: false });
    record.committed_round = Some(round);
    transition.view.put(&key, &record);
    transition.view.put(&FundsKey::Round(round).state(), &measured);
    emit(transition, FundsEvent::UsageCommitted { round, measurer, commitment });
    Ok(())
}

/// One measurer of each cluster, by the clusters of then and of now: nobody whose cluster changed in this round comes after
/// whoever was of it.
fn check_alone(
    transition: &mut Transition<'_>,
    round: u64,
    cluster: AccountId,
    measured: &MaintenanceRoundRecord,
) -> Applied {
    let (measurer, others) = (transition.sender, &measured.measurements);
    transition.view.need(others.iter().map(|one| accounts::key_of_cluster(one.measurer)))?;
    let begun = round.saturating_mul(transition.parameters.funds.round_epochs);
    let mut repeated = accounts::moved_since(transition, measurer, begun)?;
    for one in others {
        let now = accounts::cluster_of(transition, one.measurer)?;
        repeated |= one.measurer == measurer || one.cluster == cluster || now == cluster;
    }
    if repeated { Err(Rejection::UsageRepeated.into()) } else { Ok(()) }
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

/// Reveals the report about the last round. Whoever lost the bond since, by silence about an earlier round, is not heard.
pub(super) fn reveal(transition: &mut Transition<'_>, report: &UsageReport) -> Applied {
    check_lines(&report.lines)?;
    let measurer = transition.sender;
    if transition.view.get::<MeasurerRecord>(&FundsKey::Measurer(measurer).state())?.is_none() {
        return Err(Rejection::MeasurerUnknown.into());
    }
    let round = round(transition).checked_sub(1).ok_or(Rejection::UsageUnknown)?;
    let mut lines = Vec::with_capacity(report.lines.len());
    for UsageLine { project, usage } in &report.lines {
        let record: Option<ProjectRecord> =
            transition.view.get(&FundsKey::Project(project.clone()).state())?;
        let recipient = record.ok_or(Rejection::ProjectUnknown)?.recipient;
        lines.push(CountedLine { project: project.clone(), recipient, usage: *usage });
    }
    let mut measured = read(transition, round)?;
    let commitment = report.commitment(measurer, round);
    let own = measured.measurements.iter_mut().find(|one| one.measurer == measurer && !one.revealed);
    let own = own.filter(|one| one.commitment == commitment).ok_or(Rejection::UsageUnknown)?;
    own.revealed = true;
    // Nothing was there: who revealed was refused above.
    transition.view.put(&FundsKey::Report(round, measurer).state(), &ReportRecord { lines });
    transition.view.put(&FundsKey::Round(round).state(), &measured);
    let report = Box::new(report.clone());
    emit(transition, FundsEvent::UsageRevealed { round, measurer, report });
    Ok(())
}

/// Pays a round whose reveals are over; the oldest with reports first.
pub(super) fn close(transition: &mut Transition<'_>, number: u64) -> Applied {
    let key = FundsKey::Funds.state();
    let mut funds: FundsRecord = transition.view.get(&key)?.unwrap_or_default();
    let first = funds.open.first().is_none_or(|open| number <= *open);
    if number < funds.next_round || !first || round(transition) < number.saturating_add(2) {
        return Err(Rejection::RoundNotDue.into());
    }
    let measured = read(transition, number)?;
    transition.view.need(keys_of_measured(number, &measured))?;
    let reports = take_reports(transition, number, &measured)?;
    let projects = counting::used(&reports);
    let recipients = projects.iter().map(|project| project.recipient);
    let recipients = recipients.flat_map(|one| [StateKey::Account(one), accounts::key_of_cluster(one)]);
    transition.view.need(recipients.collect::<Vec<_>>())?;
    let parameters = transition.parameters.funds;
    let budget = arithmetic::budget(
        Some(funds.budget),
        transition.view.pool(&Pool::Maintenance)?.basis_points(parameters.usage_share),
        u64::try_from(reports.len()).expect("measurers are few"),
        parameters.measurers_target,
        parameters.opening,
        parameters.growth_max,
    );
    let paid = counting::pay(transition, number, &projects, budget)?;
    settle_measurers(transition, &measured)?;
    let required = parameters.required_per_epoch.fraction(parameters.round_epochs, 1);
    let coverage = arithmetic::coverage(paid, required.unwrap_or(Amount(u64::MAX)));
    let shift = arithmetic::shift(coverage, parameters.shift_max);
    funds.open.retain(|open| *open != number);
    // A round without reports does not let the next begin anew.
    let last = if budget > Amount::ZERO { budget } else { funds.budget };
    funds = FundsRecord { next_round: number.saturating_add(1), budget: last, shift, ..funds };
    transition.view.put(&key, &funds);
    transition.view.remove(&FundsKey::Round(number).state());
    emit(transition, FundsEvent::MaintenanceClosed { round: number, budget, paid, coverage, shift });
    Ok(())
}

fn keys_of_measured(round: u64, measured: &MaintenanceRoundRecord) -> Vec<StateKey> {
    let keys = measured.measurements.iter().flat_map(|one| {
        let measurer = one.measurer;
        [
            StateKey::Account(measurer),
            FundsKey::Measurer(measurer).state(),
            FundsKey::Report(round, measurer).state(),
        ]
    });
    keys.collect()
}

/// The reports of a round, in the order of the commitments. They are read for the last time.
fn take_reports(
    transition: &mut Transition<'_>,
    round: u64,
    measured: &MaintenanceRoundRecord,
) -> Applied<Vec<ReportRecord>> {
    let mut reports = Vec::new();
    for one in measured.measurements.iter().filter(|one| one.revealed) {
        let key = FundsKey::Report(round, one.measurer).state();
        reports.push(transition.view.get(&key)?.expect("whoever revealed left a report"));
        transition.view.remove(&key);
    }
    Ok(reports)
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
