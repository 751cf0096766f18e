//! Sealing: an answer that ended becomes a receipt. Under one short lock it gets its number, the model's rounding carry and
//! the channel's new cumulative voucher; gateway and provider sign it; it is on disk before the client sees the end.
//!
//! Absent: settlement, which follows off the hot path.

use std::sync::Arc;

use openledger_ledger::{CompletionLines, CompletionTerms, DataShare, DataTerms, StateKey, split_completion};
use openledger_receipt::{
    AttributionFacts, Envelope, EvidenceFacts, FILE_BYTES_MAX, NetworkRef, Opening, PaymentFacts, Predicate,
    PriceFacts, ReceiptFile, ResponseFacts, ServedFacts, ShareFacts, Statement, TimingFacts, UsageFacts,
    salted_response,
};
use openledger_store::{NewReceipt, ReceiptStore, StoredReceipt};
use openledger_types::record::{ChannelRecord, ClusterRecord, ContributionRecord, ModelRecord};
use openledger_types::{Amount, ContributionId, Hash, Name, Parameters, Voucher, sha256};
use serde_json::{Value, json};

use crate::admit::reference_price;
use crate::certify::{self, Uncertified};
use crate::complete::{Context, Outcome, now_ms};
use crate::context;
use crate::error::ApiError;
use crate::evidence;
use crate::facts::FactError;
use crate::gateway::Gateway;
use crate::metrics::Metrics;

/// A sealed answer, as the client is told of it.
pub(crate) struct Sealed {
    pub(crate) finish_reason: String,
    pub(crate) receipt: Value,
    pub(crate) usage: Value,
}

/// Makes, signs and stores the receipt of an answer; its certificate is to come.
pub(crate) async fn seal(
    gateway: &Arc<Gateway>,
    context: Context,
    outcome: Outcome,
) -> Result<(Sealed, Option<Uncertified>), ApiError> {
    let (served, response) = (served_facts(&context, &outcome), response_facts(&context, &outcome));
    let attribution = context::attribution(gateway, &context, &outcome, &served, &response).await?;
    let material = evidence::kept(gateway, outcome.material.as_ref(), &context.retrieval).await;
    let sealing = gateway.sealing.lock().await;
    let draft = draft(gateway, &context, &outcome, attribution).await?;
    let payload = Statement::new(draft.predicate.clone()).to_payload();
    let mut envelope = Envelope::sign(payload, &gateway.service);
    let (key, signature) =
        context.worker.countersign(&envelope.payload, &outcome.served).map_err(ApiError::unavailable)?;
    envelope.countersign(key, signature);
    let opening = Opening {
        salt: draft.salt,
        request: String::from_utf8_lossy(&context.body).into_owned(),
        answer: outcome.answer.clone(),
    };
    let receipt = NewReceipt {
        sequence: draft.predicate.sequence,
        id: context.id.clone(),
        payload_hash: sha256(&envelope.payload),
        envelope: bare(envelope).to_bytes(),
        opening: serde_json::to_vec(&opening).map_err(ApiError::unavailable)?,
        lines: serde_json::to_vec(&draft.predicate.settlement).map_err(ApiError::unavailable)?,
        channel: context.payer.channel,
        cumulative: draft.predicate.payment.cumulative,
        voucher: draft.predicate.payment.voucher,
        model: draft.predicate.served.model.clone(),
        carry_after: draft.predicate.settlement.carry_out,
        key_hash: context.payer.key.hash(),
    };
    let store = gateway.store.clone();
    tokio::task::spawn_blocking(move || store.append(&receipt, material.as_deref()))
        .await
        .map_err(ApiError::unavailable)?
        .map_err(ApiError::unavailable)?;
    drop(sealing);
    let (sequence, index) = (draft.predicate.sequence, &context.library.index);
    let uncertified = certify::prepare(gateway, sequence, &outcome.answer, &outcome.attribution, index);
    context.payer.reservation.settle(draft.predicate.payment.cumulative);
    count(gateway, &outcome, draft.charged);
    (gateway.sink)(&draft.predicate);
    gateway.stored.notify_one();
    Ok((told(&draft, outcome), uncertified))
}

