//! Paths and what answers them. Absent: anything else.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use openledger_receipt::EMBEDDINGS_ENDPOINT;
use openledger_worker::Worker;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth::ApiKey;
use crate::complete::{self, Piece, Running};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::reply::Answer;
use crate::request::Endpoint;
use crate::{embed, evidence, seal, stream};

/// Bytes of one request body.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a request for a part of an answer.
const PART_BYTES_MAX: usize = 4 * 1024;
const RECEIPT_ID: HeaderName = HeaderName::from_static("x-receipt-id");

type Shared = State<Arc<Gateway>>;

/// The OpenAI-compatible interface and the operators' pages.
pub fn router(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route(Endpoint::Chat.path(), post(chat))
        .route(Endpoint::Completions.path(), post(completion))
        .route(EMBEDDINGS_ENDPOINT, post(embeddings))
        .route("/v1/models", get(models))
        .route("/v1/models/{model}", get(model))
        .route("/v1/receipts/{id}", get(receipt))
        .route("/v1/receipts/{id}/evidence", get(material))
        .route("/v1/receipts/{id}/opening", post(opening))
        .route("/api/v1/generation", get(generation))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/v1/{*rest}", axum::routing::any(unknown))
        .with_state(gateway)
}

async fn chat(State(gateway): Shared, headers: HeaderMap, body: Body) -> Response {
    answer(&gateway, Endpoint::Chat, &headers, body).await.unwrap_or_else(IntoResponse::into_response)
}

async fn completion(State(gateway): Shared, headers: HeaderMap, body: Body) -> Response {
    answer(&gateway, Endpoint::Completions, &headers, body).await.unwrap_or_else(IntoResponse::into_response)
}

async fn embeddings(State(gateway): Shared, headers: HeaderMap, body: Body) -> Response {
    vectors(&gateway, &headers, body).await.unwrap_or_else(IntoResponse::into_response)
}

async fn vectors(gateway: &Arc<Gateway>, headers: &HeaderMap, body: Body) -> Result<Response, ApiError> {
    let body = paid_body(headers, body).await?;
    let vectors = embed::run(gateway, headers, body.into()).await?;
    let id = HeaderValue::from_str(&vectors.id).map_err(ApiError::unavailable)?;
    let mut response = Json(vectors.reply()).into_response();
    response.headers_mut().insert(RECEIPT_ID, id);
    Ok(response)
}

/// The body of a request, of someone who shows an API key.
async fn paid_body(headers: &HeaderMap, body: Body) -> Result<Bytes, ApiError> {
    if ApiKey::from_headers(headers).is_none() {
        return Err(ApiError::key());
    }
    to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| ApiError {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        ..ApiError::body(format!("the body has more than {BODY_BYTES_MAX} bytes; send less"))
    })
}

async fn answer(
    gateway: &Arc<Gateway>,
    endpoint: Endpoint,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body = paid_body(headers, body).await?;
    let running = complete::start(gateway, endpoint, headers, &body).await?;
    let id = HeaderValue::from_str(&running.id).map_err(ApiError::unavailable)?;
    let mut response = if running.request.stream {
        stream::respond(running).into_response()
    } else {
        whole(running).await?
    };
    response.headers_mut().insert(RECEIPT_ID, id);
    Ok(response)
}

/// An answer in one piece.
async fn whole(mut running: Running) -> Result<Response, ApiError> {
    let mut answer = Answer::of(&running);
    while let Some(piece) = running.pieces.recv().await {
        match piece {
            Piece::Text(written) => answer.push(written),
            Piece::Failed(error) => return Err(error),
            Piece::Finished(sealed) => {
                return Ok(Json(answer.whole(&running, &sealed)).into_response());
            }
        }
    }
    Err(ApiError::unavailable("the answer was cut because the gateway is stopping"))
}

fn model_json(worker: &Worker) -> Value {
    let (offer, info) = (worker.offer(), worker.model_info());
    let dimensions = worker.embedder().map(|embedder| embedder.model().dimensions());
    let mut told = json!({
        "id": worker.listed(),
        "ledger_name": offer.model,
        "object": "model",
        "type": if dimensions.is_some() { "embedding" } else { "chat" },
        "created": 0,
        "owned_by": offer.provider,
        "context_length": info.context_tokens,
        "max_completion_tokens": info.completion_tokens_max,
        "tier": info.tier().as_str(),
        "engine": info.engine,
        "weights_sha256": (!offer.weights.is_unknown()).then_some(offer.weights),
        "pricing": { "prompt_uc": offer.prompt_price, "completion_uc": offer.completion_price },
    });
    if let Some(dimensions) = dimensions {
        told["dimensions"] = dimensions.into();
    }
    told
}

