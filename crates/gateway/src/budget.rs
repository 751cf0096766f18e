//! Budgets: what a channel may still spend. A request reserves its worst case before anything is computed, atomically, and
//! settles for what it really cost. Reserved and spent together never exceed the deposit.
//!
//! Spending is told as the channel's cumulative amount, as the receipt on disk says it, and never as a difference: telling
//! the same receipt twice changes nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use openledger_types::{Amount, ChannelId};

/// Channels kept in memory; the least recently added are dropped when nothing is reserved on them.
const CHANNELS_MAX: usize = 65_536;

#[derive(Debug, Clone, Copy, Default)]
struct Account {
    deposit: Amount,
    spent: Amount,
    reserved: Amount,
}

/// Budgets of all channels that this gateway serves.
#[derive(Clone, Default)]
pub(crate) struct Budgets {
    accounts: Arc<Mutex<BTreeMap<ChannelId, Account>>>,
}

/// Why a reservation was refused: what is free and what was needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Insufficient {
    pub(crate) free: Amount,
    pub(crate) needed: Amount,
}

impl Budgets {
    /// Tells what the ledger and the receipts say of a channel. Spending only grows.
    pub(crate) fn set(&self, channel: ChannelId, deposit: Amount, spent: Amount) {
        let mut accounts = self.accounts.lock().expect("no holder of the lock panics");
        if accounts.len() >= CHANNELS_MAX && !accounts.contains_key(&channel) {
            accounts.retain(|_, account| account.reserved > Amount::ZERO);
        }
        let account = accounts.entry(channel).or_default();
        account.deposit = deposit;
        account.spent = account.spent.max(spent);
    }

    /// What may still be spent; `None` for a channel that was never set.
    pub(crate) fn free(&self, channel: &ChannelId) -> Option<Amount> {
        let accounts = self.accounts.lock().expect("no holder of the lock panics");
        accounts.get(channel).map(Account::free)
    }

    /// Reserves the worst case of a request on a channel that was [`Budgets::set`].
    pub(crate) fn reserve(&self, channel: ChannelId, amount: Amount) -> Result<Reservation, Insufficient> {
        let mut accounts = self.accounts.lock().expect("no holder of the lock panics");
        let account = accounts.entry(channel).or_default();
        let free = account.free();
        let reserved = account.reserved.plus(amount).filter(|_| amount <= free);
        account.reserved = reserved.ok_or(Insufficient { free, needed: amount })?;
        Ok(Reservation { budgets: self.clone(), channel, amount })
    }
}

impl Account {
    fn free(&self) -> Amount {
        self.deposit.minus(self.spent).and_then(|rest| rest.minus(self.reserved)).unwrap_or(Amount::ZERO)
    }
}

/// A reservation; dropping it gives everything back.
pub(crate) struct Reservation {
    budgets: Budgets,
    channel: ChannelId,
    amount: Amount,
}

impl std::fmt::Debug for Reservation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reservation({} on {})", self.amount, self.channel)
    }
}

impl Reservation {
    /// The request is paid for: the channel has spent `cumulative` in total, and what was reserved is free again.
    pub(crate) fn settle(self, cumulative: Amount) {
        let mut accounts = self.budgets.accounts.lock().expect("no holder of the lock panics");
        if let Some(account) = accounts.get_mut(&self.channel) {
            account.spent = account.spent.max(cumulative);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut accounts = self.budgets.accounts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(account) = accounts.get_mut(&self.channel) {
            account.reserved = account.reserved.minus(self.amount).unwrap_or(Amount::ZERO);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CHANNEL: ChannelId = ChannelId([1; 32]);

    proptest! {
        #[test]
        fn reserved_and_spent_never_exceed_the_deposit(
            deposit in 0u64..1_000,
            steps in proptest::collection::vec((0u64..400, 0u64..400, any::<bool>()), 1..60),
        ) {
            let budgets = Budgets::default();
            budgets.set(CHANNEL, Amount(deposit), Amount::ZERO);
            let mut held = Vec::new();
            let (mut spent, mut reserved) = (0, 0);
            for (amount, cost, release) in steps {
                match budgets.reserve(CHANNEL, Amount(amount)) {
                    Ok(reservation) => {
                        prop_assert!(spent + reserved + amount <= deposit);
                        reserved += amount;
                        held.push((reservation, cost));
                    }
                    Err(refusal) => prop_assert_eq!(refusal.free, Amount(deposit - spent - reserved)),
                }
                if release && let Some((reservation, cost)) = held.pop() {
                    reserved -= reservation.amount.0;
                    spent += cost.min(reservation.amount.0);
                    // The store may tell of the receipt before the request does.
                    budgets.set(CHANNEL, Amount(deposit), Amount(spent));
                    reservation.settle(Amount(spent));
                }
                prop_assert_eq!(budgets.free(&CHANNEL), Some(Amount(deposit - spent - reserved)));
            }
        }
    }

    #[test]
    fn parallel_requests_do_not_overshoot() {
        let budgets = Budgets::default();
        budgets.set(CHANNEL, Amount(1_000), Amount::ZERO);
        let sealed = Mutex::new(0);
        let admitted: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    let (budgets, sealed) = (budgets.clone(), &sealed);
                    scope.spawn(move || {
                        let seal = |held: Reservation| {
                            let mut cumulative = sealed.lock().unwrap();
                            *cumulative += 7;
                            held.settle(Amount(*cumulative));
                        };
                        (0..200).filter(|_| budgets.reserve(CHANNEL, Amount(7)).map(seal).is_ok()).count()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(admitted, 1_000 / 7);
    }
}
