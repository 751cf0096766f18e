//! What a run of a scenario found: one value for the table, the JSON and the chart. Absent: how it was found.

use openledger_types::Hash;
use serde::{Deserialize, Serialize};

use crate::plot;
use crate::scenario::Limit;
use crate::statistics::Estimate;

/// One metric without and with the mechanisms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its name.
    pub metric: String,
    /// What it is, in plain words.
    pub text: String,
    /// Whether the chart shows it.
    pub charted: bool,
    /// Without the mechanisms.
    pub off: Estimate,
    /// With them.
    pub on: Estimate,
}

/// One limit and what was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether the limit is a bar with the mechanisms, or what the incident shows without them.
    pub on: bool,
    /// Which metric.
    pub metric: String,
    /// What it must be.
    pub limit: Limit,
    /// Why.
    pub text: String,
    /// What it is.
    pub found: Estimate,
    /// By how much the worse end of the interval is outside; 0 when it holds.
    pub missed_by: f64,
    /// Whether the whole interval is within the limit.
    pub holds: bool,
}

/// The result of a scenario over many seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The scenario's name.
    pub scenario: String,
    /// What is attacked.
    pub title: String,
    /// The documented failure.
    pub incident: String,
    /// How many seeds.
    pub seeds: u32,
    /// From where the seeds are drawn.
    pub base_seed: u64,
    /// Whether OFF shows the incident; if not, ON proves nothing.
    pub reproduces: bool,
    /// Whether ON is within every bar.
    pub holds: bool,
    /// All metrics.
    pub rows: Vec<Row>,
    /// All limits, those of the incident first.
    pub verdicts: Vec<Verdict>,
    /// SHA-256 over the final states of all runs: equal for equal seeds, bit by bit.
    pub fingerprint: Hash,
}

impl Report {
    /// An aligned table in plain text, with the limits below it.
    pub fn to_table(&self) -> String {
        let head = ["metric".to_owned(), "OFF".to_owned(), "ON".to_owned(), "what it is".to_owned()];
        let rows = self
            .rows
            .iter()
            .map(|row| [row.metric.clone(), shown(&row.off), shown(&row.on), row.text.clone()]);
        let cells: Vec<[String; 4]> = std::iter::once(head).chain(rows).collect();
        let width = |column: usize| {
            cells.iter().map(|row: &[String; 4]| row[column].chars().count()).max().unwrap_or(0)
        };
        let (first, second, third) = (width(0), width(1), width(2));
        let mut table = format!(
            "{}: {}\n{} seeds from {}, mean ± half of the 95 % interval\n\n",
            self.scenario, self.title, self.seeds, self.base_seed
        );
        for [metric, off, on, text] in &cells {
            table.push_str(&format!("{metric:<first$}  {off:>second$}  {on:>third$}  {text}\n"));
        }
        table.push_str(&format!("\nincident: {}\n", self.incident));
        for verdict in &self.verdicts {
            table.push_str(&verdict.line());
        }
        let said = |yes| if yes { "yes" } else { "no" };
        table.push_str(&format!(
            "OFF reproduces the incident: {}; ON holds its bars: {}\n",
            said(self.reproduces),
            said(self.holds)
        ));
        table
    }

    /// A standalone SVG: bars with their intervals, OFF and ON, and the limits as lines.
    pub fn svg(&self) -> String {
        plot::svg(self)
    }
}

impl Verdict {
    fn line(&self) -> String {
        let arm = if self.on { "ON " } else { "OFF" };
        let end = if self.holds { "holds".to_owned() } else { format!("missed by {:.4}", self.missed_by) };
        let (low, high) = (self.found.low(), self.found.high());
        format!("{arm} {} {}: {low:.4} to {high:.4}, {end} ({})\n", self.metric, self.limit, self.text)
    }
}

fn shown(estimate: &Estimate) -> String {
    format!("{:.4} ± {:.4}", estimate.mean, estimate.half_width)
}
