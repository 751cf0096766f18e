//! The arithmetic itself, in plain Rust. This file is the numeric specification in code.
//!
//! Rule: every sum has one stated order. Loops over 16 or 32 lanes are written so that a compiler may
//! use vectors without changing that order; multiply-adds that are fused say so.
//! Absent: any choice that depends on the machine.

use super::{Lowered, PageView, Quantised};
use crate::elementary::{ROUND_F32, exp_f32, silu_f32};
use crate::half::f16_to_f32;

/// Values per quantised block.
pub(crate) const BLOCK: usize = 32;
/// Rows that are stored interleaved.
pub(crate) const GROUP: usize = 16;
/// Positions per page of the key-value cache.
pub(crate) const KEYS_PER_PAGE: usize = 32;
/// Bytes of one block of 16 interleaved 4-bit rows: values, scales, minima.
pub(crate) const Q4_BLOCK_BYTES: usize = GROUP * BLOCK / 2 + 2 * GROUP + 2 * GROUP;
/// Bytes of one block of 16 interleaved 8-bit rows: values, scales.
pub(crate) const Q8_BLOCK_BYTES: usize = GROUP * BLOCK + 2 * GROUP;
/// Lanes of a long sum.
const LANES: usize = 16;
/// Activations whose largest magnitude is below this are taken as zero.
pub(super) const QUANTISE_MIN: f32 = 1e-30;

/// Tokens whose weight is below `e^-40` of the best one's are never drawn.
const TOKEN_EXPONENT_MIN: f32 = -40.0;

/// Adds 16 lanes as a tree: halves onto halves.
#[inline(always)]
fn sum_lanes(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// The dot product: element `i` goes to lane `i mod 16` by a fused multiply-add, in order of `i`; then
/// the lanes are added as a tree.
#[inline(always)]
fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let left_chunks = left.chunks_exact(LANES);
    let right_chunks = right.chunks_exact(LANES);
    let left_rest = left_chunks.remainder();
    let right_rest = right_chunks.remainder();
    for (left, right) in left_chunks.zip(right_chunks) {
        for lane in 0..LANES {
            lanes[lane] = left[lane].mul_add(right[lane], lanes[lane]);
        }
    }
    for (lane, (left, right)) in left_rest.iter().zip(right_rest).enumerate() {
        lanes[lane] = left.mul_add(*right, lanes[lane]);
    }
    sum_lanes(lanes)
}

/// `output = (input / sqrt(mean of squares + epsilon)) * weight`.
#[inline(always)]
pub(super) fn rms_norm(input: &[f32], weight: &[f32], epsilon: f32, output: &mut [f32]) {
    let mean = dot(input, input) / input.len() as f32;
    let factor = 1.0 / (mean + epsilon).sqrt();
    for ((output, input), weight) in output.iter_mut().zip(input).zip(weight) {
        *output = (input * factor) * weight;
    }
}

/// Quantises a row in blocks of 32: `scale = largest magnitude / 127`,
/// `value = round(x * (127 / largest magnitude))` with ties to even, `sum = scale * (sum of values)`.
#[inline(always)]
pub(super) fn quantise(row: &[f32], values: &mut [i8], scales: &mut [f32], sums: &mut [f32]) {
    let blocks = row.chunks_exact(BLOCK).zip(values.chunks_exact_mut(BLOCK));
    for ((block, values), (scale, sum)) in blocks.zip(scales.iter_mut().zip(sums)) {
        let mut largest = [0.0_f32; LANES];
        for half in block.chunks_exact(LANES) {
            for lane in 0..LANES {
                let magnitude = half[lane].abs();
                largest[lane] = if magnitude > largest[lane] { magnitude } else { largest[lane] };
            }
        }
        let largest = largest.iter().fold(0.0_f32, |most, lane| if *lane > most { *lane } else { most });
        let (step, inverse) =
            if largest < QUANTISE_MIN { (0.0, 0.0) } else { (largest / 127.0, 127.0 / largest) };
        let mut total = 0_i32;
        for (value, x) in values.iter_mut().zip(block) {
            let rounded = (x * inverse + ROUND_F32).to_bits().wrapping_sub(ROUND_F32.to_bits()) as i32;
            let rounded = rounded.clamp(-127, 127);
            total += rounded;
            *value = rounded as i8;
        }
        *scale = step;
        *sum = step * total as f32;
    }
}

