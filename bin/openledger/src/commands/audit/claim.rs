//! The claim of a receipt: verified like any receipt, with what its answer is replayed from, and what follows from the request
//! without computing the model.
//!
//! Rule: nothing is taken from the file that its signatures and the commitment do not bind.
//! Absent: the model's computation.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use openledger_chain::{InclusionProof, NetworkIdentity, verify_inclusion};
use openledger_client::Client;
use openledger_gateway::{Asked, PromptFollows};
use openledger_inference::Material;
use openledger_ledger::StateKey;
use openledger_model::{Detokenizer, Model, NUMERIC_SPECIFICATION};
use openledger_receipt::{Check, EMBEDDINGS_ENDPOINT, Opening, Predicate, ReceiptFile};
use openledger_types::Hash;

use crate::commands::receipt;

/// A receipt whose answer can be computed again.
pub struct Claimed {
    pub predicate: Predicate,
    pub opening: Opening,
    pub asked: Asked,
    pub material: Material,
    /// What was drawn from after the answer was settled; `None` before.
    pub beacon: Option<Beacon>,
}

/// A receipt of an engine behind HTTP whose operator names the weights.
pub struct Named {
    pub predicate: Predicate,
    pub opening: Opening,
    pub asked: Asked,
}

/// A random number that became known after the answer was committed to.
pub struct Beacon {
    /// The block that it is of; `None` where whoever audits named it.
    pub height: Option<u64>,
    pub randomness: [u8; 32],
}

/// What became of reading a receipt.
pub enum Read {
    Claimed(Box<Claimed>),
    Named(Box<Named>),
    /// The receipt does not verify: the check that fails.
    Refused(Check),
}

/// Reads and verifies a receipt; asks the node for what its answer is replayed from where the file lacks it.
pub async fn read(path: &Path, identity: &NetworkIdentity, client: &Client) -> Result<Read> {
    let mut bytes = receipt::read(path)?;
    let report = receipt::check(&bytes, identity);
    if let Some(check) = report.refusal() {
        return Ok(Read::Refused(check.clone()));
    }
    let mut file = ReceiptFile::from_bytes(&bytes)?;
    let predicate = file.statement()?.predicate().clone();
    let Some(opening) = file.opening.clone() else {
        bail!("{} has no texts; fetch it with the API key that paid for the answer", path.display());
    };
    let asked = Asked::read(&predicate.request.endpoint, opening.request.as_bytes());
    let asked = asked.map_err(|error| anyhow!("the request cannot be read again: {}", error.message));
    if predicate.served.numeric_specification == 0 {
        if predicate.served.weights.is_unknown() {
            bail!(
                "tier none: the answer came from an engine behind HTTP whose operator names no weights; there is nothing to replay"
            );
        }
        return Ok(Read::Named(Box::new(Named { predicate, opening, asked: asked? })));
    }
    replayable(&predicate)?;
    if file.material.is_none() {
        let salt = hex::encode(opening.salt);
        let fetched = client.evidence(&predicate.id, &salt).await;
        file.material = Some(fetched.context("the file does not hold what its answer is replayed from")?);
        bytes = file.to_bytes();
        if let Some(check) = receipt::check(&bytes, identity).refusal() {
            return Ok(Read::Refused(check.clone()));
        }
    }
    let material = Material::from_bytes(file.material.as_deref().unwrap_or_default())?;
    let beacon = beacon(&file, &predicate, identity)?;
    Ok(Read::Claimed(Box::new(Claimed { predicate, opening, asked: asked?, material, beacon })))
}

/// Whether there is anything to compute again.
fn replayable(predicate: &Predicate) -> Result<()> {
    let specification = predicate.served.numeric_specification;
    if predicate.request.endpoint == EMBEDDINGS_ENDPOINT {
        bail!(
            "tier exact, and of embeddings: their texts are all that they are made again from; use `openledger receipt recompute`"
        );
    }
    if predicate.evidence.commitment.is_empty() {
        bail!(
            "tier exact, but the answer was cut ({:?}) before the provider committed to it; there is nothing to replay",
            predicate.response.finish_reason
        );
    }
    if specification != NUMERIC_SPECIFICATION {
        bail!(
            "the answer is of numeric specification {specification}, and this build computes {NUMERIC_SPECIFICATION}; use the version of openledger that served it"
        );
    }
    Ok(())
}

/// The randomness of the block in whose state the receipt's batch is proven: later than the receipt, which is in it.
fn beacon(file: &ReceiptFile, predicate: &Predicate, identity: &NetworkIdentity) -> Result<Option<Beacon>> {
    let Some(inclusion) = &file.inclusion else { return Ok(None) };
    let key = StateKey::Batch(predicate.gateway, inclusion.batch).encode();
    for proof in &inclusion.proofs {
        let verified = verify_inclusion(identity, &InclusionProof::from_hex(proof)?)?;
        if verified.key == key {
            return Ok(Some(Beacon { height: Some(verified.height), randomness: verified.randomness }));
        }
    }
    Ok(None)
}

impl Claimed {
    /// What follows from the request and the tokens alone.
    pub fn checks(&self, model: &Model) -> Vec<Check> {
        let Material { prompt, output, evidence, .. } = &self.material;
        let is_sampled = self.asked.is_sampled_as_asked(&evidence.sampling);
        let follows = self.asked.prompt_follows(model, prompt, !self.predicate.served.retrieval.is_empty());
        let (is_prompt, prompt_said) = match follows {
            PromptFollows::Whole => (true, "its tokens are those of the request"),
            PromptFollows::AroundPassages => {
                (true, "its tokens are those of the request around the passages that were found for it")
            }
            PromptFollows::Not => (false, "its tokens are not those of the request"),
        };
        let is_answer = self.says(model, output);
        let sampled = match is_sampled {
            true => "the answer was sampled as the request asks",
            false => "the answer was sampled otherwise than the request asks",
        };
        let answered = match is_answer {
            true => "its text is what the committed tokens say",
            false => "its text is not what the committed tokens say",
        };
        [
            ("sampling", is_sampled, sampled),
            ("prompt", is_prompt, prompt_said),
            ("answer", is_answer, answered),
        ]
        .map(|(name, ok, detail)| Check { name, ok, detail: detail.to_owned() })
        .into()
    }

    /// Whether the tokens say the answer; what follows it is the stop that ended it.
    fn says(&self, model: &Model, output: &[u32]) -> bool {
        let vocabulary = model.tokenizer().vocabulary();
        if output.iter().any(|token| *token as usize >= vocabulary) {
            return false;
        }
        let mut detokenizer = Detokenizer::default();
        let mut text: String =
            output.iter().map(|token| detokenizer.push(model.tokenizer().bytes(*token))).collect();
        text.push_str(&detokenizer.finish());
        let text = if self.asked.is_chat() { text.trim_start() } else { text.as_str() };
        text.starts_with(&self.opening.answer)
    }

    /// The hash of the model's file; under an adapter, of its base.
    pub fn weights(&self) -> Hash {
        Hash(self.material.evidence.model_sha256.0)
    }
}
