//! The axioms of the Shapley value, exact sums, and the mix, over random games. `by_orders` is the model: the mean over
//! every order of the players.

use openledger_datanet::ContributionId;
use proptest::prelude::*;

use super::*;
use crate::tests::{entry, index_of};

/// The values of all sets of `players`.
fn game(players: usize) -> impl Strategy<Value = Vec<i64>> {
    let value = prop_oneof![Just(0i64), -50_000_000i64..=0, Just(-VALUE_MAX)];
    prop::collection::vec(value, 1 << players)
}

fn games(most: usize) -> impl Strategy<Value = (usize, Vec<i64>)> {
    (0..=most).prop_flat_map(|players| game(players).prop_map(move |values| (players, values)))
}

fn exact(players: usize, values: &[i64]) -> Parts {
    Plan::new(players, &[0; 32]).expect("few players").parts(values).expect("good values")
}

fn all_orders(players: usize) -> Vec<Vec<usize>> {
    let Some(last) = players.checked_sub(1) else { return vec![Vec::new()] };
    let mut orders = Vec::new();
    for order in all_orders(last) {
        for place in 0..players {
            let mut longer = order.clone();
            longer.insert(place, last);
            orders.push(longer);
        }
    }
    orders
}

/// What each player adds, summed over every order, and how many orders there are.
fn by_orders(players: usize, value: impl Fn(usize) -> i128) -> Parts {
    let mut numerators = vec![0; players];
    let orders = all_orders(players);
    for order in &orders {
        let mut set = 0;
        for player in order {
            numerators[*player] += value(set | 1 << player) - value(set);
            set |= 1 << player;
        }
    }
    Parts { numerators, denominator: orders.len() as i128 }
}

/// The game in which player `n` is called `names[n]`.
fn renamed(values: &[i64], names: &[usize]) -> Vec<i64> {
    let mut renamed = vec![0; values.len()];
    for (set, value) in values.iter().enumerate() {
        let named = (0..names.len()).filter(|player| set & (1 << player) != 0);
        renamed[named.map(|player| 1 << names[player]).sum::<usize>()] = *value;
    }
    renamed
}

