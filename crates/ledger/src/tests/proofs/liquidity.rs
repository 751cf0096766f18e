//! I6, I7 and I16: what waits, what is liquid, and never more than can be taken back.

use std::collections::BTreeMap;

use openledger_types::providers::{ClassRecord, ClusterRecord, RoundTotals};
use openledger_types::record::{ProviderRecord, Role};
use openledger_types::{AccountId, Action, Amount, Event};

use super::super::history::{
    Dice, History, Invariant, PEOPLE, SECOND_PROVIDER, Turn, completions, netted, share_of,
};
use super::super::*;
use crate::escrow::{EscrowKey, EscrowRecord};
use crate::{StateKey, StateRecord, escrow, providers};

/// I6. claimed <= unlocked <= tranche in every tranche at every action; what was claimed never falls; and an account's
/// escrow is the sum of its tranches and of what waits for maturity, over the whole state every thousand actions.
/// Not checked: forfeits, which take from tranches; I8 does.
#[derive(Default)]
struct Unlocking {
    turns: u64,
    claimed: u64,
}

impl Unlocking {
    fn sums(world: &World) {
        let mut sums: BTreeMap<AccountId, u64> = BTreeMap::new();
        for (key, value) in &world.state {
            let key = StateKey::decode(key).unwrap();
            match (&key, StateRecord::decode(&key, value).unwrap()) {
                (StateKey::Tranche(account, ..), StateRecord::Tranche(tranche)) => {
                    *sums.entry(*account).or_default() += escrow::remaining(&tranche).0;
                }
                (StateKey::Immature(_, _, account), StateRecord::Immature(immature)) => {
                    *sums.entry(*account).or_default() += immature.amount.0;
                }
                _ => {}
            }
        }
        for who in 0..PEOPLE {
            let held = sums.get(&account(who)).copied().unwrap_or_default();
            assert_eq!(world.account(who).escrowed, Amount(held), "account {who}");
        }
    }
}

impl Invariant for Unlocking {
    fn after(&mut self, turn: &Turn<'_>) {
        self.turns += 1;
        for (key, before, after) in turn.changed {
            let StateKey::Tranche(_, _, begun) = key else { continue };
            let unlocked = |tranche| escrow::unlocked(tranche, *begun, turn.world.epoch());
            if let Some(StateRecord::Tranche(after)) = after {
                assert!(after.claimed <= unlocked(after) && unlocked(after) <= after.amount, "{key:?}");
                if let Some(StateRecord::Tranche(before)) = before {
                    assert!(after.claimed >= before.claimed);
                }
            }
            if let (Some(StateRecord::Tranche(before)), None, Action::ClaimTranches { .. }) =
                (before, after, turn.action)
            {
                let left = before.amount.minus(before.forfeited).unwrap();
                assert_eq!(unlocked(before), left, "a tranche ends when all of it has unlocked");
            }
        }
        for event in turn.events {
            self.claimed += u64::from(matches!(event, Event::TrancheClaimed { .. }));
        }
        if self.turns.is_multiple_of(1_000) {
            Self::sums(turn.world);
        }
    }

    fn end(&mut self, world: &World) {
        Self::sums(world);
        assert!(self.claimed > share_of(100), "{} tranches claimed", self.claimed);
    }
}

#[test]
pub(crate) fn i06_claimed_stays_within_unlocked() {
    History::check(6, &mut [&mut Unlocking::default()]);
}

/// I7. Whatever became liquid without audit, added up from the events of settlement, stays at or below half the
/// collateral that the stake or bond counts for (all of it for what contributors draw early), for every provider,
/// gateway, builder and contributor at every action; immature data gets nothing liquid from a batch at all.
/// Not checked: whether OPEN is worth its haircut; governance sets that.
#[derive(Default)]
struct Collateralised {
    limited: u64,
}

/// Whose bond a record is, and what it says: exposure and bond.
fn bond_of(key: &StateKey, record: &Option<StateRecord>) -> Option<(AccountId, Role, Amount, Amount)> {
    match (key, record) {
        (StateKey::Provider(account), Some(StateRecord::Provider(record))) => {
            Some((*account, Role::Provider, record.exposure, record.stake))
        }
        (StateKey::Gateway(account), Some(StateRecord::Gateway(record))) => {
            Some((*account, Role::Gateway, record.exposure, record.bond))
        }
        (
            StateKey::Escrow(EscrowKey::Bond(account, role)),
            Some(StateRecord::Escrow(EscrowRecord::Bond(record))),
        ) => Some((*account, *role, record.exposure, record.bond)),
        _ => None,
    }
}

impl Invariant for Collateralised {
    fn after(&mut self, turn: &Turn<'_>) {
        let mut secured: BTreeMap<(AccountId, Role), u64> = BTreeMap::new();
        for (key, before, after) in turn.changed {
            let Some((account, role, exposure, bond)) = bond_of(key, after) else { continue };
            let collateral = escrow::collateral(bond, turn.world.parameters.collateral_per_open).0;
            let most = if role == Role::Data { collateral } else { collateral / 2 };
            assert!(exposure.0 <= most, "{key:?} has {exposure} liquid, and {most} is the most");
            let was = bond_of(key, before).map_or(0, |(_, _, exposure, _)| exposure.0);
            secured.insert((account, role), exposure.0.saturating_sub(was));
            self.limited += u64::from(exposure.0 > was && exposure.0 == most);
        }
        let mut liquid: BTreeMap<(AccountId, Role), u64> = BTreeMap::new();
        for event in turn.events {
            if let Event::Paid { account, role, source, liquid: paid, .. } = event {
                match role {
                    Role::Data => assert!(
                        !immature(turn.world, source) || *paid == Amount::ZERO,
                        "{account} got {paid}"
                    ),
                    _ => *liquid.entry((*account, *role)).or_default() += paid.0,
                }
            }
        }
        for (place, paid) in liquid {
            // What became liquid was added to the exposure: nothing is paid beside it.
            assert_eq!(paid, secured.get(&place).copied().unwrap_or_default(), "{place:?}");
        }
    }

