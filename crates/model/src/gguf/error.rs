//! What can be wrong with a GGUF file.

/// Why a GGUF file was refused. Every variant names the part of the file that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GgufError {
    /// The first four bytes are something else.
    #[error("the file does not start with GGUF: it is no model checkpoint, or it is damaged; fetch it again")]
    NotGguf,
    /// Another version of the format.
    #[error("GGUF version {version} is not supported, only version 3; convert the file")]
    Version {
        /// The version that the file states.
        version: u32,
    },
    /// The file ends before something that it announced.
    #[error("the file ends inside {what} at byte {position}: it is cut short; fetch it again")]
    Truncated {
        /// What was being read.
        what: String,
        /// Where it starts, in bytes from the start of the file.
        position: u64,
    },
    /// A count is over its limit.
    #[error("the file announces {count} {what}, more than the limit of {limit}")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// How many the file announces.
        count: u64,
        /// How many are accepted.
        limit: u64,
    },
    /// A name is too long or empty.
    #[error("a {what} has {bytes} bytes; 1 to 256 are accepted")]
    NameLength {
        /// Which kind of name.
        what: &'static str,
        /// Its length.
        bytes: u64,
    },
    /// A text is not valid UTF-8.
    #[error("{what} is not valid UTF-8")]
    NotText {
        /// Which text.
        what: String,
    },
    /// A name appears twice.
    #[error("{what} {name} appears twice")]
    Duplicate {
        /// Which kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A metadata value has an unknown type.
    #[error("metadata entry {name} has the unknown type {kind}")]
    ValueType {
        /// The entry.
        name: String,
        /// The type number that the file states.
        kind: u32,
    },
    /// Metadata arrays are nested too deeply.
    #[error("metadata entry {name} nests arrays deeper than 4")]
    ArrayDepth {
        /// The entry.
        name: String,
    },
    /// A required metadata entry is absent.
    #[error("metadata entry {name} is missing")]
    MetadataMissing {
        /// The entry.
        name: String,
    },
    /// A metadata entry holds something else than expected.
    #[error("metadata entry {name} is not {expected}")]
    MetadataType {
        /// The entry.
        name: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The stated alignment cannot be.
    #[error("alignment {alignment} is not a power of two between 8 and 65536")]
    Alignment {
        /// The stated alignment in bytes.
        alignment: u64,
    },
    /// A tensor's element type is not supported.
    #[error(
        "tensor {name} has type {kind}; supported are F32, F16, Q4_0, Q4_1 and Q8_0: requantise the model"
    )]
    TensorType {
        /// The tensor.
        name: String,
        /// The type number that the file states.
        kind: u32,
    },
    /// A tensor's shape cannot be.
    #[error("tensor {name} has an impossible shape: {reason}")]
    TensorShape {
        /// The tensor.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A tensor lies outside of the file, unaligned, or over another one.
    #[error("tensor {name} {reason}: the file is damaged; fetch it again")]
    TensorPlace {
        /// The tensor.
        name: String,
        /// What is wrong with its place.
        reason: &'static str,
    },
}

impl GgufError {
    pub(super) fn wrong_type(name: &str, expected: &'static str) -> GgufError {
        GgufError::MetadataType { name: name.to_owned(), expected }
    }
}
