//! The only crate that names the BFT engine.
