//! The way of one completion: admit, route, reserve, run, trace, seal. The answer flows to the client and to the span
//! matcher at the same time; when the client leaves, the work is cancelled and what was made is charged.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::http::HeaderMap;
use openledger_attribution::{Index, Matcher};
use openledger_inference::{CompletionRequest, Done, Event, Material, Prompt, TokenLogprob};
use openledger_ledger::StateKey;
use openledger_receipt::{AttemptFacts, PassageRef, RoutingFacts};
use openledger_routing::{Candidate, choose};
use openledger_types::record::{ChannelRecord, GatewayRecord};
use openledger_types::{AccountId, Amount, BasisPoints, ChannelId, Name};
use openledger_worker::{Job, Served, Worker};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use crate::access::{Reader, closed, kept};
use crate::auth::{ApiKey, KeyRecord};
use crate::budget::Reservation;
use crate::certify::{self, Uncertified};
use crate::context::{self, ToValue};
use crate::error::ApiError;
use crate::gateway::{Gateway, Library};
use crate::ground::{Grounded, Speech, ground};
use crate::metrics::Metrics;
use crate::request::{self, Endpoint, ValidRequest};
use crate::seal::{self, Sealed};
use crate::trust::reputation;

/// Pieces of one answer that wait for a slow client.
const PIECES_MAX: usize = 64;
/// How long a client may take no piece before it counts as gone. The engine waits as long for its reader.
const CLIENT_STALL_MAX: Duration = Duration::from_secs(30);

/// Models that a refusal names.
const MODELS_SHOWN_MAX: usize = 16;

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

/// Everything about a completion that its receipt tells.
pub(crate) struct Context {
    pub(crate) id: String,
    pub(crate) salt: [u8; 32],
    pub(crate) body: Vec<u8>,
    pub(crate) request: ValidRequest,
    pub(crate) payer: Payer,
    pub(crate) worker: Arc<Worker>,
    pub(crate) library: Arc<Library>,
    pub(crate) retrieval: Vec<PassageRef>,
    pub(crate) to_value: Option<ToValue>,
    pub(crate) routing: RoutingFacts,
    pub(crate) router_fee: BasisPoints,
    pub(crate) begun: Instant,
}

/// How a completion ended.
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
    let (context, job, place) = admitted?;
    let (sender, pieces) = mpsc::channel(PIECES_MAX);
    let running = Running {
        id: context.id.clone(),
        created_s: now_ms() / 1_000,
        request: context.request.clone(),
        pieces,
    };
    let driven = gateway.clone();
    gateway
        .spawn(async move {
            drive(&driven, context, job, sender).await;
            drop(place);
        })
        .await;
    Ok(running)
}

