//! Reading reputations and recording evidence.

use openledger_types::{
    AccountId, CounterpartyRecord, Domain, Event, EvidenceRecord, FraudRecord, ReputationEvent,
    ReputationParameters, RequesterRecord,
};

use super::arithmetic;
use super::key::ReputationKey;
use super::marks::key_of_mark;
use crate::accounts::{self, cluster_of};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};

/// What an audit, a gold task or a holdout says about a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// Good evidence in 1/2^16 units, weighed by fee and type ([`super::weight`]).
    pub(crate) good: u32,
    /// Bad evidence in 1/2^16 units, likewise.
    pub(crate) bad: u32,
    /// Who asked for the work, where somebody did. Gold tasks, canaries and holdouts have nobody.
    pub(crate) counterparty: Option<AccountId>,
}

/// Everything that [`of`] reads and that can be known before anything is loaded.
pub(crate) fn keys(subject: AccountId, domain: &Domain) -> Vec<StateKey> {
    let mut keys = keys_of_cluster(subject);
    keys.push(evidence_key(subject, domain));
    keys
}

/// The same for [`record`] with this counterparty.
pub(crate) fn keys_of_pair(subject: AccountId, domain: &Domain, counterparty: AccountId) -> Vec<StateKey> {
    let mut keys = keys(subject, domain);
    keys.extend([
        accounts::key_of_cluster(counterparty),
        StateKey::Reputation(ReputationKey::Counterparty(subject, domain.clone(), counterparty)),
        StateKey::Reputation(ReputationKey::Requester(counterparty, domain.clone())),
    ]);
    keys
}

/// What [`of`], [`record`] and [`super::mark_fraud`] read when the clusters are loaded: an action that finds more keys in
/// the same round asks for all of them at once, because there is no third round.
pub(crate) fn keys_found(
    transition: &mut Transition<'_>,
    subject: AccountId,
    domain: &Domain,
    counterparty: Option<AccountId>,
) -> Applied<Vec<StateKey>> {
    let cluster = cluster_of(transition, subject)?;
    let mut keys = vec![evidence_key(subject, domain), key_of_mark(cluster)];
    if let Some(counterparty) = counterparty {
        let counterparty = cluster_of(transition, counterparty)?;
        keys.extend([
            StateKey::Reputation(ReputationKey::Counterparty(cluster, domain.clone(), counterparty)),
            StateKey::Reputation(ReputationKey::Requester(counterparty, domain.clone())),
        ]);
    }
    Ok(keys)
}

/// Most accounts are clusters of their own, so the mark is likely there.
fn keys_of_cluster(account: AccountId) -> Vec<StateKey> {
    vec![accounts::key_of_cluster(account), key_of_mark(account)]
}

pub(super) fn evidence_key(subject: AccountId, domain: &Domain) -> StateKey {
    StateKey::Reputation(ReputationKey::Evidence(subject, domain.clone()))
}

/// The reputation in this epoch, in 1/2^32.
pub(crate) fn of(transition: &mut Transition<'_>, subject: AccountId, domain: &Domain) -> Applied<u32> {
    let cluster = cluster_of(transition, subject)?;
    let key = evidence_key(subject, domain);
    transition.view.need([key.clone(), key_of_mark(cluster)])?;
    let evidence: Option<EvidenceRecord> = transition.view.get(&key)?;
    let mark: Option<FraudRecord> = transition.view.get(&key_of_mark(cluster))?;
    let parameters = &transition.parameters.reputation;
    Ok(arithmetic::current(evidence.as_ref(), mark.as_ref(), parameters, transition.epoch()))
}

/// The same by the subject's own evidence and mark, without those of its cluster: for a subject that is found only in the
/// second round of loading, so that its cluster's could be loaded only in a third.
pub(crate) fn alone(transition: &mut Transition<'_>, subject: AccountId, domain: &Domain) -> Applied<u32> {
    let evidence: Option<EvidenceRecord> = transition.view.get(&evidence_key(subject, domain))?;
    let mark: Option<FraudRecord> = transition.view.get(&key_of_mark(subject))?;
    let parameters = &transition.parameters.reputation;
    Ok(arithmetic::current(evidence.as_ref(), mark.as_ref(), parameters, transition.epoch()))
}

/// What [`alone`] reads.
pub(crate) fn keys_alone(subject: AccountId, domain: &Domain) -> Vec<StateKey> {
    vec![evidence_key(subject, domain), key_of_mark(subject)]
}

/// Verified good evidence in this epoch, in 1/2^16 units: what votes in the contributor house are counted by.
pub(crate) fn units(transition: &mut Transition<'_>, subject: AccountId, domain: &Domain) -> Applied<u64> {
    let evidence: Option<EvidenceRecord> = transition.view.get(&evidence_key(subject, domain))?;
    let (parameters, epoch) = (&transition.parameters.reputation, transition.epoch());
    Ok(evidence.map_or(0, |evidence| arithmetic::turned(&evidence, None, parameters, epoch).units >> 16))
}

