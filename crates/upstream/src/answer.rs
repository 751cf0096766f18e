//! One answer: sent, read as it comes, and ended in every case with one last event.
//!
//! Rule: an answer is whole when the engine said why it ended and what it counted. Time is measured between events and not
//! between bytes, so an engine that drips bytes is silent. Whoever drops the receiver drops this work, and with it the
//! connection, at which engines stop computing.

use std::time::Duration;

use openledger_inference::{Done, Event, FinishReason, GenerationError, Proof, TokenLogprob};
use reqwest::{Method, Response};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use crate::calls::{CallDelta, Calls};
use crate::connection::{Connection, content_type, milliseconds};
use crate::engine::Tried;
use crate::error::UpstreamError;
use crate::protocol::{self, Call, Read, Usage, Wrong};
use crate::sse::{Broken, Events, LINE_BYTES_MAX};

/// Most bytes of text for each token that may be written; the longest tokens of vocabularies in use have 256.
const TOKEN_BYTES_MAX: usize = 256;
/// Most bytes of an answer as it is sent: a chunk around a token has some hundred.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Why an answer has no regular end.
#[derive(Debug)]
pub(crate) enum End {
    /// The engine's fault, or a refusal.
    Engine(UpstreamError),
    /// The reader's.
    Stalled(Duration),
}

impl From<UpstreamError> for End {
    fn from(error: UpstreamError) -> Self {
        End::Engine(error)
    }
}

impl From<&End> for GenerationError {
    fn from(end: &End) -> Self {
        match end {
            End::Engine(error) => error.into(),
            End::Stalled(limit) => GenerationError::Stalled { stall_ms: milliseconds(*limit) },
        }
    }
}

/// Sends the call and passes on what comes, up to the end. A trial is over when the answer begins, or with this.
pub(crate) async fn run(
    connection: &Connection,
    call: &Call,
    tokens_max: u32,
    sender: &mpsc::Sender<Event>,
    trial: Option<Tried>,
) -> Result<Done, End> {
    let limits = connection.config.limits;
    let begun = Instant::now();
    let times = Times { next: begun + limits.first, whole: begun + limits.whole, is_begun: false };
    let response =
        timeout_at(times.until(), open(connection, call)).await.map_err(|_| times.over(connection))??;
    follow(connection, response, times, Answer::new(tokens_max, call.has_tools()), sender, trial).await
}

/// Until when an engine may take. What its reader takes is not its time.
struct Times {
    /// Until the next event.
    next: Instant,
    /// Until the end.
    whole: Instant,
    is_begun: bool,
}

impl Times {
    fn until(&self) -> Instant {
        self.next.min(self.whole)
    }

    /// What it means that nothing came until then.
    fn over(&self, connection: &Connection) -> UpstreamError {
        let limits = connection.config.limits;
        match (self.next < self.whole, self.is_begun) {
            (true, true) => connection.silent(limits.idle, "in the middle of the answer"),
            (true, false) => connection.silent(limits.first, "before the answer began"),
            (false, _) => UpstreamError::Slow { url: connection.url(), ms: milliseconds(limits.whole) },
        }
    }

    /// An event came, and was read for so long.
    fn came(&mut self, idle: Duration, read_for: Duration) {
        self.is_begun = true;
        self.next = Instant::now() + idle;
        self.whole += read_for;
    }
}

async fn open(connection: &Connection, call: &Call) -> Result<Response, UpstreamError> {
    let request = connection.request(Method::POST, call.path).json(&call.body);
    let response = request.send().await.map_err(|error| connection.failed(&error))?;
    if !response.status().is_success() {
        return Err(connection.refused(response).await);
    }
    match content_type(&response).as_str() {
        "text/event-stream" => Ok(response),
        other => Err(connection.malformed(format!("{other:?} instead of a stream of events"))),
    }
}

async fn follow(
    connection: &Connection,
    mut response: Response,
    mut times: Times,
    mut answer: Answer,
    sender: &mpsc::Sender<Event>,
    mut trial: Option<Tried>,
) -> Result<Done, End> {
    let limits = connection.config.limits;
    let (mut events, mut bytes, mut read_for) = (Events::default(), 0_usize, Duration::ZERO);
    loop {
        let piece = timeout_at(times.until(), response.chunk())
            .await
            .map_err(|_| times.over(connection))?
            .map_err(|error| connection.failed(&error))?;
        let Some(piece) = piece else { return Ok(answer.done(connection)?) };
        bytes = bytes.saturating_add(piece.len());
        if bytes > ANSWER_BYTES_MAX {
            return Err(connection.malformed(format!("more than {ANSWER_BYTES_MAX} bytes")).into());
        }
        let mut tokens = Vec::new();
        let read = events.push(&piece, |data| answer.take(data, &mut tokens));
        if !tokens.is_empty() || answer.is_ended {
            drop(trial.take());
            // What came before a fault is the caller's.
            let reading = pass_on(tokens, limits.stall, sender).await?;
            times.came(limits.idle, reading);
            read_for += reading;
            if read_for > limits.whole {
                return Err(End::Stalled(limits.whole));
            }
        }
        read.map_err(|fault| fault.of(connection))?;
        if answer.is_ended {
            return Ok(answer.done(connection)?);
        }
    }
}

/// Hands tokens to the reader, and says how long that took.
async fn pass_on(tokens: Vec<Event>, stall: Duration, sender: &mpsc::Sender<Event>) -> Result<Duration, End> {
    let begun = Instant::now();
    for token in tokens {
        let sent = timeout(stall, sender.send(token)).await;
        // The receiver may be gone; then this work is dropped at its next step.
        let _ = sent.map_err(|_| End::Stalled(stall))?;
    }
    Ok(begun.elapsed())
}

