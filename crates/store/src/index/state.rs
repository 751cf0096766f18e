//! What a store of an index has in memory: its segments, where each text that is not taken out stands, and which texts
//! own their clusters. Pure bookkeeping: no file is touched here. Absent: when what is merged (`plan`).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use openledger_attribution::{
    ContributionId, Hidden, Index, IndexError, IndexedText, LiveSegment, Segment, WordHashes,
};
use openledger_datanet::near::LiveCopies;

use super::files::Mapped;
use super::manifest::{Manifest, SegmentLine};

/// Where a text stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) sequence: u64,
    id: ContributionId,
    part: u64,
    document: u32,
}

/// A segment.
pub(super) struct Part {
    pub(super) segment: Arc<Segment>,
    /// Its file; none while it is in the journal only.
    pub(super) file: Option<Arc<Mapped>>,
    /// Whether it was made of copies.
    pub(super) is_copies: bool,
    /// The text of each document; none of those that were taken out.
    pub(super) texts: Vec<Option<u32>>,
    /// The documents that were taken out, and those that are copies.
    pub(super) hidden: Arc<Hidden>,
    hashes: OnceLock<WordHashes>,
}

impl Part {
    pub(super) fn new(segment: Segment, file: Option<Arc<Mapped>>, is_copies: bool) -> Self {
        let mut hidden = Hidden::default();
        // Each is shown when its text is known.
        (0..segment.document_count()).for_each(|document| hidden.set(document as u32, true));
        let texts = vec![None; segment.document_count()];
        let (segment, hidden) = (Arc::new(segment), Arc::new(hidden));
        Self { segment, file, is_copies, texts, hidden, hashes: OnceLock::new() }
    }

    /// How many of its documents were taken out.
    pub(super) fn gone(&self) -> usize {
        self.texts.iter().filter(|text| text.is_none()).count()
    }

    fn words_of(&self, document: u32) -> Vec<u64> {
        let hashes = self.hashes.get_or_init(|| self.segment.word_hashes());
        self.segment.words_hashed(document as usize, hashes)
    }
}

/// The texts and segments of one datanet.
#[derive(Default)]
pub(super) struct State {
    /// By number, in the order of commitment; none of those that were taken out.
    texts: Vec<Option<Place>>,
    /// The commitment of each, which rise.
    sequences: Vec<u64>,
    by_id: HashMap<ContributionId, Vec<u32>>,
    copies: LiveCopies,
    pub(super) parts: BTreeMap<u64, Part>,
    /// The number that the next segment or journal gets.
    pub(super) next_number: u64,
    pub(super) last_sequence: Option<u64>,
    /// The first journal that counts, and the one that is written.
    pub(super) first_journal: u64,
    pub(super) journal: u64,
}

