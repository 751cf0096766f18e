//! Random audits: auditors who work, are silent or lie, gateways that keep back what they owe, challenges and secret
//! reports. What somebody says about an audit is fixed by the audit ([`Dice::about`]), so a later action keeps an earlier
//! promise without anybody remembering it.

use openledger_types::audits::{
    AuditAction, AuditRecord, AuditedBatchRecord, Fault, Opening, PanelRecord, ReportRecord, SeedRecord,
    Stage, Status, Verdict, report_commitment, seed_commitment, verdict_commitment,
};
use openledger_types::record::{BatchRecord, BeaconRecord, ProviderRecord, Role};
use openledger_types::{AccountId, Action, Amount, AuditId, BondRecord, Hash, codec, sha256, tree};

use super::super::*;
use super::{Dice, SECOND_GATEWAY, SECOND_PROVIDER, number_of};
use crate::audits::{AuditKey, is_planted};
use crate::{StateKey, bonds};

const SALT: Hash = Hash([78; 32]);
/// Audits that go on at a time: more would only be silent.
const AT_WORK: usize = 5;
const AUDITORS: usize = 12;

/// An action that is due, and who sends it.
type Due = (Haste, u8, AuditAction);

/// How much depends on it being done in time: receipts that are not opened cost a gateway most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Haste {
    None,
    Soon,
    Now,
}

pub(super) fn audits(world: &World, dice: &mut Dice) -> (u8, Action) {
    let panel: PanelRecord = world.record(&AuditKey::Panel.state()).unwrap_or_default();
    if panel.entries.len() < AUDITORS
        && dice.chance(4)
        && let Some(entering) = enter(world, dice, &panel)
    {
        return entering;
    }
    if dice.chance(4)
        && let Some((who, action)) = plant(world, dice)
    {
        return (who, Action::Audits(action));
    }
    let (who, action) = match dice.below(24) {
        0 | 1 => stray(world, dice),
        2..5 => begin(world, dice),
        _ => due(world, dice),
    };
    (who, Action::Audits(action))
}

/// The root of a batch whose receipts these audits can open.
pub(super) fn root(gateway: AccountId, batch: u64, receipts: u32) -> Hash {
    tree::batch_root(&leaves(gateway, batch, receipts))
}

fn leaves(gateway: AccountId, batch: u64, receipts: u32) -> Vec<Hash> {
    (0..receipts).map(|receipt| tree::leaf(&codec::encode(&(gateway, batch, receipt)))).collect()
}

fn seed(gateway: AccountId, epoch: u64) -> Hash {
    sha256(&codec::encode(&("seed", gateway, epoch)))
}

/// Whoever has the bond registers, and whoever has the money raises it.
fn enter(world: &World, dice: &mut Dice, panel: &PanelRecord) -> Option<(u8, Action)> {
    let least = world.parameters.audits.bond_min;
    let bond = |who: u8| {
        let key = bonds::key(account(who), Role::Auditor);
        world.record::<BondRecord>(&key).unwrap_or_default().bond
    };
    let registered = |who: &u8| panel.entries.iter().any(|entry| entry.auditor == account(*who));
    let able = |who: &u8| bond(*who) >= least || world.account(*who).open >= least;
    let able: Vec<u8> = (0..24).filter(|who| !registered(who) && able(who)).collect();
    let who = *able.get(dice.below(able.len() as u64) as usize)?;
    if bond(who) < least {
        return Some((who, Action::RaiseBond { role: Role::Auditor, amount: least }));
    }
    Some((who, Action::Audits(AuditAction::RegisterAuditor { endpoint: "http://127.0.0.1:3".into() })))
}

fn audits_at_work(world: &World) -> Vec<(AuditId, AuditRecord)> {
    let any = AuditId { gateway: account(0), batch: 0, receipt: 0 };
    let found = world.records::<AuditRecord>(&AuditKey::Audit(any).state(), 2);
    let audits = found.into_iter().filter_map(|(key, record)| match key {
        StateKey::Audits(AuditKey::Audit(audit)) => Some((audit, record)),
        _ => None,
    });
    audits.collect()
}

