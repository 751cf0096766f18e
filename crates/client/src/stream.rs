//! A streamed answer, read as an ordinary OpenAI client reads it: server-sent events of
//! `/v1/chat/completions` (WHATWG HTML, section 9.2), one JSON chunk an event, `[DONE]` at the end.

use std::collections::VecDeque;

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
    client: Client,
    lines: Lines,
}

impl Client {
    /// Sends a chat completion request and reads the answer as it is made. `body` is the OpenAI request; `stream` is
    /// set here.
    pub async fn stream_answer(&self, mut body: Value) -> Result<AnswerStream, ClientError> {
        body["stream"] = Value::Bool(true);
        body["stream_options"] = serde_json::json!({ "include_usage": true });
        let response = self.send(self.request(Method::POST, "/v1/chat/completions").json(&body)).await?;
        Ok(AnswerStream { response, client: self.clone(), lines: Lines::default() })
    }
}

impl AnswerStream {
    /// The next event, or `None` after the end.
    pub async fn next(&mut self) -> Result<Option<AnswerEvent>, ClientError> {
        loop {
            match self.lines.next() {
                Ok(Some(event)) => return Ok(Some(event)),
                Ok(None) if self.lines.done => return Ok(None),
                Ok(None) => {}
                Err(Broken::Refused(error)) => return Err(error),
                Err(Broken::Malformed(reason)) => return Err(self.malformed(&reason)),
            }
            let piece = self.response.chunk().await.map_err(|error| self.client.unreachable(&error))?;
            match piece {
                Some(piece) if self.lines.buffer.len() + piece.len() <= LINE_BYTES_MAX => {
                    self.lines.buffer.extend_from_slice(&piece);
                }
                Some(_) => return Err(self.malformed("a line is too long")),
                None => return Err(self.malformed("the stream ended before [DONE]")),
            }
        }
    }

    fn malformed(&self, reason: &str) -> ClientError {
        ClientError::Malformed { address: self.client.base().to_owned(), reason: reason.to_owned() }
    }
}

/// What is wrong with a line.
#[derive(Debug)]
enum Broken {
    Refused(ClientError),
    Malformed(String),
}

/// Bytes as they came, and the events in them.
#[derive(Default)]
struct Lines {
    buffer: Vec<u8>,
    pending: VecDeque<AnswerEvent>,
    done: bool,
}

impl Lines {
    /// The next event of the complete lines; `None` when more bytes are needed, or at the end.
    fn next(&mut self) -> Result<Option<AnswerEvent>, Broken> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Ok(Some(event));
            }
            let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n').filter(|_| !self.done) else {
                return Ok(None);
            };
            let line: Vec<u8> = self.buffer.drain(..=end).collect();
            self.read(String::from_utf8_lossy(&line).trim_end())?;
        }
    }

    fn read(&mut self, line: &str) -> Result<(), Broken> {
        let Some(data) = line.strip_prefix("data:") else { return Ok(()) };
        let data = data.trim_start();
        if data == "[DONE]" {
            self.done = true;
            return Ok(());
        }
        let chunk: Value =
            serde_json::from_str(data).map_err(|error| Broken::Malformed(error.to_string()))?;
        if let Some(message) = chunk["error"]["message"].as_str() {
            let code = chunk["error"]["code"].as_str().map(str::to_owned);
            return Err(Broken::Refused(ClientError::Refused {
                status: 200,
                code,
                message: message.to_owned(),
            }));
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

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = concat!(
        ": a comment\r\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"Grüße\"}}]}\r\n\r\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"receipt\":{\"id\":\"r\"}}\n\n",
        "data:{\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\n",
        "data: [DONE]\n\ndata: ignored\n",
    );

    fn events(pieces: &[&[u8]]) -> (Vec<AnswerEvent>, bool) {
        let (mut lines, mut events) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.buffer.extend_from_slice(piece);
            while let Some(event) = lines.next().unwrap() {
                events.push(event);
            }
        }
        (events, lines.done)
    }

    #[test]
    fn the_same_events_come_however_the_bytes_are_cut() {
        let whole = events(&[STREAM.as_bytes()]);
        let receipt = serde_json::json!({ "id": "r" });
        let expected = [
            AnswerEvent::Text("Grüße".into()),
            AnswerEvent::Finished { reason: "stop".into(), receipt },
            AnswerEvent::Usage(serde_json::json!({ "total_tokens": 3 })),
        ];
        assert_eq!((whole.0.as_slice(), whole.1), (expected.as_slice(), true));
        for cut in 1..STREAM.len() {
            let (one, two) = STREAM.as_bytes().split_at(cut);
            assert_eq!(events(&[one, two]), whole, "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = STREAM.as_bytes().chunks(1).collect();
        assert_eq!(events(&bytes), whole);
    }

    #[test]
    fn errors_in_the_stream_are_errors() {
        let mut lines = Lines::default();
        lines.buffer.extend_from_slice(b"data: {\"error\":{\"message\":\"too long\",\"code\":\"length\"}}\n");
        let Err(Broken::Refused(error)) = lines.next() else { unreachable!("it is refused") };
        assert_eq!(error.to_string(), "too long");
        lines.buffer = b"data: {\"choices\":\n".to_vec();
        assert!(matches!(lines.next(), Err(Broken::Malformed(_))));
    }
}
