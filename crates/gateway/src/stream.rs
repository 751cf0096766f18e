//! A streamed answer as OpenAI's clients read it: server-sent events, one chunk each, `[DONE]` last. The
//! receipt travels as an extra field of the finish chunk, where ordinary client code does not stumble over it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use serde_json::{Value, json};

use crate::complete::{Piece, Running};
use crate::reply::{self, Delta};
use crate::request::Endpoint;
use crate::seal::Sealed;
use crate::told::{Part, Telling, Told};

/// Between two comments that keep a quiet connection open.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Turns a running answer into its events.
pub(crate) fn respond(running: Running) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    // Only a chat says who speaks.
    let phase = match running.request.endpoint {
        Endpoint::Chat => Phase::Begin,
        Endpoint::Completions => Phase::Text,
    };
    let telling = Telling::of(&running);
    let state = State { running, phase, telling, waiting: VecDeque::new(), sent_characters: 0 };
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
    telling: Telling,
    /// Chunks that are made and not sent: of a piece of the answer, which is bounded.
    waiting: VecDeque<Value>,
    /// Characters of the answer so far.
    sent_characters: usize,
}

impl State {
    async fn next(&mut self) -> Option<Event> {
        if let Some(chunk) = self.waiting.pop_front() {
            return Some(data(&chunk));
        }
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

    /// The next chunk of the answer; pieces that say nothing yet are passed over.
    async fn piece(&mut self) -> Event {
        loop {
            let told = match self.running.pieces.recv().await {
                Some(Piece::Text(written)) => self.telling.push(written),
                Some(Piece::Finished(sealed)) => return self.finish(*sealed),
                Some(Piece::Failed(error)) => return data(&error.to_json()),
                None => {
                    let error =
                        crate::ApiError::unavailable("the answer was cut because the gateway is stopping");
                    return data(&error.to_json());
                }
            };
            self.tell(told);
            if let Some(chunk) = self.waiting.pop_front() {
                self.phase = Phase::Text;
                return data(&chunk);
            }
        }
    }

    fn tell(&mut self, told: Vec<Told>) {
        for told in told {
            let before = self.sent_characters;
            if let Part::Text(text) = &told.part {
                self.sent_characters += text.chars().count();
            }
            self.waiting.push_back(reply::chunk(&self.running, Delta::Told(told), before));
        }
    }

    fn finish(&mut self, sealed: Sealed) -> Event {
        let told = self.telling.finish();
        self.tell(told);
        let reason = self.telling.finish_reason(&sealed.finish_reason);
        let mut chunk = reply::chunk(&self.running, Delta::Finish(reason), 0);
        chunk["receipt"] = sealed.receipt;
        self.phase =
            if self.running.request.include_usage { Phase::Usage(sealed.usage) } else { Phase::Done };
        match self.waiting.pop_front() {
            Some(first) => {
                self.waiting.push_back(chunk);
                data(&first)
            }
            None => data(&chunk),
        }
    }
}

fn data(value: &Value) -> Event {
    Event::default().data(value.to_string())
}
