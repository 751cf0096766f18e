//! I8: what a proven fault takes.

use openledger_types::record::{Role, SupplyRecord, TrancheRecord, UnbondingRecord};
use openledger_types::{AccountId, Amount, BondRecord, EpochsRecord, Event, Forfeited, Holder};

use super::super::history::{Dice, History, SECOND_GATEWAY, SECOND_PROVIDER};
use super::super::*;
use crate::StateKey;
use crate::escrow::{self, EscrowKey, Loss};

/// What a subject has that can be taken: credits in tranches of the role, OPEN at stake and being unbonded. Faults find what
/// began in the last 256 epochs; whatever is older has long been its owner's to take, which is checked for tranches.
fn held(world: &World, who: AccountId, role: Role) -> (u64, u64) {
    let now = world.epoch();
    let named = |key: EscrowKey| world.record::<EpochsRecord>(&key.state()).unwrap_or_default().epochs();
    let (tranches, unbondings) =
        (named(EscrowKey::Tranches(who, role)), named(EscrowKey::Unbondings(who, role)));
    let prefix = StateKey::Tranche(who, role, 0);
    for (key, _) in world.alike(&prefix, prefix.encode().len() - 8) {
        let tranche: TrancheRecord = world.record(&key).unwrap();
        let StateKey::Tranche(_, _, begun) = key else { unreachable!("the key of a tranche") };
        let over = escrow::unlocked(&tranche, begun, now) == tranche.amount.minus(tranche.forfeited).unwrap();
        assert!(over || tranches.contains(&begun), "a fault does not find {key:?}");
    }
    let tranches = tranches
        .iter()
        .map(|epoch| world.record::<TrancheRecord>(&StateKey::Tranche(who, role, *epoch)).unwrap());
    let waiting = unbondings.iter().map(|epoch| {
        let waiting: UnbondingRecord = world.record(&StateKey::Unbonding(who, role, *epoch)).unwrap();
        waiting.amount.0
    });
    let stake = match role {
        Role::Provider => world
            .record(&StateKey::Provider(who))
            .map(|record: openledger_types::record::ProviderRecord| record.stake),
        Role::Gateway => world
            .record(&StateKey::Gateway(who))
            .map(|record: openledger_types::record::GatewayRecord| record.bond),
        _ => world.record(&EscrowKey::Bond(who, role).state()).map(|record: BondRecord| record.bond),
    };
    let open = stake.unwrap_or_default().0 + waiting.sum::<u64>();
    (tranches.map(|tranche| escrow::remaining(&tranche).0).sum(), open)
}

fn random_loss(dice: &mut Dice, subject: AccountId, most: u64) -> Loss {
    let somebody = |dice: &mut Dice| if dice.chance(4) { subject } else { account(dice.who()) };
    Loss {
        penalty: Amount(if dice.chance(8) { dice.number() } else { dice.below(most + 2) }),
        insured: None,
        refund: (!dice.chance(4)).then(|| (somebody(dice), Amount(dice.below(most + 2)))),
        reporter: (!dice.chance(4)).then(|| (somebody(dice), Amount(dice.below(100_000)))),
        reward: None,
        harmed: (0..dice.below(4)).map(|_| (somebody(dice), dice.below(9))).collect(),
        contribution: None,
    }
}

/// I8. Forfeits of random penalties from subjects of a long history: a fault takes at most what the subject has in
/// tranches and at stake, and all of the penalty when that suffices; what was taken is exactly what was refunded,
/// reported, insured, restored and burned, in both assets; the refund is at most what was paid, the reward at most a quarter
/// of the rest; and the subject gets nothing back, also where it reported itself.
/// Not checked here: tranches that nobody claimed for 256 epochs: they unlocked long ago, and the index has forgotten them;
/// linked accounts of the subject; the table of forfeits has them. Nor whether the fault happened.
#[test]
pub(crate) fn i08_a_fault_takes_what_there_is_and_gives_it_away_exactly() {
    let mut history = History::new(8);
    history.run(1_200, &mut []);
    let (mut world, mut dice) = (history.world, Dice::new(8));
    let (mut sufficed, mut fell_short) = (0, 0);
    for _ in 0..150 {
        let (who, role) = dice.pick(&[
            (PROVIDER, Role::Provider),
            (SECOND_PROVIDER, Role::Provider),
            (GATEWAY, Role::Gateway),
            (SECOND_GATEWAY, Role::Gateway),
            (TUNER, Role::Builder),
            (BASE_BUILDER, Role::Builder),
        ]);
        let subject = account(who);
        let (credits, open) = held(&world, subject, role);
        let worth = escrow::collateral(Amount(open), world.parameters.collateral_per_open).0;
        let loss = random_loss(&mut dice, subject, (credits + worth) / 3);
        let (before, balance) = (supply(&world), world.account(who));
        let mut found = Forfeited::default();
        let events = world.transit(CURATOR, |transition| {
            found = escrow::forfeit(transition, subject, role, &loss)?;
            Ok(())
        });
        let (credits_left, open_left) = held(&world, subject, role);
        assert_eq!((credits - credits_left, open - open_left), (found.credits.0, found.open.0));
        let value = found.credits.0 + escrow::collateral(found.open, world.parameters.collateral_per_open).0;
        if loss.penalty.0 <= credits + worth {
            // OPEN is rounded up to the penalty, by less than the worth of one unit.
            assert!(value >= loss.penalty.0 && value <= loss.penalty.0 + 1, "{value} of {}", loss.penalty);
            sufficed += 1;
        } else {
            assert_eq!((credits_left, open_left), (0, 0), "everything is taken where it does not suffice");
            fell_short += 1;
        }
        check_sums(&found, &loss, value);
        let after = supply(&world);
        assert_eq!(after.credits_burned.0 - before.credits_burned.0, found.burned.0);
        assert_eq!(after.open_burned.0 - before.open_burned.0, found.burned_open.0);
        let now = world.account(who);
        assert_eq!((now.credits, now.open), (balance.credits, balance.open), "the subject gets nothing back");
        let to_subject = events
            .iter()
            .any(|event| matches!(event, Event::Moved { to: Holder::Account(to), .. } if *to == subject));
        assert!(!to_subject);
    }
    assert!(sufficed > 20 && fell_short > 5, "{sufficed} sufficed, {fell_short} fell short");
}

fn supply(world: &World) -> SupplyRecord {
    world.record(&StateKey::Supply).unwrap()
}

fn check_sums(found: &Forfeited, loss: &Loss, value: u64) {
    let credits = [found.refunded, found.reported, found.insured, found.restored, found.burned];
    let open = [
        found.refunded_open,
        found.reported_open,
        found.insured_open,
        found.restored_open,
        found.burned_open,
    ];
    assert_eq!(Amount::sum(credits), Some(found.credits));
    assert_eq!(Amount::sum(open), Some(found.open));
    let paid = loss.refund.map_or(0, |(_, paid)| paid.0);
    assert!(found.refunded.0 <= paid, "at most what was paid comes back");
    assert!(found.reported.0 <= value / 4 + 1, "at most a quarter is the reporter's");
}
