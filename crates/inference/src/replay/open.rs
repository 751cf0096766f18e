//! The provider's side: opening a part of what it committed to, by computing it anew.
//!
//! Rule: what was computed once comes again bit by bit, so nothing is kept for it. An answer that does not
//! come again is not opened: there is nothing true to say about it.
//! Absent: who may ask.

use openledger_model::{BATCH_TOKENS_MAX, Chunk, Outputs};

use crate::evidence::{OPENING_BYTES_MAX, Opening, Scope, leaves, root};

use super::{Auditor, Claim, Difference, ReplayError, feed};

impl Auditor {
    /// The opening of a part of an answer that this model made: the leaves of `scope` with their paths and,
    /// of a layer, what entered it. Takes a pass over prompt and answer, and for a layer a second one up to
    /// it.
    ///
    /// # Errors
    /// The scope is none of this answer, nothing can be computed, or the evidence is not of this model's
    /// computation.
    pub fn open(&mut self, claim: &Claim<'_>, scope: &Scope) -> Result<Opening, ReplayError> {
        if claim.prompt.is_empty() || claim.output.is_empty() {
            return Err(ReplayError::Empty);
        }
        self.check_same(claim.evidence)?;
        if let Some(difference) = self.compare_claim(claim) {
            return Err(ReplayError::NotOpened(difference));
        }
        let evidence = claim.evidence;
        let scope = scope.checked(evidence)?;
        self.check_bytes(&scope, scope.end(evidence))?;
        let all: Vec<u32> = claim.prompt.iter().chain(claim.output).copied().collect();
        let positions = evidence.positions as usize;
        let mut sequence = self.start(positions)?;
        let adapter = self.adapter.clone();
        let fed = all[..positions].chunks(BATCH_TOKENS_MAX).try_for_each(|tokens| {
            feed(&mut self.runner, adapter.as_ref(), &mut sequence, tokens, Outputs::None).map(drop)
        });
        if let Err(error) = fed {
            self.runner.cache.finish(sequence);
            return Err(error.into());
        }
        let layers = self.runner.model().shape().layers;
        let found = root(&leaves(claim.salt, layers, &self.runner.cache, &sequence));
        let computed = (&self.runner.cache, &sequence);
        let mut opening = Opening::of(&scope, evidence, claim.salt, computed, Vec::new());
        self.runner.cache.finish(sequence);
        if found != evidence.states_root {
            return Err(ReplayError::NotOpened(Difference::States));
        }
        if let Scope::Layer { layer: layer @ 1.., .. } = scope {
            opening.inputs = self.inputs(&all[..scope.end(evidence)], layer)?;
        }
        Ok(opening)
    }

    /// Refuses to open more than is sent: floats of a layer before they are computed. Leaves are bounded by the scope.
    fn check_bytes(&self, scope: &Scope, positions: usize) -> Result<(), ReplayError> {
        let bytes = match scope {
            Scope::Layer { layer: 1.., .. } => {
                positions.saturating_mul(self.runner.model().shape().width * 4)
            }
            Scope::Layer { .. } | Scope::Windows(_) | Scope::All => 0,
        };
        match bytes > OPENING_BYTES_MAX {
            true => Err(ReplayError::OpeningTooLarge { bytes }),
            false => Ok(()),
        }
    }

    /// What enters a layer at these tokens, `[position][width]`.
    fn inputs(&mut self, tokens: &[u32], layer: u32) -> Result<Vec<f32>, ReplayError> {
        let mut sequence = self.start(tokens.len())?;
        let (mut inputs, mut states) = (Vec::new(), Vec::new());
        for tokens in tokens.chunks(BATCH_TOKENS_MAX) {
            let chunk = Chunk::new(&mut sequence, tokens, Outputs::None).under(self.adapter.clone());
            if let Err(error) = self.runner.layers(chunk, 0..layer as usize, &mut states) {
                self.runner.cache.finish(sequence);
                return Err(error.into());
            }
            inputs.extend_from_slice(&states);
        }
        self.runner.cache.finish(sequence);
        Ok(inputs)
    }
}
