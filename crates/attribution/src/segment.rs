//! The immutable index of one snapshot: words, their places, and the order of all suffixes.
//!
//! Only the earliest commitment of each cluster is indexed, so copies change neither weights nor counts. Words are
//! numbered from 1 in their order, 0 separates documents; suffixes start at words only. Sorting is libsais's work, on
//! one thread. Absent: texts (their contributions hold them), deletion, several snapshots (`index` joins them).

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};
use libsais::SuffixArrayConstruction;
use openledger_datanet::{ClusterId, ContributionId, Entry, is_datanet_name, words};

use crate::format;
use crate::listing::Listing;
use crate::parameters::{SEGMENT_WORDS_MAX, SEGMENTS_MAX};
use crate::search::UNKNOWN;

/// Why an index cannot be built or read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// The datanet's name is no name.
    #[error("{name:?} cannot name a datanet; use 1 to 64 characters of a-z, 0-9, '.', '-', '_'")]
    Name {
        /// The name, cut to 80 characters.
        name: String,
    },
    /// The texts have more words than one segment holds.
    #[error("the datanet {datanet} has more than {SEGMENT_WORDS_MAX} words; split it")]
    TooManyWords {
        /// The datanet.
        datanet: String,
    },
    /// The sorter could not work, which happens when memory runs out.
    #[error("the suffixes of {datanet} could not be sorted ({cause}); free memory and try again")]
    Sorting {
        /// The datanet.
        datanet: String,
        /// What the sorter says.
        cause: String,
    },
    /// Two segments are of the same datanet.
    #[error("the datanet {datanet} is given twice; an index holds one snapshot of each datanet")]
    DatanetTwice {
        /// The datanet.
        datanet: String,
    },
    /// There are more segments than an index holds.
    #[error("{count} segments are more than the {SEGMENTS_MAX} of one index; use several indexes")]
    TooManySegments {
        /// How many there are.
        count: usize,
    },
    /// The bytes are not an index, or were changed.
    #[error("the index file is damaged: {part} {cause}; build it again from the snapshot")]
    Damaged {
        /// The part of the file.
        part: &'static str,
        /// What is wrong with it.
        cause: &'static str,
    },
}

/// One indexed text: the owner of its cluster in this snapshot.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Document {
    pub(crate) cluster: ClusterId,
    pub(crate) contribution: ContributionId,
    pub(crate) sequence: u64,
    /// The position of its first word; it ends one before the next document's, at a separator.
    pub(crate) first_word: u32,
}

/// The bytes of a text that one word takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// What is stored of a segment; everything else follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) datanet: String,
    /// The folded words, rising; the word at position `n` has the id `n + 1`.
    pub(crate) dictionary: Vec<String>,
    pub(crate) documents: Vec<Document>,
    pub(crate) ids: Vec<u32>,
    pub(crate) places: Vec<Place>,
    /// The positions of all words, in the order of the suffixes that start there.
    pub(crate) suffixes: Vec<u32>,
    /// How often each word occurs.
    pub(crate) counts: Vec<u32>,
}

/// The immutable index of one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    pub(crate) parts: Parts,
    root: [u8; 32],
    /// Where the suffixes that start with each id begin; one more at the end.
    pub(crate) buckets: Vec<u32>,
    pub(crate) listing: Listing,
}

impl Segment {
    /// Indexes the entries of a snapshot, which stand in commitment order. Texts without words are passed over.
    ///
    /// # Errors
    /// A bad name, too many words, or no memory for sorting.
    pub fn build(datanet: &str, entries: &[Entry]) -> Result<Self, IndexError> {
        if !is_datanet_name(datanet) {
            return Err(IndexError::Name { name: datanet.chars().take(80).collect() });
        }
        let mut texts = Texts::default();
        for entry in entries {
            texts.add(entry).ok_or_else(|| IndexError::TooManyWords { datanet: datanet.to_owned() })?;
        }
        let (dictionary, ids) = texts.numbered();
        let suffixes = sort_suffixes(&ids, texts.documents.len())
            .map_err(|cause| IndexError::Sorting { datanet: datanet.to_owned(), cause })?;
        let counts = count_words(&ids, dictionary.len());
        let Texts { documents, places, .. } = texts;
        let parts =
            Parts { datanet: datanet.to_owned(), dictionary, documents, ids, places, suffixes, counts };
        Ok(Self::complete(parts))
    }

