//! I12 to I15: who audits, what can be copied, how much is audited, and what an honest subject risks.

use std::collections::BTreeMap;

use openledger_types::audits::{AuditAction, AuditRecord, AuditedBatchRecord, PanelRecord, SeedRecord};
use openledger_types::record::{BatchRecord, BeaconRecord, Pool};
use openledger_types::{AccountId, Action, AuditEvent, AuditId, Event, Rejection};

use super::super::history::{History, Invariant, Row, Turn, share_of, step};
use super::super::*;
use crate::accounts::cluster_of;
use crate::audits::tests::{self as audited, COMPUTATION, opened, plain, say, sitting};
use crate::audits::{AuditKey, AuditorDraw, AuditsRecord, checks_max, drawn_auditors, drawn_receipts};
use crate::{StateKey, StateRecord};

/// I12. In a long history: what is audited of a batch, and by whom, is the pure function of a beacon of a later block than
/// the settlement; later rounds are drawn with a beacon of a later block than the last commitment, reveal or challenge. No
/// auditor is drawn whose cluster, as the register has it, is that of provider, gateway or consumer, or who registered
/// after the settlement; and whoever is linked to one of them by then cannot commit.
/// Not checked: links that nobody knows when the auditor commits; and the beacon's own randomness, which is the chain's.
#[derive(Default)]
struct Blind {
    settled: BTreeMap<(AccountId, u64), u64>,
    spoken: BTreeMap<AuditId, u64>,
    drawn: u64,
    later: u64,
    committed: u64,
    /// Rounds for which somebody in the register had a part in the work.
    barred: u64,
}

impl Blind {
    fn beacon(turn: &Turn<'_>, epoch: u64) -> BeaconRecord {
        turn.world.record(&StateKey::Beacon(epoch)).expect("it drew")
    }

    fn check_draw(&mut self, turn: &Turn<'_>, (gateway, batch): (AccountId, u64), epoch: u64) {
        let (beacon, world) = (Self::beacon(turn, epoch), turn.world);
        assert!(beacon.height > self.settled[&(gateway, batch)], "known when the batch was settled");
        let key = AuditKey::Batch(gateway, batch).state();
        let Some(StateRecord::Audits(AuditsRecord::Batch(record))) = turn.before(&key) else {
            panic!("{key:?} was drawn from nothing");
        };
        let settled: BatchRecord = world.record(&StateKey::Batch(gateway, batch)).unwrap();
        let seed: Option<SeedRecord> = world.record(&AuditKey::Seed(gateway, record.epoch).state());
        let secret = seed.is_some_and(|seed| seed.seed.is_none() && !seed.closed);
        let rate = if secret { record.rate } else { record.rate.max(world.parameters.audits.rate_max) };
        let fund = match turn.before(&StateKey::Pool(Pool::Verification)) {
            Some(StateRecord::Pool(fund)) => fund,
            _ => openledger_types::Amount::ZERO,
        };
        let brought = record.charged.basis_points(world.parameters.split.verification);
        let most = checks_max(brought, fund, record.fee);
        let expected = drawn_receipts(
            &beacon.randomness,
            &gateway,
            batch,
            settled.receipts,
            (world.parameters.audits.rate_min, rate),
            most,
        );
        let said = turn.events.iter().find_map(|event| match event {
            Event::Audits(AuditEvent::AuditsDrawn { receipts, .. }) => Some(receipts),
            _ => None,
        });
        assert_eq!(said, Some(&expected));
        // A batch of which nothing was drawn is over.
        let after: Option<AuditedBatchRecord> = world.record(&key);
        let drawn = after.map(|record| record.drawn.expect("it was drawn"));
        let drawn = drawn.map(|drawn| (drawn.randomness, drawn.unopened));
        assert_eq!(drawn, (!expected.is_empty()).then_some((beacon.randomness, expected)));
    }

