//! Which of the texts that come and go own their clusters, now: the answer of `NearCopies` over the texts that are
//! there, without asking it again for each change.
//!
//! A text's answer depends on the earlier texts that own their clusters and share a fingerprint with it, and on nothing
//! else. So a text that comes last is decided once, and one that goes leads to the later texts whose answer may change:
//! those that repeated it, those that it kept a ninth owner of a fingerprint away from, and in turn those behind a text
//! whose answer did change. They are decided in the order of commitment, each once.
//! Memory: about 16 bytes for each fingerprint, of which a text has one in four or five words.
//! Absent: the texts. Who has them gives their words when two are to be compared.

use std::collections::{BTreeMap, BTreeSet};

use super::{CANDIDATE_DIVISOR, HOLDERS_MAX, fingerprints, is_contained, set_of, shingles};
use crate::ClusterId;

/// What a text is among those that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It owns its cluster.
    Owner,
    /// It has the words of an earlier text.
    Copy,
    /// It repeats this earlier text for the most part.
    Near(u32),
    /// It is to be decided.
    Open,
}

#[derive(Debug)]
struct Text {
    cluster: ClusterId,
    fingerprints: Box<[u32]>,
    standing: Standing,
}

/// Texts in the order of commitment, numbered from 0 as they come, and which of them own their clusters.
#[derive(Debug, Default)]
pub struct LiveCopies {
    /// By number; `None` is gone.
    texts: Vec<Option<Text>>,
    /// The texts of each cluster.
    clusters: BTreeMap<ClusterId, BTreeSet<u32>>,
    /// Fingerprints in the upper half, texts that own their clusters in the lower.
    owners: BTreeSet<u64>,
    /// The same of texts that repeat others for the most part.
    others: BTreeSet<u64>,
}

/// All places of a fingerprint in an ordered set, from the text `from` on and before `to`.
fn places(set: &BTreeSet<u64>, fingerprint: u32, from: u32, to: u32) -> impl Iterator<Item = u32> {
    let base = u64::from(fingerprint) << 32;
    set.range(base | u64::from(from)..base | u64::from(to)).map(|place| *place as u32)
}

impl LiveCopies {
    /// Adds the next text in the order of commitment, by its cluster and the hashes of its words, and says whether it
    /// owns its cluster. `words_of` gives the hashes of the words of a text that is there.
    pub fn add(
        &mut self,
        cluster: ClusterId,
        words: &[u64],
        mut words_of: impl FnMut(u32) -> Vec<u64>,
    ) -> bool {
        let number = self.texts.len() as u32;
        let fingerprints = fingerprints(words).into_boxed_slice();
        self.texts.push(Some(Text { cluster, fingerprints, standing: Standing::Copy }));
        let same = self.clusters.entry(cluster).or_default();
        let is_first = same.is_empty();
        same.insert(number);
        if !is_first {
            return false;
        }
        let decided =
            self.decide(number, &mut |text| if text == number { words.to_vec() } else { words_of(text) });
        self.stand(number, decided);
        decided == Standing::Owner
    }

    /// How many numbers were given out.
    pub fn total(&self) -> usize {
        self.texts.len()
    }

    /// Whether the text is there and owns its cluster.
    pub fn is_owner(&self, number: u32) -> bool {
        self.text(number).is_some_and(|text| text.standing == Standing::Owner)
    }

