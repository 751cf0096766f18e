//! The worked example to the unit, the table of batches, and the split against a naive reference.

use openledger_types::Rejection::*;
use openledger_types::models::title_of;
use openledger_types::record::{
    BatchRecord, ChannelRecord, ContributionRecord, GatewayRecord, ImmatureRecord, Pool, ProviderRecord,
    Role, SupplyRecord, TrancheRecord,
};
use openledger_types::transaction::channel_id;
use openledger_types::{
    Action, Amount, BasisPoints, Batch, BuilderLine, CarryLine, ContributionId, DataLine, Domain, Event,
    EvidenceRecord, Parameters, Rejection, Royalty, UpliftLine, codec,
};
use proptest::prelude::*;

use super::*;
use crate::StateKey;
use crate::reputation::ReputationKey;
use crate::tests::*;

fn parameters() -> Parameters {
    Parameters::starting(1, true, account(0))
}

#[test]
fn the_worked_example_of_the_mechanism_notes() {
    let split = split_reference(Amount(10_007), &parameters().split).unwrap();
    let expected = Split {
        provider: Amount(4_503),
        builder: Amount(1_801),
        data: Amount(1_701),
        verification: Amount(700),
        maintenance: Amount(702),
        insurance: Amount(100),
        burn: Amount(500),
    };
    assert_eq!(split, expected);
    let data = split_data(split.data, Amount(0), &[("a", 3), ("b", 2)], 1, BasisPoints(8_000)).unwrap();
    assert_eq!(data.attributed, [("a", Amount(680)), ("b", Amount(453))]);
    assert_eq!((data.unattributed, data.carry_out), (Amount(226), Amount(1)));
    assert_eq!(data.uplift, Amount(341 + 226));
    // The carry joins the next pool: 1361 * 3 / 6 = 680, 453, 226, and 2 are carried on.
    let next = split_data(split.data, data.carry_out, &[("a", 3), ("b", 2)], 1, BasisPoints(8_000)).unwrap();
    assert_eq!((next.attributed[0].1, next.carry_out), (Amount(680), Amount(2)));
}

#[test]
fn nothing_to_follow_goes_to_the_uplift_pool() {
    let data = split_data(Amount(1_701), Amount(3), &[("a", 0)], 0, BasisPoints(8_000)).unwrap();
    assert_eq!((data.attributed, data.uplift), (vec![("a", Amount(0))], Amount(1_704)));
    assert_eq!((data.unattributed, data.carry_out), (Amount(0), Amount(0)));
}

#[test]
fn flooring_leaves_to_the_first() {
    assert_eq!(split_owners(Amount(10), &[1, 1, 1]), [Amount(4), Amount(3), Amount(3)]);
    assert_eq!(split_owners(Amount(10), &[]), []);
    assert_eq!(split_owners(Amount(10), &[0, 0]), [Amount(10), Amount(0)]);
    let line = |who, share| Royalty { account: account(who), share: BasisPoints(share) };
    let lines = split_lineage(Amount(7), &[line(1, 3_333), line(2, 6_667)]);
    assert_eq!(lines, [(account(1), Amount(3)), (account(2), Amount(4))]);
}

/// `floor(a * b / c)` by long division, one bit of `b` at a time: no product is ever formed.
fn floor_by_bits(a: u64, b: u64, c: u128) -> u128 {
    let (mut quotient, mut rest) = (0u128, 0u128);
    for bit in (0..64).rev() {
        quotient *= 2;
        rest = rest * 2 + if b >> bit & 1 == 1 { u128::from(a) } else { 0 };
        quotient += rest / c;
        rest %= c;
    }
    quotient
}

fn amounts() -> impl Strategy<Value = u64> {
    prop_oneof![0u64..50_000, any::<u64>(), Just(1 << 63), Just(u64::MAX)]
}

