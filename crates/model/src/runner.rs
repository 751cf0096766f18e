//! The forward pass: tokens of any number of sequences in, hidden states and logits out.
//!
//! Rule: what a row computes depends on its own sequence's tokens up to its position and on nothing
//! else: not on the other rows of the batch, the number of threads, the instruction set, or on whether
//! earlier positions were computed one by one or at once. The tests hold this bit for bit.
//! Absent: sampling, scheduling, which adapters there are.

use std::ops::Range;
use std::sync::Arc;

use crate::Model;
use crate::adapter::Adapter;
use crate::cache::{Cache, CacheShape, PAGE_TOKENS, Sequence};
use crate::kernels::{InstructionSet, Kernels};
use crate::stages::{Rows, Stages};
use crate::workers::Workers;

/// Most rows of one forward pass.
pub const BATCH_TOKENS_MAX: usize = 512;
/// Most rows of one forward pass whose logits are asked for.
pub const BATCH_OUTPUTS_MAX: usize = 64;

/// How a [`Runner`] computes. Nothing here changes a result.
#[derive(Debug, Clone, Copy)]
pub struct RunnerConfig {
    /// Threads that share the work, the caller's included.
    pub threads: usize,
    /// Positions that the key-value cache holds, over all sequences.
    pub cache_tokens_max: usize,
    /// The instruction set; `None` takes the best one.
    pub instruction_set: Option<InstructionSet>,
}

/// For which tokens of a chunk hidden states and logits are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outputs {
    /// For none: the chunk only fills the cache.
    None,
    /// For its last token.
    Last,
    /// For all of its tokens.
    All,
}

/// Consecutive tokens of one sequence, which follow those that it already holds.
pub struct Chunk<'a> {
    /// The sequence; it needs pages for these tokens (see [`Cache::reserve`]) and grows by them.
    pub sequence: &'a mut Sequence,
    /// At least one token.
    pub tokens: &'a [u32],
    /// Which outputs are wanted.
    pub outputs: Outputs,
    /// What is added to the base model for these tokens. A sequence's tokens before must have had the same one.
    pub adapter: Option<Arc<Adapter>>,
}

impl<'a> Chunk<'a> {
    /// Tokens for the base model.
    pub fn new(sequence: &'a mut Sequence, tokens: &'a [u32], outputs: Outputs) -> Chunk<'a> {
        Chunk { sequence, tokens, outputs, adapter: None }
    }

    /// The same tokens under an adapter, or under none.
    #[must_use]
    pub fn under(mut self, adapter: Option<Arc<Adapter>>) -> Chunk<'a> {
        self.adapter = adapter;
        self
    }
}

/// Why a forward pass was refused. Nothing was computed, but where values were not finite.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForwardError {
    /// No tokens at all, or a chunk without any.
    #[error("a forward pass needs at least one token in every chunk")]
    Empty,
    /// Too many tokens.
    #[error("{tokens} tokens in one forward pass, at most 512 fit: split the batch")]
    TooManyTokens {
        /// Tokens in the batch.
        tokens: usize,
    },
    /// Too many outputs.
    #[error("{outputs} outputs wanted from one forward pass, at most 64 fit: split the batch")]
    TooManyOutputs {
        /// Outputs wanted.
        outputs: usize,
    },
    /// A token that the vocabulary does not have.
    #[error("token {token} is outside of the vocabulary of {vocabulary} tokens")]
    TokenOutOfRange {
        /// The token.
        token: u32,
        /// Size of the vocabulary.
        vocabulary: usize,
    },
    /// A sequence would outgrow the context.
    #[error("the sequence would have {tokens} tokens, the model's context holds {context}")]
    ContextExceeded {
        /// Length with this chunk.
        tokens: usize,
        /// Length of the context.
        context: usize,
    },
    /// The sequence has no pages for the chunk, or shares the page that would be written.
    #[error("the sequence has no page of its own for position {position}: reserve it first")]
    PageMissing {
        /// The first position without a page.
        position: usize,
    },
    /// A part of the layers was asked for that the model does not have, or with states of another size.
    #[error(
        "layers {start} to {end} on {floats} floats for {tokens} tokens cannot be computed: the model has {layers} layers and {width} floats a token"
    )]
    Layers {
        /// The first layer, from 0.
        start: usize,
        /// One past the last layer.
        end: usize,
        /// Floats of the states that were given.
        floats: usize,
        /// Tokens of the chunk.
        tokens: usize,
        /// Layers of the model.
        layers: usize,
        /// Floats of one state.
        width: usize,
    },
    /// An adapter for a model of another shape.
    #[error("the adapter is for a model of another shape than {model}; take it with its own base model")]
    Adapter {
        /// The model's name.
        model: String,
    },
    /// The computation of some chunks left the finite numbers. Every other chunk is computed, and its outputs are found as ever.
    #[error(
        "the model computed values that are not finite: its file or the adapter's is damaged; fetch it again"
    )]
    NotFinite {
        /// The places of these chunks in the batch, ascending.
        chunks: Vec<usize>,
    },
}

