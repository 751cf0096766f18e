//! The vectors of a receipt for embeddings made again from its texts, by the code that served it: their digest, what the
//! provider committed to, and the tokens that were charged. Absent: the split, which is that of every answer.

use anyhow::{Result, bail};
use openledger_gateway::embed_again;
use openledger_model::NUMERIC_SPECIFICATION;
use openledger_receipt::{EMBEDDINGS_ENDPOINT, Opening, Predicate};
use openledger_types::Hash;

use crate::models;

/// What the receipt says otherwise than the model makes it, one sentence each; `None` where it is of no vectors. The model is
/// fetched when it is missing.
pub async fn differences(predicate: &Predicate, opening: &Opening) -> Result<Option<Vec<String>>> {
    let Predicate { request, served, usage, evidence, .. } = predicate;
    if request.endpoint != EMBEDDINGS_ENDPOINT {
        return Ok(None);
    }
    if served.numeric_specification != NUMERIC_SPECIFICATION {
        bail!(
            "the vectors are of numeric specification {}, and this build computes {NUMERIC_SPECIFICATION}; use the version of openledger that served them",
            served.numeric_specification
        );
    }
    let model = models::embeddings().await?;
    let known = Hash(model.id());
    if known != served.weights {
        bail!(
            "the vectors are of the model {}, and the packaged one is {known}: they cannot be made again here",
            served.weights
        );
    }
    let again = embed_again(opening.request.as_bytes(), opening.salt, model)
        .map_err(|error| anyhow::anyhow!("the request cannot be read again: {}", error.message))?;
    let rows = [
        ("prompt tokens", usage.prompt_tokens.to_string(), again.tokens.to_string()),
        ("completion tokens", usage.completion_tokens.to_string(), "0".to_owned()),
        ("digest of the vectors", opening.answer.clone(), again.digest),
        ("commitment", evidence.commitment.clone(), again.commitment),
    ];
    let differ = rows.into_iter().filter(|(_, said, is)| said != is);
    Ok(Some(differ.map(|(what, said, is)| format!("The receipt's {what} is {said}; it is {is}.")).collect()))
}
