//! Random batches: honest ones of up to five completions over the channels of a gateway, and lies about them.
//! Every honest batch is also worked out by the reference model, line by line.

use std::collections::BTreeMap;

use openledger_types::markets::PRICE_WHOLE;
use openledger_types::record::{
    ChannelRecord, ClusterRecord, ContributionRecord, GatewayRecord, ModelRecord, Pool, ProviderRecord,
};
use openledger_types::{AccountId, Action, Amount, Batch, ChannelId, ContributionId, Name};

use super::super::model::PlainBatch;
use super::super::*;
use super::base::MODELS;
use super::open::{FIRST, OPEN};
use super::{Dice, SECOND_GATEWAY, SECOND_PROVIDER, number_of};
use crate::{CompletionTerms, DataShare, Netting, StateKey, escrow, split_completion};

/// A gateway, what it may charge at a time, and its open channels with what is left in them.
pub(crate) struct Gateway {
    pub(crate) who: u8,
    pub(crate) record: GatewayRecord,
    pub(crate) limit: u64,
    pub(crate) channels: Vec<(ChannelId, ChannelRecord)>,
}

/// The gateways that could settle now.
pub(crate) fn gateways(world: &World) -> Vec<Gateway> {
    let found = [GATEWAY, SECOND_GATEWAY].into_iter().filter_map(|who| {
        let record: GatewayRecord = world.record(&StateKey::Gateway(account(who)))?;
        let limit = escrow::collateral(record.bond, world.parameters.collateral_per_open).0;
        let mut channels = Vec::new();
        for (key, value) in world.alike(&StateKey::Channel(ChannelId([0; 32])), 1) {
            let channel: ChannelRecord = openledger_types::codec::decode("record", value, 1 << 20).unwrap();
            let signer = number_of(channel.authorizer);
            if let (StateKey::Channel(id), Some(_)) = (key, signer)
                && channel.gateway == account(who)
                && !channel.closed
                && channel.spent < channel.deposit
            {
                channels.push((id, channel));
            }
        }
        Some(Gateway { who, record, limit, channels })
    });
    found.filter(|gateway| gateway.limit > 0 && !gateway.channels.is_empty()).collect()
}

pub(super) fn settlement(world: &World, dice: &mut Dice) -> (u8, Action) {
    let gateways = gateways(world);
    let Some(gateway) = gateways.get(dice.below(gateways.len() as u64) as usize) else {
        // Nobody can settle: what they need is a bond or a channel.
        return if dice.chance(2) {
            super::base::channels(world, dice)
        } else {
            super::base::bonds(world, dice)
        };
    };
    let most = 1 + dice.below(4);
    let mut debits: BTreeMap<ChannelId, (u64, &ChannelRecord)> = BTreeMap::new();
    let (mut terms, mut left) = (Vec::new(), gateway.limit);
    for _ in 0..=most {
        let (id, channel) = &gateway.channels[dice.below(gateway.channels.len() as u64) as usize];
        let debit = debits.entry(*id).or_insert((channel.spent.0, channel));
        let room = (channel.deposit.0 - debit.0).min(left).min(3_000_000);
        // The router fee is at most a tenth, and a premium comes on top.
        let quote = world.quoted(dice.below(2 * QUOTES.len() as u64));
        let price = quote.as_ref().map_or(PRICE_WHOLE, |quote| quote.price);
        let reference = dice.below(room * PRICE_WHOLE / (price + PRICE_WHOLE / 8));
        let premium = reference * (price - PRICE_WHOLE) / PRICE_WHOLE;
        let fee = Amount(reference).basis_points(gateway.record.router_fee).0;
        debit.0 += reference + premium + fee;
        left -= reference + premium + fee;
        terms.push(CompletionTerms { quote, ..random_terms(world, dice, gateway, reference) });
    }
    let (_, lines) = netted(world, gateway.who, &terms);
    let debits = debits.into_iter().filter(|(_, (to, channel))| *to > channel.spent.0);
    let debits = debits.map(|(id, (to, channel))| {
        world.debit(id, Amount(to), number_of(channel.authorizer).expect("the signer takes part"))
    });
    let record = &gateway.record;
    let mut batch = lines.finish(record.batches + 1, record.receipts + 1, bytes32(0), debits.collect());
    batch.receipts_root = super::audits::root(account(gateway.who), batch.number, batch.receipts);
    PlainBatch::of(&terms, &world.parameters).check(&batch);
    if dice.chance(5) {
        lie(dice, &mut batch);
    }
    (gateway.who, settling(batch))
}

