//! The economy under attack: scenarios on the real ledger, each against the incident that it must reproduce without
//! the mechanisms and the bars that it must stay within with them.
//!
//! Rule: no second implementation of any rule. Every payout here is a signed transaction through
//! [`openledger_ledger::execute()`], every epoch ends with all money counted, and what a scenario switches off it
//! switches off outside of the ledger. One seed gives a whole run, bit by bit; floats appear in what is measured and
//! never in what is done.
//!
//! Modules stand in reading order. Absent: files, threads and printing (the caller has them); the attacks of the mechanism
//! notes beyond A1, A2, A10, A12, A14 and A16; evaluations and markets; routing and attribution, for which
//! scenarios state their own models.

pub mod scenario;

pub mod junk;

pub mod duplicates;

pub mod wash;

pub mod exit;

pub mod cabal;

pub mod capture;

pub mod adaptive;
pub mod desk;
mod exchange;
mod office;
pub mod random;
pub mod world;

pub mod metrics;
mod plot;
pub mod report;
pub mod statistics;

mod error;
#[cfg(test)]
mod tests;

pub use error::SimError;
pub use report::Report;
pub use scenario::{Mechanisms, Outcome, Scenario};

/// All scenarios, in the order of the mechanism notes.
pub fn scenarios() -> Vec<Box<dyn Scenario>> {
    vec![
        Box::new(junk::Junk),
        Box::new(duplicates::Duplicates),
        Box::new(wash::Wash),
        Box::new(exit::Exit),
        Box::new(cabal::Cabal),
        Box::new(capture::Capture),
    ]
}

/// Runs the scenario with this name under `seeds` seeds that `base_seed` gives, OFF and ON.
pub fn run(name: &str, seeds: u32, base_seed: u64) -> Result<Report, SimError> {
    let all = scenarios();
    let unknown = || {
        let known: Vec<&str> = all.iter().map(|scenario| scenario.name()).collect();
        SimError::ScenarioUnknown { name: name.to_owned(), known: known.join(", ") }
    };
    let scenario = all.iter().find(|scenario| scenario.name() == name).ok_or_else(unknown)?;
    scenario::measure(scenario.as_ref(), seeds, base_seed)
}
