//! The draws: pure functions of the chain's randomness and of what was committed before it, so that auditors, gateways
//! and simulations find their work without asking anybody.
//!
//! A receipt is drawn when its number, uniform in 64 bits, is below the rate. Auditors run an exponential race: everybody's
//! time is `-log2(u) / weight`, and the earliest sit. So each wins with the probability of its weight, and who joins or
//! leaves changes nothing between the others.

use std::collections::BTreeMap;

use openledger_types::audits::{AuditParameters, PanelEntry, PanelRecord, SubjectRecord};
use openledger_types::{AccountId, Amount, AuditId, BasisPoints, Hash, codec, limits, sha256};

/// One, in 1/2^32.
const ONE: u64 = 1 << 32;

/// The part of the verification fund that a batch may take beyond what it brought.
const FUND_PART: BasisPoints = BasisPoints(500);

/// A number that is uniform in 64 bits, for whatever `what` names.
fn uniform(randomness: &Hash, tag: &str, what: &impl borsh::BorshSerialize) -> u64 {
    let Hash(bytes) = sha256(&codec::encode(&(tag, randomness, what)));
    bytes.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Whether a uniform number falls into a part of the whole.
pub(super) fn falls_into(number: u64, part: BasisPoints) -> bool {
    let bar = u128::from(part.0) << 64;
    u128::from(number).saturating_mul(u128::from(BasisPoints::WHOLE.0)) < bar
}

/// The part of a batch that is audited because of one of its providers:
/// `clamp(base * (1 + 2 (1 - R)) * value * faults, least, greatest)`, and everything of a newcomer's first jobs, falling to
/// the regular part afterwards.
pub fn audit_rate(
    reputation: u32,
    subject: &SubjectRecord,
    charged: Amount,
    epoch: u64,
    parameters: &AuditParameters,
) -> BasisPoints {
    let trust = ONE.saturating_mul(3).saturating_sub(u64::from(reputation).saturating_mul(2));
    let typical = parameters.value_typical.0.max(1);
    let value = charged.fraction(1 << 16, typical).map_or(u64::MAX, |value| value.0).clamp(1 << 15, 1 << 18);
    let recent = epoch.saturating_sub(subject.since) < parameters.fault_epochs;
    let faults = if recent { u64::from(subject.faults.min(3)).saturating_add(1) } else { 1 };
    let product = u128::from(parameters.rate_base.0)
        .saturating_mul(u128::from(trust))
        .saturating_mul(u128::from(value))
        .saturating_mul(u128::from(faults));
    let regular = u16::try_from(product >> 48).unwrap_or(u16::MAX);
    let regular = regular.min(parameters.rate_max.0).max(parameters.rate_min.0).min(BasisPoints::WHOLE.0);
    let done = subject.assigned.saturating_sub(parameters.newcomer_jobs);
    if subject.assigned < parameters.newcomer_jobs {
        return BasisPoints::WHOLE;
    }
    let left = parameters.taper_jobs.saturating_sub(done);
    let above = Amount(u64::from(BasisPoints::WHOLE.0.saturating_sub(regular)));
    let above = above.fraction(left, parameters.taper_jobs).unwrap_or(Amount::ZERO);
    BasisPoints(regular.saturating_add(u16::try_from(above.0).unwrap_or(0)))
}

/// What one check pays: its cost, a part of what a provider earns by a receipt of the batch on average, and a margin. Never more
/// than that share, or a batch of dust would take more from the fund than it brought.
pub fn audit_fee(share: Amount, parameters: &AuditParameters) -> Amount {
    let cost = share.basis_points(parameters.cost);
    let fee = cost.fraction(parameters.fee_percent, 100).unwrap_or(parameters.fee_max);
    fee.min(parameters.fee_max).max(parameters.fee_min).min(share)
}

/// Which receipts of a batch are audited: their places from 0, increasing. Of more than `most` those with the lowest numbers,
/// but always what the rate `least` draws; and never more than `AUDITS_PER_BATCH_MAX`.
pub fn drawn_receipts(
    randomness: &Hash,
    gateway: &AccountId,
    batch: u64,
    receipts: u32,
    (least, rate): (BasisPoints, BasisPoints),
    most: usize,
) -> Vec<u32> {
    let receipts = 0..receipts.min(limits::BATCH_RECEIPTS_MAX);
    let numbered = receipts.map(|receipt| {
        let audit = AuditId { gateway: *gateway, batch, receipt };
        (uniform(randomness, "receipt", &audit), receipt)
    });
    let mut drawn: Vec<(u64, u32)> = numbered.filter(|(number, _)| falls_into(*number, rate)).collect();
    drawn.sort_unstable();
    let always = drawn.iter().filter(|(number, _)| falls_into(*number, least)).count();
    drawn.truncate(most.max(always).min(limits::AUDITS_PER_BATCH_MAX));
    let mut drawn: Vec<u32> = drawn.into_iter().map(|(_, receipt)| receipt).collect();
    drawn.sort_unstable();
    drawn
}

/// How many checks of a batch the verification fund pays at most: for what the batch brought, and for a twentieth of what is there,
/// so that no gateway spends on its own newcomers what checks everybody. One is always paid, and what the least rate draws:
/// where the fund has not that much, the draw waits.
pub fn checks_max(brought: Amount, fund: Amount, fee: Amount) -> usize {
    let most = brought.plus(fund.basis_points(FUND_PART)).unwrap_or(fund);
    let checks = most.0.checked_div(fee.0).and_then(|checks| usize::try_from(checks).ok());
    checks.unwrap_or(usize::MAX).clamp(1, limits::AUDITS_PER_BATCH_MAX)
}

/// For how many receipts each of the drawn stands, in 1/2^16: as many as the rate makes of one, where a draw was cut short those
/// of the batch, and for planted faults too, which show nothing about their receipts.
pub fn stands_for(
    receipts: u32,
    (drawn, most): (usize, usize),
    rate: BasisPoints,
    planted: BasisPoints,
) -> u64 {
    let whole = u64::from(BasisPoints::WHOLE.0);
    let cut = drawn >= most;
    let looked_at = Amount(whole.saturating_sub(u64::from(planted.0)).max(1));
    let one = if cut {
        let drawn = u64::try_from(drawn).unwrap_or(u64::MAX);
        Amount(u64::from(receipts)).fraction(1 << 16, drawn)
    } else {
        Amount(whole).fraction(1 << 16, u64::from(rate.0.max(1)))
    };
    one.and_then(|one| one.fraction(whole, looked_at.0)).map_or(u64::MAX, |one| one.0)
}

/// Whether the gateway plants a fault in this audit. It follows from the gateway's seed, which it fixed before the randomness
/// was known, and nobody else can tell before the seed is revealed.
pub fn is_planted(seed: &Hash, randomness: &Hash, audit: &AuditId, planted: BasisPoints) -> bool {
    falls_into(uniform(randomness, "plant", &(seed, audit)), planted)
}

/// Whether a second auditor checks a passing verdict.
pub fn is_repeated(randomness: &Hash, audit: &AuditId, repeated: BasisPoints) -> bool {
    falls_into(uniform(randomness, "repeat", audit), repeated)
}

/// Who checks a round of an audit.
pub struct AuditorDraw<'a> {
    /// Randomness of the first beacon after everything here was fixed.
    pub randomness: &'a Hash,
    /// Which audit.
    pub audit: &'a AuditId,
    /// Which round, from 0.
    pub round: u8,
    /// How many are wanted.
    pub size: usize,
    /// Only auditors who registered until the end of this epoch.
    pub known_by: u64,
    /// Clusters that have a part in it: the parties, and the auditors of earlier rounds.
    pub excluded: &'a [AccountId],
}

