//! The first state: the parameters that the network agrees on, and who holds what.
//!
//! Rule: every parameter is within its bounds ([`crate::governed`]), the splits' parts sum to the whole, accounts are
//! distinct, and the sums fit. Balances given here count as deposited and issued, so that conservation
//! holds from height 0. Absent: validators and consensus; those are the chain's.

use std::collections::{BTreeMap, BTreeSet};

use openledger_types::parameters::EscrowParameters;
use openledger_types::record::{AccountRecord, SupplyRecord};
use openledger_types::{
    AccountId, Amount, BasisPoints, EPOCHS_INDEXED, MarketParameters, Parameters, codec, limits,
};
use serde::{Deserialize, Serialize};

use crate::governed::{GOVERNED, Governed};
use crate::state::StateKey;

/// The most accounts that a genesis gives balances to.
pub const GENESIS_ACCOUNTS_MAX: usize = 65_536;

/// What an account holds at height 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenesisAccount {
    /// Who.
    pub account: AccountId,
    /// Credits in uC.
    #[serde(default)]
    pub credits: Amount,
    /// OPEN in millionths.
    #[serde(default)]
    pub open: Amount,
}

/// The genesis of a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    /// The parameters of the economy.
    pub parameters: Parameters,
    /// First balances.
    #[serde(default)]
    pub accounts: Vec<GenesisAccount>,
}

/// Why a genesis cannot start a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// The parts of a split do not sum to the whole.
    #[error("the {split} split sums to {sum} basis points; make it 10000")]
    SplitSum {
        /// Which split.
        split: &'static str,
        /// What it sums to.
        sum: u64,
    },
    /// A range is upside down.
    #[error("the low end of {range} is above its high end; swap them")]
    RangeInverted {
        /// Which range.
        range: &'static str,
    },
    /// An escrow's clock runs longer than its tranches can be found by a fault.
    #[error("the cliff and the linear part of {range} have {epochs} epochs together; the most is {most}")]
    EscrowTooLong {
        /// Which escrow.
        range: &'static str,
        /// How long it runs.
        epochs: u64,
        /// The most.
        most: u64,
    },
    /// A parameter is outside its bounds.
    #[error("the parameter {parameter} is {value}; its bounds are {low} to {high}")]
    OutOfBounds {
        /// Which.
        parameter: &'static str,
        /// What was given.
        value: u64,
        /// The least value.
        low: u64,
        /// The greatest value.
        high: u64,
    },
    /// The resource classes are too many or named twice.
    #[error("the resource classes are not at most {most} distinct names; change markets.classes")]
    ClassesInvalid {
        /// The most classes.
        most: usize,
    },
    /// More accounts than a genesis may have.
    #[error("{count} accounts are more than {GENESIS_ACCOUNTS_MAX}; fund the rest by transfers")]
    TooManyAccounts {
        /// How many were given.
        count: usize,
    },
    /// An account is named twice.
    #[error("account {account} is named twice; merge its lines")]
    AccountRepeated {
        /// Which.
        account: AccountId,
    },
    /// The balances do not fit.
    #[error("the balances sum to more than an amount can hold; lower them")]
    Overflow,
}

impl Genesis {
    /// The state at height 0, by encoded key.
    pub fn state(&self) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, GenesisError> {
        check_parameters(&self.parameters)?;
        if self.accounts.len() > GENESIS_ACCOUNTS_MAX {
            return Err(GenesisError::TooManyAccounts { count: self.accounts.len() });
        }
        let mut state = BTreeMap::new();
        let mut named = BTreeSet::new();
        for GenesisAccount { account, credits, open } in &self.accounts {
            if !named.insert(*account) {
                return Err(GenesisError::AccountRepeated { account: *account });
            }
            let record = AccountRecord { credits: *credits, open: *open, ..AccountRecord::default() };
            state.insert(StateKey::Account(*account).encode(), codec::encode(&record));
        }
        let sum =
            |amounts: &mut dyn Iterator<Item = Amount>| Amount::sum(amounts).ok_or(GenesisError::Overflow);
        let credits = sum(&mut self.accounts.iter().map(|account| account.credits))?;
        let open = sum(&mut self.accounts.iter().map(|account| account.open))?;
        let supply = SupplyRecord {
            credits_deposited: credits,
            credits_in_balances: credits,
            open_issued: open,
            open_in_balances: open,
            ..SupplyRecord::default()
        };
        state.insert(StateKey::Supply.encode(), codec::encode(&supply));
        state.insert(StateKey::Parameters.encode(), codec::encode(&self.parameters));
        Ok(state)
    }
}

