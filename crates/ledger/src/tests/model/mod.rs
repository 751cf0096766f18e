//! A second ledger, as plain as possible: maps of wide integers and the sentences of the rules, nothing of the real one's
//! code. It sees the accepted actions of a history; after each, every balance, escrow, tranche, channel, pool, stake and
//! exposure that either of the two touched must be the same in both, and so must the supply.
//!
//! It works out by itself: accounts, bridge, bonds, channels, settlement, escrow. For the other steps it knows the
//! double entry alone: it moves what [`Event::Moved`] says, and takes over the tranches and exposures they changed.
//! Not checked here: refusals, names, and what a step does beside moving money.

mod settle;
mod split;

use std::collections::{BTreeMap, BTreeSet};

use openledger_types::agents::AgentAction;
use openledger_types::escrow::HoldRecord;
use openledger_types::record::{Pool, Role};
use openledger_types::{AccountId, Action, Asset, ChannelId, Event, Holder};

use super::history::{Invariant, Turn, share_of};
use super::*;
use crate::escrow::{EscrowKey, EscrowRecord};
use crate::{StateKey, StateRecord, bonds};

pub(crate) use split::{PlainBatch, part};

/// What one account has, and where it waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Purse {
    credits: u128,
    open: u128,
    escrowed: u128,
}