/// The auditors of a round: weighted by reputation, one of each cluster, none of an excluded cluster. Fewer than wanted when
/// there are no more.
pub fn drawn_auditors(
    panel: &PanelRecord,
    draw: &AuditorDraw<'_>,
    parameters: &AuditParameters,
) -> Vec<AccountId> {
    let may_sit = |entry: &&PanelEntry| {
        entry.since <= draw.known_by
            && !draw.excluded.contains(&entry.cluster)
            && !draw.excluded.contains(&entry.auditor)
    };
    let entries: Vec<&PanelEntry> = panel.entries.iter().filter(may_sit).collect();
    let weights = weights(&entries, parameters);
    let mut race: Vec<(u128, &PanelEntry)> = Vec::with_capacity(entries.len());
    for (entry, weight) in entries.iter().zip(weights) {
        let who = (draw.audit, draw.round, entry.auditor);
        let spent = u128::from(minus_log2(uniform(draw.randomness, "auditor", &who)));
        if let Some(time) = (spent << 64).checked_div(u128::from(weight)) {
            race.push((time, entry));
        }
    }
    race.sort_unstable_by_key(|(time, entry)| (*time, entry.auditor));
    let (mut drawn, mut clusters) = (Vec::new(), Vec::new());
    for (_, entry) in race {
        if drawn.len() < draw.size && !clusters.contains(&entry.cluster) {
            clusters.push(entry.cluster);
            drawn.push(entry.auditor);
        }
    }
    drawn
}

