//! From a settled batch to opened receipts: the rate, the draw, the openings, and what was not opened in time.

use openledger_types::audits::{
    AuditRecord, AuditedBatchRecord, DrawnReceipts, Opening, SeedRecord, Stage, Status, SubjectRecord,
};
use openledger_types::record::{BatchRecord, BeaconRecord, Pool, Role};
use openledger_types::{
    AccountId, Amount, Asset, AuditEvent, AuditId, BasisPoints, Batch, Cause, Domain, Event, Hash, Holder,
    Rejection, limits, tree,
};

use super::rulings::{release, seats};
use super::{AuditKey, draw, penalty};
use crate::accounts::{cluster_of, key_of_cluster};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::{reputation, supply};

/// What [`note`] reads.
pub(crate) fn keys_of_batch(batch: &Batch) -> Vec<StateKey> {
    let lines = batch.providers.iter().take(limits::BATCH_LINES_MAX);
    lines.map(|line| AuditKey::Subject(line.provider).state()).collect()
}

/// Remembers a batch that was just settled: the highest rate that one of its providers calls for, and what a check pays.
pub(crate) fn note(transition: &mut Transition<'_>, batch: &Batch, charged: Amount) -> Applied {
    let (epoch, parameters) = (transition.epoch(), transition.parameters.audits);
    let receipts = u64::from(batch.receipts);
    let mean = |sum: Amount| sum.fraction(1, receipts).unwrap_or(Amount::ZERO);
    let mut rate = parameters.rate_min;
    for line in &batch.providers {
        let key = AuditKey::Subject(line.provider).state();
        let subject = transition.view.get::<SubjectRecord>(&key)?.unwrap_or_default();
        let trusted = reputation::of(transition, line.provider, &Domain::Serving)?;
        rate = rate.max(draw::audit_rate(trusted, &subject, mean(charged), epoch, &parameters));
    }
    let earned = Amount::sum(batch.providers.iter().map(|line| line.amount));
    let share = mean(earned.ok_or(Rejection::AmountOverflow)?);
    let fee = draw::audit_fee(share, &parameters);
    let record = AuditedBatchRecord { epoch, rate, fee, share, drawn: None, held: Amount::ZERO };
    transition.view.put(&AuditKey::Batch(transition.sender, batch.number).state(), &record);
    Ok(())
}

/// The randomness of the first beacon after `committed`, which must be that of epoch `named`.
pub(super) fn beacon(transition: &mut Transition<'_>, named: u64, committed: u64) -> Applied<Hash> {
    let beacon: Option<BeaconRecord> = transition.view.get(&StateKey::Beacon(named))?;
    let follows = |beacon: &BeaconRecord| beacon.previous <= committed && committed < named;
    Ok(beacon.filter(follows).ok_or(Rejection::AuditBeaconWrong)?.randomness)
}

fn batch_record(
    transition: &mut Transition<'_>,
    gateway: AccountId,
    batch: u64,
) -> Applied<AuditedBatchRecord> {
    let key = AuditKey::Batch(gateway, batch).state();
    Ok(transition.view.get(&key)?.ok_or(Rejection::AuditBatchUnknown)?)
}

pub(super) fn keys_of_draw(gateway: AccountId, batch: u64, beacon: u64) -> Vec<StateKey> {
    vec![
        AuditKey::Batch(gateway, batch).state(),
        StateKey::Batch(gateway, batch),
        StateKey::Beacon(beacon),
        StateKey::Pool(Pool::Verification),
    ]
}

