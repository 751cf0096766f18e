//! The real code against the reference model, streaming against batch, and the rules that money depends on.

use std::ops::Range;

use openledger_datanet::{commitment_order, words};
use proptest::prelude::*;

use super::near::without_near;
use super::*;
use crate::spans::attribute_by;
use crate::{Attribution, Matcher, attribute, recompute};

fn check_shape(attribution: &Attribution, output: &str) {
    attribution.check().expect("canonical");
    let runs = attribution.segments(output);
    let mut reached = 0;
    for run in &runs {
        assert_eq!(run.bytes.start, reached, "runs follow each other");
        assert!(
            output.get(run.bytes.start as usize..run.bytes.end as usize).is_some_and(|text| !text.is_empty())
        );
        reached = run.bytes.end;
    }
    assert_eq!(reached, output.len() as u64, "runs cover the output");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn equals_the_reference_model(corpus in corpus(), parts in output(), rules in rules()) {
        let output = spliced(&corpus, &parts);
        let datanets = entries_of(&corpus);
        let index = index_of(&datanets);
        let found = attribute_by(&output, &index, rules).expect("short");
        check_shape(&found, &output);
        prop_assert_eq!(without_near(found), reference::attribute(&output, &datanets, index.root(), rules));
    }

    #[test]
    fn streaming_equals_batch(
        corpus in corpus(), parts in output(), rules in rules(), cuts in prop::collection::vec(0usize..120, 0..12)
    ) {
        let output = spliced(&corpus, &parts);
        let index = index_of(&entries_of(&corpus));
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(output.len())).collect();
        cuts.extend([0, output.len()]);
        cuts.sort_unstable();
        let mut matcher = Matcher::new(index.clone());
        for cut in cuts.windows(2) {
            matcher.push(&output.as_bytes()[cut[0]..cut[1]]).expect("good bytes");
        }
        prop_assert_eq!(matcher.finish_by(rules), attribute_by(&output, &index, rules));
    }

    /// The order of texts in a snapshot and of datanets, and in which datanet a text lies, do not change what is paid:
    /// only the order of commitments does.
    #[test]
    fn permuting_texts_changes_nothing(
        texts in prop::collection::btree_set("[ab]( [abcd]){3,9}", 1..7), parts in output(), rules in rules(), turn: usize,
        border: usize,
    ) {
        let texts: Vec<String> = texts.into_iter().collect();
        let corpus = vec![texts.clone()];
        let output = spliced(&corpus, &parts);
        let entries: Vec<Entry> = texts.iter().zip(1..).map(|(text, number)| entry(number, "X", text)).collect();
        let mut turned = entries.clone();
        turned.rotate_left(turn % texts.len());
        let second = turned.split_off(border % (texts.len() + 1));
        let shares = |datanets: &[(String, Vec<Entry>)]| {
            let found = attribute_by(&output, &index_of(datanets), rules).expect("short");
            let shares: Vec<_> = found.shares.into_iter().map(|s| (s.cluster, s.contribution, s.mass)).collect();
            (shares, found.common, found.unattributed, found.total)
        };
        let one = shares(&[("one".into(), entries)]);
        let two = shares(&[("two".into(), turned), ("one".into(), second)]);
        prop_assert_eq!(one, two);
    }

    /// Copying texts under another name, into the same or another datanet, changes no share.
    #[test]
    fn copies_earn_nothing(corpus in corpus(), parts in output(), rules in rules(), picks in prop::collection::vec(any::<usize>(), 1..6)) {
        let output = spliced(&corpus, &parts);
        let mut datanets = entries_of(&corpus);
        let before = attribute_by(&output, &index_of(&datanets), rules).expect("short");
        let texts: Vec<String> = corpus.iter().flatten().cloned().collect();
        if texts.is_empty() {
            return Ok(());
        }
        let copies: Vec<Entry> = picks.iter().enumerate().map(|(place, pick)| {
            let text = texts[pick % texts.len()].to_uppercase().replace(' ', " ... ");
            entry(10_000 + place as u64, "Thief", &text)
        }).collect();
        datanets[0].1.extend(copies.iter().take(3).cloned());
        datanets.push(("a-copy".into(), copies));
        let after = attribute_by(&output, &index_of(&datanets), rules).expect("short");
        prop_assert_eq!(&before.shares, &after.shares);
        let rest = |found: &Attribution| (found.common, found.unattributed, found.total);
        prop_assert_eq!(rest(&before), rest(&after));
    }

    /// Whoever commits passages of earlier texts among words of their own, later, changes nothing for outputs that hold
    /// none of these words: no weight, no owner, no mass of a span that stands there word for word.
    #[test]
    fn passages_of_others_earn_nothing(
        corpus in corpus(), parts in output(), threshold in 0u64..24 * NAT,
        passages in prop::collection::vec((any::<usize>(), any::<usize>(), 1usize..12), 1..9),
    ) {
        let output = spliced(&corpus, &parts);
        let mut datanets = entries_of(&corpus);
        let rules = Rules { threshold, span_clusters_max: 64 };
        let before = attribute_by(&output, &index_of(&datanets), rules).expect("short");
        let texts: Vec<Vec<&str>> = corpus.iter().flatten()
            .map(|text| words::words(text).map(|(_, word)| word).collect())
            .filter(|words: &Vec<&str>| !words.is_empty())
            .collect();
        if texts.is_empty() {
            return Ok(());
        }
        let stuffed: Vec<Entry> = passages.iter().enumerate().map(|(place, (pick, from, length))| {
            let words = &texts[pick % texts.len()];
            let passage: Vec<&str> = words[from % words.len()..].iter().take(*length).copied().collect();
            entry(10_000 + place as u64, "Thief", &format!("mine{place} {0} mine {0} mine", passage.join(" ")))
        }).collect();
        datanets.insert(0, ("a-thief".into(), stuffed));
        let after = attribute_by(&output, &index_of(&datanets), rules).expect("short");
        let (before, after) = (without_near(before), without_near(after));
        prop_assert_eq!(before.shares, after.shares);
        prop_assert_eq!((before.common, before.unattributed), (after.common, after.unattributed));
    }

    /// Whatever is committed later, of whatever words, earlier commitments receive what they received for what stands in
    /// the output word for word.
    #[test]
    fn later_texts_take_nothing(corpus in corpus(), later in corpus(), parts in output(), threshold in 0u64..24 * NAT) {
        let output = spliced(&corpus, &parts) + &spliced(&later, &parts);
        let rules = Rules { threshold, span_clusters_max: 64 };
        let mut datanets = entries_of(&corpus);
        let before = attribute_by(&output, &index_of(&datanets), rules).expect("short");
        let texts = later.iter().flatten().zip(10_000..);
        datanets.push(("a-later".into(), texts.map(|(text, sequence)| entry(sequence, "Later", text)).collect()));
        let after = attribute_by(&output, &index_of(&datanets), rules).expect("short");
        let (before, after) = (without_near(before), without_near(after));
        for share in &before.shares {
            prop_assert!(after.shares.contains(share), "{share:?} is {:?}", after.shares);
        }
    }

    /// Cutting a text in two never pays its owner more, whoever else holds parts of it, earlier or later, as long as the
    /// cap is not reached (see `at_the_cap_a_cut_counts_one_holder_less`).
    #[test]
    fn splitting_a_text_gains_nothing(
        order in Just((0..14).collect::<Vec<usize>>()).prop_shuffle(), cut in 1usize..13,
        others in prop::collection::vec((0usize..13, 1usize..14), 0..4), threshold in 0u64..24 * NAT,
        from in 0usize..13, to in 1usize..15, rivals_from in prop::sample::select(vec![0u64, 110, 200]),
    ) {
        let words: Vec<String> = order.iter().map(|n| format!("w{n}")).collect();
        let rivals: Vec<_> = others.into_iter().filter(|(a, b)| a < b).map(|(a, b)| a..b).collect();
        let rules = Rules { threshold, span_clusters_max: rivals.len() + 1 };
        let (whole, parts) = whole_and_cut(&words, cut, (rivals_from, &rivals), from.min(to - 1)..to.min(14), rules);
        prop_assert!(parts <= whole, "{parts} > {whole}");
    }

    #[test]
    fn an_auditor_finds_every_change(corpus in corpus(), parts in output(), at: usize) {
        let output = format!("{} tail", spliced(&corpus, &parts));
        let index = index_of(&entries_of(&corpus));
        let honest = attribute(&output, &index).expect("short");
        prop_assert_eq!(recompute(&output, &index, &honest), Ok(()));
        let mut bytes = borsh::to_vec(&honest).expect("encodes");
        let at = at % bytes.len();
        bytes[at] ^= 1;
        if let Ok(changed) = borsh::from_slice::<Attribution>(&bytes) {
            prop_assert!(recompute(&output, &index, &changed).is_err());
        }
        let json = serde_json::to_string(&honest).expect("encodes");
        prop_assert_eq!(serde_json::from_str::<Attribution>(&json).expect("decodes"), honest);
    }
}

