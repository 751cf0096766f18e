//! Settlement: receipts that are on disk become netted batches on the ledger, in order, each receipt once. The batch is
//! stored before it is submitted, and the stored one is submitted again until the ledger has it or refuses it, so that what
//! is on the ledger is always what is in the store. After a crash the ledger's own record says where to go on.
//!
//! Absent: the hot path; nothing here delays an answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use openledger_chain::{Finalized, ProveAt, SubmitError};
use openledger_ledger::{Netting, StateKey, escrow};
use openledger_receipt::{Inclusion, batch_path, batch_root, required_keys};
use openledger_store::{StoredBatch, StoredReceipt};
use openledger_types::codec::{decode, encode};
use openledger_types::record::{
    AccountRecord, BatchRecord, ClusterRecord, ContributionRecord, GatewayRecord,
};
use openledger_types::{Action, Amount, Batch, Hash, Parameters, Rejection, Transaction, limits};

use crate::cover::{self, Claim};
use crate::facts::FactError;
use crate::gateway::Gateway;
use crate::metrics::Metrics;
use crate::seal::{lines_of, payload_of, statement_of};

/// The longest wait after trouble.
const BACK_OFF_MAX: Duration = Duration::from_secs(30);

/// Why settlement does not go on.
pub(crate) type Trouble = Box<dyn std::error::Error + Send + Sync>;

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
    let Some(record) = ledger_record(gateway).await? else { return Ok(false) };
    acknowledge(gateway, &record).await?;
    let batch = match gateway.store.batch(record.batches + 1)? {
        // It may be on its way since before a crash or an outage: the very same one goes again, never another one under
        // its number.
        Some(stored) => decode("batch", &stored.bytes, limits::TRANSACTION_BYTES_MAX)?,
        None => match build_next(gateway, &record).await? {
            Some(batch) => batch,
            None => return Ok(false),
        },
    };
    let (number, receipts) = (batch.number, batch.receipts);
    match submit(gateway, Action::SettleBatch(Box::new(batch))).await {
        Ok(height) => gateway.store.mark_settled(number, height)?,
        Err(Submission::Refused(refused)) => {
            if ledger_record(gateway).await?.is_some_and(|record| record.batches >= number) {
                // It was final before this submission; the next round acknowledges it.
                return Ok(true);
            }
            // The ledger has not taken it and will not: the next round builds it anew from the ledger as it is now.
            gateway.store.drop_batch(number)?;
            Metrics::add(&gateway.metrics.batches_refused, 1);
            return Err(format!("the ledger refused batch {number}: {refused}").into());
        }
        Err(unknown) => return Err(unknown.into()),
    }
    Metrics::add(&gateway.metrics.settled, u64::from(receipts));
    Ok(true)
}

async fn ledger_record(gateway: &Gateway) -> Result<Option<GatewayRecord>, Trouble> {
    Ok(gateway.facts.now(&StateKey::Gateway(gateway.account())).await?)
}

/// A batch that was submitted before a crash may be final already; the ledger's record says so.
async fn acknowledge(gateway: &Gateway, record: &GatewayRecord) -> Result<(), Trouble> {
    let Some(stored) = gateway.store.batch(record.batches)? else { return Ok(()) };
    if stored.settled_at.is_none() {
        let key = StateKey::Batch(gateway.account(), record.batches);
        let settled: Option<BatchRecord> = gateway.facts.now(&key).await?;
        let settled = settled.ok_or("the ledger does not hold the batch that it counts")?;
        let batch: Batch = decode("batch", &stored.bytes, limits::TRANSACTION_BYTES_MAX)?;
        if settled.receipts_root != batch.receipts_root {
            return Err(format!(
                "batch {} on the ledger is not the one in the store; was this key used by another gateway?",
                record.batches
            )
            .into());
        }
        gateway.store.mark_settled(record.batches, settled.height)?;
    }
    Ok(())
}

