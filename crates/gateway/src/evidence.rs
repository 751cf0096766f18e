//! Evidence for auditors: what an answer is replayed from, kept beside its receipt, and the provider's openings of parts of it.
//!
//! Rule: both show the texts, so they are for whoever brings the API key that paid, or the salt. Of an answer whose prompt holds
//! a passage of a private datanet nothing is kept: whoever has the file would have the passage. An opening takes a pass over
//! the whole answer: one at a time is made, a few wait, and a key asks for a few a minute.
//! Absent: the replay (`openledger audit replay`), and what a provider that opens nothing pays: that is for the ledger's audits.

use std::sync::Arc;

use axum::http::HeaderMap;
use openledger_inference::{Material, ReplayError, Scope};
use openledger_receipt::{Opening, PassageRef, Predicate};
use openledger_store::StoredReceipt;
use openledger_types::Hash;
use openledger_worker::Worker;
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::asked::Asked;
use crate::auth::ApiKey;
use crate::complete::now_ms;
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::lookup::throttle::Throttle;
use crate::seal;

/// Openings that wait for the one that is made, and itself.
const WAITING_MAX: usize = 4;
/// Openings a minute of the answers that one API key paid.
const PER_MINUTE: u32 = 12;

/// Who has asked for how many openings, and which is made.
pub(crate) struct Openings {
    asked: Throttle<Hash>,
    places: Arc<Semaphore>,
    turn: Arc<Semaphore>,
}

impl Default for Openings {
    fn default() -> Self {
        Self {
            asked: Throttle::new(PER_MINUTE),
            places: Arc::new(Semaphore::new(WAITING_MAX)),
            turn: Arc::new(Semaphore::new(1)),
        }
    }
}

/// Which part is to be opened: whole windows, or one layer of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    windows: Vec<u32>,
    layer: Option<u32>,
}

/// The material of an answer as it is kept; `None` where there is none, or where it would show private texts.
pub(crate) async fn kept(
    gateway: &Gateway,
    material: Option<&Material>,
    retrieval: &[PassageRef],
) -> Option<Vec<u8>> {
    let material = material?;
    for PassageRef { datanet, .. } in retrieval {
        // One that the ledger cannot be asked of counts as private.
        if gateway.is_private(datanet, now_ms()).await.unwrap_or(true) {
            return None;
        }
    }
    Some(material.to_bytes())
}

/// What an answer is replayed from.
pub(crate) fn material(
    gateway: &Gateway,
    headers: &HeaderMap,
    salt: Option<&str>,
    id: &str,
) -> Result<Vec<u8>, ApiError> {
    let (stored, _) = readable(gateway, headers, salt, id)?;
    gateway.store.material(stored.sequence).map_err(ApiError::unavailable)?.ok_or_else(|| {
        let message = "nothing is kept to replay this answer from: it was broken off, its engine is not exact, or a passage in its prompt is of a private datanet";
        ApiError::not_found("no_evidence", message)
    })
}

/// A part of an answer, opened by the provider that gave it.
pub(crate) async fn open(
    gateway: &Gateway,
    headers: &HeaderMap,
    salt: Option<&str>,
    id: &str,
    body: &[u8],
) -> Result<Vec<u8>, ApiError> {
    let bytes = material(gateway, headers, salt, id)?;
    let (stored, opening) = readable(gateway, headers, salt, id)?;
    let scope = scope(body)?;
    let statement = seal::statement_of(&stored).ok_or_else(damaged)?;
    let worker = worker(gateway, statement.predicate())?;
    let material = Material::from_bytes(&bytes).map_err(|_| damaged())?;
    let asked = Asked::read(&statement.predicate().request.endpoint, opening.request.as_bytes())?;
    let openings = &gateway.openings;
    openings.asked.take(&stored.key_hash, now_ms()).map_err(|seconds| ApiError {
        retry_s: seconds,
        ..ApiError::busy(format!(
            "at most {PER_MINUTE} parts of this key's answers are opened a minute; wait"
        ))
    })?;
    let busy = |_| ApiError::busy("as many openings wait as may; try again in a moment");
    let place = openings.places.clone().try_acquire_owned().map_err(busy)?;
    let turn = openings.turn.clone().acquire_owned().await.map_err(ApiError::unavailable)?;
    let opened = tokio::task::spawn_blocking(move || {
        let opened = worker.open(&material.claim(asked.grammar()), &scope).map(|opening| opening.to_bytes());
        // A caller who left does not make room for the next one before the work has ended.
        drop((turn, place));
        opened
    });
    opened.await.map_err(ApiError::unavailable)?.map_err(refused)
}

/// The receipt with its texts, if whoever asks may read them.
fn readable(
    gateway: &Gateway,
    headers: &HeaderMap,
    salt: Option<&str>,
    id: &str,
) -> Result<(StoredReceipt, Opening), ApiError> {
    let unknown =
        || ApiError::not_found("receipt_not_found", "there is no receipt with this id at this gateway");
    if id.len() > 64 {
        return Err(unknown());
    }
    let stored = gateway.store.by_id(id).map_err(ApiError::unavailable)?.ok_or_else(unknown)?;
    let opening: Opening = serde_json::from_slice(&stored.opening).map_err(|_| damaged())?;
    let paid = ApiKey::from_headers(headers).is_some_and(|key| key.hash() == stored.key_hash);
    let has_salt = salt.is_some_and(|salt| {
        let mut bytes = [0; 32];
        let digits = salt.strip_prefix("0x").unwrap_or(salt);
        hex::decode_to_slice(digits, &mut bytes).is_ok() && bytes == opening.salt
    });
    if paid || has_salt {
        return Ok((stored, opening));
    }
    Err(ApiError::forbidden(
        "evidence_private",
        "the evidence of an answer shows its texts: bring the API key that paid for it, or its salt as ?salt=",
    ))
}

fn scope(body: &[u8]) -> Result<Scope, ApiError> {
    let Part { windows, layer } = serde_json::from_slice(body).map_err(|error| {
        ApiError::body(format!("the body is no part of an answer: {error}; send {{\"windows\": [0], \"layer\": 3}} or without layer"))
    })?;
    Ok(match layer {
        Some(layer) => Scope::Layer { layer, windows },
        None => Scope::Windows(windows),
    })
}

/// The provider that gave an answer, as far as it serves here.
fn worker(gateway: &Gateway, predicate: &Predicate) -> Result<Arc<Worker>, ApiError> {
    let served = &predicate.served;
    let gave = |worker: &&Arc<Worker>| {
        let offer = worker.offer();
        (offer.provider, &offer.model, offer.weights) == (served.provider, &served.model, served.weights)
    };
    gateway.workers.iter().find(gave).cloned().ok_or_else(|| {
        let message = format!("the provider {} no longer serves {} here", served.provider, served.model);
        ApiError::not_found("provider_gone", message)
    })
}

fn damaged() -> ApiError {
    ApiError::unavailable("the stored receipt is damaged")
}

fn refused(error: ReplayError) -> ApiError {
    let message = error.to_string();
    match error {
        ReplayError::Scope(_) | ReplayError::OpeningTooLarge { .. } => ApiError::invalid("windows", message),
        ReplayError::NotOpened(_)
        | ReplayError::OtherModel { .. }
        | ReplayError::OtherAdapter { .. }
        | ReplayError::OtherSpecification { .. } => ApiError::conflict("not_opened", message),
        _ => ApiError::unavailable(message),
    }
}
