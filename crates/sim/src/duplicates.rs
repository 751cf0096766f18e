//! A2: copies of texts under other accounts.
//!
//! Twelve owners have a text each. An answer is made of spans, and a span occurs in one to four different texts, as
//! phrases and quotations do. Three copiers commit exact copies of a text later, under accounts of their own.
//!
//! Credit of a span: equally to everyone who is credited for one of the texts in which it occurs, which is the exact
//! Shapley value of the game "some text of the coalition has the span". Who is credited, the ledger says: the owner of
//! each contribution's cluster. ON, copies share their text's cluster, as equal normalised texts do, so its earliest
//! owner is credited once. OFF, each copy has a cluster of its own, so the very same ledger credits each identity:
//! Shapley over reported identities. Gateways are honest in both; what a dishonest one may do is measured apart.
//!
//! Which number is the documented 1.74: `gain_own`, what a colluding set is paid over what it would be paid honestly
//! under one identity. It comes from spans that other texts have too: with `m` of those, `k` copies raise the set's
//! part from `1 / (m + 1)` to `(k + 1) / (m + k + 1)`. Without shared spans it is 1 in both ways, and no number of
//! copies brings it above the mean of `m + 1`, 2.5 here. The paper's own game could not be read, only its abstract, so
//! three copies and one to four texts for a span are our choice. They show the same failure at the same size; that
//! they meet its number is no evidence for the model. `gain_own_1` and `gain_own_7` show how far copies move it.
//! `gain_theft` is another number: below the line is what the copied owner earned alone, not the copiers' honest pay.
//!
//! Absent: a copier who commits before the owner (the ledger pays the earliest, whoever wrote it), the price of an
//! identity, clusters of near-duplicates. So a paraphrase is a text of its own, ON too: see `gain_paraphrase`.

mod market;

use std::collections::BTreeMap;

use openledger_types::sha256;

use crate::SimError;
use crate::metrics::{junk_share, ratio};
use crate::scenario::{Bar, Incident, Limit, Measure, Mechanisms, Outcome, Scenario};
use market::{Attack, Market, Played};

/// The most popular text, and a less popular one that its own owner copies.
const POPULAR: usize = 0;
const OWN: usize = 3;
const COPIES: usize = 3;
/// The most texts that have the same span.
const TEXTS_PER_SPAN_MAX: u64 = 4;

const MEASURES: &[Measure] = &[
    Measure::charted("gain_own", "owner and 3 copiers of its own text, over the same owner alone"),
    Measure::listed("gain_own_1", "the same with 1 copier"),
    Measure::listed("gain_own_7", "the same with 7 copiers"),
    Measure::charted("gain_theft", "3 copiers of somebody's popular text, over what its owner earned alone"),
    Measure::charted("owner_keeps", "what that owner still earns, over what it earned alone"),
    Measure::listed("copies_paid", "part of all data payouts that goes to those copies (junk paid)"),
    Measure::charted("gain_paraphrase", "as gain_own, but the copies are paraphrases: escaped mass, no bar"),
    Measure::listed("copies_accepted", "whether the ledger accepts a batch that credits every identity"),
];

/// Copies of texts under other accounts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Duplicates;

impl Scenario for Duplicates {
    fn name(&self) -> &'static str {
        "duplicates"
    }

    fn title(&self) -> &'static str {
        "copies of texts under other accounts (A2)"
    }

    fn incident(&self) -> Incident {
        const SHOWS: &[Bar] =
            &[Bar { metric: "gain_own", limit: Limit::Between(1.48, 2.0), text: "1.74, within 15 %" }];
        Incident {
            text: "Shapley over reported identities pays duplicate Sybils 1.74 times their honest payout (arXiv 2605.07663)",
            shows: SHOWS,
        }
    }

    fn bars(&self) -> &'static [Bar] {
        &[
            Bar { metric: "gain_own", limit: Limit::AtMost(1.05), text: "A2" },
            Bar { metric: "gain_own_7", limit: Limit::AtMost(1.05), text: "A2, with more copies" },
            Bar { metric: "gain_theft", limit: Limit::AtMost(1.05), text: "A2" },
            Bar {
                metric: "owner_keeps",
                limit: Limit::AtLeast(0.95),
                text: "ours: the same margin for the owner",
            },
            Bar { metric: "copies_accepted", limit: Limit::AtMost(0.0), text: "no batch pays a copy" },
        ]
    }

    fn measures(&self) -> &'static [Measure] {
        MEASURES
    }

    fn run(&self, seed: u64, mechanisms: Mechanisms) -> Result<Outcome, SimError> {
        let demand = market::demand(seed, TEXTS_PER_SPAN_MAX);
        let play = |attack| Market::open(seed, attack, mechanisms.on)?.play(&demand);
        let copying = |text, count, paraphrased| Attack { text, count, paraphrased };
        let honest = play(copying(OWN, 0, false))?;
        let own = play(copying(OWN, COPIES, false))?;
        let own_1 = play(copying(OWN, 1, false))?;
        let own_7 = play(copying(OWN, 7, false))?;
        let theft = play(copying(POPULAR, COPIES, false))?;
        let paraphrase = play(copying(OWN, COPIES, true))?;
        let alone = |text: usize| honest.owners[text] as f64;
        let gain = |played: &Played| ratio((played.owners[OWN] + played.copies) as f64, alone(OWN));
        let mut lines: Vec<(u64, bool)> = theft.owners.iter().map(|paid| (*paid, false)).collect();
        lines.push((theft.copies, true));
        let metrics = BTreeMap::from([
            ("gain_own", gain(&own)),
            ("gain_own_1", gain(&own_1)),
            ("gain_own_7", gain(&own_7)),
            ("gain_theft", ratio(theft.copies as f64, alone(POPULAR))),
            ("owner_keeps", ratio(theft.owners[POPULAR] as f64, alone(POPULAR))),
            ("copies_paid", junk_share(&lines)),
            ("gain_paraphrase", gain(&paraphrase)),
            ("copies_accepted", if theft.copies_accepted { 1.0 } else { 0.0 }),
        ]);
        let all = [honest, own, own_1, own_7, theft, paraphrase];
        let fingerprints: Vec<u8> = all.iter().flat_map(|played| played.fingerprint.0).collect();
        let epochs = all.iter().map(|played| played.epochs).sum();
        Ok(Outcome { metrics, fingerprint: sha256(&fingerprints), epochs })
    }
}