/// `gate = silu(gate) * up`, element by element.
#[inline(always)]
pub(super) fn silu_multiply(gate: &mut [f32], up: &[f32]) {
    for (gate, up) in gate.iter_mut().zip(up) {
        *gate = silu_f32(*gate) * up;
    }
}

/// `exp((logit - largest) / temperature)` of every logit; 0 where the exponent is below -40, or is no number.
#[inline(always)]
pub(super) fn token_weights(logits: &[f32], largest: f32, temperature: f32, weights: &mut [f32]) {
    for (weight, logit) in weights.iter_mut().zip(logits) {
        let exponent = (logit - largest) / temperature;
        let exponential = exp_f32(exponent);
        *weight = if exponent >= TOKEN_EXPONENT_MIN { exponential } else { 0.0 };
    }
}

/// Rows of interleaved 4-bit weights times every token; `output` is `[group][token][16]`.
///
/// For each row: for each block in order, `d` is the exact integer sum of products of the block,
/// `acc = fma(d, weight scale * activation scale, acc)`, then `acc = fma(minimum, activation sum, acc)`.
#[inline(always)]
pub(super) fn multiply_q4(groups: &[u8], input: &Quantised, tokens: usize, output: &mut [f32]) {
    let blocks = input.width / BLOCK;
    let outputs = output.chunks_exact_mut(tokens * GROUP);
    for (group, output) in groups.chunks_exact(blocks * Q4_BLOCK_BYTES).zip(outputs) {
        for (token, output) in output.chunks_exact_mut(GROUP).enumerate() {
            let mut sums = [0.0_f32; GROUP];
            for (index, block) in group.chunks_exact(Q4_BLOCK_BYTES).enumerate() {
                let at = token * blocks + index;
                let products = products_q4(block, &input.values[at * BLOCK..][..BLOCK]);
                for row in 0..GROUP {
                    let scale = half_at(block, GROUP * BLOCK / 2 + 2 * row);
                    let minimum = half_at(block, GROUP * BLOCK / 2 + 2 * GROUP + 2 * row);
                    sums[row] = (products[row] as f32).mul_add(scale * input.scales[at], sums[row]);
                    sums[row] = minimum.mul_add(input.sums[at], sums[row]);
                }
            }
            output.copy_from_slice(&sums);
        }
    }
}

/// Rows of interleaved 8-bit weights times every token; `output` is `[group][token][16]`.
///
/// As for 4 bits, without a minimum.
#[inline(always)]
pub(super) fn multiply_q8(groups: &[u8], input: &Quantised, tokens: usize, output: &mut [f32]) {
    let blocks = input.width / BLOCK;
    let outputs = output.chunks_exact_mut(tokens * GROUP);
    for (group, output) in groups.chunks_exact(blocks * Q8_BLOCK_BYTES).zip(outputs) {
        for (token, output) in output.chunks_exact_mut(GROUP).enumerate() {
            let mut sums = [0.0_f32; GROUP];
            for (index, block) in group.chunks_exact(Q8_BLOCK_BYTES).enumerate() {
                let at = token * blocks + index;
                let products = products_q8(block, &input.values[at * BLOCK..][..BLOCK]);
                for row in 0..GROUP {
                    let scale = half_at(block, GROUP * BLOCK + 2 * row);
                    sums[row] = (products[row] as f32).mul_add(scale * input.scales[at], sums[row]);
                }
            }
            output.copy_from_slice(&sums);
        }
    }
}

/// Each row of `down` times `input`: the dot products of [`dot`], four rows at a time.
#[inline(always)]
pub(super) fn lower(down: &[f32], input: &[f32], output: &mut [f32]) {
    let width = input.len();
    let mut rows = down.chunks_exact(4 * width);
    let mut outputs = output.chunks_exact_mut(4);
    for (rows, output) in rows.by_ref().zip(outputs.by_ref()) {
        let (first, rest) = rows.split_at(width);
        let (second, rest) = rest.split_at(width);
        let (third, fourth) = rest.split_at(width);
        output.copy_from_slice(&dots([first, second, third, fourth], input));
    }
    let rest = outputs.into_remainder();
    for (row, output) in rows.remainder().chunks_exact(width).zip(rest) {
        [*output] = dots([row], input);
    }
}

