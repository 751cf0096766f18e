//! The words of escrow beyond tranches: which are open, bonds of builders and contributors, what a fault forfeits.
//! Absent: the rules; they are in `ledger`, folder `escrow`.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::record::Role;
use crate::{AccountId, Amount, BasisPoints};

/// How many epochs an [`EpochsRecord`] reaches back.
pub const EPOCHS_INDEXED: u64 = 256;

/// A set of epochs: the newest, and one bit for each of the 256 before and including it. An epoch that falls out of the
/// window is forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct EpochsRecord {
    newest: u64,
    /// Bit `i` of the sequence stands for `newest - i`.
    bits: [u64; 4],
}

impl EpochsRecord {
    /// Adds an epoch; one that is older than the window is not remembered.
    pub fn insert(&mut self, epoch: u64) {
        if self.is_empty() {
            self.newest = epoch;
        }
        if epoch > self.newest {
            let shifted = self.offsets().filter_map(|offset| {
                offset.checked_add(epoch.checked_sub(self.newest)?).filter(|offset| *offset < EPOCHS_INDEXED)
            });
            let shifted: Vec<u64> = shifted.collect();
            *self = Self { newest: epoch, bits: [0; 4] };
            shifted.into_iter().for_each(|offset| self.set(offset, true));
        }
        self.set(self.newest.saturating_sub(epoch), true);
    }

    /// Removes an epoch.
    pub fn remove(&mut self, epoch: u64) {
        if let Some(offset) = self.newest.checked_sub(epoch) {
            self.set(offset, false);
        }
    }

    /// Whether no epoch is in the set.
    pub fn is_empty(&self) -> bool {
        self.bits == [0; 4]
    }

    /// The epochs, oldest first.
    pub fn epochs(&self) -> Vec<u64> {
        let mut epochs: Vec<u64> = self.offsets().map(|offset| self.newest.saturating_sub(offset)).collect();
        epochs.reverse();
        epochs
    }

    fn offsets(&self) -> impl Iterator<Item = u64> {
        let bits = self.bits;
        (0..EPOCHS_INDEXED).filter(move |offset| {
            let (word, bit) = (usize::try_from(offset >> 6).unwrap_or_default(), offset & 63);
            bits.get(word).is_some_and(|word| word >> bit & 1 == 1)
        })
    }

    fn set(&mut self, offset: u64, value: bool) {
        let (word, bit) = (usize::try_from(offset >> 6).unwrap_or(usize::MAX), offset & 63);
        if let Some(word) = self.bits.get_mut(word) {
            *word = if value { *word | 1 << bit } else { *word & !(1 << bit) };
        }
    }
}

/// OPEN that an account has at stake in a role that is no business of its own: as builder, contributor or evaluator.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct BondRecord {
    /// Bond in OPEN.
    pub bond: Amount,
    /// Liquid payouts that nothing has verified yet.
    pub exposure: Amount,
}

/// The work of one epoch that is being checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct HeldEpoch {
    /// Epoch in which the work was paid.
    pub epoch: u64,
    /// Checks of it that are not settled.
    pub checks: u32,
    /// What faults in them would cost at least, in credits.
    pub amount: Amount,
}

/// What an account cannot take out of a role while its work is being checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct HoldRecord {
    /// By increasing epoch, at most `HELD_EPOCHS_MAX`.
    pub epochs: Vec<HeldEpoch>,
    /// Whether the oldest stands for older ones too.
    pub merged: bool,
    /// Rulings that say a fault and are not settled: while there is one, everything in the role is held.
    pub faults: u32,
}

/// What a fault took, and where it went. Every amount in credits, or in OPEN where the name says so; both columns sum.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Forfeited {
    /// Taken from tranches and from what immature contributions hold.
    pub credits: Amount,
    /// Taken from stake or bond.
    pub open: Amount,
    /// To the consumer who paid for the false answer.
    pub refunded: Amount,
    /// To the consumer, where the credits did not suffice.
    pub refunded_open: Amount,
    /// To whoever reported.
    pub reported: Amount,
    /// To whoever reported, where the credits did not suffice.
    pub reported_open: Amount,
    /// To the insurance.
    pub insured: Amount,
    /// To the pool of slashed OPEN.
    pub insured_open: Amount,
    /// To those whose work was copied.
    pub restored: Amount,
    /// To those whose work was copied.
    pub restored_open: Amount,
    /// Destroyed.
    pub burned: Amount,
    /// Destroyed.
    pub burned_open: Amount,
}

/// What happened to escrow, beyond movements of money.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs, reason = "field names repeat the record's documented fields")]
pub enum EscrowEvent {
    /// A proven fault took from a subject; the movements precede this event.
    Forfeited { subject: AccountId, role: Role, forfeited: Forfeited },
    /// Escrowed money began to unlock.
    TrancheBegun { account: AccountId, role: Role, epoch: u64, amount: Amount },
    /// A tranche lost part of what was in it to a fault. The movements say where that went.
    TrancheForfeited { account: AccountId, role: Role, epoch: u64, amount: Amount },
    /// Audits or evaluations have covered liquid payouts: `exposure` is what remains uncovered.
    Covered { account: AccountId, role: Role, exposure: Amount },
}

/// How a fault is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ForfeitParameters {
    /// The most that a reporter gets of what remains after the refund.
    pub reporter: BasisPoints,
    /// The most that a reporter gets, as a multiple of what its check cost.
    pub reporter_multiple: u64,
    /// The part of the rest that goes to the insurance; what remains is burned, or goes to those who were copied.
    pub insurance: BasisPoints,
}

impl ForfeitParameters {
    /// The starting values.
    pub fn starting() -> Self {
        Self { reporter: BasisPoints(2_500), reporter_multiple: 20, insurance: BasisPoints(5_000) }
    }
}
