//! One completion with everything that the ledger holds about it, and files made from it.

use std::collections::BTreeMap;

use openledger_ledger::{DataTerms, StateKey};
use openledger_types::datanets::{Mix, Provenance};
use openledger_types::record::{
    BatchRecord, ChannelRecord, ContributionRecord, GatewayRecord, ModelRecord, OwnerRecord, ProviderRecord,
    SnapshotRecord,
};
use openledger_types::{
    AccountId, AccountSecret, Amount, BasisPoints, ChannelId, ContributionId, Hash, Name, Parameters,
    Royalty, ServiceSecret, Voucher, codec, sha256,
};

use crate::recompute::rebuild_lines;
use crate::*;

pub(super) const SALT: [u8; 32] = [7; 32];
pub(super) const REQUEST: &str =
    r#"{"model":"demo","messages":[{"role":"user","content":"Wo fließt die Elbe?"}]}"#;
pub(super) const ANSWER: &str = "Die Elbe fließt durch Dresden. Sie entspringt im Riesengebirge.";
pub(super) const BATCH: u64 = 4;
pub(super) const BATCH_HEIGHT: u64 = 40;

pub(super) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(super) fn gateway_secret() -> ServiceSecret {
    ServiceSecret::from_bytes([1; 32])
}

pub(super) fn provider_secret() -> ServiceSecret {
    ServiceSecret::from_bytes([2; 32])
}

/// Whose signature makes a voucher.
fn authorizer() -> AccountSecret {
    AccountSecret::from_bytes([3; 32]).unwrap()
}

pub(super) fn account(byte: u8) -> AccountId {
    AccountId([byte; 20])
}

pub(super) fn network() -> NetworkRef {
    NetworkRef { chain_id: 31_337, genesis: Hash([0xAA; 32]) }
}

/// What is signed, and what the ledger holds.
#[derive(Clone)]
pub(super) struct World {
    pub(super) predicate: Predicate,
    pub(super) parameters: Parameters,
    pub(super) gateway: GatewayRecord,
    pub(super) provider: ProviderRecord,
    pub(super) model: ModelRecord,
    pub(super) snapshots: BTreeMap<Name, SnapshotRecord>,
    pub(super) contributions: BTreeMap<(Name, ContributionId), ContributionRecord>,
    pub(super) batch: BatchRecord,
    pub(super) channel: ChannelRecord,
    pub(super) proof_height: u64,
}

impl World {
    pub(super) fn new() -> Self {
        let contributions = BTreeMap::from([
            ((name("mountains"), ContributionId([0x13; 32])), contribution(&[(0x24, 1)])),
            ((name("rivers"), ContributionId([0x11; 32])), contribution(&[(0x21, 2), (0x22, 1)])),
            ((name("rivers"), ContributionId([0x12; 32])), contribution(&[(0x23, 1)])),
        ]);
        let snapshots = ["mountains", "rivers"].map(|datanet| (name(datanet), snapshot(datanet)));
        let lineage = vec![
            Royalty { account: account(0x31), share: BasisPoints(6_000) },
            Royalty { account: account(0x32), share: BasisPoints(4_000) },
        ];
        let mut world = Self {
            predicate: predicate(),
            parameters: Parameters::starting(31_337, true, account(9)),
            gateway: GatewayRecord {
                service_key: gateway_secret().key(),
                bond: Amount(1_000_000_000),
                router_fee: BasisPoints(500),
                endpoint: "https://gateway.example".into(),
                batches: 4,
                receipts: 14,
                exposure: Amount::ZERO,
            },
            provider: ProviderRecord {
                service_key: provider_secret().key(),
                stake: Amount(1_000_000_000),
                endpoint: "https://provider.example".into(),
                exposure: Amount::ZERO,
            },
            model: ModelRecord {
                builder: account(0x31),
                weights: Hash([0x41; 32]),
                parent: None,
                lineage,
                depth: 0,
                license: "apache-2.0".into(),
            },
            snapshots: snapshots.into_iter().collect(),
            contributions,
            batch: BatchRecord {
                receipts_root: Hash([0; 32]),
                first_receipt: 10,
                receipts: 5,
                charged: Amount(1_000_000),
                height: BATCH_HEIGHT,
            },
            channel: ChannelRecord {
                consumer: account(0x71),
                gateway: account(0x61),
                authorizer: authorizer().account(),
                deposit: Amount(100_000),
                spent: Amount(50_000),
                closes_at_ms: None,
                closed: false,
            },
            proof_height: 43,
        };
        world.settle();
        world
    }

