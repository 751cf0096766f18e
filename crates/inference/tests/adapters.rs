//! Requests under adapters: what they get, what is held in memory, and who waits for whom.

#[path = "../../model/tests/common/mod.rs"]
mod common;
#[path = "../../model/tests/common/peft.rs"]
mod peft;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use openledger_inference::{
    AdapterBase, AdapterName, AdapterStore, AdapterStoreConfig, Auditor, Backend, Claim, Completion,
    CompletionRequest, Engine, EngineConfig, Event, Finished, GenerationError, Hash, Model, Prompt,
    RegisterError, ReplayError, Scope, SubmitError,
};
use openledger_model::{Adapter, Factors, Module};

const ADAPTERS: u64 = 6;

/// A model, and folders of adapters of several ranks and projections.
struct World {
    model: Arc<Model>,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        let model = Arc::new(Model::from_bytes(&common::tiny().bytes()).expect("the tiny model is good"));
        let folder = tempfile::tempdir().expect("a folder");
        let world = World { model, folder };
        for index in 0..ADAPTERS {
            world.write(index, index);
        }
        world
    }

    /// Writes the adapter of a seed under a name.
    fn write(&self, index: u64, seed: u64) -> Adapter {
        let modules = if seed.is_multiple_of(2) { &Module::ALL[..] } else { &[Module::Key, Module::Down] };
        let adapter = peft::adapter(self.model.shape(), seed, 1 + seed as usize, modules);
        adapter.write(&self.path(index), "tiny").expect("it is written");
        adapter
    }

    fn path(&self, index: u64) -> PathBuf {
        self.folder.path().join(format!("adapter-{index}"))
    }

    fn store(&self, config: AdapterStoreConfig) -> Arc<AdapterStore> {
        let base = AdapterBase { shape: *self.model.shape(), names: vec!["Tiny".to_owned()] };
        let store = AdapterStore::start(base, config).expect("a thread starts");
        for index in 0..ADAPTERS {
            store.register(name(index), self.path(index)).expect("it is good");
        }
        store
    }

    fn engine(&self, store: &Arc<AdapterStore>) -> Engine {
        let config =
            EngineConfig { threads: 1, sequences_max: 4, cache_tokens_max: 4_096, ..EngineConfig::default() };
        Engine::start_with(Arc::clone(&self.model), config, Some(Arc::clone(store))).expect("it starts")
    }
}

fn name(index: u64) -> AdapterName {
    AdapterName::new(&format!("adapter-{index}")).expect("a plain name")
}

fn prompt(length: u32) -> Vec<u32> {
    (0..length).map(|index| (index * 37 + 11) % 200).collect()
}

fn request(adapter: Option<u64>) -> CompletionRequest {
    let prompt = Prompt::Tokens(prompt(70));
    CompletionRequest { max_tokens: Some(20), adapter: adapter.map(name), ..CompletionRequest::new(prompt) }
}

fn run(engine: &Engine, adapter: Option<u64>) -> Finished {
    engine.submit(request(adapter)).expect("it is good").collect_blocking().expect("it is answered")
}

fn states(answer: &Finished) -> Hash {
    answer.done.proof.evidence().expect("the engine is exact").states_root
}

#[test]
fn answers_are_the_adapters_own_and_the_evidence_names_it() {
    let world = World::new();
    let store = world.store(AdapterStoreConfig::default());
    let engine = world.engine(&store);
    let asked = [None, Some(0), Some(1), Some(2)];
    let answers: Vec<Finished> = asked.iter().map(|adapter| run(&engine, *adapter)).collect();
    assert!(answers.iter().any(|answer| answer.token_ids != answers[0].token_ids));
    for (index, answer) in answers.iter().enumerate() {
        let evidence = answer.done.proof.evidence().expect("the engine is exact");
        assert!(answers[..index].iter().all(|other| states(other) != states(answer)), "answer {index}");
        assert_eq!(evidence.adapter, asked[index].map(|index| store.list()[index as usize].id));
        let (prompt, salt) = (prompt(70), [0; 32]);
        let claim =
            Claim { prompt: &prompt, output: &answer.token_ids, salt: &salt, evidence, grammar: None };
        let mut auditor = Auditor::new(Arc::clone(&world.model), 1, None).expect("a thread starts");
        if let Some(id) = evidence.adapter {
            auditor = auditor.under(store.open(id).expect("it is registered"));
        }
        let report = auditor.replay(&claim, &Scope::All, None).expect("it can be computed");
        assert!(report.is_equal(), "answer {index}: {report:?}");
        assert_eq!(report.tokens as usize, answer.token_ids.len());
        let scope = Scope::Layer { layer: 1, windows: vec![1] };
        let opening = engine.open(&claim, &scope).expect("an honest answer comes again");
        assert!(auditor.replay(&claim, &scope, Some(&opening)).expect("it can be computed").is_equal());
        let mut bare = Auditor::new(Arc::clone(&world.model), 1, None).expect("a thread starts");
        let refused = bare.replay(&claim, &Scope::All, None).err();
        assert_eq!(
            matches!(refused, Some(ReplayError::OtherAdapter { .. })),
            evidence.adapter.is_some(),
            "{refused:?}"
        );
    }
}

