//! The steps that need the chain's state: which records a receipt depends on, what they say, and the batch.

use std::collections::{BTreeMap, BTreeSet};

use borsh::BorshDeserialize;
use openledger_ledger::{DataTerms, StateKey};
use openledger_types::record::{
    BatchRecord, ChannelRecord, ContributionRecord, GatewayRecord, ModelRecord, ProviderRecord,
    SnapshotRecord,
};
use openledger_types::{ContributionId, Name, Parameters, codec, limits};

use super::{ProvenRecord, Step, require};
use crate::recompute::{line_differences, rebuild_lines};
use crate::{Inclusion, MixFacts, Predicate, leaf, verify_path};

/// Said by every step that an unsettled receipt leaves open.
const NOT_SETTLED: &str = "not settled yet: the file has no inclusion in a batch";
/// Said by every step that needs proofs which do not hold.
const PROOFS_FAIL: &str = "not checked: the state proofs fail";

/// The records that a receipt depends on, in a fixed order, without repeats: the parameters, its gateway, provider, model,
/// batch and channel, the snapshots it names, and the contributions that have shares.
pub fn required_keys(predicate: &Predicate, batch: u64) -> Vec<StateKey> {
    let mut keys = vec![
        StateKey::Parameters,
        StateKey::Gateway(predicate.gateway),
        StateKey::Provider(predicate.served.provider),
        StateKey::Model(predicate.served.model.clone()),
        StateKey::Batch(predicate.gateway, batch),
        StateKey::Channel(predicate.payment.channel),
    ];
    let snapshots = predicate.served.snapshots.iter();
    keys.extend(snapshots.map(|snapshot| StateKey::Snapshot(snapshot.datanet.clone(), snapshot.version)));
    let shares = predicate.attribution.shares.iter();
    keys.extend(shares.map(|share| StateKey::Contribution(share.datanet.clone(), share.contribution)));
    let mut seen = BTreeSet::new();
    keys.retain(|key| seen.insert(key.clone()));
    keys
}

/// What the file proves about the chain's state.
pub(super) enum Evidence {
    /// It says nothing about it.
    NotSettled,
    /// It says something that does not hold.
    Refused(String),
    /// Every record that the receipt depends on.
    Proven(Box<Proven>),
}

/// The records that the receipt depends on.
pub(super) struct Proven {
    pub(super) parameters: Parameters,
    pub(super) gateway: GatewayRecord,
    pub(super) provider: ProviderRecord,
    pub(super) model: ModelRecord,
    pub(super) batch: BatchRecord,
    pub(super) channel: ChannelRecord,
    /// In the order of the receipt's snapshots.
    snapshots: Vec<SnapshotRecord>,
    pub(super) contributions: BTreeMap<(Name, ContributionId), ContributionRecord>,
    /// The lowest and the highest block that the proofs are about, with the time of the highest.
    heights: (u64, u64),
    timestamp_ms: u64,
}

pub(super) fn evidence(
    predicate: &Predicate,
    inclusion: Option<&Inclusion>,
    check_proof: &dyn Fn(&str) -> Result<ProvenRecord, String>,
) -> Evidence {
    let Some(inclusion) = inclusion else { return Evidence::NotSettled };
    match prove(predicate, inclusion, check_proof) {
        Ok(proven) => Evidence::Proven(Box::new(proven)),
        Err(reason) => Evidence::Refused(reason),
    }
}

