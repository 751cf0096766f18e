//! Who an answer comes from: sources by their first owner, each with one colour on the page. The one who counts most
//! comes first; colours end, and whoever comes later shares the last, which is grey.
//!
//! Absent: what the owners behind the first receive; the ledger's lines say it.

use std::collections::BTreeMap;

use openledger_query::ReadModels;
use openledger_query::views::{AccountRef, ReceiptView};
use openledger_types::AccountId;

use crate::spans::{Numbers, SourceKey};

/// Colours of the stylesheet, the grey one of all others included.
pub(crate) const COLOURS: usize = 7;
/// Contributors that are listed; the rest is told as a number.
pub(crate) const CONTRIBUTORS_MAX: usize = 24;
/// Sources that are listed beside one contributor.
const SOURCES_MAX: usize = 8;

/// Somebody whose texts an answer reuses.
pub(crate) struct Contributor {
    /// From 1 to [`COLOURS`].
    pub(crate) colour: usize,
    /// The first owner; `None` when this node does not know the contribution.
    pub(crate) account: Option<AccountRef>,
    /// Whether a source has further owners.
    pub(crate) has_others: bool,
    /// Their part of the answer.
    pub(crate) basis_points: u64,
    /// The numbers of their sources.
    pub(crate) sources: Vec<usize>,
}

impl Contributor {
    /// The numbers of the first sources, as a list.
    pub(crate) fn listed(&self) -> String {
        let shown: Vec<String> = self.sources.iter().take(SOURCES_MAX).map(usize::to_string).collect();
        let more = if self.sources.len() > SOURCES_MAX { " …" } else { "" };
        let noun = if self.sources.len() == 1 { "source" } else { "sources" };
        format!("{noun} {}{more}", shown.join(", "))
    }
}

/// The contributors of an answer, and the colour of each source.
#[derive(Default)]
pub(crate) struct Contributors {
    pub(crate) list: Vec<Contributor>,
    colours: BTreeMap<SourceKey, usize>,
}

impl Contributors {
    /// Groups numbered sources by their first owner.
    pub(crate) fn of(models: &ReadModels, receipt: &ReceiptView, numbers: &Numbers) -> Self {
        let shares: BTreeMap<(&_, &_), u64> = receipt
            .shares
            .iter()
            .map(|share| ((&share.datanet, &share.contribution), share.basis_points))
            .collect();
        let mut list: Vec<(Contributor, Vec<SourceKey>)> = Vec::new();
        let mut places: BTreeMap<Option<AccountId>, usize> = BTreeMap::new();
        for (key, number) in numbers.order.iter().zip(1..) {
            let known = models.contribution(&key.0, &key.1);
            let owners = known.map(|known| known.owners).unwrap_or_default();
            let account = owners.first().map(|owner| owner.account.clone());
            let place = *places.entry(account.as_ref().map(|account| account.id)).or_insert(list.len());
            if place == list.len() {
                let empty = Contributor {
                    colour: COLOURS,
                    account,
                    has_others: false,
                    basis_points: 0,
                    sources: Vec::new(),
                };
                list.push((empty, Vec::new()));
            }
            let (contributor, keys) = &mut list[place];
            contributor.has_others |= owners.len() > 1;
            contributor.basis_points += shares.get(&(&key.0, &key.1)).copied().unwrap_or(0);
            contributor.sources.push(number);
            keys.push(key.clone());
        }
        list.sort_by_key(|(contributor, _)| std::cmp::Reverse(contributor.basis_points));
        let mut colours = BTreeMap::new();
        for ((contributor, keys), place) in list.iter_mut().zip(1..) {
            contributor.colour = COLOURS.min(place);
            colours.extend(keys.drain(..).map(|key| (key, contributor.colour)));
        }
        Self { list: list.into_iter().map(|(contributor, _)| contributor).collect(), colours }
    }

    /// The colour of a source.
    pub(crate) fn colour(&self, source: &SourceKey) -> usize {
        self.colours.get(source).copied().unwrap_or(COLOURS)
    }
}
