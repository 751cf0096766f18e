//! The inner loops, chosen at run time, with the same bits from each of them.
//!
//! Rule: `portable` states the arithmetic in plain Rust. Every instruction set compiles that same
//! source, except for what is written by hand where it pays: the integer products, which are exact in any order,
//! attention and quantising, which do the portable operations in the portable order.
//! Absent: attention and quantising by hand for ARM; GPUs.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
mod table;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod tile;

pub(crate) use portable::{BLOCK, GROUP, KEYS_PER_PAGE, Q4_BLOCK_BYTES, Q8_BLOCK_BYTES};
pub(crate) use table::{ATTEND_QUERIES_MAX, Kernels};

/// An instruction set that kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstructionSet {
    /// Plain Rust for the baseline of the target; runs everywhere.
    Portable,
    /// x86-64 with AVX2, FMA and F16C.
    Avx2,
    /// x86-64 with AVX-512 (F, BW, VL) and its integer dot products (VNNI), besides what [`InstructionSet::Avx2`] wants.
    Avx512,
    /// AArch64 with NEON, as all have, and the integer dot products (Armv8.2, optional there).
    NeonDot,
}

impl InstructionSet {
    /// Every instruction set that this machine can run, the best one last.
    pub fn available() -> Vec<InstructionSet> {
        let mut sets = vec![InstructionSet::Portable];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c")
        {
            sets.push(InstructionSet::Avx2);
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni")
            {
                sets.push(InstructionSet::Avx512);
            }
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("dotprod") {
            sets.push(InstructionSet::NeonDot);
        }
        sets
    }

    /// The best instruction set that this machine can run.
    pub fn best() -> InstructionSet {
        InstructionSet::available().pop().unwrap_or(InstructionSet::Portable)
    }
}

/// `exp((logit - largest) / temperature)` of every logit, in binary32; 0 where the exponent is below -40. The same bits
/// from every instruction set; the best one is taken.
pub fn token_weights(logits: &[f32], largest: f32, temperature: f32) -> Vec<f32> {
    let mut weights = vec![0.0; logits.len()];
    let kernels = Kernels::of(InstructionSet::best()).expect("the best set is one that this machine has");
    kernels.token_weights(logits, largest, temperature, &mut weights);
    weights
}

/// Activations of several tokens, quantised in blocks of 32 values.
#[derive(Debug, Default)]
pub(crate) struct Quantised {
    /// Values per token, a multiple of 32.
    pub(crate) width: usize,
    /// `[token][width]`, each from -127 to 127.
    pub(crate) values: Vec<i8>,
    /// `[token][width / 32]`: what one step of a value is worth.
    pub(crate) scales: Vec<f32>,
    /// `[token][width / 32]`: scale times the sum of the block's values.
    pub(crate) sums: Vec<f32>,
}

impl Quantised {
    /// Makes room for `tokens` rows of `width` values.
    pub(crate) fn resize(&mut self, tokens: usize, width: usize) {
        self.width = width;
        self.values.resize(tokens * width, 0);
        self.scales.resize(tokens * width / BLOCK, 0.0);
        self.sums.resize(tokens * width / BLOCK, 0.0);
    }

    /// Disjoint mutable parts of `tokens_per_part` tokens each.
    pub(crate) fn parts(&mut self, tokens_per_part: usize) -> impl Iterator<Item = QuantisedPart<'_>> {
        let values = self.values.chunks_mut(tokens_per_part * self.width);
        let scales = self.scales.chunks_mut(tokens_per_part * self.width / BLOCK);
        let sums = self.sums.chunks_mut(tokens_per_part * self.width / BLOCK);
        let width = self.width;
        values.zip(scales.zip(sums)).map(move |(values, (scales, sums))| QuantisedPart {
            width,
            values,
            scales,
            sums,
        })
    }
}

/// A mutable run of tokens of a [`Quantised`].
pub(crate) struct QuantisedPart<'a> {
    width: usize,
    values: &'a mut [i8],
    scales: &'a mut [f32],
    sums: &'a mut [f32],
}

impl QuantisedPart<'_> {
    /// Tokens in this part.
    pub(crate) fn tokens(&self) -> usize {
        self.values.len() / self.width
    }

    /// Quantises `row` as token `token` of this part.
    pub(crate) fn set(&mut self, kernels: &Kernels, token: usize, row: &[f32]) {
        let blocks = self.width / BLOCK;
        kernels.quantise(
            row,
            &mut self.values[token * self.width..][..self.width],
            &mut self.scales[token * blocks..][..blocks],
            &mut self.sums[token * blocks..][..blocks],
        );
    }
}

/// What the first product of an adapter left for some rows of a batch, of one projection.
pub(crate) struct Lowered<'a> {
    /// Numbers of one row.
    pub(crate) rank: usize,
    /// The rows, places of the batch's tokens.
    pub(crate) rows: &'a [usize],
    /// The numbers; those of row `r` begin at `r * stride`.
    pub(crate) values: &'a [f32],
    /// Distance between the numbers of two neighbouring rows.
    pub(crate) stride: usize,
}

/// One head's view of one page of keys and values.
#[derive(Clone, Copy)]
pub(crate) struct PageView<'a> {
    /// `[head width][32 positions]`.
    pub(crate) keys: &'a [f32],
    /// `[32 positions][head width]`.
    pub(crate) values: &'a [f32],
}

#[cfg(test)]
mod tests;
