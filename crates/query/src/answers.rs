//! What a receipt says, joined with the names, labels and batches that explain it.
//! Absent: texts; those are with whoever asked, and with the datanets.

use std::collections::BTreeMap;

use openledger_types::record::Role;
use openledger_types::{AccountId, Amount};

use crate::accounts::{amount, signed};
use crate::datanets::parse_source;
use crate::facts::{PayoutFacts, ReceiptFacts, ShareFacts};
use crate::lines::LineKind;
use crate::settlement::Batch;
use crate::state::State;
use crate::views::{
    Paid, PayoutView, ReceiptPoolView, ReceiptSummary, ReceiptView, SettledView, ShareView, SourceView,
};

/// Owners that a list shows by name.
const TOP_CONTRIBUTORS: usize = 3;

/// A batch's payouts by whom and for what.
type NettedLines<'a> = BTreeMap<(AccountId, Role, &'a str), Paid>;

impl State {
    /// What a payment of this role was earned by.
    pub(crate) fn source_view(&self, role: Role, source: &str) -> Option<SourceView> {
        match role {
            Role::Data => {
                let (datanet, id) = parse_source(source)?;
                let found = self.datanets.find(&id);
                let label = found.map(|(_, contribution)| contribution.label.clone());
                let datanet = datanet.or_else(|| found.map(|(name, _)| name.clone()));
                Some(SourceView::Contribution { datanet, id, label })
            }
            Role::Builder => source.parse().ok().map(|name| SourceView::Model { name }),
            _ => None,
        }
    }
}

fn settled(state: &State, receipt: &ReceiptFacts) -> Option<SettledView> {
    let (batch, record) = state.settlement.of_receipt(receipt.gateway, receipt.sequence)?;
    Some(SettledView { batch, height: record.height, timestamp_ms: record.timestamp_ms })
}

fn part(mass: u64, whole: u64) -> u64 {
    let scaled = u128::from(mass) * 10_000;
    u64::try_from(scaled.checked_div(u128::from(whole)).unwrap_or(0)).unwrap_or(u64::MAX)
}

pub(crate) fn receipt_summary(state: &State, receipt: &ReceiptFacts) -> ReceiptSummary {
    let mut earned: BTreeMap<AccountId, u64> = BTreeMap::new();
    for payout in receipt.payouts.iter().filter(|payout| payout.role == Role::Data) {
        let sum = earned.entry(payout.account).or_default();
        *sum = sum.saturating_add(payout.amount.0);
    }
    let contributors = earned.len() as u64;
    let mut best: Vec<_> = earned.into_iter().collect();
    best.sort_by_key(|(account, sum)| (std::cmp::Reverse(*sum), *account));
    let mut datanets: Vec<_> = receipt.shares.iter().map(|share| share.datanet.clone()).collect();
    datanets.sort();
    datanets.dedup();
    ReceiptSummary {
        id: receipt.id.clone(),
        gateway: state.account_ref(receipt.gateway),
        sequence: receipt.sequence,
        issued_at_ms: receipt.issued_at_ms,
        model: receipt.model.clone(),
        total: receipt.total,
        attributed_basis_points: part(receipt.mass.saturating_sub(receipt.unattributed), receipt.mass),
        datanets,
        contributors,
        top_contributors: best.iter().take(TOP_CONTRIBUTORS).map(|(id, _)| state.account_ref(*id)).collect(),
        settled: settled(state, receipt),
    }
}

pub(crate) fn receipt_view(state: &State, receipt: &ReceiptFacts) -> ReceiptView {
    let batch = state.settlement.of_receipt(receipt.gateway, receipt.sequence).map(|(_, batch)| batch);
    let height = batch.map_or(u64::MAX, |batch| batch.height);
    let netted = batch.map(|batch| netted(state, batch)).unwrap_or_default();
    let mut shares: Vec<ShareView> =
        receipt.shares.iter().map(|share| share_view(state, receipt, share)).collect();
    shares.sort_by_key(|share| (std::cmp::Reverse(share.mass), share.contribution));
    let pools = receipt.pools.iter();
    ReceiptView {
        summary: receipt_summary(state, receipt),
        provider: state.account_ref(receipt.provider),
        consumer: state.account_ref(receipt.consumer),
        prompt_tokens: receipt.prompt_tokens,
        completion_tokens: receipt.completion_tokens,
        reference: receipt.reference,
        premium: receipt.premium,
        router_fee: receipt.router_fee,
        shares,
        unattributed: receipt.unattributed,
        mass: receipt.mass,
        payouts: receipt.payouts.iter().map(|payout| payout_view(state, &netted, payout, height)).collect(),
        pools: pools.map(|paid| ReceiptPoolView { pool: paid.pool.clone(), amount: paid.amount }).collect(),
        burned: receipt.burned,
        carry_change: receipt.carry_change,
        adds_up: adds_up(receipt),
        retrieved: retrieved(state, receipt),
    }
}

