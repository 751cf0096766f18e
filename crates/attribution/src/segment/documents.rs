//! The indexed texts: for each its commitment, its cluster, and where its words are. Absent: the texts themselves, and
//! the root over them (`proof::tree`).

use openledger_datanet::{ClusterId, ContributionId};

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
