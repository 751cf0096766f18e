//! From verdicts to a ruling: rounds are counted when all deadlines have passed, the next auditors are drawn with randomness
//! that nobody knew before, and the last round rules.

use openledger_types::audits::{AuditRecord, Round, Ruling, Seat, SeedRecord, Stage, Status, Verdict};
use openledger_types::record::{Pool, Role};
use openledger_types::{
    AccountId, Amount, Asset, AuditEvent, AuditId, Cause, Event, Hash, Holder, Rejection,
};

use super::batches::{beacon, reserve};
use super::draw::{self, AuditorDraw};
use super::verdicts::audit_record;
use super::{AuditKey, challenges, penalty, register, tally};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::{escrow, supply};

pub(super) fn keys(audit: AuditId, beacon: u64) -> Vec<StateKey> {
    vec![
        AuditKey::Audit(audit).state(),
        AuditKey::Panel.state(),
        AuditKey::Breaker.state(),
        StateKey::Beacon(beacon),
        StateKey::Pool(Pool::Verification),
    ]
}

/// What the record leads to, whatever is due.
fn keys_found(record: &AuditRecord, audit: AuditId) -> Vec<StateKey> {
    let mut keys = vec![
        AuditKey::Seed(audit.gateway, record.epoch).state(),
        escrow::key_of_hold(record.opening.provider, Role::Provider),
        escrow::key_of_hold(audit.gateway, Role::Gateway),
    ];
    keys.extend(record.parties.map(|cluster| AuditKey::Cluster(cluster).state()));
    keys.extend(record.challenge.iter().map(|challenge| StateKey::Account(challenge.challenger)));
    keys
}

/// Does what is due. The same whoever sends it and whenever.
pub(super) fn advance(transition: &mut Transition<'_>, audit: AuditId, named: u64) -> Applied {
    let mut record = audit_record(transition, audit)?;
    transition.view.need(keys_found(&record, audit))?;
    match record.status {
        Status::Ruled { .. } => return Err(Rejection::AuditRuled.into()),
        Status::Drawing { size, after } => {
            let randomness = beacon(transition, named, after)?;
            convene(transition, &mut record, audit, Stage::Panel(size), (&randomness, after))?;
        }
        Status::Sitting => {
            let round = record.rounds.last().expect("an opened audit has a round");
            let (first, reveal_by) = (round.stage == Stage::First, round.reveal_by);
            let deadline = if first { seed_by(transition, &record, audit)? } else { reveal_by };
            if transition.epoch() <= deadline {
                return Err(Rejection::AdvanceEarly.into());
            }
            let randomness = beacon(transition, named, deadline)?;
            count(transition, &mut record, audit, (&randomness, deadline))?;
        }
    }
    transition.view.put(&AuditKey::Audit(audit).state(), &record);
    Ok(())
}

/// Counts the round that has ended.
fn count(
    transition: &mut Transition<'_>,
    record: &mut AuditRecord,
    audit: AuditId,
    (randomness, deadline): (&Hash, u64),
) -> Applied {
    let round = record.rounds.last().expect("an opened audit has a round");
    let said: Vec<Verdict> = round.seats.iter().filter_map(|seat| seat.verdict).collect();
    let (stage, seats) = (round.stage, round.seats.len());
    let alone = said.first().copied();
    match (stage, alone) {
        (Stage::Panel(_), None) => {
            // Nobody of the panel said anything: what was ruled before holds.
            let (ruling, established) = challenges::ruling_before(record);
            rule(transition, record, audit, ruling, established)
        }
        (Stage::Panel(_), Some(_)) => {
            let ruling = tally::ruling(&said, seats, planted_before(record));
            rule(transition, record, audit, ruling, true)
        }
        (Stage::First, Some(verdict)) if plants(transition, record, audit)? => {
            record.planted = true;
            let found = verdict != Verdict::Pass;
            let ruling = if found { Ruling::PlantFound } else { Ruling::PlantMissed };
            rule(transition, record, audit, ruling, true)
        }
        (_, None) => rule(transition, record, audit, Ruling::Passed, false),
        (Stage::Second, Some(Verdict::Pass)) => rule(transition, record, audit, Ruling::Passed, false),
        (Stage::First, Some(Verdict::Pass)) => {
            let part = transition.parameters.audits.repeated;
            if draw::is_repeated(randomness, &audit, part) {
                convene(transition, record, audit, Stage::Second, (randomness, deadline))
            } else {
                rule(transition, record, audit, Ruling::Passed, false)
            }
        }
        (_, Some(_)) => {
            let size = tally::size(transition.parameters.audits.panel);
            convene(transition, record, audit, Stage::Panel(size), (randomness, deadline))
        }
    }
}

/// For a planted fault, whether the first auditor found it.
fn planted_before(record: &AuditRecord) -> Option<bool> {
    let first = record.rounds.first().and_then(|round| round.seats.first());
    let verdict = first.and_then(|seat| seat.verdict);
    record.planted.then_some(verdict.is_some_and(|verdict| verdict != Verdict::Pass))
}

/// The last epoch in which the gateway may reveal its seed. A batch of the same epoch that was drawn later moves that, and nobody
/// knows before whether the fault in this audit was planted.
fn seed_by(transition: &mut Transition<'_>, record: &AuditRecord, audit: AuditId) -> Applied<u64> {
    let key = AuditKey::Seed(audit.gateway, record.epoch).state();
    let due = transition.view.get::<SeedRecord>(&key)?.and_then(|seed| seed.due);
    Ok(due.map_or(record.seed_by, |(_, by)| by.max(record.seed_by)))
}

