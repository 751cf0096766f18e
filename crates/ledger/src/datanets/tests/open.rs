//! Open contributions: the table of commit, reveal, decide and conclude, and the histories that a thief would like.

use openledger_types::Rejection::*;
use openledger_types::datanets::{
    Contributors, DatanetAction, DatanetRole, Decision, Policy, Provenance, Reason, commitment,
};
use openledger_types::maturity::MaturityAction;
use openledger_types::record::{ClusterRecord, ContributionRecord, Pool, Role};
use openledger_types::{
    Action, Amount, BasisPoints, ContributionId, Hash, NewContribution, Parameters, codec,
};
use proptest::prelude::*;

use super::rules::{contribution_of, create_open, grant, open_policy};
use crate::StateKey;
use crate::tests::*;

pub(super) const REVIEWER: u8 = 10;
pub(super) const CONTRIBUTOR: u8 = 1;

fn committed(who: u8, new: &NewContribution, provenance: Provenance) -> Hash {
    commitment(&name("open"), account(who), new, provenance, &bytes32(9))
}

pub(super) fn commit(who: u8, new: &NewContribution, provenance: Provenance) -> Action {
    let commitment = committed(who, new, provenance);
    Action::Datanets(DatanetAction::Commit { datanet: name("open"), commitment })
}

pub(super) fn reveal(new: &NewContribution, provenance: Provenance) -> Action {
    let contribution = Box::new(new.clone());
    Action::Datanets(DatanetAction::Reveal {
        datanet: name("open"),
        contribution,
        provenance,
        salt: bytes32(9),
    })
}

fn sweep(who: u8, new: &NewContribution) -> Action {
    let commitment = committed(who, new, Provenance::Human);
    Action::Datanets(DatanetAction::Sweep { datanet: name("open"), contributor: account(who), commitment })
}

pub(super) fn decide(id: u8, decision: Decision) -> Action {
    Action::Datanets(DatanetAction::Decide {
        datanet: name("open"),
        contribution: ContributionId([id; 32]),
        decision,
    })
}

pub(super) fn accept(quality: u16) -> Decision {
    Decision::Accept { quality: BasisPoints(quality), verified: true }
}

pub(super) fn reject(reason: Reason) -> Decision {
    Decision::Reject { quality: BasisPoints(4_000), reason }
}

pub(super) fn conclude(id: u8) -> Action {
    Action::Datanets(DatanetAction::Conclude {
        datanet: name("open"),
        contribution: ContributionId([id; 32]),
    })
}

fn take(id: u8) -> Action {
    Action::Datanets(DatanetAction::TakeCluster {
        datanet: name("open"),
        contribution: ContributionId([id; 32]),
    })
}

fn import(new: &NewContribution) -> Action {
    Action::Contribute { datanet: name("open"), contributions: vec![new.clone()] }
}

pub(super) fn text(id: u8, cluster: u8, who: u8) -> NewContribution {
    contribution(id, cluster, &[(who, 1)])
}

fn cluster(world: &World, cluster: u8) -> ClusterRecord {
    world.record(&StateKey::Cluster(name("open"), bytes32(cluster))).unwrap()
}

/// The policy, a reviewer, and an open datanet.
pub(super) fn opened(policy: Policy) -> World {
    opened_with(|_| {}, policy)
}

fn opened_with(change: impl FnOnce(&mut Parameters), policy: Policy) -> World {
    let mut world = World::with(change, 1_000_000_000);
    world.accept(CURATOR, create_open(policy));
    world.accept(CURATOR, grant(REVIEWER, DatanetRole::Reviewer));
    world
}

/// Commits, goes on by a block, and reveals.
pub(super) fn contribute(world: &mut World, who: u8, new: &NewContribution, provenance: Provenance) {
    world.accept(who, commit(who, new, provenance));
    world.context.height += 1;
    world.accept(who, reveal(new, provenance));
}

const HUMAN: Provenance = Provenance::Human;

