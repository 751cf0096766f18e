//! From a settled batch to drawn receipts: the rate, the fee, the draw.

use openledger_types::audits::{AuditedBatchRecord, DrawnReceipts, LiquidRecord, SeedRecord, SubjectRecord};
use openledger_types::record::{BatchRecord, BeaconRecord, Pool, Role};
use openledger_types::{
    AccountId, Amount, Asset, AuditEvent, BasisPoints, Batch, Cause, Domain, Event, Hash, Holder, Rejection,
    limits,
};

use super::{AuditKey, draw, penalty};
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

pub(super) fn batch_record(
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
    let now = transition.epoch();
    let kept = |seed: &SeedRecord| seed.closed || seed.due.is_some_and(|(_, by)| now > by);
    let secret = seed.as_ref().is_some_and(|seed| seed.seed.is_none() && !kept(seed));
    let plants = seed.as_ref().is_some_and(|seed| seed.seed.is_some() || !kept(seed));
    let rate = if secret { record.rate } else { record.rate.max(parameters.rate_max) };
    let settled: Option<BatchRecord> = transition.view.get(&StateKey::Batch(gateway, batch))?;
    let settled = settled.expect("a batch that is audited was settled");
    let brought = record.charged.basis_points(transition.parameters.split.verification);
    let most = draw::checks_max(brought, transition.view.pool(&Pool::Verification)?, record.fee);
    let receipts = draw::drawn_receipts(
        &randomness,
        &gateway,
        batch,
        settled.receipts,
        (parameters.rate_min, rate),
        most,
    );
    let count = u32::try_from(receipts.len()).expect("at most AUDITS_PER_BATCH_MAX are drawn");
    let held = record.fee.fraction(u64::from(count), 1).ok_or(Rejection::AmountOverflow)?;
    reserve(transition, held)?;
    record.held = held;
    let open_by = draw_by.saturating_add(parameters.open_epochs);
    let planted = if plants { parameters.planted } else { BasisPoints(0) };
    let stands_for = draw::stands_for(settled.receipts, (receipts.len(), most), rate, planted);
    record.drawn =
        Some(DrawnReceipts { beacon: named, randomness, stands_for, open_by, unopened: receipts.clone() });
    if count == 0 {
        remove(transition, gateway, batch);
    } else {
        transition.view.put(&AuditKey::Batch(gateway, batch).state(), &record);
        let risk = penalty::job(transition, record.earned);
        escrow::hold(transition, (gateway, Role::Gateway, record.epoch), risk)?;
    }
    // A seed that was due is late whatever is drawn afterwards, and one that was revealed is due no more.
    if let Some(seed) = seed.filter(|_| count > 0 && secret) {
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
pub(super) fn remove(transition: &mut Transition<'_>, gateway: AccountId, batch: u64) {
    transition.view.remove(&AuditKey::Batch(gateway, batch).state());
    transition.view.remove(&AuditKey::Liquid(gateway, batch).state());
}

/// The verification fund sets money aside.
pub(super) fn reserve(transition: &mut Transition<'_>, amount: Amount) -> Applied {
    let from = Holder::Pool(Pool::Verification);
    supply::shift(transition, from, Holder::Custody, Asset::Credit, amount, Cause::AuditReserved)
}
