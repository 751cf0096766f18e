//! Channels, batches and tranches in the reference model.

use openledger_types::advances::AdvanceEvent;
use openledger_types::funds::FundsRecord;
use openledger_types::markets::SeriesRecord;
use openledger_types::models::{TitleRecord, title_of};
use openledger_types::parameters::EscrowParameters;
use openledger_types::record::{Pool, Role};
use openledger_types::{AccountId, Action, Batch, ChannelId, Domain, Event};

use super::super::history::Turn;
use super::super::*;
use super::{Channel, Model, Tranche, hold, part, take};
use crate::funds::FundsKey;
use crate::markets::MarketKey;
use crate::{StateKey, models, reputation};

impl Model {
    pub(super) fn channel(&mut self, sender: AccountId, turn: &Turn<'_>) {
        let now_ms = turn.world.context.timestamp_ms;
        match turn.action {
            Action::OpenChannel { gateway, deposit, salt, .. } => {
                let id = openledger_types::transaction::channel_id(&sender, gateway, salt);
                let deposit = u128::from(deposit.0);
                take(&mut self.purse(sender).credits, deposit);
                let (consumer, gateway) = (sender, *gateway);
                let channel = Channel { consumer, gateway, deposit, spent: 0, asked_ms: None, closed: false };
                assert_eq!(self.channels.insert(id, channel), None, "a channel opens once");
            }
            Action::TopUpChannel { channel, amount } => {
                self.top_up(sender, *channel, u128::from(amount.0));
            }
            Action::CloseChannel { channel } => {
                let channel = self.channels.get_mut(channel).expect("the channel is open");
                assert!(!channel.closed && (sender == channel.gateway || sender == channel.consumer));
                // The gateway closes at once; a consumer asks first, and has the rest after the delay.
                if sender != channel.gateway {
                    let Some(closes_at_ms) = channel.asked_ms else {
                        channel.asked_ms = Some(now_ms + turn.world.parameters.channel_close_delay_ms);
                        return;
                    };
                    assert!(now_ms >= closes_at_ms, "the gateway has time to settle");
                }
                channel.closed = true;
                let (consumer, rest) = (channel.consumer, channel.deposit - channel.spent);
                self.purse(consumer).credits += rest;
            }
            _ => unreachable!("only actions of channels come here"),
        }
    }

    pub(super) fn top_up(&mut self, payer: AccountId, channel: ChannelId, amount: u128) {
        take(&mut self.purse(payer).credits, amount);
        let channel = self.channels.get_mut(&channel).expect("the channel is open");
        assert!(!channel.closed && channel.consumer == payer);
        channel.deposit += amount;
    }

    /// What providers, gateways and whoever unbonds have at stake.
    pub(super) fn at_stake(&self) -> u128 {
        self.bonds.values().chain(self.unbonding.values()).sum()
    }

    /// The part of a payment that the range allows: `lo + (hi - lo) * R`, in whole basis points.
    fn wanted(amount: u128, escrow: &EscrowParameters, reputation: u32) -> u128 {
        let (low, high) = (u128::from(escrow.liquid_low.0), u128::from(escrow.liquid_high.0));
        let share = low + part(high - low, u128::from(reputation), 1 << 32);
        part(amount, share, 10_000)
    }

    /// Half the collateral less what is liquid and unaudited.
    fn room(&self, account: AccountId, role: Role, world: &World) -> u128 {
        let bond = self.bonds.get(&(account, role)).copied().unwrap_or_default();
        let per_open = u128::from(world.parameters.collateral_per_open.0);
        let half = part(bond, per_open, 1_000_000).min(u128::from(u64::MAX)) / 2;
        half.saturating_sub(self.exposure.get(&(account, role)).copied().unwrap_or_default())
    }

