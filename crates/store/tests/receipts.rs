//! The receipt store: what was acknowledged is there, after a reopen and after `kill -9`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use openledger_store::{DirectoryLock, NewReceipt, ReceiptStore, StoreError};
use openledger_types::{Amount, ChannelId, Hash};

fn receipt(sequence: u64) -> NewReceipt {
    NewReceipt {
        sequence,
        id: format!("receipt-{sequence}"),
        envelope: vec![sequence as u8; 700],
        payload_hash: Hash([sequence as u8; 32]),
        opening: vec![2; 300],
        lines: vec![3; 200],
        channel: ChannelId([4; 32]),
        cumulative: Amount(sequence * 10),
        voucher: [5; 65],
        model: "model".parse().expect("a name"),
        carry_after: Amount(sequence % 3),
        key_hash: Hash([6; 32]),
    }
}

#[test]
fn what_was_appended_is_there_after_a_reopen() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway/receipts.redb");
    let store = ReceiptStore::open(&file).unwrap();
    assert_eq!(store.last_sequence().unwrap(), 0);
    assert_eq!(store.previous_hash().unwrap(), Hash([0; 32]));
    for sequence in 1..=5 {
        let material = (sequence == 4).then_some(&b"material"[..]);
        store.append(&receipt(sequence), material).unwrap();
    }
    assert!(matches!(
        store.append(&receipt(7), None),
        Err(StoreError::SequenceNotNext { expected: 6, given: 7 })
    ));
    let known = NewReceipt { id: "receipt-2".into(), ..receipt(6) };
    assert!(matches!(store.append(&known, None), Err(StoreError::IdKnown { .. })));
    assert_eq!(store.certificate(3).unwrap(), None);
    store.put_certificate(3, b"certificate").unwrap();
    drop(store);
    let store = ReceiptStore::open(&file).unwrap();
    assert_eq!(store.certificate(3).unwrap().as_deref(), Some(&b"certificate"[..]));
    assert_eq!(store.certificate(2).unwrap(), None);
    assert_eq!(store.material(4).unwrap().as_deref(), Some(&b"material"[..]));
    assert_eq!(store.material(3).unwrap(), None);
    let long = vec![0; 5 << 20];
    assert!(matches!(store.append(&receipt(6), Some(&long)), Err(StoreError::TooLarge { .. })));
    assert_eq!(store.last_sequence().unwrap(), 5);
    assert_eq!(store.previous_hash().unwrap(), Hash([5; 32]));
    assert_eq!(store.by_id("receipt-3").unwrap().unwrap().receipt, receipt(3));
    assert_eq!(store.by_id("receipt-9").unwrap(), None);
    assert_eq!(store.range(2, 2).unwrap().len(), 2);
    assert_eq!(store.channel(&ChannelId([4; 32])).unwrap().unwrap().cumulative, Amount(50));
    assert_eq!(store.channel(&ChannelId([9; 32])).unwrap(), None);
    assert_eq!(store.carry(&"model".parse().unwrap()).unwrap(), Amount(2));
    store.append(&receipt(6), None).unwrap();
}

#[test]
fn batches_go_from_flight_to_settled_to_included() {
    let folder = tempfile::tempdir().unwrap();
    let store = ReceiptStore::open(&folder.path().join("receipts.redb")).unwrap();
    for sequence in 1..=3 {
        store.append(&receipt(sequence), None).unwrap();
    }
    store.put_batch(1, 1, 2, b"first").unwrap();
    assert!(matches!(store.put_batch(1, 1, 3, b"second"), Err(StoreError::BatchKnown { number: 1 })));
    assert_eq!(store.batch(1).unwrap().unwrap().bytes, b"first", "a batch under way is not replaced");
    store.drop_batch(1).unwrap();
    store.put_batch(1, 1, 3, b"second try").unwrap();
    assert_eq!(store.batch(1).unwrap().unwrap().bytes, b"second try");
    assert_eq!(store.batch(1).unwrap().unwrap().settled_at, None);
    store.mark_settled(1, 40).unwrap();
    store.drop_batch(1).unwrap();
    assert_eq!(store.batch(1).unwrap().unwrap().settled_at, Some(40));
    assert_eq!(store.without_inclusion().unwrap().len(), 1);
    store.set_inclusion(1, &[(1, b"one".to_vec()), (3, b"three".to_vec())]).unwrap();
    assert!(store.without_inclusion().unwrap().is_empty());
    assert_eq!(store.by_sequence(3).unwrap().unwrap().inclusion.unwrap(), b"three");
    assert_eq!(store.by_sequence(2).unwrap().unwrap().inclusion, None);
    assert_eq!(store.batch(1).unwrap().unwrap().settled_at, Some(40));
}

#[test]
fn a_directory_has_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let held = DirectoryLock::acquire(folder.path()).unwrap();
    let error = DirectoryLock::acquire(folder.path()).unwrap_err().to_string();
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    drop(held);
    DirectoryLock::acquire(folder.path()).unwrap();
}

#[test]
fn a_damaged_file_is_named_and_does_not_panic() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("receipts.redb");
    let store = ReceiptStore::open(&file).unwrap();
    for sequence in 1..=20 {
        store.append(&receipt(sequence), None).unwrap();
    }
    drop(store);
    let original = std::fs::read(&file).unwrap();
    let damaged: [(&str, Vec<u8>); 3] = [
        ("noise", b"damaged".to_vec()),
        ("another file", vec![b'x'; original.len()]),
        (
            "flipped magic",
            original.iter().enumerate().map(|(i, byte)| if i == 0 { byte ^ 1 } else { *byte }).collect(),
        ),
    ];
    for (name, bytes) in damaged {
        std::fs::write(&file, bytes).unwrap();
        let error = ReceiptStore::open(&file).unwrap_err().to_string();
        assert!(error.contains("receipts.redb"), "{name}: {error}");
    }
    std::fs::write(&file, original).unwrap();
    assert_eq!(ReceiptStore::open(&file).unwrap().last_sequence().unwrap(), 20);
}

const CHILD: &str = "OPENLEDGER_STORE_TEST_CHILD";

/// Appends until it is killed, printing what was acknowledged. Runs only as the child of the test below.
#[test]
fn child_appends_until_killed() {
    let Some(file) = std::env::var_os(CHILD) else { return };
    let store = ReceiptStore::open(Path::new(&file)).unwrap();
    let mut sequence = store.last_sequence().unwrap();
    loop {
        sequence += 1;
        store.append(&receipt(sequence), None).unwrap();
        println!("\nacknowledged {sequence}");
    }
}

#[test]
fn kill_9_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("receipts.redb");
    let mut acknowledged = 0;
    for round in 0..5u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_appends_until_killed", "--nocapture"])
            .env(CHILD, &file)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        for line in lines {
            let Ok(line) = line else { break };
            if let Some(number) = line.strip_prefix("acknowledged ") {
                acknowledged = number.parse().unwrap();
                seen += 1;
                if seen == 7 + round * 5 {
                    child.kill().unwrap();
                }
            }
        }
        child.wait().unwrap();
        let store = ReceiptStore::open(&file).unwrap();
        let last = store.last_sequence().unwrap();
        assert!(last >= acknowledged, "acknowledged {acknowledged}, found {last}");
        assert_eq!(store.channel(&ChannelId([4; 32])).unwrap().unwrap().cumulative, Amount(last * 10));
        assert_eq!(store.range(1, 4_096).unwrap().len() as u64, last);
    }
    assert!(acknowledged > 50);
}
