//! What a receipt says: an in-toto Statement v1 (github.com/in-toto/attestation, spec/v1/statement.md) whose predicate holds
//! the facts of one completion. JSON with a fixed order of fields and no spaces; the payload is that text and nothing else.
//! Every field is what its signers say; [`crate::verify()`] tells which of them are proven.
//! Absent: the texts of request and answer; only their salted hashes are here.

use openledger_ledger::CompletionLines;
use openledger_types::{AccountId, Amount, BasisPoints, ChannelId, ContributionId, Hash, Name};
use serde::{Deserialize, Serialize};

use crate::{ContextFacts, FILE_BYTES_MAX, ReceiptError};

/// What kind of predicate the statement has.
pub const PREDICATE_TYPE: &str = "urn:openledger:inference-receipt:v1";
/// What kind of statement the payload is.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// The endpoint of receipts whose answer is the digest of vectors: SHA-256 over them as little-endian binary32, hexadecimal.
pub const EMBEDDINGS_ENDPOINT: &str = "/v1/embeddings";
/// The name of the only subject: the answer.
const SUBJECT_NAME: &str = "response";

/// Which network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkRef {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Hash of its genesis.
    pub genesis: Hash,
}

/// The facts of one completion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predicate {
    /// UUIDv7 (RFC 9562), lower-case with hyphens.
    pub id: String,
    /// Where it is settled.
    pub network: NetworkRef,
    /// Who routed and signs.
    pub gateway: AccountId,
    /// Number of the receipt at this gateway, from 1, without gaps.
    pub sequence: u64,
    /// SHA-256 of the gateway's previous payload; zeros for the first.
    pub previous: Hash,
    /// When it was issued, milliseconds since 1970, by the gateway's clock.
    pub issued_at_ms: u64,
    /// What was asked.
    pub request: RequestFacts,
    /// What was answered.
    pub response: ResponseFacts,
    /// Who and what answered.
    pub served: ServedFacts,
    /// How the provider was chosen.
    pub routing: RoutingFacts,
    /// What was counted.
    pub usage: UsageFacts,
    /// What it costs.
    pub price: PriceFacts,
    /// Who pays, and the authorisation.
    pub payment: PaymentFacts,
    /// Which texts the answer reuses.
    pub attribution: AttributionFacts,
    /// Every unit of the price, line by line.
    pub settlement: CompletionLines,
    /// What an auditor needs to re-execute the completion.
    pub evidence: EvidenceFacts,
    /// How long it took, by the gateway's clock.
    pub timing: TimingFacts,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestFacts {
    /// [`crate::salted_request`] of the raw body.
    pub salted_sha256: Hash,
    /// Path of the endpoint.
    pub endpoint: String,
    /// The model as the caller named it.
    pub model_requested: String,
    /// Seed of the sampler.
    pub seed: u64,
    /// Most completion tokens.
    pub max_tokens: u32,
    /// Temperature in thousandths.
    pub temperature_millis: u32,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseFacts {
    /// [`crate::salted_response`] of the answer; also the statement's subject.
    pub salted_sha256: Hash,
    /// Why the answer ended.
    pub finish_reason: String,
}

/// Who and what answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServedFacts {
    /// Who computed the answer.
    pub provider: AccountId,
    /// With which model.
    pub model: Name,
    /// SHA-256 of its weights.
    pub weights: Hash,
    /// Name and version of the inference engine.
    pub engine: String,
    /// Version of the arithmetic that makes the computation repeatable.
    pub numeric_specification: u32,
    /// Root of the joined attribution index.
    pub index_root: Hash,
    /// The sealed snapshots behind that index, sorted by datanet.
    pub snapshots: Vec<SnapshotRef>,
    /// Passages that were put into the prompt, in order.
    pub retrieval: Vec<PassageRef>,
}

/// A sealed version of a datanet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotRef {
    /// Which datanet.
    pub datanet: Name,
    /// Which version.
    pub version: u32,
    /// Merkle root over its contributions.
    pub root: Hash,
    /// Root of its attribution index.
    pub index_root: Hash,
}

/// A passage of a contribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassageRef {
    /// Where the contribution lives.
    pub datanet: Name,
    /// Which contribution.
    pub contribution: ContributionId,
    /// The first byte of its text.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

/// How the provider was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoutingFacts {
    /// Name of the policy.
    pub policy: String,
    /// Who was asked, in order; the last one served.
    pub attempts: Vec<AttemptFacts>,
}

/// One provider that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttemptFacts {
    /// Who.
    pub provider: AccountId,
    /// What came of it.
    pub outcome: String,
    /// How long it took, milliseconds.
    pub ms: u64,
}

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageFacts {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of the answer.
    pub completion_tokens: u32,
}

/// What it costs. The reference price is `prompt_tokens * prompt_price + completion_tokens * completion_price`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceFacts {
    /// One prompt token, in uC.
    pub prompt_price: Amount,
    /// One completion token, in uC.
    pub completion_price: Amount,
    /// The gateway's fee on top of the reference price.
    pub router_fee: BasisPoints,
}

impl PriceFacts {
    /// The reference price of `usage`, in uC; `None` on overflow.
    pub fn reference(&self, usage: &UsageFacts) -> Option<Amount> {
        let prompt = self.prompt_price.fraction(u64::from(usage.prompt_tokens), 1)?;
        let completion = self.completion_price.fraction(u64::from(usage.completion_tokens), 1)?;
        prompt.plus(completion)
    }
}

