//! Embeddings by a table: the vector of a text is the mean of its tokens' rows, of length one.
//!
//! Rule: sums are in binary32 in the order of the tokens, and the length is the dot product of the numeric specification, so that
//! the same text gives the same bits on every machine. A vector of fewer dimensions is the beginning of the longer one, again of
//! length one: the tables read here are trained for that.
//! Absent: models that compute what the words of a text say together; a tokenizer's file is read by its library, which bounds
//! nothing: give it files that somebody vouches for by a hash.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::kernels::{InstructionSet, Kernels};
use crate::tensor_file;

/// The tensor that is the table, `[token][width]`.
const TABLE: &str = "embedding.weight";
/// Largest accepted table, in bytes of its file.
const TABLE_BYTES_MAX: u64 = 512 << 20;
/// Largest accepted file of a tokenizer, in bytes.
const TOKENIZER_BYTES_MAX: u64 = 32 << 20;
/// Longest accepted row.
const WIDTH_MAX: usize = 4_096;
/// The beginnings of a row that are vectors themselves, where the row is longer.
const BEGINNINGS: [usize; 5] = [64, 128, 256, 512, 1_024];
/// Longest text that is turned into tokens, in bytes.
pub const EMBEDDED_TEXT_BYTES_MAX: usize = 1 << 20;
/// Most tokens of one vector.
pub const EMBEDDED_TOKENS_MAX: usize = 8_192;

/// Why the files of a table were refused.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddingModelError {
    /// A file could not be read.
    #[error("{path}: {source}; fetch the embedding model again")]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file is too large.
    #[error("{path} has more than the {limit} bytes that are accepted; it is no such model")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// The table is damaged, or none.
    #[error("the table of the embedding model: {reason}; fetch it again")]
    Table {
        /// What is wrong.
        reason: String,
    },
    /// The tokenizer is damaged, or another table's.
    #[error("the tokenizer of the embedding model: {reason}; fetch it again")]
    Tokenizer {
        /// What is wrong.
        reason: String,
    },
}

/// Why there is no vector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmbedError {
    /// There are no tokens.
    #[error("it is empty, and nothing has no vector; leave it out")]
    Empty,
    /// There are too many tokens.
    #[error("it has {tokens} tokens, at most {EMBEDDED_TOKENS_MAX} make a vector; split it")]
    TooLong {
        /// How many.
        tokens: usize,
    },
    /// The text is too large to be looked at.
    #[error("it has {bytes} bytes, at most {EMBEDDED_TEXT_BYTES_MAX} are read; split it")]
    TooLarge {
        /// How many.
        bytes: usize,
    },
    /// A token id that the table does not have.
    #[error(
        "token {token} is outside of the model's vocabulary of {vocabulary} tokens; send ids of its own tokenizer, or text"
    )]
    TokenOutOfRange {
        /// The token.
        token: u32,
        /// Size of the vocabulary.
        vocabulary: usize,
    },
    /// The model has no vectors of this length.
    #[error("the model has no vectors of {dimensions} dimensions; it has {accepted}")]
    Dimensions {
        /// What was asked for.
        dimensions: usize,
        /// What there is.
        accepted: String,
    },
    /// The rows sum to nothing that has a direction.
    #[error("its tokens sum to no vector that could have length one; change it")]
    NoDirection,
    /// The library refused a text.
    #[error("the tokenizer refused it: {reason}")]
    Tokenizer {
        /// What the library said.
        reason: String,
    },
}

/// A table of rows with the tokenizer that it belongs to.
pub struct EmbeddingModel {
    id: [u8; 32],
    rows: Vec<f32>,
    width: usize,
    library: tokenizers::Tokenizer,
}

impl EmbeddingModel {
    /// Opens a table (safetensors) and its tokenizer (JSON).
    ///
    /// # Errors
    /// A file cannot be read, is too large or damaged, or one does not belong to the other.
    pub fn open(table: &Path, tokenizer: &Path) -> Result<EmbeddingModel, EmbeddingModelError> {
        let within = |path: &Path, limit, read: io::Result<Option<Vec<u8>>>| {
            let read = read.map_err(|source| EmbeddingModelError::File { path: path.to_owned(), source })?;
            read.ok_or_else(|| EmbeddingModelError::TooLarge { path: path.to_owned(), limit })
        };
        let read = tensor_file::read_tensors(table, TABLE_BYTES_MAX);
        let rows = within(table, TABLE_BYTES_MAX, read)?;
        let read = tensor_file::read(tokenizer, TOKENIZER_BYTES_MAX);
        EmbeddingModel::from_bytes(&rows, &within(tokenizer, TOKENIZER_BYTES_MAX, read)?)
    }

