//! The ledger's rules as the chain's state machine: bytes in, changes and encoded events out.
//!
//! Absent: any rule of its own.

use openledger_chain::{BlockContext, Loaded, Outcome, StateMachine, Step};
use openledger_types::{Event, Hash, Rejection, SignedTransaction, codec};

/// Bytes of one transaction's encoded events, at most (the chain's own limit).
const EVENTS_BYTES_MAX: usize = 256 * 1024;

/// Transactions of one account that may wait for a block.
const NONCES_AHEAD_MAX: u64 = 64;

/// The ledger on the chain.
pub struct LedgerMachine;

impl StateMachine for LedgerMachine {
    /// What surely costs its place in a block for nothing is refused before it takes one; the rules check everything again.
    fn check(&self, transaction: &[u8], context: &BlockContext, loaded: &Loaded) -> Step {
        let signed = match SignedTransaction::decode(transaction) {
            Err(_) => return refused(Rejection::TransactionMalformed),
            Ok(signed) if signed.transaction.chain_id != context.chain_id => {
                return refused(Rejection::ChainIdWrong);
            }
            Ok(signed) if signed.verify().is_err() => return refused(Rejection::SignatureInvalid),
            Ok(signed) => signed,
        };
        let key = openledger_ledger::nonce_key(&signed);
        let Some(record) = loaded.get(&key) else { return Step::Load(vec![key]) };
        let next = match openledger_ledger::next_nonce(&signed, record.as_deref()) {
            Ok(next) => next,
            Err(rejection) => return refused(rejection),
        };
        match signed.transaction.nonce.checked_sub(next) {
            None => refused(Rejection::NonceUsed),
            Some(ahead) if ahead > NONCES_AHEAD_MAX => refused(Rejection::NonceAhead),
            Some(_) => Step::Done(Outcome::accepted()),
        }
    }

    fn begin_block(&self, context: &BlockContext, loaded: &Loaded) -> Step {
        step(openledger_ledger::begin_block(&ledger_context(context), loaded))
    }

    fn execute(&self, transaction: &[u8], context: &BlockContext, loaded: &Loaded) -> Step {
        step(openledger_ledger::execute(transaction, &ledger_context(context), loaded))
    }
}

fn step(step: openledger_ledger::Step) -> Step {
    match step {
        openledger_ledger::Step::Load(keys) => Step::Load(keys),
        openledger_ledger::Step::Done(outcome) => Step::Done(translate(outcome)),
    }
}

fn refused(rejection: Rejection) -> Step {
    let mut outcome = Outcome::accepted();
    outcome.result = Err(rejection.number());
    Step::Done(outcome)
}

fn ledger_context(context: &BlockContext) -> openledger_ledger::BlockContext {
    openledger_ledger::BlockContext {
        height: context.height,
        timestamp_ms: context.timestamp_ms,
        randomness: Hash(context.randomness),
    }
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

#[cfg(test)]
mod tests {
    use openledger_types::record::AccountRecord;
    use openledger_types::{AccountSecret, Action, Amount, Asset, Transaction};

    use super::*;

    fn checked(nonce: u64, held: u64) -> Result<(), u16> {
        let secret = AccountSecret::from_bytes([7; 32]).unwrap();
        let action = Action::Transfer { to: secret.account(), asset: Asset::Credit, amount: Amount(1) };
        let bytes = Transaction { chain_id: 5, nonce, action }.sign(&secret).encode();
        let context = BlockContext { height: 2, timestamp_ms: 3, chain_id: 5, randomness: [0; 32] };
        let Step::Load(keys) = LedgerMachine.check(&bytes, &context, &Loaded::new()) else {
            unreachable!("the account is needed")
        };
        let record = AccountRecord { nonce: held, ..AccountRecord::default() };
        let loaded = Loaded::from([(keys[0].clone(), Some(codec::encode(&record)))]);
        match LedgerMachine.check(&bytes, &context, &loaded) {
            Step::Done(outcome) => outcome.result,
            Step::Load(_) => unreachable!("everything is loaded"),
        }
    }

    #[test]
    fn a_used_or_far_nonce_takes_no_place() {
        assert_eq!(checked(3, 3), Ok(()));
        assert_eq!(checked(3 + NONCES_AHEAD_MAX, 3), Ok(()));
        assert_eq!(checked(2, 3), Err(Rejection::NonceUsed.number()));
        assert_eq!(checked(4 + NONCES_AHEAD_MAX, 3), Err(Rejection::NonceAhead.number()));
    }
}
