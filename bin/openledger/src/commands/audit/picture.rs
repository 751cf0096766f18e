//! An audit on the terminal: its checks, a strip of windows by layers, and the verdict.
//!
//! Absent: what is found (`replay`).

use std::path::Path;

use openledger_inference::{Difference, Report, Scope, WINDOW_TOKENS};

use openledger_receipt::Check;

use super::replay::{Found, Replayed};
use crate::commands::Session;
use crate::output::{Paint, printable};

/// Windows that are drawn; of more, those that differ and the first ones.
const ROWS_MAX: usize = 24;
/// Cells of a row; a model with more layers has several in a cell.
const CELLS_MAX: usize = 64;

/// Prints what an audit found.
pub fn print(session: &Session, found: &Found) {
    let paint = session.paint;
    checks(paint, &found.file, &found.checks);
    if let Some(replayed) = &found.replayed {
        println!("  {}", drawn(replayed));
        println!();
        strip(paint, replayed).iter().for_each(|line| println!("  {line}"));
        println!();
        println!("  {}", took(replayed));
    }
    let verdict = found.verdict();
    println!("  {}", if found.is_equal() { paint.green(&verdict) } else { paint.red(&verdict) });
}

/// What was audited, and the steps that needed no computation.
pub(super) fn checks(paint: Paint, file: &Path, checks: &[Check]) {
    println!("{}", paint.bold(&format!("Audit of {}", file.display())));
    for check in checks {
        let mark = if check.ok { paint.green("✓") } else { paint.red("✗") };
        println!("  {mark} {}: {}", check.name, printable(&check.detail));
    }
}

/// Which part was looked at, and why that one.
fn drawn(replayed: &Replayed) -> String {
    let windows: Vec<String> = replayed.report.windows.iter().map(ToString::to_string).collect();
    let part = match &replayed.scope {
        Scope::All => return "all windows behind all layers, with every token of the answer".to_owned(),
        Scope::Windows(_) => format!("windows {} behind all layers", windows.join(", ")),
        Scope::Layer { layer, .. } => format!("layer {layer} in windows {}", windows.join(", ")),
    };
    match replayed.beacon.as_ref().map(|beacon| beacon.height) {
        Some(Some(height)) => format!("{part}, drawn by the randomness of block {height}"),
        Some(None) => format!("{part}, drawn by the number that was named"),
        None => format!("{part}, which were named"),
    }
}

/// How much was computed, and how long that and the opening took.
fn took(replayed: &Replayed) -> String {
    let Report { positions, tokens, .. } = replayed.report;
    let opened = replayed
        .opening
        .map_or_else(String::new, |time| format!("; the provider opened it in {:.2} s", time.as_secs_f64()));
    let computing = replayed.computing.as_secs_f64();
    let of = if matches!(replayed.scope, Scope::Layer { .. }) { " of one layer" } else { "" };
    format!("{positions} positions{of} computed and {tokens} tokens chosen again in {computing:.2} s{opened}")
}

/// What differs in one window.
#[derive(Clone, Copy, Default)]
struct Row {
    is_checked: bool,
    /// The first layer behind which the states differ.
    layer: Option<u32>,
    is_token: bool,
}

impl Row {
    fn of(replayed: &Replayed, window: u32) -> Self {
        let report = &replayed.report;
        let mut row = Self { is_checked: report.windows.contains(&window), ..Self::default() };
        for difference in report.differences.iter().filter(|difference| difference.window() == Some(window)) {
            match difference {
                Difference::State { layer, .. } => row.layer = row.layer.or(Some(*layer)),
                _ => row.is_token = true,
            }
        }
        row
    }

    fn differs(self) -> bool {
        self.layer.is_some() || self.is_token
    }

    /// What is said beside the cells. `is_unplaced`: something differs, and nothing tells in which window.
    fn said(self, is_unplaced: bool) -> &'static str {
        match (self.layer.is_some(), self.is_token) {
            (true, true) => "✗ states and a token",
            (true, false) => "✗ states",
            (false, true) => "✗ a token",
            (false, false) if is_unplaced => "?",
            (false, false) if self.is_checked => "✓",
            (false, false) => "",
        }
    }
}

