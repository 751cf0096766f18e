//! Policies, roles and curatorship.

use openledger_types::Rejection::*;
use openledger_types::datanets::{
    Contributors, DatanetAction, DatanetRole, Mix, Policy, Provenance, RulesRecord, treasury_account,
};
use openledger_types::record::{ContributionRecord, DatanetRecord, OwnerRecord, SnapshotRecord};
use openledger_types::{Action, Amount, BasisPoints, ContributionId};
use proptest::prelude::*;

use super::super::rules::owners;
use super::*;
use crate::datanets::DatanetKey;
use crate::settlement::split_owners;
use crate::tests::*;

/// Everybody contributes; 5 % to the curator, 10 % to the treasury.
pub(in crate::datanets) fn open_policy() -> Policy {
    Policy {
        licenses: vec!["CC-BY-SA-4.0".into(), "CC0-1.0".into()],
        contributors: Contributors::Anyone,
        provenance: vec![Provenance::Synthetic, Provenance::Unverified, Provenance::Human],
        imports: Provenance::Human,
        quality_bar: BasisPoints(5_000),
        contribution_bond: Amount::ZERO,
        curator_share: BasisPoints(500),
        treasury_share: BasisPoints(1_000),
        mix: Mix::VERBATIM,
        private: false,
    }
}

pub(super) fn create_open(policy: Policy) -> Action {
    Action::Datanets(DatanetAction::Create {
        name: name("open"),
        title: "Open".into(),
        policy: Box::new(policy),
    })
}

fn set(change: impl FnOnce(&mut Policy)) -> Action {
    let mut policy = open_policy();
    change(&mut policy);
    Action::Datanets(DatanetAction::SetPolicy { datanet: name("open"), policy: Box::new(policy) })
}

pub(super) fn grant(who: u8, role: DatanetRole) -> Action {
    Action::Datanets(DatanetAction::Grant { datanet: name("open"), account: account(who), role })
}

fn withdraw(who: u8, role: DatanetRole) -> Action {
    Action::Datanets(DatanetAction::Withdraw { datanet: name("open"), account: account(who), role })
}

fn offer(to: Option<u8>) -> Action {
    Action::Datanets(DatanetAction::OfferCuratorship { datanet: name("open"), to: to.map(account) })
}

fn accept() -> Action {
    Action::Datanets(DatanetAction::AcceptCuratorship { datanet: name("open") })
}

fn import(id: u8, license: &str) -> Action {
    let mut new = contribution(id, id, &[(AUTHOR, 1), (COAUTHOR, 2)]);
    new.license = license.into();
    Action::Contribute { datanet: name("open"), contributions: vec![new] }
}

pub(super) fn contribution_of(world: &World, id: u8) -> Option<ContributionRecord> {
    world.record(&StateKey::Contribution(name("open"), ContributionId([id; 32])))
}

