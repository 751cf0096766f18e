//! Receipts as their gateways tell about them, by id, by gateway and number, and newest first.
//! Absent: whether a receipt is settled; that is asked of the batches when it is shown.

use std::collections::{BTreeMap, BTreeSet};

use openledger_types::AccountId;

use crate::facts::ReceiptFacts;

/// Where a receipt stands at its gateway.
pub(crate) type Place = (AccountId, u64);

/// All receipts that are kept.
#[derive(Debug, Default)]
pub(crate) struct Receipts {
    pub(crate) by_place: BTreeMap<Place, ReceiptFacts>,
    pub(crate) by_id: BTreeMap<String, Place>,
    pub(crate) by_time: BTreeSet<(u64, Place)>,
    pub(crate) seen: u64,
    forgotten: BTreeMap<AccountId, u64>,
}

/// What became of a receipt that was handed over.
pub(crate) enum Insert {
    /// It is new.
    New,
    /// It is there already, or was dropped to keep within the limits.
    Known,
    /// Its place or its id belongs to another receipt.
    Conflict,
}

impl Receipts {
    pub(crate) fn insert(&mut self, receipt: ReceiptFacts, receipts_max: usize) -> Insert {
        let place = (receipt.gateway, receipt.sequence);
        if self.forgotten.get(&receipt.gateway).is_some_and(|through| receipt.sequence <= *through) {
            return Insert::Known;
        }
        match (self.by_place.get(&place), self.by_id.get(&receipt.id)) {
            (Some(known), _) if *known == receipt => return Insert::Known,
            (None, None) => {}
            _ => return Insert::Conflict,
        }
        self.by_id.insert(receipt.id.clone(), place);
        self.by_time.insert((receipt.issued_at_ms, place));
        self.by_place.insert(place, receipt);
        self.seen += 1;
        while self.by_place.len() > receipts_max {
            self.drop_oldest();
        }
        Insert::New
    }

    fn drop_oldest(&mut self) {
        let Some((_, place)) = self.by_time.pop_first() else { return };
        if let Some(receipt) = self.by_place.remove(&place) {
            self.by_id.remove(&receipt.id);
        }
        let through = self.forgotten.entry(place.0).or_default();
        *through = (*through).max(place.1);
    }

    /// The receipt with this id.
    pub(crate) fn find(&self, id: &str) -> Option<&ReceiptFacts> {
        self.by_place.get(self.by_id.get(id)?)
    }

    /// The receipts of one gateway with numbers from `first`, `count` of them.
    pub(crate) fn run(
        &self,
        gateway: AccountId,
        first: u64,
        count: u64,
    ) -> impl Iterator<Item = &ReceiptFacts> {
        self.by_place
            .range((gateway, first)..(gateway, first.saturating_add(count)))
            .map(|(_, receipt)| receipt)
    }
}
