//! Random histories of governance. I18: no single house, cluster or council executes money or constitution, and a delay
//! that runs never becomes shorter. I24: a pause moves nothing (the world checks conservation after every action). The parts
//! of a house never exceed its sum; the order of votes does not matter; dividing a stake gains nothing.
//! Not checked here: that a house decides well.

use proptest::prelude::*;

use super::*;
use crate::governance::arithmetic::{counted, grown, weight_at};

type Seed = (u8, u8, u8, u64);

fn action(world: &World, (kind, one, two, number): Seed) -> Action {
    let last: ScopeRecord = world.record(&GovernanceKey::Scope(Scope::Protocol).state()).unwrap_or_default();
    let proposal = if last.proposals == 0 { 1 } else { 1 + number % last.proposals };
    match kind % 16 {
        0 => lock(number % 2_000_000_000),
        1 => unlock(number % 1_500_000_000),
        2 => release(),
        3 => enrol(&[Domain::Serving]),
        4 => ask(GovernanceAction::RefreshEnrolment {
            scope: Scope::Protocol,
            account: account(one % ACCOUNTS),
        }),
        5 => {
            let changes = [
                vec![set("router_fee_max", 900 + number % 200)],
                vec![grant(number % 12_000_000)],
                vec![set("split.burn", 400 + number % 100), set("split.maintenance", 800 - number % 100)],
                vec![set("governance.money_delay_low_epochs", 1 + number % 10)],
            ];
            propose(&changes[usize::from(two % 4)], Some(Target { value: number % 3, ..KEPT }))
        }
        6..=9 => vote(proposal, !one.is_multiple_of(4)),
        10 => close(proposal),
        11 => run(proposal),
        12 => review(proposal),
        13 => ask(GovernanceAction::Leave {
            scope: Scope::Protocol,
            proposal,
            scopes: vec![],
            tranches: vec![],
            unbonding: vec![],
        }),
        14 => ask([GovernanceAction::OpenElection, GovernanceAction::Stand, GovernanceAction::CloseElection]
            [usize::from(two % 3)]
        .clone()),
        _ => ask(GovernanceAction::Elect { candidate: account(one % ACCOUNTS) }),
    }
}

/// The parts never exceed the sum, in either house, at the beginning of the next epoch.
fn check_houses(world: &World) {
    let parameters: Parameters = world.record(&StateKey::Parameters).unwrap();
    let next = parameters.epoch_at(world.context.timestamp_ms) + 1;
    for house in [House::Token, House::Contributors] {
        let key = GovernanceKey::House(Scope::Protocol, house).state();
        let record: HouseRecord = world.record(&key).unwrap_or_default();
        let sum = counted(grown(record.now, house, next - record.epoch, &parameters.governance));
        let parts = (0..ACCOUNTS).map(|who| {
            let weights = match house {
                House::Token => {
                    let key = GovernanceKey::Lock(Scope::Protocol, account(who)).state();
                    world.record::<LockRecord>(&key).unwrap_or_default().weights
                }
                House::Contributors => {
                    let key = GovernanceKey::Enrolment(Scope::Protocol, account(who)).state();
                    world.record::<EnrolmentRecord>(&key).unwrap_or_default().weights
                }
            };
            weight_at(&weights, house, next, &parameters.governance)
        });
        let parts: u64 = parts.sum();
        assert!(parts <= sum, "{house:?}: the parts are {parts}, the sum is {sum}");
        // What rounding leaves is small.
        assert!(sum - parts <= 10_000 + (sum >> 20), "{house:?}: the parts are {parts}, the sum is {sum}");
    }
}

