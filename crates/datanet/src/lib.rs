//! Contributions to sealed snapshots: what a datanet holds, and one hash that stands for all of it.
//!
//! The way of a contribution: JSON lines are parsed into [`Contribution`]s (`parse`), their authors are bound to
//! accounts, the ledger's commitment order is put beside them ([`Entry`]), and [`SealedSnapshot::seal`] computes the
//! root which a receipt can name. Anyone who holds the manifest re-seals it to the same root.
//!
//! Rules that money depends on:
//! - Co-authors share equally, each floored; the remainder goes to the first named author ([`split_equally`]).
//!   `others` (editors, translators, projects) are kept and shown, and are not paid.
//! - Texts with the same sequence of folded words are one cluster, and so are texts that repeat an earlier one for the
//!   most part ([`near`]); the earliest commitment owns it ([`Cluster`]), and only its text is indexed.
//!
//! Absent: files, sockets, clocks, accounts' keys, money, the attribution index (only its root is named here), and
//! near-copies of texts of another datanet.

mod cluster;
mod contribution;
mod hexadecimal;
mod ids;
mod manifest;
pub mod merkle;
pub mod multiproof;
pub mod near;
mod parse;
mod snapshot;
mod split;
pub mod words;

pub use cluster::{Cluster, clusters_of};
pub use contribution::{AuthorRef, Contribution, ContributionError, limits, split_equally};
pub use ids::{ClusterId, ContributionId, DATANET_NAME_BYTES_MAX, is_datanet_name};
pub use parse::{JsonLinesParser, LineError, ParseError, ParseOptions, parse_json_line, parse_json_lines};
pub use snapshot::{
    Entry, InclusionProof, ProofError, SNAPSHOT_VERSION, SealedSnapshot, SnapshotError, SnapshotHeader,
    commitment_order, number,
};
