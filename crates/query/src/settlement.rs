//! Settled batches and pools. A batch remembers which statement lines are its payouts; pools, carries and burns that
//! belong to no account are kept with it. Absent: receipts; they are found by gateway and number.

use std::collections::{BTreeMap, VecDeque};

use openledger_types::record::Pool;
use openledger_types::{AccountId, Hash, Name};

/// A settled batch.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) height: u64,
    pub(crate) timestamp_ms: u64,
    pub(crate) receipts_root: Hash,
    pub(crate) first_receipt: u64,
    pub(crate) receipts: u32,
    pub(crate) charged: i128,
    pub(crate) lines_first: u64,
    pub(crate) lines_end: u64,
    pub(crate) debited: i128,
    pub(crate) paid: i128,
    pub(crate) pools: Vec<(Pool, i128)>,
    pub(crate) carries: Vec<(Name, i128, i128)>,
    pub(crate) burned: i128,
}

impl Batch {
    /// Everything that the batch gave: payouts, pools, changes of carries, and what was burned.
    pub(crate) fn given(&self) -> i128 {
        let pools: i128 = self.pools.iter().map(|(_, amount)| amount).sum();
        let carries: i128 = self.carries.iter().map(|(_, before, after)| after - before).sum();
        self.paid + pools + carries + self.burned
    }
}

/// All batches that are kept, and all pools.
#[derive(Debug, Default)]
pub(crate) struct Settlement {
    pub(crate) batches: BTreeMap<(AccountId, u64), Batch>,
    pub(crate) order: VecDeque<(AccountId, u64)>,
    pub(crate) by_receipt: BTreeMap<(AccountId, u64), u64>,
    pub(crate) settled: u64,
    pub(crate) settled_receipts: u64,
    pub(crate) pools: BTreeMap<Pool, i128>,
}

impl Settlement {
    pub(crate) fn begin(&mut self, gateway: AccountId, number: u64, batch: Batch, batches_max: usize) {
        self.settled += 1;
        self.settled_receipts += u64::from(batch.receipts);
        self.by_receipt.insert((gateway, batch.first_receipt), number);
        self.batches.insert((gateway, number), batch);
        self.order.push_back((gateway, number));
        while self.order.len() > batches_max {
            let Some(oldest) = self.order.pop_front() else { break };
            if let Some(batch) = self.batches.remove(&oldest) {
                self.by_receipt.remove(&(oldest.0, batch.first_receipt));
            }
        }
    }

    /// The batch that settled a receipt, if it was settled and the batch is kept.
    pub(crate) fn of_receipt(&self, gateway: AccountId, sequence: u64) -> Option<(u64, &Batch)> {
        let ((owner, first), number) = self.by_receipt.range(..=(gateway, sequence)).next_back()?;
        let batch = self.batches.get(&(*owner, *number))?;
        let settled = *owner == gateway && sequence - first < u64::from(batch.receipts);
        settled.then_some((*number, batch))
    }
}
