//! Keys: secp256k1 for accounts (Ethereum addresses, recoverable signatures, EIP-2 low s) and ed25519 for service
//! keys (RFC 8032, strict verification). Absent: key files and randomness; the caller brings 32 secret bytes.

use alloy_primitives::keccak256;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, PublicKey, SecretKey};

use crate::{AccountId, Hash, ServiceKey};

/// Why bytes are not a key or a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The secret is zero or not below the order of the curve.
    #[error("the secret is not a secp256k1 key; generate another")]
    SecretInvalid,
    /// The signature does not have a canonical form.
    #[error("the signature is malformed; sign again")]
    SignatureMalformed,
    /// The signature is of another key or another message.
    #[error("the signature is not by the expected key over this message")]
    SignatureWrong,
}

/// The secret key of an account. Never printed.
#[derive(Clone)]
pub struct AccountSecret(SecretKey);

impl std::fmt::Debug for AccountSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AccountSecret({})", self.account())
    }
}

impl AccountSecret {
    /// The key with these secret bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, KeyError> {
        SecretKey::from_secret_bytes(bytes).map(Self).map_err(|_| KeyError::SecretInvalid)
    }

    /// The secret bytes, for a key file.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_secret_bytes()
    }

    /// The account of this key.
    pub fn account(&self) -> AccountId {
        address(&PublicKey::from_secret_key(&self.0))
    }

    /// Signs a digest: 65 bytes `r ‖ s ‖ v` with `v` 27 or 28, deterministic (RFC 6979), low `s`.
    pub fn sign(&self, digest: &Hash) -> [u8; 65] {
        let signature = RecoverableSignature::sign_ecdsa_recoverable(Message::from_digest(digest.0), &self.0);
        let (recovery, compact) = signature.serialize_compact();
        let mut bytes = [0u8; 65];
        bytes[..64].copy_from_slice(&compact);
        bytes[64] = 27 + u8::from(recovery == RecoveryId::One);
        bytes
    }
}

/// The account whose key signed `digest`. Refuses high `s` and any `v` but 27 and 28, so that one signature has one
/// encoding.
pub fn recover(digest: &Hash, signature: &[u8; 65]) -> Result<AccountId, KeyError> {
    let recovery = match signature[64] {
        27 => RecoveryId::Zero,
        28 => RecoveryId::One,
        _ => return Err(KeyError::SignatureMalformed),
    };
    let parsed = RecoverableSignature::from_compact(&signature[..64], recovery)
        .map_err(|_| KeyError::SignatureMalformed)?;
    let mut normalized = parsed.to_standard();
    normalized.normalize_s();
    if normalized != parsed.to_standard() {
        return Err(KeyError::SignatureMalformed);
    }
    let key = parsed.recover_ecdsa(Message::from_digest(digest.0)).map_err(|_| KeyError::SignatureWrong)?;
    Ok(address(&key))
}

fn address(key: &PublicKey) -> AccountId {
    let hash = keccak256(&key.serialize_uncompressed()[1..]);
    let mut account = [0u8; 20];
    account.copy_from_slice(&hash[12..]);
    AccountId(account)
}

/// Keccak-256, as Ethereum uses it.
pub fn keccak(bytes: &[u8]) -> Hash {
    Hash(keccak256(bytes).0)
}

/// A 64-byte ed25519 signature.
pub type ServiceSignature = [u8; 64];

/// The secret of a service key. Never printed.
#[derive(Clone)]
pub struct ServiceSecret(SigningKey);

impl std::fmt::Debug for ServiceSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ServiceSecret({})", self.key())
    }
}

impl ServiceSecret {
    /// The key with this seed.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&bytes))
    }

    /// The public key.
    pub fn key(&self) -> ServiceKey {
        ServiceKey(self.0.verifying_key().to_bytes())
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> ServiceSignature {
        self.0.sign(message).to_bytes()
    }
}

/// Checks an ed25519 signature strictly (no small-order keys, canonical encodings only).
pub fn verify_service(
    key: &ServiceKey,
    message: &[u8],
    signature: &ServiceSignature,
) -> Result<(), KeyError> {
    let key = VerifyingKey::from_bytes(&key.0).map_err(|_| KeyError::SignatureMalformed)?;
    let signature = ed25519_dalek::Signature::from_bytes(signature);
    key.verify_strict(message, &signature).map_err(|_| KeyError::SignatureWrong)
}
