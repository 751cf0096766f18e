//! The table of channels.

use openledger_types::Rejection::*;
use openledger_types::governance::{Pausable, PauseRecord, PausedStep};
use openledger_types::transaction::channel_id;
use openledger_types::{Action, Amount, ChannelId, Event, codec};

use crate::governance::GovernanceKey;
use crate::tests::{CONSUMER, GATEWAY, STRANGER, World, account, bytes32, settling};

fn open(gateway: u8, deposit: u64, salt: u8) -> Action {
    Action::OpenChannel {
        gateway: account(gateway),
        authorizer: account(CONSUMER),
        deposit: Amount(deposit),
        salt: bytes32(salt),
    }
}

fn top_up(channel: ChannelId, amount: u64) -> Action {
    Action::TopUpChannel { channel, amount: Amount(amount) }
}

fn close(channel: ChannelId) -> Action {
    Action::CloseChannel { channel }
}

#[test]
fn channels_open_top_up_and_close_in_two_phases() {
    let mut world = World::prepared();
    let channel = world.channel();
    let unknown = ChannelId([7; 32]);
    world.check([
        (CONSUMER, open(GATEWAY, 0, 1), Err(AmountZero)),
        (CONSUMER, open(STRANGER, 1, 1), Err(GatewayUnknown)),
        (CONSUMER, open(GATEWAY, 1, 0), Err(ChannelExists)),
        (CONSUMER, open(GATEWAY, 900_000_001, 1), Err(BalanceTooLow)),
        (CONSUMER, top_up(channel, 0), Err(AmountZero)),
        (CONSUMER, top_up(unknown, 1), Err(ChannelUnknown)),
        (STRANGER, top_up(channel, 1), Err(NotChannelParty)),
        (CONSUMER, top_up(channel, 900_000_001), Err(BalanceTooLow)),
        (CONSUMER, top_up(channel, 900_000_000), Ok(())),
        (CONSUMER, close(unknown), Err(ChannelUnknown)),
        (STRANGER, close(channel), Err(NotChannelParty)),
        (CONSUMER, close(channel), Ok(())),
        (CONSUMER, close(channel), Err(ChannelStillOpen)),
    ]);
    world.context.timestamp_ms += 3_600_000 - 1;
    world.check([(CONSUMER, close(channel), Err(ChannelStillOpen))]);
    // A channel that is closing still settles what was served.
    let batch = world.batch(&[world.terms("base", 10_007, 0, &[], 1)]);
    world.accept(GATEWAY, settling(batch));
    world.context.timestamp_ms += 1;
    let events = world.accept(CONSUMER, close(channel));
    let refunded = Amount(1_000_000_000 - 10_007 - 100);
    assert_eq!(events, [Event::ChannelClosed { channel, consumer: account(CONSUMER), refunded }]);
    world.check([
        (CONSUMER, close(channel), Err(ChannelClosed)),
        (GATEWAY, close(channel), Err(ChannelClosed)),
        (CONSUMER, top_up(channel, 1), Err(ChannelClosed)),
        (CONSUMER, open(GATEWAY, 1, 0), Err(ChannelExists)),
    ]);
}

/// A pause of settlement as the state has it.
fn pause(world: &mut World, from_ms: u64, until_ms: u64) {
    let steps = vec![PausedStep { step: Pausable::Settlement, from_ms, until_ms }];
    world.state.insert(GovernanceKey::Pause.state().encode(), codec::encode(&PauseRecord { steps }));
}

/// Settlement was paused for three days, and a channel closed after an hour: consumers took back what they had spent, because
/// their gateway could not claim it.
#[test]
fn a_pause_of_settlement_does_not_give_back_what_was_spent() {
    let mut world = World::prepared();
    let (channel, hour) = (world.channel(), 3_600_000);
    let batch = world.batch(&[world.terms("base", 10_007, 0, &[], 1)]);
    world.accept(CONSUMER, close(channel));
    let from_ms = world.context.timestamp_ms + 1;
    let until_ms = from_ms + 72 * hour;
    pause(&mut world, from_ms, until_ms);
    world.context.timestamp_ms += hour;
    world.check([
        (GATEWAY, settling(batch.clone()), Err(StepPaused)),
        (CONSUMER, close(channel), Err(ChannelStillOpen)),
    ]);
    world.context.timestamp_ms = until_ms;
    world.check([(CONSUMER, close(channel), Err(ChannelStillOpen)), (GATEWAY, settling(batch), Ok(()))]);
    world.context.timestamp_ms += hour;
    world.accept(CONSUMER, close(channel));
    assert_eq!(world.credits(CONSUMER), 1_000_000_000 - 10_007 - 100);
}

/// The council paused settlement once more, a moment after the first pause: the delay that the first gave back was forgotten.
#[test]
fn a_second_pause_takes_nothing_of_what_the_first_gave_back() {
    let mut world = World::prepared();
    let (channel, hour) = (world.channel(), 3_600_000);
    let batch = world.batch(&[world.terms("base", 10_007, 0, &[], 1)]);
    world.accept(CONSUMER, close(channel));
    let paused = |world: &mut World| {
        let until_ms = world.context.timestamp_ms + 72 * hour;
        world.transit(0, |transition| {
            crate::governance::begin_pause(transition, &[Pausable::Settlement], until_ms)
        });
        world.context.timestamp_ms = until_ms + 1;
    };
    world.context.timestamp_ms += 1;
    paused(&mut world);
    paused(&mut world);
    world.check([(CONSUMER, close(channel), Err(ChannelStillOpen)), (GATEWAY, settling(batch), Ok(()))]);
    world.context.timestamp_ms += hour;
    world.accept(CONSUMER, close(channel));
    assert_eq!(world.credits(CONSUMER), 1_000_000_000 - 10_007 - 100);
}

#[test]
fn a_pause_after_the_delay_keeps_nobody() {
    let mut world = World::prepared();
    let channel = world.channel();
    world.accept(CONSUMER, close(channel));
    world.context.timestamp_ms += 3_600_000;
    let from_ms = world.context.timestamp_ms;
    pause(&mut world, from_ms, u64::MAX);
    world.accept(CONSUMER, close(channel));
    assert_eq!(world.credits(CONSUMER), 1_000_000_000);
}

#[test]
fn the_gateway_closes_at_once() {
    let mut world = World::prepared();
    world.accept(CONSUMER, open(GATEWAY, 5, 1));
    let channel = channel_id(&account(CONSUMER), &account(GATEWAY), &bytes32(1));
    world.accept(GATEWAY, close(channel));
    assert_eq!(world.credits(CONSUMER), 900_000_000);
}
