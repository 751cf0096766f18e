//! Marks of proven fraud, on clusters: they follow the accounts when clusters merge and when a root leaves.

use openledger_types::{AccountId, Domain, Event, EvidenceRecord, FraudRecord, ReputationEvent};

use super::apply::evidence_key;
use super::arithmetic::{self, BETA_OF_FRAUD};
use super::key::ReputationKey;
use crate::accounts::cluster_of;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};

/// The key of the mark of the cluster with this root.
pub(crate) fn key_of_mark(root: AccountId) -> StateKey {
    StateKey::Reputation(ReputationKey::Fraud(root))
}

/// Marks a proven fraud: the subject starts below the beginning, and its cluster with it.
pub(crate) fn mark_fraud(transition: &mut Transition<'_>, subject: AccountId, domain: &Domain) -> Applied {
    let epoch = transition.epoch();
    let cluster = cluster_of(transition, subject)?;
    let evidence =
        EvidenceRecord { beta: BETA_OF_FRAUD, fraud_epoch: Some(epoch), ..arithmetic::prior(epoch) };
    transition.view.put(&evidence_key(subject, domain), &evidence);
    for marked in [cluster, subject] {
        mark(transition, marked, &FraudRecord { epoch, before: None })?;
    }
    transition.emit(Event::Reputation(ReputationEvent::FraudMarked {
        subject,
        domain: domain.clone(),
        cluster,
        evidence,
    }));
    Ok(())
}

fn mark(transition: &mut Transition<'_>, root: AccountId, added: &FraudRecord) -> Applied {
    let known: Option<FraudRecord> = transition.view.get(&key_of_mark(root))?;
    let marked = known.map_or_else(|| added.clone(), |known| known.and(added));
    transition.view.put(&key_of_mark(root), &marked);
    Ok(())
}

/// Two clusters became one: the marks of both are its mark.
pub(crate) fn carry_mark(transition: &mut Transition<'_>, smaller: AccountId, root: AccountId) -> Applied {
    match transition.view.get::<FraudRecord>(&key_of_mark(smaller))? {
        Some(carried) => mark(transition, root, &carried),
        None => Ok(()),
    }
}

/// A root left and another took its place. What the successor brought with it was not later than the cluster's mark.
pub(crate) fn hand_on_mark(
    transition: &mut Transition<'_>,
    root: AccountId,
    successor: AccountId,
) -> Applied {
    // Read, or what is written could be what was there already, and would count as a change only where it was not loaded.
    transition.view.get::<FraudRecord>(&key_of_mark(successor))?;
    if let Some(mark) = transition.view.get::<FraudRecord>(&key_of_mark(root))? {
        transition.view.put(&key_of_mark(successor), &mark);
    }
    Ok(())
}
