//! How an engine drew the tokens of an answer, as far as that follows from the request.
//!
//! Rule: it is read from what [`protocol`](crate::protocol) sends, and nothing else is known of the engine. Absent: the draws
//! themselves, and what is made of them (`openledger_inference::consistency`).

use openledger_inference::{Draws, Sampling};

use crate::config::Kind;
use crate::protocol::sent_seed;

/// Why draws cannot be made again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DrawsError {
    /// Penalties change with every token, in each engine in its own way.
    #[error(
        "the answer was asked for with penalties, which every engine counts in its own way; ask without them"
    )]
    Penalties,
    /// The engine's generator is not known here.
    #[error(
        "the answer was drawn by {engine:?}, whose draws cannot be made again here; ask with `temperature` 0"
    )]
    Engine {
        /// The engine as the receipt names it.
        engine: String,
    },
}

/// How the engine that receipts name `engine` draws under this sampling: the likeliest token in every engine, and at a temperature
/// what llama.cpp's server draws with the seed that it was sent.
///
/// # Errors
/// Nobody can say.
pub fn draws(engine: &str, sampling: &Sampling) -> Result<Draws, DrawsError> {
    if sampling.frequency_penalty != 0.0 || sampling.presence_penalty != 0.0 {
        return Err(DrawsError::Penalties);
    }
    if sampling.temperature == 0.0 {
        return Ok(Draws::Likeliest);
    }
    match Kind::of_said(engine) {
        Some(Kind::LlamaServer) => {
            Ok(Draws::LlamaCpp { sampling: *sampling, seed: sent_seed(sampling.seed) })
        }
        _ => Err(DrawsError::Engine { engine: engine.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_the_request_is_known_and_nothing_else() {
        let cold = Sampling::default();
        let warm = Sampling { temperature: 0.7, seed: u64::MAX, ..cold };
        for kind in [Kind::Vllm, Kind::Sglang, Kind::LlamaServer, Kind::Openai] {
            assert_eq!(draws(kind.said(), &cold), Ok(Draws::Likeliest));
            let expected = match kind {
                Kind::LlamaServer => Ok(Draws::LlamaCpp { sampling: warm, seed: 0x7fff_ffff }),
                _ => Err(DrawsError::Engine { engine: kind.said().to_owned() }),
            };
            assert_eq!(draws(kind.said(), &warm), expected);
            let punished = Sampling { presence_penalty: 0.5, ..cold };
            assert_eq!(draws(kind.said(), &punished), Err(DrawsError::Penalties));
        }
        assert!(draws("openledger 0.1", &warm).is_err());
    }
}
