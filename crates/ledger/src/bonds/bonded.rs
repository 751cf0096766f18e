//! Who has OPEN at stake, in any role: one sight of the four records that hold it.

use openledger_types::record::{GatewayRecord, ProviderRecord, Role};
use openledger_types::{AccountId, Amount, BondRecord};

use crate::escrow::{self, EscrowKey};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};

/// A record that holds stake or bond, and the liquid payouts that it secures.
pub(crate) enum Bonded {
    Provider(ProviderRecord),
    Gateway(GatewayRecord),
    Other(Role, BondRecord),
}

/// The key of the record that [`Bonded::read`] reads.
pub(crate) fn key(account: AccountId, role: Role) -> StateKey {
    match role {
        Role::Provider => StateKey::Provider(account),
        Role::Gateway => StateKey::Gateway(account),
        Role::Builder | Role::Data | Role::Evaluator | Role::Auditor => {
            EscrowKey::Bond(account, role).state()
        }
    }
}

impl Bonded {
    /// The record of a role. Builders, contributors and evaluators need no registration: no record is an empty bond.
    pub(crate) fn read(transition: &mut Transition<'_>, account: AccountId, role: Role) -> Applied<Self> {
        Ok(match role {
            Role::Provider => Self::Provider(transition.view.provider(account)?),
            Role::Gateway => Self::Gateway(transition.view.gateway(account)?),
            Role::Builder | Role::Data | Role::Evaluator | Role::Auditor => {
                Self::Other(role, transition.view.get(&key(account, role))?.unwrap_or_default())
            }
        })
    }

    pub(crate) fn role(&self) -> Role {
        match self {
            Self::Provider(_) => Role::Provider,
            Self::Gateway(_) => Role::Gateway,
            Self::Other(role, _) => *role,
        }
    }

    pub(crate) fn amount(&mut self) -> &mut Amount {
        match self {
            Self::Provider(record) => &mut record.stake,
            Self::Gateway(record) => &mut record.bond,
            Self::Other(_, record) => &mut record.bond,
        }
    }

    pub(crate) fn exposure(&mut self) -> &mut Amount {
        match self {
            Self::Provider(record) => &mut record.exposure,
            Self::Gateway(record) => &mut record.exposure,
            Self::Other(_, record) => &mut record.exposure,
        }
    }

    /// What may be liquid and unverified at most: half the collateral; for early liquidity of contributors all of it,
    /// because nobody but they is harmed by what they wait for.
    pub(crate) fn exposure_max(&mut self, collateral_per_open: Amount) -> Amount {
        let collateral = escrow::collateral(*self.amount(), collateral_per_open);
        if self.role() == Role::Data { collateral } else { Amount(collateral.0 >> 1) }
    }

    pub(crate) fn write(&self, transition: &mut Transition<'_>, account: AccountId) {
        match self {
            Self::Provider(record) => transition.view.put(&key(account, Role::Provider), record),
            Self::Gateway(record) => transition.view.put(&key(account, Role::Gateway), record),
            Self::Other(role, record) if *record == BondRecord::default() => {
                transition.view.remove(&key(account, *role));
            }
            Self::Other(role, record) => transition.view.put(&key(account, *role), record),
        }
    }
}
