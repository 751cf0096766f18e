//! Checking an answer by computing it again: all of it, some windows, or one layer.
//!
//! Rule: the same file, prompt, answer and salt give the same evidence, on any machine, or something was
//! changed; there is no tolerance. Known tokens go through in a few passes, so checking is cheaper than
//! generating; and where a part is enough, its provider opens what it committed to and the part alone is
//! computed (see [`Scope`]). What a stranger hands in is compared before it is used.
//! Absent: who asks, and what a difference costs.

mod force;
mod open;
mod report;

use std::sync::Arc;

use openledger_model::{
    Adapter, BATCH_OUTPUTS_MAX, BATCH_TOKENS_MAX, Chunk, InstructionSet, Model, NUMERIC_SPECIFICATION,
    Outputs, PAGE_TOKENS, Runner, RunnerConfig, Sequence, state_digest,
};

use crate::choose::{Chooser, Constraint};
use crate::evidence::{
    Evidence, Hash, Opening, Scope, WINDOW_TOKENS, hash_tokens, leaf, leaf_of, leaves, root, root_along,
};
use crate::grammar::{Grammar, TokenTable};

pub(crate) use force::{feed, force, teacher_force};
pub use report::{Difference, ReplayError, Report};

/// An answer, as its provider claims to have computed it.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The prompt's tokens.
    pub prompt: &'a [u32],
    /// The answer's tokens.
    pub output: &'a [u32],
    /// What the hashes were salted with.
    pub salt: &'a [u8; 32],
    /// What was committed to.
    pub evidence: &'a Evidence,
    /// What the answer's shape was made by, where it was made by a grammar.
    pub grammar: Option<&'a Arc<Grammar>>,
}

/// Recomputes answers of one model, under an adapter or under none.
pub struct Auditor {
    runner: Runner,
    adapter: Option<Arc<Adapter>>,
}

impl Auditor {
    /// An auditor with `threads` threads (the caller's included) and an instruction set, the best one where
    /// none is named; neither changes what it finds. Memory for the longest sequence is taken as it is used.
    ///
    /// # Errors
    /// The threads cannot start, or the machine lacks the instruction set.
    pub fn new(
        model: Arc<Model>,
        threads: usize,
        instruction_set: Option<InstructionSet>,
    ) -> Result<Auditor, ReplayError> {
        let cache_tokens_max = model.context_length().next_multiple_of(PAGE_TOKENS);
        let config = RunnerConfig { threads, cache_tokens_max, instruction_set };
        Ok(Auditor { runner: Runner::new(model, config)?.recording(), adapter: None })
    }

    /// The same auditor, for answers under this adapter.
    #[must_use]
    pub fn under(mut self, adapter: Arc<Adapter>) -> Auditor {
        self.adapter = Some(adapter);
        self
    }

    /// Recomputes what `scope` says and compares. Whole answers need no opening.
    ///
    /// # Errors
    /// The evidence is of another model, adapter or arithmetic than is at hand, the scope is none of this answer, its opening is
    /// missing, or nothing can be computed.
    pub fn replay(
        &mut self,
        claim: &Claim<'_>,
        scope: &Scope,
        opening: Option<&Opening>,
    ) -> Result<Report, ReplayError> {
        if claim.prompt.is_empty() || claim.output.is_empty() {
            return Err(ReplayError::Empty);
        }
        self.check_same(claim.evidence)?;
        if let Some(difference) = self.compare_claim(claim) {
            return Ok(Report { differences: vec![difference], ..Report::default() });
        }
        let scope = scope.checked(claim.evidence)?;
        let windows = scope.windows(claim.evidence);
        let mut report = Report { windows, ..Report::default() };
        match &scope {
            Scope::All => self.whole(claim, &mut report)?,
            Scope::Windows(_) | Scope::Layer { .. } => {
                let opening = opening.ok_or(ReplayError::OpeningMissing)?;
                report.differences = unopened(claim, &scope, opening);
                if !report.is_equal() {
                    return Ok(report);
                }
                match &scope {
                    Scope::Layer { layer, .. } => self.layer(claim, &scope, *layer, opening, &mut report)?,
                    _ => self.windows(claim, &scope, opening, &mut report)?,
                }
            }
        }
        report.differences.sort_by_key(Difference::window);
        Ok(report)
    }

