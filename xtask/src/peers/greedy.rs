//! Greedy answers of two programs, token by token.
//!
//! Rule: up to their first different token both stand behind the same tokens, so what differs there is the arithmetic alone.
//! It may differ at a near-tie: [`NEAR_TIE_NATS`] says by how much either program may prefer its own token to the other's.
//! Behind the first difference nothing is compared. Absent: where the answers come from (`agreement`).

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::http::Address;

/// By how much either program may prefer its own token to the other's, as the logarithm of the ratio of their probabilities: 0.5
/// nat is 1.65 times as likely. Activations are rounded to 8 bits in both, each in its own way; where both choose the same token
/// they are as far apart about the two likeliest (the table says how far).
pub(super) const NEAR_TIE_NATS: f64 = 0.5;

/// Tokens of an answer.
const ANSWER_TOKENS: u32 = 64;
/// Likeliest tokens that the peer tells of each place; ours must be among them where they differ.
const BEST: u32 = 10;

/// What the peer makes of a conversation.
pub(super) struct Theirs {
    pub(super) prompt: Vec<u64>,
    pub(super) tokens: Vec<u64>,
    /// `[place]` the likeliest tokens and the logarithms of their probabilities.
    best: Vec<Vec<(u64, f64)>>,
}

impl Theirs {
    /// Asks llama.cpp's server: its own template, its own tokens, and its greedy answer to these.
    pub(super) fn ask(server: &Address, messages: &Value) -> Result<Self> {
        let rendered = server.post("/apply-template", &json!({ "messages": messages }))?;
        let text = rendered["prompt"].as_str().context("/apply-template gave no prompt")?;
        let prompt = tokenize(server, text, true)?;
        let body = json!({
            "prompt": prompt, "n_predict": ANSWER_TOKENS, "temperature": 0, "n_probs": BEST, "return_tokens": true,
            "cache_prompt": false,
        });
        let answer = server.post("/completion", &body)?;
        let places =
            answer["completion_probabilities"].as_array().context("/completion gave no probabilities")?;
        let best = places.iter().map(|place| pairs(&place["top_logprobs"])).collect();
        Ok(Self { prompt, tokens: numbers(&answer["tokens"])?, best })
    }

    /// The question as our example reads it.
    pub(super) fn question(&self, messages: &Value, adapter: Option<&str>) -> Value {
        json!({ "messages": messages, "max_tokens": ANSWER_TOKENS, "adapter": adapter, "peers": self.tokens })
    }

    fn logprob(&self, place: usize, token: Option<u64>) -> Option<f64> {
        let best = self.best.get(place)?;
        best.iter().find(|(other, _)| Some(*other) == token).map(|(_, logprob)| *logprob)
    }
}

/// A text's tokens; control tokens are read in the text of a template.
pub(super) fn tokenize(server: &Address, text: &str, controls: bool) -> Result<Vec<u64>> {
    let body = json!({ "content": text, "add_special": true, "parse_special": controls });
    numbers(&server.post("/tokenize", &body)?["tokens"])
}

pub(super) fn numbers(list: &Value) -> Result<Vec<u64>> {
    let list = list.as_array().context("there is no list of tokens")?;
    list.iter().map(|number| number.as_u64().context("a token is no number")).collect()
}

fn pairs(list: &Value) -> Vec<(u64, f64)> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|one| Some((one["id"].as_u64()?, one["logprob"].as_f64()?))).collect()
}

/// The first difference of two answers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Difference {
    /// Which question, and at which token of its answer.
    pub(super) question: usize,
    pub(super) at: usize,
    /// By how much either program prefers its own token, in nats; none where it does not know the other's.
    pub(super) ours: Option<f64>,
    pub(super) peers: Option<f64>,
}

impl Difference {
    /// How far the programs are apart: each prefers its own.
    pub(super) fn nats(&self) -> Option<f64> {
        Some(self.ours? + self.peers?)
    }

    /// By how much the program that is surer prefers its own.
    pub(super) fn preference(&self) -> Option<f64> {
        Some(self.ours?.max(self.peers?))
    }

    /// Whether neither program is sure of its token.
    pub(super) fn is_tie(&self) -> bool {
        self.preference().is_some_and(|nats| nats <= NEAR_TIE_NATS)
    }

    /// For people.
    pub(super) fn shown(&self) -> String {
        let nats =
            |nats: Option<f64>| nats.map_or("an unknown number of".to_owned(), |nats| format!("{nats:.4}"));
        let what = if self.is_tie() { "near-tie" } else { "DIFFERENCE" };
        format!(
            "{what}: conversation {}, token {}: ours is preferred by {} nats here, the other by {} nats there",
            self.question,
            self.at,
            nats(self.ours),
            nats(self.peers)
        )
    }
}

