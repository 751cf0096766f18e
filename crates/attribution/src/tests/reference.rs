//! The reference model: the rules of this crate by scanning everything, with no index and no cleverness.
//! It shares the splitter and the logarithm with the real code, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use openledger_datanet::{ClusterId, Entry, words};

use crate::logarithm::ln_ratio;
use crate::parameters::{ATTRIBUTION_VERSION, Rules};
use crate::{Attribution, ByteRange, Share, SourceRef, Span, WordRange};

struct Text {
    datanet: String,
    sequence: u64,
    cluster: ClusterId,
    contribution: openledger_datanet::ContributionId,
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

fn is_owner(text: &Text, texts: &[Text]) -> bool {
    texts
        .iter()
        .filter(|other| other.words == text.words)
        .all(|other| (text.sequence, &text.datanet) <= (other.sequence, &other.datanet))
}

fn occurrences(text: &Text, pattern: &[String]) -> Vec<usize> {
    (0..text.words.len()).filter(|&at| text.words[at..].starts_with(pattern)).collect()
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
    let weights: Vec<u64> = output.iter().map(|word| weight(word, &texts)).collect();
    let occurs = |start: usize, end: usize| {
        texts.iter().any(|text| !occurrences(text, &output[start..end]).is_empty())
    };
    let mut spans = Vec::new();
    for start in 0..output.len() {
        for end in start + 1..=output.len() {
            let is_maximal = occurs(start, end)
                && (start == 0 || !occurs(start - 1, end))
                && (end == output.len() || !occurs(start, end + 1));
            let total: u64 = weights[start..end].iter().sum();
            if is_maximal && total > rules.threshold {
                let mut span = span_of(&texts, &output[start..end], rules);
                span.bytes = ByteRange { start: places[start].0 as u64, end: places[end - 1].1 as u64 };
                span.words = WordRange { start: start as u64, end: end as u64 };
                span.value = total - rules.threshold;
                spans.push(span);
            }
        }
    }
    for (word, weight) in weights.iter().enumerate() {
        let covering =
            spans.iter_mut().filter(|span| (span.words.start..span.words.end).contains(&(word as u64)));
        let length = |span: &Span| span.words.end - span.words.start;
        let best =
            covering.max_by_key(|s| (!s.is_common, s.value, length(s), std::cmp::Reverse(s.words.start)));
        if let Some(span) = best {
            span.mass += weight;
        }
    }
    spans.retain(|span| span.mass > 0);
    let shares = shares_of(&spans);
    let total = weights.iter().sum();
    let unattributed = total - shares.iter().map(|share| share.mass).sum::<u64>();
    Attribution { version: ATTRIBUTION_VERSION, index_root, spans, shares, unattributed, total }
}

fn weight(word: &String, texts: &[Text]) -> u64 {
    let owned: Vec<&String> =
        texts.iter().filter(|text| is_owner(text, texts)).flat_map(|text| &text.words).collect();
    let distinct: BTreeSet<_> = owned.iter().collect();
    let count = owned.iter().filter(|other| **other == word).count();
    ln_ratio((owned.len() + distinct.len() + 1) as u64, count as u64 + 1).max(1)
}

fn span_of(texts: &[Text], pattern: &[String], rules: Rules) -> Span {
    let found: Vec<(&Text, Vec<usize>)> =
        texts.iter().map(|text| (text, occurrences(text, pattern))).collect();
    let count = found.iter().map(|(_, at)| at.len() as u64).sum();
    let mut owners: Vec<_> =
        found.into_iter().filter(|(text, at)| !at.is_empty() && is_owner(text, texts)).collect();
    owners.sort_by_key(|(text, _)| (text.sequence, text.cluster));
    let is_common = owners.len() > rules.span_clusters_max;
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
    Span {
        bytes: nothing,
        words: WordRange { start: 0, end: 0 },
        value: 0,
        mass: 0,
        count,
        is_common,
        sources,
    }
}

fn shares_of(spans: &[Span]) -> Vec<Share> {
    let mut masses: BTreeMap<ClusterId, (u64, &SourceRef)> = BTreeMap::new();
    for span in spans {
        for source in &span.sources {
            masses.entry(source.cluster).or_insert((0, source)).0 += span.mass / span.sources.len() as u64;
        }
    }
    let mut shares: Vec<Share> = masses
        .into_iter()
        .filter(|(_, (mass, _))| *mass > 0)
        .map(|(cluster, (mass, source))| {
            let (contribution, datanet) = (source.contribution, source.datanet.clone());
            Share { cluster, contribution, datanet, mass }
        })
        .collect();
    shares.sort_by_key(|share| (std::cmp::Reverse(share.mass), share.cluster));
    shares
}