/// What somebody has to do now; what can come too late first.
fn due(world: &World, dice: &mut Dice) -> (u8, AuditAction) {
    let mut found: Vec<Due> = Vec::new();
    let audits = audits_at_work(world);
    for (audit, record) in &audits {
        match record.status {
            Status::Sitting => work(world, *audit, record, &mut found),
            Status::Drawing { after, .. } if world.epoch() > after => {
                found.push((Haste::None, dice.who(), advancing(world, *audit, after)));
            }
            Status::Drawing { .. } => {}
            Status::Ruled { until, .. } => after_ruling(world, dice, (*audit, record), until, &mut found),
        }
    }
    let unruled = audits.iter().filter(|(_, record)| !matches!(record.status, Status::Ruled { .. }));
    batches(world, dice, unruled.count(), &mut found);
    owed(world, dice, &mut found);
    let haste = found.iter().map(|(haste, ..)| *haste).max().filter(|_| !dice.chance(6));
    found.retain(|(is, ..)| haste.is_none_or(|haste| *is == haste));
    if found.is_empty() {
        return begin(world, dice);
    }
    let (_, who, action) = found.swap_remove(dice.below(found.len() as u64) as usize);
    (who, action)
}

/// Reports an audit that somebody knows something about, or commits to a seed.
fn begin(world: &World, dice: &mut Dice) -> (u8, AuditAction) {
    let audits = audits_at_work(world);
    let unruled = audits.iter().filter(|(_, record)| !matches!(record.status, Status::Ruled { .. }));
    let unruled: Vec<AuditId> = unruled.map(|(audit, _)| *audit).collect();
    if let Some(audit) = unruled.get(dice.below(3 * unruled.len() as u64) as usize) {
        let (who, _, commitment) = reported(audit);
        return (who, AuditAction::ReportSecretly { commitment });
    }
    plant(world, dice).unwrap_or_else(|| stray(world, dice))
}

/// A seed for this epoch's batches of a gateway that has none yet.
fn plant(world: &World, dice: &mut Dice) -> Option<(u8, AuditAction)> {
    let (who, epoch) = (dice.pick(&[GATEWAY, SECOND_GATEWAY]), world.epoch());
    let key = AuditKey::Seed(account(who), epoch).state();
    if world.record::<SeedRecord>(&key).is_some() && !dice.chance(9) {
        return None;
    }
    let commitment = seed_commitment(&account(who), epoch, &seed(account(who), epoch));
    Some((who, AuditAction::CommitSeed { commitment }))
}

/// Who would report an audit, and what.
fn reported(audit: &AuditId) -> (u8, Verdict, Hash) {
    let who = Dice::about(&("report", audit)).below(12) as u8;
    let claim = Verdict::Fault(Fault::Computation);
    (who, claim, report_commitment(&account(who), audit, &claim, &SALT))
}

/// What a check finds.
fn truth(audit: &AuditId) -> Verdict {
    let mut dice = Dice::about(audit);
    match dice.below(30) {
        0 => Verdict::Fault(dice.pick(&[Fault::Computation, Fault::Weights, Fault::Attribution])),
        1 => Verdict::Fault(Fault::Receipt),
        2 => Verdict::Mismatch,
        3 => Verdict::Withheld,
        _ => Verdict::Pass,
    }
}

/// What an auditor says in the last round: mostly the truth, now and then nothing or something else.
fn said(world: &World, audit: AuditId, record: &AuditRecord, auditor: AccountId) -> Option<Verdict> {
    let round = record.rounds.len() - 1;
    let mut dice = Dice::about(&(audit, round as u64, auditor));
    let seed = seed(audit.gateway, record.epoch);
    let part = world.parameters.audits.planted;
    let planted = round == 0 && is_planted(&seed, &record.randomness, &audit, part);
    match dice.below(16) {
        0 => None,
        1 => Some(dice.pick(&[Verdict::Pass, Verdict::Mismatch, Verdict::Fault(Fault::Computation)])),
        2..6 if planted => Some(Verdict::Pass),
        _ if planted => Some(Verdict::Fault(Fault::Computation)),
        _ => Some(truth(&audit)),
    }
}

/// Commitments, reveals, the seed, and the end of a round.
fn work(world: &World, audit: AuditId, record: &AuditRecord, found: &mut Vec<Due>) {
    let (now, round) = (world.epoch(), record.rounds.last().expect("an audit has a round"));
    let number = record.rounds.len() as u8 - 1;
    let first = round.stage == Stage::First;
    let deadline = if first { crate::audits::tests::seed_by(world, audit) } else { round.reveal_by };
    for seat in &round.seats {
        let Some(verdict) = said(world, audit, record, seat.auditor) else { continue };
        let who = number_of(seat.auditor).expect("auditors take part");
        let commitment = verdict_commitment(&audit, number, &seat.auditor, &verdict, &SALT);
        if now <= round.commit_by && seat.commitment.is_none() {
            found.push((Haste::Soon, who, AuditAction::CommitVerdict { audit, commitment }));
        }
        if now > round.commit_by && now <= round.reveal_by && seat.verdict.is_none() {
            found.push((Haste::Soon, who, AuditAction::RevealVerdict { audit, verdict, salt: SALT }));
        }
    }
    if now > deadline {
        found.push((Haste::None, number_of(audit.gateway).unwrap_or(0), advancing(world, audit, deadline)));
    }
}

