//! What adapters add to the rows of a batch that name one.
//!
//! Rule: rows are grouped by their adapter, and each is computed at its own rank; a row without an adapter is passed over, and
//! a batch without adapters takes no step and no memory here. Which rows stand beside a row changes nothing of it.
//! Absent: the two products (`kernels`).

use std::ops::Range;
use std::sync::Arc;

use crate::adapter::{Adapter, Module};
use crate::kernels::{GROUP, Kernels, Lowered};

/// Which rows of a batch have which adapter.
#[derive(Default)]
pub(crate) struct Adapted {
    /// The adapters of the batch and their rows, ascending.
    adapters: Vec<(Arc<Adapter>, Vec<usize>)>,
    /// `[row]` the place of its adapter; rows behind the last one with an adapter are left out.
    places: Vec<Option<usize>>,
}

impl Adapted {
    /// Notes the adapter of row `row`; rows come in ascending order.
    pub(crate) fn push(&mut self, row: usize, adapter: Option<&Arc<Adapter>>) {
        let Some(adapter) = adapter else { return };
        let known = self.adapters.iter().position(|(other, _)| other.id() == adapter.id());
        let place = known.unwrap_or_else(|| {
            self.adapters.push((Arc::clone(adapter), Vec::new()));
            self.adapters.len() - 1
        });
        self.adapters[place].1.push(row);
        self.places.resize(row, None);
        self.places.push(Some(place));
    }

    /// What the adapters do in one layer to projections that share an input.
    pub(crate) fn stage<'a>(&'a self, layer: usize, modules: &'static [Module]) -> Stage<'a> {
        let width = |adapter: &Adapter| modules.iter().map(|module| rank(adapter, layer, *module)).sum();
        let stride = self.adapters.iter().map(|(adapter, _)| width(adapter)).max().unwrap_or(0);
        Stage { adapted: self, layer, modules, stride }
    }
}

fn rank(adapter: &Adapter, layer: usize, module: Module) -> usize {
    adapter.part(layer, module).map_or(0, |part| part.rank)
}

/// Projections of one layer that share an input.
#[derive(Clone, Copy)]
pub(crate) struct Stage<'a> {
    adapted: &'a Adapted,
    layer: usize,
    modules: &'static [Module],
    /// The most numbers that the first products leave of a row; 0 where no adapter changes these projections.
    stride: usize,
}

impl Stage<'_> {
    /// The first products of a row, of all projections one behind the other.
    pub(crate) fn lower(&self, kernels: &Kernels, row: usize, input: &[f32], output: &mut [f32]) {
        let Some(place) = self.adapted.places.get(row).copied().flatten().filter(|_| self.stride > 0) else {
            return;
        };
        let adapter = &self.adapted.adapters[place].0;
        let mut output = output;
        for module in self.modules {
            if let Some(part) = adapter.part(self.layer, *module) {
                let (own, rest) = output.split_at_mut(part.rank);
                kernels.lower(&part.down, input, own);
                output = rest;
            }
        }
    }

    /// Adds the second products of one projection to `groups` of its rows' panel.
    pub(crate) fn raise(
        &self,
        kernels: &Kernels,
        module: Module,
        groups: &Range<usize>,
        lowered: &LoweredRows,
        (tokens, panel): (usize, &mut [f32]),
    ) {
        for (adapter, rows) in &self.adapted.adapters {
            let Some(part) = adapter.part(self.layer, module) else { continue };
            let before = self.modules.iter().take_while(|other| **other != module);
            let start: usize = before.map(|other| rank(adapter, self.layer, *other)).sum();
            let values = &lowered.values[start..];
            let lowered = Lowered { rank: part.rank, rows, values, stride: self.stride };
            let group_floats = part.rank * GROUP;
            let up = &part.up[groups.start * group_floats..groups.end * group_floats];
            kernels.raise(up, &lowered, tokens, panel);
        }
    }
}

/// What the first products of one stage left, `[row][stride]`.
#[derive(Default)]
pub(crate) struct LoweredRows {
    values: Vec<f32>,
}

impl LoweredRows {
    /// Makes room for a stage, and gives the rows in parts of `per_part`, then empty parts without end.
    pub(crate) fn parts(
        &mut self,
        stage: &Stage<'_>,
        rows: usize,
        per_part: usize,
    ) -> impl Iterator<Item = RowsPart<'_>> {
        let stride = stage.stride;
        self.values.resize(rows * stride, 0.0);
        let parts = self.values.chunks_mut((per_part * stride).max(1));
        let parts = parts.chain(std::iter::repeat_with(|| &mut [][..]));
        parts.map(move |values| RowsPart { stride, values })
    }
}

/// A run of rows.
pub(crate) struct RowsPart<'a> {
    stride: usize,
    values: &'a mut [f32],
}

impl RowsPart<'_> {
    /// The numbers of row `offset` of this part.
    pub(crate) fn row(&mut self, offset: usize) -> &mut [f32] {
        &mut self.values[offset * self.stride..][..self.stride]
    }
}
