//! Clusters of linked accounts: a union-find whose paths have length one.
//!
//! Every member names its root, so [`cluster_of`] reads one record whatever the size of the cluster, and a transaction
//! never walks. A root lists its members; a merge points the smaller cluster's members at the larger one's root (by size,
//! the lower address on a tie). A cluster that outgrew its list still takes others in, and only two such cannot be merged: to
//! stay apart by being many costs more than `CLUSTER_MEMBERS_LISTED_MAX` links on each side. The root of such a cluster stays
//! its root without a link too, for nobody could tell the others of another one.

use openledger_types::accounts::{GroupRecord, MemberRecord};
use openledger_types::{AccountEvent, AccountId, Event, Rejection, limits};

use super::AccountKey;
use crate::execute::Transition;
use crate::reputation;
use crate::state::{Applied, StateKey};

/// The record that [`cluster_of`] reads, for a step's list of keys.
pub(crate) fn key_of_cluster(account: AccountId) -> StateKey {
    AccountKey::Member(account).state()
}

/// The root of the account's cluster; the account itself when it is linked to nobody. Roots change when clusters merge and
/// when a root leaves, so a root is compared and counted within a transaction or an epoch, and never paid.
pub(crate) fn cluster_of(transition: &mut Transition<'_>, account: AccountId) -> Applied<AccountId> {
    Ok(member(transition, account)?.root)
}

fn member(transition: &mut Transition<'_>, account: AccountId) -> Applied<MemberRecord> {
    let alone = MemberRecord { root: account, since_epoch: None };
    Ok(transition.view.get(&key_of_cluster(account))?.unwrap_or(alone))
}

/// Whether the account had another root, or another cluster, in this epoch or later. What a cluster may do at most is counted
/// under its root, so whoever moves while something is counted is not counted in it a second time.
pub(crate) fn moved_since(transition: &mut Transition<'_>, account: AccountId, epoch: u64) -> Applied<bool> {
    Ok(member(transition, account)?.since_epoch.is_some_and(|since| since >= epoch))
}

fn group(transition: &mut Transition<'_>, root: AccountId) -> Applied<GroupRecord> {
    let alone = GroupRecord { members: vec![root], size: 1 };
    Ok(transition.view.get(&AccountKey::Group(root).state())?.unwrap_or(alone))
}

/// What a link between two accounts changes, once it is known in which clusters they are.
pub(crate) fn keys_of_groups(
    transition: &mut Transition<'_>,
    one: AccountId,
    other: AccountId,
) -> Applied<Vec<StateKey>> {
    let roots = [cluster_of(transition, one)?, cluster_of(transition, other)?];
    let keys =
        roots.iter().flat_map(|root| [AccountKey::Group(*root).state(), reputation::key_of_mark(*root)]);
    Ok(keys.collect())
}

/// Whether the clusters of two accounts can be one: not where neither lists all of its members. After [`keys_of_groups`].
pub(super) fn can_connect(
    transition: &mut Transition<'_>,
    one: AccountId,
    other: AccountId,
) -> Applied<bool> {
    let (first, second) = (cluster_of(transition, one)?, cluster_of(transition, other)?);
    let (one, two) = (group(transition, first)?, group(transition, second)?);
    let moved =
        if (one.size, std::cmp::Reverse(first)) > (two.size, std::cmp::Reverse(second)) { two } else { one };
    Ok(first == second || is_listed(&moved))
}

/// Whether a cluster lists all of its members.
fn is_listed(group: &GroupRecord) -> bool {
    usize::try_from(group.size) == Ok(group.members.len())
}

/// Adds a link between two accounts: their clusters become one.
pub(crate) fn connect(transition: &mut Transition<'_>, one: AccountId, other: AccountId) -> Applied {
    let (first, second) = (cluster_of(transition, one)?, cluster_of(transition, other)?);
    let keys = keys_of_groups(transition, one, other)?;
    transition.view.need(keys)?;
    if first != second {
        merge(transition, first, second)?;
    }
    for account in [one, other] {
        let key = AccountKey::LinkCount(account).state();
        let links = transition.view.get::<u32>(&key)?.unwrap_or_default();
        transition.view.put(&key, &links.checked_add(1).ok_or(Rejection::AmountOverflow)?);
    }
    Ok(())
}

