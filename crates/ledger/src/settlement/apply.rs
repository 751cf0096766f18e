//! The settlement of a batch: all checks, then the debits, the payouts, the pools and the carries.

use openledger_types::audits::LiquidRecord;
use openledger_types::record::{BatchRecord, ChannelRecord, ContributionRecord, GatewayRecord, Pool, Role};
use openledger_types::{AccountId, Amount, Asset, Batch, Domain, Event, Rejection, limits};

use super::check::{self, Totals};
use super::classes;
use super::payouts;
use crate::execute::Transition;
use crate::models::ModelKey;
use crate::state::{Applied, StateKey};
use crate::supply::{self, Part};
use crate::{accounts, audits, bonds, escrow, funds, markets, models, reputation};

/// Everything that a batch names.
pub(crate) fn keys(gateway: AccountId, batch: &Batch) -> Vec<StateKey> {
    let lines = limits::BATCH_LINES_MAX;
    let pools = [Pool::Verification, Pool::Maintenance, Pool::Insurance, Pool::Capacity];
    let mut keys = vec![StateKey::Gateway(gateway)];
    keys.extend(pools.into_iter().map(StateKey::Pool));
    keys.extend(audits::keys_of_batch(batch));
    keys.extend(funds::keys_of_settlement());
    keys.extend(reputation::keys(gateway, &Domain::Routing));
    keys.extend(escrow::keys_of_lock(gateway, Role::Gateway));
    for line in batch.debits.iter().take(lines) {
        keys.push(StateKey::Channel(line.channel));
    }
    for line in batch.providers.iter().take(lines) {
        keys.push(StateKey::Provider(line.provider));
        keys.extend(escrow::keys_of_lock(line.provider, Role::Provider));
        keys.extend(reputation::keys(line.provider, &Domain::Serving));
    }
    for line in batch.builders.iter().take(lines) {
        keys.extend([StateKey::Model(line.model.clone()), StateKey::Account(line.account)]);
        keys.push(StateKey::Models(ModelKey::Title(line.account)));
    }
    for line in batch.data.iter().take(lines) {
        keys.push(StateKey::Contribution(line.datanet.clone(), line.contribution));
        keys.extend([StateKey::Account(line.owner), accounts::key_of_cluster(line.owner)]);
        keys.push(StateKey::Immature(line.datanet.clone(), line.contribution, line.owner));
    }
    for line in batch.uplift.iter().take(lines) {
        keys.push(StateKey::Model(line.model.clone()));
        keys.push(StateKey::Pool(Pool::Uplift(line.model.clone())));
    }
    for line in batch.carries.iter().take(lines) {
        keys.push(StateKey::Model(line.model.clone()));
        keys.push(StateKey::Pool(Pool::Carry(gateway, line.model.clone())));
    }
    keys.extend(classes::keys(batch, lines));
    keys
}

/// What the parameters, the contributions and the clusters lead to: the tranches of this epoch, the clusters of texts, and the
/// marks of clusters of accounts.
fn keys_found(transition: &mut Transition<'_>, batch: &Batch) -> Applied<Vec<StateKey>> {
    let epoch = transition.epoch();
    let sender = transition.sender;
    let mut keys = vec![StateKey::Tranche(sender, Role::Gateway, epoch)];
    keys.extend(reputation::keys_found(transition, sender, &Domain::Routing, None)?);
    for line in &batch.providers {
        keys.extend(reputation::keys_found(transition, line.provider, &Domain::Serving, None)?);
        keys.push(StateKey::Tranche(line.provider, Role::Provider, epoch));
    }
    for line in &batch.builders {
        let payee = payouts::payee(transition, line.account)?;
        keys.extend([bonds::key(payee, Role::Builder), StateKey::Tranche(payee, Role::Builder, epoch)]);
        keys.extend(escrow::keys_of_lock(payee, Role::Builder));
        keys.extend(reputation::keys_alone(payee, &Domain::Building));
        keys.extend(
            models::title(transition, line.account)?.and_then(|title| markets::key_of_active(&title)),
        );
    }
    for line in &batch.data {
        let key = StateKey::Contribution(line.datanet.clone(), line.contribution);
        if let Some(contribution) = transition.view.get::<ContributionRecord>(&key)? {
            keys.push(StateKey::Cluster(line.datanet.clone(), contribution.cluster));
            if contribution.mature {
                keys.push(StateKey::Tranche(line.owner, Role::Data, epoch));
                keys.extend(escrow::keys_of_lock(line.owner, Role::Data));
                let domain = Domain::Data(line.datanet.clone());
                keys.extend(reputation::keys_found(transition, line.owner, &domain, None)?);
            }
        }
    }
    keys.extend(classes::keys_found(transition, batch)?);
    Ok(keys)
}