    pub(super) fn terms(&self, datanet: &Name, contribution: &ContributionId) -> Option<DataTerms> {
        let record = self.contributions.get(&(datanet.clone(), *contribution));
        record.cloned().map(DataTerms::from)
    }

    /// Works the settlement out from the rest of the predicate, and signs a voucher for it.
    pub(super) fn settle(&mut self) {
        let terms = |datanet: &Name, contribution: &ContributionId| self.terms(datanet, contribution);
        let (predicate, parameters) = (&self.predicate, &self.parameters);
        let attribution = &predicate.attribution;
        let lines = rebuild_lines(predicate, attribution, parameters, &self.model.lineage, &terms).unwrap();
        self.predicate.settlement = lines;
        self.authorize();
    }

    pub(super) fn authorize(&mut self) {
        let payment = &mut self.predicate.payment;
        let voucher = Voucher { chain_id: 31_337, channel: payment.channel, cumulative: payment.cumulative };
        payment.voucher = voucher.sign(&authorizer());
    }

    /// The receipt, signed by both.
    pub(super) fn file(&self, opened: bool, settled: bool) -> ReceiptFile {
        let payload = Statement::new(self.predicate.clone()).to_payload();
        let mut envelope = Envelope::sign(payload.clone(), &gateway_secret());
        let provider = provider_secret();
        envelope.countersign(provider.key(), provider.sign(&pre_authentication_encoding(&payload)));
        let opening = Opening { salt: SALT, request: REQUEST.into(), answer: ANSWER.into() };
        let inclusion = settled.then(|| self.inclusion(&payload));
        ReceiptFile {
            envelope,
            opening: opened.then_some(opening),
            certificate: None,
            material: None,
            inclusion,
        }
    }

    fn inclusion(&self, payload: &[u8]) -> Inclusion {
        let mut leaves: Vec<Hash> =
            (0..5).map(|number| leaf(format!("receipt {number}").as_bytes())).collect();
        leaves[2] = leaf(payload);
        let mut batch = self.batch.clone();
        batch.receipts_root = batch_root(&leaves);
        let keys = required_keys(&self.predicate, BATCH);
        let proofs =
            keys.iter().map(|key| fake_proof(&key.encode(), &self.record(key, &batch), self.proof_height));
        Inclusion {
            batch: BATCH,
            index: 2,
            leaves: 5,
            path: batch_path(&leaves, 2).unwrap(),
            proofs: proofs.collect(),
        }
    }

    fn record(&self, key: &StateKey, batch: &BatchRecord) -> Vec<u8> {
        match key {
            StateKey::Parameters => codec::encode(&self.parameters),
            StateKey::Gateway(_) => codec::encode(&self.gateway),
            StateKey::Provider(_) => codec::encode(&self.provider),
            StateKey::Model(_) => codec::encode(&self.model),
            StateKey::Batch(..) => codec::encode(batch),
            StateKey::Channel(_) => codec::encode(&self.channel),
            StateKey::Snapshot(datanet, _) => codec::encode(&self.snapshots[datanet]),
            StateKey::Contribution(datanet, id) => {
                codec::encode(&self.contributions[&(datanet.clone(), *id)])
            }
            other => panic!("{other:?} is not asked for"),
        }
    }
}