proptest! {
    #[test]
    fn the_reference_split_is_exact_and_matches_long_division(reference in amounts()) {
        let parameters = parameters().split;
        let split = split_reference(Amount(reference), &parameters).unwrap();
        let parts = [
            (split.provider, parameters.provider), (split.builder, parameters.builder), (split.data, parameters.data),
            (split.verification, parameters.verification), (split.insurance, parameters.insurance),
            (split.burn, parameters.burn),
        ];
        let mut rest = u128::from(reference);
        for (amount, share) in parts {
            let expected = floor_by_bits(reference, u64::from(share.0), 10_000);
            prop_assert_eq!(u128::from(amount.0), expected);
            rest -= expected;
        }
        prop_assert_eq!(u128::from(split.maintenance.0), rest);
        let exact = floor_by_bits(reference, u64::from(parameters.maintenance.0), 10_000);
        prop_assert!((exact..=exact + 6).contains(&rest), "the remainder is at most 6");
    }

    #[test]
    fn the_premium_split_is_exact(premium in amounts(), eligible in amounts()) {
        let split = split_premium(Amount(premium), Amount(eligible), &parameters().premium).unwrap();
        prop_assert_eq!(u128::from(split.provider.0), floor_by_bits(premium.min(eligible), 4_000, 10_000));
        prop_assert_eq!(u128::from(split.burn.0), floor_by_bits(premium, 2_000, 10_000));
        prop_assert_eq!(split.provider.0 + split.capacity.0 + split.burn.0, premium);
    }

    #[test]
    fn the_data_split_is_exact_and_matches_long_division(
        share in amounts(), carry in 0u64..64, weights in prop::collection::vec(amounts(), 0..65), unattributed in amounts(),
    ) {
        let share = share.min(u64::MAX - 64);
        let shares: Vec<(usize, u64)> = weights.iter().copied().enumerate().collect();
        let split = split_data(Amount(share), Amount(carry), &shares, unattributed, BasisPoints(8_000)).unwrap();
        let pool = floor_by_bits(share, 8_000, 10_000) as u64 + carry;
        let whole: u128 = weights.iter().map(|weight| u128::from(*weight)).sum::<u128>() + u128::from(unattributed);
        let mut paid = 0u128;
        for ((_, weight), (_, amount)) in shares.iter().zip(&split.attributed) {
            let expected = if whole == 0 { 0 } else { floor_by_bits(pool, *weight, whole) };
            prop_assert_eq!(u128::from(amount.0), expected);
            paid += expected;
        }
        let total = paid + u128::from(split.uplift.0) + u128::from(split.carry_out.0);
        prop_assert_eq!(total, u128::from(share) + u128::from(carry), "nothing is made or lost");
        prop_assert!(split.carry_out.0 <= weights.len() as u64, "the carry is below the number of clusters");
    }

    /// I4: whoever splits a text or an account into parts is paid at most as much in total.
    #[test]
    fn splitting_never_raises_the_payout(
        share in 0u64..1 << 40, weight in 1u64..1 << 32, cut in 0u64..1 << 32, others in 0u64..1 << 33, parts in 2u64..40,
    ) {
        let cut = cut.min(weight);
        let data = |shares: &[(u8, u64)]| {
            let split = split_data(Amount(share), Amount(0), shares, others, BasisPoints(8_000)).unwrap();
            split.attributed.iter().map(|(_, amount)| amount.0).sum::<u64>()
        };
        prop_assert!(data(&[(0, cut), (1, weight - cut)]) <= data(&[(0, weight)]));
        let owners = |parts: &[u64]| split_owners(Amount(share), parts).iter().skip(1).map(|amount| amount.0).sum::<u64>();
        prop_assert!(owners(&[7, 1, parts - 1]) <= owners(&[7, parts]));
        let first = |parts: &[u64]| split_owners(Amount(share), parts).iter().take(parts.len() - 1).map(|amount| amount.0).sum::<u64>();
        prop_assert!(first(&[1, parts - 1, 7]) <= first(&[parts, 7]), "the first owner's remainder stays the first's");
    }

    #[test]
    fn sums_of_floors_stay_within_their_bounds(wholes in prop::collection::vec(0u64..1 << 50, 1..30), share in 0u16..=10_000) {
        let floors: u64 = wholes.iter().map(|whole| Amount(*whole).basis_points(BasisPoints(share)).0).sum();
        let total = Amount(wholes.iter().sum());
        let bounds = bounds::Bounds::of_shares(total, BasisPoints(share), wholes.len() as u32);
        prop_assert!(bounds.contain(Amount(floors)), "{floors} in {bounds:?}");
    }
}

