//! Long random histories of a whole network: many accounts, every step, valid actions and lies, blocks and epochs.
//!
//! One generator for all steps: [`STEPS`] has one line per step, and a step's function chooses one action and its sender.
//! A history is fixed by its seed, so a failure names the seed, the number of the action and the action. What must hold
//! is an [`Invariant`]: it sees each action with the records before and after it.
//!
//! Every action is checked for three rounds of loading and for what a rejection leaves; every [`THOROUGH`]th also for the
//! same outcome when everything is loaded at once, and for conservation over the whole state.
#![expect(
    clippy::disallowed_methods,
    reason = "the environment says how long the histories of a test run are"
)]

mod advances;
mod audits;
mod base;
mod dice;
mod focus;
mod governing;
mod hiring;
mod lively;
mod maturity;
mod nested;
mod open;
mod paying;
mod refunding;
mod scene;
mod settling;
mod tasks;
mod trading;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use openledger_types::{AccountId, Action, Event, Rejection, codec};

use super::*;
use crate::{BlockContext, StateKey, StateRecord};

pub(crate) use dice::Dice;
pub(crate) use focus::{Row, any, step};
pub(crate) use scene::{VOTERS, prove};
pub(crate) use settling::{completions, netted};

/// Actions in one history: short ones while you work, at least 10,000 in `cargo xtask test`, which sets this.
pub(crate) static ACTIONS: LazyLock<u64> = LazyLock::new(|| {
    let told = std::env::var("OPENLEDGER_ACTIONS").ok();
    told.map_or(2_000, |told| told.parse().expect("OPENLEDGER_ACTIONS is a number"))
});
/// How many accounts take part.
pub(crate) const PEOPLE: u8 = 48;
/// Gateways and providers beside those of every world.
pub(crate) const SECOND_GATEWAY: u8 = 10;
pub(crate) const SECOND_PROVIDER: u8 = 11;
/// Actions in which every action of every step is accepted and refused.
const REACHING: u64 = 8_000;
/// How often the dear checks run.
const THOROUGH: u64 = 97;

/// One action of a step and who sends it.
pub(crate) type Generator = fn(&World, &mut Dice) -> (u8, Action);

/// The steps, how often each acts, and its generator.
pub(crate) const STEPS: &[(&str, u64, Generator)] = &[
    ("accounts", 30, base::accounts),
    ("bridge", 20, base::bridge),
    ("datanets", 10, base::datanets),
    ("models", 3, base::models),
    ("providers", 4, base::providers),
    ("gateways", 2, base::gateways),
    ("bonds", 10, base::bonds),
    ("channels", 30, base::channels),
    ("settlement", 80, settling::settlement),
    ("escrow", 14, base::escrow),
    ("refunds", 5, refunding::refunds),
    ("agents", 26, hiring::agents),
    ("governance", 44, governing::governance),
    ("funds", 18, paying::funds),
    ("markets", 16, trading::markets),
    ("notes", 18, trading::notes),
    ("audits", 36, audits::audits),
    ("maturity", 24, maturity::maturity),
    ("advances", 6, advances::advances),
    ("open", 26, open::open),
    ("tasks", 14, tasks::tasks),
    ("links", 14, nested::links),
    ("builders", 4, nested::builders),
    ("running", 5, nested::running),
];

/// A record before and after an action.
pub(crate) type Changed = (StateKey, Option<StateRecord>, Option<StateRecord>);

/// One action, what came of it, and the records that it changed.
pub(crate) struct Turn<'a> {
    pub(crate) who: u8,
    pub(crate) action: &'a Action,
    pub(crate) result: Result<(), Rejection>,
    pub(crate) events: &'a [Event],
    pub(crate) changed: &'a [Changed],
    /// The world after the action.
    pub(crate) world: &'a World,
}

