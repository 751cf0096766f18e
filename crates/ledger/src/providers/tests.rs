//! The table of providers and offers.

use openledger_types::Rejection::*;
use openledger_types::record::ProviderRecord;
use openledger_types::{Action, Amount, Event};

use crate::StateKey;
use crate::tests::{PROVIDER, STRANGER, World, account, model, name, provider};

fn offer(model: &str, prompt_price: u64, completion_price: u64, capacity: u32) -> Action {
    Action::PostOffer {
        model: name(model),
        prompt_price: Amount(prompt_price),
        completion_price: Amount(completion_price),
        capacity,
    }
}

#[test]
fn providers_stake_and_offer_known_models_at_a_price() {
    let mut world = World::new();
    world.check([
        (PROVIDER, provider(999_999_999), Err(StakeTooLow)),
        (PROVIDER, provider(10_000_000_001), Err(BalanceTooLow)),
        (PROVIDER, provider(2_000_000_000), Ok(())),
        (PROVIDER, provider(2_000_000_000), Err(ProviderExists)),
        (PROVIDER, offer("base", 1, 1, 1), Err(ModelUnknown)),
        (PROVIDER, model("base", None, &[]), Ok(())),
        (STRANGER, offer("base", 1, 1, 1), Err(ProviderUnknown)),
        (PROVIDER, offer("base", 0, 0, 1), Err(OfferInvalid)),
        (PROVIDER, offer("base", 1, 1, 0), Err(OfferInvalid)),
        (PROVIDER, offer("base", 0, 1, 1), Ok(())),
        (PROVIDER, offer("base", 2, 3, 4), Ok(())),
    ]);
    let events = world.accept(PROVIDER, offer("base", 5, 6, 7));
    assert!(matches!(&events[..], [Event::OfferPosted { offer, .. }] if offer.capacity == 7));
    let record: ProviderRecord = world.record(&StateKey::Provider(account(PROVIDER))).unwrap();
    assert_eq!((record.stake, record.exposure), (Amount(2_000_000_000), Amount::ZERO));
    assert_eq!(world.account(PROVIDER).open, Amount(8_000_000_000));
}