/// What the owner of a text of these words receives for the output: with the text whole, and cut in two. Rivals hold
/// these runs of its words, and are committed from this number on; the text is number 100, its second part 120.
fn whole_and_cut(
    words: &[String],
    cut: usize,
    (rivals_from, rivals): (u64, &[Range<usize>]),
    output: Range<usize>,
    rules: Rules,
) -> (u64, u64) {
    // All with so much of their own that they are no near-copies, of the whole or of a part.
    let own: String = (0..30).map(|n| format!(" o{n}")).collect();
    let rivals: Vec<String> = rivals
        .iter()
        .map(|run| format!("q1 q2 q3 q4 {} q5 q6 q7 q8", words[run.clone()].join(" ")))
        .collect();
    let output = words[output].join(" ");
    let earned = |mine: &[String]| -> u64 {
        let mut entries: Vec<Entry> =
            mine.iter().enumerate().map(|(n, text)| entry(100 + 20 * n as u64, "Me", text)).collect();
        let mine: Vec<_> = entries.iter().map(|entry| entry.contribution.id()).collect();
        let rivals = rivals.iter().enumerate();
        entries.extend(rivals.map(|(n, text)| entry(rivals_from + n as u64, "Rival", text)));
        let found = attribute_by(&output, &index_of(&[("n".into(), entries)]), rules).expect("short");
        found.shares.iter().filter(|share| mine.contains(&share.contribution)).map(|share| share.mass).sum()
    };
    let whole = earned(&[words.join(" ") + &own]);
    let parts = earned(&[words[..cut].join(" "), words[cut..].join(" ") + &own]);
    (whole, parts)
}

