//! The tokenizer of a checkpoint: byte-level byte-pair encoding from its vocabulary and merges.
//!
//! Rule: [`Tokenizer::encode`] knows no control tokens, so `<|im_end|>` in a prompt is nine ordinary
//! characters; [`Tokenizer::encode_with_controls`] is for the text of a chat template alone.
//! Absent: normalisation; the models served here have none.

use std::collections::BTreeMap;

use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;

use super::bytes::byte_of;
use crate::gguf::{Gguf, GgufError};

/// Largest accepted vocabulary.
pub(super) const VOCABULARY_MAX: usize = 1_048_576;

/// The type numbers that checkpoints give to tokens.
const TOKEN_NORMAL: u64 = 1;
const TOKEN_CONTROL: u64 = 3;

/// Why a checkpoint's tokenizer was refused.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// A metadata entry is absent or has another type.
    #[error(transparent)]
    Metadata(#[from] GgufError),
    /// Another kind of tokenizer.
    #[error("the tokenizer is {model} with pre-tokenizer {pre}; supported is gpt2 with smollm or gpt-2")]
    Unsupported {
        /// The stated model.
        model: String,
        /// The stated pre-tokenizer.
        pre: String,
    },
    /// The vocabulary cannot be.
    #[error("the vocabulary is damaged: {reason}")]
    Vocabulary {
        /// What is wrong.
        reason: String,
    },
    /// The library refused the vocabulary or a text.
    #[error("the tokenizer library refused: {0}")]
    Library(String),
}

/// Text to token ids, and token ids to bytes.
pub struct Tokenizer {
    library: tokenizers::Tokenizer,
    /// Bytes of every token; empty for control tokens.
    bytes: Vec<Box<[u8]>>,
    /// Control tokens by their text, longest first.
    controls: Vec<(String, u32)>,
    end_tokens: Vec<u32>,
    begin_token: Option<u32>,
}

/// A part of a template's text.
pub(crate) enum Part<'a> {
    /// Ordinary text.
    Text(&'a str),
    /// A control token.
    Control(u32),
}

impl Tokenizer {
    /// Builds the tokenizer of a checkpoint.
    ///
    /// # Errors
    /// It is of a kind that is not supported, or its entries do not belong together.
    pub fn read(file: &Gguf<'_>) -> Result<Tokenizer, TokenizerError> {
        let model = file.text("tokenizer.ggml.model")?;
        let pre = file.text("tokenizer.ggml.pre")?;
        let digits = match (model, pre) {
            ("gpt2", "smollm") => true,
            ("gpt2", "gpt-2") => false,
            _ => {
                return Err(TokenizerError::Unsupported { model: model.to_owned(), pre: pre.to_owned() });
            }
        };
        let tokens = file.texts("tokenizer.ggml.tokens")?;
        let kinds = file.numbers("tokenizer.ggml.token_type")?;
        if tokens.is_empty() || tokens.len() > VOCABULARY_MAX || kinds.len() != tokens.len() {
            let reason = format!("{} tokens and {} token types", tokens.len(), kinds.len());
            return Err(TokenizerError::Vocabulary { reason });
        }
        let ids = unique_ids(&tokens)?;
        let merges = merges(file, &ids, &kinds)?;
        let mut controls: Vec<(String, u32)> = ids
            .iter()
            .filter(|(text, id)| kinds[**id as usize] == TOKEN_CONTROL && !text.is_empty())
            .map(|(text, id)| ((*text).to_owned(), *id))
            .collect();
        controls.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        let normal = ids.iter().filter(|(_, id)| kinds[**id as usize] != TOKEN_CONTROL);
        let vocabulary = normal.map(|(text, id)| ((*text).to_owned(), *id)).collect();
        Ok(Tokenizer {
            library: library(vocabulary, merges, digits)?,
            bytes: tokens.iter().zip(&kinds).map(|(text, kind)| token_bytes(text, *kind)).collect(),
            controls,
            end_tokens: end_tokens(file, &ids)?,
            begin_token: begin_token(file, tokens.len())?,
        })
    }

    /// Number of tokens.
    pub fn vocabulary(&self) -> usize {
        self.bytes.len()
    }

    /// Token ids of a text that someone wrote. Never contains control tokens.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        let encoding = self
            .library
            .encode_fast(text, false)
            .map_err(|error| TokenizerError::Library(error.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Token ids of a template's text, in which control tokens are written out.
    pub(crate) fn encode_with_controls(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        let mut ids = Vec::new();
        for part in self.parts(text) {
            match part {
                Part::Text(text) => ids.extend(self.encode(text)?),
                Part::Control(id) => ids.push(id),
            }
        }
        Ok(ids)
    }

    /// Whether somebody's text has a control token in it: this tokenizer reads it as ordinary characters, others do not.
    pub fn has_controls(&self, text: &str) -> bool {
        self.first_control(text).is_some()
    }

    /// A template's text, cut at its control tokens.
    pub(crate) fn parts<'a>(&self, text: &'a str) -> Vec<Part<'a>> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((at, control, id)) = self.first_control(rest) {
            parts.extend([Part::Text(&rest[..at]), Part::Control(id)]);
            rest = &rest[at + control..];
        }
        parts.push(Part::Text(rest));
        parts
    }

    /// Where the first control token of `text` starts, its length in bytes, and its id.
    fn first_control(&self, text: &str) -> Option<(usize, usize, u32)> {
        // Longest first, and `min_by_key` keeps the first of equals: the longest match wins.
        self.controls
            .iter()
            .filter_map(|(control, id)| text.find(control).map(|at| (at, control.len(), *id)))
            .min_by_key(|(at, _, _)| *at)
    }

    /// The bytes of a token: empty for control tokens and for ids outside of the vocabulary.
    pub fn bytes(&self, token: u32) -> &[u8] {
        self.bytes.get(token as usize).map_or(&[], |bytes| bytes)
    }

    /// The tokens that end a text, ascending.
    pub fn end_tokens(&self) -> &[u32] {
        &self.end_tokens
    }

    /// Whether the token ends a text.
    pub fn is_end(&self, token: u32) -> bool {
        self.end_tokens.contains(&token)
    }

    /// The token that the model wants before every text, if it wants one.
    pub fn begin_token(&self) -> Option<u32> {
        self.begin_token
    }
}