async fn admit(
    gateway: &Arc<Gateway>,
    endpoint: Endpoint,
    headers: &HeaderMap,
    body: &[u8],
    begun: Instant,
) -> Result<(Context, Job, OwnedSemaphorePermit), ApiError> {
    let key = ApiKey::from_headers(headers).ok_or_else(ApiError::key)?;
    let record = gateway.store.key(&key.hash()).map_err(ApiError::unavailable)?.ok_or_else(ApiError::key)?;
    let record: KeyRecord = borsh::from_slice(&record).map_err(ApiError::unavailable)?;
    if let Some(reason) = gateway.not_ready() {
        return Err(ApiError::unavailable(reason));
    }
    let place =
        gateway.places.clone().try_acquire_owned().map_err(|_| {
            ApiError::busy("the gateway has as many requests as it takes; try again in a moment")
        })?;
    let request = request::parse(endpoint, body)?;
    let offering = offering(gateway, &request.model)?;
    if request.tools {
        return Err(no_tools(&request.model));
    }
    let (consumer, free) = open_budget(gateway, &record.channel).await?;
    if free == Amount::ZERO {
        return Err(insufficient(free, Amount(1)));
    }
    let library = gateway.library();
    let speech = speech(gateway, &offering);
    let unreadable = unreadable(gateway, &library, &request, &key, speech.is_exact()).await?;
    let mut grounded =
        ground(&request, &library, &unreadable, &speech).map_err(|error| error.of_prompt(endpoint))?;
    let router_fee = gateway
        .facts
        .must::<GatewayRecord>(&StateKey::Gateway(gateway.account()), "record of this gateway")
        .await
        .map_err(ApiError::unavailable)?
        .router_fee;
    // Nothing is computed before it can be paid.
    let needed = worst_case(&offering, &grounded.prompt, &request, router_fee)?;
    let reservation = gateway
        .budgets
        .reserve(record.channel, needed)
        .map_err(|refusal| insufficient(refusal.free, refusal.needed))?;
    let passages = std::mem::take(&mut grounded.passages);
    // Nobody plays for an answer that cannot be computed again.
    let players = if speech.is_exact() { grounded.retrieval.as_slice() } else { &[] };
    let to_value = context::admit(gateway, &library, players, passages, record.channel).await?;
    let id = uuid::Uuid::now_v7();
    let salt = seal::salt(gateway, &id.to_string());
    let draw = id.as_u128() as u64;
    let lane = lane(&record.channel);
    let (worker, job, routing) = route(gateway, &offering, &request, &grounded, (salt, lane), draw).await?;
    let context = Context {
        id: id.to_string(),
        salt,
        body: body.to_vec(),
        request,
        payer: Payer { key, channel: record.channel, consumer, reservation },
        worker,
        library,
        retrieval: grounded.retrieval,
        to_value,
        routing,
        router_fee,
        begun,
    };
    Ok((context, job, place))
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

fn insufficient(free: Amount, needed: Amount) -> ApiError {
    ApiError::budget(format!(
        "the key's channel has {free} C left and this request may cost up to {needed} C; ask for fewer tokens, or open a key with a larger deposit (`openledger keys api --deposit N`)"
    ))
}

/// The prompts that are made here have no place for tools.
fn no_tools(model: &str) -> ApiError {
    ApiError::invalid(
        "tools",
        format!(
            "the model {model} is served without tools: no tools are put into its chat template; leave `tools` out, or ask for JSON with `response_format`"
        ),
    )
}

/// Workers that offer the model.
fn offering(gateway: &Gateway, model: &str) -> Result<Vec<Arc<Worker>>, ApiError> {
    let offering: Vec<Arc<Worker>> =
        gateway.workers.iter().filter(|worker| worker.listed() == model).cloned().collect();
    if offering.is_empty() {
        let mut known: Vec<&str> = gateway.workers.iter().map(|worker| worker.listed()).collect();
        known.sort_unstable();
        known.dedup();
        if known.len() > MODELS_SHOWN_MAX {
            known.truncate(MODELS_SHOWN_MAX);
            known.push("and those of GET /v1/models");
        }
        let shown: String = model.chars().take(100).collect();
        let message = format!("the model {shown:?} is not offered here; offered are: {}", known.join(", "));
        return Err(ApiError { param: Some("model"), ..ApiError::not_found("model_not_found", message) });
    }
    Ok(offering)
}

/// How a prompt is put to the workers that offer a model: as tokens if all of them serve the weights that are here.
fn speech<'a>(gateway: &'a Gateway, offering: &[Arc<Worker>]) -> Speech<'a> {
    let is_here = |worker: &Arc<Worker>| {
        worker.model_info().sha256.is_some_and(|file| file.0 == gateway.model.sha256())
    };
    if offering.iter().all(is_here) {
        return Speech::Tokens(&gateway.model);
    }
    let context = offering.iter().map(|worker| worker.model_info().context_tokens).min().unwrap_or(0);
    Speech::Text { context_tokens: context }
}

/// Makes the channel's budget known and returns its consumer and what is free.
async fn open_budget(gateway: &Gateway, channel: &ChannelId) -> Result<(AccountId, Amount), ApiError> {
    let record: ChannelRecord = gateway
        .facts
        .must(&StateKey::Channel(*channel), "channel of this key")
        .await
        .map_err(ApiError::unavailable)?;
    if record.closed || record.closes_at_ms.is_some() {
        return Err(ApiError::budget(
            "the key's channel is closed or closing; make another key with `openledger keys api`",
        ));
    }
    let acknowledged = gateway.store.channel(channel).map_err(ApiError::unavailable)?;
    let spent = acknowledged.map_or(record.spent, |state| state.cumulative.max(record.spent));
    gateway.budgets.set(*channel, record.deposit, spent);
    Ok((record.consumer, gateway.budgets.free(channel).unwrap_or(Amount::ZERO)))
}

