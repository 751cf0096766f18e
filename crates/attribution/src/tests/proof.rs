//! Trees and certificates: the root by its definition, what is proven against what is so, and forgeries.

use openledger_datanet::merkle::{Hash, inner_hash, leaf_hash, root as merkle_root};
use openledger_datanet::words;
use proptest::prelude::*;

use super::near::claimed;
use super::*;
use crate::proof::{Absence, Place, Ranks, Side, count_of_longest, with_spans};
use crate::{
    Attribution, CERTIFICATE_BYTES_MAX, Certificate, CertificateFault, CertifiedSpan, CertifyError,
    ClaimedSpan, SealedIndex, attribute, certify, masses_of,
};

/// Words that no table holds, so that three of them are worth something, and two that weigh little.
fn text(longest: usize) -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec!["zqa", "ZQA", "zqb", "zqé", "zq\u{65e5}", "the", "of"]);
    prop::collection::vec(word, 0..longest).prop_map(|words| words.join(" "))
}

fn corpus() -> impl Strategy<Value = Corpus> {
    prop::collection::vec(prop::collection::vec(text(40), 0..6), 0..4)
}

fn output() -> impl Strategy<Value = Vec<(usize, usize, String)>> {
    prop::collection::vec((any::<usize>(), any::<usize>(), text(5)), 0..4)
}

fn sealed(index: &Index) -> Vec<SealedIndex<'_>> {
    index
        .segments()
        .iter()
        .map(|segment| SealedIndex { datanet: segment.datanet(), root: segment.root() })
        .collect()
}

/// What a certificate of all paid spans says, by the attribution.
fn expected(attribution: &Attribution) -> Vec<CertifiedSpan> {
    let paid = attribution.spans.iter().filter(|span| !span.is_common && span.edits == 0);
    paid.map(|span| CertifiedSpan {
        bytes: span.bytes,
        words: span.words,
        value: span.value,
        count: span.count,
        committed: span.committed,
        cluster: span.sources[0].cluster,
        contribution: span.sources[0].contribution,
        datanet: span.sources[0].datanet.clone(),
    })
    .collect()
}

fn folded(text: &str) -> Vec<String> {
    words::words(text).map(|(_, word)| words::fold(word)).collect()
}

/// The root over leaves of up to 16 items, level by level as RFC 6962 has it, of nodes with what they say.
fn annotated_root(mut level: Vec<(Hash, u32, u16)>) -> Hash {
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => {
                    let bytes = |node: &(Hash, u32, u16)| {
                        [&node.0[..], &node.1.to_le_bytes(), &node.2.to_le_bytes()].concat()
                    };
                    (inner_hash(&[&bytes(left), &bytes(right)]), left.1.min(right.1), left.2.min(right.2))
                }
                single => single[0],
            })
            .collect();
    }
    let seal = |root: &(Hash, u32, u16)| inner_hash(&[&root.0, &root.1.to_le_bytes(), &root.2.to_le_bytes()]);
    level.first().map_or_else(|| merkle_root(&[]), seal)
}