/// [`dot`] of several rows with one other.
#[inline(always)]
fn dots<const R: usize>(rows: [&[f32]; R], other: &[f32]) -> [f32; R] {
    let mut lanes = [[0.0_f32; LANES]; R];
    let (others, rest) = other.as_chunks::<LANES>();
    let chunks = rows.map(|row| row.as_chunks::<LANES>());
    for (index, other) in others.iter().enumerate() {
        for (lanes, (row, _)) in lanes.iter_mut().zip(&chunks) {
            let row = &row[index];
            for lane in 0..LANES {
                lanes[lane] = row[lane].mul_add(other[lane], lanes[lane]);
            }
        }
    }
    for (lanes, (_, row)) in lanes.iter_mut().zip(&chunks) {
        for (lane, (row, other)) in row.iter().zip(rest).enumerate() {
            lanes[lane] = row.mul_add(*other, lanes[lane]);
        }
    }
    lanes.map(sum_lanes)
}

/// Adds an adapter's second product to the rows that have it, in a panel `[group][token][16]`.
///
/// For each output: `a` starts at 0; for each place of the rank in order `a = fma(up, lowered, a)`; then it is added. `up` is
/// `[group][rank][16]`.
#[inline(always)]
pub(super) fn raise(up: &[f32], lowered: &Lowered<'_>, tokens: usize, output: &mut [f32]) {
    let groups = up.as_chunks::<GROUP>().0.chunks_exact(lowered.rank);
    let outputs = output.as_chunks_mut::<GROUP>().0.chunks_exact_mut(tokens);
    for (group, output) in groups.zip(outputs) {
        for row in lowered.rows {
            let values = &lowered.values[row * lowered.stride..][..lowered.rank];
            let mut sums = [0.0_f32; GROUP];
            for (up, value) in group.iter().zip(values) {
                for lane in 0..GROUP {
                    sums[lane] = up[lane].mul_add(*value, sums[lane]);
                }
            }
            for (output, sum) in output[*row].iter_mut().zip(sums) {
                *output += sum;
            }
        }
    }
}

/// Exact integer products of 16 interleaved 4-bit rows with one block of activations.
#[inline(always)]
fn products_q4(block: &[u8], values: &[i8]) -> [i32; GROUP] {
    let mut products = [0_i32; GROUP];
    for (pair, weights) in block[..GROUP * BLOCK / 2].chunks_exact(GROUP * 4).enumerate() {
        for (row, product) in products.iter_mut().enumerate() {
            for byte in 0..4 {
                let packed = i32::from(weights[row * 4 + byte]);
                let low = i32::from(values[pair * 8 + byte]);
                let high = i32::from(values[pair * 8 + 4 + byte]);
                *product += (packed & 15) * low + (packed >> 4) * high;
            }
        }
    }
    products
}

/// Exact integer products of 16 interleaved 8-bit rows with one block of activations.
#[inline(always)]
fn products_q8(block: &[u8], values: &[i8]) -> [i32; GROUP] {
    let mut products = [0_i32; GROUP];
    for (quad, weights) in block[..GROUP * BLOCK].chunks_exact(GROUP * 4).enumerate() {
        for (row, product) in products.iter_mut().enumerate() {
            for byte in 0..4 {
                *product += i32::from(weights[row * 4 + byte] as i8) * i32::from(values[quad * 4 + byte]);
            }
        }
    }
    products
}

#[inline(always)]
fn half_at(block: &[u8], at: usize) -> f32 {
    f16_to_f32(u16::from_le_bytes([block[at], block[at + 1]]))
}