impl Purse {
    fn of(&mut self, asset: Asset) -> &mut u128 {
        match asset {
            Asset::Credit => &mut self.credits,
            Asset::Open => &mut self.open,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Channel {
    consumer: AccountId,
    gateway: AccountId,
    deposit: u128,
    spent: u128,
    asked_ms: Option<u64>,
    closed: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Tranche {
    amount: u128,
    claimed: u128,
    forfeited: u128,
    cliff: u64,
    linear: u64,
}

/// The plain ledger.
#[derive(Default)]
pub(crate) struct Model {
    purses: BTreeMap<AccountId, Purse>,
    channels: BTreeMap<ChannelId, Channel>,
    tranches: BTreeMap<(AccountId, Role, u64), Tranche>,
    immature: BTreeMap<StateKey, u128>,
    pools: BTreeMap<Pool, u128>,
    bonds: BTreeMap<(AccountId, Role), u128>,
    unbonding: BTreeMap<(AccountId, Role, u64), u128>,
    /// OPEN that other steps put at stake, and money in their records.
    bonded_elsewhere: i128,
    custody: [u128; 2],
    exposure: BTreeMap<(AccountId, Role), u128>,
    created: [u128; 2],
    withdrawn: u128,
    burned: [u128; 2],
    /// What the last action touched.
    touched: BTreeSet<StateKey>,
    turns: u64,
    batches: u64,
}

fn place(asset: Asset) -> usize {
    match asset {
        Asset::Credit => 0,
        Asset::Open => 1,
    }
}

fn take(from: &mut u128, amount: u128) {
    *from = from.checked_sub(amount).expect("the reference model holds less than the ledger took");
}

/// What of an account and role is being checked.
fn hold(world: &World, account: AccountId, role: Role) -> HoldRecord {
    world.record(&EscrowKey::Hold(account, role).state()).unwrap_or_default()
}

impl Model {
    /// The model of a world, read from its records once.
    pub(crate) fn of(world: &World) -> Self {
        let mut model = Self::default();
        for key in world.state.keys() {
            let key = StateKey::decode(key).unwrap();
            model.adopt(&key, world);
        }
        let supply: openledger_types::record::SupplyRecord = world.record(&StateKey::Supply).unwrap();
        model.created = [u128::from(supply.credits_deposited.0), u128::from(supply.open_issued.0)];
        model.custody = [u128::from(supply.credits_in_custody.0), u128::from(supply.open_in_custody.0)];
        model.withdrawn = u128::from(supply.credits_withdrawn.0);
        model.burned = [u128::from(supply.credits_burned.0), u128::from(supply.open_burned.0)];
        model
    }

    /// Takes over one record as it is.
    fn adopt(&mut self, key: &StateKey, world: &World) {
        let bytes = world.state.get(&key.encode());
        let record = bytes.map(|bytes| StateRecord::decode(key, bytes).unwrap());
        match (key, record) {
            (StateKey::Account(account), Some(StateRecord::Account(record))) => {
                let purse = Purse {
                    credits: u128::from(record.credits.0),
                    open: u128::from(record.open.0),
                    escrowed: u128::from(record.escrowed.0),
                };
                self.purses.insert(*account, purse);
            }
            (StateKey::Channel(id), Some(StateRecord::Channel(record))) => {
                let (deposit, spent) = (u128::from(record.deposit.0), u128::from(record.spent.0));
                let (consumer, gateway, closed) = (record.consumer, record.gateway, record.closed);
                let asked_ms = record.closes_at_ms;
                self.channels.insert(*id, Channel { consumer, gateway, deposit, spent, asked_ms, closed });
            }
            (StateKey::Pool(pool), Some(StateRecord::Pool(amount))) => {
                self.pools.insert(pool.clone(), u128::from(amount.0));
            }
            (StateKey::Tranche(account, role, epoch), record) => {
                let place = (*account, *role, *epoch);
                match record {
                    Some(StateRecord::Tranche(record)) => {
                        let tranche = Tranche {
                            amount: u128::from(record.amount.0),
                            claimed: u128::from(record.claimed.0),
                            forfeited: u128::from(record.forfeited.0),
                            cliff: record.cliff_epochs,
                            linear: record.linear_epochs,
                        };
                        self.tranches.insert(place, tranche);
                    }
                    _ => drop(self.tranches.remove(&place)),
                }
            }
            (StateKey::Immature(..), record) => match record {
                Some(StateRecord::Immature(record)) => {
                    self.immature.insert(key.clone(), u128::from(record.amount.0));
                }
                _ => drop(self.immature.remove(key)),
            },
            (StateKey::Provider(account), Some(StateRecord::Provider(record))) => {
                self.bonds.insert((*account, Role::Provider), u128::from(record.stake.0));
                self.exposure.insert((*account, Role::Provider), u128::from(record.exposure.0));
            }
            (StateKey::Gateway(account), Some(StateRecord::Gateway(record))) => {
                self.bonds.insert((*account, Role::Gateway), u128::from(record.bond.0));
                self.exposure.insert((*account, Role::Gateway), u128::from(record.exposure.0));
            }
            (StateKey::Escrow(EscrowKey::Bond(account, role)), record) => {
                let record = match record {
                    Some(StateRecord::Escrow(EscrowRecord::Bond(record))) => record,
                    _ => openledger_types::BondRecord::default(),
                };
                self.bonds.insert((*account, *role), u128::from(record.bond.0));
                self.exposure.insert((*account, *role), u128::from(record.exposure.0));
            }
            (StateKey::Unbonding(account, role, epoch), record) => match record {
                Some(StateRecord::Unbonding(record)) => {
                    self.unbonding.insert((*account, *role, *epoch), u128::from(record.amount.0));
                }
                _ => drop(self.unbonding.remove(&(*account, *role, *epoch))),
            },
            _ => {}
        }
    }

    fn purse(&mut self, account: AccountId) -> &mut Purse {
        self.touched.insert(StateKey::Account(account));
        self.purses.entry(account).or_default()
    }

    fn pool(&mut self, pool: Pool) -> &mut u128 {
        self.touched.insert(StateKey::Pool(pool.clone()));
        self.pools.entry(pool).or_default()
    }

    /// The actions whose rules the model knows. False for the others.
    fn act(&mut self, turn: &Turn<'_>) -> bool {
        let sender = account(turn.who);
        match turn.action {
            Action::Faucet { to, asset, amount } => self.create(*to, *asset, amount.0),
            Action::BridgeDeposit { to, amount, .. } => self.create(*to, Asset::Credit, amount.0),
            Action::Transfer { to, asset, amount } => {
                let amount = u128::from(amount.0);
                take(self.purse(sender).of(*asset), amount);
                *self.purse(*to).of(*asset) += amount;
            }
            Action::Withdraw { amount, .. } => {
                take(&mut self.purse(sender).credits, u128::from(amount.0));
                self.withdrawn += u128::from(amount.0);
            }
            Action::RegisterProvider { stake, .. } => self.stake(sender, Role::Provider, stake.0),
            Action::RegisterGateway { bond, .. } => self.stake(sender, Role::Gateway, bond.0),
            Action::RaiseBond { role, amount } => self.stake(sender, *role, amount.0),
            Action::Unbond { role, amount } => {
                let amount = u128::from(amount.0);
                take(self.bonds.entry((sender, *role)).or_default(), amount);
                let waiting = (sender, *role, turn.world.epoch());
                *self.unbonding.entry(waiting).or_default() += amount;
            }
            Action::ReleaseBond { role, epochs } => {
                for epoch in epochs {
                    let amount = self.unbonding.remove(&(sender, *role, *epoch)).expect("something waited");
                    assert!(turn.world.epoch() >= epoch + turn.world.parameters.unbonding_epochs);
                    let hold = hold(turn.world, sender, *role);
                    assert!(hold.faults == 0 && hold.epochs.iter().all(|held| held.epoch > *epoch));
                    self.purse(sender).open += amount;
                }
            }
            Action::OpenChannel { .. } | Action::TopUpChannel { .. } | Action::CloseChannel { .. } => {
                self.channel(sender, turn);
            }
            Action::Agents(AgentAction::TopUpByMandate { channel, amount, .. }) => {
                let payer = self.channels[channel].consumer;
                self.top_up(payer, *channel, u128::from(amount.0));
            }
            Action::SettleBatch(batch) => self.settle(sender, batch, turn.world),
            Action::ClaimTranches { role, epochs } => self.claim(sender, *role, epochs, turn),
            Action::CompleteWithdrawal { .. }
            | Action::CreateDatanet { .. }
            | Action::Contribute { .. }
            | Action::RevokeContribution { .. }
            | Action::SealSnapshot { .. }
            | Action::RegisterModel { .. }
            | Action::PostOffer { .. } => {}
            _ => return false,
        }
        true
    }

    fn create(&mut self, to: AccountId, asset: Asset, amount: u64) {
        *self.purse(to).of(asset) += u128::from(amount);
        self.created[place(asset)] += u128::from(amount);
    }

    fn stake(&mut self, account: AccountId, role: Role, amount: u64) {
        take(&mut self.purse(account).open, u128::from(amount));
        *self.bonds.entry((account, role)).or_default() += u128::from(amount);
        self.touched.insert(bonds::key(account, role));
    }

    /// The double entry of steps that the model does not know.
    fn moved(&mut self, events: &[Event]) {
        for event in events {
            let Event::Moved { from, to, asset, amount, .. } = event else { continue };
            let amount = u128::from(amount.0);
            match from {
                Holder::Account(account) => take(self.purse(*account).of(*asset), amount),
                Holder::Escrow(account) => take(&mut self.purse(*account).escrowed, amount),
                Holder::Pool(pool) => take(self.pool(pool.clone()), amount),
                Holder::Bond(_) => self.bonded_elsewhere -= amount as i128,
                Holder::Custody => take(&mut self.custody[place(*asset)], amount),
                Holder::Burned => panic!("what was burned came back"),
            }
            match to {
                Holder::Account(account) => *self.purse(*account).of(*asset) += amount,
                Holder::Escrow(account) => self.purse(*account).escrowed += amount,
                Holder::Pool(pool) => *self.pool(pool.clone()) += amount,
                Holder::Bond(_) => self.bonded_elsewhere += amount as i128,
                Holder::Custody => self.custody[place(*asset)] += amount,
                Holder::Burned => self.burned[place(*asset)] += amount,
            }
        }
    }

    /// Compares one record.
    fn compare(&self, key: &StateKey, world: &World) {
        let mut real = Self::default();
        real.adopt(key, world);
        match key {
            StateKey::Account(account) => {
                let (ours, theirs) = (self.purses.get(account).cloned(), real.purses.remove(account));
                assert_eq!(ours.unwrap_or_default(), theirs.unwrap_or_default(), "{key:?}");
            }
            StateKey::Pool(pool) => {
                let held = |model: &Self| model.pools.get(pool).copied().unwrap_or_default();
                assert_eq!(held(self), held(&real), "{key:?}");
            }
            StateKey::Channel(id) => assert_eq!(self.channels.get(id), real.channels.get(id), "{key:?}"),
            StateKey::Tranche(account, role, epoch) => {
                let place = (*account, *role, *epoch);
                assert_eq!(self.tranches.get(&place), real.tranches.get(&place), "{key:?}");
            }
            StateKey::Immature(..) => {
                assert_eq!(self.immature.get(key), real.immature.get(key), "{key:?}");
            }
            StateKey::Provider(account) => self.compare_bond(&real, (*account, Role::Provider)),
            StateKey::Gateway(account) => self.compare_bond(&real, (*account, Role::Gateway)),
            StateKey::Escrow(EscrowKey::Bond(account, role)) => self.compare_bond(&real, (*account, *role)),
            StateKey::Unbonding(account, role, epoch) => {
                let place = (*account, *role, *epoch);
                assert_eq!(self.unbonding.get(&place), real.unbonding.get(&place), "{key:?}");
            }
            _ => {}
        }
    }

    fn compare_bond(&self, real: &Self, place: (AccountId, Role)) {
        let held = |model: &Self| {
            let of = |held: &BTreeMap<(AccountId, Role), u128>| held.get(&place).copied().unwrap_or_default();
            (of(&model.bonds), of(&model.exposure))
        };
        assert_eq!(held(self), held(real), "bond and exposure of {place:?}");
    }

    fn compare_supply(&self, world: &World) {
        let supply: openledger_types::record::SupplyRecord = world.record(&StateKey::Supply).unwrap();
        let wide = |amount: openledger_types::Amount| u128::from(amount.0);
        assert_eq!(self.created, [wide(supply.credits_deposited), wide(supply.open_issued)], "created");
        assert_eq!(self.burned, [wide(supply.credits_burned), wide(supply.open_burned)], "burned");
        assert_eq!(self.withdrawn, wide(supply.credits_withdrawn), "withdrawn");
        assert_eq!(self.custody, [wide(supply.credits_in_custody), wide(supply.open_in_custody)], "custody");
        let bonded = self.at_stake() as i128 + self.bonded_elsewhere;
        assert_eq!(bonded, i128::from(supply.open_bonded.0), "bonded");
    }

    fn compare_everything(&self, world: &World) {
        self.compare_supply(world);
        let balances = |asset: fn(&Purse) -> u128| self.purses.values().map(asset).sum::<u128>();
        let supply: openledger_types::record::SupplyRecord = world.record(&StateKey::Supply).unwrap();
        let parts = [
            (balances(|purse| purse.credits), supply.credits_in_balances),
            (balances(|purse| purse.open), supply.open_in_balances),
            (balances(|purse| purse.escrowed), supply.credits_in_escrow),
        ];
        for (ours, theirs) in parts {
            assert_eq!(ours, u128::from(theirs.0));
        }
        for key in world.state.keys() {
            self.compare(&StateKey::decode(key).unwrap(), world);
        }
    }
}

impl Invariant for Model {
    fn after(&mut self, turn: &Turn<'_>) {
        self.turns += 1;
        self.touched.clear();
        if turn.result.is_ok() {
            let known = self.act(turn);
            self.moved(turn.events);
            if !known {
                for (key, ..) in turn.changed {
                    let theirs =
                        matches!(key, StateKey::Account(_) | StateKey::Pool(_) | StateKey::Channel(_));
                    if !theirs {
                        let before = self.at_stake();
                        self.adopt(key, turn.world);
                        // OPEN that a step took from a stake was booked under the other steps' stakes.
                        self.bonded_elsewhere += before as i128 - self.at_stake() as i128;
                    }
                }
            }
        }
        let touched = std::mem::take(&mut self.touched);
        for key in touched.iter().chain(turn.changed.iter().map(|(key, ..)| key)) {
            self.compare(key, turn.world);
        }
        if turn.result.is_ok() {
            self.compare_supply(turn.world);
        }
        if self.turns.is_multiple_of(1_000) {
            self.compare_everything(turn.world);
        }
    }

    fn end(&mut self, world: &World) {
        self.compare_everything(world);
        assert!(self.batches > share_of(500), "{} batches settled", self.batches);
    }
}