fn advancing(world: &World, audit: AuditId, after: u64) -> AuditAction {
    AuditAction::AdvanceAudit { audit, beacon: beacon_after(world, after) }
}

/// The first beacon after an epoch.
fn beacon_after(world: &World, epoch: u64) -> u64 {
    let known = |epoch: &u64| world.record::<BeaconRecord>(&StateKey::Beacon(*epoch)).is_some();
    (epoch + 1..=world.epoch()).find(known).unwrap_or(epoch + 1)
}

/// Challenges and revealed reports while there is time, then the consequences.
fn after_ruling(
    world: &World,
    dice: &mut Dice,
    (audit, record): (AuditId, &AuditRecord),
    until: u64,
    found: &mut Vec<Due>,
) {
    if world.epoch() <= until {
        let (who, claim, commitment) = reported(&audit);
        let key = AuditKey::Report(account(who), commitment).state();
        if world.record::<ReportRecord>(&key).is_some_and(|report| report.epoch < world.epoch()) {
            found.push((Haste::Soon, who, AuditAction::RevealReport { audit, claim, salt: SALT }));
        } else if dice.chance(12) {
            let claim =
                if truth(&audit) == Verdict::Pass { dice.pick(&[Verdict::Pass, claim]) } else { claim };
            found.push((Haste::Soon, dice.below(12) as u8, AuditAction::ChallengeAudit { audit, claim }));
        }
        return;
    }
    let (provider, consumer) = (record.opening.provider, record.opening.consumer);
    if !record.settled {
        found.push((Haste::None, dice.who(), AuditAction::SettleSubject { audit, provider, consumer }));
    }
    for seat in record.rounds.iter().flat_map(|round| &round.seats).filter(|seat| !seat.settled) {
        found.push((Haste::None, dice.who(), AuditAction::SettleSeat { audit, auditor: seat.auditor }));
    }
}

/// Draws, openings, and the end of both.
fn batches(world: &World, dice: &mut Dice, at_work: usize, found: &mut Vec<Due>) {
    let now = world.epoch();
    let records = world.records::<AuditedBatchRecord>(&AuditKey::Batch(account(0), 0).state(), 2);
    let waiting = records.iter().filter_map(|(_, record)| record.drawn.as_ref());
    let waiting: usize = waiting.map(|drawn| drawn.unopened.len()).sum();
    let has_room = at_work + waiting < AT_WORK;
    for (key, record) in records {
        let StateKey::Audits(AuditKey::Batch(gateway, batch)) = key else { continue };
        let beacon = beacon_after(world, record.epoch);
        let close = AuditAction::CloseOpening { gateway, batch };
        let Some(drawn) = record.drawn else {
            if now > record.epoch && has_room {
                // Mostly those that may have planted faults, which few have.
                let seed = AuditKey::Seed(gateway, record.epoch).state();
                if world.record::<SeedRecord>(&seed).is_none() && !dice.chance(6) {
                    continue;
                }
                found.push((Haste::Soon, dice.who(), AuditAction::DrawAudits { gateway, batch, beacon }));
            }
            continue;
        };
        if now > drawn.open_by {
            found.push((Haste::None, dice.who(), close));
            continue;
        }
        for receipt in drawn.unopened {
            let audit = AuditId { gateway, batch, receipt };
            if !Dice::about(&("kept back", audit)).chance(40) {
                let who = number_of(gateway).expect("gateways take part");
                found.push((Haste::Now, who, open(world, audit)));
            }
        }
    }
}

fn open(world: &World, audit: AuditId) -> AuditAction {
    let AuditId { gateway, batch, receipt } = audit;
    let settled: BatchRecord = world.record(&StateKey::Batch(gateway, batch)).expect("it was settled");
    let leaves = leaves(gateway, batch, settled.receipts);
    let mut dice = Dice::about(&("opening", audit));
    let known = |who: &u8| world.record::<ProviderRecord>(&StateKey::Provider(account(*who))).is_some();
    let provider = [dice.pick(&[PROVIDER, SECOND_PROVIDER]), PROVIDER].into_iter().find(known);
    let charged = settled.charged.0 / u64::from(settled.receipts);
    let opening = Opening {
        leaf: leaves[receipt as usize],
        provider: account(provider.expect("the first provider is never gone")),
        consumer: account(dice.below(24) as u8),
        charged: Amount(charged),
        share: Amount(charged * 9 / 20),
        router_fee: Amount(charged / 100),
        material: bytes32(dice.byte()),
    };
    let path = tree::batch_path(&leaves, receipt as usize).expect("the receipt is in the batch");
    AuditAction::OpenReceipt { batch, receipt, opening, path }
}

