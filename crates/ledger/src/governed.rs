//! The parameters as governance sees them: one table with the unit, the bounds and the class of proposal of each.
//!
//! Rule (mechanism notes, section 5): routine proposals move a parameter a little and pass unless enough object; money
//! proposals need both houses; constitutional ones need two thirds of both and a long delay. Whatever a proposal says, a
//! parameter stays within its bounds, at genesis and ever after.
//!
//! Absent: proposals and votes. The chain id, whether a network is local, its treasury and its bridge are fixed at genesis.

use openledger_types::{Amount, BasisPoints, Parameters};

/// What kind of proposal may change a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProposalClass {
    /// A small step that passes unless enough object.
    Routine,
    /// A majority of both houses.
    Money,
    /// Two thirds of both houses, and time to leave.
    Constitution,
}

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
    /// Who may change it.
    pub class: ProposalClass,
    /// Its value.
    pub value: fn(&Parameters) -> u64,
}

const BASIS_POINTS: u64 = 10_000;
const OPEN_MAX: u64 = 1_000_000_000_000_000;

/// What a parameter's value is as a number.
trait Number {
    fn number(self) -> u64;
}

impl Number for u64 {
    fn number(self) -> u64 {
        self
    }
}

impl Number for Amount {
    fn number(self) -> u64 {
        self.0
    }
}

impl Number for BasisPoints {
    fn number(self) -> u64 {
        u64::from(self.0)
    }
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
                class: ProposalClass::$class,
                value: |parameters| parameters.$($field).+.number(),
            },
        )*];
    };
}

governed! {
    Constitution "ms" 1, 86_400_000; epoch_ms;
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
    Routine "epochs" 0, 365; provider_escrow.cliff_epochs;
    Routine "epochs" 0, 3_650; provider_escrow.linear_epochs;
    Routine "bp" 0, BASIS_POINTS; builder_escrow.liquid_low;
    Routine "bp" 0, BASIS_POINTS; builder_escrow.liquid_high;
    Routine "epochs" 0, 365; builder_escrow.cliff_epochs;
    Routine "epochs" 0, 3_650; builder_escrow.linear_epochs;
    Routine "bp" 0, BASIS_POINTS; data_escrow.liquid_low;
    Routine "bp" 0, BASIS_POINTS; data_escrow.liquid_high;
    Routine "epochs" 0, 365; data_escrow.cliff_epochs;
    Routine "epochs" 0, 3_650; data_escrow.linear_epochs;
    Money "OPEN/1000000" 0, OPEN_MAX; provider_stake_min;
    Money "OPEN/1000000" 0, OPEN_MAX; gateway_bond_min;
    Money "uC per OPEN" 0, 1_000_000_000; collateral_per_open;
    Routine "bp" 0, BASIS_POINTS; router_fee_max;
    Routine "ms" 0, 2_592_000_000; channel_close_delay_ms;
    Constitution "epochs" 0, 10_000; unbonding_epochs;
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
}