    /// Reads a model from the bytes of its two files.
    ///
    /// # Errors
    /// They are damaged, or one does not belong to the other.
    pub fn from_bytes(table: &[u8], tokenizer: &[u8]) -> Result<EmbeddingModel, EmbeddingModelError> {
        let (rows, width) = read_table(table).map_err(|reason| EmbeddingModelError::Table { reason })?;
        let wrong = |reason: String| EmbeddingModelError::Tokenizer { reason };
        let mut library =
            tokenizers::Tokenizer::from_bytes(tokenizer).map_err(|error| wrong(error.to_string()))?;
        // Every token of a text counts, and nothing else.
        library.with_padding(None);
        library.with_truncation(None).map_err(|error| wrong(error.to_string()))?;
        let (tokens, vocabulary) = (library.get_vocab_size(true), rows.len() / width);
        if tokens != vocabulary {
            return Err(wrong(format!("it has {tokens} tokens, the table has {vocabulary} rows")));
        }
        Ok(EmbeddingModel { id: identity(table, tokenizer), rows, width, library })
    }

    /// SHA-256 over both files: a vector depends on the tokenizer as much as on the table.
    pub fn id(&self) -> [u8; 32] {
        self.id
    }

    /// Number of tokens.
    pub fn vocabulary(&self) -> usize {
        self.rows.len() / self.width
    }

    /// The lengths of vectors that it has, the longest last.
    pub fn dimensions(&self) -> Vec<usize> {
        BEGINNINGS.into_iter().filter(|length| *length < self.width).chain([self.width]).collect()
    }

    /// The tokens of a text, with no special ones before or behind it.
    ///
    /// # Errors
    /// The text is too long, or the library refuses it.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, EmbedError> {
        if text.len() > EMBEDDED_TEXT_BYTES_MAX {
            return Err(EmbedError::TooLarge { bytes: text.len() });
        }
        let encoding = self.library.encode_fast(text, false);
        let encoding = encoding.map_err(|error| EmbedError::Tokenizer { reason: error.to_string() })?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Whether tokens make a vector.
    ///
    /// # Errors
    /// There are none, too many, or one that the table does not have.
    pub fn check(&self, tokens: &[u32]) -> Result<(), EmbedError> {
        let vocabulary = self.vocabulary();
        let outside = tokens.iter().find(|token| **token as usize >= vocabulary);
        match (tokens.len(), outside) {
            (0, _) => Err(EmbedError::Empty),
            (tokens, _) if tokens > EMBEDDED_TOKENS_MAX => Err(EmbedError::TooLong { tokens }),
            (_, Some(token)) => Err(EmbedError::TokenOutOfRange { token: *token, vocabulary }),
            (_, None) => Ok(()),
        }
    }

    /// Whether it has vectors of this length.
    ///
    /// # Errors
    /// It has not; the error names those that it has.
    pub fn check_dimensions(&self, dimensions: usize) -> Result<(), EmbedError> {
        let known = self.dimensions();
        if known.contains(&dimensions) {
            return Ok(());
        }
        let accepted = known.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        Err(EmbedError::Dimensions { dimensions, accepted })
    }

    /// The vector of tokens.
    ///
    /// # Errors
    /// [`EmbeddingModel::check`] and [`EmbeddingModel::check_dimensions`]; the rows sum to nothing.
    pub fn embed(&self, tokens: &[u32], dimensions: usize) -> Result<Vec<f32>, EmbedError> {
        self.embed_with(InstructionSet::best(), tokens, dimensions)
    }

    fn embed_with(
        &self,
        set: InstructionSet,
        tokens: &[u32],
        dimensions: usize,
    ) -> Result<Vec<f32>, EmbedError> {
        self.check(tokens)?;
        self.check_dimensions(dimensions)?;
        let mut vector = vec![0.0_f32; dimensions];
        for token in tokens {
            let row = &self.rows[*token as usize * self.width..][..dimensions];
            vector.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        // Exact: a vector has few tokens.
        let count = tokens.len() as f32;
        vector.iter_mut().for_each(|sum| *sum /= count);
        let kernels = Kernels::of(set).expect("the set is one that this machine has");
        let mut square = [0.0];
        kernels.lower(&vector, &vector, &mut square);
        let length = square[0].sqrt();
        if !length.is_normal() {
            return Err(EmbedError::NoDirection);
        }
        vector.iter_mut().for_each(|value| *value /= length);
        Ok(vector)
    }
}

fn read_table(file: &[u8]) -> Result<(Vec<f32>, usize), String> {
    let file = tensor_file::open(file)?;
    let table = file.tensor(TABLE).map_err(|_| format!("it has no tensor {TABLE}"))?;
    let [tokens, width] = *table.shape() else {
        return Err(format!("its size is {:?}, expected are tokens and width", table.shape()));
    };
    if tokens == 0 || !(1..=WIDTH_MAX).contains(&width) {
        return Err(format!("it has {tokens} rows of {width} numbers, accepted are 1 to {WIDTH_MAX}"));
    }
    Ok((tensor_file::values(&table)?, width))
}

fn identity(table: &[u8], tokenizer: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"openledger embedding model 1\0");
    hasher.update(Sha256::digest(table));
    hasher.update(Sha256::digest(tokenizer));
    hasher.finalize().into()
}

#[cfg(test)]
mod tests;
