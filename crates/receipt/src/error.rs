//! Why bytes are not a receipt. Absent: why a receipt does not verify; that is a [`crate::Report`].

/// Why bytes are not a receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// More bytes than a receipt may have.
    #[error("{kind} has {bytes} bytes, more than the limit of {bytes_max}")]
    TooLong {
        /// What was read.
        kind: &'static str,
        /// How many bytes were given.
        bytes: usize,
        /// How many are allowed.
        bytes_max: usize,
    },
    /// The bytes do not follow the format.
    #[error("{kind} is malformed: {reason}; ask the gateway for the receipt again")]
    Malformed {
        /// What was read.
        kind: &'static str,
        /// What the reader found.
        reason: String,
    },
    /// The bytes mean a receipt, but are not its only encoding.
    #[error("{kind} is not in its canonical form; use the bytes as the gateway gave them")]
    NotCanonical {
        /// What was read.
        kind: &'static str,
    },
    /// The statement contradicts itself.
    #[error("the statement is not an inference receipt: {reason}")]
    StatementWrong {
        /// What is wrong.
        reason: String,
    },
}
