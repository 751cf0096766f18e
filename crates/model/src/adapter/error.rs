//! Why an adapter was refused.

use std::path::PathBuf;

/// Why an adapter was refused.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// A file could not be read or written.
    #[error(
        "adapter file {path}: {source}; an adapter is a folder with adapter_config.json and adapter_model.safetensors"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file is too large.
    #[error("adapter file {path} has more than the {limit} bytes that are accepted; train with a lower rank")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// The system has no room for its numbers.
    #[error(
        "no memory for {bytes} bytes of an adapter: end other programs, or hold fewer adapters in memory"
    )]
    NoMemory {
        /// How many are missing.
        bytes: usize,
    },
    /// The configuration is no configuration of an adapter.
    #[error("adapter_config.json: {reason}; save the adapter again with PEFT")]
    Config {
        /// What is wrong.
        reason: String,
    },
    /// The configuration asks for arithmetic that this engine does not have.
    #[error("adapter_config.json: {what} is not supported; plain LoRA of the seven projections is")]
    Unsupported {
        /// The entry and its value.
        what: String,
    },
    /// It was made for another model.
    #[error("the adapter is for {stated}, this model is {names}; serve it with its own base model")]
    Base {
        /// What the configuration states.
        stated: String,
        /// The names of the model at hand.
        names: String,
    },
    /// The file of tensors is damaged, or is no such file.
    #[error("adapter_model.safetensors: {reason}; fetch the adapter again")]
    Format {
        /// What is wrong.
        reason: String,
    },
    /// A tensor does not belong to an adapter for this model, or not to this one.
    #[error("adapter_model.safetensors: tensor {name}: {reason}")]
    Tensor {
        /// The tensor.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A projection cannot be changed like this.
    #[error("adapter: {part}: {reason}")]
    Part {
        /// The projection.
        part: String,
        /// What is wrong.
        reason: String,
    },
    /// It changes nothing.
    #[error("the adapter has no tensors: it changes nothing; save it again with PEFT")]
    Empty,
}
