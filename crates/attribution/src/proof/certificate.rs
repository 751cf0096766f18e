//! The certificate as bytes: for each segment what is opened of its trees, and for each span where it stands in each.
//!
//! Borsh, in one encoding. Bytes are hostile: no more than [`CERTIFICATE_BYTES_MAX`] are read, memory is bounded by
//! their number, and each of them counts: leaves and nodes lead to the root, claims are checked, and nothing may be there
//! that no claim reads. Absent: what is opened (`prove`), and whether it proves anything (`verify`).

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_datanet::merkle::Hash;

use super::claim::Place;
use super::tree::{Leaf, OrderNode};

/// The form of certificates.
pub const CERTIFICATE_VERSION: u16 = 1;

/// The longest certificate, in bytes.
pub const CERTIFICATE_BYTES_MAX: usize = 512 * 1024;

/// A proof that spans of an output stand in sealed texts as an attribution says.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Certificate {
    pub(super) version: u16,
    /// In the order of the datanets' names.
    pub(super) segments: Vec<SegmentProof>,
    /// In the order of the output.
    pub(super) spans: Vec<SpanProof>,
}

/// What is opened of a segment.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct SegmentProof {
    pub(super) words: u32,
    pub(super) documents: u32,
    pub(super) text: TreeProof<Hash>,
    pub(super) order: TreeProof<OrderNode>,
    pub(super) document_tree: TreeProof<Hash>,
}

/// What is opened of a tree: leaves with their places, rising, and the nodes that lead from them to the root.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct TreeProof<N: Leaf> {
    pub(super) leaves: Vec<(u32, Vec<u8>)>,
    pub(super) path: Vec<N>,
}

/// Where a span stands.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct SpanProof {
    /// Its first word in the output.
    pub(super) start: u32,
    /// One past its last word.
    pub(super) end: u32,
    /// One for each segment.
    pub(super) places: Vec<Place>,
    /// Where the span with the word of the output before it, and with the one behind it, stand in the segment of its
    /// owner; none where the output ends, or where the span occurs there once.
    pub(super) sides: [Option<Place>; 2],
}

/// Why a certificate proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// It has more bytes than are read.
    #[error(
        "the certificate has {bytes} bytes, more than {CERTIFICATE_BYTES_MAX}; recompute the answer instead"
    )]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The bytes are no certificate.
    #[error("the certificate cannot be read; ask for it again where the answer came from")]
    Malformed,
    /// It is of another version.
    #[error(
        "the certificate is of version {found}, not {CERTIFICATE_VERSION}; verify it with a program of that version"
    )]
    Version {
        /// Its version.
        found: u16,
    },
    /// The sealed indexes are not named once each, in the order of their names.
    #[error("the sealed indexes are not in the order of their names; name each datanet once, in order")]
    Indexes,
    /// It is not of as many indexes as there are.
    #[error(
        "the certificate is of {found} indexes, not of the {expected} that were searched; ask for one of all of them"
    )]
    Segments {
        /// Of how many it is.
        found: usize,
        /// Of how many it must be.
        expected: usize,
    },
    /// What is opened does not lead to the sealed root.
    #[error("what the certificate shows of {datanet} is not in its sealed index; it proves nothing")]
    Root {
        /// The datanet.
        datanet: String,
    },
    /// The answer is beyond the limits of attribution, or is not the one of the certificate.
    #[error("the answer has no words {start} to {end}; the certificate is of another answer")]
    Output {
        /// The first word that was looked for.
        start: u32,
        /// One past the last.
        end: u32,
    },
    /// The spans are not in order.
    #[error("the spans of the certificate are not in the order of the answer; it is damaged")]
    Order,
    /// A claim does not hold, or is not shown.
    #[error(
        "the certificate does not show that words {start} to {end} stand in {datanet} as it says; it proves nothing"
    )]
    Claim {
        /// The span's first word in the answer.
        start: u32,
        /// One past its last word.
        end: u32,
        /// The datanet.
        datanet: String,
    },
    /// A span stands nowhere, or is worth nothing.
    #[error(
        "words {start} to {end} of the answer are no paid span: no text holds them, or they are worth nothing"
    )]
    Unpaid {
        /// The span's first word in the answer.
        start: u32,
        /// One past its last word.
        end: u32,
    },
    /// Something is opened that nothing needs.
    #[error("the certificate shows more of {datanet} than its spans need; it is not in its one form")]
    Unused {
        /// The datanet.
        datanet: String,
    },
}

impl Certificate {
    /// The only encoding of this certificate.
    pub fn to_bytes(&self) -> Vec<u8> {
        borsh::to_vec(self).expect("writing to memory does not fail")
    }

    /// Reads a certificate. Nothing is verified.
    ///
    /// # Errors
    /// Too many bytes, bytes that are no certificate, or another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CertificateFault> {
        if bytes.len() > CERTIFICATE_BYTES_MAX {
            return Err(CertificateFault::TooLong { bytes: bytes.len() });
        }
        let version = bytes.first_chunk().map(|version| u16::from_le_bytes(*version));
        match version.ok_or(CertificateFault::Malformed)? {
            CERTIFICATE_VERSION => borsh::from_slice(bytes).map_err(|_| CertificateFault::Malformed),
            found => Err(CertificateFault::Version { found }),
        }
    }

    /// How many spans it is of.
    pub fn span_count(&self) -> usize {
        self.spans.len()
    }
}
