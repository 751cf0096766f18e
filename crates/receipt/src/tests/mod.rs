//! Tests of the whole: recorded encodings, files whose every byte counts, and lies that are signed.
//! The chain's proofs are replaced by hashed records; that the real ones hold is the chain's to test.

mod certified;
mod context;
mod flips;
mod formats;
mod lies;
mod material;
mod recomputation;
mod world;
