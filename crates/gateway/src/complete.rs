//! The way of one completion: admit, route, reserve, run, trace, seal. The answer flows to the client and to the span
//! matcher at the same time; when the client leaves, the work is cancelled and what was made is charged.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::http::HeaderMap;
use openledger_attribution::{Index, Matcher};
use openledger_inference::{
    CompletionRequest, Done, Event, FinishReason, Material, Prompt, Tier, TokenLogprob,
};
use openledger_receipt::{PassageRef, RequestFacts, RoutingFacts};
use openledger_types::{AccountId, Amount, BasisPoints, ChannelId, Name};
use openledger_worker::{Job, Served, Worker};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use crate::access::{Reader, closed, kept};
use crate::admit::{self, Caller, Purpose, reference_price};
use crate::auth::ApiKey;
use crate::budget::Reservation;
use crate::certify::{self, Uncertified};
use crate::context::{self, ToValue};
use crate::error::ApiError;
use crate::gateway::{Gateway, Library};
use crate::ground::{Grounded, Speech, ground};
use crate::metrics::Metrics;
use crate::request::{self, Endpoint, ValidRequest};
use crate::seal::{self, Sealed};

/// Pieces of one answer that wait for a slow client.
const PIECES_MAX: usize = 64;
/// How long a client may take no piece before it counts as gone. The engine waits as long for its reader.
const CLIENT_STALL_MAX: Duration = Duration::from_secs(30);
/// How long an engine may take to commit to an answer that is cut.
const COMMIT_MAX: Duration = Duration::from_secs(5);

/// What a client receives.
pub(crate) enum Piece {
    /// More text.
    Text(Written),
    /// The end, with the receipt on disk.
    Finished(Box<Sealed>),
    /// The end, without an answer and without a charge.
    Failed(ApiError),
}

/// What tokens add to an answer.
pub(crate) struct Written {
    /// The text that became certain with them, never empty.
    pub(crate) text: String,
    /// How likely each of them was, where the request asks for it.
    pub(crate) logprobs: Vec<TokenLogprob>,
}

/// An answer that is being made.
pub(crate) struct Running {
    pub(crate) id: String,
    pub(crate) created_s: u64,
    pub(crate) request: ValidRequest,
    pub(crate) pieces: mpsc::Receiver<Piece>,
}

/// Who pays for a request, and with what.
pub(crate) struct Payer {
    pub(crate) key: ApiKey,
    pub(crate) channel: ChannelId,
    pub(crate) consumer: AccountId,
    pub(crate) reservation: Reservation,
}

/// Everything about an answer that its receipt tells.
pub(crate) struct Context {
    pub(crate) id: String,
    pub(crate) salt: [u8; 32],
    pub(crate) body: Vec<u8>,
    /// What the receipt says of it.
    pub(crate) stated: RequestFacts,
    pub(crate) payer: Payer,
    pub(crate) worker: Arc<Worker>,
    pub(crate) library: Arc<Library>,
    pub(crate) retrieval: Vec<PassageRef>,
    pub(crate) to_value: Option<ToValue>,
    pub(crate) routing: RoutingFacts,
    pub(crate) router_fee: BasisPoints,
    pub(crate) begun: Instant,
}

/// How an answer ended.
pub(crate) struct Outcome {
    pub(crate) answer: String,
    pub(crate) attribution: openledger_attribution::Attribution,
    pub(crate) served: Served,
    /// What the answer is replayed from.
    pub(crate) material: Option<Material>,
    pub(crate) finish_reason: String,
    pub(crate) first_token_ms: u64,
    pub(crate) total_ms: u64,
}