impl State {
    /// A number for a file.
    pub(super) fn take_number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }

    /// Takes segments in whose texts are not known yet, but for the commitments that were taken out. All of these texts
    /// come behind those that are known.
    pub(super) fn add(&mut self, parts: Vec<(u64, Part)>, is_gone: impl Fn(u64) -> bool) {
        let mut arriving: Vec<(u64, u64, u32, IndexedText)> = Vec::new();
        for (number, part) in parts {
            let documents = (0..).zip(part.segment.documents());
            arriving.extend(documents.map(|(document, text)| (text.sequence, number, document, text)));
            self.parts.insert(number, part);
        }
        arriving.sort_unstable_by_key(|(sequence, number, document, _)| (*sequence, *number, *document));
        for (sequence, part, document, text) in arriving {
            self.last_sequence = self.last_sequence.max(Some(sequence));
            if !is_gone(sequence) {
                self.admit(Place { sequence, id: text.contribution, part, document }, &text);
            }
        }
    }

    fn admit(&mut self, place: Place, text: &IndexedText) {
        let number = self.texts.len() as u32;
        self.texts.push(Some(place));
        self.sequences.push(place.sequence);
        self.by_id.entry(place.id).or_default().push(number);
        let Self { copies, parts, texts, .. } = self;
        let words = parts[&place.part].words_of(place.document);
        let is_owner = copies.add(text.cluster, &words, |other| words_of(parts, texts, other));
        let part = self.parts.get_mut(&place.part).expect("it was just inserted");
        part.texts[place.document as usize] = Some(number);
        Arc::make_mut(&mut part.hidden).set(place.document, !is_owner);
    }

    /// The texts of these contributions that are there, and the contributions that are not.
    pub(super) fn find(&self, ids: &[ContributionId]) -> (Vec<u64>, Vec<ContributionId>) {
        let (mut found, mut unknown) = (Vec::new(), Vec::new());
        for id in ids {
            match self.by_id.get(id) {
                Some(numbers) => {
                    let places = numbers.iter().filter_map(|number| self.texts[*number as usize]);
                    found.extend(places.map(|place| place.sequence));
                }
                None => unknown.push(*id),
            }
        }
        found.sort_unstable();
        found.dedup();
        (found, unknown)
    }

    /// Takes texts out by their commitments.
    pub(super) fn revoke(&mut self, sequences: &[u64]) {
        for sequence in sequences {
            let Some(number) = self.number_of(*sequence) else { continue };
            let Self { copies, parts, texts, .. } = self;
            let changed = copies.remove(number, |other| words_of(parts, texts, other));
            let Some(place) = self.texts[number as usize].take() else { continue };
            if let Some(same) = self.by_id.get_mut(&place.id) {
                same.retain(|other| *other != number);
                if same.is_empty() {
                    self.by_id.remove(&place.id);
                }
            }
            if let Some(part) = self.parts.get_mut(&place.part) {
                part.texts[place.document as usize] = None;
            }
            self.hide(place, true);
            for (other, is_owner) in changed {
                if let Some(place) = self.texts[other as usize] {
                    self.hide(place, !is_owner);
                }
            }
        }
    }

    fn hide(&mut self, place: Place, is_hidden: bool) {
        if let Some(part) = self.parts.get_mut(&place.part) {
            Arc::make_mut(&mut part.hidden).set(place.document, is_hidden);
        }
    }

    /// The number of the text with this commitment, if it is there.
    fn number_of(&self, sequence: u64) -> Option<u32> {
        let number = self.sequences.binary_search(&sequence).ok()?;
        self.texts[number].is_some().then_some(number as u32)
    }

    /// Puts merged segments in the place of those that they were made of. Texts that were taken out meanwhile stay out,
    /// and which texts are copies is asked anew.
    pub(super) fn replace(&mut self, inputs: &[u64], outputs: Vec<(u64, Part)>) -> Vec<Arc<Mapped>> {
        let mut numbers: HashMap<u64, u32> = HashMap::new();
        let mut old = Vec::new();
        for part in inputs.iter().filter_map(|number| self.parts.remove(number)) {
            let there = part.texts.iter().flatten();
            numbers.extend(there.filter_map(|text| Some((self.texts[*text as usize]?.sequence, *text))));
            old.extend(part.file);
        }
        for (part_number, mut part) in outputs {
            let segment = Arc::clone(&part.segment);
            let hidden = Arc::make_mut(&mut part.hidden);
            for (document, row) in (0u32..).zip(segment.documents()) {
                let Some(&number) = numbers.get(&row.sequence) else { continue };
                if let Some(place) = self.texts[number as usize].as_mut() {
                    (place.part, place.document) = (part_number, document);
                    part.texts[document as usize] = Some(number);
                    hidden.set(document, !self.copies.is_owner(number));
                }
            }
            self.parts.insert(part_number, part);
        }
        old
    }

    /// Of a segment, the documents that a segment of owners leaves out, and those that a segment of copies leaves out.
    pub(super) fn left_out(&self, part: &Part) -> (Hidden, Hidden) {
        let (mut others, mut owners) = (Hidden::default(), Hidden::default());
        for (document, text) in (0..).zip(&part.texts) {
            let is_owner = text.is_some_and(|text| self.copies.is_owner(text));
            others.set(document, !is_owner);
            owners.set(document, is_owner || text.is_none());
        }
        (others, owners)
    }

    /// The index of what is there now.
    pub(super) fn index(&self) -> Result<Index, IndexError> {
        let seen = self.parts.values().filter(|part| part.hidden.count() < part.segment.document_count());
        let part = |part: &Part| LiveSegment {
            segment: Arc::clone(&part.segment),
            hidden: Arc::clone(&part.hidden),
        };
        Index::live(seen.map(part).collect())
    }

    /// How many texts are there.
    pub(super) fn live(&self) -> usize {
        self.by_id.values().map(Vec::len).sum()
    }

    /// What is on disk.
    pub(super) fn manifest(&self, datanet: &str) -> Manifest {
        let (mut segments, mut revoked) = (Vec::new(), Vec::new());
        for (number, part) in self.parts.iter().filter(|(_, part)| part.file.is_some()) {
            let sequences = || part.segment.documents().map(|text| text.sequence);
            let gone = sequences().zip(&part.texts).filter(|(_, text)| text.is_none());
            revoked.extend(gone.map(|(sequence, _)| sequence));
            segments.push(SegmentLine {
                number: *number,
                root: part.segment.root(),
                is_copies: part.is_copies,
                runs: SegmentLine::runs_of(sequences()),
            });
        }
        revoked.sort_unstable();
        let Self { next_number, last_sequence, first_journal, .. } = *self;
        Manifest { datanet: datanet.to_owned(), next_number, last_sequence, first_journal, segments, revoked }
    }
}

fn words_of(parts: &BTreeMap<u64, Part>, texts: &[Option<Place>], number: u32) -> Vec<u64> {
    let place = texts.get(number as usize).copied().flatten();
    place.and_then(|place| Some(parts.get(&place.part)?.words_of(place.document))).unwrap_or_default()
}
