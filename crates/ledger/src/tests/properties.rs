//! Random sequences of actions by many accounts, valid and not. Every action is checked by `World`: conservation over
//! all records, loading on demand equals loading at once, and a rejection changes the nonce alone. Here: replay gives
//! the same state, a batch settles once, and the core rule of liquidity holds at every step.
//! Not checked here: that the right account is paid; that is in the tables of `settlement`.

use std::collections::BTreeMap;

use openledger_types::record::{GatewayRecord, ImmatureRecord, ProviderRecord, Role};
use openledger_types::transaction::channel_id;
use openledger_types::{Action, Amount, Asset, Batch, ContributionId, Event};
use proptest::prelude::*;

use super::*;
use crate::{StateKey, StateRecord, escrow};

/// A seed for one action: which kind, who, and three numbers that the kind interprets.
type Seed = (u8, u8, u8, u8, u64);

fn action(world: &World, (kind, _, one, two, number): Seed) -> Action {
    let small = Amount(number % 2_000_000_000);
    let asset = if one & 1 == 0 { Asset::Credit } else { Asset::Open };
    let consumer = [CONSUMER, two % ACCOUNTS][usize::from(two & 1)];
    // The channel that batches debit is closed now and then only, so that most batches can settle.
    let salt = if two == 0 { 0 } else { 1 + one % 2 };
    let channel = channel_id(&account(consumer), &account(GATEWAY), &bytes32(salt));
    match kind % 26 {
        0 => Action::Faucet { to: account(one % ACCOUNTS), asset, amount: small },
        1 => transfer(one % ACCOUNTS, asset, small.0),
        2 => Action::CreateDatanet {
            name: name(["help", "tools"][usize::from(one & 1)]),
            title: "t".into(),
            license: "l".into(),
        },
        3 => {
            let owners = [(one % ACCOUNTS, 1), (two % ACCOUNTS, u16::from(two))];
            let count = 1 + usize::from(one & 1);
            let contributions = vec![contribution(10 + one % 40, 10 + two % 20, &owners[..count])];
            Action::Contribute { datanet: name("help"), contributions }
        }
        4 => Action::RevokeContribution {
            datanet: name("help"),
            contribution: ContributionId([4 + one % 50; 32]),
        },
        5 => Action::SealSnapshot {
            datanet: name("help"),
            version: u32::from(one % 4),
            root: bytes32(1),
            index_root: bytes32(2),
            contributions: u32::from(two % 8),
        },
        6 => {
            let names = ["base", "tuned", "third", "fourth"];
            let parent = (one & 4 == 0).then(|| names[usize::from(one & 1)]);
            model(names[usize::from(two & 3)], parent, &[(two % ACCOUNTS, u16::from(one) * 20)])
        }
        7 => provider(small.0),
        8 => gateway(small.0, u16::from(one)),
        9 => Action::OpenChannel {
            gateway: account([GATEWAY, one % ACCOUNTS][usize::from(one & 1)]),
            authorizer: account(two % ACCOUNTS),
            deposit: small,
            salt: bytes32(salt),
        },
        10 => Action::TopUpChannel { channel, amount: small },
        11 => Action::CloseChannel { channel },
        12 | 13 => claim(world, one, two).1,
        14 => Action::BridgeDeposit { to: account(two % ACCOUNTS), amount: small, reference: bytes32(one) },
        15 => Action::Withdraw { amount: small, destination: "iban".into() },
        16 => {
            let number = world.account(two % ACCOUNTS).nonce.saturating_sub(u64::from(one % 4));
            Action::CompleteWithdrawal { account: account(two % ACCOUNTS), number }
        }
        17 => Action::RaiseBond { role: bonded_role(one), amount: small },
        18 => Action::Unbond { role: bonded_role(one), amount: small },
        19 => Action::ReleaseBond { role: bonded_role(one), epochs: unbonding(world, two) },
        _ => settling(random_batch(world, one, two, number)),
    }
}

/// Claims a tranche that exists, or epochs at random.
fn claim(world: &World, one: u8, two: u8) -> (u8, Action) {
    let tranches: Vec<_> = world
        .state
        .keys()
        .filter_map(|key| match StateKey::decode(key) {
            Ok(StateKey::Tranche(owner, role, epoch)) => Some((owner, role, epoch)),
            _ => None,
        })
        .collect();
    if two.is_multiple_of(4) || tranches.is_empty() {
        let epochs = (0..u64::from(two)).step_by(usize::from(one) + 1).collect();
        return (one % ACCOUNTS, Action::ClaimTranches { role: Role::Provider, epochs });
    }
    let (owner, role, epoch) = tranches[usize::from(one) % tranches.len()];
    let who = (0..ACCOUNTS).find(|who| account(*who) == owner).unwrap();
    (who, Action::ClaimTranches { role, epochs: vec![epoch] })
}

fn bonded_role(number: u8) -> Role {
    [Role::Provider, Role::Gateway, Role::Data][usize::from(number % 8 / 3)]
}

/// An epoch in which something was unbonded, or one at random.
fn unbonding(world: &World, number: u8) -> Vec<u64> {
    let waiting = world.state.keys().filter_map(|key| match StateKey::decode(key) {
        Ok(StateKey::Unbonding(_, _, epoch)) => Some(epoch),
        _ => None,
    });
    waiting.take(1).chain([u64::from(number)]).take(1).collect()
}

