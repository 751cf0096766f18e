//! The distinct documents of an interval of suffixes, without looking at every suffix (Muthukrishnan, SODA 2002).
//!
//! For each rank, `previous` holds the last earlier rank of the same document. A rank is the first of its document in
//! `[start, end)` exactly when its previous one lies before `start`; a tree of minima finds those ranks in time
//! logarithmic in the index for each document found. Absent: counting beyond a caller's limit.

/// For each rank, 1 + the last earlier rank of the same document, or 0; as a tree of minima with the leaves at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listing {
    tree: Vec<u32>,
    leaf_count: usize,
}

impl Listing {
    /// Prepares for `document_of_rank`, whose values are below `document_count`.
    pub(crate) fn build(document_of_rank: &[u32], document_count: usize) -> Self {
        let leaf_count = document_of_rank.len().next_power_of_two();
        let mut tree = vec![u32::MAX; 2 * leaf_count];
        let mut last_rank_plus_one = vec![0u32; document_count];
        for (rank, &document) in document_of_rank.iter().enumerate() {
            let last = &mut last_rank_plus_one[document as usize];
            tree[leaf_count + rank] = *last;
            *last = rank as u32 + 1;
        }
        for node in (1..leaf_count).rev() {
            tree[node] = tree[2 * node].min(tree[2 * node + 1]);
        }
        Self { tree, leaf_count }
    }

    /// The first rank of each distinct document in `[start, end)`, rising, and no more than `limit` of them.
    pub(crate) fn first_ranks(&self, start: usize, end: usize, limit: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut nodes = vec![(1usize, 0usize, self.leaf_count)];
        while let Some((node, from, to)) = nodes.pop() {
            if found.len() == limit {
                break;
            }
            if to <= start || from >= end || self.tree[node] as usize > start {
                continue;
            }
            if to - from == 1 {
                found.push(from);
                continue;
            }
            let middle = from + (to - from) / 2;
            nodes.push((2 * node + 1, middle, to));
            nodes.push((2 * node, from, middle));
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
        fn equals_a_scan(documents in prop::collection::vec(0u32..6, 0..60), a: usize, b: usize, limit in 0usize..8) {
            let (a, b) = (a % (documents.len() + 1), b % (documents.len() + 1));
            let (start, end) = (a.min(b), a.max(b));
            let expected: Vec<usize> = (start..end)
                .filter(|&rank| !documents[start..rank].contains(&documents[rank]))
                .take(limit)
                .collect();
            prop_assert_eq!(Listing::build(&documents, 6).first_ranks(start, end, limit), expected);
        }
    }
}
