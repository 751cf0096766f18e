//! Counting a round of maintenance: what each project was used, and what it is paid for that.

use std::collections::BTreeMap;

use openledger_types::funds::{FundsEvent, ReportRecord};
use openledger_types::record::Pool;
use openledger_types::{AccountId, Amount, Asset, Cause, Holder, Name, Rejection};

use super::apply::emit;
use super::arithmetic;
use crate::execute::Transition;
use crate::state::Applied;
use crate::{accounts, supply};

/// A project, who is paid for it, and what it was used.
pub(super) struct Used {
    name: Name,
    pub(super) recipient: AccountId,
    usage: u64,
}

/// The projects with a median above zero, in order of their names; the first report that names one says who is paid.
pub(super) fn used(reports: &[ReportRecord]) -> Vec<Used> {
    let mut projects: BTreeMap<&Name, (AccountId, Vec<u64>)> = BTreeMap::new();
    for line in reports.iter().flat_map(|report| &report.lines) {
        let (_, counts) = projects.entry(&line.project).or_insert_with(|| (line.recipient, Vec::new()));
        counts.push(line.usage);
    }
    let used = projects.into_iter().map(|(name, (recipient, mut counts))| {
        counts.resize(reports.len(), 0);
        Used { name: name.clone(), recipient, usage: arithmetic::median(&counts) }
    });
    used.filter(|project| project.usage > 0).collect()
}

/// What each project is paid: its part by median use, and its part of the cap where its cluster has more than that.
fn parts(
    transition: &mut Transition<'_>,
    projects: &[Used],
    budget: Amount,
    cap: Amount,
) -> Applied<Vec<Amount>> {
    let total = projects.iter().fold(0u64, |sum, project| sum.saturating_add(project.usage));
    let mut clusters: BTreeMap<AccountId, Amount> = BTreeMap::new();
    let mut parts = Vec::with_capacity(projects.len());
    for project in projects {
        let part = budget.fraction(project.usage, total).unwrap_or(Amount::ZERO);
        let cluster = accounts::cluster_of(transition, project.recipient)?;
        let sum = clusters.entry(cluster).or_default();
        *sum = sum.plus(part).unwrap_or(Amount(u64::MAX));
        parts.push((cluster, part));
    }
    let capped = |(cluster, part): (AccountId, Amount)| {
        let sum = clusters.get(&cluster).copied().unwrap_or_default();
        if sum <= cap { part } else { cap.fraction(part.0, sum.0).unwrap_or(Amount::ZERO) }
    };
    Ok(parts.into_iter().map(capped).collect())
}

pub(super) fn pay(
    transition: &mut Transition<'_>,
    round: u64,
    projects: &[Used],
    budget: Amount,
) -> Applied<Amount> {
    let cap = budget.basis_points(transition.parameters.funds.recipient_cap);
    let parts = parts(transition, projects, budget, cap)?;
    let mut paid = Amount::ZERO;
    for (project, amount) in projects.iter().zip(parts).filter(|(_, amount)| *amount > Amount::ZERO) {
        let (recipient, usage) = (project.recipient, project.usage);
        let (from, to) = (Holder::Pool(Pool::Maintenance), Holder::Account(recipient));
        supply::shift(transition, from, to, Asset::Credit, amount, Cause::MaintenancePaid)?;
        paid = paid.plus(amount).ok_or(Rejection::AmountOverflow)?;
        let name = project.name.clone();
        emit(transition, FundsEvent::ProjectPaid { round, name, recipient, usage, amount });
    }
    Ok(paid)
}
