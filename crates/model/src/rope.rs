//! Rotary positions: the table of cosines and sines, and the rotation.
//!
//! Rule: neighbouring elements `2i` and `2i + 1` of a head turn together by `position * base^(-2i/width)`.
//! The angle is computed in double precision by [`crate::elementary`] and rounded once.
//! Absent: scaled or extended rotary variants.

use crate::elementary::{exp_f64, ln_f64, sin_cos_f64};
use crate::shape::Shape;

/// Cosines and sines of every position of the context.
#[derive(Debug)]
pub(crate) struct RopeTable {
    pairs: usize,
    /// `[position][pair]` of cosine and sine.
    turns: Vec<(f32, f32)>,
}

impl RopeTable {
    /// The table for all positions of `shape`.
    pub(crate) fn new(shape: &Shape) -> RopeTable {
        let pairs = shape.head_width / 2;
        let ln_base = ln_f64(f64::from(shape.rope_base));
        let frequencies: Vec<f64> =
            (0..pairs).map(|pair| exp_f64(-(pair as f64 / pairs as f64) * ln_base)).collect();
        let mut turns = Vec::with_capacity(shape.context * pairs);
        for position in 0..shape.context {
            for frequency in &frequencies {
                let (sine, cosine) = sin_cos_f64(position as f64 * frequency);
                turns.push((cosine as f32, sine as f32));
            }
        }
        RopeTable { pairs, turns }
    }

    /// Turns one head in place.
    pub(crate) fn rotate(&self, position: usize, head: &mut [f32]) {
        let turns = &self.turns[position * self.pairs..][..self.pairs];
        for (pair, (cosine, sine)) in head.chunks_exact_mut(2).zip(turns) {
            let (even, odd) = (pair[0], pair[1]);
            pair[0] = even * cosine - odd * sine;
            pair[1] = even * sine + odd * cosine;
        }
    }
}
