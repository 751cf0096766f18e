//! Files of every shape verify, and no byte of any of them can be replaced.

use super::world::{World, check_proof, failures, network, read_material, verified};
use crate::*;

#[test]
fn every_shape_verifies_and_only_included_ones_are_settled() {
    let world = World::new();
    for (opened, settled) in [(false, false), (true, false), (false, true), (true, true)] {
        let report = verified(&world.file(opened, settled));
        assert_eq!(failures(&report), Vec::<&str>::new(), "{:?}", report.checks);
        assert_eq!((report.ok, report.settled), (true, settled));
        assert_eq!(report.checks.len(), 14);
        let detail = |name: &str| &report.checks.iter().find(|check| check.name == name).unwrap().detail;
        assert_eq!(detail("texts").starts_with("not opened"), !opened);
        assert_eq!(
            detail("signatures").contains("keys not proven: the receipt is not settled yet"),
            !settled
        );
        assert_eq!(detail("inclusion in the batch").starts_with("not settled yet"), !settled);
        assert_eq!(report.money_trail[0].starts_with("Not settled yet"), !settled);
        assert_eq!(report.notice, "A receipt proves provenance and payment, not truth.");
    }
}

/// A generator with a fixed seed (Steele, Lea and Flood, SplitMix64), so that a failure can be repeated.
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        value ^ (value >> 31)
    }
}

fn every_byte_counts(opened: bool, settled: bool, seed: u64) {
    let bytes = World::new().file(opened, settled).to_bytes();
    assert!(verify(&bytes, &network(), &check_proof, &read_material).ok);
    let mut generator = Generator(seed);
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        // Digits and letters become other digits and letters, so that most changes survive the reader.
        let alphabet = b"0123456789abcdefABCDEF+/XYZ {}[],:\"";
        let mut other = alphabet[generator.next() as usize % alphabet.len()];
        if other == bytes[place] {
            other ^= 1;
        }
        changed[place] = other;
        let report = verify(&changed, &network(), &check_proof, &read_material);
        let was = char::from(bytes[place]);
        assert!(!report.ok, "seed {seed}: byte {place} may be {:?} instead of {was:?}", char::from(other));
        assert!(!report.settled && report.money_trail.is_empty() && report.checks.len() == 14);
    }
}

#[test]
fn every_byte_of_a_bare_receipt_counts() {
    every_byte_counts(false, false, 11);
}

#[test]
fn every_byte_of_an_opened_receipt_counts() {
    every_byte_counts(true, false, 12);
}

#[test]
fn every_byte_of_a_settled_receipt_counts() {
    every_byte_counts(false, true, 13);
}

#[test]
fn every_byte_of_an_opened_and_settled_receipt_counts() {
    every_byte_counts(true, true, 14);
}
