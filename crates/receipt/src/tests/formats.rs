//! Formats are promises: recorded hashes, one encoding, hostile bytes.

use openledger_types::sha256;
use proptest::prelude::*;

use super::world::{World, check_proof, network, read_material};
use crate::*;

#[test]
fn the_payload_is_the_recorded_one() {
    let payload = Statement::new(World::new().predicate).to_payload();
    assert_eq!(
        sha256(&payload).to_string(),
        "0x234583ee9fabf287c65bfe3fd0843b5d366ff763f793000c80f12f3fa335eafe",
        "{}",
        String::from_utf8_lossy(&payload)
    );
}

#[test]
fn the_file_is_the_recorded_one() {
    let bytes = World::new().file(true, true).to_bytes();
    assert!(bytes.starts_with(br#"{"format":"openledger-receipt/1","envelope":{"payloadType":"#));
    assert_eq!(
        sha256(&bytes).to_string(),
        "0xfbe740daef22ad0736001282d9abc7827565b902a9d36909d1ed70e3f9fec3d4"
    );
}

#[test]
fn files_and_statements_come_back() {
    let world = World::new();
    for (opened, settled) in [(false, false), (true, false), (false, true), (true, true)] {
        let file = world.file(opened, settled);
        let bytes = file.to_bytes();
        assert_eq!(ReceiptFile::from_bytes(&bytes).unwrap(), file);
        assert_eq!(file.statement().unwrap().predicate(), &world.predicate);
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.contains("\"opening\""), opened);
        assert_eq!(text.contains("\"inclusion\""), settled);
    }
}

#[test]
fn a_second_encoding_of_the_same_receipt_is_refused() {
    let text = String::from_utf8(World::new().file(true, true).to_bytes()).unwrap();
    let proof = World::new().file(true, true).inclusion.unwrap().proofs[0].clone();
    for other in [
        text.replacen(':', ": ", 1),
        format!("{text}\n"),
        text.replacen("\"opening\":{", "\"opening\":{\"more\":1,", 1),
        text.replacen("\"salt\":\"0x07", "\"salt\":\"0x0\\u0037", 1),
        text.replacen(&proof, &proof.to_uppercase(), 1),
        text.replacen(&proof, &proof[1..], 1),
        text.replacen("openledger-receipt/1", "openledger-receipt/2", 1),
    ] {
        assert_ne!(other, text);
        assert!(ReceiptFile::from_bytes(other.as_bytes()).is_err(), "{}", &other[..80]);
    }
    let bare = String::from_utf8(World::new().file(false, false).to_bytes()).unwrap();
    let with_null = format!("{},\"opening\":null}}", bare.strip_suffix('}').unwrap());
    let not_canonical = Err(ReceiptError::NotCanonical { kind: "the receipt file" });
    assert_eq!(ReceiptFile::from_bytes(with_null.as_bytes()), not_canonical);
    let long = vec![b' '; FILE_BYTES_MAX + 1];
    assert!(matches!(ReceiptFile::from_bytes(&long), Err(ReceiptError::TooLong { .. })));
}

#[test]
fn a_statement_of_another_type_subject_or_form_is_refused() {
    let text = String::from_utf8(Statement::new(World::new().predicate).to_payload()).unwrap();
    for (from, to, wrong) in [
        ("in-toto.io/Statement/v1", "in-toto.io/Statement/v2", true),
        ("inference-receipt:v1", "inference-receipt:v2", true),
        ("\"name\":\"response\"", "\"name\":\"request\"", true),
        ("\"sha256\":\"", "\"sha256\":\"00", true),
        ("\"sequence\":12", "\"sequence\": 12", false),
        ("\"sequence\":12", "\"sequence\":12,\"more\":1", false),
        ("\"common\":false", "\"common\":0", false),
        ("\"windows\":1", "\"windows\":1.0", false),
        ("\"voucher\":\"0x", "\"voucher\":\"", false),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let error = Statement::from_payload(changed.as_bytes()).unwrap_err();
        assert_eq!(matches!(error, ReceiptError::StatementWrong { .. }), wrong, "{to}: {error}");
    }
}

proptest! {
    #[test]
    fn hostile_bytes_end_in_a_report(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let report = verify(&bytes, &network(), &check_proof, &read_material);
        prop_assert!(!report.ok && !report.settled);
        prop_assert_eq!(report.checks.len(), 14);
    }

    #[test]
    fn spliced_files_never_verify_as_another(cut in 0usize..2_000, length in 1usize..40) {
        let bytes = World::new().file(true, true).to_bytes();
        let mut changed = bytes.clone();
        changed.drain(cut..cut + length);
        prop_assert!(!verify(&changed, &network(), &check_proof, &read_material).ok);
    }
}
