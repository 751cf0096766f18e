//! The registration of a gateway.

use openledger_types::record::GatewayRecord;
use openledger_types::{AccountId, Amount, Asset, BasisPoints, Event, Rejection, ServiceKey};

use crate::accounts;
use crate::execute::{Transition, check_text};
use crate::state::{Applied, StateKey};
use crate::supply::{self, Part};

pub(crate) fn keys(gateway: AccountId) -> Vec<StateKey> {
    vec![StateKey::Gateway(gateway)]
}

pub(crate) fn register(
    transition: &mut Transition<'_>,
    service_key: ServiceKey,
    bond: Amount,
    router_fee: BasisPoints,
    endpoint: &str,
) -> Applied {
    check_text(endpoint)?;
    let gateway = transition.sender;
    let key = StateKey::Gateway(gateway);
    if transition.view.get::<GatewayRecord>(&key)?.is_some() {
        return Err(Rejection::GatewayExists.into());
    }
    if bond < transition.parameters.gateway_bond_min {
        return Err(Rejection::BondTooLow.into());
    }
    if router_fee > transition.parameters.router_fee_max {
        return Err(Rejection::RouterFeeTooHigh.into());
    }
    accounts::spend(transition, gateway, Asset::Open, bond)?;
    supply::enter(&mut transition.supply, Part::Bonded, bond)?;
    let endpoint = endpoint.to_owned();
    let record = GatewayRecord {
        service_key,
        bond,
        router_fee,
        endpoint: endpoint.clone(),
        batches: 0,
        receipts: 0,
        exposure: Amount::ZERO,
    };
    transition.view.put(&key, &record);
    transition.emit(Event::GatewayRegistered { gateway, bond, router_fee, endpoint });
    Ok(())
}
