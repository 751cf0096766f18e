//! Events that move money: each becomes lines of the accounts it touches and changes of pools, channels and batches.
//! Absent: checks; the ledger has made them.

use openledger_types::advances::AdvanceEvent;
use openledger_types::record::{Pool, Role};
use openledger_types::{AccountId, Amount, Asset, AuditEvent, Cause, EscrowEvent, Event, Holder};

use super::{Moment, State};
use crate::accounts::signed;
use crate::datanets::parse_source;
use crate::lines::{Changes, Line, LineKind};
use crate::market::Channel;
use crate::settlement::Batch;

/// The fields of [`Event::Paid`].
struct Payment<'a> {
    gateway: AccountId,
    batch: u64,
    account: AccountId,
    role: Role,
    source: &'a str,
    liquid: i128,
    escrowed: i128,
    epoch: u64,
}

fn line(moment: Moment, account: AccountId, kind: LineKind, asset: Asset, changes: Changes) -> Line {
    Line {
        account,
        height: moment.height,
        timestamp_ms: moment.timestamp_ms,
        kind,
        asset,
        changes,
        role: None,
        source: "".into(),
        counterparty: None,
        batch: None,
        channel: None,
        epoch: None,
    }
}

impl State {
    pub(super) fn money_event(&mut self, moment: Moment, event: &Event) {
        match event {
            Event::Deposited { to, asset, amount } => self.deposit(moment, *to, *asset, *amount),
            Event::BridgeDeposited { to, amount, .. } => self.deposit(moment, *to, Asset::Credit, *amount),
            Event::Withdrawn { account, amount, .. } => {
                self.accounts.totals.credits_withdrawn += signed(*amount);
                let changes = Changes::liquid_of(Asset::Credit, -signed(*amount));
                self.line(line(moment, *account, LineKind::Withdrawn, Asset::Credit, changes));
            }
            Event::Unbonded { account, amount, .. } => {
                let (open, open_bonded) = (signed(*amount), -signed(*amount));
                let changes = Changes { open, open_bonded, ..Changes::default() };
                self.line(line(moment, *account, LineKind::Unbonded, Asset::Open, changes));
            }
            Event::Transferred { from, to, asset, amount } => {
                let amount = signed(*amount);
                let sent = Changes::liquid_of(*asset, -amount);
                let received = Changes::liquid_of(*asset, amount);
                let counterparty = Some(*to);
                self.line(Line { counterparty, ..line(moment, *from, LineKind::Sent, *asset, sent) });
                let counterparty = Some(*from);
                self.line(Line { counterparty, ..line(moment, *to, LineKind::Received, *asset, received) });
            }
            Event::TrancheClaimed { account, role, epoch, amount } => {
                self.claim(moment, *account, *role, *epoch, signed(*amount));
            }
            Event::Escrow(EscrowEvent::TrancheBegun { account, role, epoch, amount }) => {
                let entry = self.accounts.entry(*account);
                entry.tranches.entry((*epoch, *role)).or_default().amount += signed(*amount);
            }
            Event::Advances(AdvanceEvent::AdvanceRepaid { account, role, epoch, amount }) => {
                let entry = self.accounts.entry(*account);
                entry.tranches.entry((*epoch, *role)).or_default().amount -= signed(*amount);
            }
            Event::Escrow(EscrowEvent::TrancheForfeited { account, role, epoch, amount }) => {
                let entry = self.accounts.entry(*account);
                entry.tranches.entry((*epoch, *role)).or_default().amount -= signed(*amount);
            }
            Event::Audits(AuditEvent::SeatSettled { auditor, escrowed, epoch, .. }) => {
                let entry = self.accounts.entry(*auditor);
                entry.tranches.entry((*epoch, Role::Auditor)).or_default().amount += signed(*escrowed);
            }
            Event::Moved { from, to, asset, amount, cause } => {
                self.moved(moment, (from, to), *asset, signed(*amount), *cause);
            }
            Event::ChannelOpened { .. } | Event::ChannelToppedUp { .. } | Event::ChannelClosed { .. } => {
                self.channel_event(moment, event);
            }
            other => self.batch_event(moment, other),
        }
    }

    /// Both sides of a movement: one line per account, so an account that moves its own money has one line.
    fn moved(
        &mut self,
        moment: Moment,
        (from, to): (&Holder, &Holder),
        asset: Asset,
        amount: i128,
        cause: Cause,
    ) {
        let taken = self.side(from, asset, -amount);
        let given = self.side(to, asset, amount);
        let kind = LineKind::Moved(cause);
        match (taken, given) {
            (Some((account, one)), Some((other, two))) if account == other => {
                self.line(line(moment, account, kind, asset, one.plus(two)));
            }
            (taken, given) => {
                let counterparty = given.map(|(account, _)| account);
                if let Some((account, changes)) = taken {
                    self.line(Line { counterparty, ..line(moment, account, kind, asset, changes) });
                }
                let counterparty = taken.map(|(account, _)| account);
                if let Some((account, changes)) = given {
                    self.line(Line { counterparty, ..line(moment, account, kind, asset, changes) });
                }
            }
        }
    }