/// Attention of `T` queries over the first `length` positions of `pages`.
///
/// Scores: for each position, the products with the query added in order of the element, fused. Weights:
/// `exp(score - largest score)`; their sum goes by lane `position mod 16` and a tree. Output: values times
/// weights added in order of the position, fused, then times `1 / sum`.
/// `queries` (`[T][WIDTH]`) are already scaled; `scores` has room for 32 values per page and query.
#[inline(always)]
pub(super) fn attend<const WIDTH: usize, const T: usize>(
    queries: &[f32],
    pages: &[PageView<'_>],
    length: usize,
    scores: &mut [f32],
    output: &mut [f32],
) {
    let queries = queries.as_chunks::<WIDTH>().0;
    let stride = pages.len() * KEYS_PER_PAGE;
    for (index, page) in pages.iter().enumerate() {
        let lanes = page_scores::<WIDTH, T>(queries, page.keys.as_chunks().0);
        for (t, lanes) in lanes.iter().enumerate() {
            scores[t * stride + index * KEYS_PER_PAGE..][..KEYS_PER_PAGE].copy_from_slice(lanes);
        }
    }
    let mut inverses = [0.0_f32; T];
    for (inverse, scores) in inverses.iter_mut().zip(scores.chunks_exact_mut(stride)) {
        *inverse = 1.0 / weigh(scores, length);
    }
    for part in 0..WIDTH / KEYS_PER_PAGE {
        let sums = weighted_values::<WIDTH, T>(pages, part, length, scores);
        for (t, sums) in sums.iter().enumerate() {
            let output = &mut output[t * WIDTH + part * KEYS_PER_PAGE..][..KEYS_PER_PAGE];
            for (output, sum) in output.iter_mut().zip(sums) {
                *output = sum * inverses[t];
            }
        }
    }
}

/// Scores of all 32 slots of one page.
#[inline(always)]
fn page_scores<const WIDTH: usize, const T: usize>(
    queries: &[[f32; WIDTH]],
    keys: &[[f32; KEYS_PER_PAGE]],
) -> [[f32; KEYS_PER_PAGE]; T] {
    let mut lanes = [[0.0_f32; KEYS_PER_PAGE]; T];
    for (element, keys) in keys.iter().enumerate() {
        for (lanes, query) in lanes.iter_mut().zip(queries) {
            for (lane, key) in lanes.iter_mut().zip(keys) {
                *lane = query[element].mul_add(*key, *lane);
            }
        }
    }
    lanes
}

/// Elements `32 * part` to `32 * part + 31` of the weighted values of all positions.
#[inline(always)]
fn weighted_values<const WIDTH: usize, const T: usize>(
    pages: &[PageView<'_>],
    part: usize,
    length: usize,
    weights: &[f32],
) -> [[f32; KEYS_PER_PAGE]; T] {
    let mut sums = [[0.0_f32; KEYS_PER_PAGE]; T];
    let stride = pages.len() * KEYS_PER_PAGE;
    for (index, page) in pages.iter().enumerate() {
        let used = (length - index * KEYS_PER_PAGE).min(KEYS_PER_PAGE);
        let weights: [&[f32]; T] =
            std::array::from_fn(|t| &weights[t * stride + index * KEYS_PER_PAGE..][..used]);
        let rows = page.values.as_chunks::<WIDTH>().0;
        for (slot, row) in rows.iter().take(used).enumerate() {
            let row = &row[part * KEYS_PER_PAGE..][..KEYS_PER_PAGE];
            for (sums, weights) in sums.iter_mut().zip(&weights) {
                let weight = weights[slot];
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum = weight.mul_add(*value, *sum);
                }
            }
        }
    }
    sums
}

/// Turns scores into unnormalised weights, zero from `length` on, and returns their sum.
#[inline(always)]
fn weigh(scores: &mut [f32], length: usize) -> f32 {
    // Slots past the length hold whatever the page held before: they take no part.
    for score in &mut scores[length..] {
        *score = f32::NEG_INFINITY;
    }
    let mut largest = [f32::NEG_INFINITY; LANES];
    for scores in scores.chunks_exact(LANES) {
        for lane in 0..LANES {
            largest[lane] = if scores[lane] > largest[lane] { scores[lane] } else { largest[lane] };
        }
    }
    let largest =
        largest.iter().fold(f32::NEG_INFINITY, |most, lane| if *lane > most { *lane } else { most });
    let mut lanes = [0.0_f32; LANES];
    for (chunk, scores) in scores.chunks_exact_mut(LANES).enumerate() {
        for score in scores.iter_mut() {
            *score = exp_f32(*score - largest);
        }
        for (lane, score) in scores.iter_mut().enumerate() {
            if chunk * LANES + lane >= length {
                *score = 0.0;
            }
        }
        for lane in 0..LANES {
            lanes[lane] += scores[lane];
        }
    }
    sum_lanes(lanes)
}
