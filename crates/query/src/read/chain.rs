//! Questions about blocks and transactions.

use openledger_types::Hash;

use super::ReadModels;
use crate::blocks::{Block, Transaction};
use crate::settings::PAGE_ENTRIES_MAX;
use crate::state::State;
use crate::views::{
    BlockSummary, BlockView, Page, PageRequest, RejectionView, TransactionSummary, TransactionView,
};

impl ReadModels {
    /// Blocks, newest first, as far as they are kept.
    pub fn blocks(&self, page: PageRequest) -> Page<BlockSummary> {
        let state = self.read();
        page.of(state.blocks.kept.len(), state.blocks.kept.iter().rev().map(block_summary))
    }

    /// The newest blocks with at least one transaction, at most `count`, among the newest thousand.
    pub fn busy_blocks(&self, count: usize) -> Vec<BlockSummary> {
        let state = self.read();
        let newest = state.blocks.kept.iter().rev().take(1_000);
        newest
            .filter(|block| !block.transactions.is_empty())
            .take(count.min(PAGE_ENTRIES_MAX))
            .map(block_summary)
            .collect()
    }

    /// One block with a page of its transactions.
    pub fn block(&self, height: u64, page: PageRequest) -> Option<BlockView> {
        let state = self.read();
        let block = state.blocks.at(height)?;
        let tip = state.blocks.kept.back().map_or(0, |tip| tip.height);
        let transactions = page.of(block.transactions.len(), block.transactions.iter()).map(|hash| {
            state.blocks.transactions.get(hash).map(|found| state.transaction_summary(*hash, found))
        });
        let Page { page, per_page, total, entries } = transactions;
        Some(BlockView {
            height,
            digest: block.digest,
            parent: block.parent,
            timestamp_ms: block.timestamp_ms,
            state_root: block.state_root,
            events: block.events,
            has_next: height < tip,
            transactions: Page { page, per_page, total, entries: entries.into_iter().flatten().collect() },
        })
    }

    /// One transaction with its events.
    pub fn transaction(&self, hash: &Hash) -> Option<TransactionView> {
        let state = self.read();
        let transaction = state.blocks.transactions.get(hash)?;
        let events = transaction.events.as_ref();
        let event_list = events.map(|events| events.iter().take(PAGE_ENTRIES_MAX).cloned().collect());
        Some(TransactionView { summary: state.transaction_summary(*hash, transaction), event_list })
    }

    /// Transactions, newest first, as far as they are kept.
    pub fn transactions(&self, page: PageRequest) -> Page<TransactionSummary> {
        let state = self.read();
        let hashes = state.blocks.transaction_order.iter().rev();
        let found = hashes.filter_map(|hash| Some((*hash, state.blocks.transactions.get(hash)?)));
        page.of(
            state.blocks.transactions.len(),
            found.map(|(hash, transaction)| state.transaction_summary(hash, transaction)),
        )
    }
}

fn block_summary(block: &Block) -> BlockSummary {
    BlockSummary {
        height: block.height,
        digest: block.digest,
        timestamp_ms: block.timestamp_ms,
        transactions: block.transactions.len() as u64,
        events: block.events,
    }
}

impl State {
    fn transaction_summary(&self, hash: Hash, transaction: &Transaction) -> TransactionSummary {
        TransactionSummary {
            hash,
            height: transaction.height,
            index: transaction.index,
            timestamp_ms: transaction.timestamp_ms,
            sender: transaction.sender.map(|sender| self.account_ref(sender)),
            nonce: transaction.nonce,
            action: transaction.name.clone(),
            summary: transaction.summary.clone(),
            rejection: transaction.result.err().map(RejectionView::of),
            events: transaction.event_count,
        }
    }
}
