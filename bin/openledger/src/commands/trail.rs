//! How an answer is shown in a terminal: the text with its spans, the sources, and who got how much.
//!
//! Absent: any check; `receipt verify` checks.

use std::collections::BTreeMap;

use serde_json::Value;

use super::account::shown;
use crate::output::{Paint, printable, superscript, units};

/// A source of an answer: a contribution with its footnote number.
pub struct Source {
    /// Footnote, from 1, in order of weight.
    pub footnote: usize,
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
}

/// The sources of an answer, heaviest first, from the node's view of the receipt.
pub fn sources(view: &Value) -> Vec<Source> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut sources: Vec<Source> = view["shares"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|share| Source {
            footnote: 0,
            datanet: text(&share["datanet"]),
            contribution: text(&share["contribution"]),
            label: share["label"].as_str().unwrap_or_default().to_owned(),
            owners: share["owners"].as_array().into_iter().flatten().map(shown).collect(),
            basis_points: share["basis_points"].as_u64().unwrap_or_default(),
        })
        .collect();
    sources.sort_by(|one, two| {
        two.basis_points.cmp(&one.basis_points).then(one.contribution.cmp(&two.contribution))
    });
    for (index, source) in sources.iter_mut().enumerate() {
        source.footnote = index + 1;
    }
    sources
}

/// The answer with every span marked by the footnotes of its sources.
pub fn highlighted(paint: Paint, answer: &str, statement: &Value, sources: &[Source]) -> String {
    let footnotes: BTreeMap<&str, usize> =
        sources.iter().map(|source| (source.contribution.as_str(), source.footnote)).collect();
    let mut text = String::new();
    let mut end = 0;
    for span in statement["attribution"]["spans"].as_array().into_iter().flatten() {
        let place =
            |name: &str| span[name].as_u64().and_then(|place| usize::try_from(place).ok()).unwrap_or(0);
        let (from, to) = (place("start").max(end), place("end"));
        let (Some(before), Some(marked)) = (answer.get(end..from), answer.get(from..to)) else { continue };
        text.push_str(&printable(before));
        let marked = &printable(marked);
        let mut notes: Vec<usize> = span["sources"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|source| footnotes.get(source["contribution"].as_str()?).copied())
            .collect();
        notes.sort_unstable();
        notes.dedup();
        match notes.first() {
            Some(first) => {
                text.push_str(&paint.span(*first, marked));
                let shown: Vec<String> = notes.iter().take(3).map(|note| superscript(*note)).collect();
                text.push_str(&paint.footnote(*first, &shown.join(",")));
            }
            None => text.push_str(marked),
        }
        end = to;
    }
    text.push_str(&printable(answer.get(end..).unwrap_or_default()));
    text
}

/// Sources with authors, and the part that nobody explains.
pub fn source_lines(paint: Paint, sources: &[Source]) -> Vec<String> {
    let percent = |basis_points: u64| format!("{:>3}.{:02} %", basis_points / 100, basis_points % 100);
    let mut lines: Vec<String> = sources
        .iter()
        .take(8)
        .map(|source| {
            let number = paint.footnote(source.footnote, &format!("{:>2}", source.footnote));
            let owners = source.owners.join(", ");
            format!(
                "{number}  {}  {} · {} · {owners}",
                percent(source.basis_points),
                source.datanet,
                source.label
            )
        })
        .collect();
    if sources.len() > 8 {
        lines.push(format!("    and {} more with smaller parts", sources.len() - 8));
    }
    let explained: u64 = sources.iter().map(|source| source.basis_points).sum();
    let rest = 10_000u64.saturating_sub(explained);
    lines.push(format!(" –  {}  unattributed: nobody is known to have written it", percent(rest)));
    lines
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
