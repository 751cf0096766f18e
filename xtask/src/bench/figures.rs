//! What rounds by turns give, by who was measured. Absent: what is measured, and the table that it is shown in.

use std::collections::BTreeMap;

use super::quantile;

/// Who is measured: our program, or llama.cpp on one of two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Ours,
    Shipped,
    Best,
}

/// Every round's figures, by side and name.
#[derive(Debug, Default)]
pub(super) struct Figures(BTreeMap<(Side, String), Vec<f64>>);

impl Figures {
    pub(super) fn add(&mut self, side: Side, name: &str, figures: impl IntoIterator<Item = f64>) {
        self.0.entry((side, name.to_owned())).or_default().extend(figures);
    }

    /// The figure below which this part of them lies; `None` when there are none of this name.
    pub(super) fn quantile(&self, side: Side, name: &str, part: f64) -> Option<f64> {
        self.0.get(&(side, name.to_owned())).and_then(|figures| quantile(figures, part))
    }
}
