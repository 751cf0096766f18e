//! `cargo xtask fuzz adapter`: what it looks for stands at the head of the file that it takes in.
#![no_main]

#[path = "../../bin/openledger/tests/hostile/adapter.rs"]
mod adapter;
#[path = "../../crates/model/tests/common/mod.rs"]
#[allow(unreachable_pub, reason = "the model's own helper, of which a target uses a part")]
mod checkpoint;
#[path = "../../bin/openledger/tests/hostile/edit.rs"]
mod edit;
#[path = "../../crates/model/tests/common/peft.rs"]
#[allow(unreachable_pub, reason = "the model's own helper, of which a target uses a part")]
mod peft;

libfuzzer_sys::fuzz_target!(|data: &[u8]| adapter::run(data));
