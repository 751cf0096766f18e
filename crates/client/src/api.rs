//! What goes over the wire under `/api/v1` and, as far as the command line uses it, `/v1`.

use openledger_types::{AccountId, ChannelId, Event, Hash};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Bytes of one uploaded file (texts or a snapshot), and of the largest reply that a client reads.
pub const UPLOAD_BYTES_MAX: usize = 64 * 1024 * 1024;

/// `POST /api/v1/transactions`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SubmitRequest {
    /// Canonical bytes of a signed transaction, in hexadecimal.
    pub transaction: String,
}

/// What became of a transaction, after finality.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SubmitReply {
    /// The transaction's hash.
    pub hash: Hash,
    /// Height of the block that holds it.
    pub height: u64,
    /// Why the ledger refused it, if it did.
    pub rejection: Option<RejectionReply>,
    /// What happened.
    #[serde(default)]
    pub events: Vec<Event>,
}

/// A rejection as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectionReply {
    /// The stable number.
    pub number: u16,
    /// What is wrong and what to do.
    pub text: String,
}

/// `GET /api/v1/accounts/{id}/nonce`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NonceReply {
    /// The nonce that the account's next transaction must carry.
    pub nonce: u64,
}

/// `GET /api/v1/network`: who runs this network and how to check it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NetworkReply {
    /// The public identity, as written to `network.json`: all that an offline verifier needs.
    pub identity: Value,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Whether the faucet gives.
    pub local: bool,
    /// The account of the gateway behind this address.
    pub gateway: AccountId,
    /// The model that answers unless another is named.
    pub default_model: String,
}

/// `POST /api/v1/keys`, with the new API key as the bearer token: binds the key to the channel whose vouchers it signs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegisterKeyRequest {
    /// The channel that the consumer opened with this key as its authorizer.
    pub channel: ChannelId,
    /// A name for lists.
    pub name: String,
}

/// `POST /v1/receipts/{id}/opening`: which part of an answer its provider is to open.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OpeningRequest {
    /// Windows of 32 positions, from 0; at most 64.
    pub windows: Vec<u32>,
    /// One layer of them, from 0; without it the windows behind every layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<u32>,
}

/// The error body of both APIs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorReply {
    /// The error.
    pub error: ErrorBody,
}

/// What went wrong, in the shape that OpenAI's clients expect.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What happened, why, and what to do.
    pub message: String,
    /// The class, for example `invalid_request_error`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// The parameter at fault.
    #[serde(default)]
    pub param: Option<String>,
    /// A stable code.
    #[serde(default)]
    pub code: Option<String>,
}

/// `POST /api/v1/state`: values of state keys at one height.
#[derive(Debug, Serialize, Deserialize)]
pub struct StateRequest {
    /// Encoded state keys, in hexadecimal.
    pub keys: Vec<String>,
}

/// The values, in the order of the keys.
#[derive(Debug, Serialize, Deserialize)]
pub struct StateReply {
    /// At which height.
    pub height: u64,
    /// Encoded records in hexadecimal; null where there is none.
    pub values: Vec<Option<String>>,
}

/// State keys in one request.
pub const STATE_KEYS_MAX: usize = 1_024;
