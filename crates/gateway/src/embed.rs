//! The way of a request for embeddings: admit, count, reserve, route, compute, seal. The receipt is one like every answer's: the
//! prompt's tokens are charged, nothing is written, no datanet is asked, and what nobody wrote is unattributed.
//!
//! The answer that gateway and provider sign is the digest of the vectors, so a receipt says which they were and does not grow
//! with them. Absent: engines behind HTTP; embeddings of theirs are not passed on.

use std::sync::Arc;
use std::time::Instant;

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openledger_attribution::{Index, attribute};
use openledger_inference::{Embedder, EmbeddingRequest};
use openledger_model::EmbeddingModel;
use openledger_worker::{EmbeddingJob, Worker};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::admit::{self, Caller, Purpose, reference_price};
use crate::complete::{Context, Outcome, Payer};
use crate::error::ApiError;
use crate::gateway::{Gateway, Library};
use crate::metrics::Metrics;
use crate::request::embedding::{ValidEmbedding, refused};
use crate::seal::{self, Sealed};

/// Vectors whose receipt is on disk.
pub(crate) struct Vectors {
    pub(crate) id: String,
    model: String,
    vectors: Vec<Vec<f32>>,
    base64: bool,
    sealed: Sealed,
}

/// Makes the vectors of a request and their receipt. Whoever leaves before the end pays for what was begun.
pub(crate) async fn run(
    gateway: &Arc<Gateway>,
    headers: &HeaderMap,
    body: Vec<u8>,
) -> Result<Vectors, ApiError> {
    let begun = Instant::now();
    Metrics::add(&gateway.metrics.requests, 1);
    let (sender, made) = oneshot::channel();
    let (driven, headers) = (gateway.clone(), headers.clone());
    gateway
        .spawn(async move {
            let made = make(&driven, &headers, body, begun).await;
            if made.is_err() {
                Metrics::add(&driven.metrics.refused, 1);
            }
            // A client that left does not see them; their receipt is stored all the same.
            let _ = sender.send(made);
        })
        .await;
    made.await.unwrap_or_else(|_| Err(ApiError::unavailable("the gateway is stopping")))
}

async fn make(
    gateway: &Arc<Gateway>,
    headers: &HeaderMap,
    body: Vec<u8>,
    begun: Instant,
) -> Result<Vectors, ApiError> {
    let Admitted { asked, context, job, place: _place } = admit(gateway, headers, body, begun).await?;
    let made = tokio::task::spawn_blocking(move || job.run()).await.map_err(ApiError::unavailable)?;
    let (embedded, served) = made.map_err(refused)?;
    let answer = embedded.digest.to_string();
    let attribution = attribute(&answer, &context.library.index)
        .map_err(|error| ApiError::unavailable(format!("the vectors cannot be traced: {error}")))?;
    let total_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let outcome = Outcome {
        answer,
        attribution,
        served,
        material: None,
        finish_reason: "stop".to_owned(),
        first_token_ms: total_ms,
        total_ms,
    };
    let id = context.id.clone();
    let (sealed, _) = seal::seal(gateway, context, outcome).await?;
    Ok(Vectors { id, model: asked.model, vectors: embedded.vectors, base64: asked.base64, sealed })
}

/// Vectors that are paid for and have a place.
struct Admitted {
    asked: ValidEmbedding,
    context: Context,
    job: EmbeddingJob,
    place: OwnedSemaphorePermit,
}

