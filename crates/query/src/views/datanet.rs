//! Datanets, contributions and authors.

use openledger_types::{Amount, ContributionId, Hash, Name};
use serde::Serialize;

use super::{AccountRef, Page, Paid};

/// A datanet in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DatanetSummary {
    /// Name.
    pub name: Name,
    /// Title for people.
    pub title: String,
    /// Default licence.
    pub license: String,
    /// Who curates it.
    pub curator: AccountRef,
    /// Height at which it was created.
    pub height: u64,
    /// Contributions committed.
    pub contributions: u64,
    /// Contributions that repeat an earlier one.
    pub repeats: u64,
    /// Contributions revoked.
    pub revoked: u64,
    /// Distinct authors.
    pub authors: u64,
    /// Last sealed version, 0 before the first.
    pub version: u32,
    /// Root of the last sealed version.
    pub root: Option<Hash>,
    /// Everything that its contributions earned.
    pub earned: Amount,
    /// Answers that used it.
    pub answers: u64,
    /// Whether its texts are shown only to those who may read them.
    pub private: bool,
}

/// A datanet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DatanetView {
    /// The datanet.
    #[serde(flatten)]
    pub summary: DatanetSummary,
    /// Part of the contributions that repeat an earlier one, in basis points.
    pub repeats_basis_points: u64,
    /// How unevenly it is spread over authors.
    pub concentration: Concentration,
    /// Authors, most earned first, at most a page of them.
    pub top_authors: Vec<AuthorView>,
    /// Sealed versions, newest first, at most a page of them.
    pub snapshots: Vec<SnapshotView>,
    /// Contributions in order of commitment.
    pub contribution_list: Page<ContributionView>,
}

/// How unevenly something is spread over authors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Concentration {
    /// What was measured: `earnings`, or `contributions` before anything was earned.
    pub basis: String,
    /// Part of the largest author, in basis points.
    pub top_basis_points: u64,
    /// How many equal authors would be as concentrated: 1 / sum of squared parts, in thousandths.
    pub effective_authors_thousandths: u64,
}

/// An author in a datanet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuthorView {
    /// Who.
    pub account: AccountRef,
    /// Contributions with this author.
    pub contributions: u64,
    /// Earned here.
    pub earned: Paid,
}

/// A sealed version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SnapshotView {
    /// Version.
    pub version: u32,
    /// Merkle root over the contributions.
    pub root: Hash,
    /// Root of the attribution index.
    pub index_root: Hash,
    /// How many contributions.
    pub contributions: u32,
    /// Height at which it was sealed.
    pub height: u64,
    /// Time of that block.
    pub timestamp_ms: u64,
}

/// A contribution as it was committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContributionView {
    /// Where it lives.
    pub datanet: Name,
    /// Its id: the hash of its content.
    pub id: ContributionId,
    /// Order of commitment.
    pub sequence: u64,
    /// Where readers find it.
    pub label: String,
    /// Licence.
    pub license: String,
    /// Owners and their parts.
    pub owners: Vec<OwnerView>,
    /// Hash of the normalised text.
    pub cluster: Hash,
    /// False for a repeat of an earlier text: nothing is paid for it.
    pub owns_cluster: bool,
    /// Height at which it was committed.
    pub height: u64,
    /// Height at which it was revoked.
    pub revoked_at: Option<u64>,
    /// Everything it earned.
    pub earned: Amount,
    /// Answers that used it.
    pub answers: u64,
}

/// An owner of a contribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnerView {
    /// Who.
    pub account: AccountRef,
    /// Parts of the sum over all owners.
    pub parts: u16,
}