#[test]
fn a_contribution_is_committed_revealed_and_decided() {
    let mut world = opened(open_policy());
    let one = text(1, 1, CONTRIBUTOR);
    let mut unlicensed = text(2, 2, CONTRIBUTOR);
    unlicensed.license = "MIT".into();
    let nobodys = contribution(3, 3, &[]);
    let mut long = one.clone();
    long.label = "x".repeat(513);
    world.check([
        (CONTRIBUTOR, commit(CONTRIBUTOR, &one, HUMAN), Ok(())),
        (CONTRIBUTOR, commit(CONTRIBUTOR, &one, HUMAN), Err(CommitmentExists)),
        (CONTRIBUTOR, commit(CONTRIBUTOR, &unlicensed, HUMAN), Ok(())),
        (CONTRIBUTOR, commit(CONTRIBUTOR, &nobodys, HUMAN), Ok(())),
        (CONTRIBUTOR, reveal(&long, HUMAN), Err(TextTooLong)),
        (CONTRIBUTOR, reveal(&one, HUMAN), Err(RevealTooSoon)),
    ]);
    assert_eq!(world.account(CONTRIBUTOR).open.0, 10_000_000_000 - 300_000);
    world.context.height += 1;
    world.check([
        (STRANGER, reveal(&one, HUMAN), Err(CommitmentUnknown)),
        (CONTRIBUTOR, reveal(&one, Provenance::Synthetic), Err(CommitmentUnknown)),
        (CONTRIBUTOR, reveal(&unlicensed, HUMAN), Err(LicenseNotAllowed)),
        (CONTRIBUTOR, reveal(&nobodys, HUMAN), Err(OwnersInvalid)),
        (CONTRIBUTOR, sweep(CONTRIBUTOR, &one), Err(TooEarly)),
        (CONTRIBUTOR, reveal(&one, HUMAN), Ok(())),
        (CONTRIBUTOR, reveal(&one, HUMAN), Err(CommitmentUnknown)),
        (CONTRIBUTOR, commit(CONTRIBUTOR, &one, HUMAN), Ok(())),
    ]);
    world.context.height += 1;
    world.check([
        (CONTRIBUTOR, reveal(&one, HUMAN), Err(ContributionExists)),
        (STRANGER, decide(1, accept(6_000)), Err(NotReviewer)),
        (CONTRIBUTOR, decide(1, accept(6_000)), Err(NotReviewer)),
        (REVIEWER, decide(2, accept(6_000)), Err(SubmissionUnknown)),
        (REVIEWER, decide(1, accept(4_999)), Err(DecisionContradicts)),
        (REVIEWER, decide(1, accept(10_001)), Err(DecisionContradicts)),
        (
            REVIEWER,
            decide(1, Decision::Reject { quality: BasisPoints(5_000), reason: Reason::Quality }),
            Err(DecisionContradicts),
        ),
        (REVIEWER, decide(1, reject(Reason::Copy)), Err(DecisionContradicts)),
        (STRANGER, conclude(1), Err(TooEarly)),
        (REVIEWER, decide(1, accept(5_000)), Ok(())),
        (REVIEWER, decide(1, accept(5_000)), Err(SubmissionUnknown)),
        (
            CURATOR,
            Action::RevokeContribution { datanet: name("open"), contribution: ContributionId([1; 32]) },
            Err(NotOwner),
        ),
    ]);
    let record = contribution_of(&world, 1).unwrap();
    assert_eq!((record.factor, record.contributor), (BasisPoints(10_000), Some(account(CONTRIBUTOR))));
    assert_eq!(
        (record.height, record.owners.len()),
        (1, 3),
        "the commitment's height, author, curator, treasury"
    );
    world.pass(3);
    world.check([
        (CONTRIBUTOR, reveal(&unlicensed, HUMAN), Err(TooLate)),
        (STRANGER, sweep(CONTRIBUTOR, &unlicensed), Ok(())),
        (STRANGER, sweep(CONTRIBUTOR, &nobodys), Ok(())),
        (STRANGER, sweep(CONTRIBUTOR, &one), Ok(())),
        (STRANGER, sweep(CONTRIBUTOR, &one), Err(CommitmentUnknown)),
    ]);
    assert_eq!(world.account(CONTRIBUTOR).open.0, 10_000_000_000 - 300_000, "burned, not given to anybody");
}

