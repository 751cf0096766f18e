//! Sums every record of a whole state and compares with the supply: the invariant as an object of its own, for tests,
//! simulation and audits of a snapshot of the state.
//! It does not check who holds the money, only that none was made or lost.

use openledger_types::codec::DecodeError;
use openledger_types::record::SupplyRecord;
use openledger_types::{Amount, Asset};

use super::is_balanced;
use crate::escrow::EscrowRecord;
use crate::funds::FundsStateRecord;
use crate::governance::GovernanceStateRecord;
use crate::queries::StateRecord;
use crate::state::StateKey;

/// Why a state does not hold what was created.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConservationError {
    /// A key or record does not decode.
    #[error("the state cannot be read; it was not written by this ledger")]
    Unreadable(#[source] DecodeError),
    /// A sum exceeds the range of amounts.
    #[error("the sum of {place} overflows; the state was not written by this ledger")]
    Overflow {
        /// What was summed.
        place: &'static str,
    },
    /// The state has no supply record.
    #[error("the state has no supply record; it was not written by genesis")]
    SupplyMissing,
    /// The records do not sum to the supply.
    #[error("the records hold {held} in {place}, the supply says {recorded}; stop and compare the events")]
    Mismatch {
        /// What was summed.
        place: &'static str,
        /// The sum over the records.
        held: Amount,
        /// What the supply record says.
        recorded: Amount,
    },
    /// The supply record contradicts itself.
    #[error("created minus destroyed is not what is held: {supply:?}")]
    Unbalanced {
        /// The supply record.
        supply: Box<SupplyRecord>,
    },
}

/// What records hold, by part of the supply.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Held {
    parts: SupplyRecord,
    escrowed_by_accounts: Amount,
}

/// The parts of the supply that records hold: the sum over records, and the supply's own number.
pub(crate) const PLACES: [(&str, fn(&Held) -> Amount, fn(&SupplyRecord) -> Amount); 10] = [
    ("balances", |held| held.parts.credits_in_balances, |supply| supply.credits_in_balances),
    ("channels", |held| held.parts.credits_in_channels, |supply| supply.credits_in_channels),
    ("escrow", |held| held.parts.credits_in_escrow, |supply| supply.credits_in_escrow),
    ("escrow by account", |held| held.escrowed_by_accounts, |supply| supply.credits_in_escrow),
    ("pools", |held| held.parts.credits_in_pools, |supply| supply.credits_in_pools),
    ("OPEN balances", |held| held.parts.open_in_balances, |supply| supply.open_in_balances),
    ("stake and bond", |held| held.parts.open_bonded, |supply| supply.open_bonded),
    ("OPEN pools", |held| held.parts.open_in_pools, |supply| supply.open_in_pools),
    ("custody", |held| held.parts.credits_in_custody, |supply| supply.credits_in_custody),
    ("OPEN custody", |held| held.parts.open_in_custody, |supply| supply.open_in_custody),
];

/// Checks a whole state: every balance, channel, tranche, pool, stake and bond against the supply record.
/// The order of the records does not matter.
pub fn check_conservation<'a>(
    state: impl IntoIterator<Item = (&'a Vec<u8>, &'a Vec<u8>)>,
) -> Result<(), ConservationError> {
    let mut held = Held::default();
    let mut recorded = None;
    for (key, value) in state {
        let key = StateKey::decode(key).map_err(ConservationError::Unreadable)?;
        let record = StateRecord::decode(&key, value).map_err(ConservationError::Unreadable)?;
        held.count(&key, &record)?;
        if let StateRecord::Supply(supply) = record {
            recorded = Some(supply);
        }
    }
    let recorded = recorded.ok_or(ConservationError::SupplyMissing)?;
    for (place, sum, said) in PLACES {
        let (held, recorded) = (sum(&held), said(&recorded));
        if held != recorded {
            return Err(ConservationError::Mismatch { place, held, recorded });
        }
    }
    if is_balanced(&recorded) {
        Ok(())
    } else {
        Err(ConservationError::Unbalanced { supply: Box::new(recorded) })
    }
}