/// Whether the gateway's seed says that it planted a fault.
fn plants(transition: &mut Transition<'_>, record: &AuditRecord, audit: AuditId) -> Applied<bool> {
    let key = AuditKey::Seed(audit.gateway, record.epoch).state();
    let seed = transition.view.get::<SeedRecord>(&key)?.and_then(|seed| seed.seed);
    let part = transition.parameters.audits.planted;
    Ok(seed.is_some_and(|seed| draw::is_planted(&seed, &record.randomness, &audit, part)))
}

/// Draws the auditors of the next round and sets aside what they are paid. Where nobody is left to draw, the audit is ruled as
/// it stands.
fn convene(
    transition: &mut Transition<'_>,
    record: &mut AuditRecord,
    audit: AuditId,
    stage: Stage,
    known: (&Hash, u64),
) -> Applied {
    let parameters = transition.parameters.audits;
    let (randomness, known_by) = known;
    let commit_by = transition.epoch().saturating_add(parameters.commit_epochs);
    let round = seats(transition, record, &audit, stage, randomness, (known_by, commit_by))?;
    if round.seats.is_empty() {
        // A round that nobody sits in: the next challenge asks for a larger one, and the last has nobody either.
        record.rounds.push(round);
        let (ruling, established) = challenges::ruling_before(record);
        return rule(transition, record, audit, ruling, established);
    }
    let count = u64::try_from(round.seats.len()).unwrap_or(u64::MAX);
    let fees = record.fee.fraction(count, 1).ok_or(Rejection::AmountOverflow)?;
    fund(transition, record, fees)?;
    record.rounds.push(round);
    record.status = Status::Sitting;
    Ok(())
}

/// The fund pays for checks; a challenge that the fund cannot pay for is checked out of its own bond, in advance.
fn fund(transition: &mut Transition<'_>, record: &mut AuditRecord, fees: Amount) -> Applied {
    record.held = record.held.plus(fees).ok_or(Rejection::AmountOverflow)?;
    let pool = transition.view.pool(&Pool::Verification)?;
    if let Some(challenge) = record.challenge.as_mut().filter(|_| pool < fees) {
        let rest = challenge.bond.minus(fees).expect("a challenge's bond covers its checks");
        challenge.bond = rest;
        challenge.advanced = fees;
        return Ok(());
    }
    reserve(transition, fees)
}

/// The auditors of a round.
pub(super) fn seats(
    transition: &mut Transition<'_>,
    record: &AuditRecord,
    audit: &AuditId,
    stage: Stage,
    randomness: &Hash,
    (known_by, commit_by): (u64, u64),
) -> Applied<Round> {
    let panel = register::panel(transition)?;
    let parameters = transition.parameters.audits;
    let mut excluded: Vec<AccountId> = record.parties.to_vec();
    let before = record.rounds.iter().flat_map(|round| round.seats.iter());
    for Seat { auditor, .. } in before {
        let entry = panel.entries.iter().find(|entry| entry.auditor == *auditor);
        excluded.push(entry.map_or(*auditor, |entry| entry.cluster));
    }
    let size = if let Stage::Panel(size) = stage { usize::from(size) } else { 1 };
    let round = u8::try_from(record.rounds.len()).expect("an audit has at most six rounds");
    let draw = AuditorDraw { randomness, audit, round, size, known_by, excluded: &excluded };
    let auditors = draw::drawn_auditors(&panel, &draw, &parameters);
    transition.view.need(auditors.iter().map(|auditor| escrow::key_of_hold(*auditor, Role::Auditor)))?;
    let risk = penalty::check(transition, record.fee);
    for auditor in &auditors {
        escrow::hold(transition, (*auditor, Role::Auditor, record.epoch), risk)?;
    }
    let reveal_by = commit_by.saturating_add(parameters.reveal_epochs);
    let fresh =
        |auditor: &AccountId| Seat { auditor: *auditor, commitment: None, verdict: None, settled: false };
    let seats = auditors.iter().map(fresh).collect();
    let event = AuditEvent::SeatsDrawn { audit: *audit, stage, auditors, commit_by, reveal_by };
    transition.emit(Event::Audits(event));
    Ok(Round { stage, commit_by, reveal_by, seats })
}

/// Ends the rounds with a ruling that can be challenged.
fn rule(
    transition: &mut Transition<'_>,
    record: &mut AuditRecord,
    audit: AuditId,
    ruling: Ruling,
    established: bool,
) -> Applied {
    let before = record.challenge.as_ref().map(|challenge| challenge.ruling);
    challenges::decide(transition, record, audit, ruling)?;
    for (ruling, faulty) in [(before, false), (Some(ruling), true)] {
        if let Some(role) = ruling.and_then(penalty::accuses) {
            let subject = if role == Role::Gateway { audit.gateway } else { record.opening.provider };
            escrow::accuse(transition, subject, role, faulty)?;
        }
    }
    if record.reporter.is_none() {
        record.reporter = tally::accuser(record).map(|auditor| (auditor, false));
    }
    if before.is_none() {
        penalty::count_ruling(transition, record.parties, ruling)?;
    }
    let until = transition.epoch().saturating_add(transition.parameters.audits.challenge_epochs);
    record.status = Status::Ruled { ruling, established, until };
    transition.emit(Event::Audits(AuditEvent::AuditRuled { audit, ruling, established, until }));
    Ok(())
}

/// Gives money of an audit back to the fund.
pub(super) fn release(transition: &mut Transition<'_>, record: &mut AuditRecord, amount: Amount) -> Applied {
    record.held = record.held.minus(amount).expect("an audit holds the fees of its auditors");
    let to = Holder::Pool(Pool::Verification);
    supply::shift(transition, Holder::Custody, to, Asset::Credit, amount, Cause::AuditReleased)
}
