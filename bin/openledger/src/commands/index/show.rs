//! A report for eyes: the text with what it reuses marked, and a footnote for each source with the passage in context.
//!
//! The colour is the first contributor's; the underline says how far the span is from chance: faint below 10 nats, plain
//! below 20, bold below 40, double from there on. Without colours the same is in brackets, numbers and bars.

use std::collections::BTreeMap;

use anyhow::Result;
use openledger_attribution::Strength;
use openledger_attribution::parameters::NAT;

use super::report::{Directory, Named, Report, SpanLine, place};
use crate::commands::passage::{bars, in_context};
use crate::layout::Styled;
use crate::output::{Paint, columns, indent, printable, superscript};

/// The style of words that are nobody's.
const COMMON: &str = "2";

/// Footnotes that are shown.
const FOOTNOTES_MAX: usize = 12;

pub fn show(paint: Paint, output: &str, report: &Report, directory: &Directory<'_>) -> Result<()> {
    let colors = colors(report);
    for line in marked(paint, output.trim_end(), report, &colors).lines(paint, columns()) {
        println!("{line}");
    }
    println!();
    for (number, share) in (1..).zip(report.shares.iter().take(FOOTNOTES_MAX)) {
        let color = color_of(&share.named, &colors);
        let authors: Vec<&str> = share.named.contributors.iter().map(|author| author.name.as_str()).collect();
        let line = format!(
            "{}  {} · {} · {}",
            percent(share.basis_points),
            share.named.datanet,
            share.named.title,
            authors.join(", ")
        );
        println!("{} {}", paint.footnote(color, &format!("{number:>3}")), printable(&line));
        let passages = report.spans.iter().filter_map(|span| {
            let first = span.sources.first()?;
            (first.named.contribution == share.named.contribution).then_some((span, first))
        });
        if let Some((span, source)) = passages.max_by_key(|(span, _)| span.mass) {
            let text = directory.text(&source.named.datanet, source.named.contribution)?;
            let passage = place(source.bytes).and_then(|place| in_context(color, &text, &place));
            for line in passage.iter().flat_map(|passage| passage.lines(paint, columns() - 7)) {
                println!("{}", indent(&line, "       "));
            }
            println!("{}", paint.dim(&evidence(span)));
        }
    }
    if report.shares.len() > FOOTNOTES_MAX {
        println!(
            "    and {} sources more with smaller parts; --json has all",
            report.shares.len() - FOOTNOTES_MAX
        );
    }
    if report.common > 0 {
        println!(
            "  –  {}  common: so many texts hold it that it is nobody's",
            percent(report.common_basis_points)
        );
    }
    println!("  –  {}  unattributed: in no indexed text", percent(report.unattributed_basis_points));
    let time = report.timings.total_us;
    let line = format!("{}.{:03} ms, index root {}", time / 1000, time % 1000, report.index_root);
    println!("{}", paint.dim(&line));
    Ok(())
}

fn percent(basis_points: u64) -> String {
    format!("{:>3}.{:02} %", basis_points / 100, basis_points % 100)
}

/// The place of each contributor among all, from 1, by name.
fn colors(report: &Report) -> BTreeMap<&str, usize> {
    report.contributors.iter().zip(1..).map(|(line, place)| (line.contributor.name.as_str(), place)).collect()
}

fn color_of(named: &Named, colors: &BTreeMap<&str, usize>) -> usize {
    named.contributors.first().and_then(|author| colors.get(author.name.as_str())).copied().unwrap_or(1)
}

/// The text with its spans.
fn marked(paint: Paint, output: &str, report: &Report, colors: &BTreeMap<&str, usize>) -> Styled {
    let footnotes: BTreeMap<_, usize> =
        report.shares.iter().zip(1..).map(|(share, number)| (share.named.contribution, number)).collect();
    let mut text = Styled::default();
    for run in report.attribution.segments(output) {
        let shown = printable(place(run.bytes).and_then(|place| output.get(place)).unwrap_or_default());
        let span = run.span.and_then(|span| report.spans.get(span));
        match span.map(|span| (span, span.sources.first())) {
            None => text.push("", &shown),
            Some((_, None)) => text.push(COMMON, &shown),
            Some((span, Some(source))) => {
                let color = color_of(&source.named, colors);
                let number = footnotes.get(&source.named.contribution).copied().unwrap_or(0);
                let is_near = span.edits > 0;
                let style = Paint::reuse(color, Strength::of(span.value).step(), is_near);
                let (open, close) = if is_near { ("[~", "~]") } else { ("[", "]") };
                text.push(&style, &if paint.is_on() { shown } else { format!("{open}{shown}{close}") });
                text.push(&Paint::note(color), &superscript(number));
            }
        }
    }
    text
}

/// Why it counts.
fn evidence(span: &SpanLine) -> String {
    let bars = bars(span.value);
    let others = match span.sources.len() {
        0 | 1 => String::new(),
        _ => format!(", the earliest of {}", span.clusters),
    };
    let (words, nats) = (span.words.end - span.words.start, span.value / NAT);
    let found = match span.count {
        1 => "once".to_owned(),
        count => format!("{count} times in {} texts", span.documents),
    };
    let near = match span.edits {
        0 => String::new(),
        1 => ", nearly word for word: 1 word differs".to_owned(),
        edits => format!(", nearly word for word: {edits} words differ"),
    };
    format!("       {bars} {words} words, {nats} nats beyond chance, {found}{others}{near}")
}