#[test]
fn beginnings_are_shared_under_one_adapter_and_never_between_two() {
    let world = World::new();
    let store = world.store(AdapterStoreConfig::default());
    let engine = world.engine(&store);
    let mut first = Vec::new();
    for adapter in [None, Some(0), Some(1)] {
        let answer = run(&engine, adapter);
        assert_eq!(answer.done.cached_tokens, 0, "{adapter:?}: nobody else's pages");
        first.push(answer);
    }
    for (adapter, first) in [None, Some(0), Some(1)].into_iter().zip(first) {
        let again = run(&engine, adapter);
        assert_eq!((again.done.cached_tokens, again.token_ids), (64, first.token_ids), "{adapter:?}");
        assert_eq!(again.done.proof, first.done.proof);
    }
}

#[test]
fn many_share_the_room_of_few() {
    let world = World::new();
    let plenty = world.store(AdapterStoreConfig::default());
    let calm = world.engine(&plenty);
    let expected: Vec<Finished> = (0..ADAPTERS).map(|index| run(&calm, Some(index))).collect();
    assert_eq!(plenty.hot().count, ADAPTERS as usize);
    drop(calm);
    let largest = plenty.list().iter().map(|info| info.bytes).max().expect("there are some");
    for config in [
        AdapterStoreConfig { hot_max: 2, ..AdapterStoreConfig::default() },
        AdapterStoreConfig { hot_bytes_max: largest + largest / 2, ..AdapterStoreConfig::default() },
    ] {
        let store = world.store(config);
        let engine = world.engine(&store);
        let running: Vec<(usize, Completion)> = (0..30)
            .map(|turn| {
                let index = turn % ADAPTERS;
                let request = CompletionRequest { lane: turn % 7, ..request(Some(index)) };
                (index as usize, engine.submit(request).expect("there is room to wait"))
            })
            .collect();
        for (index, completion) in running {
            let answer = completion.collect_blocking().expect("it is answered");
            assert_eq!(answer.token_ids, expected[index].token_ids, "adapter {index}");
            assert_eq!(answer.done.proof, expected[index].done.proof, "adapter {index}");
            let hot = store.hot();
            assert!(hot.count <= config.hot_max && hot.bytes <= config.hot_bytes_max, "{hot:?}");
        }
    }
}

#[test]
fn an_adapter_that_leaves_the_finite_numbers_fails_its_own_requests_alone() {
    let world = World::new();
    let plain = peft::adapter(world.model.shape(), 2, 3, &Module::ALL);
    let huge = plain.parts().map(|(layer, module, factors)| {
        (layer, module, Factors { scale: 1.0, up: vec![1e38; factors.up.len()], ..factors })
    });
    let huge = Adapter::new(world.model.shape(), huge).expect("every factor is finite");
    huge.write(&world.path(2), "tiny").expect("it is written");
    let store = world.store(AdapterStoreConfig::default());
    let engine = world.engine(&store);
    let expected = [None, Some(1)].map(|adapter| run(&engine, adapter));
    let asked = [None, Some(2), Some(1), Some(2)];
    let running = asked.map(|adapter| engine.submit(request(adapter)).expect("it is registered"));
    let ended = running.map(Completion::collect_blocking);
    for (place, expected) in [(0, &expected[0]), (2, &expected[1])] {
        let answer = ended[place].as_ref().expect("it has nothing to do with the other");
        assert_eq!(answer.token_ids, expected.token_ids);
        assert_eq!(answer.done.proof, expected.done.proof);
    }
    for place in [1, 3] {
        let error = ended[place].as_ref().expect_err("it cannot be computed");
        assert!(
            matches!(error, GenerationError::Backend(reason) if reason.contains("not finite")),
            "{error}"
        );
    }
    assert_eq!(run(&engine, None).token_ids, expected[0].token_ids, "its pages are not remembered");
}

#[test]
fn a_damaged_adapter_fails_its_own_requests_by_its_name() {
    let world = World::new();
    let store = world.store(AdapterStoreConfig::default());
    let engine = world.engine(&store);
    let tensors = world.path(2).join("adapter_model.safetensors");
    let good = std::fs::read(&tensors).expect("it can be read");
    std::fs::write(&tensors, &good[..good.len() - 4]).expect("it is written");
    let running: Vec<Completion> =
        [1, 2, 2, 3].map(|index| engine.submit(request(Some(index))).expect("it is registered")).into();
    let ended: Vec<_> = running.into_iter().map(Completion::collect_blocking).collect();
    for (place, ended) in ended.iter().enumerate() {
        match ended {
            Ok(_) => assert!(place == 0 || place == 3),
            Err(GenerationError::Adapter(reason)) => {
                assert!(place == 1 || place == 2, "{place}");
                assert!(reason.contains("adapter-2") && reason.contains("safetensors"), "{reason}");
            }
            Err(other) => panic!("{other}"),
        }
    }
    std::fs::write(&tensors, &good).expect("it is written");
    run(&engine, Some(2));

    // Another adapter in the place of a registered one is not served under its name.
    world.write(4, 99);
    let ended = engine.submit(request(Some(4))).expect("it is registered").collect_blocking();
    let error = ended.expect_err("it is another adapter").to_string();
    assert!(error.contains("adapter-4: its files changed"), "{error}");
    assert_eq!(store.hot().count, 3, "what could not be read takes no room");
}

