//! Limits of the mempool and of blocks, over a running validator.

use std::sync::Arc;
use std::time::Duration;

use openledger_chain::limits::{BLOCK_TRANSACTION_BYTES_MAX, TRANSACTION_BYTES_MAX};
use openledger_chain::{Chain, MempoolLimits, SubmitError};

use crate::counter::{Counter, config, runtime, start};

#[test]
fn transactions_that_are_not_taken_are_told_why() {
    let dir = tempfile::tempdir().expect("a directory");
    runtime().block_on(async {
        let chain = start(dir.path()).await;
        assert_eq!(chain.submit("").await, Err(SubmitError::Empty));
        let bytes = TRANSACTION_BYTES_MAX + 1;
        assert_eq!(chain.submit(vec![b'x'; bytes]).await, Err(SubmitError::TooLarge { bytes }));
        assert_eq!(chain.submit("refuse").await, Err(SubmitError::Rejected { number: 11, output: vec![] }));
        let largest = chain.submit_and_wait(vec![b'x'; TRANSACTION_BYTES_MAX]).await.expect("finalized");
        assert_eq!(largest.result, Err(3));
        chain.shutdown().await.expect("shuts down");
    });
}

#[test]
fn a_full_mempool_refuses_and_recovers() {
    let dir = tempfile::tempdir().expect("a directory");
    runtime().block_on(async {
        let mut config = config(dir.path());
        config.mempool = MempoolLimits { transactions_max: 2, bytes_max: 1 << 20 };
        // Nothing is proposed for a while, so the mempool fills.
        config.min_interval = Duration::from_secs(2);
        let chain = Chain::start(config, Arc::new(Counter)).await.expect("starts");
        let first = chain.submit_and_wait("add k first");
        first.await.expect("finalized");
        chain.submit("add k a").await.expect("taken");
        chain.submit("add k b").await.expect("taken");
        assert_eq!(
            chain.submit("add k b").await.expect("known"),
            openledger_chain::transaction_hash(b"add k b")
        );
        assert!(matches!(
            chain.submit("add k c").await,
            Err(SubmitError::MempoolFull { transactions: 2, .. })
        ));
        chain.submit_and_wait("add k b").await.expect("finalized");
        chain.submit_and_wait("add k c").await.expect("finalized");
        chain.shutdown().await.expect("shuts down");
    });
}

#[test]
fn blocks_hold_no_more_than_the_limit() {
    let dir = tempfile::tempdir().expect("a directory");
    runtime().block_on(async {
        let mut config = config(dir.path());
        config.min_interval = Duration::from_millis(500);
        let chain = Chain::start(config, Arc::new(Counter)).await.expect("starts");
        chain.submit_and_wait("add k first").await.expect("finalized");
        let large = |n: usize| [format!("put big{n} ").into_bytes(), vec![b'x'; 1 << 19]].concat();
        let all = futures::future::join_all((0..12).map(|n| chain.submit_and_wait(large(n)))).await;
        let heights: std::collections::BTreeSet<u64> =
            all.iter().map(|one| one.as_ref().expect("finalized").height).collect();
        assert!(heights.len() >= 2, "12 half-MiB transactions need two blocks: {heights:?}");
        for height in heights {
            let block = chain.block(height).await.expect("answers").expect("stored");
            let bytes: usize = block.transactions.iter().map(|transaction| transaction.len()).sum();
            assert!(bytes <= BLOCK_TRANSACTION_BYTES_MAX);
        }
        chain.shutdown().await.expect("shuts down");
    });
}