/// Seeds and secret reports.
fn owed(world: &World, dice: &mut Dice, found: &mut Vec<Due>) {
    let now = world.epoch();
    for (key, record) in world.records::<SeedRecord>(&AuditKey::Seed(account(0), 0).state(), 2) {
        let StateKey::Audits(AuditKey::Seed(gateway, epoch)) = key else { continue };
        let Some((after, by)) = record.due.filter(|_| record.seed.is_none() && !record.closed) else {
            continue;
        };
        let withheld = Dice::about(&("seed", gateway, epoch)).chance(4);
        if now > by {
            found.push((Haste::None, dice.who(), AuditAction::CloseSeed { gateway, epoch }));
        } else if now > after && !withheld {
            let who = number_of(gateway).expect("gateways take part");
            found.push((Haste::Soon, who, AuditAction::RevealSeed { epoch, seed: seed(gateway, epoch) }));
        }
    }
    for (key, record) in world.records::<ReportRecord>(&AuditKey::Report(account(0), SALT).state(), 2) {
        let StateKey::Audits(AuditKey::Report(reporter, commitment)) = key else { continue };
        if now > record.epoch + 30 {
            let who = number_of(reporter).expect("reporters take part");
            found.push((Haste::None, who, AuditAction::WithdrawReport { commitment }));
        }
    }
}

/// Something at a time and by somebody that chance says.
fn stray(world: &World, dice: &mut Dice) -> (u8, AuditAction) {
    let audits = audits_at_work(world);
    let (gateway, epoch) = (account(dice.pick(&[GATEWAY, SECOND_GATEWAY])), world.epoch());
    let known = audits.get(dice.below(audits.len() as u64 + 1) as usize);
    let batch = 1 + dice.below(40);
    let audit = known.map_or(AuditId { gateway, batch, receipt: 0 }, |(audit, _)| *audit);
    let seats = known.iter().flat_map(|(_, record)| &record.rounds).flat_map(|round| &round.seats);
    let seats: Vec<AccountId> = seats.map(|seat| seat.auditor).collect();
    let auditor = seats.get(dice.below(seats.len() as u64) as usize).copied().unwrap_or(account(0));
    let verdict = dice.pick(&[Verdict::Pass, Verdict::Mismatch, Verdict::Fault(Fault::Weights)]);
    let past = epoch.saturating_sub(dice.below(9));
    let (provider, consumer) = (account(dice.who()), account(dice.who()));
    let action = match dice.below(20) {
        0 => AuditAction::RegisterAuditor { endpoint: String::new() },
        1 => AuditAction::CommitSeed { commitment: SALT },
        2 => AuditAction::DrawAudits { gateway, batch, beacon: past },
        3 => return (number_of(audit.gateway).expect("gateways take part"), reopened(world, audit)),
        4 | 15..20 => AuditAction::CloseOpening { gateway, batch },
        5 => AuditAction::CommitVerdict { audit, commitment: SALT },
        6 => AuditAction::RevealVerdict { audit, verdict, salt: SALT },
        7 => AuditAction::RevealSeed { epoch: past, seed: seed(gateway, past) },
        8 => AuditAction::CloseSeed { gateway, epoch: past },
        9 => AuditAction::AdvanceAudit { audit, beacon: past },
        10 => AuditAction::ChallengeAudit { audit, claim: verdict },
        11 => AuditAction::RevealReport { audit, claim: verdict, salt: SALT },
        12 => AuditAction::WithdrawReport { commitment: reported(&audit).2 },
        13 => AuditAction::SettleSubject { audit, provider, consumer },
        _ => AuditAction::SettleSeat { audit, auditor },
    };
    let who = dice.pick(&[number_of(auditor).unwrap_or(0), reported(&audit).0, GATEWAY]);
    (who, action)
}

/// A receipt that was opened before, or never settled.
fn reopened(world: &World, audit: AuditId) -> AuditAction {
    if world.record::<BatchRecord>(&StateKey::Batch(audit.gateway, audit.batch)).is_some() {
        return open(world, audit);
    }
    let (batch, receipt) = (audit.batch, audit.receipt);
    let (leaf, party) = (SALT, account(PROVIDER));
    let (charged, share, router_fee) = (Amount(3), Amount(2), Amount(1));
    let opening =
        Opening { leaf, provider: party, consumer: party, charged, share, router_fee, material: SALT };
    AuditAction::OpenReceipt { batch, receipt, opening, path: Vec::new() }
}
