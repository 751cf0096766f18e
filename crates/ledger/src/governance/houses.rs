//! Weight in the two houses: locking OPEN, registering audited work, and the sums of the houses.

use openledger_types::governance::{EnrolmentRecord, House, HouseRecord, LockRecord, Scope, Weight};
use openledger_types::{
    AccountId, Amount, Asset, Cause, Domain, Event, GovernanceEvent, GovernanceParameters, Holder, Rejection,
    limits,
};

use super::arithmetic;
use super::key::GovernanceKey;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::{accounts, reputation, supply};

/// Epochs that a voter's earlier weights are kept: longer than a vote with its longest delay.
const HISTORY_EPOCHS: u64 = 128;

pub(super) fn keys_of_lock(scope: &Scope, account: AccountId) -> Vec<StateKey> {
    let mut keys = keys_of_scope(scope);
    keys.push(GovernanceKey::House(scope.clone(), House::Token).state());
    keys.push(GovernanceKey::Lock(scope.clone(), account).state());
    keys
}

/// A datanet's scope exists when the datanet does.
pub(super) fn keys_of_scope(scope: &Scope) -> Vec<StateKey> {
    match scope {
        Scope::Protocol => Vec::new(),
        Scope::Datanet(name) => vec![StateKey::Datanet(name.clone())],
    }
}

pub(super) fn keys_of_enrolment(scope: &Scope, account: AccountId, domains: &[Domain]) -> Vec<StateKey> {
    let mut keys = keys_of_scope(scope);
    keys.push(GovernanceKey::House(scope.clone(), House::Contributors).state());
    keys.push(GovernanceKey::Enrolment(scope.clone(), account).state());
    keys.push(accounts::key_of_cluster(account));
    let domains = domains.iter().take(limits::DOMAINS_PER_ENROLMENT_MAX);
    keys.extend(domains.flat_map(|domain| reputation::keys(account, domain)));
    keys
}

pub(super) fn check_scope(transition: &mut Transition<'_>, scope: &Scope) -> Applied {
    match scope {
        Scope::Protocol => Ok(()),
        Scope::Datanet(name) => transition.view.datanet(name).map(drop),
    }
}

/// The sum of a house, with its beginning in this epoch.
pub(super) fn house(transition: &mut Transition<'_>, scope: &Scope, house: House) -> Applied<HouseRecord> {
    let epoch = transition.epoch();
    let key = GovernanceKey::House(scope.clone(), house).state();
    let record: HouseRecord = transition.view.get(&key)?.unwrap_or_default();
    if epoch <= record.epoch {
        return Ok(record);
    }
    let elapsed = epoch.saturating_sub(record.epoch);
    let now = arithmetic::grown(record.now, house, elapsed, &transition.parameters.governance);
    Ok(HouseRecord { epoch, opening: now, now })
}

/// Puts the weight after a change into a voter's history: one for each epoch, and none that no vote can ask for.
fn remember(weights: &mut Vec<Weight>, weight: Weight) {
    weights.retain(|earlier| earlier.epoch != weight.epoch);
    weights.push(weight);
    let oldest = weight.epoch.saturating_sub(HISTORY_EPOCHS);
    while weights.get(1).is_some_and(|second| second.epoch < oldest) {
        weights.remove(0);
    }
}

fn lock_record(transition: &mut Transition<'_>, scope: &Scope) -> Applied<LockRecord> {
    let key = GovernanceKey::Lock(scope.clone(), transition.sender).state();
    Ok(transition.view.get(&key)?.unwrap_or_default())
}

fn put_lock(transition: &mut Transition<'_>, scope: &Scope, record: &LockRecord) {
    let key = GovernanceKey::Lock(scope.clone(), transition.sender).state();
    transition.view.put(&key, record);
}

pub(super) fn now(weights: &[Weight], house: House, epoch: u64, parameters: &GovernanceParameters) -> Weight {
    let none = Weight { epoch, full: 0, missing: 0 };
    weights.last().map_or(none, |last| arithmetic::aged(*last, house, epoch, parameters))
}

fn emit_weight(transition: &mut Transition<'_>, scope: &Scope, house: House, account: AccountId, full: u64) {
    let event = GovernanceEvent::WeightChanged { scope: scope.clone(), house, account, full };
    transition.emit(Event::Governance(event));
}