/// What more texts than the cap hold is nobody's, so at the cap it matters that one text is two. Here two earlier texts
/// hold the first twelve words and the first thirteen, and the cap is two. Whole, the third text makes the first twelve
/// common; what reaches the thirteenth is the second text's, which takes all thirteen, and one word is left for the third:
/// too little. Cut, the third holds no run across the cut; the first text takes the twelve words, one is left for the
/// second: too little; and the third has two to take.
#[test]
fn at_the_cap_a_cut_counts_one_holder_less() {
    let words: Vec<String> = (0..14).map(|n| format!("w{n}")).collect();
    let earned = |span_clusters_max| {
        let rules = Rules { threshold: 14 * NAT, span_clusters_max };
        whole_and_cut(&words, 5, (0, &[0..12, 0..13]), 0..14, rules)
    };
    assert_eq!(earned(2), (0, 28 * NAT));
    assert_eq!(earned(3), (28 * NAT, 28 * NAT));
}

/// A text that was committed to one datanet is not taken over by committing it again later to a datanet of one's own,
/// where the numbers begin at 0 and whose name comes first.
#[test]
fn a_later_datanet_cannot_take_a_text() {
    let text = "the quick brown fox jumps over the lazy dog";
    let place = |height, number| commitment_order(height, number).expect("small");
    let first = entry(place(41, 900), "Author", text);
    let mine = first.contribution.id();
    let victim = vec![entry(place(40, 899), "Other", "some other words"), first];
    let paid = |thieves: Vec<(u64, u64, &str)>| {
        let stolen =
            thieves.iter().map(|(height, number, text)| entry(place(*height, *number), "Thief", text));
        let datanets = [("victim".into(), victim.clone()), ("a-thief".into(), stolen.collect())];
        let rules = Rules { threshold: 0, span_clusters_max: 9 };
        let found = attribute_by(text, &index_of(&datanets), rules).expect("short");
        let mass = |is_mine: bool| -> u64 {
            found.shares.iter().filter(|s| (s.contribution == mine) == is_mine).map(|s| s.mass).sum()
        };
        (mass(true), mass(false), found.total)
    };
    for thieves in [
        vec![],
        vec![(42, 0, text)],
        vec![(42, 0, "THE QUICK, brown fox jumps over the lazy dog!")],
        vec![(41, 901, text)],
        vec![(40, 0, "an honest text"), (42, 1, text), (43, 2, text)],
    ] {
        let (victim, thief, total) = paid(thieves.clone());
        assert_eq!((victim, thief), (total, 0), "{thieves:?}");
    }
    // Whoever really was first, owns it, whatever the number in the datanet.
    let (_, thief, total) = paid(vec![(40, 5_000, text)]);
    assert_eq!(thief, total);
}

