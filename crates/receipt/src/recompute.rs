//! Receipt plus public index gives the same payout, run by anyone: compares a receipt's facts with an attribution and a
//! split that were worked out again. Absent: the attribution itself; the caller brings it.

use std::collections::BTreeMap;

use openledger_ledger::{CompletionLines, CompletionTerms, DataShare, DataTerms, split_completion};
use openledger_types::{Amount, ContributionId, Hash, Name, Parameters, Royalty};

use crate::{AttributionFacts, Predicate, SpanFacts};

/// On which terms the ledger pays a contribution; `None` when it has no such contribution.
pub(crate) type Terms<'a> = &'a dyn Fn(&Name, &ContributionId) -> Option<DataTerms>;

/// Compares every span, every share, the rest and the total with `attribution`, the index with `index_root`, and the
/// settlement with the lines that `parameters`, `lineage` and `terms` lead to. Premium and carry are the receipt's own:
/// they follow from what was served before, not from this answer.
///
/// # Errors
/// One sentence for each difference.
pub fn recompute(
    predicate: &Predicate,
    attribution: &AttributionFacts,
    index_root: Hash,
    parameters: &Parameters,
    lineage: &[Royalty],
    terms: Terms<'_>,
) -> Result<(), Vec<String>> {
    let mut differences = Vec::new();
    if predicate.served.index_root != index_root {
        differences
            .push(format!("The receipt names the index {}, not {index_root}.", predicate.served.index_root));
    }
    compare_numbers(&predicate.attribution, attribution, &mut differences);
    compare_spans(&predicate.attribution, attribution, &mut differences);
    compare_context(&predicate.attribution, attribution, &mut differences);
    compare_shares(&predicate.attribution, attribution, &mut differences);
    match rebuild_lines(predicate, attribution, parameters, lineage, terms) {
        Ok(lines) => differences.extend(line_differences(&predicate.settlement, &lines)),
        Err(reason) => differences.push(format!("The split cannot be worked out: {reason}.")),
    }
    if differences.is_empty() { Ok(()) } else { Err(differences) }
}

fn compare_numbers(said: &AttributionFacts, found: &AttributionFacts, differences: &mut Vec<String>) {
    let rules = |facts: &AttributionFacts| {
        format!("method {:?} version {} with table {}", facts.method, facts.version, facts.unigrams)
    };
    if rules(said) != rules(found) {
        differences.push(format!("The receipt uses {}, not {}.", rules(said), rules(found)));
    }
    for (what, said, found) in [
        ("total", said.total, found.total),
        ("common weight", said.common, found.common),
        ("unattributed weight", said.unattributed, found.unattributed),
    ] {
        if said != found {
            differences.push(format!("The receipt says a {what} of {said}; it is {found}."));
        }
    }
}

fn compare_spans(said: &AttributionFacts, found: &AttributionFacts, differences: &mut Vec<String>) {
    let said = said.spans.iter().map(|span| (span.place(), span)).collect::<BTreeMap<_, _>>();
    let found = found.spans.iter().map(|span| (span.place(), span)).collect::<BTreeMap<_, _>>();
    for (place @ (start, end, _), span) in &said {
        match found.get(place) {
            None => differences.push(format!("The receipt names a span at bytes {start} to {end} that is not there.")),
            Some(other) if other != span => differences.push(format!(
                "The span at bytes {start} to {end} differs: the receipt says {}; it is {}, or its sources are others.",
                strength(span),
                strength(other)
            )),
            Some(_) => {}
        }
    }
    for (start, end, _) in found.keys().filter(|place| !said.contains_key(place)) {
        differences.push(format!("The receipt leaves out the span at bytes {start} to {end}."));
    }
}

fn compare_context(said: &AttributionFacts, found: &AttributionFacts, differences: &mut Vec<String>) {
    match (&said.context, &found.context) {
        (None, None) => {}
        (None, Some(_)) => differences
            .push("The receipt leaves out the context, to which its datanets give weight.".to_owned()),
        (Some(_), None) => differences
            .push("The receipt weighs the context, to which its datanets give no weight.".to_owned()),
        (Some(said), Some(found)) => {
            if said.mixes != found.mixes {
                differences.push("The receipt mixes the methods otherwise than its datanets do.".to_owned());
            }
            if said.players != found.players {
                differences.push(
                    "The texts in the context are others than the receipt's passages lead to.".to_owned(),
                );
            }
            let differs = said.values.iter().zip(&found.values).position(|(said, found)| said != found);
            match differs {
                Some(place) => differences.push(format!(
                    "The likelihood of set {place} of the texts is {}; the receipt says {}.",
                    found.values[place], said.values[place]
                )),
                None if said.values.len() != found.values.len() => differences.push(format!(
                    "The receipt has {} likelihoods, the method asks for {}.",
                    said.values.len(),
                    found.values.len()
                )),
                None => {}
            }
        }
    }
}

fn strength(span: &SpanFacts) -> String {
    let SpanFacts { value, mass, count, clusters, edits, sources, .. } = span;
    format!(
        "value {value}, mass {mass}, count {count}, {clusters} clusters, {edits} edits, {} sources",
        sources.len()
    )
}

