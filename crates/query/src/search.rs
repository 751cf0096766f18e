//! Search: what an id, the beginning of one, a height or a word names. Ordered lists are entered at the prefix;
//! lists of free text are scanned up to a limit. Absent: ranking by relevance; hits stand in the order of their kinds.

use std::ops::Bound;

use openledger_types::{AccountId, Hash};

use crate::accounts::cut;
use crate::settings::{SEARCH_HITS_MAX, SEARCH_SCAN_MAX, SEARCH_TEXT_BYTES_MAX};
use crate::state::State;
use crate::views::{SearchHit, SearchKind};

/// Hexadecimal digits after `0x` that a prefix needs.
const PREFIX_DIGITS_MIN: usize = 3;

pub(crate) fn search(state: &State, text: &str) -> Vec<SearchHit> {
    let text = cut(text.trim(), SEARCH_TEXT_BYTES_MAX).to_lowercase();
    let mut hits = Vec::new();
    if text.is_empty() {
        return hits;
    }
    if let Some(block) = text.parse().ok().and_then(|height| state.blocks.at(height)) {
        hits.push(hit(SearchKind::Block, block.height.to_string(), format!("Block {}", block.height)));
    }
    receipts(state, &text, &mut hits);
    match text.strip_prefix("0x") {
        Some(digits) if digits.len() >= PREFIX_DIGITS_MIN => identifiers(state, digits, &mut hits),
        _ => words(state, &text, &mut hits),
    }
    hits.truncate(SEARCH_HITS_MAX);
    hits
}

fn hit(kind: SearchKind, id: String, title: String) -> SearchHit {
    SearchHit { kind, id, title, parent: None }
}

fn receipts(state: &State, text: &str, hits: &mut Vec<SearchHit>) {
    if text.len() < PREFIX_DIGITS_MIN {
        return;
    }
    let from = state.receipts.by_id.range::<str, _>((Bound::Included(text), Bound::Unbounded));
    let matching = from.take_while(|(id, _)| id.starts_with(text)).take(SEARCH_HITS_MAX);
    hits.extend(matching.map(|(id, _)| hit(SearchKind::Receipt, id.clone(), format!("Answer {id}"))));
}

/// The lowest array that begins with these digits.
fn lowest<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut padded = digits.to_owned();
    if padded.len() > N * 2 {
        return None;
    }
    padded.extend(std::iter::repeat_n('0', N * 2 - digits.len()));
    format!("0x{padded}").parse::<Hex<N>>().ok().map(|hex| hex.0)
}

struct Hex<const N: usize>([u8; N]);

impl<const N: usize> std::str::FromStr for Hex<N> {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut bytes = [0u8; N];
        let digits = text.strip_prefix("0x").ok_or(())?.as_bytes();
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| ())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| ())?;
        }
        Ok(Self(bytes))
    }
}

fn identifiers(state: &State, digits: &str, hits: &mut Vec<SearchHit>) {
    let prefix = format!("0x{digits}");
    if let Some(from) = lowest::<20>(digits) {
        let accounts = state.accounts.by_id.range(AccountId(from)..).map(|(id, _)| *id);
        let labelled = state.accounts.labels.range(AccountId(from)..).map(|(id, _)| *id);
        let authors = state.datanets.authors.range(AccountId(from)..).copied();
        let mut found: Vec<AccountId> = Vec::new();
        for list in [
            &mut accounts.fuse() as &mut dyn Iterator<Item = AccountId>,
            &mut labelled.fuse(),
            &mut authors.fuse(),
        ] {
            found.extend(list.take_while(|id| id.to_string().starts_with(&prefix)).take(SEARCH_HITS_MAX));
        }
        found.sort();
        found.dedup();
        hits.extend(found.into_iter().take(SEARCH_HITS_MAX).map(|id| account_hit(state, id)));
    }
    let Some(from) = lowest::<32>(digits) else { return };
    let transactions = state.blocks.transactions.range(Hash(from)..);
    let matching = transactions.take_while(|(hash, _)| hash.to_string().starts_with(&prefix));
    hits.extend(
        matching.take(SEARCH_HITS_MAX).map(|(hash, transaction)| {
            hit(SearchKind::Transaction, hash.to_string(), transaction.name.clone())
        }),
    );
    let contributions = state.datanets.homes.range(openledger_types::ContributionId(from)..);
    let matching = contributions.take_while(|(id, _)| id.to_string().starts_with(&prefix));
    for (id, _) in matching.take(SEARCH_HITS_MAX) {
        if let Some((datanet, contribution)) = state.datanets.find(id) {
            hits.push(SearchHit {
                parent: Some(datanet.to_string()),
                ..hit(SearchKind::Contribution, id.to_string(), contribution.label.clone())
            });
        }
    }
    let newest = state.blocks.kept.iter().rev().take(SEARCH_SCAN_MAX);
    if let Some(block) = newest.into_iter().find(|block| {
        block.digest.0.starts_with(&from[..digits.len() / 2]) && block.digest.to_string().starts_with(&prefix)
    }) {
        hits.push(hit(SearchKind::Block, block.height.to_string(), format!("Block {}", block.height)));
    }
}

fn account_hit(state: &State, id: AccountId) -> SearchHit {
    let name = state.account_ref(id).name;
    hit(SearchKind::Account, id.to_string(), name.unwrap_or_else(|| id.to_string()))
}

fn words(state: &State, text: &str, hits: &mut Vec<SearchHit>) {
    let datanets = state.datanets.by_name.iter().take(SEARCH_SCAN_MAX);
    let matching = datanets
        .filter(|(name, datanet)| name.as_str().contains(text) || datanet.title.to_lowercase().contains(text))
        .take(SEARCH_HITS_MAX);
    hits.extend(
        matching.map(|(name, datanet)| hit(SearchKind::Datanet, name.to_string(), datanet.title.clone())),
    );
    let models = state.market.models.keys().take(SEARCH_SCAN_MAX).filter(|name| name.as_str().contains(text));
    hits.extend(
        models.take(SEARCH_HITS_MAX).map(|name| hit(SearchKind::Model, name.to_string(), name.to_string())),
    );
    let labels = state.accounts.labels.iter().take(SEARCH_SCAN_MAX);
    let matching = labels.filter(|(_, label)| label.name.to_lowercase().contains(text));
    hits.extend(matching.take(SEARCH_HITS_MAX).map(|(id, _)| account_hit(state, *id)));
    let mut scanned = 0;
    for (name, datanet) in &state.datanets.by_name {
        for (id, contribution) in &datanet.by_id {
            scanned += 1;
            if scanned > SEARCH_SCAN_MAX || hits.len() >= SEARCH_HITS_MAX {
                return;
            }
            if contribution.label.to_lowercase().contains(text) {
                hits.push(SearchHit {
                    parent: Some(name.to_string()),
                    ..hit(SearchKind::Contribution, id.to_string(), contribution.label.clone())
                });
            }
        }
    }
}
