//! Every limit that validators must share. Changing one changes which blocks are valid, so it is a new network.
//! Absent: limits that a process may choose for itself (mempool, pacing); they are in [`crate::config`].

/// Largest transaction, in bytes.
pub const TRANSACTION_BYTES_MAX: usize = 1 << 20;
/// Largest sum of the transactions of one block, in bytes.
pub const BLOCK_TRANSACTION_BYTES_MAX: usize = 4 << 20;
/// Most transactions in one block.
pub const BLOCK_TRANSACTIONS_MAX: usize = 4096;
/// Largest output of one transaction, in bytes.
pub const OUTPUT_BYTES_MAX: usize = 256 << 10;
/// Largest sum of the outputs of one block, in bytes. A proposer stops before a transaction whose largest possible
/// output would not fit.
pub const BLOCK_OUTPUT_BYTES_MAX: usize = 4 << 20;
/// Largest key of the state, in bytes.
pub const STATE_KEY_BYTES_MAX: usize = 1 << 10;
/// Largest value of the state, in bytes.
pub const STATE_VALUE_BYTES_MAX: usize = 64 << 10;
/// How often one transaction may ask for more keys before it is rejected.
pub const LOAD_ROUNDS_MAX: usize = 64;
/// How many keys one transaction may ask for in total.
pub const LOADED_KEYS_MAX: usize = 65_536;
/// How many keys one transaction may change.
pub const CHANGED_KEYS_MAX: usize = 65_536;
/// Most validators of a network. Bounds certificates and therefore proofs.
pub const VALIDATORS_MAX: usize = 256;
/// How far ahead of a validator's own clock a block may be stamped before that validator waits with its vote, in
/// milliseconds.
pub const CLOCK_DRIFT_MS_MAX: u64 = 500;
/// Largest encoded inclusion proof, in bytes: key, value, path, header and a certificate of [`VALIDATORS_MAX`].
pub const PROOF_BYTES_MAX: usize = 128 << 10;
/// Largest network identity file, in bytes.
pub const IDENTITY_BYTES_MAX: usize = 64 << 10;
