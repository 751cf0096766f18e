//! The explorer: server-rendered pages over the read models, and the same answers as JSON.
//!
//! Rule: every page works without JavaScript, loads nothing from elsewhere, and escapes everything. A question and its
//! answer are shown only to whoever brings the receipt's salt, and texts of private datanets to nobody; everything else
//! on these pages is public.
//! Absent: writing of any kind, accounts of users, cookies, and what the network's parts know; [`Library`] and
//! [`openledger_query::ReadModels`] are all that the pages see.

mod api;
mod context;
mod contributors;
mod errors;
mod flow;
mod format;
mod headers;
mod library;
mod marks;
mod pages;
mod receipts;
mod spans;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use openledger_query::ReadModels;

pub use library::{ContributionText, Held, Library, Opening, StoredReceipt};
pub use receipts::facts_of;

/// What the pages are made from.
#[derive(Clone)]
pub struct ExplorerState {
    /// The read models.
    pub models: Arc<ReadModels>,
    /// Texts and receipts.
    pub library: Arc<dyn Library>,
}

/// All pages and their JSON twins, with an answer for everything that does not exist.
pub fn router(state: ExplorerState) -> Router {
    let fallback = axum::routing::any(errors::not_found).with_state(state.clone());
    pages(state).fallback_service(headers::protected(Router::new().fallback_service(fallback)))
}

/// All pages and their JSON twins, for a router that answers for what does not exist by itself.
pub fn pages(state: ExplorerState) -> Router {
    let router = Router::new()
        .route("/", get(pages::overview::overview))
        .route("/feed", get(pages::overview::feed))
        .route("/answers", get(pages::answers::list))
        .route("/answers/{id}", get(pages::answers::answer))
        .route("/answers/{id}/receipt", get(pages::answers::download))
        .route("/accounts/{id}", get(pages::accounts::account))
        .route("/datanets", get(pages::datanets::list))
        .route("/datanets/{name}", get(pages::datanets::datanet))
        .route("/datanets/{name}/contributions/{id}", get(pages::datanets::contribution))
        .route("/models", get(pages::market::models))
        .route("/models/{name}", get(pages::market::model))
        .route("/network", get(pages::market::network))
        .route("/blocks", get(pages::chain::blocks))
        .route("/blocks/{height}", get(pages::chain::block))
        .route("/transactions/{hash}", get(pages::chain::transaction))
        .route("/batches", get(pages::chain::batches))
        .route("/batches/{gateway}/{number}", get(pages::chain::batch))
        .route("/search", get(pages::search::search))
        .route("/explorer.css", get(pages::assets::stylesheet))
        .route("/explorer.js", get(pages::assets::script))
        .merge(api::router())
        .with_state(state);
    headers::protected(router)
}
