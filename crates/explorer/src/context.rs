//! What every page shows around its content, and how a template becomes a reply.
//! Absent: anything about one page.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use openledger_query::views::{Overview, PageRequest};
use serde::Deserialize;

use crate::ExplorerState;

/// Rows on one page of a list.
pub(crate) const ROWS: usize = 50;

/// The frame around a page.
pub(crate) struct Frame {
    /// Title in the browser.
    pub(crate) title: String,
    /// Which entry of the navigation is current.
    pub(crate) section: &'static str,
    /// The network.
    pub(crate) overview: Overview,
}

impl Frame {
    pub(crate) fn new(state: &ExplorerState, title: impl Into<String>, section: &'static str) -> Self {
        Self { title: title.into(), section, overview: state.models.overview() }
    }
}

/// Which page of a list.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct PageQuery {
    /// Number, from 1; what is no number is the first.
    pub(crate) page: Option<String>,
}

impl PageQuery {
    pub(crate) fn request(&self) -> PageRequest {
        let page = self.page.as_deref().and_then(|page| page.parse().ok()).unwrap_or(1);
        PageRequest { page, per_page: ROWS }
    }
}

/// Links to the pages before and after.
pub(crate) struct Pager {
    pub(crate) page: u64,
    pub(crate) pages: u64,
    pub(crate) path: String,
}

impl Pager {
    pub(crate) fn new<T>(page: &openledger_query::views::Page<T>, path: impl Into<String>) -> Self {
        Self { page: page.page, pages: page.pages(), path: path.into() }
    }

    pub(crate) fn newer(&self) -> Option<u64> {
        (self.page > 1).then(|| (self.page - 1).min(self.pages))
    }

    pub(crate) fn older(&self) -> Option<u64> {
        (self.page < self.pages).then(|| self.page + 1)
    }
}

/// Renders a template.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, Html(html)).into_response(),
        // Writing to memory fails only when a value's own formatting fails, which none here does.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
