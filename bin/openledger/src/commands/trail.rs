//! How an answer is shown in a terminal: the text with its spans, the sources, and who got how much.
//!
//! Absent: any check; `receipt verify` checks.

use std::collections::BTreeMap;

use openledger_attribution::Strength;
use openledger_receipt::{PassageRef, SpanFacts, answer_pieces};
use serde_json::Value;

use super::account::shown;
use super::passage::{bars, in_context};
use crate::layout::Styled;
use crate::output::{Paint, printable, superscript, units};

/// Sources that are listed.
pub const SOURCES_MAX: usize = 8;
/// The style of words that are nobody's.
const COMMON: &str = "2;3";
/// In front of what belongs to a source.
const MARGIN: &str = "       ";

/// A source of an answer: a contribution with its footnote number.
pub struct Source {
    /// Footnote, from 1, in order of weight.
    pub footnote: usize,
    /// The place of its first owner among the contributors of the answer, from 1, the most first: one colour each.
    pub contributor: usize,
    /// Datanet.
    pub datanet: String,
    /// Contribution id.
    pub contribution: String,
    /// Where readers find it.
    pub label: String,
    /// Who is paid for it.
    pub owners: Vec<String>,
    /// Its part of the answer, in basis points.
    pub basis_points: u64,
    /// Its text, or why it is not shown.
    pub text: Result<String, String>,
}

/// The sources of an answer, heaviest first, from the node's view of the receipt; without their texts.
pub fn sources(view: &Value) -> Vec<Source> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut sources: Vec<(Source, String)> = view["shares"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|share| {
            let source = Source {
                footnote: 0,
                contributor: 0,
                datanet: text(&share["datanet"]),
                contribution: text(&share["contribution"]),
                label: share["label"].as_str().unwrap_or_default().to_owned(),
                owners: share["owners"].as_array().into_iter().flatten().map(shown).collect(),
                basis_points: share["basis_points"].as_u64().unwrap_or_default(),
                text: Err("its text was not asked for".to_owned()),
            };
            (source, text(&share["owners"][0]["id"]))
        })
        .collect();
    sources.sort_by(|(one, _), (two, _)| {
        two.basis_points.cmp(&one.basis_points).then(one.contribution.cmp(&two.contribution))
    });
    let mut parts: Vec<(String, u64)> = Vec::new();
    for (source, owner) in &sources {
        match parts.iter_mut().find(|(known, _)| known == owner) {
            Some((_, part)) => *part += source.basis_points,
            None => parts.push((owner.clone(), source.basis_points)),
        }
    }
    parts.sort_by_key(|(_, part)| std::cmp::Reverse(*part));
    for (index, (source, owner)) in sources.iter_mut().enumerate() {
        source.footnote = index + 1;
        source.contributor = 1 + parts.iter().position(|(known, _)| known == owner).unwrap_or(0);
    }
    sources.into_iter().map(|(source, _)| source).collect()
}

/// Sources by datanet and contribution.
fn by_place(sources: &[Source]) -> BTreeMap<(&str, &str), &Source> {
    sources.iter().map(|source| ((source.datanet.as_str(), source.contribution.as_str()), source)).collect()
}

fn is_of(source: &Source, passage: &PassageRef) -> bool {
    passage.datanet.as_str() == source.datanet && passage.contribution.to_string() == source.contribution
}

/// The answer with every span in the colour of its contributor, underlined by its strength, with the footnotes of its
/// sources. Without colours spans stand in brackets, those that are only nearly word for word in `[~ ~]`, and what is
/// common in braces.
pub fn highlighted(paint: Paint, answer: &str, spans: &[SpanFacts], sources: &[Source]) -> Styled {
    let places = by_place(sources);
    let mut text = Styled::default();
    for piece in answer_pieces(answer, spans) {
        let shown = answer.get(piece.start..piece.end).unwrap_or_default();
        let Some(span) = piece.span.and_then(|span| spans.get(span)) else {
            text.push("", shown);
            continue;
        };
        let framed = |left: &str, right: &str| {
            if paint.is_on() { shown.to_owned() } else { format!("{left}{shown}{right}") }
        };
        if span.common {
            text.push(COMMON, &framed("{", "}"));
            continue;
        }
        let found: Vec<&Source> = span
            .sources
            .iter()
            .filter_map(|source| {
                places.get(&(source.datanet.as_str(), source.contribution.to_string().as_str())).copied()
            })
            .collect();
        let contributor = found.first().map_or(1, |source| source.contributor);
        let is_near = span.edits > 0;
        let style = Paint::reuse(contributor, Strength::of(span.value).step(), is_near);
        text.push(&style, &if is_near { framed("[~", "~]") } else { framed("[", "]") });
        let notes: Vec<String> = found.iter().take(3).map(|source| superscript(source.footnote)).collect();
        text.push(&Paint::note(contributor), &notes.join(","));
    }
    text
}