    pub(super) fn settle(&mut self, gateway: AccountId, batch: &Batch, world: &World) {
        self.batches += 1;
        for debit in &batch.debits {
            let channel = self.channels.get_mut(&debit.channel).expect("the channel is open");
            assert!(!channel.closed && u128::from(debit.cumulative.0) <= channel.deposit);
            assert!(u128::from(debit.cumulative.0) > channel.spent);
            channel.spent = u128::from(debit.cumulative.0);
        }
        let parameters = &world.parameters;
        for line in &batch.providers {
            let amount = u128::from(line.amount.0);
            let reputation = reputation_of(world, line.provider, Domain::Serving);
            let mut escrow = parameters.provider_escrow;
            let stake = self.bonds.get(&(line.provider, Role::Provider)).copied().unwrap_or_default();
            if stake < u128::from(parameters.provider_stake_min.0) {
                // What nothing else answers for waits like stake that is taken back.
                escrow.cliff_epochs = escrow.cliff_epochs.max(parameters.unbonding_epochs);
            }
            self.earn(line.provider, Role::Provider, (&escrow, reputation), amount, world);
        }
        for line in &batch.builders {
            // A line of a lineage is an account, or the title of a model, which pays the model's owner.
            let title = world.ask(|transition| models::title(transition, line.account));
            let amount = u128::from(line.amount.0);
            let sold = title.as_ref().map_or(0, |title| of_notes(title, amount, world));
            self.custody[0] += sold;
            let payee = title.map_or(line.account, |title| title.owner);
            let reputation = world.ask(|transition| reputation::alone(transition, payee, &Domain::Building));
            let amount = amount - sold;
            self.earn(payee, Role::Builder, (&parameters.builder_escrow, reputation), amount, world);
        }
        for line in &batch.data {
            let key = StateKey::Contribution(line.datanet.clone(), line.contribution);
            let record: openledger_types::record::ContributionRecord = world.record(&key).unwrap();
            let amount = u128::from(line.amount.0);
            if record.mature {
                let reputation = reputation_of(world, line.owner, Domain::Data(line.datanet.clone()));
                let liquid = Self::wanted(amount, &parameters.data_escrow, reputation);
                self.purse(line.owner).credits += liquid;
                self.lock(line.owner, Role::Data, &parameters.data_escrow, amount - liquid, world);
            } else {
                let key = StateKey::Immature(line.datanet.clone(), line.contribution, line.owner);
                *self.immature.entry(key.clone()).or_default() += amount;
                self.touched.insert(key);
                self.purse(line.owner).escrowed += amount;
            }
        }
        let rule = (&parameters.provider_escrow, reputation_of(world, gateway, Domain::Routing));
        self.earn(gateway, Role::Gateway, rule, u128::from(batch.router_fee_total.0), world);
        for line in &batch.uplift {
            *self.pool(Pool::Uplift(line.model.clone())) += u128::from(line.amount.0);
        }
        for line in &batch.carries {
            let carry = self.pool(Pool::Carry(gateway, line.model.clone()));
            assert_eq!(*carry, u128::from(line.before.0), "the carry continues");
            *carry = u128::from(line.after.0);
        }
        *self.pool(Pool::Verification) += u128::from(batch.verification.0);
        let (burn, diverted) = burn(batch, world);
        *self.pool(Pool::Maintenance) += u128::from(batch.maintenance.0) + diverted;
        *self.pool(Pool::Insurance) += u128::from(batch.insurance.0);
        *self.pool(Pool::Capacity) += u128::from(batch.capacity.0);
        self.burned[0] += burn;
    }

    /// Liquid by reputation and within half the collateral; the rest waits.
    fn earn(
        &mut self,
        account: AccountId,
        role: Role,
        (escrow, reputation): (&EscrowParameters, u32),
        amount: u128,
        world: &World,
    ) {
        if amount == 0 {
            return;
        }
        let liquid = Self::wanted(amount, escrow, reputation).min(self.room(account, role, world));
        *self.exposure.entry((account, role)).or_default() += liquid;
        self.purse(account).credits += liquid;
        self.lock(account, role, escrow, amount - liquid, world);
    }

