//! What the tests of audits share: a network with auditors, and one receipt that is being audited.

mod attacks;
mod bounds;
mod draws;
mod funds;
mod histories;
mod late;
mod properties;
mod rulings;
mod table;

use openledger_types::audits::{
    AuditAction, AuditRecord, AuditedBatchRecord, Fault, Opening, Ruling, SeedRecord, Status, Verdict,
    seed_commitment, verdict_commitment,
};
use openledger_types::record::{ProviderRecord, Role};
use openledger_types::{
    AccountId, Action, Amount, AuditEvent, AuditId, Event, Hash, Parameters, Rejection, tree,
};

use super::AuditKey;
use crate::StateKey;
use crate::tests::*;

pub(crate) const AUDITORS: [u8; 9] = [0, 1, 2, 3, 4, 5, 9, 10, 11];
pub(crate) const SEED: Hash = Hash([77; 32]);
pub(crate) const SALT: Hash = Hash([78; 32]);
pub(crate) const COMPUTATION: Verdict = Verdict::Fault(Fault::Computation);

pub(crate) fn audits(action: AuditAction) -> Action {
    Action::Audits(action)
}

pub(crate) fn bond(amount: u64) -> Action {
    Action::RaiseBond { role: Role::Auditor, amount: Amount(amount) }
}

pub(crate) fn register() -> Action {
    audits(AuditAction::RegisterAuditor { endpoint: "http://127.0.0.1:3".into() })
}

pub(crate) fn who(account_id: &AccountId) -> u8 {
    (0..ACCOUNTS).find(|who| account(*who) == *account_id).unwrap()
}

/// No planted faults and no second checks, so that a history is what its test says.
pub(crate) fn plain(parameters: &mut Parameters) {
    parameters.audits.planted.0 = 0;
    parameters.audits.repeated.0 = 0;
}

pub(crate) fn leaves(count: u32) -> Vec<Hash> {
    (0..count).map(|number| tree::leaf(&number.to_le_bytes())).collect()
}

/// A network with nine auditors and a filled verification fund.
pub(crate) fn network(change: impl FnOnce(&mut Parameters)) -> World {
    let mut world = World::with(change, 1_000_000_000).prepare();
    for who in AUDITORS {
        world.accept(who, bond(2_000_000_000));
        world.accept(who, register());
    }
    let batch = world.batch(&[world.terms("base", 50_000_000, 0, &[], 1)]);
    world.accept(GATEWAY, settling(batch));
    world
}

/// Settles small receipts, after a seed was committed for the epoch. Returns the number of the batch.
pub(crate) fn settle(world: &mut World, receipts: u32) -> u64 {
    let epoch = epoch(world);
    let commitment = seed_commitment(&account(GATEWAY), epoch, &SEED);
    let _ = world.send(GATEWAY, audits(AuditAction::CommitSeed { commitment }));
    let terms: Vec<_> = (0..receipts).map(|_| world.terms("base", 10_000, 0, &[], 1)).collect();
    let mut batch = world.batch(&terms);
    batch.receipts_root = tree::batch_root(&leaves(receipts));
    let number = batch.number;
    world.accept(GATEWAY, settling(batch));
    number
}

pub(crate) fn epoch(world: &World) -> u64 {
    world.parameters.epoch_at(world.context.timestamp_ms)
}

/// Passes until this epoch.
pub(crate) fn until(world: &mut World, wanted: u64) {
    let now = epoch(world);
    world.pass(wanted.saturating_sub(now));
}

pub(crate) fn draw(batch: u64, beacon: u64) -> Action {
    audits(AuditAction::DrawAudits { gateway: account(GATEWAY), batch, beacon })
}

pub(crate) fn opening(receipt: u32) -> Opening {
    Opening {
        leaf: tree::leaf(&receipt.to_le_bytes()),
        provider: account(PROVIDER),
        consumer: account(CONSUMER),
        charged: Amount(10_100),
        share: Amount(4_500),
        router_fee: Amount(100),
        material: bytes32(9),
    }
}

pub(crate) fn open(batch: u64, receipt: u32, receipts: u32) -> Action {
    let path = tree::batch_path(&leaves(receipts), usize::try_from(receipt).unwrap()).unwrap();
    audits(AuditAction::OpenReceipt { batch, receipt, opening: opening(receipt), path })
}

/// A receipt of a newcomer, settled in epoch 0, drawn and opened in epoch 1.
pub(crate) fn opened(change: impl FnOnce(&mut Parameters)) -> (World, AuditId) {
    let mut world = network(change);
    let batch = settle(&mut world, 1);
    world.pass(1);
    world.accept(STRANGER, draw(batch, 1));
    world.accept(GATEWAY, open(batch, 0, 1));
    (world, AuditId { gateway: account(GATEWAY), batch, receipt: 0 })
}

pub(crate) fn record(world: &World, audit: AuditId) -> AuditRecord {
    world.record(&AuditKey::Audit(audit).state()).unwrap()
}