#[test]
fn a_policy_is_within_the_bounds_and_changes_in_steps() {
    let mut world = World::new();
    let seventeen = (0..17).map(|number| format!("licence-{number}")).collect::<Vec<_>>();
    let wrong: Vec<Box<dyn Fn(&mut Policy)>> = vec![
        Box::new(move |policy| policy.licenses = seventeen.clone()),
        Box::new(|policy| policy.licenses = vec![String::new()]),
        Box::new(|policy| policy.licenses = vec!["x".repeat(65)]),
        Box::new(|policy| policy.licenses = vec!["x".into(); 2]),
        Box::new(|policy| policy.provenance.clear()),
        Box::new(|policy| policy.provenance.reverse()),
        Box::new(|policy| policy.private = true),
        Box::new(|policy| policy.contribution_bond = Amount(1)),
        Box::new(|policy| policy.contributors = Contributors::Bonded),
        Box::new(|policy| policy.quality_bar = BasisPoints(10_001)),
    ];
    for change in wrong {
        let mut policy = open_policy();
        change(&mut policy);
        world.check([(CURATOR, create_open(policy), Err(PolicyInvalid))]);
    }
    let share = |curator, treasury| {
        move |policy: &mut Policy| {
            (policy.curator_share, policy.treasury_share) = (BasisPoints(curator), BasisPoints(treasury));
        }
    };
    let greedy = Policy { curator_share: BasisPoints(1_001), ..open_policy() };
    let mixed = |verbatim, context, influence| {
        let parts = [verbatim, context, influence].map(BasisPoints);
        move |policy: &mut Policy| {
            policy.mix = Mix { verbatim: parts[0], context: parts[1], influence: parts[2] };
        }
    };
    let free = move |policy: &mut Policy| {
        share(0, 0)(policy);
        mixed(4_000, 6_000, 0)(policy);
    };
    world.check([
        (CURATOR, create_open(greedy), Err(ShareTooHigh)),
        (CURATOR, set(|_| ()), Err(DatanetUnknown)),
        (CURATOR, create_open(open_policy()), Ok(())),
        (STRANGER, create_open(open_policy()), Err(DatanetExists)),
        (STRANGER, set(|_| ()), Err(NotCurator)),
        (CURATOR, set(|policy| policy.provenance.clear()), Err(PolicyInvalid)),
        (CURATOR, set(share(500, 2_001)), Err(ShareTooHigh)),
        (CURATOR, set(share(701, 0)), Err(ShareStepTooLarge)),
        (CURATOR, set(share(0, 1_201)), Err(ShareStepTooLarge)),
        (CURATOR, set(mixed(5_000, 4_999, 0)), Err(MixInvalid)),
        (CURATOR, set(mixed(u16::MAX, 10_001, 0)), Err(MixInvalid)),
        (CURATOR, set(mixed(9_999, 0, 1)), Err(InfluenceAbsent)),
        (CURATOR, set(mixed(0, 0, 10_001)), Err(MixInvalid)),
        (CURATOR, set(mixed(0, 10_000, 0)), Ok(())),
        (CURATOR, set(share(700, 1_200)), Ok(())),
        (CURATOR, set(free), Ok(())),
        (CURATOR, import(1, "MIT"), Err(LicenseNotAllowed)),
        (CURATOR, import(1, "CC0-1.0"), Ok(())),
    ]);
    world.pass(6);
    world.accept(CURATOR, import(2, ""));
    world.pass(1);
    world.accept(CURATOR, import(3, "CC0-1.0"));
    let count = |id| contribution_of(&world, id).unwrap().owners.len();
    assert_eq!([count(1), count(2), count(3)], [4, 4, 2], "the delay, and never for what was there before");
    let seal = |version| Action::SealSnapshot {
        datanet: name("open"),
        version,
        root: bytes32(1),
        index_root: bytes32(2),
        contributions: 1,
    };
    world.accept(CURATOR, seal(1));
    let snapshot: SnapshotRecord = world.record(&StateKey::Snapshot(name("open"), 1)).unwrap();
    let mut in_force = open_policy();
    free(&mut in_force);
    assert_eq!(snapshot.policy, in_force.hash(), "a snapshot binds the policy in force");
    assert_eq!(snapshot.mix, in_force.mix, "and is shared by its mix");
}

#[test]
fn a_later_change_replaces_the_one_to_come_and_history_is_bounded() {
    let mut world = World::new();
    world.accept(CURATOR, create_open(open_policy()));
    for round in 0..6u16 {
        world.accept(CURATOR, set(|policy| policy.quality_bar = BasisPoints(9_000)));
        world.accept(CURATOR, set(|policy| policy.quality_bar = BasisPoints(round)));
        world.pass(7);
    }
    let key = StateKey::Datanets(DatanetKey::Rules(name("open")));
    let rules: RulesRecord = world.record(&key).unwrap();
    assert_eq!(rules.policies.len(), 3);
    let bar = |epoch| rules.at(epoch).quality_bar.0;
    let now = world.parameters.epoch_at(world.context.timestamp_ms);
    assert_eq!([bar(now), bar(now - 1), bar(now - 8), bar(0)], [5, 4, 3, 3]);
}

#[test]
fn roles_and_curatorship_change_hands_by_consent() {
    let mut world = World::new();
    world.accept(CURATOR, create_open(open_policy()));
    let reviewer = DatanetRole::Reviewer;
    world.check([
        (STRANGER, grant(AUTHOR, reviewer), Err(NotCurator)),
        (CURATOR, grant(AUTHOR, reviewer), Ok(())),
        (CURATOR, grant(AUTHOR, reviewer), Err(RoleHeld)),
        (CURATOR, grant(AUTHOR, DatanetRole::Labeller), Ok(())),
        (CURATOR, withdraw(COAUTHOR, reviewer), Err(RoleNotHeld)),
        (STRANGER, withdraw(AUTHOR, reviewer), Err(NotCurator)),
        (AUTHOR, withdraw(AUTHOR, reviewer), Ok(())),
        (AUTHOR, withdraw(AUTHOR, reviewer), Err(RoleNotHeld)),
        (CURATOR, withdraw(AUTHOR, DatanetRole::Labeller), Ok(())),
        (STRANGER, offer(Some(STRANGER)), Err(NotCurator)),
        (STRANGER, accept(), Err(CuratorshipNotOffered)),
        (CURATOR, offer(Some(STRANGER)), Ok(())),
        (AUTHOR, accept(), Err(CuratorshipNotOffered)),
        (CURATOR, offer(None), Ok(())),
        (STRANGER, accept(), Err(CuratorshipNotOffered)),
        (CURATOR, import(1, ""), Ok(())),
        (CURATOR, offer(Some(STRANGER)), Ok(())),
        (STRANGER, accept(), Ok(())),
        (STRANGER, accept(), Err(CuratorshipNotOffered)),
        (CURATOR, import(2, ""), Err(NotCurator)),
        (STRANGER, import(2, ""), Ok(())),
    ]);
    let datanet: DatanetRecord = world.record(&StateKey::Datanet(name("open"))).unwrap();
    assert_eq!(datanet.curator, account(STRANGER));
    let curated = |id: u8| contribution_of(&world, id).unwrap().owners[2].account;
    assert_eq!(
        [curated(1), curated(2)],
        [account(CURATOR), account(STRANGER)],
        "whoever did the work is paid"
    );
}

