//! The reference model: the rules at the head of `score` by scanning everything, with no index and no cleverness.
//! It shares the splitter, the logarithm and the bytes of the table with the real code, and nothing else.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use openledger_datanet::{ClusterId, ContributionId, Entry, words};

use crate::logarithm::ln_ratio;
use crate::parameters::{ATTRIBUTION_VERSION, Rules, UNIGRAMS_VERSION, UNKNOWN_WEIGHT};
use crate::unigrams::FROZEN_BYTES;
use crate::{Attribution, ByteRange, Share, SourceRef, Span, WordRange};

struct Text {
    datanet: String,
    sequence: u64,
    cluster: ClusterId,
    contribution: ContributionId,
    words: Vec<String>,
    places: Vec<(usize, usize)>,
}

/// The texts of each datanet, without the later copies in the same datanet.
fn texts_of(datanets: &[(String, Vec<Entry>)]) -> Vec<Text> {
    let mut texts: Vec<Text> = Vec::new();
    for (datanet, entries) in datanets {
        for Entry { sequence, contribution } in entries {
            let (places, words) = split(&contribution.text);
            let is_copy = texts.iter().any(|text| text.datanet == *datanet && text.words == words);
            if !words.is_empty() && !is_copy {
                let (cluster, contribution) = (contribution.cluster(), contribution.id());
                let (datanet, sequence) = (datanet.clone(), *sequence);
                texts.push(Text { datanet, sequence, cluster, contribution, words, places });
            }
        }
    }
    texts
}

fn split(text: &str) -> (Vec<(usize, usize)>, Vec<String>) {
    words::words(text).map(|(range, word)| ((range.start, range.end), words::fold(word))).unzip()
}

/// What is paid for a cluster goes to its earliest commitment in all datanets.
fn is_owner(text: &Text, texts: &[Text]) -> bool {
    texts
        .iter()
        .filter(|other| other.words == text.words)
        .all(|other| (text.sequence, &text.datanet) <= (other.sequence, &other.datanet))
}

fn occurrences(text: &Text, pattern: &[String]) -> Vec<usize> {
    (0..text.words.len()).filter(|&at| text.words[at..].starts_with(pattern)).collect()
}

/// The words of the table, read from its bytes as its head describes them.
static WEIGHTS: LazyLock<BTreeMap<Vec<u8>, u64>> = LazyLock::new(|| {
    let total = u64::from_le_bytes(*FROZEN_BYTES[14..].first_chunk().expect("a head"));
    let mut bytes = FROZEN_BYTES[22..].iter().copied();
    let mut weights = BTreeMap::new();
    let mut word: Vec<u8> = Vec::new();
    while bytes.len() > 0 {
        let shared = leb128(&mut bytes) as usize;
        let added = leb128(&mut bytes) as usize;
        word.truncate(shared);
        word.extend(bytes.by_ref().take(added));
        weights.insert(word.clone(), ln_ratio(total, leb128(&mut bytes)));
    }
    weights
});

fn leb128(bytes: &mut impl Iterator<Item = u8>) -> u64 {
    let byte = u64::from(bytes.next().expect("a number"));
    if byte < 128 { byte } else { byte - 128 + 128 * leb128(bytes) }
}

fn weight(word: &str) -> u64 {
    WEIGHTS.get(word.as_bytes()).copied().unwrap_or(UNKNOWN_WEIGHT)
}