fn contribution(owners: &[(u8, u64)]) -> ContributionRecord {
    let owners = owners.iter().map(|(byte, parts)| OwnerRecord { account: account(*byte), parts: *parts });
    ContributionRecord {
        sequence: 0,
        cluster: Hash([1; 32]),
        owners: owners.collect(),
        license: "cc0-1.0".into(),
        label: "page".into(),
        height: 3,
        revoked_at: None,
        mature: false,
        provenance: Provenance::Human,
        factor: BasisPoints::WHOLE,
        contributor: None,
    }
}

fn snapshot(datanet: &str) -> SnapshotRecord {
    SnapshotRecord {
        root: sha256(datanet.as_bytes()),
        index_root: sha256(format!("index of {datanet}").as_bytes()),
        contributions: 2,
        height: 5,
        policy: Hash([7; 32]),
        mix: Mix::VERBATIM,
    }
}

pub(super) fn passage(datanet: &str, contribution: u8) -> PassageRef {
    PassageRef { datanet: name(datanet), contribution: ContributionId([contribution; 32]), start: 0, end: 30 }
}

fn share(datanet: &str, contribution: u8, weight: u64) -> ShareFacts {
    ShareFacts { datanet: name(datanet), contribution: ContributionId([contribution; 32]), weight }
}

fn span(start: u64, end: u64, mass: u64, sources: Vec<PassageRef>) -> SpanFacts {
    let (common, clusters) = (sources.is_empty(), if sources.is_empty() { 65 } else { 2 });
    let committed = if common { 0 } else { 7 };
    let (edits, matched) = (0, Vec::new());
    SpanFacts { start, end, value: 90, mass, count: 2, clusters, common, committed, edits, matched, sources }
}

fn attribution() -> AttributionFacts {
    AttributionFacts {
        method: "A".into(),
        version: 3,
        unigrams: 1,
        total: 1_000,
        common: 51,
        unattributed: 250,
        spans: vec![
            span(0, 30, 300, vec![passage("rivers", 0x11), passage("rivers", 0x12)]),
            span(22, 34, 51, Vec::new()),
            span(32, 64, 99, vec![passage("mountains", 0x13)]),
            span(40, 64, 300, vec![passage("rivers", 0x12)]),
        ],
        context: None,
        shares: vec![share("mountains", 0x13, 99), share("rivers", 0x11, 300), share("rivers", 0x12, 300)],
    }
}

fn served() -> ServedFacts {
    let snapshots = ["mountains", "rivers"].map(|datanet| {
        let SnapshotRecord { root, index_root, .. } = snapshot(datanet);
        SnapshotRef { datanet: name(datanet), version: 2, root, index_root }
    });
    ServedFacts {
        provider: account(0x51),
        model: name("demo"),
        weights: Hash([0x41; 32]),
        engine: "openledger-inference 0.1.0".into(),
        numeric_specification: 1,
        index_root: Hash([0x42; 32]),
        snapshots: snapshots.into(),
        retrieval: vec![passage("rivers", 0x11)],
    }
}

