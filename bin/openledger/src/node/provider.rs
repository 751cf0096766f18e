//! The provider's life on the ledger beside its offers: once in an epoch a signed heartbeat with what its workers measured, and
//! when the node stops the end of its offers. And the machine that it serves with, for whoever asks.
//!
//! Rule: a heartbeat says what was shown and nothing that was configured. A provider that nobody asked has shown nothing and
//! sends none.
//! Absent: the machine on the ledger: no rule reads it, so it is the provider's signed word; offers in a class.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use openledger_chain::Chain;
use openledger_inference::{Backend, Tier};
use openledger_ledger::StateKey;
use openledger_ledger::providers::ProviderKey;
use openledger_types::providers::{HeartbeatRecord, Load};
use openledger_types::record::OfferRecord;
use openledger_types::{AccountSecret, Action, Amount, Name, Parameters, ProviderAction, ServiceSecret};
use openledger_worker::{Measured, Offer, Worker};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::provision::{Roles, act, read};
use super::serving::ServingLimits;

/// Between two looks whether a heartbeat is due.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Signed in front of what is said, so that the signature means nothing else.
const SAID: &[u8] = b"openledger/provider/v1\0";

/// A provider and what it serves with.
pub struct Provider {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Signs heartbeats.
    pub account: AccountSecret,
    /// Signs what it says of itself.
    pub service: ServiceSecret,
    /// One for each model.
    pub workers: Vec<Arc<Worker>>,
    /// Where its capacity counts; without one it says nothing to the ledger beside its offers.
    pub class: Option<Name>,
}

impl Provider {
    /// Sends a heartbeat in every epoch in which there is something to say, until `stopping`.
    pub async fn beat(&self, chain: &Chain, mut stopping: watch::Receiver<bool>) {
        let Some(class) = &self.class else { return };
        tokio::select! {
            () = self.keep_beating(chain, class) => {}
            // A closed channel means that the node is gone.
            _ = stopping.wait_for(|stop| *stop) => {}
        }
    }

