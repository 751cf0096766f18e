//! Texts out of a segment: byte for byte what was indexed, and where an occurrence stands in them; and the proof that
//! a segment is what its texts give. Absent: texts that are copies of earlier ones, which no segment holds.

use openledger_datanet::{Contribution, ContributionId, Entry, limits::TEXT_BYTES_MAX};

use super::blocks::{Blocks, Row, Unpacker};
use super::documents::Document;
use super::gaps::{self, Form};
use super::layout::{ALL, Section};
use super::view::View;
use super::{Builder, IndexError, Segment, code, labels};

impl Segment {
    /// The text of an indexed document, counted from 0 in commitment order.
    ///
    /// # Errors
    /// There is no such document, or the segment is forged.
    pub fn text(&self, document: usize) -> Result<String, IndexError> {
        let bytes = self.view().text(document, &mut Unpacker::new());
        bytes
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or(IndexError::Damaged { part: "texts", cause: "cannot be read" })
    }

    /// What an indexed document says beside its text, which is left empty.
    ///
    /// # Errors
    /// There is no such document, or the segment is forged.
    pub fn label(&self, document: usize) -> Result<Contribution, IndexError> {
        let label = self.view().label(document, &mut Unpacker::new());
        label.ok_or(IndexError::Damaged { part: "labels", cause: "cannot be read" })
    }

    /// The ids of the indexed documents, in commitment order: those that sources name.
    pub fn contributions(&self) -> impl Iterator<Item = ContributionId> {
        let documents = self.section(Section::Documents).as_chunks().0;
        documents.iter().map(|row| Document::read(row).contribution)
    }

    /// An indexed document as the entry that it was built from.
    ///
    /// # Errors
    /// There is no such document, or the segment is forged.
    pub fn entry(&self, document: usize) -> Result<Entry, IndexError> {
        let damaged = IndexError::Damaged { part: "labels", cause: "cannot be read" };
        let view = self.view();
        let Some(row) = view.document(document) else { return Err(damaged) };
        let Some(mut contribution) = view.label(document, &mut Unpacker::new()) else { return Err(damaged) };
        contribution.text = self.text(document)?;
        Ok(Entry { sequence: row.sequence, contribution })
    }

    /// Builds the segment again from its own texts and compares all that matters: for bytes from strangers, and after
    /// a repair. Takes as long as building. Packed sections may differ, since packers do; what they hold may not.
    ///
    /// # Errors
    /// The first part that is not what the texts give.
    pub fn verify(&self) -> Result<(), IndexError> {
        let mut builder = Builder::new(self.datanet())?;
        (0..self.document_count()).try_for_each(|at| builder.add(&self.entry(at)?))?;
        let honest = if self.is_sealed() { builder.seal()? } else { builder.finish()? };
        let forged = |part| Err(IndexError::Damaged { part, cause: "are not what the texts give" });
        if honest.root() != self.root() {
            return forged("commitments");
        }
        for (section, name) in ALL {
            let is_same = match section {
                Section::Gaps | Section::Labels => continue,
                Section::GapTable => rows_agree(&self.view().gaps, &honest.view().gaps),
                Section::LabelTable => rows_agree(&self.view().labels, &honest.view().labels),
                _ => self.section(section) == honest.section(section),
            };
            if !is_same {
                return forged(name);
            }
        }
        Ok(())
    }
}

/// Whether two tables say the same, up to where the packed blocks lie.
fn rows_agree(blocks: &Blocks<'_>, others: &Blocks<'_>) -> bool {
    let row = |blocks: &Blocks<'_>, block| blocks.row(block).map(|row| Row { start: 0, ..row });
    blocks.table.len() == others.table.len()
        && (0..blocks.table.len()).all(|block| row(blocks, block) == row(others, block))
}

impl View<'_> {
    /// The text of a document; `None` when there is none that can be read.
    pub(super) fn text(&self, document: usize, unpacker: &mut Unpacker) -> Option<Vec<u8>> {
        let row = self.document(document)?;
        let length = Some(row.text_bytes as usize).filter(|length| *length <= TEXT_BYTES_MAX)?;
        let mut codes = self.words_of(document);
        let mut text = Vec::with_capacity(length);
        let mut word = Vec::new();
        let mut entry = row.first_entry;
        let mut block = self.gaps.last(|row| row.first_entry <= entry)?;
        loop {
            let unpacked = self.gaps.unpack(block, unpacker)?;
            let mut rest = unpacked.as_slice();
            for _ in 0..entry.checked_sub(self.gaps.row(block)?.first_entry)? {
                gaps::read(&mut rest)?;
            }
            while !rest.is_empty() {
                let found = gaps::read(&mut rest)?;
                text.extend_from_slice(found.gap);
                let Some(number) = codes.next() else { return (text.len() == length).then_some(text) };
                match found.form {
                    Form::Written(written) => text.extend_from_slice(written),
                    Form::Folded(capitals) => {
                        self.dictionary.word(number, &mut word);
                        capitals.apply(&mut word);
                        text.extend_from_slice(&word);
                    }
                }
                // A forged segment may name long words ever again.
                if text.len() > length {
                    return None;
                }
                entry = entry.checked_add(1)?;
            }
            block += 1;
        }
    }

    /// A document's contribution without its text.
    pub(crate) fn label(&self, document: usize, unpacker: &mut Unpacker) -> Option<Contribution> {
        let number = u32::try_from(document).ok()?;
        let block = self.labels.last(|row| row.first_entry <= number)?;
        let unpacked = self.labels.unpack(block, unpacker)?;
        let mut rest = unpacked.as_slice();
        for _ in 0..number.checked_sub(self.labels.row(block)?.first_entry)? {
            labels::decode(&mut rest)?;
        }
        labels::decode(&mut rest)
    }

    /// The bytes of its text that `words` words take, the first of which has its code at `at`; `None` when the segment
    /// is forged. Costs the unpacking of a block, and no word is read.
    pub(crate) fn place(&self, at: usize, words: usize, unpacker: &mut Unpacker) -> Option<(u64, u64)> {
        let mut block = self.gaps.last(|row| row.first_code as usize <= at)?;
        let first = self.gaps.row(block)?;
        let (mut code_at, mut text_at) = (first.first_code as usize, u64::from(first.text_bytes));
        let (mut start, mut left) = (None, words);
        loop {
            let unpacked = self.gaps.unpack(block, unpacker)?;
            let mut rest = unpacked.as_slice();
            while !rest.is_empty() {
                let entry = gaps::read(&mut rest)?;
                text_at += entry.gap.len() as u64;
                let is_reached = code_at >= at;
                let Some((number, length)) = code::read(self.codes, code_at) else {
                    // A document ends: the next text starts at 0. No occurrence goes on over it.
                    (code_at, text_at) = (code_at + 1, 0);
                    if is_reached || code_at > self.codes.len() {
                        return None;
                    }
                    continue;
                };
                if is_reached && start.is_none() {
                    start = Some(text_at);
                }
                text_at += match entry.form {
                    Form::Written(written) => written.len() as u64,
                    Form::Folded(_) => self.dictionary.word_length(self.word_of_code(number)) as u64,
                };
                code_at += length;
                if is_reached {
                    left = left.checked_sub(1)?;
                    if left == 0 {
                        return Some((start?, text_at));
                    }
                }
            }
            block += 1;
        }
    }
}