#[test]
fn who_waits_for_an_adapter_holds_up_nobody_else() {
    let world = World::new();
    let store = world.store(AdapterStoreConfig::default());
    let engine = world.engine(&store);
    // A disk that is asked and does not answer. The engine is idle when callers leave: it has to look by itself.
    let tensors = world.path(0).join("adapter_model.safetensors");
    let good = std::fs::read(&tensors).expect("it can be read");
    std::fs::remove_file(&tensors).expect("it is removed");
    let made = Command::new("mkfifo").arg(&tensors).status().expect("mkfifo runs");
    assert!(made.success());

    let submit = |lane, adapter| {
        let request = CompletionRequest { lane, ..request(adapter) };
        engine.submit(request).expect("there is room to wait")
    };
    let mut cold = submit(1, Some(0));
    let cancelled = submit(1, Some(0));
    let behind = submit(1, None);
    for _ in 0..3 {
        submit(2, None).collect_blocking().expect("another lane goes on");
    }
    assert!(matches!(cold.events.try_recv(), Err(tokio::sync::mpsc::error::TryRecvError::Empty)));
    assert_eq!(engine.load().waiting, 3, "the lane waits in its order");
    std::thread::sleep(Duration::from_millis(50));
    drop(cancelled);
    drop(cold);
    behind.collect_blocking().expect("the lane goes on when nobody waits for the adapter");

    let cold = submit(1, Some(0));
    std::fs::write(&tensors, &good).expect("the pipe is read");
    cold.collect_blocking().expect("the disk answered");
}

#[test]
fn a_shutdown_ends_who_waits_for_an_adapter() {
    let world = World::new();
    let store = world.store(AdapterStoreConfig::default());
    let engine = world.engine(&store);
    let tensors = world.path(0).join("adapter_model.safetensors");
    let good = std::fs::read(&tensors).expect("it can be read");
    std::fs::remove_file(&tensors).expect("it is removed");
    assert!(Command::new("mkfifo").arg(&tensors).status().expect("mkfifo runs").success());
    let mut cold = engine.submit(request(Some(0))).expect("it is registered");
    engine.shutdown();
    assert!(matches!(cold.events.blocking_recv(), Some(Event::Error(GenerationError::ShuttingDown))));
    std::fs::write(&tensors, &good).expect("the pipe is read");
}

#[test]
fn what_cannot_be_registered_or_asked_for_is_refused_by_name() {
    let world = World::new();
    let config = AdapterStoreConfig { registered_max: 6, hot_bytes_max: 1 << 20, ..Default::default() };
    let store = world.store(config);
    let register = |text: &str, folder: &Path| {
        let name = AdapterName::new(text).expect("a plain name");
        store.register(name, folder.to_owned()).expect_err(text).to_string()
    };
    assert!(register("adapter-1", &world.path(0)).contains("adapter-1 is registered already"));
    assert!(register("seventh", &world.path(0)).contains("seventh: 6 adapters are registered already"));
    assert!(register("absent", &world.path(77)).contains("absent: adapter file"));
    let large = peft::adapter(world.model.shape(), 1, 256, &Module::ALL);
    large.write(&world.path(50), "tiny").expect("it is written");
    assert!(
        register("large", &world.path(50)).contains("large takes 3"),
        "{}",
        register("large", &world.path(50))
    );
    large.write(&world.path(51), "someone/other-model").expect("it is written");
    let error = register("stranger", &world.path(51));
    assert!(error.contains("for someone/other-model, this model is Tiny"), "{error}");
    for text in ["", ".", "..", ".hidden", "a/b", "a:b", "a b", "ä", &"a".repeat(65)] {
        assert!(AdapterName::new(text).is_err(), "{text}");
    }
    let unknown = store.open(Hash([7; 32]));
    assert!(matches!(unknown, Err(RegisterError::Unknown { .. })));

    let engine = world.engine(&store);
    let refused = engine.submit(request(Some(9)));
    assert!(matches!(refused, Err(SubmitError::UnknownAdapter { name }) if name.as_str() == "adapter-9"));
    let config = EngineConfig { threads: 1, ..EngineConfig::default() };
    let bare = Engine::start(Arc::clone(&world.model), config).expect("it starts");
    assert!(matches!(bare.submit(request(Some(0))), Err(SubmitError::UnknownAdapter { .. })));
}
