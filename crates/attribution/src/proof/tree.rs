//! The three trees under a segment's root, and the root.
//!
//! Entries are the words of all texts in the order of commitment, an end behind each text, which sorts first and is
//! written as the empty word; ranks number the words in the order of their suffixes. All leaves and nodes are those of
//! `openledger_datanet::merkle`. So the root says what the texts give, and nothing of how a segment stores it.
//!
//! - *text*: a leaf holds 16 entries, each as its length in LEB128 and its folded bytes.
//! - *order*: a leaf holds 16 ranks, each as its entry (u32) and how many words its suffix shares with that of the rank
//!   before it (u16; up to the end of either text, and [`SHARED_MAX`] at most; the first rank 0). A node also says the
//!   least entry and the least number of shared words below it: a span's earliest text, and that it holds throughout.
//! - *documents*: a leaf holds one text: its sequence, cluster, contribution, first entry, and how many words it has.
//!
//! A segment stores the nodes of level 5 alone; what is below them is computed again when it is opened. Absent: how they
//! grow (`segment::trees`).

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_datanet::merkle::{self, Hash, inner_hash, leaf_hash};
use openledger_datanet::multiproof::{Node, next_level};
use openledger_datanet::words::WORDS_VERSION;
use openledger_datanet::{ClusterId, ContributionId};

use crate::parameters::OUTPUT_WORDS_MAX;
use crate::segment::{Document, write_length};

/// Entries, or ranks, of one leaf.
pub(crate) const LEAF: usize = 16;

/// The level of the nodes that a segment stores.
pub(crate) const STORED_LEVEL: usize = 5;

/// Leaves under a stored node.
pub(crate) const GROUP: usize = 1 << STORED_LEVEL;

/// The most shared words that are told apart: no span has more.
pub(crate) const SHARED_MAX: usize = OUTPUT_WORDS_MAX;

/// One word of a segment in the order of suffixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rank {
    pub(crate) entry: u32,
    pub(crate) shared: u16,
}

/// A node of the tree of the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct OrderNode {
    pub(crate) hash: Hash,
    pub(crate) least_entry: u32,
    pub(crate) least_shared: u16,
}

impl OrderNode {
    fn leaf(ranks: &[Rank], data: &[u8]) -> Self {
        Self {
            hash: leaf_hash(data),
            least_entry: ranks.iter().map(|rank| rank.entry).min().unwrap_or(u32::MAX),
            least_shared: ranks.iter().map(|rank| rank.shared).min().unwrap_or(0),
        }
    }
}

impl OrderNode {
    /// The node as those above it are over it.
    fn bytes(&self) -> [u8; 38] {
        let mut bytes = [0; 38];
        bytes[..32].copy_from_slice(&self.hash);
        bytes[32..36].copy_from_slice(&self.least_entry.to_le_bytes());
        bytes[36..].copy_from_slice(&self.least_shared.to_le_bytes());
        bytes
    }
}

impl Node for OrderNode {
    fn join(left: &Self, right: &Self) -> Self {
        Self {
            hash: inner_hash(&[&left.bytes(), &right.bytes()]),
            least_entry: left.least_entry.min(right.least_entry),
            least_shared: left.least_shared.min(right.least_shared),
        }
    }
}

/// A tree as a segment stores it and a certificate opens it.
pub(crate) trait Leaf: Node + BorshSerialize + BorshDeserialize {
    /// How many bytes a node takes.
    const BYTES: usize;
    /// The node of a leaf with this content; `None` when no leaf has it.
    fn of(data: &[u8]) -> Option<Self>;
    /// The hash by which the root of the segment names this node as a tree's root, over all that it says.
    fn hash(&self) -> Hash;
}

impl Leaf for Hash {
    const BYTES: usize = 32;

    fn of(data: &[u8]) -> Option<Self> {
        Some(leaf_hash(data))
    }

    fn hash(&self) -> Hash {
        *self
    }
}

impl Leaf for OrderNode {
    const BYTES: usize = 38;

    fn of(data: &[u8]) -> Option<Self> {
        Some(Self::leaf(&read_ranks(data)?, data))
    }

    fn hash(&self) -> Hash {
        inner_hash(&[&self.bytes()])
    }
}

/// Appends a word, or an empty one for the end of a text, to a leaf of the text.
pub(crate) fn write_entry(word: &[u8], data: &mut Vec<u8>) {
    write_length(word.len(), data);
    data.extend_from_slice(word);
}

