//! Texts to the bytes of a segment. The same entries give the same bytes on every machine, up to what zstd packs.
//!
//! 1. `add` splits each text once: its folded words are numbered as they come and hashed into its cluster, and what they
//!    leave out is kept. A text with an earlier one's words is passed over.
//! 2. `finish` leaves out what repeats an earlier text for the most part (`openledger_datanet::near`), so that the owner
//!    of each cluster is indexed and nothing else; packs what the words left out; numbers the words alphabetically,
//!    sorts the suffixes (libsais, SA-IS with induced sorting over integer alphabets, Nong, Zhang, Chan 2009; one
//!    thread), and codes the words by how often they occur. `seal` also grows the trees that a sealed root is over (`trees`).
//!
//! Suffixes are ordered by the alphabetical numbers, 0 between documents, and go on into the next document: so the
//! order depends on the texts alone. Memory: about 20 bytes a word and 24 a distinct word at the
//! peak, beside the result.

use libsais::SuffixArrayConstruction;
use libsais::suffix_array::ExtraSpace;
use openledger_datanet::{Entry, is_datanet_name, limits::TEXT_BYTES_MAX};

use super::bits::{pack, width_of};
use super::collect::Texts;
use super::dictionary::{DictionaryBytes, head_of, word_bits};
use super::documents::Document;
use super::intern::Interner;
use super::layout::{Head, Section, Writer};
use super::listing::{self, BLOCK};
use super::trees::{Spelled, grow, root_of_documents};
use super::{IndexError, Segment, code};

/// A segment under construction.
pub struct Builder {
    datanet: String,
    texts: Texts,
    /// The number of the last commitment.
    last: Option<u64>,
}

impl Builder {
    /// A segment of the datanet, still empty.
    ///
    /// # Errors
    /// A bad name.
    pub fn new(datanet: &str) -> Result<Self, IndexError> {
        if !is_datanet_name(datanet) {
            return Err(IndexError::Name { name: datanet.chars().take(80).collect() });
        }
        Ok(Self { datanet: datanet.to_owned(), texts: Texts::new(), last: None })
    }

    /// A segment that indexes every text with words, copies and near-copies too: whoever has it hides these
    /// ([`Hidden`](crate::Hidden)). Of texts that are no copies of each other it is the same as the other.
    ///
    /// # Errors
    /// A bad name.
    pub fn keeping_copies(datanet: &str) -> Result<Self, IndexError> {
        let mut builder = Self::new(datanet)?;
        builder.texts.keeps_copies = true;
        Ok(builder)
    }

    /// Adds the next entry in commitment order. A text without words, and one with an earlier one's, is passed over.
    ///
    /// # Errors
    /// The number of the commitment does not rise, the text is longer than any contribution's, or there is no room for its
    /// words: then no segment comes of this.
    pub fn add(&mut self, entry: &Entry) -> Result<(), IndexError> {
        let bytes = entry.contribution.text.len();
        let external_id = || entry.contribution.external_id.chars().take(80).collect();
        if self.last.is_some_and(|last| last >= entry.sequence) {
            return Err(IndexError::Order { external_id: external_id() });
        }
        self.last = Some(entry.sequence);
        if bytes > TEXT_BYTES_MAX {
            let external_id = external_id();
            return Err(IndexError::TextTooLong { external_id, bytes });
        }
        let datanet = &self.datanet;
        self.texts.add(entry).ok_or_else(|| IndexError::TooManyWords { datanet: datanet.clone() })
    }

    /// Sorts and writes everything but trees: an index to search, of which no certificates can be made.
    ///
    /// # Errors
    /// The words do not fit the form, or no memory for sorting.
    pub fn finish(self) -> Result<Segment, IndexError> {
        self.write(false)
    }

    /// Sorts and writes everything, trees too, so that the root proves what an answer holds. A fifth slower.
    ///
    /// # Errors
    /// As [`Builder::finish`].
    pub fn seal(self) -> Result<Segment, IndexError> {
        self.write(true)
    }