    fn lock(
        &mut self,
        account: AccountId,
        role: Role,
        escrow: &EscrowParameters,
        amount: u128,
        world: &World,
    ) {
        if amount == 0 {
            return;
        }
        let (cliff, linear) = (escrow.cliff_epochs, escrow.linear_epochs);
        let place = (account, role, world.epoch());
        let tranche = self.tranches.entry(place).or_insert(Tranche { cliff, linear, ..Tranche::default() });
        tranche.amount += amount;
        tranche.cliff = tranche.cliff.max(cliff);
        self.touched.insert(StateKey::Tranche(account, role, world.epoch()));
        self.purse(account).escrowed += amount;
    }

    /// Nothing before the cliff, then linear in whole epochs. Whoever bought a part of the tranche is repaid first: that
    /// much is in the double entry, and the rest is the owner's.
    pub(super) fn claim(&mut self, account: AccountId, role: Role, epochs: &[u64], turn: &Turn<'_>) {
        let now = turn.world.epoch();
        for begun in epochs {
            let place = (account, role, *begun);
            let tranche = self.tranches.get_mut(&place).expect("the tranche exists");
            let running = (now - begun).saturating_sub(tranche.cliff).min(tranche.linear);
            let unlocked = match tranche.linear {
                0 if now - begun < tranche.cliff => 0,
                0 => tranche.amount,
                linear => part(tranche.amount, u128::from(running), u128::from(linear)),
            };
            // What was forfeited would have unlocked last, and what an audit holds does not unlock.
            let left = tranche.amount - tranche.forfeited;
            let hold = hold(turn.world, account, role);
            let held = hold.faults > 0 || hold.epochs.iter().any(|held| held.epoch == *begun);
            let due = if held { 0 } else { unlocked.min(left) - tranche.claimed };
            tranche.claimed += due;
            if tranche.claimed == left {
                self.tranches.remove(&place);
            }
            let own = due.checked_sub(repaid(turn, *begun)).expect("at most what is due is repaid");
            let purse = self.purse(account);
            take(&mut purse.escrowed, own);
            purse.credits += own;
        }
    }
}

/// What of a batch's burn is burned, and what goes to maintenance while that is not covered: a part of the reference price.
fn burn(batch: &Batch, world: &World) -> (u128, u128) {
    let funds: FundsRecord = world.record(&FundsKey::Funds.state()).unwrap_or_default();
    let burn = u128::from(batch.burn.0);
    let diverted = part(u128::from(batch.reference_total.0), u128::from(funds.shift.0), 10_000).min(burn);
    (burn - diverted, diverted)
}

/// The part of a model's line that its notes take while their series runs.
fn of_notes(title: &TitleRecord, amount: u128, world: &World) -> u128 {
    let series = title.active_series.map(|number| MarketKey::Series(title_of(&title.model), number).state());
    let series = series.and_then(|key| world.record::<SeriesRecord>(&key));
    let running = series.filter(|series| {
        let ends = series.begins_epoch.map(|begins| begins..begins + series.epochs);
        ends.is_some_and(|epochs| epochs.contains(&world.epoch()))
    });
    running.map_or(0, |series| part(amount, u128::from(series.share.0), 10_000))
}

/// What a claim repaid to the advance pool of the tranche of an epoch.
fn repaid(turn: &Turn<'_>, begun: u64) -> u128 {
    let repaid = turn.events.iter().map(|event| match event {
        Event::Advances(AdvanceEvent::AdvanceRepaid { epoch, amount, .. }) if *epoch == begun => amount.0,
        _ => 0,
    });
    u128::from(repaid.sum::<u64>())
}

/// What audited work says, as the step of reputation reads it: its own tests prove those numbers.
fn reputation_of(world: &World, subject: AccountId, domain: Domain) -> u32 {
    world.ask(|transition| reputation::of(transition, subject, &domain))
}
