//! Settlement: receipts that are on disk become netted batches on the ledger, in order, each receipt once. The batch is
//! stored before it is submitted; after a crash the ledger's own record says where to go on.
//!
//! Absent: the hot path; nothing here delays an answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use openledger_chain::ProveAt;
use openledger_ledger::{Netting, StateKey, escrow};
use openledger_receipt::{Inclusion, batch_path, batch_root, required_keys};
use openledger_store::{StoredBatch, StoredReceipt};
use openledger_types::record::{AccountRecord, BatchRecord, ContributionRecord, GatewayRecord};
use openledger_types::{
    Action, Amount, Batch, ChannelId, Debit, Hash, Parameters, Rejection, Transaction, limits,
};

use crate::gateway::Gateway;
use crate::metrics::Metrics;
use crate::seal::{batch_bytes, lines_of, payload_of, statement_of};

/// The longest wait after trouble.
const BACK_OFF_MAX: Duration = Duration::from_secs(30);

/// Why settlement does not go on.
type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// Settles until the gateway stops, and once more then.
pub(crate) async fn run(gateway: &Arc<Gateway>) {
    let mut stopping = gateway.stopping();
    let mut wait = gateway.config.settle_interval;
    loop {
        if !*stopping.borrow() {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = gateway.stored.notified() => {}
                _ = stopping.changed() => {}
            }
        }
        let outcome = pass(gateway).await;
        let trouble = outcome.err().map(|error| format!("settlement does not go on: {error}"));
        wait = match &trouble {
            None => gateway.config.settle_interval,
            Some(message) => {
                tracing::error!("{message}");
                (wait * 2).min(BACK_OFF_MAX)
            }
        };
        let failed = trouble.is_some();
        *gateway.trouble.write().expect("no holder of the lock panics") = trouble;
        if *stopping.borrow() {
            return;
        }
        if failed {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = stopping.changed() => {}
            }
        }
    }
}

/// Settles everything that is stored, batch after batch, and completes the receipts of settled batches.
async fn pass(gateway: &Gateway) -> Result<(), Trouble> {
    while settle_next(gateway).await? {}
    for batch in gateway.store.without_inclusion()? {
        include(gateway, &batch).await?;
    }
    Ok(())
}

/// Settles the next batch; false when there is nothing to settle.
async fn settle_next(gateway: &Gateway) -> Result<bool, Trouble> {
    let key = StateKey::Gateway(gateway.account());
    let Some(record) = gateway.facts.now::<GatewayRecord>(&key).await? else { return Ok(false) };
    acknowledge(gateway, &record).await?;
    let last = gateway.store.last_sequence()?;
    if record.receipts >= last {
        return Ok(false);
    }
    let parameters: Parameters = gateway.facts.must(&StateKey::Parameters, "parameters").await?;
    let room = escrow::collateral(record.bond, parameters.collateral_per_open);
    let waiting = u32::try_from(last - record.receipts).unwrap_or(u32::MAX).min(limits::BATCH_RECEIPTS_MAX);
    let receipts = gateway.store.range(record.receipts + 1, waiting)?;
    let (batch, taken) = build(gateway, &record, &receipts, room).await?;
    gateway.store.put_batch(batch.number, batch.first_receipt, batch.receipts, &batch_bytes(&batch))?;
    let number = batch.number;
    let height = submit(gateway, batch).await?;
    gateway.store.mark_settled(number, height)?;
    Metrics::add(&gateway.metrics.settled, u64::from(taken));
    Ok(true)
}

/// A batch that was submitted before a crash may be final already; the ledger's record says so.
async fn acknowledge(gateway: &Gateway, record: &GatewayRecord) -> Result<(), Trouble> {
    let Some(stored) = gateway.store.batch(record.batches)? else { return Ok(()) };
    if stored.settled_at.is_none() {
        let key = StateKey::Batch(gateway.account(), record.batches);
        let settled: Option<BatchRecord> = gateway.facts.now(&key).await?;
        let settled = settled.ok_or("the ledger does not hold the batch that it counts")?;
        gateway.store.mark_settled(record.batches, settled.height)?;
    }
    Ok(())
}

