//! The mix of methods: what each cluster weighs when datanets weigh reuse of words and help in the context as they choose.
//! Absent: where the mixes come from; the ledger holds them.

use super::{ContextError, TOTAL_MAX};

/// The whole of a mix.
const WHOLE: u128 = 10_000;

/// What both methods give one cluster, and the mix of its owner's datanet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Its mass by reuse of words.
    pub verbatim: u64,
    /// Its mass by help in the context.
    pub context: u64,
    /// What of the first counts, in basis points.
    pub verbatim_points: u16,
    /// What of the second counts, in basis points.
    pub context_points: u16,
}

impl Part {
    /// What it claims by words, in 1/10,000 of the units of mass.
    pub(super) fn verbatim_claim(&self) -> u128 {
        u128::from(self.verbatim) * u128::from(self.verbatim_points)
    }

    /// What it claims by help, in 1/10,000 of the units of mass.
    pub(super) fn context_claim(&self) -> u128 {
        u128::from(self.context) * u128::from(self.context_points)
    }
}

/// What every part weighs; `masses`, `common` and `unattributed` sum to the total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mixed {
    /// One for each part, in order.
    pub masses: Vec<u64>,
    /// What of each mass is by help in the context, floored: the rest of it is by words.
    pub context: Vec<u64>,
    /// Common mass, as far as the masses leave room.
    pub common: u64,
    /// What is left.
    pub unattributed: u64,
}

/// Mixes both methods over an answer of the weight `total`, of which `common` is in common spans.
///
/// # Errors
/// A total above [`TOTAL_MAX`], a method that gives more than the total, or a mix of more than the whole.
pub fn mix(total: u64, common: u64, parts: &[Part]) -> Result<Mixed, ContextError> {
    let wrong = |what| Err(ContextError::PartsWrong { what });
    if total > TOTAL_MAX {
        return wrong("the answer weighs too much");
    }
    let sum = |mass: fn(&Part) -> u64| parts.iter().map(|part| u128::from(mass(part))).sum::<u128>();
    if sum(|part| part.verbatim) + u128::from(common) > u128::from(total) {
        return wrong("the spans weigh more than the answer");
    }
    if sum(|part| part.context) > u128::from(total) {
        return wrong("the contexts weigh more than the answer");
    }
    if parts.iter().any(|part| u128::from(part.verbatim_points) + u128::from(part.context_points) > WHOLE) {
        return wrong("a mix is more than the whole");
    }
    // Words always fit. What they leave is there for help; where help claims more, its claims shrink alike.
    let words: u128 = parts.iter().map(Part::verbatim_claim).sum();
    let help: u128 = parts.iter().map(Part::context_claim).sum();
    let room = (u128::from(total) * WHOLE).saturating_sub(words);
    let (keeps, of) = if help > room { (room, help) } else { (1, 1) };
    let mass =
        |words: u128, help: u128| u64::try_from((words * of + help * keeps) / (WHOLE * of)).unwrap_or(total);
    let masses = |words: fn(&Part) -> u128| -> Vec<u64> {
        parts.iter().map(|part| mass(words(part), part.context_claim())).collect()
    };
    let (masses, context) = (masses(Part::verbatim_claim), masses(|_| 0));
    let left = total.saturating_sub(masses.iter().sum());
    let common = common.min(left);
    Ok(Mixed { masses, context, common, unattributed: left - common })
}
