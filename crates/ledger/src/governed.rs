//! The parameters as governance sees them: one table with the unit, the bounds and the class of proposal of each.
//!
//! Rule (mechanism notes, section 5): routine proposals move a parameter a little and pass unless enough object; money
//! proposals need both houses; constitutional ones need two thirds of both and a long delay. Whatever a proposal says, a
//! parameter stays within its bounds, at genesis and ever after.
//!
//! A parameter that clocks or lazily decayed sums are computed from is fixed: another length of the epoch would renumber
//! every epoch that a record names, so all escrow would unlock at once or never.
//!
//! Absent: proposals and votes; they are in `governance`. The chain id, whether a network is local, its treasury and its
//! bridge are fixed at genesis.

use openledger_types::{Amount, BasisPoints, Parameters, ProposalClass};

use crate::genesis::{GenesisError, check_parameters};

/// One parameter.
pub struct Governed {
    /// Its name, as genesis files write it.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// The least value.
    pub low: u64,
    /// The greatest value.
    pub high: u64,
    /// Which proposals may change it; none when it is fixed at genesis.
    pub class: Option<ProposalClass>,
    /// Its value.
    pub value: fn(&Parameters) -> u64,
    /// Writes a value, without a look at bounds and class.
    pub set: fn(&mut Parameters, u64),
}

/// The parameter with this name.
pub fn governed(name: &str) -> Option<&'static Governed> {
    GOVERNED.iter().find(|governed| governed.name == name)
}

