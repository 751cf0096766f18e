//! Near-copies: which earlier text a text repeats for the most part.
//!
//! Rule: a text's *shingles* are its runs of five folded words, as a set. A text repeats an earlier one, both with at
//! least [`SHINGLES_MIN`] of them, when that one alone holds at least [`CONTAINED_BASIS_POINTS`] of its shingles. So a copy with a word
//! changed in every 25, an excerpt and a copy with a foreword are found; a text that takes half from here and half from
//! there is not, and neither is one that is changed more: what it still shares, attribution finds by itself.
//!
//! Only earlier texts that share a quarter of the text's *fingerprints* are compared. They are chosen by winnowing
//! (Schleimer, Wilkerson, Aiken 2003, "Winnowing: local algorithms for document fingerprinting", section 3): the least
//! hash of every eight shingles that follow each other. Two texts that share twelve words in a row share a fingerprint,
//! wherever the words stand in either and however long the texts are; to escape, a copy has to be changed every twelve
//! words, and then it is no near-copy. (A sketch of the least hashes of the whole text, MinHash, misses short excerpts of
//! long texts, and is escaped by changing the few words that it looks at.)
//!
//! A fingerprint leads to the first [`HOLDERS_MAX`] owners that have it, so phrases that many share cost no more than
//! others, and who comes later pushes nobody out; a quarter of the fingerprints at eight texts each leaves 32 texts to
//! compare. Near-copies are not among these eight: without them the owners are the same, so an index, which holds owners
//! only, gives the same clusters again. The hash needs no secret and no resistance to collisions: who makes shingles
//! collide can take for copies only what the same text, committed as early, would have taken.
//! Absent: who owns what (`cluster`), and texts of other datanets. Texts that come and go are `live`'s.

mod live;

pub use live::LiveCopies;

/// Words of a shingle.
pub const SHINGLE_WORDS: usize = 5;

/// The least number of distinct shingles of a near-copy and of what it repeats: shorter texts are phrases, and people
/// repeat phrases.
pub const SHINGLES_MIN: usize = 10;

/// How much of a near-copy one earlier text holds at least, in ten-thousandths of the near-copy's distinct shingles.
pub const CONTAINED_BASIS_POINTS: usize = 8_000;

/// How many shingles follow each other in the window of which one becomes a fingerprint.
pub const WINDOW_SHINGLES: usize = 8;
const _: () = assert!(WINDOW_SHINGLES.is_power_of_two(), "windows are doubled until they are whole");

/// How many texts that own their clusters a fingerprint leads to: the earliest.
pub const HOLDERS_MAX: usize = 8;

/// A candidate shares one in this many of the text's fingerprints.
pub const CANDIDATE_DIVISOR: usize = 4;

