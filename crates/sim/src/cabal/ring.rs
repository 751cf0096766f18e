//! The cabal under audits.

use openledger_types::audits::Verdict;
use openledger_types::{Amount, Hash};

use crate::SimError;
use crate::adaptive::Crowd;
use crate::exchange::{COST, Exchange, Parties};
use crate::office::{Findings, Job, honest};
use crate::random::SplitMix64;
use crate::world::Actor;

const EPOCHS: u64 = 40;
/// Epochs in which what was settled is still audited, the last appeals and pauses included.
const DRAIN_EPOCHS: u64 = 120;
const AUDITORS: usize = 100;
const CABAL_AUDITORS: usize = 40;
const PROVIDERS: usize = 10;
const CABAL_PROVIDERS: usize = 4;
const JOBS: u64 = 4;
const STAKE_WHOLE: u64 = 10_000;
const PRICE: Amount = Amount(50_000);
/// Quarters of the work that is not done, by strategy.
const STRATEGIES: [u64; 4] = [0, 1, 2, 4];

/// What the world saw; wealth in uC.
pub(super) struct Played {
    earned_cabal: i128,
    earned_honest: i128,
    good_cabal: u64,
    good_honest: u64,
    pub(super) fees_cabal: i128,
    pub(super) fees_honest: i128,
    pub(super) faulty: u64,
    pub(super) jobs_cabal: u64,
    pub(super) findings: Findings,
    pub(super) fingerprint: Hash,
    pub(super) epochs: u64,
}

impl Played {
    /// Of what providers earned, penalties deducted; nothing below nothing.
    pub(super) fn reward_share(&self) -> f64 {
        let cabal = self.earned_cabal.max(0) as f64;
        crate::metrics::ratio(cabal, cabal + self.earned_honest as f64)
    }

    pub(super) fn utility_share(&self) -> f64 {
        crate::metrics::ratio(self.good_cabal as f64, (self.good_cabal + self.good_honest) as f64)
    }
}

pub(super) fn play(seed: u64, watched: bool) -> Result<Played, SimError> {
    let all = |what: &str, count: usize| -> Vec<Actor> {
        (0..count).map(|number| Actor::derive(seed, &format!("{what} {number}"))).collect()
    };
    let (providers, auditors) = (all("provider", PROVIDERS), all("auditor", AUDITORS));
    let watcher = watched.then(|| Actor::derive(seed, "watcher"));
    let parties = Parties {
        providers: &providers,
        stake_whole: STAKE_WHOLE,
        reserve: &[],
        auditors: auditors.clone(),
        watcher,
    };
    let mut exchange = Exchange::open(seed, PRICE, parties)?;
    let mut random = SplitMix64::stream(seed, "ring");
    let mut crowd = Crowd::new(SplitMix64::stream(seed, "ring crowd"), CABAL_PROVIDERS, STRATEGIES.len());
    let ours: Vec<_> = providers.iter().take(CABAL_PROVIDERS).map(Actor::account).collect();
    let mut says = |auditor: usize, job: &Job, planted: bool| -> Option<Verdict> {
        let covers = auditor < CABAL_AUDITORS && ours.contains(&job.provider) && !planted;
        if covers { Some(Verdict::Pass) } else { honest(job, planted) }
    };
    let wealth = |exchange: &Exchange, actors: &[Actor]| -> Vec<i128> {
        actors.iter().map(|actor| exchange.wealth(actor)).collect()
    };
    let (begun, begun_auditors) = (wealth(&exchange, &providers), wealth(&exchange, &auditors));
    let (mut good_cabal, mut good_honest, mut faulty) = (0, 0, 0);
    for _ in 0..EPOCHS {
        let (before, plays) = (wealth(&exchange, &providers), crowd.plays());
        let (mut jobs, mut done) = (Vec::new(), vec![0u64; CABAL_PROVIDERS]);
        for (number, provider) in providers.iter().enumerate() {
            for _ in 0..JOBS {
                let skips = plays.get(number).is_some_and(|play| random.happens(STRATEGIES[*play], 4));
                jobs.push((provider.clone(), skips));
                match done.get_mut(number) {
                    Some(_) if skips => faulty += 1,
                    Some(done) => *done += 1,
                    None => good_honest += 1,
                }
            }
        }
        good_cabal += done.iter().sum::<u64>();
        exchange.trade(&jobs, &mut says)?;
        let cost = i128::from(exchange.share().basis_points(COST).0);
        let after = wealth(&exchange, &providers);
        let changes = before.iter().zip(&after).zip(&done);
        let earned: Vec<i128> =
            changes.map(|((before, after), done)| after - before - cost * i128::from(*done)).collect();
        crowd.learn(&earned);
    }
    for _ in 0..DRAIN_EPOCHS {
        if !exchange.office.is_done() {
            exchange.trade(&[], &mut says)?;
        }
    }
    let (ended, ended_auditors) = (wealth(&exchange, &providers), wealth(&exchange, &auditors));
    let gained = |begun: &[i128], ended: &[i128], cabal: usize| -> (i128, i128) {
        let gained: Vec<i128> = begun.iter().zip(ended).map(|(begun, ended)| ended - begun).collect();
        let (cabal, honest) = gained.split_at(cabal);
        (cabal.iter().sum(), honest.iter().sum())
    };
    let (earned_cabal, earned_honest) = gained(&begun, &ended, CABAL_PROVIDERS);
    let (fees_cabal, fees_honest) = gained(&begun_auditors, &ended_auditors, CABAL_AUDITORS);
    Ok(Played {
        earned_cabal,
        earned_honest,
        good_cabal,
        good_honest,
        fees_cabal,
        fees_honest,
        faulty,
        jobs_cabal: EPOCHS * JOBS * CABAL_PROVIDERS as u64,
        findings: exchange.office.findings,
        fingerprint: exchange.world.fingerprint(),
        epochs: exchange.world.epochs(),
    })
}
