//! The file that a person keeps: the envelope, and when they are known, the texts, the certificate of their spans, what an
//! auditor replays the answer from, and the path into the chain's state.
//! JSON in one line; one receipt has exactly one encoding, and every other byte sequence is refused.
//! Absent: reading and writing the disk.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openledger_types::Hash;
use serde::{Deserialize, Serialize};

use crate::{Envelope, ReceiptError, Statement};

/// The first field of every file.
pub const FILE_FORMAT: &str = "openledger-receipt/1";
/// Bytes of the longest file.
pub const FILE_BYTES_MAX: usize = 1024 * 1024;

/// The texts, and the salt that ties them to the statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// The salt of this request: `0x` and 64 hexadecimal digits in JSON.
    #[serde(with = "salt_text")]
    pub salt: [u8; 32],
    /// The raw body of the request as it was received.
    pub request: String,
    /// The answer as it was given.
    pub answer: String,
}

/// Where the receipt stands in its batch, and proofs of the records that it depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inclusion {
    /// Number of the batch at its gateway.
    pub batch: u64,
    /// Place of the receipt in the batch, from 0.
    pub index: u32,
    /// How many receipts the batch has.
    pub leaves: u32,
    /// From the receipt's leaf to the batch's root.
    pub path: Vec<Hash>,
    /// Proofs of the records in [`crate::required_keys`], lower-case hexadecimal, as the chain encodes them.
    pub proofs: Vec<String>,
}

/// A receipt with what is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptFile {
    /// The signed statement.
    pub envelope: Envelope,
    /// The texts, when their owner adds them.
    pub opening: Option<Opening>,
    /// The certificate of the paid spans, which shows pieces of the texts: in no file without them.
    pub certificate: Option<Vec<u8>>,
    /// What an auditor replays the answer from: the tokens of the texts, so it is in no file without them. The engine that
    /// made it defines its bytes.
    pub material: Option<Vec<u8>>,
    /// The way into the chain's state, once the batch is settled.
    pub inclusion: Option<Inclusion>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    format: String,
    envelope: Envelope,
    #[serde(skip_serializing_if = "Option::is_none")]
    opening: Option<Opening>,
    /// Standard base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
    /// Standard base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    material: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inclusion: Option<Inclusion>,
}

impl ReceiptFile {
    /// The only encoding of this receipt.
    pub fn to_bytes(&self) -> Vec<u8> {
        let text = FileText {
            format: FILE_FORMAT.to_owned(),
            envelope: self.envelope.clone(),
            opening: self.opening.clone(),
            certificate: self.certificate.as_ref().map(|bytes| STANDARD.encode(bytes)),
            material: self.material.as_ref().map(|bytes| STANDARD.encode(bytes)),
            inclusion: self.inclusion.clone(),
        };
        serde_json::to_vec(&text).expect("text, numbers and lists always have a JSON form")
    }

    /// Reads a file of at most [`FILE_BYTES_MAX`] bytes. Nothing is verified.
    ///
    /// # Errors
    /// The file is too long, malformed, or not in its canonical form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ReceiptError> {
        const KIND: &str = "the receipt file";
        if bytes.len() > FILE_BYTES_MAX {
            return Err(ReceiptError::TooLong { kind: KIND, bytes: bytes.len(), bytes_max: FILE_BYTES_MAX });
        }
        let malformed = |reason: String| ReceiptError::Malformed { kind: KIND, reason };
        let text: FileText = serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
        if text.format != FILE_FORMAT {
            return Err(malformed(format!("its format is not {FILE_FORMAT}")));
        }
        let decoded = |what: &str, text: &Option<String>| {
            let bytes = text.as_ref().map(|text| STANDARD.decode(text)).transpose();
            bytes.map_err(|error| malformed(format!("its {what}: {error}")))
        };
        let certificate = decoded("certificate", &text.certificate)?;
        let material = decoded("material", &text.material)?;
        let FileText { envelope, opening, inclusion, .. } = text;
        let file = Self { envelope, opening, certificate, material, inclusion };
        let proofs = file.inclusion.iter().flat_map(|inclusion| &inclusion.proofs);
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let canonical = proofs.clone().all(|proof| proof.len() % 2 == 0 && proof.bytes().all(digit));
        if !canonical || file.to_bytes() != bytes {
            return Err(ReceiptError::NotCanonical { kind: KIND });
        }
        Ok(file)
    }

    /// The statement in the envelope. Nothing is verified.
    ///
    /// # Errors
    /// The payload is not a statement.
    pub fn statement(&self) -> Result<Statement, ReceiptError> {
        Statement::from_payload(&self.envelope.payload)
    }
}

mod salt_text {
    use openledger_types::Hash;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(salt: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        Hash(*salt).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        Hash::deserialize(deserializer).map(|hash| hash.0)
    }
}
