//! Four validators over loopback TCP: agreement, one down, one that comes back.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use openledger_chain::{
    Chain, ChainConfig, MempoolLimits, NetworkConfig, NetworkIdentity, ProveAt, Validator, ValidatorKey,
    verify_inclusion,
};

use crate::counter::{Counter, counter_key, genesis, runtime};

fn seed(index: usize) -> [u8; 32] {
    [100 + index as u8; 32]
}

fn configs(dir: &Path, count: usize) -> Vec<ChainConfig> {
    let validators: Vec<Validator> = (0..count).map(|index| Validator::from_seed(&seed(index))).collect();
    let keys: Vec<ValidatorKey> = validators.iter().map(|validator| validator.key).collect();
    let identity = NetworkIdentity::new("four", 4, validators, &genesis());
    // Free ports: all are held together, so they differ.
    let held: Vec<TcpListener> =
        keys.iter().map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    let addresses: Vec<SocketAddr> = held.iter().map(|one| one.local_addr().expect("an address")).collect();
    let peers: BTreeMap<ValidatorKey, SocketAddr> = keys.into_iter().zip(addresses.iter().copied()).collect();
    (0..count)
        .map(|index| ChainConfig {
            dir: dir.join(index.to_string()),
            identity: identity.clone(),
            validator_seed: seed(index),
            genesis: genesis(),
            idle_interval: Duration::from_millis(300),
            min_interval: Duration::from_millis(5),
            mempool: MempoolLimits::default(),
            network: Some(NetworkConfig { listen: addresses[index], peers: peers.clone() }),
        })
        .collect()
}

async fn start(config: &ChainConfig) -> Chain {
    Chain::start(config.clone(), Arc::new(Counter)).await.expect("starts")
}

/// Every chain has the same blocks up to `height`.
async fn assert_agreement(chains: &[&Chain], height: u64) {
    for height in 1..=height {
        let mut blocks = Vec::new();
        for chain in chains {
            chain.wait_for_height(height).await.expect("reaches");
            blocks.push(chain.block(height).await.expect("answers").expect("stored"));
        }
        assert!(blocks.windows(2).all(|pair| pair[0] == pair[1]), "height {height}");
    }
}

#[test]
fn four_agree_and_three_go_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let configs = configs(dir.path(), 4);
    runtime().block_on(async {
        let mut chains = futures::future::join_all(configs.iter().map(start)).await;
        let calls = (0..40).map(|nonce| chains[nonce % 4].submit_and_wait(format!("add shared {nonce}")));
        let mut outputs: Vec<u64> = futures::future::join_all(calls)
            .await
            .into_iter()
            .map(|answer| crate::counter::parse(&answer.expect("finalized").output))
            .collect();
        outputs.sort_unstable();
        assert_eq!(outputs, (1..=40).collect::<Vec<u64>>(), "each counted once");
        let height = chains[0].tip().height;
        assert_agreement(&chains.iter().collect::<Vec<_>>(), height).await;

        // A proof of one validator convinces whoever knows the network.
        let proof = chains[2].prove(&counter_key("shared"), ProveAt::AtLeast(height)).await.expect("proves");
        let verified = verify_inclusion(chains[1].identity(), &proof).expect("verifies");
        assert_eq!(verified.value, b"40");

        // One goes; three are enough.
        let gone = chains.remove(3);
        gone.shutdown().await.expect("shuts down");
        drop(gone);
        for nonce in 40..46 {
            let answer =
                chains[nonce % 3].submit_and_wait(format!("add shared {nonce}")).await.expect("finalized");
            assert_eq!(answer.output, (nonce + 1).to_string());
        }
        let height = chains[0].tip().height;

        // It comes back and fetches what it missed.
        chains.push(start(&configs[3]).await);
        assert_agreement(&chains.iter().collect::<Vec<_>>(), height).await;
        let value = chains[3].get(&counter_key("shared")).await.expect("answers").value;
        assert_eq!(value.as_deref(), Some(b"46".as_slice()));
        for chain in &chains {
            chain.shutdown().await.expect("shuts down");
        }
    });
}