/// Sources with authors, each with the passage that weighs most in its context, and the part that nobody explains.
pub fn source_lines(
    paint: Paint,
    columns: usize,
    spans: &[SpanFacts],
    total: u64,
    sources: &[Source],
) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for source in sources.iter().take(SOURCES_MAX) {
        let number = paint.footnote(source.contributor, &format!("{:>2}", source.footnote));
        let owners = source.owners.join(", ");
        let line = format!("{} · {} · {owners}", source.datanet, source.label);
        lines.push(format!("{number}  {}  {}", percent(source.basis_points), printable(&line)));
        lines.extend(passage_lines(paint, columns, spans, source));
    }
    if sources.len() > SOURCES_MAX {
        lines.push(format!("    and {} more with smaller parts", sources.len() - SOURCES_MAX));
    }
    let common = spans.iter().filter(|span| span.common).map(|span| span.mass).fold(0, u64::saturating_add);
    let common = u64::try_from(u128::from(common) * 10_000 / u128::from(total.max(1))).unwrap_or(10_000);
    if common > 0 {
        lines.push(format!(" –  {}  common: so many texts hold it that it is nobody's", percent(common)));
    }
    let explained: u64 = sources.iter().map(|source| source.basis_points).sum();
    let rest = 10_000u64.saturating_sub(explained).saturating_sub(common);
    lines.push(format!(" –  {}  unattributed: nobody is known to have written it", percent(rest)));
    lines
}

fn percent(basis_points: u64) -> String {
    format!("{:>3}.{:02} %", basis_points / 100, basis_points % 100)
}

/// The passage of a source that weighs most, and why it counts.
fn passage_lines(paint: Paint, columns: usize, spans: &[SpanFacts], source: &Source) -> Vec<String> {
    let owned = spans.iter().filter_map(|span| {
        let first = span.sources.first().filter(|first| is_of(source, first))?;
        Some((span, first))
    });
    let Some((span, passage)) = owned.max_by_key(|(span, _)| span.mass) else { return Vec::new() };
    let columns = columns.saturating_sub(MARGIN.len());
    let place = usize::try_from(passage.start).ok().zip(usize::try_from(passage.end).ok());
    let mut lines = match &source.text {
        Ok(text) => place
            .and_then(|(start, end)| in_context(source.contributor, text, &(start..end)))
            .map(|styled| styled.lines(paint, columns))
            .unwrap_or_default(),
        Err(reason) => vec![paint.dim(&printable(reason))],
    };
    let near = match span.edits {
        0 => String::new(),
        1 => ", nearly word for word: 1 word differs".to_owned(),
        edits => format!(", nearly word for word: {edits} words differ"),
    };
    lines.push(paint.dim(&format!("{} {}{near}", bars(span.value), Strength::said(span.value))));
    lines.into_iter().map(|line| format!("{MARGIN}{line}")).collect()
}

