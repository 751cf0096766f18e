//! Registers a local network's own roles on its ledger: provider, model and adapters with their offers, gateway. Each is done once; a restart
//! finds it done.
//!
//! Absent: datanets, consumers and anything that a user does through the HTTP interface.

use anyhow::{Context, Result, bail};
use openledger_chain::Chain;
use openledger_ledger::StateKey;
use openledger_types::record::{AccountRecord, GatewayRecord, ModelRecord, OfferRecord, ProviderRecord};
use openledger_types::{
    AccountSecret, Action, Amount, Asset, BasisPoints, Hash, Name, Rejection, Royalty, ServiceKey,
    Transaction, codec, limits,
};

use super::adapters::ServedAdapter;
use crate::models;

/// What the local network's provider and gateway promise.
pub struct Roles {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Key of the account that gives from the faucet.
    pub treasury: AccountSecret,
    /// Provider's account and service key.
    pub provider: (AccountSecret, ServiceKey),
    /// Gateway's account and service key.
    pub gateway: (AccountSecret, ServiceKey),
    /// The models that the provider serves; the first is the node's own, its adapters follow, then those of other engines.
    pub promises: Vec<Promise>,
    /// Where this node serves.
    pub endpoint: String,
}

/// A model that a provider serves.
pub struct Promise {
    /// Its name on the ledger.
    pub model: Name,
    /// SHA-256 of its file, or that nobody can know it.
    pub weights: Hash,
    /// Licence of the weights.
    pub license: String,
    /// Who registers it and has the builder share.
    pub builder: AccountSecret,
    /// The model that it was made from, and the builder's part of the builder share; none where it was made from nothing here.
    pub lineage: Option<(Name, BasisPoints)>,
    /// The name that consumers ask for, where it is not the ledger's.
    pub listed: Option<String>,
    /// Price of a prompt token and of a completion token; without them the posted ones stand, or those of a local network.
    pub prices: Option<(Amount, Amount)>,
    /// Sequences at a time.
    pub capacity: u32,
}

impl Roles {
    /// The node's own model.
    pub fn own(&self) -> &Promise {
        self.promises.first().expect("a node serves a model of its own")
    }

    /// Promises each adapter beside the node's own model, which it was made from; `tuner` has its builder share.
    pub fn serve_adapters(&mut self, adapters: &[ServedAdapter], tuner: &AccountSecret) {
        let own = self.own();
        let promises: Vec<Promise> = adapters
            .iter()
            .map(|adapter| Promise {
                model: adapter.ledger.clone(),
                weights: adapter.id,
                license: own.license.clone(),
                builder: tuner.clone(),
                lineage: Some((own.model.clone(), TUNER_SHARE)),
                listed: Some(format!("{}:{}", own.model, adapter.name)),
                prices: None,
                capacity: own.capacity,
            })
            .collect();
        self.promises.splice(1..1, promises);
    }
}

/// Stake and bond of a local network's roles, in OPEN.
const STAKE: Amount = Amount(10_000_000_000);
/// Credits of a local network's gateway.
const GATEWAY_CREDITS: Amount = Amount(10_000_000);
/// Price of a prompt token of the node's own model, in uC, until its provider posts another.
const PROMPT_PRICE: Amount = Amount(5);
/// Price of a completion token of the node's own model, in uC, until its provider posts another.
const COMPLETION_PRICE: Amount = Amount(40);
/// Part of the builder share that an adapter's tuner keeps; the rest goes to the lineage of its base.
const TUNER_SHARE: BasisPoints = BasisPoints(5_000);
/// Router fee of the local gateway.
const ROUTER_FEE: BasisPoints = BasisPoints(200);

/// Registers what is not registered yet.
pub async fn provision(chain: &Chain, roles: &Roles) -> Result<()> {
    let (provider, service_key) = (&roles.provider.0, roles.provider.1);
    if read::<ProviderRecord>(chain, StateKey::Provider(provider.account())).await?.is_none() {
        fund(chain, roles, provider).await?;
        let endpoint = roles.endpoint.clone();
        let register = Action::RegisterProvider { service_key, stake: STAKE, endpoint };
        act(chain, roles.chain_id, provider, register).await?;
    }
    let bar = models::count_bar(roles.promises.len(), "offering models");
    for promise in bar.wrap_iter(roles.promises.iter()) {
        promise_model(chain, roles, promise).await?;
    }
    bar.finish_and_clear();
    provision_gateway(chain, roles).await
}