/// Three completions: an adapter and a base model, two contributions with three owners, a premium.
fn sample(world: &World) -> Batch {
    world.batch(&[
        world.terms("tuned", 10_007, 0, &[(1, 3), (2, 2)], 1),
        world.terms("base", 5_003, 1, &[(2, 5)], 4),
        world.terms("tuned", 7, 2, &[(1, 1)], 0),
    ])
}

#[test]
fn the_worked_example_settles_to_the_unit() {
    let mut world = World::prepared();
    let batch = world.batch(&[world.terms("base", 10_007, 0, &[(1, 3), (4, 2)], 1)]);
    let before = world.clone();
    let events = world.accept(GATEWAY, settling(batch));
    let paid: Vec<(Role, u64, u64)> = events
        .iter()
        .filter_map(|event| match event {
            Event::Paid { role, liquid, escrowed, .. } => Some((*role, liquid.0, escrowed.0)),
            _ => None,
        })
        .collect();
    let data = [(Role::Data, 0, 680), (Role::Data, 0, 453)];
    // The provider's 4,503: reputation 0 makes 40 % liquid, floored.
    let expected = [
        (Role::Provider, 1_801, 2_702),
        (Role::Builder, 0, 1_801),
        data[0],
        data[1],
        (Role::Gateway, 40, 60),
    ];
    assert_eq!(paid, expected);
    let pool = |pool: Pool| world.record::<Amount>(&StateKey::Pool(pool)).unwrap_or_default().0;
    assert_eq!(pool(Pool::Uplift(name("base"))), 341 + 226);
    assert_eq!(pool(Pool::Carry(account(GATEWAY), name("base"))), 1);
    assert_eq!((pool(Pool::Verification), pool(Pool::Maintenance), pool(Pool::Insurance)), (700, 702, 100));
    assert_eq!(pool(Pool::Capacity), 0);
    let supply = |world: &World| world.record::<SupplyRecord>(&StateKey::Supply).unwrap();
    assert_eq!(supply(&world).credits_burned, Amount(500));
    assert_eq!(supply(&before).credits_in_channels.0 - supply(&world).credits_in_channels.0, 10_007 + 100);
    let immature: ImmatureRecord =
        world.record(&StateKey::Immature(name("help"), ContributionId([1; 32]), account(AUTHOR))).unwrap();
    assert_eq!(immature, ImmatureRecord { amount: Amount(680), first_epoch: 0, drawn: Amount(0) });
    assert_eq!(world.account(AUTHOR).escrowed, Amount(1_133));
    let recorded: BatchRecord = world.record(&StateKey::Batch(account(GATEWAY), 1)).unwrap();
    assert_eq!((recorded.first_receipt, recorded.receipts, recorded.charged), (1, 1, Amount(10_107)));
    let gateway: GatewayRecord = world.record(&StateKey::Gateway(account(GATEWAY))).unwrap();
    assert_eq!((gateway.batches, gateway.receipts, gateway.exposure), (1, 1, Amount(40)));
}

#[test]
fn a_batch_settles_once() {
    let mut world = World::prepared();
    let batch = sample(&world);
    world.check([
        (GATEWAY, settling(batch.clone()), Ok(())),
        (GATEWAY, settling(batch.clone()), Err(BatchNumberWrong)),
        (GATEWAY, settling(Batch { number: 2, ..batch.clone() }), Err(ReceiptSequenceWrong)),
        (GATEWAY, settling(Batch { number: 2, first_receipt: 4, ..batch }), Err(VoucherNotIncreasing)),
    ]);
    let next = sample(&world);
    assert_eq!((next.number, next.first_receipt), (2, 4));
    world.check([(GATEWAY, settling(next), Ok(()))]);
}

/// Changes the sample batch and expects this rejection; then the sample itself still settles.
fn check_changed(rejection: Rejection, change: impl FnOnce(&World, &mut Batch)) {
    let mut world = World::prepared();
    let mut batch = sample(&world);
    change(&world, &mut batch);
    assert_eq!(world.send(GATEWAY, settling(batch)), Err(rejection));
    let batch = sample(&world);
    world.accept(GATEWAY, settling(batch));
}

