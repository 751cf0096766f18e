//! The transitions of channels. Their debits are in `settlement`.

use openledger_types::governance::Pausable;
use openledger_types::record::ChannelRecord;
use openledger_types::transaction::channel_id;
use openledger_types::{AccountId, Amount, Asset, ChannelId, Event, Hash, Rejection};

use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::supply::{self, Part};
use crate::{accounts, governance};

pub(crate) fn keys(channel: ChannelId) -> Vec<StateKey> {
    vec![StateKey::Channel(channel)]
}

pub(crate) fn keys_of_close(channel: ChannelId) -> Vec<StateKey> {
    vec![StateKey::Channel(channel), governance::pause_key()]
}

pub(crate) fn keys_of_opening(consumer: AccountId, gateway: AccountId, salt: &Hash) -> Vec<StateKey> {
    vec![StateKey::Gateway(gateway), StateKey::Channel(channel_id(&consumer, &gateway, salt))]
}

pub(crate) fn open(
    transition: &mut Transition<'_>,
    gateway: AccountId,
    authorizer: AccountId,
    deposit: Amount,
    salt: &Hash,
) -> Applied {
    if deposit == Amount::ZERO {
        return Err(Rejection::AmountZero.into());
    }
    let consumer = transition.sender;
    transition.view.gateway(gateway)?;
    let channel = channel_id(&consumer, &gateway, salt);
    let key = StateKey::Channel(channel);
    if transition.view.get::<ChannelRecord>(&key)?.is_some() {
        return Err(Rejection::ChannelExists.into());
    }
    accounts::spend(transition, consumer, Asset::Credit, deposit)?;
    supply::enter(&mut transition.supply, Part::Channels, deposit)?;
    let record = ChannelRecord {
        consumer,
        gateway,
        authorizer,
        deposit,
        spent: Amount::ZERO,
        closes_at_ms: None,
        closed: false,
    };
    transition.view.put(&key, &record);
    transition.emit(Event::ChannelOpened { channel, consumer, gateway, authorizer, deposit });
    Ok(())
}

pub(crate) fn top_up(transition: &mut Transition<'_>, channel: ChannelId, amount: Amount) -> Applied {
    let payer = transition.sender;
    fund(transition, channel, payer, amount)
}

/// Adds credits of its consumer to a channel.
pub(crate) fn fund(
    transition: &mut Transition<'_>,
    channel: ChannelId,
    payer: AccountId,
    amount: Amount,
) -> Applied {
    if amount == Amount::ZERO {
        return Err(Rejection::AmountZero.into());
    }
    let mut record = transition.view.channel(channel)?;
    if record.consumer != payer {
        return Err(Rejection::NotChannelParty.into());
    }
    if record.closed {
        return Err(Rejection::ChannelClosed.into());
    }
    record.deposit = record.deposit.plus(amount).ok_or(Rejection::AmountOverflow)?;
    accounts::spend(transition, record.consumer, Asset::Credit, amount)?;
    supply::enter(&mut transition.supply, Part::Channels, amount)?;
    transition.view.put(&StateKey::Channel(channel), &record);
    transition.emit(Event::ChannelToppedUp { channel, amount });
    Ok(())
}

pub(crate) fn close(transition: &mut Transition<'_>, channel: ChannelId) -> Applied {
    let mut record = transition.view.channel(channel)?;
    let sender = transition.sender;
    if sender != record.gateway && sender != record.consumer {
        return Err(Rejection::NotChannelParty.into());
    }
    if record.closed {
        return Err(Rejection::ChannelClosed.into());
    }
    let now_ms = transition.context.timestamp_ms;
    if sender != record.gateway {
        let delay = transition.parameters.channel_close_delay_ms;
        let pause = governance::last_pause(transition, Pausable::Settlement)?;
        match record.closes_at_ms {
            None => {
                let closes_at_ms = now_ms.saturating_add(delay);
                record.closes_at_ms = Some(closes_at_ms);
                transition.view.put(&StateKey::Channel(channel), &record);
                transition.emit(Event::ChannelClosing { channel, closes_at_ms });
                return Ok(());
            }
            Some(closes_at_ms) => {
                // A gateway that could not settle in the delay, because settlement was paused, has it after the pause.
                let paused = pause.filter(|pause| pause.from_ms < closes_at_ms);
                let settled_by = paused.map_or(0, |pause| pause.until_ms.saturating_add(delay));
                if now_ms < closes_at_ms.max(settled_by) {
                    return Err(Rejection::ChannelStillOpen.into());
                }
            }
        }
    }
    let refunded = record.deposit.minus(record.spent).expect("a voucher beyond the deposit is never settled");
    supply::leave(&mut transition.supply, Part::Channels, refunded);
    accounts::receive(transition, record.consumer, Asset::Credit, refunded)?;
    record.closed = true;
    transition.view.put(&StateKey::Channel(channel), &record);
    transition.emit(Event::ChannelClosed { channel, consumer: record.consumer, refunded });
    Ok(())
}
