//! The table of kernels: one function per operation, for the instruction set chosen at run time.

#![expect(unsafe_code, reason = "functions compiled for an instruction set are unsafe to call without it")]

use super::{InstructionSet, Lowered, PageView, Quantised, portable};

/// Most queries of one call of [`Kernels::attend`].
pub(crate) const ATTEND_QUERIES_MAX: usize = 4;

type Multiply = unsafe fn(&[u8], &Quantised, usize, &mut [f32]);
type Raise = unsafe fn(&[f32], &Lowered<'_>, usize, &mut [f32]);
type Attend = unsafe fn(&[f32], &[PageView<'_>], usize, &mut [f32], &mut [f32]);

/// One function for each operation, all for one instruction set.
pub(crate) struct Kernels {
    set: InstructionSet,
    rms_norm: unsafe fn(&[f32], &[f32], f32, &mut [f32]),
    quantise: unsafe fn(&[f32], &mut [i8], &mut [f32], &mut [f32]),
    silu_multiply: unsafe fn(&mut [f32], &[f32]),
    token_weights: unsafe fn(&[f32], f32, f32, &mut [f32]),
    multiply_q4: Multiply,
    multiply_q8: Multiply,
    lower: unsafe fn(&[f32], &[f32], &mut [f32]),
    raise: Raise,
    attend_64: Attend,
    attend_128: Attend,
}

/// Compiles the portable source for one instruction set; what is written by hand for it is in `$by_hand`.
macro_rules! compile {
    ($module:ident, $set:expr, $by_hand:ident $(, #[$feature:meta])?) => {
        mod $module {
            use super::super::$by_hand;
            use super::*;

            $(#[$feature])?
            fn rms_norm(input: &[f32], weight: &[f32], epsilon: f32, output: &mut [f32]) {
                portable::rms_norm(input, weight, epsilon, output);
            }
            $(#[$feature])?
            fn quantise(row: &[f32], values: &mut [i8], scales: &mut [f32], sums: &mut [f32]) {
                $by_hand::quantise(row, values, scales, sums);
            }
            $(#[$feature])?
            fn silu_multiply(gate: &mut [f32], up: &[f32]) {
                portable::silu_multiply(gate, up);
            }
            $(#[$feature])?
            fn token_weights(logits: &[f32], largest: f32, temperature: f32, weights: &mut [f32]) {
                portable::token_weights(logits, largest, temperature, weights);
            }
            $(#[$feature])?
            fn multiply_q4(groups: &[u8], input: &Quantised, tokens: usize, output: &mut [f32]) {
                $by_hand::multiply_q4(groups, input, tokens, output);
            }
            $(#[$feature])?
            fn multiply_q8(groups: &[u8], input: &Quantised, tokens: usize, output: &mut [f32]) {
                $by_hand::multiply_q8(groups, input, tokens, output);
            }
            $(#[$feature])?
            fn lower(down: &[f32], input: &[f32], output: &mut [f32]) {
                portable::lower(down, input, output);
            }
            $(#[$feature])?
            fn raise(up: &[f32], lowered: &Lowered<'_>, tokens: usize, output: &mut [f32]) {
                portable::raise(up, lowered, tokens, output);
            }
            $(#[$feature])?
            fn attend<const WIDTH: usize>(
                queries: &[f32],
                pages: &[PageView<'_>],
                length: usize,
                scores: &mut [f32],
                output: &mut [f32],
            ) {
                match queries.len() / WIDTH {
                    1 => $by_hand::attend::<WIDTH, 1>(queries, pages, length, scores, output),
                    2 => $by_hand::attend::<WIDTH, 2>(queries, pages, length, scores, output),
                    3 => $by_hand::attend::<WIDTH, 3>(queries, pages, length, scores, output),
                    _ => $by_hand::attend::<WIDTH, 4>(queries, pages, length, scores, output),
                }
            }

            pub(super) static TABLE: Kernels = Kernels {
                set: $set,
                rms_norm,
                quantise,
                silu_multiply,
                token_weights,
                multiply_q4,
                multiply_q8,
                lower,
                raise,
                attend_64: attend::<64>,
                attend_128: attend::<128>,
            };
        }
    };
}

compile!(baseline, InstructionSet::Portable, portable);
#[cfg(target_arch = "x86_64")]
compile!(
    with_avx2,
    InstructionSet::Avx2,
    avx2,
    #[target_feature(enable = "avx2,fma,f16c")]
);
#[cfg(target_arch = "x86_64")]
compile!(
    with_avx512,
    InstructionSet::Avx512,
    avx512,
    #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
);

#[cfg(target_arch = "aarch64")]
compile!(
    with_neon_dot,
    InstructionSet::NeonDot,
    neon,
    #[target_feature(enable = "neon,dotprod")]
);

impl Kernels {
    /// The kernels for `set`; `None` when this machine cannot run it.
    pub(crate) fn of(set: InstructionSet) -> Option<&'static Kernels> {
        if !InstructionSet::available().contains(&set) {
            return None;
        }
        match set {
            InstructionSet::Portable => Some(&baseline::TABLE),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => Some(&with_avx2::TABLE),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => Some(&with_avx512::TABLE),
            #[cfg(target_arch = "aarch64")]
            InstructionSet::NeonDot => Some(&with_neon_dot::TABLE),
            #[cfg(not(target_arch = "x86_64"))]
            InstructionSet::Avx2 | InstructionSet::Avx512 => None,
            #[cfg(not(target_arch = "aarch64"))]
            InstructionSet::NeonDot => None,
        }
    }

    /// The instruction set of this table.
    pub(crate) fn set(&self) -> InstructionSet {
        self.set
    }

    /// Root-mean-square normalisation of one row.
    pub(crate) fn rms_norm(&self, input: &[f32], weight: &[f32], epsilon: f32, output: &mut [f32]) {
        debug_assert!(input.len() == weight.len() && input.len() == output.len());
        // SAFETY: a table is handed out by `of` only where its instruction set was detected.
        unsafe { (self.rms_norm)(input, weight, epsilon, output) }
    }

    /// Quantises one row in blocks of 32.
    pub(crate) fn quantise(&self, row: &[f32], values: &mut [i8], scales: &mut [f32], sums: &mut [f32]) {
        debug_assert_eq!(row.len(), values.len());
        // SAFETY: as in `rms_norm`.
        unsafe { (self.quantise)(row, values, scales, sums) }
    }

    /// `gate = silu(gate) * up`.
    pub(crate) fn silu_multiply(&self, gate: &mut [f32], up: &[f32]) {
        debug_assert_eq!(gate.len(), up.len());
        // SAFETY: as in `rms_norm`.
        unsafe { (self.silu_multiply)(gate, up) }
    }

    /// `exp((logit - largest) / temperature)` of every logit, and 0 far below the largest.
    pub(crate) fn token_weights(&self, logits: &[f32], largest: f32, temperature: f32, weights: &mut [f32]) {
        debug_assert_eq!(logits.len(), weights.len());
        // SAFETY: as in `rms_norm`.
        unsafe { (self.token_weights)(logits, largest, temperature, weights) }
    }

    /// Interleaved 4-bit rows times every token.
    pub(crate) fn multiply_q4(&self, groups: &[u8], input: &Quantised, tokens: usize, output: &mut [f32]) {
        check_shapes(groups, portable::Q4_BLOCK_BYTES, input, tokens, output);
        // SAFETY: as in `rms_norm`; the shapes, on which the kernel relies, were just checked.
        unsafe { (self.multiply_q4)(groups, input, tokens, output) }
    }

    /// Interleaved 8-bit rows times every token.
    pub(crate) fn multiply_q8(&self, groups: &[u8], input: &Quantised, tokens: usize, output: &mut [f32]) {
        check_shapes(groups, portable::Q8_BLOCK_BYTES, input, tokens, output);
        // SAFETY: as in `rms_norm`; the shapes, on which the kernel relies, were just checked.
        unsafe { (self.multiply_q8)(groups, input, tokens, output) }
    }

    /// The first product of an adapter: each row of `down` times `input`.
    pub(crate) fn lower(&self, down: &[f32], input: &[f32], output: &mut [f32]) {
        debug_assert_eq!(down.len(), input.len() * output.len());
        // SAFETY: as in `rms_norm`.
        unsafe { (self.lower)(down, input, output) }
    }

    /// The second product of an adapter, added to a panel of `tokens` columns.
    pub(crate) fn raise(&self, up: &[f32], lowered: &Lowered<'_>, tokens: usize, output: &mut [f32]) {
        debug_assert_eq!(up.len() * tokens, output.len() * lowered.rank);
        // SAFETY: as in `rms_norm`.
        unsafe { (self.raise)(up, lowered, tokens, output) }
    }

    /// Attention of one to four queries of width 64 or 128 that see the same positions.
    pub(crate) fn attend(
        &self,
        width: usize,
        queries: &[f32],
        pages: &[PageView<'_>],
        length: usize,
        scores: &mut [f32],
        output: &mut [f32],
    ) {
        debug_assert!((1..=ATTEND_QUERIES_MAX).contains(&(queries.len() / width)));
        let attend = if width == 64 { self.attend_64 } else { self.attend_128 };
        // SAFETY: as in `rms_norm`.
        unsafe { attend(queries, pages, length, scores, output) }
    }
}

/// Holds what the hand-written kernels rely on: every pointer they form stays inside these slices.
fn check_shapes(groups: &[u8], block_bytes: usize, input: &Quantised, tokens: usize, output: &[f32]) {
    let blocks = input.width / portable::BLOCK;
    assert!(tokens > 0 && blocks > 0, "a product needs tokens and blocks");
    let group_bytes = blocks * block_bytes;
    assert_eq!(groups.len() % group_bytes, 0, "whole groups of rows");
    assert_eq!(output.len(), groups.len() / group_bytes * tokens * portable::GROUP, "one output per row");
    assert!(input.values.len() >= tokens * input.width, "a row of values per token");
    assert!(
        input.scales.len() >= tokens * blocks && input.sums.len() >= tokens * blocks,
        "a scale per block"
    );
}
