//! The office of audits: what gateways and auditors do from a settled batch to the last consequence, on the ledger's step
//! `audits`.
//!
//! Rule: everything happens as soon as the ledger takes it. In each epoch the gateway commits to its seed; draws what was
//! settled in the epoch before; opens what was drawn; auditors commit and reveal; the gateway reveals its seeds; anybody
//! advances and settles. What an auditor says is the scenario's: it knows what the receipt is, whether the gateway altered
//! the material, and who the auditor is. Faults are always of the computation.
//! Where there is a watcher, it checks every audited receipt again and challenges each fault that was passed, up to the last
//! appeal: the notes ask for one honest challenger and no more.
//! Absent: secret reports, challenges for other reasons, gateways that withhold, the material itself.

use std::collections::BTreeMap;

use openledger_ledger::audits::{AuditKey, AuditsRecord, is_planted};
use openledger_ledger::escrow::{EscrowKey, EscrowRecord};
use openledger_ledger::{StateKey, StateRecord};
use openledger_types::audits::{
    AuditAction, AuditEvent, AuditRecord, Fault, Opening, Ruling, SeedRecord, Status, Verdict,
    seed_commitment, verdict_commitment,
};
use openledger_types::record::Role;
use openledger_types::{AccountId, Action, Amount, AuditId, Event, Hash, Rejection, tree};

use crate::SimError;
use crate::desk::Booked;
use crate::exchange::Parties;
use crate::random::derived;
use crate::world::{Actor, World};

/// What an honest check of faulty work finds.
pub(crate) const FOUND: Verdict = Verdict::Fault(Fault::Computation);

/// One receipt as the scenario knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job {
    pub(crate) provider: AccountId,
    pub(crate) consumer: AccountId,
    /// Whether the work was not done.
    pub(crate) faulty: bool,
}

/// A settled batch whose audits are not drawn yet.
struct Waiting {
    batch: Booked,
    jobs: Vec<Job>,
    epoch: u64,
}

/// An audit on its way.
struct Case {
    job: Job,
    opening: Opening,
}

/// What came out of all audits.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Findings {
    /// Receipts that were opened.
    pub(crate) audited: u64,
    /// Batches that the fund could not pay checks for.
    pub(crate) undrawn: u64,
    /// Faulty receipts among the audited, planted ones apart.
    pub(crate) faulty: u64,
    /// Those that were passed for good.
    pub(crate) passed: u64,
    /// Good receipts that were ruled faulty.
    pub(crate) accused: u64,
    /// Times that a penalty was refused because slashing paused.
    pub(crate) paused: u64,
    /// Challenges that were taken, and that were refused.
    pub(crate) challenged: u64,
    pub(crate) refused: u64,
}

/// A gateway's audits.
pub(crate) struct Office {
    seed: u64,
    gateway: Actor,
    auditors: Vec<Actor>,
    waiting: Vec<Waiting>,
    cases: BTreeMap<AuditId, Case>,
    /// Epochs whose seeds are not revealed.
    sealed: Vec<u64>,
    watcher: Option<Actor>,
    pub(crate) findings: Findings,
}

fn ask(action: AuditAction) -> Action {
    Action::Audits(action)
}

impl Office {
    /// Registers the auditors, each with a bond of `bond` OPEN.
    pub(crate) fn open(
        world: &mut World,
        seed: u64,
        gateway: &Actor,
        parties: Parties<'_>,
        bond: Amount,
    ) -> Result<Self, SimError> {
        let Parties { auditors, watcher, .. } = parties;
        for auditor in &auditors {
            world.apply(auditor, Action::RaiseBond { role: Role::Auditor, amount: bond })?;
            world.apply(auditor, ask(AuditAction::RegisterAuditor { endpoint: String::new() }))?;
        }
        let (waiting, cases, sealed) = (Vec::new(), BTreeMap::new(), Vec::new());
        let (gateway, findings) = (gateway.clone(), Findings::default());
        Ok(Self { seed, gateway, auditors, waiting, cases, sealed, watcher, findings })
    }

    fn seed_of(&self, epoch: u64) -> Hash {
        derived(self.seed, &format!("planting seed {epoch}"))
    }

    /// Before an epoch's first batch: the gateway fixes what it will plant.
    pub(crate) fn begin(&mut self, world: &mut World) -> Result<(), SimError> {
        let epoch = world.epoch();
        let commitment = seed_commitment(&self.gateway.account(), epoch, &self.seed_of(epoch));
        world.apply(&self.gateway, ask(AuditAction::CommitSeed { commitment }))?;
        self.sealed.push(epoch);
        Ok(())
    }

    /// Takes a batch that was settled in this epoch.
    pub(crate) fn take(&mut self, world: &World, batch: Booked, jobs: Vec<Job>) {
        self.waiting.push(Waiting { batch, jobs, epoch: world.epoch() });
    }

