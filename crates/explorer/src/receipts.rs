//! Receipt files as the pages and the read models want them: what a predicate says about shares and payouts, and what
//! a file opens. Absent: verification; whoever keeps a file has verified it.

use openledger_query::{PayoutFacts, PoolFacts, ReceiptFacts, RetrievedFacts, ShareFacts};
use openledger_receipt::{EMBEDDINGS_ENDPOINT, Predicate, ReceiptError, ReceiptFile};
use openledger_types::record::{Pool, Role};
use openledger_types::{AccountId, Amount};

use crate::library::{Opening, StoredReceipt};

/// What the read models want to know about a receipt. Sums saturate: a receipt that overflows does not verify.
pub fn facts_of(predicate: &Predicate) -> ReceiptFacts {
    let lines = &predicate.settlement;
    let attribution = &predicate.attribution;
    let shares = attribution.shares.iter().map(|share| ShareFacts {
        datanet: share.datanet.clone(),
        contribution: share.contribution,
        mass: share.weight,
    });
    let retrieved = predicate.served.retrieval.iter().map(|passage| RetrievedFacts {
        datanet: passage.datanet.clone(),
        contribution: passage.contribution,
    });
    ReceiptFacts {
        id: predicate.id.clone(),
        gateway: predicate.gateway,
        sequence: predicate.sequence,
        issued_at_ms: predicate.issued_at_ms,
        model: lines.model.clone(),
        provider: lines.provider,
        consumer: predicate.payment.consumer,
        prompt_tokens: predicate.usage.prompt_tokens,
        completion_tokens: predicate.usage.completion_tokens,
        reference: lines.reference,
        premium: lines.premium,
        router_fee: lines.router_fee,
        total: sum([lines.reference, lines.premium, lines.router_fee]),
        shares: shares.collect(),
        unattributed: attribution.unpaid(),
        mass: attribution.total,
        payouts: payouts(predicate),
        pools: pools(predicate),
        burned: sum([lines.reference_split.burn, lines.premium_split.burn]),
        carry_change: carry_change(lines.carry_in, lines.carry_out),
        retrieved: retrieved.collect(),
    }
}

fn sum<const N: usize>(amounts: [Amount; N]) -> Amount {
    Amount(amounts.iter().fold(0, |sum: u64, amount| sum.saturating_add(amount.0)))
}

fn carry_change(before: Amount, after: Amount) -> i64 {
    let signed = |amount: Amount| i64::try_from(amount.0).unwrap_or(i64::MAX);
    signed(after).saturating_sub(signed(before))
}

fn payouts(predicate: &Predicate) -> Vec<PayoutFacts> {
    let lines = &predicate.settlement;
    let payout =
        |role, account: AccountId, source: String, amount| PayoutFacts { role, account, source, amount };
    let provided = sum([lines.reference_split.provider, lines.premium_split.provider]);
    let mut payouts = vec![
        payout(Role::Provider, lines.provider, String::new(), provided),
        payout(Role::Gateway, predicate.gateway, String::new(), lines.router_fee),
    ];
    let builders = lines.builders.iter();
    payouts.extend(
        builders.map(|line| payout(Role::Builder, line.account, line.model.to_string(), line.amount)),
    );
    payouts.extend(lines.data.iter().map(|line| {
        payout(Role::Data, line.owner, format!("{}/{}", line.datanet, line.contribution), line.amount)
    }));
    payouts.retain(|payout| payout.amount > Amount::ZERO);
    payouts
}

fn pools(predicate: &Predicate) -> Vec<PoolFacts> {
    let lines = &predicate.settlement;
    let mut pools = vec![
        PoolFacts { pool: Pool::Verification, amount: lines.reference_split.verification },
        PoolFacts { pool: Pool::Maintenance, amount: lines.reference_split.maintenance },
        PoolFacts { pool: Pool::Insurance, amount: lines.reference_split.insurance },
        PoolFacts { pool: Pool::Capacity, amount: lines.premium_split.capacity },
        PoolFacts { pool: Pool::Uplift(lines.model.clone()), amount: lines.uplift },
    ];
    pools.retain(|pool| pool.amount > Amount::ZERO);
    pools
}

impl StoredReceipt {
    /// A receipt's file, with and without its opening, the spans that its statement names, and what help in the context weighs.
    pub fn of(file: &ReceiptFile) -> Result<Self, ReceiptError> {
        let statement = file.statement()?;
        let Predicate { attribution, served, response, request, .. } = statement.predicate();
        let spans = attribution.spans.clone();
        // A receipt whose parts do not fit together does not verify, and nothing is told of them.
        let weights = attribution.context_weights(served, response).unwrap_or_default();
        let shares = attribution.shares.iter().zip(weights).filter(|(_, weight)| *weight > 0);
        let context = shares.map(|(share, weight)| ((share.datanet.clone(), share.contribution), weight));
        let opening = file.opening.as_ref().map(|opening| Opening {
            salt: opening.salt.to_vec(),
            question: question(&opening.request),
            answer: answer(&request.endpoint, &opening.answer),
            file: file.to_bytes(),
        });
        let closed = ReceiptFile { opening: None, certificate: None, material: None, ..file.clone() };
        let certificate_bytes = file.certificate.as_ref().map(|bytes| bytes.len() as u64);
        Ok(Self { file: closed.to_bytes(), spans, context: context.collect(), certificate_bytes, opening })
    }
}

/// What was answered, as people read it. No span is of a digest, so its place in the text moves none.
fn answer(endpoint: &str, answer: &str) -> String {
    if endpoint == EMBEDDINGS_ENDPOINT {
        return format!("Vectors, whose numbers have the SHA-256 {answer}");
    }
    answer.to_owned()
}

/// What was asked, from the body of a request: the last message of the user, the prompt, the texts to embed, or the body as it is.
fn question(body: &str) -> String {
    let Ok(request) = serde_json::from_str::<serde_json::Value>(body) else { return body.to_owned() };
    let messages = request.get("messages").and_then(|messages| messages.as_array());
    let last = messages
        .into_iter()
        .flatten()
        .rev()
        .find(|message| message.get("role").and_then(|role| role.as_str()) == Some("user"));
    let content = last.and_then(|message| message.get("content")).or(request.get("prompt"));
    let text_of = |part: &serde_json::Value| {
        let text = part.get("text").unwrap_or(part).as_str();
        text.map(str::to_owned)
    };
    match content.or(request.get("input")) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(serde_json::Value::Array(parts)) => {
            let texts: Vec<String> = parts.iter().filter_map(text_of).collect();
            if texts.is_empty() { body.to_owned() } else { texts.join("\n") }
        }
        _ => body.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_is_what_the_user_said_last() {
        for (body, expected) in [
            (
                r#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}"#,
                "c",
            ),
            (
                r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}"#,
                "a\nb",
            ),
            (r#"{"prompt":"p"}"#, "p"),
            (r#"{"input":["a","b"]}"#, "a\nb"),
            (r#"{"input":[1,2]}"#, r#"{"input":[1,2]}"#),
            ("plain words", "plain words"),
            ("{}", "{}"),
        ] {
            assert_eq!(question(body), expected);
        }
    }

    #[test]
    fn a_carry_rises_and_falls() {
        assert_eq!(carry_change(Amount(3), Amount(1)), -2);
        assert_eq!(carry_change(Amount(0), Amount(1)), 1);
        assert_eq!(carry_change(Amount(u64::MAX), Amount(u64::MAX)), 0);
    }
}
