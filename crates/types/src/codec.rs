//! The canonical encoding: Borsh (borsh.io specification). One value has one encoding, so hashes and signatures
//! over it mean the value. Decoding takes a byte limit and refuses trailing bytes.
//! Absent: self-description; the reader knows what it reads.

use borsh::{BorshDeserialize, BorshSerialize};

/// Where the buffer of an encoding begins; keys and most records fit.
const SMALL_BYTES: usize = 96;

/// Why bytes are not a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// More bytes than the limit for this kind of value.
    #[error("{kind} has {bytes} bytes, more than the limit of {bytes_max}")]
    TooLong {
        /// What was decoded.
        kind: &'static str,
        /// How many bytes were given.
        bytes: usize,
        /// How many are allowed.
        bytes_max: usize,
    },
    /// The bytes do not follow the encoding.
    #[error("{kind} is malformed: {reason}")]
    Malformed {
        /// What was decoded.
        kind: &'static str,
        /// What the decoder found.
        reason: String,
    },
}

/// The canonical bytes of a value.
pub fn encode<T: BorshSerialize>(value: &T) -> Vec<u8> {
    // Most values are keys and small records; the library's own buffer begins at a kilobyte.
    let mut bytes = Vec::with_capacity(SMALL_BYTES);
    value.serialize(&mut bytes).expect("writing to memory cannot fail and no collection exceeds u32::MAX");
    bytes
}

/// Reads a value of at most `bytes_max` bytes; `kind` names it in errors.
pub fn decode<T: BorshDeserialize>(
    kind: &'static str,
    bytes: &[u8],
    bytes_max: usize,
) -> Result<T, DecodeError> {
    if bytes.len() > bytes_max {
        return Err(DecodeError::TooLong { kind, bytes: bytes.len(), bytes_max });
    }
    T::try_from_slice(bytes).map_err(|error| DecodeError::Malformed { kind, reason: error.to_string() })
}
