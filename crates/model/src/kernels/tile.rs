//! How the hand-written products go through a matrix: tiles of a group of rows and a few tokens.
//!
//! Rule: every tile is computed alone, so their order changes no bit. Absent: arithmetic.

use super::Quantised;
use super::portable::BLOCK;

/// Tokens that all groups pass before the next tokens are begun: their activations stay in the second cache.
pub(super) const TOKENS_AT_ONCE: usize = 64;

/// Blocks of activations of `T` tokens, and their scales and sums.
pub(super) struct Tile<'a, const T: usize> {
    pub(super) values: [&'a [[i8; BLOCK]]; T],
    pub(super) scales: [&'a [f32]; T],
    pub(super) sums: [&'a [f32]; T],
}

impl<'a, const T: usize> Tile<'a, T> {
    #[inline(always)]
    pub(super) fn new(input: &'a Quantised, token: usize, blocks: usize) -> Tile<'a, T> {
        let values = input.values.as_chunks::<BLOCK>().0;
        Tile {
            values: std::array::from_fn(|t| &values[(token + t) * blocks..][..blocks]),
            scales: std::array::from_fn(|t| &input.scales[(token + t) * blocks..][..blocks]),
            sums: std::array::from_fn(|t| &input.sums[(token + t) * blocks..][..blocks]),
        }
    }
}

/// `N` bytes of a block from `at` on.
#[inline(always)]
pub(super) fn bytes_at<const N: usize, const SIZE: usize>(block: &[u8; SIZE], at: usize) -> [u8; N] {
    *block[at..].first_chunk().expect("the block goes on so far")
}

/// Four activations from `at` on as one number, the first one lowest.
#[inline(always)]
pub(super) fn four_at(values: &[i8; BLOCK], at: usize) -> i32 {
    let [a, b, c, d] = [values[at], values[at + 1], values[at + 2], values[at + 3]].map(i8::cast_unsigned);
    i32::from_le_bytes([a, b, c, d])
}

/// Calls `$tile::<T>` for runs of up to four tokens until all groups have met all tokens.
macro_rules! each_tile {
    ($tile:ident, $blocks:expr, $input:expr, $tokens:expr, $output:expr) => {
        for from in (0..$tokens).step_by($crate::kernels::tile::TOKENS_AT_ONCE) {
            let to = $tokens.min(from + $crate::kernels::tile::TOKENS_AT_ONCE);
            let groups = $blocks.chunks_exact($input.width / BLOCK);
            for (group, output) in groups.zip($output.chunks_exact_mut($tokens * GROUP)) {
                for token in (from..to).step_by(4) {
                    let output = &mut output[token * GROUP..];
                    match to - token {
                        1 => $tile::<1>(group, $input, token, output),
                        2 => $tile::<2>(group, $input, token, output),
                        3 => $tile::<3>(group, $input, token, output),
                        _ => $tile::<4>(group, $input, token, output),
                    }
                }
            }
        }
    };
}

pub(super) use each_tile;