/// Who sits in the last round.
pub(crate) fn sitting(world: &World, audit: AuditId) -> Vec<u8> {
    let record = record(world, audit);
    record.rounds.last().unwrap().seats.iter().map(|seat| who(&seat.auditor)).collect()
}

pub(crate) fn commit(world: &World, audit: AuditId, auditor: u8, verdict: Verdict) -> Action {
    let round = u8::try_from(record(world, audit).rounds.len() - 1).unwrap();
    let commitment = verdict_commitment(&audit, round, &account(auditor), &verdict, &SALT);
    audits(AuditAction::CommitVerdict { audit, commitment })
}

pub(crate) fn reveal(audit: AuditId, verdict: Verdict) -> Action {
    audits(AuditAction::RevealVerdict { audit, verdict, salt: SALT })
}

/// The last round's auditors commit to these verdicts and reveal them; `None` is silent.
pub(crate) fn say(world: &mut World, audit: AuditId, verdict: impl Fn(usize) -> Option<Verdict>) {
    let seats = sitting(world, audit);
    let said: Vec<_> = seats.iter().enumerate().filter_map(|(n, who)| Some((*who, verdict(n)?))).collect();
    for (who, verdict) in &said {
        let action = commit(world, audit, *who, *verdict);
        world.accept(*who, action);
    }
    let commit_by = record(world, audit).rounds.last().unwrap().commit_by;
    until(world, commit_by + 1);
    for (who, verdict) in said {
        world.accept(who, reveal(audit, verdict));
    }
}

/// The last epoch for the seed that says whether the fault in an audit was planted.
pub(crate) fn seed_by(world: &World, audit: AuditId) -> u64 {
    let record = record(world, audit);
    let seed: Option<SeedRecord> = world.record(&AuditKey::Seed(audit.gateway, record.epoch).state());
    let due = seed.and_then(|seed| seed.due);
    due.map_or(record.seed_by, |(_, by)| by.max(record.seed_by))
}

/// The epoch after which the next stage begins.
pub(crate) fn deadline(world: &World, audit: AuditId) -> u64 {
    let record = record(world, audit);
    match record.status {
        Status::Drawing { after, .. } => after,
        _ if record.rounds.len() == 1 => seed_by(world, audit),
        _ => record.rounds.last().unwrap().reveal_by,
    }
}

pub(crate) fn advancing(world: &World, audit: AuditId) -> Action {
    audits(AuditAction::AdvanceAudit { audit, beacon: deadline(world, audit) + 1 })
}

/// Reveals the seed when it is due, and takes the audit to its next stage.
pub(crate) fn advance(world: &mut World, audit: AuditId) {
    let record = record(world, audit);
    if record.rounds.len() == 1 && record.status == Status::Sitting {
        let by = seed_by(world, audit);
        until(world, by);
        let epoch = record.epoch;
        world.accept(GATEWAY, audits(AuditAction::RevealSeed { epoch, seed: SEED }));
    }
    let deadline = deadline(world, audit);
    until(world, deadline + 1);
    let action = advancing(world, audit);
    world.accept(STRANGER, action);
}

pub(crate) fn ruling(world: &World, audit: AuditId) -> Ruling {
    match record(world, audit).status {
        Status::Ruled { ruling, .. } => ruling,
        other => panic!("not ruled: {other:?}"),
    }
}

pub(crate) fn challenge(audit: AuditId, claim: Verdict) -> Action {
    audits(AuditAction::ChallengeAudit { audit, claim })
}

pub(crate) fn settle_subject(audit: AuditId) -> Action {
    let (provider, consumer) = (account(PROVIDER), account(CONSUMER));
    audits(AuditAction::SettleSubject { audit, provider, consumer })
}

pub(crate) fn settle_seat(audit: AuditId, auditor: u8) -> Action {
    audits(AuditAction::SettleSeat { audit, auditor: account(auditor) })
}

/// Waits until nobody can appeal, and settles everybody. Returns all events.
pub(crate) fn finish(world: &mut World, audit: AuditId) -> Vec<Event> {
    let Status::Ruled { until: last, .. } = record(world, audit).status else { panic!("not ruled") };
    until(world, last + 1);
    let seats = record(world, audit).rounds;
    let mut events = world.accept(STRANGER, settle_subject(audit));
    for seat in seats.iter().flat_map(|round| round.seats.iter()) {
        events.extend(world.accept(STRANGER, settle_seat(audit, who(&seat.auditor))));
    }
    assert!(world.record::<AuditRecord>(&AuditKey::Audit(audit).state()).is_none(), "everybody is settled");
    events
}

/// What an auditor holds that a penalty reaches or that it was paid: bond, credits and escrow.
pub(crate) fn worth(world: &World, who: u8) -> (u64, u64) {
    let bond: Option<openledger_types::BondRecord> =
        world.record(&crate::bonds::key(account(who), Role::Auditor));
    let held = world.account(who);
    (bond.map_or(0, |bond| bond.bond.0), held.credits.0 + held.escrowed.0)
}

pub(crate) fn provider_record(world: &World) -> ProviderRecord {
    world.record(&StateKey::Provider(account(PROVIDER))).unwrap()
}