fn prove(
    predicate: &Predicate,
    inclusion: &Inclusion,
    check_proof: &dyn Fn(&str) -> Result<ProvenRecord, String>,
) -> Result<Proven, String> {
    let keys = required_keys(predicate, inclusion.batch);
    // Counted first: a proof is dear to check.
    require(inclusion.proofs.len() == keys.len(), || {
        format!("{} proofs for {} records", inclusion.proofs.len(), keys.len())
    })?;
    let wanted: BTreeSet<Vec<u8>> = keys.iter().map(StateKey::encode).collect();
    let mut records = Records::new();
    let (mut lowest, mut highest, mut timestamp_ms) = (u64::MAX, 0, 0);
    for (place, proof) in inclusion.proofs.iter().enumerate() {
        let record = check_proof(proof).map_err(|error| format!("proof {place}: {error}"))?;
        require(wanted.contains(&record.key), || {
            format!("proof {place} is about a record on which the receipt does not depend")
        })?;
        lowest = record.height.min(lowest);
        highest = record.height.max(highest);
        timestamp_ms = record.timestamp_ms.max(timestamp_ms);
        let repeated = records.insert(record.key, record.value).is_some();
        require(!repeated, || format!("proof {place} is about a record that an earlier proof is about"))?;
    }
    let mut contributions = BTreeMap::new();
    for share in &predicate.attribution.shares {
        let key = (share.datanet.clone(), share.contribution);
        let record = read(&records, "contribution", &StateKey::Contribution(key.0.clone(), key.1))?;
        contributions.insert(key, record);
    }
    let snapshots = predicate.served.snapshots.iter();
    let snapshots = snapshots
        .map(|line| read(&records, "snapshot", &StateKey::Snapshot(line.datanet.clone(), line.version)))
        .collect::<Result<_, _>>()?;
    Ok(Proven {
        parameters: read(&records, "parameters", &StateKey::Parameters)?,
        gateway: read(&records, "gateway", &StateKey::Gateway(predicate.gateway))?,
        provider: read(&records, "provider", &StateKey::Provider(predicate.served.provider))?,
        model: read(&records, "model", &StateKey::Model(predicate.served.model.clone()))?,
        batch: read(&records, "batch", &StateKey::Batch(predicate.gateway, inclusion.batch))?,
        channel: read(&records, "channel", &StateKey::Channel(predicate.payment.channel))?,
        snapshots,
        contributions,
        heights: (lowest, highest),
        timestamp_ms,
    })
}

/// Encoded records by encoded key.
type Records = BTreeMap<Vec<u8>, Vec<u8>>;

fn read<T: BorshDeserialize>(records: &Records, kind: &'static str, key: &StateKey) -> Result<T, String> {
    let value = records.get(&key.encode()).ok_or_else(|| format!("no proof is about the {kind}"))?;
    codec::decode(kind, value, limits::RECORD_BYTES_MAX).map_err(|error| error.to_string())
}

/// Every price is the sum of its parts, and, once settled, every line is the one that the ledger's records lead to.
pub(super) fn split(predicate: &Predicate, evidence: &Evidence) -> Step {
    let lines = &predicate.settlement;
    require(lines.is_exact(), || "the lines do not sum to what was paid".to_owned())?;
    require((lines.provider, &lines.model) == (predicate.served.provider, &predicate.served.model), || {
        "the settlement pays for another provider or model than the one that served".to_owned()
    })?;
    // The ledger refuses a larger carry, so a receipt that starts from one was never going to settle.
    let carry_max = u64::try_from(limits::BATCH_LINES_MAX).unwrap_or(u64::MAX);
    require(lines.carry_in.0 <= carry_max, || format!("the carry before is above {carry_max} uC"))?;
    let proven = match evidence {
        Evidence::NotSettled => {
            return Ok("every price is the sum of its parts; parameters, lineage and owners not proven: the receipt is \
                       not settled yet"
                .to_owned());
        }
        Evidence::Refused(_) => return Err(PROOFS_FAIL.to_owned()),
        Evidence::Proven(proven) => proven,
    };
    let (said, held) = (predicate.price.router_fee, proven.gateway.router_fee);
    require(said == held, || {
        format!(
            "the receipt takes a router fee of {} basis points, the gateway registered {}",
            said.0, held.0
        )
    })?;
    let terms = |datanet: &Name, contribution: &ContributionId| {
        let record = proven.contributions.get(&(datanet.clone(), *contribution));
        record.cloned().map(DataTerms::from)
    };
    let attribution = &predicate.attribution;
    let found = rebuild_lines(predicate, attribution, &proven.parameters, &proven.model.lineage, &terms)?;
    let differences = line_differences(lines, &found);
    require(differences.is_empty(), || differences.join(" "))?;
    Ok(format!(
        "all {} lines follow from the network's parameters, the model's lineage and the owners; premium and the carry of \
         {} uC before are the gateway's statement",
        lines.builders.len().saturating_add(lines.data.len()),
        lines.carry_in.0
    ))
}