/// Locks OPEN. It counts nothing yet: conviction grows from the next epoch on.
pub(super) fn lock(transition: &mut Transition<'_>, scope: &Scope, amount: Amount) -> Applied {
    check_scope(transition, scope)?;
    if amount == Amount::ZERO {
        return Err(Rejection::AmountZero.into());
    }
    let (account, epoch) = (transition.sender, transition.epoch());
    let from = Holder::Account(account);
    supply::shift(transition, from, Holder::Custody, Asset::Open, amount, Cause::VotesLocked)?;
    let mut sum = house(transition, scope, House::Token)?;
    let mut record = lock_record(transition, scope)?;
    let before = now(&record.weights, House::Token, epoch, &transition.parameters.governance);
    let more = |number: u64| number.checked_add(amount.0).ok_or(Rejection::AmountOverflow);
    let weight = Weight { epoch, full: more(before.full)?, missing: more(before.missing)? };
    sum.now.full = more(sum.now.full)?;
    sum.now.missing = more(sum.now.missing)?;
    remember(&mut record.weights, weight);
    put_lock(transition, scope, &record);
    transition.view.put(&GovernanceKey::House(scope.clone(), House::Token).state(), &sum);
    emit_weight(transition, scope, House::Token, account, weight.full);
    Ok(())
}

/// Takes `amount` out of the weight; what conviction lacks leaves in proportion.
fn lighten(
    transition: &mut Transition<'_>,
    scope: &Scope,
    record: &mut LockRecord,
    amount: Amount,
) -> Applied {
    let (account, epoch) = (transition.sender, transition.epoch());
    let mut sum = house(transition, scope, House::Token)?;
    let before = now(&record.weights, House::Token, epoch, &transition.parameters.governance);
    let full = before.full.checked_sub(amount.0).ok_or(Rejection::LockTooLow)?;
    let leaves = arithmetic::part(before.missing, amount.0, before.full);
    let weight = Weight { epoch, full, missing: before.missing.saturating_sub(leaves) };
    sum.now.full = sum.now.full.saturating_sub(amount.0);
    // The house is rounded up, so it lacks at most what its voters lack.
    sum.now.missing = sum.now.missing.saturating_sub(leaves.saturating_add(1)).min(sum.now.full);
    remember(&mut record.weights, weight);
    transition.view.put(&GovernanceKey::House(scope.clone(), House::Token).state(), &sum);
    emit_weight(transition, scope, House::Token, account, full);
    Ok(())
}

/// Begins to take locked OPEN back. It counts no longer, and waits until the votes it was given to are counted.
pub(super) fn unlock(transition: &mut Transition<'_>, scope: &Scope, amount: Amount) -> Applied {
    if amount == Amount::ZERO {
        return Err(Rejection::AmountZero.into());
    }
    let mut record = lock_record(transition, scope)?;
    lighten(transition, scope, &mut record, amount)?;
    let waits = transition.epoch().saturating_add(transition.parameters.governance.unlock_epochs);
    let releases_in_epoch = waits.max(record.held_until_epoch);
    match record.leaving.last_mut().filter(|last| last.0 == releases_in_epoch) {
        Some(last) => last.1 = last.1.plus(amount).ok_or(Rejection::AmountOverflow)?,
        None => record.leaving.push((releases_in_epoch, amount)),
    }
    if record.leaving.len() > limits::UNLOCKS_WAITING_MAX {
        return Err(Rejection::UnlocksTooMany.into());
    }
    put_lock(transition, scope, &record);
    let (scope, account) = (scope.clone(), transition.sender);
    let event = GovernanceEvent::Unlocking { scope, account, amount, releases_in_epoch };
    transition.emit(Event::Governance(event));
    Ok(())
}

/// Takes back what has waited long enough.
pub(super) fn release(transition: &mut Transition<'_>, scope: &Scope) -> Applied {
    let (account, epoch) = (transition.sender, transition.epoch());
    let mut record = lock_record(transition, scope)?;
    let due = record.leaving.iter().filter(|(release, _)| *release <= epoch).map(|(_, amount)| *amount);
    let due = Amount::sum(due).ok_or(Rejection::AmountOverflow)?;
    if due == Amount::ZERO {
        return Err(Rejection::NothingReleased.into());
    }
    record.leaving.retain(|(release, _)| *release > epoch);
    put_lock(transition, scope, &record);
    let to = Holder::Account(account);
    supply::shift(transition, Holder::Custody, to, Asset::Open, due, Cause::VotesReleased)
}

/// Takes everything out of a lock at once: the right to leave. Returns how much. What was given to a vote that is not over
/// counts no longer, and waits for the end of the vote.
pub(super) fn leave(transition: &mut Transition<'_>, scope: &Scope) -> Applied<Amount> {
    let (account, epoch) = (transition.sender, transition.epoch());
    let mut record = lock_record(transition, scope)?;
    let full = now(&record.weights, House::Token, epoch, &transition.parameters.governance).full;
    if full > 0 {
        lighten(transition, scope, &mut record, Amount(full))?;
    }
    let held_until = record.held_until_epoch;
    let held = |release: u64| epoch < held_until && held_until <= release;
    let mut lines = std::mem::take(&mut record.leaving);
    lines.push((held_until, Amount(full)));
    let sum = |stays: bool| {
        let lines = lines.iter().filter(|(release, _)| held(*release) == stays);
        Amount::sum(lines.map(|(_, amount)| *amount)).ok_or(Rejection::AmountOverflow)
    };
    let (stays, goes) = (sum(true)?, sum(false)?);
    if stays > Amount::ZERO {
        record.leaving.push((held_until, stays));
        let (scope, amount, releases_in_epoch) = (scope.clone(), stays, held_until);
        let event = GovernanceEvent::Unlocking { scope, account, amount, releases_in_epoch };
        transition.emit(Event::Governance(event));
    }
    if stays.0 > 0 || goes.0 > 0 {
        put_lock(transition, scope, &record);
        let to = Holder::Account(account);
        supply::shift(transition, Holder::Custody, to, Asset::Open, goes, Cause::Left)?;
    }
    Ok(goes)
}