/// Moves the debit so that it still equals the charge.
fn redebit(world: &World, batch: &mut Batch) {
    let charged = batch.reference_total.0 + batch.premium_total.0 + batch.router_fee_total.0;
    batch.debits = vec![world.debit(world.channel(), Amount(charged), CONSUMER)];
}

#[test]
fn every_lie_in_a_batch_has_its_rejection() {
    check_changed(BatchNumberWrong, |_, batch| batch.number = 0);
    check_changed(ReceiptSequenceWrong, |_, batch| batch.first_receipt = 2);
    check_changed(BatchEmpty, |_, batch| batch.receipts = 0);
    check_changed(BatchEmpty, |_, batch| batch.receipts = 1_025);
    check_changed(BatchTooLarge, |_, batch| {
        let line = batch.providers[0].clone();
        batch.providers = vec![line; 2_049];
    });
    check_changed(LinesUnsorted, |_, batch| batch.builders.reverse());
    check_changed(LinesUnsorted, |_, batch| batch.data.push(batch.data[0].clone()));
    check_changed(LinesUnsorted, |_, batch| batch.providers[0].amount = Amount(0));
    check_changed(LinesUnsorted, |_, batch| batch.uplift[0].amount = Amount(0));
    check_changed(LinesUnsorted, |_, batch| {
        batch.carries = vec![CarryLine { model: name("base"), before: Amount(0), after: Amount(0) }];
    });
    check_changed(AmountOverflow, |_, batch| batch.premium_total = Amount(u64::MAX));
    check_changed(AmountOverflow, |_, batch| batch.uplift[0].amount = Amount(u64::MAX));
    check_changed(ChannelUnknown, |_, batch| batch.debits[0].channel.0[0] ^= 1);
    check_changed(DebitsMismatch, |world, batch| {
        batch.debits = vec![world.debit(world.channel(), Amount(1), CONSUMER)];
    });
    check_changed(DepositExceeded, |world, batch| {
        batch.debits = vec![world.debit(world.channel(), Amount(100_000_001), CONSUMER)];
    });
    check_changed(RouterFeeWrong, |world, batch| {
        batch.router_fee_total.0 += 1;
        redebit(world, batch);
    });
    check_changed(RouterFeeWrong, |world, batch| {
        batch.router_fee_total.0 -= 3;
        redebit(world, batch);
    });
    check_changed(VoucherInvalid, |world, batch| {
        let cumulative = batch.debits[0].cumulative;
        batch.debits = vec![world.debit(world.channel(), cumulative, STRANGER)];
    });
    check_changed(VoucherInvalid, |_, batch| batch.debits[0].voucher = [0; 65]);
}

#[test]
fn every_lie_in_a_split_has_its_rejection() {
    // One unit more anywhere breaks the exact sum; moved between roles it breaks a bound.
    check_changed(SplitWrong, |_, batch| batch.providers[0].amount.0 += 1);
    check_changed(SplitWrong, |_, batch| batch.burn.0 -= 1);
    check_changed(SplitWrong, |_, batch| {
        batch.burn.0 -= 5;
        batch.providers[0].amount.0 += 5;
    });
    check_changed(SplitWrong, |_, batch| {
        batch.verification.0 -= 3;
        batch.maintenance.0 += 3;
    });
    check_changed(SplitWrong, |_, batch| {
        batch.maintenance.0 -= 6;
        batch.insurance.0 += 6;
    });
    check_changed(SplitWrong, |_, batch| {
        // More than four fifths would follow attribution.
        for place in 0..batch.uplift.len() {
            batch.data[0].amount.0 += batch.uplift[place].amount.0 - 1;
            batch.uplift[place].amount.0 = 1;
        }
    });
    check_changed(SplitWrong, |_, batch| {
        batch.data.clear();
        batch.uplift.clear();
        batch.carries = vec![CarryLine { model: name("base"), before: Amount(9), after: Amount(0) }];
    });
    check_changed(CarryWrong, |_, batch| {
        batch.carries[0].before.0 += 1;
        batch.carries[0].after.0 += 1;
    });
    check_changed(CarryWrong, |world, batch| {
        // Hiding the data share in the carry: the sums hold, the bound of the carry does not.
        *batch = world.batch(&[world.terms("base", 1_000_000, 0, &[(1, 1)], 0)]);
        let hidden = batch.data.remove(0).amount;
        batch.carries = vec![CarryLine { model: name("base"), before: Amount(0), after: hidden }];
    });
    check_changed(ModelUnknown, |_, batch| {
        batch.uplift[0] = UpliftLine { model: name("a-ghost"), amount: batch.uplift[0].amount };
    });
    check_changed(ModelUnknown, |_, batch| batch.builders[0].model = name("a-ghost"));
    check_changed(ProviderUnknown, |_, batch| {
        batch.providers[0].provider = account(STRANGER);
        batch.classes.iter_mut().for_each(|line| line.provider = account(STRANGER));
    });
}

