//! The arithmetic of reputation: pure functions over integers, so that anyone can recompute a reputation. One unit of
//! evidence is 2^32, a reputation is in 1/2^32.

use openledger_types::{Amount, BasisPoints, EvidenceRecord, FraudRecord, ReputationParameters};

/// One unit of evidence.
pub(super) const UNIT: u64 = 1 << 32;
/// The prior: what is assumed about somebody of whom nothing is known.
pub(super) const ALPHA: u64 = UNIT;
pub(super) const BETA: u64 = 4 << 32;
/// What a proven fraud leaves.
pub(super) const BETA_OF_FRAUD: u64 = 54 << 32;
/// What the mark of a fraud weighs on linked accounts.
const BETA_OF_MARK: u64 = BETA_OF_FRAUD - BETA;
/// The 90 % quantile of the normal distribution, in ten-thousandths.
const QUANTILE: u128 = 12_816;
/// One in 2^-64.
const ONE: u128 = 1 << 64;

/// `2^(-2^-i)` for i = 1 to 32, in 2^-64, floored.
#[rustfmt::skip]
const ROOTS: [u64; 32] = [
    0xb504_f333_f9de_6484, 0xd744_fcca_d69d_6af4, 0xeac0_c6e7_dd24_392e, 0xf525_7d15_2486_cc2c,
    0xfa83_b2db_722a_033a, 0xfd3e_0c0c_f486_c174, 0xfe9e_115c_7b8f_884b, 0xff4e_cb59_511e_c8a5,
    0xffa7_5652_1c8d_aed1, 0xffd3_a751_c0f7_e10b, 0xffe9_d2b2_f7db_2755, 0xfff4_e91b_ff1b_8c3d,
    0xfffa_747e_a004_0664, 0xfffd_3a3b_7814_eb53, 0xfffe_9d1c_c60d_dab1, 0xffff_4e8e_2587_9bfa,
    0xffff_a747_0363_f451, 0xffff_d3a3_7dda_0313, 0xffff_e9d1_bdf7_03ae, 0xffff_f4e8_debe_025e,
    0xffff_fa74_6f4f_a150, 0xffff_fd3a_37a3_f8b0, 0xffff_fe9d_1bd1_065a, 0xffff_ff4e_8de8_45ad,
    0xffff_ffa7_46f4_1376, 0xffff_ffd3_a37a_05e3, 0xffff_ffe9_d1bd_01fb, 0xffff_fff4_e8de_80c0,
    0xffff_fffa_746f_4050, 0xffff_fffd_3a37_a024, 0xffff_fffe_9d1b_d011, 0xffff_ffff_4e8d_e808,
];

/// What remains of `amount` after `elapsed` epochs: `amount * 2^(-elapsed / half_life)`, floored. The whole half-lives
/// are a shift; each of 32 bits of the fraction is one multiplication.
pub(super) fn decay(amount: u64, elapsed: u64, half_life: u64) -> u64 {
    let half_life = half_life.max(1);
    let whole = elapsed.checked_div(half_life).unwrap_or(0);
    let Some(shift) = u32::try_from(whole).ok().filter(|shift| *shift < u64::BITS) else {
        return 0;
    };
    let rest = u128::from(elapsed.checked_rem(half_life).unwrap_or(0));
    let fraction = (rest << 32).checked_div(u128::from(half_life)).unwrap_or(0);
    let mut factor = ONE;
    for (place, root) in ROOTS.iter().enumerate() {
        // The highest bit of the fraction stands for one half.
        if fraction & ((1 << 31) >> place) != 0 {
            factor = factor.saturating_mul(u128::from(*root)) >> 64;
        }
    }
    narrow(u128::from(amount).saturating_mul(factor) >> 64 >> shift)
}

/// `prior + L (value - prior)`: towards the prior from either side.
fn towards(prior: u64, value: u64, elapsed: u64, half_life: u64) -> u64 {
    let left = decay(value.abs_diff(prior), elapsed, half_life);
    if value >= prior { prior.saturating_add(left) } else { prior.saturating_sub(left) }
}

/// What is known about somebody of whom nothing is known.
pub(super) fn prior(epoch: u64) -> EvidenceRecord {
    EvidenceRecord { alpha: ALPHA, beta: BETA, units: 0, epoch, base: 0, fraud_epoch: None }
}

/// The lower bound for a Beta distribution, in 1/2^32.
pub(super) fn bound(alpha: u64, beta: u64, evidence_max: u64) -> u32 {
    let (alpha, all) = (u128::from(alpha), u128::from(alpha).saturating_add(u128::from(beta)));
    let weighty = all.min(u128::from(evidence_max) << 32).saturating_add(u128::from(UNIT));
    // In 1/2^48: the product of mean and its complement then has 96 bits, and 32 more for the division by units.
    let mean = (alpha << 48).checked_div(all).unwrap_or(0);
    let spread = mean.saturating_mul((1u128 << 48).saturating_sub(mean));
    let variance = (spread << 32).checked_div(weighty).unwrap_or(0);
    let margin = variance.isqrt().saturating_mul(QUANTILE).div_ceil(10_000);
    u32::try_from(mean.saturating_sub(margin) >> 16).unwrap_or(u32::MAX)
}

