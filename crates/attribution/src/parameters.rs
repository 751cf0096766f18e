//! Every number that an attribution depends on, under one version. Changing any of them is a new version, and old
//! receipts are recomputed with the old one. Absent: limits of single texts, which `openledger-datanet` holds.

/// The version of splitter, search, weights and division taken together.
pub const ATTRIBUTION_VERSION: u16 = 1;

/// One nat of surprise. All weights are multiples of 2^-16 nat.
pub const NAT: u64 = 1 << 16;

/// What a span's surprise must exceed to count: 28 nats, which five or six ordinary words in a row reach.
///
/// Measured on the project's three datanets (0.2 million words). "By chance" is the weight that pages of one datanet
/// lose to the other two; "quoted" the share of excerpts of five and six words whose page comes first:
///
/// | nats | by chance: tools, dictionary, help | quoted: five, six words |
/// |---|---|---|
/// | 20 | 2.30 %, 0.46 %, 3.83 % | 99.5 %, 99.6 % |
/// | 24 | 0.77 %, 0.09 %, 1.44 % | 99.1 %, 99.6 % |
/// | 28 | 0.20 %, 0.01 %, 0.29 % | 92.3 %, 99.6 % |
/// | 32 | 0.04 %, 0.01 %, 0.08 % | 69.1 %, 96.8 % |
///
/// At 20, "the answer to that question" pays whichever page happens to hold it. A larger index holds more idioms:
/// measure again before it is used for one.
pub const THRESHOLD: u64 = 28 * NAT;

/// A span found in more clusters than this is common: it is shown, and its weight stays unattributed. Without a cap,
/// the boilerplate of a manual would pay a hundred pages for nothing, and its enumeration would have no bound.
pub const SPAN_CLUSTERS_MAX: usize = 16;

/// The longest output that is attributed, in bytes.
pub const OUTPUT_BYTES_MAX: usize = 1 << 20;

/// The longest output that is attributed, in words. The worst text (one word, repeated, in output and index) takes the
/// square of this in word comparisons.
pub const OUTPUT_WORDS_MAX: usize = 1 << 14;

/// The most words of one segment, separators included: suffixes are 31-bit numbers.
pub const SEGMENT_WORDS_MAX: usize = (1 << 31) - 2;

/// The most segments of one index.
pub const SEGMENTS_MAX: usize = 1024;

/// The two numbers that tests vary. Everything outside this crate's tests uses [`Rules::FROZEN`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) threshold: u64,
    pub(crate) span_clusters_max: usize,
}

impl Rules {
    /// The rules of [`ATTRIBUTION_VERSION`].
    pub(crate) const FROZEN: Self = Self { threshold: THRESHOLD, span_clusters_max: SPAN_CLUSTERS_MAX };
}