#[test]
fn every_lie_about_classes_has_its_rejection() {
    check_changed(LinesUnsorted, |_, batch| batch.classes.reverse());
    check_changed(LinesUnsorted, |_, batch| batch.classes[0].receipts = 0);
    check_changed(LinesUnsorted, |_, batch| batch.classes[0].reference = Amount(0));
    check_changed(QuoteUnknown, |_, batch| batch.classes[1].round = 77);
    check_changed(QuoteUnknown, |_, batch| batch.classes[0].class = name("a-ghost"));
    check_changed(PremiumWrong, |_, batch| batch.classes[0].premium.0 += 1);
    check_changed(PremiumWrong, |_, batch| batch.classes[0].reference.0 += 10);
    // The dearer quote of another round does not make this premium.
    check_changed(PremiumWrong, |_, batch| batch.classes[1].round = 3);
    check_changed(ClassLinesWrong, |_, batch| drop(batch.classes.pop()));
    check_changed(ClassLinesWrong, |_, batch| batch.classes[0].receipts = 3);
    check_changed(ClassLinesWrong, |_, batch| batch.classes[0].provider = account(STRANGER));
    check_changed(ClassLinesWrong, |world, batch| {
        *batch = world.batch(&[world.terms("base", 1_000_000, 0, &[], 1)]);
        batch.premium_total.0 += 1;
        batch.capacity.0 += 1;
        redebit(world, batch);
    });
    check_changed(SplitWrong, |world, batch| {
        // Beyond the cap nothing more is the provider's.
        *batch = world.batch(&[world.terms("base", 1_000_000, 4, &[], 1)]);
        batch.providers[0].amount.0 += 1;
        batch.capacity.0 -= 1;
    });
}

#[test]
fn a_capped_quote_pays_providers_up_to_the_cap_and_capacity_the_rest() {
    let mut world = World::prepared();
    let capped = world.batch(&[world.terms("base", 1_000_000, 4, &[], 1)]);
    // 428,572 of premium: the provider's 40 % is of 200,000; a fifth of it all is burned.
    assert_eq!(capped.providers[0].amount, Amount(450_000 + 80_000));
    assert_eq!(capped.burn, Amount(50_000 + 85_714));
    assert_eq!(capped.capacity, Amount(428_572 - 80_000 - 85_714));
    world.accept(GATEWAY, settling(capped));
    let free = world.batch(&[world.terms("base", 1_000_000, 2, &[], 1)]);
    assert_eq!(free.providers[0].amount, Amount(450_000 + 171_428));
    world.accept(GATEWAY, settling(free));
    let many: Vec<_> =
        (0..40).map(|place| world.terms("base", 1_001 + place * 17, 1 + place % 6, &[], 1)).collect();
    let mixed = world.batch(&many);
    assert_eq!(mixed.classes.len(), 6);
    world.accept(GATEWAY, settling(mixed));
}

