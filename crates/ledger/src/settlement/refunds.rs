//! Refunds of single receipts. What a receipt charged is in the receipt, which the ledger does not see; so the gateway says it,
//! always the same, and what goes back stays within that and within what the batch charged. A provider gives nothing back of an
//! epoch whose receipts may still be drawn and opened: its refunds would take the money out before the audit could hold it.

use openledger_types::record::{BatchRecord, Role};
use openledger_types::settlement::{Refund, RefundConsent, RefundRecord, SettlementAction, SettlementEvent};
use openledger_types::transaction::ConsentMessage;
use openledger_types::{AccountId, Amount, Asset, AuditId, Cause, Event, Forfeited, Holder, Rejection};

use super::key::SettlementKey;
use crate::escrow;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::supply::shift;

pub(crate) fn keys_of_action(gateway: AccountId, action: &SettlementAction) -> Vec<StateKey> {
    let SettlementAction::Refund(refund) = action;
    let mut keys = vec![
        StateKey::Gateway(gateway),
        StateKey::Batch(gateway, refund.batch),
        StateKey::Channel(refund.channel),
        SettlementKey::Refund(gateway, refund.receipt).state(),
        SettlementKey::Refunds(gateway, refund.batch).state(),
    ];
    if let Some(RefundConsent { provider, epoch, .. }) = refund.consent {
        keys.extend(escrow::keys(provider, Role::Provider, &[epoch]));
        keys.push(StateKey::Account(provider));
    }
    keys
}

pub(crate) fn apply(transition: &mut Transition<'_>, action: &SettlementAction) -> Applied {
    let SettlementAction::Refund(refund) = action;
    let gateway = transition.sender;
    transition.view.gateway(gateway)?;
    let batch = settled(transition, refund)?;
    let channel = transition.view.channel(refund.channel)?;
    if channel.gateway != gateway {
        return Err(Rejection::NotChannelParty.into());
    }
    transition.view.need([StateKey::Account(channel.consumer)])?;
    let mut record = known(transition, refund, channel.consumer)?;
    let whole = SettlementKey::Refunds(gateway, refund.batch).state();
    let of_batch = transition.view.get::<Amount>(&whole)?.unwrap_or_default();
    let of_batch = of_batch.plus(refund.amount).filter(|sum| *sum <= batch.charged);
    let refunded = record.refunded.plus(refund.amount).filter(|sum| *sum <= record.charged);
    let (Some(of_batch), Some(refunded)) = (of_batch, refunded) else {
        return Err(Rejection::RefundTooMuch.into());
    };
    record.failed = record.failed || refund.failed;
    if record.failed && refunded != record.charged {
        return Err(Rejection::RefundNotWhole.into());
    }
    record.refunded = refunded;
    let from = source(transition, refund, &mut record)?;
    transition.view.put(&SettlementKey::Refund(gateway, refund.receipt).state(), &record);
    transition.view.put(&whole, &of_batch);
    let (consumer, amount) = (channel.consumer, refund.amount);
    shift(transition, from, Holder::Account(consumer), Asset::Credit, amount, Cause::Refunded)?;
    let (receipt, failed) = (refund.receipt, record.failed);
    transition.emit(Event::Settlement(SettlementEvent::Refunded {
        gateway,
        receipt,
        consumer,
        amount,
        refunded,
        failed,
    }));
    Ok(())
}

/// The batch that settled the receipt.
fn settled(transition: &mut Transition<'_>, refund: &Refund) -> Applied<BatchRecord> {
    if refund.amount == Amount::ZERO {
        return Err(Rejection::AmountZero.into());
    }
    let key = StateKey::Batch(transition.sender, refund.batch);
    let batch = transition.view.get::<BatchRecord>(&key)?.filter(|batch| {
        let past = batch.first_receipt.saturating_add(u64::from(batch.receipts));
        (batch.first_receipt..past).contains(&refund.receipt)
    });
    Ok(batch.ok_or(Rejection::RefundReceiptUnknown)?)
}

