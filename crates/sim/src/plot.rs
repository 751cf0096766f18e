//! One chart for each attack, as a standalone SVG: a panel for each charted metric, in it a bar without and a bar with
//! the mechanisms, their 95 % intervals, and a dashed line for every limit.
//! Colours follow the reader's light or dark scheme. Absent: fonts, scripts, references to anything outside.

use crate::report::{Report, Row};
use crate::statistics::Estimate;

const PANEL_WIDTH: f64 = 260.0;
const PLOT_TOP: f64 = 96.0;
const PLOT_HEIGHT: f64 = 190.0;
const HEIGHT: f64 = 348.0;
const BAR_WIDTH: f64 = 40.0;
/// Where the bars begin in a panel; left of it are the numbers of the axis.
const AXIS: f64 = 62.0;

const STYLE: &str = "<style>
svg{--paper:#fff;--ink:#1c1f24;--faint:#8a9099;--off:#c4542d;--on:#2f6f9f;--limit:#7a5c00}
@media (prefers-color-scheme:dark){svg{--paper:#15181c;--ink:#e8eaed;--faint:#8f96a0;--off:#e8835f;--on:#6fb1e0;--limit:#e0bf5a}}
text{font-family:system-ui,sans-serif;font-size:12px;fill:var(--ink)}
.paper{fill:var(--paper)}.title{font-size:16px;font-weight:600}.faint{fill:var(--faint)}
.off{fill:var(--off)}.on{fill:var(--on)}.axis{stroke:var(--faint)}
.interval{stroke:var(--ink);stroke-width:1.5}.limit{stroke:var(--limit);stroke-width:1.5;stroke-dasharray:5 4}
.limit-text{fill:var(--limit)}.middle{text-anchor:middle}.end{text-anchor:end}
</style>";

/// The chart of a report.
pub(crate) fn svg(report: &Report) -> String {
    let charted: Vec<&Row> = report.rows.iter().filter(|row| row.charted).collect();
    let panels = u32::try_from(charted.len().max(1)).unwrap_or(1);
    let width = (PANEL_WIDTH * f64::from(panels) + 24.0).max(560.0);
    let title = escaped(&format!("{}: {}", report.scenario, report.title));
    let about = escaped(&format!(
        "OFF without, ON with the mechanisms; mean and 95 % interval of {} seeds; dashed: limits",
        report.seeds
    ));
    let mut parts = vec![
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {HEIGHT:.0}\" role=\"img\" \
             aria-labelledby=\"title about\">"
        ),
        format!("<title id=\"title\">{title}</title>"),
        format!("<desc id=\"about\">{about}</desc>"),
        STYLE.to_owned(),
        format!("<rect class=\"paper\" width=\"{width:.0}\" height=\"{HEIGHT:.0}\"/>"),
        format!("<text class=\"title\" x=\"16\" y=\"28\">{title}</text>"),
        format!("<text class=\"faint\" x=\"16\" y=\"48\">{about}</text>"),
    ];
    for (row, place) in charted.iter().zip(0u32..) {
        parts.push(panel(report, row, 12.0 + PANEL_WIDTH * f64::from(place)));
    }
    parts.push("</svg>".to_owned());
    parts.join("\n") + "\n"
}

/// From values to heights.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn over(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) =
            values.fold((0.0f64, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
        let air = if low == high { 1.0 } else { (high - low) * 0.12 };
        Self { low: if low < 0.0 { low - air } else { 0.0 }, high: if high > 0.0 { high + air } else { 0.0 } }
    }

    fn y(&self, value: f64) -> f64 {
        PLOT_TOP + PLOT_HEIGHT * (self.high - value) / (self.high - self.low).max(f64::MIN_POSITIVE)
    }
}

fn panel(report: &Report, row: &Row, left: f64) -> String {
    let limits: Vec<(bool, f64)> = report
        .verdicts
        .iter()
        .filter(|verdict| verdict.metric == row.metric)
        .flat_map(|verdict| verdict.limit.edges().into_iter().map(|edge| (verdict.on, edge)))
        .collect();
    let ends = [row.off, row.on].into_iter().flat_map(|estimate| [estimate.low(), estimate.high()]);
    let scale = Scale::over(ends.chain(limits.iter().map(|(_, edge)| *edge)));
    let right = left + PANEL_WIDTH - 12.0;
    let name = escaped(&row.metric.replace('_', " "));
    let mut parts = vec![
        format!("<g><title>{}</title>", escaped(&row.text)),
        format!("<text x=\"{:.1}\" y=\"78\" font-weight=\"600\">{name}</text>", left + 4.0),
    ];
    for value in [scale.low, (scale.low + scale.high) / 2.0, scale.high] {
        let y = scale.y(value);
        let x = left + AXIS - 8.0;
        parts.push(format!("<text class=\"faint end\" x=\"{x:.1}\" y=\"{:.1}\">{value:.2}</text>", y + 4.0));
    }
    let (zero, start) = (scale.y(0.0), left + AXIS);
    parts.push(format!(
        "<line class=\"axis\" x1=\"{start:.1}\" y1=\"{zero:.1}\" x2=\"{right:.1}\" y2=\"{zero:.1}\"/>"
    ));
    parts.push(bar(&scale, &row.off, "off", "OFF", start + 10.0));
    parts.push(bar(&scale, &row.on, "on", "ON", start + 10.0 + BAR_WIDTH + 14.0));
    for (on, edge) in limits {
        let (y, text) = (scale.y(edge), if on { "bar" } else { "incident" });
        parts.push(format!(
            "<line class=\"limit\" x1=\"{start:.1}\" y1=\"{y:.1}\" x2=\"{right:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"limit-text end\" x=\"{right:.1}\" y=\"{:.1}\">{text} {edge}</text>",
            y - 4.0
        ));
    }
    parts.push("</g>".to_owned());
    parts.join("\n")
}

fn bar(scale: &Scale, estimate: &Estimate, class: &str, label: &str, x: f64) -> String {
    let (zero, top) = (scale.y(0.0), scale.y(estimate.mean));
    let middle = x + BAR_WIDTH / 2.0;
    let (low, high) = (scale.y(estimate.low()), scale.y(estimate.high()));
    let foot = PLOT_TOP + PLOT_HEIGHT;
    format!(
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{BAR_WIDTH:.1}\" height=\"{:.1}\"/>\n\
         <path class=\"interval\" fill=\"none\" d=\"M{middle:.1} {low:.1}V{high:.1}M{:.1} {low:.1}h12M{:.1} {high:.1}h12\"/>\n\
         <text class=\"middle\" x=\"{middle:.1}\" y=\"{:.1}\">{label}</text>\n\
         <text class=\"middle\" x=\"{middle:.1}\" y=\"{:.1}\">{:.3}</text>",
        top.min(zero),
        (top - zero).abs(),
        middle - 6.0,
        middle - 6.0,
        foot + 22.0,
        foot + 40.0,
        estimate.mean
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
