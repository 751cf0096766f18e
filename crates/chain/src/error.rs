//! Why the chain could not start, take a transaction, or go on.
//! Absent: rejections of transactions; those are data (numbers in a block).

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::identity::{Digest, IdentityError, ValidatorKey};
use crate::limits::{STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX, TRANSACTION_BYTES_MAX};

/// Why a validator did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// Another process holds the directory.
    #[error("the chain directory {} is in use by another process; stop that process or choose another directory", dir.display())]
    AlreadyRunning {
        /// The directory.
        dir: PathBuf,
    },
    /// The identity is not usable.
    #[error("the network identity is not usable")]
    Identity(#[source] IdentityError),
    /// The first state does not hash to the identity's genesis hash.
    #[error(
        "the first state does not belong to the network {network} ({genesis_hash}); use the state it was created with"
    )]
    GenesisMismatch {
        /// The network's name.
        network: String,
        /// Its genesis hash.
        genesis_hash: Digest,
    },
    /// A key or value of the first state is too long.
    #[error(
        "the first state holds a key of {key_bytes} bytes with a value of {value_bytes} bytes; at most {STATE_KEY_BYTES_MAX} and {STATE_VALUE_BYTES_MAX} are allowed, and no empty key"
    )]
    GenesisEntry {
        /// Length of the key.
        key_bytes: usize,
        /// Length of the value.
        value_bytes: usize,
    },
    /// The seed belongs to no validator of the network.
    #[error(
        "the validator key {key} is not among the validators of the network; give the seed of one that is"
    )]
    NotAValidator {
        /// The public key of the seed.
        key: ValidatorKey,
    },
    /// The directory was created for another network.
    #[error("the chain directory {} belongs to the network with genesis {found}, not {expected}; choose another directory", dir.display())]
    AnotherNetwork {
        /// The directory.
        dir: PathBuf,
        /// The genesis hash written in it.
        found: Digest,
        /// The genesis hash that was asked for.
        expected: Digest,
    },
    /// More than one validator needs addresses.
    #[error(
        "a network of {validators} validators needs `network` with an address for each; {missing} has none"
    )]
    AddressMissing {
        /// How many validators there are.
        validators: usize,
        /// The first without an address.
        missing: ValidatorKey,
    },
    /// The port for other validators is taken.
    #[error(
        "the address {address} for other validators cannot be used ({reason}); free it or configure another"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        reason: String,
    },
    /// A number in the configuration makes no sense.
    #[error("the configuration of the chain is not usable: {reason}")]
    Configuration {
        /// Which and why.
        reason: &'static str,
    },
    /// The stored chain cannot be opened.
    #[error("the chain stored in {} cannot be opened ({reason}); restore the directory from a copy, or remove it to replay from other validators", dir.display())]
    Damaged {
        /// The directory.
        dir: PathBuf,
        /// What the engine said.
        reason: String,
    },
    /// Reading or writing the directory failed.
    #[error("the chain directory {} cannot be used ({reason}); check that it is writable and the disk is not full", dir.display())]
    Directory {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        reason: String,
    },
}

/// Why a running chain could not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The engine stopped on its own: the process must exit with this reason and be started again.
    #[error("the chain halted: {0}; restart the process, and restore the directory if it halts again")]
    Halted(String),
    /// The chain was shut down.
    #[error("the chain is shut down")]
    ShutDown,
    /// The key has no value, so there is nothing to prove.
    #[error("the key has no value at height {height}; only values can be proven")]
    KeyAbsent {
        /// The height that was looked at.
        height: u64,
    },
    /// No certificate for a recent height arrived in time.
    #[error("height {height} has no finality certificate yet; try again")]
    NotCertified {
        /// The height.
        height: u64,
    },
    /// The state moved on faster than it could be read.
    #[error("the chain is too busy to read a consistent state; try again")]
    Busy,
    /// A stored block is missing.
    #[error("block {height} is not stored here")]
    BlockMissing {
        /// The height.
        height: u64,
    },
}

/// Why a transaction was not taken into the mempool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// No bytes.
    #[error("a transaction has at least one byte")]
    Empty,
    /// Too many bytes.
    #[error("the transaction has {bytes} bytes; at most {TRANSACTION_BYTES_MAX} are allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The mempool is full.
    #[error("the mempool is full ({transactions} transactions, {bytes} bytes); try again in a moment")]
    MempoolFull {
        /// How many transactions wait.
        transactions: usize,
        /// How many bytes they have.
        bytes: usize,
    },
    /// The rules would reject it now.
    #[error("the transaction would be rejected (number {number})")]
    Rejected {
        /// The rejection's number.
        number: u16,
        /// The rules' details, opaque here.
        output: Vec<u8>,
    },
    /// Too many callers wait for the same transaction.
    #[error("too many callers wait for this transaction; ask for its block instead")]
    TooManyWaiters,
    /// The chain does not run.
    #[error(transparent)]
    Stopped(#[from] ChainError),
}
