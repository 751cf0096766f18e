//! A network in memory: the real ledger over an ordered map, with a clock that the scenario turns.
//!
//! Rule: every change goes through [`openledger_ledger::execute()`] as a signed transaction, and an epoch ends only when
//! [`openledger_ledger::check_conservation`] finds all money in the whole state where the supply says it is. Accounts
//! are derived from the seed and a name, so one seed gives one state.
//! Each epoch begins with [`openledger_ledger::begin_block`], as every block does on a chain.
//! Absent: blocks with several transactions, consensus, storage, fees; each transaction has a height of its own.

use std::collections::BTreeMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

use hashbrown::HashMap;
use openledger_ledger::{
    BlockContext, Genesis, GenesisAccount, Loaded, Outcome, Prepared, StateKey, StateRecord, Step,
    begin_block, check_conservation,
};
use openledger_types::record::{AccountRecord, Pool, SupplyRecord};
use openledger_types::{
    AccountId, AccountSecret, Action, Amount, Event, Hash, Parameters, Transaction, codec, sha256,
};

use crate::SimError;
use crate::random::derived;

/// The chain id of simulated networks; no real network has it.
const CHAIN_ID: u64 = 31_337;
/// Rounds of loading that one transaction may ask for; the ledger needs two.
const LOAD_ROUNDS_MAX: u32 = 4;

/// An account with its key.
#[derive(Debug, Clone)]
pub struct Actor {
    secret: AccountSecret,
    account: AccountId,
}

impl Actor {
    /// The actor with this name in the run with this seed.
    pub fn derive(seed: u64, name: &str) -> Self {
        let bytes = derived(seed, &format!("account {name}")).0;
        let secret = AccountSecret::from_bytes(bytes)
            .expect("a hash is zero or beyond the order of the curve once in 2^127 names");
        Self { account: secret.account(), secret }
    }

    /// Its account.
    pub fn account(&self) -> AccountId {
        self.account
    }

    pub(crate) fn secret(&self) -> &AccountSecret {
        &self.secret
    }
}

/// What an account holds at the start.
#[derive(Debug, Clone, Copy)]
pub struct Holding<'a> {
    /// Who.
    pub actor: &'a Actor,
    /// Whole credits.
    pub credits: u64,
    /// Whole OPEN.
    pub open: u64,
}

/// Records by encoded key. Nothing depends on their order: who needs one sorts them.
type State = HashMap<Vec<u8>, Vec<u8>, BuildHasherDefault<DefaultHasher>>;

/// A ledger with its state.
#[derive(Debug, Clone)]
pub struct World {
    state: State,
    context: BlockContext,
    parameters: Parameters,
    /// From which the randomness of all epochs follows.
    root: Hash,
    epochs: u64,
}

