//! Histories of a few steps alone, in a world of their own: the same generators and checks, so that what needs many actions of
//! one step gets them.

use openledger_types::Action;

use super::{ACTIONS, Dice, Generator, History, Invariant, STEPS, Shown, THOROUGH, Turn, World};
use crate::{StateKey, StateRecord};

/// A step, how often it acts, and its generator.
pub(crate) type Row = (&'static str, u64, Generator);

/// A step of the histories, as often as this.
pub(crate) fn step(name: &'static str, often: u64) -> Row {
    let found = STEPS.iter().find(|(step, ..)| *step == name);
    (name, often, found.expect("the step has a generator").2)
}

impl History {
    /// Like [`History::check`], with actions of these steps alone.
    pub(crate) fn focused(
        world: World,
        seed: u64,
        rows: &[Row],
        invariants: &mut [&mut dyn Invariant],
    ) -> Self {
        let mut history = Self { world, ..Self::new(seed) };
        for number in 0..*ACTIONS {
            history.advance();
            let (step, _, generator) = drawn(rows, &mut history.dice);
            let (who, action) = generator(&history.world, &mut history.dice);
            let shown = Shown { seed, number, who, summary: action.summary() };
            let accepted = history.turn(who, &action, number.is_multiple_of(THOROUGH), invariants);
            let (sent, taken) = history.tally.entry((step, action.name())).or_default();
            *sent += 1;
            *taken += u64::from(accepted);
            std::mem::forget(shown);
        }
        for invariant in invariants {
            invariant.end(&history.world);
        }
        history
    }
}

impl Turn<'_> {
    /// A record before the action.
    pub(crate) fn before(&self, key: &StateKey) -> Option<StateRecord> {
        match self.changed.iter().find(|(changed, ..)| changed == key) {
            Some((_, before, _)) => before.clone(),
            None => self.after(key),
        }
    }

    /// A record after the action.
    pub(crate) fn after(&self, key: &StateKey) -> Option<StateRecord> {
        let bytes = self.world.state.get(&key.encode())?;
        Some(StateRecord::decode(key, bytes).unwrap())
    }
}

/// An action of any step, each as often as in a whole history.
pub(crate) fn any(world: &World, dice: &mut Dice) -> (u8, Action) {
    let (_, _, generator) = drawn(STEPS, dice);
    generator(world, dice)
}

fn drawn(rows: &[Row], dice: &mut Dice) -> Row {
    let mut place = dice.below(rows.iter().map(|(_, often, _)| often).sum());
    let found = rows.iter().find(|(_, often, _)| {
        let found = place < *often;
        place = place.saturating_sub(*often);
        found
    });
    *found.expect("the place is below the sum")
}
