//! Search over everything that has an id or a name.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use openledger_query::views::{SearchHit, SearchKind};
use serde::Deserialize;

use crate::ExplorerState;
use crate::context::{Frame, page};
use crate::errors::quoted;
use crate::format;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct SearchQuery {
    pub(crate) q: Option<String>,
}

#[derive(Template)]
#[template(path = "search.html")]
struct Search {
    frame: Frame,
    query: String,
    hits: Vec<SearchHit>,
}

/// Where a hit is shown.
pub(crate) fn path(hit: &SearchHit) -> String {
    let id = format::segment(&hit.id);
    match hit.kind {
        SearchKind::Block => format!("/blocks/{id}"),
        SearchKind::Transaction => format!("/transactions/{id}"),
        SearchKind::Receipt => format!("/answers/{id}"),
        SearchKind::Datanet => format!("/datanets/{id}"),
        SearchKind::Contribution => {
            format!("/datanets/{}/contributions/{id}", hit.parent.as_deref().unwrap_or_default())
        }
        SearchKind::Model => format!("/models/{id}"),
        SearchKind::Account => format!("/accounts/{id}"),
    }
}

/// What a hit is called.
pub(crate) fn kind(hit: &SearchHit) -> &'static str {
    match hit.kind {
        SearchKind::Block => "Block",
        SearchKind::Transaction => "Transaction",
        SearchKind::Receipt => "Answer",
        SearchKind::Datanet => "Datanet",
        SearchKind::Contribution => "Contribution",
        SearchKind::Model => "Model",
        SearchKind::Account => "Account",
    }
}

pub(crate) async fn search(State(state): State<ExplorerState>, Query(query): Query<SearchQuery>) -> Response {
    let text = query.q.unwrap_or_default();
    let hits = state.models.search(&text);
    // One hit with exactly the id that was typed: nobody wants a list of one.
    if let [hit] = hits.as_slice()
        && hit.id == text.trim().to_lowercase()
    {
        return Redirect::to(&path(hit)).into_response();
    }
    let query = quoted(text.trim());
    page(StatusCode::OK, &Search { frame: Frame::new(&state, "Search", ""), query, hits })
}
