//! Every number that an attribution depends on, under one version. Changing any of them is a new version, and old
//! receipts are recomputed with the old one. `docs/attribution.md` shows them as they are here. Absent: limits of single
//! texts, which `openledger-datanet` holds.

/// The version of splitter, search, weights and shares taken together.
pub const ATTRIBUTION_VERSION: u16 = 3;

/// One nat of surprise. All weights are multiples of 2^-16 nat.
pub const NAT: u64 = 1 << 16;

/// The version of the table of words that weights come from.
pub const UNIGRAMS_VERSION: u16 = 1;

/// The SHA-256 of that table. The root of an index holds it.
pub const UNIGRAMS_SHA256: [u8; 32] = [
    0xa8, 0x74, 0x66, 0xa0, 0x74, 0x21, 0x88, 0xd0, 0x43, 0x78, 0x87, 0xfd, 0xc5, 0x62, 0x01, 0xc3, 0xb3,
    0xd4, 0xdc, 0x04, 0x1a, 0x6f, 0xa4, 0xb0, 0xcf, 0x59, 0x05, 0xf5, 0xb3, 0x41, 0xdd, 0xb5,
];

/// What a word weighs that the table does not hold, and the most that any word weighs.
pub const UNKNOWN_WEIGHT: u64 = 14 * NAT;

/// What the surprise of a run of words must exceed for it to count: five or six ordinary words in a row.
pub const THRESHOLD: u64 = 30 * NAT;

/// A run that more clusters hold is common: it is shown, and its mass is nobody's. Without a cap, whoever registered an
/// idiom or a licence first would be paid for it for ever, and its enumeration would have no bound.
pub const SPAN_CLUSTERS_MAX: usize = 64;

/// The most sources that a span names: the earliest.
pub const SPAN_SOURCES_MAX: usize = 16;

/// The fewest words of a seed, from which near-verbatim spans are made.
pub const NEAR_SEED_WORDS_MIN: usize = 3;

/// The least that a seed weighs.
pub const NEAR_SEED_WEIGHT_MIN: u64 = 14 * NAT;

/// A run that more clusters hold is no seed: what so many hold says little.
pub const NEAR_SEED_CLUSTERS_MAX: usize = 16;

/// Of a seed that occurs more often, one place in each text is looked at.
pub const NEAR_SEED_OCCURRENCES_MAX: usize = 64;

/// How many of the seeds before it, in the order of the output, a seed may be linked with.
pub const NEAR_SEEDS_BEFORE_MAX: usize = 8;

/// The most words of the output between two seeds that are linked.
pub const NEAR_GAP_WORDS_MAX: usize = 4;

/// By how many words the distance of two linked seeds in the text may differ from that in the output.
pub const NEAR_DRIFT_WORDS_MAX: usize = 2;

/// What each edit of a near-verbatim span takes from its value: about what a word adds.
pub const NEAR_EDIT_WEIGHT: u64 = 6 * NAT;

/// The most edits of one near-verbatim span; where there are more, another begins.
pub const NEAR_EDITS_MAX: u64 = 64;

/// The longest output that is attributed, in bytes.
pub const OUTPUT_BYTES_MAX: usize = 1 << 20;

/// The longest output that is attributed, in words. The worst text (one word, repeated, in output and index) takes the
/// square of this in word comparisons.
pub const OUTPUT_WORDS_MAX: usize = 1 << 14;

/// The most words of one segment, separators included: suffixes are 31-bit numbers.
pub const SEGMENT_WORDS_MAX: usize = (1 << 31) - 2;

/// The most segments of one index.
pub const SEGMENTS_MAX: usize = 1024;

/// The two numbers that measurements vary. Attributions are made and checked with [`Rules::FROZEN`].
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// In the place of [`THRESHOLD`].
    pub threshold: u64,
    /// In the place of [`SPAN_CLUSTERS_MAX`].
    pub span_clusters_max: usize,
}

impl Rules {
    /// The rules of [`ATTRIBUTION_VERSION`].
    pub const FROZEN: Self = Self { threshold: THRESHOLD, span_clusters_max: SPAN_CLUSTERS_MAX };
}
