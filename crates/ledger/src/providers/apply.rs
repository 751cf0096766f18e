//! The transitions of providers and offers.

use openledger_types::record::{OfferRecord, ProviderRecord};
use openledger_types::{AccountId, Amount, Asset, Event, Name, Rejection, ServiceKey};

use crate::accounts;
use crate::execute::{Transition, check_text};
use crate::state::{Applied, StateKey};
use crate::supply::{self, Part};

pub(crate) fn keys(provider: AccountId, model: Option<&Name>) -> Vec<StateKey> {
    std::iter::once(StateKey::Provider(provider))
        .chain(model.map(|model| StateKey::Model(model.clone())))
        .collect()
}

pub(crate) fn register(
    transition: &mut Transition<'_>,
    service_key: ServiceKey,
    stake: Amount,
    endpoint: &str,
) -> Applied {
    check_text(endpoint)?;
    let provider = transition.sender;
    let key = StateKey::Provider(provider);
    if transition.view.get::<ProviderRecord>(&key)?.is_some() {
        return Err(Rejection::ProviderExists.into());
    }
    if stake < transition.parameters.provider_stake_min {
        return Err(Rejection::StakeTooLow.into());
    }
    accounts::spend(transition, provider, Asset::Open, stake)?;
    supply::enter(&mut transition.supply, Part::Bonded, stake)?;
    let endpoint = endpoint.to_owned();
    let record = ProviderRecord { service_key, stake, endpoint: endpoint.clone(), exposure: Amount::ZERO };
    transition.view.put(&key, &record);
    transition.emit(Event::ProviderRegistered { provider, stake, endpoint });
    Ok(())
}

pub(crate) fn post_offer(
    transition: &mut Transition<'_>,
    model: &Name,
    prompt_price: Amount,
    completion_price: Amount,
    capacity: u32,
) -> Applied {
    let provider = transition.sender;
    transition.view.model(model)?;
    transition.view.provider(provider)?;
    let priced = prompt_price > Amount::ZERO || completion_price > Amount::ZERO;
    if !priced || capacity == 0 {
        return Err(Rejection::OfferInvalid.into());
    }
    let offer = OfferRecord { prompt_price, completion_price, capacity };
    transition.view.put(&StateKey::Offer(provider, model.clone()), &offer);
    transition.emit(Event::OfferPosted { provider, model: model.clone(), offer });
    Ok(())
}
