//! The order of the rows of queries and keys.
//!
//! Rule: PEFT's files order a head's rows as halves that turn together (`i` and `i + w/2`); our base models order them as
//! neighbours (`2i` and `2i + 1`). Both directions are permutations, so nothing is rounded.

use super::module::Module;
use crate::shape::Shape;

/// Rows (`rank` numbers each) in the base model's order.
pub(super) fn into_base(shape: &Shape, module: Module, rows: &[f32], rank: usize) -> Vec<f32> {
    reorder(shape, module, rows, rank, |row, half| row % 2 * half + row / 2)
}

/// Rows in PEFT's order.
pub(super) fn from_base(shape: &Shape, module: Module, rows: &[f32], rank: usize) -> Vec<f32> {
    reorder(shape, module, rows, rank, |row, half| row % half * 2 + row / half)
}

/// Row `row` of each head becomes what stood at `source(row, half the head's width)`.
fn reorder(
    shape: &Shape,
    module: Module,
    rows: &[f32],
    rank: usize,
    source: impl Fn(usize, usize) -> usize,
) -> Vec<f32> {
    if !matches!(module, Module::Query | Module::Key) {
        return rows.to_vec();
    }
    let (width, half) = (shape.head_width, shape.head_width / 2);
    let mut ordered = Vec::with_capacity(rows.len());
    for head in rows.chunks_exact(width * rank) {
        for row in 0..width {
            ordered.extend_from_slice(&head[source(row, half) * rank..][..rank]);
        }
    }
    ordered
}
