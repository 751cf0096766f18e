//! The network's own HTTP API under `/api/v1`: transactions, state with proofs, texts and snapshots of datanets, and
//! API keys. Reading pages and their JSON twins are the explorer's.
//!
//! Whoever uploads a text or a snapshot needs no permission: a text must hash to what a curator committed, and a
//! snapshot to the root that was sealed, with its entries where the ledger has them. Absent: rules; the ledger has them.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use openledger_chain::{Chain, ProveAt};
use openledger_client::api::{
    ErrorBody, ErrorReply, NetworkReply, NonceReply, RegisterKeyRequest, RejectionReply, STATE_KEYS_MAX,
    StateReply, StateRequest, SubmitReply, SubmitRequest, UPLOAD_BYTES_MAX,
};
use openledger_datanet::{Entry, SealedSnapshot};
use openledger_gateway::Gateway;
use openledger_ledger::StateKey;
use openledger_types::record::{AccountRecord, DatanetRecord, SnapshotRecord};
use openledger_types::{AccountId, ContributionId, Hash, Name, Rejection, codec, limits};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::library::{Joined, Library, parse_texts};
use super::machine::decode_events;
use super::provider::Provider;
use crate::commitments::check_order;
use crate::operator::id_of;

/// Bytes of any other request.
const REQUEST_BYTES_MAX: usize = 2 * 1024 * 1024;

/// What the API reads and writes.
pub struct ApiState {
    /// The chain.
    pub chain: Chain,
    /// Texts and snapshots.
    pub library: Arc<Library>,
    /// The gateway behind this address.
    pub gateway: Arc<Gateway>,
    /// Its account, the network's identity and the default model.
    pub network: NetworkReply,
    /// The provider behind this address.
    pub provider: Arc<Provider>,
    /// Told when a snapshot became the latest.
    pub installed: Box<dyn Fn(&Joined) + Send + Sync>,
}

pub(super) type Shared = State<Arc<ApiState>>;

/// The routes.
pub fn router(state: Arc<ApiState>) -> Router {
    let uploads = Router::new()
        .route("/api/v1/datanets/{name}/texts", get(texts).put(put_texts))
        .route("/api/v1/datanets/{name}/snapshots/{version}", get(snapshot).put(put_snapshot))
        .layer(DefaultBodyLimit::max(UPLOAD_BYTES_MAX));
    Router::new()
        .route("/network.json", get(identity))
        .route("/api/v1/network", get(network))
        .route("/api/v1/provider", get(provider))
        .route("/api/v1/transactions", post(submit))
        .route("/api/v1/accounts/{account}/nonce", get(nonce))
        .route("/api/v1/state", post(read_state))
        .route("/api/v1/proofs/{key}", get(proof))
        .route("/api/v1/datanets/{name}/texts/{contribution}", get(text))
        .route("/api/v1/keys", post(register_key))
        .route("/api/v1/attribute", post(super::attribute::attribute))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .merge(uploads)
        .with_state(state)
}

/// A JSON body; what is wrong with it is said in the shape of all our errors.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let body = Json::from_request(request, state).await;
        body.map(|Json(value)| Self(value)).map_err(|wrong| ApiError::Own(wrong.status(), wrong.body_text()))
    }
}

/// Parts of the path, as [`Body`].
struct Part<T>(T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Part<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(value)| Self(value)).map_err(|wrong| ApiError::Own(wrong.status(), wrong.body_text()))
    }
}

/// An error with its status, in the one shape that all our APIs use.
pub(super) enum ApiError {
    /// Of this API.
    Own(StatusCode, String),
    /// As the gateway says it.
    Gateway(openledger_gateway::ApiError),
}