/// A property of the ledger. The head of each says what it checks, and what it does not.
pub(crate) trait Invariant {
    /// Looks at one action, accepted or not.
    fn after(&mut self, turn: &Turn<'_>);
    /// Looks at the end of a history: whether enough happened for the property to mean something.
    fn end(&mut self, world: &World);
}

/// A block, and the transaction in it.
#[derive(Clone)]
pub(crate) struct Block {
    pub(crate) context: BlockContext,
    pub(crate) transaction: Vec<u8>,
}

/// Which step sent it, and whether it was accepted.
pub(crate) type Tally = BTreeMap<(&'static str, &'static str), (u64, u64)>;

/// A world, and everything that happened to it.
pub(crate) struct History {
    pub(crate) world: World,
    pub(crate) blocks: Vec<Block>,
    pub(crate) tally: Tally,
    dice: Dice,
    seed: u64,
}

impl History {
    /// The world at the beginning: as in every test, with a bridge, a second gateway and provider, and more channels.
    pub(crate) fn beginning() -> World {
        let rules = |parameters: &mut openledger_types::Parameters| {
            lively::lively(parameters);
            scene::rules(parameters);
        };
        let mut world = World::with(rules, 1_000_000_000).prepare();
        world.accept(SECOND_GATEWAY, gateway(1_000_000_000, 250));
        world.accept(SECOND_PROVIDER, provider(2_000_000_000));
        scene::furnish(&mut world);
        world
    }

    pub(crate) fn new(seed: u64) -> Self {
        Self {
            world: Self::beginning(),
            blocks: Vec::new(),
            tally: Tally::new(),
            dice: Dice::new(seed),
            seed,
        }
    }

    /// A whole history with these invariants.
    pub(crate) fn check(seed: u64, invariants: &mut [&mut dyn Invariant]) -> Self {
        let mut history = Self::new(seed);
        history.run(*ACTIONS, invariants);
        for invariant in invariants {
            invariant.end(&history.world);
        }
        history
    }

    pub(crate) fn run(&mut self, actions: u64, invariants: &mut [&mut dyn Invariant]) {
        for number in 0..actions {
            self.advance();
            let (step, who, action) = self.choose();
            // Printed by the panic of whatever fails.
            let shown = Shown { seed: self.seed, number, who, summary: action.summary() };
            let accepted = self.turn(who, &action, number.is_multiple_of(THOROUGH), invariants);
            let (sent, taken) = self.tally.entry((step, action.name())).or_default();
            *sent += 1;
            *taken += u64::from(accepted);
            std::mem::forget(shown);
        }
    }

    /// Time goes on: mostly a block in the same epoch, now and then epochs with and without blocks.
    fn advance(&mut self) {
        let epoch_ms = self.world.parameters.epoch_ms;
        let (blocks, elapsed_ms) = match self.dice.below(60) {
            0..4 => (1 + self.dice.below(3), epoch_ms),
            4 => (1, epoch_ms * (1 + self.dice.below(12))),
            _ => (1, self.dice.below(epoch_ms / 40)),
        };
        for _ in 0..blocks {
            self.world.next_block(elapsed_ms);
            self.blocks.push(Block { context: self.world.context, transaction: Vec::new() });
        }
    }

    fn choose(&mut self) -> (&'static str, u8, Action) {
        let whole = STEPS.iter().map(|(_, often, _)| often).sum();
        let mut place = self.dice.below(whole);
        let found = STEPS.iter().find(|(_, often, _)| {
            let found = place < *often;
            place = place.saturating_sub(*often);
            found
        });
        let (step, _, generator) = found.expect("the place is below the sum");
        let (who, action) = generator(&self.world, &mut self.dice);
        // Whoever may not do it tries now and then.
        let who = if self.dice.chance(40) { self.dice.who() } else { who };
        (step, who, action)
    }