    /// Does what is due in this epoch. `says` is what an auditor, by its number, finds; `None` is silence.
    pub(crate) fn work(
        &mut self,
        world: &mut World,
        says: &mut impl FnMut(usize, &Job, bool) -> Option<Verdict>,
    ) -> Result<(), SimError> {
        self.draw(world)?;
        self.reveal_seeds(world)?;
        for audit in self.cases.keys().copied().collect::<Vec<AuditId>>() {
            self.go_on(world, audit, says)?;
        }
        Ok(())
    }

    /// Whether nothing is under way.
    pub(crate) fn is_done(&self) -> bool {
        self.cases.is_empty() && self.waiting.is_empty()
    }

    fn draw(&mut self, world: &mut World) -> Result<(), SimError> {
        let now = world.epoch();
        let (due, later): (Vec<_>, Vec<_>) = self.waiting.drain(..).partition(|batch| batch.epoch < now);
        self.waiting = later;
        for Waiting { batch, jobs, .. } in due {
            let gateway = self.gateway.account();
            let draw = AuditAction::DrawAudits { gateway, batch: batch.number, beacon: now };
            let events = match world.apply(&self.gateway, ask(draw)) {
                Err(SimError::Rejected { rejection: Rejection::BalanceTooLow, .. }) => {
                    self.findings.undrawn += 1;
                    continue;
                }
                events => events?,
            };
            for event in events {
                if let Event::Audits(AuditEvent::AuditsDrawn { receipts, .. }) = event {
                    self.open_drawn(world, &batch, &jobs, &receipts)?;
                }
            }
        }
        Ok(())
    }

    fn open_drawn(
        &mut self,
        world: &mut World,
        batch: &Booked,
        jobs: &[Job],
        drawn: &[u32],
    ) -> Result<(), SimError> {
        let leaves = batch.leaves();
        for receipt in drawn.iter().copied() {
            let place = usize::try_from(receipt).unwrap_or(usize::MAX);
            let (job, sold) = (jobs[place], &batch.receipts[place]);
            let opening = Opening {
                leaf: leaves[place],
                provider: job.provider,
                consumer: job.consumer,
                charged: sold.charged,
                share: sold.share,
                router_fee: sold.router_fee,
                material: leaves[place],
            };
            let path = tree::batch_path(&leaves, place).unwrap_or_default();
            let (batch, gateway) = (batch.number, self.gateway.account());
            let open = AuditAction::OpenReceipt { batch, receipt, opening: opening.clone(), path };
            world.apply(&self.gateway, ask(open))?;
            self.findings.audited += 1;
            self.cases.insert(AuditId { gateway, batch, receipt }, Case { job, opening });
        }
        Ok(())
    }

    fn reveal_seeds(&mut self, world: &mut World) -> Result<(), SimError> {
        let now = world.epoch();
        for epoch in std::mem::take(&mut self.sealed) {
            match Self::seed_due(world, self.gateway.account(), epoch) {
                Some((after, _)) if after < now => {
                    let reveal = AuditAction::RevealSeed { epoch, seed: self.seed_of(epoch) };
                    world.apply(&self.gateway, ask(reveal))?;
                }
                _ => self.sealed.push(epoch),
            }
        }
        Ok(())
    }

    /// After which epoch and by which the gateway reveals its seed of an epoch.
    fn seed_due(world: &World, gateway: AccountId, epoch: u64) -> Option<(u64, u64)> {
        match world.record(&StateKey::Audits(AuditKey::Seed(gateway, epoch))) {
            Some(StateRecord::Audits(AuditsRecord::Seed(SeedRecord { due, .. }))) => due,
            _ => None,
        }
    }

    fn record(world: &World, audit: AuditId) -> Option<AuditRecord> {
        match world.record(&StateKey::Audits(AuditKey::Audit(audit))) {
            Some(StateRecord::Audits(AuditsRecord::Audit(record))) => Some(*record),
            _ => None,
        }
    }

    /// Whatever the ledger takes for one audit in this epoch.
    fn go_on(
        &mut self,
        world: &mut World,
        audit: AuditId,
        says: &mut impl FnMut(usize, &Job, bool) -> Option<Verdict>,
    ) -> Result<(), SimError> {
        let Some(record) = Self::record(world, audit) else {
            self.cases.remove(&audit);
            return Ok(());
        };
        let now = world.epoch();
        match record.status {
            Status::Sitting => {
                let round = record.rounds.last().expect("an opened audit has a round");
                let first = record.rounds.len() == 1;
                let seed_by = Self::seed_due(world, audit.gateway, record.epoch)
                    .map_or(0, |(_, by)| by)
                    .max(record.seed_by);
                let deadline = if first { seed_by } else { round.reveal_by };
                if now > deadline {
                    return self.advance(world, audit, deadline + 1);
                }
                if now == round.commit_by || now == round.reveal_by {
                    return self.say(world, audit, &record, now == round.reveal_by, says);
                }
                Ok(())
            }
            Status::Drawing { after, .. } if now > after => self.advance(world, audit, after + 1),
            Status::Ruled { ruling, until, .. } if now > until => self.settle(world, audit, &record, ruling),
            Status::Ruled { ruling: Ruling::Passed, .. } => self.challenge(world, audit),
            _ => Ok(()),
        }
    }

