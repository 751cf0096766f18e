//! Questions about the network as a whole.

use openledger_types::record::Role;

use super::ReadModels;
use crate::accounts::{Earnings, amount};
use crate::search::search;
use crate::settings::PAGE_ENTRIES_MAX;
use crate::state::State;
use crate::views::{Counts, EarningsView, Overview, PoolView, SearchHit, SupplyView};

impl ReadModels {
    /// The network at its latest height.
    pub fn overview(&self) -> Overview {
        let state = self.read();
        let tip = state.blocks.kept.back();
        let timestamp_ms = tip.map_or(0, |tip| tip.timestamp_ms);
        let parameters = &state.settings.parameters;
        Overview {
            network: state.settings.network.clone(),
            chain_id: parameters.chain_id,
            local: parameters.local,
            height: tip.map_or(0, |tip| tip.height),
            digest: tip.map(|tip| tip.digest),
            state_root: tip.map(|tip| tip.state_root),
            timestamp_ms,
            epoch: timestamp_ms.checked_div(parameters.epoch_ms).unwrap_or(0),
            charged: amount(state.accounts.totals.charged),
            paid: state.accounts.totals.paid.iter().map(|(role, paid)| earnings_view(*role, paid)).collect(),
            supply: state.supply(),
            counts: state.counts(),
        }
    }

    /// Where all money is.
    pub fn supply(&self) -> SupplyView {
        self.read().supply()
    }

    /// What an id, the beginning of one, a height or a word names. At most
    /// [`crate::settings::SEARCH_HITS_MAX`] hits.
    pub fn search(&self, text: &str) -> Vec<SearchHit> {
        search(&self.read(), text)
    }
}

pub(crate) fn earnings_view(role: Role, earnings: &Earnings) -> EarningsView {
    EarningsView {
        role,
        liquid: amount(earnings.liquid),
        escrowed: amount(earnings.escrowed),
        claimed: amount(earnings.claimed),
    }
}

impl State {
    fn supply(&self) -> SupplyView {
        let (held, totals) = (&self.accounts.held, &self.accounts.totals);
        let credits_held =
            held.liquid + held.in_channels + held.escrowed + totals.in_pools + totals.in_custody;
        let open_held = held.open + held.open_bonded + totals.open_in_pools + totals.open_in_custody;
        let parts = [
            held.liquid,
            held.in_channels,
            held.escrowed,
            totals.in_pools,
            totals.in_custody,
            held.open,
            held.open_bonded,
            totals.open_in_pools,
            totals.open_in_custody,
        ];
        let conserved = totals.credits_deposited - totals.credits_withdrawn - totals.credits_burned
            == credits_held
            && totals.open_issued - totals.open_burned == open_held
            && parts.iter().all(|part| *part >= 0);
        let pools = self.settlement.pools.iter().filter(|(_, held)| **held != 0).take(PAGE_ENTRIES_MAX);
        SupplyView {
            credits_deposited: amount(totals.credits_deposited),
            credits_withdrawn: amount(totals.credits_withdrawn),
            credits_burned: amount(totals.credits_burned),
            credits_in_balances: amount(held.liquid),
            credits_in_channels: amount(held.in_channels),
            credits_in_escrow: amount(held.escrowed),
            credits_in_pools: amount(totals.in_pools),
            credits_in_custody: amount(totals.in_custody),
            pools: pools.map(|(pool, held)| PoolView { pool: pool.clone(), amount: amount(*held) }).collect(),
            open_issued: amount(totals.open_issued),
            open_in_balances: amount(held.open),
            open_bonded: amount(held.open_bonded),
            open_in_pools: amount(totals.open_in_pools),
            open_in_custody: amount(totals.open_in_custody),
            open_burned: amount(totals.open_burned),
            conserved,
        }
    }

    fn counts(&self) -> Counts {
        Counts {
            accounts: self.accounts.by_id.len() as u64,
            datanets: self.datanets.by_name.len() as u64,
            contributions: self.datanets.committed,
            authors: self.datanets.authors.len() as u64,
            models: self.market.models.len() as u64,
            providers: self.market.providers.len() as u64,
            gateways: self.market.gateways.len() as u64,
            channels: self.market.channels.len() as u64,
            receipts: self.receipts.seen,
            receipts_settled: self.settlement.settled_receipts,
            batches: self.settlement.settled,
            transactions: self.blocks.transactions_seen,
            transactions_refused: self.blocks.rejected_seen,
        }
    }
}