/// Admits a request and starts it.
pub(crate) async fn start(
    gateway: &Arc<Gateway>,
    endpoint: Endpoint,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Running, ApiError> {
    let begun = Instant::now();
    Metrics::add(&gateway.metrics.requests, 1);
    let admitted = admit(gateway, endpoint, headers, body, begun).await;
    if admitted.is_err() {
        Metrics::add(&gateway.metrics.refused, 1);
    }
    let Admitted { context, request, job, place } = admitted?;
    let (sender, pieces) = mpsc::channel(PIECES_MAX);
    let running = Running { id: context.id.clone(), created_s: now_ms() / 1_000, request, pieces };
    let driven = gateway.clone();
    gateway
        .spawn(async move {
            drive(&driven, endpoint, context, job, sender).await;
            drop(place);
        })
        .await;
    Ok(running)
}

/// A completion that runs.
struct Admitted {
    context: Context,
    request: ValidRequest,
    job: Job,
    place: OwnedSemaphorePermit,
}

async fn admit(
    gateway: &Arc<Gateway>,
    endpoint: Endpoint,
    headers: &HeaderMap,
    body: &[u8],
    begun: Instant,
) -> Result<Admitted, ApiError> {
    let Caller { key, channel, place } = admit::caller(gateway, headers)?;
    let request = request::parse(endpoint, body)?;
    let offering = admit::offering(gateway, &request.model, Purpose::Text)?;
    let consumer = admit::open_budget(gateway, &channel).await?;
    let library = gateway.library();
    let speech = speech(gateway, &offering);
    check_tools(&request, &speech)?;
    // An engine behind HTTP holds itself to what it is asked for; ours needs a grammar.
    let is_ours = |worker: &Arc<Worker>| worker.model_info().tier() == Tier::Exact;
    if let Some(reason) = request.unheld.as_ref().filter(|_| offering.iter().any(is_ours)) {
        return Err(reason.clone());
    }
    let unreadable = unreadable(gateway, &library, &request, &key, speech.is_exact()).await?;
    let mut grounded =
        ground(&request, &library, &unreadable, &speech).map_err(|error| error.of_prompt(endpoint))?;
    let router_fee = admit::router_fee(gateway).await?;
    // Nothing is computed before it can be paid.
    let price = |worker: &Worker| cost(worker, &grounded.prompt, &request);
    let needed = admit::worst_case(&offering, price, router_fee).ok_or_else(|| {
        ApiError::invalid("max_tokens", "the price of so many tokens overflows; ask for fewer")
    })?;
    let reservation = gateway
        .budgets
        .reserve(channel, needed)
        .map_err(|refusal| admit::insufficient(refusal.free, refusal.needed))?;
    let passages = std::mem::take(&mut grounded.passages);
    // Nobody plays for an answer that cannot be computed again.
    let players = if speech.is_exact() { grounded.retrieval.as_slice() } else { &[] };
    let to_value = context::admit(gateway, &library, players, passages, channel).await?;
    let id = uuid::Uuid::now_v7();
    let salt = seal::salt(gateway, &id.to_string());
    let draw = id.as_u128() as u64;
    let lane = lane(&channel);
    let price = |worker: &Worker| cost(worker, &grounded.prompt, &request);
    let start = |worker: &Worker| worker.start(engine_request(worker, &request, &grounded, (salt, lane)));
    let (worker, job, routing) = admit::route(gateway, &offering, price, start, draw).await?;
    let context = Context {
        id: id.to_string(),
        salt,
        stated: request.facts(&salt, body),
        body: body.to_vec(),
        payer: Payer { key, channel, consumer, reservation },
        worker,
        library,
        retrieval: grounded.retrieval,
        to_value,
        routing,
        router_fee,
        begun,
    };
    Ok(Admitted { context, request, job, place })
}

/// The datanets whose texts the prompt may not hold, none of which the request names: those that are closed to whoever asks, and
/// every private one where the prompt leaves this node, because who runs an engine behind HTTP is nobody of theirs.
async fn unreadable(
    gateway: &Gateway,
    library: &Library,
    request: &ValidRequest,
    key: &ApiKey,
    stays: bool,
) -> Result<Vec<Name>, ApiError> {
    let reader = if stays { gateway.reader_of_key(key).await? } else { Reader::default() };
    let unreadable = gateway.closed_to(library, &reader, now_ms()).await?;
    match request.datanets.iter().find(|datanet| unreadable.contains(datanet)) {
        Some(datanet) if stays => Err(closed(datanet)),
        Some(datanet) => Err(kept(datanet, &request.model)),
        None => Ok(unreadable),
    }
}

/// Milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Refuses tools, and calls in the conversation, where the model has no place for them.
fn check_tools(request: &ValidRequest, speech: &Speech<'_>) -> Result<(), ApiError> {
    let Some(conversation) = request.with_tools() else { return Ok(()) };
    let refused = match speech {
        Speech::Tokens(model) => model.tools().err(),
        // Whether the engine can, it says itself.
        Speech::Text { .. } => None,
    };
    let Some(reason) = refused else { return Ok(()) };
    let (param, instead) = match conversation.tools.list.is_empty() {
        true => ("messages", "leave calls and messages of the role \"tool\" out"),
        false => ("tools", "leave `tools` out, or ask for JSON with `response_format`"),
    };
    let model = &request.model;
    Err(ApiError::invalid(param, format!("the model {model} is served without tools: {reason}; {instead}")))
}

/// How a prompt is put to the workers that offer a model: as tokens if all of them serve the weights that are here.
fn speech<'a>(gateway: &'a Gateway, offering: &[Arc<Worker>]) -> Speech<'a> {
    let is_here = |worker: &Arc<Worker>| {
        let info = worker.model_info();
        info.tier() == Tier::Exact && info.sha256.is_some_and(|file| file.0 == gateway.model.sha256())
    };
    if offering.iter().all(is_here) {
        return Speech::Tokens(&gateway.model);
    }
    let context = offering.iter().map(|worker| worker.model_info().context_tokens).min().unwrap_or(0);
    Speech::Text { context_tokens: context }
}

