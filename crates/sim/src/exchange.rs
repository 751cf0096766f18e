//! A network with one gateway whose completions are audited: what A12 and A14 trade on.
//!
//! Rule: an epoch's jobs are settled, drawn in the next epoch and audited by the [`crate::office`]. Providers' work costs them
//! four fifths of what they are paid for it, and nothing when they do not do it (mechanism notes, section 4: `g = .8 F`).
//! The verification fund begins with what a past left in it: a newcomer's first twenty jobs are all checked, and a check costs more
//! than the fund gets from a job.
//! Absent: routing. Everybody gets the same number of jobs, whatever its reputation, which favours whoever loses it.

use openledger_ledger::{StateKey, StateRecord};
use openledger_types::audits::Verdict;
use openledger_types::record::{Pool, ProviderRecord};
use openledger_types::{Action, Amount, BasisPoints, Name, ServiceKey};

use crate::SimError;
use crate::desk::{self, BOND_WHOLE, Desk, Sale};
use crate::office::{Job, Office};
use crate::world::{Actor, Holding, World};

/// Whole credits in the verification fund at the beginning.
const FUND_WHOLE: u64 = 5_000;
/// Whole credits of the consumer.
const CONSUMER_WHOLE: u64 = 100_000;
const AUDITOR_WHOLE: u64 = 2_000;
/// Part of its pay that an honest job costs a provider.
pub(crate) const COST: BasisPoints = BasisPoints(8_000);

/// The network.
pub(crate) struct Exchange {
    pub(crate) world: World,
    pub(crate) office: Office,
    pub(crate) consumer: Actor,
    desk: Desk,
    name: Name,
    price: Amount,
}

/// Who takes part.
pub(crate) struct Parties<'a> {
    /// With a stake of so many whole OPEN each.
    pub(crate) providers: &'a [Actor],
    pub(crate) stake_whole: u64,
    /// With as much OPEN, for a later life.
    pub(crate) reserve: &'a [Actor],
    pub(crate) auditors: Vec<Actor>,
    /// Who challenges, with credits for it.
    pub(crate) watcher: Option<Actor>,
}

impl Exchange {
    pub(crate) fn open(seed: u64, price: Amount, parties: Parties<'_>) -> Result<Self, SimError> {
        let actor = |name: &str| Actor::derive(seed, name);
        let (treasury, gateway, consumer) = (actor("treasury"), actor("gateway"), actor("consumer"));
        let mut holdings = vec![
            Holding { actor: &treasury, credits: 2 * FUND_WHOLE, open: 0 },
            Holding { actor: &gateway, credits: 0, open: 100 * BOND_WHOLE },
            Holding { actor: &consumer, credits: CONSUMER_WHOLE, open: 0 },
        ];
        let with = |actor, open| Holding { actor, credits: 0, open };
        holdings.extend(
            parties.providers.iter().chain(parties.reserve).map(|actor| with(actor, parties.stake_whole)),
        );
        holdings.extend(parties.auditors.iter().map(|actor| with(actor, AUDITOR_WHOLE)));
        holdings.extend(parties.watcher.iter().map(|actor| Holding { actor, credits: 10_000, open: 0 }));
        let mut world = World::new(&holdings)?;
        world.donate(&treasury, Pool::Verification, Amount(FUND_WHOLE * 1_000_000))?;
        let name: Name = "exchange".parse().expect("a name of eight letters");
        desk::open_datanet(&mut world, &treasury, &name)?;
        desk::open_model(&mut world, &treasury, &name)?;
        for provider in parties.providers {
            let stake = Amount(parties.stake_whole * 1_000_000);
            let (service_key, endpoint) = (ServiceKey([2; 32]), String::new());
            world.apply(provider, Action::RegisterProvider { service_key, stake, endpoint })?;
        }
        let mut desk = Desk::open(&mut world, &gateway, BasisPoints(100))?;
        desk.open_channel(&mut world, &consumer, Amount(CONSUMER_WHOLE * 1_000_000))?;
        let bond = Amount(AUDITOR_WHOLE * 1_000_000);
        let office = Office::open(&mut world, seed, &gateway, parties, bond)?;
        Ok(Self { world, office, consumer, desk, name, price })
    }

    /// One epoch: jobs by provider, and whether the work is faulty; then all that is due in audits.
    pub(crate) fn trade(
        &mut self,
        jobs: &[(Actor, bool)],
        says: &mut impl FnMut(usize, &Job, bool) -> Option<Verdict>,
    ) -> Result<(), SimError> {
        if !jobs.is_empty() {
            self.office.begin(&mut self.world)?;
            let sales: Vec<Sale> = jobs.iter().map(|(provider, _)| self.sale(provider)).collect();
            let mut rest = jobs;
            for batch in self.desk.settle(&mut self.world, &sales)? {
                let (inside, after) = rest.split_at(batch.receipts.len());
                rest = after;
                let consumer = self.consumer.account();
                let known = |(provider, faulty): &(Actor, bool)| Job {
                    provider: provider.account(),
                    consumer,
                    faulty: *faulty,
                };
                self.office.take(&self.world, batch, inside.iter().map(known).collect());
            }
        }
        self.office.work(&mut self.world, says)?;
        self.world.end_epoch()
    }

    /// What one job pays its provider.
    pub(crate) fn share(&self) -> Amount {
        self.price.basis_points(self.world.parameters().split.provider)
    }

    /// What one job charges.
    pub(crate) fn charged(&self) -> Amount {
        let fee = self.price.basis_points(BasisPoints(100));
        self.price.plus(fee).expect("a price and its fee fit an amount")
    }

    fn sale(&self, provider: &Actor) -> Sale {
        Sale {
            consumer: 0,
            price: self.price,
            provider: provider.account(),
            model: self.name.clone(),
            datanet: self.name.clone(),
            shares: Vec::new(),
            unattributed: 1,
        }
    }

    /// Credits, liquid and in escrow, and OPEN, free and at stake, at its collateral value, in uC.
    pub(crate) fn wealth(&self, actor: &Actor) -> i128 {
        let account = actor.account();
        let mut open = self.world.account(account).open.0;
        if let Some(StateRecord::Provider(ProviderRecord { stake, .. })) =
            self.world.record(&StateKey::Provider(account))
        {
            open += stake.0;
        }
        open += self.office.bond_of(&self.world, account);
        let price = self.world.parameters().collateral_per_open.0;
        let value = Amount(open).fraction(price, 1_000_000).map_or(0, |value| value.0);
        i128::from(self.world.wealth(account).0) + i128::from(value)
    }
}