#[test]
fn the_policy_says_who_contributes_what_with_which_bond() {
    let named = Policy { contributors: Contributors::Named, private: true, ..open_policy() };
    let mut world = opened(Policy { provenance: vec![Provenance::Unverified], ..named });
    let one = text(1, 1, CONTRIBUTOR);
    world.check([
        (CONTRIBUTOR, commit(CONTRIBUTOR, &one, HUMAN), Err(NotContributor)),
        (CURATOR, grant(CONTRIBUTOR, DatanetRole::Contributor), Ok(())),
        (CONTRIBUTOR, commit(CONTRIBUTOR, &one, HUMAN), Ok(())),
        (CURATOR, commit(CURATOR, &one, HUMAN), Ok(())),
    ]);
    world.context.height += 1;
    world.check([(CONTRIBUTOR, reveal(&one, HUMAN), Err(ProvenanceNotAllowed))]);
    let bonded = Policy { contributors: Contributors::Bonded, contribution_bond: Amount(5), ..open_policy() };
    let mut world = opened(bonded);
    contribute(&mut world, CONTRIBUTOR, &one, HUMAN);
    assert_eq!(world.account(CONTRIBUTOR).open.0, 10_000_000_000 - 100_005);
    world.accept(CURATOR, decide(1, reject(Reason::Scope)));
    world.pass(4);
    world.accept(STRANGER, conclude(1));
    assert_eq!(world.account(CONTRIBUTOR).open.0, 10_000_000_000, "a judgement of taste costs nothing");
    assert_eq!(contribution_of(&world, 1), None);
    contribute(&mut world, CONTRIBUTOR, &one, HUMAN);
    world.accept(CURATOR, decide(1, reject(Reason::Spam)));
    world.pass(4);
    world.accept(STRANGER, conclude(1));
    assert_eq!(world.account(CONTRIBUTOR).open.0, 10_000_000_000 - 100_005, "a fault costs the bond");
}

#[test]
fn silence_accepts_as_unverified_and_may_still_be_decided_for_a_while() {
    let mut world = opened(open_policy());
    for id in 1..=3 {
        contribute(&mut world, CONTRIBUTOR, &text(id, id, CONTRIBUTOR), HUMAN);
    }
    world.pass(8);
    world.check([
        (REVIEWER, decide(1, accept(6_000)), Err(NotPending)),
        (STRANGER, conclude(1), Ok(())),
        (STRANGER, conclude(2), Ok(())),
        (STRANGER, conclude(3), Ok(())),
        (STRANGER, conclude(3), Err(TooEarly)),
        (REVIEWER, decide(1, accept(6_000)), Ok(())),
        (REVIEWER, decide(2, reject(Reason::Spam)), Ok(())),
        (REVIEWER, decide(2, accept(6_000)), Err(NotPending)),
    ]);
    let factor = |id| contribution_of(&world, id).unwrap().factor.0;
    assert_eq!([factor(1), factor(2), factor(3)], [6_000; 3]);
    assert_eq!(contribution_of(&world, 2).unwrap().revoked_at, None, "until the time for an appeal is over");
    world.pass(31);
    world.check([(STRANGER, conclude(2), Ok(())), (STRANGER, conclude(3), Ok(()))]);
    assert_eq!(contribution_of(&world, 2).unwrap().revoked_at, Some(world.context.height));
    assert_eq!(contribution_of(&world, 3).unwrap().revoked_at, None);
    assert_eq!(world.account(CONTRIBUTOR).open.0, 10_000_000_000 - 100_000);
}

/// The curator sees the reveal on its way and imports the same text, under the same id even, before it arrives.
#[test]
fn whoever_sees_a_reveal_comes_too_late() {
    let mut world = opened(open_policy());
    let mine = text(1, 1, CONTRIBUTOR);
    world.accept(CONTRIBUTOR, commit(CONTRIBUTOR, &mine, HUMAN));
    world.context.height += 1;
    world.accept(STRANGER, commit(STRANGER, &text(2, 1, STRANGER), HUMAN));
    let stolen = text(1, 1, CURATOR);
    world.accept(CURATOR, import(&stolen));
    assert_eq!(cluster(&world, 1).owner, ContributionId([1; 32]));
    world.accept(CONTRIBUTOR, reveal(&mine, HUMAN));
    world.context.height += 1;
    world.accept(STRANGER, reveal(&text(2, 1, STRANGER), HUMAN));
    world.check([
        (CURATOR, decide(1, reject(Reason::Copy)), Err(DecisionContradicts)),
        (REVIEWER, decide(1, accept(6_000)), Ok(())),
        (REVIEWER, decide(2, accept(6_000)), Ok(())),
    ]);
    let record = contribution_of(&world, 1).unwrap();
    assert_eq!((record.owners[0].account, record.height), (account(CONTRIBUTOR), 1));
    assert_eq!(cluster(&world, 1).since, 1);
    assert_eq!(cluster(&world, 1).owner, ContributionId([1; 32]));
}

