//! The steps that need the file alone, and the signatures.

use openledger_types::keys::{recover, verify_service};
use openledger_types::{Hash, Voucher};

use super::state::Evidence;
use super::{Step, require};
use crate::context::{VERBATIM, VERBATIM_AND_CONTEXT};
use crate::{
    AttributionFacts, Envelope, NetworkRef, Opening, Predicate, SpanFacts, pre_authentication_encoding,
    salted_request, salted_response,
};

/// Types and subject were compared when the statement was read; what is left is its own consistency.
pub(super) fn statement(predicate: &Predicate) -> Step {
    require(is_uuid_v7(&predicate.id), || "the id is not a lower-case UUIDv7".to_owned())?;
    require(predicate.sequence > 0, || "the sequence number is 0; it starts at 1".to_owned())?;
    let is_first = predicate.previous == Hash([0; 32]);
    require(is_first == (predicate.sequence == 1), || {
        "the previous payload must be named by every receipt but a gateway's first".to_owned()
    })?;
    let snapshots = predicate.served.snapshots.iter().map(|snapshot| &snapshot.datanet);
    require(snapshots.is_sorted_by(|left, right| left < right), || {
        "the snapshots are not sorted by datanet, or repeat one".to_owned()
    })?;
    Ok(format!(
        "receipt {} of {}, number {} of gateway {}; its subject is the answer{}",
        predicate.id,
        predicate.served.model,
        predicate.sequence,
        predicate.gateway,
        model_that_answered(predicate)?
    ))
}

/// What stands behind the name of the model: an exact engine's weights, weights that an operator names, or nothing.
fn model_that_answered(predicate: &Predicate) -> Result<&'static str, String> {
    let (served, evidence) = (&predicate.served, &predicate.evidence);
    if served.numeric_specification > 0 {
        require(!served.weights.is_unknown(), || {
            "it names an arithmetic that can be repeated, and no weights to repeat it with".to_owned()
        })?;
        return Ok("");
    }
    require(evidence.commitment.is_empty() && evidence.windows == 0, || {
        "it holds a commitment to a computation that cannot be repeated".to_owned()
    })?;
    Ok(match served.weights.is_unknown() {
        true => "; nothing stands behind which model answered: that is the provider's word",
        false => {
            "; which model answered is the provider's word, with which `openledger audit replay` finds the answer consistent or not"
        }
    })
}

/// RFC 9562, section 5.7: version 7, variant 10, lower-case with hyphens.
fn is_uuid_v7(text: &str) -> bool {
    let place_holds = |(place, byte): (usize, u8)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        14 => byte == b'7',
        19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
        _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
    };
    text.len() == 36 && text.bytes().enumerate().all(place_holds)
}

pub(super) fn network(predicate: &Predicate, network: &NetworkRef) -> Step {
    let named = predicate.network;
    require(named == *network, || {
        format!(
            "the receipt is of chain {} with genesis {}, not of chain {} with genesis {}",
            named.chain_id, named.genesis, network.chain_id, network.genesis
        )
    })?;
    Ok(format!("chain {} with genesis {}", network.chain_id, network.genesis))
}

/// Exactly two: by the gateway's key, then by the provider's.
pub(super) fn signatures(envelope: &Envelope, evidence: &Evidence) -> Step {
    let [gateway, provider] = envelope.signatures.as_slice() else {
        return Err(format!(
            "{} signatures; a receipt has two, the gateway's and the provider's",
            envelope.signatures.len()
        ));
    };
    let (gateway_key, provider_key) = match evidence {
        Evidence::NotSettled => (gateway.key, provider.key),
        Evidence::Refused(_) => return Err("the keys are not proven: the state proofs fail".to_owned()),
        Evidence::Proven(proven) => (proven.gateway.service_key, proven.provider.service_key),
    };
    let message = pre_authentication_encoding(&envelope.payload);
    for (who, line, key) in [("gateway", gateway, gateway_key), ("provider", provider, provider_key)] {
        require(line.key == key, || format!("signed by {} and not by the {who}'s key {key}", line.key))?;
        verify_service(&key, &message, &line.signature)
            .map_err(|error| format!("the {who}'s signature: {error}"))?;
    }
    match evidence {
        Evidence::Proven(_) => {
            Ok(format!("by the gateway's key {gateway_key} and the provider's key {provider_key}"))
        }
        _ => Ok(format!(
            "by {gateway_key} and {provider_key}; keys not proven: the receipt is not settled yet"
        )),
    }
}

/// The opened texts are those of the statement, and the spans lie between characters of the answer.
pub(super) fn texts(predicate: &Predicate, opening: Option<&Opening>) -> Step {
    let Some(opening) = opening else {
        return Ok("not opened: the file has salted hashes only".to_owned());
    };
    let request = salted_request(&opening.salt, opening.request.as_bytes());
    require(request == predicate.request.salted_sha256, || {
        "the request is not the one that was signed".to_owned()
    })?;
    let answer = salted_response(&opening.salt, &opening.answer);
    require(answer == predicate.response.salted_sha256, || {
        "the answer is not the one that was signed".to_owned()
    })?;
    for SpanFacts { start, end, matched, .. } in &predicate.attribution.spans {
        let runs = matched.iter().flat_map(|run| [&run.start, &run.end]);
        let inside = [start, end]
            .into_iter()
            .chain(runs)
            .all(|place| usize::try_from(*place).is_ok_and(|place| opening.answer.is_char_boundary(place)));
        require(inside, || format!("the span at bytes {start} to {end} does not lie between characters"))?;
    }
    Ok("request and answer are the ones that were signed".to_owned())
}