impl From<openledger_gateway::ApiError> for ApiError {
    fn from(error: openledger_gateway::ApiError) -> Self {
        Self::Gateway(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            Self::Own(status, message) => (status, message),
            Self::Gateway(error) => return error.into_response(),
        };
        let kind = if status.is_server_error() { "server_error" } else { "invalid_request_error" };
        let error = ErrorBody { message, kind: kind.into(), param: None, code: None };
        (status, Json(ErrorReply { error })).into_response()
    }
}

pub(super) fn bad(message: impl ToString) -> ApiError {
    ApiError::Own(StatusCode::BAD_REQUEST, message.to_string())
}

pub(super) fn unavailable(error: impl ToString) -> ApiError {
    ApiError::Own(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

async fn network(State(state): Shared) -> Json<NetworkReply> {
    Json(state.network.clone())
}

/// What the provider says of itself.
async fn provider(State(state): Shared) -> Json<serde_json::Value> {
    Json(state.provider.told())
}

/// The identity file, as `receipt verify --network` reads it.
async fn identity(State(state): Shared) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], format!("{:#}", state.network.identity)).into_response()
}

async fn submit(
    State(state): Shared,
    Body(request): Body<SubmitRequest>,
) -> Result<Json<SubmitReply>, ApiError> {
    let bytes = hex::decode(&request.transaction)
        .map_err(|error| bad(format!("transaction is not hexadecimal: {error}")))?;
    let rejected = |number: u16| {
        let text = Rejection::from_number(number).map_or_else(
            || "the transaction exceeds a limit of the chain".to_owned(),
            |known| known.text().to_owned(),
        );
        RejectionReply { number, text }
    };
    let hash = openledger_types::keys::keccak(&bytes);
    match state.chain.submit_and_wait(bytes).await {
        Ok(done) => Ok(Json(SubmitReply {
            hash,
            height: done.height,
            rejection: done.result.err().map(rejected),
            events: decode_events(&done.output),
        })),
        Err(openledger_chain::SubmitError::Rejected { number, .. }) => Ok(Json(SubmitReply {
            hash,
            height: state.chain.tip().height,
            rejection: Some(rejected(number)),
            events: Vec::new(),
        })),
        Err(openledger_chain::SubmitError::Stopped(error)) => Err(unavailable(error)),
        Err(error @ openledger_chain::SubmitError::MempoolFull { .. }) => {
            Err(ApiError::Own(StatusCode::TOO_MANY_REQUESTS, error.to_string()))
        }
        Err(error) => Err(bad(error)),
    }
}

async fn nonce(State(state): Shared, Part(account): Part<AccountId>) -> Result<Json<NonceReply>, ApiError> {
    let record: Option<AccountRecord> = record(&state.chain, &StateKey::Account(account)).await?;
    Ok(Json(NonceReply { nonce: record.map_or(0, |record| record.nonce) }))
}

/// One decoded record of the finalized state.
async fn record<T: borsh::BorshDeserialize>(chain: &Chain, key: &StateKey) -> Result<Option<T>, ApiError> {
    let value = chain.get(&key.encode()).await.map_err(unavailable)?.value;
    let Some(bytes) = value else { return Ok(None) };
    codec::decode("record", &bytes, limits::RECORD_BYTES_MAX).map(Some).map_err(unavailable)
}

async fn read_state(
    State(state): Shared,
    Body(request): Body<StateRequest>,
) -> Result<Json<StateReply>, ApiError> {
    if request.keys.len() > STATE_KEYS_MAX {
        return Err(bad(format!("at most {STATE_KEYS_MAX} keys in one request, not {}", request.keys.len())));
    }
    let keys: Vec<Vec<u8>> = request
        .keys
        .iter()
        .map(|key| hex::decode(key).map_err(|error| bad(format!("{key:?} is not a state key: {error}"))))
        .collect::<Result<_, _>>()?;
    let values = state.chain.get_many(&keys).await.map_err(unavailable)?;
    let shown = values.values.into_iter().map(|value| value.map(hex::encode)).collect();
    Ok(Json(StateReply { height: values.height, values: shown }))
}

