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
    texts.iter().filter(|other| other.words == text.words).all(|other| text.claim() <= other.claim())
}

impl Text {
    /// Of two texts of the same words, the lower claim owns them.
    fn claim(&self) -> (u64, ContributionId, &str) {
        (self.sequence, self.contribution, &self.datanet)
    }
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
    // 2. Which runs count, and whose they are.
    let runs = Runs { texts: &texts, output: &output, weights: &weights, rules };
    let value = |start: usize, end: usize| weights[start..end].iter().sum::<u64>() - rules.threshold;
    // 4. Spans.
    let mut spans: Vec<Span> = runs
        .spans()
        .into_iter()
        .map(|(start, end)| {
            let mut span = span_of(&texts, &output[start..end], rules);
            span.bytes = ByteRange { start: places[start].0 as u64, end: places[end - 1].1 as u64 };
            span.words = WordRange { start: start as u64, end: end as u64 };
            span.value = value(start, end);
            span
        })
        .collect();
    // 3. and 4. Owners in the order of commitments, then common runs, take what is left in stretches that are enough.
    let owner = |s: &Span| s.sources.first().map(|source| (s.committed, source.contribution));
    let mut owners: Vec<_> = spans.iter().map(&owner).collect();
    owners.sort_by_key(|owner| (owner.is_none(), *owner));
    owners.dedup();
    let mut takers = vec![None; output.len()];
    for taker in owners {
        let may_take = |word: usize| {
            let covers = |s: &Span| (s.words.start..s.words.end).contains(&(word as u64));
            takers[word].is_none() && spans.iter().any(|s| owner(s) == taker && covers(s))
        };
        let free: Vec<bool> = (0..output.len()).map(may_take).collect();
        for word in (0..output.len()).filter(|word| free[*word]) {
            let first = (0..=word).rev().take_while(|other| free[*other]).last().expect("itself");
            let last = (word..output.len()).take_while(|other| free[*other]).last().expect("itself");
            if weights[first..=last].iter().sum::<u64>() > rules.threshold {
                takers[word] = Some(taker);
            }
        }
    }
    for (word, taker) in takers.iter().enumerate() {
        if let Some(earliest) = runs.owner_of_word(word) {
            let is_later = taker.is_none_or(|taker| taker.is_none_or(|taker| earliest <= taker));
            assert!(is_later, "word {word} goes to nobody who is earlier than the rule says");
        }
        let Some(taker) = taker else { continue };
        let covers = |s: &Span| (s.words.start..s.words.end).contains(&(word as u64));
        let mine = spans.iter_mut().filter(|s| owner(s) == *taker && covers(s));
        let order = |s: &&mut Span| (Reverse(s.value), Reverse(s.words.end - s.words.start), s.words.start);
        mine.min_by_key(order).expect("it has a span").mass += weights[word];
    }
    spans.retain(|span| span.mass > 0);
    // 5. Owners are paid, common spans are nobody's, and the rest is unattributed.
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

/// Who holds a run.
enum Held<'a> {
    ByNobody,
    ByTooMany,
    Owned(&'a Text),
}

struct Runs<'a> {
    texts: &'a [Text],
    output: &'a [String],
    weights: &'a [u64],
    rules: Rules,
}

