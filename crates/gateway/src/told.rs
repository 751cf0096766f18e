//! An answer as its client is told of it: text, and calls of tools with their ids.
//!
//! Rule: the same whether it is told in pieces or at once. The model's own text, with the marks of its calls, is what the receipt holds;
//! what is told follows from it and from the receipt's id alone. Nothing is lost: what becomes no call is text.
//! Absent: JSON (`reply`).

use openledger_inference::{CallPiece, CallReader, TokenLogprob};
use openledger_types::sha256;

use crate::complete::{Running, Written};

/// A piece of an answer.
pub(crate) struct Told {
    pub(crate) part: Part,
    /// How likely the tokens were that were written up to it.
    pub(crate) logprobs: Vec<TokenLogprob>,
}

/// What a piece is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// More text.
    Text(String),
    /// A call of a tool begins.
    Call { index: usize, id: String, name: String },
    /// More of the arguments of a call.
    Arguments { index: usize, text: String },
}

/// Tells an answer as it grows.
pub(crate) struct Telling {
    /// Reads calls, where there are tools to call.
    reader: Option<CallReader>,
    receipt: String,
    calls: usize,
    untold: Vec<TokenLogprob>,
}

impl Telling {
    pub(crate) fn of(running: &Running) -> Self {
        Self::new(&running.id, running.request.calls_tools())
    }

    fn new(receipt: &str, calls_tools: bool) -> Self {
        let reader = calls_tools.then(CallReader::default);
        Self { reader, receipt: receipt.to_owned(), calls: 0, untold: Vec::new() }
    }

    /// More of the answer.
    pub(crate) fn push(&mut self, written: Written) -> Vec<Told> {
        let Some(reader) = &mut self.reader else {
            return vec![Told { part: Part::Text(written.text), logprobs: written.logprobs }];
        };
        self.untold.extend(written.logprobs);
        let pieces = reader.push(&written.text);
        self.tell(pieces)
    }

    /// The answer ended.
    pub(crate) fn finish(&mut self) -> Vec<Told> {
        let pieces = self.reader.as_mut().map(CallReader::finish).unwrap_or_default();
        let mut told = self.tell(pieces);
        // The signs behind the last call have tokens and no text.
        if !self.untold.is_empty() {
            let logprobs = std::mem::take(&mut self.untold);
            told.push(Told { part: Part::Text(String::new()), logprobs });
        }
        told
    }

    /// How the answer ended, by how the model ended it.
    pub(crate) fn finish_reason(&self, reason: &str) -> String {
        let called = reason == "stop" && self.calls > 0;
        if called { "tool_calls".to_owned() } else { reason.to_owned() }
    }

    fn tell(&mut self, pieces: Vec<CallPiece>) -> Vec<Told> {
        let mut told = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let part = match piece {
                CallPiece::Content(text) => Part::Text(text),
                CallPiece::Begin(name) => {
                    self.calls += 1;
                    let index = self.calls - 1;
                    Part::Call { index, id: call_id(&self.receipt, index), name }
                }
                CallPiece::Arguments(text) => Part::Arguments { index: self.calls.saturating_sub(1), text },
            };
            told.push(Told { part, logprobs: std::mem::take(&mut self.untold) });
        }
        told
    }
}

/// The id of a call: whoever has the receipt can make it again.
fn call_id(receipt: &str, index: usize) -> String {
    let hash = sha256(format!("openledger/tool-call/v1\0{receipt}\0{index}").as_bytes());
    format!("call_{}", &hex::encode(hash.0)[..24])
}

#[cfg(test)]
mod tests {
    use openledger_inference::Likelihood;

    use super::*;

    const ANSWER: &str = "Two.\n<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>\n\
                          <tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>";

    fn written(text: &str) -> Written {
        let chosen = Likelihood { bytes: text.as_bytes().to_vec(), logprob: -1.0 };
        Written { text: text.to_owned(), logprobs: vec![TokenLogprob { chosen, top: vec![] }] }
    }

    /// The parts, joined, and how many likelihoods came with them.
    fn joined(told: Vec<Told>) -> (Vec<Part>, usize) {
        let (mut parts, mut count): (Vec<Part>, usize) = (Vec::new(), 0);
        for Told { part, logprobs } in told {
            count += logprobs.len();
            match (parts.last_mut(), part) {
                (Some(Part::Text(before)), Part::Text(text)) => before.push_str(&text),
                (Some(Part::Arguments { text: before, .. }), Part::Arguments { text, .. }) => {
                    before.push_str(&text)
                }
                (_, Part::Text(text)) if text.is_empty() => {}
                (_, part) => parts.push(part),
            }
        }
        (parts, count)
    }

    #[test]
    fn a_call_is_told_the_same_in_any_pieces_with_ids_of_its_receipt() {
        let mut whole = Telling::new("r", true);
        let mut told = whole.push(written(ANSWER));
        told.extend(whole.finish());
        let expected = vec![
            Part::Text("Two.".to_owned()),
            Part::Call { index: 0, id: call_id("r", 0), name: "add".to_owned() },
            Part::Arguments { index: 0, text: "{\"a\": 1}".to_owned() },
            Part::Call { index: 1, id: call_id("r", 1), name: "now".to_owned() },
            Part::Arguments { index: 1, text: "{}".to_owned() },
        ];
        assert_eq!(joined(told), (expected.clone(), 1));
        assert_eq!(whole.finish_reason("stop"), "tool_calls");
        assert_eq!(whole.finish_reason("length"), "length");
        let mut cut = Telling::new("r", true);
        let mut told: Vec<Told> =
            ANSWER.chars().flat_map(|character| cut.push(written(&character.to_string()))).collect();
        told.extend(cut.finish());
        assert_eq!(joined(told), (expected, ANSWER.chars().count()), "every likelihood is told");
        assert_eq!(call_id("r", 0), "call_3eb7ac78d2ab2df323b24bcc");
        assert_ne!(call_id("s", 0), call_id("r", 0));
    }

    #[test]
    fn without_tools_a_mark_is_text() {
        let mut telling = Telling::new("r", false);
        let mut told = telling.push(written(ANSWER));
        told.extend(telling.finish());
        assert_eq!(joined(told), (vec![Part::Text(ANSWER.to_owned())], 1));
        assert_eq!(telling.finish_reason("stop"), "stop");
    }
}
