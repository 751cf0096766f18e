//! What each manipulation gains and costs, measured with the real shares: the pages of one datanet are quoted one by one,
//! before and after somebody commits texts made of them, later, in a datanet of their own whose name comes first.
//! Absent: bonds, fees and disputes, which make most of these texts cost more than they could win.

use std::sync::Arc;

use openledger_attribution::{ContributionId, Index, Segment, attribute, index_json_lines, words};
use openledger_datanet::{AuthorRef, Contribution, Entry, ParseOptions};

/// The most that a manipulation may win, in basis points of what the authors had.
pub(crate) const GAIN_MAX: u64 = 500;
/// The most that it may cost them, likewise.
pub(crate) const LOSS_MAX: u64 = 500;

/// One manipulation and what came of it, in basis points of what the authors received before.
pub(crate) struct Row {
    pub(crate) about: String,
    /// What whoever manipulates receives more than before.
    pub(crate) gain: u64,
    /// What the authors receive less than before.
    pub(crate) loss: u64,
    /// Whether the rule is meant to stop it; of the others the figures are published.
    pub(crate) is_stopped: bool,
}

struct World {
    pages: Vec<Entry>,
    /// A sentence of each page, and an output that quotes it.
    quotes: Vec<(String, String)>,
    before: u64,
    /// What is said of the answers.
    about: &'static str,
}

const LATER: u64 = 1 << 40;

impl World {
    /// The answers quote, with every eighth word changed if they edit.
    fn new(edits: bool) -> Self {
        let lines = include_str!("../../../../data/gnome-help.jsonl");
        let file = index_json_lines("gnome-help", lines.as_bytes(), &ParseOptions::default(), 1)
            .expect("the project's data is good");
        let pages = file.snapshot.entries().to_vec();
        let sentence = |page: &Entry| {
            let sentences = page.contribution.text.split(['\n', '.']).map(str::trim);
            sentences.into_iter().find(|text| text.split_whitespace().count() >= 8).map(str::to_owned)
        };
        let quote = |sentence: String| {
            let quoted = if edits { reworded(&sentence) } else { sentence.clone() };
            let output = format!("Sure! {quoted}. Hope that helps.");
            (sentence, output)
        };
        let quotes = pages.iter().filter_map(sentence).map(quote).collect();
        let about = if edits { ", where answers change a word in eight" } else { "" };
        let mut world = Self { pages, quotes, before: 0, about };
        world.before = world.paid(&world.pages, &[]).0;
        world
    }

    /// What the authors of `pages` and what those of `others` receive for all quotes.
    fn paid(&self, pages: &[Entry], others: &[Entry]) -> (u64, u64) {
        let mut segments = vec![segment("gnome-help", pages)];
        if !others.is_empty() {
            segments.push(segment("a-later", others));
        }
        let index = Index::join(segments).expect("joins");
        let mine: Vec<ContributionId> = pages.iter().map(|page| page.contribution.id()).collect();
        let (mut authors, mut rest) = (0, 0);
        for (_, output) in &self.quotes {
            let found = attribute(output, &index).expect("short");
            found.check().expect("canonical");
            for share in &found.shares {
                let sum = if mine.contains(&share.contribution) { &mut authors } else { &mut rest };
                *sum += share.mass;
            }
        }
        (authors, rest)
    }

    /// Somebody commits these texts after all pages.
    fn attack(&self, about: &str, is_stopped: bool, texts: impl Iterator<Item = String>) -> Row {
        let others: Vec<Entry> = texts.zip(LATER..).map(|(text, number)| entry(number, &text)).collect();
        let (authors, thief) = self.paid(&self.pages, &others);
        let part = |mass: u64| mass * 10_000 / self.before;
        Row {
            about: format!("{about}{}", self.about),
            gain: part(thief),
            loss: part(self.before.saturating_sub(authors)),
            is_stopped,
        }
    }

    /// The authors cut each of their pages into `parts`, each of another account.
    fn split(&self, parts: usize) -> Row {
        let mut pieces = Vec::new();
        for page in &self.pages {
            let words: Vec<&str> = page.contribution.text.split_inclusive(char::is_whitespace).collect();
            let pieces_of = words.chunks(words.len().div_ceil(parts).max(1)).map(|words| words.concat());
            pieces.extend(pieces_of.zip(page.sequence * 1000..).map(|(text, number)| entry(number, &text)));
        }
        let (authors, _) = self.paid(&pieces, &[]);
        Row {
            about: format!("own pages split among {parts} accounts{}", self.about),
            gain: authors.saturating_sub(self.before) * 10_000 / self.before,
            loss: 0,
            is_stopped: true,
        }
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        self.pages.iter().map(|page| page.contribution.text.as_str())
    }

    /// Each sentence `times` times, the one at `place` with the number `copy` put through `change`.
    fn sentences(&self, times: usize, change: impl Fn(&str, usize, usize) -> String) -> Vec<String> {
        let quotes = self.quotes.iter().enumerate();
        quotes
            .flat_map(|(place, (text, _))| (0..times).map(move |copy| (place, copy, text)))
            .map(|(place, copy, text)| change(text, place, copy))
            .collect()
    }
}

fn segment(datanet: &str, entries: &[Entry]) -> Arc<Segment> {
    Arc::new(Segment::build(datanet, entries).expect("builds"))
}

fn entry(sequence: u64, text: &str) -> Entry {
    let contribution = Contribution {
        external_id: format!("{sequence}"),
        title: "T".into(),
        text: text.to_owned(),
        authors: vec![AuthorRef { name: "Somebody".into(), account: None }],
        others: vec![],
        license: "MIT".into(),
        source: String::new(),
    };
    Entry { sequence, contribution }
}

