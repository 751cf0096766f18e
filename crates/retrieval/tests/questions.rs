//! Questions over the project's own datanets, each with the page that answers it. The first table is the visible test
//! set, `data/questions.jsonl`; the second asks in other words. Bar: the right page is
//! first for 85 % of both (55 of 59 when the weights were chosen: 1 and 1 of 0.5 to 4 each).

use openledger_datanet::{ParseOptions, SealedSnapshot, number, parse_json_lines};
use openledger_retrieval::{PASSAGES_MAX, Passage, Retriever};
use serde::Deserialize;

#[derive(Deserialize)]
struct Question {
    id: String,
    question: String,
    datanet: String,
    page: String,
    authors: Vec<String>,
    required: Vec<String>,
}

/// Question and the end of the right page's id.
const IN_OTHER_WORDS: &[(&str, &str)] = &[
    ("how to make my mouse left handed", "mouse-lefthanded.page"),
    ("My keyboard repeats letters, how do I ignore accidental repeated key presses?", "a11y-bouncekeys.page"),
    ("Where do I set my time zone?", "clock-timezone.page"),
    ("how can I find out my ip address", "net-findip.page"),
    ("How do I connect to a VPN?", "net-vpn-connect.page"),
    ("How do I record a screencast?", "screen-shot-record.page"),
    ("How do I log in with my fingerprint?", "session-fingerprint.page"),
    ("Why does my computer turn off when I close the lid?", "power-closelid.page"),
    ("how do I restore a deleted file from the trash", "files-recover.page"),
    ("How do I clear a paper jam in my printer?", "printing-paperjam.page"),
    ("How do I stop my screen from dimming?", "power-whydim.page"),
    ("Which version of GNOME am I running?", "gnome-version.page"),
    ("How do I turn off location services?", "privacy-location.page"),
    ("What are GNOME Shell extensions?", "extensions.page"),
    ("How do I add a new user account?", "user-add.page"),
    ("How do I turn on airplane mode?", "net-wireless-airplane.page"),
    ("Which package provides greylisting for Postfix?", "postgrey"),
    ("What is mboxgrep?", "mboxgrep"),
    ("Which tool can merge changes from RCS files of GNU Revision Control System?", "rcs"),
    ("What does git-annex or git-filter-repo do to rewrite history?", "git-filter-repo"),
    ("Which program automatically fixes up commits with related changes?", "git-autofixup"),
    ("What is offlineimap3?", "offlineimap3"),
    ("Which tool rotates DKIM keys?", "dkim-rotate"),
    ("What is mutt?", "mutt"),
    ("What is the definition of a monkey?", "devil/monkey"),
    ("Define \"physician\" please", "devil/physician"),
    ("what does PIANO mean in the devil's dictionary?", "devil/piano"),
    ("What is politics?", "devil/politics"),
    ("Who is a selfish person? Define selfish.", "devil/selfish"),
    ("what is an opportunity", "devil/opportunity"),
];