proptest! {
    #[test]
    fn exact_parts_are_the_mean_over_all_orders((players, values) in games(5)) {
        prop_assert_eq!(exact(players, &values), by_orders(players, |set| i128::from(values[set])));
    }

    #[test]
    fn parts_sum_to_what_all_players_add((players, values) in games(8), seed: [u8; 32]) {
        let plan = Plan::new(players, &seed).expect("few players");
        let values: Vec<i64> = plan.subsets().iter().map(|set| values[*set as usize]).collect();
        let parts = plan.parts(&values).expect("good values");
        let adds = i128::from(values[values.len() - 1]) - i128::from(values[0]);
        prop_assert_eq!(parts.numerators.iter().sum::<i128>(), adds * parts.denominator);
    }

    #[test]
    fn equal_players_get_equal_parts((players, values) in games(5), a in 0usize..5, b in 0usize..5) {
        prop_assume!(a < players && b < players);
        // The game that does not tell both apart: the sets that one swaps for the other get one value.
        let swapped = |set: usize| {
            let (has_a, has_b) = (set >> a & 1, set >> b & 1);
            set & !(1 << a) & !(1 << b) | has_b << a | has_a << b
        };
        let values: Vec<i64> = (0..values.len()).map(|set| values[set].min(values[swapped(set)])).collect();
        let parts = exact(players, &values);
        prop_assert_eq!(parts.numerators[a], parts.numerators[b]);
    }

    #[test]
    fn who_adds_nothing_gets_nothing((players, values) in games(8), idle in 0usize..8, seed: [u8; 32]) {
        prop_assume!(idle < players);
        let plan = Plan::new(players, &seed).expect("few players");
        let without = |set: u32| values[set as usize & !(1 << idle)];
        let values: Vec<i64> = plan.subsets().iter().map(|set| without(*set)).collect();
        prop_assert_eq!(plan.parts(&values).expect("good values").numerators[idle], 0);
        prop_assert_eq!(plan.masses(&values, TOTAL_MAX).expect("good values")[idle], 0);
    }

    #[test]
    fn parts_of_a_sum_of_games_are_sums_of_parts(
        (players, one, two) in (0usize..=5).prop_flat_map(|n| (Just(n), game(n), game(n)))
    ) {
        let half = |values: &[i64]| values.iter().map(|value| value / 2).collect::<Vec<_>>();
        let (one, two) = (half(&one), half(&two));
        let both: Vec<i64> = one.iter().zip(&two).map(|(one, two)| one + two).collect();
        let (one, two) = (exact(players, &one), exact(players, &two));
        let sums = one.numerators.iter().zip(&two.numerators).map(|(one, two)| one + two);
        prop_assert_eq!(exact(players, &both).numerators, sums.collect::<Vec<_>>());
    }

    #[test]
    fn names_do_not_matter((players, values) in games(5), turn in 0usize..5, total in 0..=TOTAL_MAX) {
        let names: Vec<usize> = (0..players).map(|player| (player + turn) % players).collect();
        let masses = |values: &[i64]| {
            let plan = Plan::new(players, &[0; 32]).expect("few players");
            plan.masses(values, total).expect("good values")
        };
        let (plain, turned) = (masses(&values), masses(&renamed(&values, &names)));
        for player in 0..players {
            prop_assert_eq!(plain[player], turned[names[player]]);
        }
    }

    #[test]
    fn masses_follow_the_formula((players, values) in games(5), total in 0..=TOTAL_MAX) {
        let plan = Plan::new(players, &[0; 32]).expect("few players");
        let masses = plan.masses(&values, total).expect("good values");
        let Parts { numerators, denominator } = by_orders(players, |set| i128::from(values[set]));
        let positive: i128 = numerators.iter().filter(|part| **part > 0).sum();
        let whole = positive.max(-i128::from(values[0]) * denominator);
        for (mass, part) in masses.iter().zip(&numerators) {
            let (mass, ideal) = (i128::from(*mass), i128::from(total) * (*part).max(0));
            prop_assert!(whole == 0 && mass == 0 || mass * whole <= ideal && ideal < (mass + 1) * whole);
        }
        prop_assert!(masses.iter().sum::<u64>() <= total);
    }

    #[test]
    fn a_mix_sums_to_the_total(
        total in 0..=TOTAL_MAX, cuts in prop::collection::vec((any::<u16>(), any::<u16>(), 0u16..=10_000), 0..6)
    ) {
        // Each part takes some of what earlier ones left, by either method.
        let (mut verbatim_left, mut context_left) = (total, total);
        let take = |left: &mut u64, part: u16| {
            let taken = *left / 65_536 * u64::from(part);
            *left -= taken;
            taken
        };
        let parts: Vec<Part> = cuts.iter().map(|(verbatim, context, points)| Part {
            verbatim: take(&mut verbatim_left, *verbatim),
            context: take(&mut context_left, *context),
            verbatim_points: *points,
            context_points: 10_000 - points,
        }).collect();
        let mixed = mix(total, verbatim_left, &parts).expect("of one answer");
        let sum = mixed.masses.iter().sum::<u64>() + mixed.common + mixed.unattributed;
        prop_assert_eq!(sum, total);
        let claim = |part: &Part| part.verbatim_claim() + part.context_claim();
        let claimed: u128 = parts.iter().map(claim).sum();
        for ((mass, context), part) in mixed.masses.iter().zip(&mixed.context).zip(&parts) {
            prop_assert!(u128::from(*mass) <= claim(part) / 10_000, "nobody gets more than he claims");
            prop_assert!(u128::from(*mass) >= part.verbatim_claim() / 10_000, "help takes nothing from words");
            let explained = u128::from(part.context) * u128::from(part.context_points) / 10_000;
            prop_assert!(context <= mass && u128::from(*context) <= explained);
            if claimed <= u128::from(total) * 10_000 {
                prop_assert_eq!((u128::from(*mass), u128::from(*context)), (claim(part) / 10_000, explained));
            }
        }
    }
}

#[test]
fn five_players_are_exact_and_more_are_bounded() {
    for players in 0..=PLAYERS_MAX {
        let plan = Plan::new(players, &[7; 32]).expect("not too many");
        let subsets = plan.subsets();
        assert!(subsets.is_sorted_by(|one, next| one < next) && subsets[0] == 0);
        assert_eq!(subsets[subsets.len() - 1], (1u32 << players) - 1, "the last set is everybody");
        if players <= PLAYERS_EXACT_MAX {
            assert_eq!(subsets.len(), 1 << players);
        } else {
            assert!(subsets.len() <= ORDERS * (players - 1) + 2, "{players}: {}", subsets.len());
            assert_eq!(plan.orders.len(), ORDERS);
            for pair in plan.orders.chunks(2) {
                assert!(pair[0].iter().eq(pair[1].iter().rev()), "an order and its reverse");
            }
            assert_ne!(plan, Plan::new(players, &[8; 32]).expect("not too many"), "the seed matters");
        }
    }
    let error = Plan::new(PLAYERS_MAX + 1, &[0; 32]).expect_err("too many");
    assert_eq!(error, ContextError::TooManyPlayers { players: 17 });
}

/// Where every player adds the same whoever came before, the drawn orders are exact; where pairs help each other, antithetic
/// orders are as well, because each of two comes first in half of the orders.
#[test]
fn drawn_orders_are_exact_for_sums_and_pairs() {
    let players = 9;
    let plan = Plan::new(players, &[3; 32]).expect("not too many");
    let value = |set: u32| {
        let own: i64 = (0..9).filter(|player| set >> player & 1 == 1).map(|player| 1_000 << player).sum();
        let together = if set & 0b11 == 0b11 { 500_000 } else { 0 };
        own + together - 2_000_000
    };
    let values: Vec<i64> = plan.subsets().iter().map(|set| value(*set)).collect();
    let parts = plan.parts(&values).expect("good values");
    let adds = |player: usize| (1_000 << player) + if player < 2 { 250_000 } else { 0 };
    let expected: Vec<i128> = (0..players).map(|player| adds(player) * ORDERS as i128).collect();
    assert_eq!(parts.numerators, expected);
}

