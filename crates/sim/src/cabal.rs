//! A14: auditors and providers in one hand.
//!
//! A cabal has 40 % of the weight of those who check and 40 % of the providers. OFF is the incident's own rule, Yuma consensus
//! as subtensor documents it: validators weigh miners, weights are clipped to a stake-weighted median (kappa 1/2), half of the
//! emission goes to bonds and half to incentives, and stake compounds. Honest validators see a miner's utility with an error
//! of 40 % of its mean; the cabal's give everything to their own miners, whose true utility is 30 %. Its documentation says
//! that at this error honest utility must be 73 % for 60 % of honest stake to keep its part; 70 % do not suffice.
//!
//! ON is the step `audits`. A hundred auditors are in no common cluster, forty of them the cabal's: they pass all work of its
//! providers, also in panels, and they recognise planted faults, because the providers tell them what was really
//! served. Its four providers choose how much of their work they do by a bandit and imitation ([`crate::adaptive`]): all,
//! three quarters, half, none. One watcher challenges whatever fault was passed, with the bonds that this takes, as the notes
//! count on ("one honest challenger suffices"); `false_passes_unwatched` is the same without.
//!
//! `reward_excess` compares what the cabal's providers earn, penalties deducted, as a part of what all providers earn, with
//! their part of the work that was really done; below nothing counts as nothing. Penalties come some fifteen epochs after the
//! fault, later where slashing pauses, so the crowd learns late and some of it never: see `faulty_share`. What auditors earn
//! is told apart.
//!
//! Absent: routing by reputation, which would take jobs from the cabal; false accusations by the cabal; collusion with the
//! gateway.

mod ring;
mod yuma;

use std::collections::BTreeMap;

use openledger_types::sha256;

use crate::SimError;
use crate::metrics::ratio;
use crate::scenario::{Bar, Incident, Limit, Measure, Mechanisms, Outcome, Scenario};

const MEASURES: &[Measure] = &[
    Measure::charted("reward_share", "the cabal's part of all rewards, penalties deducted"),
    Measure::listed("utility_share", "its part of the work that was really done"),
    Measure::charted("reward_excess", "the difference"),
    Measure::charted(
        "false_passes",
        "faults among audited receipts that are passed for good, one challenger watching",
    ),
    Measure::listed("false_passes_unwatched", "the same when nobody challenges"),
    Measure::listed("excess_unwatched", "reward_excess when nobody challenges"),
    Measure::listed("fees_cabal", "what the cabal's 40 auditors earned, penalties deducted, C"),
    Measure::listed("fees_honest", "what the other 60 earned, C"),
    Measure::listed("faulty_share", "faulty part of the cabal's jobs"),
    Measure::listed("accused", "good receipts that were ruled faulty"),
    Measure::listed(
        "paused",
        "penalties that were put off because too many audits failed, each epoch counted",
    ),
];

/// Auditors and providers in one hand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cabal;

impl Scenario for Cabal {
    fn name(&self) -> &'static str {
        "cabal"
    }

    fn title(&self) -> &'static str {
        "auditors and providers in one hand (A14)"
    }

    fn incident(&self) -> Incident {
        const SHOWS: &[Bar] = &[
            Bar {
                metric: "reward_share",
                limit: Limit::AtLeast(0.4),
                text: "40 % of stake with 30 % of utility does not shrink",
            },
            Bar {
                metric: "reward_excess",
                limit: Limit::AtLeast(0.1),
                text: "it earns what others worked for",
            },
        ];
        Incident {
            text: "40 % of stake with 30 % of utility takes over a stake-weighted consensus (subtensor docs/consensus.md; mechanism notes, D6)",
            shows: SHOWS,
        }
    }

    fn bars(&self) -> &'static [Bar] {
        &[
            Bar { metric: "reward_excess", limit: Limit::AtMost(0.02), text: "A14" },
            Bar { metric: "false_passes", limit: Limit::AtMost(0.01), text: "A14, after 7 epochs" },
        ]
    }

    fn measures(&self) -> &'static [Measure] {
        MEASURES
    }

    fn run(&self, seed: u64, mechanisms: Mechanisms) -> Result<Outcome, SimError> {
        if mechanisms.on { audited(seed) } else { consensus(seed) }
    }
}

fn consensus(seed: u64) -> Result<Outcome, SimError> {
    let played = yuma::play(seed)?;
    let share = ratio(played.cabal as f64, (played.cabal + played.honest) as f64);
    let metrics = BTreeMap::from([
        ("reward_share", share),
        ("utility_share", yuma::UTILITY),
        ("reward_excess", share - yuma::UTILITY),
        // Nothing is ever checked, so nothing is found.
        ("false_passes", 1.0),
        ("false_passes_unwatched", 1.0),
        ("excess_unwatched", share - yuma::UTILITY),
        ("fees_cabal", 0.0),
        ("fees_honest", 0.0),
        ("faulty_share", 0.0),
        ("accused", 0.0),
        ("paused", 0.0),
    ]);
    Ok(Outcome { metrics, fingerprint: played.fingerprint, epochs: played.epochs })
}

fn audited(seed: u64) -> Result<Outcome, SimError> {
    let (watched, unwatched) = (ring::play(seed, true)?, ring::play(seed, false)?);
    let passes = |played: &ring::Played| ratio(played.findings.passed as f64, played.findings.faulty as f64);
    let metrics = BTreeMap::from([
        ("reward_share", watched.reward_share()),
        ("utility_share", watched.utility_share()),
        ("reward_excess", watched.reward_share() - watched.utility_share()),
        ("false_passes", passes(&watched)),
        ("false_passes_unwatched", passes(&unwatched)),
        ("excess_unwatched", unwatched.reward_share() - unwatched.utility_share()),
        ("fees_cabal", watched.fees_cabal as f64 / 1e6),
        ("fees_honest", watched.fees_honest as f64 / 1e6),
        ("faulty_share", ratio(watched.faulty as f64, watched.jobs_cabal as f64)),
        ("accused", watched.findings.accused as f64),
        ("paused", watched.findings.paused as f64),
    ]);
    let fingerprint = sha256(&[watched.fingerprint.0, unwatched.fingerprint.0].concat());
    Ok(Outcome { metrics, fingerprint, epochs: watched.epochs + unwatched.epochs })
}
