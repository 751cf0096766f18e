//! What an outsider needs to know a network by: its number, its first state and its validators.
//!
//! Rule: the same validators and first state give the same identity, byte for byte. The genesis hash covers the chain
//! id, the validators and the first state; certificates are signed under a namespace that contains it, so a
//! certificate of one network proves nothing on another.
//! Absent: addresses of nodes, secrets.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use commonware_codec::{Copying, DecodeExt as _, Encode as _};
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_cryptography::{Signer as _, bls12381, ed25519, sha256};
use commonware_utils::ordered::Set;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::beacon::BeaconKey;
use crate::limits::{IDENTITY_BYTES_MAX, VALIDATORS_MAX};

const GENESIS_DOMAIN: &[u8] = b"openledger-genesis-v2";
const STATE_DOMAIN: &[u8] = b"openledger-genesis-state-v1";
const NAMESPACE: &[u8] = b"openledger-chain-v1";

macro_rules! hex_bytes {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// The raw bytes.
            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = IdentityError;

            fn from_str(text: &str) -> Result<Self, IdentityError> {
                let mut bytes = [0; 32];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| IdentityError::Hex {
                    text: text.chars().take(80).collect(),
                    digits: 64,
                })?;
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

hex_bytes! {
    /// A SHA-256 digest: of a block, a transaction, a state root. Written as 64 hexadecimal digits.
    Digest
}

hex_bytes! {
    /// The ed25519 public key of a validator. Written as 64 hexadecimal digits.
    ValidatorKey
}

impl From<sha256::Digest> for Digest {
    fn from(digest: sha256::Digest) -> Self {
        Self(digest.0)
    }
}

impl From<Digest> for sha256::Digest {
    fn from(digest: Digest) -> Self {
        Self(digest.0)
    }
}

impl ValidatorKey {
    /// The public key that belongs to a secret seed of 32 bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let encoded = private_key(seed).public_key().encode();
        let mut bytes = [0; 32];
        bytes.copy_from_slice(&encoded);
        Self(bytes)
    }

    pub(crate) fn public_key(&self) -> Result<ed25519::PublicKey, IdentityError> {
        ed25519::PublicKey::decode(Copying(&self.0)).map_err(|_| IdentityError::NotAKey { key: *self })
    }
}

pub(crate) fn private_key(seed: &[u8; 32]) -> ed25519::PrivateKey {
    ed25519::PrivateKey::decode(Copying(seed)).expect("every 32 bytes are an ed25519 seed")
}

/// The hash that names a transaction: SHA-256 of its bytes.
pub fn transaction_hash(transaction: &[u8]) -> Digest {
    Digest(Sha256::digest(transaction).into())
}

/// Why a network identity is not usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Not hexadecimal digits, or not as many as there must be.
    #[error("{text:?} is not {digits} hexadecimal digits")]
    Hex {
        /// What was given, cut to 80 characters.
        text: String,
        /// How many were expected.
        digits: usize,
    },
    /// Not JSON of the expected shape.
    #[error(
        "the network identity cannot be read: {reason}; expected name, chain_id, genesis_hash, validators"
    )]
    Json {
        /// What the parser said.
        reason: String,
    },
    /// The file is larger than any identity.
    #[error("the network identity has {bytes} bytes, more than the {IDENTITY_BYTES_MAX} allowed")]
    TooLarge {
        /// The size found.
        bytes: usize,
    },
    /// No validators, or too many.
    #[error("a network has 1 to {VALIDATORS_MAX} validators, this identity names {count}")]
    Validators {
        /// How many were named.
        count: usize,
    },
    /// One validator is named twice.
    #[error("validator {key} is named twice")]
    Repeated {
        /// The repeated key.
        key: ValidatorKey,
    },
    /// The bytes are no point of the curve.
    #[error("{key} is not an ed25519 public key")]
    NotAKey {
        /// The offending bytes.
        key: ValidatorKey,
    },
    /// The bytes are no point of the beacon's curve.
    #[error("{key} is not a BLS12-381 public key")]
    NotABeaconKey {
        /// The offending bytes.
        key: BeaconKey,
    },
}

/// A validator as the network knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validator {
    /// Signs proposals and votes.
    pub key: ValidatorKey,
    /// Signs what the randomness of its blocks is made from.
    pub beacon: BeaconKey,
}