/// Counts evidence about a subject.
pub(crate) fn record(
    transition: &mut Transition<'_>,
    subject: AccountId,
    domain: &Domain,
    given: Evidence,
) -> Applied {
    let (epoch, parameters) = (transition.epoch(), transition.parameters.reputation);
    let cluster = cluster_of(transition, subject)?;
    let key = evidence_key(subject, domain);
    let found = keys_found(transition, subject, domain, given.counterparty)?;
    transition.view.need(found.into_iter().chain([key.clone()]))?;
    let mark: Option<FraudRecord> = transition.view.get(&key_of_mark(cluster))?;
    let before = transition.view.get::<EvidenceRecord>(&key)?;
    let before = before.unwrap_or_else(|| arithmetic::prior(epoch));
    let mut evidence = arithmetic::turned(&before, mark.as_ref(), &parameters, epoch);
    let (good, bad) = weighed(transition, cluster, domain, given)?;
    if (good, bad) == (0, 0) || evidence.fraud_epoch == Some(epoch) {
        return Ok(());
    }
    evidence.alpha = evidence.alpha.saturating_add(good);
    evidence.units = evidence.units.saturating_add(good);
    evidence.beta = evidence.beta.saturating_add(bad.saturating_mul(parameters.bad_weight));
    transition.view.put(&key, &evidence);
    let reputation = arithmetic::current(Some(&evidence), mark.as_ref(), &parameters, epoch);
    transition.emit(Event::Reputation(ReputationEvent::EvidenceRecorded {
        subject,
        domain: domain.clone(),
        counterparty: given.counterparty,
        good,
        bad,
        evidence,
        reputation,
    }));
    Ok(())
}

/// What evidence weighs after the discounts for who gave it, in 1/2^32.
fn weighed(
    transition: &mut Transition<'_>,
    cluster: AccountId,
    domain: &Domain,
    given: Evidence,
) -> Applied<(u64, u64)> {
    let (good, bad) = (u64::from(given.good) << 16, u64::from(given.bad) << 16);
    let Some(counterparty) = given.counterparty else {
        return Ok((good, bad));
    };
    let counterparty = cluster_of(transition, counterparty)?;
    if counterparty == cluster {
        return Ok((0, bad));
    }
    let pair = StateKey::Reputation(ReputationKey::Counterparty(cluster, domain.clone(), counterparty));
    let all = StateKey::Reputation(ReputationKey::Requester(counterparty, domain.clone()));
    transition.view.need([pair.clone(), all.clone()])?;
    let (epoch, parameters) = (transition.epoch(), transition.parameters.reputation);
    let mut pair_record = turned_pair(transition.view.get(&pair)?, &parameters, epoch);
    let mut all_record = turned_requester(transition.view.get(&all)?, &parameters, epoch);
    let unshared = |units| arithmetic::unshared(units, pair_record.seen, all_record.seen, &parameters);
    let (good, bad) = (unshared(good), unshared(bad));
    let counted = pair_record.counted;
    let before = arithmetic::saturated(counted, pair_record.good, &parameters);
    pair_record.good = pair_record.good.saturating_add(good);
    let good = arithmetic::saturated(counted, pair_record.good, &parameters).saturating_sub(before);
    let bad = arithmetic::repeated(bad, counted, &parameters);
    pair_record.bad = pair_record.bad.saturating_add(bad);
    let seen = u64::from(given.good).saturating_add(u64::from(given.bad)) << 16;
    pair_record.seen_now = pair_record.seen_now.saturating_add(seen);
    all_record.seen_now = all_record.seen_now.saturating_add(seen);
    transition.view.put(&pair, &pair_record);
    transition.view.put(&all, &all_record);
    Ok((good, bad))
}

/// What was given in its epoch becomes what was given before, and is forgotten by half per half-life.
fn turned_pair(
    record: Option<CounterpartyRecord>,
    parameters: &ReputationParameters,
    epoch: u64,
) -> CounterpartyRecord {
    let record = record.unwrap_or_default();
    if epoch <= record.epoch {
        return record;
    }
    let elapsed = epoch.saturating_sub(record.epoch);
    let left = |units| arithmetic::decay(units, elapsed, parameters.counterparty_half_life_epochs);
    let counted = arithmetic::saturated(record.counted, record.good, parameters).saturating_add(record.bad);
    let seen = record.seen.saturating_add(record.seen_now);
    CounterpartyRecord { epoch, counted: left(counted), seen: left(seen), good: 0, bad: 0, seen_now: 0 }
}

fn turned_requester(
    record: Option<RequesterRecord>,
    parameters: &ReputationParameters,
    epoch: u64,
) -> RequesterRecord {
    let record = record.unwrap_or_default();
    if epoch <= record.epoch {
        return record;
    }
    let elapsed = epoch.saturating_sub(record.epoch);
    let seen = record.seen.saturating_add(record.seen_now);
    let seen = arithmetic::decay(seen, elapsed, parameters.counterparty_half_life_epochs);
    RequesterRecord { epoch, seen, seen_now: 0 }
}
