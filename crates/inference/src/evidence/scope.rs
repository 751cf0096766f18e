//! Which part of an answer is computed again.
//!
//! Rule: windows and layers count from 0. A window needs every position before it, because positions see
//! those before them; one layer needs what entered it at those positions, which its provider opens, and is
//! then a small part of the work. What chance chooses is chosen after the commitment: see [`Scope::sample`].
//! Absent: the computation.

use sha2::Digest;

use super::{Evidence, Hash, WINDOW_TOKENS, hasher};

/// Most windows of one scope.
pub const WINDOWS_MAX: usize = 64;

/// Which part of an answer is computed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of it; needs no opening.
    All,
    /// These windows, behind every layer, with their tokens.
    Windows(Vec<u32>),
    /// One layer, in these windows; behind the last layer also their tokens.
    Layer {
        /// The layer, from 0.
        layer: u32,
        /// The windows.
        windows: Vec<u32>,
    },
}

/// Why a scope is none of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// No window at all, or too many.
    #[error("{windows} windows were chosen; choose 1 to {WINDOWS_MAX}")]
    WindowCount {
        /// How many were chosen.
        windows: usize,
    },
    /// A window beyond the last one.
    #[error("there is no window {window}: the answer has {windows}, from 0")]
    Window {
        /// The window.
        window: u32,
        /// Windows of the answer.
        windows: u32,
    },
    /// A layer beyond the last one.
    #[error("there is no layer {layer}: the model has {layers}, from 0")]
    Layer {
        /// The layer.
        layer: u32,
        /// Layers of the model.
        layers: u32,
    },
}

impl Scope {
    /// `count` windows (all of them where there are fewer) that follow from the commitment and from
    /// `beacon`, a random number that became known after it: whoever committed could not know them.
    pub fn sample(evidence: &Evidence, beacon: &[u8; 32], count: usize) -> Scope {
        let windows = u64::from(evidence.windows()).max(1);
        let wanted = count.min(WINDOWS_MAX).min(usize::try_from(windows).unwrap_or(usize::MAX));
        let mut chosen = Vec::new();
        let mut draw = 0_u64;
        while chosen.len() < wanted {
            let mut hasher = hasher("sample", beacon);
            hasher.update(evidence.commitment.0);
            hasher.update(draw.to_le_bytes());
            let hash: [u8; 32] = hasher.finalize().into();
            let number = hash[..8].iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
            let window = u32::try_from(number % windows).unwrap_or(u32::MAX);
            if !chosen.contains(&window) {
                chosen.push(window);
            }
            draw += 1;
        }
        Scope::Windows(chosen)
    }

    /// The same scope with its windows ascending and each once, if it is one of this answer.
    pub(crate) fn checked(&self, evidence: &Evidence) -> Result<Scope, ScopeError> {
        let windows = match self {
            Scope::All => return Ok(Scope::All),
            Scope::Windows(windows) => sorted(windows, evidence)?,
            Scope::Layer { layer, windows } => {
                if *layer >= evidence.layers {
                    return Err(ScopeError::Layer { layer: *layer, layers: evidence.layers });
                }
                return Ok(Scope::Layer { layer: *layer, windows: sorted(windows, evidence)? });
            }
        };
        Ok(Scope::Windows(windows))
    }

    /// The windows of a scope.
    pub fn windows(&self, evidence: &Evidence) -> Vec<u32> {
        match self {
            Scope::All => (0..evidence.windows()).collect(),
            Scope::Windows(windows) | Scope::Layer { windows, .. } => windows.clone(),
        }
    }

    /// The leaves that are opened, as windows and layers, in the order of an opening.
    pub(crate) fn opened(&self, layers: u32) -> Vec<(u32, u32)> {
        match self {
            Scope::All => Vec::new(),
            Scope::Windows(windows) => {
                windows.iter().flat_map(|window| (0..layers).map(move |layer| (*window, layer))).collect()
            }
            Scope::Layer { layer, windows } => {
                let before = layer.checked_sub(1).into_iter().flat_map(|before| {
                    let last = windows.iter().max().copied().unwrap_or(0);
                    (0..=last).map(move |window| (window, before))
                });
                before.chain(windows.iter().map(|window| (*window, *layer))).collect()
            }
        }
    }

