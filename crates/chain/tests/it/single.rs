//! One validator: the life of a transaction, restart, subscription, refusals.

use std::sync::Arc;

use openledger_chain::{
    BlockContext, Chain, ChainConfig, ChainError, Loaded, NetworkIdentity, ProveAt, StartError, StateMachine,
    Step, SubmitError, Validator, transaction_hash, verify_inclusion,
};

use crate::counter::{Counter, config, counter_key, genesis, runtime, start};

#[test]
fn submit_finalize_get_prove() {
    let dir = tempfile::tempdir().expect("a directory");
    runtime().block_on(async {
        let chain = start(dir.path()).await;
        assert_eq!(
            chain.get(b"greeting").await.expect("answers").value.as_deref(),
            Some(b"hello".as_slice())
        );

        let finalized = chain.submit_and_wait("add first a").await.expect("finalized");
        assert_eq!((finalized.result, finalized.output.as_ref()), (Ok(()), b"101".as_slice()));
        assert_eq!(finalized.hash, transaction_hash(b"add first a"));
        let rejected = chain.submit_and_wait("fail 7").await.expect("finalized");
        assert_eq!(rejected.result, Err(7));

        let value = chain.get(&counter_key("first")).await.expect("answers");
        assert_eq!(value.value.as_deref(), Some(b"101".as_slice()));
        assert!(value.height >= rejected.height);

        let proof =
            chain.prove(&counter_key("first"), ProveAt::AtLeast(finalized.height)).await.expect("proves");
        let verified = verify_inclusion(chain.identity(), &proof).expect("verifies");
        assert_eq!((verified.key, verified.value), (counter_key("first"), b"101".to_vec()));
        let block = chain.block(verified.height).await.expect("answers").expect("stored");
        assert_eq!((block.digest, block.state_root), (verified.block_digest, verified.state_root));
        assert!(matches!(chain.prove(b"nothing", ProveAt::Latest).await, Err(ChainError::KeyAbsent { .. })));
        chain.shutdown().await.expect("shuts down");
        assert_eq!(chain.stopped().await, ChainError::ShutDown);
        assert_eq!(chain.get(b"greeting").await, Err(ChainError::ShutDown));
        assert_eq!(chain.submit("x").await, Err(SubmitError::Stopped(ChainError::ShutDown)));
    });
}

#[test]
fn a_restart_keeps_blocks_state_and_roots() {
    let dir = tempfile::tempdir().expect("a directory");
    runtime().block_on(async {
        let chain = start(dir.path()).await;
        let mut last = 0;
        for nonce in 0..20 {
            last = chain.submit_and_wait(format!("add first {nonce}")).await.expect("finalized").height;
        }
        let before = chain.block(last).await.expect("answers").expect("stored");
        chain.shutdown().await.expect("shuts down");

        let chain = start(dir.path()).await;
        assert!(chain.tip().height >= last);
        assert_eq!(chain.block(last).await.expect("answers"), Some(before));
        let value = chain.get(&counter_key("first")).await.expect("answers").value;
        assert_eq!(value.as_deref(), Some(b"120".as_slice()));
        // A transaction that is final is recognised after the restart and not ordered again.
        let again = chain.submit_and_wait("add first 19").await.expect("finalized");
        assert_eq!((again.height, again.output.as_ref()), (last, b"120".as_slice()));
        // And the chain goes on.
        let next = chain.submit_and_wait("add first next").await.expect("finalized");
        assert_eq!(next.output.as_ref(), b"121");
        assert!(next.height > last);
        chain.shutdown().await.expect("shuts down");
    });
}

