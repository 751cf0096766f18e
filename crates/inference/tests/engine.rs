//! The engine as its callers see it, on a tiny model: streams, limits, cancellation, shutdown, evidence.

#[path = "../../model/tests/common/mod.rs"]
mod common;

use std::sync::Arc;
use std::time::Duration;

use openledger_inference::{
    Auditor, Backend, ChatMessage, Claim, CompletionRequest, Difference, Engine, EngineConfig, Event,
    FinishReason, Finished, GenerationError, Grammar, Model, Prompt, Quote, Report, Role, Sampling, Scope,
    SubmitError, TokenLogprob, prompt_tokens, quote_part, score,
};

fn tiny() -> Arc<Model> {
    Arc::new(Model::from_bytes(&common::tiny().bytes()).expect("the tiny model is good"))
}

fn config() -> EngineConfig {
    EngineConfig { threads: 2, ..EngineConfig::default() }
}

fn engine(config: EngineConfig) -> Engine {
    Engine::start(tiny(), config).expect("threads start")
}

fn request(prompt: &str, max_tokens: u32, seed: u64) -> CompletionRequest {
    let sampling = Sampling { temperature: 1.0, seed, ..Sampling::default() };
    CompletionRequest {
        max_tokens: Some(max_tokens),
        sampling,
        salt: [5; 32],
        ..CompletionRequest::new(Prompt::Text(prompt.to_owned()))
    }
}

fn run(engine: &Engine, request: CompletionRequest) -> Finished {
    engine.submit(request).expect("the request is good").collect_blocking().expect("it is answered")
}

#[test]
fn answers_do_not_depend_on_company_threads_or_memory() {
    let prompts: Vec<String> =
        (0..12).map(|index| format!("{} and the", "word ".repeat(index * 3))).collect();
    let alone: Vec<Finished> = prompts
        .iter()
        .zip(0..)
        .map(|(prompt, seed)| {
            let engine = engine(EngineConfig { threads: 1, ..config() });
            run(&engine, request(prompt, 40, seed))
        })
        .collect();
    let small = EngineConfig { sequences_max: 5, prefill_chunk_tokens: 7, cache_tokens_max: 512, ..config() };
    let engine = engine(small);
    for round in 0..2 {
        let accepted: Vec<_> = prompts
            .iter()
            .zip(0..)
            .map(|(prompt, seed)| engine.submit(request(prompt, 40, seed)).expect("there is room to wait"))
            .collect();
        for (completion, alone) in accepted.into_iter().zip(&alone) {
            let together = completion.collect_blocking().expect("it is answered");
            assert_eq!(together.token_ids, alone.token_ids, "round {round}");
            assert_eq!(together.text, alone.text);
            assert_eq!(together.done.proof, alone.done.proof);
        }
    }
}

#[test]
fn prompts_that_start_alike_are_computed_once() {
    let engine = engine(config());
    let prefix = "the same beginning of every prompt, ".repeat(4);
    let first = run(&engine, request(&format!("{prefix}one"), 4, 1));
    assert_eq!(first.done.cached_tokens, 0);
    let second = run(&engine, request(&format!("{prefix}two"), 4, 1));
    assert!(second.done.cached_tokens >= 96, "{}", second.done.cached_tokens);
    assert_eq!(second.done.cached_tokens % 32, 0);
    let again = run(&engine, request(&format!("{prefix}one"), 4, 1));
    assert_eq!((again.token_ids, again.done.proof), (first.token_ids, first.done.proof));
}

#[test]
fn limits_and_stops_end_answers() {
    let engine = engine(config());
    let long = run(&engine, request("abc", 10, 3));
    assert_eq!(long.done.completion_tokens as usize, long.token_ids.len());
    let prompt = "x".repeat(230);
    let full = run(&engine, CompletionRequest { max_tokens: None, ..request(&prompt, 1, 4) });
    assert!(full.done.prompt_tokens + full.done.completion_tokens <= 256);
    if full.done.finish_reason == FinishReason::Length {
        assert_eq!(full.done.prompt_tokens + full.done.completion_tokens, 256);
    }

    // Find a seed whose answer has a text to stop at, then stop there.
    let free = (0..50)
        .map(|seed| (seed, run(&engine, request("abc", 30, seed))))
        .find(|(_, free)| free.text.chars().count() > 12)
        .expect("some answer is longer than twelve characters");
    let stop: String = free.1.text.chars().skip(6).take(2).collect();
    let stopped = run(&engine, CompletionRequest { stop: vec![stop.clone()], ..request("abc", 30, free.0) });
    assert_eq!(stopped.done.finish_reason, FinishReason::Stop);
    assert!(free.1.text.starts_with(&stopped.text) && !stopped.text.contains(&stop));
    assert!(free.1.token_ids.starts_with(&stopped.token_ids));
}