    /// How many positions are computed.
    pub(crate) fn end(&self, evidence: &Evidence) -> usize {
        let last = self.windows(evidence).into_iter().max().unwrap_or(0) as usize;
        ((last + 1) * WINDOW_TOKENS).min(evidence.positions as usize)
    }
}

fn sorted(windows: &[u32], evidence: &Evidence) -> Result<Vec<u32>, ScopeError> {
    let mut windows = windows.to_vec();
    windows.sort_unstable();
    windows.dedup();
    if windows.is_empty() || windows.len() > WINDOWS_MAX {
        return Err(ScopeError::WindowCount { windows: windows.len() });
    }
    match windows.iter().find(|window| **window >= evidence.windows()) {
        Some(window) => Err(ScopeError::Window { window: *window, windows: evidence.windows() }),
        None => Ok(windows),
    }
}

/// A leaf of the evidence, and the way from it to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenedLeaf {
    pub(crate) hash: Hash,
    pub(crate) path: Vec<Hash>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sampling;

    fn evidence(positions: u32) -> Evidence {
        Evidence {
            numeric_specification: 2,
            model_sha256: Hash([1; 32]),
            adapter: None,
            prompt_sha256: Hash([2; 32]),
            output_sha256: Hash([3; 32]),
            sampling: Sampling::default(),
            positions,
            layers: 4,
            states_root: Hash([4; 32]),
            commitment: Hash([5; 32]),
        }
    }

    #[test]
    fn what_is_no_part_of_an_answer_is_refused() {
        let evidence = evidence(70);
        let check = |scope: Scope| scope.checked(&evidence);
        assert_eq!(check(Scope::Windows(vec![2, 0, 2])), Ok(Scope::Windows(vec![0, 2])));
        let rows = [
            (Scope::Windows(vec![]), ScopeError::WindowCount { windows: 0 }),
            (Scope::Windows((0..65).collect()), ScopeError::WindowCount { windows: 65 }),
            (Scope::Windows(vec![3]), ScopeError::Window { window: 3, windows: 3 }),
            (Scope::Windows(vec![u32::MAX]), ScopeError::Window { window: u32::MAX, windows: 3 }),
            (Scope::Layer { layer: 4, windows: vec![0] }, ScopeError::Layer { layer: 4, layers: 4 }),
            (Scope::Layer { layer: 0, windows: vec![] }, ScopeError::WindowCount { windows: 0 }),
        ];
        for (scope, error) in rows {
            assert_eq!(check(scope), Err(error));
        }
    }

    #[test]
    fn a_layer_is_opened_with_what_enters_it() {
        let layer = |layer| Scope::Layer { layer, windows: vec![1] };
        assert_eq!(layer(2).opened(4), [(0, 1), (1, 1), (1, 2)]);
        assert_eq!(layer(0).opened(4), [(1, 0)], "embeddings follow from the tokens");
        assert_eq!(Scope::Windows(vec![1]).opened(2), [(1, 0), (1, 1)]);
        assert_eq!((layer(2).end(&evidence(70)), Scope::All.end(&evidence(70))), (64, 70));
    }

    #[test]
    fn chance_chooses_windows_that_nobody_knew() {
        let evidence = evidence(32 * 40);
        let draw = |evidence: &Evidence, beacon| Scope::sample(evidence, &[beacon; 32], 5).windows(evidence);
        let chosen = draw(&evidence, 1);
        assert_eq!(chosen, draw(&evidence, 1));
        assert!(chosen.len() == 5 && chosen.iter().all(|window| *window < 40));
        assert_ne!(chosen, draw(&evidence, 2), "another beacon");
        assert_ne!(chosen, draw(&Evidence { commitment: Hash([6; 32]), ..evidence.clone() }, 1));
        let mut seen: Vec<u32> = (0..=255).flat_map(|beacon| draw(&evidence, beacon)).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, (0..40).collect::<Vec<_>>(), "every window is within reach");
        assert_eq!(Scope::sample(&evidence, &[1; 32], 1_000).windows(&evidence).len(), 40);
    }
}
