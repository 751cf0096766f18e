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
        transition.view.put(&key_of_mark(marked), &FraudRecord { epoch });
    }
    transition.emit(Event::Reputation(ReputationEvent::FraudMarked {
        subject,
        domain: domain.clone(),
        cluster,
        evidence,
    }));
    Ok(())
}

/// Two clusters became one: the later mark is the mark of both.
pub(crate) fn carry_mark(transition: &mut Transition<'_>, smaller: AccountId, root: AccountId) -> Applied {
    let carried: Option<FraudRecord> = transition.view.get(&key_of_mark(smaller))?;
    let kept: Option<FraudRecord> = transition.view.get(&key_of_mark(root))?;
    match carried {
        Some(mark) if kept.is_none_or(|kept| kept.epoch < mark.epoch) => {
            transition.view.put(&key_of_mark(root), &mark);
        }
        _ => {}
    }
    Ok(())
}

/// A root left and another took its place. What the successor brought with it was not later than the cluster's mark.
pub(crate) fn hand_on_mark(
    transition: &mut Transition<'_>,
    root: AccountId,
    successor: AccountId,
) -> Applied {
    if let Some(mark) = transition.view.get::<FraudRecord>(&key_of_mark(root))? {
        transition.view.put(&key_of_mark(successor), &mark);
    }
    Ok(())
}