/// What everybody weighs, in the order of `entries`: a little without reputation, and no cluster more than its cap.
fn weights(entries: &[&PanelEntry], parameters: &AuditParameters) -> Vec<u64> {
    let floor = Amount(ONE).basis_points(parameters.newcomer_weight).0;
    let own = |entry: &PanelEntry| {
        let rest = u128::from(ONE.saturating_sub(floor)).saturating_mul(u128::from(entry.reputation)) >> 32;
        floor.saturating_add(u64::try_from(rest).unwrap_or(ONE)).max(1)
    };
    let mut clusters: BTreeMap<AccountId, u64> = BTreeMap::new();
    for entry in entries {
        let sum = clusters.entry(entry.cluster).or_default();
        *sum = sum.saturating_add(own(entry));
    }
    let cap = cap(clusters.values().copied().collect(), parameters.cluster_max);
    let capped = entries.iter().map(|entry| {
        let cluster = clusters.get(&entry.cluster).copied().unwrap_or(u64::MAX);
        if cluster <= cap {
            return own(entry);
        }
        Amount(own(entry)).fraction(cap, cluster).map_or(1, |weight| weight.0.max(1))
    });
    capped.collect()
}

/// The most that a cluster weighs, so that none is above its part of all weights together. With too few clusters for that, all
/// weigh the same.
pub(super) fn cap(mut weights: Vec<u64>, most: BasisPoints) -> u64 {
    weights.sort_unstable();
    let least = weights.first().copied().unwrap_or(0);
    let mut rest: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let whole = u128::from(BasisPoints::WHOLE.0);
    let mut left = whole;
    for weight in weights.iter().rev() {
        let cap = rest.saturating_mul(u128::from(most.0)).checked_div(left).unwrap_or(0);
        if u128::from(*weight) <= cap {
            return u64::try_from(cap).unwrap_or(u64::MAX);
        }
        rest = rest.saturating_sub(u128::from(*weight));
        left = left.saturating_sub(u128::from(most.0));
        if left == 0 {
            return least;
        }
    }
    least
}

/// `-log2(number / 2^64)` in 1/2^32: at least 1, at most 64 units.
pub(super) fn minus_log2(number: u64) -> u64 {
    let zeros = number.leading_zeros();
    let Some(mut mantissa) = number.checked_shl(zeros).filter(|mantissa| *mantissa != 0) else {
        return 64 << 32;
    };
    let mut fraction = 0u64;
    for _ in 0..32 {
        // The mantissa is in [1, 2), in 1/2^63; its square is in [1, 4).
        let square = u128::from(mantissa).saturating_mul(u128::from(mantissa)) >> 63;
        let carries = square >= 1 << 64;
        fraction = fraction << 1 | u64::from(carries);
        mantissa = u64::try_from(if carries { square >> 1 } else { square }).unwrap_or(u64::MAX);
    }
    let whole = u64::from(zeros).saturating_add(1) << 32;
    whole.saturating_sub(fraction).max(1)
}