/// The root of a segment from its texts alone, by sorting and comparing everything.
fn root_by_definition(datanet: &str, entries: &[Entry]) -> Hash {
    let mut items: Vec<String> = Vec::new();
    let mut documents = Vec::new();
    for Entry { sequence, contribution } in entries {
        let words = folded(&contribution.text);
        let numbers = [items.len() as u32, words.len() as u32].map(u32::to_le_bytes).concat();
        let (cluster, id) = (contribution.cluster(), contribution.id());
        documents.push(leaf_hash(&[&sequence.to_le_bytes()[..], &cluster.0, &id.0, &numbers].concat()));
        items.extend(words);
        items.push(String::new());
    }
    let text: Vec<Hash> = items
        .chunks(16)
        .map(|leaf| {
            let word = |word: &String| [&[word.len() as u8], word.as_bytes()].concat();
            leaf_hash(&leaf.iter().map(word).collect::<Vec<_>>().concat())
        })
        .collect();
    let mut ranks: Vec<usize> = (0..items.len()).filter(|entry| !items[*entry].is_empty()).collect();
    ranks.sort_by_key(|entry| &items[*entry..]);
    let shared = |rank: usize| {
        let before = rank.checked_sub(1).map_or(items.len(), |before| ranks[before]);
        let pairs = items[before..].iter().zip(&items[ranks[rank]..]);
        pairs.take_while(|(one, other)| one == other && !one.is_empty()).count() as u16
    };
    let places: Vec<usize> = (0..ranks.len()).collect();
    let order = places.chunks(16).map(|leaf| {
        let row =
            |rank: &usize| [&(ranks[*rank] as u32).to_le_bytes()[..], &shared(*rank).to_le_bytes()].concat();
        let least_entry = leaf.iter().map(|rank| ranks[*rank] as u32).min().expect("some");
        let least_shared = leaf.iter().map(|rank| shared(*rank)).min().expect("some");
        (leaf_hash(&leaf.iter().map(row).collect::<Vec<_>>().concat()), least_entry, least_shared)
    });
    let head = [&b"openledger/index/2"[..], &words::WORDS_VERSION.to_le_bytes()].concat();
    let counts = [ranks.len() as u32, documents.len() as u32].map(u32::to_le_bytes).concat();
    let roots = [merkle_root(&text), annotated_root(order.collect()), merkle_root(&documents)].concat();
    leaf_hash(&[&head[..], &counts, &roots, datanet.as_bytes()].concat())
}

