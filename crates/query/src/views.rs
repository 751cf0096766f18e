//! Views: what questions are answered with. Field names are the JSON names and stay stable; amounts are integers in
//! millionths (uC for credits), hashes and accounts `0x` and hexadecimal digits, times milliseconds since 1970.
//! Absent: links and layout; those are the pages'.

use openledger_types::{AccountId, Amount};
use serde::Serialize;

mod account;
mod chain;
mod datanet;
mod market;
mod network;
mod settlement;

pub use crate::lines::{Changes, LineKind};
pub use account::{
    AccountView, ChannelView, EarningsView, LineReceipt, LineView, StatementView, TrancheView,
};
pub use chain::{BlockSummary, BlockView, RejectionView, TransactionSummary, TransactionView};
pub use datanet::{
    AuthorView, Concentration, ContributionView, DatanetSummary, DatanetView, OwnerView, SnapshotView,
};
pub use market::{GatewayView, ModelView, OfferView, ProviderView, RoyaltyView};
pub use network::{Counts, Overview, PoolView, SearchHit, SearchKind, SupplyView};
pub use settlement::{
    BatchPayoutView, BatchSummary, BatchView, CarryView, DebitView, PayoutView, ReceiptPoolView,
    ReceiptSummary, ReceiptView, SettledView, ShareView, SourceView,
};

/// An account with its local name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountRef {
    /// Its address.
    pub id: AccountId,
    /// Its local name, if it has one. A label of this node, not of the ledger.
    pub name: Option<String>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// Number of this page, from 1.
    pub page: u64,
    /// Entries on a full page.
    pub per_page: u64,
    /// Entries of the whole list.
    pub total: u64,
    /// The entries.
    pub entries: Vec<T>,
}

impl<T> Page<T> {
    /// How many pages the list has, at least 1.
    pub fn pages(&self) -> u64 {
        self.total.div_ceil(self.per_page.max(1)).max(1)
    }

    /// The same page with other entries.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        let Self { page, per_page, total, entries } = self;
        Page { page, per_page, total, entries: entries.into_iter().map(change).collect() }
    }
}

/// Which page of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// Number of the page, from 1.
    pub page: u64,
    /// Entries on it, cut to [`crate::settings::PAGE_ENTRIES_MAX`].
    pub per_page: usize,
}

impl PageRequest {
    /// The first page with this many entries.
    pub fn first(per_page: usize) -> Self {
        Self { page: 1, per_page }
    }

    /// How many entries stand before the page, and how many are on it.
    pub(crate) fn window(self) -> (usize, usize) {
        let per_page = self.per_page.clamp(1, crate::settings::PAGE_ENTRIES_MAX);
        let before = usize::try_from(self.page.saturating_sub(1)).unwrap_or(usize::MAX);
        (before.saturating_mul(per_page), per_page)
    }

    /// Takes the page out of a list of `total` entries.
    pub(crate) fn of<T>(self, total: usize, entries: impl Iterator<Item = T>) -> Page<T> {
        let (before, per_page) = self.window();
        let entries =
            if before >= total { Vec::new() } else { entries.skip(before).take(per_page).collect() };
        Page { page: self.page.max(1), per_page: per_page as u64, total: total as u64, entries }
    }
}

/// An amount that was paid, by when it can be spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Paid {
    /// At once.
    pub liquid: Amount,
    /// Held in escrow.
    pub escrowed: Amount,
}
