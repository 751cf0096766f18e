//! A segment as bytes: parts behind their lengths, and the root over them.
//!
//! Form: magic, then seven parts (header, dictionary, documents, ids, places, suffixes, counts), each behind its length
//! as u64, then the root; numbers are little-endian. `root` is the Merkle root over `"openledger/index/1" || part`.
//! Bytes are hostile: nothing is allocated beyond what is really there, and everything that the search relies on is
//! checked, the order of the suffixes included, so that a file that is read is the file that building would give, up
//! to its choice of documents. Absent: files, compression, memory maps.

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_datanet::{is_datanet_name, merkle, words::WORDS_VERSION};

use crate::parameters::SEGMENT_WORDS_MAX;
use crate::segment::{Document, IndexError, Parts, Place, Segment, count_words};

const MAGIC: &[u8; 8] = b"OLSEG\0\0\x01";
const PART_NAMES: [&str; 7] = ["header", "dictionary", "documents", "ids", "places", "suffixes", "counts"];

#[derive(BorshSerialize, BorshDeserialize)]
struct Header {
    words_version: u16,
    datanet: String,
}

fn damaged(part: &'static str, cause: &'static str) -> IndexError {
    IndexError::Damaged { part, cause }
}

fn numbers(values: impl Iterator<Item = u32>) -> Vec<u8> {
    values.flat_map(u32::to_le_bytes).collect()
}

fn part_bytes(parts: &Parts) -> [Vec<u8>; 7] {
    let encode = "writing to memory does not fail";
    let header = Header { words_version: WORDS_VERSION, datanet: parts.datanet.clone() };
    [
        borsh::to_vec(&header).expect(encode),
        borsh::to_vec(&parts.dictionary).expect(encode),
        borsh::to_vec(&parts.documents).expect(encode),
        numbers(parts.ids.iter().copied()),
        numbers(parts.places.iter().flat_map(|place| [place.start, place.end])),
        numbers(parts.suffixes.iter().copied()),
        numbers(parts.counts.iter().copied()),
    ]
}

fn root_of(parts: &[impl AsRef<[u8]>]) -> [u8; 32] {
    let leaves: Vec<_> = parts
        .iter()
        .map(|part| merkle::leaf_hash(&[b"openledger/index/1", part.as_ref()].concat()))
        .collect();
    merkle::root(&leaves)
}

/// The root of a segment with these parts.
pub(crate) fn root(parts: &Parts) -> [u8; 32] {
    root_of(&part_bytes(parts))
}

pub(crate) fn encode(parts: &Parts) -> Vec<u8> {
    let parts = part_bytes(parts);
    let mut bytes = MAGIC.to_vec();
    for part in &parts {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    bytes.extend_from_slice(&root_of(&parts));
    bytes
}

impl Segment {
    /// The segment as bytes, checksums included.
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(&self.parts)
    }

    /// Reads a segment and checks all of it. Compare [`Segment::root`] with the sealed snapshot's to know whose it is.
    ///
    /// # Errors
    /// The first part that is damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IndexError> {
        let mut rest =
            bytes.strip_prefix(MAGIC).ok_or(damaged("start", "is not that of an index, version 1"))?;
        let mut parts: [&[u8]; 7] = [&[]; 7];
        for (part, name) in parts.iter_mut().zip(PART_NAMES) {
            *part = take_part(&mut rest, name)?;
        }
        if rest != root_of(&parts) {
            return Err(damaged("checksum", "does not fit the content"));
        }
        let [header, dictionary, documents, ids, places, suffixes, counts] = parts;
        let header: Header = borsh::from_slice(header).map_err(|_| damaged("header", "is not readable"))?;
        if header.words_version != WORDS_VERSION {
            return Err(damaged("header", "names another version of the word splitter"));
        }
        let parts = Parts {
            datanet: header.datanet,
            dictionary: borsh::from_slice(dictionary)
                .map_err(|_| damaged("dictionary", "is not readable"))?,
            documents: borsh::from_slice(documents).map_err(|_| damaged("documents", "is not readable"))?,
            ids: read_numbers(ids, "ids")?,
            places: read_numbers(places, "places")?
                .chunks(2)
                .map(|pair| Place { start: pair[0], end: pair.get(1).copied().unwrap_or(0) })
                .collect(),
            suffixes: read_numbers(suffixes, "suffixes")?,
            counts: read_numbers(counts, "counts")?,
        };
        check(&parts)?;
        Ok(Self::complete(parts))
    }
}