#[test]
fn every_lie_about_builders_and_owners_has_its_rejection() {
    check_changed(RoyaltyWrong, |_, batch| {
        // The tuner's lines go to a stranger.
        let amount = batch.builders[0].amount;
        batch.builders[0] = BuilderLine { model: name("base"), account: account(STRANGER), amount };
    });
    check_changed(RoyaltyWrong, |_, batch| {
        // The parent's part moves to the tuner.
        let tuned: Vec<usize> =
            (0..batch.builders.len()).filter(|place| batch.builders[*place].model == name("tuned")).collect();
        let base =
            *tuned.iter().find(|place| batch.builders[**place].account == title_of(&name("base"))).unwrap();
        let tuner =
            *tuned.iter().find(|place| batch.builders[**place].account == title_of(&name("tuned"))).unwrap();
        batch.builders[base].amount.0 -= 10;
        batch.builders[tuner].amount.0 += 10;
    });
    check_changed(RoyaltyWrong, |_, batch| {
        // The parent's line is left out altogether.
        let base = batch
            .builders
            .iter()
            .position(|line| line.model == name("tuned") && line.account == title_of(&name("base")));
        let left = batch.builders.remove(base.unwrap()).amount;
        let tuner = batch.builders.iter().position(|line| line.account == title_of(&name("tuned"))).unwrap();
        batch.builders[tuner].amount.0 += left.0;
    });
    let line =
        |batch: &Batch, owner: u8| batch.data.iter().position(|line| line.owner == account(owner)).unwrap();
    check_changed(ContributionUnknown, |_, batch| {
        let place = line(batch, AUTHOR);
        batch.data[place].contribution = ContributionId([0; 32]);
    });
    check_changed(OwnerWrong, |_, batch| {
        let place = line(batch, AUTHOR);
        batch.data[place].owner = account(STRANGER);
    });
    check_changed(OwnerWrong, |_, batch| {
        let (first, second) = (line(batch, SECOND_AUTHOR), line(batch, COAUTHOR));
        batch.data[first].amount.0 += 3;
        batch.data[second].amount.0 -= 3;
    });
    check_changed(ClusterNotOwned, |_, batch| {
        let place = line(batch, AUTHOR);
        let amount = batch.data[place].amount;
        batch.data.remove(place);
        let (datanet, contribution) = (name("help"), ContributionId([3; 32]));
        batch.data.push(DataLine { datanet, contribution, owner: account(STRANGER), amount });
    });
}

#[test]
fn a_revoked_contribution_is_not_paid_and_its_gateway_goes_on() {
    let mut world = World::prepared();
    let batch = sample(&world);
    let mut netting = Netting::new();
    let mut carry = Amount(0);
    for terms in
        [world.terms("tuned", 10_007, 0, &[(1, 3), (2, 2)], 1), world.terms("tuned", 7, 2, &[(1, 1)], 0)]
    {
        let terms = CompletionTerms { carry_in: carry, ..terms };
        let lines = split_completion(&terms, &world.parameters).unwrap();
        carry = lines.carry_out;
        netting.add(&lines).unwrap();
    }
    world.accept(
        AUTHOR,
        Action::RevokeContribution { datanet: name("help"), contribution: ContributionId([1; 32]) },
    );
    world.check([(GATEWAY, settling(batch), Err(ContributionRevoked))]);
    netting.revoke(&name("help"), ContributionId([1; 32]));
    let debits = vec![world.debit(world.channel(), Amount(10_017 + 100), CONSUMER)];
    world.check([(GATEWAY, settling(netting.finish(1, 1, bytes32(5), debits)), Ok(()))]);
    assert_eq!(world.account(AUTHOR).escrowed, Amount(0));
}

#[test]
fn only_its_own_gateway_debits_a_channel_within_its_bond() {
    let mut world = World::prepared();
    world.accept(STRANGER, gateway(1_000_000_000, 100));
    world.accept(PROVIDER, transfer(CONSUMER, openledger_types::Asset::Credit, 500_000_000));
    world.accept(CONSUMER, Action::TopUpChannel { channel: world.channel(), amount: Amount(500_000_000) });
    // The collateral of 1,000 OPEN is 100 C; with the fee this is one unit more.
    let within = world.batch(&[world.terms("base", 99_009_901, 0, &[], 1)]);
    let beyond = world.batch(&[world.terms("base", 99_009_902, 0, &[], 1)]);
    world.check([
        (CONSUMER, settling(within.clone()), Err(GatewayUnknown)),
        (STRANGER, settling(within.clone()), Err(NotChannelParty)),
        (GATEWAY, settling(beyond), Err(BondExceeded)),
        (GATEWAY, settling(within), Ok(())),
        (GATEWAY, Action::CloseChannel { channel: world.channel() }, Ok(())),
    ]);
    let closed = world.batch(&[world.terms("base", 1, 0, &[], 1)]);
    world.check([(GATEWAY, settling(closed.clone()), Err(ChannelClosed))]);

    // The gateway bears the loss from a channel to itself, and its sequence goes on.
    let open = Action::OpenChannel {
        gateway: account(GATEWAY),
        authorizer: account(GATEWAY),
        deposit: Amount(1_000),
        salt: bytes32(1),
    };
    world.accept(GATEWAY, open);
    let own = channel_id(&account(GATEWAY), &account(GATEWAY), &bytes32(1));
    let charged = closed.reference_total.plus(closed.router_fee_total).unwrap();
    let mut covered = closed;
    covered.debits = vec![world.debit(own, charged, CONSUMER)];
    world.check([(GATEWAY, settling(covered.clone()), Err(VoucherInvalid))]);
    covered.debits = vec![world.debit(own, charged, GATEWAY)];
    world.accept(GATEWAY, settling(covered));
}