async fn proof(State(state): Shared, Part(key): Part<String>) -> Result<Json<serde_json::Value>, ApiError> {
    let key = hex::decode(&key).map_err(|error| bad(format!("the state key is not hexadecimal: {error}")))?;
    match state.chain.prove(&key, ProveAt::Latest).await {
        Ok(proof) => Ok(Json(json!({ "proof": proof.to_hex() }))),
        Err(openledger_chain::ChainError::KeyAbsent { .. }) => {
            Err(ApiError::Own(StatusCode::NOT_FOUND, "there is no record under this key".into()))
        }
        Err(error) => Err(unavailable(error)),
    }
}

fn datanet_name(text: &str) -> Result<Name, ApiError> {
    text.parse().map_err(bad)
}

/// Lets whoever may read the texts of a datanet pass, and tells everybody else who may.
async fn readable(state: &ApiState, headers: &HeaderMap, uri: &Uri, datanet: &Name) -> Result<(), ApiError> {
    if record::<DatanetRecord>(&state.chain, &StateKey::Datanet(datanet.clone())).await?.is_none() {
        return Err(unknown(datanet));
    }
    let path = uri.path_and_query().map_or(uri.path(), |path| path.as_str());
    let now_ms = now_ms();
    let reader = state.gateway.reader(headers, path, now_ms).await?;
    if state.gateway.may_read(&reader, datanet, now_ms).await? {
        return Ok(());
    }
    Err(openledger_gateway::closed(datanet).into())
}

fn unknown(datanet: &Name) -> ApiError {
    let message = format!("there is no datanet {datanet} on the ledger; GET /api/v1/datanets lists them");
    ApiError::Own(StatusCode::NOT_FOUND, message)
}

/// Milliseconds since the Unix epoch.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

async fn texts(
    State(state): Shared,
    headers: HeaderMap,
    uri: Uri,
    Part(name): Part<String>,
) -> Result<Response, ApiError> {
    let name = datanet_name(&name)?;
    readable(&state, &headers, &uri, &name).await?;
    let mut lines = Vec::new();
    for contribution in state.library.texts(name.as_str()) {
        serde_json::to_writer(&mut lines, &contribution).map_err(unavailable)?;
        lines.push(b'\n');
    }
    Ok(([(header::CONTENT_TYPE, "application/jsonl")], lines).into_response())
}

/// One committed text.
async fn text(
    State(state): Shared,
    headers: HeaderMap,
    uri: Uri,
    Part((name, contribution)): Part<(String, ContributionId)>,
) -> Result<Response, ApiError> {
    let name = datanet_name(&name)?;
    readable(&state, &headers, &uri, &name).await?;
    match state.library.text(name.as_str(), &openledger_datanet::ContributionId(contribution.0)) {
        Some(text) => Ok(Json(text).into_response()),
        None => Err(ApiError::Own(
            StatusCode::NOT_FOUND,
            format!("the text of {contribution} of {name} is not on this node; ask another one"),
        )),
    }
}

async fn put_texts(
    State(state): Shared,
    Part(name): Part<String>,
    body: Bytes,
) -> Result<Json<serde_json::Value>, ApiError> {
    let name = datanet_name(&name)?;
    if record::<DatanetRecord>(&state.chain, &StateKey::Datanet(name.clone())).await?.is_none() {
        return Err(unknown(&name));
    }
    let contributions = parse_texts(&body).map_err(|error| bad(format!("{error:#}")))?;
    if contributions.is_empty() {
        return Err(bad("the body holds no contributions"));
    }
    for chunk in contributions.chunks(STATE_KEYS_MAX) {
        let keys: Vec<Vec<u8>> = chunk
            .iter()
            .map(|contribution| StateKey::Contribution(name.clone(), id_of(contribution)).encode())
            .collect();
        let values = state.chain.get_many(&keys).await.map_err(unavailable)?.values;
        if let Some(missing) = values.iter().position(Option::is_none) {
            let label = &chunk[missing].external_id;
            return Err(bad(format!(
                "{label:?} was never committed to {name}; commit it before its text is stored"
            )));
        }
    }
    let library = state.library.clone();
    let added = blocking(move || library.add_texts(name.as_str(), contributions)).await?;
    Ok(Json(json!({ "added": added })))
}

