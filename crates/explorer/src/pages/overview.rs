//! The first page: what this network is, what it just answered, and where all money is.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use openledger_query::views::{BlockSummary, DatanetSummary, PageRequest, ReceiptSummary};

use crate::ExplorerState;
use crate::context::{Frame, page};

const FEED_ROWS: usize = 12;
const BLOCK_ROWS: usize = 6;
const DATANET_ROWS: usize = 6;

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    frame: Frame,
    receipts: Vec<ReceiptSummary>,
    blocks: Vec<BlockSummary>,
    datanets: Vec<DatanetSummary>,
}

#[derive(Template)]
#[template(path = "feed.html")]
struct Feed {
    receipts: Vec<ReceiptSummary>,
}

fn latest(state: &ExplorerState) -> Vec<ReceiptSummary> {
    state.models.receipts(PageRequest::first(FEED_ROWS)).entries
}

pub(crate) async fn overview(State(state): State<ExplorerState>) -> Response {
    let content = Overview {
        frame: Frame::new(&state, "Overview", "overview"),
        receipts: latest(&state),
        blocks: state.models.busy_blocks(BLOCK_ROWS),
        datanets: state.models.datanets(PageRequest::first(DATANET_ROWS)).entries,
    };
    page(StatusCode::OK, &content)
}

/// The list of answers alone, for the script that keeps it fresh.
pub(crate) async fn feed(State(state): State<ExplorerState>) -> Response {
    page(StatusCode::OK, &Feed { receipts: latest(&state) })
}
