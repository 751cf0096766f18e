//! The pages' answers as JSON, read-only, under `/api/v1`. Shapes are the structs of [`openledger_query::views`].
//! Absent: texts of questions and answers; they come with the receipt's file.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use openledger_types::{AccountId, Hash, Name};
use serde::Serialize;

use crate::ExplorerState;
use crate::context::PageQuery;
use crate::errors::{explain_json, quoted};
use crate::pages::search::SearchQuery;

type Models = State<ExplorerState>;

pub(crate) fn router() -> Router<ExplorerState> {
    Router::new()
        .route("/api/v1/overview", get(|State(state): Models| async move { Json(state.models.overview()) }))
        .route("/api/v1/supply", get(|State(state): Models| async move { Json(state.models.supply()) }))
        .route("/api/v1/receipts", get(receipts))
        .route("/api/v1/receipts/{id}", get(receipt))
        .route("/api/v1/accounts/{id}", get(account))
        .route("/api/v1/accounts/{id}/statement", get(statement))
        .route("/api/v1/datanets", get(datanets))
        .route("/api/v1/datanets/{name}", get(datanet))
        .route("/api/v1/models", get(models))
        .route("/api/v1/providers", get(providers))
        .route("/api/v1/gateways", get(gateways))
        .route("/api/v1/blocks", get(blocks))
        .route("/api/v1/blocks/{height}", get(block))
        .route("/api/v1/transactions/{hash}", get(transaction))
        .route("/api/v1/batches", get(batches))
        .route("/api/v1/batches/{gateway}/{number}", get(batch))
        .route("/api/v1/search", get(search))
}

fn found<T: Serialize>(value: Option<T>, what: &str, id: &str) -> Response {
    match value {
        Some(value) => Json(value).into_response(),
        None => explain_json(StatusCode::NOT_FOUND, format!("there is no {what} {}", quoted(id))),
    }
}

fn invalid(what: &str, id: &str, expected: &str) -> Response {
    explain_json(StatusCode::BAD_REQUEST, format!("{} is not {what}: expected {expected}", quoted(id)))
}

async fn receipts(State(state): Models, Query(query): Query<PageQuery>) -> Response {
    Json(state.models.receipts(query.request())).into_response()
}

async fn receipt(State(state): Models, Path(id): Path<String>) -> Response {
    found(state.models.receipt(&id), "receipt", &id)
}

async fn account(State(state): Models, Path(id): Path<String>) -> Response {
    match id.parse::<AccountId>() {
        Ok(address) => found(state.models.account(address), "account with a history at", &id),
        Err(_) => invalid("an address", &id, "0x and 40 hexadecimal digits"),
    }
}

async fn statement(State(state): Models, Path(id): Path<String>, Query(query): Query<PageQuery>) -> Response {
    match id.parse::<AccountId>() {
        Ok(address) => Json(state.models.statement(address, query.request())).into_response(),
        Err(_) => invalid("an address", &id, "0x and 40 hexadecimal digits"),
    }
}

async fn datanets(State(state): Models, Query(query): Query<PageQuery>) -> Response {
    Json(state.models.datanets(query.request())).into_response()
}

async fn datanet(State(state): Models, Path(name): Path<String>, Query(query): Query<PageQuery>) -> Response {
    let datanet = name.parse::<Name>().ok().and_then(|name| state.models.datanet(&name, query.request()));
    found(datanet, "datanet", &name)
}

async fn models(State(state): Models, Query(query): Query<PageQuery>) -> Response {
    Json(state.models.models(query.request())).into_response()
}

async fn providers(State(state): Models, Query(query): Query<PageQuery>) -> Response {
    Json(state.models.providers(query.request())).into_response()
}

async fn gateways(State(state): Models, Query(query): Query<PageQuery>) -> Response {
    Json(state.models.gateways(query.request())).into_response()
}

async fn blocks(State(state): Models, Query(query): Query<PageQuery>) -> Response {
    Json(state.models.blocks(query.request())).into_response()
}

async fn block(State(state): Models, Path(height): Path<String>, Query(query): Query<PageQuery>) -> Response {
    match height.parse::<u64>() {
        Ok(number) => found(state.models.block(number, query.request()), "block", &height),
        Err(_) => invalid("a height", &height, "a whole number from 1"),
    }
}

async fn transaction(State(state): Models, Path(hash): Path<String>) -> Response {
    match hash.parse::<Hash>() {
        Ok(parsed) => found(state.models.transaction(&parsed), "finalized transaction", &hash),
        Err(_) => invalid("a hash", &hash, "0x and 64 hexadecimal digits"),
    }
}

async fn batches(State(state): Models, Query(query): Query<PageQuery>) -> Response {
    Json(state.models.batches(query.request())).into_response()
}

async fn batch(
    State(state): Models,
    Path((gateway, number)): Path<(String, String)>,
    Query(query): Query<PageQuery>,
) -> Response {
    match gateway.parse::<AccountId>().ok().zip(number.parse::<u64>().ok()) {
        Some((account, count)) => {
            found(state.models.batch(account, count, query.request()), "batch", &number)
        }
        None => invalid("a batch", &format!("{gateway}/{number}"), "a gateway's address and a whole number"),
    }
}

async fn search(State(state): Models, Query(query): Query<SearchQuery>) -> Response {
    Json(state.models.search(query.q.as_deref().unwrap_or_default())).into_response()
}
