//! A small replicated state machine in plain text, and helpers to run it.
//!
//! `add KEY NONCE` adds one to a counter and remembers the nonce, `put KEY VALUE` writes, `del KEY` deletes,
//! `fail NUMBER` is rejected with that number, `refuse` is rejected by the mempool check already.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use openledger_chain::{BlockContext, Chain, ChainConfig, Loaded, Outcome, StateMachine, Step};

pub(crate) struct Counter;

impl StateMachine for Counter {
    fn check(&self, transaction: &[u8], _context: &BlockContext, loaded: &Loaded) -> Step {
        // Reads one key, so that the loading of checks is exercised.
        if !loaded.contains_key(b"greeting".as_slice()) {
            return Step::Load(vec![b"greeting".to_vec()]);
        }
        Step::Done(if transaction == b"refuse" { Outcome::rejected(11) } else { Outcome::accepted() })
    }

    fn begin_block(&self, context: &BlockContext, loaded: &Loaded) -> Step {
        if !loaded.contains_key(b"blocks".as_slice()) {
            return Step::Load(vec![b"blocks".to_vec()]);
        }
        let mut outcome = Outcome::accepted();
        outcome.changes.insert(b"blocks".to_vec(), Some(context.height.to_string().into_bytes()));
        outcome.changes.insert(b"randomness".to_vec(), Some(context.randomness.to_vec()));
        Step::Done(outcome)
    }

    fn execute(&self, transaction: &[u8], _context: &BlockContext, loaded: &Loaded) -> Step {
        let text = String::from_utf8_lossy(transaction);
        let words: Vec<&str> = text.splitn(3, ' ').collect();
        let mut outcome = Outcome::accepted();
        match words.as_slice() {
            ["add", key, nonce] => {
                let (counter, used) = (counter_key(key), nonce_key(nonce));
                let (Some(value), Some(seen)) = (loaded.get(&counter), loaded.get(&used)) else {
                    return Step::Load(vec![counter, used]);
                };
                if seen.is_some() {
                    return Step::Done(Outcome::rejected(2));
                }
                let count = value.as_ref().map_or(0, |bytes| parse(bytes)) + 1;
                outcome.output = count.to_string().into_bytes();
                outcome.changes.insert(counter, Some(outcome.output.clone()));
                outcome.changes.insert(used, Some(outcome.output.clone()));
            }
            ["put", key, value] => {
                drop(outcome.changes.insert(key.as_bytes().to_vec(), Some(value.as_bytes().to_vec())));
            }
            ["del", key] => drop(outcome.changes.insert(key.as_bytes().to_vec(), None)),
            ["fail", number] => return Step::Done(Outcome::rejected(number.parse().unwrap_or(1))),
            _ => return Step::Done(Outcome::rejected(3)),
        }
        Step::Done(outcome)
    }
}

pub(crate) fn counter_key(key: &str) -> Vec<u8> {
    format!("counter/{key}").into_bytes()
}

pub(crate) fn nonce_key(nonce: &str) -> Vec<u8> {
    format!("nonce/{nonce}").into_bytes()
}

pub(crate) fn parse(bytes: &[u8]) -> u64 {
    std::str::from_utf8(bytes).expect("text").parse().expect("a number")
}

pub(crate) fn genesis() -> BTreeMap<Vec<u8>, Vec<u8>> {
    BTreeMap::from([(b"greeting".to_vec(), b"hello".to_vec()), (counter_key("first"), b"100".to_vec())])
}

pub(crate) fn config(dir: &Path) -> ChainConfig {
    let mut config = ChainConfig::single(dir, "test", 77, [9; 32], genesis());
    config.idle_interval = Duration::from_millis(500);
    config
}

pub(crate) async fn start(dir: &Path) -> Chain {
    Chain::start(config(dir), Arc::new(Counter)).await.expect("starts")
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}
