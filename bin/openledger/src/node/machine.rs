//! The ledger's rules as the chain's state machine: bytes in, changes and encoded events out.
//!
//! Absent: any rule of its own.

use openledger_chain::{BlockContext, Loaded, Outcome, StateMachine, Step};
use openledger_types::{Event, Rejection, SignedTransaction, codec};

/// Bytes of one transaction's encoded events, at most (the chain's own limit).
const EVENTS_BYTES_MAX: usize = 256 * 1024;

/// The ledger on the chain.
pub struct LedgerMachine;

impl StateMachine for LedgerMachine {
    fn check(&self, transaction: &[u8], context: &BlockContext, _loaded: &Loaded) -> Step {
        // What needs no state is refused before it takes a place in a block; the rules check it again.
        let refused = match SignedTransaction::decode(transaction) {
            Err(_) => Some(Rejection::TransactionMalformed),
            Ok(signed) if signed.transaction.chain_id != context.chain_id => Some(Rejection::ChainIdWrong),
            Ok(signed) => signed.verify().err().map(|_| Rejection::SignatureInvalid),
        };
        let mut outcome = Outcome::accepted();
        if let Some(rejection) = refused {
            outcome.result = Err(rejection.number());
        }
        Step::Done(outcome)
    }

    fn execute(&self, transaction: &[u8], context: &BlockContext, loaded: &Loaded) -> Step {
        let context = ledger_context(context);
        match openledger_ledger::execute(transaction, &context, loaded) {
            openledger_ledger::Step::Load(keys) => Step::Load(keys),
            openledger_ledger::Step::Done(outcome) => Step::Done(translate(outcome)),
        }
    }
}

fn ledger_context(context: &BlockContext) -> openledger_ledger::BlockContext {
    openledger_ledger::BlockContext { height: context.height, timestamp_ms: context.timestamp_ms }
}

fn translate(outcome: openledger_ledger::Outcome) -> Outcome {
    Outcome {
        result: outcome.result.map_err(Rejection::number),
        output: codec::encode(&outcome.events),
        changes: outcome.changes,
    }
}

/// The events of a finalized transaction.
pub fn decode_events(output: &[u8]) -> Vec<Event> {
    if output.is_empty() {
        return Vec::new();
    }
    codec::decode("events", output, EVENTS_BYTES_MAX).expect("the ledger wrote these events")
}
