//! What an attack is to the runner: its name, the incident that it must reproduce without the mechanisms, the bars
//! that it must stay within with them, and one run under one seed.
//!
//! Rule (mechanism notes, section 8): a simulator is credible only if OFF reproduces the documented failure, so every
//! scenario runs both ways under the same seeds. A limit holds when the whole 95 % interval is within it, not the mean
//! alone. The seeds of a run are the first draws of [`SplitMix64`] from the base seed.
//! Absent: threads; seeds run one after another, because the result must not depend on who is first.

use std::collections::BTreeMap;

use openledger_types::{Hash, sha256};
use serde::{Deserialize, Serialize};

use crate::SimError;
use crate::random::SplitMix64;
use crate::report::{Report, Row, Verdict};
use crate::statistics::Estimate;

/// Whether the mechanisms under test are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mechanisms {
    /// On, as the ledger has them, or off, as in the incident.
    pub on: bool,
}

/// What a metric must be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
    /// From the first to the second.
    Between(f64, f64),
}

impl Limit {
    /// By how much the worse end of the interval is outside; 0 when the limit holds.
    pub fn missed_by(&self, found: &Estimate) -> f64 {
        let (above, below) = match self {
            Self::AtMost(high) => (found.high() - high, 0.0),
            Self::AtLeast(low) => (0.0, low - found.low()),
            Self::Between(low, high) => (found.high() - high, low - found.low()),
        };
        above.max(below).max(0.0)
    }

    /// The numbers that a chart draws as lines.
    pub fn edges(&self) -> Vec<f64> {
        match self {
            Self::AtMost(edge) | Self::AtLeast(edge) => vec![*edge],
            Self::Between(low, high) => vec![*low, *high],
        }
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtMost(high) => write!(f, "at most {high}"),
            Self::AtLeast(low) => write!(f, "at least {low}"),
            Self::Between(low, high) => write!(f, "{low} to {high}"),
        }
    }
}

/// A limit on a metric, with where it comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// Which metric.
    pub metric: &'static str,
    /// What it must be.
    pub limit: Limit,
    /// Why, in plain words.
    pub text: &'static str,
}

/// A documented failure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Incident {
    /// What happened, and where it is documented.
    pub text: &'static str,
    /// What a run without the mechanisms must show.
    pub shows: &'static [Bar],
}

/// What a scenario measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// Its name in outcomes, tables and JSON.
    pub metric: &'static str,
    /// What it is, in plain words.
    pub text: &'static str,
    /// Whether the chart shows it.
    pub charted: bool,
}

impl Measure {
    /// A metric that the chart shows.
    pub const fn charted(metric: &'static str, text: &'static str) -> Self {
        Self { metric, text, charted: true }
    }

    /// A metric of the table alone.
    pub const fn listed(metric: &'static str, text: &'static str) -> Self {
        Self { metric, text, charted: false }
    }
}

/// What one run measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Metrics by name.
    pub metrics: BTreeMap<&'static str, f64>,
    /// Hash over the final states of all worlds of the run.
    pub fingerprint: Hash,
    /// Epochs of all worlds together; each ended with all money counted.
    pub epochs: u64,
}

/// An attack.
pub trait Scenario {
    /// Its name, as users type it.
    fn name(&self) -> &'static str;
    /// What is attacked, in one line.
    fn title(&self) -> &'static str;
    /// What OFF must reproduce.
    fn incident(&self) -> Incident;
    /// What ON must stay within.
    fn bars(&self) -> &'static [Bar];
    /// What every run measures, in the order of the table.
    fn measures(&self) -> &'static [Measure];
    /// One run.
    fn run(&self, seed: u64, mechanisms: Mechanisms) -> Result<Outcome, SimError>;
}

/// Runs a scenario under `seeds` seeds, OFF and ON, and judges it.
pub fn measure(scenario: &dyn Scenario, seeds: u32, base_seed: u64) -> Result<Report, SimError> {
    if seeds < 2 {
        return Err(SimError::SeedsTooFew { seeds });
    }
    let mut random = SplitMix64::new(base_seed);
    let mut off = Vec::new();
    let mut on = Vec::new();
    for _ in 0..seeds {
        let seed = random.draw();
        off.push(scenario.run(seed, Mechanisms { on: false })?);
        on.push(scenario.run(seed, Mechanisms { on: true })?);
    }
    let incident = scenario.incident();
    let rows = scenario.measures().iter().map(|measure| {
        Ok(Row {
            metric: measure.metric.to_owned(),
            text: measure.text.to_owned(),
            charted: measure.charted,
            off: estimate(scenario.name(), &off, measure.metric)?,
            on: estimate(scenario.name(), &on, measure.metric)?,
        })
    });
    let rows = rows.collect::<Result<Vec<_>, SimError>>()?;
    let shown = judge(scenario.name(), incident.shows, &off, false)?;
    let held = judge(scenario.name(), scenario.bars(), &on, true)?;
    let fingerprints: Vec<u8> = off.iter().chain(&on).flat_map(|outcome| outcome.fingerprint.0).collect();
    Ok(Report {
        scenario: scenario.name().to_owned(),
        title: scenario.title().to_owned(),
        incident: incident.text.to_owned(),
        seeds,
        base_seed,
        reproduces: shown.iter().all(|verdict| verdict.holds),
        holds: held.iter().all(|verdict| verdict.holds),
        rows,
        verdicts: shown.into_iter().chain(held).collect(),
        fingerprint: sha256(&fingerprints),
    })
}