#[test]
fn bad_requests_are_refused_with_numbers() {
    let engine = engine(EngineConfig { prompt_bytes_max: 600, cache_tokens_max: 128, ..config() });
    let refuse = |request: CompletionRequest| engine.submit(request).expect_err("it is bad").to_string();
    let base = || request("abc", 4, 0);
    let rows = [
        (CompletionRequest { prompt: Prompt::Text(String::new()), ..base() }, "the prompt is empty"),
        (CompletionRequest { prompt: Prompt::Tokens(vec![]), ..base() }, "the prompt is empty"),
        (CompletionRequest { prompt: Prompt::Tokens(vec![999]), ..base() }, "token 999"),
        (CompletionRequest { prompt: Prompt::Tokens(vec![5; 256]), ..base() }, "1024 bytes, at most 600"),
        (request(&"x".repeat(601), 4, 0), "601 bytes, at most 600"),
        (request(&"x".repeat(300), 4, 0), "300 tokens, the model's context holds 256"),
        (request(&"x".repeat(200), 4, 0), "need 204 positions, the engine's cache holds 128"),
        (CompletionRequest { max_tokens: Some(0), ..base() }, "max_tokens is 0"),
        (CompletionRequest { stop: vec![String::new()], ..base() }, "stop: one is empty"),
        (CompletionRequest { stop: vec!["x".to_owned(); 17], ..base() }, "stop: there are too many"),
        (
            CompletionRequest { sampling: Sampling { top_p: 2.0, ..Sampling::default() }, ..base() },
            "top_p is 2",
        ),
        (CompletionRequest { prompt: Prompt::Chat(vec![].into()), ..base() }, "0 messages"),
    ];
    for (request, expected) in rows {
        let message = refuse(request);
        assert!(message.contains(expected), "{message:?} should contain {expected:?}");
    }
    let many = CompletionRequest { logprobs: Some(21), ..base() };
    assert!(refuse(many).contains("at most 20"));
    let message = ChatMessage::new(Role::User, "hi");
    let chat = CompletionRequest { prompt: Prompt::Chat(vec![message].into()), ..base() };
    assert!(run(&engine, chat).done.prompt_tokens > 4);
}

#[test]
fn a_full_queue_refuses_and_recovers() {
    let engine = engine(EngineConfig { queue_requests_max: 2, sequences_max: 1, ..config() });
    // The first reader does not read: its request holds the only place.
    let slow = engine.submit(request("abc", 200, 1)).expect("the engine is idle");
    let mut accepted = Vec::new();
    let refused = loop {
        match engine.submit(request("abc", 3, 2)) {
            Ok(completion) => accepted.push(completion),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, SubmitError::QueueFull { limit: 2 }), "{refused}");
    drop(slow);
    for completion in accepted {
        completion.collect_blocking().expect("it is answered once the place is free");
    }
}

#[test]
fn a_dropped_reader_frees_its_place_and_a_slow_one_only_pauses_itself() {
    let engine = engine(EngineConfig { sequences_max: 2, event_capacity: 2, ..config() });
    let mut slow = engine.submit(request("slow", 60, 1)).expect("there is room");
    let quick = run(&engine, request("quick", 60, 2));
    assert!(quick.done.completion_tokens > 0);
    let alone = run(&engine, request("slow", 60, 1));
    let mut tokens = Vec::new();
    while let Some(event) = slow.events.blocking_recv() {
        match event {
            Event::Token { token_id, .. } => tokens.extend(token_id),
            Event::Done(_) => break,
            Event::Error(error) => panic!("{error}"),
        }
    }
    assert_eq!(tokens, alone.token_ids, "a pause changes nothing");
    for _ in 0..40 {
        drop(engine.submit(request("cancelled", 200, 3)).expect("places come free"));
        run(&engine, request("next", 2, 4));
    }
}

