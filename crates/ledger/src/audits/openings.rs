//! From drawn receipts to audits: what the gateway opens, what that holds and covers, and what was not opened in time.

use openledger_types::audits::{
    AuditRecord, AuditedBatchRecord, LiquidRecord, Opening, Stage, Status, SubjectRecord,
};
use openledger_types::record::{BatchRecord, Pool, Role};
use openledger_types::{
    AccountId, Amount, Asset, AuditEvent, AuditId, Cause, Event, Hash, Holder, Rejection, limits, tree,
};

use super::batches::{batch_record, remove};
use super::rulings::{release, seats};
use super::{AuditKey, penalty, settle};
use crate::accounts::{cluster_of, key_of_cluster};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::{escrow, supply};

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
    let audit = AuditId { gateway: transition.sender, batch, receipt };
    let (mut opened, open_by) = take(transition, audit, opening, path)?;
    let risk = penalty::at_risk(transition, &opened);
    let held = [(opening.provider, Role::Provider), (audit.gateway, Role::Gateway)];
    for ((subject, role), risk) in held.into_iter().zip(risk) {
        escrow::hold(transition, (subject, role, opened.epoch), risk)?;
    }
    transition.emit(Event::Audits(AuditEvent::ReceiptOpened { audit, opening: opening.clone() }));
    let times = (opened.epoch, open_by.saturating_add(transition.parameters.audits.commit_epochs));
    let randomness = opened.randomness;
    let round = seats(transition, &opened, &audit, Stage::First, &randomness, times)?;
    if round.seats.is_empty() {
        // Nobody can check it; the money goes back and the audit ends as if its auditor had been silent.
        let fee = opened.fee;
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

/// Takes a receipt out of those that are to be opened. Returns its audit, and the last epoch of openings.
fn take(
    transition: &mut Transition<'_>,
    AuditId { gateway, batch, receipt }: AuditId,
    opening: &Opening,
    path: &[Hash],
) -> Applied<(AuditRecord, u64)> {
    let mut record = batch_record(transition, gateway, batch)?;
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
    let held = record.held.minus(record.fee);
    record.held = held.expect("a fee is held for each receipt that is not opened");
    if last {
        finish(transition, gateway, batch, &record)?;
    } else {
        transition.view.put(&AuditKey::Batch(gateway, batch).state(), &record);
    }
    let mut parties = [opening.provider, gateway, opening.consumer];
    for party in &mut parties {
        *party = cluster_of(transition, *party)?;
    }
    let rules = transition.parameters.audits;
    let verdicts = rules.commit_epochs.saturating_add(rules.reveal_epochs);
    let opened = AuditRecord {
        opening: opening.clone(),
        parties,
        epoch: record.epoch,
        randomness,
        receipts: settled.receipts,
        charged: record.charged,
        earned: record.earned,
        covers,
        fee: record.fee,
        held: record.fee,
        rounds: Vec::new(),
        status: Status::Sitting,
        seed_by: open_by.saturating_add(verdicts).saturating_add(rules.seed_epochs),
        planted: false,
        challenge: None,
        reporter: None,
        settled: false,
    };
    Ok((opened, open_by))
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
    let provider = match place.ok().and_then(|place| providers.get(place)) {
        Some((_, part)) => *part,
        // A receipt whose share was floored to nothing is in no line, and has nothing to cover.
        None if opening.share == Amount::ZERO => 0,
        None => return Err(Rejection::OpeningWrong.into()),
    };
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