    /// Whether the evidence is of what is at hand: of anything else nothing can be found out here, true or false.
    fn check_same(&self, evidence: &Evidence) -> Result<(), ReplayError> {
        let (claimed, found) = (evidence.model_sha256, Hash(self.runner.model().sha256()));
        let adapter = self.adapter.as_ref().map(|adapter| Hash(adapter.id()));
        if evidence.numeric_specification != NUMERIC_SPECIFICATION {
            Err(ReplayError::OtherSpecification { claimed: evidence.numeric_specification })
        } else if claimed != found {
            Err(ReplayError::OtherModel { claimed, found })
        } else if evidence.adapter != adapter {
            Err(ReplayError::OtherAdapter { claimed: evidence.adapter, found: adapter })
        } else {
            Ok(())
        }
    }

    /// What of a claim is wrong without any computation.
    fn compare_claim(&self, claim: &Claim<'_>) -> Option<Difference> {
        let Claim { prompt, output, salt, evidence, grammar } = *claim;
        let model = self.runner.model();
        let (positions, layers) = (evidence.positions, evidence.layers);
        let computed = prompt.len() + output.len() - 1;
        let shape = positions as usize == computed
            && layers as usize == model.shape().layers
            && computed <= model.context_length();
        let vocabulary = model.tokenizer().vocabulary();
        let unknown = prompt.iter().chain(output).find(|token| **token as usize >= vocabulary);
        if evidence.prompt_sha256 != hash_tokens("prompt", salt, prompt) {
            Some(Difference::Prompt)
        } else if evidence.output_sha256 != hash_tokens("output", salt, output) {
            Some(Difference::Output)
        } else if evidence.commitment != evidence.compute_commitment(salt) {
            Some(Difference::Commitment)
        } else if evidence.sampling.check().is_err() {
            Some(Difference::Sampling)
        } else if evidence.sampling.grammar != grammar.map(|grammar| grammar.hash()) {
            Some(Difference::Grammar)
        } else if let Some(token) = unknown {
            Some(Difference::UnknownToken { token: *token, vocabulary })
        } else if let Some(index) = self.end_within(output) {
            Some(Difference::AfterEnd { index })
        } else if shape {
            None
        } else {
            Some(Difference::Shape { positions, layers })
        }
    }

    /// The place of a token that ends the text and is not the answer's last: whoever went on after it wrote what no engine
    /// of this specification writes.
    fn end_within(&self, output: &[u32]) -> Option<usize> {
        let (_, before) = output.split_last()?;
        before.iter().position(|token| self.runner.model().tokenizer().is_end(*token))
    }

    fn whole(&mut self, claim: &Claim<'_>, report: &mut Report) -> Result<(), ReplayError> {
        let end = claim.evidence.positions as usize;
        let sequence = self.compute(claim, end, report)?;
        let layers = self.runner.model().shape().layers;
        let found = root(&leaves(claim.salt, layers, &self.runner.cache, &sequence));
        if found != claim.evidence.states_root {
            report.differences.push(Difference::States);
        }
        self.runner.cache.finish(sequence);
        Ok(())
    }

    fn windows(
        &mut self,
        claim: &Claim<'_>,
        scope: &Scope,
        opening: &Opening,
        report: &mut Report,
    ) -> Result<(), ReplayError> {
        let sequence = self.compute(claim, scope.end(claim.evidence), report)?;
        let mut wrong = Vec::new();
        for ((window, layer), opened) in scope.opened(claim.evidence.layers).into_iter().zip(&opening.leaves)
        {
            let found = leaf_of(claim.salt, &self.runner.cache, &sequence, window as usize, layer as usize);
            if found != opened.hash && !wrong.contains(&window) {
                wrong.push(window);
                report.differences.push(Difference::State { window, layer });
            }
        }
        self.runner.cache.finish(sequence);
        Ok(())
    }

