//! Near-copies: what counts as one, at which rate of edits it ends, and that neither order nor hostile texts change it.

use std::collections::BTreeSet;

use openledger_datanet::near::{CONTAINED_BASIS_POINTS, SHINGLE_WORDS, SHINGLES_MIN};
use openledger_datanet::{Cluster, clusters_of};
use proptest::prelude::*;

/// Numbers that are the same everywhere: Knuth's generator, its upper bits.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    /// A text of words that are as unequally frequent as those of a language.
    fn text(&mut self, words: usize) -> Vec<String> {
        (0..words).map(|_| self.word()).collect()
    }

    fn word(&mut self) -> String {
        let bound = 1 << (1 + self.below(13));
        format!("w{}", self.below(bound))
    }

    /// Each word is replaced, left out, doubled by another or swapped with the next at a rate of one in `every`.
    fn edited(&mut self, words: &[String], every: usize) -> Vec<String> {
        let mut edited: Vec<String> = Vec::new();
        for word in words {
            match if self.below(every) == 0 { self.below(4) } else { 4 } {
                0 => edited.push(format!("x{}", self.below(100_000))),
                1 => {}
                2 => edited.extend([word.clone(), self.word()]),
                3 => edited.insert(edited.len().saturating_sub(1), word.clone()),
                _ => edited.push(word.clone()),
            }
        }
        edited
    }
}

fn clusters(texts: &[Vec<String>]) -> Vec<Cluster> {
    let texts: Vec<String> = texts.iter().map(|words| words.join(" ")).collect();
    clusters_of(&texts.iter().map(String::as_str).collect::<Vec<_>>())
}

/// For each text, the position of its cluster's owner.
fn owners(texts: &[Vec<String>]) -> Vec<usize> {
    let mut owners = vec![usize::MAX; texts.len()];
    for cluster in clusters(texts) {
        cluster.members.iter().for_each(|member| owners[*member] = cluster.owner);
    }
    owners
}

fn shingles(words: &[String]) -> BTreeSet<&[String]> {
    words.windows(SHINGLE_WORDS).collect()
}

/// The rule as it is written, on words instead of hashes.
fn repeats(later: &[String], earlier: &[String]) -> bool {
    let (later, earlier) = (shingles(later), shingles(earlier));
    let shared = later.intersection(&earlier).count();
    later.len().min(earlier.len()) >= SHINGLES_MIN && shared * 10_000 >= later.len() * CONTAINED_BASIS_POINTS
}

/// The reference model: every text against every owner before it.
fn owners_by_comparing_all(texts: &[Vec<String>]) -> Vec<usize> {
    let mut owners: Vec<usize> = Vec::new();
    for (place, text) in texts.iter().enumerate() {
        let same = (0..place).find(|&earlier| texts[earlier] == *text).map(|earlier| owners[earlier]);
        let near =
            || (0..place).find(|&earlier| owners[earlier] == earlier && repeats(text, &texts[earlier]));
        owners.push(same.or_else(near).unwrap_or(place));
    }
    owners
}

