//! A1: junk data, before anybody has a reputation.
//!
//! Eight honest suppliers bring two texts each in every epoch. Eight junk suppliers choose among seven strategies by a bandit
//! and imitation ([`crate::adaptive`]): stand aside; or one or eight texts of plain junk, of junk padded with phrases that
//! answers often contain, or of copies of earlier texts.
//!
//! OFF is the incidents' own rule on the same ledger: whatever is handed in is taken as it is declared, and the epoch's
//! budget is transferred to suppliers in proportion to the texts that they handed in. tea.xyz paid packages that declared
//! themselves and grew from 15,000 spam packages to 150,000; Scale's tasks were paid when they were handed in. The budget is
//! what the data share of the epoch's answers would be. Nobody hands in more than eight texts in an epoch, so that junk cannot
//! exceed four fifths: that end is our choice, and that nearly all of it is reached is the finding.
//!
//! ON is the ledger: a bond for each commitment, reveal, a reviewer's decision, bonds burned for faults, one cluster for
//! equal texts, pay by attribution alone, nothing liquid before maturity. What the ledger does not do is stated here: the
//! reviewer sees plain junk in 95 of 100 cases, padded junk in 70, copies always (the ledger knows them), and refuses 2 of
//! 100 honest texts as too poor. An answer has spans from one to four honest texts, and one in four has a padded phrase,
//! whose mass is a tenth of a span and goes in equal parts to at most four texts that have it.
//!
//! Everything favours the attackers: what a text holds until it is mature counts at face value for them, their texts cost
//! nothing to make, and their identities stay. `honest_liquid` shows the price: without evaluations no text matures, so
//! honest suppliers have nothing liquid either.

mod market;

use std::collections::BTreeMap;

use crate::SimError;
use crate::metrics::{gini, hhi, junk_share, nakamoto, ratio};
use crate::scenario::{Bar, Incident, Limit, Measure, Mechanisms, Outcome, Scenario};
use market::Market;

const MEASURES: &[Measure] = &[
    Measure::charted("junk_share", "junk part of all data payouts, liquid and held, in the last 10 epochs"),
    Measure::charted("junk_texts", "junk part of the texts in force from those epochs"),
    Measure::charted("junk_beyond_bonds", "liquid payout to junk suppliers beyond the bonds they put up, C"),
    Measure::listed(
        "junk_net",
        "what junk suppliers gained in all, held money at face value, less bonds burned, C",
    ),
    Measure::listed("bonds_burned", "bonds that junk suppliers lost, C at their collateral value"),
    Measure::listed("honest_liquid", "liquid part of what honest suppliers earned"),
    Measure::listed("suppliers_gini", "Gini coefficient of data payouts by supplier"),
    Measure::listed("suppliers_hhi", "HHI of data payouts by supplier"),
    Measure::listed(
        "suppliers_nakamoto",
        "least number of suppliers with more than half of the data payouts",
    ),
];

/// Junk texts for pay.
#[derive(Debug, Clone, Copy, Default)]
pub struct Junk;

impl Scenario for Junk {
    fn name(&self) -> &'static str {
        "junk"
    }

    fn title(&self) -> &'static str {
        "junk data before anybody has a reputation (A1)"
    }

    fn incident(&self) -> Incident {
        const SHOWS: &[Bar] = &[Bar {
            metric: "junk_share",
            limit: Limit::AtLeast(0.5),
            text: "at least half of the data payout within 30 epochs",
        }];
        Incident {
            text: "pay for what is handed in fills with junk: tea.xyz 15,000 to 150,000 spam packages, Scale's Bulba 2023-24 (mechanism notes, D12 and A1)",
            shows: SHOWS,
        }
    }

    fn bars(&self) -> &'static [Bar] {
        &[
            Bar { metric: "junk_share", limit: Limit::AtMost(0.02), text: "A1, held money counted too" },
            Bar { metric: "junk_beyond_bonds", limit: Limit::AtMost(0.0), text: "A1" },
        ]
    }

    fn measures(&self) -> &'static [Measure] {
        MEASURES
    }

    fn run(&self, seed: u64, mechanisms: Mechanisms) -> Result<Outcome, SimError> {
        let played = Market::open(seed, mechanisms.on)?.play()?;
        let whole = |amount: i128| amount as f64 / 1e6;
        let by_supplier: Vec<u64> = played.paid.iter().map(|(paid, _)| *paid).collect();
        let secured = i128::from(played.junk_bonds);
        let beyond = (i128::from(played.junk_liquid) - secured).max(0);
        let metrics = BTreeMap::from([
            ("junk_share", junk_share(&played.paid)),
            ("junk_texts", ratio(played.texts_junk as f64, (played.texts_junk + played.texts_honest) as f64)),
            ("junk_beyond_bonds", whole(beyond)),
            ("junk_net", whole(played.junk_net)),
            ("bonds_burned", whole(i128::from(played.burned))),
            ("honest_liquid", ratio(played.honest_liquid as f64, played.honest_earned as f64)),
            ("suppliers_gini", gini(&by_supplier)),
            ("suppliers_hhi", hhi(&by_supplier)),
            ("suppliers_nakamoto", nakamoto(&by_supplier) as f64),
        ]);
        Ok(Outcome { metrics, fingerprint: played.fingerprint, epochs: played.epochs })
    }
}