/// A sentence of whose words every eighth is another, from the fifth on.
fn reworded(sentence: &str) -> String {
    let words = sentence.split_whitespace().enumerate();
    let reworded = words.map(|(place, word)| if place % 8 == 4 { "instead" } else { word });
    reworded.collect::<Vec<_>>().join(" ")
}

/// A text of whose words every eighth is another, from the one at `from` on.
fn changed(text: &str, from: usize) -> String {
    let mut changed = String::new();
    for (place, (_, word)) in words::words(text).enumerate() {
        changed.push_str(&if place % 8 == from % 8 { format!("changed{from}") } else { word.to_owned() });
        changed.push(' ');
    }
    changed
}

/// All manipulations.
pub(crate) fn rows() -> Vec<Row> {
    let world = World::new(false);
    let mut rows: Vec<Row> = [2, 5, 20].into_iter().map(|parts| world.split(parts)).collect();
    for copies in [1, 3, 9] {
        let texts = world.texts().flat_map(|text| vec![text.to_uppercase().replace(' ', " - "); copies]);
        rows.push(world.attack(&format!("exact copies, {copies} of each page"), true, texts));
    }
    for copies in [1, 3, 9] {
        let texts = world.texts().flat_map(|text| (0..copies).map(move |copy| changed(text, copy)));
        rows.push(world.attack(
            &format!("near-copies, {copies} of each page, a word in eight changed"),
            true,
            texts,
        ));
    }
    let again = world.texts().map(|text| format!("{text}\n\nAll rights reserved."));
    rows.push(world.attack("every page registered again with a line of one's own", true, again));
    let stuffed = world.quotes.chunks(20).map(|quotes| {
        let sentences: Vec<&str> = quotes.iter().map(|(text, _)| text.as_str()).collect();
        sentences.join(". I am sorry, but as far as I know this is what you need to do. ")
    });
    rows.push(world.attack("texts stuffed with quotable sentences and idioms", true, stuffed));
    let interleaved = world.sentences(1, |text, place, _| {
        let other = &world.quotes[(place + 1) % world.quotes.len()].0;
        let pairs = text.split_whitespace().zip(other.split_whitespace());
        let halves = |text: &str| text.split_whitespace().take(6).collect::<Vec<_>>().join(" ");
        let mixed: Vec<String> = pairs.map(|(one, two)| format!("{one} {two}")).collect();
        format!("{} {} {}", halves(text), halves(other), mixed.join(" "))
    });
    rows.push(world.attack("texts that interleave two others", true, interleaved.into_iter()));
    for guess in ["Hope", "Hope that", "Hope that helps"] {
        let extended = world.sentences(1, |text, _, _| format!("{text}. {guess}"));
        let words = ["word", "two words", "three words"][guess.split(' ').count() - 1];
        let about = format!("passages with the next {words} of the answer guessed");
        rows.push(world.attack(&about, true, extended.into_iter()));
    }
    for copies in [16, 63, 64] {
        // With so much of their own that they are no near-copies of each other.
        let own = |place: usize, copy: usize| {
            (0..40).map(|word| format!("own{place}x{copy}x{word} ")).collect::<String>()
        };
        let many = world.sentences(copies, |text, place, copy| format!("{}{text}", own(place, copy)));
        let about = format!("each passage in {copies} texts of one's own, to make it common");
        rows.push(world.attack(&about, copies < 64, many.into_iter()));
    }
    rows.extend(rows_of_edited_answers());
    rows
}

/// Manipulations where the answers are edited themselves, and much of what is paid is paid for near spans.
fn rows_of_edited_answers() -> Vec<Row> {
    let world = World::new(true);
    let mut rows = vec![world.split(2)];
    for copies in [1, 9] {
        let texts = world.texts().flat_map(|text| vec![text.to_uppercase().replace(' ', " - "); copies]);
        rows.push(world.attack(&format!("exact copies, {copies} of each page"), true, texts));
    }
    for copies in [1, 3, 9] {
        let texts = world.texts().flat_map(|text| (0..copies).map(move |copy| changed(text, copy)));
        let about = format!("near-copies, {copies} of each page, a word in eight changed");
        rows.push(world.attack(&about, true, texts));
    }
    for copies in [1, 9] {
        let near = world.sentences(copies, |text, _, copy| changed(text, copy));
        let about = format!("near-copies, {copies} of each passage, a word in eight changed");
        rows.push(world.attack(&about, true, near.into_iter()));
    }
    let guessed = world.sentences(1, |text, _, _| format!("{text} or so. Hope that helps"));
    rows.push(world.attack(
        "passages with the end of the answer guessed behind an edit",
        true,
        guessed.into_iter(),
    ));
    let repeated =
        world.sentences(1, |text, place, _| format!("own{place} {}", format!("{text} ").repeat(65)));
    rows.push(world.attack("each passage 65 times in one text of one's own", true, repeated.into_iter()));
    for copies in [8, 16] {
        let own = |place: usize, copy: usize| {
            (0..40).map(|word| format!("own{place}x{copy}x{word} ")).collect::<String>()
        };
        let many = world.sentences(copies, |text, place, copy| format!("{}{text}", own(place, copy)));
        let about = format!("each passage in {copies} texts of one's own, so that it is no seed");
        rows.push(world.attack(&about, copies < 9, many.into_iter()));
    }
    let answers = world.sentences(1, |text, _, _| format!("Sure! {}. Hope that helps.", reworded(text)));
    rows.push(world.attack("the very answers, edits and all, committed later", false, answers.into_iter()));
    rows
}