#[test]
fn curator_and_treasury_are_paid_their_shares_and_wait_like_owners() {
    let mut world = World::prepared();
    world.accept(CURATOR, create_open(open_policy()));
    world.accept(CURATOR, import(1, ""));
    let ContributionRecord { owners, factor, .. } = contribution_of(&world, 1).unwrap();
    let mut terms = world.terms("base", 10_007, 0, &[], 0);
    let contribution = ContributionId([1; 32]);
    terms.shares = vec![crate::DataShare {
        datanet: name("open"),
        contribution,
        weight: 1,
        factor,
        owners: owners.into(),
    }];
    let batch = world.batch(&[terms]);
    world.accept(GATEWAY, settling(batch));
    let treasury: openledger_types::record::AccountRecord =
        world.record(&StateKey::Account(treasury_account(&name("open")))).unwrap();
    let escrowed = |who| world.account(who).escrowed.0;
    // 1,360 follow attribution: 5 % and 10 %, and what is left in parts of 1 and 2, the remainder to the first.
    assert_eq!((treasury.escrowed.0, escrowed(CURATOR)), (136, 68));
    assert_eq!((escrowed(AUTHOR), escrowed(COAUTHOR)), (386, 770));
    assert_eq!(treasury.credits.0, 0, "nothing unverified is liquid, for a treasury neither");
}

#[test]
fn provenance_weighs_what_is_attributed() {
    let mut world = World::prepared();
    let synthetic = Policy { imports: Provenance::Synthetic, ..open_policy() };
    world.accept(CURATOR, create_open(synthetic));
    world.accept(CURATOR, import(1, ""));
    let record = contribution_of(&world, 1).unwrap();
    assert_eq!((record.provenance, record.factor), (Provenance::Synthetic, BasisPoints(4_000)));
    let share = |datanet: &str, weight, factor, owners: Vec<OwnerRecord>| crate::DataShare {
        datanet: name(datanet),
        contribution: ContributionId([1; 32]),
        weight,
        factor,
        owners: owners.into(),
    };
    let mut terms = world.terms("base", 10_000, 0, &[(1, 1_000)], 400);
    terms.shares.push(share("open", 1_000, record.factor, record.owners));
    let lines = crate::split_completion(&terms, &world.parameters).unwrap();
    let paid = |datanet: &str| -> u64 {
        lines.data.iter().filter(|line| line.datanet == name(datanet)).map(|line| line.amount.0).sum()
    };
    // Of 1,360: 1,000 for the human text, 400 for the synthetic one, 400 that nobody explains.
    assert_eq!((paid("help"), paid("open")), (755, 302));
}

proptest! {
    /// The shares are exact to a unit, whoever the authors are, and no author gains by naming the curator.
    #[test]
    fn shares_are_exact(
        parts in prop::collection::vec(1u16.., 1..64), curator in 0u16..=1_000, treasury in 0u16..=2_000, amount in any::<u64>(),
    ) {
        let policy = Policy {
            curator_share: BasisPoints(curator), treasury_share: BasisPoints(treasury), ..open_policy()
        };
        let authors: Vec<_> = parts.iter().enumerate().map(|(who, parts)| openledger_types::NewOwner {
            account: openledger_types::AccountId([who as u8; 20]), parts: *parts,
        }).collect();
        let owners = owners(&policy.promise(), account(CURATOR), &name("open"), &authors);
        let parts: Vec<u64> = owners.iter().map(|owner| owner.parts).collect();
        let amounts = split_owners(Amount(amount), &parts);
        prop_assert_eq!(Amount::sum(amounts.iter().copied()), Some(Amount(amount)));
        for (who, share) in [(account(CURATOR), policy.curator_share), (treasury_account(&name("open")), policy.treasury_share)] {
            let place = owners.iter().position(|owner| owner.account == who);
            let paid = place.map_or(Amount::ZERO, |place| amounts[place]);
            prop_assert_eq!(paid, Amount(amount).basis_points(share));
        }
        let authors: u64 = amounts[..authors.len()].iter().map(|amount| amount.0).sum();
        let left = u64::from(10_000 - curator - treasury);
        prop_assert!(Amount(authors) >= Amount(amount).fraction(left, 10_000).unwrap());
    }
}
