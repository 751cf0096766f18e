//! The table of refunds, and that they never exceed what was charged.

use openledger_types::Rejection::*;
use openledger_types::record::{Role, TrancheRecord};
use openledger_types::settlement::{Refund, RefundConsent, RefundRecord, SettlementAction};
use openledger_types::transaction::{ConsentMessage, channel_id};
use openledger_types::{Action, Amount, ChannelId};
use proptest::prelude::*;

use super::SettlementKey;
use crate::StateKey;
use crate::tests::*;

/// A refund of receipt 2, which charged 10,100.
pub(crate) fn refund(world: &World, amount: u64, change: impl FnOnce(&mut Refund)) -> Action {
    let mut refund = Refund {
        batch: 1,
        receipt: 2,
        channel: world.channel(),
        charged: Amount(10_100),
        amount: Amount(amount),
        failed: false,
        consent: None,
    };
    change(&mut refund);
    Action::Settlement(SettlementAction::Refund(refund))
}

/// The consent of an account to give this much for receipt 2 so far, out of its tranche of an epoch.
fn consent(signer: u8, epoch: u64, cumulative: u64) -> Option<RefundConsent> {
    let channel = channel_id(&account(CONSUMER), &account(GATEWAY), &bytes32(0));
    consent_for(channel, signer, epoch, cumulative)
}

fn consent_for(channel: ChannelId, signer: u8, epoch: u64, cumulative: u64) -> Option<RefundConsent> {
    let cumulative = Amount(cumulative);
    let gateway = account(GATEWAY);
    let message = ConsentMessage { chain_id: 31_337, gateway, receipt: 2, channel, epoch, cumulative };
    let signature = message.sign(&secret(signer));
    Some(RefundConsent { provider: account(PROVIDER), epoch, cumulative, signature })
}

/// Two receipts of 10,000 uC and their fee in batch 1.
fn settled() -> World {
    let mut world = World::prepared();
    let batch =
        world.batch(&[world.terms("base", 10_000, 0, &[], 1), world.terms("base", 10_000, 0, &[], 1)]);
    world.accept(GATEWAY, settling(batch));
    world
}

#[test]
fn a_gateway_refunds_what_a_receipt_charged_and_no_more() {
    let mut world = settled();
    let w = world.clone();
    let consumer = world.credits(CONSUMER);
    world.check([
        (STRANGER, refund(&w, 1, |_| {}), Err(GatewayUnknown)),
        (GATEWAY, refund(&w, 0, |_| {}), Err(AmountZero)),
        (GATEWAY, refund(&w, 1, |refund| refund.batch = 2), Err(RefundReceiptUnknown)),
        (GATEWAY, refund(&w, 1, |refund| refund.receipt = 3), Err(RefundReceiptUnknown)),
        (GATEWAY, refund(&w, 1, |refund| refund.receipt = 0), Err(RefundReceiptUnknown)),
        (GATEWAY, refund(&w, 1, |refund| refund.channel = ChannelId([9; 32])), Err(ChannelUnknown)),
        (GATEWAY, refund(&w, 10_101, |_| {}), Err(RefundTooMuch)),
        (GATEWAY, refund(&w, 20_201, |refund| refund.charged = Amount(50_000)), Err(RefundTooMuch)),
        (GATEWAY, refund(&w, 10_099, |refund| refund.failed = true), Err(RefundNotWhole)),
        (GATEWAY, refund(&w, 100, |_| {}), Ok(())),
        (GATEWAY, refund(&w, 1, |refund| refund.charged = Amount(10_101)), Err(RefundChargeWrong)),
        (GATEWAY, refund(&w, 10_001, |_| {}), Err(RefundTooMuch)),
        (GATEWAY, refund(&w, 10_000, |refund| refund.failed = true), Ok(())),
        (GATEWAY, refund(&w, 1, |_| {}), Err(RefundTooMuch)),
    ]);
    assert_eq!(world.credits(CONSUMER) - consumer, 10_100);
    let record: RefundRecord = world.record(&SettlementKey::Refund(account(GATEWAY), 2).state()).unwrap();
    assert!(record.failed && record.refunded == record.charged);
    // Another gateway's channel.
    world.accept(STRANGER, gateway(1_000_000_000, 100));
    world.check([(STRANGER, refund(&w, 1, |_| {}), Err(RefundReceiptUnknown))]);
}

