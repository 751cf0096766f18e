//! Transactions and vouchers as EIP-712 typed data (eips.ethereum.org/EIPS/eip-712), so that any wallet can sign
//! them and show what is signed. A transaction shows its name and its plain-words summary; `body` binds the exact
//! action. Absent: fees and gas; limits and bonds bound what a transaction may cost.

use alloy_primitives::B256;
use alloy_sol_types::{Eip712Domain, SolStruct, sol};
use borsh::{BorshDeserialize, BorshSerialize};

use crate::codec::{self, DecodeError};
use crate::keys::{self, AccountSecret, KeyError, ServiceSecret, ServiceSignature, keccak};
use crate::{AccountId, Action, Amount, ChannelId, Hash, ServiceKey, SessionKey, limits};

mod typed {
    #![allow(missing_docs, reason = "generated from the Solidity declarations below")]
    use super::sol;

    sol! {
        struct Transaction {
            string action;
            string summary;
            bytes32 body;
            uint64 nonce;
        }

        struct SessionTransaction {
            address account;
            string action;
            string summary;
            bytes32 body;
            uint64 nonce;
        }

        struct Voucher {
            bytes32 channelId;
            uint128 maxClaimableAmount;
        }

        struct RefundConsent {
            address gateway;
            uint64 receipt;
            bytes32 channel;
            uint64 epoch;
            uint128 maxRefundAmount;
        }

        struct Read {
            address gateway;
            string path;
            uint64 validUntilMs;
        }
    }
}

/// Why a transaction cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// The bytes are not a transaction.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The signature is malformed or wrong.
    #[error(transparent)]
    Key(#[from] KeyError),
}

fn domain(chain_id: u64) -> Eip712Domain {
    Eip712Domain {
        name: Some("OpenLedger".into()),
        version: Some("1".into()),
        chain_id: Some(alloy_primitives::U256::from(chain_id)),
        verifying_contract: None,
        salt: None,
    }
}

/// What an ed25519 session key signs begins with this, so that it is nothing else that a service signs.
const SESSION_PREFIX: &[u8] = b"OpenLedger session transaction v1\0";

/// An action with the nonce of whoever signs it, for one network.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Transaction {
    /// EIP-155 chain id of the network.
    pub chain_id: u64,
    /// The next nonce of the account, or of the session whose key signs: services and their owner do not wait for
    /// each other.
    pub nonce: u64,
    /// What to do.
    pub action: Action,
}

impl Transaction {
    /// The EIP-712 signing hash.
    pub fn signing_hash(&self) -> Hash {
        let typed = typed::Transaction {
            action: self.action.name().to_owned(),
            summary: self.action.summary(),
            body: B256::from(keccak(&codec::encode(&self.action)).0),
            nonce: self.nonce,
        };
        Hash(typed.eip712_signing_hash(&domain(self.chain_id)).0)
    }

    /// Signs with the sender's key.
    pub fn sign(self, secret: &AccountSecret) -> SignedTransaction {
        let signature = secret.sign(&self.signing_hash());
        let authorization = Authorization::Account(signature);
        SignedTransaction { sender: secret.account(), transaction: self, authorization }
    }

    /// The EIP-712 signing hash for a session key: a type of its own that names the account, so that a signature for one
    /// account, or by an account for itself, is never one for another.
    pub fn session_hash(&self, account: &AccountId) -> Hash {
        let typed = typed::SessionTransaction {
            account: account.0.into(),
            action: self.action.name().to_owned(),
            summary: self.action.summary(),
            body: B256::from(keccak(&codec::encode(&self.action)).0),
            nonce: self.nonce,
        };
        Hash(typed.eip712_signing_hash(&domain(self.chain_id)).0)
    }

    /// Signs with a session key of `account`.
    pub fn sign_in_session(self, account: AccountId, secret: &SessionSecret) -> SignedTransaction {
        let hash = self.session_hash(&account);
        let authorization = match secret {
            SessionSecret::Ed25519(secret) => {
                Authorization::Ed25519 { key: secret.key(), signature: secret.sign(&session_message(&hash)) }
            }
            SessionSecret::Secp256k1(secret) => {
                Authorization::Secp256k1 { key: secret.account(), signature: secret.sign(&hash) }
            }
        };
        SignedTransaction { sender: account, transaction: self, authorization }
    }
}

