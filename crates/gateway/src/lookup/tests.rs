//! An attack on private texts by lookups, word by word, and what a stranger is told.

use openledger_attribution::{Index, Segment};
use openledger_datanet::{ParseOptions, number, parse_json_lines};
use openledger_retrieval::Retriever;

use super::*;

/// Words of the private text that the attacker has to begin with.
const KNOWN: usize = 6;
/// Words of the private text.
const LENGTH: usize = 150;

/// Forty words that no table of frequencies knows.
fn vocabulary() -> Vec<String> {
    let (heads, tails) =
        (["bra", "ku", "zol", "mip", "dre", "fon", "gwa", "shi"], ["xel", "vur", "tak", "nib", "jow"]);
    heads.iter().flat_map(|head| tails.iter().map(move |tail| format!("{head}{tail}"))).collect()
}

/// The private text: words drawn by a fixed rule.
fn secret() -> Vec<String> {
    let (vocabulary, mut state) = (vocabulary(), 12_345u64);
    let mut word = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        vocabulary[usize::try_from(state >> 33).unwrap() % vocabulary.len()].clone()
    };
    (0..LENGTH).map(|_| word()).collect()
}

struct World {
    library: Library,
    confirmed: Confirmed,
    text: String,
}

impl World {
    fn new(words_max: usize) -> Self {
        let text = secret().join(" ");
        let segments = vec![
            segment("open", "anybody may read what the harbour master wrote about herring"),
            segment("vault", &text),
        ];
        let library = Library {
            retriever: Arc::new(Retriever::build(&[]).unwrap()),
            index: Arc::new(Index::join(segments).unwrap()),
            snapshots: Vec::new(),
        };
        Self { library, confirmed: Confirmed::new(words_max), text }
    }

    fn look_up(&self, text: &str, key: Option<&Hash>) -> Attribution {
        let closed = ["vault".parse().unwrap()];
        let text_of = |datanet: &str, _: &ContributionId| (datanet == "vault").then(|| self.text.clone());
        found(text, &self.library, &closed, key, &self.confirmed, 0, &text_of).unwrap()
    }

    /// Words of the private text behind those that were known, as the attacker finds them: each lookup tries every word of
    /// the language behind the last words, and the one whose run is longest is the next.
    fn attack(&self, key: Option<&Hash>) -> usize {
        let (secret, vocabulary) = (secret(), vocabulary());
        let mut found: Vec<String> = secret[..KNOWN].to_vec();
        while found.len() < secret.len() {
            let tail = found[found.len() - KNOWN..].join(" ");
            let tries: Vec<String> = vocabulary.iter().map(|word| format!("{tail} {word}")).collect();
            let answer = self.look_up(&tries.join("; perhaps "), key);
            let longest = answer.spans.iter().find(|span| span.words.end - span.words.start > KNOWN as u64);
            let Some(span) = longest else { break };
            let each = KNOWN as u64 + 2;
            found.push(vocabulary[usize::try_from(span.words.start / each).unwrap()].clone());
        }
        let right = found.iter().zip(&secret).take_while(|(one, two)| one == two).count();
        right - KNOWN
    }
}

fn segment(datanet: &str, text: &str) -> Arc<Segment> {
    let line = format!(r#"{{"id":"page","text":"{text}","authors":["Ann"],"license":"CC0-1.0"}}"#);
    let options =
        ParseOptions { default_license: None, default_source: datanet.into(), ..ParseOptions::default() };
    let entries = number(parse_json_lines(line.as_bytes(), &options).unwrap(), 0);
    Arc::new(Segment::build(datanet, &entries).unwrap())
}

#[test]
fn guessing_word_by_word_recovers_less_than_the_allowance() {
    let key = Hash([1; 32]);
    let without_limit = World::new(usize::MAX).attack(Some(&key));
    assert_eq!(without_limit, LENGTH - KNOWN, "the attack itself works");
    for allowance in [0, 5, 6, 7, 40, 100] {
        let world = World::new(allowance);
        let recovered = world.attack(Some(&key));
        // The words that were known are confirmed too, and so are runs elsewhere that a wrong guess happens to hit.
        let most = allowance.saturating_sub(KNOWN);
        assert!(recovered <= most, "{recovered} words with an allowance of {allowance}");
        assert!(recovered > most / 2 || most == 0, "{recovered} of {most}: the limit is what stops it");
        assert_eq!(
            world.attack(Some(&key)),
            recovered,
            "a second attempt on the same day gives nothing more"
        );
    }
}

#[test]
fn a_stranger_is_told_nothing_private_and_an_answer_that_is_held_back_is_like_any_other() {
    let world = World::new(100);
    assert_eq!(world.attack(None), 0);
    let text = format!("the harbour master wrote about herring {}", secret().join(" "));
    let nothing = "the harbour master wrote about herring and nobody else did".to_owned();
    let key = Hash([1; 32]);
    let (held_back, missed) = (world.look_up(&text, Some(&key)), world.look_up(&nothing, Some(&key)));
    assert_eq!(held_back.index_root, missed.index_root);
    assert_eq!(held_back.spans, missed.spans);
    assert_eq!(world.confirmed.left(&key, 0), 100);
    assert!(held_back.spans.iter().all(|span| span.sources.iter().all(|source| source.datanet == "open")));
}