#[test]
fn a_subscription_replays_every_block_in_order() {
    let dir = tempfile::tempdir().expect("a directory");
    runtime().block_on(async {
        let chain = start(dir.path()).await;
        for nonce in 0..5 {
            chain.submit_and_wait(format!("add first {nonce}")).await.expect("finalized");
        }
        let mut live = chain.subscribe(0);
        let mut parent = chain.block(0).await.expect("answers").expect("genesis").digest;
        let (mut seen, mut height, mut timestamp_ms) = (Vec::new(), 0, 0);
        while seen.len() < 6 {
            if seen.len() == 5 {
                chain.submit("add first live").await.expect("taken");
            }
            let block = live.next().await.expect("a block");
            assert_eq!((block.height, block.parent), (height + 1, parent));
            assert!(block.timestamp_ms > timestamp_ms);
            assert_eq!(block.transactions.len(), block.outcomes.len());
            (height, parent, timestamp_ms) = (block.height, block.digest, block.timestamp_ms);
            seen.extend(block.outcomes.iter().map(|outcome| outcome.output.clone()));
        }
        assert_eq!(seen, ["101", "102", "103", "104", "105", "106"]);
        chain.shutdown().await.expect("shuts down");
        assert_eq!(live.next().await, Err(ChainError::ShutDown));
    });
}

#[test]
fn concurrent_callers_get_the_same_answer() {
    let dir = tempfile::tempdir().expect("a directory");
    runtime().block_on(async {
        let chain = start(dir.path()).await;
        let calls = (0..8).map(|_| chain.submit_and_wait("add first same"));
        let answers = futures::future::join_all(calls).await;
        let first = answers[0].clone().expect("finalized");
        assert!(answers.iter().all(|answer| answer.as_ref() == Ok(&first)));
        assert_eq!(
            chain.get(&counter_key("first")).await.expect("answers").value.as_deref(),
            Some(b"101".as_slice())
        );
        chain.shutdown().await.expect("shuts down");
    });
}

#[test]
fn the_identity_is_deterministic_and_covers_the_first_state() {
    let config = |genesis| ChainConfig::single("unused", "test", 77, [9; 32], genesis).identity;
    let identity = config(genesis());
    assert_eq!(identity, config(genesis()));
    // A promise to everyone who has written the identity down.
    assert_eq!(
        identity.genesis_hash.to_string(),
        "a314b5cfbef3e39d5ac050925b89015cb7c27c1d4a67a61339721730f5476236"
    );
    assert_eq!(NetworkIdentity::from_json(&identity.to_json()), Ok(identity.clone()));
    let mut other = genesis();
    other.insert(b"more".to_vec(), vec![]);
    assert_ne!(identity.genesis_hash, config(other).genesis_hash);
}

#[test]
fn wrong_configurations_are_named() {
    let dir = tempfile::tempdir().expect("a directory");
    runtime().block_on(async {
        let start = |config| Chain::start(config, Arc::new(Counter));
        let mut wrong = config(dir.path());
        wrong.genesis.insert(b"x".to_vec(), vec![1]);
        assert!(matches!(start(wrong).await, Err(StartError::GenesisMismatch { .. })));
        let mut wrong = config(dir.path());
        wrong.validator_seed = [1; 32];
        assert!(matches!(start(wrong).await, Err(StartError::NotAValidator { .. })));
        let mut wrong = config(dir.path());
        wrong.identity.validators.push(Validator::from_seed(&[1; 32]));
        assert!(matches!(start(wrong).await, Err(StartError::GenesisMismatch { .. })));
        let mut wrong = config(dir.path());
        wrong.idle_interval = std::time::Duration::ZERO;
        assert!(matches!(start(wrong).await, Err(StartError::Configuration { .. })));

        let chain = start(config(dir.path())).await.expect("starts");
        assert!(matches!(start(config(dir.path())).await, Err(StartError::AlreadyRunning { .. })));
        chain.shutdown().await.expect("shuts down");
        let other = ChainConfig::single(dir.path(), "other", 78, [9; 32], genesis());
        assert!(matches!(start(other).await, Err(StartError::AnotherNetwork { .. })));
    });
}