/// Tries workers in the order that routing gives, until one takes the job.
async fn route(
    gateway: &Gateway,
    offering: &[Arc<Worker>],
    request: &ValidRequest,
    grounded: &Grounded,
    (salt, lane): ([u8; 32], u64),
    draw: u64,
) -> Result<(Arc<Worker>, Job, RoutingFacts), ApiError> {
    let mut candidates = Vec::with_capacity(offering.len());
    for worker in offering {
        let offer = worker.offer();
        let reputation = reputation(gateway, offer.provider).await?;
        candidates.push(Candidate {
            provider: offer.provider,
            reputation,
            price: cost(worker, &grounded.prompt, request).unwrap_or(Amount(u64::MAX)),
            free: worker.free(),
            capacity: offer.capacity,
            cluster_share: 0,
        });
    }
    let reference = candidates.iter().map(|candidate| candidate.price).min().unwrap_or(Amount::ZERO);
    let choice = choose(&candidates, reference, draw).ok_or_else(|| {
        ApiError::busy("every provider of this model is at capacity; try again in a moment")
    })?;
    let mut attempts = Vec::new();
    let mut refusal = ApiError::busy("no provider took the request; try again in a moment");
    for provider in &choice.order {
        let Some(worker) = offering.iter().find(|worker| worker.offer().provider == *provider) else {
            continue;
        };
        let tried = Instant::now();
        let started = worker.start(engine_request(request, grounded, salt, lane));
        let outcome = if started.is_ok() { "served" } else { "refused" };
        let ms = u64::try_from(tried.elapsed().as_millis()).unwrap_or(u64::MAX);
        attempts.push(AttemptFacts { provider: *provider, outcome: outcome.into(), ms });
        match started {
            Ok(job) => {
                let routing = RoutingFacts { policy: choice.reason.to_owned(), attempts };
                return Ok((worker.clone(), job, routing));
            }
            Err(error) => refusal = error.into(),
        }
    }
    Err(refusal)
}

/// Requests of one channel wait in one lane.
fn lane(channel: &ChannelId) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&channel.0[..8]);
    u64::from_le_bytes(bytes)
}

fn engine_request(
    request: &ValidRequest,
    grounded: &Grounded,
    salt: [u8; 32],
    lane: u64,
) -> CompletionRequest {
    let mut sampling = request.sampling;
    sampling.quote = grounded.quote;
    let mut stop = grounded.stop.clone();
    stop.extend(request.stop.iter().cloned());
    let mut engine = CompletionRequest::new(grounded.prompt.clone());
    engine.max_tokens = Some(request.max_tokens);
    engine.sampling = sampling;
    engine.stop = stop;
    engine.grammar = request.grammar.clone();
    engine.logprobs = request.logprobs;
    engine.lane = lane;
    engine.salt = salt;
    engine
}

/// The most that a request may cost, whoever of `offering` serves it: its prompt, every token that may be written, and the
/// router fee.
fn worst_case(
    offering: &[Arc<Worker>],
    prompt: &Prompt,
    request: &ValidRequest,
    router_fee: BasisPoints,
) -> Result<Amount, ApiError> {
    let mut dearest = Amount::ZERO;
    for worker in offering {
        let reference = cost(worker, prompt, request);
        let cost = reference.and_then(|reference| reference.plus(reference.basis_points(router_fee)));
        let cost = cost.ok_or_else(|| {
            ApiError::invalid("max_tokens", "the price of so many tokens overflows; ask for fewer")
        })?;
        dearest = dearest.max(cost);
    }
    Ok(dearest)
}

/// The most that a request may cost at one worker, without the router fee.
fn cost(worker: &Worker, prompt: &Prompt, request: &ValidRequest) -> Option<Amount> {
    let bound = worker.bound(prompt, request.max_tokens);
    reference_price(worker, bound.prompt_tokens, bound.completion_tokens)
}

/// The reference price of so many tokens at a worker's offer.
pub(crate) fn reference_price(worker: &Worker, prompt_tokens: u32, completion_tokens: u32) -> Option<Amount> {
    let offer = worker.offer();
    let prompt = offer.prompt_price.fraction(u64::from(prompt_tokens), 1)?;
    prompt.plus(offer.completion_price.fraction(u64::from(completion_tokens), 1)?)
}

/// Follows a job to its end, whoever ends it.
async fn drive(gateway: &Arc<Gateway>, context: Context, mut job: Job, sender: mpsc::Sender<Piece>) {
    let mut trace = Trace::new(context.library.index.clone(), context.begun, context.request.endpoint);
    let ended = follow(&mut job, &mut trace, &sender, gateway.cutting()).await;
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
    loop {
        let event = tokio::select! {
            event = job.next() => event,
            () = sender.closed() => return Ended::ClientLeft,
            _ = cutting.wait_for(|cut| *cut) => return Ended::Failed(ApiError::unavailable("the gateway is stopping")),
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
    let (answer, matcher) = (trace.answer, trace.matcher);
    let total_ms = u64::try_from(context.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    if answer.is_empty() {
        return Err(match ended {
            Ended::Failed(error) => error.of_prompt(context.request.endpoint),
            _ => ApiError::unavailable("the model wrote nothing"),
        });
    }
    let attribution = matcher
        .finish()
        .map_err(|error| ApiError::unavailable(format!("the answer cannot be traced: {error}")))?;
    // What was made before the end is what the client received; there is no evidence for a part.
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
