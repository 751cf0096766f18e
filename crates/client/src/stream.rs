//! A streamed answer, read as an ordinary OpenAI client reads it: server-sent events of
//! `/v1/chat/completions` (WHATWG HTML, section 9.2), one JSON chunk an event, `[DONE]` at the end.

use reqwest::{Method, Response};
use serde_json::Value;

use crate::http::{Client, ClientError};

/// The longest line of a stream.
const LINE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What a stream delivers.
#[derive(Debug, Clone, PartialEq)]
pub enum AnswerEvent {
    /// More of the answer's text.
    Text(String),
    /// Why it ended, and the receipt's summary from the finish chunk.
    Finished {
        /// `stop` or `length`.
        reason: String,
        /// The `receipt` object.
        receipt: Value,
    },
    /// Token counts and cost.
    Usage(Value),
}

/// A streamed answer.
pub struct AnswerStream {
    response: Response,
    buffer: Vec<u8>,
    address: String,
    done: bool,
    pending: std::collections::VecDeque<AnswerEvent>,
    /// The `X-Receipt-Id` header.
    pub receipt_id: Option<String>,
}

impl Client {
    /// Sends a chat completion request and reads the answer as it is made. `body` is the OpenAI request; `stream` is
    /// set here.
    pub async fn stream_answer(&self, mut body: Value) -> Result<AnswerStream, ClientError> {
        body["stream"] = Value::Bool(true);
        body["stream_options"] = serde_json::json!({ "include_usage": true });
        let response = self.send(self.request(Method::POST, "/v1/chat/completions").json(&body)).await?;
        let receipt_id =
            response.headers().get("x-receipt-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(AnswerStream {
            response,
            buffer: Vec::new(),
            address: self.base().to_owned(),
            done: false,
            pending: std::collections::VecDeque::new(),
            receipt_id,
        })
    }
}

impl AnswerStream {
    /// The next event, or `None` after the end.
    pub async fn next(&mut self) -> Result<Option<AnswerEvent>, ClientError> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Ok(Some(event));
            }
            if self.done {
                return Ok(None);
            }
            if let Some(line) = self.take_line() {
                self.read_line(&line)?;
                continue;
            }
            let piece = self.response.chunk().await.map_err(|error| self.malformed(&error.to_string()))?;
            match piece {
                Some(piece) if self.buffer.len() + piece.len() <= LINE_BYTES_MAX => {
                    self.buffer.extend_from_slice(&piece);
                }
                Some(_) => return Err(self.malformed("a line is too long")),
                None => return Err(self.malformed("the stream ended before [DONE]")),
            }
        }
    }

    fn malformed(&self, reason: &str) -> ClientError {
        ClientError::Malformed { address: self.address.clone(), reason: reason.to_owned() }
    }

    fn take_line(&mut self) -> Option<String> {
        let end = self.buffer.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.buffer.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    fn read_line(&mut self, line: &str) -> Result<(), ClientError> {
        let Some(data) = line.strip_prefix("data:") else { return Ok(()) };
        let data = data.trim_start();
        if data == "[DONE]" {
            self.done = true;
            return Ok(());
        }
        let chunk: Value = serde_json::from_str(data).map_err(|error| self.malformed(&error.to_string()))?;
        if let Some(message) = chunk["error"]["message"].as_str() {
            let code = chunk["error"]["code"].as_str().map(str::to_owned);
            return Err(ClientError::Refused { status: 200, code, message: message.to_owned() });
        }
        let choice = &chunk["choices"][0];
        if let Some(text) = choice["delta"]["content"].as_str().filter(|text| !text.is_empty()) {
            self.pending.push_back(AnswerEvent::Text(text.to_owned()));
        }
        if let Some(reason) = choice["finish_reason"].as_str() {
            let receipt = chunk["receipt"].clone();
            self.pending.push_back(AnswerEvent::Finished { reason: reason.to_owned(), receipt });
        }
        if chunk["usage"].is_object() {
            self.pending.push_back(AnswerEvent::Usage(chunk["usage"].clone()));
        }
        Ok(())
    }
}
