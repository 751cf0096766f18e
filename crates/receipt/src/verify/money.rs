//! The money trail in plain words: every unit that the consumer paid, and where it went. Amounts in uC.

use openledger_types::{Amount, DataLine};

use super::state::{Evidence, Proven};
use crate::Predicate;

pub(super) fn trail(predicate: &Predicate, evidence: &Evidence) -> Vec<String> {
    let lines = &predicate.settlement;
    let (split, premium) = (&lines.reference_split, &lines.premium_split);
    let mut trail = Vec::new();
    let proven = match evidence {
        Evidence::Proven(proven) => Some(proven.as_ref()),
        _ => {
            trail.push(
                "Not settled yet: gateway and provider signed that the following will be paid.".to_owned(),
            );
            None
        }
    };
    let consumer = predicate.payment.consumer;
    trail.push(format!(
        "Consumer {consumer} paid {} uC: reference price {} uC, premium {} uC, router fee {} uC.",
        lines.charged().unwrap_or_default().0,
        lines.reference.0,
        lines.premium.0,
        lines.router_fee.0
    ));
    let mut pay = |amount: Amount, to: String| {
        if amount > Amount::ZERO {
            trail.push(format!("{} uC to {to}.", amount.0));
        }
    };
    pay(split.provider, format!("provider {}, who computed the answer", lines.provider));
    pay(premium.provider, format!("provider {}, out of the premium", lines.provider));
    for line in &lines.builders {
        pay(line.amount, format!("builder {} of the lineage of {}", line.account, line.model));
    }
    for line in &lines.data {
        pay(line.amount, data_line(line, predicate, proven));
    }
    pay(lines.uplift, format!("the uplift pool of {}, which pays data by measured benefit", lines.model));
    pay(split.verification, "the verification fund".to_owned());
    pay(split.maintenance, "the maintenance fund, with what rounding left".to_owned());
    pay(split.insurance, "the insurance fund".to_owned());
    pay(premium.capacity, "the capacity fund, out of the premium".to_owned());
    pay(lines.router_fee, format!("gateway {}, as its router fee", predicate.gateway));
    let burned = split.burn.plus(premium.burn).unwrap_or_default();
    if burned > Amount::ZERO {
        trail.push(format!("{} uC burned.", burned.0));
    }
    if lines.carry_in.plus(lines.carry_out) != Some(Amount::ZERO) {
        trail.push(format!(
            "The rounding carry of {} at this gateway went from {} uC to {} uC.",
            lines.model, lines.carry_in.0, lines.carry_out.0
        ));
    }
    trail
}

/// Who gets a data line. The ledger pays nobody for a contribution that was revoked before the batch was settled: the
/// gateway moves such a line to the uplift pool.
fn data_line(line: &DataLine, predicate: &Predicate, proven: Option<&Proven>) -> String {
    let key = (line.datanet.clone(), line.contribution);
    let settled = proven.map(|proven| proven.batch.height);
    let revoked = proven.and_then(|proven| proven.contributions.get(&key)?.revoked_at);
    match (revoked, settled) {
        (Some(revoked), Some(settled)) if revoked <= settled => format!(
            "the uplift pool of {} instead of owner {}: contribution {} of {} was revoked at height {revoked}, before the \
             batch was settled at height {settled}",
            predicate.served.model, line.owner, line.contribution, line.datanet
        ),
        _ => format!("owner {} of contribution {} of {}", line.owner, line.contribution, line.datanet),
    }
}
