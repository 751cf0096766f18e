//! Texts as they come, each split once: their words by the numbers of their arrival, and what the words leave out; then
//! the texts that own their clusters, and no others. Absent: the final order of words (`build`).

use std::collections::BTreeSet;

use openledger_datanet::near::{NearCopies, word_hash};
use openledger_datanet::{ClusterId, Entry, words};

use super::blocks::BlockWriter;
use super::documents::Document;
use super::gaps::{self, Form, FormCode, GapCodes};
use super::intern::Interner;
use super::labels;
use crate::parameters::SEGMENT_WORDS_MAX;

/// Texts in the order of commitment.
pub(super) struct Texts {
    pub(super) interner: Interner,
    /// The hash of each distinct word, by which near-copies are found.
    hashes: Vec<u64>,
    /// For each word the number of its arrival plus one; 0 ends a document.
    pub(super) words: Vec<i32>,
    pub(super) documents: Vec<Document>,
    clusters: BTreeSet<ClusterId>,
    /// Whether copies stay, exact and near ones.
    pub(super) keeps_copies: bool,
    near_copies: NearCopies,
    gaps: Pieces,
    labels: Pieces,
    gap_codes: GapCodes,
    scratch: Scratch,
}

/// Bytes of one text after the other, and where those of each text end.
#[derive(Default)]
struct Pieces {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// What is used for each text anew.
#[derive(Default)]
struct Scratch {
    cluster: words::ClusterHasher,
    folded: String,
    hashes: Vec<u64>,
}

impl Texts {
    pub(super) fn new() -> Self {
        Self {
            interner: Interner::new(),
            hashes: Vec::new(),
            words: Vec::new(),
            documents: Vec::new(),
            clusters: BTreeSet::new(),
            keeps_copies: false,
            near_copies: NearCopies::default(),
            gaps: Pieces::default(),
            labels: Pieces::default(),
            gap_codes: GapCodes::new(),
            scratch: Scratch::default(),
        }
    }

    /// Adds the next entry, unless it has no words or, where copies do not stay, an earlier one's; `None` when there is no room for its words, and
    /// then the texts are of no further use.
    pub(super) fn add(&mut self, entry: &Entry) -> Option<()> {
        let text = entry.contribution.text.as_str();
        let (first, first_gap) = (self.words.len(), self.gaps.bytes.len());
        let cluster = self.split(text)?;
        let added = &self.words[first..];
        if added.is_empty() || (!self.keeps_copies && !self.clusters.insert(cluster)) {
            self.words.truncate(first);
            self.gaps.bytes.truncate(first_gap);
            return Some(());
        }
        if self.words.len() >= SEGMENT_WORDS_MAX {
            return None;
        }
        if !self.keeps_copies {
            self.scratch.hashes.clear();
            self.scratch.hashes.extend(added.iter().map(|word| self.hashes[*word as usize - 1]));
            self.near_copies.add(&self.scratch.hashes);
        }
        self.documents.push(Document {
            sequence: entry.sequence,
            cluster,
            contribution: entry.contribution.id(),
            first_entry: first as u32,
            text_bytes: text.len() as u32,
        });
        self.words.push(0);
        self.labels.bytes.extend_from_slice(&labels::encode(entry));
        self.gaps.close();
        self.labels.close();
        Some(())
    }

    /// Splits a text into words and gaps; `None` when there is no room for its words.
    fn split(&mut self, text: &str) -> Option<ClusterId> {
        let Self { interner, hashes, words, gaps, gap_codes, scratch, .. } = self;
        let folded = &mut scratch.folded;
        let mut reached = 0;
        for (range, word) in words::words(text) {
            let short = text.as_bytes()[range.start..].first_chunk::<8>();
            let (number, form) = match short.and_then(|eight| Short::of(*eight, word.len())) {
                Some(short) => {
                    scratch.cluster.push_short(short.folded, word.len());
                    (interner.intern_short(short.folded, word.len())?, short.form)
                }
                None => {
                    words::fold_into(word, folded);
                    scratch.cluster.push(folded);
                    (interner.intern(folded.as_bytes())?, gaps::form_of(word.as_bytes(), folded.as_bytes()))
                }
            };
            if number as usize == hashes.len() {
                words::fold_into(word, folded);
                hashes.push(word_hash(folded));
            }
            words.push(i32::try_from(number + 1).ok()?);
            gaps::write(gap_codes, &text[reached..range.start], word, form, &mut gaps.bytes);
            reached = range.end;
        }
        gaps::write(gap_codes, &text[reached..], "", gaps::form_of(b"", b""), &mut gaps.bytes);
        Some(scratch.cluster.finish())
    }