/// What a thief earned under an id that the earlier commitment then took over could never mature, nor be swept afterwards.
#[test]
fn what_was_earned_under_somebody_elses_id_goes_to_the_pool_of_the_datanet() {
    let mut world = World::prepared();
    world.accept(CURATOR, create_open(open_policy()));
    world.accept(CURATOR, grant(REVIEWER, DatanetRole::Reviewer));
    let mine = text(1, 1, CONTRIBUTOR);
    world.accept(CONTRIBUTOR, commit(CONTRIBUTOR, &mine, HUMAN));
    world.context.height += 1;
    world.accept(CURATOR, import(&text(1, 1, STRANGER)));
    let (datanet, contribution) = (name("open"), ContributionId([1; 32]));
    let ContributionRecord { owners, factor, .. } = contribution_of(&world, 1).unwrap();
    let mut terms = world.terms("base", 10_000, 0, &[], 0);
    let owners = owners.into();
    terms.shares =
        vec![crate::DataShare { datanet: datanet.clone(), contribution, weight: 1, factor, owners }];
    let batch = settling(world.batch(&[terms]));
    world.accept(GATEWAY, batch);
    let earned = world.account(STRANGER).escrowed;
    assert!(earned > Amount::ZERO);
    let maturity = |action| Action::Maturity(action);
    let draw =
        maturity(MaturityAction::DrawEarly { datanet: datanet.clone(), contribution, amount: Amount(1) });
    let sweep = |who| {
        let (datanet, owner) = (name("open"), account(who));
        maturity(MaturityAction::SweepImmature { datanet, contribution, owner })
    };
    world.check([
        (STRANGER, Action::RaiseBond { role: Role::Data, amount: Amount(1_000_000) }, Ok(())),
        (STRANGER, draw.clone(), Ok(())),
        (AUTHOR, sweep(STRANGER), Err(StillWaiting)),
        (CONTRIBUTOR, reveal(&mine, HUMAN), Ok(())),
        (REVIEWER, decide(1, accept(6_000)), Ok(())),
        (STRANGER, draw, Err(NothingHeld)),
    ]);
    let key = StateKey::Contribution(datanet, contribution);
    let mature = ContributionRecord { mature: true, ..contribution_of(&world, 1).unwrap() };
    world.state.insert(key.encode(), codec::encode(&mature));
    world.check([(AUTHOR, sweep(CONTRIBUTOR), Err(ContributionMature)), (AUTHOR, sweep(STRANGER), Ok(()))]);
    assert_eq!(world.account(STRANGER).escrowed, Amount(0));
    let pool = StateKey::Pool(Pool::Unproven(name("open")));
    assert_eq!(world.record::<Amount>(&pool).map(|pool| pool.0), Some(earned.0 - 1), "less what was drawn");
}

#[test]
fn a_reveal_claims_the_cluster_and_a_rejection_frees_it() {
    let mut world = opened(open_policy());
    contribute(&mut world, CONTRIBUTOR, &text(1, 1, CONTRIBUTOR), HUMAN);
    world.accept(CURATOR, import(&text(2, 1, AUTHOR)));
    world.accept(CURATOR, import(&text(3, 1, AUTHOR)));
    assert_eq!(cluster(&world, 1), ClusterRecord { owner: ContributionId([1; 32]), copies: 2, since: 1 });
    world.check([
        (STRANGER, take(2), Err(ClusterOwned)),
        (STRANGER, take(1), Err(ContributionUnknown)),
        (CURATOR, decide(1, reject(Reason::Form)), Ok(())),
        (STRANGER, take(2), Err(ClusterOwned)),
    ]);
    world.pass(4);
    world.check([
        (STRANGER, conclude(1), Ok(())),
        (STRANGER, take(3), Ok(())),
        (STRANGER, take(2), Err(ClusterOwned)),
    ]);
    assert_eq!(cluster(&world, 1).owner, ContributionId([3; 32]));
    // The same text comes again, better formed; the copy that is there keeps the cluster by its earlier height.
    world.context.height += 1;
    contribute(&mut world, CONTRIBUTOR, &text(1, 1, CONTRIBUTOR), HUMAN);
    world.accept(REVIEWER, decide(1, reject(Reason::Copy)));
    assert_eq!(cluster(&world, 1).owner, ContributionId([3; 32]));
}

