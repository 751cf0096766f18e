//! Yuma consensus as subtensor documents it, in integers, paid out on the ledger by transfers.
//!
//! `Wbar_j = argmax_w (sum_i S_i [W_ij >= w] >= kappa)`; weights are clipped to it; `R_j = sum_i S_i Wbar_ij`, `I = R / sum R`;
//! bonds `dB_ij = S_i Wt_ij / sum_k S_k Wt_kj` with `Wt = (W + Wbar) / 2` and `B = dB / 10 + 9 B / 10`; dividends
//! `D_i = sum_j B_ij I_j`; of an epoch's emission one half follows `D` and one half `I`. Dividends compound into stake.

use openledger_types::{Action, Amount, Asset, Hash};

use crate::SimError;
use crate::random::SplitMix64;
use crate::world::{Actor, Holding, World};

/// True utility of the cabal's miners.
pub(super) const UTILITY: f64 = 0.3;
/// One, as weights, bonds and parts are counted.
const ONE: u64 = 1 << 32;
const EPOCHS: u64 = 60;
const VALIDATORS: usize = 20;
const CABAL_VALIDATORS: usize = 8;
const MINERS: usize = 10;
const CABAL_MINERS: usize = 4;
/// uC in an epoch, and stake at the beginning: an epoch's emission is a hundredth of it.
const EMISSION: u64 = 10_000_000;
const STAKE: u64 = 50_000_000;

pub(super) struct Played {
    /// uC.
    pub(super) cabal: u64,
    pub(super) honest: u64,
    pub(super) fingerprint: Hash,
    pub(super) epochs: u64,
}

fn part(amount: u64, of: u64, whole: u64) -> u64 {
    Amount(amount).fraction(of, whole).map_or(0, |part| part.0)
}

/// Each row in parts of one.
fn normalized(row: &[u64]) -> Vec<u64> {
    let sum: u64 = row.iter().sum();
    row.iter().map(|weight| part(ONE, *weight, sum)).collect()
}

/// A mean of utility in thousandths, with a normal error of four tenths of it: the sum of twelve uniform numbers.
fn seen(random: &mut SplitMix64, utility: u64) -> u64 {
    let sum: i64 = (0..12).map(|_| random.below(1_000) as i64).sum::<i64>() - 5_994;
    let error = utility as i64 * 400 * sum / 1_000;
    u64::try_from(utility as i64 * 1_000 + error).unwrap_or(0)
}

pub(super) fn play(seed: u64) -> Result<Played, SimError> {
    let actor = |name: &str| Actor::derive(seed, name);
    let (treasury, cabal, honest) = (actor("treasury"), actor("cabal"), actor("honest"));
    let mut world = World::new(&[Holding { actor: &treasury, credits: 1_000, open: 0 }])?;
    let mut random = SplitMix64::stream(seed, "yuma");
    let mut stakes = vec![STAKE; VALIDATORS];
    let mut bonds = vec![vec![0u64; MINERS]; VALIDATORS];
    for _ in 0..EPOCHS {
        let weights = weights(&mut random);
        let (dividends, incentives) = round(&stakes, &weights, &mut bonds);
        let half = EMISSION / 2;
        let paid: Vec<u64> = dividends.iter().map(|share| part(half, *share, ONE)).collect();
        stakes.iter_mut().zip(&paid).for_each(|(stake, paid)| *stake += paid);
        let mined: u64 = incentives.iter().take(CABAL_MINERS).map(|share| part(half, *share, ONE)).sum();
        let cabal_part = mined + paid.iter().take(CABAL_VALIDATORS).sum::<u64>();
        for (to, amount) in [(&cabal, cabal_part), (&honest, EMISSION - cabal_part)] {
            let (to, asset, amount) = (to.account(), Asset::Credit, Amount(amount));
            world.apply(&treasury, Action::Transfer { to, asset, amount })?;
        }
        world.end_epoch()?;
    }
    let paid = |actor: &Actor| world.account(actor.account()).credits.0;
    let (cabal, honest) = (paid(&cabal), paid(&honest));
    Ok(Played { cabal, honest, fingerprint: world.fingerprint(), epochs: world.epochs() })
}

/// What every validator says about every miner.
fn weights(random: &mut SplitMix64) -> Vec<Vec<u64>> {
    let row = |validator: usize| -> Vec<u64> {
        let weight = |miner: usize| match (validator < CABAL_VALIDATORS, miner < CABAL_MINERS) {
            (true, ours) => u64::from(ours),
            (false, true) => seen(random, 300 / CABAL_MINERS as u64),
            (false, false) => seen(random, 700 / (MINERS - CABAL_MINERS) as u64),
        };
        normalized(&(0..MINERS).map(weight).collect::<Vec<u64>>())
    };
    let mut row = row;
    (0..VALIDATORS).map(&mut row).collect()
}

/// One round: dividends of validators and incentives of miners, each in parts of one.
fn round(stakes: &[u64], weights: &[Vec<u64>], bonds: &mut [Vec<u64>]) -> (Vec<u64>, Vec<u64>) {
    let whole: u64 = stakes.iter().sum();
    let clipped: Vec<Vec<u64>> = clip(stakes, weights, whole);
    let ranks: Vec<u64> = (0..MINERS)
        .map(|miner| stakes.iter().zip(&clipped).map(|(stake, row)| part(row[miner], *stake, whole)).sum())
        .collect();
    let incentives = normalized(&ranks);
    for miner in 0..MINERS {
        let mixed: Vec<u64> = (0..VALIDATORS)
            .map(|one| part((weights[one][miner] + clipped[one][miner]) / 2, stakes[one], whole))
            .collect();
        let sum: u64 = mixed.iter().sum();
        for (row, mixed) in bonds.iter_mut().zip(&mixed) {
            row[miner] = part(ONE, *mixed, sum.max(1)) / 10 + row[miner] / 10 * 9;
        }
    }
    let dividends: Vec<u64> = bonds
        .iter()
        .map(|row| row.iter().zip(&incentives).map(|(bond, share)| part(*bond, *share, ONE)).sum())
        .collect();
    (normalized(&dividends), incentives)
}

/// Each weight, at most the highest that half of the stake supports.
fn clip(stakes: &[u64], weights: &[Vec<u64>], whole: u64) -> Vec<Vec<u64>> {
    let consensus: Vec<u64> = (0..MINERS)
        .map(|miner| {
            let mut column: Vec<(u64, u64)> =
                weights.iter().zip(stakes).map(|(row, stake)| (row[miner], *stake)).collect();
            column.sort_unstable_by(|one, other| other.cmp(one));
            let mut support = 0;
            let supported = column.iter().find(|(_, stake)| {
                support += stake;
                support * 2 >= whole
            });
            supported.map_or(0, |(weight, _)| *weight)
        })
        .collect();
    let clipped =
        |row: &Vec<u64>| row.iter().zip(&consensus).map(|(weight, most)| *weight.min(most)).collect();
    weights.iter().map(clipped).collect()
}
