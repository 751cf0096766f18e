//! The plans of A12, with and without audits.

use std::collections::{BTreeMap, VecDeque};

use openledger_ledger::{StateKey, StateRecord};
use openledger_types::record::ProviderRecord;
use openledger_types::{Action, Amount, Asset, Hash, ServiceKey};

use crate::SimError;
use crate::exchange::{COST, Exchange, Parties};
use crate::office::honest;
use crate::random::SplitMix64;
use crate::world::{Actor, Holding, World};

const EPOCHS: u64 = 40;
const HONEST_EPOCHS: u64 = 20;
const DRAIN_EPOCHS: u64 = 120;
const HONEST: usize = 6;
const EACH: usize = 2;
const LIVES: usize = 4;
const JOBS: u64 = 4;
const PRICE: Amount = Amount(1_000_000);
const STAKE_WHOLE: u64 = 1_000;
const AUDITORS: usize = 30;

/// What a provider does with its jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Plan {
    Eighth,
    Half,
    All,
    Exit,
    ExitHalf,
    Whitewash,
    Honest,
}

impl Plan {
    /// Those of scammers.
    pub(super) const ALL: [Self; 6] =
        [Self::Eighth, Self::Half, Self::All, Self::Exit, Self::ExitHalf, Self::Whitewash];

    /// Eighths of the work that is left undone in an epoch.
    fn undone(self, epoch: u64) -> u64 {
        match self {
            Self::Honest => 0,
            Self::Eighth => 1,
            Self::Half => 4,
            Self::All | Self::Whitewash => 8,
            Self::Exit | Self::ExitHalf if epoch < HONEST_EPOCHS => 0,
            Self::Exit => 8,
            Self::ExitHalf => 4,
        }
    }
}

/// What a world saw, in uC.
pub(super) struct Played {
    /// What plans gained, and what they were paid or would have been.
    pub(super) by_plan: BTreeMap<Plan, (i128, i128)>,
    pub(super) lost: i128,
    pub(super) collateral: i128,
    pub(super) unverified: f64,
    pub(super) lives: u64,
    pub(super) paused: u64,
    pub(super) fingerprint: Hash,
    pub(super) epochs: u64,
}

struct Provider {
    plan: Plan,
    lives: Vec<Actor>,
    life: usize,
    served: u64,
    undone: u64,
    /// OFF: the last ratings.
    ratings: VecDeque<bool>,
}

impl Provider {
    fn actor(&self) -> &Actor {
        &self.lives[self.life]
    }
}

fn providers(seed: u64) -> Vec<Provider> {
    let honest = std::iter::repeat_n(Plan::Honest, HONEST);
    let scammers = Plan::ALL.into_iter().flat_map(|plan| std::iter::repeat_n(plan, EACH));
    let plans = honest.chain(scammers).enumerate();
    plans
        .map(|(number, plan)| Provider {
            plan,
            lives: (0..LIVES).map(|life| Actor::derive(seed, &format!("provider {number} {life}"))).collect(),
            life: 0,
            served: 0,
            undone: 0,
            ratings: VecDeque::new(),
        })
        .collect()
}

/// An epoch's jobs: who, and whether the work is left undone.
fn jobs(providers: &mut [Provider], random: &mut SplitMix64, epoch: u64) -> Vec<(usize, bool)> {
    let mut jobs = Vec::new();
    for (number, provider) in providers.iter_mut().enumerate() {
        for _ in 0..JOBS {
            let undone = random.happens(provider.plan.undone(epoch), 8);
            provider.served += 1;
            provider.undone += u64::from(undone);
            jobs.push((number, undone));
        }
    }
    jobs
}

/// Adds up what plans gained: `wealth` less what honest work cost.
fn tally(played: &mut Played, providers: &[Provider], share: Amount, gained: impl Fn(&Provider) -> i128) {
    let cost = i128::from(share.basis_points(COST).0);
    for provider in providers {
        let worked = i128::from(provider.served - provider.undone) * cost;
        let entry = played.by_plan.entry(provider.plan).or_default();
        entry.0 += gained(provider) - worked;
        entry.1 += i128::from(provider.served) * i128::from(share.0);
    }
}

/// Ratings, pay at once, and names for nothing.
pub(super) fn rated(seed: u64) -> Result<Played, SimError> {
    let mut random = SplitMix64::stream(seed, "rated");
    let mut providers = providers(seed);
    let consumer = Actor::derive(seed, "consumer");
    let mut world = World::new(&[Holding { actor: &consumer, credits: 100_000, open: 0 }])?;
    let share = PRICE.basis_points(world.parameters().split.provider);
    let mut lost = 0;
    for epoch in 0..EPOCHS {
        let work = jobs(&mut providers, &mut random, epoch);
        for (number, undone) in &work {
            let provider = &mut providers[*number];
            provider.ratings.push_back(!(*undone && random.happens(1, 5)));
            if provider.ratings.len() > 10 {
                provider.ratings.pop_front();
            }
            lost += if *undone { i128::from(PRICE.0) } else { 0 };
        }
        for provider in &mut providers {
            let (to, asset, amount) = (provider.actor().account(), Asset::Credit, Amount(share.0 * JOBS));
            world.apply(&consumer, Action::Transfer { to, asset, amount })?;
            let good = provider.ratings.iter().filter(|good| **good).count();
            if good * 5 < provider.ratings.len() * 4 {
                provider.ratings.clear();
                // Names cost nothing, so there are as many as are needed; the last one is used on.
                provider.life = (provider.life + 1).min(LIVES - 1);
            }
        }
        world.end_epoch()?;
    }
    let mut played = Played {
        lost,
        lives: providers.iter().map(|provider| provider.life as u64 + 1).max().unwrap_or(1),
        // Everything was liquid and nothing verified; collateral that nobody put up counts as one credit.
        unverified: (EPOCHS * JOBS * share.0) as f64 / 1e6,
        by_plan: BTreeMap::new(),
        collateral: 0,
        paused: 0,
        fingerprint: world.fingerprint(),
        epochs: world.epochs(),
    };
    tally(&mut played, &providers, share, |provider| {
        let wealth = |actor: &Actor| i128::from(world.wealth(actor.account()).0);
        provider.lives.iter().map(wealth).sum()
    });
    Ok(played)
}