/// A receipt alone.
fn bare(envelope: Envelope) -> ReceiptFile {
    ReceiptFile { envelope, opening: None, certificate: None, material: None, inclusion: None }
}

struct Draft {
    predicate: Predicate,
    salt: [u8; 32],
    charged: Amount,
}

async fn draft(
    gateway: &Gateway,
    context: &Context,
    outcome: &Outcome,
    attribution: AttributionFacts,
) -> Result<Draft, ApiError> {
    let store = &gateway.store;
    let sequence = store.last_sequence().map_err(ApiError::unavailable)? + 1;
    let previous = store.previous_hash().map_err(ApiError::unavailable)?;
    let model = context.worker.offer().model.clone();
    let carry_in = store.carry(&model).map_err(ApiError::unavailable)?;
    let shares = payable(gateway, &attribution).await.map_err(ApiError::unavailable)?;
    let facts = paid(attribution, &shares);
    let lines = split(gateway, context, outcome, &shares, facts.unpaid(), carry_in).await?;
    let charged = lines.charged().ok_or_else(|| ApiError::unavailable("the price overflows"))?;
    let (cumulative, voucher) = voucher(gateway, context, charged).await?;
    let salt = context.salt;
    let payment = PaymentFacts {
        consumer: context.payer.consumer,
        channel: context.payer.channel,
        cumulative,
        voucher,
    };
    let predicate = Predicate {
        id: context.id.clone(),
        network: NetworkRef { chain_id: gateway.config.chain_id, genesis: gateway.config.genesis },
        gateway: gateway.account(),
        sequence,
        previous,
        issued_at_ms: now_ms(),
        request: context.stated.clone(),
        response: response_facts(context, outcome),
        served: served_facts(context, outcome),
        routing: context.routing.clone(),
        usage: UsageFacts {
            prompt_tokens: outcome.served.prompt_tokens(),
            completion_tokens: outcome.served.completion_tokens(),
        },
        price: PriceFacts {
            prompt_price: context.worker.offer().prompt_price,
            completion_price: context.worker.offer().completion_price,
            router_fee: context.router_fee,
        },
        payment,
        attribution: facts,
        settlement: lines,
        evidence: EvidenceFacts {
            commitment: outcome.served.commitment().to_owned(),
            windows: outcome.served.windows(),
        },
        timing: TimingFacts {
            queue_ms: 0,
            first_token_ms: outcome.first_token_ms,
            total_ms: outcome.total_ms,
        },
    };
    Ok(Draft { predicate, salt, charged })
}

/// The salt of a request: only this gateway can compute it; the caller and the provider are told. It hides request and answer in the
/// receipt, and the texts behind the provider's evidence.
pub(crate) fn salt(gateway: &Gateway, id: &str) -> [u8; 32] {
    let mut bytes = b"openledger/receipt-salt/v2\0".to_vec();
    bytes.extend_from_slice(&gateway.config.salt_secret);
    bytes.extend_from_slice(id.as_bytes());
    sha256(&bytes).0
}

/// Shares that can be paid, with the owners; those of revoked, unknown and repeated contributions are left out.
async fn payable(gateway: &Gateway, attribution: &AttributionFacts) -> Result<Vec<DataShare>, FactError> {
    let mut shares = Vec::new();
    for ShareFacts { datanet, contribution, weight } in &attribution.shares {
        let terms = data_terms(gateway, datanet, *contribution).await?;
        if let Some(DataTerms { owners, factor }) = terms.filter(|_| *weight > 0) {
            let (datanet, contribution, weight) = (datanet.clone(), *contribution, *weight);
            shares.push(DataShare { datanet, contribution, weight, factor, owners });
        }
    }
    Ok(shares)
}

async fn data_terms(
    gateway: &Gateway,
    datanet: &Name,
    contribution: ContributionId,
) -> Result<Option<DataTerms>, FactError> {
    let key = StateKey::Contribution(datanet.clone(), contribution);
    let Some(record) = gateway.facts.get::<ContributionRecord>(&key).await? else { return Ok(None) };
    if record.revoked_at.is_some() {
        return Ok(None);
    }
    let cluster: Option<ClusterRecord> =
        gateway.facts.get(&StateKey::Cluster(datanet.clone(), record.cluster)).await?;
    Ok(cluster.filter(|cluster| cluster.owner == contribution).map(|_| record.into()))
}

