//! Identifiers. Each is a newtype without casual conversion, so that a datanet cannot be passed where a model is
//! meant. Hashes are 32 bytes, accounts are Ethereum-style addresses of 20 bytes, names are short slugs.
//! Absent: any lookup from a display name to an id; that belongs to read models.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is not the identifier it claims to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is not `0x` followed by the right number of hexadecimal digits.
    #[error("{text:?} is not {kind}: expected 0x and {digits} hexadecimal digits")]
    Hex {
        /// What was expected, for example "an account address".
        kind: &'static str,
        /// What was given (cut to 80 characters).
        text: String,
        /// How many digits were expected.
        digits: usize,
    },
    /// The text is not a slug.
    #[error(
        "{text:?} is not a name: use 1 to 64 characters of a-z, 0-9, '.', '-' and '_', starting with a letter or digit"
    )]
    Name {
        /// What was given (cut to 80 characters).
        text: String,
    },
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

macro_rules! bytes_id {
    ($(#[$doc:meta])* $name:ident, $length:expr, $kind:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
        pub struct $name(pub [u8; $length]);

        impl $name {
            /// The raw bytes.
            pub fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "0x{}", hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let wrong = || IdError::Hex { kind: $kind, text: shortened(text), digits: $length * 2 };
                let digits = text.strip_prefix("0x").ok_or_else(wrong)?;
                let mut bytes = [0u8; $length];
                hex::decode_to_slice(digits, &mut bytes).map_err(|_| wrong())?;
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
                let text = <String as Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

bytes_id!(
    /// An account: the last 20 bytes of the Keccak-256 hash of an uncompressed secp256k1 public key (Ethereum
    /// yellow paper, appendix F).
    AccountId, 20, "an account address"
);
bytes_id!(
    /// A 32-byte hash. The domain it was made in is stated where it is used.
    Hash, 32, "a hash"
);

impl Hash {
    /// Stands for a hash that nobody can know, as of the weights behind somebody's engine.
    pub const UNKNOWN: Self = Self([0; 32]);

    /// Whether it stands for one that nobody can know.
    pub fn is_unknown(&self) -> bool {
        *self == Self::UNKNOWN
    }
}

bytes_id!(
    /// The content hash of one contribution: SHA-256 over its canonical encoding in the `datanet` crate.
    ContributionId, 32, "a contribution id"
);
bytes_id!(
    /// A payment channel from one consumer to one gateway: Keccak-256 over (consumer, gateway, salt).
    ChannelId, 32, "a channel id"
);
bytes_id!(
    /// An ed25519 public key (RFC 8032) of a hot service: it signs receipts, never transactions that move stake.
    ServiceKey, 32, "a service key"
);

/// A short unique name of a datanet or model: 1 to 64 characters of `a-z`, `0-9`, `.`, `-` and `_`.
/// Construction is the only validation; parsing, deserialising and decoding all go through it. Copies share one text,
/// because a batch names the same few names in each of its thousands of lines.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// The longest name, in bytes.
    pub const LENGTH_MAX: usize = 64;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
        let starts_well = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if text.len() <= Self::LENGTH_MAX && starts_well && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(IdError::Name { text: shortened(text) })
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({})", self.0)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as Deserialize>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl BorshSerialize for Name {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        BorshSerialize::serialize(self.as_str(), writer)
    }
}

impl BorshDeserialize for Name {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        let text = String::deserialize_reader(reader)?;
        text.parse().map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error))
    }
}