async fn admit(
    gateway: &Arc<Gateway>,
    headers: &HeaderMap,
    body: Vec<u8>,
    begun: Instant,
) -> Result<Admitted, ApiError> {
    let Caller { key, channel, place } = admit::caller(gateway, headers)?;
    let asked = ValidEmbedding::parse(&body)?;
    let offering = admit::offering(gateway, &asked.model, Purpose::Vectors)?;
    let consumer = admit::open_budget(gateway, &channel).await?;
    let (asked, request, tokens) = counted(asked, offering.first().cloned()).await?;
    let router_fee = admit::router_fee(gateway).await?;
    // Nothing is computed before it can be paid.
    let price = |worker: &Worker| reference_price(worker, tokens, 0);
    let needed = admit::worst_case(&offering, price, router_fee)
        .ok_or_else(|| ApiError::invalid("input", "the price of so many tokens overflows; send fewer"))?;
    let reserved = gateway.budgets.reserve(channel, needed);
    let reservation = reserved.map_err(|refusal| admit::insufficient(refusal.free, refusal.needed))?;
    let id = uuid::Uuid::now_v7();
    let salt = seal::salt(gateway, &id.to_string());
    let request = EmbeddingRequest { salt, ..request };
    let start = |worker: &Worker| worker.embed(request.clone());
    let (worker, job, routing) = admit::route(gateway, &offering, price, start, id.as_u128() as u64).await?;
    let context = Context {
        id: id.to_string(),
        salt,
        stated: asked.facts(&salt, &body),
        body,
        payer: Payer { key, channel, consumer, reservation },
        worker,
        library: no_datanets(&gateway.library())?,
        retrieval: Vec::new(),
        to_value: None,
        routing,
        router_fee,
        begun,
    };
    Ok(Admitted { asked, context, job, place })
}

/// The request with its tokens, which are counted on a thread for blocking work.
async fn counted(
    asked: ValidEmbedding,
    worker: Option<Arc<Worker>>,
) -> Result<(ValidEmbedding, EmbeddingRequest, u32), ApiError> {
    let counted = tokio::task::spawn_blocking(move || {
        let embedder = worker.as_ref().and_then(|worker| worker.embedder());
        let embedder = embedder.ok_or_else(|| ApiError::unavailable("the model makes no embeddings"))?;
        let (request, tokens) = asked.resolve(embedder)?;
        Ok((asked, request, tokens))
    });
    counted.await.map_err(ApiError::unavailable)?
}

/// The library without any datanet: no text is searched for an embedding, and none is in it.
fn no_datanets(library: &Library) -> Result<Arc<Library>, ApiError> {
    let index = Index::join(Vec::new()).map_err(ApiError::unavailable)?;
    let retriever = library.retriever.clone();
    Ok(Arc::new(Library { retriever, index: Arc::new(index), snapshots: Vec::new() }))
}

/// The reply in OpenAI's form.
#[derive(Serialize)]
pub(crate) struct Reply {
    object: &'static str,
    data: Vec<Item>,
    model: String,
    usage: Value,
    receipt: Value,
}

#[derive(Serialize)]
struct Item {
    object: &'static str,
    index: usize,
    embedding: Told,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Told {
    Numbers(Vec<f32>),
    Base64(String),
}

impl Vectors {
    /// As the client asked to be told.
    pub(crate) fn reply(self) -> Reply {
        let base64 = self.base64;
        let told = |vector: Vec<f32>| {
            if !base64 {
                return Told::Numbers(vector);
            }
            let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
            Told::Base64(STANDARD.encode(bytes))
        };
        let items = self.vectors.into_iter().enumerate();
        Reply {
            object: "list",
            data: items
                .map(|(index, vector)| Item { object: "embedding", index, embedding: told(vector) })
                .collect(),
            model: self.model,
            usage: self.sealed.usage,
            receipt: self.sealed.receipt,
        }
    }
}

/// What a request for embeddings was paid for, worked out again by an auditor.
pub struct Recomputed {
    /// Tokens that were read.
    pub tokens: u32,
    /// The digest of the vectors, which is the receipt's answer.
    pub digest: String,
    /// What the provider commits to, as receipts tell it.
    pub commitment: String,
}

/// Makes the vectors of a signed request again, by the code that served it.
///
/// # Errors
/// The body is no request for embeddings that this version serves.
pub fn embed_again(body: &[u8], salt: [u8; 32], model: Arc<EmbeddingModel>) -> Result<Recomputed, ApiError> {
    let asked = ValidEmbedding::parse(body)?;
    let embedder = Embedder::new(asked.model.clone(), model);
    let (request, tokens) = asked.resolve(&embedder)?;
    let embedded = embedder.embed(&EmbeddingRequest { salt, ..request }).map_err(refused)?;
    let (digest, commitment) = (embedded.digest.to_string(), embedded.commitment.to_string());
    Ok(Recomputed { tokens, digest, commitment })
}
