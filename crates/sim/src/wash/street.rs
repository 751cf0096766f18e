//! The market of A10: honest buyers and providers at a common gateway, and washers beside them.

use openledger_types::record::Pool;
use openledger_types::{Action, Amount, Asset, BasisPoints, ContributionId, Hash, Name};

use crate::SimError;
use crate::desk::{self, BOND_WHOLE, Desk, Sale};
use crate::random::{SplitMix64, derived};
use crate::world::{Actor, Holding, World};

const EPOCHS: u64 = 48;
/// Volume is measured in the last epochs, when actors have learned.
const MEASURED_EPOCHS: u64 = 16;
const WASHERS: usize = 16;
const PROVIDERS: usize = 8;
/// Honest answers of an epoch, and by how many they vary.
const HONEST_ANSWERS: u64 = 160;
const HONEST_SPREAD: u64 = 16;
const PRICE: Amount = Amount(50_000);
/// The most answers that a washer buys in an epoch.
const ANSWERS_MAX: u64 = 256;
const COMMON_FEE: BasisPoints = BasisPoints(100);
const DEPOSIT_WHOLE: u64 = 2_000;
const TREASURY_WHOLE: u64 = 10_000;

/// What washers paid and got, in uC.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flow {
    pub(super) paid: u64,
    /// Change of wealth, rewards included.
    pub(super) gained: i128,
    pub(super) rewarded: i128,
    /// What the uplift pools of their models got.
    pub(super) uplift: i128,
}

/// What a world did.
pub(super) struct Played {
    pub(super) wash_volume: u64,
    pub(super) honest_volume: u64,
    /// Volume by provider in the measured epochs, washers after honest ones.
    pub(super) sold: Vec<u64>,
    pub(super) all: Flow,
    pub(super) own_gateway: Flow,
    pub(super) fingerprint: Hash,
    pub(super) epochs: u64,
}

struct Washer {
    buyer: Actor,
    /// Provider, builder, contributor, and gateway where it owns one.
    seller: Actor,
    /// Model and datanet have the same name.
    name: Name,
    text: ContributionId,
    /// Its own desk, or the common one.
    desk: Option<Desk>,
    consumer: usize,
    answers: u64,
    gained_last: bool,
}

/// A market that is open.
pub(super) struct Street {
    world: World,
    random: SplitMix64,
    treasury: Actor,
    providers: Vec<Actor>,
    common: Desk,
    name: Name,
    text: ContributionId,
    washers: Vec<Washer>,
}

/// A washer's money at one moment.
struct Purse {
    wealth: Amount,
    spent: Amount,
    uplift: Amount,
}

impl Street {
    pub(super) fn open(seed: u64) -> Result<Self, SimError> {
        let actor = |name: String| Actor::derive(seed, &name);
        let (treasury, gateway, consumer) =
            (actor("treasury".into()), actor("gateway".into()), actor("consumer".into()));
        let providers: Vec<Actor> =
            (0..PROVIDERS).map(|number| actor(format!("provider {number}"))).collect();
        let pairs: Vec<(Actor, Actor)> = (0..WASHERS)
            .map(|number| (actor(format!("buyer {number}")), actor(format!("seller {number}"))))
            .collect();
        let holding = |actor, credits, open| Holding { actor, credits, open };
        let mut holdings = vec![
            holding(&treasury, TREASURY_WHOLE, 0),
            holding(&gateway, 0, BOND_WHOLE),
            holding(&consumer, DEPOSIT_WHOLE, 0),
        ];
        holdings.extend(providers.iter().map(|provider| holding(provider, 0, BOND_WHOLE)));
        for (buyer, seller) in &pairs {
            holdings.extend([holding(buyer, DEPOSIT_WHOLE, 0), holding(seller, 0, 2 * BOND_WHOLE)]);
        }
        let mut world = World::new(&holdings)?;
        let name: Name = "common".parse().expect("a name of six letters");
        let text = sell_side(&mut world, seed, &treasury, &name)?;
        for provider in &providers {
            desk::open_provider(&mut world, provider)?;
        }
        let mut common = Desk::open(&mut world, &gateway, COMMON_FEE)?;
        let deposit = Amount::whole(DEPOSIT_WHOLE).expect("two thousand credits fit an amount");
        common.open_channel(&mut world, &consumer, deposit)?;
        let mut washers = Vec::new();
        for (number, (buyer, seller)) in pairs.into_iter().enumerate() {
            let name: Name = format!("washer-{number}").parse().expect("letters, a dash and digits");
            let text = sell_side(&mut world, seed, &seller, &name)?;
            desk::open_provider(&mut world, &seller)?;
            let fee = world.parameters().router_fee_max;
            let mut desk = if number % 2 == 0 { Some(Desk::open(&mut world, &seller, fee)?) } else { None };
            let counter = desk.as_mut().unwrap_or(&mut common);
            let consumer = counter.open_channel(&mut world, &buyer, deposit)?;
            washers.push(Washer {
                buyer,
                seller,
                name,
                text,
                desk,
                consumer,
                answers: 0,
                gained_last: false,
            });
        }
        let random = SplitMix64::stream(seed, "street");
        Ok(Self { world, random, treasury, providers, common, name, text, washers })
    }

