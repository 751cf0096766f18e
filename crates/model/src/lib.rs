//! Transformer mathematics with one exact result on every machine, the checkpoints it is read from, and a table of embeddings.
//!
//! Rule: the same tokens through the same file give the same bits, whatever the instruction set, the
//! number of threads, the shape of the batch, and whether positions are computed one by one or at
//! once. An answer can therefore be checked by computing it again.
//! Absent: scheduling, sampling and evidence (`inference`), training of adapters, any knowledge of the
//! network.
//!
//! What is computed, in which order, is the numeric specification: `docs/numerics.md` in this repository, which also lists
//! the files that are accepted. A change of a bit anywhere is a new number.

mod adapter;
mod cache;
mod elementary;
mod embedding;
pub mod gguf;
mod half;
mod kernels;
mod lowered;
mod matrix;
mod memory;
mod open;
mod panels;
mod record;
mod rope;
mod runner;
mod shape;
mod stages;
mod tensor_file;
mod text;
mod weights;
mod workers;

pub use adapter::{
    ADAPTER_CONFIG_FILE, ADAPTER_FILE_BYTES_MAX, ADAPTER_RANK_MAX, ADAPTER_TENSORS_FILE, Adapter,
    AdapterBase, AdapterError, AdapterId, Factors, Module,
};
pub use cache::{Cache, CacheFull, PAGE_TOKENS, PageId, Sequence};
pub use elementary::{exp_f64, ln_f64};
pub use embedding::{
    EMBEDDED_TEXT_BYTES_MAX, EMBEDDED_TOKENS_MAX, EmbedError, EmbeddingModel, EmbeddingModelError,
};
pub use kernels::{InstructionSet, token_weights};
pub use open::{Model, ModelError};
pub use record::{StateDigest, state_digest};
pub use runner::{
    BATCH_OUTPUTS_MAX, BATCH_TOKENS_MAX, Chunk, ForwardError, Outputs, Runner, RunnerConfig, RunnerError,
};
pub use shape::{Shape, ShapeError};
pub use text::{
    CALL_END, CALL_MARK, CallPiece, CallReader, ChatError, ChatMessage, ChatTemplate, Conversation,
    Detokenizer, Json, NoTools, Role, Tokenizer, TokenizerError, Tool, ToolCall, ToolChoice, Tools,
    call_begin,
};
pub use weights::WeightsError;
pub use workers::THREADS_MAX;

/// The version of the arithmetic that this crate computes, described in `docs/numerics.md`.
pub const NUMERIC_SPECIFICATION: u32 = 2;
