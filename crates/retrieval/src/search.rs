//! The index over passages, and searching it.
//!
//! Rank: BM25 of the text plus [`TITLE_BOOST`] times BM25 of the title, then raised by how close the title is to what
//! is asked for ([`TITLE_BONUS`]), because a page whose whole title is asked for is the page that is meant, and by
//! [`OPENING_BONUS`]. Equal scores are ordered by datanet, contribution and place. The index lies in memory, is built
//! by one thread in one go, and never changes. Absent: passages on disk, changes, learning from what was read.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use openledger_datanet::{ContributionId, SealedSnapshot};
use tantivy::collector::TopDocs;
use tantivy::directory::RamDirectory;
use tantivy::query::{BooleanQuery, BoostQuery, ConstScoreQuery, Occur, Query, TermQuery};
use tantivy::schema::{FAST, Field, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::TokenizerManager;
use tantivy::{Index, IndexReader, TantivyDocument, Term};

use crate::passages::passages_of;
use crate::question::{Terms, analyzer, terms};

/// The most passages of one answer.
pub const PASSAGES_MAX: usize = 64;

/// How many passages are ranked again by their titles.
const CANDIDATES: usize = 4 * PASSAGES_MAX;

/// How much a match in the title counts against one in the text.
const TITLE_BOOST: f32 = 1.0;

/// How much a title that is exactly what is asked for raises the score.
const TITLE_BONUS: f32 = 1.0;

/// How much it raises the score that a passage opens its text, where most texts say what they are about.
const OPENING_BONUS: f32 = 0.25;

const INDEXING_BYTES_MAX: usize = 256 * 1024 * 1024;
const ANALYZER: &str = "english";

/// A piece of a contribution that may answer a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// The datanet that holds the contribution.
    pub datanet: String,
    /// The contribution.
    pub contribution: ContributionId,
    /// The source's own name of the contribution.
    pub external_id: String,
    /// The contribution's title.
    pub title: String,
    /// The passage, a slice of the contribution's text. The first passage of a page often starts with its title.
    pub text: String,
    /// Where the passage starts in the contribution's text, in bytes.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// How well it fits; comparable within one search only.
    pub score: f32,
}

/// Why passages cannot be indexed or searched.
#[derive(Debug, thiserror::Error)]
pub enum RetrievalError {
    /// Two snapshots are of the same datanet.
    #[error("the datanet {datanet} is given twice; give one snapshot of each datanet")]
    DatanetTwice {
        /// The datanet.
        datanet: String,
    },
    /// The search library failed, which for an index in memory means that memory ran out.
    #[error("the passage index failed ({cause}); free memory and build it again")]
    Library {
        /// What the library says.
        cause: String,
    },
}

impl RetrievalError {
    fn library(error: impl std::fmt::Display) -> Self {
        Self::Library { cause: error.to_string() }
    }
}

#[derive(Clone, Copy)]
struct Fields {
    title: Field,
    text: Field,
    datanet: Field,
    number: Field,
}

/// Passages of several snapshots, ready to be searched by many threads at once.
pub struct Retriever {
    reader: IndexReader,
    fields: Fields,
    passages: Vec<Passage>,
    /// The terms of each passage's title.
    titles: Vec<Terms>,
}

impl std::fmt::Debug for Retriever {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Retriever").field("passages", &self.passages.len()).finish_non_exhaustive()
    }
}

impl Retriever {
    /// Cuts the texts of the snapshots into passages and indexes them. A text that is a copy of an earlier one in its
    /// snapshot is left out, so that copies do not crowd the results.
    ///
    /// # Errors
    /// The same datanet twice, or no memory.
    pub fn build(snapshots: &[&SealedSnapshot]) -> Result<Self, RetrievalError> {
        let mut by_name: BTreeMap<&str, &SealedSnapshot> = BTreeMap::new();
        for snapshot in snapshots {
            let datanet = snapshot.header().datanet.as_str();
            if by_name.insert(datanet, snapshot).is_some() {
                return Err(RetrievalError::DatanetTwice { datanet: datanet.to_owned() });
            }
        }
        let passages: Vec<Passage> = by_name.values().flat_map(|snapshot| cut(snapshot)).collect();
        let titles = passages.iter().map(|passage| terms(&passage.title)).collect();
        let (schema, fields) = schema();
        let tokenizers = TokenizerManager::default();
        tokenizers.register(ANALYZER, analyzer());
        let mut writer = Index::builder()
            .schema(schema)
            .tokenizers(tokenizers)
            .single_segment_index_writer(RamDirectory::create(), INDEXING_BYTES_MAX)
            .map_err(RetrievalError::library)?;
        for (number, passage) in (0u64..).zip(&passages) {
            let mut document = TantivyDocument::new();
            document.add_text(fields.title, &passage.title);
            document.add_text(fields.text, &passage.text);
            document.add_text(fields.datanet, &passage.datanet);
            document.add_u64(fields.number, number);
            writer.add_document(document).map_err(RetrievalError::library)?;
        }
        let index = writer.finalize().map_err(RetrievalError::library)?;
        let reader = index.reader().map_err(RetrievalError::library)?;
        Ok(Self { reader, fields, passages, titles })
    }