/// Who got how much, liquid and in escrow, to the unit; the sums at the end.
pub fn money_lines(paint: Paint, view: &Value) -> Vec<String> {
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let mut lines = vec![format!("{:44} {:>10} {:>10} {:>10}", "", "uC", "liquid", "in escrow")];
    let mut sum = 0;
    for Paid { role, account, texts, amount, settled } in paid(view) {
        sum += amount;
        let who = shown(&account);
        let part = |units_paid: Option<u64>| units_paid.map_or_else(|| "…".to_owned(), units);
        let who = if texts > 1 { format!("{} ({texts} texts)", cut(&who, 20)) } else { cut(&who, 31) };
        lines.push(format!(
            "{role:12} {who:31} {:>10} {:>10} {:>10}",
            units(amount),
            part(settled.map(|(liquid, _)| liquid)),
            part(settled.map(|(_, escrowed)| escrowed))
        ));
    }
    for pool in view["pools"].as_array().into_iter().flatten() {
        let amount = number(&pool["amount"]);
        sum += amount;
        lines.push(format!("{:12} {:31} {:>10}", "pool", cut(&pool_name(&pool["pool"]), 31), units(amount)));
    }
    let burned = number(&view["burned"]);
    let carry = view["carry_change"].as_i64().unwrap_or_default();
    lines.push(format!("{:12} {:31} {:>10}", "burned", "", units(burned)));
    lines.push(format!("{:12} {:31} {:>10}", "carry", "rounding, to the next answer", carry));
    let total = number(&view["total"]);
    let equal = i128::from(sum) + i128::from(burned) + i128::from(carry) == i128::from(total);
    let verdict = if equal {
        paint.green("✓ adds up to the cost")
    } else {
        paint.red("✗ does not add up to the cost")
    };
    lines.push(format!("{:12} {:31} {:>10}  {verdict}", "sum", "", units(total)));
    lines
}

/// What one account gets in one role.
struct Paid {
    role: String,
    account: Value,
    /// Contributions that it is paid for.
    texts: usize,
    amount: u64,
    /// Liquid and in escrow, once settled.
    settled: Option<(u64, u64)>,
}

/// The payouts, those of one account in one role together, in the order of the receipt.
fn paid(view: &Value) -> Vec<Paid> {
    let mut rows: Vec<Paid> = Vec::new();
    for payout in view["payouts"].as_array().into_iter().flatten() {
        let role = payout["role"].as_str().unwrap_or_default();
        let account = &payout["account"];
        let amount = payout["amount"].as_u64().unwrap_or_default();
        let settled = payout["paid"]["liquid"].as_u64().zip(payout["paid"]["escrowed"].as_u64());
        match rows.iter_mut().find(|row| row.role == role && row.account == *account) {
            Some(row) => {
                row.texts += 1;
                row.amount += amount;
                row.settled = row.settled.zip(settled).map(|(had, got)| (had.0 + got.0, had.1 + got.1));
            }
            None => {
                rows.push(Paid { role: role.to_owned(), account: account.clone(), texts: 1, amount, settled })
            }
        }
    }
    rows
}

fn pool_name(pool: &Value) -> String {
    if let Some(name) = pool.as_str() {
        return name.to_owned();
    }
    match pool["uplift"].as_str() {
        Some(model) => format!("uplift of {model}"),
        None => pool.to_string(),
    }
}

fn cut(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    let kept: String = text.chars().take(length - 1).collect();
    kept + "…"
}

#[cfg(test)]
mod tests {
    use openledger_receipt::RunFacts;
    use openledger_types::ContributionId;
    use serde_json::json;

    use super::*;
    use crate::output::ColorChoice;

    const ANSWER: &str = "Keep ferns out of scorching sunlight and water them twice weekly in summertime, without expressed warranties.";
    const LIGHT: &str = "They wilt. Keep ferns out of scorching sunlight, gardeners say.";
    const WATER: &str = "Some water them twice weekly in summertime, or so.";

    fn span(words: &str, nats: u64, number: u8, text: &str) -> SpanFacts {
        let at = |text: &str| text.find(words).unwrap() as u64;
        let (from, start) = (at(ANSWER), at(text));
        let source = PassageRef {
            datanet: "ferns".parse().unwrap(),
            contribution: ContributionId([number; 32]),
            start,
            end: start + words.len() as u64,
        };
        SpanFacts {
            start: from,
            end: from + words.len() as u64,
            value: nats << 16,
            mass: nats + 30,
            count: 1,
            clusters: 1,
            common: false,
            committed: u64::from(number),
            edits: 0,
            matched: vec![],
            sources: vec![source],
        }
    }

