//! A streamed answer as OpenAI's clients read it: server-sent events, one chunk each, `[DONE]` last. The
//! receipt travels as an extra field of the finish chunk, where ordinary client code does not stumble over it.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use serde_json::{Value, json};

use crate::complete::{Piece, Running};
use crate::reply::{self, Delta};
use crate::request::Endpoint;
use crate::seal::Sealed;

/// Between two comments that keep a quiet connection open.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Turns a running answer into its events.
pub(crate) fn respond(running: Running) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    // Only a chat says who speaks.
    let phase = match running.request.endpoint {
        Endpoint::Chat => Phase::Begin,
        Endpoint::Completions => Phase::Text,
    };
    let state = State { running, phase, sent_characters: 0 };
    let events = futures::stream::unfold(state, |mut state| async move {
        let event = state.next().await?;
        Some((Ok(event), state))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("working"))
}

enum Phase {
    Begin,
    Text,
    Usage(Value),
    Done,
    Over,
}

struct State {
    running: Running,
    phase: Phase,
    /// Characters of the answer so far.
    sent_characters: usize,
}

impl State {
    async fn next(&mut self) -> Option<Event> {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Begin => {
                self.phase = Phase::Text;
                Some(data(&reply::chunk(&self.running, Delta::Role, 0)))
            }
            Phase::Text => Some(self.piece().await),
            Phase::Usage(usage) => {
                self.phase = Phase::Done;
                let mut chunk = reply::chunk(&self.running, Delta::Role, 0);
                chunk["choices"] = json!([]);
                chunk["usage"] = usage;
                Some(data(&chunk))
            }
            Phase::Done => Some(Event::default().data("[DONE]")),
            Phase::Over => None,
        }
    }

    async fn piece(&mut self) -> Event {
        match self.running.pieces.recv().await {
            Some(Piece::Text(written)) => {
                self.phase = Phase::Text;
                let before = self.sent_characters;
                self.sent_characters += written.text.chars().count();
                data(&reply::chunk(&self.running, Delta::Text(written), before))
            }
            Some(Piece::Finished(sealed)) => self.finish(*sealed),
            Some(Piece::Failed(error)) => data(&error.to_json()),
            None => data(
                &crate::ApiError::unavailable("the answer was cut because the gateway is stopping").to_json(),
            ),
        }
    }

    fn finish(&mut self, sealed: Sealed) -> Event {
        let mut chunk = reply::chunk(&self.running, Delta::Finish(sealed.finish_reason), 0);
        chunk["receipt"] = sealed.receipt;
        self.phase =
            if self.running.request.include_usage { Phase::Usage(sealed.usage) } else { Phase::Done };
        data(&chunk)
    }
}

fn data(value: &Value) -> Event {
    Event::default().data(value.to_string())
}