/// What is known about the receipt from earlier refunds; the first one fixes its channel and its charge.
fn known(transition: &mut Transition<'_>, refund: &Refund, consumer: AccountId) -> Applied<RefundRecord> {
    let key = SettlementKey::Refund(transition.sender, refund.receipt).state();
    let fresh = RefundRecord {
        channel: Some(refund.channel),
        consumer,
        charged: refund.charged,
        refunded: Amount::ZERO,
        by_provider: Amount::ZERO,
        failed: false,
    };
    let mut record = transition.view.get::<RefundRecord>(&key)?.unwrap_or(fresh);
    let channel = *record.channel.get_or_insert(refund.channel);
    if (channel, record.consumer, record.charged) == (refund.channel, consumer, refund.charged) {
        Ok(record)
    } else {
        Err(Rejection::RefundChargeWrong.into())
    }
}

/// Out of whose money: the gateway's balance, or what waits in the provider's tranche, if it signed for it.
fn source(transition: &mut Transition<'_>, refund: &Refund, record: &mut RefundRecord) -> Applied<Holder> {
    let Some(consent) = &refund.consent else { return Ok(Holder::Account(transition.sender)) };
    let message = ConsentMessage {
        chain_id: transition.parameters.chain_id,
        gateway: transition.sender,
        receipt: refund.receipt,
        channel: refund.channel,
        epoch: consent.epoch,
        cumulative: consent.cumulative,
    };
    let signed = message.verify(&consent.provider, &consent.signature).is_ok();
    if !signed || record.by_provider.plus(refund.amount) != Some(consent.cumulative) {
        return Err(Rejection::ConsentInvalid.into());
    }
    record.by_provider = consent.cumulative;
    escrow::give_up(transition, (consent.provider, Role::Provider, consent.epoch), refund.amount)?;
    Ok(Holder::Escrow(consent.provider))
}

/// The number of an audited receipt.
fn number(transition: &mut Transition<'_>, audit: AuditId) -> Applied<u64> {
    let batch = transition.view.get::<BatchRecord>(&StateKey::Batch(audit.gateway, audit.batch))?;
    let batch = batch.expect("a batch that is audited was settled");
    Ok(batch.first_receipt.saturating_add(u64::from(audit.receipt)))
}

/// What the refund by an audit reads, once the batch is loaded.
pub(crate) fn keys_refunded(transition: &mut Transition<'_>, audit: AuditId) -> Applied<[StateKey; 2]> {
    let number = number(transition, audit)?;
    let of_batch = SettlementKey::Refunds(audit.gateway, audit.batch).state();
    Ok([SettlementKey::Refund(audit.gateway, number).state(), of_batch])
}

/// What of a refund was not given back before, so that nobody gets the same money twice. What went to somebody else was not
/// given back to who paid.
pub(crate) fn left_to_refund(
    transition: &mut Transition<'_>,
    audit: AuditId,
    refund: Option<(AccountId, Amount)>,
) -> Applied<Option<(AccountId, Amount)>> {
    let [key, _] = keys_refunded(transition, audit)?;
    let known = transition.view.get::<RefundRecord>(&key)?;
    Ok(refund.map(|(consumer, amount)| {
        let same = known.filter(|known| known.consumer == consumer);
        let refunded = same.map_or(Amount::ZERO, |known| known.refunded);
        (consumer, amount.minus(refunded).unwrap_or(Amount::ZERO))
    }))
}

/// An audit gave something back: a refund by the gateway gives only what is left.
pub(crate) fn count_refunded(
    transition: &mut Transition<'_>,
    audit: AuditId,
    (consumer, charged): (AccountId, Amount),
    forfeited: &Forfeited,
) -> Applied {
    let open = escrow::collateral(forfeited.refunded_open, transition.parameters.collateral_per_open);
    let paid = forfeited.refunded.plus(open).ok_or(Rejection::AmountOverflow)?;
    if paid == Amount::ZERO {
        return Ok(());
    }
    let [of_receipt, of_batch] = keys_refunded(transition, audit)?;
    let fresh = RefundRecord {
        channel: None,
        consumer,
        charged,
        refunded: Amount::ZERO,
        by_provider: Amount::ZERO,
        failed: false,
    };
    let mut record = transition.view.get::<RefundRecord>(&of_receipt)?.unwrap_or(fresh);
    record.refunded = record.refunded.plus(paid).ok_or(Rejection::AmountOverflow)?;
    transition.view.put(&of_receipt, &record);
    let sum = transition.view.get::<Amount>(&of_batch)?.unwrap_or_default();
    transition.view.put(&of_batch, &sum.plus(paid).ok_or(Rejection::AmountOverflow)?);
    Ok(())
}