impl World {
    /// A network with the starting parameters, in which `holdings` are deposited. The first holder is the treasury.
    pub fn new(holdings: &[Holding<'_>]) -> Result<Self, SimError> {
        Self::with_history(holdings, [])
    }

    /// The same with records that a past left. They hold no money, or the first count of it fails.
    pub fn with_history(
        holdings: &[Holding<'_>],
        history: impl IntoIterator<Item = (StateKey, Vec<u8>)>,
    ) -> Result<Self, SimError> {
        let treasury = holdings.first().map_or(AccountId([0; 20]), |holding| holding.actor.account);
        let parameters = Parameters::starting(CHAIN_ID, true, treasury);
        let amount = |whole: u64| Amount::whole(whole).unwrap_or(Amount(u64::MAX));
        let accounts = holdings.iter().map(|holding| GenesisAccount {
            account: holding.actor.account,
            credits: amount(holding.credits),
            open: amount(holding.open),
        });
        let genesis = Genesis { parameters: parameters.clone(), accounts: accounts.collect() };
        let mut state: State = genesis.state().map_err(SimError::Genesis)?.into_iter().collect();
        state.extend(history.into_iter().map(|(key, record)| (key.encode(), record)));
        let context = BlockContext { height: 0, timestamp_ms: 0, randomness: Hash([0; 32]) };
        let root = sha256(&treasury.0);
        let mut world = Self { state, context, parameters, root, epochs: 0 };
        world.begin_epoch()?;
        Ok(world)
    }

    /// The network's parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// How many epochs have ended, each with its money counted.
    pub fn epochs(&self) -> u64 {
        self.epochs
    }

    /// SHA-256 over every key and record in order: equal runs have equal fingerprints.
    pub fn fingerprint(&self) -> Hash {
        let state: BTreeMap<&[u8], &[u8]> =
            self.state.iter().map(|(key, record)| (key.as_slice(), record.as_slice())).collect();
        sha256(&codec::encode(&state))
    }

    /// The record under a key.
    pub fn record(&self, key: &StateKey) -> Option<StateRecord> {
        let bytes = self.state.get(&key.encode())?;
        Some(StateRecord::decode(key, bytes).expect("the state was written by the ledger"))
    }

    /// An account; one that was never touched is empty.
    pub fn account(&self, account: AccountId) -> AccountRecord {
        match self.record(&StateKey::Account(account)) {
            Some(StateRecord::Account(record)) => record,
            _ => AccountRecord::default(),
        }
    }

    /// Credits of an account, liquid and in escrow, at face value.
    pub fn wealth(&self, account: AccountId) -> Amount {
        let record = self.account(account);
        record.credits.plus(record.escrowed).expect("parts of the supply fit an amount")
    }

    /// What a pool holds.
    pub fn pool(&self, pool: Pool) -> Amount {
        match self.record(&StateKey::Pool(pool)) {
            Some(StateRecord::Pool(amount)) => amount,
            _ => Amount::ZERO,
        }
    }

    /// Moves credits of an account into a pool, as a past left them there: no action of the ledger gives to pools.
    pub fn donate(&mut self, from: &Actor, pool: Pool, amount: Amount) -> Result<(), SimError> {
        let poor = || SimError::RecordMissing { what: format!("{amount} C to give to a pool") };
        let mut giver = self.account(from.account);
        let mut supply = match self.record(&StateKey::Supply) {
            Some(StateRecord::Supply(supply)) => supply,
            _ => SupplyRecord::default(),
        };
        giver.credits = giver.credits.minus(amount).ok_or_else(poor)?;
        supply.credits_in_balances = supply.credits_in_balances.minus(amount).ok_or_else(poor)?;
        supply.credits_in_pools = supply.credits_in_pools.plus(amount).ok_or_else(poor)?;
        let held = self.pool(pool.clone()).plus(amount).ok_or_else(poor)?;
        self.state.insert(StateKey::Account(from.account).encode(), codec::encode(&giver));
        self.state.insert(StateKey::Supply.encode(), codec::encode(&supply));
        self.state.insert(StateKey::Pool(pool).encode(), codec::encode(&held));
        Ok(())
    }

    /// Sends an action with the actor's next nonce; what the ledger refuses changes nothing but the nonce.
    pub fn apply(&mut self, actor: &Actor, action: Action) -> Result<Vec<Event>, SimError> {
        let shown = action.summary();
        let nonce = self.account(actor.account).nonce;
        let chain_id = self.parameters.chain_id;
        let bytes = Transaction { chain_id, nonce, action }.sign(&actor.secret).encode();
        self.context.height += 1;
        let (context, mut prepared) = (self.context, Prepared::new(&bytes));
        let outcome = self.settled(&shown, |loaded| prepared.step(&context, loaded))?;
        self.commit(outcome.changes);
        match outcome.result {
            Ok(()) => Ok(outcome.events),
            Err(rejection) => Err(SimError::Rejected { action: shown, rejection }),
        }
    }

    /// Takes a step again and again, with what it asks for.
    fn settled(&self, shown: &str, mut step: impl FnMut(&Loaded) -> Step) -> Result<Outcome, SimError> {
        let mut loaded = Loaded::new();
        for _ in 0..=LOAD_ROUNDS_MAX {
            match step(&loaded) {
                Step::Load(keys) => {
                    let records = keys.into_iter().map(|key| {
                        let record = self.state.get(&key).cloned();
                        (key, record)
                    });
                    loaded.append(&mut records.collect());
                }
                Step::Done(outcome) => return Ok(outcome),
            }
        }
        Err(SimError::LoadsWithoutEnd { action: shown.to_owned() })
    }

    /// The first block of an epoch. Its randomness follows from the first holder's account, so from the seed, and nothing that
    /// is done in the network moves it.
    fn begin_epoch(&mut self) -> Result<(), SimError> {
        self.context.height += 1;
        self.context.randomness = sha256(&[self.root.0.as_slice(), &self.epochs.to_le_bytes()].concat());
        let context = self.context;
        let outcome = self.settled("the beginning of an epoch", |loaded| begin_block(&context, loaded))?;
        self.commit(outcome.changes);
        Ok(())
    }

    fn commit(&mut self, changes: Loaded) {
        for (key, value) in changes {
            match value {
                Some(value) => self.state.insert(key, value),
                None => self.state.remove(&key),
            };
        }
    }

    /// Counts all money and turns the clock to the next epoch.
    pub fn end_epoch(&mut self) -> Result<(), SimError> {
        check_conservation(&self.state)
            .map_err(|source| SimError::Conservation { epoch: self.epochs, source })?;
        self.epochs += 1;
        self.context.timestamp_ms = self.epochs * self.parameters.epoch_ms;
        self.begin_epoch()
    }

    /// Ends several epochs.
    pub fn pass(&mut self, epochs: u64) -> Result<(), SimError> {
        (0..epochs).try_for_each(|_| self.end_epoch())
    }

    /// The epoch that runs.
    pub fn epoch(&self) -> u64 {
        self.epochs
    }
}

#[cfg(test)]
mod tests {
    use openledger_types::{Asset, Rejection};

    use super::*;

    #[test]
    fn a_world_sends_refuses_and_counts() {
        let (one, other) = (Actor::derive(1, "one"), Actor::derive(1, "other"));
        let mut world = World::new(&[Holding { actor: &one, credits: 5, open: 0 }]).unwrap();
        let transfer =
            |amount| Action::Transfer { to: other.account(), asset: Asset::Credit, amount: Amount(amount) };
        world.apply(&one, transfer(2_000_000)).unwrap();
        let refused = world.apply(&one, transfer(9_000_000)).unwrap_err();
        assert!(matches!(refused, SimError::Rejected { rejection: Rejection::BalanceTooLow, .. }));
        assert_eq!(world.wealth(one.account()), Amount(3_000_000));
        assert_eq!(world.wealth(other.account()), Amount(2_000_000));
        world.end_epoch().unwrap();
        assert_eq!(world.epochs(), 1);
    }

    #[test]
    fn money_from_nowhere_is_found_at_the_end_of_the_epoch() {
        let one = Actor::derive(1, "one");
        let mut world = World::new(&[Holding { actor: &one, credits: 5, open: 0 }]).unwrap();
        let mut record = world.account(one.account());
        record.credits = Amount(6_000_000);
        world.state.insert(StateKey::Account(one.account()).encode(), codec::encode(&record));
        assert!(matches!(world.end_epoch(), Err(SimError::Conservation { epoch: 0, .. })));
    }
}
