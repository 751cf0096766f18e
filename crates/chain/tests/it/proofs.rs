//! Proofs against a hostile world: any byte changed, another network, another key.

use std::sync::OnceLock;

use openledger_chain::{InclusionProof, NetworkIdentity, ProofError, ProveAt, Validator, verify_inclusion};
use proptest::prelude::*;

use crate::counter::{counter_key, genesis, runtime, start};

/// A proof from a real validator after a few hundred changes, so that the state has more than one chunk.
fn sample() -> &'static (NetworkIdentity, Vec<u8>) {
    static SAMPLE: OnceLock<(NetworkIdentity, Vec<u8>)> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a directory");
        runtime().block_on(async {
            let chain = start(dir.path()).await;
            let calls = (0..400).map(|nonce| chain.submit_and_wait(format!("add key{} {nonce}", nonce % 50)));
            for answer in futures::future::join_all(calls).await {
                assert_eq!(answer.expect("finalized").result, Ok(()));
            }
            let proof = chain.prove(&counter_key("key7"), ProveAt::Latest).await.expect("proves");
            let sample = (chain.identity().clone(), proof.to_bytes());
            chain.shutdown().await.expect("shuts down");
            sample
        })
    })
}

fn accepted(identity: &NetworkIdentity, bytes: &[u8]) -> bool {
    InclusionProof::from_bytes(bytes).is_ok_and(|proof| verify_inclusion(identity, &proof).is_ok())
}

#[test]
fn every_single_changed_byte_fails() {
    let (identity, bytes) = sample();
    assert!(accepted(identity, bytes));
    for index in 0..bytes.len() {
        for mask in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[index] ^= mask;
            assert!(!accepted(identity, &damaged), "byte {index} of {} with mask {mask:#x}", bytes.len());
        }
    }
}

#[test]
fn text_forms_come_back() {
    let (identity, bytes) = sample();
    let proof = InclusionProof::from_bytes(bytes).expect("decodes");
    assert_eq!(InclusionProof::from_hex(&proof.to_hex()), Ok(proof.clone()));
    let json = serde_json::to_string(&proof).expect("serialises");
    assert_eq!(serde_json::from_str::<InclusionProof>(&json).expect("parses"), proof);
    let verified = verify_inclusion(identity, &proof).expect("verifies");
    assert_eq!((verified.key, verified.value), (counter_key("key7"), b"8".to_vec()));
    assert!(bytes.len() < 2048, "a proof has {} bytes", bytes.len());
}

#[test]
fn another_network_is_refused() {
    let (identity, bytes) = sample();
    let proof = InclusionProof::from_bytes(bytes).expect("decodes");
    let key = Validator::from_seed(&[9; 32]);
    let other_chain = NetworkIdentity::new("test", 78, vec![key], &genesis());
    let other_validator = NetworkIdentity::new("test", 77, vec![Validator::from_seed(&[8; 32])], &genesis());
    let mut more_validators = identity.clone();
    more_validators.validators.extend((1..4).map(|n| Validator::from_seed(&[n; 32])));
    for other in [other_chain, other_validator, more_validators] {
        assert!(matches!(verify_inclusion(&other, &proof), Err(ProofError::NotFinalized { .. })));
    }
    let mut nobody = identity.clone();
    nobody.validators.clear();
    assert!(matches!(verify_inclusion(&nobody, &proof), Err(ProofError::Identity(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_damage_fails(changes in prop::collection::vec((any::<prop::sample::Index>(), 1u8..), 1..4)) {
        let (identity, bytes) = sample();
        let mut damaged = bytes.clone();
        for (index, mask) in changes {
            damaged[index.index(bytes.len())] ^= mask;
        }
        prop_assert!(damaged == *bytes || !accepted(identity, &damaged));
    }

    #[test]
    fn cut_and_extended_proofs_fail(cut in 0usize..2000, tail in prop::collection::vec(any::<u8>(), 1..9)) {
        let (identity, bytes) = sample();
        prop_assert!(!accepted(identity, &bytes[..cut.min(bytes.len() - 1)]));
        prop_assert!(!accepted(identity, &[bytes.as_slice(), &tail].concat()));
    }

    #[test]
    fn noise_is_refused_without_panic(noise in prop::collection::vec(any::<u8>(), 0..4096)) {
        let (identity, _) = sample();
        prop_assert!(!accepted(identity, &noise));
    }
}
