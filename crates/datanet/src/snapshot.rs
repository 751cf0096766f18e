//! A sealed snapshot: the entries of a datanet in commitment order, and the root that stands for them.
//!
//! Rule: leaf = `"openledger/entry/1" || borsh(sequence, contribution id)`; `contributions_root` is the Merkle root of
//! the leaves (`merkle`); `root = SHA-256("openledger/snapshot/1" || borsh(header))`. The header names the root of the
//! attribution index over the same entries, so that one hash fixes what was known and how it is searched, and the root
//! over the entries' clusters: leaf = `"openledger/membership/1" || borsh(sequence, the owner's sequence, is it near)`,
//! in the order of the entries, so that it is fixed too which text was taken for a copy of which.
//! Absent: how the index is built, and whether its root is right: whoever doubts builds it again from the entries.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cluster::{Cluster, clusters_of};
use crate::contribution::{Contribution, ContributionError, limits};
use crate::hexadecimal;
use crate::ids::{ContributionId, is_datanet_name};
use crate::merkle::{self, Hash};
use crate::words::WORDS_VERSION;

/// The version of the sealing rule.
pub const SNAPSHOT_VERSION: u16 = 2;

/// A contribution at its place in the order of commitments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The commitment's place among all commitments, not only its datanet's: the lower of two is the earlier. On a
    /// ledger it is [`commitment_order`].
    pub sequence: u64,
    /// What was contributed.
    pub contribution: Contribution,
}

/// How many low bits of a commitment's place number it within its datanet; the others are the height of its block.
const NUMBER_BITS: u32 = 24;

/// The place of a commitment among those of all datanets of a ledger: by the height of the block that committed it, then
/// by `number`, its number in its datanet. Numbers alone begin anew in each datanet, so that whoever opened one later
/// would come first in it with a text of somebody else's. `None` above 2^40 blocks or 2^24 commitments of a datanet.
///
/// A ledger does not order the commitments of one block to different datanets: there the numbers decide, then the names.
pub fn commitment_order(height: u64, number: u64) -> Option<u64> {
    let is_held = height < 1 << (u64::BITS - NUMBER_BITS) && number < 1 << NUMBER_BITS;
    is_held.then_some(height << NUMBER_BITS | number)
}

/// Numbers contributions in their order from `first_sequence` on; for files outside a ledger.
pub fn number(contributions: Vec<Contribution>, first_sequence: u64) -> Vec<Entry> {
    (first_sequence..)
        .zip(contributions)
        .map(|(sequence, contribution)| Entry { sequence, contribution })
        .collect()
}

/// What the root is computed over.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotHeader {
    /// [`SNAPSHOT_VERSION`].
    pub version: u16,
    /// The version of the word splitter that clusters and index follow.
    pub words_version: u16,
    /// The name of the datanet.
    pub datanet: String,
    /// How many entries there are.
    pub entry_count: u64,
    /// The Merkle root over the entries.
    #[serde(with = "hexadecimal::fixed")]
    pub contributions_root: Hash,
    /// The Merkle root over the entries' clusters.
    #[serde(with = "hexadecimal::fixed")]
    pub clusters_root: Hash,
    /// The root of the attribution index over the entries.
    #[serde(with = "hexadecimal::fixed")]
    pub index_root: Hash,
}

impl SnapshotHeader {
    /// The one hash that names the snapshot.
    pub fn root(&self) -> Hash {
        let mut hasher = Sha256::new_with_prefix(b"openledger/snapshot/1");
        hasher.update(borsh::to_vec(self).expect("writing to memory does not fail"));
        hasher.finalize().into()
    }
}