    fn spans() -> Vec<SpanFacts> {
        let common = span("without expressed warranties", 3, 0, ANSWER);
        let common = SpanFacts { common: true, clusters: 65, sources: vec![], ..common };
        vec![
            span("Keep ferns out of scorching sunlight", 84, 1, LIGHT),
            span("water them twice weekly in summertime", 12, 2, WATER),
            common,
        ]
    }

    fn known() -> Vec<Source> {
        let share = |number: u8, label: &str, owner: &str, basis_points: u64| {
            json!({
                "datanet": "ferns", "contribution": ContributionId([number; 32]), "label": label,
                "owners": [{ "id": format!("0x{owner}"), "name": owner }, { "id": "0x9", "name": "Zoe" }],
                "basis_points": basis_points,
            })
        };
        let shares =
            [share(2, "water", "Ann", 2_000), share(1, "light", "Ben", 6_000), share(3, "more", "Ann", 5)];
        let mut sources = sources(&json!({ "shares": shares }));
        sources[0].text = Ok(LIGHT.to_owned());
        sources[1].text = Err("the texts of ferns are private".to_owned());
        sources
    }

    #[test]
    fn without_colours_brackets_numbers_and_bars_say_the_same() {
        let (paint, spans, sources) = (Paint::new(ColorChoice::Never), spans(), known());
        assert_eq!(
            highlighted(paint, ANSWER, &spans, &sources).lines(paint, 48),
            [
                "[Keep ferns out of scorching sunlight]¹ and",
                "[water them twice weekly in summertime]²,",
                "{without expressed warranties}."
            ]
        );
        assert_eq!(
            source_lines(paint, 40, &spans, 1_000, &sources),
            [
                " 1   60.00 %  ferns · light · Ben, Zoe",
                "       They wilt. «Keep ferns out of",
                "       scorching sunlight», gardeners",
                "       say",
                "       ▮▮▮▮ strong: 84 nats beyond chance",
                " 2   20.00 %  ferns · water · Ann, Zoe",
                "       the texts of ferns are private",
                "       ▮▮▯▯ fair: 12 nats beyond chance",
                " 3    0.05 %  ferns · more · Ann, Zoe",
                " –    3.30 %  common: so many texts hold it that it is nobody's",
                " –   16.65 %  unattributed: nobody is known to have written it",
            ]
        );
    }

    #[test]
    fn what_is_only_nearly_word_for_word_says_so() {
        let (paint, mut spans, sources) = (Paint::new(ColorChoice::Never), spans(), known());
        // Of "water them twice weekly in summertime" one word is the answer's own.
        let run = |words: &str| {
            let start = ANSWER.find(words).unwrap() as u64;
            RunFacts { start, end: start + words.len() as u64 }
        };
        spans[1].edits = 1;
        spans[1].matched = vec![run("water them"), run("weekly in summertime")];
        let lines = highlighted(paint, ANSWER, &spans, &sources).lines(paint, usize::MAX);
        assert_eq!(
            lines,
            [
                "[Keep ferns out of scorching sunlight]¹ and [~water them~]² twice [~weekly in summertime~]², {without expressed \
              warranties}."
            ]
        );
        let lines = source_lines(paint, 80, &spans, 1_000, &sources);
        assert!(lines.iter().any(|line| line.contains("nearly word for word: 1 word differs")), "{lines:?}");
    }

    #[test]
    fn colours_are_of_contributors_and_lines_of_strength() {
        let (paint, spans, sources) = (Paint::new(ColorChoice::Always), spans(), known());
        let contributors: Vec<usize> = sources.iter().map(|source| source.contributor).collect();
        assert_eq!(contributors, [1, 2, 2]);
        let lines = highlighted(paint, ANSWER, &spans, &sources).lines(paint, usize::MAX);
        let strong =
            "\u{1b}[1;21;36mKeep ferns out of scorching sunlight\u{1b}[0m\u{1b}[1;36m¹\u{1b}[0m and ";
        let fair = "\u{1b}[4;33mwater them twice weekly in summertime\u{1b}[0m\u{1b}[1;33m²\u{1b}[0m, ";
        let common = "\u{1b}[2;3mwithout expressed warranties\u{1b}[0m.";
        assert_eq!(lines, [format!("{strong}{fair}{common}")]);
    }
}
