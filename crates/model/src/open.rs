//! A model: weights, shape, tokenizer and template of one checkpoint file.
//!
//! Rule: a model is immutable and is named by the SHA-256 of its file, taken from the very bytes that
//! were read.
//! Absent: downloading (`xtask` and the command line do that).

use std::fs::File;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::gguf::{Gguf, GgufError};
use crate::rope::RopeTable;
use crate::shape::{Shape, ShapeError};
use crate::text::{ChatError, ChatTemplate, Conversation, NoTools, Tokenizer, TokenizerError};
use crate::weights::{Weights, WeightsError};

/// Largest accepted checkpoint, in bytes.
pub(crate) const FILE_BYTES_MAX: u64 = 64 << 30;

/// One model, ready to be computed.
pub struct Model {
    name: String,
    license: Option<String>,
    sha256: [u8; 32],
    shape: Shape,
    tokenizer: Tokenizer,
    template: ChatTemplate,
    pub(crate) weights: Weights,
    pub(crate) rope: RopeTable,
}

/// Why a model could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file could not be read.
    #[error("model file {path}: {source}; fetch the model with `openledger model pull`")]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is too large.
    #[error("model file {path} has {bytes} bytes, more than the limit of 64 GiB")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// The file is no GGUF file, or a damaged one.
    #[error("model file: {0}")]
    Format(#[from] GgufError),
    /// The shape is not supported.
    #[error("model file: {0}")]
    Shape(#[from] ShapeError),
    /// The weights do not fit the shape.
    #[error("model file: {0}")]
    Weights(#[from] WeightsError),
    /// The tokenizer is not supported.
    #[error("model file: {0}")]
    Tokenizer(#[from] TokenizerError),
    /// The chat template is not acceptable.
    #[error("model file: {0}")]
    Template(#[from] ChatError),
}

impl Model {
    /// Opens a checkpoint file.
    pub fn open(path: &Path) -> Result<Model, ModelError> {
        let failed = |source| ModelError::File { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        if bytes > FILE_BYTES_MAX {
            return Err(ModelError::TooLarge { path: path.to_owned(), bytes });
        }
        let mapped = map(&file).map_err(failed)?;
        Model::from_bytes(&mapped)
    }

    /// Reads a checkpoint from memory.
    pub fn from_bytes(bytes: &[u8]) -> Result<Model, ModelError> {
        let file = Gguf::parse(bytes)?;
        let shape = Shape::read(&file)?;
        let weights = Weights::read(&file, &shape)?;
        Ok(Model {
            name: file.text("general.name").unwrap_or("unnamed").to_owned(),
            license: file.text("general.license").ok().map(str::to_owned),
            sha256: Sha256::digest(bytes).into(),
            tokenizer: Tokenizer::read(&file)?,
            template: ChatTemplate::read(&file)?,
            rope: RopeTable::new(&shape),
            shape,
            weights,
        })
    }

    /// The name that the file gives itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The licence that the file states.
    pub fn license(&self) -> Option<&str> {
        self.license.as_deref()
    }

    /// SHA-256 of the file.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// Longest sequence, in tokens.
    pub fn context_length(&self) -> usize {
        self.shape.context
    }

    /// The shape of the model.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Tokens of a conversation by the model's chat template, ready for its next message.
    pub fn encode_chat(&self, conversation: &Conversation) -> Result<Vec<u32>, ChatError> {
        self.template.encode(&self.tokenizer, conversation)
    }

    /// Whether the model can use tools: its chat template has a place for them, for calls in the form that [`crate::CallReader`]
    /// reads, and for answers.
    ///
    /// # Errors
    /// It cannot, for this reason.
    pub fn tools(&self) -> Result<(), NoTools> {
        self.template.tools(&self.tokenizer)
    }
}

/// The file's bytes, mapped.
#[expect(unsafe_code, reason = "mapping a file is unsafe, because another process may change it")]
fn map(file: &File) -> std::io::Result<memmap2::Mmap> {
    // SAFETY: the mapping is read once while the model is opened and dropped afterwards; every length in
    // it is checked against the mapping and not read a second time. A process that changes the file
    // meanwhile can give us wrong numbers, which the hash shows, or a cut file, which ends this process
    // as any lost disk would.
    unsafe { memmap2::Mmap::map(file) }
}