fn record(world: &World, provider: &Actor) -> Option<ProviderRecord> {
    match world.record(&StateKey::Provider(provider.account())) {
        Some(StateRecord::Provider(record)) => Some(record),
        _ => None,
    }
}

/// Stake, escrow and audits.
pub(super) fn audited(seed: u64) -> Result<Played, SimError> {
    let mut random = SplitMix64::stream(seed, "audited");
    let mut providers = providers(seed);
    let auditors = (0..AUDITORS).map(|number| Actor::derive(seed, &format!("auditor {number}"))).collect();
    let first: Vec<Actor> = providers.iter().map(|provider| provider.actor().clone()).collect();
    let reserve = providers.iter().filter(|provider| provider.plan == Plan::Whitewash);
    let reserve: Vec<Actor> = reserve.flat_map(|provider| provider.lives[1..].to_vec()).collect();
    let parties =
        Parties { providers: &first, reserve: &reserve, stake_whole: STAKE_WHOLE, auditors, watcher: None };
    let mut exchange = Exchange::open(seed, PRICE, parties)?;
    let (share, charged) = (exchange.share(), exchange.charged());
    let mut says = |_: usize, job: &crate::office::Job, planted: bool| honest(job, planted);
    let refunds_before = exchange.world.wealth(exchange.consumer.account());
    let begun: i128 = i128::from(STAKE_WHOLE) * i128::from(exchange.world.parameters().collateral_per_open.0);
    let mut unverified = 0.0f64;
    for epoch in 0..EPOCHS {
        let work = jobs(&mut providers, &mut random, epoch);
        let named: Vec<(Actor, bool)> =
            work.iter().map(|(number, undone)| (providers[*number].actor().clone(), *undone)).collect();
        exchange.trade(&named, &mut says)?;
        unverified = unverified.max(exposed(&exchange.world, &providers));
        for provider in providers.iter_mut().filter(|provider| provider.plan == Plan::Whitewash) {
            let proven = record(&exchange.world, provider.actor())
                .is_none_or(|record| record.stake.0 < STAKE_WHOLE * 1_000_000);
            if proven && provider.life + 1 < LIVES {
                provider.life += 1;
                let (service_key, endpoint) = (ServiceKey([2; 32]), String::new());
                let stake = Amount(STAKE_WHOLE * 1_000_000);
                let register = Action::RegisterProvider { service_key, stake, endpoint };
                exchange.world.apply(provider.actor(), register)?;
            }
        }
    }
    for _ in 0..DRAIN_EPOCHS {
        if !exchange.office.is_done() {
            exchange.trade(&[], &mut says)?;
        }
    }
    let scammers = || providers.iter().filter(|provider| provider.plan != Plan::Honest);
    let refunded = exchange.world.wealth(exchange.consumer.account()).0 - refunds_before.0;
    let undone: u64 = scammers().map(|provider| provider.undone).sum();
    let identities: i128 = scammers().map(|provider| provider.life as i128 + 1).sum();
    let mut played = Played {
        lost: i128::from(undone) * i128::from(charged.0) - i128::from(refunded),
        collateral: identities * begun,
        unverified,
        lives: providers.iter().map(|provider| provider.life as u64 + 1).max().unwrap_or(1),
        paused: exchange.office.findings.paused,
        fingerprint: exchange.world.fingerprint(),
        epochs: exchange.world.epochs(),
        by_plan: BTreeMap::new(),
    };
    tally(&mut played, &providers, share, |provider| {
        let lives = if provider.plan == Plan::Whitewash { LIVES } else { 1 };
        let ended: i128 = provider.lives.iter().map(|actor| exchange.wealth(actor)).sum();
        ended - begun * lives as i128
    });
    Ok(played)
}

/// The greatest part of its collateral that a provider has liquid and unverified.
fn exposed(world: &World, providers: &[Provider]) -> f64 {
    let per_open = world.parameters().collateral_per_open.0;
    let of = |provider: &Provider| {
        record(world, provider.actor()).map_or(0.0, |record| {
            let collateral = record.stake.fraction(per_open, 1_000_000).map_or(0, |value| value.0);
            crate::metrics::ratio(record.exposure.0 as f64, collateral as f64)
        })
    };
    providers.iter().map(of).fold(0.0, f64::max)
}
