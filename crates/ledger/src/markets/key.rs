//! The keys of markets and the record under each. The order of the variants is part of the protocol.

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_types::codec::DecodeError;
use openledger_types::markets::{
    AwardRecord, CapacityBookRecord, HoldingRecord, LeaseBookRecord, NoteBookRecord, PriceRecord,
    QuoteRecord, SeriesRecord,
};
use openledger_types::{AccountId, Amount, Name};
use serde::{Deserialize, Serialize};

use crate::queries::record;
use crate::state::StateKey;

/// The key of one record.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum MarketKey {
    /// `PriceRecord` of a class.
    Price(Name),
    /// `QuoteRecord` of a round of a class.
    Quote(Name, u64),
    /// `CapacityBookRecord` of a class.
    CapacityBook(Name),
    /// `AwardRecord`, by class and provider.
    Award(Name, AccountId),
    /// `LeaseBookRecord` of a provider.
    LeaseBook(AccountId),
    /// `SeriesRecord`, by the model's title and number.
    Series(AccountId, u64),
    /// `HoldingRecord`, by title, series and holder.
    Holding(AccountId, u64, AccountId),
    /// `NoteBookRecord`, by title, series and epoch.
    NoteBook(AccountId, u64, u64),
}

impl MarketKey {
    pub(crate) fn state(self) -> StateKey {
        StateKey::Markets(self)
    }
}

/// A record of markets. Each variant is the record of the [`MarketKey`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "record", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is the record of the key of the same name")]
pub enum MarketsRecord {
    Price(PriceRecord),
    Quote(QuoteRecord),
    CapacityBook(CapacityBookRecord),
    Award(AwardRecord),
    LeaseBook(LeaseBookRecord),
    Series(SeriesRecord),
    Holding(HoldingRecord),
    NoteBook(NoteBookRecord),
}

impl MarketsRecord {
    pub(crate) fn decode(key: &MarketKey, bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(match key {
            MarketKey::Price(_) => Self::Price(record(bytes)?),
            MarketKey::Quote(..) => Self::Quote(record(bytes)?),
            MarketKey::CapacityBook(_) => Self::CapacityBook(record(bytes)?),
            MarketKey::Award(..) => Self::Award(record(bytes)?),
            MarketKey::LeaseBook(_) => Self::LeaseBook(record(bytes)?),
            MarketKey::Series(..) => Self::Series(record(bytes)?),
            MarketKey::Holding(..) => Self::Holding(record(bytes)?),
            MarketKey::NoteBook(..) => Self::NoteBook(record(bytes)?),
        })
    }

    /// The credits that the record holds in custody; `None` when it contradicts itself.
    pub(crate) fn custody(&self) -> Option<Amount> {
        match self {
            Self::Award(award) => Some(award.held),
            Self::LeaseBook(book) => book.custody(),
            Self::Series(series) => series.custody(),
            Self::NoteBook(book) => book.custody(),
            Self::Price(_) | Self::Quote(_) | Self::CapacityBook(_) | Self::Holding(_) => Some(Amount::ZERO),
        }
    }
}
