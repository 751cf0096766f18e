//! Every number that an attribution depends on, under one version. Changing any of them is a new version, and old
//! receipts are recomputed with the old one. Absent: limits of single texts, which `openledger-datanet` holds.

/// The version of splitter, search, weights and division taken together.
pub const ATTRIBUTION_VERSION: u16 = 1;

/// One nat of surprise. All weights are multiples of 2^-16 nat.
pub const NAT: u64 = 1 << 16;

/// What a span's surprise must exceed to count: 20 nats, about one chance in 485 million for words drawn one by one.
/// Three rare or five ordinary words pass; "in the top bar" does not.
pub const THRESHOLD: u64 = 20 * NAT;

/// A span found in more clusters than this is common: it is shown, and its weight stays unattributed. Without a cap,
/// the boilerplate of a manual would pay a hundred pages for nothing, and its enumeration would have no bound.
pub const SPAN_CLUSTERS_MAX: usize = 16;

/// The longest output that is attributed, in bytes.
pub const OUTPUT_BYTES_MAX: usize = 1 << 20;

/// The longest output that is attributed, in words. Bounds the search at the square of this in word comparisons.
pub const OUTPUT_WORDS_MAX: usize = 1 << 15;

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
