//! The table of links, and the laws of clusters against a plain list of edges.

use std::collections::BTreeSet;

use openledger_types::Rejection::*;
use openledger_types::accounts::{GroupRecord, MemberRecord};
use openledger_types::{AccountAction, AccountEvent, AccountId, Action, Event, codec, limits};
use proptest::prelude::*;

use super::AccountKey;
use crate::tests::{ACCOUNTS, World, account};

fn declare(other: u8) -> Action {
    Action::Accounts(AccountAction::DeclareLink { other: account(other) })
}

fn end(other: u8) -> Action {
    Action::Accounts(AccountAction::EndLink { other: account(other) })
}

fn root(world: &World, who: u8) -> AccountId {
    root_of(world, account(who))
}

fn root_of(world: &World, account: AccountId) -> AccountId {
    let record: Option<MemberRecord> = world.record(&AccountKey::Member(account).state());
    record.map_or(account, |record| record.root)
}

pub(super) fn link(world: &mut World, one: u8, other: u8) {
    world.accept(one, declare(other));
    world.accept(other, declare(one));
}

fn unlink(world: &mut World, one: u8, other: u8) {
    world.accept(one, end(other));
    world.pass(world.parameters.unbonding_epochs);
    world.accept(other, end(one));
}

#[test]
fn a_link_needs_both_sides_and_binds_for_the_unbonding_time() {
    let mut world = World::new();
    world.check([
        (0, declare(0), Err(LinkToSelf)),
        (0, end(1), Err(LinkUnknown)),
        (0, declare(1), Ok(())),
        (0, declare(1), Err(LinkExists)),
        (1, end(0), Ok(())),
        (1, declare(0), Ok(())),
        (1, end(0), Ok(())),
        (1, declare(0), Ok(())),
        (2, end(1), Err(LinkUnknown)),
    ]);
    assert_ne!(root(&world, 0), root(&world, 1), "a proposal links nobody");
    world.check([
        (0, declare(1), Ok(())),
        (0, declare(1), Err(LinkExists)),
        (1, declare(0), Err(LinkExists)),
        (0, end(1), Ok(())),
        (0, end(1), Err(LinkStillBinds)),
    ]);
    assert_eq!(root(&world, 0), root(&world, 1));
    world.pass(world.parameters.unbonding_epochs - 1);
    world.check([(1, end(0), Err(LinkStillBinds))]);
    assert_eq!(root(&world, 0), root(&world, 1));
    world.pass(1);
    world.check([(1, end(0), Ok(())), (1, end(0), Err(LinkUnknown))]);
    assert_ne!(root(&world, 0), root(&world, 1));
    let left = |key: AccountKey| world.state.contains_key(&key.state().encode());
    assert!(!left(AccountKey::Group(account(0))) && !left(AccountKey::Group(account(1))));
    assert!(!left(AccountKey::LinkCount(account(0))));
    for who in [0, 1] {
        let record: MemberRecord = world.record(&AccountKey::Member(account(who)).state()).unwrap();
        assert_eq!(record.since_epoch, Some(world.epoch()), "it is remembered when somebody left a cluster");
    }
}

#[test]
fn a_cluster_outlives_its_root_and_its_bridges() {
    let mut world = World::new();
    link(&mut world, 0, 1);
    link(&mut world, 2, 3);
    link(&mut world, 1, 2);
    link(&mut world, 4, 0);
    let all = |world: &World| (0..5).map(|who| root(world, who)).collect::<BTreeSet<_>>().len();
    assert_eq!(all(&world), 1);
    unlink(&mut world, 1, 2);
    assert_eq!(all(&world), 1, "whoever still has a link stays");
    let old = (0..5).find(|who| account(*who) == root(&world, 0)).unwrap();
    // The root gives up whatever links it has.
    for other in 0..5 {
        if world.state.contains_key(&AccountKey::link(account(old), account(other)).state().encode()) {
            unlink(&mut world, old, other);
        }
    }
    assert_eq!(root(&world, old), account(old), "a root without links is alone");
    let rest: BTreeSet<_> = (0..5).filter(|who| *who != old).map(|who| root(&world, who)).collect();
    assert!(!rest.contains(&account(old)), "nobody is in the cluster of an account that left: {rest:?}");
}

/// A cluster of as many as are listed, with this root, which has one link.
pub(super) fn fill(world: &mut World, who: u8) {
    let listed = u32::try_from(limits::CLUSTER_MEMBERS_LISTED_MAX).unwrap();
    let mut members = vec![account(who)];
    members.extend((1..listed).map(|index| {
        let mut bytes = [who; 20];
        bytes[..4].copy_from_slice(&index.to_be_bytes());
        AccountId(bytes)
    }));
    let group = GroupRecord { members, size: listed };
    world.state.insert(AccountKey::Group(account(who)).state().encode(), codec::encode(&group));
    let member = MemberRecord { root: account(who), since_epoch: None };
    world.state.insert(AccountKey::Member(account(who)).state().encode(), codec::encode(&member));
    world.state.insert(AccountKey::LinkCount(account(who)).state().encode(), codec::encode(&1u32));
}

