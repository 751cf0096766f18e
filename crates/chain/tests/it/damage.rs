//! Bytes that change on the disk while the validator is stopped.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use openledger_chain::{Chain, FinalizedBlock, StartError};

use crate::counter::{Counter, config, runtime, start};

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if std::fs::metadata(&path).expect("readable").len() > 0 {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("created");
    for entry in std::fs::read_dir(from).expect("readable") {
        let path = entry.expect("readable").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target)
        } else {
            std::fs::copy(&path, &target).map(drop).expect("copied")
        }
    }
}

/// What became of a directory in which the middle byte of one file was flipped.
async fn open_damaged(dir: &Path, expected: &[FinalizedBlock]) -> &'static str {
    let chain = match Chain::start(config(dir), Arc::new(Counter)).await {
        Ok(chain) => chain,
        Err(StartError::Damaged { .. }) => return "refused",
        Err(other) => unreachable!("{other:?}"),
    };
    let mut kept = "intact";
    for block in expected {
        match chain.block(block.height).await {
            Ok(Some(found)) => assert_eq!(&found, block, "a damaged block was served"),
            Ok(None) => unreachable!("block {} is gone without a word", block.height),
            Err(_) => kept = "halted",
        }
    }
    // It may have halted meanwhile, which is an answer too.
    let _ = chain.shutdown().await;
    kept
}

#[test]
fn a_flipped_byte_is_never_served_as_a_block() {
    let dir = tempfile::tempdir().expect("a directory");
    runtime().block_on(async {
        let good = dir.path().join("good");
        let chain = start(&good).await;
        let mut blocks = Vec::new();
        for nonce in 0..12 {
            let finalized = chain.submit_and_wait(format!("add first {nonce}")).await.expect("finalized");
            blocks.push(chain.block(finalized.height).await.expect("answers").expect("stored"));
        }
        chain.shutdown().await.expect("shuts down");
        // Caches and the journal of votes hold nothing that is served; there are many of them.
        let served = |file: &PathBuf| {
            let text = file.to_string_lossy();
            !text.contains("chain-cache") && !text.contains("chain-consensus")
        };
        for (number, file) in files(&good.join("engine")).into_iter().filter(served).enumerate() {
            let copied = dir.path().join(number.to_string());
            copy(&good, &copied);
            let damaged = copied.join(file.strip_prefix(&good).expect("inside"));
            let mut bytes = std::fs::read(&damaged).expect("readable");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x40;
            std::fs::write(&damaged, bytes).expect("written");
            let became = open_damaged(&copied, &blocks).await;
            println!("{became:8} {}", file.strip_prefix(&good).expect("inside").display());
        }
    });
}