    fn check_seats(&mut self, turn: &Turn<'_>, audit: AuditId, named: Option<u64>) {
        let world = turn.world;
        let record: AuditRecord = audited::record(world, audit);
        let round = record.rounds.last().expect("it was drawn");
        let panel: PanelRecord = world.record(&AuditKey::Panel.state()).unwrap();
        let in_register = |who: &AccountId| panel.entries.iter().find(|entry| entry.auditor == *who);
        for seat in &round.seats {
            let entry = in_register(&seat.auditor).expect("auditors are drawn from the register");
            assert!(!record.parties.contains(&entry.cluster), "{audit} is checked by one of its parties");
            self.drawn += 1;
        }
        let barred = panel.entries.iter().any(|entry| record.parties.contains(&entry.cluster));
        self.barred += u64::from(barred);
        let Some(named) = named else {
            let draw = AuditorDraw {
                randomness: &record.randomness,
                audit: &audit,
                round: 0,
                size: 1,
                known_by: record.epoch,
                excluded: &record.parties,
            };
            let expected = drawn_auditors(&panel, &draw, &world.parameters.audits);
            let seats: Vec<AccountId> = round.seats.iter().map(|seat| seat.auditor).collect();
            assert_eq!(seats, expected, "the beacon after the settlement draws the first auditor");
            let all = round.seats.iter().filter_map(|seat| in_register(&seat.auditor));
            assert!(all.map(|entry| entry.since).all(|since| since <= record.epoch));
            return;
        };
        assert!(Self::beacon(turn, named).height > self.spoken[&audit], "known when somebody spoke");
        self.later += 1;
    }
}

impl Invariant for Blind {
    fn after(&mut self, turn: &Turn<'_>) {
        let height = turn.world.context.height;
        if turn.result.is_err() {
            return;
        }
        let (sender, mut named) = (account(turn.who), None);
        match turn.action {
            Action::SettleBatch(batch) => drop(self.settled.insert((sender, batch.number), height)),
            Action::Audits(AuditAction::DrawAudits { gateway, batch, beacon }) => {
                self.check_draw(turn, (*gateway, *batch), *beacon);
            }
            Action::Audits(AuditAction::AdvanceAudit { beacon, .. }) => named = Some(*beacon),
            Action::Audits(AuditAction::CommitVerdict { audit, .. }) => {
                let record = audited::record(turn.world, *audit);
                let parties = [record.opening.provider, audit.gateway, record.opening.consumer];
                let cluster = |who| turn.world.ask(|transition| cluster_of(transition, who));
                assert!(parties.iter().all(|party| cluster(*party) != cluster(sender)));
                self.committed += 1;
            }
            _ => {}
        }
        for event in turn.events {
            match event {
                Event::Audits(AuditEvent::SeatsDrawn { audit, auditors, .. }) if !auditors.is_empty() => {
                    self.check_seats(turn, *audit, named);
                }
                Event::Audits(
                    AuditEvent::ReceiptOpened { audit, .. }
                    | AuditEvent::VerdictCommitted { audit, .. }
                    | AuditEvent::VerdictRevealed { audit, .. }
                    | AuditEvent::AuditChallenged { audit, .. },
                ) => drop(self.spoken.insert(*audit, height)),
                _ => {}
            }
        }
    }

    fn end(&mut self, _: &World) {
        let reached = [self.drawn, self.committed, self.barred, self.later];
        println!("drawn, committed, barred, later: {reached:?}");
        assert!(self.drawn > share_of(100) && self.committed > share_of(80), "{reached:?}");
        assert!(self.barred > share_of(20) && self.later > share_of(10), "{reached:?}");
    }
}

/// Steps that audits need, most of them audits.
fn rows() -> [Row; 7] {
    [
        step("audits", 60),
        step("settlement", 20),
        step("links", 12),
        step("channels", 8),
        step("bonds", 4),
        step("accounts", 6),
        step("escrow", 4),
    ]
}

#[test]
pub(crate) fn i12_auditors_have_no_part_in_what_they_audit() {
    History::focused(History::beginning(), 12, &rows(), &mut [&mut Blind::default()]);
}

