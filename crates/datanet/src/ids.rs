//! Identifiers that are hashes of content. Each is its own type, so that a cluster cannot be paid as a contribution.
//! Absent: names given by people; a datanet is named by a slug which the ledger owns.

use std::fmt;
use std::str::FromStr;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hexadecimal;

macro_rules! hash_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// The raw bytes.
            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hexadecimal::encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                hexadecimal::decode(text)
                    .map(Self)
                    .ok_or(concat!("not ", $kind, ": expected 0x and 64 lower-case hexadecimal digits"))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                hexadecimal::fixed::serialize(&self.0, serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                hexadecimal::fixed::deserialize(deserializer).map(Self)
            }
        }
    };
}

hash_id!(
    /// A contribution: SHA-256 of its canonical encoding, authors and accounts included.
    ContributionId,
    "a contribution id"
);
hash_id!(
    /// A cluster: SHA-256 of a text's folded words. Texts that differ only in case, punctuation or white space share it.
    ClusterId,
    "a cluster id"
);

/// The longest datanet name, in bytes.
pub const DATANET_NAME_BYTES_MAX: usize = 64;

/// Whether `name` can name a datanet: 1 to 64 of a-z, 0-9, '.', '-', '_', starting with a letter or digit.
pub fn is_datanet_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let starts_well = bytes.first().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let is_plain =
        bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_'));
    starts_well && is_plain && bytes.len() <= DATANET_NAME_BYTES_MAX
}