#[test]
fn unaudited_payouts_are_liquid_up_to_half_the_collateral_only() {
    let mut world = World::prepared();
    world.accept(CONSUMER, Action::TopUpChannel { channel: world.channel(), amount: Amount(900_000_000) });
    let before = world.credits(PROVIDER);
    for _ in 0..9 {
        let batch = world.batch(&[world.terms("base", 90_000_000, 0, &[], 1)]);
        world.accept(GATEWAY, settling(batch));
        let provider: ProviderRecord = world.record(&StateKey::Provider(account(PROVIDER))).unwrap();
        assert_eq!(provider.exposure.0, world.credits(PROVIDER) - before);
        assert!(provider.exposure.0 <= 50_000_000);
    }
    // 9 * 40.5 C were earned, 16.2 C of each wanted liquid; half the collateral of 1,000 OPEN is 50 C.
    assert_eq!(world.credits(PROVIDER) - before, 50_000_000);
    assert_eq!(world.account(PROVIDER).escrowed, Amount(9 * 40_500_000 - 50_000_000));
    assert_eq!(world.credits(BASE_BUILDER), 1_000_000_000, "builders have no collateral");
}

#[test]
fn router_fees_are_liquid_up_to_half_the_collateral_only() {
    let mut world = World::prepared();
    world.accept(CONSUMER, Action::TopUpChannel { channel: world.channel(), amount: Amount(900_000_000) });
    let key = StateKey::Gateway(account(GATEWAY));
    let mut record: GatewayRecord = world.record(&key).unwrap();
    record.router_fee = BasisPoints::WHOLE;
    world.state.insert(key.encode(), codec::encode(&record));
    for liquid in [16_000_000, 32_000_000, 48_000_000, 50_000_000] {
        let batch = world.batch(&[world.terms("base", 40_000_000, 0, &[], 1)]);
        world.accept(GATEWAY, settling(batch));
        assert_eq!(world.credits(GATEWAY), 1_000_000_000 + liquid);
    }
    let tranche: TrancheRecord =
        world.record(&StateKey::Tranche(account(GATEWAY), Role::Gateway, 0)).unwrap();
    assert_eq!(tranche.amount, Amount(110_000_000));
}

#[test]
fn mature_data_is_partly_liquid_and_unlocks() {
    let mut world = World::prepared();
    let key = StateKey::Contribution(name("help"), ContributionId([1; 32]));
    let mut record: ContributionRecord = world.record(&key).unwrap();
    record.mature = true;
    world.state.insert(key.encode(), codec::encode(&record));
    let batch = world.batch(&[world.terms("base", 10_007, 0, &[(1, 3), (2, 2)], 1)]);
    world.accept(GATEWAY, settling(batch));
    assert_eq!(world.credits(AUTHOR), 1_000_000_000 + 680 / 4);
    let tranche: TrancheRecord = world.record(&StateKey::Tranche(account(AUTHOR), Role::Data, 0)).unwrap();
    assert_eq!((tranche.amount, tranche.linear_epochs), (Amount(510), 90));
}

