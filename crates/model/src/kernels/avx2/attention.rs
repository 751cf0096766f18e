//! Attention, eight positions or elements at a time.

use std::arch::x86_64::*;

use super::super::PageView;
use super::super::portable::KEYS_PER_PAGE;
use super::{FLOATS, from_lanes, lanes};
use crate::elementary::{EXP_MAX, EXP_MIN, EXP_TERMS, LN_2_HIGH, LN_2_LOW, ROUND_F32};

/// Attention of `T` queries over the first `length` positions of `pages`; see `portable::attend`.
///
/// As many sums are kept in registers at once as hide the latency of their additions: 8 to 12 vectors.
#[target_feature(enable = "avx2,fma,f16c")]
pub(in crate::kernels) fn attend<const WIDTH: usize, const T: usize>(
    queries: &[f32],
    pages: &[PageView<'_>],
    length: usize,
    scores: &mut [f32],
    output: &mut [f32],
) {
    let queries: &[[f32; WIDTH]; T] =
        queries.as_chunks::<WIDTH>().0.try_into().expect("a query of each head");
    let stride = pages.len() * KEYS_PER_PAGE;
    for (index, page) in pages.iter().enumerate() {
        let scores = &mut scores[index * KEYS_PER_PAGE..];
        if T == 4 {
            page_scores::<WIDTH, T, 0, 2>(queries, page.keys, stride, scores);
            page_scores::<WIDTH, T, 2, 2>(queries, page.keys, stride, scores);
        } else {
            page_scores::<WIDTH, T, 0, 4>(queries, page.keys, stride, scores);
        }
    }
    let mut inverses = [0.0_f32; T];
    for (inverse, scores) in inverses.iter_mut().zip(scores.chunks_exact_mut(stride)) {
        *inverse = 1.0 / weigh(scores.as_chunks_mut().0, length);
    }
    let mut part = 0;
    while part < WIDTH / FLOATS {
        match T {
            1 => weighted_values::<WIDTH, T, 8>(pages, part, length, scores, &inverses, output),
            4 => weighted_values::<WIDTH, T, 2>(pages, part, length, scores, &inverses, output),
            _ => weighted_values::<WIDTH, T, 4>(pages, part, length, scores, &inverses, output),
        }
        part += match T {
            1 => 8,
            4 => 2,
            _ => 4,
        };
    }
}

/// Scores of `V` vectors of slots of one page, from vector `FROM` on; those of query `t` go to `stride * t`.
#[target_feature(enable = "avx2,fma,f16c")]
fn page_scores<const WIDTH: usize, const T: usize, const FROM: usize, const V: usize>(
    queries: &[[f32; WIDTH]; T],
    keys: &[f32],
    stride: usize,
    scores: &mut [f32],
) {
    let mut sums = [[_mm256_setzero_ps(); V]; T];
    let keys: &[[f32; KEYS_PER_PAGE]; WIDTH] = keys.as_chunks().0.try_into().expect("keys of a page");
    for element in 0..WIDTH {
        let keys = &keys[element].as_chunks::<FLOATS>().0[FROM..][..V];
        for (sums, query) in sums.iter_mut().zip(queries) {
            let query = _mm256_set1_ps(query[element]);
            for (sum, keys) in sums.iter_mut().zip(keys) {
                *sum = _mm256_fmadd_ps(query, from_lanes(*keys), *sum);
            }
        }
    }
    for (t, sums) in sums.iter().enumerate() {
        let scores = &mut scores[t * stride + FROM * FLOATS..][..V * FLOATS];
        for (scores, sum) in scores.as_chunks_mut().0.iter_mut().zip(sums) {
            *scores = lanes(*sum);
        }
    }
}

/// `V` vectors of elements of the weighted values of all positions, from vector `part` on, divided by the weights' sums.
#[target_feature(enable = "avx2,fma,f16c")]
fn weighted_values<const WIDTH: usize, const T: usize, const V: usize>(
    pages: &[PageView<'_>],
    part: usize,
    length: usize,
    weights: &[f32],
    inverses: &[f32; T],
    output: &mut [f32],
) {
    let mut sums = [[_mm256_setzero_ps(); V]; T];
    let stride = pages.len() * KEYS_PER_PAGE;
    for (index, page) in pages.iter().enumerate() {
        let used = (length - index * KEYS_PER_PAGE).min(KEYS_PER_PAGE);
        let mut own = [[0.0_f32; KEYS_PER_PAGE]; T];
        for (t, own) in own.iter_mut().enumerate() {
            own.copy_from_slice(&weights[t * stride + index * KEYS_PER_PAGE..][..KEYS_PER_PAGE]);
        }
        let rows: &[[f32; WIDTH]; KEYS_PER_PAGE] =
            page.values.as_chunks().0.try_into().expect("values of a page");
        for (slot, row) in rows.iter().enumerate().take(used) {
            let row = &row.as_chunks::<FLOATS>().0[part..][..V];
            for (sums, own) in sums.iter_mut().zip(&own) {
                let weight = _mm256_set1_ps(own[slot]);
                for (sum, values) in sums.iter_mut().zip(row) {
                    *sum = _mm256_fmadd_ps(weight, from_lanes(*values), *sum);
                }
            }
        }
    }
    for (t, sums) in sums.iter().enumerate() {
        let inverse = _mm256_set1_ps(inverses[t]);
        let output = &mut output[t * WIDTH + part * FLOATS..][..V * FLOATS];
        for (output, sum) in output.as_chunks_mut().0.iter_mut().zip(sums) {
            *output = lanes(_mm256_mul_ps(*sum, inverse));
        }
    }
}

/// Turns scores into unnormalised weights, zero from `length` on, and returns their sum.
#[target_feature(enable = "avx2,fma,f16c")]
fn weigh(scores: &mut [[f32; 2 * FLOATS]], length: usize) -> f32 {
    let lowest = _mm256_set1_ps(f32::NEG_INFINITY);
    let mut largest = [lowest; 2];
    for (chunk, scores) in scores.iter_mut().enumerate() {
        for (half, scores) in scores.as_chunks_mut::<FLOATS>().0.iter_mut().enumerate() {
            // Slots past the length hold whatever the page held before: they take no part.
            let counts = before(chunk * 2 * FLOATS + half * FLOATS, length);
            let used = _mm256_blendv_ps(lowest, from_lanes(*scores), counts);
            largest[half] = _mm256_max_ps(used, largest[half]);
            *scores = lanes(used);
        }
    }
    let largest = lanes(_mm256_max_ps(largest[0], largest[1]));
    let largest =
        largest.iter().fold(f32::NEG_INFINITY, |most, lane| if *lane > most { *lane } else { most });
    let largest = _mm256_set1_ps(largest);
    let mut sums = [_mm256_setzero_ps(); 2];
    for (chunk, scores) in scores.iter_mut().enumerate() {
        for (half, scores) in scores.as_chunks_mut::<FLOATS>().0.iter_mut().enumerate() {
            let counts = before(chunk * 2 * FLOATS + half * FLOATS, length);
            let weights = exp(_mm256_sub_ps(from_lanes(*scores), largest));
            let weights = _mm256_and_ps(weights, counts);
            sums[half] = _mm256_add_ps(sums[half], weights);
            *scores = lanes(weights);
        }
    }
    sum_lanes(lanes(_mm256_add_ps(sums[0], sums[1])))
}

/// All bits of the lanes whose positions, `from` and the seven after it, are before `length`.
#[target_feature(enable = "avx2")]
fn before(from: usize, length: usize) -> __m256 {
    let left = i32::try_from(length.saturating_sub(from).min(FLOATS)).expect("at most eight");
    let places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(left), places))
}

/// The rest of the tree of sixteen lanes, of which the first step is done.
#[inline(always)]
fn sum_lanes(mut lanes: [f32; FLOATS]) -> f32 {
    let mut width = FLOATS / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// `elementary::exp_f32` of eight numbers.
#[target_feature(enable = "avx2,fma,f16c")]
fn exp(x: __m256) -> __m256 {
    let round = _mm256_set1_ps(ROUND_F32);
    let x = _mm256_max_ps(x, _mm256_set1_ps(EXP_MIN));
    let x = _mm256_min_ps(x, _mm256_set1_ps(EXP_MAX));
    let shifted = _mm256_fmadd_ps(x, _mm256_set1_ps(std::f32::consts::LOG2_E), round);
    let n = _mm256_sub_ps(shifted, round);
    let r = _mm256_fmadd_ps(n, _mm256_set1_ps(-LN_2_HIGH), x);
    let r = _mm256_fmadd_ps(n, _mm256_set1_ps(-LN_2_LOW), r);
    let mut p = _mm256_set1_ps(EXP_TERMS[0]);
    for term in &EXP_TERMS[1..] {
        p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(*term));
    }
    let power = _mm256_add_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(127));
    _mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32::<23>(power)))
}