/// Near-copies, one or many, whole or in pieces, earn nothing, cost the author nothing and make no text common: it is as
/// if they were not there, down to the root of the index, also where the output quotes the copy and not the text.
#[test]
fn near_copies_earn_nothing() {
    let words: Vec<String> = (0..60).map(|word| format!("w{word}")).collect();
    let changed = |place: usize| {
        let mut words = words.clone();
        words[place] = format!("x{place}");
        words.join(" ")
    };
    let alone = vec![("n".to_owned(), vec![entry(1, "Author", &words.join(" "))])];
    for output in [words.join(" "), changed(30), words[10..35].join(" ")] {
        let rules = Rules { threshold: NAT, span_clusters_max: 4 };
        let before = attribute_by(&output, &index_of(&alone), rules).expect("short");
        assert!(before.shares.len() == 1 && before.shares[0].mass > 0, "{output}");
        let mut datanets = alone.clone();
        let mut copies: Vec<String> = (20..45).map(changed).collect();
        copies.extend([words[5..40].join(" "), words[30..].join(", "), format!("preface {}", changed(30))]);
        for (place, copy) in copies.iter().enumerate() {
            datanets[0].1.push(entry(2 + place as u64, "Thief", copy));
            let after = attribute_by(&output, &index_of(&datanets), rules).expect("short");
            assert_eq!(after, before, "{} copies, {output}", place + 1);
        }
    }
}

#[test]
fn edges() {
    let rows: &[(&[&[&str]], &str)] = &[
        (&[], "no index at all"),
        (&[&[]], "an empty datanet"),
        (&[&["", "...", "a"]], "a a a"),
        (&[&["a a a a a a"]], "a a a a a a a a"),
        (&[&["a", "A!", "a."], &["a"]], "a"),
        (&[&["日本語", "語日"]], "日本語日"),
        (&[&["one two"]], ""),
    ];
    for (texts, output) in rows {
        let corpus: Corpus =
            texts.iter().map(|texts| texts.iter().map(|text| text.to_string()).collect()).collect();
        let datanets = entries_of(&corpus);
        let index = index_of(&datanets);
        for threshold in [0, NAT, 28 * NAT] {
            let rules = Rules { threshold, span_clusters_max: 2 };
            let found = attribute_by(output, &index, rules).expect("short");
            check_shape(&found, output);
            let expected = reference::attribute(output, &datanets, index.root(), rules);
            assert_eq!(without_near(found), expected, "{output:?}");
        }
    }
}

