//! The stages of a forward pass, in the order in which they run.
//!
//! Rule: every stage splits its output into parts that no two threads share; products come out as
//! panels, `[group of 16 rows][token][16]`, so that a thread owns whole groups.
//! Absent: checks of the batch; [`crate::runner`] has made them.

use std::ops::Range;

use crate::Model;
use crate::adapter::Module;
use crate::cache::{Cache, PAGE_TOKENS};
use crate::kernels::{ATTEND_QUERIES_MAX, Kernels, PageView, Quantised};
use crate::lowered::{Adapted, LoweredRows, Stage};
use crate::matrix::Matrix;
use crate::panels::{add_panel_row, copy_panel_part, group_ranges, panel_parts};
use crate::record::{Record, state_digest};
use crate::runner::Chunk;
use crate::shape::Shape;
use crate::weights::Layer;
use crate::workers::Workers;

/// The rows of a batch: one entry per token.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) tokens: Vec<u32>,
    /// Which chunk the row belongs to.
    pub(crate) chunks: Vec<usize>,
    pub(crate) positions: Vec<usize>,
    /// Rows whose outputs are wanted, ascending.
    pub(crate) wanted: Vec<usize>,
    /// Rows that have an adapter.
    pub(crate) adapted: Adapted,
}

/// Projections that share an input, in the order in which their first products lie.
const ATTENTION: &[Module] = &[Module::Query, Module::Key, Module::Value];
const ATTENTION_OUTPUT: &[Module] = &[Module::Output];
const FEED_FORWARD: &[Module] = &[Module::Gate, Module::Up];
const FEED_FORWARD_OUTPUT: &[Module] = &[Module::Down];

/// The quantised activations that one stage hands to the next.
#[derive(Default)]
struct Activations {
    /// Of the width of the hidden state.
    hidden: Quantised,
    /// Of the width of the feed-forward layer.
    feed_forward: Quantised,
    /// Of the adapters' rows.
    lowered: LoweredRows,
}

/// Buffers of the forward pass, kept between passes.
#[derive(Default)]
pub(crate) struct Stages {
    /// `[token][width]`: the residual stream.
    pub(crate) stream: Vec<f32>,
    activations: Activations,
    query: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
    /// `[tile of heads][token][head of the tile][head width]`.
    attention: Vec<f32>,
    /// Heads that are attended together; they share keys and values.
    tile_heads: usize,
    /// What is added to the residual stream next, as a panel.
    residual: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    logits_panel: Vec<f32>,
    /// Digests of the stream behind the layer that was computed last.
    record: Record,
    /// `[output][width]`.
    pub(crate) hidden: Vec<f32>,
    /// `[output][vocabulary]`.
    pub(crate) logits: Vec<f32>,
}

/// What every stage needs to know.
struct Pass<'a> {
    model: &'a Model,
    kernels: &'static Kernels,
    workers: &'a mut Workers,
    rows: &'a Rows,
    tokens: usize,
}

