//! Results beside a peer's and beside their bars. Absent: where the numbers come from.

use serde_json::{Value, json};

/// What a result must reach.
#[derive(Clone, Copy)]
pub(crate) enum Bar {
    AtMost(f64),
    AtLeast(f64),
    /// So many times better than the peer.
    Times(f64),
    None,
}

/// The results of one bench, in the order in which they are printed.
pub(crate) struct Table {
    /// The peer, or why there is none.
    peer: String,
    /// What stands for the peer where it was not asked.
    unasked: &'static str,
    pub(crate) results: Vec<Value>,
}

impl Table {
    pub(crate) fn new(peer: String, unasked: &'static str) -> Self {
        Self { peer, unasked, results: Vec::new() }
    }

    /// A result; `better` is by how much ours is better than the peer's.
    pub(crate) fn add(
        &mut self,
        name: &str,
        ours: f64,
        peer: Option<f64>,
        better: impl Fn(f64, f64) -> f64,
        bar: Bar,
    ) {
        let ratio = peer.map(|peer| better(ours, peer));
        let (bar, bar_is, holds) = match bar {
            Bar::AtMost(bar) => (Some(bar), "ours at most", Some(ours <= bar)),
            Bar::AtLeast(bar) => (Some(bar), "ours at least", Some(ours >= bar)),
            Bar::Times(bar) => (Some(bar), "ratio at least", ratio.map(|ratio| ratio >= bar)),
            Bar::None => (None, "", Some(true)),
        };
        let is_asked = peer.is_some() || self.peer.starts_with("none");
        let peer_name = if is_asked { &self.peer } else { self.unasked };
        self.results.push(json!({
            "name": name, "ours": ours, "peer": peer, "peer_name": peer_name, "ratio": ratio, "bar": bar,
            "bar_is": bar_is, "holds": holds,
        }));
    }

    pub(crate) fn print(&self) {
        println!("{:>12} {:>12} {:>9} {:>7}", "ours", "peer", "ratio", "bar");
        let shown = |value: &Value| value.as_f64().map_or(String::new(), |number| format!("{number:.3}"));
        for result in &self.results {
            let [ours, peer, ratio, bar] =
                ["ours", "peer", "ratio", "bar"].map(|field| shown(&result[field]));
            let verdict = if result["holds"] == false { "  MISSED" } else { "" };
            let name = result["name"].as_str().unwrap_or_default();
            println!("{ours:>12} {peer:>12} {ratio:>9} {bar:>7}  {name}{verdict}");
        }
    }
}

/// How many times better, when more is.
pub(crate) fn more(ours: f64, peer: f64) -> f64 {
    ours / peer
}

/// How many times better, when less is.
pub(crate) fn less(ours: f64, peer: f64) -> f64 {
    peer / ours
}
