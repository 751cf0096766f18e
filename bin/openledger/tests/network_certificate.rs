//! A certificate on a real network: it is in the file of an answer that pays somebody, a stranger checks it with nothing but
//! the network's identity, and whoever has the snapshots, or their segments alone, gets the same integers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod support;

use std::path::Path;
use std::process::Output;

use openledger_receipt::ReceiptFile;
use support::{Network, command, demo_data, output};

/// The binary without the network's folder, address or keys.
fn stranger(home: &Path, arguments: &[&str]) -> Output {
    output(command().env("HOME", home).args(["--color", "never"]).args(arguments))
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn network_certifies_the_paid_spans_of_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::start(folder.path(), &demo_data());
    let answer = network.ask("What is abook?", 60).unwrap();
    let id = answer["receipt"]["id"].as_str().unwrap();
    let bytes = network.settled_receipt(id);
    let file = ReceiptFile::from_bytes(&bytes).unwrap();
    let certificate = file.certificate.clone().expect("somebody is paid for a span, and it is certified");

    let unknown = network.request("GET", &format!("/v1/receipts/{id}"), &[], b"").unwrap();
    let closed = ReceiptFile::from_bytes(&unknown.body).unwrap();
    assert!(closed.certificate.is_none() && closed.opening.is_none(), "others do not see what was answered");
    let page = network.request("GET", &format!("/answers/{id}"), &[], b"").unwrap();
    assert!(String::from_utf8(page.body).unwrap().contains("Its paid words are certified."));

    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let (receipt, identity) = (path("receipt.json"), path("network.json"));
    std::fs::write(&receipt, &bytes).unwrap();
    std::fs::copy(folder.path().join("network.json"), &identity).unwrap();
    let verified = stranger(home.path(), &["receipt", "verify", &receipt, "--network", &identity]);
    assert!(verified.status.success(), "{}", said(&verified));
    let paid =
        file.statement().unwrap().predicate().attribution.spans.iter().filter(|span| !span.common).count();
    let shown = format!("✓ certificate: {paid} spans stand in 3 sealed indexes as the receipt says");
    assert!(said(&verified).contains(&shown), "{}", said(&verified));

    for place in [2, certificate.len() / 2, certificate.len() - 1] {
        let mut changed = certificate.clone();
        changed[place] ^= 1;
        let changed = ReceiptFile { certificate: Some(changed), ..file.clone() };
        std::fs::write(path("changed.json"), changed.to_bytes()).unwrap();
        let refused =
            stranger(home.path(), &["receipt", "verify", &path("changed.json"), "--network", &identity]);
        assert_eq!(refused.status.code(), Some(1), "byte {place}: {}", said(&refused));
        assert!(said(&refused).contains("is refused: certificate: "), "byte {place}: {}", said(&refused));
    }

    // Manifests and segments, then the segments alone, then no longer all of them.
    let snapshots = path("snapshots");
    let exported = network.openledger(&["datanet", "export", "--segments", "--out", &snapshots]);
    assert!(exported.status.success(), "{}", said(&exported));
    let recompute = || {
        let arguments = ["receipt", "recompute", &receipt, "--network", &identity, "--index", &snapshots];
        stranger(home.path(), &arguments)
    };
    network.stop();
    for entry in std::fs::read_dir(&snapshots).unwrap() {
        let entry = entry.unwrap().path();
        if entry.extension().is_some_and(|extension| extension == "jsonl") {
            std::fs::remove_file(entry).unwrap();
        }
    }
    let recomputed = recompute();
    assert!(recomputed.status.success(), "{}", said(&recomputed));
    assert!(said(&recomputed).contains("the same integers"), "{}", said(&recomputed));
    let named = file.statement().unwrap().predicate().served.snapshots[0].clone();
    let segment = Path::new(&snapshots).join(format!("{}.v{}.segment", named.datanet, named.version));
    std::fs::remove_file(segment).unwrap();
    let missing = recompute();
    assert_eq!(missing.status.code(), Some(1), "{}", said(&missing));
    for part in [named.datanet.as_str(), &named.index_root.to_string(), "openledger datanet export"] {
        assert!(said(&missing).contains(part), "{part} is not in: {}", said(&missing));
    }
}