/// What is wrong with what came, without the engine's name.
enum Fault {
    Wrong(Wrong),
    Broken(Broken),
}

impl From<Broken> for Fault {
    fn from(broken: Broken) -> Self {
        Fault::Broken(broken)
    }
}

impl Fault {
    fn of(self, connection: &Connection) -> UpstreamError {
        match self {
            Fault::Wrong(Wrong::Ended(reason)) => UpstreamError::Ended { url: connection.url(), reason },
            Fault::Wrong(Wrong::Failed(message)) => UpstreamError::Failed { url: connection.url(), message },
            Fault::Wrong(Wrong::Malformed(what)) => connection.malformed(what),
            Fault::Broken(Broken::TooLong) => {
                connection.malformed(format!("a line or an event of more than {LINE_BYTES_MAX} bytes"))
            }
            Fault::Broken(Broken::NotText) => connection.malformed("bytes that are not UTF-8"),
        }
    }
}

/// A text with the likelihoods of its tokens: the text comes with the last of them, so that none is left over.
fn told(text: String, mut logprobs: Vec<TokenLogprob>) -> Vec<Event> {
    let last = logprobs.pop();
    let event = |text: String, told: Option<TokenLogprob>| Event::Token {
        token_id: None,
        text,
        logprob: told.map(Box::new),
    };
    let before = logprobs.into_iter().map(|told| event(String::new(), Some(told)));
    let mut events: Vec<Event> = before.collect();
    events.push(event(text, last));
    events
}

/// What is known of an answer so far.
struct Answer {
    tokens_max: u32,
    /// Whether there are tools to call.
    has_tools: bool,
    calls: Calls,
    /// Tokens whose likelihood was told.
    told: usize,
    bytes: usize,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
    is_ended: bool,
}

impl Answer {
    fn new(tokens_max: u32, has_tools: bool) -> Self {
        Self {
            tokens_max,
            has_tools,
            calls: Calls::default(),
            told: 0,
            bytes: 0,
            finish: None,
            usage: None,
            is_ended: false,
        }
    }

    /// Reads one event; what it adds goes to `tokens`.
    fn take(&mut self, data: &str, tokens: &mut Vec<Event>) -> Result<(), Fault> {
        if self.is_ended {
            return Ok(());
        }
        if data.trim() == "[DONE]" {
            self.is_ended = true;
            return Ok(());
        }
        let Read { text, calls, logprobs, finish, usage } = protocol::read(data).map_err(Fault::Wrong)?;
        let malformed = |what: String| Fault::Wrong(Wrong::Malformed(what));
        if let Some(text) = self.written(text, &calls, finish).map_err(malformed)? {
            self.bytes = self.bytes.saturating_add(text.len());
            let most = usize::try_from(self.tokens_max).unwrap_or(usize::MAX);
            if self.bytes > most.saturating_mul(TOKEN_BYTES_MAX) {
                return Err(malformed(format!("{} bytes of text for {most} tokens", self.bytes)));
            }
            self.told = self.told.saturating_add(logprobs.len());
            if self.told > most {
                return Err(malformed(format!("likelihoods of {} tokens of {most}", self.told)));
            }
            tokens.extend(told(text, logprobs));
        }
        self.finish = finish.or(self.finish);
        self.usage = usage.or(self.usage);
        match self.usage {
            Some(Usage { completion_tokens: counted, .. }) if counted > self.tokens_max => Err(malformed(
                format!("a count of {counted} tokens for an answer of at most {}", self.tokens_max),
            )),
            _ => Ok(()),
        }
    }

    /// What a chunk adds to the answer's text: calls are a part of it.
    fn written(
        &mut self,
        text: Option<String>,
        calls: &[CallDelta],
        finish: Option<FinishReason>,
    ) -> Result<Option<String>, String> {
        if !calls.is_empty() && !self.has_tools {
            return Err("a call of a tool where none was given".to_owned());
        }
        let mut written = String::new();
        if let Some(text) = text.as_ref().filter(|text| !text.is_empty()) {
            self.calls.end(&mut written);
            written.push_str(text);
        }
        for delta in calls {
            self.calls.take(delta, &mut written)?;
        }
        // One that was cut for its length is left as it is.
        if finish == Some(FinishReason::Stop) {
            self.calls.end(&mut written);
        }
        // A step of thought has no text, and is counted.
        Ok((text.is_some() || !written.is_empty()).then_some(written))
    }

    /// The end, if it is one.
    fn done(&self, connection: &Connection) -> Result<Done, UpstreamError> {
        let cut = |cause: &str| UpstreamError::Cut { url: connection.url(), cause: cause.to_owned() };
        let finish_reason = self.finish.ok_or_else(|| cut("the stream has no finish_reason"))?;
        let usage = self.usage.ok_or_else(|| {
            cut("the stream has no usage, so nobody knows what it costs; it must honour stream_options.include_usage")
        })?;
        let promised = connection.config.context_tokens;
        if usage.prompt_tokens > promised {
            let what = format!("a count of {} prompt tokens in a context of {promised}", usage.prompt_tokens);
            return Err(connection.malformed(what));
        }
        Ok(Done {
            finish_reason,
            prompt_tokens: usage.prompt_tokens,
            cached_tokens: usage.cached_tokens,
            completion_tokens: usage.completion_tokens,
            proof: Proof::None,
        })
    }
}
