//! Feeds the read models: every finalized block from height 1, translated into facts.
//!
//! Absent: storage; at every start the models are rebuilt from the chain.

use std::sync::Arc;

use anyhow::{Context, Result};
use openledger_chain::{Chain, FinalizedBlock};
use openledger_query::{BlockFacts, ReadModels, TransactionFacts};
use openledger_types::{Hash, Rejection, SignedTransaction, keys};

use super::machine::decode_events;

/// Applies blocks until the chain stops.
pub async fn follow(chain: Chain, models: Arc<ReadModels>) -> Result<()> {
    let mut blocks = chain.subscribe(models.height() + 1);
    loop {
        let block = blocks.next().await.context("the chain stopped")?;
        let height = block.height;
        models
            .apply(facts(&block))
            .with_context(|| format!("block {height} does not fit the read models"))?;
    }
}

fn facts(block: &FinalizedBlock) -> BlockFacts {
    let transactions = block.transactions.iter().zip(&block.outcomes).map(|(bytes, outcome)| {
        let events = decode_events(&outcome.output);
        let result = outcome.result.map_err(|number| {
            // Numbers of the chain's own limits are not the ledger's; to a reader they are malformed transactions.
            Rejection::from_number(number).unwrap_or(Rejection::TransactionMalformed)
        });
        let hash = keys::keccak(bytes);
        match SignedTransaction::decode(bytes) {
            Ok(signed) => {
                let inner = &signed.transaction;
                TransactionFacts::of(hash, signed.sender, inner.nonce, &inner.action, result, events)
            }
            Err(_) => TransactionFacts {
                hash,
                sender: None,
                nonce: 0,
                name: "Malformed".into(),
                summary: "Bytes that are no transaction".into(),
                result,
                events,
            },
        }
    });
    BlockFacts {
        height: block.height,
        digest: Hash(block.digest.0),
        parent: Hash(block.parent.0),
        timestamp_ms: block.timestamp_ms,
        state_root: Hash(block.state_root.0),
        begin_events: decode_events(&block.begin.output),
        transactions: transactions.collect(),
    }
}
