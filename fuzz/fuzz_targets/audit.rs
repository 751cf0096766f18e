//! `cargo xtask fuzz audit`: what it looks for stands at the head of the file that it takes in.
#![no_main]

#[path = "../../bin/openledger/tests/hostile/audit.rs"]
mod audit;
#[path = "../../crates/inference/tests/cheats/mod.rs"]
#[allow(unreachable_pub, reason = "the engine's own helper, of which a target uses a part")]
mod cheats;
#[path = "../../crates/model/tests/common/mod.rs"]
#[allow(unreachable_pub, reason = "the model's own helper, of which a target uses a part")]
mod checkpoint;
#[path = "../../bin/openledger/tests/hostile/edit.rs"]
mod edit;

libfuzzer_sys::fuzz_target!(|data: &[u8]| audit::run(data));