async fn provision_gateway(chain: &Chain, roles: &Roles) -> Result<()> {
    let (gateway, service_key) = (&roles.gateway.0, roles.gateway.1);
    if read::<GatewayRecord>(chain, StateKey::Gateway(gateway.account())).await?.is_some() {
        return Ok(());
    }
    fund(chain, roles, gateway).await?;
    let endpoint = roles.endpoint.clone();
    let register = Action::RegisterGateway { service_key, bond: STAKE, router_fee: ROUTER_FEE, endpoint };
    act(chain, roles.chain_id, gateway, register).await?;
    // From this it covers receipts whose channel was closed before they were settled.
    let give = Action::Faucet { to: gateway.account(), asset: Asset::Credit, amount: GATEWAY_CREDITS };
    act(chain, roles.chain_id, &roles.treasury, give).await
}

/// Registers a model that is not registered, and posts the provider's offer if the ledger has another.
async fn promise_model(chain: &Chain, roles: &Roles, promise: &Promise) -> Result<()> {
    let Promise { model, weights, capacity, .. } = promise;
    match read::<ModelRecord>(chain, StateKey::Model(model.clone())).await? {
        Some(record) if record.weights != *weights => bail!(
            "the ledger knows {model} with {}, and what is served has {}; serve it under another name or start in another --dir",
            said(record.weights),
            said(*weights)
        ),
        Some(_) => {}
        None => register_model(chain, roles, promise).await?,
    }
    let provider = &roles.provider.0;
    let offered: Option<OfferRecord> =
        read(chain, StateKey::Offer(provider.account(), model.clone())).await?;
    let posted = offered.as_ref().map(|offer| (offer.prompt_price, offer.completion_price));
    let prices = promise.prices.or(posted).unwrap_or((PROMPT_PRICE, COMPLETION_PRICE));
    if offered.as_ref().is_some_and(|offer| posted == Some(prices) && offer.capacity == *capacity) {
        return Ok(());
    }
    let offer = Action::PostOffer {
        model: model.clone(),
        class: offered.and_then(|offer| offer.class),
        prompt_price: prices.0,
        completion_price: prices.1,
        capacity: *capacity,
    };
    act(chain, roles.chain_id, provider, offer).await
}

fn said(weights: Hash) -> String {
    if weights.is_unknown() {
        "weights that nobody knows".to_owned()
    } else {
        format!("the weights {weights}")
    }
}

async fn register_model(chain: &Chain, roles: &Roles, promise: &Promise) -> Result<()> {
    let (parent, share) =
        promise.lineage.clone().map_or((None, BasisPoints::WHOLE), |(parent, share)| (Some(parent), share));
    let register = Action::RegisterModel {
        name: promise.model.clone(),
        weights: promise.weights,
        parent,
        royalties: vec![Royalty { account: promise.builder.account(), share }],
        license: promise.license.clone(),
    };
    act(chain, roles.chain_id, &promise.builder, register).await
}

/// Gives an account the OPEN that it will stake, unless it has it.
async fn fund(chain: &Chain, roles: &Roles, secret: &AccountSecret) -> Result<()> {
    let account: Option<AccountRecord> = read(chain, StateKey::Account(secret.account())).await?;
    if account.is_some_and(|account| account.open >= STAKE) {
        return Ok(());
    }
    let give = Action::Faucet { to: secret.account(), asset: Asset::Open, amount: STAKE };
    act(chain, roles.chain_id, &roles.treasury, give).await
}

/// Sends an action and waits until it is final; a rejection is an error.
pub async fn act(chain: &Chain, chain_id: u64, secret: &AccountSecret, action: Action) -> Result<()> {
    let summary = action.summary();
    let account: Option<AccountRecord> = read(chain, StateKey::Account(secret.account())).await?;
    let nonce = account.map_or(0, |account| account.nonce);
    let signed = Transaction { chain_id, nonce, action }.sign(secret);
    let done = chain
        .submit_and_wait(signed.encode())
        .await
        .with_context(|| format!("\"{summary}\" was not ordered"))?;
    match done.result {
        Ok(()) => Ok(()),
        Err(number) => {
            let reason = Rejection::from_number(number).map_or("a limit of the chain", Rejection::text);
            bail!("the ledger refused \"{summary}\": {reason} (rejection {number})")
        }
    }
}

/// One record of the finalized state.
pub async fn read<T: borsh::BorshDeserialize>(chain: &Chain, key: StateKey) -> Result<Option<T>> {
    let value = chain.get(&key.encode()).await?.value;
    let Some(bytes) = value else { return Ok(None) };
    Ok(Some(codec::decode("record", &bytes, limits::RECORD_BYTES_MAX)?))
}