impl Held {
    /// Counts one record in: a step that holds money in a record of its own has a line here.
    pub(crate) fn count(&mut self, key: &StateKey, record: &StateRecord) -> Result<(), ConservationError> {
        let Self { parts: held, escrowed_by_accounts } = self;
        match record {
            StateRecord::Account(account) => {
                add(&mut held.credits_in_balances, account.credits, "balances")?;
                add(&mut held.open_in_balances, account.open, "OPEN balances")?;
                add(escrowed_by_accounts, account.escrowed, "escrow by account")?;
            }
            StateRecord::Channel(channel) if !channel.closed => {
                let rest = channel.deposit.minus(channel.spent);
                let rest = rest.ok_or(ConservationError::Overflow { place: "a channel" })?;
                add(&mut held.credits_in_channels, rest, "channels")?;
            }
            StateRecord::Tranche(tranche) => {
                let rest =
                    tranche.amount.minus(tranche.claimed).and_then(|rest| rest.minus(tranche.forfeited));
                let rest = rest.ok_or(ConservationError::Overflow { place: "a tranche" })?;
                add(&mut held.credits_in_escrow, rest, "escrow")?;
            }
            StateRecord::Immature(immature) => {
                add(&mut held.credits_in_escrow, immature.amount, "escrow")?;
            }
            StateRecord::Pool(amount) => match pool_asset(key) {
                Asset::Credit => add(&mut held.credits_in_pools, *amount, "pools")?,
                Asset::Open => add(&mut held.open_in_pools, *amount, "OPEN pools")?,
            },
            StateRecord::Markets(record) => {
                let held_there = record.custody();
                let held_there = held_there.ok_or(ConservationError::Overflow { place: "a market" })?;
                add(&mut held.credits_in_custody, held_there, "custody")?;
            }
            StateRecord::Provider(provider) => add(&mut held.open_bonded, provider.stake, "stake and bond")?,
            StateRecord::Gateway(gateway) => add(&mut held.open_bonded, gateway.bond, "stake and bond")?,
            StateRecord::Escrow(EscrowRecord::Bond(bond)) => {
                add(&mut held.open_bonded, bond.bond, "stake and bond")?;
            }
            StateRecord::Unbonding(unbonding) => {
                add(&mut held.open_bonded, unbonding.amount, "stake and bond")?;
            }
            StateRecord::Maturity(record) => add(&mut held.credits_in_custody, record.held(), "custody")?,
            StateRecord::Advances(record) => add(&mut held.credits_in_custody, record.held(), "custody")?,
            StateRecord::Datanets(record) => {
                let bonded = record.bonded().ok_or(ConservationError::Overflow { place: "a dispute" })?;
                add(&mut held.open_bonded, bonded, "stake and bond")?;
                add(&mut held.credits_in_custody, record.held(), "custody")?;
            }
            StateRecord::Audits(record) => {
                let credits = record.held().ok_or(ConservationError::Overflow { place: "an audit" })?;
                add(&mut held.credits_in_custody, credits, "custody")?;
            }
            StateRecord::Accounts(record) => {
                let open = record.held().ok_or(ConservationError::Overflow { place: "a report" })?;
                add(&mut held.open_in_custody, open, "OPEN custody")?;
            }
            StateRecord::Agents(record) => {
                let [credits, open, bonded] =
                    record.held().ok_or(ConservationError::Overflow { place: "a job" })?;
                add(&mut held.credits_in_custody, credits, "custody")?;
                add(&mut held.open_in_custody, open, "OPEN custody")?;
                add(&mut held.open_bonded, bonded, "stake and bond")?;
            }
            StateRecord::Governance(GovernanceStateRecord::Lock(lock)) => {
                let locked = lock.weights.last().map_or(0, |weight| weight.full);
                add(&mut held.open_in_custody, Amount(locked), "OPEN custody")?;
                for (_, leaving) in &lock.leaving {
                    add(&mut held.open_in_custody, *leaving, "OPEN custody")?;
                }
            }
            StateRecord::Funds(FundsStateRecord::Measurer(measurer)) => {
                add(&mut held.open_in_custody, measurer.bond, "OPEN custody")?;
            }
            StateRecord::Governance(GovernanceStateRecord::Proposal(proposal)) => {
                add(&mut held.open_in_custody, proposal.bond, "OPEN custody")?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// What the pool under this key holds.
fn pool_asset(key: &StateKey) -> Asset {
    match key {
        StateKey::Pool(pool) => pool.asset(),
        _ => unreachable!("a pool's record is under a pool's key"),
    }
}

fn add(sum: &mut Amount, amount: Amount, place: &'static str) -> Result<(), ConservationError> {
    *sum = sum.plus(amount).ok_or(ConservationError::Overflow { place })?;
    Ok(())
}