    /// Runs all epochs under a programme that pays `budget` tenths of what the split keeps of the honest volume.
    pub(super) fn play(mut self, budget: u64) -> Result<Played, SimError> {
        let split = self.world.parameters().split;
        let kept = [split.verification, split.maintenance, split.insurance, split.burn];
        let kept: u64 = kept.iter().map(|part| u64::from(part.0)).sum();
        let reward = PRICE.0 * HONEST_ANSWERS * kept / u64::from(BasisPoints::WHOLE.0) * budget / 10;
        let (mut all, mut own_gateway) = (Flow::default(), Flow::default());
        let mut sold = vec![0; PROVIDERS + WASHERS];
        let (mut wash_volume, mut honest_volume) = (0, 0);
        for epoch in 0..EPOCHS {
            let before = self.purses()?;
            let volumes = self.trade()?;
            let rewards = self.reward(reward, &volumes)?;
            let after = self.purses()?;
            for (number, (before, after)) in before.iter().zip(&after).enumerate() {
                let gained = i128::from(after.wealth.0) - i128::from(before.wealth.0);
                self.washers[number].gained_last = gained > 0;
                let flow = Flow {
                    paid: after.spent.0 - before.spent.0,
                    gained,
                    rewarded: i128::from(rewards[PROVIDERS + number]),
                    uplift: i128::from(after.uplift.0) - i128::from(before.uplift.0),
                };
                all.add(&flow);
                if self.washers[number].desk.is_some() {
                    own_gateway.add(&flow);
                }
            }
            if epoch >= EPOCHS - MEASURED_EPOCHS {
                honest_volume += volumes.iter().take(PROVIDERS).sum::<u64>();
                wash_volume += volumes.iter().skip(PROVIDERS).sum::<u64>();
                sold.iter_mut().zip(&volumes).for_each(|(sum, volume)| *sum += volume);
            }
            self.revise();
            self.world.end_epoch()?;
        }
        let (fingerprint, epochs) = (self.world.fingerprint(), self.world.epochs());
        Ok(Played { wash_volume, honest_volume, sold, all, own_gateway, fingerprint, epochs })
    }

    fn purses(&self) -> Result<Vec<Purse>, SimError> {
        let purse = |washer: &Washer| {
            let desk = washer.desk.as_ref().unwrap_or(&self.common);
            let channel = desk.channel(&self.world, washer.consumer)?;
            let left = channel.deposit.minus(channel.spent).expect("a channel spends at most its deposit");
            let [buyer, seller] =
                [&washer.buyer, &washer.seller].map(|actor| self.world.wealth(actor.account()));
            let wealth = Amount::sum([left, buyer, seller]).expect("parts of the supply fit an amount");
            let uplift = self.world.pool(Pool::Uplift(washer.name.clone()));
            Ok(Purse { wealth, spent: channel.spent, uplift })
        };
        self.washers.iter().map(purse).collect()
    }

