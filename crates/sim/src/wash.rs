//! A10: wash inference. One actor owns consumer, provider, builder, contributor, and half of the actors the gateway
//! too; it buys answers from itself.
//!
//! ON is the ledger as it is: nothing is paid for volume, and verification, maintenance, insurance, burn and the uplift
//! pool keep their parts. OFF is the same ledger beside a programme that rewards volume: every epoch the treasury
//! transfers an explicit budget to the providers in proportion to what they sold. The budget is 8 times what the split
//! keeps of the honest volume. That choice is not a finding: washing pays until the reward per unit falls to the leak,
//! so the wash share of a budget of `x` leaks is near `1 - 1 / x`, and LooksRare's 87 % says that its `x` was about
//! 7.7. What the simulation adds is that actors who know no formula get there by trying, and that with half a leak
//! (`wash_share_half`) they stay out: that number is the one ON to the last digit, because every draw is the same and
//! nobody ever gains.
//!
//! Actors are adaptive: whoever gained doubles with probability one half, whoever lost halves with probability one half
//! and stops where it bought a single answer; whoever stands aside tries one answer with probability 1/8, or 1/2 when
//! it saw others gain. So the small wash share ON is the price of trying, set by these probabilities.
//!
//! Everything here favours the attacker: credits in escrow count at face value and at once, immature data included;
//! stake, bond and idle deposits cost nothing; nobody audits. `return_worst` also gives back its models' uplift pools.
//! Absent: rankings and reputation that volume could buy (the ledger has none); subsidies from outside; audit fees.

mod street;

use std::collections::BTreeMap;

use openledger_types::sha256;

use crate::SimError;
use crate::metrics::{hhi, nakamoto, ratio, residual_supply};
use crate::scenario::{Bar, Incident, Limit, Measure, Mechanisms, Outcome, Scenario};
use street::{Flow, Played, Street};

/// Leaks of the honest volume that the programme pays, in tenths.
const BUDGET: u64 = 80;
const BUDGET_HALF: u64 = 5;

const MEASURES: &[Measure] = &[
    Measure::charted("wash_share", "wash part of all volume in the last 16 epochs"),
    Measure::listed("wash_share_half", "the same when the programme pays half a leak"),
    Measure::charted(
        "attacker_return",
        "all washers: received liquid and in escrow, rewards included, over paid, - 1",
    ),
    Measure::listed("return_no_reward", "the same without the rewards: what the split alone gives back"),
    Measure::listed("return_gateway", "washers with a gateway at the highest fee, without rewards"),
    Measure::charted("return_worst", "these, were the uplift pools of their models theirs too"),
    Measure::listed("sellers_hhi", "HHI of volume by provider in the last 16 epochs"),
    Measure::listed("sellers_nakamoto", "least number of providers with more than half of that volume"),
    Measure::listed(
        "sellers_residual",
        "residual supply: that volume without its three largest providers, over all of it",
    ),
];

/// Buying answers from oneself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wash;

impl Scenario for Wash {
    fn name(&self) -> &'static str {
        "wash"
    }

    fn title(&self) -> &'static str {
        "buying answers from oneself (A10)"
    }

    fn incident(&self) -> Incident {
        const SHOWS: &[Bar] = &[Bar {
            metric: "wash_share",
            limit: Limit::AtLeast(0.8),
            text: "a reward on volume above the leak",
        }];
        Incident {
            text: "rewards on volume fill with wash: LooksRare 87 % of volume, x402 81 % (mechanism notes, D2)",
            shows: SHOWS,
        }
    }

    fn bars(&self) -> &'static [Bar] {
        &[
            Bar { metric: "attacker_return", limit: Limit::AtMost(-0.15), text: "A10" },
            Bar {
                metric: "return_worst",
                limit: Limit::AtMost(-0.15),
                text: "A10, the attacker's best case",
            },
            Bar { metric: "wash_share", limit: Limit::AtMost(0.05), text: "A10" },
        ]
    }

    fn measures(&self) -> &'static [Measure] {
        MEASURES
    }

    fn run(&self, seed: u64, mechanisms: Mechanisms) -> Result<Outcome, SimError> {
        let (budget, half) = if mechanisms.on { (0, 0) } else { (BUDGET, BUDGET_HALF) };
        let full = Street::open(seed)?.play(budget)?;
        let small = if mechanisms.on { None } else { Some(Street::open(seed)?.play(half)?) };
        let (all, own) = (&full.all, &full.own_gateway);
        let volumes: Vec<u64> = full.sold.clone();
        let metrics = BTreeMap::from([
            ("wash_share", wash_share(&full)),
            ("wash_share_half", wash_share(small.as_ref().unwrap_or(&full))),
            ("attacker_return", per_unit(all, all.gained)),
            ("return_no_reward", per_unit(all, all.gained - all.rewarded)),
            ("return_gateway", per_unit(own, own.gained - own.rewarded)),
            ("return_worst", per_unit(own, own.gained - own.rewarded + own.uplift)),
            ("sellers_hhi", hhi(&volumes)),
            ("sellers_nakamoto", nakamoto(&volumes) as f64),
            ("sellers_residual", residual_supply(&volumes, 3, volumes.iter().sum())),
        ]);
        let worlds = [Some(&full), small.as_ref()];
        let worlds = || worlds.into_iter().flatten();
        let fingerprints: Vec<u8> = worlds().flat_map(|played| played.fingerprint.0).collect();
        let epochs = worlds().map(|played| played.epochs).sum();
        Ok(Outcome { metrics, fingerprint: sha256(&fingerprints), epochs })
    }
}

fn wash_share(played: &Played) -> f64 {
    ratio(played.wash_volume as f64, (played.wash_volume + played.honest_volume) as f64)
}

fn per_unit(flow: &Flow, gained: i128) -> f64 {
    ratio(gained as f64, flow.paid as f64)
}
