//! Runs the pure rules over a state that is read asynchronously: load on miss, run again.
//!
//! Rule: everything read or written in the block is kept in one overlay, so a transaction sees those before it, and
//! the result depends only on the parent state and the order. A rule that breaks a limit is a rejected transaction
//! with a number of the chain, the same on every validator.
//! Absent: the store itself ([`crate::state`]) and the choice of transactions ([`crate::validator::application`]).

use std::collections::BTreeMap;
use std::future::Future;

use bytes::Bytes;

use crate::block::Executed;
use crate::limits::{
    CHANGED_KEYS_MAX, LOAD_ROUNDS_MAX, LOADED_KEYS_MAX, OUTPUT_BYTES_MAX, STATE_KEY_BYTES_MAX,
    STATE_VALUE_BYTES_MAX,
};
use crate::machine::{BlockContext, Loaded, Outcome, StateMachine, Step, rejection};

/// The parent state.
pub(crate) trait StateReader: Sync {
    /// The values of `keys`, in their order.
    fn read(&self, keys: &[Vec<u8>]) -> impl Future<Output = Vec<Option<Vec<u8>>>> + Send;
}

/// One block in execution.
pub(crate) struct Execution<'a> {
    machine: &'a dyn StateMachine,
    context: BlockContext,
    known: Loaded,
    written: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl<'a> Execution<'a> {
    pub(crate) fn new(machine: &'a dyn StateMachine, context: BlockContext) -> Self {
        Self { machine, context, known: BTreeMap::new(), written: BTreeMap::new() }
    }

    /// Writes the first state; block 1 begins with it.
    pub(crate) fn write_genesis(&mut self, genesis: &BTreeMap<Vec<u8>, Vec<u8>>) {
        self.apply(genesis.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect());
    }

    /// The block's own first step.
    pub(crate) async fn begin(&mut self, state: &impl StateReader) -> Executed {
        let (machine, context) = (self.machine, self.context);
        self.run(state, |known| machine.begin_block(&context, known)).await
    }

    /// One transaction.
    pub(crate) async fn transaction(&mut self, state: &impl StateReader, transaction: &[u8]) -> Executed {
        let (machine, context) = (self.machine, self.context);
        self.run(state, |known| machine.execute(transaction, &context, known)).await
    }

    /// What the block changes, in key order.
    pub(crate) fn into_changes(self) -> BTreeMap<Vec<u8>, Option<Vec<u8>>> {
        self.written
    }

    async fn run(&mut self, state: &impl StateReader, step: impl Fn(&Loaded) -> Step) -> Executed {
        match settle(&mut self.known, state, step)
            .await
            .and_then(|outcome| check_outcome(&outcome).map(|()| outcome))
        {
            Ok(outcome) => {
                self.apply(outcome.changes);
                Executed { result: outcome.result, output: Bytes::from(outcome.output) }
            }
            Err(number) => Executed { result: Err(number), output: Bytes::new() },
        }
    }

    fn apply(&mut self, changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>) {
        for (key, value) in changes {
            self.known.insert(key.clone(), value.clone());
            self.written.insert(key, value);
        }
    }
}

/// Calls `step` until it is done, loading what it asks for into `known`. `Err` is a rejection number of the chain.
pub(crate) async fn settle(
    known: &mut Loaded,
    state: &impl StateReader,
    step: impl Fn(&Loaded) -> Step,
) -> Result<Outcome, u16> {
    let mut asked = 0usize;
    for _ in 0..=LOAD_ROUNDS_MAX {
        let mut keys = match step(known) {
            Step::Done(outcome) => return Ok(outcome),
            Step::Load(keys) => keys,
        };
        asked = asked.saturating_add(keys.len());
        if asked > LOADED_KEYS_MAX {
            return Err(rejection::LOADED_KEYS);
        }
        keys.retain(|key| !known.contains_key(key));
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            return Err(rejection::LOAD_NOTHING);
        }
        if !keys.iter().all(|key| key_fits(key)) {
            return Err(rejection::KEY_SIZE);
        }
        let values = state.read(&keys).await;
        known.extend(keys.into_iter().zip(values));
    }
    Err(rejection::LOAD_ROUNDS)
}

fn key_fits(key: &[u8]) -> bool {
    !key.is_empty() && key.len() <= STATE_KEY_BYTES_MAX
}