/// Computes forward passes of one model; owns the cache and the threads.
pub struct Runner {
    model: Arc<Model>,
    kernels: &'static Kernels,
    workers: Workers,
    /// The pages of keys and values.
    pub cache: Cache,
    stages: Stages,
}

/// Why a runner could not start.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The operating system refused a thread.
    #[error("a thread could not be started: {0}; lower the number of threads")]
    Threads(std::io::Error),
    /// This machine lacks the instruction set.
    #[error("this machine cannot run the instruction set {0:?}; leave the choice to the engine")]
    InstructionSet(InstructionSet),
}

impl Runner {
    /// Starts the threads and sets up an empty cache, whose memory is taken as it fills.
    pub fn new(model: Arc<Model>, config: RunnerConfig) -> Result<Runner, RunnerError> {
        let set = config.instruction_set.unwrap_or_else(InstructionSet::best);
        let kernels = Kernels::of(set).ok_or(RunnerError::InstructionSet(set))?;
        let shape = model.shape();
        let cache_shape =
            CacheShape { layers: shape.layers, heads: shape.kv_heads, head_width: shape.head_width };
        Ok(Runner {
            kernels,
            workers: Workers::start(config.threads).map_err(RunnerError::Threads)?,
            cache: Cache::new(cache_shape, config.cache_tokens_max),
            stages: Stages::default(),
            model,
        })
    }

    /// The same runner, which from its first pass on keeps a digest of each position's hidden state behind
    /// each layer: [`Cache::states`] finds them. No result changes.
    #[must_use]
    pub fn recording(mut self) -> Runner {
        self.cache.record();
        self
    }

    /// The model that this runner computes.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The instruction set in use.
    pub fn instruction_set(&self) -> InstructionSet {
        self.kernels.set()
    }