proptest! {
    #[test]
    fn the_root_is_that_of_the_texts(texts in prop::collection::vec(text(400), 0..5)) {
        let entries: Vec<Entry> = texts.iter().zip(1..).map(|(text, sequence)| entry(sequence, "X", text)).collect();
        let segment = Segment::build("demo", &entries).expect("builds");
        let owners: Vec<Entry> = (0..segment.document_count()).map(|at| segment.entry(at).expect("reads")).collect();
        prop_assert_eq!(segment.root(), root_by_definition("demo", &owners));
        prop_assert_ne!(segment.root(), root_by_definition("other", &owners));
    }

    /// With the roots and the answer alone a certificate says what the attribution says, for every paid span.
    #[test]
    fn a_certificate_says_what_the_attribution_says(corpus in corpus(), parts in output()) {
        let index = index_of(&entries_of(&corpus));
        let output = spliced(&corpus, &parts);
        let attribution = attribute(&output, &index).expect("short");
        let bytes = certify(&output, &attribution, &index).expect("certifies").to_bytes();
        let certificate = Certificate::from_bytes(&bytes).expect("reads");
        prop_assert_eq!(certificate.check(&sealed(&index), &output), Ok(expected(&attribution)));
        let spans: Vec<ClaimedSpan> = attribution.spans.iter().map(claimed).collect();
        let masses = attribution.spans.iter().map(|span| span.mass).collect();
        prop_assert_eq!(masses_of(&output, &spans), Some((masses, attribution.total)));
        for span in 0..spans.len() {
            let mut others = spans.clone();
            others[span].value += 1;
            prop_assert_eq!(masses_of(&output, &others), None);
            others[span] = spans[span].clone();
            others[span].bytes.end -= 1;
            prop_assert_eq!(masses_of(&output, &others), None);
        }
    }

    /// A run of words can be shown exactly where the earliest text that holds it, and those before that, hold no longer one,
    /// or where nothing holds it.
    #[test]
    fn only_what_an_owner_holds_at_most_can_be_shown(corpus in corpus(), parts in output()) {
        let datanets = entries_of(&corpus);
        let index = index_of(&datanets);
        let words = folded(&spliced(&corpus, &parts));
        // Texts that are indexed, in the order of commitments.
        let mut texts: Vec<(u64, Vec<String>)> = index.segments().iter()
            .flat_map(|segment| (0..segment.document_count()).map(|at| segment.entry(at).expect("reads")))
            .map(|entry| (entry.sequence, folded(&entry.contribution.text)))
            .collect();
        texts.sort();
        let earliest = |run: &[String]| {
            let holds = |text: &(u64, Vec<String>)| text.1.windows(run.len()).any(|words| words == run);
            texts.iter().position(holds)
        };
        for start in 0..words.len() {
            for end in start + 1..=words.len() {
                let run = &words[start..end];
                let owner = earliest(run);
                let is_later = |longer: Option<&[String]>| longer.is_none_or(|words| earliest(words) != owner);
                let before = start.checked_sub(1).map(|start| &words[start..end]);
                let is_longest = owner.is_none() || is_later(before) && is_later(words.get(start..end + 1));
                let count = texts.iter().map(|(_, text)| text.windows(run.len()).filter(|words| *words == run).count()).sum::<usize>();
                let shown = count_of_longest(&words, (start, end), &index);
                prop_assert_eq!(shown, is_longest.then_some(count as u64), "{} to {}", start, end);
            }
        }
    }

    #[test]
    fn changed_bytes_prove_nothing(corpus in corpus(), parts in output(), at: usize, value in 1u8.., cut: usize) {
        let index = index_of(&entries_of(&corpus));
        let output = spliced(&corpus, &parts);
        let attribution = attribute(&output, &index).expect("short");
        let bytes = certify(&output, &attribution, &index).expect("certifies").to_bytes();
        let check = |bytes: &[u8]| Certificate::from_bytes(bytes)?.check(&sealed(&index), &output);
        let mut changed = bytes.clone();
        changed[at % bytes.len()] ^= value;
        prop_assert!(check(&changed).is_err(), "byte {}", at % bytes.len());
        prop_assert!(check(&bytes[..cut % bytes.len()]).is_err());
        prop_assert!(check(&[&bytes[..], &[value]].concat()).is_err());
    }

    /// Other places for the same opened leaves, as a prover who wants to be believed would say them.
    #[test]
    fn lies_about_places_are_refused(corpus in corpus(), parts in output(), by in 1u32..4, grow: bool) {
        let index = index_of(&entries_of(&corpus));
        let output = spliced(&corpus, &parts);
        let attribution = attribute(&output, &index).expect("short");
        let honest = certify(&output, &attribution, &index).expect("certifies");
        let moved = |number: &mut u32| *number = if grow { number.saturating_add(by) } else { number.saturating_sub(by) };
        let lies: [fn(&mut Place, &dyn Fn(&mut u32)); 3] = [
            |place, moved| match place {
                Place::Absent(absence) => moved(&mut absence.at),
                Place::Held(ranks) => moved(&mut ranks.first),
            },
            |place, moved| match place {
                Place::Absent(Absence { at, .. }) => *place = Place::Held(Ranks { first: *at, past: *at + 1 }),
                Place::Held(ranks) => moved(&mut ranks.past),
            },
            |place, moved| match place {
                Place::Absent(absence) => moved(&mut absence.at),
                Place::Held(Ranks { first, .. }) => *place = Place::Absent(Absence { at: *first, side: Side::Behind }),
            },
        ];
        for lie in lies {
            let forged = with_spans(&honest, |place| lie(place, &moved));
            let refused = forged.check(&sealed(&index), &output).is_err();
            prop_assert_eq!(refused, forged != honest);
        }
    }
}

fn sample() -> (Arc<Index>, String) {
    let texts = [
        "zqa zqb zqc zqd the zqe zqn zqo. Once upon a zqf there was a zqg, and it was zqh.",
        "Never a zqb zqc zqd of zqe; then zqi zqj zqk zql zqm.",
        "zqi zqj zqk zql and another zqa zqb zqc zqd.",
    ];
    let entries = |texts: &[&str], first: u64| {
        texts.iter().zip(first..).map(|(text, sequence)| entry(sequence, "X", text)).collect::<Vec<_>>()
    };
    let datanets = [("one".to_owned(), entries(&texts[..2], 5)), ("two".to_owned(), entries(&texts[2..], 1))];
    (index_of(&datanets), "I say: zqa zqb zqc zqd the zqe zqn zqo, or zqi zqj zqk zql.".to_owned())
}