fn check_outcome(outcome: &Outcome) -> Result<(), u16> {
    if outcome.result.is_err_and(|number| number >= rejection::FIRST) {
        return Err(rejection::NUMBER);
    }
    if outcome.output.len() > OUTPUT_BYTES_MAX {
        return Err(rejection::OUTPUT_SIZE);
    }
    if outcome.changes.len() > CHANGED_KEYS_MAX {
        return Err(rejection::CHANGED_KEYS);
    }
    for (key, value) in &outcome.changes {
        if !key_fits(key) {
            return Err(rejection::KEY_SIZE);
        }
        if value.as_ref().is_some_and(|value| value.len() > STATE_VALUE_BYTES_MAX) {
            return Err(rejection::VALUE_SIZE);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    struct Memory(BTreeMap<Vec<u8>, Vec<u8>>);

    impl StateReader for Memory {
        async fn read(&self, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
            keys.iter().map(|key| self.0.get(key).cloned()).collect()
        }
    }

    /// Interprets the first byte of a transaction as the misbehaviour to show.
    struct Misbehaving;

    impl StateMachine for Misbehaving {
        fn execute(&self, transaction: &[u8], _context: &BlockContext, loaded: &Loaded) -> Step {
            let mut outcome = Outcome::accepted();
            match transaction[0] {
                b'c' => {
                    // Adds one to a counter.
                    let key = b"counter".to_vec();
                    let Some(value) = loaded.get(&key) else { return Step::Load(vec![key]) };
                    let count = value.as_ref().map_or(0, |bytes| bytes[0]);
                    outcome.output = vec![count + 1];
                    outcome.changes.insert(key, Some(vec![count + 1]));
                }
                b'd' => drop(outcome.changes.insert(b"counter".to_vec(), None)),
                b'r' => {
                    outcome.result = Err(7);
                    outcome.changes.insert(b"nonce".to_vec(), Some(vec![1]));
                }
                b'f' => return Step::Load(vec![(loaded.len() as u64).to_be_bytes().to_vec()]),
                b'n' => return Step::Load(vec![]),
                b'm' => return Step::Load((0..=LOADED_KEYS_MAX).map(|n| n.to_be_bytes().to_vec()).collect()),
                b'k' => return Step::Load(vec![vec![0; STATE_KEY_BYTES_MAX + 1]]),
                b'K' => drop(outcome.changes.insert(vec![], Some(vec![]))),
                b'v' => drop(outcome.changes.insert(vec![1], Some(vec![0; STATE_VALUE_BYTES_MAX + 1]))),
                b'V' => drop(outcome.changes.insert(vec![1], Some(vec![0; STATE_VALUE_BYTES_MAX]))),
                b'o' => outcome.output = vec![0; OUTPUT_BYTES_MAX + 1],
                b'x' => outcome.result = Err(rejection::FIRST),
                other => unreachable!("{other}"),
            }
            Step::Done(outcome)
        }
    }

    fn run(transactions: &[u8]) -> (Vec<Executed>, BTreeMap<Vec<u8>, Option<Vec<u8>>>) {
        let state = Memory(BTreeMap::from([(b"counter".to_vec(), vec![40])]));
        let context = BlockContext { height: 2, timestamp_ms: 1, chain_id: 1, randomness: [0; 32] };
        let mut execution = Execution::new(&Misbehaving, context);
        let executed =
            transactions.iter().map(|one| block_on(execution.transaction(&state, &[*one]))).collect();
        (executed, execution.into_changes())
    }

    #[test]
    fn a_transaction_sees_those_before_it() {
        let (executed, changes) = run(b"ccdc");
        let outputs: Vec<&[u8]> = executed.iter().map(|one| one.output.as_ref()).collect();
        assert_eq!(outputs, [&[41][..], &[42], &[], &[1]]);
        assert_eq!(changes, BTreeMap::from([(b"counter".to_vec(), Some(vec![1]))]));
    }

    #[test]
    fn a_rejected_transaction_keeps_its_number_and_its_changes() {
        let (executed, changes) = run(b"r");
        assert_eq!(executed[0].result, Err(7));
        assert_eq!(changes.len(), 1);
    }

    #[test]
    fn rules_that_break_a_limit_are_rejected_with_a_number_of_the_chain() {
        let table = [
            (b'f', rejection::LOAD_ROUNDS),
            (b'n', rejection::LOAD_NOTHING),
            (b'm', rejection::LOADED_KEYS),
            (b'k', rejection::KEY_SIZE),
            (b'K', rejection::KEY_SIZE),
            (b'v', rejection::VALUE_SIZE),
            (b'o', rejection::OUTPUT_SIZE),
            (b'x', rejection::NUMBER),
        ];
        for (transaction, number) in table {
            let (executed, changes) = run(&[transaction]);
            assert_eq!(executed[0], Executed { result: Err(number), output: Bytes::new() });
            assert!(changes.is_empty());
            assert!(rejection::describe(number).is_some());
        }
        assert_eq!(run(b"V").0[0].result, Ok(()));
    }
}
