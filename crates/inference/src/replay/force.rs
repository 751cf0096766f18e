//! Feeding known tokens: what replays and scores have in common.
//!
//! Rule: prompt and answer go through in as few passes as the batch allows.
//! Absent: what is made of hidden states and logits.

use std::sync::Arc;

use openledger_model::{
    Adapter, BATCH_OUTPUTS_MAX, BATCH_TOKENS_MAX, Chunk, ForwardError, Model, Outputs, Runner, RunnerConfig,
    Sequence,
};

use super::ReplayError;

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
    force(&mut runner, None, &mut sequence, prompt, output, visit)
}

/// The rest of the prompt that `sequence` does not hold yet, and the answer, through a runner whose cache has pages reserved.
/// Calls `visit` as [`teacher_force`] does.
pub(crate) fn force(
    runner: &mut Runner,
    adapter: Option<&Arc<Adapter>>,
    sequence: &mut Sequence,
    prompt: &[u32],
    output: &[u32],
    mut visit: impl FnMut(&[f32], &[f32]),
) -> Result<(), ReplayError> {
    // All but the last token of the prompt need no outputs; the last one predicts the first answer.
    let (silent, last) = prompt.split_at(prompt.len() - 1);
    for tokens in silent[sequence.length()..].chunks(BATCH_TOKENS_MAX) {
        feed(runner, adapter, sequence, tokens, Outputs::None)?;
    }
    let predicting: Vec<u32> = last.iter().chain(&output[..output.len() - 1]).copied().collect();
    for tokens in predicting.chunks(BATCH_OUTPUTS_MAX) {
        let outputs = feed(runner, adapter, sequence, tokens, Outputs::All)?;
        for index in 0..outputs {
            visit(runner.hidden(index), runner.logits(index));
        }
    }
    Ok(())
}

/// One pass over tokens that follow those of `sequence`, under the same adapter.
pub(crate) fn feed(
    runner: &mut Runner,
    adapter: Option<&Arc<Adapter>>,
    sequence: &mut Sequence,
    tokens: &[u32],
    outputs: Outputs,
) -> Result<usize, ForwardError> {
    runner.forward(&mut [Chunk::new(sequence, tokens, outputs).under(adapter.cloned())])
}
