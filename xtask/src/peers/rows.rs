//! The rows of `cargo xtask peers agreement`, and the bars that they must hold.
//!
//! Rule: every row of what was compared is there, whether it holds or not. Absent: the comparison.

use super::greedy::{Compared, Difference, NEAR_TIE_NATS};
use super::states::Apart;
use crate::bench::quantile;
use crate::bench::table::{Bar, Table, less, more};

/// How far the median hidden state of the model itself may be from the peer's, in percent of its length.
const STATES_PERCENT_MAX: f64 = 2.5;
/// How near all states at once must be to the peer's, in parts of how near the peer is to itself when it attends in another order and with other roundings.
const ITSELF_TIMES: f64 = 0.95;
/// How near ours must be to the computation that rounds no activations, in parts of how near the peer is. What is computed wrongly
/// and not only rounded is far from both.
const ROUNDING_TIMES: f64 = 0.8;

/// How many answers are the same, and how far those that are not are apart.
pub(super) fn answers(table: &mut Table, adapter: Option<&str>, compared: &Compared) {
    let under = under(adapter);
    let mut add =
        |name: &str, ours: f64, bar: Bar| table.add(&format!("{under}{name}"), ours, None, more, bar);
    let (ties, others): (Vec<_>, Vec<_>) = compared.differences.iter().partition(|found| found.is_tie());
    for found in ties.iter().chain(&others) {
        println!("{under}{}", found.shown());
    }
    let asked = compared.answers as f64;
    add(
        "prompts that the template and the tokenizer make the same",
        compared.same_prompts as f64,
        Bar::AtLeast(asked),
    );
    add("greedy answers that are the same from beginning to end", compared.whole as f64, Bar::None);
    add("greedy answers that part at a near-tie", ties.len() as f64, Bar::None);
    add("greedy answers that part elsewhere", others.len() as f64, Bar::AtMost(0.0));
    add("tokens compared up to there", compared.same_tokens as f64, Bar::None);
    for (part, what) in [(0.5, "median"), (0.99, "99th of a hundred"), (1.0, "most")] {
        let name = format!("nats apart about the two likeliest tokens where both answer the same, {what}");
        add(&name, quantile(&compared.apart, part).unwrap_or(0.0), Bar::None);
    }
    let widest =
        |of: fn(&Difference) -> Option<f64>| ties.iter().filter_map(|found| of(found)).fold(0.0, f64::max);
    let name =
        format!("nats by which a program prefers its token at the widest near-tie; at most {NEAR_TIE_NATS}");
    add(&name, widest(Difference::preference), Bar::None);
    add("nats apart at the widest near-tie, both preferences together", widest(Difference::nats), Bar::None);
}

/// How far the states of the two programs are apart, `Some(name)` under an adapter.
pub(super) fn states(table: &mut Table, adapter: Option<&str>, apart: &Apart) {
    let mut add = |name: &str, ours: f64, bar: Bar| {
        let name =
            format!("{}hidden states of {} tokens, percent apart, {name}", under(adapter), apart.count());
        table.add(&name, ours, None, less, bar);
    };
    // A random adapter adds to what is rounded; `rounding` judges that.
    let bar = if adapter.is_none() { Bar::AtMost(STATES_PERCENT_MAX) } else { Bar::None };
    add("median token", apart.quantile(0.5), bar);
    add("all at once", apart.all, Bar::None);
    add("95th of a hundred tokens", apart.quantile(0.95), Bar::None);
    add("worst token", apart.quantile(1.0), Bar::None);
}

/// How far either program is from the same weights without 8-bit activations: whose rounding the distance is.
pub(super) fn rounding(table: &mut Table, adapter: Option<&str>, ours: &Apart, peers: &Apart) {
    let name =
        format!("{}hidden states, percent from llama.cpp's on the same weights in 32 bits", under(adapter));
    table.add(&name, ours.all, Some(peers.all), less, Bar::Times(ROUNDING_TIMES));
}

/// How far ours are from the peer's, beside how far the peer's are from its own without flash attention, which adds
/// in another order and rounds elsewhere.
pub(super) fn itself(table: &mut Table, ours: &Apart, peers: &Apart) {
    for (what, part, bar) in
        [("median token", Some(0.5), Bar::None), ("all at once", None, Bar::Times(ITSELF_TIMES))]
    {
        let of = |apart: &Apart| part.map_or(apart.all, |part| apart.quantile(part));
        let name = format!(
            "hidden states, percent from llama.cpp's, {what}; beside llama.cpp's own without flash attention"
        );
        table.add(&name, of(ours), Some(of(peers)), less, bar);
    }
}

/// How rows under an adapter begin.
fn under(adapter: Option<&str>) -> String {
    adapter.map_or(String::new(), |name| format!("under {name}: "))
}
