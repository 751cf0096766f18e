//! An account and its statement.

use openledger_types::record::Role;
use openledger_types::{AccountId, Amount, Asset, ChannelId, Name};
use serde::Serialize;

use super::{AccountRef, Changes, LineKind, Page, SourceView};

/// An account: what it holds, earned and owes nothing for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountView {
    /// Which.
    pub account: AccountRef,
    /// The note of its local label.
    pub note: Option<String>,
    /// Liquid credits.
    pub credits: Amount,
    /// Credits in escrow.
    pub escrowed: Amount,
    /// Credits in its channels.
    pub in_channels: Amount,
    /// Liquid OPEN.
    pub open: Amount,
    /// OPEN at stake.
    pub open_bonded: Amount,
    /// Everything it spent on answers.
    pub spent: Amount,
    /// What it earned by role.
    pub earnings: Vec<EarningsView>,
    /// Escrow that is not claimed, oldest epoch first, at most a page of it.
    pub tranches: Vec<TrancheView>,
    /// Its channels as a consumer, newest first, at most a page of them.
    pub channels: Vec<ChannelView>,
    /// Datanets that it contributed to or curates.
    pub datanets: Vec<Name>,
    /// Models that it built, at most a page of them.
    pub models: Vec<Name>,
    /// Whether it is a provider.
    pub provider: bool,
    /// Whether it is a gateway.
    pub gateway: bool,
}

/// What was earned in one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EarningsView {
    /// The role.
    pub role: Role,
    /// Paid at once.
    pub liquid: Amount,
    /// Put into escrow.
    pub escrowed: Amount,
    /// Taken out of escrow.
    pub claimed: Amount,
}

/// Escrow of one role and epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrancheView {
    /// The role.
    pub role: Role,
    /// The epoch in which it was earned.
    pub epoch: u64,
    /// Everything put in.
    pub amount: Amount,
    /// Taken out so far.
    pub claimed: Amount,
    /// First epoch in which something unlocks; none for data, whose clock starts when the contribution is mature.
    pub unlocks_from_epoch: Option<u64>,
    /// Epoch in which all of it is unlocked.
    pub unlocked_by_epoch: Option<u64>,
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelView {
    /// Its id.
    pub id: ChannelId,
    /// Who pays.
    pub consumer: AccountRef,
    /// Who is paid.
    pub gateway: AccountRef,
    /// Whose signature spends from it.
    pub authorizer: AccountId,
    /// Deposited.
    pub deposit: Amount,
    /// Spent by settled batches.
    pub spent: Amount,
    /// When the consumer may take the rest back.
    pub closes_at_ms: Option<u64>,
    /// Whether it is closed.
    pub closed: bool,
}

/// A statement: opening sums and one page of lines, newest first. Opening sums plus all lines are the balances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatementView {
    /// Whose.
    pub account: AccountRef,
    /// Lines that this node no longer keeps one by one.
    pub lines_dropped: u64,
    /// What those lines sum to.
    pub opening: Changes,
    /// What the account holds now.
    pub closing: Changes,
    /// The lines.
    pub lines: Page<LineView>,
}

/// One line of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineView {
    /// When.
    pub timestamp_ms: u64,
    /// In which block; 0 for what was held before the first block.
    pub height: u64,
    /// What kind of change.
    pub kind: LineKind,
    /// Of which asset.
    pub asset: Asset,
    /// In which role, for earnings and claims.
    pub role: Option<Role>,
    /// What it was earned by, for data and builders.
    pub source: Option<SourceView>,
    /// The changes of what the account has.
    pub changes: Changes,
    /// Who is on the other side.
    pub counterparty: Option<AccountRef>,
    /// The batch, as gateway and number.
    pub batch: Option<(AccountId, u64)>,
    /// The channel.
    pub channel: Option<ChannelId>,
    /// The epoch that a tranche belongs to.
    pub epoch: Option<u64>,
    /// Receipts behind the line, at most [`crate::settings::RECEIPTS_PER_LINE_MAX`].
    pub receipts: Vec<LineReceipt>,
    /// How many receipts there are behind the line.
    pub receipts_total: u64,
    /// The sum over all of them; equal to the line's gross amount when this node knows every receipt.
    pub receipts_amount: Amount,
}

/// What one receipt adds to a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineReceipt {
    /// The receipt.
    pub id: String,
    /// Gross, before escrow.
    pub amount: Amount,
}