#[test]
fn two_clusters_beyond_the_list_stay_apart_and_everything_else_merges() {
    let mut world = World::new();
    for who in [0, 1] {
        fill(&mut world, who);
    }
    let listed = u32::try_from(limits::CLUSTER_MEMBERS_LISTED_MAX).unwrap();
    for who in [0, 1] {
        link(&mut world, who, who + 2);
        assert_eq!(root(&world, who + 2), account(who));
        let group: GroupRecord = world.record(&AccountKey::Group(account(who)).state()).unwrap();
        assert_eq!((group.members.len(), group.size), (limits::CLUSTER_MEMBERS_LISTED_MAX, listed + 1));
    }
    world.check([(0, declare(1), Ok(())), (1, declare(0), Err(ClusterTooLarge))]);
    unlink(&mut world, 0, 2);
    assert_eq!(root(&world, 2), account(2), "a member that is not listed can leave too");
}

/// What a cluster is, told by whoever remembers every link: the same rules without roots, sizes or lists.
#[derive(Default)]
struct Plain {
    clusters: Vec<BTreeSet<u8>>,
    edges: BTreeSet<(u8, u8)>,
}

impl Plain {
    fn connect(&mut self, one: u8, other: u8) {
        self.edges.insert((one.min(other), one.max(other)));
        let touched = |cluster: &BTreeSet<u8>| cluster.contains(&one) || cluster.contains(&other);
        let mut union = BTreeSet::from([one, other]);
        for cluster in self.clusters.iter().filter(|cluster| touched(cluster)) {
            union.extend(cluster);
        }
        self.clusters.retain(|cluster| !touched(cluster));
        self.clusters.push(union);
    }

    fn disconnect(&mut self, one: u8, other: u8) {
        self.edges.remove(&(one.min(other), one.max(other)));
        for account in [one, other] {
            if !self.edges.iter().any(|(a, b)| *a == account || *b == account) {
                for cluster in &mut self.clusters {
                    cluster.remove(&account);
                }
            }
        }
    }

    fn together(&self, one: u8, other: u8) -> bool {
        one == other || self.clusters.iter().any(|cluster| cluster.contains(&one) && cluster.contains(&other))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// The laws of a union-find: the same answer for all members, the root among them and its own root, nobody else; and the
    /// record of the root counts and lists exactly its members.
    #[test]
    fn clusters_are_what_the_links_say(
        steps in prop::collection::vec((0u8..8, 0u8..8, any::<bool>()), 1..24),
    ) {
        let mut world = World::with(|parameters| parameters.unbonding_epochs = 1, 1_000);
        let mut plain = Plain::default();
        for (one, other, joins) in steps {
            let linked = plain.edges.contains(&(one.min(other), one.max(other)));
            match (joins, linked) {
                (true, false) if one != other => {
                    link(&mut world, one, other);
                    plain.connect(one, other);
                }
                (false, true) => {
                    unlink(&mut world, one, other);
                    plain.disconnect(one, other);
                }
                _ => {}
            }
            for one in 0..ACCOUNTS {
                let root = root(&world, one);
                let of_root = root_of(&world, root);
                prop_assert_eq!(of_root, root, "a root is its own root");
                for other in 0..ACCOUNTS {
                    let same = root == self::root(&world, other);
                    prop_assert_eq!(same, plain.together(one, other), "{} and {}", one, other);
                }
                if let Some(group) = world.record::<GroupRecord>(&AccountKey::Group(root).state()) {
                    let members: BTreeSet<AccountId> = group.members.iter().copied().collect();
                    let expected: BTreeSet<AccountId> =
                        (0..ACCOUNTS).filter(|who| plain.together(one, *who)).map(account).collect();
                    prop_assert_eq!(u32::try_from(members.len()).unwrap(), group.size);
                    prop_assert_eq!(members, expected);
                }
            }
        }
    }

    /// I5: whatever order links come in, the partition is the same.
    #[test]
    fn the_order_of_links_does_not_matter(
        mut links in prop::collection::btree_set((0u8..8, 0u8..8), 1..8).prop_map(|set| {
            set.into_iter().filter(|(a, b)| a < b).collect::<Vec<_>>()
        }).prop_shuffle(),
    ) {
        let partition = |links: &[(u8, u8)]| {
            let mut world = World::new();
            for (one, other) in links {
                link(&mut world, *one, *other);
            }
            let same = |one| (0..8).map(|other| root(&world, one) == root(&world, other)).collect::<Vec<_>>();
            (0..8).map(same).collect::<Vec<_>>()
        };
        let before = partition(&links);
        links.reverse();
        prop_assert_eq!(before, partition(&links));
    }
}

#[test]
fn a_link_is_told_as_events() {
    let mut world = World::new();
    world.accept(0, declare(1));
    let events = world.accept(1, declare(0));
    let (one, other) = (account(0), account(1));
    let root = one.min(other);
    let smaller = one.max(other);
    assert_eq!(
        events,
        [
            Event::Accounts(AccountEvent::ClustersMerged { smaller, root }),
            Event::Accounts(AccountEvent::LinkDeclared { one, other }),
        ]
    );
}
