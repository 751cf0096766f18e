//! Planted secrets: random words put into texts among the project's datanets, and each of them emitted. Every one must be
//! found and paid to the earliest text that holds it, and no text that was not emitted may be paid.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use openledger_attribution::parameters::THRESHOLD;
use openledger_attribution::unigrams::Unigrams;
use openledger_attribution::{
    Attribution, ContributionId, Index, Matcher, Segment, attribute, index_json_lines, words,
};
use openledger_datanet::{AuthorRef, Contribution, Entry, ParseOptions};
use support::Numbers;

const DATANETS: [(&str, &str); 3] = [
    ("debian-tools", include_str!("../../../data/debian-tools.jsonl")),
    ("devils-dictionary", include_str!("../../../data/devils-dictionary.jsonl")),
    ("gnome-help", include_str!("../../../data/gnome-help.jsonl")),
];

/// The words of a text around its secret.
const HOST_WORDS: usize = 40;
const LENGTH_MAX: usize = 60;
const COPIES_MAX: usize = 9;

/// A word that no table holds.
fn letters(numbers: &mut Numbers) -> String {
    (0..9).map(|_| char::from(b'a' + numbers.below(26) as u8)).collect()
}

struct Secret {
    text: String,
    /// The earliest text that holds it.
    owner: ContributionId,
}

struct World {
    secrets: Vec<Secret>,
    /// The texts of each datanet.
    datanets: Vec<(String, Vec<Entry>)>,
}

fn entry(sequence: u64, text: String) -> Entry {
    let contribution = Contribution {
        external_id: format!("{sequence}"),
        title: "T".into(),
        text,
        authors: vec![AuthorRef { name: "Somebody".into(), account: None }],
        others: vec![],
        license: "MIT".into(),
        source: String::new(),
    };
    Entry { sequence, contribution }
}

fn weight(words: &[String]) -> u64 {
    words.iter().map(|word| Unigrams::frozen().weight(word)).sum()
}

/// The project's datanets with the planted texts in three more. For every length there are secrets of words that no
/// table holds and of words of the datanets; the first that count at all are the shortest. Each is planted 1 to 9 times,
/// in 1 to 3 datanets, at another place of the text each time.
fn world(seed: u64) -> World {
    let options = ParseOptions {
        default_license: Some("see LICENSES.md".into()),
        default_source: String::new(),
        ..ParseOptions::default()
    };
    let (mut datanets, mut sequence, mut vocabulary) = (Vec::new(), 1, BTreeMap::new());
    for (name, lines) in DATANETS {
        let file =
            index_json_lines(name, lines.as_bytes(), &options, sequence).expect("the project's data is good");
        sequence += file.snapshot.entries().len() as u64;
        for entry in file.snapshot.entries() {
            vocabulary
                .extend(words::words(&entry.contribution.text).map(|(_, word)| (words::fold(word), ())));
        }
        datanets.push((name.to_owned(), file.snapshot.entries().to_vec()));
    }
    let vocabulary: Vec<String> = vocabulary.into_keys().collect();
    let mut numbers = Numbers(seed);
    let mut planted = vec![Vec::new(); 3];
    let mut secrets = Vec::new();
    for length in 1..=LENGTH_MAX {
        for (copies, nets) in (1..=COPIES_MAX).flat_map(|copies| (1..=3).map(move |nets| (copies, nets))) {
            let is_foreign = secrets.len() % 2 == 0;
            let word = |numbers: &mut Numbers| match is_foreign {
                true => letters(numbers),
                false => vocabulary[numbers.below(vocabulary.len())].clone(),
            };
            let secret: Vec<String> = (0..length).map(|_| word(&mut numbers)).collect();
            if weight(&secret) <= THRESHOLD {
                continue;
            }
            let text = secret.join(" ");
            let mut owner = None;
            for copy in 0..copies {
                let mut host: Vec<String> =
                    (0..HOST_WORDS).map(|_| vocabulary[numbers.below(vocabulary.len())].clone()).collect();
                host.insert((secrets.len() + copy * 7) % (HOST_WORDS + 1), text.clone());
                let entry = entry(sequence, host.join(" "));
                sequence += 1;
                owner.get_or_insert(entry.contribution.id());
                planted[(secrets.len() + copy) % nets].push(entry);
            }
            secrets.extend(owner.map(|owner| Secret { text, owner }));
        }
    }
    // The names are not in the order of commitment.
    datanets.extend(["z-1", "a-2", "m-3"].map(str::to_owned).into_iter().zip(planted));
    World { secrets, datanets }
}