/// Why a snapshot cannot be sealed, or a manifest not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The datanet's name is no name.
    #[error("{name:?} cannot name a datanet; use 1 to 64 characters of a-z, 0-9, '.', '-', '_'")]
    Name {
        /// The name, cut to 80 characters.
        name: String,
    },
    /// There is nothing to seal.
    #[error("the datanet {datanet} has no contributions; contribute before sealing")]
    NoEntries {
        /// The datanet.
        datanet: String,
    },
    /// There are more entries than a snapshot may hold.
    #[error("{count} contributions are more than the {limit} of one snapshot; split the datanet")]
    TooManyEntries {
        /// How many there are.
        count: usize,
        /// The most allowed.
        limit: usize,
    },
    /// The entries do not stand in commitment order.
    #[error("sequence {sequence} follows {previous}; put the entries in commitment order, each number once")]
    Order {
        /// The earlier entry's number.
        previous: u64,
        /// The later entry's number.
        sequence: u64,
    },
    /// Two entries are the same contribution or carry the same external id.
    #[error("the contribution {external_id:?} is in the snapshot twice; remove one")]
    Twice {
        /// The external id.
        external_id: String,
    },
    /// A contribution breaks a rule.
    #[error("the contribution {external_id:?} cannot be sealed: {cause}")]
    Contribution {
        /// The external id.
        external_id: String,
        /// The rule.
        #[source]
        cause: ContributionError,
    },
    /// The manifest is of another version, or none.
    #[error(
        "the manifest's format is {format:?}, not {expected:?}; seal the datanet again with this program"
    )]
    Format {
        /// What it names, cut to 80 characters.
        format: String,
        /// What this program reads.
        expected: &'static str,
    },
    /// The manifest is not written as a manifest is.
    #[error("line {line} of the manifest is not readable ({cause}); export the snapshot again")]
    Manifest {
        /// The line, counted from 1.
        line: u64,
        /// What is wrong.
        cause: String,
    },
    /// The manifest's entries do not lead to the root that it names, or it is not in canonical form.
    #[error("the manifest does not re-seal to itself; it was changed, export the snapshot again")]
    ManifestChanged,
}

/// A snapshot whose root is computed and whose every entry is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSnapshot {
    header: SnapshotHeader,
    entries: Vec<Entry>,
    ids: Vec<ContributionId>,
    leaves: Vec<Hash>,
    clusters: Vec<Cluster>,
    positions: BTreeMap<ContributionId, usize>,
}

impl SealedSnapshot {
    /// Seals entries that stand in commitment order. `index_root` is the root of the attribution index over them.
    ///
    /// # Errors
    /// A bad name, no entries or too many, wrong order, a contribution twice, or a contribution that breaks a rule.
    pub fn seal(datanet: &str, entries: Vec<Entry>, index_root: Hash) -> Result<Self, SnapshotError> {
        check_entries(datanet, &entries)?;
        let ids: Vec<_> = entries.iter().map(|entry| entry.contribution.id()).collect();
        let mut positions = BTreeMap::new();
        for (position, (id, entry)) in ids.iter().zip(&entries).enumerate() {
            if positions.insert(*id, position).is_some() {
                return Err(SnapshotError::Twice { external_id: entry.contribution.external_id.clone() });
            }
        }
        let leaves: Vec<_> =
            entries.iter().zip(&ids).map(|(entry, id)| entry_leaf(entry.sequence, id)).collect();
        let texts: Vec<_> = entries.iter().map(|entry| entry.contribution.text.as_str()).collect();
        let clusters = clusters_of(&texts);
        let header = SnapshotHeader {
            version: SNAPSHOT_VERSION,
            words_version: WORDS_VERSION,
            datanet: datanet.to_owned(),
            entry_count: entries.len() as u64,
            contributions_root: merkle::root(&leaves),
            clusters_root: merkle::root(&membership_leaves(&entries, &clusters)),
            index_root,
        };
        Ok(Self { header, entries, ids, leaves, clusters, positions })
    }

    /// The one hash that names the snapshot.
    pub fn root(&self) -> Hash {
        self.header.root()
    }

    /// What the root is computed over.
    pub fn header(&self) -> &SnapshotHeader {
        &self.header
    }

    /// The entries in commitment order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The ids of the entries, in the same order.
    pub fn ids(&self) -> &[ContributionId] {
        &self.ids
    }

    /// The entry of a contribution.
    pub fn find(&self, id: &ContributionId) -> Option<&Entry> {
        self.positions.get(id).and_then(|&position| self.entries.get(position))
    }

    /// Which entries count as one, in the order of their owners.
    pub fn clusters(&self) -> &[Cluster] {
        &self.clusters
    }

    /// A proof that the contribution is in this snapshot.
    pub fn prove(&self, id: &ContributionId) -> Option<InclusionProof> {
        let index = *self.positions.get(id)?;
        let path = merkle::proof(&self.leaves, index)?;
        Some(InclusionProof { header: self.header.clone(), index: index as u64, path })
    }
}

