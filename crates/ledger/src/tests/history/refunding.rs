//! Random refunds of settled receipts: out of the gateway's balance, or out of a provider's tranche with its consent.

use openledger_types::record::{BatchRecord, ChannelRecord, GatewayRecord, Role};
use openledger_types::settlement::{Refund, RefundConsent, RefundRecord, SettlementAction};
use openledger_types::transaction::ConsentMessage;
use openledger_types::{Action, Amount, ChannelId};

use super::super::*;
use super::scene::{one_of, records};
use super::{Dice, SECOND_GATEWAY, SECOND_PROVIDER};
use crate::StateKey;
use crate::settlement::SettlementKey;

pub(super) fn refunds(world: &World, dice: &mut Dice) -> (u8, Action) {
    let who = dice.pick(&[GATEWAY, SECOND_GATEWAY]);
    let gateway: Option<GatewayRecord> = world.record(&StateKey::Gateway(account(who)));
    let number = 1 + dice.below(gateway.map_or(1, |gateway| gateway.batches));
    let batch: Option<BatchRecord> = world.record(&StateKey::Batch(account(who), number));
    let (first, receipts, whole) =
        batch.map_or((1, 1, 9), |batch| (batch.first_receipt, u64::from(batch.receipts), batch.charged.0));
    // Now and then one receipt past the end of the batch.
    let past = u64::from(dice.chance(9));
    let receipt = first + dice.below(receipts + past);
    let key = SettlementKey::Refund(account(who), receipt).state();
    let known: Option<RefundRecord> = world.record(&key);
    let (channel, charged, refunded, by_provider) = match known {
        Some(known) => {
            let channel = known.channel.unwrap_or_else(|| channel(world, dice, who));
            (channel, known.charged.0, known.refunded.0, known.by_provider.0)
        }
        None => (channel(world, dice, who), 1 + whole / (receipts + 1), 0, 0),
    };
    let left = charged.saturating_sub(refunded);
    let failed = dice.chance(5);
    let amount = if failed { Amount(left) } else { dice.amount(left) };
    let consent = dice
        .chance(3)
        .then(|| consent(world, dice, (who, receipt, channel), by_provider + amount.0.min(1 << 40)));
    let refund =
        Refund { batch: number, receipt, channel, charged: Amount(charged), amount, failed, consent };
    (who, Action::Settlement(SettlementAction::Refund(refund)))
}

fn channel(world: &World, dice: &mut Dice, gateway: u8) -> ChannelId {
    let channels: Vec<(StateKey, ChannelRecord)> = records(world, &StateKey::Channel(ChannelId([0; 32])), 1);
    let mine: Vec<ChannelId> = channels
        .into_iter()
        .filter(|(_, record)| record.gateway == account(gateway))
        .filter_map(|(key, _)| if let StateKey::Channel(id) = key { Some(id) } else { None })
        .collect();
    one_of(&mine, dice).unwrap_or(ChannelId([9; 32]))
}

/// A provider's consent to give this much for the receipt so far, out of one of its tranches.
fn consent(
    world: &World,
    dice: &mut Dice,
    (gateway, receipt, channel): (u8, u64, ChannelId),
    cumulative: u64,
) -> RefundConsent {
    let provider = dice.pick(&[PROVIDER, SECOND_PROVIDER]);
    let prefix = StateKey::Tranche(account(provider), Role::Provider, 0);
    let tranches = world.alike(&prefix, prefix.encode().len() - 8);
    let epochs: Vec<u64> = tranches
        .into_iter()
        .filter_map(|(key, _)| if let StateKey::Tranche(_, _, epoch) = key { Some(epoch) } else { None })
        .collect();
    let (epoch, cumulative) = (one_of(&epochs, dice).unwrap_or_default(), Amount(cumulative));
    let chain_id = world.parameters.chain_id;
    let message = ConsentMessage { chain_id, gateway: account(gateway), receipt, channel, epoch, cumulative };
    let signer = if dice.chance(9) { gateway } else { provider };
    RefundConsent { provider: account(provider), epoch, cumulative, signature: message.sign(&secret(signer)) }
}