fn estimate(
    scenario: &'static str,
    outcomes: &[Outcome],
    metric: &'static str,
) -> Result<Estimate, SimError> {
    let values = outcomes.iter().map(|outcome| outcome.metrics.get(metric).copied());
    let values: Option<Vec<f64>> = values.collect();
    values.map(|values| Estimate::of(&values)).ok_or(SimError::MetricMissing { scenario, metric })
}

fn judge(
    scenario: &'static str,
    bars: &[Bar],
    outcomes: &[Outcome],
    on: bool,
) -> Result<Vec<Verdict>, SimError> {
    let verdict = |bar: &Bar| {
        let found = estimate(scenario, outcomes, bar.metric)?;
        let missed_by = bar.limit.missed_by(&found);
        let (metric, text) = (bar.metric.to_owned(), bar.text.to_owned());
        Ok(Verdict { on, metric, limit: bar.limit, text, found, missed_by, holds: missed_by == 0.0 })
    };
    bars.iter().map(verdict).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_holds_for_the_whole_interval() {
        let found = Estimate { mean: 1.0, half_width: 0.25, samples: 5 };
        for (limit, expected) in [
            (Limit::AtMost(1.25), 0.0),
            (Limit::AtMost(1.125), 0.125),
            (Limit::AtLeast(0.75), 0.0),
            (Limit::AtLeast(1.0), 0.25),
            (Limit::Between(0.5, 1.5), 0.0),
            (Limit::Between(1.0, 1.5), 0.25),
            (Limit::Between(0.5, 1.0), 0.25),
        ] {
            assert_eq!(limit.missed_by(&found), expected, "{limit}");
        }
    }

    /// Draws once; ON halves it.
    struct Toy;

    impl Scenario for Toy {
        fn name(&self) -> &'static str {
            "toy"
        }
        fn title(&self) -> &'static str {
            "a draw"
        }
        fn incident(&self) -> Incident {
            const SHOWS: &[Bar] = &[Bar { metric: "draw", limit: Limit::AtLeast(10.0), text: "ten" }];
            Incident { text: "draws from ten", shows: SHOWS }
        }
        fn bars(&self) -> &'static [Bar] {
            &[Bar { metric: "draw", limit: Limit::AtMost(1.0), text: "one" }]
        }
        fn measures(&self) -> &'static [Measure] {
            const MEASURES: &[Measure] = &[Measure::charted("draw", "what was drawn")];
            MEASURES
        }
        fn run(&self, seed: u64, mechanisms: Mechanisms) -> Result<Outcome, SimError> {
            let draw = 10.0 + SplitMix64::new(seed).below(10) as f64;
            let metrics = BTreeMap::from([("draw", if mechanisms.on { draw / 2.0 } else { draw })]);
            Ok(Outcome { metrics, fingerprint: Hash([0; 32]), epochs: 0 })
        }
    }

    #[test]
    fn the_runner_estimates_and_judges_both_ways() {
        let report = measure(&Toy, 50, 3).unwrap();
        assert!(report.reproduces && !report.holds);
        let row = &report.rows[0];
        assert_eq!(row.off.samples, 50);
        assert!((row.off.mean - 2.0 * row.on.mean).abs() < 1e-9, "both ways have the same seeds");
        assert!((13.0..16.0).contains(&row.off.mean) && row.off.half_width < 1.5);
        assert!((report.verdicts[1].missed_by - (row.on.high() - 1.0)).abs() < 1e-12);
        assert_eq!(measure(&Toy, 50, 3).unwrap(), report);
        assert_ne!(measure(&Toy, 50, 4).unwrap(), report);
        assert_eq!(measure(&Toy, 1, 3).unwrap_err(), SimError::SeedsTooFew { seeds: 1 });
    }
}