#[test]
fn a_damaged_directory_is_an_error_and_not_a_panic() {
    let dir = tempfile::tempdir().expect("a directory");
    runtime().block_on(async {
        let chain = start(dir.path()).await;
        for nonce in 0..3 {
            chain.submit_and_wait(format!("add first {nonce}")).await.expect("finalized");
        }
        chain.shutdown().await.expect("shuts down");
        // The state is gone, the blocks and their progress are not.
        for entry in std::fs::read_dir(dir.path().join("engine")).expect("readable") {
            let entry = entry.expect("readable");
            if entry.file_name().to_string_lossy().starts_with("state-") {
                std::fs::remove_dir_all(entry.path()).expect("removed");
            }
        }
        let error = Chain::start(config(dir.path()), Arc::new(Counter)).await.expect_err("damaged");
        assert!(matches!(error, StartError::Damaged { .. }), "{error:?}");
    });
}

/// With an idle interval of minutes, a validator makes the first block and one for each transaction that comes alone.
#[test]
fn a_quiet_chain_makes_no_blocks() {
    let dir = tempfile::tempdir().expect("a directory");
    runtime().block_on(async {
        let mut config = config(dir.path());
        config.idle_interval = openledger_chain::config::IDLE_INTERVAL_MAX;
        let chain = Chain::start(config, Arc::new(Counter)).await.expect("starts");
        for nonce in 0..30 {
            let finalized = chain.submit_and_wait(format!("add first {nonce}")).await.expect("finalized");
            assert!(finalized.height <= nonce + 2, "transaction {nonce} in block {}", finalized.height);
        }
        assert!(chain.tip().height <= 31);
        chain.shutdown().await.expect("shuts down");
    });
}

/// Rules that panic stop the validator; everybody who waits is told why, and the directory is not harmed.
#[test]
fn a_panic_of_the_rules_halts_the_chain_with_its_reason() {
    struct Panicking;

    impl StateMachine for Panicking {
        fn begin_block(&self, context: &BlockContext, loaded: &Loaded) -> Step {
            Counter.begin_block(context, loaded)
        }

        fn execute(&self, transaction: &[u8], context: &BlockContext, loaded: &Loaded) -> Step {
            assert_ne!(transaction, b"add first fatal", "the rules met {transaction:?}");
            Counter.execute(transaction, context, loaded)
        }
    }

    let dir = tempfile::tempdir().expect("a directory");
    runtime().block_on(async {
        let chain = Chain::start(config(dir.path()), Arc::new(Panicking)).await.expect("starts");
        chain.submit_and_wait("add first before").await.expect("finalized");
        let error = chain.submit_and_wait("add first fatal").await.expect_err("halts");
        let SubmitError::Stopped(ChainError::Halted(reason)) = error else { unreachable!("{error:?}") };
        assert!(reason.contains("the rules met"), "{reason}");
        assert!(matches!(chain.stopped().await, ChainError::Halted(_)));
        assert!(matches!(chain.get(b"greeting").await, Err(ChainError::Halted(_))));
        assert!(matches!(chain.shutdown().await, Err(ChainError::Halted(_))));
        drop(chain);

        let chain = start(dir.path()).await;
        let after = chain.submit_and_wait("add first fatal").await.expect("finalized");
        assert_eq!(after.output.as_ref(), b"102");
        chain.shutdown().await.expect("shuts down");
    });
}

#[test]
fn dropping_the_last_handle_frees_the_directory() {
    let dir = tempfile::tempdir().expect("a directory");
    runtime().block_on(async {
        let chain = start(dir.path()).await;
        let mut reader = chain.subscribe(1);
        drop(chain);
        // A subscription is a handle too.
        reader.next().await.expect("the first block");
        drop(reader);
        loop {
            match Chain::start(config(dir.path()), Arc::new(Counter)).await {
                Err(StartError::AlreadyRunning { .. }) => {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await
                }
                other => break other.expect("starts").shutdown().await.expect("shuts down"),
            }
        }
    });
}