/// A rank in a leaf of the order.
pub(crate) fn rank_bytes(rank: Rank) -> [u8; 6] {
    let ([a, b, c, d], [e, f]) = (rank.entry.to_le_bytes(), rank.shared.to_le_bytes());
    [a, b, c, d, e, f]
}

/// Appends a rank to a leaf of the order.
pub(crate) fn write_rank(rank: Rank, data: &mut Vec<u8>) {
    data.extend_from_slice(&rank_bytes(rank));
}

/// The ranks of a leaf.
pub(crate) fn read_ranks(data: &[u8]) -> Option<Vec<Rank>> {
    let (rows, rest) = data.as_chunks::<6>();
    let read = |row: &[u8; 6]| Rank {
        entry: u32::from_le_bytes([row[0], row[1], row[2], row[3]]),
        shared: u16::from_le_bytes([row[4], row[5]]),
    };
    (rest.is_empty() && (1..=LEAF).contains(&rows.len())).then(|| rows.iter().map(read).collect())
}

/// What is proven of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct DocumentLeaf {
    pub(crate) sequence: u64,
    cluster: Hash,
    contribution: Hash,
    pub(crate) first_entry: u32,
    pub(crate) words: u32,
}

impl DocumentLeaf {
    /// The leaf of a document behind which the entry `next` follows.
    pub(crate) fn new(document: &Document, next: u32) -> Self {
        Self {
            sequence: document.sequence,
            cluster: document.cluster.0,
            contribution: document.contribution.0,
            first_entry: document.first_entry,
            words: next.saturating_sub(document.first_entry).saturating_sub(1),
        }
    }

    pub(crate) fn cluster(&self) -> ClusterId {
        ClusterId(self.cluster)
    }

    pub(crate) fn contribution(&self) -> ContributionId {
        ContributionId(self.contribution)
    }

    /// What the order of commitments goes by.
    pub(crate) fn commitment(&self) -> (u64, ContributionId) {
        (self.sequence, self.contribution())
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        borsh::to_vec(self).expect("writing to memory does not fail")
    }
}

/// What the root of a segment is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Summit {
    pub(crate) words: u32,
    pub(crate) documents: u32,
    pub(crate) text: Hash,
    pub(crate) order: Hash,
    pub(crate) document_tree: Hash,
}

impl Summit {
    /// The root of the segment of this datanet.
    pub(crate) fn root(&self, datanet: &str) -> Hash {
        let (words, documents) = (self.words.to_le_bytes(), self.documents.to_le_bytes());
        let parts: [&[u8]; 8] = [
            b"openledger/index/2",
            &WORDS_VERSION.to_le_bytes(),
            &words,
            &documents,
            &self.text,
            &self.order,
            &self.document_tree,
            datanet.as_bytes(),
        ];
        leaf_hash(&parts.concat())
    }
}

/// The root of a segment without the trees of its words and of their order, which proves nothing but names its texts.
pub(crate) fn unsealed_root(datanet: &str, documents: u32, document_tree: Hash) -> Hash {
    let (version, documents) = (WORDS_VERSION.to_le_bytes(), documents.to_le_bytes());
    let parts: [&[u8]; 5] =
        [b"openledger/unsealed-index/1", &version, &documents, &document_tree, datanet.as_bytes()];
    leaf_hash(&parts.concat())
}

/// How many leaves the trees have: of the text, of the order, of the documents.
pub(crate) fn leaf_counts(words: u32, documents: u32) -> [u64; 3] {
    let (words, documents) = (u64::from(words), u64::from(documents));
    [(words + documents).div_ceil(LEAF as u64), words.div_ceil(LEAF as u64), documents]
}

/// How many nodes are stored of a tree with `leaves` leaves.
pub(crate) fn stored_nodes(leaves: u64) -> usize {
    leaves.div_ceil(GROUP as u64) as usize
}

/// How many bytes the stored nodes of a segment take.
pub(crate) fn stored_bytes(words: u32, documents: u32) -> usize {
    let [text, order, document] = leaf_counts(words, documents).map(stored_nodes);
    (text + document) * Hash::BYTES + order * OrderNode::BYTES
}

/// The hash of the root over all nodes of a level.
pub(crate) fn summit_of<N: Leaf>(mut level: Vec<N>) -> Hash {
    while level.len() > 1 {
        level = next_level(&level);
    }
    level.first().map_or_else(|| merkle::root(&[]), Leaf::hash)
}
