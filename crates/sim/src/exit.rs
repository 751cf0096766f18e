//! A12: whitewash, exit scam and milking.
//!
//! Six honest providers serve beside scammers with six plans, two of each; a plan is played to its end, and the bar is held
//! against the one that ends best, so nothing is gained by choosing among them. The plans: leave an eighth of the work
//! undone; half of it; all of it; all of it after 20 epochs of honest work (exit scam); half of it after those; and all of it,
//! under a new identity with a new stake as soon as the old one is proven faulty (whitewash; four lives). Work that is
//! not done costs nothing, honest work four fifths of its pay.
//!
//! OFF is what the plans live on, on the same ledger: pay at once, no stake, no audits, and ratings. A consumer notices bad
//! work in one of five cases and says so; below four fifths good ratings among the last ten nobody buys from an identity any
//! more, and a new one costs nothing. No documented loss gives a number for A12; that cheap pseudonyms make this pay is Friedman
//! and Resnick's theorem (2001), and what is shown is that the best plan beats honest work.
//!
//! ON is stake, escrow and audits as the ledger has them, honest auditors, no watcher. `loss` is what consumers paid for
//! work that was not done, less what they got back, over the collateral that its providers put up.
//!
//! Credits in escrow count at face value and at once, so a plan that dies with its escrow locked is favoured. Jobs are
//! expensive (1 C) against the least stake (1,000 OPEN, 100 C), to be near the bound and not far below it. Absent: routing,
//! which would leave scammers without jobs; several gateways.

mod plans;

use std::collections::BTreeMap;

use crate::SimError;
use crate::metrics::ratio;
use crate::scenario::{Bar, Incident, Limit, Measure, Mechanisms, Outcome, Scenario};
use plans::{Plan, Played};

const MEASURES: &[Measure] = &[
    Measure::charted("best_plan", "lifetime value of the best plan, over its pay; honest work has 0.2"),
    Measure::charted("loss", "what others lose, over the collateral of those who caused it"),
    Measure::listed("value_eighth", "lifetime value over pay: an eighth undone"),
    Measure::listed("value_half", "half undone"),
    Measure::listed("value_all", "all undone"),
    Measure::listed("value_exit", "all undone after 20 honest epochs"),
    Measure::listed("value_exit_half", "half undone after those"),
    Measure::listed("value_whitewash", "all undone, four identities"),
    Measure::listed("value_honest", "honest providers"),
    Measure::charted(
        "unverified_over_collateral",
        "greatest liquid value that nothing verified, over collateral",
    ),
    Measure::listed("lives", "identities of a whitewasher"),
    Measure::listed(
        "paused",
        "penalties that were put off because too many audits failed, each epoch counted",
    ),
];

const NAMES: [&str; 6] =
    ["value_eighth", "value_half", "value_all", "value_exit", "value_exit_half", "value_whitewash"];

/// Whitewash, exit scam, milking.
#[derive(Debug, Clone, Copy, Default)]
pub struct Exit;

impl Scenario for Exit {
    fn name(&self) -> &'static str {
        "exit"
    }

    fn title(&self) -> &'static str {
        "whitewash, exit scam and milking (A12)"
    }

    fn incident(&self) -> Incident {
        const SHOWS: &[Bar] = &[
            Bar { metric: "best_plan", limit: Limit::AtLeast(0.3), text: "the best plan beats honest work" },
            Bar { metric: "loss", limit: Limit::AtLeast(1.0), text: "others lose more than anybody put up" },
        ];
        Incident {
            text: "where a name costs nothing and pay is final, cheating under new names beats work (Friedman and Resnick 2001; mechanism notes, A12)",
            shows: SHOWS,
        }
    }

    fn bars(&self) -> &'static [Bar] {
        &[
            Bar { metric: "best_plan", limit: Limit::AtMost(0.0), text: "A12: lifetime value below nothing" },
            Bar { metric: "loss", limit: Limit::AtMost(1.0), text: "A12: losses within collateral" },
            Bar { metric: "unverified_over_collateral", limit: Limit::AtMost(1.0), text: "core rule, I7" },
        ]
    }

    fn measures(&self) -> &'static [Measure] {
        MEASURES
    }

    fn run(&self, seed: u64, mechanisms: Mechanisms) -> Result<Outcome, SimError> {
        let played = if mechanisms.on { plans::audited(seed)? } else { plans::rated(seed)? };
        let mut metrics = BTreeMap::new();
        let mut best = f64::MIN;
        for (name, plan) in NAMES.into_iter().zip(Plan::ALL) {
            let value = value(&played, plan);
            metrics.insert(name, value);
            best = best.max(value);
        }
        metrics.insert("best_plan", best);
        metrics.insert("value_honest", value(&played, Plan::Honest));
        // Without stake there is no collateral; a loss then is as large as it is in credits.
        let collateral = (played.collateral as f64).max(1e6);
        metrics.insert("loss", ratio(played.lost as f64, collateral));
        metrics.insert("unverified_over_collateral", played.unverified);
        metrics.insert("lives", played.lives as f64);
        metrics.insert("paused", played.paused as f64);
        Ok(Outcome { metrics, fingerprint: played.fingerprint, epochs: played.epochs })
    }
}

fn value(played: &Played, plan: Plan) -> f64 {
    let (gained, paid) = played.by_plan.get(&plan).copied().unwrap_or_default();
    ratio(gained as f64, paid as f64)
}
