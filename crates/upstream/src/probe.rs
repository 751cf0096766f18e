//! A look at an engine: is it well, does it serve the model, and as much context as is promised.

use reqwest::{Method, Response};
use serde_json::Value;

use crate::connection::{Connection, LIST_BYTES_MAX};
use crate::error::{UpstreamError, shown};

/// Looks at the engine, within the limit for it.
pub(crate) async fn look(connection: &Connection) -> Result<(), UpstreamError> {
    let limit = connection.config.limits.probe;
    match tokio::time::timeout(limit, ask(connection)).await {
        Ok(seen) => seen,
        Err(_) => Err(connection.silent(limit, "when it was asked for its health")),
    }
}

async fn ask(connection: &Connection) -> Result<(), UpstreamError> {
    if let Some(path) = connection.config.kind.health_path() {
        let response = get(connection, path).await?;
        if !response.status().is_success() {
            return Err(connection.refused(response).await);
        }
    }
    let response = get(connection, "v1/models").await?;
    match response.status().as_u16() {
        200 => {}
        // Some servers have no list; that they answer is all that is known of them.
        404 | 405 | 501 => return Ok(()),
        _ => return Err(connection.refused(response).await),
    }
    let body = connection.read(response, LIST_BYTES_MAX).await?;
    check_models(connection, &body)
}

async fn get(connection: &Connection, path: &str) -> Result<Response, UpstreamError> {
    connection.request(Method::GET, path).send().await.map_err(|error| connection.failed(&error))
}

fn check_models(connection: &Connection, body: &[u8]) -> Result<(), UpstreamError> {
    let list: Value = serde_json::from_slice(body)
        .map_err(|error| connection.malformed(format!("a list of models that is no JSON ({error})")))?;
    let models =
        list["data"].as_array().ok_or_else(|| connection.malformed("a list of models without `data`"))?;
    let wanted = connection.config.model.as_str();
    let is_wanted = |model: &&Value| {
        let aliases = model["aliases"].as_array().map(Vec::as_slice).unwrap_or_default();
        model["id"] == wanted || aliases.iter().any(|alias| alias == wanted)
    };
    let Some(model) = models.iter().find(is_wanted) else {
        let names: Vec<&str> = models.iter().filter_map(|model| model["id"].as_str()).collect();
        return Err(UpstreamError::Model {
            url: connection.url(),
            model: wanted.to_owned(),
            served: shown(&names.join(", ")),
        });
    };
    // vLLM and SGLang say it at the model, llama.cpp's server with what it knows of the file.
    let served = model["max_model_len"].as_u64().or_else(|| model["meta"]["n_ctx"].as_u64());
    let promised = connection.config.context_tokens;
    match served {
        Some(served) if served < u64::from(promised) => {
            Err(UpstreamError::Context { url: connection.url(), served, promised })
        }
        _ => Ok(()),
    }
}
