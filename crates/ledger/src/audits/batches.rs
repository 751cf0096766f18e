//! From a settled batch to opened receipts: the rate, the draw, the openings, and what was not opened in time.

use openledger_types::audits::{
    AuditRecord, AuditedBatchRecord, DrawnReceipts, LiquidRecord, Opening, SeedRecord, Stage, Status,
    SubjectRecord,
};
use openledger_types::record::{BatchRecord, BeaconRecord, Pool, Role};
use openledger_types::{
    AccountId, Amount, Asset, AuditEvent, AuditId, BasisPoints, Batch, Cause, Domain, Event, Hash, Holder,
    Rejection, limits, tree,
};

use super::rulings::{release, seats};
use super::{AuditKey, draw, penalty, settle};
use crate::accounts::{cluster_of, key_of_cluster};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::{escrow, reputation, supply};

/// What [`note`] reads.
pub(crate) fn keys_of_batch(batch: &Batch) -> Vec<StateKey> {
    let lines = batch.providers.iter().take(limits::BATCH_LINES_MAX);
    lines.map(|line| AuditKey::Subject(line.provider).state()).collect()
}

/// Remembers a batch that was just paid: the highest rate that one of its providers calls for, what a check pays, and what became
/// liquid.
pub(crate) fn note(
    transition: &mut Transition<'_>,
    batch: &Batch,
    charged: Amount,
    liquid: &LiquidRecord,
) -> Applied {
    let (epoch, parameters) = (transition.epoch(), transition.parameters.audits);
    let value = penalty::mean(charged, batch.receipts);
    let mut rate = parameters.rate_min;
    for line in &batch.providers {
        let key = AuditKey::Subject(line.provider).state();
        let subject = transition.view.get::<SubjectRecord>(&key)?.unwrap_or_default();
        let trusted = reputation::of(transition, line.provider, &Domain::Serving)?;
        rate = rate.max(draw::audit_rate(trusted, &subject, value, epoch, &parameters));
    }
    let earned = Amount::sum(batch.providers.iter().map(|line| line.amount));
    let earned = earned.ok_or(Rejection::AmountOverflow)?;
    let fee = draw::audit_fee(penalty::mean(earned, batch.receipts), &parameters);
    let record = AuditedBatchRecord { epoch, rate, fee, charged, earned, drawn: None, held: Amount::ZERO };
    let (gateway, number) = (transition.sender, batch.number);
    transition.view.put(&AuditKey::Batch(gateway, number).state(), &record);
    transition.view.put(&AuditKey::Liquid(gateway, number).state(), liquid);
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
        escrow::key_of_hold(gateway, Role::Gateway),
    ]
}

/// Draws, and sets aside what the checks pay. However late, because the fund was empty or nobody cared: the receipts are those
/// of the same beacon, and the gateway has the same time to open them.
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
    let draw_by = named.saturating_add(parameters.draw_epochs).max(transition.epoch());
    let seed_key = AuditKey::Seed(gateway, record.epoch).state();
    let seed: Option<SeedRecord> = transition.view.get(&seed_key)?;
    // Without planted faults, or when everybody knows them, nobody knows whether auditors look, so more is audited.
    let secret = seed.as_ref().is_some_and(|seed| seed.seed.is_none() && !seed.closed);
    let rate = if secret { record.rate } else { record.rate.max(parameters.rate_max) };
    let settled: Option<BatchRecord> = transition.view.get(&StateKey::Batch(gateway, batch))?;
    let settled = settled.expect("a batch that is audited was settled");
    let receipts = draw::drawn_receipts(&randomness, &gateway, batch, settled.receipts, rate);
    let count = u32::try_from(receipts.len()).expect("at most AUDITS_PER_BATCH_MAX are drawn");
    let held = record.fee.fraction(u64::from(count), 1).ok_or(Rejection::AmountOverflow)?;
    reserve(transition, held)?;
    record.held = held;
    let open_by = draw_by.saturating_add(parameters.open_epochs);
    let planted = if seed.is_some() { parameters.planted } else { BasisPoints(0) };
    let stands_for = draw::stands_for(settled.receipts, receipts.len(), rate, planted);
    record.drawn =
        Some(DrawnReceipts { beacon: named, randomness, stands_for, open_by, unopened: receipts.clone() });
    if count == 0 {
        remove(transition, gateway, batch);
    } else {
        transition.view.put(&AuditKey::Batch(gateway, batch).state(), &record);
        let risk = penalty::job(transition, record.earned);
        escrow::hold(transition, (gateway, Role::Gateway, record.epoch), risk)?;
    }
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

/// Nothing more is opened of a batch.
fn remove(transition: &mut Transition<'_>, gateway: AccountId, batch: u64) {
    transition.view.remove(&AuditKey::Batch(gateway, batch).state());
    transition.view.remove(&AuditKey::Liquid(gateway, batch).state());
}

/// The verification fund sets money aside.
pub(super) fn reserve(transition: &mut Transition<'_>, amount: Amount) -> Applied {
    let from = Holder::Pool(Pool::Verification);
    supply::shift(transition, from, Holder::Custody, Asset::Credit, amount, Cause::AuditReserved)
}