/// What was compared.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) answers: usize,
    /// Questions that both programs turned into the same tokens.
    pub(super) same_prompts: usize,
    /// Answers that are the same from beginning to end.
    pub(super) whole: usize,
    /// Tokens of ours up to the first differences.
    pub(super) same_tokens: usize,
    pub(super) differences: Vec<Difference>,
    /// Where the tokens are the same: how far the programs are apart about our two likeliest, in nats.
    pub(super) apart: Vec<f64>,
}

impl Compared {
    /// Adds our answer to a question and the peer's.
    pub(super) fn add(&mut self, ours: &Value, theirs: &Theirs) -> Result<()> {
        let question = self.answers;
        self.answers += 1;
        if numbers(&ours["prompt"])? != theirs.prompt {
            return Ok(());
        }
        self.same_prompts += 1;
        let tokens = numbers(&ours["tokens"])?;
        let difference = &ours["difference"];
        let at = match difference["at"].as_u64() {
            None => tokens.len(),
            Some(at) => usize::try_from(at)?,
        };
        self.same_tokens += at;
        self.apart.extend((0..at).filter_map(|place| apart(&ours["best"][place], theirs, place)));
        if difference.is_null() {
            self.whole += 1;
            return Ok(());
        }
        let [ours_there, peers_there] = [0, 1].map(|side| difference["logprobs"][side].as_f64());
        let [own, other] = ["peers", "ours"].map(|side| theirs.logprob(at, difference[side].as_u64()));
        let gap = |own: Option<f64>, other: Option<f64>| Some(own? - other?);
        let (ours, peers) = (gap(ours_there, peers_there), gap(own, other));
        self.differences.push(Difference { question, at, ours, peers });
        Ok(())
    }
}

/// How far the programs are apart about our two likeliest tokens of a place, where the peer tells both.
fn apart(best: &Value, theirs: &Theirs, place: usize) -> Option<f64> {
    let of = |which: usize| Some((best[which][0].as_u64()?, best[which][1].as_f64()?));
    let ((first, ours_first), (second, ours_second)) = (of(0)?, of(1)?);
    let [first, second] = [first, second].map(|token| theirs.logprob(place, Some(token)));
    Some(((ours_first - ours_second) - (first? - second?)).abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theirs(tokens: &[u64], last: &[(u64, f64)]) -> Theirs {
        let mut best = vec![vec![(1, -0.1), (2, -3.0)]; tokens.len()];
        best.pop();
        best.push(last.to_vec());
        Theirs { prompt: vec![7], tokens: tokens.to_vec(), best }
    }

    fn ours(tokens: &[u64], difference: Value) -> Value {
        json!({ "prompt": [7], "tokens": tokens, "best": vec![json!([[1, -0.2], [2, -3.3]]); tokens.len()], "difference": difference })
    }

    #[test]
    fn only_a_near_tie_may_differ() {
        let rows: [(f64, &[(u64, f64)], bool); 4] = [
            (-0.9, &[(5, -0.8), (4, -1.1)], true),
            // Ours is sure of it.
            (-1.6, &[(5, -0.8), (4, -1.1)], false),
            // The peer is.
            (-0.9, &[(5, -0.1), (4, -2.4)], false),
            // The peer does not know ours.
            (-0.9, &[(5, -0.8), (6, -1.1)], false),
        ];
        for (peers_at_ours, last, expected) in rows {
            let difference = json!({ "at": 1, "ours": 4, "peers": 5, "logprobs": [-0.8, peers_at_ours] });
            let mut compared = Compared::default();
            compared.add(&ours(&[1, 4], difference), &theirs(&[1, 5], last)).expect("it is whole");
            assert_eq!((compared.whole, compared.same_tokens), (0, 1));
            assert_eq!(compared.differences[0].is_tie(), expected, "{:?}", compared.differences);
            assert!((compared.apart[0] - 0.2).abs() < 1e-9, "{:?}", compared.apart);
        }
    }

    #[test]
    fn an_end_where_the_other_goes_on_is_no_tie() {
        let difference = json!({ "at": 1, "ours": null, "peers": 5, "logprobs": [null, -0.1] });
        let mut compared = Compared::default();
        compared.add(&ours(&[1], difference), &theirs(&[1, 5], &[(5, -0.1)])).expect("it is whole");
        assert!(!compared.differences[0].is_tie());
    }

    #[test]
    fn equal_answers_and_other_prompts_are_counted() {
        let mut compared = Compared::default();
        compared.add(&ours(&[1, 1], Value::Null), &theirs(&[1, 1], &[(1, -0.1)])).expect("it is whole");
        let other = Theirs { prompt: vec![8], ..theirs(&[1, 1], &[]) };
        compared.add(&ours(&[1, 1], Value::Null), &other).expect("it is whole");
        assert_eq!(
            (compared.answers, compared.same_prompts, compared.whole, compared.same_tokens),
            (2, 1, 1, 2)
        );
    }
}