    /// The watcher's part. What the ledger refuses (no higher panel, no auditors left) stays as it is.
    fn challenge(&mut self, world: &mut World, audit: AuditId) -> Result<(), SimError> {
        let Some(watcher) = self.watcher.as_ref().filter(|_| self.cases[&audit].job.faulty) else {
            return Ok(());
        };
        match world.apply(watcher, ask(AuditAction::ChallengeAudit { audit, claim: FOUND })) {
            Ok(_) => self.findings.challenged += 1,
            Err(SimError::Rejected { .. }) => self.findings.refused += 1,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// OPEN that an auditor has at stake.
    pub(crate) fn bond_of(&self, world: &World, auditor: AccountId) -> u64 {
        match world.record(&StateKey::Escrow(EscrowKey::Bond(auditor, Role::Auditor))) {
            Some(StateRecord::Escrow(EscrowRecord::Bond(record))) => record.bond.0,
            _ => 0,
        }
    }

    fn advance(&self, world: &mut World, audit: AuditId, beacon: u64) -> Result<(), SimError> {
        world.apply(&self.gateway, ask(AuditAction::AdvanceAudit { audit, beacon })).map(drop)
    }

    /// The auditors of the last round commit in the last epoch for it, and reveal in the last for that.
    fn say(
        &mut self,
        world: &mut World,
        audit: AuditId,
        record: &AuditRecord,
        reveals: bool,
        says: &mut impl FnMut(usize, &Job, bool) -> Option<Verdict>,
    ) -> Result<(), SimError> {
        let part = world.parameters().audits.planted;
        let planted = is_planted(&self.seed_of(record.epoch), &record.randomness, &audit, part);
        let number = u8::try_from(record.rounds.len() - 1).unwrap_or(u8::MAX);
        let seats = record.rounds.last().map(|round| round.seats.clone()).unwrap_or_default();
        for seat in seats {
            let place = self.auditors.iter().position(|auditor| auditor.account() == seat.auditor);
            let place = place.ok_or(SimError::RecordMissing { what: format!("auditor {}", seat.auditor) })?;
            let auditor = self.auditors[place].clone();
            let salt = derived(self.seed, &format!("verdict {audit} {number} {place}"));
            // A planted fault is in what the first auditor gets; a panel gets the gateway's copy, altered likewise.
            let Some(verdict) = says(place, &self.cases[&audit].job, planted) else { continue };
            let commitment = verdict_commitment(&audit, number, &seat.auditor, &verdict, &salt);
            let action = match (reveals, seat.commitment) {
                (false, _) => AuditAction::CommitVerdict { audit, commitment },
                (true, Some(_)) => AuditAction::RevealVerdict { audit, verdict, salt },
                (true, None) => continue,
            };
            world.apply(&auditor, ask(action))?;
        }
        Ok(())
    }

    /// The consequences, once; what a pause refuses is tried again in the next epoch.
    fn settle(
        &mut self,
        world: &mut World,
        audit: AuditId,
        record: &AuditRecord,
        ruling: Ruling,
    ) -> Result<(), SimError> {
        let (job, provider) = (self.cases[&audit].job, self.cases[&audit].opening.provider);
        let mut paused = false;
        if !record.settled {
            let settle = AuditAction::SettleSubject { audit, provider, consumer: job.consumer };
            paused |= !settled(world.apply(&self.gateway, ask(settle)))?;
        }
        for seat in record.rounds.iter().flat_map(|round| &round.seats).filter(|seat| !seat.settled) {
            let settle = AuditAction::SettleSeat { audit, auditor: seat.auditor };
            paused |= !settled(world.apply(&self.gateway, ask(settle)))?;
        }
        if paused {
            self.findings.paused += 1;
            return Ok(());
        }
        self.cases.remove(&audit);
        let planted = matches!(ruling, Ruling::PlantFound | Ruling::PlantMissed | Ruling::PlantFalse);
        if !planted {
            self.findings.faulty += u64::from(job.faulty);
            self.findings.passed += u64::from(job.faulty && ruling == Ruling::Passed);
            self.findings.accused += u64::from(!job.faulty && matches!(ruling, Ruling::Faulty(_)));
        }
        Ok(())
    }
}

/// Whether the ledger took it; a refusal because slashing pauses is no error.
fn settled(result: Result<Vec<Event>, SimError>) -> Result<bool, SimError> {
    match result {
        Ok(_) => Ok(true),
        Err(SimError::Rejected { rejection: Rejection::SlashingPaused, .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What an honest auditor says.
pub(crate) fn honest(job: &Job, planted: bool) -> Option<Verdict> {
    Some(if job.faulty || planted { FOUND } else { Verdict::Pass })
}
