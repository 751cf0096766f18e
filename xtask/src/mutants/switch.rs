//! Which mutant is on: `OPENLEDGER_MUTANT` says it. With `OPENLEDGER_REACHED`, a file, every mutant that is asked for is
//! noted there once. Woven into the ledger by `cargo xtask mutants`; the ledger itself has no environment and no files.

use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex};

static ON: LazyLock<usize> = LazyLock::new(|| {
    let number = std::env::var("OPENLEDGER_MUTANT").ok();
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
});
static REACHED: LazyLock<Option<Mutex<File>>> =
    LazyLock::new(|| File::create(std::env::var_os("OPENLEDGER_REACHED")?).ok().map(Mutex::new));
/// More than a tree has mutants.
static SEEN: [AtomicBool; 1 << 14] = [const { AtomicBool::new(false) }; 1 << 14];

/// Whether the code is broken in this way.
pub fn on(number: usize) -> bool {
    if let Some(file) = &*REACHED
        && !SEEN[number].swap(true, Ordering::Relaxed)
    {
        let mut file = file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        writeln!(file, "{number}").expect("the note can be written");
    }
    *ON == number
}
