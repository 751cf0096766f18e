//! `cargo xtask fuzz table`: what it looks for stands at the head of the file that it takes in.
#![no_main]

#[path = "../../bin/openledger/tests/hostile/edit.rs"]
mod edit;
#[path = "../../bin/openledger/tests/hostile/table.rs"]
mod table;

libfuzzer_sys::fuzz_target!(|data: &[u8]| table::run(data));