async fn snapshot(
    State(state): Shared,
    headers: HeaderMap,
    uri: Uri,
    Part((name, version)): Part<(String, u32)>,
) -> Result<Response, ApiError> {
    let name = datanet_name(&name)?;
    readable(&state, &headers, &uri, &name).await?;
    let library = state.library.clone();
    match blocking(move || library.manifest(name.as_str(), version)).await? {
        Some(bytes) => Ok(([(header::CONTENT_TYPE, "application/jsonl")], bytes).into_response()),
        None => Err(ApiError::Own(StatusCode::NOT_FOUND, format!("version {version} is not on this node"))),
    }
}

async fn put_snapshot(
    State(state): Shared,
    Part((name, version)): Part<(String, u32)>,
    body: Bytes,
) -> Result<Json<serde_json::Value>, ApiError> {
    let name = datanet_name(&name)?;
    let sealed: Option<SnapshotRecord> =
        record(&state.chain, &StateKey::Snapshot(name.clone(), version)).await?;
    let Some(sealed) = sealed else {
        return Err(bad(format!(
            "version {version} of {name} was never sealed; seal it on the ledger first"
        )));
    };
    if state.library.has(name.as_str(), version) {
        return Ok(Json(json!({ "version": version, "root": sealed.root })));
    }
    let read = {
        let (name, body) = (name.clone(), body.clone());
        blocking(move || super::library::read_snapshot(name.as_str(), version, &body)).await?
    };
    if Hash(read.snapshot.root()) != sealed.root || Hash(read.segment.root()) != sealed.index_root {
        return Err(bad(format!(
            "this is not version {version} of {name}: its root differs from the sealed one"
        )));
    }
    check_commitments(&state.chain, &name, &read.snapshot).await?;
    let shared = state.clone();
    blocking(move || shared.library.install(name.as_str(), read, &body, |joined| (shared.installed)(joined)))
        .await?;
    Ok(Json(json!({ "version": version, "root": sealed.root })))
}

/// The curator sealed the root; that the entries stand where the ledger has them is checked here.
async fn check_commitments(chain: &Chain, name: &Name, snapshot: &SealedSnapshot) -> Result<(), ApiError> {
    for chunk in snapshot.entries().chunks(STATE_KEYS_MAX) {
        let key = |entry: &Entry| StateKey::Contribution(name.clone(), id_of(&entry.contribution)).encode();
        let keys: Vec<Vec<u8>> = chunk.iter().map(key).collect();
        let values = chain.get_many(&keys).await.map_err(unavailable)?.values;
        let decoded = |bytes: Vec<u8>| codec::decode("record", &bytes, limits::RECORD_BYTES_MAX);
        let records = values.into_iter().map(|value| value.map(decoded).transpose());
        let records = records.collect::<Result<Vec<_>, _>>().map_err(unavailable)?;
        check_order(chunk, &records).map_err(bad)?;
    }
    Ok(())
}

async fn register_key(
    State(state): Shared,
    headers: HeaderMap,
    Body(request): Body<RegisterKeyRequest>,
) -> Result<Response, ApiError> {
    Ok(state.gateway.register_key(&headers, request.channel, &request.name).await.into_response())
}

/// Runs work that reads disks or builds indexes off the serving threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) if error.chain().any(|cause| cause.is::<std::io::Error>()) => {
            Err(ApiError::Own(StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")))
        }
        Ok(Err(error)) => Err(bad(format!("{error:#}"))),
        Err(error) => Err(unavailable(error)),
    }
}