/// The attribution of `output`, by the rules as they are written.
pub(crate) fn attribute(
    output: &str,
    datanets: &[(String, Vec<Entry>)],
    index_root: [u8; 32],
    rules: Rules,
) -> Attribution {
    let texts = texts_of(datanets);
    let (places, output) = split(output);
    // 1. The weight of every word.
    let weights: Vec<u64> = output.iter().map(|word| weight(word)).collect();
    // 2. All maximal runs with a value. 3. Their clusters.
    let is_held = |start: usize, end: usize| {
        texts.iter().any(|text| !occurrences(text, &output[start..end]).is_empty())
    };
    let mut spans = Vec::new();
    for start in 0..output.len() {
        for end in start + 1..=output.len() {
            let is_maximal = is_held(start, end)
                && (start == 0 || !is_held(start - 1, end))
                && (end == output.len() || !is_held(start, end + 1));
            let weight: u64 = weights[start..end].iter().sum();
            if is_maximal && weight > rules.threshold {
                let mut span = span_of(&texts, &output[start..end], rules);
                span.bytes = ByteRange { start: places[start].0 as u64, end: places[end - 1].1 as u64 };
                span.words = WordRange { start: start as u64, end: end as u64 };
                span.value = weight - rules.threshold;
                spans.push(span);
            }
        }
    }
    // 4. Each word goes to one span.
    for (word, weight) in weights.iter().enumerate() {
        let covering =
            spans.iter_mut().filter(|span| (span.words.start..span.words.end).contains(&(word as u64)));
        let length = |span: &Span| span.words.end - span.words.start;
        let best = covering.max_by_key(|s| (!s.is_common, s.value, length(s), Reverse(s.words.start)));
        if let Some(span) = best {
            span.mass += weight;
        }
    }
    spans.retain(|span| span.mass > 0);
    // 5. and 6. Owners are paid, common spans are nobody's, and the rest is unattributed.
    let total = weights.iter().sum();
    let common = spans.iter().filter(|span| span.is_common).map(|span| span.mass).sum();
    let covered: u64 = spans.iter().map(|span| span.mass).sum();
    Attribution {
        version: ATTRIBUTION_VERSION,
        unigrams: UNIGRAMS_VERSION,
        index_root,
        shares: shares_of(&spans, &texts),
        spans,
        common,
        unattributed: total - covered,
        total,
    }
}

fn span_of(texts: &[Text], pattern: &[String], rules: Rules) -> Span {
    let found: Vec<(&Text, Vec<usize>)> =
        texts.iter().map(|text| (text, occurrences(text, pattern))).collect();
    let count = found.iter().map(|(_, at)| at.len() as u64).sum();
    let mut owners: Vec<_> =
        found.into_iter().filter(|(text, at)| !at.is_empty() && is_owner(text, texts)).collect();
    owners.sort_by_key(|(text, _)| (text.sequence, text.cluster));
    let is_common = owners.len() > rules.span_clusters_max;
    let clusters = owners.len().min(rules.span_clusters_max + 1) as u64;
    let source = |(text, at): (&Text, Vec<usize>)| {
        let first = at.into_iter().min_by_key(|&at| &text.words[at + pattern.len()..]).expect("it occurs");
        let bytes = ByteRange {
            start: text.places[first].0 as u64,
            end: text.places[first + pattern.len() - 1].1 as u64,
        };
        let (cluster, contribution, datanet) = (text.cluster, text.contribution, text.datanet.clone());
        SourceRef { cluster, contribution, datanet, bytes }
    };
    let sources = if is_common { vec![] } else { owners.into_iter().map(source).collect() };
    let nothing = ByteRange { start: 0, end: 0 };
    let nowhere = WordRange { start: 0, end: 0 };
    Span { bytes: nothing, words: nowhere, value: 0, mass: 0, count, clusters, is_common, sources }
}

/// For each text that owns its cluster: the spans of which no other source was committed earlier.
fn shares_of(spans: &[Span], texts: &[Text]) -> Vec<Share> {
    let order = |cluster: ClusterId| {
        let numbers = texts.iter().filter(|text| text.cluster == cluster).map(|text| text.sequence);
        (numbers.min(), cluster)
    };
    let mut shares = Vec::new();
    for text in texts.iter().filter(|text| is_owner(text, texts)) {
        let is_mine = |span: &&Span| {
            span.sources.iter().map(|source| source.cluster).min_by_key(|cluster| order(*cluster))
                == Some(text.cluster)
        };
        let mass = spans.iter().filter(is_mine).map(|span| span.mass).sum();
        if mass > 0 {
            let (cluster, contribution, datanet) = (text.cluster, text.contribution, text.datanet.clone());
            shares.push(Share { cluster, contribution, datanet, mass });
        }
    }
    shares.sort_by_key(|share| (Reverse(share.mass), share.cluster));
    shares
}