#[test]
fn no_byte_of_a_certificate_can_be_replaced() {
    let (index, output) = sample();
    let attribution = attribute(&output, &index).expect("short");
    let bytes = certify(&output, &attribution, &index).expect("certifies").to_bytes();
    let check = |bytes: &[u8]| Certificate::from_bytes(bytes)?.check(&sealed(&index), &output);
    assert_eq!(check(&bytes), Ok(expected(&attribution)));
    assert_eq!(expected(&attribution).iter().map(|span| span.count).collect::<Vec<_>>(), [2, 1, 2]);
    for at in 0..bytes.len() {
        for flip in [1, 0x80, 0xFF] {
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            assert!(check(&changed).is_err(), "byte {at} may be changed by {flip}");
        }
        assert!(check(&bytes[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn a_certificate_is_of_its_answer_and_its_roots() {
    let (index, output) = sample();
    let attribution = attribute(&output, &index).expect("short");
    let certificate = certify(&output, &attribution, &index).expect("certifies");
    let honest = sealed(&index);
    certificate.check(&honest, &output).expect("honest");
    let mut forged = honest.clone();
    forged[1].root[0] ^= 1;
    assert_eq!(certificate.check(&forged, &output), Err(CertificateFault::Root { datanet: "two".into() }));
    forged = honest.clone();
    forged[0].datanet = "a";
    assert_eq!(certificate.check(&forged, &output), Err(CertificateFault::Root { datanet: "a".into() }));
    let fewer = CertificateFault::Segments { found: 2, expected: 1 };
    assert_eq!(certificate.check(&honest[..1], &output), Err(fewer));
    let turned = [honest[1], honest[0]];
    assert_eq!(certificate.check(&turned, &output), Err(CertificateFault::Indexes));
    // An answer that goes on as the owner's text does has a longer span.
    let longer = output.replace("zql.", "zql and.");
    certificate.check(&honest, &longer).expect_err("another answer");
    certificate.check(&honest, "I say nothing").expect_err("another answer");
    assert_eq!(certify("zqa zqb zqc zqd", &attribution, &index), Err(CertifyError::OtherAttribution));
}

#[test]
fn an_index_to_search_attributes_alike_and_certifies_nothing() {
    let (index, output) = sample();
    let unsealed = |segment: &Arc<Segment>| {
        let mut builder = Builder::new(segment.datanet()).expect("a name");
        segment.entries().for_each(|entry| builder.add(&entry.expect("whole")).expect("short"));
        let unsealed = builder.finish().expect("builds");
        unsealed.verify().expect("is what it says");
        assert!(segment.is_sealed() && !unsealed.is_sealed() && unsealed.root() != segment.root());
        Arc::new(unsealed)
    };
    let searched = Index::join(index.segments().iter().map(unsealed).collect()).expect("joins");
    let found = attribute(&output, &searched).expect("short");
    let expected = Attribution { index_root: searched.root(), ..attribute(&output, &index).expect("short") };
    assert_eq!(found, expected);
    assert_eq!(certify(&output, &found, &searched), Err(CertifyError::NotSealed));
}

#[test]
fn what_is_no_certificate_is_named() {
    let long = vec![1u8; CERTIFICATE_BYTES_MAX + 1];
    assert_eq!(Certificate::from_bytes(&long), Err(CertificateFault::TooLong { bytes: long.len() }));
    assert_eq!(Certificate::from_bytes(&[]), Err(CertificateFault::Malformed));
    assert_eq!(Certificate::from_bytes(&[9, 0, 0]), Err(CertificateFault::Version { found: 9 }));
    // Lengths that no bytes follow are not believed.
    assert_eq!(Certificate::from_bytes(&[1, 0, 255, 255, 255, 255]), Err(CertificateFault::Malformed));
}