    /// Takes a text out, and says of which others it changed whether they own their clusters: to what.
    pub fn remove(&mut self, number: u32, mut words_of: impl FnMut(u32) -> Vec<u64>) -> Vec<(u32, bool)> {
        let Some(cluster) = self.text(number).map(|text| text.cluster) else { return Vec::new() };
        let mut open = BTreeSet::new();
        self.change(number, Standing::Open, &mut open);
        self.leave(number);
        self.texts[number as usize] = None;
        let heir = self.clusters.get_mut(&cluster).and_then(|same| {
            let was_first = same.first() == Some(&number);
            same.remove(&number);
            same.first().copied().filter(|_| was_first)
        });
        if self.clusters.get(&cluster).is_some_and(BTreeSet::is_empty) {
            self.clusters.remove(&cluster);
        }
        if let Some(heir) = heir {
            self.stand(heir, Standing::Open);
            open.insert(heir);
        }
        let mut changed = Vec::new();
        while let Some(next) = open.pop_first() {
            let was_owner = self.is_owner(next);
            let decided = self.decide(next, &mut words_of);
            self.change(next, decided, &mut open);
            if was_owner != (decided == Standing::Owner) {
                changed.push((next, !was_owner));
            }
        }
        changed
    }

    fn text(&self, number: u32) -> Option<&Text> {
        self.texts.get(number as usize)?.as_ref()
    }

    fn fingerprints_of(&self, number: u32) -> &[u32] {
        self.text(number).map_or(&[], |text| &text.fingerprints)
    }

    /// What the text is, by the earlier owners.
    fn decide(&self, number: u32, words_of: &mut impl FnMut(u32) -> Vec<u64>) -> Standing {
        let own = self.fingerprints_of(number);
        let holders = own.iter().flat_map(|print| places(&self.owners, *print, 0, number).take(HOLDERS_MAX));
        let mut earlier: Vec<u32> = holders.collect();
        earlier.sort_unstable();
        let mut set = None;
        for run in earlier.chunk_by(|one, other| one == other) {
            if run.len() * CANDIDATE_DIVISOR < own.len() {
                continue;
            }
            let later = set.get_or_insert_with(|| set_of(shingles(&words_of(number))));
            if is_contained(later, &set_of(shingles(&words_of(run[0])))) {
                return Standing::Near(run[0]);
            }
        }
        Standing::Owner
    }

    /// Gives the text its standing, and opens the later texts whose answer that may change.
    fn change(&mut self, number: u32, standing: Standing, open: &mut BTreeSet<u32>) {
        let was_owner = self.is_owner(number);
        if was_owner && standing != Standing::Owner {
            self.open_behind(number, open);
            self.stand(number, standing);
        } else {
            self.stand(number, standing);
            if !was_owner && standing == Standing::Owner {
                self.open_behind(number, open);
            }
        }
    }

    /// Opens the texts whose answer depends on whether `owner`, which stands among the owners, stands there.
    fn open_behind(&self, owner: u32, open: &mut BTreeSet<u32>) {
        let mut looked_at = BTreeSet::new();
        for &print in self.fingerprints_of(owner) {
            if places(&self.owners, print, 0, owner).take(HOLDERS_MAX).count() == HOLDERS_MAX {
                // Nobody is led to it by this fingerprint.
                continue;
            }
            // With it, the texts behind this one are not led to this one.
            let ninth = places(&self.owners, print, 0, u32::MAX).nth(HOLDERS_MAX);
            for set in [&self.owners, &self.others] {
                for later in places(set, print, owner + 1, u32::MAX) {
                    if open.contains(&later) || !looked_at.insert((later, ninth)) {
                        continue;
                    }
                    let repeats = |text: u32| {
                        self.text(later).is_some_and(|found| found.standing == Standing::Near(text))
                    };
                    let depends = |text: u32| text < later && (repeats(text) || self.is_likely(later, text));
                    if depends(owner) || ninth.is_some_and(depends) {
                        open.insert(later);
                    }
                }
            }
        }
    }

    /// Whether the earlier text has enough of the later one's fingerprints to be compared.
    fn is_likely(&self, later: u32, earlier: u32) -> bool {
        let (own, others) = (self.fingerprints_of(later), self.fingerprints_of(earlier));
        let shared = own.iter().filter(|print| others.binary_search(print).is_ok()).count();
        shared * CANDIDATE_DIVISOR >= own.len()
    }