fn entry_leaf(sequence: u64, id: &ContributionId) -> Hash {
    let mut data = b"openledger/entry/1".to_vec();
    data.extend_from_slice(&sequence.to_le_bytes());
    data.extend_from_slice(id.as_bytes());
    merkle::leaf_hash(&data)
}

/// What the clusters' root is computed over: for each entry, whose copy it is; an owner is its own.
fn membership_leaves(entries: &[Entry], clusters: &[Cluster]) -> Vec<Hash> {
    let mut leaves = vec![[0; 32]; entries.len()];
    for cluster in clusters {
        for &member in &cluster.members {
            let is_near = cluster.near.binary_search(&member).is_ok();
            let mut data = b"openledger/membership/1".to_vec();
            data.extend_from_slice(&entries[member].sequence.to_le_bytes());
            data.extend_from_slice(&entries[cluster.owner].sequence.to_le_bytes());
            data.push(u8::from(is_near));
            leaves[member] = merkle::leaf_hash(&data);
        }
    }
    leaves
}

fn check_entries(datanet: &str, entries: &[Entry]) -> Result<(), SnapshotError> {
    if !is_datanet_name(datanet) {
        return Err(SnapshotError::Name { name: datanet.chars().take(80).collect() });
    }
    if entries.is_empty() {
        return Err(SnapshotError::NoEntries { datanet: datanet.to_owned() });
    }
    if entries.len() > limits::CONTRIBUTIONS_MAX {
        return Err(SnapshotError::TooManyEntries { count: entries.len(), limit: limits::CONTRIBUTIONS_MAX });
    }
    for pair in entries.windows(2) {
        if pair[0].sequence >= pair[1].sequence {
            return Err(SnapshotError::Order { previous: pair[0].sequence, sequence: pair[1].sequence });
        }
    }
    let mut external_ids = std::collections::BTreeSet::new();
    for Entry { contribution, .. } in entries {
        let external_id = || contribution.external_id.clone();
        contribution
            .validate()
            .map_err(|cause| SnapshotError::Contribution { external_id: external_id(), cause })?;
        if !external_ids.insert(contribution.external_id.as_str()) {
            return Err(SnapshotError::Twice { external_id: external_id() });
        }
    }
    Ok(())
}

/// A proof that one contribution, at its sequence, is in a snapshot; checked with nothing but the snapshot's root.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InclusionProof {
    /// The header that the root is computed over.
    pub header: SnapshotHeader,
    /// The entry's position.
    pub index: u64,
    /// The siblings from the leaf to the root.
    #[serde(with = "hash_list")]
    pub path: Vec<Hash>,
}

/// Why a proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The header is another snapshot's.
    #[error("the proof's header does not hash to the snapshot root; ask for a proof of this snapshot")]
    OtherSnapshot,
    /// The path does not lead from the entry to the header's root.
    #[error(
        "the proof does not lead from this contribution to the snapshot; it is damaged or of another one"
    )]
    OtherEntry,
}

impl InclusionProof {
    /// Checks that the contribution `id`, committed as `sequence`, is in the snapshot with this root.
    ///
    /// # Errors
    /// The header or the path does not fit.
    pub fn verify(&self, snapshot_root: &Hash, sequence: u64, id: &ContributionId) -> Result<(), ProofError> {
        if self.header.root() != *snapshot_root {
            return Err(ProofError::OtherSnapshot);
        }
        let leaf = entry_leaf(sequence, id);
        match merkle::root_of_proof(leaf, self.index, self.header.entry_count, &self.path) {
            Some(root) if root == self.header.contributions_root => Ok(()),
            _ => Err(ProofError::OtherEntry),
        }
    }
}

/// Hashes as a list of hexadecimal texts in JSON.
mod hash_list {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::ids::ContributionId;
    use crate::merkle::Hash;

    pub(super) fn serialize<S: Serializer>(hashes: &[Hash], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(hashes.iter().map(|hash| ContributionId(*hash)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Hash>, D::Error> {
        let hashes = Vec::<ContributionId>::deserialize(deserializer)?;
        Ok(hashes.into_iter().map(|hash| hash.0).collect())
    }
}