impl Runs<'_> {
    fn held(&self, start: usize, end: usize) -> Held<'_> {
        let holders: Vec<&Text> = self
            .texts
            .iter()
            .filter(|text| !occurrences(text, &self.output[start..end]).is_empty())
            .collect();
        let clusters = holders.iter().filter(|text| is_owner(text, self.texts)).count();
        match holders.into_iter().min_by_key(|text| text.claim()) {
            None => Held::ByNobody,
            Some(_) if clusters > self.rules.span_clusters_max => Held::ByTooMany,
            Some(earliest) => Held::Owned(earliest),
        }
    }

    fn is_valuable(&self, start: usize, end: usize) -> bool {
        self.weights[start..end].iter().sum::<u64>() > self.rules.threshold
    }

    /// Whose the run is, when it counts.
    fn owner(&self, start: usize, end: usize) -> Option<&Text> {
        match self.held(start, end) {
            Held::Owned(text) if self.is_valuable(start, end) => Some(text),
            _ => None,
        }
    }

    fn is_common(&self, start: usize, end: usize) -> bool {
        matches!(self.held(start, end), Held::ByTooMany) && self.is_valuable(start, end)
    }

    /// The rule for a word: the earliest owner of any run around it that counts.
    fn owner_of_word(&self, word: usize) -> Option<(u64, ContributionId)> {
        let starts = (0..=word).flat_map(|start| (word + 1..=self.output.len()).map(move |end| (start, end)));
        starts
            .filter_map(|(start, end)| self.owner(start, end))
            .map(|text| (text.sequence, text.contribution))
            .min()
    }

    /// The spans in the order of the output: those of owners, each run that decides lengthened, and the common ones.
    fn spans(&self) -> Vec<(usize, usize)> {
        let count = self.output.len();
        let from = |start: usize| {
            (start + 1..=count).find(|end| self.owner(start, *end).is_some()).map(|end| (start, end))
        };
        let up_to = |end: usize| {
            (0..end).rev().find(|start| self.owner(*start, end).is_some()).map(|start| (start, end))
        };
        let mut shortest: Vec<(usize, usize)> =
            (0..count).filter_map(from).chain((1..=count).filter_map(up_to)).collect();
        shortest.sort_unstable();
        let mut spans: Vec<(usize, usize, Option<ContributionId>)> = Vec::new();
        for (start, end) in shortest {
            let owner = self.owner(start, end).expect("it counts");
            let is_mine = |span: &&(usize, usize, Option<ContributionId>)| span.2 == Some(owner.contribution);
            if spans.iter().filter(is_mine).any(|span| span.0 <= start && end <= span.1) {
                continue;
            }
            let holds = |start: usize, end: usize| !occurrences(owner, &self.output[start..end]).is_empty();
            let end = (end..=count).take_while(|end| holds(start, *end)).last().expect("it is held");
            let start = (0..=start).rev().take_while(|start| holds(*start, end)).last().expect("it is held");
            spans.push((start, end, Some(owner.contribution)));
        }
        let mut reached = 0;
        for start in 0..count {
            let longest = (start + 1..=count).rev().find(|end| self.is_common(start, *end));
            if let Some(end) = longest.filter(|end| *end > reached) {
                spans.push((start, end, None));
                reached = end;
            }
        }
        spans.sort_unstable();
        spans.into_iter().map(|(start, end, _)| (start, end)).collect()
    }
}

fn span_of(texts: &[Text], pattern: &[String], rules: Rules) -> Span {
    let found: Vec<(&Text, Vec<usize>)> =
        texts.iter().map(|text| (text, occurrences(text, pattern))).collect();
    let count = found.iter().map(|(_, at)| at.len() as u64).sum();
    let mut owners: Vec<_> =
        found.into_iter().filter(|(text, at)| !at.is_empty() && is_owner(text, texts)).collect();
    owners.sort_by_key(|(text, _)| (text.sequence, text.contribution));
    let is_common = owners.len() > rules.span_clusters_max;
    let committed = owners.first().filter(|_| !is_common).map_or(0, |(text, _)| text.sequence);
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
    Span {
        bytes: nothing,
        words: nowhere,
        value: 0,
        mass: 0,
        count,
        clusters,
        is_common,
        committed,
        edits: 0,
        matched: vec![],
        sources,
    }
}

/// For each text that owns its cluster: the spans that name it first.
fn shares_of(spans: &[Span], texts: &[Text]) -> Vec<Share> {
    let mut shares = Vec::new();
    for text in texts.iter().filter(|text| is_owner(text, texts)) {
        let is_mine =
            |span: &&Span| span.sources.first().is_some_and(|first| first.contribution == text.contribution);
        let mass = spans.iter().filter(is_mine).map(|span| span.mass).sum();
        if mass > 0 {
            let (cluster, contribution, datanet) = (text.cluster, text.contribution, text.datanet.clone());
            shares.push(Share { cluster, contribution, datanet, mass });
        }
    }
    shares.sort_by_key(|share| (Reverse(share.mass), share.cluster));
    shares
}