    /// Puts the text where texts of this standing are found.
    fn stand(&mut self, number: u32, standing: Standing) {
        self.leave(number);
        let Some(text) = self.texts.get_mut(number as usize).and_then(Option::as_mut) else { return };
        text.standing = standing;
        let set = match standing {
            Standing::Owner => &mut self.owners,
            Standing::Near(_) | Standing::Open => &mut self.others,
            Standing::Copy => return,
        };
        set.extend(text.fingerprints.iter().map(|print| u64::from(*print) << 32 | u64::from(number)));
    }

    /// Takes the text out of where it is found.
    fn leave(&mut self, number: u32) {
        let Some(text) = self.texts.get(number as usize).and_then(Option::as_ref) else { return };
        let set = match text.standing {
            Standing::Owner => &mut self.owners,
            Standing::Near(_) | Standing::Open => &mut self.others,
            Standing::Copy => return,
        };
        for print in &text.fingerprints {
            set.remove(&(u64::from(*print) << 32 | u64::from(number)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::near::{NearCopies, word_hash};
    use crate::words::ClusterHasher;
    use proptest::prelude::*;

    /// The owners among these texts, by the rule for texts that are all there from the beginning.
    fn owners(texts: &[(u32, Vec<u64>)]) -> Vec<u32> {
        let mut seen = BTreeSet::new();
        let distinct: Vec<&(u32, Vec<u64>)> = texts.iter().filter(|(_, words)| seen.insert(words)).collect();
        let mut near = NearCopies::default();
        distinct.iter().for_each(|(_, words)| near.add(words));
        let found = near.find(|text| distinct[text].1.clone());
        distinct.iter().zip(found).filter(|(_, repeats)| repeats.is_none()).map(|(text, _)| text.0).collect()
    }

    fn cluster(words: &[u64]) -> ClusterId {
        let mut hasher = ClusterHasher::default();
        words.iter().for_each(|word| hasher.push(&word.to_string()));
        hasher.finish()
    }

    /// Stretches of one long text, some with a word changed: copies, near-copies of each other, excerpts, and texts that
    /// many share fingerprints with.
    fn text() -> impl Strategy<Value = Vec<u64>> {
        (0usize..8, 1usize..9, prop::option::of((0usize..160, 0u64..3))).prop_map(|(from, length, change)| {
            let mut words: Vec<u64> =
                (from * 10..from * 10 + length * 12).map(|word| word_hash(&format!("w{word}"))).collect();
            if let Some((at, with)) = change {
                let at = at % words.len();
                words[at] = with;
            }
            words
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn equals_the_rule_for_texts_that_are_there(
            steps in prop::collection::vec(prop_oneof![3 => text().prop_map(Ok), 2 => any::<usize>().prop_map(Err)], 1..70)
        ) {
            let mut live = LiveCopies::default();
            let mut words: Vec<Vec<u64>> = Vec::new();
            let mut there: Vec<u32> = Vec::new();
            for step in steps {
                let before: Vec<u32> = there.iter().copied().filter(|text| live.is_owner(*text)).collect();
                match step {
                    Ok(text) => {
                        let is_owner = live.add(cluster(&text), &text, |text| words[text as usize].clone());
                        there.push(words.len() as u32);
                        words.push(text);
                        prop_assert_eq!(is_owner, live.is_owner(words.len() as u32 - 1));
                    }
                    Err(_) if there.is_empty() => continue,
                    Err(pick) => {
                        let gone = there.remove(pick % there.len());
                        let changed = live.remove(gone, |text| words[text as usize].clone());
                        for (text, is_owner) in changed {
                            prop_assert!(before.contains(&text) != is_owner);
                            prop_assert_eq!(live.is_owner(text), is_owner);
                        }
                    }
                }
                let texts: Vec<_> = there.iter().map(|text| (*text, words[*text as usize].clone())).collect();
                let found: Vec<u32> = there.iter().copied().filter(|text| live.is_owner(*text)).collect();
                prop_assert_eq!(found, owners(&texts));
            }
        }
    }
}
