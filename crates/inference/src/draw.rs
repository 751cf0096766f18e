//! The draw of a token from the weights of all tokens.
//!
//! Rule: the same weights, cuts and number give the same token on every machine, and the cost is a few passes over the
//! weights: only tokens that may be kept are ever sorted. Part of numeric specification 2, where `docs/numerics.md` says
//! what is computed; the tests hold it to that text, written plainly.
//! Absent: logits, temperature, seeds (`sampler`).

use std::cmp::Ordering;

/// Which tokens may be drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cuts {
    /// At most so many, the likeliest; 0 keeps all.
    pub(crate) top_k: usize,
    /// Those with at least this weight (the likeliest has 1); 0 keeps all.
    pub(crate) min_p: f32,
    /// The likeliest that together reach this part of the weight that the other cuts leave; 1 keeps all.
    pub(crate) top_p: f64,
}

/// Lanes of the sum of all weights.
const LANES: usize = 16;

/// Low bits of a weight that its class leaves out: two classes for each power of two.
const CLASS_SHIFT: u32 = 22;

type Candidate = (f32, u32);

/// The token at `uniform` (0 to 1, 1 excluded) of the weight that is kept, in order of the tokens' numbers; `None` when no
/// weight is above 0.
pub(crate) fn draw(weights: &[f32], cuts: Cuts, uniform: f64) -> Option<u32> {
    if cuts.top_k == 0 && cuts.min_p <= 0.0 && cuts.top_p >= 1.0 {
        return walk(candidates(weights, 0.0), total(weights), uniform);
    }
    let kept = kept(weights, cuts);
    walk(kept.iter().copied(), kept.iter().map(|(weight, _)| f64::from(*weight)).sum(), uniform)
}

/// Tokens of at least weight `floor`, none of weight 0, in order of their numbers.
fn candidates(weights: &[f32], floor: f32) -> impl Iterator<Item = Candidate> {
    let counts = move |weight: f32| weight >= floor && weight > 0.0;
    (0_u32..).zip(weights).filter(move |(_, weight)| counts(**weight)).map(|(token, weight)| (*weight, token))
}

fn walk(kept: impl Iterator<Item = Candidate>, total: f64, uniform: f64) -> Option<u32> {
    let mut left = uniform * total;
    let mut last = None;
    for (weight, token) in kept {
        left -= f64::from(weight);
        last = Some(token);
        if left < 0.0 {
            break;
        }
    }
    last
}

/// What the cuts leave, in order of the tokens' numbers.
fn kept(weights: &[f32], cuts: Cuts) -> Vec<Candidate> {
    let mut kept: Vec<Candidate> = candidates(weights, floor(weights, cuts)).collect();
    if cuts.top_k > 0 && cuts.top_k < kept.len() {
        kept.select_nth_unstable_by(cuts.top_k - 1, likelier);
        kept.truncate(cuts.top_k);
    }
    if cuts.top_p < 1.0 {
        let whole = if cuts.top_k == 0 && cuts.min_p <= 0.0 {
            total(weights)
        } else {
            kept.sort_unstable_by_key(|(_, token)| *token);
            kept.iter().map(|(weight, _)| f64::from(*weight)).sum()
        };
        nucleus(&mut kept, cuts.top_p * whole);
    }
    kept.sort_unstable_by_key(|(_, token)| *token);
    kept
}

/// A weight below which no token survives the cuts.
fn floor(weights: &[f32], cuts: Cuts) -> f32 {
    let by_rank = if cuts.top_k == 0 { 0.0 } else { rank_floor(weights, cuts.top_k) };
    let alone = cuts.top_k == 0 && cuts.min_p <= 0.0;
    // All tokens below this weight together have half of what the nucleus may leave out; the other half is for rounding.
    let by_part = if alone { 0.5 * (1.0 - cuts.top_p) * total(weights) / weights.len() as f64 } else { 0.0 };
    cuts.min_p.max(by_rank).max(by_part as f32)
}

/// A weight that at least `count` tokens reach, or 0. Weights are not negative, so their bits have their order.
fn rank_floor(weights: &[f32], count: usize) -> f32 {
    let mut classes = [0_u32; 1 << (32 - CLASS_SHIFT)];
    for weight in weights {
        classes[(weight.to_bits() >> CLASS_SHIFT) as usize] += 1;
    }
    let mut found = 0;
    let mut least = u32::MAX << CLASS_SHIFT;
    for members in classes.iter().rev() {
        found += *members as usize;
        if found >= count {
            return f32::from_bits(least);
        }
        least = least.saturating_sub(1 << CLASS_SHIFT);
    }
    0.0
}

/// The likelier one first; of equals the one with the smaller number.
fn likelier(left: &Candidate, right: &Candidate) -> Ordering {
    right.0.total_cmp(&left.0).then(left.1.cmp(&right.1))
}