/// The hash of a folded word: FNV-1a, 64 bits (Fowler, Noll, Vo; RFC 9923).
pub fn word_hash(folded: &str) -> u64 {
    folded
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// The hashes of a text's shingles in their order, from the hashes of its words.
fn shingles(words: &[u64]) -> Vec<u32> {
    words.windows(SHINGLE_WORDS).map(shingle).collect()
}

/// The polynomial of the words, and the finaliser of SplitMix64 (Steele, Lea, Flood 2014, figure 16) over it, so that
/// the least of several is any of them.
fn shingle(words: &[u64]) -> u32 {
    let sum =
        words.iter().fold(0u64, |sum, word| sum.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(*word));
    let mixed = (sum ^ (sum >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed >> 32) as u32
}

/// The fingerprints of a text with these words, one for each window; those of neighbours that are the same, once.
fn winnowed(words: &[u64]) -> Vec<u32> {
    let mut least = shingles(words);
    // The least of two neighbours, then of two such pairs, then of two such fours.
    let mut reach = 1;
    while reach < WINDOW_SHINGLES {
        for place in 0..least.len().saturating_sub(reach) {
            least[place] = least[place].min(least[place + reach]);
        }
        least.truncate(least.len().saturating_sub(reach));
        reach *= 2;
    }
    least.dedup();
    least
}

/// The fingerprints of a text with these words, as a set.
fn fingerprints(words: &[u64]) -> Vec<u32> {
    set_of(winnowed(words))
}

/// Rising, each once.
fn set_of(mut shingles: Vec<u32>) -> Vec<u32> {
    shingles.sort_unstable();
    shingles.dedup();
    shingles
}

/// Finds near-copies among texts that are added in the order of commitment, none of which has another's words.
#[derive(Debug, Default)]
pub struct NearCopies {
    /// The fingerprints of all texts in the upper half, the number of the text in the lower; some twice.
    holders: Vec<u64>,
    texts: usize,
}

impl NearCopies {
    /// Adds the next text by the hashes of its words ([`word_hash`]).
    pub fn add(&mut self, words: &[u64]) {
        let text = self.texts as u64;
        self.holders.extend(winnowed(words).iter().map(|fingerprint| u64::from(*fingerprint) << 32 | text));
        self.texts += 1;
    }

    /// For each text, the earlier one that it repeats, which repeats none itself: the earliest of several. `words_of`
    /// gives the words of a text again, once for each text that is compared; of such, four bytes a word are kept.
    pub fn find(self, mut words_of: impl FnMut(usize) -> Vec<u64>) -> Vec<Option<usize>> {
        let texts = self.texts;
        let mut owners = Owners::new(self);
        let mut sets: Vec<Option<Vec<u32>>> = vec![None; texts];
        let mut found = Vec::with_capacity(texts);
        for text in 0..texts {
            let repeated = owners.candidates(text).into_iter().find(|&earlier| {
                for place in [text, earlier] {
                    sets[place].get_or_insert_with(|| set_of(shingles(&words_of(place))));
                }
                let set = |place: usize| sets[place].as_deref().unwrap_or_default();
                is_contained(set(text), set(earlier))
            });
            if repeated.is_none() {
                owners.admit(text);
            }
            found.push(repeated);
        }
        found
    }
}

/// Which texts that own their clusters hold which fingerprint.
#[derive(Debug)]
struct Owners {
    /// How many fingerprints each text has.
    totals: Vec<u32>,
    /// The fingerprints that several texts have, by numbers: those of each text in turn.
    shared: Vec<u32>,
    /// Where those of each text begin, and at last where they end.
    starts: Vec<usize>,
    /// For each of these fingerprints, the earliest texts that own their clusters, at most [`HOLDERS_MAX`].
    owners: Vec<Vec<u32>>,
}

impl Owners {
    /// No text is admitted yet.
    fn new(NearCopies { mut holders, texts }: NearCopies) -> Self {
        holders.sort_unstable();
        holders.dedup();
        let mut totals = vec![0u32; texts];
        holders.iter().for_each(|holder| totals[*holder as u32 as usize] += 1);
        let (mut shared, mut count) = (Vec::new(), 0u64);
        for same in holders.chunk_by(|one, other| one >> 32 == other >> 32).filter(|same| same.len() > 1) {
            shared.extend(same.iter().map(|holder| holder << 32 | count));
            count += 1;
        }
        drop(holders);
        shared.sort_unstable();
        let mut starts = Vec::with_capacity(totals.len() + 1);
        let mut rest = 0;
        for text in 0..=totals.len() as u64 {
            rest += shared[rest..].iter().take_while(|holder| *holder >> 32 < text).count();
            starts.push(rest);
        }
        let shared = shared.into_iter().map(|holder| holder as u32).collect();
        Self { totals, shared, starts, owners: vec![Vec::new(); count as usize] }
    }

    fn shared_by(&self, text: usize) -> &[u32] {
        &self.shared[self.starts[text]..self.starts[text + 1]]
    }

    /// The admitted texts that may hold `text` for the most part, in the order of commitment.
    fn candidates(&self, text: usize) -> Vec<usize> {
        let fingerprints = self.shared_by(text).iter();
        let mut earlier: Vec<u32> =
            fingerprints.flat_map(|fingerprint| &self.owners[*fingerprint as usize]).copied().collect();
        earlier.sort_unstable();
        let runs = earlier.chunk_by(|one, other| one == other);
        let likely = runs.filter(|run| run.len() * CANDIDATE_DIVISOR >= self.totals[text] as usize);
        likely.map(|run| run[0] as usize).collect()
    }

    /// The text owns its cluster, so later ones are compared with it.
    fn admit(&mut self, text: usize) {
        for place in self.starts[text]..self.starts[text + 1] {
            let owners = &mut self.owners[self.shared[place] as usize];
            if owners.len() < HOLDERS_MAX {
                owners.push(text as u32);
            }
        }
    }
}

/// Whether `earlier` holds enough of `later`; both rising, each shingle once. Linear in the smaller times the logarithm
/// of the larger, and done as soon as too many are missing.
fn is_contained(later: &[u32], earlier: &[u32]) -> bool {
    if later.len().min(earlier.len()) < SHINGLES_MIN {
        return false;
    }
    let wanted = (later.len() * CONTAINED_BASIS_POINTS).div_ceil(10_000);
    let (mut missing, mut rest) = (later.len() - wanted, earlier);
    for shingle in later {
        rest = &rest[gallop(rest, *shingle)..];
        if rest.first() != Some(shingle) {
            if missing == 0 {
                return false;
            }
            missing -= 1;
        }
    }
    true
}

/// How many of the rising numbers are below `bound`: steps that double, then a search between the last two.
fn gallop(numbers: &[u32], bound: u32) -> usize {
    let mut step = 1;
    while numbers.get(step - 1).is_some_and(|number| *number < bound) {
        step *= 2;
    }
    let (from, to) = (step / 2, numbers.len().min(step));
    from + numbers[from..to].partition_point(|number| *number < bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However many texts share their phrases, few are compared, and the first of them is always among these.
    #[test]
    fn candidates_are_few_and_the_earliest() {
        let words: Vec<u64> = (0..400).map(|word| word_hash(&format!("w{word}"))).collect();
        let owners = |admitted: &dyn Fn(usize) -> bool| {
            let mut near = NearCopies::default();
            (0..500).map(|text| text % 7).for_each(|from| near.add(&words[from..from + 300]));
            let mut owners = Owners::new(near);
            (0..500).filter(|text| admitted(*text)).for_each(|text| owners.admit(text));
            owners
        };
        assert_eq!(owners(&|_| false).candidates(3), [0; 0]);
        assert_eq!(owners(&|text| text < 3).candidates(3), [0, 1, 2]);
        let all = owners(&|_| true).candidates(499);
        assert!(all.len() <= HOLDERS_MAX * CANDIDATE_DIVISOR && all[..3] == [0, 1, 2], "{all:?}");
        let few = owners(&|text| text % 50 == 1).candidates(499);
        assert_eq!(few[..2], [1, 51]);
    }

    #[test]
    fn containment_is_four_in_five_of_the_later_text() {
        let numbers = |range: std::ops::Range<u32>| range.collect::<Vec<u32>>();
        // The later text's shingles, the earlier one's, and whether that is enough.
        let rows = [
            (numbers(0..10), numbers(0..10), true),
            (numbers(0..9), numbers(0..9), false),
            (numbers(0..12), numbers(0..10), true),
            (numbers(0..10), numbers(0..9), false),
            (numbers(0..10), numbers(2..1000), true),
            (numbers(0..10), numbers(3..1000), false),
            (numbers(0..14), numbers(3..1000), false),
            (numbers(0..1000), numbers(100..900), true),
            (numbers(0..1000), numbers(100..899), false),
            (numbers(0..10), numbers(0..0), false),
        ];
        for (later, earlier, is_enough) in rows {
            assert_eq!(is_contained(&later, &earlier), is_enough, "{} in {}", later.len(), earlier.len());
        }
        let sparse: Vec<u32> = (0..5000).map(|number| number * 3).collect();
        assert!(is_contained(&sparse[4000..], &sparse) && !is_contained(&numbers(0..5000), &sparse));
    }

    #[test]
    fn fingerprints_are_the_least_of_every_window() {
        for count in 0..60u64 {
            let words: Vec<u64> = (0..count).map(|word| word_hash(&format!("w{}", word % 23))).collect();
            let shingles = shingles(&words);
            let mut least: Vec<u32> =
                shingles.windows(WINDOW_SHINGLES).filter_map(|window| window.iter().copied().min()).collect();
            least.dedup();
            assert_eq!(winnowed(&words), least, "{count} words");
        }
    }

    /// The hashes decide what is compared and so what is found; they never change.
    #[test]
    fn hashes_are_the_recorded_ones() {
        let words: Vec<u64> = ["", "a", "foobar", "don't", "日"].map(word_hash).to_vec();
        // The first three are test vectors of the hash's authors.
        assert_eq!(words[..3], [0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c, 0x8594_4171_f739_67e8]);
        assert_eq!(shingles(&words), [0xf6f5_47ee]);
    }
}
