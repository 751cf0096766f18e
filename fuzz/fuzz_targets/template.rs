//! `cargo xtask fuzz template`: what it looks for stands at the head of the file that it takes in.
#![no_main]

#[path = "../../crates/model/tests/common/mod.rs"]
#[allow(unreachable_pub, reason = "the model's own helper, of which a target uses a part")]
mod checkpoint;
#[path = "../../bin/openledger/tests/hostile/edit.rs"]
mod edit;
#[path = "../../bin/openledger/tests/hostile/template.rs"]
mod template;
#[path = "../../crates/model/tests/common/tools.rs"]
#[allow(unreachable_pub, reason = "the model's own helper, of which a target uses a part")]
mod tools;

libfuzzer_sys::fuzz_target!(|data: &[u8]| template::run(data));