impl Stages {
    /// Runs `layers` on all rows, then the outputs of the wanted rows. What enters the first of the layers
    /// is `states`, `[token][width]`, or the tokens' embeddings; what leaves the last one is in `stream`.
    #[expect(clippy::too_many_arguments, reason = "the parts of a runner, which this borrows one by one")]
    pub(crate) fn forward(
        &mut self,
        model: &Model,
        kernels: &'static Kernels,
        workers: &mut Workers,
        cache: &mut Cache,
        rows: &Rows,
        chunks: &[Chunk<'_>],
        layers: Range<usize>,
        states: Option<&[f32]>,
    ) {
        let mut pass = Pass { model, kernels, workers, rows, tokens: rows.tokens.len() };
        self.embed(&pass);
        if let Some(states) = states {
            self.stream.copy_from_slice(states);
        }
        self.record.resize(if cache.is_recording() { pass.tokens } else { 0 });
        for index in layers.clone() {
            let layer = &model.weights.layers[index];
            let follows = index > layers.start;
            let stage = rows.adapted.stage(index, ATTENTION);
            self.normalise(&mut pass, &layer.attention_norm, stage, follows, follows);
            if follows {
                self.keep_digests(&pass, cache, index - 1, chunks);
            }
            self.project_attention(&mut pass, layer, stage);
            self.store_keys(&pass, cache, index, chunks);
            self.attend(&mut pass, cache, index, chunks);
            let stage = rows.adapted.stage(index, ATTENTION_OUTPUT);
            self.quantise_attention(&mut pass, stage);
            let target = (Some(Module::Output), &layer.attention_output, &mut self.residual);
            multiply(&mut pass, (&self.activations.hidden, &self.activations.lowered), stage, vec![target]);
            let stage = rows.adapted.stage(index, FEED_FORWARD);
            self.normalise(&mut pass, &layer.feed_forward_norm, stage, true, false);
            self.gate(&mut pass, layer, stage);
            let stage = rows.adapted.stage(index, FEED_FORWARD_OUTPUT);
            self.quantise_gate(&mut pass, stage);
            let target = (Some(Module::Down), &layer.down, &mut self.residual);
            multiply(
                &mut pass,
                (&self.activations.feed_forward, &self.activations.lowered),
                stage,
                vec![target],
            );
        }
        if !layers.is_empty() {
            self.close(&mut pass);
            self.keep_digests(&pass, cache, layers.end - 1, chunks);
        }
        self.output(&mut pass);
    }

    fn embed(&mut self, pass: &Pass<'_>) {
        let shape = pass.model.shape();
        self.stream.resize(pass.tokens * shape.width, 0.0);
        for (token, row) in pass.rows.tokens.iter().zip(self.stream.chunks_exact_mut(shape.width)) {
            pass.model.weights.embedding.row(*token as usize, row);
        }
        let activations = &mut self.activations;
        activations.hidden.resize(pass.tokens, shape.width);
        activations.feed_forward.resize(pass.tokens, shape.feed_forward);
        self.attention.resize(pass.tokens * shape.width, 0.0);
    }

    /// Adds the residual panel to the stream where there is one, takes the digests of the sum where it is
    /// what leaves a layer, normalises and quantises; adapters take the rows before they are quantised.
    fn normalise(&mut self, pass: &mut Pass<'_>, weight: &[f32], stage: Stage<'_>, add: bool, leaves: bool) {
        let shape = *pass.model.shape();
        let (kernels, tokens, residual) = (pass.kernels, pass.tokens, &self.residual);
        let per_part = tokens.div_ceil(pass.workers.threads());
        let streams = self.stream.chunks_mut(per_part * shape.width);
        let lowered = self.activations.lowered.parts(&stage, tokens, per_part);
        let outputs = self.activations.hidden.parts(per_part).zip(self.record.parts(per_part));
        let parts = streams.zip(outputs).zip(lowered).enumerate().collect();
        pass.workers.each(parts, |(index, ((stream, (mut quantised, digests)), mut lowered))| {
            let mut normal = vec![0.0; shape.width];
            for (offset, stream) in stream.chunks_exact_mut(shape.width).enumerate() {
                if add {
                    add_panel_row(residual, tokens, index * per_part + offset, stream);
                }
                if leaves && let Some(digest) = digests.get_mut(offset) {
                    *digest = state_digest(stream);
                }
                kernels.rms_norm(stream, weight, shape.epsilon, &mut normal);
                stage.lower(kernels, index * per_part + offset, &normal, lowered.row(offset));
                quantised.set(kernels, offset, &normal);
            }
        });
    }

    /// Adds what the last layer computed to the stream.
    fn close(&mut self, pass: &mut Pass<'_>) {
        let width = pass.model.shape().width;
        let (tokens, residual) = (pass.tokens, &self.residual);
        let per_part = tokens.div_ceil(pass.workers.threads());
        let streams = self.stream.chunks_mut(per_part * width);
        let parts = streams.zip(self.record.parts(per_part)).enumerate().collect();
        pass.workers.each(parts, |(index, (stream, digests)): (usize, (&mut [f32], &mut [_]))| {
            for (offset, stream) in stream.chunks_exact_mut(width).enumerate() {
                add_panel_row(residual, tokens, index * per_part + offset, stream);
                if let Some(digest) = digests.get_mut(offset) {
                    *digest = state_digest(stream);
                }
            }
        });
    }

    /// Lays the digests of the rows behind a layer beside the rows' keys and values.
    fn keep_digests(&self, pass: &Pass<'_>, cache: &mut Cache, layer: usize, chunks: &[Chunk<'_>]) {
        for (row, digest) in self.record.rows().iter().enumerate() {
            let position = pass.rows.positions[row];
            let page = chunks[pass.rows.chunks[row]].sequence.pages[position / PAGE_TOKENS];
            cache.keep(page, position % PAGE_TOKENS, layer, *digest);
        }
    }

    fn project_attention(&mut self, pass: &mut Pass<'_>, layer: &Layer, stage: Stage<'_>) {
        let targets = vec![
            (Some(Module::Query), &layer.query, &mut self.query),
            (Some(Module::Key), &layer.key, &mut self.key),
            (Some(Module::Value), &layer.value, &mut self.value),
        ];
        multiply(pass, (&self.activations.hidden, &self.activations.lowered), stage, targets);
    }

