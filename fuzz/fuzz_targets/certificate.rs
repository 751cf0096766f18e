//! `cargo xtask fuzz certificate`: what it looks for stands at the head of the file that it takes in.
#![no_main]

#[path = "../../bin/openledger/tests/hostile/certificate.rs"]
mod certificate;
#[path = "../../bin/openledger/tests/hostile/edit.rs"]
mod edit;
#[path = "../../bin/openledger/tests/hostile/world.rs"]
mod world;

libfuzzer_sys::fuzz_target!(|data: &[u8]| certificate::run(data));
