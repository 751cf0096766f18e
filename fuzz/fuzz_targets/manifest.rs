//! `cargo xtask fuzz manifest`: what it looks for stands at the head of the file that it takes in.
#![no_main]

#[path = "../../bin/openledger/tests/hostile/edit.rs"]
mod edit;
#[path = "../../bin/openledger/src/files.rs"]
#[allow(dead_code, unreachable_pub, reason = "the binary's own file, of which a target uses a part")]
mod files;
#[path = "../../bin/openledger/tests/hostile/manifest.rs"]
mod manifest;
#[path = "../../bin/openledger/src/commands/index/manifest.rs"]
#[allow(dead_code, unreachable_pub, reason = "the binary's own file, of which a target uses a part")]
mod manifest_file;

libfuzzer_sys::fuzz_target!(|data: &[u8]| manifest::run(data));