    /// Sells one epoch's answers; returns the volume of each provider, washers after honest ones.
    fn trade(&mut self) -> Result<Vec<u64>, SimError> {
        let mut volumes = vec![0; PROVIDERS + WASHERS];
        let mut sales = Vec::new();
        let honest = HONEST_ANSWERS - HONEST_SPREAD + self.random.below(2 * HONEST_SPREAD + 1);
        for _ in 0..honest {
            let number = self.random.place(PROVIDERS);
            volumes[number] += PRICE.0;
            sales.push(sale(0, &self.providers[number], &self.name, self.text));
        }
        for (number, washer) in self.washers.iter().enumerate() {
            let own: Vec<Sale> = (0..washer.answers)
                .map(|_| sale(washer.consumer, &washer.seller, &washer.name, washer.text))
                .collect();
            volumes[PROVIDERS + number] = washer.answers * PRICE.0;
            match &washer.desk {
                Some(desk) => desk.settle(&mut self.world, &own).map(drop)?,
                None => sales.extend(own),
            }
        }
        self.common.settle(&mut self.world, &sales)?;
        Ok(volumes)
    }

    /// The programme beside the ledger: the treasury transfers the budget in proportion to volume, floored.
    fn reward(&mut self, budget: u64, volumes: &[u64]) -> Result<Vec<u64>, SimError> {
        let whole: u64 = volumes.iter().sum();
        let sellers = self.providers.iter().chain(self.washers.iter().map(|washer| &washer.seller));
        let mut rewards = Vec::new();
        for (seller, volume) in sellers.zip(volumes) {
            let amount = Amount(budget).fraction(*volume, whole).unwrap_or(Amount::ZERO);
            if amount > Amount::ZERO {
                let (to, asset) = (seller.account(), Asset::Credit);
                self.world.apply(&self.treasury, Action::Transfer { to, asset, amount })?;
            }
            rewards.push(amount.0);
        }
        Ok(rewards)
    }

    fn revise(&mut self) {
        let some_gained = self.washers.iter().any(|washer| washer.gained_last);
        for washer in &mut self.washers {
            let moves = self.random.happens(1, 2);
            washer.answers = match (washer.answers, washer.gained_last) {
                (0, _) if some_gained => u64::from(moves),
                (0, _) => u64::from(self.random.happens(1, 8)),
                (answers, true) if moves => (answers * 2).min(ANSWERS_MAX),
                (1, false) => 0,
                (answers, false) if moves => answers / 2,
                (answers, _) => answers,
            };
        }
    }
}

impl Flow {
    fn add(&mut self, other: &Self) {
        self.paid += other.paid;
        self.gained += other.gained;
        self.rewarded += other.rewarded;
        self.uplift += other.uplift;
    }
}

/// A model and a datanet with one text, all owned by one actor.
fn sell_side(world: &mut World, seed: u64, owner: &Actor, name: &Name) -> Result<ContributionId, SimError> {
    desk::open_datanet(world, owner, name)?;
    desk::open_model(world, owner, name)?;
    let id = ContributionId(derived(seed, &format!("text of {name}")).0);
    let contributions = vec![desk::text_of(owner, id, derived(seed, &format!("words of {name}")))];
    world.apply(owner, Action::Contribute { datanet: name.clone(), contributions })?;
    Ok(id)
}

/// An answer that its seller's text explains wholly.
fn sale(consumer: usize, provider: &Actor, name: &Name, text: ContributionId) -> Sale {
    Sale {
        consumer,
        price: PRICE,
        provider: provider.account(),
        model: name.clone(),
        datanet: name.clone(),
        shares: vec![(text, 1)],
        unattributed: 0,
    }
}
