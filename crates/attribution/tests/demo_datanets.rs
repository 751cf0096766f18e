//! The rules on the project's own datanets: whoever is quoted receives most, unless somebody said it earlier, and the
//! parts are found again.

use std::collections::BTreeMap;
use std::sync::Arc;

use openledger_attribution::{
    Attribution, ByteRange, ContributionId, Index, Matcher, Segment, attribute, index_json_lines, recompute,
    words,
};
use openledger_datanet::{Entry, ParseOptions, SealedSnapshot};

const DATANETS: [(&str, &str); 3] = [
    ("debian-tools", include_str!("../../../data/debian-tools.jsonl")),
    ("devils-dictionary", include_str!("../../../data/devils-dictionary.jsonl")),
    ("gnome-help", include_str!("../../../data/gnome-help.jsonl")),
];

struct Demo {
    index: Arc<Index>,
    snapshots: Vec<SealedSnapshot>,
}

fn demo() -> Demo {
    let options = ParseOptions {
        default_license: Some("see LICENSES.md".into()),
        default_source: String::new(),
        ..ParseOptions::default()
    };
    let (mut segments, mut snapshots, mut sequence) = (Vec::new(), Vec::new(), 1);
    for (name, lines) in DATANETS {
        let file =
            index_json_lines(name, lines.as_bytes(), &options, sequence).expect("the project's data is good");
        sequence += file.snapshot.entries().len() as u64;
        snapshots.push(file.snapshot);
        segments.push(Arc::new(file.segment));
    }
    Demo { index: Arc::new(Index::join(segments).expect("joins")), snapshots }
}

fn entry<'a>(demo: &'a Demo, external_id: &str) -> &'a Entry {
    let entries = demo.snapshots.iter().flat_map(|snapshot| snapshot.entries());
    entries
        .into_iter()
        .find(|e| e.contribution.external_id.ends_with(external_id))
        .expect("the page is there")
}

/// Whether the most valuable span names the page as a source: it, or an earlier page with the same words, is paid.
fn is_found(attribution: &Attribution, id: ContributionId) -> bool {
    let best = attribution.spans.iter().max_by_key(|span| (!span.is_common, span.value));
    best.is_some_and(|span| span.sources.iter().any(|source| source.contribution == id))
}

/// The part of the output's weight that goes to `id`, in percent.
fn percent(attribution: &Attribution, id: ContributionId) -> u64 {
    let mass: u64 = attribution.shares.iter().filter(|s| s.contribution == id).map(|s| s.mass).sum();
    100 * mass / attribution.total.max(1)
}

#[test]
fn answers_that_quote() {
    let demo = demo();
    // Answer, page, and the least percent that the page receives.
    let rows = [
        (
            "To turn on bounce keys, open the Activities overview and start typing Settings. Click on Settings. Click \
             Accessibility in the sidebar to open the panel. Press Typing Assist (AccessX) in the Typing section. \
             Switch the Bounce Keys switch to on.",
            "a11y-bouncekeys.page",
            60,
        ),
        ("Patience is a minor form of despair, disguised as a virtue.", "devil/patience", 60),
        ("git-lfs is an open source Git extension for versioning large files.", "git-lfs", 60),
        (
            "A MAC address is the unique identifier that is assigned by the manufacturer to a piece of network hardware.",
            "net-macaddress.page",
            90,
        ),
        (
            "You can change the display of the battery: in the Suspend & Power Button section, set Show Battery \
             Percentage to on.",
            "power-percentage.page",
            50,
        ),
    ];
    for (answer, page, least) in rows {
        let found = attribute(answer, &demo.index).expect("short");
        found.check().expect("canonical");
        let id = entry(&demo, page).contribution.id();
        assert_eq!(found.shares.first().map(|share| share.contribution), Some(id), "{answer}");
        assert!(percent(&found, id) >= least, "{page}: {}", percent(&found, id));
    }
}

#[test]
fn free_words_are_unattributed() {
    let demo = demo();
    for answer in [
        "I am sorry, but I do not know the answer to that question.",
        "The quick brown fox jumps over the lazy dog while seven wizards brew coffee.",
        "",
    ] {
        let found = attribute(answer, &demo.index).expect("short");
        assert_eq!((found.shares.len(), found.unattributed), (0, found.total), "{answer}");
    }
}