    async fn keep_beating(&self, chain: &Chain, class: &Name) {
        let mut said = None;
        loop {
            if let Err(error) = self.beat_once(chain, class, &mut said).await {
                tracing::warn!("no heartbeat was sent: {error:#}; it is tried again");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// One heartbeat, unless there was one in this epoch (`said` remembers which) or nothing was measured.
    async fn beat_once(&self, chain: &Chain, class: &Name, said: &mut Option<u64>) -> Result<()> {
        let Some(parameters) = read::<Parameters>(chain, StateKey::Parameters).await? else {
            bail!("the ledger has no parameters");
        };
        let epoch = parameters.epoch_at(now_ms());
        if said.is_some_and(|said| said >= epoch) {
            return Ok(());
        }
        let key = StateKey::Providers(ProviderKey::Heartbeat(self.account.account()));
        if let Some(record) =
            read::<HeartbeatRecord>(chain, key).await?.filter(|record| record.epoch >= epoch)
        {
            *said = Some(record.epoch);
            return Ok(());
        }
        let shown = self.workers.iter().filter(|worker| !worker.is_beside()).map(|worker| {
            let offer = worker.offer();
            ((offer.prompt_price, offer.completion_price), worker.measured())
        });
        let Some(load) = load(class, shown, parameters.epoch_ms) else { return Ok(()) };
        let beat = Action::Providers(ProviderAction::Heartbeat { loads: vec![load] });
        act(chain, self.chain_id, &self.account, beat).await?;
        *said = Some(epoch);
        Ok(())
    }

    /// Begins nothing from now on, and takes the offers back if the provider has a class: whoever routes by the ledger finds
    /// them gone. A start posts them again.
    pub async fn drain(&self, chain: &Chain) {
        self.workers.iter().for_each(|worker| worker.drain());
        if self.class.is_none() {
            return;
        }
        for worker in &self.workers {
            let model = worker.offer().model.clone();
            let withdraw = Action::Providers(ProviderAction::WithdrawOffer { model: model.clone() });
            if let Err(error) = act(chain, self.chain_id, &self.account, withdraw).await {
                tracing::warn!("the offer for {model} stands on the ledger: {error:#}");
            }
        }
    }

    /// What the provider says of itself, signed by its service key: the machine, the models, and what was measured.
    pub fn told(&self) -> Value {
        let models = self.workers.iter().map(|worker| {
            let (offer, info, measured) = (worker.offer(), worker.model_info(), worker.measured());
            json!({
                "model": offer.model,
                "tier": info.tier().as_str(),
                "engine": info.engine,
                "context_length": info.context_tokens,
                "capacity": offer.capacity,
                // Places and what was measured are those of the engine, which the first model of it tells as well.
                "shares_engine": worker.is_beside(),
                "free": worker.free(),
                "busy_seconds": measured.busy.as_secs_f64(),
                "window_seconds": measured.window.as_secs_f64(),
                "prompt_tokens": measured.prompt_tokens,
                "completion_tokens": measured.completion_tokens,
                "tokens_per_second": measured.tokens_per_second_millis() as f64 / 1_000.0,
            })
        });
        let said = json!({
            "provider": self.account.account(),
            "at_ms": now_ms(),
            "hardware": hardware(),
            "models": models.collect::<Vec<Value>>(),
        });
        let said = said.to_string();
        let signature = self.service.sign(&[SAID, said.as_bytes()].concat());
        json!({ "said": said, "key": self.service.key(), "signature": format!("0x{}", hex::encode(signature)) })
    }
}

/// A worker for each promise, with the engine at the same place; the first is the node's own.
pub async fn workers(
    roles: &Roles,
    chain: &Chain,
    backends: Vec<Arc<dyn Backend>>,
    serving: ServingLimits,
    service: impl Fn() -> ServiceSecret,
) -> Result<Vec<Arc<Worker>>> {
    let provider = roles.provider.0.account();
    let mut workers: Vec<Arc<Worker>> = Vec::with_capacity(backends.len());
    for (promise, backend) in roles.promises.iter().zip(backends) {
        let model = promise.model.clone();
        let record: OfferRecord = read(chain, StateKey::Offer(provider, model.clone()))
            .await?
            .context("the provider's offer was just posted and is not on the ledger")?;
        // The node's own engine has a queue, in which callers are served in turn.
        let waiting = if backend.model_info().tier() == Tier::Exact { serving.waiting } else { 0 };
        let offer = Offer {
            provider,
            model,
            weights: promise.weights,
            prompt_price: record.prompt_price,
            completion_price: record.completion_price,
            capacity: record.capacity.saturating_add(waiting),
        };
        let worker = Worker::new(offer, service(), backend);
        let worker = match (&promise.listed, workers.first()) {
            // An adapter is computed by the node's own engine, whose places are not multiplied by it.
            (Some(name), Some(own)) => worker.listed_as(name.clone()).beside(own),
            _ => worker,
        };
        workers.push(Arc::new(worker));
    }
    Ok(workers)
}

/// What was shown, for an epoch: the price of what passed, by the time in which anything ran and by the whole of the window.
/// `None` when nothing was shown. Engines, of which each is shown once, are taken for independent of each other, as machines of their
/// own are.
fn load(
    class: &Name,
    shown: impl Iterator<Item = ((Amount, Amount), Measured)>,
    epoch_ms: u64,
) -> Option<Load> {
    let (mut capacity, mut busy) = (0_u64, 0_u64);
    for ((prompt_price, completion_price), measured) in shown {
        let price = |tokens: u64, price: Amount| u128::from(tokens) * u128::from(price.0);
        let value =
            price(measured.prompt_tokens, prompt_price) + price(measured.completion_tokens, completion_price);
        let of_epoch = |time: Duration| {
            let rate = value.saturating_mul(u128::from(epoch_ms)) / time.as_millis().max(1);
            u64::try_from(rate).unwrap_or(u64::MAX)
        };
        if !measured.busy.is_zero() {
            capacity = capacity.saturating_add(of_epoch(measured.busy));
            busy = busy.saturating_add(of_epoch(measured.window.max(measured.busy)));
        }
    }
    let capacity = Some(Amount(capacity)).filter(|capacity| *capacity > Amount::ZERO)?;
    Some(Load { class: class.clone(), capacity, busy: Amount(busy).min(capacity) })
}

/// The machine: cores, memory, and what of the instruction set matters to inference.
fn hardware() -> Value {
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = memory.and_then(|text| text.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    json!({
        "cores": std::thread::available_parallelism().map_or(1, usize::from),
        "memory_mib": kibibytes.map(|kibibytes| kibibytes / 1_024),
        "instructions": instructions(),
    })
}

fn instructions() -> Vec<&'static str> {
    #[cfg_attr(
        not(any(target_arch = "x86_64", target_arch = "aarch64")),
        expect(unused_mut, reason = "nothing is known of other instruction sets")
    )]
    let mut found = vec![std::env::consts::ARCH];
    #[cfg(target_arch = "x86_64")]
    {
        let known = [
            ("avx2", std::arch::is_x86_feature_detected!("avx2")),
            ("fma", std::arch::is_x86_feature_detected!("fma")),
            ("f16c", std::arch::is_x86_feature_detected!("f16c")),
            ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
            ("avx512vnni", std::arch::is_x86_feature_detected!("avx512vnni")),
        ];
        found.extend(known.into_iter().filter(|(_, has)| *has).map(|(name, _)| name));
    }
    #[cfg(target_arch = "aarch64")]
    found.extend(std::arch::is_aarch64_feature_detected!("dotprod").then_some("dotprod"));
    found
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(window: u64, busy: u64, prompt_tokens: u64, completion_tokens: u64) -> Measured {
        let (window, busy) = (Duration::from_secs(window), Duration::from_secs(busy));
        Measured { window, busy, prompt_tokens, completion_tokens }
    }

    #[test]
    fn a_load_is_what_was_shown_by_the_time_in_which_it_was() {
        let prices = (Amount(5), Amount(40));
        let check = |shown: &[Measured], expected: Option<(u64, u64)>| {
            let class: Name = "general".parse().unwrap();
            let load = load(&class, shown.iter().map(|shown| (prices, *shown)), 60_000);
            assert_eq!(load.map(|load| (load.capacity.0, load.busy.0)), expected, "{shown:?}");
        };
        check(&[], None);
        check(&[measured(600, 0, 0, 0)], None);
        // 100 · 5 + 50 · 40 uC in 10 of 100 seconds: 250 uC a second while it ran.
        check(&[measured(100, 10, 100, 50)], Some((15_000, 1_500)));
        check(&[measured(100, 10, 100, 50), measured(100, 100, 0, 1)], Some((15_024, 1_524)));
        check(&[measured(100, 10, u64::MAX, u64::MAX)], Some((u64::MAX, u64::MAX)));
    }
}