    fn turn(
        &mut self,
        who: u8,
        action: &Action,
        thorough: bool,
        invariants: &mut [&mut dyn Invariant],
    ) -> bool {
        let transaction = self.world.signed(who, action.clone());
        let mut expected = self.world.account(who);
        expected.nonce += 1;
        let outcome = self.world.outcome(&transaction);
        if thorough {
            self.world.check_at_once(&transaction, &outcome);
        }
        if outcome.result.is_err() {
            let nonce_only = [(StateKey::Account(account(who)).encode(), Some(codec::encode(&expected)))];
            assert_eq!(outcome.changes, BTreeMap::from(nonce_only), "a rejection changes the nonce alone");
            assert!(outcome.events.is_empty());
        }
        let changed: Vec<Changed> = outcome
            .changes
            .iter()
            .map(|(key, after)| {
                let decoded = StateKey::decode(key).unwrap();
                let read = |value: &Vec<u8>| StateRecord::decode(&decoded, value).unwrap();
                let (before, after) = (self.world.state.get(key).map(read), after.as_ref().map(read));
                (decoded, before, after)
            })
            .collect();
        self.world.commit(outcome.changes);
        if thorough {
            crate::check_conservation(&self.world.state).unwrap();
        }
        assert_eq!(self.world.account(who).nonce, expected.nonce, "every admitted action uses its nonce");
        let (result, events, world) = (outcome.result, &outcome.events[..], &self.world);
        let turn = Turn { who, action, result, events, changed: &changed, world };
        for invariant in invariants {
            invariant.after(&turn);
        }
        self.blocks.last_mut().expect("there is a block").transaction = transaction;
        result.is_ok()
    }
}

/// Says where a history failed: it is dropped by the panic only.
struct Shown {
    seed: u64,
    number: u64,
    who: u8,
    summary: String,
}

impl Drop for Shown {
    fn drop(&mut self) {
        println!(
            "history {} failed at action {}, by account {}: {}",
            self.seed, self.number, self.who, self.summary
        );
    }
}

/// What a history reaches of something that happens so often in 10,000 actions.
pub(crate) fn share_of(often: u64) -> u64 {
    often * *ACTIONS / 10_000
}

/// The number of an account of the history.
pub(crate) fn number_of(account: AccountId) -> Option<u8> {
    static NUMBERS: LazyLock<BTreeMap<AccountId, u8>> =
        LazyLock::new(|| (0..PEOPLE).map(|who| (super::account(who), who)).collect());
    NUMBERS.get(&account).copied()
}

fn added(tallies: &[Tally]) -> Tally {
    let mut sums = Tally::new();
    for (name, (sent, taken)) in tallies.iter().flatten() {
        let sum = sums.entry(*name).or_default();
        *sum = (sum.0 + sent, sum.1 + taken);
    }
    sums
}

/// Actions without a generator, by name: no invariant over histories sees them, only the tests of their steps.
const ABSENT: &[&str] = &["Collect treasury"];

/// Nothing in a history is vacuous: every action of every step is accepted and refused, and what is absent
/// is named.
#[test]
fn histories_reach_every_action_of_every_step() {
    // What takes many actions of one step, like a pause by a council that was elected, happens in histories of few steps.
    let few = |name| {
        let paid = u64::from(name == "maturity") * 6;
        let rows = [
            step(name, 20),
            step("channels", 2),
            step("accounts", 2),
            step("open", 3),
            step("settlement", paid),
        ];
        History::focused(History::beginning(), 3, &rows, &mut [])
    };
    let whole = |seed| {
        let mut history = History::new(seed);
        history.run((*ACTIONS).max(REACHING), &mut []);
        history
    };
    // Whoever may not do it tries in whole histories.
    let (wholes, fews) = (
        [whole(1), whole(2)].map(|history| history.tally),
        ["governance", "agents", "maturity", "open"].map(few),
    );
    for (name, (sent, taken)) in added(&wholes) {
        assert!(taken < sent || sent < 100, "{name:?} is never refused");
    }
    let tally = added(&[added(&wholes), added(&fews.map(|history| history.tally))]);
    for ((step, action), (sent, taken)) in &tally {
        println!("{step:>12} {action:<24} {taken:>5} of {sent:>5}");
    }
    for (name, (_, taken)) in &tally {
        assert!(*taken > 0, "{name:?} is never accepted");
    }
    let reached: BTreeSet<&str> = tally.keys().map(|(_, action)| *action).collect();
    let all: BTreeSet<&str> = super::fixtures::actions().iter().map(Action::name).collect();
    let absent: Vec<&str> = all.difference(&reached).copied().collect();
    assert_eq!(absent, ABSENT, "the actions that no history sends");
}