/// Every first long sentence of every page, inside an answer of free words.
#[test]
fn the_quoted_page_receives_most() {
    let demo = demo();
    let (mut quoted, mut found_it, mut first, mut half, mut common) = (0u32, 0u32, 0u32, 0u32, 0u32);
    for snapshot in &demo.snapshots {
        for cluster in snapshot.clusters() {
            let entry = &snapshot.entries()[cluster.owner];
            let sentences = entry.contribution.text.split(['\n', '.']).map(str::trim);
            let Some(sentence) = sentences.into_iter().find(|s| s.split_whitespace().count() >= 8) else {
                continue;
            };
            let answer = format!("Sure! {sentence}. Hope that helps.");
            let found = attribute(&answer, &demo.index).expect("short");
            recompute(&answer, &demo.index, &found).expect("the same again");
            let id = snapshot.ids()[cluster.owner];
            let best = found.shares.first().map_or(0, |share| share.mass);
            let mine = found.shares.iter().find(|s| s.contribution == id).map_or(0, |share| share.mass);
            quoted += 1;
            found_it += u32::from(is_found(&found, id));
            first += u32::from(mine > 0 && mine == best);
            half += u32::from(percent(&found, id) >= 50);
            common += u32::from(found.shares.is_empty() && found.common > 0);
        }
    }
    println!(
        "{quoted} quoted, {found_it} found, {first} paid most, {half} with half of the weight, {common} common"
    );
    assert!(quoted > 1000);
    assert!(found_it * 100 >= quoted * 98, "{found_it} of {quoted} found");
    // The others begin or go on as an earlier page does, whose words these are.
    assert!(first * 100 >= quoted * 93, "{first} of {quoted} first");
    assert!(half * 100 >= quoted * 85, "{half} of {quoted} with half");
}

/// Pages that the index does not hold lose next to nothing to those that it holds.
#[test]
fn chance_matches_are_rare() {
    let demo = demo();
    for (place, snapshot) in demo.snapshots.iter().enumerate() {
        let mut others = demo.index.segments().to_vec();
        others.remove(place);
        let index = Index::join(others).expect("joins");
        let (mut total, mut attributed) = (0, 0);
        for entry in snapshot.entries() {
            let found = attribute(&entry.contribution.text, &index).expect("short");
            total += found.total;
            attributed += found.shares.iter().map(|share| share.mass).sum::<u64>();
        }
        println!("{}: {attributed} of {total} by chance", snapshot.header().datanet);
        assert!(attributed * 200 < total, "{}", snapshot.header().datanet);
    }
}

/// Six words from the middle of a page are enough.
#[test]
fn short_excerpts_find_their_page() {
    let demo = demo();
    let (mut excerpts, mut found_it) = (0u32, 0u32);
    let owners = demo
        .snapshots
        .iter()
        .flat_map(|snapshot| snapshot.clusters().iter().map(|cluster| &snapshot.entries()[cluster.owner]));
    for entry in owners {
        let words: Vec<&str> = entry.contribution.text.split_whitespace().collect();
        if words.len() < 16 {
            continue;
        }
        let found = attribute(&words[words.len() / 2 - 3..][..6].join(" "), &demo.index).expect("short");
        excerpts += 1;
        found_it += u32::from(is_found(&found, entry.contribution.id()));
    }
    println!("{found_it} of {excerpts} excerpts");
    assert!(excerpts > 1000 && found_it * 100 >= excerpts * 98, "{found_it} of {excerpts}");
}