    fn write(self, is_sealed: bool) -> Result<Segment, IndexError> {
        let Self { datanet, mut texts, .. } = self;
        let too_many = || IndexError::TooManyWords { datanet: datanet.clone() };
        let packing = |cause| IndexError::Packing { datanet: datanet.clone(), cause };
        let occurs = texts.leave_out_near_copies();
        let (gaps, labels) = texts.pack().map_err(packing)?;
        let Texts { interner, mut words, documents, .. } = texts;
        let order = alphabetical(&interner, &occurs);
        let dictionary = DictionaryBytes::write(order.iter().map(|&arrival| interner.word(arrival)));
        let dictionary = dictionary.filter(|_| order.len() <= code::VOCABULARY_MAX).ok_or_else(too_many)?;
        let spelled = is_sealed.then(|| Spelled::of(order.iter().map(|&arrival| interner.word(arrival))));
        drop(interner);
        renumber(&mut words, &order);
        let buckets = buckets_of(&words, order.len());
        let by_frequency = by_frequency(&buckets);
        let mut code_of_word = vec![0u32; order.len() + 1];
        for (code, &word) in (0u32..).zip(&by_frequency) {
            code_of_word[word as usize] = code;
        }
        let (codes, places) = encode(&words, &code_of_word, &documents).ok_or_else(too_many)?;
        let mut suffixes = sort_suffixes(&mut words, order.len(), documents.len())
            .map_err(|cause| IndexError::Sorting { datanet: datanet.clone(), cause })?;
        let (gap_table, gaps) = gaps.finish(|entry| places.find(entry as usize).0).map_err(packing)?;
        let (label_table, labels) = labels.finish(|_| 0).map_err(packing)?;

        let (trees, root) = match spelled {
            Some(spelled) => {
                let (trees, summit) = grow(&words, &suffixes, &documents, &spelled);
                (trees, summit.root(&datanet))
            }
            None => (Vec::new(), root_of_documents(&datanet, &documents, words.len())),
        };
        let (word_bits, code_bits) = (word_bits(order.len()), width_of(codes.len()));
        let head = Head::new(
            datanet,
            documents.len() as u32,
            suffixes.len() as u32,
            order.len() as u32,
            code_bits as u8,
            (is_sealed, root),
        );
        let mut writer = Writer::new(codes.len() + 6 * suffixes.len() + gaps.len() + labels.len());
        writer.section(Section::WordHeads, |bytes| bytes.extend_from_slice(&dictionary.heads));
        writer.section(Section::WordGroups, |bytes| bytes.extend_from_slice(&dictionary.groups));
        writer.section(Section::Words, |bytes| bytes.extend_from_slice(&dictionary.words));
        writer.section(Section::WordLengths, |bytes| bytes.extend_from_slice(&dictionary.lengths));
        writer.section(Section::WordOfCode, |bytes| pack(by_frequency.iter().copied(), word_bits, bytes));
        writer.section(Section::CodeOfWord, |bytes| pack(code_of_word.iter().copied(), word_bits, bytes));
        writer.section(Section::Buckets, |bytes| pack(buckets.iter().copied(), head.rank_bits(), bytes));
        writer.section(Section::Codes, |bytes| bytes.extend_from_slice(&codes));
        let samples: Vec<u64> =
            suffixes.iter().step_by(BLOCK).map(|&suffix| sample(&words, suffix as usize)).collect();
        drop(words);
        // One walk over all places in this order, which no cache holds: each suffix gives way to its document.
        writer.section(Section::Suffixes, |bytes| {
            let placed = suffixes.iter_mut().map(|suffix| {
                let (code, document) = places.find(*suffix as usize);
                *suffix = document as i32;
                code
            });
            pack(placed, code_bits, bytes);
        });
        writer
            .section(Section::Samples, |bytes| bytes.extend(samples.into_iter().flat_map(u64::to_le_bytes)));
        writer.section(Section::Listing, |bytes| {
            listing::write(suffixes.iter().map(|document| *document as u32), documents.len(), bytes);
        });
        writer
            .section(Section::Documents, |bytes| documents.iter().for_each(|document| document.write(bytes)));
        writer.section(Section::DocumentCodes, |bytes| {
            let starts = documents.iter().map(|document| places.find(document.first_entry as usize).0);
            starts
                .chain([codes.len() as u32])
                .for_each(|start| bytes.extend_from_slice(&start.to_le_bytes()));
        });
        for (section, content) in [
            (Section::GapTable, gap_table),
            (Section::Gaps, gaps),
            (Section::LabelTable, label_table),
            (Section::Labels, labels),
            (Section::Trees, trees),
        ] {
            writer.section(section, |bytes| bytes.extend_from_slice(&content));
        }
        let bytes = writer.finish(head);
        Ok(Segment::open(std::sync::Arc::new(bytes)).expect("what was written is read"))
    }
}

/// The numbers of arrival of the words that occur, in the words' order.
fn alphabetical(interner: &Interner, occurs: &[bool]) -> Vec<u32> {
    let numbers = (0u32..).zip(occurs).filter(|(_, occurs)| **occurs);
    let mut order: Vec<(u64, u32)> =
        numbers.map(|(number, _)| (head_of(interner.word(number)), number)).collect();
    order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| interner.word(a.1).cmp(interner.word(b.1))));
    order.into_iter().map(|(_, number)| number).collect()
}