fn unique_ids<'a>(tokens: &[&'a str]) -> Result<BTreeMap<&'a str, u32>, TokenizerError> {
    let mut ids = BTreeMap::new();
    for (id, token) in tokens.iter().enumerate() {
        let id = u32::try_from(id).expect("the size of the vocabulary is checked");
        if ids.insert(*token, id).is_some() {
            return Err(TokenizerError::Vocabulary { reason: format!("token {token:?} appears twice") });
        }
    }
    Ok(ids)
}

/// The merges, each of two ordinary tokens into a third.
fn merges(
    file: &Gguf<'_>,
    ids: &BTreeMap<&str, u32>,
    kinds: &[u64],
) -> Result<Vec<(String, String)>, TokenizerError> {
    let ordinary = |text: &str| ids.get(text).is_some_and(|id| kinds[*id as usize] != TOKEN_CONTROL);
    let mut merges = Vec::new();
    for merge in file.texts("tokenizer.ggml.merges")? {
        let damaged = || TokenizerError::Vocabulary { reason: format!("merge {merge:?} is impossible") };
        let (left, right) = merge.split_once(' ').ok_or_else(damaged)?;
        let joined = format!("{left}{right}");
        if !(ordinary(left) && ordinary(right) && ordinary(&joined)) {
            return Err(damaged());
        }
        merges.push((left.to_owned(), right.to_owned()));
    }
    Ok(merges)
}

fn library(
    vocabulary: Vec<(String, u32)>,
    merges: Vec<(String, String)>,
    digits: bool,
) -> Result<tokenizers::Tokenizer, TokenizerError> {
    let vocabulary: tokenizers::models::bpe::Vocab = vocabulary.into_iter().collect();
    let model = BPE::builder()
        .vocab_and_merges(vocabulary, merges)
        .build()
        .map_err(|error| TokenizerError::Library(error.to_string()))?;
    let byte_level = PreTokenizerWrapper::from(ByteLevel::new(false, true, true));
    let steps = if digits {
        vec![PreTokenizerWrapper::from(Digits::new(true)), byte_level]
    } else {
        vec![byte_level]
    };
    let mut library = tokenizers::Tokenizer::new(model);
    library.with_pre_tokenizer(Some(Sequence::new(steps)));
    Ok(library)
}

fn token_bytes(text: &str, kind: u64) -> Box<[u8]> {
    match kind {
        TOKEN_CONTROL => Box::default(),
        // A token outside of the byte alphabet can only stand for itself.
        TOKEN_NORMAL => text
            .chars()
            .map(byte_of)
            .collect::<Option<Vec<u8>>>()
            .unwrap_or_else(|| text.as_bytes().to_vec())
            .into(),
        _ => text.as_bytes().into(),
    }
}

/// The stated end token, and the customary ones where the vocabulary has them.
fn end_tokens(file: &Gguf<'_>, ids: &BTreeMap<&str, u32>) -> Result<Vec<u32>, TokenizerError> {
    let stated = ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"];
    let mut tokens = Vec::new();
    for id in stated.iter().filter_map(|name| file.count(name).ok()) {
        tokens.push(existing(id, ids.len(), "end")?);
    }
    let customary = ["<|endoftext|>", "<|im_end|>"].iter().filter_map(|text| ids.get(text).copied());
    tokens.extend(customary);
    tokens.sort_unstable();
    tokens.dedup();
    Ok(tokens)
}

fn begin_token(file: &Gguf<'_>, vocabulary: usize) -> Result<Option<u32>, TokenizerError> {
    let wanted = file.value("tokenizer.ggml.add_bos_token").and_then(|value| value.as_bool());
    if wanted != Some(true) {
        return Ok(None);
    }
    let id = file.count("tokenizer.ggml.bos_token_id")?;
    existing(id, vocabulary, "begin").map(Some)
}

/// A token that the checkpoint names by its number.
fn existing(id: usize, vocabulary: usize, which: &str) -> Result<u32, TokenizerError> {
    match u32::try_from(id) {
        Ok(token) if id < vocabulary => Ok(token),
        _ => Err(TokenizerError::Vocabulary { reason: format!("the {which} token {id} does not exist") }),
    }
}