#[test]
fn a_failed_receipt_is_not_charged_again() {
    let mut world = settled();
    let failed = refund(&world, 10_100, |refund| refund.failed = true);
    world.accept(GATEWAY, failed);
    let mut again = world.batch(&[world.terms("base", 10_000, 0, &[], 1)]);
    again.first_receipt = 2;
    world.check([(GATEWAY, settling(again), Err(ReceiptSequenceWrong))]);
}

#[test]
fn a_provider_gives_from_its_tranche_what_it_signed_for() {
    let mut world = settled();
    let w = world.clone();
    let with = |amount, signer, epoch, cumulative| {
        refund(&w, amount, |refund| refund.consent = consent(signer, epoch, cumulative))
    };
    let tranche = StateKey::Tranche(account(PROVIDER), Role::Provider, 0);
    let before: TrancheRecord = world.record(&tranche).unwrap();
    let elsewhere = refund(&w, 1_000, |refund| {
        refund.consent = consent_for(ChannelId([7; 32]), PROVIDER, 0, 1_000);
    });
    world.check([
        (GATEWAY, elsewhere, Err(ConsentInvalid)),
        (GATEWAY, with(1_000, STRANGER, 0, 1_000), Err(ConsentInvalid)),
        (GATEWAY, with(1_001, PROVIDER, 0, 1_000), Err(ConsentInvalid)),
        (GATEWAY, with(1_000, PROVIDER, 1, 1_000), Err(TrancheTooLow)),
    ]);
    // Until the receipts of the epoch can no longer be drawn and opened, they could name any channel of theirs for it.
    world.pass(3);
    world.check([(GATEWAY, with(1_000, PROVIDER, 0, 1_000), Err(TrancheTooLow))]);
    world.pass(1);
    world.check([
        (GATEWAY, with(1_000, PROVIDER, 0, 1_000), Ok(())),
        (GATEWAY, with(1_000, PROVIDER, 0, 1_000), Err(ConsentInvalid)),
        (GATEWAY, with(500, PROVIDER, 0, 1_500), Ok(())),
        (GATEWAY, with(before.amount.0 - 1_499, PROVIDER, 0, before.amount.0 + 1), Err(TrancheTooLow)),
    ]);
    assert_eq!(world.account(PROVIDER).escrowed.0, before.amount.0 - 1_500);
    world.pass(20);
    world.accept(PROVIDER, Action::ClaimTranches { role: Role::Provider, epochs: vec![0] });
    assert_eq!(world.account(PROVIDER).escrowed, Amount(0));
    world.check([(GATEWAY, with(1, PROVIDER, 0, 1_501), Err(TrancheTooLow))]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever is asked, a receipt and a batch never give back more than they charged.
    #[test]
    fn refunds_never_exceed_what_was_charged(
        asked in prop::collection::vec((1u64..4, 0u64..12_000, any::<bool>(), 0u64..15_000), 1..20),
    ) {
        let mut world = settled();
        let before = world.credits(CONSUMER);
        let mut given = std::collections::BTreeMap::<u64, u64>::new();
        for (receipt, amount, failed, charged) in asked {
            let action = refund(&world, amount, |refund| {
                refund.receipt = receipt;
                refund.failed = failed;
                refund.charged = Amount(charged);
            });
            if world.send(GATEWAY, action).is_ok() {
                *given.entry(receipt).or_default() += amount;
                let key = SettlementKey::Refund(account(GATEWAY), receipt).state();
                let record: RefundRecord = world.record(&key).unwrap();
                prop_assert_eq!(record.refunded.0, given[&receipt]);
                prop_assert!(record.refunded <= record.charged);
                prop_assert!(!record.failed || record.refunded == record.charged);
            }
        }
        let sum: u64 = given.values().sum();
        prop_assert!(sum <= 20_200);
        prop_assert_eq!(world.credits(CONSUMER) - before, sum);
    }
}
