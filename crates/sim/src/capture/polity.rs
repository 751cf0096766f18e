//! The polity of A16: holders, contributors, raiders, and the rule by which tokens alone decide.

use openledger_ledger::StateKey;
use openledger_ledger::reputation::ReputationKey;
use openledger_types::record::Pool;
use openledger_types::{Action, Amount, Asset, BasisPoints, Domain, EvidenceRecord, Hash, codec};

use crate::SimError;
use crate::adaptive::Crowd;
use crate::random::SplitMix64;
use crate::world::{Actor, Holding, World};

/// Votes of one world: the bar speaks of a thousand, and twenty seeds with fifty are that many.
const ROUNDS: u64 = 10;
const RAIDERS: usize = 5;
/// Accounts through which the raiders hold, so that none reaches the cap of a cluster.
pub(super) const RAIDER_ACCOUNTS: usize = 51;
const HOLDERS: usize = 40;
pub(super) const CONTRIBUTORS: usize = 100;
const OPEN_WHOLE: u64 = 1_000_000;
/// Whole OPEN of each raider beside its part, for bonds.
const BONDS_WHOLE: u64 = 2_000;
pub(super) const TREASURY_WHOLE: u64 = 100_000;
/// OFF: the least part of all OPEN that votes.
const QUORUM: BasisPoints = BasisPoints(400);
const UNITS: u64 = 100;

/// Strategy 0 stands aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Strategy {
    /// Part of the treasury.
    pub(super) part: BasisPoints,
    /// Votes when nobody can answer any more.
    pub(super) late: bool,
}

const STRATEGIES: [Option<Strategy>; 4] = [
    None,
    Some(Strategy { part: BasisPoints(100), late: false }),
    Some(Strategy { part: BasisPoints(10), late: false }),
    Some(Strategy { part: BasisPoints(100), late: true }),
];

/// What the raiders have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Power {
    /// 7 % of all OPEN, not 51 to 67 %.
    pub(super) minority: bool,
    /// Part of the audited work, in percent.
    pub(super) work_percent: usize,
}

/// What a world saw.
pub(super) struct Raided {
    pub(super) proposed: u64,
    pub(super) executed: u64,
    /// uC.
    pub(super) stolen: u64,
    pub(super) treasury: u64,
    pub(super) net: i128,
    pub(super) leavers_lose: f64,
    pub(super) holdings: Vec<u64>,
    pub(super) fingerprint: Hash,
    pub(super) epochs: u64,
}

/// A theft on its way.
pub(super) struct Theft {
    pub(super) raider: usize,
    pub(super) strategy: Strategy,
}

/// A world with its people.
pub(super) struct Polity {
    on: bool,
    pub(super) world: World,
    pub(super) random: SplitMix64,
    crowd: Crowd,
    pub(super) treasury: Actor,
    pub(super) raiders: Vec<Actor>,
    /// Accounts that hold and vote for them.
    pub(super) straws: Vec<Actor>,
    pub(super) holders: Vec<Actor>,
    pub(super) contributors: Vec<Actor>,
    /// Accounts with audited work that are the raiders' too.
    pub(super) moles: Vec<Actor>,
    holdings: Vec<u64>,
    minority: bool,
}

impl Polity {
    pub(super) fn open(seed: u64, on: bool, power: Power) -> Result<Self, SimError> {
        let mut random = SplitMix64::stream(seed, "polity");
        let all = |what: &str, count: usize| -> Vec<Actor> {
            (0..count).map(|number| Actor::derive(seed, &format!("{what} {number}"))).collect()
        };
        let (raiders, straws) = (all("raider", RAIDERS), all("straw", RAIDER_ACCOUNTS));
        let (holders, contributors) = (all("holder", HOLDERS), all("contributor", CONTRIBUTORS));
        let moles = all("mole", CONTRIBUTORS * power.work_percent / (100 - power.work_percent));
        let percent = if power.minority { 7 } else { random.between(51, 67) };
        let held = OPEN_WHOLE * percent / 100;
        let rest = OPEN_WHOLE - held;
        let ranks: u64 = (1..=HOLDERS as u64).map(|rank| 1_000_000 / rank).sum();
        let treasury = Actor::derive(seed, "treasury");
        let mut holdings = vec![Holding { actor: &treasury, credits: TREASURY_WHOLE, open: 0 }];
        let one = held / RAIDER_ACCOUNTS as u64;
        holdings.extend(straws.iter().map(|actor| Holding { actor, credits: 0, open: one }));
        let ranked = (1u64..).map(|rank| rest * (1_000_000 / rank) / ranks);
        let ranked = holders.iter().zip(ranked);
        holdings.extend(ranked.map(|(actor, open)| Holding { actor, credits: 0, open }));
        let held: Vec<u64> = holdings.iter().map(|holding| holding.open).filter(|open| *open > 0).collect();
        holdings.extend(raiders.iter().map(|actor| Holding { actor, credits: 0, open: BONDS_WHOLE }));
        let worked = contributors.iter().chain(&moles).map(|actor| {
            let key = ReputationKey::Evidence(actor.account(), Domain::Serving);
            (StateKey::Reputation(key), codec::encode(&evidence()))
        });
        let mut world = World::with_history(&holdings, worked)?;
        if on {
            world.donate(&treasury, Pool::Treasury, Amount(TREASURY_WHOLE * 1_000_000))?;
        }
        let crowd = Crowd::new(SplitMix64::stream(seed, "raiders"), RAIDERS, STRATEGIES.len());
        Ok(Self {
            on,
            world,
            random,
            crowd,
            treasury,
            raiders,
            straws,
            holders,
            contributors,
            moles,
            holdings: held,
            minority: power.minority,
        })
    }

