//! Many callers at once, some of whom leave: everyone is answered, and nothing stays behind. `cargo xtask bench load` does the
//! same with the packaged model, for minutes, and measures.

#[path = "../examples/load/clients.rs"]
mod clients;
#[path = "../../model/tests/common/mod.rs"]
mod common;

use std::sync::Arc;

use openledger_inference::{Engine, EngineConfig, Model};

#[test]
fn streams_of_callers_who_come_and_leave_hold_nothing_afterwards() {
    let model = Arc::new(Model::from_bytes(&common::tiny().bytes()).expect("the tiny model is good"));
    let config =
        EngineConfig { threads: 2, sequences_max: 64, cache_tokens_max: 4_096, ..EngineConfig::default() };
    let engine = Engine::start(model, config).expect("threads start");
    let plan = clients::Plan { prompt_words_max: 16, tokens_max: 12, ..clients::Plan::requests(64, 2) };
    let seen = clients::run(&engine, &plan);
    assert_eq!(seen.begun, 64 * 2);
    assert_eq!(seen.finished + seen.left + seen.failed, seen.begun);
    assert_eq!(seen.failed, 0, "nobody who reads is refused or broken off");
    assert!(seen.left > 0 && seen.finished > seen.left, "some leave, most stay");
    let load = clients::idle(&engine);
    assert_eq!((load.waiting, load.running, load.pages_held), (0, 0, 0), "{load:?}");
}
