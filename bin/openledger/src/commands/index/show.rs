//! A report for eyes: the text with what it reuses marked, and a footnote for each source with the passage in context.
//!
//! The colour is the first contributor's; the underline says how far the span is from chance: faint below 10 nats, plain
//! below 20, bold below 40, double from there on. Without colours the same is in brackets, numbers and bars.

use std::collections::BTreeMap;

use anyhow::Result;
use openledger_attribution::parameters::NAT;
use openledger_attribution::words;

use super::report::{Directory, Named, Report, SourceLine, SpanLine, place};
use crate::output::{Paint, printable, superscript};

/// Words of the source before and behind a passage, and of each end of a long passage.
const CONTEXT_WORDS: usize = 12;

/// Footnotes that are shown.
const FOOTNOTES_MAX: usize = 12;

/// Below how many nats a span is of this strength.
const STRENGTHS: [u64; 3] = [10 * NAT, 20 * NAT, 40 * NAT];

pub fn show(paint: Paint, output: &str, report: &Report, directory: &Directory<'_>) -> Result<()> {
    let colors = colors(report);
    println!("{}", marked(paint, output, report, &colors).trim_end());
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
            println!("{}", passage(paint, color, &text, source));
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

/// From 1 to 4.
fn strength(span: &SpanLine) -> usize {
    1 + STRENGTHS.iter().filter(|bound| span.value >= **bound).count()
}

/// The text with its spans.
fn marked(paint: Paint, output: &str, report: &Report, colors: &BTreeMap<&str, usize>) -> String {
    let footnotes: BTreeMap<_, usize> =
        report.shares.iter().zip(1..).map(|(share, number)| (share.named.contribution, number)).collect();
    let mut text = String::new();
    for run in report.attribution.segments(output) {
        let shown = printable(place(run.bytes).and_then(|place| output.get(place)).unwrap_or_default());
        let span = run.span.and_then(|span| report.spans.get(span));
        match span.map(|span| (span, span.sources.first())) {
            None => text.push_str(&shown),
            Some((_, None)) => text.push_str(&paint.dim(&shown)),
            Some((span, Some(source))) => {
                let color = color_of(&source.named, colors);
                let number = footnotes.get(&source.named.contribution).copied().unwrap_or(0);
                text.push_str(&paint.reuse(color, strength(span), &shown));
                text.push_str(&paint.footnote(color, &superscript(number)));
            }
        }
    }
    text
}

/// The passage in its source, with the words around it.
fn passage(paint: Paint, color: usize, text: &str, source: &SourceLine) -> String {
    let Some(place) = place(source.bytes).filter(|place| text.get(place.clone()).is_some()) else {
        return String::new();
    };
    let places: Vec<_> = words::words(text).map(|(range, _)| range).collect();
    let first = places.partition_point(|word| word.start < place.start);
    let behind = places.partition_point(|word| word.start < place.end);
    let start = places
        .get(first.saturating_sub(CONTEXT_WORDS))
        .map_or(place.start, |word| word.start.min(place.start));
    let end = match places.get((behind + CONTEXT_WORDS).min(places.len()).saturating_sub(1)) {
        Some(word) => word.end.max(place.end),
        None => place.end,
    };
    let long = behind.saturating_sub(first) > 2 * CONTEXT_WORDS;
    let quoted = if long {
        let (left, right) = (places[first + CONTEXT_WORDS - 1].end, places[behind - CONTEXT_WORDS].start);
        format!("{} … {}", one_line(&text[place.start..left]), one_line(&text[right..place.end]))
    } else {
        one_line(&text[place.clone()])
    };
    let (left, right) = (&text[start..place.start], &text[place.end..end]);
    let space = |is_there: bool| if is_there { " " } else { "" };
    format!(
        "       {}{}{}«{}»{}{}{}",
        if first > CONTEXT_WORDS { "… " } else { "" },
        one_line(left),
        space(left.ends_with(char::is_whitespace)),
        paint.footnote(color, &quoted),
        space(right.starts_with(char::is_whitespace)),
        one_line(right),
        if behind + CONTEXT_WORDS < places.len() { " …" } else { "" },
    )
}

fn one_line(text: &str) -> String {
    printable(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Why it counts.
fn evidence(span: &SpanLine) -> String {
    let strength = strength(span);
    let bars = "▮".repeat(strength) + &"▯".repeat(STRENGTHS.len() + 1 - strength);
    let others = match span.sources.len() {
        0 | 1 => String::new(),
        _ => format!(", the earliest of {}", span.clusters),
    };
    let (words, nats) = (span.words.end - span.words.start, span.value / NAT);
    let found = match span.count {
        1 => "once".to_owned(),
        count => format!("{count} times in {} texts", span.documents),
    };
    format!("       {bars} {words} words, {nats} nats beyond chance, {found}{others}")
}