    /// The account's change, or nothing when the holder is no account and its total was changed.
    fn side(&mut self, holder: &Holder, asset: Asset, amount: i128) -> Option<(AccountId, Changes)> {
        let totals = &mut self.accounts.totals;
        match holder {
            Holder::Account(account) => return Some((*account, Changes::liquid_of(asset, amount))),
            Holder::Escrow(account) => {
                return Some((*account, Changes { escrowed: amount, ..Changes::default() }));
            }
            Holder::Bond(account) => {
                return Some((*account, Changes { open_bonded: amount, ..Changes::default() }));
            }
            Holder::Custody if asset == Asset::Credit => totals.in_custody += amount,
            Holder::Custody => totals.open_in_custody += amount,
            Holder::Burned if asset == Asset::Credit => totals.credits_burned += amount,
            Holder::Burned => totals.open_burned += amount,
            Holder::Pool(pool) => self.pool(pool.clone(), amount),
        }
        None
    }

    pub(super) fn deposit(&mut self, moment: Moment, to: AccountId, asset: Asset, amount: Amount) {
        if amount == Amount::ZERO {
            return;
        }
        match asset {
            Asset::Credit => self.accounts.totals.credits_deposited += signed(amount),
            Asset::Open => self.accounts.totals.open_issued += signed(amount),
        }
        let changes = Changes::liquid_of(asset, signed(amount));
        self.line(line(moment, to, LineKind::Deposit, asset, changes));
    }

    pub(super) fn bond(&mut self, moment: Moment, account: AccountId, amount: Amount, kind: LineKind) {
        let (open, open_bonded) = (-signed(amount), signed(amount));
        let changes = Changes { open, open_bonded, ..Changes::default() };
        self.line(line(moment, account, kind, Asset::Open, changes));
    }

    fn claim(&mut self, moment: Moment, account: AccountId, role: Role, epoch: u64, amount: i128) {
        let changes = Changes { liquid: amount, escrowed: -amount, ..Changes::default() };
        let claimed = line(moment, account, LineKind::Claimed, Asset::Credit, changes);
        self.line(Line { role: Some(role), epoch: Some(epoch), ..claimed });
        let entry = self.accounts.entry(account);
        entry.earnings.entry(role).or_default().claimed += amount;
        entry.tranches.entry((epoch, role)).or_default().claimed += amount;
        self.accounts.totals.paid.entry(role).or_default().claimed += amount;
    }

    fn channel_event(&mut self, moment: Moment, event: &Event) {
        let (id, amount, kind) = match event {
            Event::ChannelOpened { channel, consumer, gateway, authorizer, deposit } => {
                let opened = Channel {
                    consumer: *consumer,
                    gateway: *gateway,
                    authorizer: *authorizer,
                    deposit: signed(*deposit),
                    spent: 0,
                    closes_at_ms: None,
                    closed: false,
                };
                self.market.open_channel(*channel, opened);
                (*channel, signed(*deposit), LineKind::ChannelFunded)
            }
            Event::ChannelToppedUp { channel, amount } => {
                if let Some(channel) = self.market.channels.get_mut(channel) {
                    channel.deposit += signed(*amount);
                }
                (*channel, signed(*amount), LineKind::ChannelFunded)
            }
            Event::ChannelClosed { channel, refunded, .. } => {
                if let Some(channel) = self.market.channels.get_mut(channel) {
                    channel.closed = true;
                }
                (*channel, -signed(*refunded), LineKind::ChannelRefunded)
            }
            _ => return,
        };
        let Some(channel) = self.market.channels.get(&id) else { return };
        let (consumer, gateway) = (channel.consumer, channel.gateway);
        let changes = Changes { liquid: -amount, in_channels: amount, ..Changes::default() };
        let moved = line(moment, consumer, kind, Asset::Credit, changes);
        self.line(Line { counterparty: Some(gateway), channel: Some(id), ..moved });
    }