/// Requests of one channel wait in one lane.
fn lane(channel: &ChannelId) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&channel.0[..8]);
    u64::from_le_bytes(bytes)
}

fn engine_request(
    worker: &Worker,
    request: &ValidRequest,
    grounded: &Grounded,
    (salt, lane): ([u8; 32], u64),
) -> CompletionRequest {
    let mut sampling = request.sampling;
    sampling.quote = grounded.quote;
    let mut stop = grounded.stop.clone();
    stop.extend(request.stop.iter().cloned());
    let mut engine = CompletionRequest::new(grounded.prompt.clone());
    engine.max_tokens = Some(request.max_tokens);
    engine.sampling = sampling;
    engine.stop = stop;
    if worker.model_info().tier() == Tier::Exact {
        engine.grammar = request.grammar.clone();
    } else {
        // An engine behind HTTP holds itself to what it is asked for.
        engine.response_format = request.response_format.clone();
    }
    engine.logprobs = request.logprobs;
    engine.lane = lane;
    engine.salt = salt;
    engine
}

/// The most that a request may cost at one worker, without the router fee.
fn cost(worker: &Worker, prompt: &Prompt, request: &ValidRequest) -> Option<Amount> {
    let bound = worker.bound(prompt, request.max_tokens);
    reference_price(worker, bound.prompt_tokens, bound.completion_tokens)
}

/// Follows a job to its end, whoever ends it.
async fn drive(
    gateway: &Arc<Gateway>,
    endpoint: Endpoint,
    context: Context,
    mut job: Job,
    sender: mpsc::Sender<Piece>,
) {
    let mut trace = Trace::new(context.library.index.clone(), context.begun, endpoint);
    let ended = follow(&mut job, &mut trace, &sender, gateway.cutting()).await;
    if matches!(ended, Ended::ClientLeft) && !trace.answer.is_empty() && job.cancel() {
        // An answer that is cut is committed to as far as it was made. An engine that does not say so in time has none.
        let _ = tokio::time::timeout(COMMIT_MAX, last_words(&mut job, &mut trace)).await;
    }
    let (piece, uncertified) = match finish(gateway, context, trace, ended, job.end()).await {
        Ok((sealed, uncertified)) => (Piece::Finished(Box::new(sealed)), uncertified),
        Err(error) => {
            Metrics::add(&gateway.metrics.refused, 1);
            (Piece::Failed(error), None)
        }
    };
    let tell = async move {
        // A client that left does not see the end; its receipt is stored all the same.
        let _ = sender.send_timeout(piece, CLIENT_STALL_MAX).await;
    };
    let certify = async {
        if let Some(uncertified) = uncertified {
            certify::run(gateway, uncertified).await;
        }
    };
    tokio::join!(tell, certify);
}

/// What the engine made before it saw that its reader left: a part of the answer, which nobody waits for.
async fn last_words(job: &mut Job, trace: &mut Trace) {
    while let Some(event) = job.next().await {
        if let Event::Token { text, .. } = event {
            trace.push(text);
        }
    }
}

enum Ended {
    Done(Done),
    ClientLeft,
    Failed(ApiError),
}

