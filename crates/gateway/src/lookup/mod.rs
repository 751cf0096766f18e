//! Lookups: which sealed texts hold the words of a text, without an answer and without money. They are rated by key and
//! by address, and of private texts they confirm no more than a key's allowance of words (`confirmed`).
//!
//! Absent: HTTP; the texts of sources, which somebody who may read them fetches.

mod confirmed;
#[cfg(test)]
mod tests;
pub(crate) mod throttle;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use openledger_attribution::{Attribution, Index, SourceRef, attribute, words};
use openledger_types::{ContributionId, Hash, Name};

use self::confirmed::{Confirmed, PrivateWord};
use self::throttle::Throttle;
use crate::access::Reader;
use crate::auth::ApiKey;
use crate::error::ApiError;
use crate::gateway::{Gateway, Library};

/// Bytes of a text that is looked up.
pub const LOOKUP_BYTES_MAX: usize = 32 * 1024;
/// Words of a text that is looked up.
pub const LOOKUP_WORDS_MAX: usize = 2_000;

/// How many lookups are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LookupLimits {
    /// Lookups a minute of one API key.
    pub key_per_minute: u32,
    /// Lookups a minute of one address; of a network of 2^64 addresses in IPv6.
    pub address_per_minute: u32,
    /// Distinct words of private texts a day that lookups confirm to one API key whose holder may not read them.
    pub private_words_per_day: usize,
}

impl Default for LookupLimits {
    fn default() -> Self {
        Self { key_per_minute: 60, address_per_minute: 60, private_words_per_day: 200 }
    }
}

/// Who has asked how much.
pub(crate) struct Lookups {
    keys: Throttle<Hash>,
    addresses: Throttle<IpAddr>,
    confirmed: Confirmed,
}

impl Lookups {
    pub(crate) fn new(limits: LookupLimits) -> Self {
        Self {
            keys: Throttle::new(limits.key_per_minute),
            addresses: Throttle::new(limits.address_per_minute),
            confirmed: Confirmed::new(limits.private_words_per_day),
        }
    }

    fn take(&self, key: Option<&Hash>, address: IpAddr, now_ms: u64) -> Result<(), ApiError> {
        let refused = |what: &str| {
            let message = format!("{what} looks up too often; wait, or ask for the limits of this gateway");
            move |seconds| ApiError { retry_s: seconds, ..ApiError::busy(message) }
        };
        self.addresses.take(&network_of(address), now_ms).map_err(refused("your address"))?;
        key.map_or(Ok(()), |key| self.keys.take(key, now_ms)).map_err(refused("your API key"))
    }
}

/// One customer's addresses count as one.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            IpAddr::V6(network.into())
        }
        address => address,
    }
}

/// A lookup's answer.
#[derive(Debug)]
pub struct Found {
    /// What was found, in all texts or in the readable ones.
    pub attribution: Attribution,
    /// Private words that may still be confirmed to the key today; `None` for a stranger.
    pub private_words_left: Option<usize>,
}

/// The text of a contribution, by datanet.
pub type TextOf<'a> = &'a (dyn Fn(&str, &ContributionId) -> Option<String> + Sync);

impl Gateway {
    /// Looks a text up for whoever sent a request.
    ///
    /// # Errors
    /// The text is too long, the caller asks too often, or the ledger does not answer.
    pub async fn lookup(
        &self,
        text: &str,
        key: Option<&ApiKey>,
        reader: &Reader,
        address: IpAddr,
        now_ms: u64,
        text_of: TextOf<'_>,
    ) -> Result<Found, ApiError> {
        // A key that nobody bound is anybody's invention: it has no bucket and no allowance.
        let known = |key: &&ApiKey| self.store.key(&key.hash()).ok().flatten().is_some();
        let key = key.filter(known).map(ApiKey::hash);
        self.lookups.take(key.as_ref(), address, now_ms)?;
        if text.len() > LOOKUP_BYTES_MAX || words::words(text).nth(LOOKUP_WORDS_MAX).is_some() {
            return Err(ApiError::invalid(
                "text",
                format!(
                    "a text that is looked up has at most {LOOKUP_BYTES_MAX} bytes and {LOOKUP_WORDS_MAX} words; look it up in parts"
                ),
            ));
        }
        let library = self.library();
        let closed = self.closed_to(&library, reader, now_ms).await?;
        let attribution =
            found(text, &library, &closed, key.as_ref(), &self.lookups.confirmed, now_ms, text_of)?;
        let private_words_left = key.map(|key| self.lookups.confirmed.left(&key, now_ms));
        Ok(Found { attribution, private_words_left })
    }
}

/// What the text reuses of all texts, if the key may be told all of it, and else of those that are readable.
fn found(
    text: &str,
    library: &Library,
    closed: &[Name],
    key: Option<&Hash>,
    confirmed: &Confirmed,
    now_ms: u64,
    text_of: TextOf<'_>,
) -> Result<Attribution, ApiError> {
    let attributed =
        |index: &Index| attribute(text, index).map_err(|error| ApiError::invalid("text", error.to_string()));
    if closed.is_empty() {
        return attributed(&library.index);
    }
    let whole = attributed(&library.index)?;
    // What confirms nothing private is answered like what is held back, down to the root of the index.
    let words = private_words(&whole, closed, text_of).filter(|words| !words.is_empty());
    let allowed = words.is_some_and(|words| key.is_some_and(|key| confirmed.allow(key, &words, now_ms)));
    let readable = Index::join(
        library
            .index
            .segments()
            .iter()
            .filter(|segment| closed.iter().all(|name| name.as_str() != segment.datanet()))
            .map(Arc::clone)
            .collect(),
    )
    .map_err(ApiError::unavailable)?;
    // Both are worked out in every case, so that the time taken does not tell which is given.
    let public = attributed(&readable)?;
    Ok(if allowed { whole } else { public })
}

/// The words of closed datanets that an attribution confirms; `None` when a source cannot be looked at.
fn private_words(
    attribution: &Attribution,
    closed: &[Name],
    text_of: TextOf<'_>,
) -> Option<Vec<PrivateWord>> {
    let is_closed = |source: &&SourceRef| closed.iter().any(|name| name.as_str() == source.datanet);
    let mut found = BTreeSet::new();
    for source in attribution.spans.iter().flat_map(|span| &span.sources).filter(is_closed) {
        let contribution = ContributionId(source.contribution.0);
        let text = text_of(&source.datanet, &contribution)?;
        let (start, end) =
            (usize::try_from(source.bytes.start).ok()?, usize::try_from(source.bytes.end).ok()?);
        let passage = text.get(start..end)?;
        let places = words::words(passage).map(|(range, _)| start.saturating_add(range.start) as u64);
        found.extend(places.map(|place| (contribution, place)));
    }
    Some(found.into_iter().collect())
}
