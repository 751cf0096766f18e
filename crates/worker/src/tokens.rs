//! What an exact answer is computed again from: the tokens that went in and came out, and the evidence.
//!
//! Absent: who keeps it; the gateway does, beside the receipt.

use openledger_inference::{CompletionRequest, Event, Evidence, Hash, Material, Prompt};

/// The tokens of a job, for whoever computes its answer again.
pub(crate) struct Tokens {
    salt: [u8; 32],
    /// Those that the engine was given; none where it makes them itself.
    prompt: Vec<u32>,
    /// No more than the engine may write.
    output: Vec<u32>,
    evidence: Option<Evidence>,
}

impl Tokens {
    pub(crate) fn of(request: &CompletionRequest) -> Self {
        let prompt = match &request.prompt {
            Prompt::Tokens(tokens) => tokens.clone(),
            Prompt::Text(_) | Prompt::Chat(_) => Vec::new(),
        };
        Self { salt: request.salt, prompt, output: Vec::new(), evidence: None }
    }

    /// Keeps what passes.
    pub(crate) fn keep(&mut self, event: Option<&Event>) {
        match event {
            Some(Event::Token { token_id: Some(id), .. }) => self.output.push(*id),
            Some(Event::Done(done)) => self.evidence = done.proof.evidence().cloned(),
            Some(Event::Token { token_id: None, .. } | Event::Error(_)) | None => {}
        }
    }

    pub(crate) fn material(self) -> Option<Material> {
        let (salt, evidence) = (Hash(self.salt), self.evidence?);
        let material = Material { salt, prompt: self.prompt, output: self.output, evidence };
        // What does not belong together replays nothing.
        material.check().is_ok().then_some(material)
    }
}