async fn follow(
    job: &mut Job,
    trace: &mut Trace,
    sender: &mpsc::Sender<Piece>,
    mut cutting: watch::Receiver<bool>,
) -> Ended {
    // Likelihoods are told with the text of their tokens: who gets no text gets none, and pays for none.
    let mut untold = Vec::new();
    let stopping = || Ended::Failed(ApiError::unavailable("the gateway is stopping"));
    let mut deadline = None;
    loop {
        let late = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let event = tokio::select! {
            event = job.next() => event,
            () = sender.closed() => return Ended::ClientLeft,
            _ = cutting.wait_for(|cut| *cut), if deadline.is_none() => {
                // What was made until now still reaches its reader, and is committed to.
                if !job.cancel() {
                    return stopping();
                }
                deadline = Some(tokio::time::Instant::now() + COMMIT_MAX);
                continue;
            }
            () = late => return stopping(),
        };
        match event {
            Some(Event::Token { text, logprob, .. }) => {
                // The token that ends the text has no bytes and is no part of the answer.
                let told = logprob.filter(|told| !told.chosen.bytes.is_empty());
                untold.extend(told.map(|told| *told));
                let Some(text) = trace.push(text) else { continue };
                let written = Written { text, logprobs: std::mem::take(&mut untold) };
                if sender.send_timeout(Piece::Text(written), CLIENT_STALL_MAX).await.is_err() {
                    return Ended::ClientLeft;
                }
            }
            Some(Event::Done(done)) if done.finish_reason == FinishReason::Cancelled => return stopping(),
            Some(Event::Done(done)) => return Ended::Done(done),
            Some(Event::Error(error)) => return Ended::Failed(error.into()),
            None => {
                return Ended::Failed(ApiError::unavailable("the provider ended without a last word"));
            }
        }
    }
}

async fn finish(
    gateway: &Arc<Gateway>,
    context: Context,
    trace: Trace,
    ended: Ended,
    (served, material): (Served, Option<Material>),
) -> Result<(Sealed, Option<Uncertified>), ApiError> {
    let (answer, matcher, endpoint) = (trace.answer, trace.matcher, trace.endpoint);
    let total_ms = u64::try_from(context.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    if answer.is_empty() {
        return Err(match ended {
            Ended::Failed(error) => error.of_prompt(endpoint),
            _ => ApiError::unavailable("the model wrote nothing"),
        });
    }
    let attribution = matcher
        .finish()
        .map_err(|error| ApiError::unavailable(format!("the answer cannot be traced: {error}")))?;
    // What was made before the end is what the client received, or what was on its way to a client that left.
    let finish_reason = match ended {
        Ended::Done(done) => done.finish_reason.as_str(),
        Ended::ClientLeft => "cancelled",
        Ended::Failed(_) => "error",
    };
    if matches!(finish_reason, "cancelled" | "error") {
        gateway.metrics.cancelled.fetch_add(1, Ordering::Relaxed);
    }
    let outcome = Outcome {
        answer,
        attribution,
        served,
        material,
        finish_reason: finish_reason.to_owned(),
        first_token_ms: trace.first_token_ms,
        total_ms,
    };
    seal::seal(gateway, context, outcome).await
}

/// The answer so far: its text, its spans, its clock.
struct Trace {
    answer: String,
    matcher: Matcher,
    first_token_ms: u64,
    begun: Instant,
    endpoint: Endpoint,
}

impl Trace {
    fn new(index: Arc<Index>, begun: Instant, endpoint: Endpoint) -> Self {
        Self { answer: String::new(), matcher: Matcher::new(index), first_token_ms: 0, begun, endpoint }
    }

    /// Adds a token's text; returns what the client gets of it. White space before the first word of a chat's answer is left
    /// out; a text that is continued may need it.
    fn push(&mut self, text: String) -> Option<String> {
        let starts = self.answer.is_empty() && self.endpoint == Endpoint::Chat;
        let text = if starts { text.trim_start().to_owned() } else { text };
        if text.is_empty() {
            return None;
        }
        if self.answer.is_empty() {
            self.first_token_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        }
        // A text that the matcher refuses (too long) is refused again at the end, where it can be said.
        let _ = self.matcher.push(text.as_bytes());
        self.answer.push_str(&text);
        Some(text)
    }
}