impl Validator {
    /// The validator that belongs to a secret seed of 32 bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self { key: ValidatorKey::from_seed(seed), beacon: BeaconKey::from_seed(seed) }
    }
}

/// The public identity of a network: all that an offline verifier needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkIdentity {
    /// For people; not covered by the genesis hash.
    pub name: String,
    /// The network's number, the same that users sign.
    pub chain_id: u64,
    /// Covers chain id, validators and the first state.
    pub genesis_hash: Digest,
    /// The validators, sorted by their keys.
    pub validators: Vec<Validator>,
}

impl NetworkIdentity {
    /// The identity of the network with these validators (in any order) and this first state.
    pub fn new(
        name: &str,
        chain_id: u64,
        mut validators: Vec<Validator>,
        genesis: &BTreeMap<Vec<u8>, Vec<u8>>,
    ) -> Self {
        validators.sort_unstable();
        let genesis_hash = genesis_hash(chain_id, &validators, genesis);
        Self { name: name.to_owned(), chain_id, genesis_hash, validators }
    }

    /// Reads an identity and checks its shape.
    pub fn from_json(text: &str) -> Result<Self, IdentityError> {
        if text.len() > IDENTITY_BYTES_MAX {
            return Err(IdentityError::TooLarge { bytes: text.len() });
        }
        let identity: Self =
            serde_json::from_str(text).map_err(|error| IdentityError::Json { reason: error.to_string() })?;
        identity.participants()?;
        Ok(identity)
    }

    /// As indented JSON, ending in a newline.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("strings and numbers are JSON");
        text.push('\n');
        text
    }

    /// Whether the identity belongs to this first state.
    pub fn matches_genesis(&self, genesis: &BTreeMap<Vec<u8>, Vec<u8>>) -> bool {
        let mut validators = self.validators.clone();
        validators.sort_unstable();
        self.genesis_hash == genesis_hash(self.chain_id, &validators, genesis)
    }

    pub(crate) fn participants(&self) -> Result<Set<ed25519::PublicKey>, IdentityError> {
        if self.validators.is_empty() || self.validators.len() > VALIDATORS_MAX {
            return Err(IdentityError::Validators { count: self.validators.len() });
        }
        let mut seen = std::collections::BTreeSet::new();
        let mut keys = Vec::with_capacity(self.validators.len());
        for Validator { key, beacon } in &self.validators {
            if !seen.insert(*key) {
                return Err(IdentityError::Repeated { key: *key });
            }
            beacon.public_key()?;
            keys.push(key.public_key()?);
        }
        Ok(Set::from_iter_dedup(keys))
    }

    /// The key with which each validator reveals.
    pub(crate) fn beacons(&self) -> Result<BTreeMap<ed25519::PublicKey, bls12381::PublicKey>, IdentityError> {
        let pair = |validator: &Validator| Ok((validator.key.public_key()?, validator.beacon.public_key()?));
        self.validators.iter().map(pair).collect()
    }

    /// The namespace of every signature of consensus: version, chain id, genesis hash.
    pub(crate) fn namespace(&self) -> Vec<u8> {
        [NAMESPACE, &self.chain_id.to_be_bytes(), &self.genesis_hash.0].concat()
    }

    pub(crate) fn verifier(&self) -> Result<Scheme, IdentityError> {
        Ok(Scheme::verifier(&self.namespace(), self.participants()?))
    }
}

fn genesis_hash(chain_id: u64, validators: &[Validator], genesis: &BTreeMap<Vec<u8>, Vec<u8>>) -> Digest {
    let mut state = Sha256::new();
    state.update(STATE_DOMAIN);
    state.update((genesis.len() as u64).to_be_bytes());
    for (key, value) in genesis {
        state.update((key.len() as u64).to_be_bytes());
        state.update(key);
        state.update((value.len() as u64).to_be_bytes());
        state.update(value);
    }
    let mut hasher = Sha256::new();
    hasher.update(GENESIS_DOMAIN);
    hasher.update(chain_id.to_be_bytes());
    hasher.update((validators.len() as u64).to_be_bytes());
    for validator in validators {
        hasher.update(validator.key.0);
        hasher.update(validator.beacon.0);
    }
    hasher.update(state.finalize());
    Digest(hasher.finalize().into())
}
