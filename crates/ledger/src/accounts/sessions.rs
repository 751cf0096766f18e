//! Session keys: what they may do, and the count of what they spent.
//!
//! The count is kept where every balance falls, in [`super::spend`], so no action can spend past it, whatever the action is.

use openledger_types::accounts::SessionRecord;
use openledger_types::{
    AccountEvent, AccountId, Action, Amount, Asset, Event, Rejection, SessionGrant, SessionKey,
    SpendingLimit, limits,
};

use super::AccountKey;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};

/// What no session may do: give away more than it has, or number withdrawals, which count the account's own nonces.
const NEVER: [&str; 3] = ["Grant session", "Revoke session", "Withdraw"];

/// The session by which a transaction acts.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) key: StateKey,
    pub(crate) record: SessionRecord,
}

impl Session {
    /// Refuses an action that the grant does not name.
    pub(crate) fn check_action(&self, action: &Action) -> Applied {
        let grant = self.record.grant.as_ref();
        let named = grant.is_some_and(|grant| grant.actions.iter().any(|name| name == action.name()));
        if named { Ok(()) } else { Err(Rejection::SessionActionForbidden.into()) }
    }

    /// Counts what leaves the account's balance.
    pub(crate) fn count(&mut self, asset: Asset, amount: Amount, epoch: u64) -> Applied {
        let record = &mut self.record;
        if record.epoch != epoch {
            record.epoch = epoch;
            record.credits_in_epoch = Amount::ZERO;
            record.open_in_epoch = Amount::ZERO;
        }
        let grant = record.grant.as_ref().ok_or(Rejection::SessionUnknown)?;
        let (limit, in_epoch, spent) = match asset {
            Asset::Credit => (grant.credits, &mut record.credits_in_epoch, &mut record.credits_spent),
            Asset::Open => (grant.open, &mut record.open_in_epoch, &mut record.open_spent),
        };
        let SpendingLimit { per_epoch, total } = limit;
        *in_epoch =
            in_epoch.plus(amount).filter(|sum| *sum <= per_epoch).ok_or(Rejection::SessionEpochExhausted)?;
        *spent = spent.plus(amount).filter(|sum| *sum <= total).ok_or(Rejection::SessionExhausted)?;
        Ok(())
    }
}

/// Grants a session, or replaces the one that the key has. The nonce goes on: what an earlier grant signed stays used.
pub(crate) fn grant(transition: &mut Transition<'_>, key: SessionKey, grant: &SessionGrant) -> Applied {
    let (account, epoch) = (transition.sender, transition.epoch());
    let increasing = grant.actions.iter().zip(grant.actions.iter().skip(1)).all(|(one, next)| one < next);
    let allowed = grant.actions.iter().all(|name| {
        !name.is_empty() && name.len() <= limits::TEXT_BYTES_MAX && !NEVER.contains(&name.as_str())
    });
    let last = epoch.saturating_add(limits::SESSION_EPOCHS_MAX);
    let valid = (1..=limits::SESSION_ACTIONS_MAX).contains(&grant.actions.len())
        && increasing
        && allowed
        && key != SessionKey::Secp256k1(account)
        && epoch < grant.expires_in_epoch
        && grant.expires_in_epoch <= last;
    if !valid {
        return Err(Rejection::SessionInvalid.into());
    }
    let state = AccountKey::Session(account, key).state();
    let nonce = transition.view.get::<SessionRecord>(&state)?.map_or(0, |record| record.nonce);
    let record = SessionRecord {
        grant: Some(grant.clone()),
        nonce,
        epoch,
        credits_in_epoch: Amount::ZERO,
        open_in_epoch: Amount::ZERO,
        credits_spent: Amount::ZERO,
        open_spent: Amount::ZERO,
    };
    transition.view.put(&state, &record);
    let granted = AccountEvent::SessionGranted { account, key, grant: grant.clone() };
    transition.emit(Event::Accounts(granted));
    Ok(())
}

/// Ends a session at once.
pub(crate) fn revoke(transition: &mut Transition<'_>, key: SessionKey) -> Applied {
    let account = transition.sender;
    let state = AccountKey::Session(account, key).state();
    let record = transition.view.get::<SessionRecord>(&state)?;
    let record = record.filter(|record| record.grant.is_some()).ok_or(Rejection::SessionUnknown)?;
    transition.view.put(&state, &SessionRecord { grant: None, ..record });
    transition.emit(Event::Accounts(AccountEvent::SessionRevoked { account, key }));
    Ok(())
}

pub(crate) fn keys(account: AccountId, key: SessionKey) -> Vec<StateKey> {
    vec![AccountKey::Session(account, key).state()]
}
