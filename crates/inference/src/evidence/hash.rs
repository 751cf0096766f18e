//! Hashes, and what is hashed where.
//!
//! Rule: every use of the hash begins with its own name, so that what is committed to in one place stands
//! for nothing in another; and with the salt, because prompts can be guessed.
//! Absent: the choice of what is committed to.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A SHA-256 hash; 64 hexadecimal digits in text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> String {
        hash.to_string()
    }
}

/// A text is no hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a hash of 64 hexadecimal digits")]
pub struct NotAHash {
    text: String,
}

impl TryFrom<String> for Hash {
    type Error = NotAHash;

    fn try_from(text: String) -> Result<Hash, NotAHash> {
        let mut bytes = [0; 32];
        match hex::decode_to_slice(&text, &mut bytes) {
            Ok(()) => Ok(Hash(bytes)),
            Err(_) => Err(NotAHash { text }),
        }
    }
}

/// The salted hash of a list of tokens, which the list's use (`domain`) tells from others.
pub(crate) fn hash_tokens(domain: &str, salt: &[u8; 32], tokens: &[u32]) -> Hash {
    let mut hasher = hasher(domain, salt);
    for token in tokens {
        hasher.update(token.to_le_bytes());
    }
    Hash(hasher.finalize().into())
}

/// A hasher that separates the uses of the hash from each other.
pub(crate) fn hasher(domain: &str, salt: &[u8; 32]) -> Sha256 {
    let mut hasher = Sha256::new();
    hasher.update(b"openledger inference evidence 2\0");
    hasher.update(domain.as_bytes());
    hasher.update([0]);
    hasher.update(salt);
    hasher
}