/// What the answer pays. Common and unattributed weight are one to the ledger: both pay the model's uplift pool.
async fn split(
    gateway: &Gateway,
    context: &Context,
    outcome: &Outcome,
    shares: &[DataShare],
    unpaid: u64,
    carry_in: Amount,
) -> Result<CompletionLines, ApiError> {
    let offer = context.worker.offer();
    let parameters: Parameters =
        gateway.facts.must(&StateKey::Parameters, "parameters").await.map_err(ApiError::unavailable)?;
    let model: ModelRecord = gateway
        .facts
        .must(&StateKey::Model(offer.model.clone()), "record of the model")
        .await
        .map_err(ApiError::unavailable)?;
    let overflow = || ApiError::unavailable("the price overflows");
    let reference =
        reference_price(&context.worker, outcome.served.prompt_tokens(), outcome.served.completion_tokens())
            .ok_or_else(overflow)?;
    let terms = CompletionTerms {
        reference,
        quote: None,
        router_fee: context.router_fee,
        provider: offer.provider,
        model: offer.model.clone(),
        lineage: model.lineage,
        shares: shares.to_vec(),
        unattributed: unpaid,
        carry_in,
    };
    split_completion(&terms, &parameters).ok_or_else(overflow)
}

/// The channel's next cumulative amount and the voucher over it, signed by the key that asked.
async fn voucher(
    gateway: &Gateway,
    context: &Context,
    charged: Amount,
) -> Result<(Amount, [u8; 65]), ApiError> {
    let channel = context.payer.channel;
    let record: ChannelRecord = gateway
        .facts
        .must(&StateKey::Channel(channel), "channel of this key")
        .await
        .map_err(ApiError::unavailable)?;
    let acknowledged = gateway.store.channel(&channel).map_err(ApiError::unavailable)?;
    let spent = acknowledged.map_or(record.spent, |state| state.cumulative.max(record.spent));
    let cumulative =
        spent.plus(charged).filter(|cumulative| *cumulative <= record.deposit).ok_or_else(|| {
            ApiError::budget("the key's channel cannot pay for this answer; open a key with a larger deposit")
        })?;
    let voucher = Voucher { chain_id: gateway.config.chain_id, channel, cumulative };
    Ok((cumulative, voucher.sign(&context.payer.key.authorizer())))
}

fn served_facts(context: &Context, outcome: &Outcome) -> ServedFacts {
    let (offer, info) = (context.worker.offer(), context.worker.model_info());
    ServedFacts {
        provider: offer.provider,
        model: offer.model.clone(),
        weights: offer.weights,
        engine: info.engine,
        numeric_specification: info.numeric_specification.unwrap_or(0),
        index_root: Hash(outcome.attribution.index_root),
        snapshots: context.library.snapshots.clone(),
        retrieval: context.retrieval.clone(),
    }
}

fn response_facts(context: &Context, outcome: &Outcome) -> ResponseFacts {
    ResponseFacts {
        salted_sha256: salted_response(&context.salt, &outcome.answer),
        finish_reason: outcome.finish_reason.clone(),
    }
}

/// The attribution with the shares that can be paid; what the others weigh is unattributed.
fn paid(attribution: AttributionFacts, paid: &[DataShare]) -> AttributionFacts {
    let shares: Vec<ShareFacts> = paid
        .iter()
        .map(|share| ShareFacts {
            datanet: share.datanet.clone(),
            contribution: share.contribution,
            weight: share.weight,
        })
        .collect();
    let attributed = shares.iter().fold(attribution.common, |sum, share| sum.saturating_add(share.weight));
    let unattributed = attribution.total.saturating_sub(attributed);
    AttributionFacts { unattributed, shares, ..attribution }
}