    fn batch_event(&mut self, moment: Moment, event: &Event) {
        match event {
            Event::BatchSettled { gateway, number, first_receipt, receipts, receipts_root, charged } => {
                let lines_first = self.accounts.lines.next_number();
                let batch = Batch {
                    height: moment.height,
                    timestamp_ms: moment.timestamp_ms,
                    receipts_root: *receipts_root,
                    first_receipt: *first_receipt,
                    receipts: *receipts,
                    charged: signed(*charged),
                    lines_first,
                    lines_end: lines_first,
                    debited: 0,
                    paid: 0,
                    pools: Vec::new(),
                    carries: Vec::new(),
                    burned: 0,
                };
                self.accounts.totals.charged += signed(*charged);
                if let Some(record) = self.market.gateways.get_mut(gateway) {
                    record.batches = record.batches.max(*number);
                    record.receipts += u64::from(*receipts);
                    record.charged += signed(*charged);
                }
                self.settlement.begin(*gateway, *number, batch, self.settings.limits.batches_max);
            }
            Event::ChannelDebited { gateway, batch, channel, consumer, amount } => {
                self.debit(moment, (*gateway, *batch), *channel, *consumer, signed(*amount));
            }
            Event::Paid { gateway, batch, account, role, source, liquid, escrowed, epoch } => {
                let payment = Payment {
                    gateway: *gateway,
                    batch: *batch,
                    account: *account,
                    role: *role,
                    source,
                    liquid: signed(*liquid),
                    escrowed: signed(*escrowed),
                    epoch: *epoch,
                };
                self.pay(moment, &payment);
            }
            other => self.pool_event(other),
        }
    }

    fn debit(
        &mut self,
        moment: Moment,
        (gateway, number): (AccountId, u64),
        id: openledger_types::ChannelId,
        consumer: AccountId,
        amount: i128,
    ) {
        if let Some(channel) = self.market.channels.get_mut(&id) {
            channel.spent += amount;
        }
        let changes = Changes { in_channels: -amount, ..Changes::default() };
        let spent = line(moment, consumer, LineKind::Spent, Asset::Credit, changes);
        let batch = Some((gateway, number));
        self.line(Line { counterparty: Some(gateway), channel: Some(id), batch, ..spent });
        self.accounts.entry(consumer).spent += amount;
        let lines_end = self.accounts.lines.next_number();
        if let Some(batch) = self.batch_mut(&gateway, number) {
            batch.debited += amount;
            batch.lines_end = lines_end;
        }
    }

    fn pay(&mut self, moment: Moment, payment: &Payment<'_>) {
        let Payment { gateway, batch, account, role, source, liquid, escrowed, epoch } = *payment;
        let changes = Changes { liquid, escrowed, ..Changes::default() };
        let earned = line(moment, account, LineKind::Earned, Asset::Credit, changes);
        self.line(Line {
            role: Some(role),
            source: source.into(),
            counterparty: Some(gateway),
            batch: Some((gateway, batch)),
            epoch: Some(epoch),
            ..earned
        });
        let entry = self.accounts.entry(account);
        let earnings = entry.earnings.entry(role).or_default();
        earnings.liquid += liquid;
        earnings.escrowed += escrowed;
        if escrowed != 0 {
            entry.tranches.entry((epoch, role)).or_default().amount += escrowed;
        }
        let total = self.accounts.totals.paid.entry(role).or_default();
        total.liquid += liquid;
        total.escrowed += escrowed;
        self.book_source(role, source, account, liquid, escrowed);
        let lines_end = self.accounts.lines.next_number();
        if let Some(batch) = self.batch_mut(&gateway, batch) {
            batch.paid += liquid + escrowed;
            batch.lines_end = lines_end;
        }
    }

    /// Books a payment where it came from: a contribution or a model.
    fn book_source(&mut self, role: Role, source: &str, account: AccountId, liquid: i128, escrowed: i128) {
        match role {
            Role::Data => {
                let Some((datanet, id)) = parse_source(source) else { return };
                if let Some(name) = datanet.or_else(|| self.datanets.home(&id).cloned()) {
                    self.datanets.earn(&name, &id, account, liquid, escrowed);
                }
            }
            Role::Builder => {
                let Ok(name) = source.parse() else { return };
                if let Some(model) = self.market.models.get_mut(&name) {
                    model.earned += liquid + escrowed;
                }
            }
            _ => {}
        }
    }

    fn pool_event(&mut self, event: &Event) {
        match event {
            Event::PoolPaid { gateway, batch, pool, amount } => {
                self.pool(pool.clone(), signed(*amount));
                if let Some(batch) = self.batch_mut(gateway, *batch) {
                    batch.pools.push((pool.clone(), signed(*amount)));
                }
            }
            Event::CarrySet { gateway, batch, model, before, after } => {
                let (before, after) = (signed(*before), signed(*after));
                self.pool(Pool::Carry(*gateway, model.clone()), after - before);
                if let Some(batch) = self.batch_mut(gateway, *batch) {
                    batch.carries.push((model.clone(), before, after));
                }
            }
            Event::Burned { gateway, batch, amount } => {
                self.accounts.totals.credits_burned += signed(*amount);
                if let Some(batch) = self.batch_mut(gateway, *batch) {
                    batch.burned += signed(*amount);
                }
            }
            _ => {}
        }
    }
}