fn take_part<'a>(rest: &mut &'a [u8], name: &'static str) -> Result<&'a [u8], IndexError> {
    let (length, after) = rest.split_first_chunk::<8>().ok_or(damaged(name, "is missing"))?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| damaged(name, "is too long"))?;
    let (part, after) = after.split_at_checked(length).ok_or(damaged(name, "is cut off"))?;
    *rest = after;
    Ok(part)
}

fn read_numbers(bytes: &[u8], name: &'static str) -> Result<Vec<u32>, IndexError> {
    let (chunks, remainder) = bytes.as_chunks::<4>();
    if !remainder.is_empty() {
        return Err(damaged(name, "is cut off"));
    }
    Ok(chunks.iter().map(|chunk| u32::from_le_bytes(*chunk)).collect())
}

fn require(holds: bool, part: &'static str, cause: &'static str) -> Result<(), IndexError> {
    if holds { Ok(()) } else { Err(damaged(part, cause)) }
}

fn check(parts: &Parts) -> Result<(), IndexError> {
    require(is_datanet_name(&parts.datanet), "header", "has a bad name")?;
    let rises = parts.dictionary.windows(2).all(|pair| pair[0] < pair[1]);
    require(rises && parts.dictionary.iter().all(|word| !word.is_empty()), "dictionary", "is out of order")?;
    require(parts.ids.len() <= SEGMENT_WORDS_MAX, "ids", "are too many")?;
    let word_count = parts.dictionary.len();
    require(parts.ids.iter().all(|&id| id as usize <= word_count), "ids", "name unknown words")?;
    require(parts.counts == count_words(&parts.ids, word_count), "counts", "do not fit the ids")?;
    require(parts.counts.iter().all(|&count| count > 0), "dictionary", "holds words that do not occur")?;
    check_documents(parts)?;
    check_suffixes(parts)
}

/// Documents follow each other without gaps, each of at least one word and a separator; places rise within each.
fn check_documents(parts: &Parts) -> Result<(), IndexError> {
    require(parts.places.len() == parts.ids.len(), "places", "are not as many as the ids")?;
    let separators: Vec<usize> = (0..parts.ids.len()).filter(|&position| parts.ids[position] == 0).collect();
    require(separators.len() == parts.documents.len(), "documents", "are not as many as the separators")?;
    require(separators.last().map_or(0, |last| last + 1) == parts.ids.len(), "ids", "end without separator")?;
    let mut first = 0;
    for (document, &separator) in parts.documents.iter().zip(&separators) {
        let is_placed = document.first_word as usize == first && first < separator;
        require(is_placed, "documents", "do not start where they should")?;
        let places = &parts.places[first..separator];
        let is_rising = places.windows(2).all(|pair| pair[0].end <= pair[1].start)
            && places.iter().all(|place| place.start < place.end);
        require(is_rising && parts.places[separator] == Place::default(), "places", "do not rise")?;
        first = separator + 1;
    }
    let rises = |pair: &[Document]| pair[0].sequence < pair[1].sequence;
    require(parts.documents.windows(2).all(rises), "documents", "are not in commitment order")?;
    let clusters: std::collections::BTreeSet<_> = parts.documents.iter().map(|d| d.cluster).collect();
    require(clusters.len() == parts.documents.len(), "documents", "share a cluster")
}

/// Every word once, and each suffix before the next: by its first word, then by the rank of what follows.
fn check_suffixes(parts: &Parts) -> Result<(), IndexError> {
    let mut ranks = vec![0u32; parts.ids.len()];
    for (rank, &position) in (1u32..).zip(&parts.suffixes) {
        let is_new_word =
            parts.ids.get(position as usize).is_some_and(|&id| id > 0) && ranks[position as usize] == 0;
        require(is_new_word, "suffixes", "are not the positions of the words")?;
        ranks[position as usize] = rank;
    }
    let word_total = parts.ids.iter().filter(|&&id| id > 0).count();
    require(word_total == parts.suffixes.len(), "suffixes", "are not as many as the words")?;
    let in_order = parts.suffixes.windows(2).all(|pair| {
        let (a, b) = (pair[0] as usize, pair[1] as usize);
        // Two suffixes whose documents end after the same word are equal as far as any search looks.
        (parts.ids[a], ranks[a + 1]) <= (parts.ids[b], ranks[b + 1])
    });
    require(in_order, "suffixes", "are out of order")
}