/// Spans in order, shares sorted and the masses of their spans, and everything sums to the total.
pub(super) fn attribution_sums(predicate: &Predicate, opening: Option<&Opening>) -> Step {
    let facts = &predicate.attribution;
    let answer_end = match opening {
        Some(opening) => u64::try_from(opening.answer.len()).unwrap_or(u64::MAX),
        None => u64::MAX,
    };
    method(facts)?;
    let places = facts.spans.iter().map(SpanFacts::place);
    require(places.is_sorted_by(|left, right| left < right), || "the spans are not in order".to_owned())?;
    for span in &facts.spans {
        require(span.start < span.end && span.end <= answer_end, || {
            format!("the span at bytes {} to {} is not inside the answer", span.start, span.end)
        })?;
        require(!span.common || span.sources.is_empty() && span.committed == 0, || {
            format!("the common span at bytes {} to {} names an owner", span.start, span.end)
        })?;
        require(span.has_good_runs(), || {
            format!("the edits of the span at bytes {} to {} are not those of its runs", span.start, span.end)
        })?;
    }
    let shares = facts.shares.iter().map(|share| (&share.datanet, share.contribution));
    require(shares.is_sorted_by(|left, right| left < right), || {
        "the shares are not sorted, or repeat one".to_owned()
    })?;
    for share in &facts.shares {
        require(share.weight > 0, || format!("contribution {} has no weight", share.contribution))?;
        let sealed = predicate.served.snapshots.iter().any(|snapshot| snapshot.datanet == share.datanet);
        require(sealed, || format!("no snapshot of {} is named, but a share of it is", share.datanet))?;
    }
    facts.check_masses(&predicate.served, &predicate.response)?;
    let rest = [facts.common, facts.unattributed];
    let mut weights = facts.shares.iter().map(|share| share.weight).chain(rest);
    let sum = weights.try_fold(0u64, u64::checked_add);
    require(sum == Some(facts.total), || {
        "the shares, the common and the unattributed weight do not sum to the total".to_owned()
    })?;
    let context = facts.context.as_ref().map_or(String::new(), |context| {
        let (players, values) = (context.players.len(), context.values.len());
        format!(" and follow from {players} texts in the prompt with {values} likelihoods, which a model recomputes")
    });
    Ok(format!(
        "{} shares, {} common and {} unattributed sum to {}{context}; whether the index gives them is recomputed, not proven here",
        facts.shares.len(),
        facts.common,
        facts.unattributed,
        facts.total
    ))
}

/// The method is known, and has what belongs to it.
fn method(facts: &AttributionFacts) -> Result<(), String> {
    let known = if facts.context.is_some() { VERBATIM_AND_CONTEXT } else { VERBATIM };
    require([VERBATIM, VERBATIM_AND_CONTEXT].contains(&facts.method.as_str()), || {
        format!("the method {:?} is unknown; this version knows A and A+C", facts.method)
    })?;
    require(facts.method == known, || {
        format!("the method is {:?}, but what the receipt holds is of {known:?}", facts.method)
    })
}

/// The reference price follows from tokens and prices, the router fee from the reference price.
pub(super) fn price(predicate: &Predicate) -> Step {
    let (usage, price, lines) = (&predicate.usage, &predicate.price, &predicate.settlement);
    let reference = price.reference(usage).ok_or("the reference price overflows")?;
    require(lines.reference == reference, || {
        format!("the settlement splits {} uC, the tokens cost {} uC", lines.reference.0, reference.0)
    })?;
    let fee = reference.basis_points(price.router_fee);
    require(lines.router_fee == fee, || {
        format!("the settlement takes a router fee of {} uC, the rate gives {} uC", lines.router_fee.0, fee.0)
    })?;
    Ok(format!(
        "{} prompt tokens at {} uC and {} completion tokens at {} uC cost {} uC, router fee {} uC on top",
        usage.prompt_tokens,
        price.prompt_price.0,
        usage.completion_tokens,
        price.completion_price.0,
        reference.0,
        fee.0
    ))
}

/// The voucher covers the charge, and, once settled, its signer and the consumer are those of the channel's record.
pub(super) fn voucher(predicate: &Predicate, evidence: &Evidence) -> Step {
    let payment = &predicate.payment;
    let charged = predicate.settlement.charged().ok_or("the charge overflows")?;
    require(payment.cumulative >= charged, || {
        format!(
            "the voucher allows {} uC in total, this receipt alone costs {} uC",
            payment.cumulative.0, charged.0
        )
    })?;
    let voucher = Voucher {
        chain_id: predicate.network.chain_id,
        channel: payment.channel,
        cumulative: payment.cumulative,
    };
    let signer = recover(&voucher.signing_hash(), &payment.voucher).map_err(|error| error.to_string())?;
    let allows =
        format!("{signer} allows {} uC in total from channel {}", payment.cumulative.0, payment.channel);
    let channel = match evidence {
        Evidence::NotSettled => {
            return Ok(format!("{allows}; its channel is not proven: the receipt is not settled yet"));
        }
        Evidence::Refused(_) => return Err("the channel is not proven: the state proofs fail".to_owned()),
        Evidence::Proven(proven) => &proven.channel,
    };
    let held = [
        ("signer", signer, channel.authorizer),
        ("consumer", payment.consumer, channel.consumer),
        ("gateway", predicate.gateway, channel.gateway),
    ];
    for (who, said, held) in held {
        require(said == held, || format!("the {who} is {said}, the channel's record says {held}"))?;
    }
    Ok(format!("{allows}; the ledger's record names it as the authorizer of consumer {}", channel.consumer))
}