fn session_message(hash: &Hash) -> Vec<u8> {
    [SESSION_PREFIX, hash.0.as_slice()].concat()
}

/// The secret of a session key.
#[derive(Debug, Clone)]
pub enum SessionSecret {
    /// An ed25519 key.
    Ed25519(ServiceSecret),
    /// A secp256k1 key.
    Secp256k1(AccountSecret),
}

impl SessionSecret {
    /// The public key.
    pub fn key(&self) -> SessionKey {
        match self {
            Self::Ed25519(secret) => SessionKey::Ed25519(secret.key()),
            Self::Secp256k1(secret) => SessionKey::Secp256k1(secret.account()),
        }
    }
}

/// Whose signature a transaction carries.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Authorization {
    /// The account's own: `r ‖ s ‖ v` over [`Transaction::signing_hash`].
    Account([u8; 65]),
    /// An ed25519 session key's over [`Transaction::session_hash`].
    Ed25519 {
        /// The key.
        key: ServiceKey,
        /// Its signature.
        signature: ServiceSignature,
    },
    /// A secp256k1 session key's: `r ‖ s ‖ v` over [`Transaction::session_hash`].
    Secp256k1 {
        /// The key's address.
        key: AccountId,
        /// Its signature.
        signature: [u8; 65],
    },
}

impl Authorization {
    /// The session key, if it is one.
    pub fn session(&self) -> Option<SessionKey> {
        match self {
            Self::Account(_) => None,
            Self::Ed25519 { key, .. } => Some(SessionKey::Ed25519(*key)),
            Self::Secp256k1 { key, .. } => Some(SessionKey::Secp256k1(*key)),
        }
    }
}

/// A transaction with its sender and signature.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedTransaction {
    /// The account that acts.
    pub sender: AccountId,
    /// What.
    pub transaction: Transaction,
    /// By which key.
    pub authorization: Authorization,
}

impl SignedTransaction {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads canonical bytes of at most [`limits::TRANSACTION_BYTES_MAX`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::decode("transaction", bytes, limits::TRANSACTION_BYTES_MAX)
    }

    /// Checks that the signature is by the key that it names. Whether a session key may act is for the ledger to say.
    pub fn verify(&self) -> Result<(), KeyError> {
        let (signer, expected) = match &self.authorization {
            Authorization::Account(signature) => {
                (keys::recover(&self.transaction.signing_hash(), signature)?, &self.sender)
            }
            Authorization::Ed25519 { key, signature } => {
                let hash = self.transaction.session_hash(&self.sender);
                return keys::verify_service(key, &session_message(&hash), signature);
            }
            Authorization::Secp256k1 { key, signature } => {
                (keys::recover(&self.transaction.session_hash(&self.sender), signature)?, key)
            }
        };
        if signer == *expected { Ok(()) } else { Err(KeyError::SignatureWrong) }
    }

    /// The transaction's hash: Keccak-256 over its canonical bytes.
    pub fn hash(&self) -> Hash {
        keccak(&self.encode())
    }
}

/// A cumulative payment authorisation: the channel's gateway may claim up to this much in total (the voucher of
/// x402's `batch-settlement` scheme, in this network's EIP-712 domain).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voucher {
    /// EIP-155 chain id of the network.
    pub chain_id: u64,
    /// Which channel.
    pub channel: ChannelId,
    /// Everything that may be claimed so far.
    pub cumulative: Amount,
}

impl Voucher {
    /// The EIP-712 signing hash.
    pub fn signing_hash(&self) -> Hash {
        let typed = typed::Voucher {
            channelId: B256::from(self.channel.0),
            maxClaimableAmount: u128::from(self.cumulative.0),
        };
        Hash(typed.eip712_signing_hash(&domain(self.chain_id)).0)
    }

    /// Signs with the authorizer's key.
    pub fn sign(&self, authorizer: &AccountSecret) -> [u8; 65] {
        authorizer.sign(&self.signing_hash())
    }