/// Builds and stores the batch that follows the ledger's; `None` when there is nothing to settle.
async fn build_next(gateway: &Gateway, record: &GatewayRecord) -> Result<Option<Batch>, Trouble> {
    let last = gateway.store.last_sequence()?;
    if record.receipts >= last {
        return Ok(None);
    }
    let parameters: Parameters = gateway.facts.must(&StateKey::Parameters, "parameters").await?;
    let room = escrow::collateral(record.bond, parameters.collateral_per_open);
    let waiting = u32::try_from(last - record.receipts).unwrap_or(u32::MAX).min(limits::BATCH_RECEIPTS_MAX);
    let receipts = gateway.store.range(record.receipts + 1, waiting)?;
    let batch = build(gateway, record, &receipts, room).await?;
    gateway.store.put_batch(batch.number, batch.first_receipt, batch.receipts, &encode(&batch))?;
    Ok(Some(batch))
}

/// Nets as many receipts as fit into one batch and under the gateway's bond.
async fn build(
    gateway: &Gateway,
    record: &GatewayRecord,
    receipts: &[StoredReceipt],
    room: Amount,
) -> Result<Batch, Trouble> {
    let mut netting = Netting::new();
    let mut leaves: Vec<Hash> = Vec::new();
    let mut claims: Vec<Claim> = Vec::new();
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
        let (channel, cumulative, voucher) = (receipt.channel, receipt.cumulative, receipt.voucher);
        claims.push(Claim { channel, charged: cost, cumulative, voucher });
        drop_unpayable(gateway, &mut netting, &lines).await?;
    }
    if leaves.is_empty() {
        return Err(format!(
            "receipt {} alone charges more than the gateway's bond covers; bond more OPEN",
            record.receipts + 1
        )
        .into());
    }
    let debits = cover::debits(gateway, &claims).await?;
    Ok(netting.finish(record.batches + 1, record.receipts + 1, batch_root(&leaves), debits))
}

/// What was revoked since the receipt was signed, or whose cluster has another owner now, cannot be paid; its money goes to
/// the uplift pool.
async fn drop_unpayable(
    gateway: &Gateway,
    netting: &mut Netting,
    lines: &openledger_ledger::CompletionLines,
) -> Result<(), Trouble> {
    for line in &lines.data {
        let key = StateKey::Contribution(line.datanet.clone(), line.contribution);
        let record: Option<ContributionRecord> = gateway.facts.now(&key).await?;
        let payable = match record.filter(|record| record.revoked_at.is_none()) {
            Some(record) => {
                let key = StateKey::Cluster(line.datanet.clone(), record.cluster);
                let cluster: Option<ClusterRecord> = gateway.facts.now(&key).await?;
                cluster.is_some_and(|cluster| cluster.owner == line.contribution)
            }
            None => false,
        };
        if !payable {
            netting.revoke(&line.datanet, line.contribution);
        }
    }
    Ok(())
}

/// Why an action of the gateway is not final.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Submission {
    /// The ledger does not take it, now or later.
    #[error("{0}")]
    Refused(String),
    /// Nobody knows yet: it may still become final.
    #[error("the ledger cannot be reached: {0}")]
    Unknown(#[from] SubmitError),
    /// The nonce cannot be read.
    #[error(transparent)]
    Unread(#[from] FactError),
}

/// Signs and submits an action of the gateway and waits for finality; returns its height.
pub(crate) async fn submit(gateway: &Gateway, action: Action) -> Result<u64, Submission> {
    let account: Option<AccountRecord> = gateway.facts.now(&StateKey::Account(gateway.account())).await?;
    let nonce = account.map_or(0, |account| account.nonce);
    let signed = Transaction { chain_id: gateway.config.chain_id, nonce, action }.sign(&gateway.account);
    let code = match gateway.chain.submit_and_wait(signed.encode()).await {
        Ok(Finalized { result: Ok(()), height, .. }) => return Ok(height),
        Ok(Finalized { result: Err(code), .. }) | Err(SubmitError::Rejected { number: code, .. }) => code,
        Err(error) => return Err(error.into()),
    };
    let reason = Rejection::from_number(code).map_or("a limit of the chain", Rejection::text);
    Err(Submission::Refused(format!("{reason} (rejection {code})")))
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
