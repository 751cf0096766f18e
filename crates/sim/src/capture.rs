//! A16: capital captures governance and takes the treasury.
//!
//! Five raiders propose grants to themselves, and choose among four strategies by a bandit and imitation
//! ([`crate::adaptive`]): stand aside; a grant of 1 % of the treasury, voted on at once; a tenth of that, at once; or 1 %,
//! with all votes in the last epoch. Together they command 51 to 67 % of all OPEN, through 51 accounts, each below the cap
//! of a cluster and none linked to another: the ledger is not told what belongs together. The other OPEN is with 40 holders,
//! the largest first, as 1 / rank.
//!
//! Holders vote against a theft: one in five when the raiders' votes were to be seen in time, one in fifteen when not. A
//! hundred contributors have audited work of a hundred units each; three in ten vote, and three in a hundred of those for
//! the theft.
//!
//! OFF is the incidents' own rule on the same ledger: one token, one vote, counted at the end; a majority of the votes cast with
//! a quorum of 4 % executes at once, by a transfer from the treasury. `thefts_minority` is the same with 7 % of all OPEN:
//! Compound's proposal 289 passed by 682,191 to 633,636 of 10 million tokens over a weekend, and Solend's by one wallet with
//! 1.0 of the 1.1 million votes. ON is the step `governance`: both houses, quorums, delays.
//!
//! `thefts_with_work_10` to `_40` are how many execute when the raiders also have that part of the contributor house by work
//! that was audited, in accounts that nobody has linked. The notes promise nothing about that but its price; it is here to
//! show where the protection ends.
//!
//! Nobody works during the raids, so all evidence decays alike; in worlds where thefts pass and wait long, little is left.
//! Contributors' evidence is part of the beginning: it is written as audits would have left it. Absent: bribes, buying of
//! audited accounts, routine drift of parameters, emergency councils, forecasts and reviews of what a grant promised.

mod houses;
mod polity;

use std::collections::BTreeMap;

use openledger_types::sha256;

use crate::SimError;
use crate::metrics::{gini, nakamoto, ratio};
use crate::scenario::{Bar, Incident, Limit, Measure, Mechanisms, Outcome, Scenario};
use polity::{Polity, Power, Raided};

const MEASURES: &[Measure] = &[
    Measure::charted("thefts", "part of the theft proposals that execute, raiders with 51 to 67 % of OPEN"),
    Measure::charted("treasury_lost", "part of the treasury that is stolen"),
    Measure::charted(
        "thefts_minority",
        "as thefts, with 7 % of OPEN: passes or fails by turnout, as Compound 289 did",
    ),
    Measure::charted("leavers_lose", "part of their locks, stake and accrued escrow that leavers lose"),
    Measure::listed("thefts_with_work_10", "as thefts, with 10 % of the audited work too"),
    Measure::listed("thefts_with_work_20", "with 20 %"),
    Measure::listed("thefts_with_work_40", "with 40 %"),
    Measure::listed("raider_net", "what raiders gained less bonds that were burned, C"),
    Measure::listed("open_gini", "Gini coefficient of OPEN by account"),
    Measure::listed("open_nakamoto", "least number of accounts with more than half of OPEN"),
];

/// Capital takes the treasury by vote.
#[derive(Debug, Clone, Copy, Default)]
pub struct Capture;

impl Scenario for Capture {
    fn name(&self) -> &'static str {
        "capture"
    }

    fn title(&self) -> &'static str {
        "votes that take the treasury (A16)"
    }

    fn incident(&self) -> Incident {
        const SHOWS: &[Bar] = &[Bar {
            metric: "thefts",
            limit: Limit::AtLeast(0.9),
            text: "whoever has most tokens takes what is there",
        }];
        Incident {
            text: "token votes move treasuries: Compound 289 by 682,191 to 633,636, Solend by one wallet (mechanism notes, A16)",
            shows: SHOWS,
        }
    }

    fn bars(&self) -> &'static [Bar] {
        &[
            Bar { metric: "thefts", limit: Limit::AtMost(0.0), text: "A16: none executes" },
            Bar { metric: "leavers_lose", limit: Limit::AtMost(0.01), text: "A16" },
        ]
    }

    fn measures(&self) -> &'static [Measure] {
        MEASURES
    }

    fn run(&self, seed: u64, mechanisms: Mechanisms) -> Result<Outcome, SimError> {
        let raid = |power| Polity::open(seed, mechanisms.on, power)?.raid();
        let most = raid(Power { minority: false, work_percent: 0 })?;
        let minority = raid(Power { minority: true, work_percent: 0 })?;
        let worked = |work_percent| raid(Power { minority: false, work_percent });
        let (ten, twenty, forty) = (worked(10)?, worked(20)?, worked(40)?);
        let metrics = BTreeMap::from([
            ("thefts", thefts(&most)),
            ("treasury_lost", ratio(most.stolen as f64, most.treasury as f64)),
            ("thefts_minority", thefts(&minority)),
            ("leavers_lose", most.leavers_lose),
            ("thefts_with_work_10", thefts(&ten)),
            ("thefts_with_work_20", thefts(&twenty)),
            ("thefts_with_work_40", thefts(&forty)),
            ("raider_net", most.net as f64 / 1e6),
            ("open_gini", gini(&most.holdings)),
            ("open_nakamoto", nakamoto(&most.holdings) as f64),
        ]);
        let worlds = [&most, &minority, &ten, &twenty, &forty];
        let fingerprints: Vec<u8> = worlds.iter().flat_map(|raided| raided.fingerprint.0).collect();
        let epochs = worlds.iter().map(|raided| raided.epochs).sum();
        Ok(Outcome { metrics, fingerprint: sha256(&fingerprints), epochs })
    }
}

fn thefts(raided: &Raided) -> f64 {
    ratio(raided.executed as f64, raided.proposed as f64)
}
