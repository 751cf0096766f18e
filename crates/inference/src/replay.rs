//! Checking an answer by computing it again.
//!
//! Rule: the same file, prompt, answer and salt give the same evidence, on any machine, or something
//! was changed. The whole answer goes through in a few forward passes, so checking is cheaper than
//! generating.
//! Absent: checking a part of an answer.

use std::sync::Arc;

use openledger_model::{
    BATCH_OUTPUTS_MAX, BATCH_TOKENS_MAX, Chunk, ForwardError, Model, NUMERIC_SPECIFICATION, Outputs, Runner,
    RunnerConfig, RunnerError, Sequence,
};

use crate::choose::{Chooser, Constraint};
use crate::evidence::{Evidence, EvidenceBuilder, Hash, hash_tokens};
use crate::grammar::{Grammar, TokenTable};

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every hash and every token is as claimed.
    Equal,
    /// Something is not.
    Differs(Difference),
}

/// The first thing that is not as the evidence claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// Another version of the arithmetic, which this build cannot repeat.
    #[error(
        "the evidence is of numeric specification {claimed}, this build computes {NUMERIC_SPECIFICATION}"
    )]
    NumericSpecification {
        /// The claimed version.
        claimed: u32,
    },
    /// Another model file.
    #[error("the evidence is of the model file {claimed}, this is {found}")]
    Model {
        /// The claimed file.
        claimed: Hash,
        /// The file at hand.
        found: Hash,
    },
    /// Another prompt or salt.
    #[error("the prompt (or the salt) is not the one of the evidence")]
    Prompt,
    /// Another answer.
    #[error("the answer is not the one of the evidence")]
    Output,
    /// A token is not the one that the model and the seed choose.
    #[error("token {index} of the answer is {claimed}, the model chooses {found}")]
    Token {
        /// Its index in the answer.
        index: usize,
        /// The claimed token.
        claimed: u32,
        /// The recomputed token.
        found: u32,
    },
    /// The hidden states of a window differ.
    #[error("the hidden states of window {index} differ: the model did not compute this")]
    Window {
        /// Index of the window.
        index: usize,
    },
    /// Another grammar than the one at hand.
    #[error("the answer was made under another grammar than the one given, or under one where none is given")]
    Grammar,
    /// The commitment does not belong to the other fields.
    #[error("the commitment does not belong to the rest of the evidence")]
    Commitment,
}