    /// Computes all tokens of all chunks. Outputs are then found by index, in the order in which the
    /// wanted tokens appear in `chunks`.
    pub fn forward(&mut self, chunks: &mut [Chunk<'_>]) -> Result<usize, ForwardError> {
        let rows = self.rows(chunks)?;
        let layers = 0..self.model.shape().layers;
        self.compute(&rows, chunks, layers, None)
    }

    /// Computes `layers` of one chunk alone, from the residual stream `[token][width]` before the first of
    /// them, which is then the one behind the last of them; before layer 0 it is the tokens' embeddings and
    /// what is given is passed over. The sequence's cache must hold the keys and values of these layers for
    /// the positions before. Outputs, as [`Runner::forward`] finds them, are there behind the last layer of
    /// the model alone. The bits are those of a whole pass.
    ///
    /// # Errors
    /// As of a whole pass, or the layers are not the model's, or the states are of another size or not
    /// finite.
    pub fn layers(
        &mut self,
        chunk: Chunk<'_>,
        layers: Range<usize>,
        states: &mut Vec<f32>,
    ) -> Result<usize, ForwardError> {
        let (shape, tokens, floats) = (*self.model.shape(), chunk.tokens.len(), states.len());
        let fits = layers.start == 0 || floats == tokens * shape.width;
        if !fits || layers.start > layers.end || layers.end > shape.layers {
            let (start, end, layers, width) = (layers.start, layers.end, shape.layers, shape.width);
            return Err(ForwardError::Layers { start, end, floats, tokens, layers, width });
        }
        let given = (layers.start > 0).then_some(states.as_slice());
        if given.is_some_and(|states| states.iter().any(|value| !value.is_finite())) {
            return Err(ForwardError::NotFinite { chunks: vec![0] });
        }
        let mut chunks = [chunk];
        let mut rows = self.rows(&chunks)?;
        if layers.end < shape.layers {
            rows.wanted.clear();
        }
        let outputs = self.compute(&rows, &mut chunks, layers, given)?;
        states.clear();
        states.extend_from_slice(&self.stages.stream);
        Ok(outputs)
    }

    fn compute(
        &mut self,
        rows: &Rows,
        chunks: &mut [Chunk<'_>],
        layers: Range<usize>,
        states: Option<&[f32]>,
    ) -> Result<usize, ForwardError> {
        let (model, workers, cache) = (Arc::clone(&self.model), &mut self.workers, &mut self.cache);
        self.stages.forward(&model, self.kernels, workers, cache, rows, chunks, layers, states);
        for chunk in chunks {
            chunk.sequence.length += chunk.tokens.len();
        }
        let chunks = self.not_finite(rows);
        if chunks.is_empty() { Ok(rows.wanted.len()) } else { Err(ForwardError::NotFinite { chunks }) }
    }

    /// The chunks of the last pass with a value that is not finite in any row, also in those whose outputs nobody asked for:
    /// what is not finite has no bits that all machines share.
    fn not_finite(&self, rows: &Rows) -> Vec<usize> {
        let is_finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        let streams = self.stages.stream.chunks_exact(self.model.shape().width);
        let of_rows = rows.chunks.iter().zip(streams).filter(|(_, row)| !is_finite(row));
        let of_outputs = rows.wanted.iter().enumerate().filter(|(index, _)| !is_finite(self.hidden(*index)));
        let mut chunks: Vec<usize> =
            of_rows.map(|(chunk, _)| *chunk).chain(of_outputs.map(|(_, row)| rows.chunks[*row])).collect();
        chunks.sort_unstable();
        chunks.dedup();
        chunks
    }

    /// The final, normalised hidden state of output `index` of the last pass.
    pub fn hidden(&self, index: usize) -> &[f32] {
        let width = self.model.shape().width;
        &self.stages.hidden[index * width..][..width]
    }

    /// The logits of output `index` of the last pass, one for each token of the vocabulary.
    pub fn logits(&self, index: usize) -> &[f32] {
        let vocabulary = self.model.shape().vocabulary;
        &self.stages.logits[index * vocabulary..][..vocabulary]
    }

    /// Checks the whole batch and lists its rows.
    fn rows(&self, chunks: &[Chunk<'_>]) -> Result<Rows, ForwardError> {
        let shape = self.model.shape();
        let mut rows = Rows::default();
        for (index, chunk) in chunks.iter().enumerate() {
            self.check_chunk(chunk)?;
            for (offset, token) in chunk.tokens.iter().enumerate() {
                if *token as usize >= shape.vocabulary {
                    return Err(ForwardError::TokenOutOfRange {
                        token: *token,
                        vocabulary: shape.vocabulary,
                    });
                }
                let last = offset + 1 == chunk.tokens.len();
                if chunk.outputs == Outputs::All || (chunk.outputs == Outputs::Last && last) {
                    rows.wanted.push(rows.tokens.len());
                }
                rows.adapted.push(rows.tokens.len(), chunk.adapter.as_ref());
                rows.tokens.push(*token);
                rows.chunks.push(index);
                rows.positions.push(chunk.sequence.length + offset);
            }
        }
        match (rows.tokens.len(), rows.wanted.len()) {
            (0, _) => Err(ForwardError::Empty),
            (tokens, _) if tokens > BATCH_TOKENS_MAX => Err(ForwardError::TooManyTokens { tokens }),
            (_, outputs) if outputs > BATCH_OUTPUTS_MAX => Err(ForwardError::TooManyOutputs { outputs }),
            _ => Ok(rows),
        }
    }

    fn check_chunk(&self, chunk: &Chunk<'_>) -> Result<(), ForwardError> {
        let context = self.model.shape().context;
        if chunk.adapter.as_ref().is_some_and(|adapter| !adapter.fits(self.model.shape())) {
            return Err(ForwardError::Adapter { model: self.model.name().to_owned() });
        }
        if chunk.tokens.is_empty() {
            return Err(ForwardError::Empty);
        }
        if chunk.tokens.len() > BATCH_TOKENS_MAX {
            return Err(ForwardError::TooManyTokens { tokens: chunk.tokens.len() });
        }
        let (start, end) = (chunk.sequence.length, chunk.sequence.length + chunk.tokens.len());
        if end > context {
            return Err(ForwardError::ContextExceeded { tokens: end, context });
        }
        for index in start / PAGE_TOKENS..end.div_ceil(PAGE_TOKENS) {
            let own = chunk.sequence.pages.get(index).is_some_and(|page| self.cache.references(*page) == 1);
            if !own {
                return Err(ForwardError::PageMissing { position: start.max(index * PAGE_TOKENS) });
            }
        }
        Ok(())
    }
}