pub(crate) fn settle(transition: &mut Transition<'_>, batch: &Batch) -> Applied {
    let gateway = transition.view.gateway(transition.sender)?;
    check::shape(batch, &gateway)?;
    let found = keys_found(transition, batch)?;
    transition.view.need(found)?;
    let totals = check::totals(batch)?;
    let channels = check::debits(transition, batch, totals.charged)?;
    let premiums = classes::check(transition, batch)?;
    check::split(batch, &totals, &gateway, &transition.parameters, premiums)?;
    check::carries(transition, batch)?;
    check::builders(transition, batch)?;
    check::providers(transition, batch)?;
    check::data(transition, batch)?;
    check::bond(totals.charged, &gateway, &transition.parameters)?;
    check::vouchers(batch, &channels, &transition.parameters)?;
    record(transition, batch, gateway, &totals)?;
    debit(transition, batch, channels)?;
    let providers = payouts::providers(transition, batch)?;
    payouts::builders(transition, batch)?;
    payouts::data(transition, batch)?;
    let gateway = payouts::router_fee(transition, batch)?;
    audits::note(transition, batch, totals.charged, &LiquidRecord { providers, gateway })?;
    pools(transition, batch)?;
    carries(transition, batch)?;
    classes::count(transition, batch)?;
    burn(transition, batch)
}

/// Records the batch and advances the gateway's counters.
fn record(
    transition: &mut Transition<'_>,
    batch: &Batch,
    mut gateway: GatewayRecord,
    totals: &Totals,
) -> Applied {
    gateway.batches = batch.number;
    let receipts = gateway.receipts.checked_add(u64::from(batch.receipts));
    gateway.receipts = receipts.ok_or(Rejection::AmountOverflow)?;
    transition.view.put(&StateKey::Gateway(transition.sender), &gateway);
    let settled = BatchRecord {
        receipts_root: batch.receipts_root,
        first_receipt: batch.first_receipt,
        receipts: batch.receipts,
        charged: totals.charged,
        height: transition.context.height,
    };
    transition.view.put(&StateKey::Batch(transition.sender, batch.number), &settled);
    transition.emit(Event::BatchSettled {
        gateway: transition.sender,
        number: batch.number,
        first_receipt: batch.first_receipt,
        receipts: batch.receipts,
        receipts_root: batch.receipts_root,
        charged: totals.charged,
    });
    Ok(())
}

fn debit(transition: &mut Transition<'_>, batch: &Batch, channels: Vec<(ChannelRecord, Amount)>) -> Applied {
    for (debit, (mut channel, amount)) in batch.debits.iter().zip(channels) {
        channel.spent = debit.cumulative;
        supply::leave(&mut transition.supply, Part::Channels, amount);
        transition.view.put(&StateKey::Channel(debit.channel), &channel);
        transition.emit(Event::ChannelDebited {
            gateway: transition.sender,
            batch: batch.number,
            channel: debit.channel,
            consumer: channel.consumer,
            amount,
        });
    }
    Ok(())
}

fn pools(transition: &mut Transition<'_>, batch: &Batch) -> Applied {
    let uplift = batch.uplift.iter().map(|line| (Pool::Uplift(line.model.clone()), line.amount));
    let parts = [
        (Pool::Verification, batch.verification),
        (Pool::Maintenance, batch.maintenance),
        (Pool::Insurance, batch.insurance),
        (Pool::Capacity, batch.capacity),
    ];
    for (pool, amount) in uplift.chain(parts) {
        pay_pool(transition, batch, pool, amount)?;
    }
    Ok(())
}

fn pay_pool(transition: &mut Transition<'_>, batch: &Batch, pool: Pool, amount: Amount) -> Applied {
    if amount > Amount::ZERO {
        let held = transition.view.pool(&pool)?.plus(amount).ok_or(Rejection::AmountOverflow)?;
        transition.view.put(&StateKey::Pool(pool.clone()), &held);
        supply::enter(&mut transition.supply, Part::Pools(Asset::Credit), amount)?;
        let gateway = transition.sender;
        transition.emit(Event::PoolPaid { gateway, batch: batch.number, pool, amount });
    }
    Ok(())
}

fn carries(transition: &mut Transition<'_>, batch: &Batch) -> Applied {
    let gateway = transition.sender;
    for line in &batch.carries {
        let (before, after) = (line.before, line.after);
        let key = StateKey::Pool(Pool::Carry(gateway, line.model.clone()));
        if after == Amount::ZERO {
            transition.view.remove(&key);
        } else {
            transition.view.put(&key, &after);
        }
        supply::leave(&mut transition.supply, Part::Pools(Asset::Credit), before);
        supply::enter(&mut transition.supply, Part::Pools(Asset::Credit), after)?;
        let model = line.model.clone();
        transition.emit(Event::CarrySet { gateway, batch: batch.number, model, before, after });
    }
    Ok(())
}

/// Burns, less what the burn gives to maintenance while that is not covered (the rule is in `funds`).
fn burn(transition: &mut Transition<'_>, batch: &Batch) -> Applied {
    let given = funds::diverted(transition, batch.reference_total, batch.burn)?;
    let burned = batch.burn.minus(given).expect("what is given is a part of the burn");
    pay_pool(transition, batch, Pool::Maintenance, given)?;
    if burned > Amount::ZERO {
        supply::burn(&mut transition.supply, Asset::Credit, burned)?;
        let gateway = transition.sender;
        transition.emit(Event::Burned { gateway, batch: batch.number, amount: burned });
    }
    Ok(())
}
