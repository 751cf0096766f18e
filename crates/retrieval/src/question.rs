//! A question as search terms.
//!
//! Raw text from users never meets a query parser: it is split by the same analyzer as the passages, words that
//! questions are made of are dropped, and the rest become single terms. Absent: synonyms, spelling, other languages.

use tantivy::tokenizer::{Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, TextAnalyzer};

/// The longest part of a question that is read, in bytes.
pub const QUESTION_BYTES_MAX: usize = 4096;

/// The most terms of one search.
pub const QUESTION_TERMS_MAX: usize = 32;

/// The longest word that is indexed or searched, in bytes.
const WORD_BYTES_MAX: usize = 64;

/// Words that questions are made of and that say nothing about what is asked for.
const ASKING: &[&str] = &[
    "a",
    "about",
    "according",
    "am",
    "an",
    "and",
    "any",
    "are",
    "as",
    "at",
    "be",
    "been",
    "by",
    "can",
    "could",
    "define",
    "definition",
    "describe",
    "did",
    "do",
    "does",
    "doing",
    "for",
    "from",
    "get",
    "give",
    "had",
    "has",
    "have",
    "how",
    "i",
    "if",
    "in",
    "into",
    "is",
    "it",
    "its",
    "kind",
    "know",
    "let",
    "lets",
    "like",
    "m",
    "made",
    "make",
    "makes",
    "may",
    "me",
    "mean",
    "meaning",
    "means",
    "might",
    "my",
    "need",
    "of",
    "on",
    "one",
    "or",
    "our",
    "please",
    "s",
    "shall",
    "should",
    "so",
    "some",
    "t",
    "tell",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "this",
    "those",
    "to",
    "us",
    "use",
    "used",
    "using",
    "ve",
    "want",
    "was",
    "way",
    "we",
    "were",
    "what",
    "when",
    "where",
    "which",
    "who",
    "whom",
    "whose",
    "why",
    "will",
    "with",
    "word",
    "would",
    "you",
    "your",
    "devil",
    "dictionary",
];

/// The analyzer of passages and questions: words in lower case, without the very long, as English stems.
pub(crate) fn analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(WORD_BYTES_MAX))
        .filter(LowerCaser)
        .filter(Stemmer::new(Language::English))
        .build()
}

/// What a question or a title asks for: its distinct telling words, as they are and as stems.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) words: Vec<String>,
    pub(crate) stems: Vec<String>,
}

/// The terms of a question or a title, in order. When only words of asking are left, they are the terms.
pub(crate) fn terms(question: &str) -> Terms {
    let mut end = question.len().min(QUESTION_BYTES_MAX);
    while !question.is_char_boundary(end) {
        end -= 1;
    }
    let lowered = question[..end].to_lowercase();
    let words: Vec<&str> =
        lowered.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut telling: Vec<&str> = words.iter().copied().filter(|word| !ASKING.contains(word)).collect();
    if telling.is_empty() {
        telling = words;
    }
    let stems = distinct(telling.iter().copied().flat_map(stems));
    Terms { words: distinct(telling.into_iter().map(str::to_owned)), stems }
}

/// The first [`QUESTION_TERMS_MAX`] distinct terms that are not too long.
fn distinct(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut terms: Vec<String> = Vec::new();
    for term in all.filter(|term| term.len() < WORD_BYTES_MAX) {
        if terms.len() < QUESTION_TERMS_MAX && !terms.contains(&term) {
            terms.push(term);
        }
    }
    terms
}

fn stems(word: &str) -> Vec<String> {
    let mut analyzer = analyzer();
    let mut stream = analyzer.token_stream(word);
    let mut stems = Vec::new();
    while let Some(token) = stream.next() {
        stems.push(token.text.clone());
    }
    stems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_become_terms() {
        let rows: &[(&str, &[&str])] = &[
            ("How do I turn on bounce keys?", &["turn", "bounc", "key"]),
            ("What is git-annex?", &["git", "annex"]),
            ("Define PATIENCE according to the Devil's Dictionary", &["patienc"]),
            ("what is it?", &["what", "is", "it"]),
            ("title:\"a\" AND (x OR -y)* \\ ~2", &["titl", "x", "y", "2"]),
            ("", &[]),
            ("?!", &[]),
        ];
        for (question, expected) in rows {
            assert_eq!(terms(question).stems, *expected, "{question:?}");
        }
    }

    #[test]
    fn terms_are_bounded() {
        let many: String = (0..5000).map(|n| format!("w{n}é ")).collect();
        assert_eq!(terms(&many).stems.len(), QUESTION_TERMS_MAX);
        assert_eq!(terms(&"x".repeat(100_000)).stems, Vec::<String>::new());
    }
}