/// Draws, and sets aside what the checks pay.
pub(super) fn draw_audits(
    transition: &mut Transition<'_>,
    gateway: AccountId,
    batch: u64,
    named: u64,
) -> Applied {
    let mut record = batch_record(transition, gateway, batch)?;
    if record.drawn.is_some() {
        return Err(Rejection::AuditsDrawn.into());
    }
    let randomness = beacon(transition, named, record.epoch)?;
    let parameters = transition.parameters.audits;
    let draw_by = named.saturating_add(parameters.draw_epochs);
    if transition.epoch() > draw_by {
        return Err(Rejection::DrawTooLate.into());
    }
    let seed_key = AuditKey::Seed(gateway, record.epoch).state();
    let seed: Option<SeedRecord> = transition.view.get(&seed_key)?;
    // Without planted faults nobody knows whether auditors look, so more is audited.
    let rate = if seed.is_some() { record.rate } else { record.rate.max(parameters.rate_max) };
    let settled: Option<BatchRecord> = transition.view.get(&StateKey::Batch(gateway, batch))?;
    let settled = settled.expect("a batch that is audited was settled");
    let receipts = draw::drawn_receipts(&randomness, &gateway, batch, settled.receipts, rate);
    let count = u32::try_from(receipts.len()).expect("at most AUDITS_PER_BATCH_MAX are drawn");
    let held = record.fee.fraction(u64::from(count), 1).ok_or(Rejection::AmountOverflow)?;
    reserve(transition, held)?;
    record.held = held;
    let open_by = draw_by.saturating_add(parameters.open_epochs);
    record.drawn =
        Some(DrawnReceipts { beacon: named, randomness, count, open_by, unopened: receipts.clone() });
    transition.view.put(&AuditKey::Batch(gateway, batch).state(), &record);
    if let Some(seed) = seed.filter(|_| count > 0) {
        let reveal_by =
            open_by.saturating_add(parameters.commit_epochs).saturating_add(parameters.reveal_epochs);
        let due = seed.due.unwrap_or((reveal_by, 0));
        let due = (due.0.max(reveal_by), due.1.max(reveal_by.saturating_add(parameters.seed_epochs)));
        transition.view.put(&seed_key, &SeedRecord { due: Some(due), ..seed });
    }
    let fee = record.fee;
    let event = AuditEvent::AuditsDrawn { gateway, batch, beacon: named, receipts, fee, open_by };
    transition.emit(Event::Audits(event));
    Ok(())
}

/// The verification fund sets money aside.
pub(super) fn reserve(transition: &mut Transition<'_>, amount: Amount) -> Applied {
    let from = Holder::Pool(Pool::Verification);
    supply::shift(transition, from, Holder::Custody, Asset::Credit, amount, Cause::AuditReserved)
}

pub(super) fn keys_of_open(gateway: AccountId, batch: u64, receipt: u32, opening: &Opening) -> Vec<StateKey> {
    vec![
        AuditKey::Batch(gateway, batch).state(),
        StateKey::Batch(gateway, batch),
        AuditKey::Audit(AuditId { gateway, batch, receipt }).state(),
        AuditKey::Panel.state(),
        AuditKey::Subject(opening.provider).state(),
        StateKey::Provider(opening.provider),
        key_of_cluster(opening.provider),
        key_of_cluster(opening.consumer),
        key_of_cluster(gateway),
        StateKey::Pool(Pool::Verification),
    ]
}

/// Opens one drawn receipt and draws who checks it.
pub(super) fn open(
    transition: &mut Transition<'_>,
    batch: u64,
    receipt: u32,
    opening: &Opening,
    path: &[Hash],
) -> Applied {
    let gateway = transition.sender;
    let audit = AuditId { gateway, batch, receipt };
    let mut record = batch_record(transition, gateway, batch)?;
    let (epoch, fee) = (record.epoch, record.fee);
    let drawn = record.drawn.as_mut().ok_or(Rejection::ReceiptNotDrawn)?;
    let place = drawn.unopened.binary_search(&receipt).map_err(|_| Rejection::ReceiptNotDrawn)?;
    if transition.epoch() > drawn.open_by {
        return Err(Rejection::OpeningTooLate.into());
    }
    let settled: Option<BatchRecord> = transition.view.get(&StateKey::Batch(gateway, batch))?;
    let settled = settled.expect("a batch that is audited was settled");
    check_opening(&settled, receipt, opening, path)?;
    transition.view.provider(opening.provider)?;
    drawn.unopened.remove(place);
    let (randomness, count, open_by) = (drawn.randomness, drawn.count, drawn.open_by);
    record.held = record.held.minus(fee).expect("a fee is held for each receipt that is not opened");
    transition.view.put(&AuditKey::Batch(gateway, batch).state(), &record);
    let parties = [opening.provider, gateway, opening.consumer];
    let mut clusters = parties;
    for (cluster, party) in clusters.iter_mut().zip(parties) {
        *cluster = cluster_of(transition, party)?;
    }
    let parameters = transition.parameters.audits;
    let reveal_by = open_by.saturating_add(parameters.commit_epochs).saturating_add(parameters.reveal_epochs);
    let mut opened = AuditRecord {
        opening: opening.clone(),
        parties: clusters,
        epoch,
        randomness,
        receipts: settled.receipts,
        drawn: count,
        fee,
        held: fee,
        rounds: Vec::new(),
        status: Status::Sitting,
        seed_by: reveal_by.saturating_add(parameters.seed_epochs),
        planted: false,
        challenge: None,
        reporter: None,
        settled: false,
    };
    transition.emit(Event::Audits(AuditEvent::ReceiptOpened { audit, opening: opening.clone() }));
    let commit_by = open_by.saturating_add(parameters.commit_epochs);
    let round = seats(transition, &opened, &audit, Stage::First, &randomness, (epoch, commit_by))?;
    if round.seats.is_empty() {
        // Nobody can check it; the money goes back and the audit ends as if its auditor had been silent.
        release(transition, &mut opened, fee)?;
    }
    opened.rounds.push(round);
    transition.view.put(&AuditKey::Audit(audit).state(), &opened);
    let key = AuditKey::Subject(opening.provider).state();
    let mut subject = transition.view.get::<SubjectRecord>(&key)?.unwrap_or_default();
    subject.assigned = subject.assigned.saturating_add(1);
    transition.view.put(&key, &subject);
    Ok(())
}