fn compare_shares(said: &AttributionFacts, found: &AttributionFacts, differences: &mut Vec<String>) {
    let by_key = |facts: &AttributionFacts| {
        let shares = facts.shares.iter();
        shares
            .map(|share| ((share.datanet.clone(), share.contribution), share.weight))
            .collect::<BTreeMap<_, _>>()
    };
    let (said, found) = (by_key(said), by_key(found));
    for (key @ (datanet, contribution), weight) in &said {
        let other = found.get(key).copied().unwrap_or(0);
        if other != *weight {
            differences.push(format!(
                "The receipt gives contribution {contribution} of {datanet} the weight {weight}; it is {other}."
            ));
        }
    }
    for ((datanet, contribution), weight) in found.iter().filter(|(key, _)| !said.contains_key(key)) {
        differences.push(format!(
            "The receipt leaves out contribution {contribution} of {datanet}; its weight is {weight}."
        ));
    }
}

/// The lines that a completion with these facts and this attribution pays.
pub(crate) fn rebuild_lines(
    predicate: &Predicate,
    attribution: &AttributionFacts,
    parameters: &Parameters,
    lineage: &[Royalty],
    terms: Terms<'_>,
) -> Result<CompletionLines, String> {
    let mut shares = Vec::with_capacity(attribution.shares.len());
    for share in &attribution.shares {
        let (datanet, contribution) = (share.datanet.clone(), share.contribution);
        let DataTerms { owners, factor } = terms(&datanet, &contribution)
            .ok_or_else(|| format!("contribution {contribution} of {datanet} has no known owners"))?;
        shares.push(DataShare { datanet, contribution, weight: share.weight, factor, owners });
    }
    let reference = predicate.price.reference(&predicate.usage).ok_or("the reference price overflows")?;
    let terms = CompletionTerms {
        reference,
        quote: predicate.settlement.quote.clone(),
        router_fee: predicate.price.router_fee,
        provider: predicate.served.provider,
        model: predicate.served.model.clone(),
        lineage: lineage.to_vec(),
        shares,
        unattributed: attribution.unpaid(),
        carry_in: predicate.settlement.carry_in,
    };
    split_completion(&terms, parameters).ok_or_else(|| "an amount overflows".to_owned())
}

/// What the receipt pays otherwise than `found`, one sentence each; empty exactly when both are equal.
pub(crate) fn line_differences(said: &CompletionLines, found: &CompletionLines) -> Vec<String> {
    let mut differences = Vec::new();
    if (said.provider, &said.model) != (found.provider, &found.model) {
        differences.push(format!(
            "The settlement pays {} for {}, not {} for {}.",
            said.provider, said.model, found.provider, found.model
        ));
    }
    for (what, said, found) in
        amounts(said).into_iter().zip(amounts(found)).map(|((what, a), (_, b))| (what, a, b))
    {
        if said != found {
            differences.push(format!("The settlement says {} uC for {what}; it is {} uC.", said.0, found.0));
        }
    }
    let builders = |lines: &CompletionLines| {
        let lines = lines.builders.iter();
        lines.map(|line| (format!("builder {}", line.account), line.amount)).collect::<Vec<_>>()
    };
    let data = |lines: &CompletionLines| {
        let lines = lines.data.iter();
        let named = lines.map(|line| {
            (
                format!("owner {} of contribution {} of {}", line.owner, line.contribution, line.datanet),
                line.amount,
            )
        });
        named.collect::<Vec<_>>()
    };
    compare_lines(&builders(said), &builders(found), &mut differences);
    compare_lines(&data(said), &data(found), &mut differences);
    if differences.is_empty() && said != found {
        differences.push("The settlement's lines are not in the order of the rules.".to_owned());
    }
    differences
}

fn amounts(lines: &CompletionLines) -> [(&'static str, Amount); 16] {
    let (split, premium) = (&lines.reference_split, &lines.premium_split);
    [
        ("the reference price", lines.reference),
        ("the premium", lines.premium),
        ("the router fee", lines.router_fee),
        ("the provider", split.provider),
        ("the builders", split.builder),
        ("the data", split.data),
        ("verification", split.verification),
        ("maintenance", split.maintenance),
        ("insurance", split.insurance),
        ("the burn", split.burn),
        ("the provider out of the premium", premium.provider),
        ("capacity out of the premium", premium.capacity),
        ("the burn out of the premium", premium.burn),
        ("the uplift pool", lines.uplift),
        ("the carry before", lines.carry_in),
        ("the carry after", lines.carry_out),
    ]
}

fn compare_lines(said: &[(String, Amount)], found: &[(String, Amount)], differences: &mut Vec<String>) {
    let (said_map, found_map) =
        (said.iter().cloned().collect::<BTreeMap<_, _>>(), found.iter().cloned().collect::<BTreeMap<_, _>>());
    for (who, amount) in &said_map {
        let other = found_map.get(who).copied().unwrap_or_default();
        if other != *amount {
            differences.push(format!("The settlement pays {} uC to {who}; it is {} uC.", amount.0, other.0));
        }
    }
    for (who, amount) in found_map.iter().filter(|(who, _)| !said_map.contains_key(*who)) {
        differences.push(format!("The settlement leaves out {who}, who gets {} uC.", amount.0));
    }
}