#[test]
fn the_recorded_orders_are_drawn() {
    let plan = Plan::new(6, &seed(&[1; 32], &[ClusterId([2; 32])], &[3; 32])).expect("not too many");
    // As another program computed them from the rules.
    assert_eq!(plan.orders[0], [1, 3, 2, 5, 4, 0]);
    assert_eq!(plan.orders[62], [3, 2, 4, 5, 1, 0]);
}

#[test]
fn what_passages_did_not_explain_is_unattributed() {
    let plan = Plan::new(2, &[0; 32]).expect("few");
    // Nobody: 8 nats of surprise. The first passage alone explains 6, the second 2, both 6.
    let nat = 65_536;
    let values = [-8 * nat, -2 * nat, -6 * nat, -2 * nat];
    assert_eq!(plan.masses(&values, 8_000).expect("good"), [5_000, 1_000]);
    // The second one misleads: it counts as zero, and takes nothing from the first.
    let values = [-8 * nat, -2 * nat, -12 * nat, -6 * nat];
    assert_eq!(plan.masses(&values, 8_000).expect("good"), [6_000, 0]);
    // An answer that is certain without any passage has nothing to explain.
    assert_eq!(plan.masses(&[0, 0, 0, 0], 8_000).expect("good"), [0, 0]);
    let error = plan.masses(&[0, 1, 0, 0], 8_000).expect_err("a probability above one");
    assert_eq!(error, ContextError::ValueOutOfRange { value: 1 });
    let error = plan.masses(&[0, 0, 0], 8_000).expect_err("a set is missing");
    assert_eq!(error, ContextError::ValuesWrong { values: 3, subsets: 4 });
}

#[test]
fn each_datanet_has_its_own_mix() {
    let part = |verbatim, context, verbatim_points| Part {
        verbatim,
        context,
        verbatim_points,
        context_points: 10_000 - verbatim_points,
    };
    let rows = [
        // One mix: half of each.
        (vec![part(600, 300, 5_000), part(0, 401, 5_000)], 100, ([450, 200], [150, 200], 100, 250)),
        // Words alone beside context alone: the claims fit.
        (vec![part(500, 600, 10_000), part(200, 300, 0)], 0, ([500, 300], [0, 300], 0, 200)),
        // They do not fit: words keep their 900, and help gets what is left; nothing is left to be common.
        (vec![part(900, 0, 10_000), part(0, 800, 0)], 100, ([900, 100], [0, 100], 0, 0)),
    ];
    for (parts, common, (masses, context, common_left, unattributed)) in rows {
        let mixed = mix(1_000, common, &parts).expect("of one answer");
        let (masses, context) = (masses.to_vec(), context.to_vec());
        assert_eq!(mixed, Mixed { masses, context, common: common_left, unattributed });
    }
    let wrong = [
        (TOTAL_MAX + 1, 0, vec![]),
        (1_000, 401, vec![part(600, 0, 10_000)]),
        (1_000, 0, vec![part(0, 600, 0), part(0, 401, 0)]),
        (1_000, 0, vec![Part { context_points: 1, ..part(1, 1, 10_000) }]),
    ];
    for (total, common, parts) in wrong {
        assert!(matches!(mix(total, common, &parts), Err(ContextError::PartsWrong { .. })), "{parts:?}");
    }
}

#[test]
fn copies_are_one_player_and_the_earliest_owns_it() {
    let (early, late) = (entry(1, "X", "the same few words"), entry(5, "Y", "The same, few words!"));
    let other = entry(6, "Y", "something else entirely here");
    let id = |entry: &openledger_datanet::Entry| entry.contribution.id();
    let index =
        index_of(&[("a".into(), vec![late.clone(), other.clone()]), ("b".into(), vec![early.clone()])]);
    let passages = [("a", id(&late)), ("a", id(&other)), ("b", id(&early)), ("a", ContributionId([9; 32]))];
    let found = players(&index, &passages);
    assert_eq!(found.len(), 2, "the copies are one player, the unknown text is none");
    assert!(found[0].cluster < found[1].cluster);
    let copied = found.iter().find(|player| player.passages == [0, 2]).expect("both copies");
    assert_eq!((copied.datanet.as_str(), copied.contribution), ("b", id(&early)));
    let alone = found.iter().find(|player| player.passages == [1]).expect("the other text");
    assert_eq!((alone.datanet.as_str(), alone.contribution), ("a", id(&other)));
}
