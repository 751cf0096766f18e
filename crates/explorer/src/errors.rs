//! What is answered when there is nothing to show: what was asked for, why there is nothing, and where to go.
//! Programs that asked under an API path get JSON in the shape that OpenAI's clients expect.

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::ExplorerState;
use crate::context::{Frame, page};

#[derive(Template)]
#[template(path = "missing.html")]
struct Missing {
    frame: Frame,
    heading: String,
    explanation: String,
}

/// A page that says what is wrong.
pub(crate) fn explain(
    state: &ExplorerState,
    status: StatusCode,
    heading: impl Into<String>,
    explanation: impl Into<String>,
) -> Response {
    let (heading, explanation) = (heading.into(), explanation.into());
    page(status, &Missing { frame: Frame::new(state, heading.clone(), ""), heading, explanation })
}

/// A JSON error.
pub(crate) fn explain_json(status: StatusCode, message: impl Into<String>) -> Response {
    let code = if status == StatusCode::NOT_FOUND { "not_found" } else { "invalid_value" };
    let error =
        json!({ "message": message.into(), "type": "invalid_request_error", "param": null, "code": code });
    (status, Json(json!({ "error": error }))).into_response()
}

/// Text from outside, short enough to repeat.
pub(crate) fn quoted(text: &str) -> String {
    let mut shortened: String = text.chars().take(80).collect();
    if shortened.len() < text.len() {
        shortened.push('…');
    }
    shortened
}

/// The answer for a path that does not exist.
pub(crate) async fn not_found(State(state): State<ExplorerState>, uri: Uri) -> Response {
    if is_api(&uri) {
        let path = quoted(uri.path());
        return explain_json(
            StatusCode::NOT_FOUND,
            format!("there is nothing at {path}; the paths are listed in the project's docs/api.md"),
        );
    }
    let explanation =
        format!("There is no page at {}. Try the search, or start from the overview.", quoted(uri.path()));
    explain(&state, StatusCode::NOT_FOUND, "Nothing here", explanation)
}

fn is_api(uri: &Uri) -> bool {
    ["/v1", "/api", "/mcp", "/.well-known"].iter().any(|prefix| {
        uri.path().strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}