fn count(gateway: &Gateway, outcome: &Outcome, charged: Amount) {
    let metrics = &gateway.metrics;
    Metrics::add(&metrics.receipts, 1);
    Metrics::add(&metrics.charged, charged.0);
    Metrics::add(&metrics.prompt_tokens, u64::from(outcome.served.prompt_tokens()));
    Metrics::add(&metrics.completion_tokens, u64::from(outcome.served.completion_tokens()));
    Metrics::add(&metrics.first_token_ms, outcome.first_token_ms);
}

/// The receipt's summary and the usage, as they stand in the answer.
fn told(draft: &Draft, outcome: Outcome) -> Sealed {
    let predicate = &draft.predicate;
    let total = predicate.attribution.total.max(1);
    let part = |mass: u64| u64::try_from(u128::from(mass) * 10_000 / u128::from(total)).unwrap_or(0);
    let shares: Vec<Value> = predicate
        .attribution
        .shares
        .iter()
        .map(|share| json!({ "datanet": share.datanet, "contribution": share.contribution, "basis_points": part(share.weight) }))
        .collect();
    let cost = draft.charged.to_string();
    let receipt = json!({
        "id": predicate.id,
        "url": format!("/v1/receipts/{}", predicate.id),
        "page": format!("/answers/{}?salt={}", predicate.id, hex::encode(draft.salt)),
        "salt": hex::encode(draft.salt),
        "sequence": predicate.sequence,
        "cost": cost,
        "shares": shares,
        "common_basis_points": part(predicate.attribution.common),
        "unattributed_basis_points": part(predicate.attribution.unattributed),
    });
    let usage = json!({
        "prompt_tokens": outcome.served.prompt_tokens(),
        "completion_tokens": outcome.served.completion_tokens(),
        "total_tokens": outcome.served.prompt_tokens().saturating_add(outcome.served.completion_tokens()),
        "cost": cost,
        "cost_details": {
            "currency": "credits",
            "reference_uc": predicate.settlement.reference,
            "premium_uc": predicate.settlement.premium,
            "router_fee_uc": predicate.settlement.router_fee,
            "total_uc": draft.charged,
        },
    });
    Sealed { finish_reason: outcome.finish_reason, receipt, usage }
}

/// The statement of a stored receipt; `None` if the stored bytes are no receipt, which is a broken disk.
pub(crate) fn statement_of(stored: &StoredReceipt) -> Option<Statement> {
    ReceiptFile::from_bytes(&stored.envelope).ok()?.statement().ok()
}

/// The signed bytes of a stored receipt.
pub(crate) fn payload_of(stored: &StoredReceipt) -> Option<Vec<u8>> {
    Some(ReceiptFile::from_bytes(&stored.envelope).ok()?.envelope.payload)
}

/// What the batch of a receipt is made from.
pub(crate) fn lines_of(stored: &StoredReceipt) -> Option<CompletionLines> {
    serde_json::from_slice(&stored.lines).ok()
}

/// The receipt file as users hold it; with the texts, the certificate of their spans and what they are replayed from only for the
/// caller. `None` when what is stored cannot be read. Beside texts that leave no room for them in a file, these are left out; and
/// the texts themselves where they leave no room for the rest, whose caller has sent them.
pub fn receipt_file(store: &ReceiptStore, stored: &StoredReceipt, with_opening: bool) -> Option<Vec<u8>> {
    let mut file = ReceiptFile::from_bytes(&stored.envelope).ok()?;
    file.inclusion = stored.inclusion.as_ref().and_then(|bytes| serde_json::from_slice(bytes).ok());
    if !with_opening {
        return Some(file.to_bytes());
    }
    file.opening = serde_json::from_slice(&stored.opening).ok();
    if file.opening.is_some() {
        file.certificate = store.certificate(stored.sequence).ok()?;
        file.material = store.material(stored.sequence).ok()?;
    }
    // What can be fetched by itself is left out first.
    if file.to_bytes().len() > FILE_BYTES_MAX {
        file.material = None;
    }
    if file.to_bytes().len() > FILE_BYTES_MAX {
        file.certificate = None;
    }
    if file.to_bytes().len() > FILE_BYTES_MAX {
        file.opening = None;
    }
    Some(file.to_bytes())
}
