//! Random actions of the funds: rounds of maintenance with their reports, claims on the insurance, donations, projects.

use openledger_types::funds::{
    ClaimRecord, FundsRecord, MaintenanceRoundRecord, MeasurerRecord, UsageLine, UsageReport,
};
use openledger_types::record::Pool;
use openledger_types::{Action, FundsAction as Ask};

use super::super::*;
use super::scene::{PROJECTS, VOTERS, one_of, records};
use super::{Dice, number_of};
use crate::StateKey;
use crate::funds::FundsKey;

/// How many of the voters measure.
const MEASURERS: usize = 5;

pub(super) fn funds(world: &World, dice: &mut Dice) -> (u8, Action) {
    let due = due(world, dice);
    let (who, ask) = match one_of(&due, dice) {
        Some(due) if !dice.chance(3) => due,
        _ => anything(world, dice),
    };
    (who, Action::Funds(ask))
}

fn round(world: &World) -> u64 {
    world.epoch() / world.parameters.funds.round_epochs
}

/// What a measurer counted in a round: it can be told from both, so that what was committed can be revealed.
fn report(who: u8, round: u64) -> Box<UsageReport> {
    let mut dice = Dice::new(round << 8 | u64::from(who));
    // Measurers see much the same; the first project is used more than all the others.
    let mut line = |(place, project): (u64, &&str)| {
        let usage = (1 + round % 7 * place) * if place == 0 { 900 } else { 10 } + dice.below(30);
        UsageLine { project: name(project), usage: usage + 1 }
    };
    let lines = (0..).zip(&PROJECTS).map(&mut line).collect();
    Box::new(UsageReport { lines, telemetry_root: bytes32(1), salt: bytes32(who) })
}

fn due(world: &World, dice: &mut Dice) -> Vec<(u8, Ask)> {
    let (round, mut due) = (round(world), Vec::new());
    let funds: FundsRecord = world.record(&FundsKey::Funds.state()).unwrap_or_default();
    if funds.next_round + 2 <= round {
        due.push((dice.who(), Ask::CloseMaintenance { round: funds.next_round }));
    }
    let before: Option<MaintenanceRoundRecord> =
        round.checked_sub(1).and_then(|round| world.record(&FundsKey::Round(round).state()));
    for one in before.into_iter().flat_map(|before| before.measurements) {
        let who = number_of(one.measurer).filter(|_| !one.revealed);
        // Somebody never reveals now and then.
        let who = who.filter(|who| (u64::from(*who) + round) % 9 != 0);
        due.extend(who.map(|who| (who, Ask::RevealUsage { report: report(who, round - 1) })));
    }
    for who in VOTERS.take(MEASURERS) {
        let record: Option<MeasurerRecord> = world.record(&FundsKey::Measurer(account(who)).state());
        let bond = world.parameters.funds.measurer_bond_min;
        match record {
            None => due.push((who, Ask::RegisterMeasurer { bond })),
            Some(record) if may_commit(&record, round, funds.next_round) => {
                let commitment = report(who, round).commitment(account(who), round);
                due.push((who, Ask::CommitUsage { commitment }));
            }
            Some(_) => {}
        }
    }
    let epoch = world.epoch();
    let claims: Vec<(StateKey, ClaimRecord)> = records(world, &FundsKey::Claim(0).state(), 2);
    let owed: Vec<(u8, Ask)> = claims
        .into_iter()
        .filter(|(_, record)| (record.from_epoch..=record.until_epoch).contains(&epoch))
        .filter_map(|(key, record)| match key {
            StateKey::Funds(FundsKey::Claim(claim)) => {
                Some((number_of(record.harmed)?, Ask::ClaimInsurance { claim }))
            }
            _ => None,
        })
        .collect();
    due.extend(one_of(&owed, dice));
    due
}

/// Once in a round; a report from before the last round has to be paid or punished first.
fn may_commit(record: &MeasurerRecord, round: u64, next_round: u64) -> bool {
    record.committed_round.is_none_or(|last| last != round && (last + 1 >= round || next_round > last))
}

fn anything(world: &World, dice: &mut Dice) -> (u8, Ask) {
    let who = dice.who();
    let project = name(dice.pick(&PROJECTS));
    let round = round(world).saturating_sub(dice.below(4));
    match dice.below(12) {
        0..4 => {
            let open =
                [Pool::Treasury, Pool::Maintenance, Pool::Insurance, Pool::Verification, Pool::Capacity];
            let pool = if dice.chance(8) { Pool::Slashed } else { open[dice.below(5) as usize].clone() };
            (who, Ask::Donate { pool, amount: dice.amount(world.account(who).credits.0 / 30) })
        }
        4 => {
            let name = if dice.chance(3) { project } else { name(&format!("q{}", dice.byte())) };
            (who, Ask::RegisterProject { name, source: "source".into() })
        }
        5 => {
            let key = FundsKey::Project(project.clone()).state();
            let record: Option<openledger_types::funds::ProjectRecord> = world.record(&key);
            let recipient = record.and_then(|record| number_of(record.recipient)).unwrap_or(who);
            (recipient, Ask::PassProject { name: project, to: account(who) })
        }
        6 => (who, Ask::RegisterMeasurer { bond: dice.amount(2_000_000_000) }),
        7 => (VOTERS.start + dice.below(MEASURERS as u64) as u8, Ask::LeaveMeasuring),
        8 => (who, Ask::CommitUsage { commitment: bytes32(dice.byte()) }),
        9 => {
            let measurer = VOTERS.start + dice.below(MEASURERS as u64) as u8;
            (measurer, Ask::RevealUsage { report: report(measurer, round) })
        }
        10 => (who, Ask::CloseMaintenance { round }),
        _ => (who, Ask::ClaimInsurance { claim: dice.below(16) }),
    }
}