    /// Derives what is not stored. The parts hold together: they were built here or checked by `format`.
    pub(crate) fn complete(parts: Parts) -> Self {
        let mut buckets = Vec::with_capacity(parts.counts.len() + 2);
        buckets.extend([0u32, 0]);
        for count in &parts.counts {
            buckets.push(buckets[buckets.len() - 1] + count);
        }
        let document_of_rank: Vec<u32> =
            parts.suffixes.iter().map(|&position| document_at(&parts.documents, position) as u32).collect();
        let listing = Listing::build(&document_of_rank, parts.documents.len());
        let root = format::root(&parts);
        Self { parts, root, buckets, listing }
    }

    /// The name of the datanet.
    pub fn datanet(&self) -> &str {
        &self.parts.datanet
    }

    /// The hash that a sealed snapshot names: the Merkle root over the stored parts.
    pub fn root(&self) -> [u8; 32] {
        self.root
    }

    /// How many words are indexed.
    pub fn word_count(&self) -> usize {
        self.parts.suffixes.len()
    }

    /// How many texts are indexed: one for each cluster.
    pub fn document_count(&self) -> usize {
        self.parts.documents.len()
    }

    /// The id of a folded word; [`UNKNOWN`] when it does not occur.
    pub(crate) fn word_id(&self, folded: &str) -> u32 {
        self.parts
            .dictionary
            .binary_search_by(|word| word.as_str().cmp(folded))
            .map_or(UNKNOWN, |position| position as u32 + 1)
    }

    /// The document that holds the word at `position`.
    pub(crate) fn document_at(&self, position: u32) -> usize {
        document_at(&self.parts.documents, position)
    }
}

fn document_at(documents: &[Document], position: u32) -> usize {
    documents.partition_point(|document| document.first_word <= position).saturating_sub(1)
}

/// How often each id from 1 to `word_count` occurs.
pub(crate) fn count_words(ids: &[u32], word_count: usize) -> Vec<u32> {
    let mut counts = vec![0u32; word_count];
    for &id in ids.iter().filter(|&&id| id > 0) {
        counts[id as usize - 1] += 1;
    }
    counts
}

/// Texts under way to a segment: words are numbered as they come, and renumbered in their order at the end.
#[derive(Default)]
struct Texts {
    arrival: BTreeMap<String, u32>,
    arrived_ids: Vec<u32>,
    places: Vec<Place>,
    documents: Vec<Document>,
    clusters: BTreeMap<ClusterId, ()>,
}

impl Texts {
    /// Adds the text of an entry; `None` when there is no room.
    fn add(&mut self, entry: &Entry) -> Option<()> {
        let text = entry.contribution.text.as_str();
        u32::try_from(text.len()).ok()?;
        let cluster = words::cluster_of(text);
        if words::words(text).next().is_none() || self.clusters.insert(cluster, ()).is_some() {
            return Some(());
        }
        let first_word = self.arrived_ids.len() as u32;
        let mut folded = String::new();
        for (range, word) in words::words(text) {
            words::fold_into(word, &mut folded);
            let id = match self.arrival.get(folded.as_str()) {
                Some(&id) => id,
                None => {
                    let id = self.arrival.len() as u32 + 1;
                    self.arrival.insert(folded.clone(), id);
                    id
                }
            };
            self.arrived_ids.push(id);
            self.places.push(Place { start: range.start as u32, end: range.end as u32 });
        }
        self.arrived_ids.push(0);
        self.places.push(Place::default());
        let contribution = entry.contribution.id();
        self.documents.push(Document { cluster, contribution, sequence: entry.sequence, first_word });
        (self.arrived_ids.len() <= SEGMENT_WORDS_MAX).then_some(())
    }

    /// The words in their order, and the texts in their numbers.
    fn numbered(&mut self) -> (Vec<String>, Vec<u32>) {
        let arrival = std::mem::take(&mut self.arrival);
        let mut number_of_arrival = vec![0u32; arrival.len() + 1];
        for (number, &arrived) in (1u32..).zip(arrival.values()) {
            number_of_arrival[arrived as usize] = number;
        }
        let ids = self.arrived_ids.iter().map(|&arrived| number_of_arrival[arrived as usize]).collect();
        (arrival.into_keys().collect(), ids)
    }
}

/// The positions of all words in the order of their suffixes. Separators sort first and are cut off.
fn sort_suffixes(ids: &[u32], separator_count: usize) -> Result<Vec<u32>, String> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut text: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
    let sorted = SuffixArrayConstruction::for_text_mut(&mut text)
        .in_owned_buffer32()
        .single_threaded()
        .run()
        .map_err(|error| format!("{error:?}"))?;
    Ok(sorted.suffix_array()[separator_count..].iter().map(|&position| position as u32).collect())
}