async fn models(State(gateway): Shared) -> Json<Value> {
    // Of several that offer a model the first one tells of it.
    let mut listed: BTreeMap<&str, &Worker> = BTreeMap::new();
    for worker in &gateway.workers {
        listed.entry(worker.listed()).or_insert(worker);
    }
    let data: Vec<Value> = listed.into_values().map(model_json).collect();
    Json(json!({ "object": "list", "data": data }))
}

async fn model(State(gateway): Shared, Path(name): Path<String>) -> Response {
    match gateway.workers.iter().find(|worker| worker.goes_by(&name)) {
        Some(worker) => Json(model_json(worker)).into_response(),
        None => {
            let shown: String = name.chars().take(100).collect();
            ApiError::not_found(
                "model_not_found",
                format!("the model {shown:?} is not offered here; GET /v1/models lists those that are"),
            )
            .into_response()
        }
    }
}

async fn receipt(State(gateway): Shared, headers: HeaderMap, Path(id): Path<String>) -> Response {
    match find_receipt(&gateway, &headers, &id).await {
        Ok(file) => ([(header::CONTENT_TYPE, "application/json")], file).into_response(),
        Err(error) => error.into_response(),
    }
}

#[derive(Deserialize)]
struct SaltQuery {
    salt: Option<String>,
}

/// What an answer is replayed from.
async fn material(
    State(gateway): Shared,
    headers: HeaderMap,
    Path(id): Path<String>,
    query: Result<Query<SaltQuery>, QueryRejection>,
) -> Response {
    let found = salt(query).and_then(|salt| evidence::material(&gateway, &headers, salt.as_deref(), &id));
    match found {
        Ok(material) => ([(header::CONTENT_TYPE, "application/json")], material).into_response(),
        Err(error) => error.into_response(),
    }
}

fn salt(query: Result<Query<SaltQuery>, QueryRejection>) -> Result<Option<String>, ApiError> {
    match query {
        Ok(Query(query)) => Ok(query.salt),
        Err(wrong) => Err(ApiError::invalid("salt", wrong.body_text())),
    }
}

/// A part of an answer, opened by its provider.
async fn opening(
    State(gateway): Shared,
    headers: HeaderMap,
    Path(id): Path<String>,
    query: Result<Query<SaltQuery>, QueryRejection>,
    body: Body,
) -> Response {
    let opened = async {
        let body = to_bytes(body, PART_BYTES_MAX).await.map_err(|_| {
            ApiError::body(format!("the body has more than {PART_BYTES_MAX} bytes; send less"))
        })?;
        evidence::open(&gateway, &headers, salt(query)?.as_deref(), &id, &body).await
    };
    match opened.await {
        Ok(bytes) => ([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response(),
        Err(error) => error.into_response(),
    }
}

#[derive(Deserialize)]
struct GenerationQuery {
    id: String,
}

async fn generation(
    State(gateway): Shared,
    headers: HeaderMap,
    query: Result<Query<GenerationQuery>, QueryRejection>,
) -> Response {
    match query {
        Ok(Query(query)) => receipt(State(gateway), headers, Path(query.id)).await,
        Err(wrong) => ApiError::invalid("id", wrong.body_text()).into_response(),
    }
}

/// The receipt file; the texts, and the certificate of their spans, only for the key that asked.
async fn find_receipt(gateway: &Gateway, headers: &HeaderMap, id: &str) -> Result<Vec<u8>, ApiError> {
    let unknown =
        || ApiError::not_found("receipt_not_found", "there is no receipt with this id at this gateway");
    if id.len() > 64 {
        return Err(unknown());
    }
    let stored = gateway.store.by_id(id).map_err(ApiError::unavailable)?.ok_or_else(unknown)?;
    let caller = ApiKey::from_headers(headers).is_some_and(|key| key.hash() == stored.key_hash);
    if caller {
        gateway.certifying.wait(stored.sequence).await;
    }
    seal::receipt_file(&gateway.store, &stored, caller)
        .ok_or_else(|| ApiError::unavailable("the stored receipt is damaged"))
}

async fn ready(State(gateway): Shared) -> Response {
    match gateway.not_ready() {
        None => "ready".into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason).into_response(),
    }
}

async fn metrics(State(gateway): Shared) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], gateway.metrics.render()).into_response()
}

async fn unknown(Path(rest): Path<String>) -> ApiError {
    let shown: String = rest.chars().take(100).collect();
    ApiError::not_found("unknown_url", format!("there is no /v1/{shown}; see docs/api.md for what there is"))
}
