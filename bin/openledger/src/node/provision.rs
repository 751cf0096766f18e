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
    /// Builder's account.
    pub builder: AccountSecret,
    /// Account of whoever tuned the adapters.
    pub tuner: AccountSecret,
    /// The adapters that are served.
    pub adapters: Vec<ServedAdapter>,
    /// The model's name, weights and licence.
    pub model: (Name, Hash, String),
    /// Where this node serves.
    pub endpoint: String,
    /// Sequences at a time.
    pub capacity: u32,
}

/// Stake and bond of a local network's roles, in OPEN.
const STAKE: Amount = Amount(10_000_000_000);
/// Credits of a local network's gateway.
const GATEWAY_CREDITS: Amount = Amount(10_000_000);
/// Price of a prompt token, in uC.
const PROMPT_PRICE: Amount = Amount(5);
/// Price of a completion token, in uC.
const COMPLETION_PRICE: Amount = Amount(40);
/// Part of the builder share that an adapter's tuner keeps; the rest goes to the lineage of its base.
const TUNER_SHARE: BasisPoints = BasisPoints(5_000);
/// Router fee of the local gateway.
const ROUTER_FEE: BasisPoints = BasisPoints(200);

/// Registers what is not registered yet.
pub async fn provision(chain: &Chain, roles: &Roles) -> Result<()> {
    let (provider, provider_key) = (&roles.provider.0, roles.provider.1);
    let (gateway, gateway_key) = (&roles.gateway.0, roles.gateway.1);
    let (model, weights, license) = &roles.model;
    if read::<ProviderRecord>(chain, StateKey::Provider(provider.account())).await?.is_none() {
        fund(chain, roles, provider).await?;
        let endpoint = roles.endpoint.clone();
        act(
            chain,
            roles,
            provider,
            Action::RegisterProvider { service_key: provider_key, stake: STAKE, endpoint },
        )
        .await?;
    }
    let base = Registration {
        builder: &roles.builder,
        name: model.clone(),
        weights: *weights,
        parent: None,
        share: BasisPoints::WHOLE,
        license: license.clone(),
    };
    base.register_and_offer(chain, roles).await?;
    for adapter in &roles.adapters {
        let registration = Registration {
            builder: &roles.tuner,
            name: adapter.ledger.clone(),
            weights: adapter.id,
            parent: Some(model.clone()),
            share: TUNER_SHARE,
            license: license.clone(),
        };
        registration.register_and_offer(chain, roles).await?;
    }
    if read::<GatewayRecord>(chain, StateKey::Gateway(gateway.account())).await?.is_none() {
        fund(chain, roles, gateway).await?;
        let endpoint = roles.endpoint.clone();
        let register = Action::RegisterGateway {
            service_key: gateway_key,
            bond: STAKE,
            router_fee: ROUTER_FEE,
            endpoint,
        };
        act(chain, roles, gateway, register).await?;
        // From this it covers receipts whose channel was closed before they were settled.
        let give = Action::Faucet { to: gateway.account(), asset: Asset::Credit, amount: GATEWAY_CREDITS };
        act(chain, roles, &roles.treasury, give).await?;
    }
    Ok(())
}

/// A model or an adapter as it stands on the ledger.
struct Registration<'a> {
    builder: &'a AccountSecret,
    name: Name,
    weights: Hash,
    parent: Option<Name>,
    /// The builder's part of the builder share.
    share: BasisPoints,
    license: String,
}

impl Registration<'_> {
    /// Registers it and posts the provider's offer, where that is not done yet.
    async fn register_and_offer(self, chain: &Chain, roles: &Roles) -> Result<()> {
        let Self { builder, name, weights, parent, share, license } = self;
        match read::<ModelRecord>(chain, StateKey::Model(name.clone())).await? {
            Some(record) if record.weights != weights => bail!(
                "the ledger knows {name} with the weights {}, the file has {weights}; serve it under another name or start in another --dir",
                record.weights
            ),
            Some(_) => {}
            None => {
                let royalties = vec![Royalty { account: builder.account(), share }];
                let register =
                    Action::RegisterModel { name: name.clone(), weights, parent, royalties, license };
                act(chain, roles, builder, register).await?;
            }
        }
        let provider = &roles.provider.0;
        let offered: Option<OfferRecord> =
            read(chain, StateKey::Offer(provider.account(), name.clone())).await?;
        if offered.is_none_or(|offer| offer.capacity != roles.capacity) {
            let offer = Action::PostOffer {
                model: name,
                class: None,
                prompt_price: PROMPT_PRICE,
                completion_price: COMPLETION_PRICE,
                capacity: roles.capacity,
            };
            act(chain, roles, provider, offer).await?;
        }
        Ok(())
    }
}

/// Gives an account the OPEN that it will stake, unless it has it.
async fn fund(chain: &Chain, roles: &Roles, secret: &AccountSecret) -> Result<()> {
    let account: Option<AccountRecord> = read(chain, StateKey::Account(secret.account())).await?;
    if account.is_some_and(|account| account.open >= STAKE) {
        return Ok(());
    }
    let give = Action::Faucet { to: secret.account(), asset: Asset::Open, amount: STAKE };
    act(chain, roles, &roles.treasury, give).await
}

async fn act(chain: &Chain, roles: &Roles, secret: &AccountSecret, action: Action) -> Result<()> {
    let summary = action.summary();
    let account: Option<AccountRecord> = read(chain, StateKey::Account(secret.account())).await?;
    let nonce = account.map_or(0, |account| account.nonce);
    let signed = Transaction { chain_id: roles.chain_id, nonce, action }.sign(secret);
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