/// Checks what every other module takes for granted about the parameters.
pub(crate) fn check_parameters(parameters: &Parameters) -> Result<(), GenesisError> {
    check_bounds(parameters)?;
    let split = &parameters.split;
    check_whole(
        "reference",
        &[
            split.provider,
            split.builder,
            split.data,
            split.verification,
            split.maintenance,
            split.insurance,
            split.burn,
        ],
    )?;
    let premium = &parameters.premium;
    check_whole("premium", &[premium.provider, premium.capacity, premium.burn])?;
    check_markets(&parameters.markets)?;
    check_escrow("the provider escrow", &parameters.provider_escrow)?;
    check_escrow("the builder escrow", &parameters.builder_escrow)?;
    check_escrow("the data escrow", &parameters.data_escrow)?;
    let datanets = &parameters.datanets;
    check_order(
        "the time to reveal and the delay of policies",
        datanets.reveal_epochs,
        datanets.policy_delay_epochs,
    )?;
    check_order("the quorum and the seats of a panel", datanets.panel_quorum, datanets.panel_seats)?;
    check_escrow("the auditor escrow", &parameters.audits.escrow())?;
    let audits = &parameters.audits;
    let rates = [audits.rate_min, audits.rate_base, audits.rate_max].map(|rate| u64::from(rate.0));
    let opened = audits.draw_epochs.saturating_add(audits.open_epochs).saturating_add(1);
    check_order(
        "the time to draw and open audits and the provider's cliff",
        opened,
        parameters.provider_escrow.cliff_epochs,
    )?;
    check_order("the least and the base rate of audits", rates[0], rates[1])?;
    check_order("the base and the greatest rate of audits", rates[1], rates[2])?;
    check_order("the panel and the first committee of audits", audits.panel, audits.committee)?;
    check_order("the first and the last committee of audits", audits.committee, audits.committee_max)?;
    let governance = &parameters.governance;
    check_order(
        "the delay of money proposals",
        governance.money_delay_low_epochs,
        governance.money_delay_high_epochs,
    )?;
    check_order(
        "the delay of constitutional proposals",
        governance.constitution_delay_low_epochs,
        governance.constitution_delay_high_epochs,
    )?;
    check_order("objections", u64::from(governance.objection_low.0), u64::from(governance.objection_high.0))
}

fn check_markets(markets: &MarketParameters) -> Result<(), GenesisError> {
    let names: BTreeSet<_> = markets.classes.iter().map(|class| &class.name).collect();
    let most = limits::CLASSES_MAX;
    if names.len() != markets.classes.len() || names.len() > most {
        return Err(GenesisError::ClassesInvalid { most });
    }
    let gains = [markets.gain_low, markets.gain_start, markets.gain_high];
    if gains.is_sorted() { Ok(()) } else { Err(GenesisError::RangeInverted { range: "the gain of prices" }) }
}

fn check_bounds(parameters: &Parameters) -> Result<(), GenesisError> {
    for Governed { name, low, high, value, .. } in GOVERNED {
        let value = value(parameters);
        if value < *low || value > *high {
            return Err(GenesisError::OutOfBounds { parameter: name, value, low: *low, high: *high });
        }
    }
    Ok(())
}

fn check_whole(split: &'static str, parts: &[BasisPoints]) -> Result<(), GenesisError> {
    let sum = parts.iter().fold(0u64, |sum, part| sum.saturating_add(u64::from(part.0)));
    if sum == u64::from(BasisPoints::WHOLE.0) { Ok(()) } else { Err(GenesisError::SplitSum { split, sum }) }
}

/// Checks two parameters of which one may not exceed the other.
fn check_order(range: &'static str, low: u64, high: u64) -> Result<(), GenesisError> {
    if low <= high { Ok(()) } else { Err(GenesisError::RangeInverted { range }) }
}

/// An escrow whose clock runs longer than tranches are indexed would hide what has not unlocked from a fault.
fn check_escrow(range: &'static str, escrow: &EscrowParameters) -> Result<(), GenesisError> {
    let epochs = escrow.cliff_epochs.saturating_add(escrow.linear_epochs);
    if epochs >= EPOCHS_INDEXED {
        return Err(GenesisError::EscrowTooLong { range, epochs, most: EPOCHS_INDEXED.saturating_sub(1) });
    }
    if escrow.liquid_low <= escrow.liquid_high { Ok(()) } else { Err(GenesisError::RangeInverted { range }) }
}