/// The leaf is in the batch at its place, and nothing in the opening exceeds what the batch charged.
fn check_opening(settled: &BatchRecord, receipt: u32, opening: &Opening, path: &[Hash]) -> Applied {
    let earned = opening.share.plus(opening.router_fee);
    let within = opening.charged <= settled.charged && earned.is_some_and(|earned| earned <= opening.charged);
    let short = path.len() <= limits::BATCH_PATH_MAX;
    let inside =
        short && tree::verify_path(&settled.receipts_root, &opening.leaf, receipt, settled.receipts, path);
    if within && inside { Ok(()) } else { Err(Rejection::OpeningWrong.into()) }
}

pub(super) fn keys_of_close(gateway: AccountId, batch: u64, beacon: u64) -> Vec<StateKey> {
    let mut keys = penalty::keys(gateway, Role::Gateway);
    keys.extend([
        AuditKey::Batch(gateway, batch).state(),
        StateKey::Beacon(beacon),
        StateKey::Pool(Pool::Verification),
    ]);
    keys
}

/// Ends the opening of a batch. A receipt that was not opened is a fault of the gateway: it keeps data back that it settled.
pub(super) fn close_opening(
    transition: &mut Transition<'_>,
    gateway: AccountId,
    batch: u64,
    named: u64,
) -> Applied {
    let record = batch_record(transition, gateway, batch)?;
    let key = AuditKey::Batch(gateway, batch).state();
    let Some(drawn) = record.drawn else {
        beacon(transition, named, record.epoch)?;
        if transition.epoch() <= named.saturating_add(transition.parameters.audits.draw_epochs) {
            return Err(Rejection::OpeningOpen.into());
        }
        transition.view.remove(&key);
        return Ok(());
    };
    if transition.epoch() <= drawn.open_by && !drawn.unopened.is_empty() {
        return Err(Rejection::OpeningOpen.into());
    }
    transition.view.remove(&key);
    if drawn.unopened.is_empty() {
        return Ok(());
    }
    let to = Holder::Pool(Pool::Verification);
    supply::shift(transition, Holder::Custody, to, Asset::Credit, record.held, Cause::AuditReleased)?;
    let count = u64::try_from(drawn.unopened.len()).unwrap_or(u64::MAX);
    let share = record.share.fraction(count, 1).ok_or(Rejection::AmountOverflow)?;
    let slash = penalty::job(transition, share)?;
    penalty::withheld(transition, gateway, slash)?;
    let receipts = drawn.unopened;
    transition.emit(Event::Audits(AuditEvent::ReceiptsWithheld { gateway, batch, receipts }));
    Ok(())
}

/// What a part of `whole` receipts stands for: an audited receipt for all that were not drawn beside it.
pub(super) fn scaled(amount: Amount, receipts: u32, drawn: u32) -> Amount {
    amount.fraction(u64::from(receipts), u64::from(drawn)).unwrap_or(amount)
}

/// The part in basis points as a divisor: how much one of the drawn stands for.
pub(super) fn per_part(amount: Amount, part: BasisPoints) -> Amount {
    amount.fraction(u64::from(BasisPoints::WHOLE.0), u64::from(part.0)).unwrap_or(Amount::ZERO)
}