/// I13. In a long history: a verdict is in the state only after the last epoch for commitments, so whoever reads it cannot
/// commit any more; nobody commits after that; and no seed of planted faults is public while a first verdict on its audits can
/// be given. And nothing is gained by copying a commitment: the same verdict and salt open it for nobody else.
/// Not checked: what auditors tell each other.
#[derive(Default)]
struct Secret {
    committed: u64,
    revealed: u64,
    seeds: u64,
}

impl Invariant for Secret {
    fn after(&mut self, turn: &Turn<'_>) {
        let now = turn.world.epoch();
        let audit_of = |record: &Option<StateRecord>| match record {
            Some(StateRecord::Audits(AuditsRecord::Audit(record))) => Some(record.clone()),
            _ => None,
        };
        for (key, before, after) in turn.changed {
            if let (StateKey::Audits(AuditKey::Seed(gateway, epoch)), Some(StateRecord::Audits(after))) =
                (key, after)
            {
                self.check_seed(turn, (*gateway, *epoch), after);
            }
            let (before, Some(after)) = (audit_of(before), audit_of(after)) else { continue };
            for (number, round) in after.rounds.iter().enumerate() {
                for (place, seat) in round.seats.iter().enumerate() {
                    let was = before.as_ref().and_then(|record| record.rounds.get(number)?.seats.get(place));
                    let (was_committed, was_revealed) =
                        was.map_or((None, None), |seat| (seat.commitment, seat.verdict));
                    if seat.commitment != was_committed {
                        assert!(was_committed.is_none() && now <= round.commit_by, "{key:?}");
                        self.committed += 1;
                    }
                    if seat.verdict != was_revealed {
                        assert!(was_revealed.is_none() && now > round.commit_by, "{key:?}");
                        assert!(was_committed.is_some() && now <= round.reveal_by, "{key:?}");
                        self.revealed += 1;
                    }
                }
            }
        }
    }

    fn end(&mut self, _: &World) {
        let reached = [self.committed, self.revealed, self.seeds];
        println!("committed, revealed, seeds: {reached:?}");
        assert!(self.revealed > share_of(80) && self.seeds > share_of(10), "{reached:?}");
    }
}

impl Secret {
    fn check_seed(&mut self, turn: &Turn<'_>, (gateway, epoch): (AccountId, u64), seed: &AuditsRecord) {
        let AuditsRecord::Seed(SeedRecord { seed: Some(_), .. }) = seed else { return };
        let any = AuditId { gateway, batch: 0, receipt: 0 };
        for (key, record) in turn.world.records::<AuditRecord>(&AuditKey::Audit(any).state(), 2) {
            let StateKey::Audits(AuditKey::Audit(audit)) = key else { continue };
            if audit.gateway == gateway && record.epoch == epoch {
                assert!(turn.world.epoch() > record.rounds[0].reveal_by, "{audit} can still be answered");
            }
        }
        self.seeds += 1;
    }
}

#[test]
pub(crate) fn i13_no_verdict_can_be_read_before_the_last_commitment() {
    History::focused(History::beginning(), 13, &rows(), &mut [&mut Secret::default()]);
    let (mut world, audit) = opened(plain);
    say(&mut world, audit, |_| Some(COMPUTATION));
    audited::advance(&mut world, audit);
    let [first, copycat, late] = sitting(&world, audit)[..] else { panic!("a panel of three") };
    let committed = audited::commit(&world, audit, first, COMPUTATION);
    let early = Err(Rejection::RevealEarly);
    world.check([
        (first, committed.clone(), Ok(())),
        (copycat, committed.clone(), Ok(())),
        (first, audited::reveal(audit, COMPUTATION), early),
        (copycat, audited::reveal(audit, COMPUTATION), early),
    ]);
    let commit_by = audited::record(&world, audit).rounds.last().unwrap().commit_by;
    let epoch = world.epoch();
    world.pass(commit_by + 1 - epoch);
    world.check([
        (first, audited::reveal(audit, COMPUTATION), Ok(())),
        (copycat, audited::reveal(audit, COMPUTATION), Err(Rejection::VerdictWrong)),
        (late, audited::commit(&world, audit, late, COMPUTATION), Err(Rejection::CommitTooLate)),
    ]);
}