/// One row for each window, one cell for each layer.
fn strip(paint: Paint, replayed: &Replayed) -> Vec<String> {
    let (windows, layers) = (replayed.evidence.windows(), replayed.evidence.layers);
    let is_unplaced = replayed.report.differences.iter().any(|difference| difference.window().is_none());
    let mut rows: Vec<(u32, Row)> = (0..windows).map(|window| (window, Row::of(replayed, window))).collect();
    if rows.len() > ROWS_MAX {
        // What differs is never left out for what does not; then comes what was looked at.
        rows.sort_by_key(|(window, row)| (!row.differs(), !row.is_checked, *window));
        rows.truncate(ROWS_MAX);
        rows.sort_by_key(|(window, _)| *window);
    }
    let title = format!("window (of {WINDOW_TOKENS} positions), layers 0 to {}", layers.saturating_sub(1));
    let mut lines = vec![paint.dim(&title)];
    for (window, row) in &rows {
        let cells = cells(replayed, *row, is_unplaced);
        let painted = match row.is_checked {
            true if row.differs() || is_unplaced => paint.red(&cells),
            true => paint.green(&cells),
            false => paint.dim(&cells),
        };
        lines.push(format!("{window:>6} {painted} {}", row.said(is_unplaced)).trim_end().to_owned());
    }
    let left_out = windows as usize - rows.len();
    if left_out > 0 {
        lines.push(paint.dim(&format!("       and {left_out} more windows")));
    }
    lines
}

/// The layers of one window: equal, different, or not looked at.
fn cells(replayed: &Replayed, row: Row, is_unplaced: bool) -> String {
    let layers = replayed.evidence.layers;
    let width = u32::try_from((layers as usize).div_ceil(CELLS_MAX).max(1)).unwrap_or(u32::MAX);
    let cell = |first: u32| {
        let layers = first..first.saturating_add(width);
        let is_chosen = match &replayed.scope {
            Scope::Layer { layer, .. } => layers.contains(layer),
            Scope::Windows(_) | Scope::All => true,
        };
        match row.layer {
            _ if !row.is_checked || !is_chosen => '·',
            Some(layer) if layers.contains(&layer) => '✗',
            // Behind the first layer that differs nothing is said.
            Some(layer) if first > layer => '·',
            None if is_unplaced => '?',
            _ => '■',
        }
    };
    (0..layers).step_by(width as usize).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use openledger_inference::{Evidence, Hash, Sampling};

    use super::*;
    use crate::output::ColorChoice;

    fn replayed(positions: u32, scope: Scope, windows: Vec<u32>, differences: Vec<Difference>) -> Replayed {
        let hash = Hash([0; 32]);
        let evidence = Evidence {
            numeric_specification: 2,
            model_sha256: hash,
            adapter: None,
            prompt_sha256: hash,
            output_sha256: hash,
            sampling: Sampling::default(),
            positions,
            layers: 6,
            states_root: hash,
            commitment: hash,
        };
        let report = Report { windows, differences, ..Report::default() };
        Replayed {
            receipt: "id".into(),
            model: "m".into(),
            evidence,
            scope,
            beacon: None,
            report,
            opening: None,
            computing: std::time::Duration::ZERO,
        }
    }

    fn lines(replayed: &Replayed) -> Vec<String> {
        strip(Paint::new(ColorChoice::Never), replayed).split_off(1)
    }

    #[test]
    fn a_strip_shows_what_was_looked_at_and_where_it_differs() {
        let state = Difference::State { window: 2, layer: 3 };
        let token = |window| Difference::Token { window, index: 1, claimed: 2, found: 3 };
        let windows = Scope::Windows(vec![0, 2, 3]);
        let found = replayed(128, windows, vec![0, 2, 3], vec![token(2), state, token(3)]);
        let expected = [
            "     0 ■■■■■■ ✓",
            "     1 ······",
            "     2 ■■■✗·· ✗ states and a token",
            "     3 ■■■■■■ ✗ a token",
        ];
        assert_eq!(lines(&found), expected);
        let layer = Scope::Layer { layer: 4, windows: vec![1] };
        assert_eq!(lines(&replayed(64, layer, vec![1], vec![])), ["     0 ······", "     1 ····■· ✓"]);
        let unplaced = replayed(40, Scope::All, vec![0, 1], vec![Difference::States]);
        assert_eq!(lines(&unplaced), ["     0 ?????? ?", "     1 ?????? ?"]);
    }

    #[test]
    fn long_answers_are_cut_and_what_differs_is_shown() {
        let wrong = Difference::State { window: 90, layer: 0 };
        let found = replayed(32 * 100, Scope::All, (0..100).collect(), vec![wrong]);
        let shown = lines(&found);
        assert_eq!(shown.len(), ROWS_MAX + 1);
        assert_eq!(shown[ROWS_MAX - 1], "    90 ✗····· ✗ states");
        assert_eq!(shown[ROWS_MAX], "       and 76 more windows");
    }
}