/// Who sends an action most likely to succeed; some other account now and then.
fn sender(action: &Action, (_, who, one, two, _): Seed) -> u8 {
    match action {
        _ if one.is_multiple_of(8) => who,
        Action::Contribute { .. } | Action::SealSnapshot { .. } | Action::RevokeContribution { .. } => {
            CURATOR
        }
        Action::OpenChannel { .. } | Action::TopUpChannel { .. } | Action::CloseChannel { .. } => CONSUMER,
        Action::SettleBatch(_) => GATEWAY,
        Action::BridgeDeposit { .. } | Action::CompleteWithdrawal { .. } => CURATOR,
        Action::RaiseBond { role, .. } | Action::Unbond { role, .. } | Action::ReleaseBond { role, .. } => {
            if *role == Role::Gateway {
                GATEWAY
            } else {
                PROVIDER
            }
        }
        _ => two % ACCOUNTS,
    }
}

fn random_batch(world: &World, one: u8, two: u8, number: u64) -> Batch {
    let completions: Vec<_> = (0..=one % 4)
        .map(|place| {
            let reference = (number >> place) % 1_000_000;
            let shares = [(1, u64::from(one)), (2, u64::from(two) << 50), (4, number)];
            let shares = &shares[..usize::from(two % 4)];
            world.terms(
                ["base", "tuned"][usize::from((one ^ place) & 1)],
                reference,
                number % 7,
                shares,
                number % 3,
            )
        })
        .collect();
    let mut batch = world.batch(&completions);
    let amount = Amount(number % 7);
    match two % 16 {
        0 => batch.burn = amount,
        1 => batch.number += 1,
        2 => batch.receipts += 1,
        3 => batch.data.iter_mut().for_each(|line| line.amount.0 += 1),
        4 => batch.maintenance.0 += 1,
        5 => batch.uplift.iter_mut().for_each(|line| line.amount.0 = line.amount.0.wrapping_add(number)),
        6 => batch.reference_total = Amount(number),
        7 => batch.debits[0].cumulative = Amount(number),
        _ => {}
    }
    batch
}

/// I6 and I7 over a whole state, and escrow by account against tranches.
fn check_liquidity(world: &World) {
    let mut escrowed: BTreeMap<_, u64> = BTreeMap::new();
    let now = world.context.timestamp_ms / world.parameters.epoch_ms;
    let half = |bonded: Amount| escrow::collateral(bonded, world.parameters.collateral_per_open).0 / 2;
    for (key, value) in &world.state {
        let key = StateKey::decode(key).unwrap();
        match (&key, StateRecord::decode(&key, value).unwrap()) {
            (StateKey::Tranche(account, _, begun), StateRecord::Tranche(tranche)) => {
                assert!(tranche.claimed <= escrow::unlocked(&tranche, *begun, now));
                *escrowed.entry(*account).or_default() += tranche.amount.0 - tranche.claimed.0;
            }
            (StateKey::Immature(_, _, account), StateRecord::Immature(ImmatureRecord { amount, .. })) => {
                *escrowed.entry(*account).or_default() += amount.0;
            }
            (_, StateRecord::Provider(ProviderRecord { stake, exposure, .. })) => {
                assert!(exposure.0 <= half(stake))
            }
            (_, StateRecord::Gateway(GatewayRecord { bond, exposure, .. })) => {
                assert!(exposure.0 <= half(bond))
            }
            _ => {}
        }
    }
    for who in 0..ACCOUNTS {
        let held = escrowed.get(&account(who)).copied().unwrap_or_default();
        assert_eq!(world.account(who).escrowed, Amount(held));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn random_actions_keep_every_invariant(
        seeds in prop::collection::vec((any::<u8>(), 0..ACCOUNTS, any::<u8>(), any::<u8>(), any::<u64>()), 300),
    ) {
        let mut world = World::prepared();
        let start = world.clone();
        let (mut log, mut settled, mut refused) = (Vec::new(), 0, 0);
        for seed in seeds {
            world.context.height += 1;
            world.context.timestamp_ms += seed.4 % (2 * world.parameters.epoch_ms);
            let action = action(&world, seed);
            let who = match &action {
                Action::ClaimTranches { .. } => claim(&world, seed.2, seed.3).0,
                action => sender(action, seed),
            };
            let bytes = world.signed(who, action.clone());
            log.push((world.context, bytes));
            let sent = world.send(who, action.clone());
            check_liquidity(&world);
            match (&sent, &action) {
                (Ok(events), Action::SettleBatch(batch)) => {
                    settled += 1;
                    check_flow(events, batch);
                    let again = world.signed(who, action);
                    log.push((world.context, again.clone()));
                    prop_assert!(world.execute(&again).result.is_err(), "a batch settles once");
                }
                (Err(_), _) => refused += 1,
                _ => {}
            }
        }
        prop_assert!(settled > 0 && refused > 0, "{settled} settled, {refused} refused");
        let mut replayed = start;
        for (context, bytes) in &log {
            replayed.context = *context;
            replayed.execute(bytes);
        }
        prop_assert_eq!(replayed.state, world.state, "the same transactions give the same state");
    }
}

/// I3 and I20: the events of a batch move exactly what its channels were debited.
fn check_flow(events: &[Event], batch: &Batch) {
    let (mut debited, mut paid) = (0u64, 0u64);
    for event in events {
        match event {
            Event::ChannelDebited { amount, .. } => debited += amount.0,
            Event::Paid { liquid, escrowed, .. } => paid += liquid.0 + escrowed.0,
            Event::PoolPaid { amount, .. } | Event::Burned { amount, .. } => paid += amount.0,
            Event::CarrySet { before, after, .. } => {
                debited += before.0;
                paid += after.0;
            }
            _ => {}
        }
    }
    assert_eq!(debited, paid);
    assert!(debited >= batch.reference_total.0);
}
