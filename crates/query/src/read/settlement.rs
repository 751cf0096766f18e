//! Questions about receipts and batches.

use openledger_types::AccountId;

use super::ReadModels;
use crate::accounts::amount;
use crate::answers::{receipt_summary, receipt_view};
use crate::lines::LineKind;
use crate::settlement::Batch;
use crate::state::State;
use crate::views::{
    BatchPayoutView, BatchSummary, BatchView, CarryView, DebitView, Page, PageRequest, Paid, ReceiptPoolView,
    ReceiptSummary, ReceiptView,
};

impl ReadModels {
    /// Receipts, newest first, as far as they are kept.
    pub fn receipts(&self, page: PageRequest) -> Page<ReceiptSummary> {
        let state = self.read();
        let newest = state.receipts.by_time.iter().rev();
        let found = newest.filter_map(|(_, place)| state.receipts.by_place.get(place));
        page.of(state.receipts.by_time.len(), found).map(|receipt| receipt_summary(&state, receipt))
    }

    /// One receipt.
    pub fn receipt(&self, id: &str) -> Option<ReceiptView> {
        let state = self.read();
        state.receipts.find(id).map(|receipt| receipt_view(&state, receipt))
    }

    /// Batches, newest first, as far as they are kept.
    pub fn batches(&self, page: PageRequest) -> Page<BatchSummary> {
        let state = self.read();
        let newest = state.settlement.order.iter().rev();
        let found = newest.filter_map(|place| Some((place, state.settlement.batches.get(place)?)));
        page.of(state.settlement.order.len(), found)
            .map(|((gateway, number), batch)| state.batch_summary(*gateway, *number, batch))
    }

    /// One batch with a page of its receipts.
    pub fn batch(&self, gateway: AccountId, number: u64, page: PageRequest) -> Option<BatchView> {
        let state = self.read();
        let batch = state.settlement.batches.get(&(gateway, number))?;
        Some(state.batch_view(gateway, number, batch, page))
    }
}

impl State {
    fn batch_summary(&self, gateway: AccountId, number: u64, batch: &Batch) -> BatchSummary {
        BatchSummary {
            gateway: self.account_ref(gateway),
            number,
            height: batch.height,
            timestamp_ms: batch.timestamp_ms,
            receipts: batch.receipts,
            charged: amount(batch.charged),
        }
    }

    fn batch_view(&self, gateway: AccountId, number: u64, batch: &Batch, page: PageRequest) -> BatchView {
        let (mut debits, mut payouts, mut dropped) = (Vec::new(), Vec::new(), 0);
        for number in batch.lines_first..batch.lines_end {
            let Some(line) = self.accounts.lines.get(number) else {
                dropped += 1;
                continue;
            };
            let account = self.account_ref(line.account);
            match line.kind {
                LineKind::Spent => debits.push(DebitView {
                    channel: line.channel,
                    consumer: account,
                    amount: amount(-line.changes.in_channels),
                }),
                LineKind::Earned => payouts.push(BatchPayoutView {
                    role: line.role,
                    account,
                    source: line.role.and_then(|role| self.source_view(role, &line.source)),
                    paid: Paid {
                        liquid: amount(line.changes.liquid),
                        escrowed: amount(line.changes.escrowed),
                    },
                    epoch: line.epoch,
                }),
                _ => {}
            }
        }
        payouts.sort_by_key(|payout| {
            std::cmp::Reverse(payout.paid.liquid.0.saturating_add(payout.paid.escrowed.0))
        });
        let receipts: Vec<_> =
            self.receipts.run(gateway, batch.first_receipt, u64::from(batch.receipts)).collect();
        let pools = batch.pools.iter();
        let carries = batch.carries.iter();
        BatchView {
            summary: self.batch_summary(gateway, number, batch),
            receipts_root: batch.receipts_root,
            first_receipt: batch.first_receipt,
            debits,
            payouts,
            lines_dropped: dropped,
            pools: pools
                .map(|(pool, held)| ReceiptPoolView { pool: pool.clone(), amount: amount(*held) })
                .collect(),
            carries: carries
                .map(|(model, before, after)| CarryView {
                    model: model.clone(),
                    gateway,
                    before: amount(*before),
                    after: amount(*after),
                })
                .collect(),
            burned: amount(batch.burned),
            adds_up: batch.debited == batch.charged && batch.given() == batch.charged,
            receipt_list: page
                .of(receipts.len(), receipts.iter())
                .map(|receipt| receipt_summary(self, receipt)),
        }
    }
}