fn data(name: &str) -> Vec<u8> {
    let path = format!("{}/../../data/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).expect("the project's data is there")
}

fn snapshots() -> Vec<SealedSnapshot> {
    let options = ParseOptions {
        default_license: Some("see LICENSES.md".into()),
        default_source: String::new(),
        ..ParseOptions::default()
    };
    ["debian-tools", "devils-dictionary", "gnome-help"]
        .into_iter()
        .map(|name| {
            let contributions = parse_json_lines(&data(name), &options).expect("the project's data is good");
            SealedSnapshot::seal(name, number(contributions, 0), [0; 32]).expect("it can be sealed")
        })
        .collect()
}

fn retriever() -> Retriever {
    let snapshots = snapshots();
    Retriever::build(&snapshots.iter().collect::<Vec<_>>()).expect("builds")
}

fn questions() -> Vec<Question> {
    let lines = String::from_utf8(data("questions")).expect("UTF-8");
    lines.lines().map(|line| serde_json::from_str(line).expect("a question")).collect()
}

/// The place of the page among the distinct pages found, from 1.
fn place_of(page: &str, found: &[Passage]) -> Option<usize> {
    let mut pages: Vec<&str> = Vec::new();
    for passage in found {
        if !pages.contains(&passage.external_id.as_str()) {
            pages.push(&passage.external_id);
        }
    }
    let is_page = |id: &&str| **id == *page || id.ends_with(&format!("/{page}"));
    pages.iter().position(is_page).map(|position| position + 1)
}

/// How many questions find their page first, and among the first three; and the others in words.
fn measure(rows: &[(String, String)], datanet: impl Fn(usize) -> Vec<String>) -> (usize, usize, String) {
    let retriever = retriever();
    let (mut first, mut third, mut misses) = (0, 0, String::new());
    for (row, (question, page)) in rows.iter().enumerate() {
        let datanets = datanet(row);
        let datanets: Vec<&str> = datanets.iter().map(String::as_str).collect();
        let found = retriever.search(question, &datanets, 20).expect("searches");
        let place = place_of(page, &found);
        first += usize::from(place == Some(1));
        third += usize::from(place.is_some_and(|place| place <= 3));
        if place != Some(1) {
            let best = found.first().map(|passage| passage.external_id.as_str());
            misses += &format!("{question:?}: {page} at {place:?}, first is {best:?}\n");
        }
    }
    (first, third, format!("of {} questions {first} first, {third} in three\n{misses}", rows.len()))
}

#[test]
fn the_right_page_is_found() {
    let visible = questions();
    let mut rows: Vec<(String, String)> =
        visible.iter().map(|q| (q.question.clone(), q.page.clone())).collect();
    rows.extend(IN_OTHER_WORDS.iter().map(|(question, page)| (question.to_string(), page.to_string())));
    let (first, third, report) = measure(&rows, |_| vec![]);
    println!("{report}");
    assert!(first * 100 >= rows.len() * 85 && third * 100 >= rows.len() * 95, "{report}");
    let named: Vec<(String, String)> = rows[..visible.len()].to_vec();
    let (first, _, report) = measure(&named, |row| vec![visible[row].datanet.clone()]);
    assert!(first * 100 >= named.len() * 95, "in their own datanet, {report}");
}

/// The first passage is enough to answer from: it holds the required terms.
#[test]
fn the_first_passage_holds_the_answer() {
    let retriever = retriever();
    let questions = questions();
    let mut misses = String::new();
    for question in &questions {
        let found = retriever.search(&question.question, &[], 1).expect("searches");
        let text = found.first().map_or(String::new(), |passage| passage.text.to_lowercase());
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for term in question.required.iter().filter(|term| !text.contains(&term.to_lowercase())) {
            misses +=
                &format!("{}: {term:?} is not in {:?}\n", question.id, found.first().map(|p| &p.external_id));
        }
    }
    println!("{misses}");
    assert!(misses.lines().count() * 10 <= questions.len(), "{misses}");
}

/// The visible test set can be answered: its terms and authors are those of its pages.
#[test]
fn questions_fit_their_pages() {
    let snapshots = snapshots();
    let questions = questions();
    for question in &questions {
        let snapshot = snapshots.iter().find(|s| s.header().datanet == question.datanet).expect("a datanet");
        let entry = snapshot.entries().iter().find(|e| e.contribution.external_id == question.page);
        let page = &entry.unwrap_or_else(|| panic!("{} is not there", question.page)).contribution;
        let authors: Vec<&str> = page.authors.iter().map(|author| author.name.as_str()).collect();
        assert_eq!(authors, question.authors, "{}", question.id);
        let text = page.text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        for term in &question.required {
            assert!(text.contains(&term.to_lowercase()), "{}: {term}", question.id);
        }
    }
    assert!(questions.len() >= 20);
    assert!(questions.iter().filter(|question| question.authors.len() == 1).count() >= 8);
}

#[test]
fn passages_are_slices_of_their_contributions() {
    let snapshots = snapshots();
    let retriever = Retriever::build(&snapshots.iter().collect::<Vec<_>>()).expect("builds");
    let found = retriever.search("How do I turn on bounce keys?", &["gnome-help"], 10).expect("searches");
    assert_eq!(found.len(), 10);
    for passage in &found {
        let entry = snapshots[2].find(&passage.contribution).expect("it is in the snapshot");
        assert_eq!(entry.contribution.text[passage.start..passage.end], passage.text);
        assert_eq!((&passage.datanet[..], &passage.title), ("gnome-help", &entry.contribution.title));
    }
    assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score));
}

#[test]
fn hostile_questions_are_harmless() {
    let retriever = retriever();
    let long = "bounce ".repeat(1_000_000);
    for question in
        ["", " ", "?!", "\0", "title:[a TO z]", "AND OR NOT ( \" ^", "\u{202e}", "*", "a:b:c", long.as_str()]
    {
        let found = retriever.search(question, &[], 1_000_000).expect("searches");
        assert!(found.len() <= PASSAGES_MAX, "{question:.20}");
    }
    assert!(retriever.search("bounce keys", &["no such net"], 3).expect("searches").is_empty());
    assert!(retriever.search("bounce keys", &[], 0).expect("searches").is_empty());
}

#[test]
fn building_twice_finds_the_same() {
    let (one, two) = (retriever(), retriever());
    for question in questions() {
        let search = |retriever: &Retriever| retriever.search(&question.question, &[], 20).expect("searches");
        assert_eq!(search(&one), search(&two));
    }
    let snapshots = snapshots();
    Retriever::build(&[&snapshots[0], &snapshots[0]]).expect_err("the same datanet twice");
    let nothing = Retriever::build(&[]).expect("builds");
    assert!(nothing.search("anything", &[], 3).expect("searches").is_empty());
}

#[test]
fn many_threads_may_search() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Retriever>();
}