/// I22: 2^63 uC, 64 clusters, the highest reputation.
#[test]
fn the_largest_completion_settles_without_overflow() {
    let mut world = World::with(|_| {}, u64::MAX / 13).prepare();
    // Beyond its bounds, so that no bond stands in the way of the largest amounts.
    world.parameters.collateral_per_open = Amount(u64::MAX);
    world.state.insert(StateKey::Parameters.encode(), codec::encode(&world.parameters));
    for who in [AUTHOR, COAUTHOR, SECOND_AUTHOR, BASE_BUILDER, TUNER, PROVIDER, STRANGER, 10, 11] {
        world.accept(who, transfer(CONSUMER, openledger_types::Asset::Credit, u64::MAX / 13));
    }
    let rest = world.credits(CONSUMER);
    world.accept(CONSUMER, Action::TopUpChannel { channel: world.channel(), amount: Amount(rest) });
    let contributions =
        (100..164).map(|id| contribution(id, id, &[(AUTHOR, u16::MAX), (COAUTHOR, 1)])).collect();
    world.accept(CURATOR, Action::Contribute { datanet: name("help"), contributions });
    for (who, domain) in [(PROVIDER, Domain::Serving), (GATEWAY, Domain::Routing)] {
        let key = StateKey::Reputation(ReputationKey::Evidence(account(who), domain));
        let base = u32::MAX;
        let evidence =
            EvidenceRecord { alpha: u64::MAX, beta: 0, units: 0, epoch: 0, base, fraud_epoch: None };
        world.state.insert(key.encode(), codec::encode(&evidence));
    }
    let shares: Vec<(u8, u64)> = (100..164).map(|id| (id, u64::MAX)).collect();
    let batch = world.batch(&[world.terms("tuned", 1 << 63, 3, &shares, u64::MAX)]);
    world.accept(GATEWAY, settling(batch));
    let channel: ChannelRecord = world.record(&StateKey::Channel(world.channel())).unwrap();
    assert!(channel.spent.0 > 1 << 63);
}

#[test]
fn netting_refuses_what_does_not_add_up() {
    let world = World::prepared();
    let lines =
        split_completion(&world.terms("base", 10_007, 0, &[(1, 3), (2, 2)], 1), &world.parameters).unwrap();
    let mut netting = Netting::new();
    netting.add(&lines).unwrap();
    let broken = netting.add(&lines).unwrap_err();
    let expected =
        NettingError::CarryBroken { model: name("base"), given: Amount(0), expected: lines.carry_out };
    assert_eq!(broken, expected);
    let inexact = CompletionLines { uplift: Amount(1), carry_in: lines.carry_out, ..lines.clone() };
    assert_eq!(netting.add(&inexact), Err(NettingError::Inexact));
    let mut many = Netting::new();
    let small = CompletionTerms { shares: vec![], unattributed: 1, ..world.terms("base", 10, 0, &[], 1) };
    let small = split_completion(&small, &world.parameters).unwrap();
    for _ in 0..1_024 {
        many.add(&small).unwrap();
    }
    assert_eq!(many.add(&small), Err(NettingError::Full));
}

/// A provider took its stake back and went on earning: nothing but a week of its own pay answered for its work.
#[test]
fn what_a_provider_without_stake_earns_waits_as_long_as_stake_does() {
    let mut world = World::prepared();
    let tranche = |world: &World, epoch| {
        let key = StateKey::Tranche(account(PROVIDER), Role::Provider, epoch);
        world.record::<TrancheRecord>(&key).unwrap()
    };
    let earn = |world: &mut World| {
        let batch = world.batch(&[world.terms("base", 10_000, 0, &[], 1)]);
        world.accept(GATEWAY, settling(batch));
    };
    let unbond = Action::Unbond { role: Role::Provider, amount: Amount(1_000_000_000) };
    world.accept(PROVIDER, unbond);
    earn(&mut world);
    assert_eq!((tranche(&world, 0).amount, tranche(&world, 0).cliff_epochs), (Amount(4_500), 90));
    world.pass(1);
    world.accept(PROVIDER, Action::RaiseBond { role: Role::Provider, amount: Amount(1_000_000_000) });
    earn(&mut world);
    assert_eq!((tranche(&world, 0).cliff_epochs, tranche(&world, 1).cliff_epochs), (90, 7));
}
