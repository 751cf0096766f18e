    //! Which mutant is on: `OPENLEDGER_MUTANT` says it. With `OPENLEDGER_REACHED`, a file, every mutant that is asked for
    //! is noted there. Woven into the ledger by `cargo xtask mutants`; the ledger itself has no environment.
    use std::{collections::BTreeSet, io::Write, sync::{LazyLock, Mutex}};

    static ON: LazyLock<u32> =
        LazyLock::new(|| std::env::var("OPENLEDGER_MUTANT").ok().and_then(|number| number.parse().ok()).unwrap_or(0));
    static REACHED: LazyLock<Option<Mutex<(std::fs::File, BTreeSet<u32>)>>> = LazyLock::new(|| {
        let file = std::env::var_os("OPENLEDGER_REACHED").and_then(|path| std::fs::File::create(path).ok())?;
        Some(Mutex::new((file, BTreeSet::new())))
    });

    /// Whether the code is broken in this way.
    pub fn on(number: u32) -> bool {
        if let Some(reached) = &*REACHED {
            let mut reached = reached.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if reached.1.insert(number) {
                let _ = writeln!(reached.0, "{number}");
            }
        }
        *ON == number
    }