/// A hundred originals, and an edited copy of each: whether the copy is near by the rule, and whether it was found. An
/// edit in a hundred words is near, one in eight is not; in between it depends on where the edits fall.
#[test]
fn copies_are_found_up_to_the_stated_rate_of_edits() {
    let mut dice = Dice(1);
    println!("edits, near by the rule, found");
    for (every, least, most) in
        [(1000, 100, 100), (100, 100, 100), (50, 95, 100), (25, 40, 80), (16, 5, 25), (8, 0, 0), (3, 0, 0)]
    {
        let originals: Vec<Vec<String>> = (0..100).map(|place| dice.text(150 + 5 * place)).collect();
        let copies: Vec<Vec<String>> = originals.iter().map(|text| dice.edited(text, every)).collect();
        let texts: Vec<Vec<String>> = originals.iter().chain(&copies).cloned().collect();
        let owners = owners(&texts);
        let found = (0..100).filter(|place| owners[100 + place] == *place).count();
        let near = (0..100).filter(|&place| repeats(&copies[place], &originals[place])).count();
        println!("1 in {every}: {near} {found}");
        assert_eq!(found, near, "1 in {every}");
        assert!((least..=most).contains(&found), "1 in {every}: {found}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Families of texts with copies, excerpts, mixtures and edits of each other, in any order.
    #[test]
    fn equals_comparing_all_texts(seed: u64, kinds in prop::collection::vec((0usize..6, any::<usize>()), 1..24)) {
        let mut dice = Dice(seed);
        let mut texts: Vec<Vec<String>> = vec![dice.text(120)];
        for (kind, pick) in kinds {
            let other = texts[pick % texts.len()].clone();
            let third = other.len() / 3;
            texts.push(match kind {
                0 => { let length = dice.below(200); dice.text(length) }
                1 => other,
                2 => dice.edited(&other, 60),
                3 => other[third..].to_vec(),
                4 => dice.text(third / 2).into_iter().chain(other).collect(),
                _ => other[..third].iter().chain(&texts[0][texts[0].len() / 2..]).cloned().collect(),
            });
        }
        prop_assert_eq!(owners(&texts), owners_by_comparing_all(&texts));
    }

    /// Near-copies, however many, decide nothing about others: an index holds owners only, and gives the same clusters.
    #[test]
    fn owners_alone_are_the_same_owners(seed: u64, copies in prop::collection::vec((0usize..4, 8usize..90), 1..90)) {
        let mut dice = Dice(seed);
        let mut texts: Vec<Vec<String>> = (0..3).map(|_| dice.text(60)).collect();
        for (of, every) in copies {
            texts.push(if of == 3 { dice.text(40) } else { dice.edited(&texts[of].clone(), every) });
        }
        let owned: Vec<Vec<String>> =
            clusters(&texts).into_iter().map(|cluster| texts[cluster.owner].clone()).collect();
        prop_assert_eq!(owners(&owned), (0..owned.len()).collect::<Vec<_>>());
    }

    /// The same copies in any order after the original, with other texts between them at any place: the same cluster.
    #[test]
    fn the_order_of_copies_changes_nothing(
        seed: u64, order in Just((0..12usize).collect::<Vec<_>>()).prop_shuffle(), gaps in prop::collection::vec(0usize..3, 13),
    ) {
        let mut dice = Dice(seed);
        let original = dice.text(200);
        let copies: Vec<_> = (0..12).map(|copy| dice.edited(&original, 20 + 10 * copy)).collect();
        let cluster = |order: &[usize], gaps: &[usize]| {
            let mut dice = Dice(seed ^ 1);
            let mut texts = vec![original.clone()];
            for (copy, gap) in order.iter().zip(gaps) {
                texts.push(copies[*copy].clone());
                texts.extend((0..*gap).map(|_| dice.text(90)));
            }
            let found = clusters(&texts).swap_remove(0);
            found.members.into_iter().map(|member| texts[member].clone()).collect::<BTreeSet<_>>()
        };
        prop_assert_eq!(cluster(&order, &gaps), cluster(&(0..12).collect::<Vec<_>>(), &[0; 12]));
    }

    /// Any characters at all: every text is in one cluster, the owner comes first, and near members are members.
    #[test]
    fn every_text_is_in_one_cluster(texts in prop::collection::vec("[ab é漢😀\u{301}'.\n]{0,60}", 0..12)) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let clusters = clusters_of(&texts);
        let mut members: Vec<usize> = clusters.iter().flat_map(|cluster| cluster.members.clone()).collect();
        members.sort_unstable();
        prop_assert_eq!(members, (0..texts.len()).collect::<Vec<_>>());
        prop_assert!(clusters.windows(2).all(|pair| pair[0].owner < pair[1].owner));
        for cluster in clusters {
            prop_assert_eq!(cluster.owner, cluster.members[0]);
            prop_assert!(cluster.members.is_sorted() && cluster.near.is_sorted());
            prop_assert!(cluster.near.iter().all(|near| *near != cluster.owner && cluster.members.contains(near)));
        }
    }
}

#[test]
fn excerpts_and_forewords() {
    let mut dice = Dice(7);
    let text = dice.text(3000);
    let with = |before: usize, from: usize, to: usize| {
        let mut dice = Dice(8);
        let words: Vec<String> = (0..before).map(|_| format!("f{}", dice.below(1_000_000))).collect();
        words.into_iter().chain(text[from..to].iter().cloned()).collect::<Vec<_>>()
    };
    // Fourteen words are the shortest near-copy; each word of a foreword takes a shingle from the shared ones.
    let rows = [
        (with(0, 0, 3000), true),
        (with(0, 1000, 1014), true),
        (with(0, 2986, 3000), true),
        (with(0, 1000, 1013), false),
        (with(24, 100, 200), true),
        (with(25, 100, 200), false),
        (with(600, 0, 3000), true),
        (with(800, 0, 3000), false),
    ];
    for (place, (copy, is_copy)) in rows.into_iter().enumerate() {
        assert_eq!(owners(&[text.clone(), copy]) == [0, 0], is_copy, "row {place}");
    }
    // What comes later and holds an earlier text among much else is no copy of it.
    assert_eq!(owners(&[text[..500].to_vec(), text.clone()]), [0, 1]);
}

/// Fifty versions, each a small edit of the one before: a version belongs to the first as long as it repeats the first
/// itself; then one opens a cluster, and the next ones belong to that one or the first, never to one in between.
#[test]
fn no_chain_leads_from_text_to_text() {
    let mut dice = Dice(3);
    let mut texts = vec![dice.text(300)];
    for _ in 0..50 {
        let next = dice.edited(&texts[texts.len() - 1], 100);
        texts.push(next);
    }
    let owners = owners(&texts);
    for (place, &owner) in owners.iter().enumerate() {
        assert_eq!(owners[owner], owner, "an owner owns itself");
        assert!(place == owner || repeats(&texts[place], &texts[owner]), "{place} repeats {owner}");
    }
    let distinct: BTreeSet<_> = owners.iter().collect();
    assert!(distinct.len() >= 3 && distinct.len() <= 25, "{distinct:?}");
    // An exact copy of a near-copy goes where the near-copy went.
    let copy = texts[1].clone();
    texts.push(copy);
    let cluster = clusters(&texts).swap_remove(0);
    assert!(cluster.near.contains(&1) && cluster.near.contains(&51));
}

/// Whoever commits later cannot push an earlier text out of sight: not with many texts that share its phrases, not with
/// many near-copies, not with pages that are the same up to a third.
#[test]
fn stuffing_does_not_hide_a_copy() {
    let mut dice = Dice(9);
    let victim = dice.text(400);
    let mut texts = vec![victim.clone()];
    for piece in 0..60 {
        let from = 6 * piece;
        texts.push(victim[from..from + 40].iter().cloned().chain(dice.text(80)).collect());
    }
    texts.extend((0..30).map(|_| dice.edited(&victim, 80)));
    texts.push(dice.edited(&victim, 60));
    let owners = owners(&texts);
    assert_eq!(owners[..61], (0..61).collect::<Vec<_>>(), "pieces among other words are texts of their own");
    assert!(owners[61..].iter().all(|owner| *owner == 0), "{owners:?}");

    let boilerplate = dice.text(100);
    let page =
        |dice: &mut Dice| -> Vec<String> { boilerplate.iter().cloned().chain(dice.text(200)).collect() };
    let mut texts: Vec<Vec<String>> = (0..200).map(|_| page(&mut dice)).collect();
    texts.push(dice.edited(&texts[150].clone(), 60));
    let owners = self::owners(&texts);
    assert_eq!((&owners[..200], owners[200]), (&(0..200).collect::<Vec<_>>()[..], 150));
}

/// Texts that are long and all alike, empty, or of one word: done, and nothing is taken for what it is not.
#[test]
fn hostile_texts() {
    let long = "a ".repeat(128 * 1024);
    let period: String = (0..32_000).map(|word| format!("p{} ", word % 11)).collect();
    let longer = format!("{period} tail");
    let texts =
        ["", "...", &long, &long[2..], "a a a a a a a a a a a a a", &period, &longer, "", "p0 p1 p2 p3"];
    let found: Vec<_> = clusters_of(&texts).into_iter().map(|c| (c.members, c.near)).collect();
    let own = |place: usize| (vec![place], vec![]);
    // One word over and over is one shingle, and too little to be near; eleven words in a circle are eleven.
    let expected = vec![(vec![0, 1, 7], vec![]), own(2), own(3), own(4), (vec![5, 6], vec![6]), own(8)];
    assert_eq!(found, expected);
    assert_eq!(clusters_of(&[]), vec![]);
}

/// The clusters of a fixed set of texts never change: money was divided by them.
#[test]
fn clusters_are_the_recorded_ones() {
    let mut dice = Dice(11);
    let original = dice.text(250);
    let mut texts = vec![original.clone()];
    texts.extend((0..40).map(|copy| dice.edited(&original, 12 + copy)));
    let near: Vec<usize> = clusters(&texts).swap_remove(0).near;
    let recorded: Vec<usize> =
        [6, 7, 9].into_iter().chain(13..=15).chain([17]).chain(19..=26).chain(28..=40).collect();
    assert_eq!(near, recorded);
}