/// What is executed had its majorities, its quorums and its delay.
fn check_proposals(before: &World, world: &World) {
    for number in 1.. {
        let key = GovernanceKey::Proposal(Scope::Protocol, number).state();
        let Some(now) = world.record::<ProposalRecord>(&key) else { break };
        let Some(then) = before.record::<ProposalRecord>(&key) else { continue };
        assert_eq!((now.terms, &now.changes, now.class), (then.terms, &then.changes, then.class));
        if let (
            Stage::Approved { executes_in_epoch: earlier, .. },
            Stage::Approved { executes_in_epoch: later, .. },
        ) = (then.stage, now.stage)
        {
            assert!(earlier <= later, "a delay became shorter");
        }
        let Stage::Executed { epoch, .. } = now.stage else { continue };
        // An executed one changes once more when it is reviewed, renewed or ends.
        if matches!(then.stage, Stage::Executed { .. }) || now.class == ProposalClass::Routine {
            continue;
        }
        let Stage::Approved { executes_in_epoch, .. } = then.stage else { panic!("{:?}", then.stage) };
        assert!(epoch >= executes_in_epoch);
        for (tally, quorum, cap) in [
            (now.token, now.terms.token, now.terms.token_cap),
            (now.contributors, now.terms.contributors, now.terms.contributor_cap),
        ] {
            assert!((tally.yes + tally.no) * 10_000 >= tally.total * u64::from(quorum));
            assert!(cap < quorum, "no cluster is a quorum");
            assert!(tally.yes > 0 && tally.yes + tally.no <= tally.total);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn random_histories_keep_the_houses_and_the_delays(
        seeds in prop::collection::vec((any::<u8>(), any::<u8>(), any::<u8>(), any::<u64>()), 120),
    ) {
        let mut world = voters();
        let (mut accepted, mut refused) = (0, 0);
        for seed in seeds {
            let before = world.clone();
            let action = action(&world, seed);
            let who = seed.1 % ACCOUNTS;
            match world.send(who, action) {
                Ok(_) => accepted += 1,
                Err(_) => refused += 1,
            }
            check_proposals(&before, &world);
            check_houses(&world);
            if seed.2.is_multiple_of(4) {
                world.pass(seed.3 % 4);
            }
        }
        prop_assert!(accepted > 0 && refused > 0);
    }

    #[test]
    fn the_order_of_votes_does_not_matter(order in Just((0..VOTERS).collect::<Vec<u8>>()).prop_shuffle(), sides in any::<u16>(), linked in 0u8..9) {
        let mut world = voters();
        link(&mut world, linked, linked + 1);
        world.pass(1);
        world.accept(0, propose(&[grant(1_000)], Some(KEPT)));
        let mut other = world.clone();
        for who in 0..VOTERS {
            world.accept(who, vote(1, sides >> who & 1 == 1));
        }
        for who in order {
            other.accept(who, vote(1, sides >> who & 1 == 0));
            other.accept(who, vote(1, sides >> who & 1 == 1));
        }
        prop_assert_eq!(proposal(&world, 1).token, proposal(&other, 1).token);
        prop_assert_eq!(proposal(&world, 1).contributors, proposal(&other, 1).contributors);
        let cluster = proposal(&world, 1).token;
        prop_assert!(cluster.yes + cluster.no <= cluster.total * 9 / 10 + 1, "two linked accounts count as one");
    }

    /// A18 and A16 in small: the same OPEN in one account or in several gives no more votes.
    #[test]
    fn dividing_a_stake_gains_nothing(parts in prop::collection::vec(1u64..400_000_000, 2..5), epochs in 1u64..40) {
        let whole: u64 = parts.iter().sum();
        let weight = |amounts: &[u64]| -> u64 {
            let mut world = World::new();
            for (who, amount) in amounts.iter().enumerate() {
                world.accept(u8::try_from(who).unwrap(), lock(*amount));
            }
            world.pass(epochs);
            let now = world.context.timestamp_ms / world.parameters.epoch_ms;
            let parameters = world.parameters.governance;
            let of = |who| {
                let key = GovernanceKey::Lock(Scope::Protocol, account(who)).state();
                let record: LockRecord = world.record(&key).unwrap();
                weight_at(&record.weights, House::Token, now, &parameters)
            };
            (0..u8::try_from(amounts.len()).unwrap()).map(of).sum()
        };
        prop_assert!(weight(&parts) <= weight(&[whole]));
    }
}