    /// Turns the keys to their positions and writes keys and values into the cache.
    fn store_keys(&mut self, pass: &Pass<'_>, cache: &mut Cache, layer: usize, chunks: &[Chunk<'_>]) {
        let shape = pass.model.shape();
        let mut key = vec![0.0; shape.head_width];
        let mut value = vec![0.0; shape.head_width];
        for row in 0..pass.tokens {
            let position = pass.rows.positions[row];
            let page = chunks[pass.rows.chunks[row]].sequence.pages[position / PAGE_TOKENS];
            for head in 0..shape.kv_heads {
                copy_panel_part(&self.key, pass.tokens, row, head * shape.head_width, &mut key);
                copy_panel_part(&self.value, pass.tokens, row, head * shape.head_width, &mut value);
                pass.model.rope.rotate(position, &mut key);
                cache.write(page, position % PAGE_TOKENS, (layer, head), &key, &value);
            }
        }
    }

    fn attend(&mut self, pass: &mut Pass<'_>, cache: &Cache, layer: usize, chunks: &[Chunk<'_>]) {
        let shape = *pass.model.shape();
        let (model, kernels, rows, tokens) = (pass.model, pass.kernels, pass.rows, pass.tokens);
        let width = shape.head_width;
        let query = &self.query;
        let pages: Vec<&[_]> = chunks.iter().map(|chunk| chunk.sequence.pages.as_slice()).collect();
        let scale = 1.0 / (width as f32).sqrt();
        let tile = tile_heads(&shape, tokens, pass.workers.threads());
        self.tile_heads = tile;
        let items_per_part = (shape.heads / tile * tokens).div_ceil(parts_wanted(pass.workers));
        let parts = self.attention.chunks_mut(items_per_part * tile * width).enumerate().collect();
        pass.workers.each(parts, |(index, output): (usize, &mut [f32])| {
            let mut turned = vec![0.0; tile * width];
            let mut views: Vec<PageView<'_>> = Vec::new();
            let mut scores = Vec::new();
            for (offset, output) in output.chunks_exact_mut(tile * width).enumerate() {
                let item = index * items_per_part + offset;
                let (head, row) = (item / tokens * tile, item % tokens);
                copy_panel_part(query, tokens, row, head * width, &mut turned);
                for turned in turned.chunks_exact_mut(width) {
                    model.rope.rotate(rows.positions[row], turned);
                    turned.iter_mut().for_each(|element| *element *= scale);
                }
                let length = rows.positions[row] + 1;
                let kv_head = head / (shape.heads / shape.kv_heads);
                let used = &pages[rows.chunks[row]][..length.div_ceil(PAGE_TOKENS)];
                views.clear();
                views.extend(used.iter().map(|page| cache.view(*page, layer, kv_head)));
                scores.resize(views.len() * PAGE_TOKENS * tile, 0.0);
                kernels.attend(width, &turned, &views, length, &mut scores, output);
            }
        });
    }

    fn quantise_attention(&mut self, pass: &mut Pass<'_>, stage: Stage<'_>) {
        let shape = *pass.model.shape();
        let (kernels, tokens, attention) = (pass.kernels, pass.tokens, &self.attention);
        let per_part = tokens.div_ceil(pass.workers.threads());
        let tile_width = self.tile_heads * shape.head_width;
        let lowered = self.activations.lowered.parts(&stage, tokens, per_part);
        let parts = self.activations.hidden.parts(per_part).zip(lowered).enumerate().collect();
        pass.workers.each(parts, |(index, (mut quantised, mut lowered))| {
            let mut joined = vec![0.0; shape.width];
            for offset in 0..quantised.tokens() {
                let row = index * per_part + offset;
                for (tile, joined) in joined.chunks_exact_mut(tile_width).enumerate() {
                    let start = (tile * tokens + row) * tile_width;
                    joined.copy_from_slice(&attention[start..start + tile_width]);
                }
                stage.lower(kernels, row, &joined, lowered.row(offset));
                quantised.set(kernels, offset, &joined);
            }
        });
    }

    /// `silu(gate) * up`, left in the gate panel.
    fn gate(&mut self, pass: &mut Pass<'_>, layer: &Layer, stage: Stage<'_>) {
        let (kernels, tokens, input) = (pass.kernels, pass.tokens, &self.activations.hidden);
        let lowered = &self.activations.lowered;
        let ranges = group_ranges(&layer.gate, parts_wanted(pass.workers));
        let gates = panel_parts(&layer.gate, tokens, &ranges, &mut self.gate);
        let ups = panel_parts(&layer.up, tokens, &ranges, &mut self.up);
        let parts = ranges.iter().cloned().zip(gates.zip(ups)).collect();
        pass.workers.each(parts, |(range, (gate, up)): (Range<usize>, (&mut [f32], &mut [f32]))| {
            layer.gate.multiply(kernels, range.clone(), input, tokens, gate);
            layer.up.multiply(kernels, range.clone(), input, tokens, up);
            stage.raise(kernels, Module::Gate, &range, lowered, (tokens, gate));
            stage.raise(kernels, Module::Up, &range, lowered, (tokens, up));
            kernels.silu_multiply(gate, up);
        });
    }

    fn quantise_gate(&mut self, pass: &mut Pass<'_>, stage: Stage<'_>) {
        let width = pass.model.shape().feed_forward;
        let (kernels, tokens, gate) = (pass.kernels, pass.tokens, &self.gate);
        let per_part = tokens.div_ceil(pass.workers.threads());
        let lowered = self.activations.lowered.parts(&stage, tokens, per_part);
        let parts = self.activations.feed_forward.parts(per_part).zip(lowered).enumerate().collect();
        pass.workers.each(parts, |(index, (mut quantised, mut lowered))| {
            let mut joined = vec![0.0; width];
            for offset in 0..quantised.tokens() {
                let row = index * per_part + offset;
                copy_panel_part(gate, tokens, row, 0, &mut joined);
                stage.lower(kernels, row, &joined, lowered.row(offset));
                quantised.set(kernels, offset, &joined);
            }
        });
    }

    /// Final normalisation and logits of the wanted rows.
    fn output(&mut self, pass: &mut Pass<'_>) {
        let shape = *pass.model.shape();
        let wanted = &pass.rows.wanted;
        let outputs = wanted.len();
        self.hidden.resize(outputs * shape.width, 0.0);
        self.logits.resize(outputs * shape.vocabulary, 0.0);
        if outputs == 0 {
            return;
        }
        let quantised = &mut self.activations.hidden;
        quantised.resize(outputs, shape.width);
        let mut quantised_rows = quantised.parts(outputs);
        let mut quantised_part = quantised_rows.next().expect("there is at least one output");
        drop(quantised_rows);
        for (index, row) in wanted.iter().enumerate() {
            let stream = &self.stream[row * shape.width..][..shape.width];
            let hidden = &mut self.hidden[index * shape.width..][..shape.width];
            pass.kernels.rms_norm(stream, &pass.model.weights.output_norm, shape.epsilon, hidden);
            quantised_part.set(pass.kernels, index, hidden);
        }
        pass.tokens = outputs;
        let target = (None, pass.model.weights.output(), &mut self.logits_panel);
        let stage = pass.rows.adapted.stage(0, &[]);
        multiply(pass, (&self.activations.hidden, &self.activations.lowered), stage, vec![target]);
        for (index, logits) in self.logits.chunks_exact_mut(shape.vocabulary).enumerate() {
            copy_panel_part(&self.logits_panel, outputs, index, 0, logits);
        }
    }
}

