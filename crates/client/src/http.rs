//! The connection: base address, limits, and errors that say what to do next.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use openledger_types::{AccountId, AccountSecret, ReadMessage, SignedTransaction};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::{
    ErrorReply, NetworkReply, NonceReply, OpeningRequest, RegisterKeyRequest, SubmitReply, SubmitRequest,
    UPLOAD_BYTES_MAX,
};

/// How long a request may take, streams excepted.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a node may be silent in the middle of an answer.
const SILENCE_MAX: Duration = Duration::from_secs(120);

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answered.
    #[error("no answer from {address}: {reason}; is the network running? start one with `openledger up`")]
    Unreachable {
        /// The base address.
        address: String,
        /// What the connection said.
        reason: String,
    },
    /// The node did not finish in time.
    #[error(
        "{address} did not answer in time; what was asked for may have been done: look before you repeat it"
    )]
    Timeout {
        /// The base address.
        address: String,
    },
    /// The node answered with an error.
    #[error("{message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Stable code, if the node gave one.
        code: Option<String>,
        /// The node's message.
        message: String,
    },
    /// The answer is not what the API promises.
    #[error("{address} sent an answer that this version does not understand: {reason}; compare the versions")]
    Malformed {
        /// The address that was asked.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The answer is larger than [`UPLOAD_BYTES_MAX`].
    #[error("{address} sent more than {UPLOAD_BYTES_MAX} bytes")]
    TooLarge {
        /// The address that was asked.
        address: String,
    },
}

/// How long a signed request may be sent again by whoever saw it.
const SIGNED_FOR: Duration = Duration::from_secs(60);

/// Who signs requests for texts that are not for everybody.
#[derive(Debug, Clone)]
struct Reader {
    secret: AccountSecret,
    chain_id: u64,
    gateway: AccountId,
}

impl Reader {
    /// The `Authorization` of a request for a path.
    fn authorization(&self, path: &str) -> String {
        let until = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + SIGNED_FOR;
        let valid_until_ms = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
        let (chain_id, gateway) = (self.chain_id, self.gateway);
        let message = ReadMessage { chain_id, gateway, path: path.to_owned(), valid_until_ms };
        format!("OpenLedger {valid_until_ms}.{}", hex::encode(message.sign(&self.secret)))
    }
}

/// A client of one node.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    key: Option<String>,
    reader: Option<Reader>,
    http: reqwest::Client,
}

impl Client {
    /// A client of the node at `base` (for example `http://127.0.0.1:8080`), with an API key where one is needed.
    pub fn new(base: &str, key: Option<String>) -> Self {
        let build = |is_tls: bool| {
            let builder = reqwest::Client::builder()
                .connect_timeout(Duration::from_secs(5))
                .read_timeout(SILENCE_MAX)
                .no_proxy();
            // The certificates of the system are read where they are used: most nodes are asked over http.
            if is_tls { builder.build() } else { builder.tls_certs_only([]).build() }
        };
        // Without the system's certificates https fails later, and says why.
        let http = build(base.starts_with("https:")).or_else(|_| build(false));
        let http = http.expect("a client that trusts no certificate always builds");
        Self { base: base.trim_end_matches('/').to_owned(), key, reader: None, http }
    }

    /// The base address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The same node, another API key.
    pub fn with_key(&self, key: String) -> Self {
        Self { key: Some(key), ..self.clone() }
    }

    /// The same node, each request signed by an account: it reads the texts of private datanets that the account may
    /// read. The node's chain id and gateway are in its answer to [`Client::network`].
    pub fn reading_as(&self, secret: AccountSecret, chain_id: u64, gateway: AccountId) -> Self {
        Self { key: None, reader: Some(Reader { secret, chain_id, gateway }), ..self.clone() }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match (&self.key, &self.reader) {
            (Some(key), _) => request.bearer_auth(key),
            (None, Some(reader)) => {
                request.header(reqwest::header::AUTHORIZATION, reader.authorization(path))
            }
            (None, None) => request,
        }
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = self.read(response).await?;
        Err(refused(status, &body))
    }

