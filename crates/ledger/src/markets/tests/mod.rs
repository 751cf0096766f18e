//! Tables, histories and properties of markets.

mod fund;
mod leases;
mod notes;
mod price;

use openledger_types::providers::{ClassRecord, RoundTotals};
use openledger_types::record::Pool;
use openledger_types::{Action, Amount, MarketAction, codec};

use crate::StateKey;
use crate::providers::class_key;
use crate::tests::*;

fn act(action: MarketAction) -> Action {
    Action::Markets(action)
}

fn close(class: &str) -> Action {
    act(MarketAction::CloseRound { class: name(class) })
}

/// What the class has at the end of this round.
fn set_totals(world: &mut World, capacity: u64, served: u64) {
    let key = class_key(&name("general"));
    let class: ClassRecord = world.record(&key).unwrap_or_default();
    let running = RoundTotals { capacity: Amount(capacity), served: Amount(served) };
    world.state.insert(key.encode(), codec::encode(&ClassRecord { running, ..class }));
}

/// Pays the capacity fund by a premium, through settlement, and by donations.
fn fill_fund(world: &mut World) -> Amount {
    let batch = world.batch(&[world.terms("base", 40_000_000, 6, &[], 1)]);
    world.accept(GATEWAY, settling(batch));
    for donor in [10, 11] {
        let donation =
            openledger_types::FundsAction::Donate { pool: Pool::Capacity, amount: Amount(900_000_000) };
        world.accept(donor, Action::Funds(donation));
    }
    world.record(&StateKey::Pool(Pool::Capacity)).unwrap()
}
