//! `cargo xtask peers`: tests that need another program than ours: llama.cpp's server behind `upstream`.
//!
//! The program is the one that `bench inference` builds, about ten minutes of a core the first time. Absent from `cargo xtask test`
//! for that reason.

use anyhow::Result;

use crate::{bench, shell};

pub(crate) fn run() -> Result<()> {
    let (server, model) = bench::llama_server()?;
    let mut test = shell::cargo();
    test.args([
        "test",
        "--package",
        "openledger-upstream",
        "--test",
        "llama_server",
        "--",
        "--ignored",
        "--nocapture",
    ]);
    shell::run(test.env("OPENLEDGER_LLAMA_SERVER", server).env("OPENLEDGER_MODEL", model))
}