    /// Checks that the signature is the authorizer's.
    pub fn verify(&self, authorizer: &AccountId, signature: &[u8; 65]) -> Result<(), KeyError> {
        let signer = keys::recover(&self.signing_hash(), signature)?;
        if signer == *authorizer { Ok(()) } else { Err(KeyError::SignatureWrong) }
    }
}

/// What a provider signs to let a receipt be refunded out of its tranche.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsentMessage {
    /// EIP-155 chain id of the network.
    pub chain_id: u64,
    /// The gateway of the receipt.
    pub gateway: AccountId,
    /// The receipt's number at the gateway.
    pub receipt: u64,
    /// Whose money comes back: the channel that paid for the receipt.
    pub channel: ChannelId,
    /// The epoch of the tranche.
    pub epoch: u64,
    /// Everything that it gives for the receipt so far.
    pub cumulative: Amount,
}

impl ConsentMessage {
    /// The EIP-712 signing hash.
    pub fn signing_hash(&self) -> Hash {
        let typed = typed::RefundConsent {
            gateway: alloy_primitives::Address::from(self.gateway.0),
            receipt: self.receipt,
            channel: self.channel.0.into(),
            epoch: self.epoch,
            maxRefundAmount: u128::from(self.cumulative.0),
        };
        Hash(typed.eip712_signing_hash(&domain(self.chain_id)).0)
    }

    /// Signs with the provider's key.
    pub fn sign(&self, provider: &AccountSecret) -> [u8; 65] {
        provider.sign(&self.signing_hash())
    }

    /// Checks that the signature is the provider's.
    pub fn verify(&self, provider: &AccountId, signature: &[u8; 65]) -> Result<(), KeyError> {
        let signer = keys::recover(&self.signing_hash(), signature)?;
        if signer == *provider { Ok(()) } else { Err(KeyError::SignatureWrong) }
    }
}

/// What an account signs to read what is not for everybody: one path of one gateway, for a short while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadMessage {
    /// EIP-155 chain id of the network.
    pub chain_id: u64,
    /// The gateway that is asked: what it is shown opens nothing at another one.
    pub gateway: AccountId,
    /// Path and query of the request.
    pub path: String,
    /// Until when, in milliseconds since the Unix epoch.
    pub valid_until_ms: u64,
}

impl ReadMessage {
    /// The EIP-712 signing hash.
    pub fn signing_hash(&self) -> Hash {
        let typed = typed::Read {
            gateway: alloy_primitives::Address::from(self.gateway.0),
            path: self.path.clone(),
            validUntilMs: self.valid_until_ms,
        };
        Hash(typed.eip712_signing_hash(&domain(self.chain_id)).0)
    }

    /// Signs with the reader's key.
    pub fn sign(&self, reader: &AccountSecret) -> [u8; 65] {
        reader.sign(&self.signing_hash())
    }

    /// Who signed it.
    ///
    /// # Errors
    /// The signature is malformed.
    pub fn signer(&self, signature: &[u8; 65]) -> Result<AccountId, KeyError> {
        keys::recover(&self.signing_hash(), signature)
    }
}

/// The id of the channel between two accounts with this salt.
pub fn channel_id(consumer: &AccountId, gateway: &AccountId, salt: &Hash) -> ChannelId {
    let mut bytes = Vec::with_capacity(72);
    bytes.extend_from_slice(&consumer.0);
    bytes.extend_from_slice(&gateway.0);
    bytes.extend_from_slice(&salt.0);
    ChannelId(keccak(&bytes).0)
}

/// JSON form of a 65-byte signature: `0x` and 130 hexadecimal digits.
pub mod signature_hex {
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the signature.
    pub fn serialize<S: Serializer>(bytes: &[u8; 65], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("0x{}", hex::encode(bytes)))
    }

    /// Reads the signature.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 65], D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0u8; 65];
        let digits = text.strip_prefix("0x").unwrap_or(&text);
        hex::decode_to_slice(digits, &mut bytes).map_err(serde::de::Error::custom)?;
        Ok(bytes)
    }
}
