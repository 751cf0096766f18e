//! The stylesheet and the script, embedded in the program. Their addresses carry a version, so they may be cached.

use axum::http::header;
use axum::response::{IntoResponse, Response};

const STYLESHEET: &str = include_str!("../../assets/explorer.css");
const SCRIPT: &str = include_str!("../../assets/explorer.js");
const CACHED: &str = "public, max-age=3600";

/// Changes when a file changes: pages name it, so that nobody sees an old one.
pub(crate) fn version() -> String {
    let sum = STYLESHEET.bytes().chain(SCRIPT.bytes()).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{sum:016x}")
}

pub(crate) async fn stylesheet() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, CACHED)];
    (headers, STYLESHEET).into_response()
}

pub(crate) async fn script() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::CACHE_CONTROL, CACHED)];
    (headers, SCRIPT).into_response()
}