/// Turns numbers of arrival into alphabetical ones, both from 1; 0 stays.
fn renumber(words: &mut [i32], order: &[u32]) {
    let arrivals = order.iter().max().map_or(0, |last| *last as usize + 1);
    let mut number_of_arrival = vec![0i32; arrivals + 1];
    for (number, &arrival) in (1i32..).zip(order) {
        number_of_arrival[arrival as usize + 1] = number;
    }
    for word in words {
        *word = number_of_arrival[*word as usize];
    }
}

/// The first rank of each word from 0 on, and the count of all at the end. Separators have no ranks.
fn buckets_of(words: &[i32], vocabulary: usize) -> Vec<u32> {
    let mut buckets = vec![0u32; vocabulary + 2];
    for &word in words.iter().filter(|word| **word > 0) {
        buckets[word as usize + 1] += 1;
    }
    for word in 1..buckets.len() {
        buckets[word] += buckets[word - 1];
    }
    buckets
}

/// The words from the most frequent on, equal ones in their order.
fn by_frequency(buckets: &[u32]) -> Vec<u32> {
    let mut words: Vec<(u32, u32)> = (1..buckets.len() as u32 - 1)
        .map(|word| (u32::MAX - (buckets[word as usize + 1] - buckets[word as usize]), word))
        .collect();
    words.sort_unstable();
    words.into_iter().map(|(_, word)| word).collect()
}

/// Where the code of each word starts and in which document it is. They are asked in the order of the suffixes, so it matters
/// that little memory is touched: a byte for each word, and twelve for each [`PLACES`] words.
struct Places {
    /// For each [`PLACES`] words, where the code of the first starts, and its document.
    bases: Vec<(u32, u32)>,
    /// How far behind its base the code of each word starts.
    offsets: Vec<u8>,
    /// The first word of each document.
    starts: Vec<u32>,
}

/// A code has at most four bytes, so an offset is at most 252.
const PLACES: usize = 64;

impl Places {
    /// Where the code of a word starts, and its document.
    #[inline]
    fn find(&self, word: usize) -> (u32, u32) {
        let (base, mut document) = self.bases[word / PLACES];
        // Every document has a word and an end, so this is over in a few steps, and mostly in one.
        while self.starts.get(document as usize + 1).is_some_and(|next| *next as usize <= word) {
            document += 1;
        }
        (base + u32::from(self.offsets[word]), document)
    }
}

/// The codes of all words, and where they are; `None` when the codes take more than 4 GiB.
fn encode(words: &[i32], code_of_word: &[u32], documents: &[Document]) -> Option<(Vec<u8>, Places)> {
    let mut codes = Vec::with_capacity(2 * words.len());
    let mut places = Places {
        bases: Vec::with_capacity(words.len() / PLACES + 1),
        offsets: Vec::with_capacity(words.len()),
        starts: documents.iter().map(|document| document.first_entry).collect(),
    };
    let mut document = 0;
    for block in words.chunks(PLACES) {
        let base = codes.len();
        places.bases.push((u32::try_from(base).ok()?, document));
        for &word in block {
            places.offsets.push((codes.len() - base) as u8);
            if word == 0 {
                codes.push(code::SEPARATOR);
                document += 1;
            } else {
                code::write(code_of_word[word as usize] as usize, &mut codes);
            }
        }
    }
    u32::try_from(codes.len()).is_ok().then_some((codes, places))
}

/// The second and third word of a suffix as one number, which compares as they do; 0 stands behind a document's end.
fn sample(words: &[i32], suffix: usize) -> u64 {
    let second = words.get(suffix + 1).map_or(0, |word| *word as u64);
    let third = if second == 0 { 0 } else { words.get(suffix + 2).map_or(0, |word| *word as u64) };
    second << 32 | third
}

/// Numbers that sorting wants behind the suffixes, for each letter of the alphabet: with less room libsais takes ways that
/// are slower (`libsais_int` in libsais.h, on `fs`). The crate's own recommendation is 6,000 for any alphabet.
const ROOM_PER_LETTER: usize = 6;

/// The positions of all words in the order of their suffixes. Separators sort first and are cut off.
fn sort_suffixes(words: &mut [i32], vocabulary: usize, separators: usize) -> Result<Vec<i32>, String> {
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let room = (ROOM_PER_LETTER * (vocabulary + 1)).min(i32::MAX as usize - words.len());
    let sorted = SuffixArrayConstruction::for_text_mut(words)
        .in_owned_buffer32()
        .single_threaded()
        .with_extra_space_in_buffer(ExtraSpace::Fixed { value: room })
        .run()
        .map_err(|error| format!("{error:?}"))?;
    let mut suffixes = sorted.into_vec();
    suffixes.drain(..separators);
    Ok(suffixes)
}