#[test]
fn an_answer_that_is_cancelled_is_committed_to_as_far_as_it_was_made() {
    let engine = engine(EngineConfig { event_capacity: 4, ..config() });
    let mut request = request("abc", 200, 3);
    // Tokens that end a text are rare at a high temperature, but there are some.
    request.sampling.temperature = 2.0;
    let mut completion = engine.submit(request).expect("it is accepted");
    let cancel = completion.cancel.clone().expect("the engine commits");
    let first = completion.events.blocking_recv().expect("it begins");
    assert!(matches!(first, Event::Token { .. }), "{first:?}");
    cancel.ask();
    let rest = completion.collect_blocking().expect("it has an end");
    assert_eq!(rest.done.finish_reason, FinishReason::Cancelled);
    let Event::Token { token_id, .. } = first else { unreachable!("it was looked at") };
    let output: Vec<u32> = token_id.into_iter().chain(rest.token_ids).collect();
    assert!(output.len() < 200 && output.len() == rest.done.completion_tokens as usize, "{}", output.len());
    let evidence = rest.done.proof.evidence().expect("it is committed to");
    let prompt = prompt_tokens(engine.model(), &Prompt::Text("abc".to_owned())).expect("it is short");
    let claim = Claim { prompt: &prompt, output: &output, salt: &[5; 32], evidence, grammar: None };
    let mut auditor = Auditor::new(tiny(), 1, None).expect("it starts");
    let report = auditor.replay(&claim, &Scope::All, None).expect("it can be replayed");
    assert!(report.is_equal(), "{:?}", report.differences);
}

#[test]
fn a_request_that_is_cancelled_while_it_waits_has_nothing_to_commit_to() {
    let engine = engine(EngineConfig { sequences_max: 1, event_capacity: 4, ..config() });
    let mut runs = engine.submit(request("first", 200, 1)).expect("there is room");
    assert!(matches!(runs.events.blocking_recv(), Some(Event::Token { .. })), "it runs");
    let waits = engine.submit(request("second", 200, 2)).expect("it waits");
    waits.cancel.as_ref().expect("the engine commits").ask();
    drop(runs);
    assert_eq!(waits.collect_blocking(), Err(GenerationError::Cancelled));
    assert!(run(&engine, request("third", 4, 3)).done.completion_tokens > 0);
}

#[test]
fn a_reader_that_never_reads_is_given_up() {
    let engine = engine(EngineConfig { sequences_max: 1, event_capacity: 3, stall_ms_max: 20, ..config() });
    // One of these answers is long enough to fill the channel.
    let stalled = (0..20).any(|seed| {
        let mut silent = engine.submit(request("silent", 200, seed)).expect("there is room");
        run(&engine, request("next", 2, 0));
        let mut last = None;
        while let Some(event) = silent.events.blocking_recv() {
            last = Some(event);
        }
        matches!(last, Some(Event::Error(GenerationError::Stalled { .. })))
    });
    assert!(stalled);
}

#[test]
fn a_reader_that_takes_a_token_now_and_then_is_given_up_too() {
    let engine = engine(EngineConfig { event_capacity: 3, stalls_ms_max: 60, ..config() });
    // No pause is as long as all together, and one of these answers is long enough.
    let stalled = (0..20).any(|seed| {
        let mut slow = engine.submit(request("slow", 200, seed)).expect("there is room");
        let mut last = None;
        while let Some(event) = slow.events.blocking_recv() {
            std::thread::sleep(Duration::from_millis(5));
            last = Some(event);
        }
        matches!(last, Some(Event::Error(GenerationError::Stalled { stall_ms: 61.. })))
    });
    assert!(stalled);
}