/// Packages that are described alike, word for word up to a line: the first is paid, also when another is quoted whole.
#[test]
fn near_copies_are_never_paid() {
    let demo = demo();
    let (mut copies, mut half) = (0u32, 0u32);
    for snapshot in &demo.snapshots {
        for cluster in snapshot.clusters() {
            for &near in &cluster.near {
                let found =
                    attribute(&snapshot.entries()[near].contribution.text, &demo.index).expect("short");
                assert_eq!(percent(&found, snapshot.ids()[near]), 0);
                let is_named = |span: &openledger_attribution::Span| {
                    span.sources.iter().any(|source| source.contribution == snapshot.ids()[near])
                };
                assert!(!found.spans.iter().any(is_named), "a near-copy is no source");
                copies += 1;
                half += u32::from(percent(&found, snapshot.ids()[cluster.owner]) >= 50);
            }
        }
    }
    println!("{copies} near-copies, {half} of them at least half the owner's");
    assert!(copies >= 40 && half * 2 >= copies, "{half} of {copies}");
}

#[test]
fn streaming_a_page_gives_the_batch_result() {
    let demo = demo();
    for page in ["nautilus-connect.page", "devil/telephone", "reposurgeon"] {
        let text = format!("{0} and once more {0}", entry(&demo, page).contribution.text);
        let mut matcher = Matcher::new(demo.index.clone());
        for piece in text.as_bytes().chunks(3) {
            matcher.push(piece).expect("good bytes");
        }
        let streamed = matcher.finish().expect("good bytes");
        assert_eq!(Ok(&streamed), attribute(&text, &demo.index).as_ref());
        assert!(percent(&streamed, entry(&demo, page).contribution.id()) > 80, "{page}");
    }
}

#[test]
fn the_index_files_are_read_back() {
    let demo = demo();
    let sealed: Vec<_> = demo.snapshots.iter().map(|snapshot| snapshot.header().index_root).collect();
    let mut bytes = 0;
    for (segment, sealed) in demo.index.segments().iter().zip(sealed) {
        let read = Segment::open(Arc::new(segment.as_bytes().to_vec())).expect("reads");
        assert_eq!(read.root(), sealed, "the snapshot names this segment");
        read.verify().expect("what the texts give");
        bytes += segment.as_bytes().len();
    }
    let text: usize =
        demo.snapshots.iter().flat_map(|s| s.entries()).map(|e| e.contribution.text.len()).sum();
    println!("{bytes} bytes of index, texts inside, for {text} bytes of text");
}

/// Every text comes back from its segment byte for byte, and every source is where its span says.
#[test]
fn texts_come_back() {
    let demo = demo();
    for (segment, snapshot) in demo.index.segments().iter().zip(&demo.snapshots) {
        let owners = snapshot.clusters().iter().map(|cluster| &snapshot.entries()[cluster.owner]);
        let indexed = (0..segment.document_count()).map(|document| segment.entry(document).expect("reads"));
        assert!(indexed.eq(owners.cloned()), "{}", segment.datanet());
    }
    for page in ["nautilus-connect.page", "devil/telephone", "reposurgeon"] {
        let page = entry(&demo, page);
        let found = attribute(&page.contribution.text, &demo.index).expect("short");
        for span in &found.spans {
            for source in &span.sources {
                let text = &texts(&demo)[&source.contribution][range(source.bytes)];
                let words =
                    |text: &str| words::words(text).map(|(_, word)| words::fold(word)).collect::<Vec<_>>();
                assert_eq!(words(text), words(&page.contribution.text[range(span.bytes)]));
            }
        }
    }
}

fn range(bytes: ByteRange) -> std::ops::Range<usize> {
    bytes.start as usize..bytes.end as usize
}

fn texts(demo: &Demo) -> BTreeMap<ContributionId, &str> {
    let entries = demo.snapshots.iter().flat_map(|snapshot| snapshot.entries());
    entries.map(|entry| (entry.contribution.id(), entry.contribution.text.as_str())).collect()
}

#[test]
fn bad_files_say_where() {
    let index = |name: &str, lines: &str| {
        let error =
            index_json_lines(name, lines.as_bytes(), &ParseOptions::default(), 1).expect_err("refused");
        error.to_string()
    };
    let good = r#"{"id":"a","text":"t","authors":["X"],"license":"L"}"#;
    assert!(index("n", &format!("{good}\n{{")).starts_with("line 2: not a contribution in JSON"));
    assert!(index("a name", good).contains("cannot name a datanet"));
    assert!(index("n", "").contains("has no contributions"));
}
