//! Segments of one datanet to one, byte for byte what a build of the same entries gives: their texts are taken out and
//! built again, in the order of commitment.
//!
//! A merge of suffix arrays would save the sorting, a third of the time, and be a second algorithm that must agree with
//! the first in every byte. Memory: as building. Absent: which documents go on (`Hidden` says which do not).

use openledger_datanet::{Contribution, Entry};

use super::blocks::Unpacker;
use super::documents::Document;
use super::hidden::Hidden;
use super::view::View;
use super::{Builder, IndexError, Segment, labels};

impl Segment {
    /// One segment of all documents of `parts` but the hidden ones, each as it is: whoever says which those are says which
    /// are copies. Of documents that are no copies of each other it is what [`Segment::build`] gives.
    ///
    /// # Errors
    /// Another datanet's segment, a forged one, or one that is too large.
    pub fn merge(datanet: &str, parts: &[(&Self, &Hidden)]) -> Result<Self, IndexError> {
        let mut readers = Vec::with_capacity(parts.len());
        let mut order: Vec<(u64, usize, usize)> = Vec::new();
        for (place, (segment, hidden)) in parts.iter().enumerate() {
            if segment.datanet() != datanet {
                return Err(IndexError::OtherDatanet { datanet: segment.datanet().to_owned() });
            }
            let reader = Reader::new(segment);
            let seen =
                reader.view.documents().enumerate().filter(|(document, _)| !hidden.contains(*document));
            order.extend(seen.map(|(document, row)| (row.sequence, place, document)));
            readers.push(reader);
        }
        order.sort_unstable();
        let mut builder = Builder::keeping_copies(datanet)?;
        for (_, place, document) in order {
            builder.add(&readers[place].entry(document)?)?;
        }
        builder.finish()
    }

    /// All documents as the entries that they were built from.
    pub fn entries(&self) -> impl Iterator<Item = Result<Entry, IndexError>> {
        let mut reader = Reader::new(self);
        (0..self.document_count()).map(move |document| reader.entry(document))
    }

    /// The documents in their order: number of commitment, cluster and contribution.
    pub fn documents(&self) -> impl Iterator<Item = IndexedText> {
        let rows = self.section(super::Section::Documents).as_chunks().0.iter().map(Document::read);
        rows.map(|Document { sequence, cluster, contribution, .. }| IndexedText {
            sequence,
            cluster,
            contribution,
        })
    }
}

/// What a segment says of one of its documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexedText {
    /// The number of its commitment.
    pub sequence: u64,
    /// The cluster of its words.
    pub cluster: openledger_datanet::ClusterId,
    /// Its contribution.
    pub contribution: openledger_datanet::ContributionId,
}

/// The entries of a segment, one after the other: each block of labels is read once.
struct Reader<'a> {
    view: View<'a>,
    unpacker: Unpacker,
    /// The first document of the labels that are read, and they.
    first: usize,
    labels: Vec<Contribution>,
}

impl<'a> Reader<'a> {
    fn new(segment: &'a Segment) -> Self {
        Self { view: segment.view(), unpacker: Unpacker::new(), first: 0, labels: Vec::new() }
    }

    fn entry(&mut self, document: usize) -> Result<Entry, IndexError> {
        let damaged = |part| IndexError::Damaged { part, cause: "cannot be read" };
        let row = self.view.document(document).ok_or(damaged("documents"))?;
        let text = self.view.text(document, &mut self.unpacker).and_then(|text| String::from_utf8(text).ok());
        let mut contribution = self.label(document).ok_or(damaged("labels"))?;
        contribution.text = text.ok_or(damaged("texts"))?;
        Ok(Entry { sequence: row.sequence, contribution })
    }

    fn label(&mut self, document: usize) -> Option<Contribution> {
        if document < self.first || document - self.first >= self.labels.len() {
            let labels = &self.view.labels;
            let number = u32::try_from(document).ok()?;
            let block = labels.last(|row| row.first_entry <= number)?;
            self.first = labels.row(block)?.first_entry as usize;
            let unpacked = labels.unpack(block, &mut self.unpacker)?;
            let mut rest = unpacked.as_slice();
            self.labels.clear();
            while !rest.is_empty() {
                self.labels.push(labels::decode(&mut rest)?);
            }
        }
        self.labels.get(document.checked_sub(self.first)?).cloned()
    }
}