fn retrieved(state: &State, receipt: &ReceiptFacts) -> Vec<SourceView> {
    let view = |passage: &crate::facts::RetrievedFacts| SourceView::Contribution {
        datanet: Some(passage.datanet.clone()),
        id: passage.contribution,
        label: state.datanets.find(&passage.contribution).map(|(_, found)| found.label.clone()),
    };
    receipt.retrieved.iter().map(view).collect()
}

fn share_view(state: &State, receipt: &ReceiptFacts, share: &ShareFacts) -> ShareView {
    let found = state.datanets.by_name.get(&share.datanet).and_then(|net| net.by_id.get(&share.contribution));
    let owners = found.map(|found| found.owners.as_slice()).unwrap_or_default();
    ShareView {
        datanet: share.datanet.clone(),
        contribution: share.contribution,
        label: found.map(|found| found.label.clone()),
        owners: owners.iter().map(|owner| state.account_ref(owner.account)).collect(),
        mass: share.mass,
        basis_points: part(share.mass, receipt.mass),
    }
}

fn netted<'a>(state: &'a State, batch: &Batch) -> NettedLines<'a> {
    let lines = (batch.lines_first..batch.lines_end).filter_map(|number| state.accounts.lines.get(number));
    let earned = lines.filter(|line| line.kind == LineKind::Earned);
    let mut netted = NettedLines::new();
    for line in earned {
        let Some(role) = line.role else { continue };
        // Who owns several models of one lineage has a line for each.
        let paid = netted.entry((line.account, role, &*line.source)).or_default();
        let plus = |sum: Amount, change: i128| amount(signed(sum) + change);
        paid.liquid = plus(paid.liquid, line.changes.liquid);
        paid.escrowed = plus(paid.escrowed, line.changes.escrowed);
    }
    netted
}

/// `height` is that of the batch; later transfers of a model do not change who was paid.
fn payout_view(state: &State, netted: &NettedLines<'_>, payout: &PayoutFacts, height: u64) -> PayoutView {
    let account = state.market.payee(payout.account, height);
    let line = netted.get(&(account, payout.role, payout.source.as_str()));
    PayoutView {
        role: payout.role,
        account: state.account_ref(account),
        source: state.source_view(payout.role, &payout.source),
        amount: payout.amount,
        paid: line.map(|line| divided(payout.amount, *line)),
    }
}

/// The receipt's part of a netted line: liquid in proportion, floored, the rest in escrow.
fn divided(gross: Amount, line: Paid) -> Paid {
    let whole = u128::from(line.liquid.0) + u128::from(line.escrowed.0);
    let liquid = (u128::from(gross.0) * u128::from(line.liquid.0)).checked_div(whole).unwrap_or(0);
    let liquid = Amount(u64::try_from(liquid).unwrap_or(u64::MAX)).min(gross);
    Paid { liquid, escrowed: gross.minus(liquid).unwrap_or(Amount::ZERO) }
}

fn adds_up(receipt: &ReceiptFacts) -> bool {
    let payouts: i128 = receipt.payouts.iter().map(|payout| signed(payout.amount)).sum();
    let pools: i128 = receipt.pools.iter().map(|pool| signed(pool.amount)).sum();
    let prices = signed(receipt.reference) + signed(receipt.premium) + signed(receipt.router_fee);
    let given = payouts + pools + signed(receipt.burned) + i128::from(receipt.carry_change);
    given == signed(receipt.total) && prices == signed(receipt.total)
}