/// Who pays, and the authorisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentFacts {
    /// Who pays.
    pub consumer: AccountId,
    /// Out of which channel.
    pub channel: ChannelId,
    /// Everything spent on the channel so far, this completion included.
    pub cumulative: Amount,
    /// The authorizer's signature over the voucher (EIP-712): `0x` and 130 hexadecimal digits in JSON.
    #[serde(with = "openledger_types::transaction::signature_hex")]
    pub voucher: [u8; 65],
}

/// Which texts the answer reuses. `shares`, `common` and `unattributed` sum to `total`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributionFacts {
    /// `A`: verbatim and near-verbatim reuse. `A+C`: mixed with what the passages in the prompt did for the answer.
    pub method: String,
    /// Version of the method.
    pub version: u16,
    /// Version of the table of words that the weights come from.
    pub unigrams: u16,
    /// The weight of all words of the answer.
    pub total: u64,
    /// The mass of common spans, which pays no contribution.
    pub common: u64,
    /// The weight that nothing explains, and the mass of spans whose owner cannot be paid.
    pub unattributed: u64,
    /// The spans that won words, in the order of the answer; they may overlap.
    pub spans: Vec<SpanFacts>,
    /// The weight of each contribution, sorted by datanet and contribution.
    pub shares: Vec<ShareFacts>,
    /// What the passages did; with the method `A+C` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextFacts>,
}

/// A run of words that the answer shares with sealed texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpanFacts {
    /// The first byte of the answer.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
    /// How surprising it is, in the units of the method.
    pub value: u64,
    /// The weight of the words that it won, above zero.
    pub mass: u64,
    /// How often it occurs in the indexed texts.
    pub count: u64,
    /// How many distinct texts hold it; of a common span, how many more than enough.
    pub clusters: u64,
    /// Whether it occurs in too many texts to be attributed; it has no sources then.
    pub common: bool,
    /// The number of the commitment that owns it, the earliest that holds it; 0 of a common span.
    pub committed: u64,
    /// How many edits of words lead from its source to the answer; 0 when it stands there word for word.
    pub edits: u64,
    /// Of a span with edits, the words that are its source's, in order; no two runs touch. Of others none.
    pub matched: Vec<RunFacts>,
    /// Where it occurs, the earliest commitments first, not all when there are many. The first owns it.
    pub sources: Vec<PassageRef>,
}

/// A run of the answer's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunFacts {
    /// The first byte of the answer.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

/// What one contribution weighs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareFacts {
    /// Where it lives.
    pub datanet: Name,
    /// Which contribution.
    pub contribution: ContributionId,
    /// Its weight, above zero.
    pub weight: u64,
}

/// What an auditor needs to re-execute the completion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceFacts {
    /// The provider's commitment to its computation, hexadecimal.
    pub commitment: String,
    /// How many windows it covers.
    pub windows: u32,
}

/// How long it took, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimingFacts {
    /// Waiting for a place.
    pub queue_ms: u64,
    /// To the first token.
    pub first_token_ms: u64,
    /// To the last token.
    pub total_ms: u64,
}

/// The statement around a predicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    #[serde(rename = "_type")]
    statement_type: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: Predicate,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    name: String,
    digest: Digest,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Digest {
    sha256: String,
}

impl Subject {
    fn of(predicate: &Predicate) -> Self {
        let sha256 = hex::encode(predicate.response.salted_sha256.0);
        Self { name: SUBJECT_NAME.to_owned(), digest: Digest { sha256 } }
    }
}

impl Statement {
    /// The statement of these facts.
    pub fn new(predicate: Predicate) -> Self {
        Self {
            statement_type: STATEMENT_TYPE.to_owned(),
            subject: vec![Subject::of(&predicate)],
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate,
        }
    }

    /// The facts.
    pub fn predicate(&self) -> &Predicate {
        &self.predicate
    }

    /// The bytes that are signed: the statement's only encoding.
    pub fn to_payload(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("text, numbers and lists always have a JSON form")
    }

    /// Reads a payload of at most [`FILE_BYTES_MAX`] bytes.
    ///
    /// # Errors
    /// The payload is too long, malformed, not equal to its own serialisation, of another type, or its subject is not its
    /// answer.
    pub fn from_payload(bytes: &[u8]) -> Result<Self, ReceiptError> {
        const KIND: &str = "the payload";
        if bytes.len() > FILE_BYTES_MAX {
            return Err(ReceiptError::TooLong { kind: KIND, bytes: bytes.len(), bytes_max: FILE_BYTES_MAX });
        }
        let statement: Self = serde_json::from_slice(bytes)
            .map_err(|error| ReceiptError::Malformed { kind: KIND, reason: error.to_string() })?;
        if statement.to_payload() != bytes {
            return Err(ReceiptError::NotCanonical { kind: KIND });
        }
        let wrong = |reason: String| Err(ReceiptError::StatementWrong { reason });
        if statement.statement_type != STATEMENT_TYPE {
            return wrong(format!("its type is not {STATEMENT_TYPE}"));
        }
        if statement.predicate_type != PREDICATE_TYPE {
            return wrong(format!("its predicate type is not {PREDICATE_TYPE}"));
        }
        if statement.subject != [Subject::of(&statement.predicate)] {
            return wrong("its subject is not the answer that it describes".to_owned());
        }
        Ok(statement)
    }
}