pub(super) fn keys_of_open(gateway: AccountId, batch: u64, receipt: u32, opening: &Opening) -> Vec<StateKey> {
    vec![
        AuditKey::Batch(gateway, batch).state(),
        AuditKey::Liquid(gateway, batch).state(),
        escrow::key_of_hold(gateway, Role::Gateway),
        escrow::key_of_hold(opening.provider, Role::Provider),
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
    let covers = covers(transition, (gateway, batch), opening, drawn.stands_for)?;
    drawn.unopened.remove(place);
    let (randomness, open_by, last) = (drawn.randomness, drawn.open_by, drawn.unopened.is_empty());
    record.held = record.held.minus(fee).expect("a fee is held for each receipt that is not opened");
    if last {
        finish(transition, gateway, batch, &record)?;
    } else {
        transition.view.put(&AuditKey::Batch(gateway, batch).state(), &record);
    }
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
        charged: record.charged,
        earned: record.earned,
        covers,
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
    let risk = penalty::at_risk(transition, &opened);
    let held = [(opening.provider, Role::Provider), (gateway, Role::Gateway)];
    for ((subject, role), risk) in held.into_iter().zip(risk) {
        escrow::hold(transition, (subject, role, epoch), risk)?;
    }
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

/// What a pass will cover, of the provider and of the gateway: as much as became liquid for this receipt and those that it stands
/// for, so that no more is covered than was exposed.
fn covers(
    transition: &mut Transition<'_>,
    (gateway, batch): (AccountId, u64),
    opening: &Opening,
    stands_for: u64,
) -> Applied<[Amount; 2]> {
    let liquid: Option<LiquidRecord> = transition.view.get(&AuditKey::Liquid(gateway, batch).state())?;
    let LiquidRecord { providers, gateway } = liquid.expect("a batch that is audited was paid");
    let place = providers.binary_search_by_key(&opening.provider, |(provider, _)| *provider);
    let provider = place.ok().and_then(|place| providers.get(place)).ok_or(Rejection::OpeningWrong)?.1;
    let covered = |amount: Amount, part: u32| {
        let liquid = amount.fraction(u64::from(part), u64::from(u32::MAX));
        liquid.and_then(|liquid| liquid.fraction(stands_for, 1 << 16)).unwrap_or(Amount(u64::MAX))
    };
    Ok([covered(opening.share, provider), covered(opening.router_fee, gateway)])
}

/// Everything that was drawn is opened, or was not opened in time: the batch itself holds its gateway no longer.
fn finish(
    transition: &mut Transition<'_>,
    gateway: AccountId,
    batch: u64,
    record: &AuditedBatchRecord,
) -> Applied {
    remove(transition, gateway, batch);
    let risk = penalty::job(transition, record.earned);
    escrow::lift(transition, (gateway, Role::Gateway, record.epoch), risk)
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

pub(super) fn keys_of_close(gateway: AccountId, batch: u64) -> Vec<StateKey> {
    let mut keys = penalty::keys(gateway, Role::Gateway);
    keys.extend([
        AuditKey::Batch(gateway, batch).state(),
        StateKey::Pool(Pool::Verification),
        key_of_cluster(gateway),
        escrow::key_of_hold(gateway, Role::Gateway),
    ]);
    keys
}

/// Ends the opening of a batch. A receipt that was not opened is a fault of the gateway: it keeps data back that it settled.
/// Nobody knows what it paid, and it may have been all that the batch paid; so that is what the penalty is a multiple of. Whoever
/// settles often has little in each batch.
pub(super) fn close_opening(transition: &mut Transition<'_>, gateway: AccountId, batch: u64) -> Applied {
    let mut record = batch_record(transition, gateway, batch)?;
    let drawn = record.drawn.take().ok_or(Rejection::OpeningOpen)?;
    if transition.epoch() <= drawn.open_by {
        return Err(Rejection::OpeningOpen.into());
    }
    let cluster = AuditKey::Cluster(cluster_of(transition, gateway)?).state();
    // Both ask for what they miss before either stops, so that one round of loading brings it.
    let counted = transition.view.need([cluster.clone()]);
    let slash = penalty::job(transition, record.earned);
    penalty::withheld(transition, gateway, slash)?;
    counted?;
    settle::count(transition, cluster, true)?;
    finish(transition, gateway, batch, &record)?;
    let to = Holder::Pool(Pool::Verification);
    supply::shift(transition, Holder::Custody, to, Asset::Credit, record.held, Cause::AuditReleased)?;
    let receipts = drawn.unopened;
    transition.emit(Event::Audits(AuditEvent::ReceiptsWithheld { gateway, batch, receipts }));
    Ok(())
}

/// The part in basis points as a divisor: how much one of the drawn stands for.
pub(super) fn per_part(amount: Amount, part: BasisPoints) -> Amount {
    amount.fraction(u64::from(BasisPoints::WHOLE.0), u64::from(part.0)).unwrap_or(Amount::ZERO)
}
