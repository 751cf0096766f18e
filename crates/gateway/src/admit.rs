//! What every paid request goes through before anything is computed: the key, a place, who offers the model, the budget, and
//! the choice of a provider.
//!
//! Absent: what is asked for (`request`), and how it is answered (`complete`, `embed`).

use std::sync::Arc;
use std::time::Instant;

use axum::http::HeaderMap;
use openledger_ledger::StateKey;
use openledger_receipt::{AttemptFacts, RoutingFacts};
use openledger_routing::{Candidate, choose};
use openledger_types::record::{ChannelRecord, GatewayRecord};
use openledger_types::{AccountId, Amount, BasisPoints, ChannelId};
use openledger_worker::{WorkError, Worker};
use tokio::sync::OwnedSemaphorePermit;

use crate::auth::{ApiKey, KeyRecord};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::trust::reputation;

/// Models that a refusal names.
const MODELS_SHOWN_MAX: usize = 16;

/// Who asks, with a place among the requests.
pub(crate) struct Caller {
    pub(crate) key: ApiKey,
    pub(crate) channel: ChannelId,
    /// Held until the request has its receipt.
    pub(crate) place: OwnedSemaphorePermit,
}

/// Finds the caller by its key, and a place for its request.
pub(crate) fn caller(gateway: &Gateway, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let key = ApiKey::from_headers(headers).ok_or_else(ApiError::key)?;
    let record = gateway.store.key(&key.hash()).map_err(ApiError::unavailable)?.ok_or_else(ApiError::key)?;
    let KeyRecord { channel, .. } = borsh::from_slice(&record).map_err(ApiError::unavailable)?;
    if let Some(reason) = gateway.not_ready() {
        return Err(ApiError::unavailable(reason));
    }
    let place =
        gateway.places.clone().try_acquire_owned().map_err(|_| {
            ApiError::busy("the gateway has as many requests as it takes; try again in a moment")
        })?;
    Ok(Caller { key, channel, place })
}

/// What a model is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Text.
    Text,
    /// Vectors of texts.
    Vectors,
}

impl Purpose {
    fn of(worker: &Worker) -> Self {
        if worker.embedder().is_some() { Self::Vectors } else { Self::Text }
    }
}

/// Workers that offer the model, which must be one for this purpose.
pub(crate) fn offering(
    gateway: &Gateway,
    model: &str,
    purpose: Purpose,
) -> Result<Vec<Arc<Worker>>, ApiError> {
    let offering: Vec<Arc<Worker>> =
        gateway.workers.iter().filter(|worker| worker.goes_by(model)).cloned().collect();
    let shown: String = model.chars().take(100).collect();
    let is_for = |worker: &Arc<Worker>| Purpose::of(worker) == purpose;
    if offering.is_empty() || (purpose == Purpose::Vectors && !gateway.workers.iter().any(is_for)) {
        let message = format!("the model {shown:?} is not offered here; {}", offered(gateway, purpose));
        return Err(ApiError { param: Some("model"), ..ApiError::not_found("model_not_found", message) });
    }
    if !offering.iter().all(is_for) {
        let makes = match purpose {
            Purpose::Text => "makes embeddings and writes no text; ask it at /v1/embeddings",
            Purpose::Vectors => "writes text and makes no embeddings",
        };
        let message = format!("the model {shown:?} {makes}; {}", offered(gateway, purpose));
        return Err(ApiError::invalid("model", message));
    }
    Ok(offering)
}

/// The models that are offered for a purpose, as refusals name them.
fn offered(gateway: &Gateway, purpose: Purpose) -> String {
    let workers = gateway.workers.iter().filter(|worker| Purpose::of(worker) == purpose);
    let mut known: Vec<&str> = workers.map(|worker| worker.listed()).collect();
    if known.is_empty() {
        return "no embeddings are made here: the operator switches them on with `openledger up --embeddings`, or [embeddings] in the node's configuration".to_owned();
    }
    known.sort_unstable();
    known.dedup();
    if known.len() > MODELS_SHOWN_MAX {
        known.truncate(MODELS_SHOWN_MAX);
        known.push("and those of GET /v1/models");
    }
    format!("offered are: {}", known.join(", "))
}

/// Makes the channel's budget known and returns its consumer; refuses one that has nothing left.
pub(crate) async fn open_budget(gateway: &Gateway, channel: &ChannelId) -> Result<AccountId, ApiError> {
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
    let free = gateway.budgets.free(channel).unwrap_or(Amount::ZERO);
    if free == Amount::ZERO { Err(insufficient(free, Amount(1))) } else { Ok(record.consumer) }
}

/// The key's channel cannot pay as much as a request may cost.
pub(crate) fn insufficient(free: Amount, needed: Amount) -> ApiError {
    ApiError::budget(format!(
        "the key's channel has {free} C left and this request may cost up to {needed} C; ask for fewer tokens, or open a key with a larger deposit (`openledger keys api --deposit N`)"
    ))
}

/// The fee that this gateway registered.
pub(crate) async fn router_fee(gateway: &Gateway) -> Result<BasisPoints, ApiError> {
    let key = StateKey::Gateway(gateway.account());
    let record = gateway.facts.must::<GatewayRecord>(&key, "record of this gateway").await;
    Ok(record.map_err(ApiError::unavailable)?.router_fee)
}

/// The most that a request may cost with the router fee, whoever of `offering` serves it; `price` is what it may cost at one.
/// `None` when that overflows.
pub(crate) fn worst_case(
    offering: &[Arc<Worker>],
    price: impl Fn(&Worker) -> Option<Amount>,
    router_fee: BasisPoints,
) -> Option<Amount> {
    let mut dearest = Amount::ZERO;
    for worker in offering {
        let reference = price(worker)?;
        dearest = dearest.max(reference.plus(reference.basis_points(router_fee))?);
    }
    Some(dearest)
}

/// The reference price of so many tokens at a worker's offer.
pub(crate) fn reference_price(worker: &Worker, prompt_tokens: u32, completion_tokens: u32) -> Option<Amount> {
    let offer = worker.offer();
    let prompt = offer.prompt_price.fraction(u64::from(prompt_tokens), 1)?;
    prompt.plus(offer.completion_price.fraction(u64::from(completion_tokens), 1)?)
}

/// Tries workers in the order that routing gives, until one takes the job: `start` gives it to one, `price` is what it may
/// cost there.
pub(crate) async fn route<T>(
    gateway: &Gateway,
    offering: &[Arc<Worker>],
    price: impl Fn(&Worker) -> Option<Amount>,
    mut start: impl FnMut(&Worker) -> Result<T, WorkError>,
    draw: u64,
) -> Result<(Arc<Worker>, T, RoutingFacts), ApiError> {
    let mut candidates = Vec::with_capacity(offering.len());
    for worker in offering {
        let offer = worker.offer();
        let reputation = reputation(gateway, offer.provider).await?;
        candidates.push(Candidate {
            provider: offer.provider,
            reputation,
            price: price(worker).unwrap_or(Amount(u64::MAX)),
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
        let started = start(worker);
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