    /// Feeds the first `end` tokens of prompt and answer and chooses the tokens of the report's windows.
    fn compute(
        &mut self,
        claim: &Claim<'_>,
        end: usize,
        report: &mut Report,
    ) -> Result<Sequence, ReplayError> {
        let mut sequence = self.start(end)?;
        match self.choose_again(claim, end, &mut sequence, report) {
            Ok(()) => Ok(sequence),
            Err(error) => {
                self.runner.cache.finish(sequence);
                Err(error)
            }
        }
    }

    fn choose_again(
        &mut self,
        claim: &Claim<'_>,
        end: usize,
        sequence: &mut Sequence,
        report: &mut Report,
    ) -> Result<(), ReplayError> {
        let tokens: Vec<u32> = claim.prompt.iter().chain(claim.output).copied().take(end).collect();
        let mut tokens_of = TokensOf::new(claim, &report.windows, &self.runner);
        report.positions = u32::try_from(end).unwrap_or(u32::MAX);
        while sequence.length() < end {
            let from = sequence.length();
            let (piece, outputs) = tokens_of.piece(from, &tokens[from..]);
            let adapter = self.adapter.as_ref();
            let outputs = feed(&mut self.runner, adapter, sequence, piece, outputs)?;
            for index in 0..outputs {
                tokens_of.check(from + index, self.runner.logits(index), report);
            }
        }
        Ok(())
    }

    /// A sequence with room for `tokens` positions.
    fn start(&mut self, tokens: usize) -> Result<Sequence, ReplayError> {
        let cache = &mut self.runner.cache;
        let mut sequence = cache.start(&[]);
        if cache.reserve(&mut sequence, tokens).is_err() {
            let limit = cache.pages_max() * PAGE_TOKENS;
            cache.finish(sequence);
            return Err(ReplayError::CacheTooSmall { tokens, limit });
        }
        Ok(sequence)
    }

    /// One layer from what its provider says entered it.
    fn layer(
        &mut self,
        claim: &Claim<'_>,
        scope: &Scope,
        layer: u32,
        opening: &Opening,
        report: &mut Report,
    ) -> Result<(), ReplayError> {
        let (end, index) = (scope.end(claim.evidence), layer as usize);
        let shape = *self.runner.model().shape();
        let mut opened = scope.opened(claim.evidence.layers).into_iter().zip(&opening.leaves);
        if index > 0 {
            let wrong = wrong_inputs(claim, opening, &mut opened, layer, end, shape.width);
            if wrong.is_some() {
                report.differences.extend(wrong);
                return Ok(());
            }
        }
        let mut sequence = self.start(end)?;
        if let Err(error) = self.layer_again(claim, (end, index), &opening.inputs, &mut sequence, report) {
            self.runner.cache.finish(sequence);
            return Err(error);
        }
        for ((window, layer), opened) in opened {
            let found = leaf_of(claim.salt, &self.runner.cache, &sequence, window as usize, layer as usize);
            if found != opened.hash {
                report.differences.push(Difference::State { window, layer });
            }
        }
        self.runner.cache.finish(sequence);
        Ok(())
    }
}

impl Auditor {
    /// Computes layer `index` at the first `end` positions.
    fn layer_again(
        &mut self,
        claim: &Claim<'_>,
        (end, index): (usize, usize),
        inputs: &[f32],
        sequence: &mut Sequence,
        report: &mut Report,
    ) -> Result<(), ReplayError> {
        let width = self.runner.model().shape().width;
        let tokens: Vec<u32> = claim.prompt.iter().chain(claim.output).copied().take(end).collect();
        let mut tokens_of = TokensOf::new(claim, &report.windows, &self.runner);
        report.positions = u32::try_from(end).unwrap_or(u32::MAX);
        let mut states = Vec::new();
        while sequence.length() < end {
            let from = sequence.length();
            let (piece, outputs) = tokens_of.piece(from, &tokens[from..]);
            states.clear();
            if index > 0 {
                states.extend_from_slice(&inputs[from * width..(from + piece.len()) * width]);
            }
            let chunk = Chunk::new(sequence, piece, outputs).under(self.adapter.clone());
            let outputs = self.runner.layers(chunk, index..index + 1, &mut states)?;
            for index in 0..outputs {
                tokens_of.check(from + index, self.runner.logits(index), report);
            }
        }
        Ok(())
    }
}