    /// Leaves out the texts that repeat an earlier one for the most part. For each word that has arrived, whether it
    /// still occurs.
    pub(super) fn leave_out_near_copies(&mut self) -> Vec<bool> {
        if self.keeps_copies {
            return vec![true; self.interner.len()];
        }
        let words_of = |text: usize| -> Vec<u64> {
            let words = self.words[self.documents[text].first_entry as usize..].iter();
            words.take_while(|word| **word > 0).map(|word| self.hashes[*word as usize - 1]).collect()
        };
        let repeated = std::mem::take(&mut self.near_copies).find(words_of);
        let is_kept: Vec<bool> = repeated.iter().map(Option::is_none).collect();
        if is_kept.iter().all(|is_kept| *is_kept) {
            return vec![true; self.interner.len()];
        }
        let starts = self.documents.iter().map(|document| document.first_entry as usize);
        let ends: Vec<usize> = starts.skip(1).chain([self.words.len()]).collect();
        let ends = keep(&mut self.words, &ends, &is_kept);
        let mut kept = is_kept.iter();
        self.documents.retain(|_| kept.next() == Some(&true));
        for (document, start) in self.documents.iter_mut().zip([0].iter().chain(&ends)) {
            document.first_entry = *start as u32;
        }
        for pieces in [&mut self.gaps, &mut self.labels] {
            pieces.ends = keep(&mut pieces.bytes, &pieces.ends, &is_kept);
        }
        let mut occurs = vec![false; self.interner.len()];
        self.words.iter().filter(|word| **word > 0).for_each(|word| occurs[*word as usize - 1] = true);
        occurs
    }

    /// What the words leave out, and the labels, in blocks. Nothing is left here of either.
    pub(super) fn pack(&mut self) -> Result<(BlockWriter, BlockWriter), String> {
        let (mut gaps, mut labels) = (BlockWriter::new()?, BlockWriter::new()?);
        let mut words = self.words.iter();
        for entries in std::mem::take(&mut self.gaps).iter() {
            let (mut rest, mut text_bytes) = (entries, 0);
            while !rest.is_empty() {
                let (entries_max, bytes_max) = gaps.room(text_bytes)?;
                let (run, mut count) = (rest, 0);
                while !rest.is_empty() && (count as usize) < entries_max && run.len() - rest.len() < bytes_max
                {
                    let read = gaps::read(&mut rest).expect("it was written");
                    let number = *words.next().expect("each word and each end has an entry");
                    let written = match read.form {
                        Form::Written(written) => written.len(),
                        Form::Folded(_) if number == 0 => 0,
                        Form::Folded(_) => self.interner.word(number as u32 - 1).len(),
                    };
                    text_bytes += (read.gap.len() + written) as u32;
                    count += 1;
                }
                gaps.extend(&run[..run.len() - rest.len()], count);
            }
        }
        for label in std::mem::take(&mut self.labels).iter() {
            labels.push(label, 0)?;
        }
        Ok((gaps, labels))
    }
}

/// A word of ASCII of up to eight bytes, folded without a look at each: most words are.
struct Short {
    /// The folded bytes, the first one lowest, zeros behind them.
    folded: u64,
    form: FormCode,
}

impl Short {
    /// The word of `length` bytes with which `bytes` begin; `None` when it is not short or not ASCII.
    #[inline]
    fn of(bytes: [u8; 8], length: usize) -> Option<Self> {
        const ONES: u64 = u64::from_le_bytes([1; 8]);
        const HIGH: u64 = ONES << 7;
        if !(1..=8).contains(&length) {
            return None;
        }
        let word = u64::from_le_bytes(bytes) & u64::MAX >> (64 - 8 * length);
        if word & HIGH != 0 {
            return None;
        }
        // The highest bit of each byte between the two: no sum of ASCII leaves its byte.
        let within = |first: u8, last: u8| {
            let from = |least: u8| word + u64::from(0x80 - least) * ONES;
            from(first) & !from(last + 1) & HIGH
        };
        let (capitals, small) = (within(b'A', b'Z'), within(b'a', b'z'));
        let form = gaps::form_of_ascii(capitals & 0x80 != 0, capitals & !0xFF != 0, small != 0);
        Some(Self { folded: word | capitals >> 2, form })
    }
}

impl Pieces {
    fn close(&mut self) {
        self.ends.push(self.bytes.len());
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end])
    }
}

/// Moves the pieces that are kept together, and says where they end now.
fn keep<T: Copy>(items: &mut Vec<T>, ends: &[usize], is_kept: &[bool]) -> Vec<usize> {
    let (mut start, mut kept, mut kept_ends) = (0, 0, Vec::new());
    for (&end, is_kept) in ends.iter().zip(is_kept) {
        if *is_kept {
            items.copy_within(start..end, kept);
            kept += end - start;
            kept_ends.push(kept);
        }
        start = end;
    }
    items.truncate(kept);
    kept_ends
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_datanet::words::{ClusterHasher, fold};
    use proptest::prelude::*;

    proptest! {
        /// Short words are folded, formed and hashed as all are, whatever follows them.
        #[test]
        fn short_words_are_words(word in "[a-cA-C0-1_.']{1,8}|[ -~]{1,8}|.{1,4}", follows in "[ -~é]{8}") {
            let text = format!("{word}{follows}");
            let found = Short::of(*text.as_bytes().first_chunk().expect("eight bytes"), word.len());
            prop_assert_eq!(found.is_some(), word.is_ascii() && word.len() <= 8);
            if let Some(short) = found {
                let folded = fold(&word);
                prop_assert_eq!(&short.folded.to_le_bytes()[..word.len()], folded.as_bytes());
                prop_assert!(short.form == gaps::form_of(word.as_bytes(), folded.as_bytes()));
                let (mut one, mut other) = (ClusterHasher::default(), ClusterHasher::default());
                one.push_short(short.folded, word.len());
                other.push(&folded);
                prop_assert_eq!(one.finish(), other.finish());
            }
        }
    }
}
