//! Random actions of the steps that move no answers: accounts, bridge, datanets, models, providers, gateways, bonds,
//! channels and escrow.

use openledger_types::record::{DatanetRecord, Role, TrancheRecord, UnbondingRecord};
use openledger_types::{Action, Amount, Asset, ContributionId, NewContribution, NewOwner};

use super::super::*;
use super::{Dice, SECOND_GATEWAY, SECOND_PROVIDER};
use crate::StateKey;

const DATANETS: [&str; 2] = ["help", "tools"];
pub(super) const MODELS: [&str; 6] = ["base", "tuned", "third", "fourth", "fifth", "sixth"];

fn asset(dice: &mut Dice) -> Asset {
    if dice.chance(2) { Asset::Credit } else { Asset::Open }
}

pub(super) fn accounts(world: &World, dice: &mut Dice) -> (u8, Action) {
    let (who, to, asset) = (dice.who(), dice.who(), asset(dice));
    if dice.chance(3) {
        let amount = dice.amount(2_000_000_000);
        return (who, Action::Faucet { to: account(to), asset, amount });
    }
    let held = match asset {
        Asset::Credit => world.account(who).credits,
        Asset::Open => world.account(who).open,
    };
    let amount = if dice.chance(4) { dice.amount(held.0) } else { dice.amount(held.0 / 4) };
    (who, Action::Transfer { to: account(to), asset, amount })
}

pub(super) fn bridge(world: &World, dice: &mut Dice) -> (u8, Action) {
    let who = dice.who();
    match dice.below(3) {
        0 => {
            let (amount, reference) =
                (dice.amount(500_000_000), openledger_types::sha256(&[dice.byte(), dice.byte() % 8]));
            (CURATOR, Action::BridgeDeposit { to: account(who), amount, reference })
        }
        1 => {
            let amount = dice.amount(world.account(who).credits.0 / 3);
            let destination = if dice.chance(20) { String::new() } else { "account 7".to_owned() };
            (who, Action::Withdraw { amount, destination })
        }
        _ => {
            let waiting = world.alike(&StateKey::Withdrawal(account(0), 0), 1);
            let waiting = waiting.get(dice.below(waiting.len() as u64) as usize).map(|(key, _)| key);
            let (account, number) = match waiting {
                Some(StateKey::Withdrawal(account, number)) => (*account, *number),
                _ => (account(who), dice.below(9)),
            };
            (CURATOR, Action::CompleteWithdrawal { account, number })
        }
    }
}

pub(super) fn datanets(world: &World, dice: &mut Dice) -> (u8, Action) {
    let datanet = name(dice.pick(&DATANETS));
    let record: Option<DatanetRecord> = world.record(&StateKey::Datanet(datanet.clone()));
    let curator = record.as_ref().and_then(|record| super::number_of(record.curator)).unwrap_or(CURATOR);
    match dice.below(if record.is_some() { 12 } else { 1 }) {
        0 => {
            let name = if dice.chance(3) { name(&format!("net-{}", dice.byte())) } else { datanet };
            (CURATOR, Action::CreateDatanet { name, title: "t".into(), license: "l".into() })
        }
        1 => {
            let contribution = ContributionId([dice.byte() % 155; 32]);
            (curator, Action::RevokeContribution { datanet, contribution })
        }
        2..4 => {
            let version = record.map_or(0, |record| record.version) + u32::from(!dice.chance(6));
            let (root, index_root) = (bytes32(dice.byte()), bytes32(dice.byte()));
            let contributions = dice.below(4) as u32;
            (curator, Action::SealSnapshot { datanet, version, root, index_root, contributions })
        }
        _ => {
            let contributions = (0..=dice.below(3)).map(|_| random_contribution(dice)).collect();
            (curator, Action::Contribute { datanet, contributions })
        }
    }
}

/// Ids and clusters are few, so texts repeat and ids collide.
fn random_contribution(dice: &mut Dice) -> NewContribution {
    let first = dice.who();
    let mut owners = vec![NewOwner { account: account(first), parts: 1 + dice.below(4) as u16 }];
    for place in 1..=dice.below(3) as u8 {
        let parts = if dice.chance(30) { 0 } else { 1 + dice.below(9) as u16 };
        owners.push(NewOwner { account: account((first + place) % super::PEOPLE), parts });
    }
    NewContribution {
        id: ContributionId([5 + dice.byte() % 150; 32]),
        cluster: bytes32(5 + dice.byte() % 90),
        owners,
        license: "CC-BY-SA-4.0".into(),
        label: "page".into(),
    }
}

pub(super) fn models(_: &World, dice: &mut Dice) -> (u8, Action) {
    let (new, parent) = (dice.pick(&MODELS), dice.pick(&MODELS));
    let parent = (!dice.chance(4)).then_some(parent);
    let royalties: Vec<(u8, u16)> =
        (0..dice.below(4)).map(|_| (dice.who(), dice.below(4_000) as u16)).collect();
    // A new name now and then; most names are few, so that lineages get deep.
    let new = if dice.chance(3) { format!("model-{}", dice.byte()) } else { new.to_owned() };
    (dice.who(), model(&new, parent, &royalties))
}

