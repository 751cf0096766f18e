//! Declared links: one side proposes, the other agrees, and the link binds until its unbonding time has passed.

use openledger_types::accounts::LinkRecord;
use openledger_types::{AccountEvent, AccountId, Event, Rejection};

use super::{AccountKey, clusters};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};

/// Everything that a link between two accounts touches, but the clusters that their membership leads to.
pub(crate) fn keys(one: AccountId, other: AccountId) -> Vec<StateKey> {
    let of = |account| [AccountKey::Member(account).state(), AccountKey::LinkCount(account).state()];
    [AccountKey::link(one, other).state()].into_iter().chain(of(one)).chain(of(other)).collect()
}

/// Proposes a link, or agrees to one.
pub(crate) fn declare(transition: &mut Transition<'_>, other: AccountId) -> Applied {
    let sender = transition.sender;
    if sender == other {
        return Err(Rejection::LinkToSelf.into());
    }
    let key = AccountKey::link(sender, other).state();
    match transition.view.get::<LinkRecord>(&key)? {
        None => {
            let link = LinkRecord { proposed_by: sender, declared_in_epoch: None, ends_in_epoch: None };
            transition.view.put(&key, &link);
            transition.emit(Event::Accounts(AccountEvent::LinkProposed { by: sender, to: other }));
            Ok(())
        }
        Some(link) if link.declared_in_epoch.is_none() && link.proposed_by == other => {
            clusters::connect(transition, sender, other)?;
            let declared_in_epoch = Some(transition.epoch());
            transition.view.put(&key, &LinkRecord { declared_in_epoch, ..link });
            transition.emit(Event::Accounts(AccountEvent::LinkDeclared { one: other, other: sender }));
            Ok(())
        }
        Some(_) => Err(Rejection::LinkExists.into()),
    }
}

/// Asks for the end of a link, or ends it. Either side may; whoever was asked declines in the same way.
pub(crate) fn end(transition: &mut Transition<'_>, other: AccountId) -> Applied {
    let (sender, now) = (transition.sender, transition.epoch());
    let key = AccountKey::link(sender, other).state();
    let link: LinkRecord = transition.view.get(&key)?.ok_or(Rejection::LinkUnknown)?;
    match (link.declared_in_epoch, link.ends_in_epoch) {
        (Some(_), None) => {
            let ends_in_epoch = now.saturating_add(transition.parameters.unbonding_epochs);
            transition.view.put(&key, &LinkRecord { ends_in_epoch: Some(ends_in_epoch), ..link });
            let ending = AccountEvent::LinkEnding { one: sender, other, ends_in_epoch };
            transition.emit(Event::Accounts(ending));
            return Ok(());
        }
        (Some(_), Some(ends)) if now < ends => return Err(Rejection::LinkStillBinds.into()),
        (Some(_), Some(_)) => clusters::disconnect(transition, sender, other)?,
        (None, _) => {}
    }
    transition.view.remove(&key);
    transition.emit(Event::Accounts(AccountEvent::LinkEnded { one: sender, other }));
    Ok(())
}
