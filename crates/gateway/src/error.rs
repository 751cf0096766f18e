//! Errors as OpenAI's clients expect them: `{"error": {"message", "type", "param", "code"}}` with the right status. Every
//! message names the thing, the cause and the next step.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use openledger_inference::{GenerationError, SubmitError};
use openledger_worker::WorkError;
use serde_json::{Value, json};

use crate::request::Endpoint;

/// An error that a client sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: StatusCode,
    /// The class: `invalid_request_error`, `authentication_error`, `insufficient_quota`, `permission_error`,
    /// `server_error`.
    pub kind: &'static str,
    /// A stable code.
    pub code: Option<&'static str>,
    /// The parameter at fault.
    pub param: Option<&'static str>,
    /// What happened, why, and what to do.
    pub message: String,
    /// Seconds to wait before trying again, when the caller is too fast or this is busy.
    pub retry_s: u64,
}

impl ApiError {
    fn new(
        status: StatusCode,
        kind: &'static str,
        code: Option<&'static str>,
        message: impl Into<String>,
    ) -> Self {
        Self { status, kind, code, param: None, message: message.into(), retry_s: 1 }
    }

    /// The request is wrong.
    pub fn invalid(param: &'static str, message: impl Into<String>) -> Self {
        Self {
            param: Some(param),
            ..Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", None, message)
        }
    }

    /// The body is not a request.
    pub fn body(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", Some("invalid_body"), message)
    }

    /// The API key is missing or unknown. One answer for every wrong key.
    pub fn key() -> Self {
        let message = "the API key is missing or unknown; send it as `Authorization: Bearer sk-ol-...`, or make one with `openledger keys api`";
        Self::new(StatusCode::UNAUTHORIZED, "authentication_error", Some("invalid_api_key"), message)
    }

    /// The key's channel cannot pay.
    pub fn budget(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYMENT_REQUIRED, "insufficient_quota", Some("insufficient_quota"), message)
    }

    /// Not for whoever asks.
    pub fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "permission_error", Some(code), message)
    }

    /// No such thing.
    pub fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", Some(code), message)
    }

    /// It is not as whoever asks believes.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "invalid_request_error", Some(code), message)
    }

    /// Busy; try again.
    pub fn busy(message: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "server_error", Some("busy"), message)
    }

    /// A part of the node failed. Nothing was charged.
    pub fn unavailable(message: impl std::fmt::Display) -> Self {
        let message = format!("{message}; nothing was charged, try again in a moment");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", Some("unavailable"), message)
    }

    /// The same error about the prompt's field at this endpoint.
    pub(crate) fn of_prompt(self, endpoint: Endpoint) -> Self {
        match self.param {
            Some("messages") => Self { param: Some(endpoint.prompt_field()), ..self },
            _ => self,
        }
    }

    /// The body as JSON.
    pub fn to_json(&self) -> Value {
        json!({ "error": { "message": self.message, "type": self.kind, "param": self.param, "code": self.code } })
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.to_json())).into_response();
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(self.retry_s));
        }
        response
    }
}

impl From<WorkError> for ApiError {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::AtCapacity { .. } => Self::busy(error.to_string()),
            WorkError::Draining => Self::unavailable(error),
            WorkError::Refused(error) => refused(&error),
        }
    }
}

impl From<GenerationError> for ApiError {
    fn from(error: GenerationError) -> Self {
        match error {
            GenerationError::Refused(said) => Self::invalid("messages", said),
            GenerationError::Busy(said) => Self::busy(said),
            _ => Self::unavailable(error),
        }
    }
}

fn refused(error: &SubmitError) -> ApiError {
    match error {
        SubmitError::QueueFull { .. } | SubmitError::LaneFull { .. } => ApiError::busy(error.to_string()),
        SubmitError::Stopped | SubmitError::Unavailable { .. } => ApiError::unavailable(error),
        SubmitError::PromptTooLong { .. } | SubmitError::PromptTooLarge { .. } => ApiError {
            code: Some("context_length_exceeded"),
            ..ApiError::invalid("messages", error.to_string())
        },
        SubmitError::InvalidStop { .. } => ApiError::invalid("stop", error.to_string()),
        SubmitError::TooManyLogprobs { .. } => ApiError::invalid("top_logprobs", error.to_string()),
        SubmitError::InvalidSampling { name, .. } => ApiError::invalid(name, error.to_string()),
        SubmitError::Unsupported { what } => ApiError::invalid(what, error.to_string()),
        SubmitError::NoTokensWanted | SubmitError::CacheTooSmall { .. } => {
            ApiError::invalid("max_tokens", error.to_string())
        }
        SubmitError::PromptEmpty | SubmitError::TokenOutOfRange { .. } => {
            ApiError::invalid("messages", error.to_string())
        }
        _ => ApiError::body(error.to_string()),
    }
}
