//! Panels: what a matrix gives for a batch, `[group of 16 rows][token][16]`.
//!
//! Rule: a panel is split by groups, so that each thread owns what it writes.
//! Absent: the products that fill it.

use std::ops::Range;

use crate::kernels::GROUP;
use crate::matrix::Matrix;

/// Splits the groups of a matrix into at most `parts` ranges.
pub(crate) fn group_ranges(matrix: &Matrix, parts: usize) -> Vec<Range<usize>> {
    let groups = matrix.groups();
    let per_part = groups.div_ceil(parts);
    (0..groups).step_by(per_part).map(|start| start..(start + per_part).min(groups)).collect()
}

/// Splits a panel like the ranges, which have one size but for the last.
pub(crate) fn panel_parts<'a>(
    matrix: &Matrix,
    tokens: usize,
    ranges: &[Range<usize>],
    panel: &'a mut Vec<f32>,
) -> impl Iterator<Item = &'a mut [f32]> + use<'a> {
    panel.resize(matrix.groups() * tokens * GROUP, 0.0);
    panel.chunks_mut(ranges[0].len() * tokens * GROUP)
}

/// Copies rows `from..from + target.len()` of one token out of a panel; both multiples of 16, but for
/// the end of the matrix.
pub(crate) fn copy_panel_part(panel: &[f32], tokens: usize, token: usize, from: usize, target: &mut [f32]) {
    let panel = panel.as_chunks::<GROUP>().0;
    let place = |group: usize| (from / GROUP + group) * tokens + token;
    let (groups, rest) = target.as_chunks_mut::<GROUP>();
    for (group, target) in groups.iter_mut().enumerate() {
        *target = panel[place(group)];
    }
    if !rest.is_empty() {
        rest.copy_from_slice(&panel[place(groups.len())][..rest.len()]);
    }
}

/// Adds all rows of one token of a panel to `target`.
pub(crate) fn add_panel_row(panel: &[f32], tokens: usize, token: usize, target: &mut [f32]) {
    for (group, target) in target.chunks_exact_mut(GROUP).enumerate() {
        let start = (group * tokens + token) * GROUP;
        for (target, value) in target.iter_mut().zip(&panel[start..start + GROUP]) {
            *target += value;
        }
    }
}