/// The receipt stands at its place in a batch that the ledger settled.
pub(super) fn inclusion(
    predicate: &Predicate,
    payload: &[u8],
    inclusion: Option<&Inclusion>,
    evidence: &Evidence,
) -> Step {
    let (inclusion, proven) = match (inclusion, evidence) {
        (Some(inclusion), Evidence::Proven(proven)) => (inclusion, proven),
        (Some(_), _) => return Err(PROOFS_FAIL.to_owned()),
        (None, _) => return Ok(NOT_SETTLED.to_owned()),
    };
    let batch = &proven.batch;
    require(inclusion.leaves == batch.receipts, || {
        format!("the file says {} receipts, the batch has {}", inclusion.leaves, batch.receipts)
    })?;
    require(Some(predicate.sequence) == batch.first_receipt.checked_add(u64::from(inclusion.index)), || {
        format!(
            "receipt {} does not stand at place {} of a batch that begins with receipt {}",
            predicate.sequence, inclusion.index, batch.first_receipt
        )
    })?;
    let leads =
        verify_path(&batch.receipts_root, &leaf(payload), inclusion.index, inclusion.leaves, &inclusion.path);
    require(leads, || "the path does not lead from the receipt to the batch's root".to_owned())?;
    require(predicate.settlement.charged() <= Some(batch.charged), || {
        "the receipt costs more than its whole batch charged".to_owned()
    })?;
    Ok(format!(
        "at place {} of {} in batch {}, under the root {}",
        inclusion.index, inclusion.leaves, inclusion.batch, batch.receipts_root
    ))
}

/// The proven records are exactly those that the receipt depends on, and say what it says.
pub(super) fn proofs(predicate: &Predicate, evidence: &Evidence) -> Step {
    let proven = match evidence {
        Evidence::NotSettled => return Ok(NOT_SETTLED.to_owned()),
        Evidence::Refused(reason) => return Err(reason.clone()),
        Evidence::Proven(proven) => proven,
    };
    require(proven.parameters.chain_id == predicate.network.chain_id, || {
        "the parameters are those of another chain".to_owned()
    })?;
    let served = &predicate.served;
    require(proven.model.weights == served.weights, || {
        format!(
            "{} is registered with the weights {}, not {}",
            served.model, proven.model.weights, served.weights
        )
    })?;
    for (said, held) in served.snapshots.iter().zip(&proven.snapshots) {
        require((said.root, said.index_root) == (held.root, held.index_root), || {
            format!("version {} of {} was sealed with other roots", said.version, said.datanet)
        })?;
    }
    mixes(predicate, proven)?;
    Ok(format!(
        "parameters, gateway, provider, model, batch, channel, {} snapshots and {} contributions are as the receipt says",
        proven.snapshots.len(),
        proven.contributions.len()
    ))
}

/// The receipt mixes the methods as the sealed snapshots say.
fn mixes(predicate: &Predicate, proven: &Proven) -> Result<(), String> {
    let sealed = predicate.served.snapshots.iter().zip(&proven.snapshots);
    let held: Vec<MixFacts> =
        sealed.filter_map(|(named, record)| MixFacts::of(&named.datanet, &record.mix)).collect();
    let said = predicate.attribution.context.as_ref().map_or(&[][..], |context| &context.mixes);
    require(said == held, || {
        "the receipt mixes reuse and context otherwise than the policies with which its snapshots were sealed"
            .to_owned()
    })
}

/// The proofs are about final states that hold the settled batch, and nothing that was paid is younger than it.
pub(super) fn finality(evidence: &Evidence) -> Step {
    let proven = match evidence {
        Evidence::NotSettled => return Ok(NOT_SETTLED.to_owned()),
        Evidence::Refused(_) => return Err(PROOFS_FAIL.to_owned()),
        Evidence::Proven(proven) => proven,
    };
    let settled = proven.batch.height;
    let (lowest, highest) = proven.heights;
    require(lowest >= settled, || {
        format!("a proof is about height {lowest}, before the batch was settled at height {settled}")
    })?;
    require(proven.snapshots.iter().all(|snapshot| snapshot.height <= settled), || {
        "a snapshot was sealed after the batch was settled".to_owned()
    })?;
    require(proven.contributions.values().all(|line| line.height <= settled), || {
        "a contribution was committed after the batch was settled".to_owned()
    })?;
    Ok(format!(
        "settled at height {settled}; proven in final states from height {lowest} to {highest}, the last at {} ms",
        proven.timestamp_ms
    ))
}