/// Why a replay could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The threads could not start.
    #[error(transparent)]
    Runner(#[from] RunnerError),
    /// The tokens cannot be computed.
    #[error("the tokens cannot be computed again: {0}")]
    Forward(#[from] ForwardError),
    /// The scorer's cache cannot hold prompt and answer together.
    #[error("prompt and answer have {tokens} tokens, the scorer's cache holds {limit}; ask with less text")]
    CacheTooSmall {
        /// Positions needed.
        tokens: usize,
        /// Positions of the cache.
        limit: usize,
    },
    /// There is no prompt or no answer.
    #[error("a replay needs at least one token of prompt and of answer")]
    Empty,
}

/// Computes the answer again and compares. Runs on the caller's thread, for about a third of the time
/// that generating took.
pub fn replay(
    model: &Arc<Model>,
    prompt: &[u32],
    output: &[u32],
    salt: &[u8; 32],
    evidence: &Evidence,
) -> Result<Verdict, ReplayError> {
    replay_under(model, prompt, output, salt, evidence, None)
}

/// [`replay`] of an answer that was made under a grammar.
pub fn replay_under(
    model: &Arc<Model>,
    prompt: &[u32],
    output: &[u32],
    salt: &[u8; 32],
    evidence: &Evidence,
    grammar: Option<&Arc<Grammar>>,
) -> Result<Verdict, ReplayError> {
    if prompt.is_empty() || output.is_empty() {
        return Err(ReplayError::Empty);
    }
    if let Some(difference) = compare_claims(model, prompt, output, salt, evidence) {
        return Ok(Verdict::Differs(difference));
    }
    if evidence.sampling.grammar != grammar.map(|grammar| grammar.hash()) {
        return Ok(Verdict::Differs(Difference::Grammar));
    }
    let constraint = grammar.map(|grammar| Constraint {
        grammar: Arc::clone(grammar),
        table: Arc::new(TokenTable::new(model.tokenizer())),
    });
    let mut chooser = Chooser::new(evidence.sampling, constraint, prompt, model.tokenizer());
    let mut builder = EvidenceBuilder::new(*salt);
    let mut wrong_token = None;
    let mut index = 0;
    teacher_force(model, prompt, output, |hidden, logits| {
        builder.push(hidden);
        let found = chooser.choose(logits, &output[..index], model.tokenizer());
        if found != output[index] && wrong_token.is_none() {
            wrong_token = Some(Difference::Token { index, claimed: output[index], found });
        }
        index += 1;
    })?;
    let found = builder.finish(model.sha256(), prompt, output, evidence.sampling);
    Ok(compare_states(&found, evidence, wrong_token).map_or(Verdict::Equal, Verdict::Differs))
}

fn compare_claims(
    model: &Model,
    prompt: &[u32],
    output: &[u32],
    salt: &[u8; 32],
    evidence: &Evidence,
) -> Option<Difference> {
    let (claimed, found) = (evidence.model_sha256, Hash(model.sha256()));
    if evidence.numeric_specification != NUMERIC_SPECIFICATION {
        Some(Difference::NumericSpecification { claimed: evidence.numeric_specification })
    } else if claimed != found {
        Some(Difference::Model { claimed, found })
    } else if evidence.prompt_sha256 != hash_tokens("prompt", salt, prompt) {
        Some(Difference::Prompt)
    } else if evidence.output_sha256 != hash_tokens("output", salt, output) {
        Some(Difference::Output)
    } else if evidence.commitment != evidence.compute_commitment(salt) {
        Some(Difference::Commitment)
    } else {
        None
    }
}

fn compare_states(found: &Evidence, claimed: &Evidence, wrong: Option<Difference>) -> Option<Difference> {
    let windows = found.windows.len().max(claimed.windows.len());
    let differing = (0..windows).find(|index| found.windows.get(*index) != claimed.windows.get(*index));
    wrong.or(differing.map(|index| Difference::Window { index }))
}

/// Feeds prompt and answer and calls `visit` with the hidden state and logits before each token of the
/// answer, in order.
pub(crate) fn teacher_force(
    model: &Arc<Model>,
    prompt: &[u32],
    output: &[u32],
    visit: impl FnMut(&[f32], &[f32]),
) -> Result<(), ReplayError> {
    let length = prompt.len() + output.len();
    let config = RunnerConfig { threads: 1, cache_tokens_max: length, instruction_set: None };
    let mut runner = Runner::new(Arc::clone(model), config)?;
    let mut sequence = runner.cache.start(&[]);
    let context = model.context_length();
    if length > context {
        return Err(ForwardError::ContextExceeded { tokens: length, context }.into());
    }
    if runner.cache.reserve(&mut sequence, length).is_err() {
        return Err(ForwardError::PageMissing { position: 0 }.into());
    }
    force(&mut runner, &mut sequence, prompt, output, visit)
}

/// The rest of the prompt that `sequence` does not hold yet, and the answer, through a runner whose cache has pages reserved.
/// Calls `visit` as [`teacher_force`] does.
pub(crate) fn force(
    runner: &mut Runner,
    sequence: &mut Sequence,
    prompt: &[u32],
    output: &[u32],
    mut visit: impl FnMut(&[f32], &[f32]),
) -> Result<(), ReplayError> {
    // All but the last token of the prompt need no outputs; the last one predicts the first answer.
    let (silent, last) = prompt.split_at(prompt.len() - 1);
    for tokens in silent[sequence.length()..].chunks(BATCH_TOKENS_MAX) {
        feed(runner, sequence, tokens, Outputs::None)?;
    }
    let predicting: Vec<u32> = last.iter().chain(&output[..output.len() - 1]).copied().collect();
    for tokens in predicting.chunks(BATCH_OUTPUTS_MAX) {
        let outputs = feed(runner, sequence, tokens, Outputs::All)?;
        for index in 0..outputs {
            visit(runner.hidden(index), runner.logits(index));
        }
    }
    Ok(())
}

fn feed(
    runner: &mut Runner,
    sequence: &mut Sequence,
    tokens: &[u32],
    outputs: Outputs,
) -> Result<usize, ForwardError> {
    runner.forward(&mut [Chunk::new(sequence, tokens, outputs)])
}