#[test]
fn hostile_outputs_are_refused() {
    use crate::OutputError;
    use crate::parameters::{OUTPUT_BYTES_MAX, OUTPUT_WORDS_MAX};
    let index = index_of(&entries_of(&vec![vec!["a b a b".into()]]));
    let push = |pieces: &[&[u8]]| {
        let mut matcher = Matcher::new(index.clone());
        pieces.iter().try_for_each(|piece| matcher.push(piece)).and_then(|()| matcher.finish().map(|_| ()))
    };
    assert_eq!(push(&[b"ok ", b"\xff"]), Err(OutputError::NotUtf8 { at: 3 }));
    assert_eq!(push(&[b"ok \xe6", b"\x97"]), Err(OutputError::NotUtf8 { at: 3 }));
    assert_eq!(push(&[b"ok \xe6", b"\x97", b"\xa5"]), Ok(()));
    let mut matcher = Matcher::new(index.clone());
    assert_eq!(matcher.push(b"ok \xff"), Err(OutputError::NotUtf8 { at: 3 }), "at once, not at the end");
    let wordless = vec![b'.'; OUTPUT_BYTES_MAX + 1];
    assert_eq!(push(&[&wordless]), Err(OutputError::TooLong));
    let many = "a b ".repeat(OUTPUT_WORDS_MAX / 2);
    assert_eq!(push(&[many.as_bytes()]), Ok(()));
    assert_eq!(push(&[many.as_bytes(), b"a"]), Err(OutputError::TooLong));
    assert_eq!(attribute(&format!("{many}a"), &index), Err(OutputError::TooLong));
}

/// The worst text: every suffix of the output matches, and every comparison runs to the end.
#[test]
fn one_word_repeated_to_the_limit() {
    let limit = crate::parameters::OUTPUT_WORDS_MAX;
    let text = "a ".repeat(2 * limit) + "b";
    let index = index_of(&entries_of(&vec![vec![text, "c ".repeat(9)]]));
    let output = "a ".repeat(limit - 1) + "c";
    let rules = Rules { threshold: 0, span_clusters_max: 1 };
    let found = attribute_by(&output, &index, rules).expect("at the limit");
    assert_eq!((found.spans[0].words.end, found.spans[0].count), (limit as u64 - 1, limit as u64 + 2));
    let mut matcher = Matcher::new(index);
    matcher.push(output.as_bytes()).expect("good bytes");
    assert_eq!(matcher.finish_by(rules), Ok(found));
}

#[test]
fn matchers_move_between_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Matcher>();
    check::<Index>();
}

#[test]
fn runs_for_highlighting() {
    let index = index_of(&entries_of(&vec![vec!["zone ztwo, zthree".into(), "zfour (zfive) zsix".into()]]));
    let output = " Free: zone ztwo, zthree zfour (zfive) zsix! Then zthree.";
    let found = attribute(output, &index).expect("short");
    let runs: Vec<(&str, Option<usize>)> = found
        .segments(output)
        .into_iter()
        .map(|run| (&output[run.bytes.start as usize..run.bytes.end as usize], run.span))
        .collect();
    let expected = [
        (" Free: ", None),
        ("zone ztwo, zthree", Some(0)),
        (" ", None),
        ("zfour (zfive) zsix", Some(1)),
        ("! Then zthree.", None),
    ];
    assert_eq!(runs, expected);
}