    pub(super) fn raid(mut self) -> Result<Raided, SimError> {
        if self.on {
            self.register()?;
        }
        let (mut proposed, mut executed) = (0, 0);
        for _ in 0..ROUNDS {
            let before = self.purses();
            let plays = self.crowd.plays().into_iter().enumerate();
            let thefts: Vec<Theft> = plays
                .filter_map(|(raider, play)| STRATEGIES[play].map(|strategy| Theft { raider, strategy }))
                .collect();
            proposed += thefts.len() as u64;
            executed += if self.on { self.decide(&thefts)? } else { self.count(&thefts)? };
            let after = self.purses();
            let earned: Vec<i128> = before.iter().zip(&after).map(|(before, after)| after - before).collect();
            self.crowd.learn(&earned);
            if !self.on {
                self.world.end_epoch()?;
            }
        }
        // Without the rule nobody can leave with anything: whoever sells finds the treasury empty.
        let leaves = self.on && self.moles.is_empty() && !self.minority;
        let leavers_lose = if leaves { self.leave()? } else { 1.0 };
        let stolen = self.raiders.iter().map(|raider| self.world.wealth(raider.account()).0).sum();
        let begun = i128::from(BONDS_WHOLE) * RAIDERS as i128 * 100_000;
        Ok(Raided {
            proposed,
            executed,
            stolen,
            treasury: TREASURY_WHOLE * 1_000_000,
            net: self.purses().iter().sum::<i128>() - begun,
            leavers_lose,
            holdings: self.holdings,
            fingerprint: self.world.fingerprint(),
            epochs: self.world.epochs(),
        })
    }

    /// Credits of each raider, and OPEN at its collateral value.
    fn purses(&self) -> Vec<i128> {
        let price = self.world.parameters().collateral_per_open.0;
        let purse = |raider: &Actor| {
            let record = self.world.account(raider.account());
            let open = record.open.fraction(price, 1_000_000).map_or(0, |value| value.0);
            i128::from(record.credits.0) + i128::from(open)
        };
        self.raiders.iter().map(purse).collect()
    }

    /// Whether a holder comes to vote against it.
    pub(super) fn turns_out(&mut self, strategy: Strategy) -> bool {
        self.random.happens(1, if strategy.late { 15 } else { 5 })
    }

    /// The rule of the incidents: one token, one vote, a majority of those cast, a quorum, and it is done.
    fn count(&mut self, thefts: &[Theft]) -> Result<u64, SimError> {
        let mut executed = 0;
        let open = |world: &World, actor: &Actor| world.account(actor.account()).open.0;
        for theft in thefts {
            let raiders: u64 = self.straws.iter().map(|straw| open(&self.world, straw)).sum();
            let mut against = 0;
            for place in 0..self.holders.len() {
                if self.turns_out(theft.strategy) {
                    against += open(&self.world, &self.holders[place]);
                }
            }
            let quorum = Amount(OPEN_WHOLE * 1_000_000).basis_points(QUORUM).0;
            if raiders > against && raiders + against >= quorum {
                let held = self.world.account(self.treasury.account()).credits;
                let amount = held.basis_points(theft.strategy.part);
                let to = self.raiders[theft.raider].account();
                self.world.apply(&self.treasury, Action::Transfer { to, asset: Asset::Credit, amount })?;
                executed += 1;
            }
        }
        Ok(executed)
    }
}

/// A hundred units of good work and none bad, as audits would have left it.
fn evidence() -> EvidenceRecord {
    EvidenceRecord {
        alpha: (1 + UNITS) << 32,
        beta: 4 << 32,
        units: UNITS << 32,
        epoch: 0,
        base: u32::MAX,
        fraud_epoch: None,
    }
}
