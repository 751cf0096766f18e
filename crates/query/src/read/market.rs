//! Questions about models, providers and gateways.

use openledger_types::record::{OfferRecord, Pool, Role};
use openledger_types::{AccountId, Name, limits};

use super::ReadModels;
use crate::accounts::amount;
use crate::market::{Gateway, Model, Provider};
use crate::settings::PAGE_ENTRIES_MAX;
use crate::state::State;
use crate::views::{GatewayView, ModelView, OfferView, Page, PageRequest, Paid, ProviderView, RoyaltyView};

impl ReadModels {
    /// Models by name.
    pub fn models(&self, page: PageRequest) -> Page<ModelView> {
        let state = self.read();
        let all = &state.market.models;
        page.of(all.len(), all.iter().map(|(name, model)| state.model_view(name, model)))
    }

    /// One model.
    pub fn model(&self, name: &Name) -> Option<ModelView> {
        let state = self.read();
        state.market.models.get(name).map(|model| state.model_view(name, model))
    }

    /// Providers by address.
    pub fn providers(&self, page: PageRequest) -> Page<ProviderView> {
        let state = self.read();
        let all = &state.market.providers;
        page.of(all.len(), all.iter().map(|(id, provider)| state.provider_view(*id, provider)))
    }

    /// Gateways by address.
    pub fn gateways(&self, page: PageRequest) -> Page<GatewayView> {
        let state = self.read();
        let all = &state.market.gateways;
        page.of(all.len(), all.iter().map(|(id, gateway)| state.gateway_view(*id, gateway)))
    }
}

impl State {
    fn model_view(&self, name: &Name, model: &Model) -> ModelView {
        let mut offers: Vec<OfferView> = self
            .market
            .providers
            .iter()
            .filter_map(|(id, provider)| Some(self.offer_view(*id, name, provider.offers.get(name)?)))
            .collect();
        offers.sort_by_key(|offer| (offer.completion_price, offer.provider.id));
        offers.truncate(PAGE_ENTRIES_MAX);
        let made_into = self.market.models.iter().filter(|(_, other)| other.parent.as_ref() == Some(name));
        let royalty = |royalty: &openledger_types::Royalty| RoyaltyView {
            account: self.account_ref(self.market.payee(royalty.account, u64::MAX)),
            share: royalty.share,
        };
        let uplift = self.settlement.pools.get(&Pool::Uplift(name.clone()));
        ModelView {
            name: name.clone(),
            builder: self.account_ref(model.builder),
            weights: model.weights,
            made_from: self.ancestors(model),
            made_into: made_into.map(|(name, _)| name.clone()).take(PAGE_ENTRIES_MAX).collect(),
            royalties: model.lineage.iter().map(royalty).collect(),
            license: model.license.clone(),
            height: model.height,
            answers: model.answers,
            earned: amount(model.earned),
            uplift_pool: amount(uplift.copied().unwrap_or(0)),
            offers,
        }
    }

    fn ancestors(&self, model: &Model) -> Vec<Name> {
        let mut names = Vec::new();
        let mut parent = model.parent.clone();
        while let Some(name) = parent.take().filter(|_| names.len() < limits::LINEAGE_DEPTH_MAX) {
            parent = self.market.models.get(&name).and_then(|model| model.parent.clone());
            names.push(name);
        }
        names
    }

    fn offer_view(&self, provider: AccountId, model: &Name, offer: &OfferRecord) -> OfferView {
        OfferView {
            provider: self.account_ref(provider),
            model: model.clone(),
            prompt_price: offer.prompt_price,
            completion_price: offer.completion_price,
            capacity: offer.capacity,
        }
    }

    fn provider_view(&self, id: AccountId, provider: &Provider) -> ProviderView {
        let earnings = self.accounts.by_id.get(&id).and_then(|account| account.earnings.get(&Role::Provider));
        let earned =
            earnings.map(|earned| Paid { liquid: amount(earned.liquid), escrowed: amount(earned.escrowed) });
        let offers = provider.offers.iter().take(PAGE_ENTRIES_MAX);
        ProviderView {
            account: self.account_ref(id),
            stake: provider.stake,
            endpoint: provider.endpoint.clone(),
            height: provider.height,
            answers: provider.answers,
            earned: earned.unwrap_or_default(),
            offers: offers.map(|(model, offer)| self.offer_view(id, model, offer)).collect(),
        }
    }

    fn gateway_view(&self, id: AccountId, gateway: &Gateway) -> GatewayView {
        GatewayView {
            account: self.account_ref(id),
            bond: gateway.bond,
            router_fee: gateway.router_fee,
            endpoint: gateway.endpoint.clone(),
            height: gateway.height,
            batches: gateway.batches,
            receipts: gateway.receipts,
            charged: amount(gateway.charged),
        }
    }
}