/// Everything but the settlement, which [`World::settle`] works out.
fn predicate() -> Predicate {
    let lines = openledger_ledger::CompletionLines {
        reference: Amount::ZERO,
        premium: Amount::ZERO,
        router_fee: Amount::ZERO,
        provider: account(0x51),
        model: name("demo"),
        reference_split: Default::default(),
        premium_split: Default::default(),
        builders: Vec::new(),
        data: Vec::new(),
        uplift: Amount::ZERO,
        carry_in: Amount(2),
        carry_out: Amount::ZERO,
        // 101 of the reference price of 7,217.
        quote: Some(openledger_types::Quoted {
            class: name("general"),
            round: 7,
            price: 1_013_995,
            capped: false,
        }),
    };
    Predicate {
        id: "01941f29-7c00-7aaa-9aaa-aaaaaaaaaaaa".into(),
        network: network(),
        gateway: account(0x61),
        sequence: 12,
        previous: Hash([0x62; 32]),
        issued_at_ms: 1_700_000_000_000,
        request: RequestFacts {
            salted_sha256: salted_request(&SALT, REQUEST.as_bytes()),
            endpoint: "/v1/chat/completions".into(),
            model_requested: "demo".into(),
            seed: 42,
            max_tokens: 64,
            temperature_millis: 700,
        },
        response: ResponseFacts {
            salted_sha256: salted_response(&SALT, ANSWER),
            finish_reason: "stop".into(),
        },
        served: served(),
        routing: RoutingFacts {
            policy: "price".into(),
            attempts: vec![AttemptFacts { provider: account(0x51), outcome: "served".into(), ms: 80 }],
        },
        usage: UsageFacts { prompt_tokens: 21, completion_tokens: 17 },
        price: PriceFacts {
            prompt_price: Amount(100),
            completion_price: Amount(301),
            router_fee: BasisPoints(500),
        },
        payment: PaymentFacts {
            consumer: account(0x71),
            channel: ChannelId([0x72; 32]),
            cumulative: Amount(50_000),
            voucher: [0; 65],
        },
        attribution: attribution(),
        settlement: lines,
        evidence: EvidenceFacts { commitment: "ab".repeat(32), windows: 1 },
        timing: TimingFacts { queue_ms: 1, first_token_ms: 20, total_ms: 80 },
    }
}

/// Stands for a chain proof: the record and its height under a hash, so that a changed digit is noticed.
fn fake_proof(key: &[u8], value: &[u8], height: u64) -> String {
    let body = codec::encode(&(key.to_vec(), value.to_vec(), height));
    hex::encode(codec::encode(&(sha256(&body), body)))
}

pub(super) fn check_proof(proof: &str) -> Result<ProvenRecord, String> {
    let bytes = hex::decode(proof).map_err(|error| error.to_string())?;
    let (hash, body): (Hash, Vec<u8>) =
        codec::decode("proof", &bytes, 1 << 16).map_err(|error| error.to_string())?;
    if hash != sha256(&body) {
        return Err("the hash is wrong".into());
    }
    let (key, value, height) = codec::decode("body", &body, 1 << 16).map_err(|error| error.to_string())?;
    Ok(ProvenRecord { height, timestamp_ms: 1_700_000_100_000, key, value })
}

/// Stands for what an engine wrote: its facts under a hash, so that a changed byte is noticed.
pub(super) fn material_of(committed: &Committed) -> Vec<u8> {
    let Committed { commitment, salt, weights, numeric_specification, .. } = committed;
    let counts = (committed.prompt_tokens, committed.completion_tokens, committed.windows);
    let body = codec::encode(&(commitment, salt, weights, numeric_specification, counts));
    codec::encode(&(sha256(&body), body))
}

pub(super) fn read_material(bytes: &[u8]) -> Result<Committed, String> {
    let (hash, body): (Hash, Vec<u8>) =
        codec::decode("material", bytes, 1 << 16).map_err(|error| error.to_string())?;
    if hash != sha256(&body) {
        return Err("the hash is wrong".into());
    }
    let (commitment, salt, weights, numeric_specification, counts) =
        codec::decode("body", &body, 1 << 16).map_err(|error| error.to_string())?;
    let (prompt_tokens, completion_tokens, windows) = counts;
    Ok(Committed {
        commitment,
        salt,
        weights,
        numeric_specification,
        prompt_tokens,
        completion_tokens,
        windows,
    })
}

pub(super) fn verified(file: &ReceiptFile) -> Report {
    verify(&file.to_bytes(), &network(), &check_proof, &read_material)
}

pub(super) fn failures(report: &Report) -> Vec<&'static str> {
    report.checks.iter().filter(|check| !check.ok).map(|check| check.name).collect()
}
