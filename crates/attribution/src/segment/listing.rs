//! The distinct documents of an interval of suffixes, without looking at every suffix (Muthukrishnan, SODA 2002).
//!
//! For each rank, `previous` is the last earlier rank of the same document. A rank is the first of its document in
//! `[start, end)` exactly when its previous one lies before `start`. Stored is the least `previous + 1` (0: none) of
//! each [`BLOCK`] ranks, and minima of minima above it; inside a block the ranks themselves are looked at. So every
//! block that is opened, except the two at the ends, adds a document. Absent: counting beyond a caller's limit.

/// Ranks for which one minimum is stored.
pub(crate) const BLOCK: usize = 64;

/// Minima for which one minimum stands on the next level.
const FAN: usize = 16;

/// How many numbers each level has, from the ranks' blocks up to the level of one number.
fn levels(rank_count: usize) -> Vec<usize> {
    let mut sizes = vec![rank_count.div_ceil(BLOCK)];
    while sizes[sizes.len() - 1] > 1 {
        sizes.push(sizes[sizes.len() - 1].div_ceil(FAN));
    }
    sizes
}

/// How many bytes the listing of `rank_count` ranks takes.
pub(crate) fn listing_bytes(rank_count: usize) -> usize {
    4 * levels(rank_count).iter().sum::<usize>()
}

/// Appends the listing of ranks whose documents are given, which are below `document_count`.
pub(crate) fn write(document_of_rank: impl Iterator<Item = u32>, document_count: usize, bytes: &mut Vec<u8>) {
    let mut last_plus_one = vec![0u32; document_count];
    let mut level: Vec<u32> = Vec::new();
    for (rank, document) in document_of_rank.enumerate() {
        let last = &mut last_plus_one[document as usize];
        let previous = std::mem::replace(last, rank as u32 + 1);
        match level.last_mut().filter(|_| rank % BLOCK != 0) {
            Some(least) => *least = previous.min(*least),
            None => level.push(previous),
        }
    }
    loop {
        bytes.extend(level.iter().flat_map(|least| least.to_le_bytes()));
        if level.len() <= 1 {
            return;
        }
        level = level.chunks(FAN).filter_map(|minima| minima.iter().min().copied()).collect();
    }
}

/// A listing where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Listing<'a> {
    /// From the blocks upwards.
    levels: Vec<&'a [[u8; 4]]>,
}

impl<'a> Listing<'a> {
    pub(crate) fn new(numbers: &'a [[u8; 4]], rank_count: usize) -> Self {
        let mut rest = numbers;
        let mut take = |size: usize| {
            let (level, after) = rest.split_at_checked(size).unwrap_or((rest, &[]));
            rest = after;
            level
        };
        Self { levels: levels(rank_count).into_iter().map(&mut take).collect() }
    }

    /// The first rank of each distinct document in `[start, end)`, rising, each with its document, and no more than
    /// `limit` of them. Documents that `is_seen` denies are passed over.
    pub(crate) fn first_ranks(
        &self,
        start: usize,
        end: usize,
        limit: usize,
        document_of: impl Fn(usize) -> usize,
        is_seen: impl Fn(usize) -> bool,
    ) -> Vec<(usize, usize)> {
        let mut found: Vec<(usize, usize)> = Vec::new();
        let mut nodes = vec![(self.levels.len() - 1, 0usize)];
        while let Some((level, node)) = nodes.pop() {
            let width = BLOCK * FAN.pow(level as u32);
            let (from, to) = (node * width, (node + 1) * width);
            let least = self.levels[level].get(node).map_or(u32::MAX, |least| u32::from_le_bytes(*least));
            if to <= start || from >= end || least as usize > start {
                continue;
            }
            if level > 0 {
                nodes.extend((node * FAN..(node + 1) * FAN).rev().map(|child| (level - 1, child)));
                continue;
            }
            for rank in from.max(start)..to.min(end) {
                let document = document_of(rank);
                if is_seen(document) && found.iter().all(|(_, other)| *other != document) {
                    found.push((rank, document));
                    if found.len() >= limit {
                        return found;
                    }
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_a_scan(
            documents in prop::collection::vec(0u32..6, 0..3000), stretch in 1usize..400, a: usize, b: usize, limit in 1usize..8,
            hidden in 0usize..9,
        ) {
            // Stretches of one document, so that whole nodes are passed over.
            let documents: Vec<u32> = (0..documents.len()).map(|rank| documents[rank - rank % stretch]).collect();
            let (a, b) = (a % (documents.len() + 1), b % (documents.len() + 1));
            let (start, end) = (a.min(b), a.max(b));
            let expected: Vec<(usize, usize)> = (start..end)
                .filter(|&rank| documents[rank] as usize != hidden && !documents[start..rank].contains(&documents[rank]))
                .map(|rank| (rank, documents[rank] as usize))
                .take(limit)
                .collect();
            let mut bytes = Vec::new();
            write(documents.iter().copied(), 6, &mut bytes);
            prop_assert_eq!(bytes.len(), listing_bytes(documents.len()));
            let listing = Listing::new(bytes.as_chunks().0, documents.len());
            prop_assert_eq!(listing.first_ranks(start, end, limit, |rank| documents[rank] as usize, |d| d != hidden), expected);
        }
    }
}
