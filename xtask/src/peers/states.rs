//! Hidden states of two programs for the same tokens, as numbers that logits are made from.
//!
//! Rule: how far a state of ours is from the peer's is the length of their difference, in parts of the length of the peer's. Absent:
//! where they come from (`agreement`).

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::bench::quantile;

/// How far all states are from the peer's.
pub(super) struct Apart {
    /// Of each token, in percent.
    tokens: Vec<f64>,
    /// Of all tokens at once, in percent.
    pub(super) all: f64,
}

impl Apart {
    /// Compares `[text][token][number]` with the peer's.
    pub(super) fn between(ours: &Value, peers: &Value) -> Result<Self> {
        let (ours, peers) = (states(ours)?, states(peers)?);
        ensure!(!ours.is_empty() && ours.len() == peers.len(), "{} states and {}", ours.len(), peers.len());
        let mut tokens = Vec::with_capacity(ours.len());
        let (mut all_difference, mut all_length) = (0.0, 0.0);
        for (ours, peers) in ours.iter().zip(&peers) {
            ensure!(ours.len() == peers.len(), "states of {} and of {} numbers", ours.len(), peers.len());
            let difference: f64 = ours.iter().zip(peers).map(|(ours, peers)| (ours - peers).powi(2)).sum();
            let length: f64 = peers.iter().map(|number| number.powi(2)).sum();
            ensure!(length > 0.0, "the peer's state of a token is zero");
            tokens.push(100.0 * (difference / length).sqrt());
            all_difference += difference;
            all_length += length;
        }
        Ok(Self { tokens, all: 100.0 * (all_difference / all_length).sqrt() })
    }

    /// How many tokens there are.
    pub(super) fn count(&self) -> usize {
        self.tokens.len()
    }

    /// The percent below which a part of the tokens lies.
    pub(super) fn quantile(&self, part: f64) -> f64 {
        quantile(&self.tokens, part).unwrap_or(0.0)
    }
}

/// All states, one behind the other.
fn states(texts: &Value) -> Result<Vec<Vec<f64>>> {
    let list = |value: &Value| value.as_array().cloned().context("states are lists of lists of numbers");
    let mut states = Vec::new();
    for text in list(texts)? {
        for token in list(&text)? {
            let numbers = list(&token)?;
            states.push(
                numbers
                    .iter()
                    .map(|number| number.as_f64().context("a state has no number"))
                    .collect::<Result<_>>()?,
            );
        }
    }
    Ok(states)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_are_in_parts_of_the_peers_states() {
        let apart = Apart::between(
            &json!([[[3.0, 4.5], [0.0, 10.0]], [[1.0, 0.0]]]),
            &json!([[[3.0, 4.0], [0.0, 10.0]], [[0.0, 1.0]]]),
        );
        let apart = apart.expect("they fit");
        assert_eq!((apart.count(), apart.quantile(0.0), apart.quantile(0.5)), (3, 0.0, 10.0));
        assert!((apart.quantile(1.0) - 100.0 * 2.0_f64.sqrt()).abs() < 1e-9);
        assert!((apart.all - 100.0 * (2.25_f64 / 126.0).sqrt()).abs() < 1e-9, "{}", apart.all);
    }

    #[test]
    fn states_that_do_not_fit_are_refused() {
        for (ours, peers) in [
            (json!([]), json!([])),
            (json!([[[1.0]]]), json!([[[1.0], [2.0]]])),
            (json!([[[1.0]]]), json!([[[1.0, 2.0]]])),
            (json!([[[1.0]]]), json!([[[0.0]]])),
            (json!([[["1"]]]), json!([[[1.0]]])),
        ] {
            assert!(Apart::between(&ours, &peers).is_err(), "{ours} {peers}");
        }
    }
}