    pub(crate) fn unreachable(&self, error: &reqwest::Error) -> ClientError {
        if error.is_timeout() && !error.is_connect() {
            return ClientError::Timeout { address: self.base.clone() };
        }
        let reason = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
        ClientError::Unreachable { address: self.base.clone(), reason }
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if body.len() + piece.len() > UPLOAD_BYTES_MAX {
                return Err(ClientError::TooLarge { address: self.base.clone() });
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    async fn parsed<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let response = self.send(request.timeout(REQUEST_TIMEOUT)).await?;
        let body = self.read(response).await?;
        serde_json::from_slice(&body)
            .map_err(|error| ClientError::Malformed { address: self.base.clone(), reason: error.to_string() })
    }

    /// `GET path` as JSON.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.parsed(self.request(Method::GET, path)).await
    }

    /// `GET path` as bytes.
    pub async fn get_bytes(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        let response = self.send(self.request(Method::GET, path).timeout(REQUEST_TIMEOUT)).await?;
        self.read(response).await
    }

    /// `POST path` with a JSON body.
    pub async fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, ClientError> {
        self.parsed(self.request(Method::POST, path).json(body)).await
    }

    /// `PUT path` with raw bytes.
    pub async fn put_bytes<T: DeserializeOwned>(&self, path: &str, bytes: Vec<u8>) -> Result<T, ClientError> {
        self.parsed(self.request(Method::PUT, path).body(bytes)).await
    }

    /// Who runs this network.
    pub async fn network(&self) -> Result<NetworkReply, ClientError> {
        self.get("/api/v1/network").await
    }

    /// The nonce for the account's next transaction.
    pub async fn nonce(&self, account: &AccountId) -> Result<u64, ClientError> {
        let reply: NonceReply = self.get(&format!("/api/v1/accounts/{account}/nonce")).await?;
        Ok(reply.nonce)
    }

    /// Submits a transaction and waits for finality. A rejection is part of the reply, not an error.
    pub async fn submit(&self, transaction: &SignedTransaction) -> Result<SubmitReply, ClientError> {
        let body = SubmitRequest { transaction: hex::encode(transaction.encode()) };
        self.post("/api/v1/transactions", &body).await
    }

    /// Binds this client's API key to a channel.
    pub async fn register_key(&self, request: &RegisterKeyRequest) -> Result<serde_json::Value, ClientError> {
        self.post("/api/v1/keys", request).await
    }

    /// The receipt file with this id; with the inclusion once it is settled.
    pub async fn receipt(&self, id: &str) -> Result<Vec<u8>, ClientError> {
        self.get_bytes(&format!("/v1/receipts/{id}")).await
    }

    /// What the answer of a receipt is replayed from, for whoever has its salt in hexadecimal.
    pub async fn evidence(&self, id: &str, salt: &str) -> Result<Vec<u8>, ClientError> {
        self.get_bytes(&format!("/v1/receipts/{id}/evidence?salt={salt}")).await
    }

    /// A part of the answer of a receipt, opened by its provider for whoever has its salt.
    pub async fn opening(&self, id: &str, salt: &str, part: &OpeningRequest) -> Result<Vec<u8>, ClientError> {
        let path = format!("/v1/receipts/{id}/opening?salt={salt}");
        let response =
            self.send(self.request(Method::POST, &path).json(part).timeout(REQUEST_TIMEOUT)).await?;
        self.read(response).await
    }

    /// The manifest of a sealed snapshot.
    pub async fn manifest(&self, datanet: &str, version: u32) -> Result<Vec<u8>, ClientError> {
        self.get_bytes(&format!("/api/v1/datanets/{datanet}/snapshots/{version}")).await
    }
}

fn refused(status: StatusCode, body: &[u8]) -> ClientError {
    match serde_json::from_slice::<ErrorReply>(body) {
        Ok(reply) => ClientError::Refused {
            status: status.as_u16(),
            code: reply.error.code,
            message: reply.error.message,
        },
        Err(_) => ClientError::Refused {
            status: status.as_u16(),
            code: None,
            message: format!(
                "the node answered {status}: {}",
                String::from_utf8_lossy(&body[..body.len().min(300)])
            ),
        },
    }
}
