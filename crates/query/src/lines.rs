//! Lines: every change of an account's money, in the order in which it happened, in one bounded store that all
//! statements share. A dropped line is added to its account's opening sums, so a statement always adds up.
//! Absent: receipts; they are joined when a statement is read.

use std::collections::{BTreeMap, VecDeque};

use openledger_types::record::Role;
use openledger_types::{AccountId, Asset, Cause, ChannelId};
use serde::Serialize;

/// What kind of change a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// Came into existence for the account.
    Deposit,
    /// Came from another account.
    Received,
    /// Went to another account.
    Sent,
    /// Staked as a provider.
    Staked,
    /// Bonded as a gateway.
    Bonded,
    /// Put into a channel.
    ChannelFunded,
    /// Came back from a closed channel.
    ChannelRefunded,
    /// Spent from a channel by a batch.
    Spent,
    /// Earned by a batch.
    Earned,
    /// Unlocked from escrow.
    Claimed,
    /// Left the network through its bridge.
    Withdrawn,
    /// Came back from stake or bond.
    Unbonded,
    /// Moved by a step of the ledger, for this cause.
    #[serde(untagged)]
    Moved(Cause),
}

impl LineKind {
    /// The kind in plain words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deposit => "deposit",
            Self::Received => "received",
            Self::Sent => "sent",
            Self::Staked => "staked",
            Self::Bonded => "bonded",
            Self::ChannelFunded => "channel funded",
            Self::ChannelRefunded => "channel refunded",
            Self::Spent => "spent",
            Self::Earned => "earned",
            Self::Claimed => "claimed",
            Self::Withdrawn => "withdrawn",
            Self::Unbonded => "unbonded",
            Self::Moved(cause) => cause.name(),
        }
    }
}

/// Signed changes of what an account has, in millionths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Liquid credits.
    pub liquid: i128,
    /// Credits in escrow.
    pub escrowed: i128,
    /// Credits in the account's own channels.
    pub in_channels: i128,
    /// Liquid OPEN.
    pub open: i128,
    /// OPEN at stake.
    pub open_bonded: i128,
}

impl Changes {
    /// The sum of both.
    pub fn plus(self, other: Self) -> Self {
        Self {
            liquid: self.liquid + other.liquid,
            escrowed: self.escrowed + other.escrowed,
            in_channels: self.in_channels + other.in_channels,
            open: self.open + other.open,
            open_bonded: self.open_bonded + other.open_bonded,
        }
    }

    /// A change of liquid money of one asset.
    pub fn liquid_of(asset: Asset, amount: i128) -> Self {
        match asset {
            Asset::Credit => Self { liquid: amount, ..Self::default() },
            Asset::Open => Self { open: amount, ..Self::default() },
        }
    }
}

/// One change of one account's money.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) account: AccountId,
    pub(crate) height: u64,
    pub(crate) timestamp_ms: u64,
    pub(crate) kind: LineKind,
    pub(crate) asset: Asset,
    pub(crate) changes: Changes,
    pub(crate) role: Option<Role>,
    pub(crate) source: Box<str>,
    pub(crate) counterparty: Option<AccountId>,
    pub(crate) batch: Option<(AccountId, u64)>,
    pub(crate) channel: Option<ChannelId>,
    pub(crate) epoch: Option<u64>,
}

/// Lines of one account: what was dropped, and the numbers of what is kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccountLines {
    pub(crate) dropped: u64,
    pub(crate) opening: Changes,
    pub(crate) numbers: VecDeque<u64>,
}

/// The store.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    first: u64,
    kept: VecDeque<Line>,
    by_account: BTreeMap<AccountId, AccountLines>,
}

impl Lines {
    /// Appends a line, dropping the oldest beyond `lines_max`; returns its number.
    pub(crate) fn push(&mut self, line: Line, lines_max: usize) -> u64 {
        let number = self.next_number();
        self.by_account.entry(line.account).or_default().numbers.push_back(number);
        self.kept.push_back(line);
        while self.kept.len() > lines_max {
            self.drop_oldest();
        }
        number
    }

    fn drop_oldest(&mut self) {
        let Some(line) = self.kept.pop_front() else { return };
        self.first += 1;
        if let Some(account) = self.by_account.get_mut(&line.account) {
            account.numbers.pop_front();
            account.dropped += 1;
            account.opening = account.opening.plus(line.changes);
        }
    }

    /// The number that the next line will have.
    pub(crate) fn next_number(&self) -> u64 {
        self.first + self.kept.len() as u64
    }

    /// The line with this number, if it is kept.
    pub(crate) fn get(&self, number: u64) -> Option<&Line> {
        self.kept.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// The lines of an account.
    pub(crate) fn of(&self, account: &AccountId) -> Option<&AccountLines> {
        self.by_account.get(account)
    }
}