/// Registers the sender's audited work.
pub(super) fn enrol(transition: &mut Transition<'_>, scope: &Scope, domains: &[Domain]) -> Applied {
    check_scope(transition, scope)?;
    let increasing = domains.iter().zip(domains.iter().skip(1)).all(|(one, next)| one < next);
    let inside = domains.iter().all(|domain| match (scope, domain) {
        // Whoever asks for such work says how good it was, so it could be bought.
        (Scope::Protocol, Domain::Agent | Domain::Labelling(_)) => false,
        (Scope::Protocol, _) => true,
        (Scope::Datanet(name), Domain::Data(of) | Domain::Labelling(of)) => name == of,
        (Scope::Datanet(_), _) => false,
    });
    if !(1..=limits::DOMAINS_PER_ENROLMENT_MAX).contains(&domains.len()) || !increasing || !inside {
        return Err(Rejection::DomainsInvalid.into());
    }
    let account = transition.sender;
    let key = GovernanceKey::Enrolment(scope.clone(), account).state();
    let earlier: EnrolmentRecord = transition.view.get(&key)?.unwrap_or_default();
    register(transition, scope, account, EnrolmentRecord { domains: domains.to_vec(), ..earlier })
}

/// Brings a registration up to date, whoever asks: work that turned out bad does not stay registered.
pub(super) fn refresh(transition: &mut Transition<'_>, scope: &Scope, account: AccountId) -> Applied {
    let key = GovernanceKey::Enrolment(scope.clone(), account).state();
    let record: Option<EnrolmentRecord> = transition.view.get(&key)?;
    register(transition, scope, account, record.ok_or(Rejection::EnrolmentUnknown)?)
}

fn register(
    transition: &mut Transition<'_>,
    scope: &Scope,
    account: AccountId,
    mut record: EnrolmentRecord,
) -> Applied {
    let epoch = transition.epoch();
    let full = audited_weight(transition, account, &record.domains)?;
    let mut sum = house(transition, scope, House::Contributors)?;
    let parameters = &transition.parameters.governance;
    let before = now(&record.weights, House::Contributors, epoch, parameters).full;
    sum.now.full = sum.now.full.saturating_sub(before).checked_add(full).ok_or(Rejection::AmountOverflow)?;
    remember(&mut record.weights, Weight { epoch, full, missing: 0 });
    transition.view.put(&GovernanceKey::Enrolment(scope.clone(), account).state(), &record);
    transition.view.put(&GovernanceKey::House(scope.clone(), House::Contributors).state(), &sum);
    emit_weight(transition, scope, House::Contributors, account, full);
    Ok(())
}

/// What an account's audited work weighs today: reputation times verified evidence, summed over domains, in 1/2^16 units.
/// Nothing below the least evidence.
pub(super) fn audited_weight(
    transition: &mut Transition<'_>,
    account: AccountId,
    domains: &[Domain],
) -> Applied<u64> {
    let cluster = accounts::cluster_of(transition, account)?;
    transition.view.need(keys_of_audited(cluster, account, domains))?;
    let (mut weight, mut units) = (0u64, 0u64);
    for domain in domains {
        let verified = reputation::units(transition, account, domain)?;
        let reputation = reputation::of(transition, account, domain)?;
        let weighed = u128::from(verified).saturating_mul(u128::from(reputation)) >> 32;
        weight = weight.saturating_add(u64::try_from(weighed).unwrap_or(u64::MAX));
        units = units.saturating_add(verified);
    }
    let least = transition.parameters.governance.units_min.saturating_mul(1 << 16);
    Ok(if units < least { 0 } else { weight })
}

/// What [`audited_weight`] reads when the cluster is known.
pub(super) fn keys_of_audited(cluster: AccountId, account: AccountId, domains: &[Domain]) -> Vec<StateKey> {
    let mut keys: Vec<StateKey> =
        domains.iter().flat_map(|domain| reputation::keys(account, domain)).collect();
    // The mark of a fraud is on the cluster.
    keys.extend(domains.first().into_iter().flat_map(|domain| reputation::keys(cluster, domain)));
    keys
}
