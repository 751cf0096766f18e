//! Blocks, transactions and settled batches.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use openledger_query::views::{BatchSummary, BatchView, BlockSummary, BlockView, Page, TransactionView};
use openledger_types::{AccountId, Event, Hash};

use crate::ExplorerState;
use crate::context::{Frame, PageQuery, Pager, page};
use crate::errors::{explain, quoted};
use crate::format;

#[derive(Template)]
#[template(path = "blocks.html")]
struct Blocks {
    frame: Frame,
    blocks: Page<BlockSummary>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "block.html")]
struct Block {
    frame: Frame,
    block: BlockView,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "transaction.html")]
struct Transaction {
    frame: Frame,
    transaction: TransactionView,
    events: Vec<EventLine>,
}

#[derive(Template)]
#[template(path = "batches.html")]
struct Batches {
    frame: Frame,
    batches: Page<BatchSummary>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "batch.html")]
struct Batch {
    frame: Frame,
    batch: BatchView,
    pager: Pager,
}

/// An event as its name and its fields.
struct EventLine {
    name: String,
    fields: String,
}

fn event_line(event: &Event) -> EventLine {
    let value = serde_json::to_value(event).unwrap_or_default();
    let name = value.get("event").and_then(|name| name.as_str()).unwrap_or("event").replace('_', " ");
    let fields = value.as_object().into_iter().flatten().filter(|(key, _)| *key != "event");
    let fields: Vec<String> = fields.map(|(key, value)| format!("{key} {}", quoted_value(value))).collect();
    EventLine { name, fields: fields.join(" · ") }
}

fn quoted_value(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => format::short(text),
        other => quoted(&other.to_string()),
    }
}

pub(crate) async fn blocks(State(state): State<ExplorerState>, Query(query): Query<PageQuery>) -> Response {
    let blocks = state.models.blocks(query.request());
    let pager = Pager::new(&blocks, "/blocks");
    page(StatusCode::OK, &Blocks { frame: Frame::new(&state, "Blocks", "blocks"), blocks, pager })
}

pub(crate) async fn block(
    State(state): State<ExplorerState>,
    Path(height): Path<String>,
    Query(query): Query<PageQuery>,
) -> Response {
    let Ok(number) = height.parse::<u64>() else {
        let explanation = format!("{} is not a height: expected a whole number from 1.", quoted(&height));
        return explain(&state, StatusCode::BAD_REQUEST, "Not a height", explanation);
    };
    let Some(block) = state.models.block(number, query.request()) else {
        let tip = state.models.height();
        let explanation = format!(
            "This node has no block {number}. The latest is {tip}; very old blocks are not kept here."
        );
        return explain(&state, StatusCode::NOT_FOUND, "No such block", explanation);
    };
    let pager = Pager::new(&block.transactions, format!("/blocks/{number}"));
    page(
        StatusCode::OK,
        &Block { frame: Frame::new(&state, format!("Block {number}"), "blocks"), block, pager },
    )
}

pub(crate) async fn transaction(State(state): State<ExplorerState>, Path(hash): Path<String>) -> Response {
    let Ok(parsed) = hash.parse::<Hash>() else {
        let explanation = format!("{} is not a hash: expected 0x and 64 hexadecimal digits.", quoted(&hash));
        return explain(&state, StatusCode::BAD_REQUEST, "Not a hash", explanation);
    };
    let Some(transaction) = state.models.transaction(&parsed) else {
        let explanation =
            format!("This node has no finalized transaction {parsed}. It may still be waiting.");
        return explain(&state, StatusCode::NOT_FOUND, "No such transaction", explanation);
    };
    let events = transaction.event_list.iter().flatten().map(event_line).collect();
    let frame = Frame::new(&state, transaction.summary.action.clone(), "blocks");
    page(StatusCode::OK, &Transaction { frame, transaction, events })
}

pub(crate) async fn batches(State(state): State<ExplorerState>, Query(query): Query<PageQuery>) -> Response {
    let batches = state.models.batches(query.request());
    let pager = Pager::new(&batches, "/batches");
    page(StatusCode::OK, &Batches { frame: Frame::new(&state, "Batches", "blocks"), batches, pager })
}

pub(crate) async fn batch(
    State(state): State<ExplorerState>,
    Path((gateway, number)): Path<(String, String)>,
    Query(query): Query<PageQuery>,
) -> Response {
    let parsed = gateway.parse::<AccountId>().ok().zip(number.parse::<u64>().ok());
    let Some((account, count)) = parsed else {
        let explanation = "A batch is named by its gateway's address and a whole number.";
        return explain(&state, StatusCode::BAD_REQUEST, "Not a batch", explanation);
    };
    let Some(batch) = state.models.batch(account, count, query.request()) else {
        let explanation =
            format!("The gateway {account} has not settled a batch {count}, or it is no longer kept here.");
        return explain(&state, StatusCode::NOT_FOUND, "No such batch", explanation);
    };
    let pager = Pager::new(&batch.receipt_list, format!("/batches/{account}/{count}"));
    page(
        StatusCode::OK,
        &Batch { frame: Frame::new(&state, format!("Batch {count}"), "blocks"), batch, pager },
    )
}