/// How many heads are attended together: those that share keys and values, up to four, unless there
/// would be too few tiles for the threads.
fn tile_heads(shape: &Shape, tokens: usize, threads: usize) -> usize {
    let group = shape.heads / shape.kv_heads;
    let fits = |tile: &usize| group.is_multiple_of(*tile);
    let tile = (1..=ATTEND_QUERIES_MAX).rev().find(fits).unwrap_or(1);
    if threads > 1 && shape.heads / tile * tokens < threads * 2 { 1 } else { tile }
}

/// Parts per stage: several for each thread, so that a thread that was interrupted holds up little.
fn parts_wanted(workers: &Workers) -> usize {
    if workers.threads() == 1 { 1 } else { workers.threads() * 4 }
}

/// Multiplies each matrix with the first rows of `input` into its panel, and adds what adapters add to its projection.
fn multiply(
    pass: &mut Pass<'_>,
    (input, lowered): (&Quantised, &LoweredRows),
    stage: Stage<'_>,
    targets: Vec<(Option<Module>, &Matrix, &mut Vec<f32>)>,
) {
    let (kernels, tokens) = (pass.kernels, pass.tokens);
    let wanted = parts_wanted(pass.workers);
    let mut parts = Vec::new();
    for (module, matrix, panel) in targets {
        let ranges = group_ranges(matrix, wanted);
        let panels = panel_parts(matrix, tokens, &ranges, panel);
        let pieces = ranges.iter().cloned().zip(panels);
        parts.extend(pieces.map(|(range, panel)| ((module, matrix), (range, panel))));
    }
    pass.workers.each(parts, |((module, matrix), (range, panel)): (_, (Range<usize>, &mut [f32]))| {
        matrix.multiply(kernels, range.clone(), input, tokens, panel);
        if let Some(module) = module {
            stage.raise(kernels, module, &range, lowered, (tokens, panel));
        }
    });
}
