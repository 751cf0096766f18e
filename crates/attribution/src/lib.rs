//! Attribution by verbatim reuse: an output and an index give integer shares that sum exactly.
//!
//! The way: [`Segment::build`] makes the immutable index of one snapshot, bytes that are searched where they stand
//! ([`Segment::open`]), with the texts inside; its root is sealed into the snapshot.
//! [`Index::join`] reads several segments as one, [`Index::live`] such that grow and forget. [`Matcher`] finds the maximal matching spans while an output streams;
//! [`attribute`] finds them in a whole output by another algorithm, and both give the same [`Attribution`]. An auditor
//! runs [`recompute`]; who has the roots alone checks a [`Certificate`]. `parameters` holds every number that the result depends on.
//!
//! Rules that money depends on:
//! - Each word of the output weighs its surprise by a frozen table of words (`unigrams`), whatever is indexed.
//! - Only runs of words that are surprising enough count (`parameters::THRESHOLD`); a phrase of too many clusters is
//!   common.
//! - Each word goes to the earliest commitment that holds a run around it that counts (`score`): a later text takes
//!   nothing from an earlier one, whatever it copies and whatever it adds.
//! - A cluster's earliest commitment owns it and is indexed alone: copies and near-copies are never paid.
//! - Words that nobody won so, go to who holds them with a few edits between (`near`): such a span takes nothing from others.
//!
//! A matching span is reuse of words, not proof of cause: a paraphrase leaves no trace here. What the passages in the
//! prompt did for an answer is weighed by method C ([`context`]), from likelihoods that the caller brings. Absent:
//! influence (method B), money, accounts, files, clocks, and floating point in anything that leaves this crate.

mod attribution;
pub mod context;
mod index;
mod logarithm;
mod matcher;
mod near;
pub mod parameters;
mod plain;
mod proof;
mod runs;
mod score;
mod search;
mod segment;
mod spans;
mod strength;
pub mod unigrams;

#[cfg(test)]
mod tests;

pub use attribution::{
    Attribution, AttributionFault, ByteRange, MatchedRun, RecomputeError, Share, SourceRef, Span,
    TextSegment, WordRange, recompute,
};
pub use index::{Index, LiveSegment, joined_root};
pub use matcher::Matcher;
pub use plain::{IndexFileError, IndexedFile, index_json_lines};
pub use proof::{
    CERTIFICATE_BYTES_MAX, CERTIFICATE_VERSION, Certificate, CertificateFault, CertifiedSpan, CertifyError,
    ClaimedSpan, SealedIndex, certify, masses_of,
};
#[doc(hidden)]
pub use segment::with_right_checksums;
pub use segment::{Builder, Hidden, IndexError, IndexedText, Segment, SegmentBytes, WordHashes};
pub use spans::{Match, OutputError, attribute, attribute_by, documents_with, matches};
pub use strength::{STRENGTH_BOUNDS, Strength};

// Callers of the index name the same ids and split words by the same rule.
pub use openledger_datanet::{ClusterId, ContributionId, words};
