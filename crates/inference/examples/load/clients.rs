//! Callers for a load: each asks, reads, sometimes leaves in the middle, and asks again.
//!
//! What they ask and when they leave depends on their numbers alone; when it happens is what is measured.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use openledger_inference::{
    CompletionRequest, Engine, Event, FinishReason, Load, Prompt, Sampling, SubmitError,
};

/// What the callers do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Callers at the same time.
    pub(crate) clients: usize,
    /// Callers share so many lanes.
    pub(crate) lanes: u64,
    /// Requests of each; `None` asks until the time is over.
    pub(crate) requests: Option<usize>,
    /// How long new requests are made.
    pub(crate) time: Duration,
    /// Words of a prompt, and tokens of an answer, at most.
    pub(crate) prompt_words_max: usize,
    pub(crate) tokens_max: u32,
    /// One in so many requests is left in the middle.
    pub(crate) leaves_one_in: u64,
}

impl Plan {
    /// So many callers with so many requests each.
    pub(crate) fn requests(clients: usize, requests: usize) -> Plan {
        Plan {
            clients,
            lanes: 8,
            requests: Some(requests),
            time: Duration::from_secs(3_600),
            prompt_words_max: 300,
            tokens_max: 96,
            leaves_one_in: 5,
        }
    }
}

/// What the callers saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) begun: usize,
    pub(crate) finished: usize,
    pub(crate) left: usize,
    /// Requests that were refused or broken off.
    pub(crate) failed: usize,
    pub(crate) tokens: usize,
    /// Tokens of each caller, in no order.
    pub(crate) tokens_by_caller: Vec<usize>,
    /// Milliseconds from a request to its first token.
    pub(crate) first_token_ms: Vec<f64>,
    /// Milliseconds between two tokens of an answer.
    pub(crate) gap_ms: Vec<f64>,
}

impl Seen {
    fn add(&mut self, other: Seen) {
        self.begun += other.begun;
        self.finished += other.finished;
        self.left += other.left;
        self.failed += other.failed;
        self.tokens += other.tokens;
        self.tokens_by_caller.push(other.tokens);
        self.first_token_ms.extend(other.first_token_ms);
        self.gap_ms.extend(other.gap_ms);
    }
}

/// Runs the plan to its end.
pub(crate) fn run(engine: &Engine, plan: &Plan) -> Seen {
    let seen = Mutex::new(Seen::default());
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for client in 0..plan.clients {
            let seen = &seen;
            scope.spawn(move || {
                let mut own = Seen::default();
                let mut round = 0;
                while plan.requests.is_none_or(|requests| round < requests) && begun.elapsed() < plan.time {
                    ask(engine, plan, client as u64, round as u64, &mut own);
                    round += 1;
                }
                seen.lock().expect("no caller panics").add(own);
            });
        }
    });
    seen.into_inner().expect("no caller panics")
}

/// What the engine holds once nothing runs. A request that was left is noticed at the engine's next step.
pub(crate) fn idle(engine: &Engine) -> Load {
    let begun = Instant::now();
    loop {
        let load = engine.load();
        if (load.waiting == 0 && load.running == 0) || begun.elapsed() > Duration::from_secs(60) {
            return load;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A number that depends on the caller and the round alone (the finaliser of SplitMix64).
fn number(client: u64, round: u64, what: u64) -> u64 {
    let value = (client << 40 | round << 8 | what).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 20
}

fn ask(engine: &Engine, plan: &Plan, client: u64, round: u64, seen: &mut Seen) {
    // Most prompts are short and a few are long.
    let words = 1 + number(client, round, 0) as usize % plan.prompt_words_max;
    let words = if number(client, round, 1).is_multiple_of(6) { words } else { words / 8 + 1 };
    let text: Vec<String> =
        (0..words).map(|word| format!("w{}", number(client, round, 9 + word as u64) % 89)).collect();
    let tokens = 1 + number(client, round, 2) as u32 % plan.tokens_max;
    let sampling =
        Sampling { temperature: 0.8, top_k: 40, seed: number(client, round, 3), ..Sampling::default() };
    let request = CompletionRequest {
        max_tokens: Some(tokens),
        sampling,
        lane: client % plan.lanes,
        ..CompletionRequest::new(Prompt::Text(text.join(" ")))
    };
    let leaves = number(client, round, 4).is_multiple_of(plan.leaves_one_in);
    let leaves_after = leaves.then(|| number(client, round, 5) as usize % tokens as usize);
    seen.begun += 1;
    let asked = Instant::now();
    let mut completion = loop {
        match engine.submit(request.clone()) {
            Ok(completion) => break completion,
            // What a client does with a 429.
            Err(SubmitError::QueueFull { .. } | SubmitError::LaneFull { .. }) => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(_) => {
                seen.failed += 1;
                return;
            }
        }
    };
    let mut last: Option<Instant> = None;
    let mut read = 0;
    while leaves_after != Some(read) {
        match completion.events.blocking_recv() {
            Some(Event::Token { .. }) => {
                let now = Instant::now();
                let ms = |from: Instant| (now - from).as_secs_f64() * 1_000.0;
                match last {
                    None => seen.first_token_ms.push(ms(asked)),
                    Some(before) => seen.gap_ms.push(ms(before)),
                }
                last = Some(now);
                read += 1;
                seen.tokens += 1;
            }
            Some(Event::Done(done)) => {
                let whole = done.completion_tokens == tokens || done.finish_reason == FinishReason::Stop;
                seen.finished += usize::from(whole);
                seen.failed += usize::from(!whole);
                return;
            }
            Some(Event::Error(_)) | None => {
                seen.failed += 1;
                return;
            }
        }
    }
    seen.left += 1;
}
