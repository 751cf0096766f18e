//! The indexed texts: for each its commitment, its cluster, and where its words are; and the root over them.
//!
//! The root says all that follows from the texts and nothing of how they are stored: a Merkle root over the head (the
//! splitter's version, the datanet's name) and each document's commitment. A contribution's id holds its text, so two
//! segments of one root have the same words in the same order, and the same suffixes. Absent: the texts themselves.

use openledger_datanet::{ClusterId, ContributionId, merkle, words::WORDS_VERSION};

/// How many bytes a document takes.
pub(crate) const DOCUMENT_BYTES: usize = 80;

/// One indexed text: the owner of its cluster in this snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) sequence: u64,
    pub(crate) cluster: ClusterId,
    pub(crate) contribution: ContributionId,
    /// The words and document ends before it.
    pub(crate) first_entry: u32,
    /// The length of its text in bytes.
    pub(crate) text_bytes: u32,
}

impl Document {
    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.sequence.to_le_bytes());
        bytes.extend_from_slice(&self.cluster.0);
        bytes.extend_from_slice(&self.contribution.0);
        bytes.extend_from_slice(&self.first_entry.to_le_bytes());
        bytes.extend_from_slice(&self.text_bytes.to_le_bytes());
    }

    pub(crate) fn read(row: &[u8; DOCUMENT_BYTES]) -> Self {
        let (words, _) = row.as_chunks::<8>();
        let (hashes, _) = row[8..].as_chunks::<32>();
        let (numbers, _) = row[72..].as_chunks::<4>();
        Self {
            sequence: u64::from_le_bytes(words[0]),
            cluster: ClusterId(hashes[0]),
            contribution: ContributionId(hashes[1]),
            first_entry: u32::from_le_bytes(numbers[0]),
            text_bytes: u32::from_le_bytes(numbers[1]),
        }
    }
}

/// The root of a segment over these documents.
pub(crate) fn root_of(datanet: &str, documents: &[Document]) -> [u8; 32] {
    let domain = b"openledger/index/2".as_slice();
    let head = [domain, &WORDS_VERSION.to_le_bytes(), datanet.as_bytes()].concat();
    let leaf = |document: &Document| {
        let sequence = document.sequence.to_le_bytes();
        merkle::leaf_hash(&[domain, &sequence, &document.cluster.0, &document.contribution.0].concat())
    };
    let leaves: Vec<_> =
        std::iter::once(merkle::leaf_hash(&head)).chain(documents.iter().map(leaf)).collect();
    merkle::root(&leaves)
}