/// The tokens of an answer that are to be chosen again, and where.
struct TokensOf<'a> {
    claim: Claim<'a>,
    windows: Vec<u32>,
    model: Arc<Model>,
    chooser: Chooser,
}

impl<'a> TokensOf<'a> {
    fn new(claim: &Claim<'a>, windows: &[u32], runner: &Runner) -> TokensOf<'a> {
        let model = Arc::clone(runner.model());
        let constraint = claim.grammar.map(|grammar| Constraint {
            grammar: Arc::clone(grammar),
            table: Arc::new(TokenTable::new(model.tokenizer())),
        });
        let chooser = Chooser::new(claim.evidence.sampling, constraint, claim.prompt, model.tokenizer());
        TokensOf { claim: *claim, windows: windows.to_vec(), model, chooser }
    }

    /// Whether a token of the answer was chosen at a position, in one of the windows.
    fn is_wanted(&self, position: usize) -> bool {
        let window = u32::try_from(position / WINDOW_TOKENS).unwrap_or(u32::MAX);
        position + 1 >= self.claim.prompt.len() && self.windows.contains(&window)
    }

    /// The longest run from position `from` whose positions are all wanted, or all not, that fits a pass.
    fn piece<'b>(&self, from: usize, tokens: &'b [u32]) -> (&'b [u32], Outputs) {
        let wanted = self.is_wanted(from);
        let (most, outputs) =
            if wanted { (BATCH_OUTPUTS_MAX, Outputs::All) } else { (BATCH_TOKENS_MAX, Outputs::None) };
        let most = most.min(tokens.len());
        let length = (1..most).find(|offset| self.is_wanted(from + offset) != wanted).unwrap_or(most);
        (&tokens[..length], outputs)
    }

    /// Chooses the token after a position again.
    fn check(&mut self, position: usize, logits: &[f32], report: &mut Report) {
        let index = position + 1 - self.claim.prompt.len();
        let output = self.claim.output;
        let found = self.chooser.choose(logits, &output[..index], self.model.tokenizer());
        let claimed = output[index];
        report.tokens += 1;
        let window = u32::try_from(position / WINDOW_TOKENS).unwrap_or(u32::MAX);
        let known = report.differences.iter().any(|known| known.window() == Some(window));
        if claimed != found && !known {
            report.differences.push(Difference::Token { window, index, claimed, found });
        }
    }
}

/// Opened leaves that do not lead to the root that was committed to.
fn unopened(claim: &Claim<'_>, scope: &Scope, opening: &Opening) -> Vec<Difference> {
    let evidence = claim.evidence;
    let layers = u64::from(evidence.layers);
    let count = u64::from(evidence.windows()) * layers;
    let wanted = scope.opened(evidence.layers);
    let mut opened = opening.leaves.iter();
    let mut differences = Vec::new();
    for (window, layer) in wanted {
        let index = u64::from(window) * layers + u64::from(layer);
        let found = opened.next().and_then(|leaf| root_along(leaf.hash, index, count, &leaf.path));
        if found != Some(evidence.states_root) {
            differences.push(Difference::Opening { window, layer });
        }
    }
    differences
}

/// The first window whose inputs are not those that were committed to as the outputs of the layer before.
fn wrong_inputs<'a>(
    claim: &Claim<'_>,
    opening: &Opening,
    opened: &mut impl Iterator<Item = ((u32, u32), &'a crate::evidence::OpenedLeaf)>,
    layer: u32,
    end: usize,
    width: usize,
) -> Option<Difference> {
    let mut rows = opening.inputs.chunks_exact(width);
    let is_whole =
        opening.inputs.len() == end * width && opening.inputs.iter().all(|value| value.is_finite());
    for window in 0..u32::try_from(end.div_ceil(WINDOW_TOKENS)).unwrap_or(u32::MAX) {
        let digests: Vec<[u8; 32]> = rows.by_ref().take(WINDOW_TOKENS).map(state_digest).collect();
        let found = leaf(claim.salt, window, layer - 1, &digests);
        let committed = opened.next().is_some_and(|(_, leaf)| leaf.hash == found);
        if !committed || !is_whole {
            return Some(Difference::Inputs { window, layer });
        }
    }
    None
}