/// Cuts to the likeliest that together reach `wanted`, summed from the likeliest down.
fn nucleus(candidates: &mut Vec<Candidate>, wanted: f64) {
    let (mut sorted, mut part) = (0, 64);
    let mut reached = 0.0;
    while sorted < candidates.len() {
        let rest = &mut candidates[sorted..];
        if part < rest.len() {
            rest.select_nth_unstable_by(part - 1, likelier);
        }
        let part_now = part.min(rest.len());
        rest[..part_now].sort_unstable_by(likelier);
        for (index, (weight, _)) in rest[..part_now].iter().enumerate() {
            reached += f64::from(*weight);
            if reached >= wanted {
                candidates.truncate(sorted + index + 1);
                return;
            }
        }
        sorted += part_now;
        part *= 8;
    }
}

/// The sum of all weights: token `i` into lane `i mod 16`, ascending; then the lanes, ascending.
fn total(weights: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; LANES];
    for weights in weights.chunks(LANES) {
        for (lane, weight) in lanes.iter_mut().zip(weights) {
            *lane += f64::from(*weight);
        }
    }
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What `docs/numerics.md` says, with a full sort.
    fn plain(weights: &[f32], cuts: Cuts, uniform: f64) -> Option<u32> {
        let mut kept: Vec<Candidate> = (0_u32..)
            .zip(weights)
            .filter(|(_, weight)| **weight > 0.0 && **weight >= cuts.min_p)
            .map(|(token, weight)| (*weight, token))
            .collect();
        kept.sort_by(likelier);
        if cuts.top_k > 0 {
            kept.truncate(cuts.top_k);
        }
        let in_order = |kept: &[Candidate]| {
            let mut kept = kept.to_vec();
            kept.sort_by_key(|(_, token)| *token);
            kept
        };
        let serial =
            |kept: &[Candidate]| in_order(kept).iter().map(|(weight, _)| f64::from(*weight)).sum::<f64>();
        let uncut = cuts.top_k == 0 && cuts.min_p == 0.0;
        if cuts.top_p < 1.0 {
            let wanted = cuts.top_p * if uncut { total(weights) } else { serial(&kept) };
            let mut reached = 0.0;
            let needed = kept.iter().position(|(weight, _)| {
                reached += f64::from(*weight);
                reached >= wanted
            });
            kept.truncate(needed.map_or(kept.len(), |index| index + 1));
        }
        let mut left = uniform * if uncut && cuts.top_p >= 1.0 { total(weights) } else { serial(&kept) };
        let kept = in_order(&kept);
        let chosen = kept.iter().find(|(weight, _)| {
            left -= f64::from(*weight);
            left < 0.0
        });
        chosen.or(kept.last()).map(|(_, token)| *token)
    }

    /// Weights of which many are equal, and one is 1.
    fn weights() -> impl Strategy<Value = Vec<f32>> {
        let weight = prop_oneof![
            Just(0.0_f32),
            (0_u8..4).prop_map(|power| 0.5_f32.powi(i32::from(power))),
            (0.0_f32..1.0).prop_map(|x| x * x * x * x),
            0.0_f32..1e-4,
        ];
        (prop::collection::vec(weight, 0..3_000), any::<prop::sample::Index>()).prop_map(
            |(mut weights, at)| {
                weights.push(0.0);
                let at = at.index(weights.len());
                weights[at] = 1.0;
                weights
            },
        )
    }

    proptest! {
        #[test]
        fn draws_are_those_of_the_plain_definition(
            weights in weights(),
            top_k in prop_oneof![Just(0_usize), 1..40_usize, 1..4_000_usize],
            min_p in prop_oneof![Just(0.0_f32), 0.0_f32..=1.0],
            top_p in prop_oneof![Just(1.0_f64), 0.01_f64..1.0],
            uniform in 0.0_f64..1.0,
        ) {
            let cuts = Cuts { top_k, min_p, top_p };
            prop_assert_eq!(draw(&weights, cuts, uniform), plain(&weights, cuts, uniform), "{:?}", cuts);
        }
    }

    #[test]
    fn ends_of_the_range_are_the_ends_of_what_is_kept() {
        let weights = [0.0, 0.5, 1.0, 0.25, 0.0];
        let none = Cuts { top_k: 0, min_p: 0.0, top_p: 1.0 };
        let last = 1.0 - f64::EPSILON / 2.0;
        assert_eq!((draw(&weights, none, 0.0), draw(&weights, none, last)), (Some(1), Some(3)));
        let two = Cuts { top_k: 2, ..none };
        assert_eq!((draw(&weights, two, 0.0), draw(&weights, two, last)), (Some(1), Some(2)));
        assert_eq!(draw(&[0.0; 3], none, 0.5), None);
        assert_eq!(draw(&[], none, 0.5), None);
    }
}