#[test]
fn shutdown_ends_every_request_and_joins() {
    let engine = engine(EngineConfig { sequences_max: 1, event_capacity: 2, ..config() });
    let waiting: Vec<_> =
        (0..4).map(|seed| engine.submit(request("abc", 200, seed)).expect("there is room")).collect();
    engine.shutdown();
    engine.shutdown();
    for completion in waiting {
        match completion.collect_blocking() {
            Ok(_) | Err(GenerationError::ShuttingDown) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert!(matches!(engine.submit(request("abc", 2, 0)), Err(SubmitError::Stopped)));
    assert_eq!(engine.model_info().name, "tiny");
}

#[test]
fn scores_are_logarithms_of_probabilities() {
    let model = tiny();
    let prompt = model.tokenizer().encode("the and").expect("a text");
    let total: f64 = (0..model.tokenizer().vocabulary() as u32)
        .map(|token| score(&model, &prompt, &[token]).expect("it can be computed")[0].exp())
        .sum();
    assert!((total - 1.0).abs() < 1e-9, "{total}");
    let scores = score(&model, &prompt, &[70, 71, 72]).expect("it can be computed");
    assert!(scores.len() == 3 && scores.iter().all(|score| *score < 0.0));
}

#[test]
fn the_quoted_part_is_found_by_its_bytes() {
    let model = tiny();
    let text = "one the two and three";
    let part = text.find("two").expect("it is there");
    let quote = quote_part(&model, text, part..part + 7, 10.0).expect("the text is good");
    let tokens = prompt_tokens(&model, &Prompt::Text(text.to_owned())).expect("the text is good");
    let bytes: Vec<u8> = tokens[quote.start as usize..quote.end as usize]
        .iter()
        .flat_map(|token| model.tokenizer().bytes(*token).to_vec())
        .collect();
    assert_eq!(String::from_utf8_lossy(&bytes), "two and");

    let engine = engine(config());
    let sampling = Sampling { quote: Quote { bonus: 20.0, ..quote }, ..Sampling::default() };
    let quoting = CompletionRequest { sampling, ..request(text, 4, 0) };
    let finished = run(&engine, quoting);
    assert!(finished.text.starts_with("two and"), "{:?}", finished.text);
    let evidence = finished.done.proof.evidence().expect("the engine is exact");
    let claim =
        Claim { prompt: &tokens, output: &finished.token_ids, salt: &[5; 32], evidence, grammar: None };
    let mut auditor = Auditor::new(model, 1, None).expect("one thread starts");
    let report = auditor.replay(&claim, &Scope::All, None).expect("it can be computed");
    assert!(report.is_equal(), "{report:?}");
}

#[test]
fn likelihoods_are_those_of_the_model_and_change_no_answer() {
    let model = tiny();
    let engine = engine(config());
    let silent = run(&engine, request("the end", 12, 7));
    let asked = CompletionRequest { logprobs: Some(5), ..request("the end", 12, 7) };
    let mut completion = engine.submit(asked).expect("the request is good");
    let mut told: Vec<TokenLogprob> = Vec::new();
    let mut tokens = Vec::new();
    while let Some(event) = completion.events.blocking_recv() {
        match event {
            Event::Token { token_id, logprob, .. } => {
                tokens.extend(token_id);
                told.push(*logprob.expect("it was asked for"));
            }
            Event::Done(done) => assert_eq!(done.proof, silent.done.proof),
            Event::Error(error) => panic!("{error}"),
        }
    }
    assert_eq!(tokens, silent.token_ids);
    let prompt = prompt_tokens(&model, &Prompt::Text("the end".to_owned())).expect("a text");
    let expected = score(&model, &prompt, &tokens).expect("it can be computed");
    for ((told, expected), token) in told.iter().zip(&expected).zip(&tokens) {
        assert_eq!(told.chosen.logprob.to_bits(), expected.to_bits());
        assert_eq!(told.chosen.bytes, model.tokenizer().bytes(*token));
        assert_eq!(told.top.len(), 5);
        assert!(told.top.windows(2).all(|pair| pair[0].logprob >= pair[1].logprob));
        assert!(told.chosen.logprob <= told.top[0].logprob);
    }
}

/// A tiny model with random weights writes JSON when it can write nothing else.
#[test]
fn an_answer_under_a_grammar_is_what_it_must_be_and_replays_under_it_alone() {
    let model = tiny();
    let engine = engine(config());
    let schema = serde_json::json!({
        "type": "object", "required": ["kind", "count"], "additionalProperties": false,
        "properties": { "kind": { "enum": ["cat", "dog"] }, "count": { "type": "integer" } },
    });
    let grammar = Arc::new(Grammar::from_schema(&schema).expect("the schema is good"));
    let prompt = prompt_tokens(&model, &Prompt::Text("as json".to_owned())).expect("a text");
    let mut auditor = Auditor::new(Arc::clone(&model), 1, None).expect("one thread starts");
    let mut whole = 0;
    for seed in 0..3 {
        let under =
            CompletionRequest { grammar: Some(Arc::clone(&grammar)), ..request("as json", 240, seed) };
        let finished = run(&engine, under);
        let evidence = finished.done.proof.evidence().expect("the engine is exact");
        assert_eq!(evidence.sampling.grammar, Some(grammar.hash()));
        let mut check = |grammar| -> Report {
            let claim =
                Claim { prompt: &prompt, output: &finished.token_ids, salt: &[5; 32], evidence, grammar };
            auditor.replay(&claim, &Scope::All, None).expect("it can be computed")
        };
        assert!(check(Some(&grammar)).is_equal(), "{:?}", finished.text);
        let other = Arc::new(Grammar::json_object());
        assert_eq!(check(Some(&other)).differences, [Difference::Grammar]);
        assert_eq!(check(None).differences, [Difference::Grammar]);
        if finished.done.finish_reason == FinishReason::Stop {
            whole += 1;
            let value: serde_json::Value = serde_json::from_str(&finished.text).expect("it is JSON");
            assert!(["cat", "dog"].iter().any(|kind| value["kind"] == *kind), "{value}");
            assert!(value["count"].is_i64() && value.as_object().expect("an object").len() == 2, "{value}");
        }
    }
    assert!(whole > 0, "some answer came to its end");
}
