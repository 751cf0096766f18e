//! I3 and I22: splits are exact, everywhere and at the ends of the range.

use std::collections::BTreeSet;

use openledger_types::markets::PRICE_WHOLE;
use openledger_types::record::OwnerRecord;
use openledger_types::{Amount, BasisPoints, ContributionId, Parameters, Quoted, Royalty};

use super::super::history::{Dice, PEOPLE};
use super::super::model::PlainBatch;
use super::super::*;
use crate::{CompletionLines, CompletionTerms, DataShare, Netting, split_completion};

const BIGGEST: u64 = 1 << 63;

/// A completion with so many clusters of so many owners and a lineage of sixteen, at this price.
fn terms(
    dice: &mut Dice,
    reference: u64,
    (price, capped): (u64, bool),
    clusters: u8,
    weight: impl Fn(&mut Dice) -> u64,
) -> CompletionTerms {
    let mut lineage: Vec<Royalty> = (0..16)
        .map(|who| Royalty { account: account(who), share: BasisPoints(dice.below(625) as u16) })
        .collect();
    lineage[0].share.0 += 10_000 - lineage.iter().map(|line| line.share.0).sum::<u16>();
    let shares = (0..clusters).map(|id| {
        let owners = (0..=id % 8).map(|place| OwnerRecord {
            account: account((id + place) % PEOPLE),
            parts: 1 + dice.below(65_535),
        });
        let owners = owners.collect();
        DataShare {
            datanet: name("help"),
            contribution: ContributionId([id; 32]),
            weight: weight(dice),
            factor: BasisPoints(10_000),
            owners,
        }
    });
    let shares = shares.collect();
    CompletionTerms {
        reference: Amount(reference),
        quote: Some(Quoted { class: name("general"), round: 1, price, capped }),
        router_fee: BasisPoints(dice.below(1_001) as u16),
        provider: account(PROVIDER),
        model: name("base"),
        lineage,
        shares,
        unattributed: weight(dice),
        carry_in: Amount(dice.below(65)),
    }
}

/// Splits, nets, and compares with the reference model.
fn check(terms: &CompletionTerms, parameters: &Parameters) -> CompletionLines {
    let lines = split_completion(terms, parameters).expect("every amount that exists can be split");
    assert!(lines.is_exact(), "{lines:?}");
    let mut netting = Netting::new();
    netting.add(&lines).unwrap();
    let batch = netting.finish(1, 1, bytes32(0), Vec::new());
    PlainBatch::of(std::slice::from_ref(terms), parameters).check(&batch);
    lines
}

/// What flooring left to maintenance.
fn remainder(lines: &CompletionLines, parameters: &Parameters) -> u64 {
    let split = &lines.reference_split;
    split.maintenance.0 - lines.reference.basis_points(parameters.split.maintenance).0
}

/// I3. Every split sums to its price, the parts are those of the reference model, and flooring leaves at most 6 uC to
/// maintenance; every remainder from 0 to 6 is reached.
/// Not checked: that the price is right; offers and the market say that.
#[test]
pub(crate) fn i03_splits_are_exact() {
    let (mut dice, mut reached) = (Dice::new(3), BTreeSet::new());
    let mut parameters = World::new().parameters;
    for round in 0..4_000 {
        let reference = match round % 4 {
            0 => round / 4,
            1 => dice.below(100_000),
            2 => dice.below(10_000_000_000),
            _ => dice.number() >> 1,
        };
        let quote = (PRICE_WHOLE + dice.below(PRICE_WHOLE / 2), dice.chance(3));
        let clusters = dice.below(12) as u8;
        let terms = terms(&mut dice, reference, quote, clusters, |dice| dice.below(5_000));
        let left = remainder(&check(&terms, &parameters), &parameters);
        assert!(left <= 6, "{left} are left of {reference}");
        reached.insert(left);
    }
    // The parts of the starting split are whole hundreds, which leaves less; odd ones reach every remainder.
    let odd = [4_501, 1_799, 1_701, 699, 701, 99, 500];
    for (part, value) in parts(&mut parameters).into_iter().zip(odd) {
        *part = BasisPoints(value);
    }
    for reference in 0..20_000 {
        let terms = terms(&mut dice, reference, (PRICE_WHOLE, false), 1, |_| 1);
        let left = remainder(&check(&terms, &parameters), &parameters);
        assert!(left <= 6, "{left} are left of {reference}");
        reached.insert(left);
    }
    assert_eq!(reached.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
}

fn parts(parameters: &mut Parameters) -> [&mut BasisPoints; 7] {
    let split = &mut parameters.split;
    [
        &mut split.provider,
        &mut split.builder,
        &mut split.data,
        &mut split.verification,
        &mut split.maintenance,
        &mut split.insurance,
        &mut split.burn,
    ]
}

/// I22. Nothing overflows at a price of 2^63 uC with 64 clusters, whatever their weights, and with a reputation of one;
/// what cannot be represented is `None`, never a wrong number.
/// Not checked: sums over many such payments; each sum has its own rejection, `AmountOverflow`.
#[test]
pub(crate) fn i22_nothing_overflows_at_the_extremes() {
    let (mut dice, parameters) = (Dice::new(22), World::new().parameters);
    let weights: [fn(&mut Dice) -> u64; 5] =
        [|_| u64::MAX, |_| 1, |_| 0, Dice::number, |dice| dice.below(2) * u64::MAX];
    for reference in [BIGGEST, BIGGEST - 1, BIGGEST + 1, u64::MAX / 2 + 3, 1, 0] {
        for weight in weights {
            let price = if reference < 2 { u64::MAX } else { PRICE_WHOLE + PRICE_WHOLE / 2 };
            let terms = terms(&mut dice, reference, (price, reference % 2 == 0), 64, weight);
            let lines = check(&terms, &parameters);
            assert!(remainder(&lines, &parameters) <= 6);
            assert!(lines.carry_out.0 <= 64, "the carry is below the number of clusters");
        }
    }
    // A reputation of one, the largest amounts, the largest collateral.
    for escrow in [parameters.provider_escrow, parameters.builder_escrow, parameters.data_escrow] {
        for amount in [0, 1, BIGGEST, u64::MAX] {
            let most = Amount(amount).basis_points(escrow.liquid_high);
            let liquid = crate::escrow::liquid_part(Amount(amount), &escrow, u32::MAX);
            assert!(liquid <= most && most.0 - liquid.0 <= amount / 10_000 + 1, "R stays below one");
        }
    }
    // A charge that no amount can hold is refused as a whole.
    let whole = terms(&mut dice, u64::MAX, (2 * PRICE_WHOLE, false), 1, |_| 1);
    let lines = split_completion(&whole, &parameters).unwrap();
    assert!(lines.charged().is_none() && Netting::new().add(&lines).is_err());
    let carried = CompletionTerms { carry_in: Amount(u64::MAX), ..whole };
    assert_eq!(split_completion(&carried, &parameters), None);
}
