//! Honest answers, made and checked in as many ways as there are.
//!
//! Rule: everything that must not change a bit is drawn at random from a seed: threads, batch, pieces of
//! prompts, memory for remembered prompts, instruction set, what the auditor looks at.
//! Absent: time.

use std::sync::Arc;

use openledger_inference::{
    Auditor, Backend, Claim, CompletionRequest, Engine, EngineConfig, Model, Prompt, Sampling, Scope,
};
use openledger_model::InstructionSet;

use crate::cheats::{Numbers, SALT};

/// What audits of honest answers found.
#[derive(Default)]
pub(crate) struct Audited {
    pub(crate) answers: usize,
    pub(crate) windows: usize,
    /// Tokens of prompts that were remembered and not computed.
    pub(crate) remembered: u32,
    pub(crate) false_alarms: Vec<String>,
}

/// Makes and audits answers until `windows` windows are checked.
pub(crate) fn audit(model: &Arc<Model>, windows: usize, seed: u64) -> Audited {
    let mut numbers = Numbers(seed);
    let mut audited = Audited::default();
    let sets = InstructionSet::available();
    // An alarm ends it: what differs before anything is computed checks no window.
    while audited.windows < windows && audited.false_alarms.is_empty() {
        let config = EngineConfig {
            threads: 1 + numbers.below(4),
            sequences_max: 1 + numbers.below(8),
            prefill_chunk_tokens: 1 + numbers.below(64),
            cache_tokens_max: 512 + 32 * numbers.below(64),
            // Answers are read one after the other, so each must fit.
            event_capacity: 256,
            ..EngineConfig::default()
        };
        let engine = Engine::start(Arc::clone(model), config).expect("threads start");
        let set = sets[numbers.below(sets.len())];
        let mut auditor =
            Auditor::new(Arc::clone(model), 1 + numbers.below(3), Some(set)).expect("threads start");
        let shared: Vec<u32> = (0..100).map(|_| 3 + numbers.below(200) as u32).collect();
        let running: Vec<_> = (0..8)
            .map(|_| {
                let request = request(&mut numbers, &shared);
                let running = engine.submit(request.clone()).expect("there is room to wait");
                (request, running)
            })
            .collect();
        for (request, running) in running {
            let finished = running.collect_blocking().expect("it is answered");
            audited.remembered += finished.done.cached_tokens;
            let Prompt::Tokens(prompt) = &request.prompt else { continue };
            let evidence = finished.done.proof.evidence().expect("the engine is exact");
            let claim = Claim { prompt, output: &finished.token_ids, salt: &SALT, evidence, grammar: None };
            check(&engine, &mut auditor, &claim, &mut numbers, &mut audited);
        }
    }
    audited
}

/// A request that begins like others of its engine, and goes on by itself.
fn request(numbers: &mut Numbers, shared: &[u32]) -> CompletionRequest {
    let mut prompt = shared[..numbers.below(shared.len())].to_vec();
    prompt.extend((0..=numbers.below(40)).map(|_| 3 + numbers.below(200) as u32));
    let sampling = Sampling {
        temperature: [0.0, 0.7, 1.3][numbers.below(3)],
        top_p: [1.0, 0.9][numbers.below(2)],
        frequency_penalty: [0.0, 0.5][numbers.below(2)],
        seed: numbers.next(),
        ..Sampling::default()
    };
    let max_tokens = Some(1 + numbers.below(110) as u32);
    CompletionRequest { max_tokens, sampling, salt: SALT, ..CompletionRequest::new(Prompt::Tokens(prompt)) }
}

/// The whole answer, and one window or layer by its opening.
fn check(
    provider: &dyn Backend,
    auditor: &mut Auditor,
    claim: &Claim<'_>,
    numbers: &mut Numbers,
    audited: &mut Audited,
) {
    let window = numbers.below(claim.evidence.windows() as usize) as u32;
    let layer = numbers.below(claim.evidence.layers as usize) as u32;
    let part = match numbers.below(4) {
        0 => Some(Scope::Windows(vec![window])),
        1 => Some(Scope::Layer { layer, windows: vec![window] }),
        _ => None,
    };
    for scope in part.into_iter().chain([Scope::All]) {
        let opening = match &scope {
            Scope::All => None,
            _ => Some(provider.open(claim, &scope).expect("an honest answer comes again")),
        };
        let report = auditor.replay(claim, &scope, opening.as_ref()).expect("it can be computed");
        audited.windows += report.windows.len();
        if !report.is_equal() {
            audited.false_alarms.push(format!("{scope:?}: {:?}", report.differences));
        }
    }
    audited.answers += 1;
}