    /// The `k` best passages (at most [`PASSAGES_MAX`]) in the named datanets, or in all when none is named. A question
    /// without words finds nothing.
    ///
    /// # Errors
    /// The search library fails.
    pub fn search(
        &self,
        question: &str,
        datanets: &[&str],
        k: usize,
    ) -> Result<Vec<Passage>, RetrievalError> {
        let asked = terms(question);
        if asked.stems.is_empty() || k == 0 {
            return Ok(Vec::new());
        }
        let searcher = self.reader.searcher();
        let collector = TopDocs::with_limit(CANDIDATES).order_by_score();
        let hits = searcher
            .search(&self.query(&asked.stems, datanets), &collector)
            .map_err(RetrievalError::library)?;
        let mut found = Vec::with_capacity(hits.len());
        for (score, address) in hits {
            let numbers = searcher.segment_reader(address.segment_ord).fast_fields().u64("number");
            let number = numbers.map_err(RetrievalError::library)?.first(address.doc_id);
            let Some(number) = number.and_then(|number| usize::try_from(number).ok()) else { continue };
            let closeness = closeness(&self.titles[number], &asked);
            let opening = if self.passages[number].start == 0 { OPENING_BONUS } else { 0.0 };
            found.push((score * (1.0 + TITLE_BONUS * closeness + opening), number));
        }
        // Numbers follow datanet, commitment and place, so they settle equal scores.
        found.sort_by(|a, b| b.0.partial_cmp(&a.0).unwrap_or(Ordering::Equal).then(a.1.cmp(&b.1)));
        found.truncate(k.min(PASSAGES_MAX));
        Ok(found
            .into_iter()
            .map(|(score, number)| Passage { score, ..self.passages[number].clone() })
            .collect())
    }

    fn query(&self, terms: &[String], datanets: &[&str]) -> BooleanQuery {
        let term = |field, text: &str| -> Box<dyn Query> {
            Box::new(TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::WithFreqs))
        };
        let mut words: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        for text in terms {
            let title = BoostQuery::new(term(self.fields.title, text), TITLE_BOOST);
            words.push((Occur::Should, Box::new(title)));
            words.push((Occur::Should, term(self.fields.text, text)));
        }
        let mut clauses: Vec<(Occur, Box<dyn Query>)> =
            vec![(Occur::Must, Box::new(BooleanQuery::new(words)))];
        if !datanets.is_empty() {
            let names =
                datanets.iter().map(|name| (Occur::Should, term(self.fields.datanet, name))).collect();
            let filter = ConstScoreQuery::new(Box::new(BooleanQuery::new(names)), 0.0);
            clauses.push((Occur::Must, Box::new(filter)));
        }
        BooleanQuery::new(clauses)
    }
}

fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(ANALYZER)
        .set_index_option(IndexRecordOption::WithFreqs)
        .set_fieldnorms(true);
    let options = TextOptions::default().set_indexing_options(indexing);
    let fields = Fields {
        title: builder.add_text_field("title", options.clone()),
        text: builder.add_text_field("text", options),
        datanet: builder.add_text_field("datanet", STRING),
        number: builder.add_u64_field("number", FAST),
    };
    (builder.build(), fields)
}

/// The passages of a snapshot, without texts that have the words of an earlier one. Near-copies stay: what they change may
/// be what is asked for.
fn cut(snapshot: &SealedSnapshot) -> Vec<Passage> {
    let mut seen = BTreeSet::new();
    let mut passages = Vec::new();
    for (entry, id) in snapshot.entries().iter().zip(snapshot.ids()) {
        let contribution = &entry.contribution;
        if !seen.insert(contribution.cluster()) {
            continue;
        }
        for range in passages_of(&contribution.text) {
            passages.push(Passage {
                datanet: snapshot.header().datanet.clone(),
                contribution: *id,
                external_id: contribution.external_id.clone(),
                title: contribution.title.clone(),
                text: contribution.text[range.clone()].to_owned(),
                start: range.start,
                end: range.end,
                score: 0.0,
            });
        }
    }
    passages
}

/// How close a title is to what is asked for, from 0 to 1: the mean of the Dice coefficients of words and of stems, so
/// that "politics" is closer to "politics" than to "politeness", which has the same stem.
fn closeness(title: &Terms, asked: &Terms) -> f32 {
    (dice(&title.words, &asked.words) + dice(&title.stems, &asked.stems)) / 2.0
}

fn dice(one: &[String], other: &[String]) -> f32 {
    let common = one.iter().filter(|term| other.contains(term)).count();
    2.0 * common as f32 / (one.len() + other.len()).max(1) as f32
}