    fn end(&mut self, _: &World) {
        assert!(self.limited > 0, "the collateral never limited anything");
    }
}

/// Whether the contribution of an event's source is immature.
fn immature(world: &World, source: &str) -> bool {
    let (datanet, id) = source.split_once('/').expect("data has a source");
    let key = StateKey::Contribution(name(datanet), id.parse().unwrap());
    !world.record::<openledger_types::record::ContributionRecord>(&key).unwrap().mature
}

#[test]
pub(crate) fn i07_nothing_unverified_is_liquid_beyond_collateral() {
    History::check(7, &mut [&mut Collateralised::default()]);
}

/// I16. The cap on exposure holds whatever the order: the batches of two gateways, unbonding, bonding and epochs that
/// pass, in sixty random orders of the same events, end within the cap after each of them. And so does the cap of 20 % of the
/// traffic: in random orders of requests, whoever serves within what the ledger says is left for its cluster never has more
/// than a fifth of the class's last round, or than a newcomer's allowance, and a class without alternatives has no such cap.
/// Not checked: that routers ask; settlement takes what was served beyond it, because the consumer has the answer.
#[test]
pub(crate) fn i16_exposure_is_capped_in_every_order() {
    let beginning = History::beginning();
    let mut dice = Dice::new(16);
    for _ in 0..60 {
        let mut world = beginning.clone();
        let mut events: Vec<u64> = (0..12).collect();
        for place in (1..events.len()).rev() {
            events.swap(place, dice.below(place as u64 + 1) as usize);
        }
        for event in events {
            let unbond = Action::Unbond { role: Role::Provider, amount: Amount(1_000_000_000) };
            match event {
                0..6 => settle_big(&mut world, &mut dice),
                6 | 7 => drop(world.send(PROVIDER, unbond)),
                8 => {
                    drop(world.send(
                        PROVIDER,
                        Action::RaiseBond { role: Role::Provider, amount: Amount(300_000_000) },
                    ))
                }
                9 => drop(
                    world
                        .send(GATEWAY, Action::Unbond { role: Role::Gateway, amount: Amount(1_000_000_000) }),
                ),
                _ => world.pass(dice.below(9)),
            }
            let provider: ProviderRecord = world.record(&StateKey::Provider(account(PROVIDER))).unwrap();
            let collateral = escrow::collateral(provider.stake, world.parameters.collateral_per_open);
            assert!(provider.exposure.0 <= collateral.0 / 2, "{provider:?}");
        }
    }
    check_traffic(&beginning, &mut dice);
}

fn check_traffic(beginning: &World, dice: &mut Dice) {
    let (class, rules) = (name("general"), beginning.parameters.markets.clone());
    let (mut full, mut served) = (0, 0);
    for _ in 0..20 {
        let mut world = beginning.clone();
        let last = Amount(dice.below(10 * rules.newcomer_capacity.0));
        let totals = RoundTotals { capacity: last, served: last };
        let begun = ClassRecord { last: totals, ..ClassRecord::default() };
        let key = providers::class_key(&class).encode();
        world.state.insert(key, openledger_types::codec::encode(&begun));
        let most = last.basis_points(rules.traffic_max).max(rules.newcomer_capacity);
        for _ in 0..60 {
            let provider = account(dice.pick(&[PROVIDER, SECOND_PROVIDER, 20, 21]));
            let cluster_key = providers::cluster_key(&class, provider);
            let now: ClassRecord = world.record(&providers::class_key(&class)).unwrap();
            let cluster: Option<ClusterRecord> = world.record(&cluster_key);
            assert_eq!(providers::traffic_room(&now, cluster.as_ref(), true, &rules), None);
            let room = providers::traffic_room(&now, cluster.as_ref(), false, &rules).unwrap();
            let wanted = Amount(1 + dice.below(most.0 / 3 + 1));
            if wanted > room {
                full += 1;
                continue;
            }
            world
                .transit(CURATOR, |transition| providers::count_served(transition, &class, provider, wanted));
            served += 1;
            let after: ClusterRecord = world.record(&cluster_key).unwrap();
            assert!(after.totals.served <= most, "{after:?} with {most} at most");
        }
    }
    assert!(full > 100 && served > 100, "{full} beyond the cap, {served} within");
}

/// A batch that would make more liquid than the cap allows.
fn settle_big(world: &mut World, dice: &mut Dice) {
    let (gateway, mut terms) = completions(world, dice, 1);
    if gateway != GATEWAY || terms.is_empty() {
        return;
    }
    terms[0].reference = Amount(20_000_000 + dice.below(10_000_000));
    terms[0].provider = account(PROVIDER);
    let (lines, netting) = netted(world, gateway, &terms);
    let record: openledger_types::record::GatewayRecord =
        world.record(&StateKey::Gateway(account(GATEWAY))).unwrap();
    let channel: openledger_types::record::ChannelRecord =
        world.record(&StateKey::Channel(world.channel())).unwrap();
    let charged = lines[0].charged().unwrap();
    let debit = world.debit(world.channel(), channel.spent.plus(charged).unwrap(), CONSUMER);
    let batch = netting.finish(record.batches + 1, record.receipts + 1, bytes32(0), vec![debit]);
    drop(world.send(GATEWAY, settling(batch)));
}