fn index(datanets: &[(String, Vec<Entry>)]) -> Arc<Index> {
    let segment =
        |(name, entries): &(String, Vec<Entry>)| Arc::new(Segment::build(name, entries).expect("builds"));
    Arc::new(Index::join(datanets.iter().map(segment).collect()).expect("joins"))
}

/// Before and behind the secret, by turns.
fn emitted(secret: &Secret, turn: usize) -> String {
    let (before, behind) =
        [("", ""), ("Sure! ", ""), ("", ". Hope that helps."), ("It is: ", ", as ever.")][turn % 4];
    format!("{before}{}{behind}", secret.text)
}

fn masses(found: &Attribution) -> Vec<(ContributionId, u64)> {
    found.shares.iter().map(|share| (share.contribution, share.mass)).collect()
}

#[test]
fn every_secret_is_found_and_nothing_else() {
    let world = world(20_261_122);
    let (spread, output) = (index(&world.datanets), |(turn, secret)| emitted(secret, turn));
    let lengths: BTreeMap<usize, usize> =
        world.secrets.iter().map(|secret| (words::words(&secret.text).count(), 1)).collect();
    assert_eq!(lengths.keys().copied().collect::<Vec<_>>(), (3..=LENGTH_MAX).collect::<Vec<_>>());
    let outputs: Vec<String> = world.secrets.iter().enumerate().map(output).collect();
    for (secret, output) in world.secrets.iter().zip(&outputs) {
        let found = attribute(output, &spread).expect("short");
        let folded: Vec<String> = words::words(&secret.text).map(|(_, word)| words::fold(word)).collect();
        let [(owner, mass)] = masses(&found)[..] else { panic!("{:?} for {output:?}", masses(&found)) };
        assert_eq!(owner, secret.owner, "{output:?}");
        assert!(mass >= weight(&folded), "{mass} for {output:?}");
    }
    println!(
        "{} secrets, {} texts",
        world.secrets.len(),
        spread.segments().iter().map(|s| s.document_count()).sum::<usize>()
    );
}

/// Two secrets in one output, one of them edited: the same to the unit in one datanet and in six, streamed and whole.
#[test]
fn the_layout_changes_nothing() {
    let world = world(7);
    let mut all: Vec<Entry> = world.datanets.iter().flat_map(|(_, entries)| entries.clone()).collect();
    all.sort_by_key(|entry| entry.sequence);
    let spread = index(&world.datanets);
    // Near-copies are found out inside a datanet alone, so the one holds what the six do.
    let held: Vec<ContributionId> =
        spread.segments().iter().flat_map(|segment| segment.contributions()).collect();
    all.retain(|entry| held.contains(&entry.contribution.id()));
    let one = index(&[("one".to_owned(), all)]);
    for pair in world.secrets.chunks(2).step_by(5) {
        let edited: Vec<String> = words::words(&pair[0].text)
            .enumerate()
            .map(|(place, (_, word))| if place % 5 == 4 { "instead".to_owned() } else { word.to_owned() })
            .collect();
        let output = format!("{} and {}.", edited.join(" "), pair[pair.len() - 1].text);
        let (whole, other) =
            (attribute(&output, &spread).expect("short"), attribute(&output, &one).expect("short"));
        assert_eq!(masses(&whole), masses(&other), "{output:?}");
        assert_eq!((whole.common, whole.unattributed), (other.common, other.unattributed));
        let mut matcher = Matcher::new(Arc::clone(&spread));
        output.as_bytes().chunks(5).for_each(|piece| matcher.push(piece).expect("good bytes"));
        assert_eq!(matcher.finish(), Ok(whole));
    }
}