/// Chains the carries of the models through the completions, and nets them.
pub(crate) fn netted(
    world: &World,
    gateway: u8,
    terms: &[CompletionTerms],
) -> (Vec<crate::CompletionLines>, Netting) {
    let (mut netting, mut carries, mut all) = (Netting::new(), BTreeMap::new(), Vec::new());
    for terms in terms {
        let mut terms = terms.clone();
        let pool = StateKey::Pool(Pool::Carry(account(gateway), terms.model.clone()));
        let held: Amount = world.record(&pool).unwrap_or_default();
        terms.carry_in = carries.get(&terms.model).copied().unwrap_or(held);
        let lines = split_completion(&terms, &world.parameters).unwrap();
        carries.insert(terms.model, lines.carry_out);
        netting.add(&lines).unwrap();
        all.push(lines);
    }
    (all, netting)
}

/// Completions by one of the gateways that could settle, for properties that need some without a history.
pub(crate) fn completions(world: &World, dice: &mut Dice, count: u64) -> (u8, Vec<CompletionTerms>) {
    let gateways = gateways(world);
    let Some(gateway) = gateways.get(dice.below(gateways.len() as u64) as usize) else {
        return (GATEWAY, Vec::new());
    };
    let terms = (0..count).map(|_| {
        let reference = dice.below(1_000_000);
        random_terms(world, dice, gateway, reference)
    });
    (gateway.who, terms.collect())
}

fn random_terms(world: &World, dice: &mut Dice, gateway: &Gateway, reference: u64) -> CompletionTerms {
    let record = |model: &str| world.record::<ModelRecord>(&StateKey::Model(name(model)));
    let model = [dice.pick(&MODELS), "base"].into_iter().find(|model| record(model).is_some());
    let model = model.expect("the base model was registered");
    let (record, model) = (record(model).expect("it was found"), name(model));
    let held = StateKey::Pool(Pool::Carry(account(gateway.who), model.clone()));
    let providers: Vec<AccountId> = [PROVIDER, SECOND_PROVIDER]
        .map(account)
        .into_iter()
        .filter(|id| world.record::<ProviderRecord>(&StateKey::Provider(*id)).is_some())
        .collect();
    let mut shares: BTreeMap<(Name, ContributionId), DataShare> = BTreeMap::new();
    for _ in 0..dice.below(6) {
        if let Some(share) = random_share(world, dice) {
            shares.insert((share.datanet.clone(), share.contribution), share);
        }
    }
    CompletionTerms {
        reference: Amount(reference),
        quote: None,
        router_fee: gateway.record.router_fee,
        provider: dice.pick(&providers),
        model,
        lineage: record.lineage,
        shares: shares.into_values().collect(),
        unattributed: if dice.chance(3) { 0 } else { dice.below(5_000) },
        carry_in: world.record(&held).unwrap_or_default(),
    }
}

/// A contribution that can be paid; now and then one that cannot.
fn random_share(world: &World, dice: &mut Dice) -> Option<DataShare> {
    let datanet = dice.pick(&["help", "help", "tools", OPEN]);
    let first = if datanet == OPEN { FIRST } else { 1 };
    let most = if datanet == OPEN { 90 } else { 155 };
    let (datanet, id) = (name(datanet), ContributionId([first + dice.byte() % most; 32]));
    let record: ContributionRecord = world.record(&StateKey::Contribution(datanet.clone(), id))?;
    let cluster: ClusterRecord = world.record(&StateKey::Cluster(datanet.clone(), record.cluster))?;
    let payable = record.revoked_at.is_none() && cluster.owner == id;
    if !payable && !dice.chance(8) {
        return None;
    }
    let weight = if dice.chance(9) { dice.number() } else { dice.below(2_000) };
    let (factor, owners) = (record.factor, record.owners);
    Some(DataShare { datanet, contribution: id, weight, factor, owners: owners.into() })
}

fn lie(dice: &mut Dice, batch: &mut Batch) {
    let amount = 1 + dice.below(9);
    match dice.below(13) {
        0 => batch.burn.0 += amount,
        1 => batch.number += 1,
        2 => batch.receipts += 1,
        3 => batch.data.iter_mut().for_each(|line| line.amount.0 += 1),
        4 => batch.maintenance.0 += amount,
        5 => batch.uplift.iter_mut().for_each(|line| line.amount.0 += amount),
        6 => batch.reference_total.0 = dice.number(),
        7 => batch.debits.iter_mut().for_each(|debit| debit.cumulative.0 += amount),
        8 => batch.debits.iter_mut().for_each(|debit| debit.voucher = [dice.byte(); 65]),
        9 => {
            batch.verification.0 = batch.verification.0.saturating_sub(amount);
            batch.maintenance.0 += amount;
        }
        10 => batch.providers.iter_mut().for_each(|line| line.provider = account(dice.who())),
        11 => batch.builders.iter_mut().for_each(|line| line.account = account(dice.who())),
        _ => batch.carries.iter_mut().for_each(|line| line.before.0 += 1),
    }
}