/// Nets as many receipts as fit into one batch and under the gateway's bond.
async fn build(
    gateway: &Gateway,
    record: &GatewayRecord,
    receipts: &[StoredReceipt],
    room: Amount,
) -> Result<(Batch, u32), Trouble> {
    let mut netting = Netting::new();
    let mut leaves: Vec<Hash> = Vec::new();
    let mut vouchers: BTreeMap<ChannelId, Debit> = BTreeMap::new();
    let mut charged = Amount::ZERO;
    for receipt in receipts {
        let lines =
            lines_of(receipt).ok_or_else(|| format!("receipt {} on disk is damaged", receipt.sequence))?;
        let cost = lines.charged().ok_or("a price overflows")?;
        let with = charged.plus(cost).ok_or("a price overflows")?;
        if !netting.fits(&lines) || with > room {
            break;
        }
        charged = with;
        netting.add(&lines)?;
        leaves.push(leaf_of(receipt)?);
        let debit =
            Debit { channel: receipt.channel, cumulative: receipt.cumulative, voucher: receipt.voucher };
        vouchers.insert(receipt.channel, debit);
        drop_revoked(gateway, &mut netting, &lines).await?;
    }
    if leaves.is_empty() {
        return Err(format!(
            "receipt {} alone charges more than the gateway's bond covers; bond more OPEN",
            record.receipts + 1
        )
        .into());
    }
    let taken = netting.receipts();
    let root = batch_root(&leaves);
    let debits = vouchers.into_values().collect();
    Ok((netting.finish(record.batches + 1, record.receipts + 1, root, debits), taken))
}

/// What was revoked since the receipt was signed cannot be paid; its money goes to the uplift pool.
async fn drop_revoked(
    gateway: &Gateway,
    netting: &mut Netting,
    lines: &openledger_ledger::CompletionLines,
) -> Result<(), Trouble> {
    for line in &lines.data {
        let key = StateKey::Contribution(line.datanet.clone(), line.contribution);
        let record: Option<ContributionRecord> = gateway.facts.now(&key).await?;
        if record.is_none_or(|record| record.revoked_at.is_some()) {
            netting.revoke(&line.datanet, line.contribution);
        }
    }
    Ok(())
}

/// Submits a batch and waits for finality; returns its height.
async fn submit(gateway: &Gateway, batch: Batch) -> Result<u64, Trouble> {
    let number = batch.number;
    let account: Option<AccountRecord> = gateway.facts.now(&StateKey::Account(gateway.account())).await?;
    let nonce = account.map_or(0, |account| account.nonce);
    let action = Action::SettleBatch(Box::new(batch));
    let signed = Transaction { chain_id: gateway.config.chain_id, nonce, action }.sign(&gateway.account);
    let done = gateway.chain.submit_and_wait(signed.encode()).await?;
    match done.result {
        Ok(()) => Ok(done.height),
        Err(code) => {
            Metrics::add(&gateway.metrics.batches_refused, 1);
            let reason = Rejection::from_number(code).map_or("a limit of the chain", Rejection::text);
            Err(format!("the ledger refused batch {number}: {reason} (rejection {code})").into())
        }
    }
}

/// The receipt's leaf in its batch's tree.
fn leaf_of(receipt: &StoredReceipt) -> Result<Hash, Trouble> {
    let payload =
        payload_of(receipt).ok_or_else(|| format!("receipt {} on disk is damaged", receipt.sequence))?;
    Ok(openledger_receipt::leaf(&payload))
}

/// Gives every receipt of a settled batch its path and the proofs that an offline verifier needs.
async fn include(gateway: &Gateway, batch: &StoredBatch) -> Result<(), Trouble> {
    let height = batch.settled_at.ok_or("the batch is not settled")?;
    let receipts = gateway.store.range(batch.first_receipt, batch.receipts)?;
    let leaves: Vec<Hash> = receipts.iter().map(leaf_of).collect::<Result<_, _>>()?;
    let mut proofs: BTreeMap<Vec<u8>, String> = BTreeMap::new();
    let mut entries = Vec::with_capacity(receipts.len());
    for (index, receipt) in receipts.iter().enumerate() {
        let statement = statement_of(receipt)
            .ok_or_else(|| format!("receipt {} on disk is damaged", receipt.sequence))?;
        let mut shown = Vec::new();
        for key in required_keys(statement.predicate(), batch.number) {
            let key = key.encode();
            if !proofs.contains_key(&key) {
                let proof = gateway.chain.prove(&key, ProveAt::AtLeast(height)).await?;
                proofs.insert(key.clone(), proof.to_hex());
            }
            shown.extend(proofs.get(&key).cloned());
        }
        let path = batch_path(&leaves, index).ok_or("a receipt is outside its batch")?;
        let inclusion = Inclusion {
            batch: batch.number,
            index: u32::try_from(index)?,
            leaves: batch.receipts,
            path,
            proofs: shown,
        };
        entries.push((receipt.sequence, serde_json::to_vec(&inclusion)?));
    }
    gateway.store.set_inclusion(batch.number, &entries)?;
    Ok(())
}
