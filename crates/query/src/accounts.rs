//! Accounts: balances, escrow and earnings as the events change them, the supply they sum to, and local names.
//!
//! Sums are signed 128-bit integers: events of the ledger cannot overflow them, and a contradiction between events
//! shows as a broken equation, never as a wrong number that looks right. Absent: nonces and proofs.

use std::collections::BTreeMap;

use openledger_types::record::Role;
use openledger_types::{AccountId, Amount};

use crate::lines::{Changes, Line, Lines};
use crate::settings::{ACCOUNT_NAME_BYTES_MAX, ACCOUNT_NOTE_BYTES_MAX};

/// A local label of an account.
#[derive(Debug, Clone)]
pub(crate) struct Label {
    pub(crate) name: String,
    pub(crate) note: String,
}

/// What an account earned in one role.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Earnings {
    pub(crate) liquid: i128,
    pub(crate) escrowed: i128,
    pub(crate) claimed: i128,
}

/// What an account put into escrow in one role in one epoch, and took out.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tranche {
    pub(crate) amount: i128,
    pub(crate) claimed: i128,
}

/// One account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Account {
    pub(crate) holds: Changes,
    pub(crate) spent: i128,
    pub(crate) earnings: BTreeMap<Role, Earnings>,
    pub(crate) tranches: BTreeMap<(u64, Role), Tranche>,
}

/// Totals of the network that are not sums over accounts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Totals {
    pub(crate) credits_deposited: i128,
    pub(crate) credits_withdrawn: i128,
    pub(crate) credits_burned: i128,
    pub(crate) open_issued: i128,
    pub(crate) open_burned: i128,
    pub(crate) in_pools: i128,
    pub(crate) open_in_pools: i128,
    pub(crate) in_custody: i128,
    pub(crate) open_in_custody: i128,
    pub(crate) charged: i128,
    pub(crate) paid: BTreeMap<Role, Earnings>,
}

/// All accounts.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    pub(crate) by_id: BTreeMap<AccountId, Account>,
    pub(crate) held: Changes,
    pub(crate) totals: Totals,
    pub(crate) lines: Lines,
    pub(crate) labels: BTreeMap<AccountId, Label>,
}

impl Accounts {
    /// Applies a line to its account and to the sums, and keeps it.
    pub(crate) fn apply(&mut self, line: Line, lines_max: usize) {
        let account = self.by_id.entry(line.account).or_default();
        account.holds = account.holds.plus(line.changes);
        self.held = self.held.plus(line.changes);
        self.lines.push(line, lines_max);
    }

    /// The account's entry, for counters beside its balances.
    pub(crate) fn entry(&mut self, id: AccountId) -> &mut Account {
        self.by_id.entry(id).or_default()
    }

    /// Sets or replaces a label; an empty name removes it. False when the limit of names is reached.
    pub(crate) fn label(&mut self, id: AccountId, name: &str, note: &str, names_max: usize) -> bool {
        if name.is_empty() {
            self.labels.remove(&id);
            return true;
        }
        if self.labels.len() >= names_max && !self.labels.contains_key(&id) {
            return false;
        }
        let label = Label {
            name: cut(name, ACCOUNT_NAME_BYTES_MAX).to_owned(),
            note: cut(note, ACCOUNT_NOTE_BYTES_MAX).to_owned(),
        };
        self.labels.insert(id, label);
        true
    }
}

/// The longest prefix of at most `bytes_max` bytes that ends at a character.
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A sum as an amount. Sums of the ledger's events are never negative nor above the supply; the equations in the
/// overview say so when they are not.
pub(crate) fn amount(sum: i128) -> Amount {
    Amount(u64::try_from(sum.max(0)).unwrap_or(u64::MAX))
}

/// An amount as a summand.
pub(crate) fn signed(amount: Amount) -> i128 {
    i128::from(amount.0)
}
