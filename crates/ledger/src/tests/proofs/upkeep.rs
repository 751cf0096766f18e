//! I23: what maintenance pays, and to whom at most.

use std::collections::BTreeMap;

use openledger_types::funds::{FundsRecord, UsageReport};
use openledger_types::record::Pool;
use openledger_types::{
    AccountAction, AccountId, Action, Amount, Cause, Event, FundsAction, FundsEvent, Holder, Name,
};

use super::super::history::{History, Invariant, Turn, share_of, step};
use super::super::*;
use crate::funds::{FundsKey, FundsStateRecord};
use crate::{StateKey, StateRecord};

/// I23. Every round of maintenance of a history is counted again from the reports that were revealed: the median of each
/// project, zeros included, its part of the budget, and the cap of its recipient's cluster. What each is paid is the same, to the
/// unit; no cluster gets more than its cap of the budget, which is within what the pool may spend and a quarter above the last;
/// and nothing else leaves the pool of maintenance.
/// Not checked: that measurers count right; they are audited as auditors. Two clusters with one owner.
#[derive(Default)]
struct Upkeep {
    /// What each measurer revealed of the rounds that are not paid yet.
    reports: BTreeMap<u64, Vec<UsageReport>>,
    paid: u64,
    capped: u64,
    silent: u64,
}

fn median(mut counts: Vec<u64>) -> u64 {
    counts.sort_unstable();
    counts.get((counts.len().max(1) - 1) / 2).copied().unwrap_or_default()
}

impl Upkeep {
    /// What a round pays by project, and by cluster.
    fn expected(
        &mut self,
        turn: &Turn<'_>,
        round: u64,
        budget: Amount,
    ) -> (BTreeMap<Name, u128>, BTreeMap<AccountId, u128>) {
        let Some(StateRecord::Funds(FundsStateRecord::Round(record))) =
            turn.before(&FundsKey::Round(round).state())
        else {
            return Default::default();
        };
        let reports = self.reports.remove(&round).unwrap_or_default();
        assert_eq!(record.measurements.iter().filter(|one| one.revealed).count(), reports.len());
        self.silent += u64::from(record.measurements.len() > reports.len());
        // Who is paid for a project: the recipient of the first report that names it.
        let mut recipients: BTreeMap<Name, AccountId> = BTreeMap::new();
        for one in record.measurements.iter().filter(|one| one.revealed) {
            let key = FundsKey::Report(round, one.measurer).state();
            let Some(StateRecord::Funds(FundsStateRecord::Report(report))) = turn.before(&key) else {
                panic!("whoever revealed left a report");
            };
            for line in report.lines {
                recipients.entry(line.project).or_insert(line.recipient);
            }
        }
        let cluster = |recipient: &AccountId| {
            turn.world.ask(|transition| crate::accounts::cluster_of(transition, *recipient))
        };
        let used = |project: &Name| {
            let count = |report: &UsageReport| {
                report.lines.iter().find(|line| line.project == *project).map_or(0, |line| line.usage)
            };
            u128::from(median(reports.iter().map(count).collect()))
        };
        let total: u128 = recipients.keys().map(&used).sum();
        let budget = u128::from(budget.0);
        let part = |project: &Name| (budget * used(project)).checked_div(total).unwrap_or(0);
        let cap = budget * u128::from(turn.world.parameters.funds.recipient_cap.0) / 10_000;
        let mut wanted: BTreeMap<AccountId, u128> = BTreeMap::new();
        let (mut projects, mut clusters) = (BTreeMap::new(), BTreeMap::new());
        for (project, recipient) in &recipients {
            *wanted.entry(cluster(recipient)).or_default() += part(project);
        }
        for (project, recipient) in &recipients {
            let cluster = cluster(recipient);
            let (all, one) = (wanted[&cluster], part(project));
            self.capped += u64::from(all > cap);
            let amount: u128 = if all <= cap { one } else { cap * one / all };
            projects.insert(project.clone(), amount);
            *clusters.entry(cluster).or_default() += amount;
        }
        assert!(clusters.values().all(|sum| *sum <= cap), "no cluster gets more than {cap}: {clusters:?}");
        (projects, clusters)
    }

    fn check(&mut self, turn: &Turn<'_>, round: u64, budget: Amount, paid: Amount) {
        let held = match turn.before(&StateKey::Pool(Pool::Maintenance)) {
            Some(StateRecord::Pool(held)) => held,
            _ => Amount::ZERO,
        };
        let last = match turn.before(&FundsKey::Funds.state()) {
            Some(StateRecord::Funds(FundsStateRecord::Funds(last))) => last,
            _ => FundsRecord::default(),
        };
        let rules = turn.world.parameters.funds;
        assert!(budget <= held.basis_points(rules.usage_share));
        if last.budget > Amount::ZERO {
            assert!(budget.0 <= last.budget.0 + (last.budget.0 / 4).max(1));
        }
        let (mut projects, clusters) = self.expected(turn, round, budget);
        for event in turn.events {
            let Event::Funds(FundsEvent::ProjectPaid { name, amount, .. }) = event else { continue };
            assert_eq!(projects.remove(name), Some(u128::from(amount.0)), "{name}");
        }
        assert!(projects.values().all(|left| *left == 0), "not paid: {projects:?}");
        assert_eq!(clusters.values().sum::<u128>(), u128::from(paid.0));
        self.paid += u64::from(paid > Amount::ZERO);
    }
}

impl Invariant for Upkeep {
    fn after(&mut self, turn: &Turn<'_>) {
        let mut closed = None;
        for event in turn.events {
            match event {
                Event::Funds(FundsEvent::UsageRevealed { round, report, .. }) => {
                    self.reports.entry(*round).or_default().push(report.as_ref().clone());
                }
                Event::Funds(FundsEvent::MaintenanceClosed { round, budget, paid, .. }) => {
                    closed = Some((*round, *budget, *paid));
                }
                _ => {}
            }
        }
        let left = turn.events.iter().filter_map(|event| match event {
            Event::Moved { from: Holder::Pool(Pool::Maintenance), amount, cause, .. } => {
                assert_eq!(*cause, Cause::MaintenancePaid);
                Some(*amount)
            }
            _ => None,
        });
        let left = Amount::sum(left).unwrap();
        assert_eq!(left, closed.map_or(Amount::ZERO, |(.., paid)| paid));
        if let Some((round, budget, paid)) = closed {
            assert!(matches!(turn.action, Action::Funds(FundsAction::CloseMaintenance { .. })));
            self.check(turn, round, budget, paid);
        }
    }

    fn end(&mut self, _: &World) {
        let Self { paid, capped, silent, .. } = self;
        let counted =
            format!("{paid} rounds paid, {capped} projects capped, {silent} rounds with somebody silent");
        assert!(*paid >= share_of(30) && *capped >= share_of(60) && *silent > 0, "{counted}");
    }
}

/// Two pairs of the recipients are linked.
#[test]
pub(crate) fn i23_no_recipient_gets_more_than_its_part_of_maintenance() {
    let mut world = History::beginning();
    for (one, other) in [(12, 13), (15, 17)] {
        let link = |other: u8| Action::Accounts(AccountAction::DeclareLink { other: account(other) });
        world.accept(one, link(other));
        world.accept(other, link(one));
    }
    let rows = [
        step("funds", 14),
        step("settlement", 3),
        step("governance", 3),
        step("channels", 1),
        step("accounts", 1),
    ];
    History::focused(world, 23, &rows, &mut [&mut Upkeep::default()]);
}
