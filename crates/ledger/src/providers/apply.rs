//! The transitions of providers and offers.

use openledger_types::models::{TitleRecord, title_of};
use openledger_types::providers::{ProviderAction, ProviderEvent, RetiredKeyRecord};
use openledger_types::record::{OfferRecord, ProviderRecord};
use openledger_types::{AccountId, Amount, Asset, Domain, Event, Name, Rejection, ServiceKey, limits};

use super::heartbeat::heartbeat;
use super::key::ProviderKey;
use crate::execute::{Transition, check_text};
use crate::models::ModelKey;
use crate::state::{Applied, StateKey};
use crate::supply::{self, Part};
use crate::{accounts, markets, reputation};

pub(crate) fn keys(provider: AccountId, model: Option<&Name>) -> Vec<StateKey> {
    std::iter::once(StateKey::Provider(provider))
        .chain(model.map(|model| StateKey::Model(model.clone())))
        .chain(model.map(|model| StateKey::Models(ModelKey::Title(title_of(model)))))
        .collect()
}

pub(crate) fn keys_of_action(provider: AccountId, action: &ProviderAction) -> Vec<StateKey> {
    let mut keys = vec![StateKey::Provider(provider)];
    match action {
        ProviderAction::Heartbeat { loads } => {
            keys.push(StateKey::Providers(ProviderKey::Heartbeat(provider)));
            for load in loads.iter().take(limits::CLASSES_MAX) {
                keys.push(StateKey::Providers(ProviderKey::Class(load.class.clone())));
                keys.push(markets::keys_of_load(provider, &load.class));
            }
            keys.push(accounts::key_of_cluster(provider));
            keys.push(markets::keys_of_leases(provider));
            keys.extend(reputation::keys(provider, &Domain::Serving));
        }
        ProviderAction::WithdrawOffer { model } => keys.push(StateKey::Offer(provider, model.clone())),
        ProviderAction::ChangeService { .. } => {}
    }
    keys
}

pub(crate) fn apply(transition: &mut Transition<'_>, action: &ProviderAction) -> Applied {
    match action {
        ProviderAction::Heartbeat { loads } => heartbeat(transition, loads),
        ProviderAction::WithdrawOffer { model } => withdraw_offer(transition, model),
        ProviderAction::ChangeService { service_key, endpoint } => {
            change_service(transition, *service_key, endpoint.as_deref())
        }
    }
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
    class: Option<&Name>,
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
    let title = StateKey::Models(ModelKey::Title(title_of(model)));
    if transition.view.get::<TitleRecord>(&title)?.is_some_and(|title| title.delisted_at.is_some()) {
        return Err(Rejection::ModelDelisted.into());
    }
    if let Some(class) = class {
        let reference = transition.parameters.markets.class(class).ok_or(Rejection::ClassUnknown)?;
        if prompt_price > reference.prompt_price || completion_price > reference.completion_price {
            return Err(Rejection::OfferAboveReference.into());
        }
    }
    let offer = OfferRecord { class: class.cloned(), prompt_price, completion_price, capacity };
    transition.view.put(&StateKey::Offer(provider, model.clone()), &offer);
    transition.emit(Event::OfferPosted { provider, model: model.clone(), offer });
    Ok(())
}

fn withdraw_offer(transition: &mut Transition<'_>, model: &Name) -> Applied {
    let provider = transition.sender;
    let key = StateKey::Offer(provider, model.clone());
    if transition.view.get::<OfferRecord>(&key)?.is_none() {
        return Err(Rejection::OfferUnknown.into());
    }
    transition.view.remove(&key);
    transition.emit(Event::Providers(ProviderEvent::OfferWithdrawn { provider, model: model.clone() }));
    Ok(())
}

/// The old key keeps a record of its own, so that receipts that it countersigned can still be proved.
fn change_service(
    transition: &mut Transition<'_>,
    service_key: Option<ServiceKey>,
    endpoint: Option<&str>,
) -> Applied {
    check_text(endpoint.unwrap_or_default())?;
    let provider = transition.sender;
    let mut record = transition.view.provider(provider)?;
    let old = record.clone();
    record.service_key = service_key.unwrap_or(old.service_key);
    record.endpoint = endpoint.map_or(old.endpoint.clone(), str::to_owned);
    if record == old {
        return Err(Rejection::ServiceUnchanged.into());
    }
    if record.service_key != old.service_key {
        let key = StateKey::Providers(ProviderKey::RetiredKey(provider, old.service_key));
        transition.view.put(&key, &RetiredKeyRecord { height: transition.context.height });
    }
    transition.view.put(&StateKey::Provider(provider), &record);
    let (service_key, endpoint) = (record.service_key, record.endpoint);
    transition.emit(Event::Providers(ProviderEvent::ServiceChanged { provider, service_key, endpoint }));
    Ok(())
}