fn merge(transition: &mut Transition<'_>, first: AccountId, second: AccountId) -> Applied {
    let (one, two) = (group(transition, first)?, group(transition, second)?);
    let first_stays = (one.size, std::cmp::Reverse(first)) > (two.size, std::cmp::Reverse(second));
    let (root, mut kept, smaller, moved) =
        if first_stays { (first, one, second, two) } else { (second, two, first, one) };
    if !is_listed(&moved) {
        return Err(Rejection::ClusterTooLarge.into());
    }
    if kept.size == 1 {
        let record = member(transition, root)?;
        transition.view.put(&AccountKey::Member(root).state(), &record);
    }
    // Written without being read: each of them named the other root before, so each is a change.
    let record = MemberRecord { root, since_epoch: Some(transition.epoch()) };
    for account in &moved.members {
        transition.view.put(&AccountKey::Member(*account).state(), &record);
    }
    let room = limits::CLUSTER_MEMBERS_LISTED_MAX.saturating_sub(kept.members.len());
    kept.members.extend(moved.members.into_iter().take(room));
    kept.size = kept.size.checked_add(moved.size).ok_or(Rejection::AmountOverflow)?;
    transition.view.remove(&AccountKey::Group(smaller).state());
    transition.view.put(&AccountKey::Group(root).state(), &kept);
    reputation::carry_mark(transition, smaller, root)?;
    transition.emit(Event::Accounts(AccountEvent::ClustersMerged { smaller, root }));
    Ok(())
}

/// Removes a link between two accounts. Whoever has no link left leaves the cluster; the others stay together, also where
/// only the lost link connected them: to tell would mean to walk, and the careful answer is that they still act together.
pub(crate) fn disconnect(transition: &mut Transition<'_>, one: AccountId, other: AccountId) -> Applied {
    let root = cluster_of(transition, one)?;
    transition.view.need([AccountKey::Group(root).state(), reputation::key_of_mark(root)])?;
    // When both leave, one of the first three takes the root's place.
    let heirs = group(transition, root)?.members.into_iter().take(3);
    transition
        .view
        .need(heirs.flat_map(|heir| [reputation::key_of_mark(heir), AccountKey::Group(heir).state()]))?;
    for account in [one, other] {
        let key = AccountKey::LinkCount(account).state();
        let links = transition.view.get::<u32>(&key)?.unwrap_or_default();
        let links = links.checked_sub(1).expect("each end of a link counts it");
        if links == 0 {
            transition.view.remove(&key);
            leave(transition, account)?;
        } else {
            transition.view.put(&key, &links);
        }
    }
    Ok(())
}

fn leave(transition: &mut Transition<'_>, account: AccountId) -> Applied {
    let root = cluster_of(transition, account)?;
    let mut group = group(transition, root)?;
    // Members that are not listed cannot be told of another root: this one stays, with or without a link.
    if account == root && !is_listed(&group) {
        return Ok(());
    }
    let size = group.size.checked_sub(1).expect("a cluster counts each of its members");
    group.members.retain(|member| *member != account);
    group.size = size;
    let since_epoch = Some(transition.epoch());
    transition.view.put(&AccountKey::Member(account).state(), &MemberRecord { root: account, since_epoch });
    let successor = if account == root { group.members.first().copied() } else { Some(root) };
    if let Some(successor) = successor.filter(|successor| *successor != root) {
        for member in &group.members {
            let record = MemberRecord { root: successor, since_epoch };
            transition.view.put(&AccountKey::Member(*member).state(), &record);
        }
        transition.view.remove(&AccountKey::Group(root).state());
        reputation::hand_on_mark(transition, root, successor)?;
    }
    let kept = successor.unwrap_or(root);
    if size == 0 {
        transition.view.remove(&AccountKey::Group(kept).state());
    } else {
        transition.view.put(&AccountKey::Group(kept).state(), &group);
    }
    transition.emit(Event::Accounts(AccountEvent::ClusterLeft { account, root: kept }));
    Ok(())
}