/// The evidence as it is in `epoch`: scaled at the turn and decayed since. The base is not touched.
fn decayed(evidence: &EvidenceRecord, parameters: &ReputationParameters, epoch: u64) -> EvidenceRecord {
    let elapsed = epoch.saturating_sub(evidence.epoch);
    if elapsed == 0 {
        return evidence.clone();
    }
    // Scaling binds at the first turn only: decay towards a prior below the limit never exceeds it again.
    let all = u128::from(evidence.alpha).saturating_add(u128::from(evidence.beta));
    let most = u128::from(parameters.evidence_max) << 32;
    let scaled = |value: u64| {
        if all <= most {
            value
        } else {
            narrow(u128::from(value).saturating_mul(most).checked_div(all).unwrap_or(0))
        }
    };
    EvidenceRecord {
        alpha: towards(ALPHA, scaled(evidence.alpha), elapsed, parameters.good_half_life_epochs),
        beta: towards(BETA, scaled(evidence.beta), elapsed, parameters.bad_half_life_epochs),
        units: decay(evidence.units, elapsed, parameters.units_half_life_epochs),
        epoch: evidence.epoch.saturating_add(elapsed),
        ..evidence.clone()
    }
}

/// The reputation in `epoch`, from the evidence as it was last written and the mark of the subject's cluster.
///
/// The lower bound never rises faster by decay alone than the limit allows, so the limit of several epochs is the sum
/// of their limits.
pub fn current(
    evidence: Option<&EvidenceRecord>,
    mark: Option<&FraudRecord>,
    parameters: &ReputationParameters,
    epoch: u64,
) -> u32 {
    let Some(evidence) = evidence else {
        return 0;
    };
    let now = decayed(evidence, parameters, epoch);
    let marked = mark.and_then(|mark| mark.weighing_in(epoch));
    let weight = marked.filter(|marked| evidence.fraud_epoch != Some(*marked)).map_or(0, |marked| {
        decay(BETA_OF_MARK, epoch.saturating_sub(marked), parameters.bad_half_life_epochs)
    });
    let target = bound(now.alpha, now.beta.saturating_add(weight), parameters.evidence_max);
    let step = (u64::from(parameters.rise_max.0) << 32).checked_div(u64::from(BasisPoints::WHOLE.0));
    let turns = epoch.saturating_sub(evidence.epoch).saturating_add(1);
    let risen = step.unwrap_or(0).saturating_mul(turns).saturating_add(u64::from(evidence.base));
    target.min(u32::try_from(risen).unwrap_or(u32::MAX))
}

/// The evidence turned to `epoch`, so that more can be added to it: its base is the reputation of the epoch before.
pub(crate) fn turned(
    evidence: &EvidenceRecord,
    mark: Option<&FraudRecord>,
    parameters: &ReputationParameters,
    epoch: u64,
) -> EvidenceRecord {
    if epoch <= evidence.epoch {
        return evidence.clone();
    }
    let base = current(Some(evidence), mark, parameters, epoch.saturating_sub(1));
    EvidenceRecord { base, ..decayed(evidence, parameters, epoch) }
}

/// What a job of this fee weighs as evidence, in 1/2^16: `min(1, fee / full) * type`, with the type in quarters (audits,
/// gold tasks, planted faults and holdouts have four; the outcome of a dispute has eight).
pub fn weight(fee: Amount, quarters: u32, parameters: &ReputationParameters) -> u32 {
    let full = parameters.fee_full.0.max(1);
    let part = fee.min(Amount(full)).fraction(1 << 16, full).unwrap_or(Amount::ZERO);
    u32::try_from(part.0.saturating_mul(u64::from(quarters)) >> 2).unwrap_or(u32::MAX)
}

/// What has been counted of one counterparty after `added` more units, when `counted` were before: the `v'` of
/// `(half + v')^2 = (half + v)^2 + 2 half x`.
pub(super) fn saturated(counted: u64, added: u64, parameters: &ReputationParameters) -> u64 {
    let half = u128::from(parameters.counterparty_units.max(1)) << 32;
    // Beyond 2^30 units nothing is counted; so the squares stay within 128 bits.
    let before = half.saturating_add(u128::from(counted.min(1 << 62)));
    let grown = before
        .saturating_mul(before)
        .saturating_add(half.saturating_mul(u128::from(added)).saturating_mul(2));
    narrow(grown.isqrt().saturating_sub(half)).max(counted)
}

/// The part of bad evidence that counts: `half / (half + v)`.
pub(super) fn repeated(bad: u64, counted: u64, parameters: &ReputationParameters) -> u64 {
    let half = u128::from(parameters.counterparty_units.max(1)) << 32;
    let product = u128::from(bad).saturating_mul(half);
    narrow(product.checked_div(half.saturating_add(u128::from(counted))).unwrap_or(0))
}

/// The part that remains of evidence by a counterparty of whose spending `pair` of `all` was seen with the subject.
pub(super) fn unshared(units: u64, pair: u64, all: u64, parameters: &ReputationParameters) -> u64 {
    let floor = Amount(units).basis_points(parameters.share_floor).0;
    let product = u128::from(units).saturating_mul(u128::from(all.saturating_sub(pair)));
    narrow(product.checked_div(u128::from(all)).unwrap_or(0)).max(floor)
}

pub(super) fn narrow(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
