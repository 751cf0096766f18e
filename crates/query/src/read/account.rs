//! Questions about accounts: what they hold, and the statement that explains it.

use openledger_types::record::Role;
use openledger_types::{AccountId, ChannelId};

use super::ReadModels;
use super::network::earnings_view;
use crate::accounts::{Account, amount};
use crate::lines::{AccountLines, Changes, Line, LineKind};
use crate::settings::{PAGE_ENTRIES_MAX, RECEIPTS_PER_LINE_MAX};
use crate::state::State;
use crate::views::{
    AccountView, ChannelView, LineReceipt, LineView, PageRequest, StatementView, TrancheView,
};

impl ReadModels {
    /// One account; none when no event and no name ever mentioned it.
    pub fn account(&self, id: AccountId) -> Option<AccountView> {
        let state = self.read();
        let known = state.accounts.by_id.contains_key(&id)
            || state.accounts.labels.contains_key(&id)
            || state.datanets.authors.contains(&id)
            || state.market.models.values().any(|model| model.builder == id);
        known.then(|| state.account_view(id))
    }

    /// The statement of an account, newest line first.
    pub fn statement(&self, id: AccountId, page: PageRequest) -> StatementView {
        let state = self.read();
        let empty = AccountLines::default();
        let lines = state.accounts.lines.of(&id).unwrap_or(&empty);
        let numbers = lines.numbers.iter().rev();
        let kept = numbers.filter_map(|number| state.accounts.lines.get(*number));
        StatementView {
            account: state.account_ref(id),
            lines_dropped: lines.dropped,
            opening: lines.opening,
            closing: state.accounts.by_id.get(&id).map_or(Changes::default(), |account| account.holds),
            lines: page.of(lines.numbers.len(), kept).map(|line| state.line_view(line)),
        }
    }
}

impl State {
    fn account_view(&self, id: AccountId) -> AccountView {
        let empty = Account::default();
        let account = self.accounts.by_id.get(&id).unwrap_or(&empty);
        let holds = account.holds;
        let channels = self.market.channels_of.get(&id).into_iter().flatten().rev().take(PAGE_ENTRIES_MAX);
        let datanets = self.datanets.by_name.iter();
        let datanets = datanets.filter(|(_, net)| net.curator == id || net.authors.contains_key(&id));
        let models = self.market.models.iter().filter(|(_, model)| model.builder == id);
        AccountView {
            account: self.account_ref(id),
            note: self
                .accounts
                .labels
                .get(&id)
                .map(|label| label.note.clone())
                .filter(|note| !note.is_empty()),
            credits: amount(holds.liquid),
            escrowed: amount(holds.escrowed),
            in_channels: amount(holds.in_channels),
            open: amount(holds.open),
            open_bonded: amount(holds.open_bonded),
            spent: amount(account.spent),
            earnings: account.earnings.iter().map(|(role, earned)| earnings_view(*role, earned)).collect(),
            tranches: self.tranches(account),
            channels: channels.filter_map(|channel| self.channel_view(channel)).collect(),
            datanets: datanets.map(|(name, _)| name.clone()).take(PAGE_ENTRIES_MAX).collect(),
            models: models.map(|(name, _)| name.clone()).take(PAGE_ENTRIES_MAX).collect(),
            provider: self.market.providers.contains_key(&id),
            gateway: self.market.gateways.contains_key(&id),
        }
    }

    fn tranches(&self, account: &Account) -> Vec<TrancheView> {
        let parameters = &self.settings.parameters;
        let open = account.tranches.iter().filter(|(_, tranche)| tranche.amount != tranche.claimed);
        let view = |(&(epoch, role), tranche): (&(u64, Role), &crate::accounts::Tranche)| {
            let escrow = match role {
                Role::Provider => Some(parameters.provider_escrow),
                Role::Builder => Some(parameters.builder_escrow),
                _ => None,
            };
            let begins = escrow.map(|escrow| epoch.saturating_add(escrow.cliff_epochs));
            TrancheView {
                role,
                epoch,
                amount: amount(tranche.amount),
                claimed: amount(tranche.claimed),
                unlocks_from_epoch: begins.map(|begins| begins.saturating_add(1)),
                unlocked_by_epoch: begins
                    .zip(escrow)
                    .map(|(begins, escrow)| begins.saturating_add(escrow.linear_epochs)),
            }
        };
        open.take(PAGE_ENTRIES_MAX).map(view).collect()
    }

    fn channel_view(&self, id: &ChannelId) -> Option<ChannelView> {
        let channel = self.market.channels.get(id)?;
        Some(ChannelView {
            id: *id,
            consumer: self.account_ref(channel.consumer),
            gateway: self.account_ref(channel.gateway),
            authorizer: channel.authorizer,
            deposit: amount(channel.deposit),
            spent: amount(channel.spent),
            closes_at_ms: channel.closes_at_ms,
            closed: channel.closed,
        })
    }

    fn line_view(&self, line: &Line) -> LineView {
        let (receipts, receipts_total, sum) = self.receipts_behind(line);
        LineView {
            timestamp_ms: line.timestamp_ms,
            height: line.height,
            kind: line.kind,
            asset: line.asset,
            role: line.role,
            source: line.role.and_then(|role| self.source_view(role, &line.source)),
            changes: line.changes,
            counterparty: line.counterparty.map(|other| self.account_ref(other)),
            batch: line.batch,
            channel: line.channel,
            epoch: line.epoch,
            receipts,
            receipts_total,
            receipts_amount: amount(sum),
        }
    }

    /// The receipts of the line's batch that pay, or charge, what the line does.
    fn receipts_behind(&self, line: &Line) -> (Vec<LineReceipt>, u64, i128) {
        let (mut listed, mut total, mut sum) = (Vec::new(), 0, 0);
        let Some((gateway, number)) = line.batch else { return (listed, total, sum) };
        let Some(batch) = self.settlement.batches.get(&(gateway, number)) else {
            return (listed, total, sum);
        };
        for receipt in self.receipts.run(gateway, batch.first_receipt, u64::from(batch.receipts)) {
            let part: i128 = match line.kind {
                LineKind::Spent if receipt.consumer == line.account => i128::from(receipt.total.0),
                LineKind::Earned => receipt
                    .payouts
                    .iter()
                    .filter(|payout| Some(payout.role) == line.role)
                    .filter(|payout| self.market.payee(payout.account, line.height) == line.account)
                    .filter(|payout| *payout.source == *line.source)
                    .map(|payout| i128::from(payout.amount.0))
                    .sum(),
                _ => 0,
            };
            if part == 0 {
                continue;
            }
            (total, sum) = (total + 1, sum + part);
            if listed.len() < RECEIPTS_PER_LINE_MAX {
                listed.push(LineReceipt { id: receipt.id.clone(), amount: amount(part) });
            }
        }
        (listed, total, sum)
    }
}