#[test]
fn a_policy_of_the_commitment_holds_for_the_contribution() {
    let mut world = opened(open_policy());
    let dear = Policy {
        licenses: vec!["MIT".into()],
        curator_share: BasisPoints(700),
        quality_bar: BasisPoints(9_000),
        ..open_policy()
    };
    let set = DatanetAction::SetPolicy { datanet: name("open"), policy: Box::new(dear) };
    world.accept(CURATOR, Action::Datanets(set));
    world.pass(6);
    let one = text(1, 1, CONTRIBUTOR);
    world.accept(CONTRIBUTOR, commit(CONTRIBUTOR, &one, HUMAN));
    world.pass(1);
    world.accept(CONTRIBUTOR, reveal(&one, HUMAN));
    world.accept(REVIEWER, decide(1, accept(5_000)));
    let owners = contribution_of(&world, 1).unwrap().owners;
    assert_eq!(owners.iter().map(|owner| owner.parts).collect::<Vec<_>>(), [8_500, 500, 1_000]);
}

/// Three policies are kept: while a contribution waited for its decision the curator set three more, and took twice its share of it.
#[test]
fn no_number_of_policies_changes_what_was_promised() {
    let unhurried = |parameters: &mut Parameters| {
        parameters.datanets.reveal_epochs = 1;
        parameters.datanets.policy_delay_epochs = 1;
        parameters.datanets.decision_epochs = 30;
    };
    let mut world = opened_with(unhurried, open_policy());
    let one = text(1, 1, CONTRIBUTOR);
    world.accept(CONTRIBUTOR, commit(CONTRIBUTOR, &one, HUMAN));
    world.pass(1);
    world.accept(CONTRIBUTOR, reveal(&one, HUMAN));
    for share in [700, 900, 1_000, 999] {
        let dear =
            Policy { curator_share: BasisPoints(share), quality_bar: BasisPoints(9_000), ..open_policy() };
        let set = DatanetAction::SetPolicy { datanet: name("open"), policy: Box::new(dear) };
        world.accept(CURATOR, Action::Datanets(set));
        world.pass(1);
    }
    world.accept(REVIEWER, decide(1, accept(5_000)));
    let owners = contribution_of(&world, 1).unwrap().owners;
    assert_eq!(owners.iter().map(|owner| owner.parts).collect::<Vec<_>>(), [8_500, 500, 1_000]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// I5: whatever copies, identities and orders of reveals and acceptances there are, the cluster pays once, and all of it
    /// goes to the earliest commitment that was accepted.
    #[test]
    fn a_cluster_pays_once_and_to_the_earliest(
        order in Just((1u8..=5).collect::<Vec<_>>()).prop_shuffle(),
        decided in Just((1u8..=5).collect::<Vec<_>>()).prop_shuffle(),
        refused in 1u8..=6, weight in 1u64..1 << 40,
    ) {
        let mut world = opened(Policy { curator_share: BasisPoints(0), treasury_share: BasisPoints(0), ..open_policy() });
        for id in 1..=5 {
            world.accept(id, commit(id, &text(id, 1, id), HUMAN));
            world.context.height += 1;
        }
        for id in order {
            world.accept(id, reveal(&text(id, 1, id), HUMAN));
            world.context.height += 1;
        }
        for id in decided {
            let decision = if id == refused { reject(Reason::Scope) } else { accept(6_000) };
            world.accept(REVIEWER, decide(id, decision));
        }
        if refused <= 5 {
            world.pass(4);
            world.accept(STRANGER, conclude(refused));
        }
        let earliest = if refused == 1 { 2 } else { 1 };
        // Whoever is earliest and does not own the cluster yet asks for it; nobody else gets it.
        for id in (1..=5u8).filter(|id| *id != refused).rev() {
            let taken = world.send(STRANGER, take(id)).is_ok();
            prop_assert!(!taken || cluster(&world, 1).owner == ContributionId([id; 32]));
        }
        prop_assert_eq!(cluster(&world, 1).owner, ContributionId([earliest; 32]));
        let paid = |world: &World, id: u8| {
            let key = StateKey::Cluster(name("open"), contribution_of(world, id).unwrap().cluster);
            world.record::<ClusterRecord>(&key).unwrap().owner == ContributionId([id; 32])
        };
        let payable = (1..=5u8).filter(|id| *id != refused && paid(&world, *id)).count();
        prop_assert_eq!(payable, 1, "weight {}", weight);
    }
}
