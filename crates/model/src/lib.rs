//! Transformer mathematics with one exact result on every machine, and the checkpoints it is read from.
//!
//! Rule: the same tokens through the same file give the same bits, whatever the instruction set, the
//! number of threads, the shape of the batch, and whether positions are computed one by one or at
//! once. An answer can therefore be checked by computing it again.
//! Absent: scheduling, sampling and evidence (`inference`), training and adapters (`tuning`), any
//! knowledge of the network.
//!
//! # Numeric specification 2
//!
//! Floats are IEEE 754 binary32, rounded to nearest, ties to even; "fused" is a multiply-add with one
//! rounding. All sums have one order:
//!
//! 1. **Weights.** Q4_1 and Q8_0 blocks as in the file; Q4_0 as Q4_1 with a minimum of -8 scales; F16 and
//!    F32 matrices are rounded to Q8_0 (scale: half of largest magnitude / 127). Vectors are F32.
//! 2. **Embedding.** `value * scale`, or `fused(value, scale, minimum)` for 4 bits.
//! 3. **Normalisation.** `mean = dot(x, x) / n`; `f = 1 / sqrt(mean + epsilon)`; `(x * f) * weight`.
//! 4. **Dot.** Element `i` into lane `i mod 16`, fused, ascending; lanes added as a tree 8, 4, 2, 1.
//! 5. **Quantised activations.** Blocks of 32: `scale = m / 127`, `value = round(x * (127 / m))` with `m`
//!    the largest magnitude (all zero when `m < 1e-30`); `sum = scale * (sum of values)`.
//! 6. **Products.** Per row, blocks ascending: the exact integer product `d`;
//!    `a = fused(d, weight scale * activation scale, a)`; with a minimum also `a = fused(minimum, sum, a)`.
//! 7. **Positions.** Rotary table in double precision from addition, multiplication and division alone.
//! 8. **Attention.** Query rotated, then times `1 / sqrt(width)`. Score: elements ascending, fused. Weight:
//!    `exp(score - largest)`. Sum of weights: lane `position mod 16`, then the tree. Output: positions
//!    ascending, fused; then times `1 / sum`.
//! 9. **Feed-forward.** `(gate / (1 + exp(-gate))) * up`. `exp` as in the module `elementary`.
//! 10. **Residual.** `x = x + product`. Logits: the output matrix times the normalised hidden state.
//!
//! Any change of a bit anywhere is a new number.

mod cache;
mod elementary;
pub mod gguf;
mod half;
mod kernels;
mod matrix;
mod memory;
mod open;
mod rope;
mod runner;
mod shape;
mod stages;
mod text;
mod weights;
mod workers;

pub use cache::{Cache, CacheFull, PAGE_TOKENS, PageId, Sequence};
pub use elementary::{exp_f64, ln_f64};
pub use kernels::{InstructionSet, token_weights};
pub use open::{Model, ModelError};
pub use runner::{
    BATCH_OUTPUTS_MAX, BATCH_TOKENS_MAX, Chunk, ForwardError, Outputs, Runner, RunnerConfig, RunnerError,
};
pub use shape::{Shape, ShapeError};
pub use text::{ChatError, ChatMessage, Detokenizer, Role, Tokenizer, TokenizerError};
pub use weights::WeightsError;
pub use workers::THREADS_MAX;

/// The version of the arithmetic that this crate computes, described in the crate's documentation.
pub const NUMERIC_SPECIFICATION: u32 = 2;