/// The parameters with these values written, or the rule that they would break: a bound, a split that does not sum to the
/// whole, a range upside down. All are written before the rules between them are checked, so that shares can move together.
pub fn with_values(
    parameters: &Parameters,
    values: impl IntoIterator<Item = (&'static Governed, u64)>,
) -> Result<Parameters, GenesisError> {
    let mut changed = parameters.clone();
    for (governed, value) in values {
        let (low, high) = (governed.low, governed.high);
        if value < low || value > high {
            return Err(GenesisError::OutOfBounds { parameter: governed.name, value, low, high });
        }
        (governed.set)(&mut changed, value);
    }
    check_parameters(&changed)?;
    Ok(changed)
}

const BASIS_POINTS: u64 = 10_000;
/// What is on its way back can be found by a fault for that long.
const EPOCHS_INDEXED_MAX: u64 = openledger_types::EPOCHS_INDEXED - 1;
const OPEN_MAX: u64 = 1_000_000_000_000_000;
/// The most that one cluster may count in a house, and the least quorum: always more, so no cluster decides alone.
const CAP_MAX: u64 = 1_000;
const QUORUM_MIN: u64 = 1_001;
/// Votes and delays together stay within the time for which a voter's earlier weights are kept.
const VOTE_MAX: u64 = 30;
const DELAY_MAX: u64 = 90;

/// What a parameter's value is as a number, and back.
trait Number {
    fn number(self) -> u64;
    fn of(number: u64) -> Self;
}

impl Number for u64 {
    fn number(self) -> u64 {
        self
    }

    fn of(number: u64) -> Self {
        number
    }
}

impl Number for Amount {
    fn number(self) -> u64 {
        self.0
    }

    fn of(number: u64) -> Self {
        Self(number)
    }
}

impl Number for BasisPoints {
    fn number(self) -> u64 {
        u64::from(self.0)
    }

    fn of(number: u64) -> Self {
        Self(u16::try_from(number).expect("the bounds of a parameter fit its type"))
    }
}

macro_rules! class {
    (Fixed) => {
        None
    };
    ($class:ident) => {
        Some(ProposalClass::$class)
    };
}

macro_rules! governed {
    ($($class:ident $unit:literal $low:expr, $high:expr; $($field:ident).+;)*) => {
        /// Every parameter with a number, in the order of [`Parameters`].
        pub const GOVERNED: &[Governed] = &[$(
            Governed {
                name: stringify!($($field).+),
                unit: $unit,
                low: $low,
                high: $high,
                class: class!($class),
                value: |parameters| parameters.$($field).+.number(),
                set: |parameters, value| parameters.$($field).+ = Number::of(value),
            },
        )*];
    };
}

governed! {
    Fixed "ms" 1, 86_400_000; epoch_ms;
    Constitution "bp" 0, BASIS_POINTS; split.provider;
    Constitution "bp" 0, BASIS_POINTS; split.builder;
    Constitution "bp" 0, BASIS_POINTS; split.data;
    Constitution "bp" 0, BASIS_POINTS; split.verification;
    Constitution "bp" 0, BASIS_POINTS; split.maintenance;
    Constitution "bp" 0, BASIS_POINTS; split.insurance;
    Constitution "bp" 0, BASIS_POINTS; split.burn;
    Money "bp" 0, BASIS_POINTS; split.attributed;
    Money "bp" 0, BASIS_POINTS; premium.provider;
    Money "bp" 0, BASIS_POINTS; premium.capacity;
    Money "bp" 0, BASIS_POINTS; premium.burn;
    Routine "bp" 0, BASIS_POINTS; provider_escrow.liquid_low;
    Routine "bp" 0, BASIS_POINTS; provider_escrow.liquid_high;
    Routine "epochs" 0, EPOCHS_INDEXED_MAX; provider_escrow.cliff_epochs;
    Routine "epochs" 0, EPOCHS_INDEXED_MAX; provider_escrow.linear_epochs;
    Routine "bp" 0, BASIS_POINTS; builder_escrow.liquid_low;
    Routine "bp" 0, BASIS_POINTS; builder_escrow.liquid_high;
    Routine "epochs" 0, EPOCHS_INDEXED_MAX; builder_escrow.cliff_epochs;
    Routine "epochs" 0, EPOCHS_INDEXED_MAX; builder_escrow.linear_epochs;
    Routine "bp" 0, BASIS_POINTS; data_escrow.liquid_low;
    Routine "bp" 0, BASIS_POINTS; data_escrow.liquid_high;
    Routine "epochs" 0, EPOCHS_INDEXED_MAX; data_escrow.cliff_epochs;
    Routine "epochs" 0, EPOCHS_INDEXED_MAX; data_escrow.linear_epochs;
    Money "OPEN/1000000" 0, OPEN_MAX; provider_stake_min;
    Money "OPEN/1000000" 0, OPEN_MAX; gateway_bond_min;
    Money "uC per OPEN" 0, 1_000_000_000; collateral_per_open;
    Routine "bp" 0, BASIS_POINTS; router_fee_max;
    Routine "ms" 0, 2_592_000_000; channel_close_delay_ms;
    Constitution "epochs" 0, EPOCHS_INDEXED_MAX; unbonding_epochs;
    Money "epochs" 10, 3_650; reputation.good_half_life_epochs;
    Money "epochs" 10, 3_650; reputation.bad_half_life_epochs;
    Money "epochs" 10, 3_650; reputation.units_half_life_epochs;
    Money "epochs" 10, 3_650; reputation.counterparty_half_life_epochs;
    Money "bp" 1, BASIS_POINTS; reputation.rise_max;
    Money "units" 10, 10_000; reputation.evidence_max;
    Money "units" 1, 100; reputation.bad_weight;
    Money "uC" 1, 1_000_000_000; reputation.fee_full;
    Money "units" 1, 1_000; reputation.counterparty_units;
    Money "bp" 0, BASIS_POINTS; reputation.share_floor;
    Money "bp" 0, 3_000; datanets.curator_share_max;
    Money "bp" 0, 3_000; datanets.treasury_share_max;
    Money "bp" 0, 3_000; datanets.share_step_max;
    Routine "epochs" 1, 365; datanets.policy_delay_epochs;
    Money "bp" 0, BASIS_POINTS; datanets.factor_human;
    Money "bp" 0, BASIS_POINTS; datanets.factor_unverified;
    Money "bp" 0, BASIS_POINTS; datanets.factor_synthetic;
    Money "OPEN/1000000" 0, OPEN_MAX; datanets.contribution_bond_max;
    Routine "OPEN/1000000" 0, OPEN_MAX; datanets.commitment_bond;
    Routine "epochs" 1, 365; datanets.reveal_epochs;
    Routine "epochs" 1, 365; datanets.decision_epochs;
    Routine "epochs" 1, 365; datanets.provisional_epochs;
    Routine "epochs" 1, 365; datanets.appeal_epochs;
    Routine "epochs" 1, 365; datanets.vote_epochs;
    Routine "OPEN/1000000" 0, OPEN_MAX; datanets.dispute_bond;
    Routine "OPEN/1000000" 0, OPEN_MAX; datanets.juror_bond;
    Routine "OPEN/1000000" 0, OPEN_MAX; datanets.juror_fee;
    Routine "seats" 1, 15; datanets.panel_seats;
    Routine "votes" 1, 15; datanets.panel_quorum;
    Routine "OPEN/1000000" 0, OPEN_MAX; datanets.label_bond;
    Routine "epochs" 1, 365; datanets.label_epochs;
    Routine "epochs" 1, 365; datanets.gold_epochs;
    Routine "epochs" 1, 365; datanets.campaign_epochs_max;
    Money "items" 4, 64; datanets.gold_checked;
    Money "bp" 5_000, BASIS_POINTS; datanets.gold_accuracy_min;
    Money "uses" 1, 10; datanets.gold_uses_max;
    Money "bp" 0, BASIS_POINTS; datanets.treasury_spend_max;
    Routine "bp" 1_000, BASIS_POINTS; markets.utilisation_target;
    Constitution "bp" 1, 625; markets.step_max;
    Routine "1/65536" 1, 65_536; markets.gain_start;
    Routine "1/65536" 1, 65_536; markets.gain_low;
    Routine "1/65536" 1, 65_536; markets.gain_high;
    Routine "1/65536" 0, 65_536; markets.gain_increase;
    Routine "bp" 0, BASIS_POINTS; markets.gain_decrease;
    Money "bp" BASIS_POINTS, 30_000; markets.residual_least;
    Money "bp" 0, BASIS_POINTS; markets.capped_premium;
    Money "bp" 0, BASIS_POINTS; markets.traffic_max;
    Routine "epochs" 1, 720; markets.heartbeat_epochs;
    Money "bp of the collateral" 0, 1_000_000; markets.backed_capacity;
    Money "uC per epoch" 0, OPEN_MAX; markets.newcomer_capacity;
    Money "uC per epoch" 0, OPEN_MAX; markets.unit_capacity;
    Money "bp of the fund" 0, BASIS_POINTS; markets.fund_budget;
    Money "bp of the reference price" 0, BASIS_POINTS; markets.fund_price_max;
    Routine "epochs" 1, 2_160; markets.award_epochs;
    Routine "epochs" 1, 8_760; markets.entrant_epochs;
    Routine "epochs" 1, 8_760; markets.lease_epochs_max;
    Constitution "flag" 0, 1; markets.notes;
    Constitution "bp" 0, 4_000; markets.note_share_max;
    Constitution "epochs" 1, 90; markets.note_epochs_max;
    Constitution "times" 0, 3; markets.note_multiple;
    Constitution "epochs" 1, 30; markets.note_earning_epochs;
    Money "bp" 0, BASIS_POINTS; markets.note_levy;
    Money "bp" 0, BASIS_POINTS; forfeits.reporter;
    Money "times" 0, 1_000; forfeits.reporter_multiple;
    Money "bp" 0, BASIS_POINTS; forfeits.insurance;
    Money "OPEN/1000000" 0, OPEN_MAX; audits.bond_min;
    Money "bp" 1, BASIS_POINTS; audits.cluster_max;
    Money "bp" 0, BASIS_POINTS; audits.newcomer_weight;
    Routine "audits" 1, 100; audits.silences_max;
    Money "bp" 100, BASIS_POINTS; audits.rate_base;
    Money "bp" 100, BASIS_POINTS; audits.rate_min;
    Money "bp" 100, BASIS_POINTS; audits.rate_max;
    Money "audits" 0, 1_000; audits.newcomer_jobs;
    Money "audits" 0, 1_000; audits.taper_jobs;
    Routine "uC" 1, 1_000_000_000; audits.value_typical;
    Money "epochs" 1, 365; audits.fault_epochs;
    Routine "epochs" 1, 30; audits.draw_epochs;
    Routine "epochs" 1, 30; audits.open_epochs;
    Routine "epochs" 1, 30; audits.commit_epochs;
    Routine "epochs" 1, 30; audits.reveal_epochs;
    Routine "epochs" 1, 30; audits.seed_epochs;
    Money "bp" 0, BASIS_POINTS; audits.cost;
    Money "%" 0, 1_000; audits.fee_percent;
    Money "uC" 0, 1_000_000_000; audits.fee_min;
    Money "uC" 0, 1_000_000_000; audits.fee_max;
    Money "bp" 0, BASIS_POINTS; audits.planted;
    Money "bp" 0, BASIS_POINTS; audits.repeated;
    Money "fees" 0, 1_000; audits.auditor_slash;
    Money "shares" 0, 1_000; audits.job_slash;
    Money "times" 0, 100; audits.correlation;
    Money "audits" 1, 1_000; audits.correlation_audits;
    Money "epochs" 1, 90; audits.challenge_epochs;
    Money "uC" 0, 1_000_000_000_000; audits.challenge_bond;
    Money "auditors" 3, 63; audits.panel;
    Money "auditors" 3, 63; audits.committee;
    Money "auditors" 3, 63; audits.committee_max;
    Money "bp" 0, BASIS_POINTS; audits.report_reward;
    Money "bp" 0, BASIS_POINTS; audits.breaker;
    Money "rulings" 1, 1_000_000; audits.breaker_rulings;
    Money "epochs" 0, 365; audits.breaker_epochs;
    Routine "bp" 0, BASIS_POINTS; audits.liquid_low;
    Routine "bp" 0, BASIS_POINTS; audits.liquid_high;
    Routine "epochs" 0, EPOCHS_INDEXED_MAX; audits.cliff_epochs;
    Routine "epochs" 0, EPOCHS_INDEXED_MAX; audits.linear_epochs;
    Money "bp" 0, BASIS_POINTS; agents.burn;
    Money "bp" 0, BASIS_POINTS; agents.maintenance;
    Routine "epochs" 0, 720; agents.contest_epochs;
    Routine "epochs" 1, 2_160; agents.committee_epochs;
    Routine "OPEN/1000000" 0, OPEN_MAX; agents.contest_bond;
    Routine "OPEN/1000000" 0, OPEN_MAX; accounts.finding_bond;
    Routine "epochs" 1, 720; accounts.challenge_epochs;
    Routine "epochs" 1, 2_160; accounts.committee_epochs;
    Fixed "epochs" 1, 365; governance.token_half_life_epochs;
    Fixed "epochs" 1, 3_650; governance.contributor_half_life_epochs;
    Constitution "bp" 1, CAP_MAX; governance.token_cap;
    Constitution "bp" 1, CAP_MAX; governance.contributor_cap;
    Constitution "bp" 1, CAP_MAX; governance.datanet_cap;
    Constitution "units" 1, 1_000; governance.units_min;
    Constitution "OPEN/1000000" 0, OPEN_MAX; governance.proposal_bond;
    Constitution "epochs" 1, 90; governance.unlock_epochs;
    Constitution "epochs" 1, 30; governance.routine_epochs;
    Constitution "bp" 100, 5_000; governance.routine_cancel_token;
    Constitution "bp" 100, 5_000; governance.routine_cancel_contributors;
    Constitution "bp" 0, 2_000; governance.routine_band;
    Constitution "epochs" 7, 365; governance.routine_band_epochs;
    Constitution "epochs" 1, VOTE_MAX; governance.money_epochs;
    Constitution "bp" QUORUM_MIN, BASIS_POINTS; governance.money_quorum_token;
    Constitution "bp" QUORUM_MIN, BASIS_POINTS; governance.money_quorum_contributors;
    Constitution "epochs" 1, DELAY_MAX; governance.money_delay_low_epochs;
    Constitution "epochs" 1, DELAY_MAX; governance.money_delay_high_epochs;
    Constitution "epochs" 1, VOTE_MAX; governance.constitution_epochs;
    Constitution "bp" QUORUM_MIN, BASIS_POINTS; governance.constitution_quorum_token;
    Constitution "bp" QUORUM_MIN, BASIS_POINTS; governance.constitution_quorum_contributors;
    Constitution "epochs" 7, DELAY_MAX; governance.constitution_delay_low_epochs;
    Constitution "epochs" 7, DELAY_MAX; governance.constitution_delay_high_epochs;
    Constitution "bp" 0, BASIS_POINTS; governance.objection_low;
    Constitution "bp" 0, BASIS_POINTS; governance.objection_high;
    Constitution "epochs" 1, 365; governance.execution_epochs;
    Constitution "epochs" 30, 3_650; governance.sunset_epochs;
    Constitution "bp" 0, 1_000; governance.grant_max;
    Constitution "bp" 0, 2_500; governance.grants_max;
    Constitution "epochs" 30, 365; governance.grants_epochs;
    Constitution "epochs" 1, 30; governance.election_epochs;
    Constitution "bp" QUORUM_MIN, BASIS_POINTS; governance.election_quorum;
    Constitution "epochs" 30, 3_650; governance.council_term_epochs;
    Constitution "ms" 1, 259_200_000; governance.pause_ms_max;
    Fixed "epochs" 1, 365; funds.round_epochs;
    Constitution "bp" 0, BASIS_POINTS; funds.usage_share;
    Constitution "bp" 1, 1_000; funds.recipient_cap;
    Money "uC" 0, 1_000_000_000_000; funds.required_per_epoch;
    Constitution "bp" 0, 300; funds.shift_max;
    Money "OPEN/1000000" 0, OPEN_MAX; funds.measurer_bond_min;
    Money "uC" 0, 1_000_000_000; funds.measurer_fee;
    Constitution "bp" 0, 2_500; funds.growth_max;
    Constitution "bp" 1, 500; funds.opening;
    Money "measurers" 1, 16; funds.measurers_target;
    Money "epochs" 30, 3_650; funds.claim_epochs;
    Money "bp" 1, BASIS_POINTS; funds.claim_max;
    Money "evaluations" 2, 10_000; maturity.evaluations_min;
    Money "epochs" 1, 3_650; maturity.wait_epochs_max;
    Money "OPEN/1000000" 0, OPEN_MAX; maturity.evaluator_bond_min;
    Money "uC" 0, 1_000_000_000; maturity.evaluation_fee;
    Routine "evaluators" 1, 1_000; maturity.evaluators_per_round;
    Routine "epochs" 1, 60; maturity.window_epochs;
    Money "uC" 0, 1_000_000_000_000; maturity.uplift_pool_min;
    Routine "times" 0, 1_000; maturity.quality_slope;
    Money "bp" 0, BASIS_POINTS; advances.discount_high;
    Money "bp" 0, BASIS_POINTS; advances.discount_low;
    Money "bp" 0, BASIS_POINTS; advances.tranche_share_max;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::account;

    #[test]
    fn every_parameter_is_written_where_it_is_read_and_nowhere_else() {
        let starting = Parameters::starting(1, true, account(0));
        for one in GOVERNED {
            let mut changed = starting.clone();
            for value in [one.low, one.high] {
                (one.set)(&mut changed, value);
                assert_eq!((one.value)(&changed), value, "{}", one.name);
            }
            (one.set)(&mut changed, (one.value)(&starting));
            assert_eq!(changed, starting, "{}", one.name);
        }
    }

    #[test]
    fn values_are_written_together_and_checked_together() {
        let starting = Parameters::starting(1, true, account(0));
        let value = |name, value| (governed(name).unwrap(), value);
        let moved = with_values(&starting, [value("split.burn", 300), value("split.maintenance", 900)]);
        assert_eq!(moved.unwrap().split.maintenance, BasisPoints(900));
        let sum = GenesisError::SplitSum { split: "reference", sum: 9_800 };
        assert_eq!(with_values(&starting, [value("split.burn", 300)]), Err(sum));
        let parameter = "router_fee_max";
        let outside = GenesisError::OutOfBounds { parameter, value: 10_001, low: 0, high: 10_000 };
        assert_eq!(with_values(&starting, [value(parameter, 10_001)]), Err(outside));
        assert!(governed("chain_id").is_none());
        // A fault finds the tranches of 256 epochs: no clock runs longer.
        let clock = |cliff, linear| {
            with_values(
                &starting,
                [value("data_escrow.cliff_epochs", cliff), value("data_escrow.linear_epochs", linear)],
            )
        };
        assert!(clock(55, 200).is_ok());
        let long = GenesisError::EscrowTooLong { range: "the data escrow", epochs: 256, most: 255 };
        assert_eq!(clock(56, 200), Err(long));
    }
}