pub(super) fn providers(world: &World, dice: &mut Dice) -> (u8, Action) {
    if dice.chance(3) {
        let who = dice.who();
        let most = world.account(who).open.0 / 2;
        return (who, provider(dice.amount(most).0));
    }
    let (prompt_price, completion_price) = (Amount(dice.below(90)), Amount(dice.below(90)));
    let (model, capacity) = (name(dice.pick(&MODELS)), dice.below(9) as u32);
    (
        dice.pick(&[PROVIDER, SECOND_PROVIDER]),
        Action::PostOffer { model, class: None, prompt_price, completion_price, capacity },
    )
}

pub(super) fn gateways(world: &World, dice: &mut Dice) -> (u8, Action) {
    let who = dice.who();
    let most = world.account(who).open.0 / 2;
    (who, gateway(dice.amount(most).0, dice.below(1_100) as u16))
}

pub(super) fn bonds(world: &World, dice: &mut Dice) -> (u8, Action) {
    let role = dice.pick(&[
        Role::Provider,
        Role::Provider,
        Role::Gateway,
        Role::Builder,
        Role::Data,
        Role::Evaluator,
    ]);
    let businesses = match role {
        Role::Gateway => [GATEWAY, SECOND_GATEWAY],
        Role::Builder => [BASE_BUILDER, TUNER],
        _ => [PROVIDER, SECOND_PROVIDER],
    };
    let who = if dice.chance(5) { dice.who() } else { dice.pick(&businesses) };
    match dice.below(4) {
        0 => (who, Action::RaiseBond { role, amount: dice.amount(world.account(who).open.0 / 8) }),
        1 => (who, Action::Unbond { role, amount: dice.amount(400_000_000) }),
        _ => {
            let prefix = StateKey::Unbonding(account(who), role, 0);
            let waiting = world.alike(&prefix, prefix.encode().len() - 8);
            let now = world.epoch();
            let due = waiting.iter().filter_map(|(key, value)| {
                let StateKey::Unbonding(_, _, epoch) = key else { return None };
                let record: UnbondingRecord =
                    openledger_types::codec::decode("record", value, 1 << 20).unwrap();
                (record.releases_in_epoch <= now || dice.chance(50)).then_some(*epoch)
            });
            let mut epochs: Vec<u64> = due.take(6).collect();
            // Keys are not in the order of their epochs.
            epochs.sort_unstable();
            if epochs.is_empty() {
                epochs.push(dice.below(now + 1));
            }
            (who, Action::ReleaseBond { role, epochs })
        }
    }
}

pub(super) fn channels(world: &World, dice: &mut Dice) -> (u8, Action) {
    let consumer = dice.below(24) as u8;
    let gateway = dice.pick(&[GATEWAY, SECOND_GATEWAY]);
    let salt = bytes32(dice.byte() % 4);
    let channel = openledger_types::transaction::channel_id(&account(consumer), &account(gateway), &salt);
    let known: Option<openledger_types::record::ChannelRecord> = world.record(&StateKey::Channel(channel));
    let most = world.account(consumer).credits.0 / 3;
    match known {
        Some(_) if dice.chance(2) => (consumer, Action::TopUpChannel { channel, amount: dice.amount(most) }),
        Some(_) => (if dice.chance(4) { gateway } else { consumer }, Action::CloseChannel { channel }),
        None => {
            let authorizer = account(if dice.chance(5) { dice.who() } else { consumer });
            let deposit = dice.amount(most);
            (consumer, Action::OpenChannel { gateway: account(gateway), authorizer, deposit, salt })
        }
    }
}

pub(super) fn escrow(world: &World, dice: &mut Dice) -> (u8, Action) {
    let role = dice.pick(&[Role::Provider, Role::Builder, Role::Builder, Role::Data, Role::Gateway]);
    let who = match role {
        Role::Provider => dice.pick(&[PROVIDER, SECOND_PROVIDER]),
        Role::Gateway => dice.pick(&[GATEWAY, SECOND_GATEWAY]),
        Role::Builder if dice.chance(2) => dice.pick(&[BASE_BUILDER, TUNER]),
        _ => dice.who(),
    };
    let prefix = StateKey::Tranche(account(who), role, 0);
    let held = world.alike(&prefix, prefix.encode().len() - 8);
    let now = world.epoch();
    let mut epochs: Vec<u64> = held
        .iter()
        .filter_map(|(key, value)| {
            let StateKey::Tranche(_, _, epoch) = key else { return None };
            let tranche: TrancheRecord = openledger_types::codec::decode("record", value, 1 << 20).unwrap();
            let due = crate::escrow::unlocked(&tranche, *epoch, now) > tranche.claimed;
            ((due && !dice.chance(4)) || dice.chance(20)).then_some(*epoch)
        })
        .take(64)
        .collect();
    epochs.sort_unstable();
    if epochs.is_empty() {
        epochs.push(dice.below(now + 1));
    }
    (who, Action::ClaimTranches { role, epochs })
}
