//! The read models against the real ledger: what they say is what the ledger's own records say.

#![allow(clippy::unwrap_used, reason = "a test that unwraps nothing fails")]

mod network;

use std::collections::BTreeMap;

use network::{Answer, Network, START_MS, account, name};
use openledger_ledger::state::StateKey;
use openledger_query::views::{Changes, LineKind, PageRequest, SearchKind, SourceView};
use openledger_query::{Applied, ApplyError, ReceiptError};
use openledger_types::record::{AccountRecord, Role};
use openledger_types::*;
use proptest::prelude::*;

const GATEWAY: u8 = 1;
const PROVIDER: u8 = 2;
const BUILDER: u8 = 3;
const CONSUMER: u8 = 4;
const CURATOR: u8 = 5;
const AUTHORS: [u8; 3] = [10, 11, 12];

fn text(number: u8, owners: &[u8]) -> NewContribution {
    NewContribution {
        id: ContributionId([number; 32]),
        cluster: Hash([number / 2; 32]),
        owners: owners.iter().map(|owner| NewOwner { account: account(*owner), parts: 1 }).collect(),
        license: "CC-BY-SA-3.0".into(),
        label: format!("help/page-{number}.page"),
    }
}

/// Roles, one datanet of four contributions (the last repeats the third), three answers in two batches.
fn lively() -> Network {
    let mut network = Network::new(&[GATEWAY, PROVIDER, BUILDER, CONSUMER, CURATOR]);
    network.roles(GATEWAY, PROVIDER, BUILDER, CONSUMER, "smollm2");
    network.block();
    let texts =
        vec![text(2, &AUTHORS[..1]), text(4, &AUTHORS), text(6, &AUTHORS[1..2]), text(7, &AUTHORS[2..])];
    network.datanet(CURATOR, "help", "Help pages", texts);
    network.block();
    for (index, id) in ["aaa-1", "aaa-2", "bbb-3"].into_iter().enumerate() {
        let shares =
            vec![(name("help"), ContributionId([2; 32]), 300), (name("help"), ContributionId([4; 32]), 200)];
        network.answer(Answer {
            id,
            gateway: GATEWAY,
            provider: PROVIDER,
            consumer: CONSUMER,
            model: "smollm2",
            reference: 10_007 + index as u64,
            premium: 0,
            tokens: (100, 50),
            shares,
            unattributed: 100,
        });
        if index > 0 {
            network.settle(GATEWAY, CONSUMER);
            network.block();
        }
    }
    network
}

fn first(per_page: usize) -> PageRequest {
    PageRequest::first(per_page)
}

fn check_against_ledger(network: &Network) {
    let (said, record) = (network.models.supply(), network.supply());
    assert!(said.conserved);
    assert_eq!(said.credits_deposited, record.credits_deposited);
    assert_eq!(said.credits_withdrawn, record.credits_withdrawn);
    assert_eq!(said.credits_burned, record.credits_burned);
    assert_eq!(said.credits_in_balances, record.credits_in_balances);
    assert_eq!(said.credits_in_channels, record.credits_in_channels);
    assert_eq!(said.credits_in_escrow, record.credits_in_escrow);
    assert_eq!(said.credits_in_pools, record.credits_in_pools);
    assert_eq!(said.open_issued, record.open_issued);
    assert_eq!(said.open_in_balances, record.open_in_balances);
    assert_eq!(said.open_bonded, record.open_bonded);
    for number in 1..=12 {
        let record: AccountRecord = network.record(StateKey::Account(account(number))).unwrap_or_default();
        let Some(view) = network.models.account(account(number)) else { continue };
        let said = (view.credits, view.open, view.escrowed);
        assert_eq!(said, (record.credits, record.open, record.escrowed), "account {number}");
        check_statement(network, number);
    }
}

/// Opening sums plus all lines are the closing sums, and receipts explain every earned and spent line to the unit.
fn check_statement(network: &Network, number: u8) {
    let mut sum = None;
    let mut page = 1;
    loop {
        let statement = network.models.statement(account(number), PageRequest { page, per_page: 7 });
        let so_far = sum.unwrap_or(statement.opening);
        sum = Some(statement.lines.entries.iter().fold(so_far, |sum: Changes, line| sum.plus(line.changes)));
        for line in &statement.lines.entries {
            let gross = match line.kind {
                LineKind::Earned => line.changes.liquid + line.changes.escrowed,
                LineKind::Spent => -line.changes.in_channels,
                _ => continue,
            };
            assert_eq!(i128::from(line.receipts_amount.0), gross, "{line:?}");
            assert_eq!(line.receipts.len() as u64, line.receipts_total);
        }
        if page >= statement.lines.pages() {
            assert_eq!(sum, Some(statement.closing), "account {number}");
            return;
        }
        page += 1;
    }
}

#[test]
fn balances_supply_and_statements_equal_the_ledgers_records() {
    let network = lively();
    check_against_ledger(&network);
    let spent = network.models.account(account(CONSUMER)).unwrap().spent;
    assert_eq!(spent, network.models.overview().charged);
    assert_eq!(network.models.overview().counts.receipts_settled, 3);
}

#[test]
fn a_batch_adds_up_and_names_its_receipts() {
    let network = lively();
    let batch = network.models.batch(account(GATEWAY), 1, first(10)).unwrap();
    assert!(batch.adds_up, "{batch:?}");
    assert_eq!(batch.summary.receipts, 2);
    let ids: Vec<_> = batch.receipt_list.entries.iter().map(|receipt| receipt.id.as_str()).collect();
    assert_eq!(ids, ["aaa-1", "aaa-2"]);
    let owners = batch.payouts.iter().filter(|payout| payout.role == Some(Role::Data)).count();
    assert_eq!(owners, 4, "one owner of the first page, three of the second");
    assert!(network.models.batch(account(GATEWAY), 3, first(10)).is_none());
}

#[test]
fn a_receipt_adds_up_and_knows_its_batch() {
    let network = lively();
    let receipt = network.models.receipt("bbb-3").unwrap();
    assert!(receipt.adds_up);
    assert_eq!(receipt.summary.settled.unwrap().batch, 2);
    assert_eq!(receipt.summary.attributed_basis_points, 8_333);
    assert_eq!(receipt.shares[0].basis_points, 5_000);
    for payout in &receipt.payouts {
        let paid = payout.paid.unwrap();
        assert_eq!(paid.liquid.plus(paid.escrowed), Some(payout.amount), "{payout:?}");
    }
    let data = receipt.payouts.iter().find(|payout| payout.role == Role::Data).unwrap();
    let Some(SourceView::Contribution { datanet, label, .. }) = &data.source else { panic!("{data:?}") };
    assert_eq!((datanet.clone(), label.as_deref()), (Some(name("help")), Some("help/page-2.page")));
}

#[test]
fn an_unsettled_receipt_is_shown_as_such_until_its_batch_arrives() {
    let mut network = lively();
    let receipt = network.answer(Answer {
        id: "ccc-4",
        gateway: GATEWAY,
        provider: PROVIDER,
        consumer: CONSUMER,
        model: "smollm2",
        reference: 5_000,
        premium: 100,
        tokens: (10, 10),
        shares: vec![],
        unattributed: 10,
    });
    network.models.add_receipt(receipt).unwrap();
    let view = network.models.receipt("ccc-4").unwrap();
    assert!(view.summary.settled.is_none() && view.adds_up);
    assert!(view.payouts.iter().all(|payout| payout.paid.is_none()));
    network.settle(GATEWAY, CONSUMER);
    network.block();
    assert!(network.models.receipt("ccc-4").unwrap().summary.settled.is_some());
    check_against_ledger(&network);
}

#[test]
fn a_datanet_tells_authors_repeats_versions_and_concentration() {
    let network = lively();
    let view = network.models.datanet(&name("help"), first(3)).unwrap();
    assert_eq!((view.summary.contributions, view.summary.repeats, view.summary.authors), (4, 1, 3));
    assert_eq!(view.repeats_basis_points, 2_500);
    assert_eq!(view.summary.answers, 3);
    assert_eq!(view.snapshots.len(), 1);
    assert_eq!(view.contribution_list.entries.len(), 3);
    assert_eq!(view.contribution_list.pages(), 2);
    assert_eq!(view.concentration.basis, "earnings");
    assert_eq!(
        view.top_authors[0].account.id,
        account(AUTHORS[0]),
        "the sole author of the page with most mass"
    );
    let earned: u64 =
        view.top_authors.iter().map(|author| author.earned.escrowed.0 + author.earned.liquid.0).sum();
    assert_eq!(earned, view.summary.earned.0);
    let page = network.models.contribution(&name("help"), &ContributionId([2; 32])).unwrap();
    assert_eq!(page.answers, 3);
    assert!(!network.models.contribution(&name("help"), &ContributionId([7; 32])).unwrap().owns_cluster);
}

#[test]
fn models_providers_and_gateways_are_listed_with_what_they_did() {
    let network = lively();
    let model = network.models.model(&name("smollm2")).unwrap();
    assert_eq!((model.answers, model.offers.len(), model.royalties.len()), (3, 1, 1));
    assert!(model.earned > Amount::ZERO && model.uplift_pool > Amount::ZERO);
    let provider = &network.models.providers(first(10)).entries[0];
    assert_eq!((provider.answers, provider.offers.len()), (3, 1));
    let gateway = &network.models.gateways(first(10)).entries[0];
    assert_eq!((gateway.batches, gateway.receipts), (2, 3));
}

#[test]
fn a_block_twice_changes_nothing_and_gaps_and_other_chains_are_refused() {
    let network = lively();
    let before = format!("{:?}", network.models);
    for block in &network.blocks {
        assert_eq!(network.models.apply(block.clone()), Ok(Applied::Known));
    }
    assert_eq!(format!("{:?}", network.models), before);
    let last = network.blocks.last().unwrap().clone();
    let refused = |height, digest, parent| {
        let mut block = last.clone();
        (block.height, block.digest, block.parent) = (height, digest, parent);
        network.models.apply(block).unwrap_err()
    };
    let expected = last.height + 1;
    let gap = refused(expected + 1, Hash([1; 32]), last.digest);
    assert_eq!(gap, ApplyError::Gap { expected, given: expected + 1 });
    assert!(matches!(refused(expected, Hash([1; 32]), Hash([2; 32])), ApplyError::ParentDiffers { .. }));
    assert!(matches!(refused(1, Hash([1; 32]), Hash([0; 32])), ApplyError::DigestDiffers { height: 1, .. }));
    assert_eq!(format!("{:?}", network.models), before);
}

#[test]
fn replay_into_new_models_says_the_same_whatever_the_order_of_receipts() {
    let network = lively();
    let other = Network::new(&[GATEWAY, PROVIDER, BUILDER, CONSUMER, CURATOR]);
    let receipts = ["bbb-3", "aaa-1", "aaa-2"];
    for block in &network.blocks {
        other.models.apply(block.clone()).unwrap();
    }
    let mut facts = lively_receipts();
    for id in receipts {
        other.models.add_receipt(facts.remove(id).unwrap()).unwrap();
    }
    let said = |network: &Network| {
        let models = &network.models;
        let overview = serde_json::to_string(&models.overview()).unwrap();
        let statement = serde_json::to_string(&models.statement(account(10), first(50))).unwrap();
        let feed = serde_json::to_string(&models.receipts(first(50))).unwrap();
        (overview, statement, feed)
    };
    assert_eq!(said(&other), said(&network));
}

/// The receipts of [`lively`], made again.
fn lively_receipts() -> BTreeMap<&'static str, openledger_query::ReceiptFacts> {
    let mut network = Network::new(&[GATEWAY, PROVIDER, BUILDER, CONSUMER, CURATOR]);
    network.roles(GATEWAY, PROVIDER, BUILDER, CONSUMER, "smollm2");
    network.block();
    let texts =
        vec![text(2, &AUTHORS[..1]), text(4, &AUTHORS), text(6, &AUTHORS[1..2]), text(7, &AUTHORS[2..])];
    network.datanet(CURATOR, "help", "Help pages", texts);
    network.block();
    let mut receipts = BTreeMap::new();
    for (index, id) in ["aaa-1", "aaa-2", "bbb-3"].into_iter().enumerate() {
        let shares =
            vec![(name("help"), ContributionId([2; 32]), 300), (name("help"), ContributionId([4; 32]), 200)];
        let receipt = network.answer(Answer {
            id,
            gateway: GATEWAY,
            provider: PROVIDER,
            consumer: CONSUMER,
            model: "smollm2",
            reference: 10_007 + index as u64,
            premium: 0,
            tokens: (100, 50),
            shares,
            unattributed: 100,
        });
        receipts.insert(id, receipt);
        if index > 0 {
            network.settle(GATEWAY, CONSUMER);
            network.block();
        }
    }
    receipts
}

#[test]
fn a_receipt_twice_counts_once_and_a_second_one_at_its_number_is_refused() {
    let network = lively();
    let mut receipt = lively_receipts().remove("aaa-1").unwrap();
    assert_eq!(network.models.add_receipt(receipt.clone()), Ok(Applied::Known));
    assert_eq!(network.models.model(&name("smollm2")).unwrap().answers, 3);
    receipt.total = Amount(1);
    assert!(matches!(network.models.add_receipt(receipt), Err(ReceiptError::Conflict { .. })));
}

#[test]
fn old_lines_receipts_blocks_and_batches_are_dropped_and_statements_still_add_up() {
    let small = |settings: &mut openledger_query::Settings| {
        settings.limits.lines_max = 10;
        settings.limits.receipts_max = 1;
        settings.limits.blocks_max = 2;
        settings.limits.transactions_max = 2;
        settings.limits.events_max = 3;
        settings.limits.batches_max = 1;
        settings.limits.contributions_max = 2;
        settings.limits.names_max = 1;
    };
    let network = Network::with(&[GATEWAY, PROVIDER, BUILDER, CONSUMER, CURATOR], small);
    for block in &lively().blocks {
        network.models.apply(block.clone()).unwrap();
    }
    let mut receipts = lively_receipts();
    for id in ["aaa-1", "aaa-2", "bbb-3", "aaa-1"] {
        if let Some(receipt) = receipts.remove(id) {
            network.models.add_receipt(receipt).unwrap();
        }
    }
    let again = lively_receipts().remove("aaa-1").unwrap();
    assert_eq!(
        network.models.add_receipt(again),
        Ok(Applied::Known),
        "a dropped receipt is not counted again"
    );
    let models = &network.models;
    assert_eq!(models.receipts(first(10)).total, 1);
    assert_eq!(models.blocks(first(10)).total, 2);
    assert!(models.transactions(first(10)).total <= 2);
    assert_eq!(models.batches(first(10)).total, 1);
    assert_eq!(models.datanet(&name("help"), first(10)).unwrap().contribution_list.total, 2);
    assert_eq!(models.overview().counts.contributions, 4);
    assert!(models.supply().conserved);
    let statement = models.statement(account(CONSUMER), first(10));
    assert!(statement.lines_dropped > 0);
    let sum = statement.lines.entries.iter().fold(statement.opening, |sum, line| sum.plus(line.changes));
    assert_eq!(sum, statement.closing);
    assert!(models.set_account_name(account(1), "One", ""));
    assert!(!models.set_account_name(account(2), "Two", ""));
    assert!(models.set_account_name(account(1), "", "") && models.set_account_name(account(2), "Two", ""));
}

#[test]
fn search_finds_by_id_prefix_height_and_word() {
    let network = lively();
    network.models.set_account_name(account(10), "Phil Bull", "author");
    let address = account(10).to_string();
    let block = network.blocks[1].digest.to_string();
    let transaction = network.blocks[1].transactions[0].hash.to_string();
    for (query, kind, id) in [
        ("aaa", SearchKind::Receipt, "aaa-1"),
        ("phil", SearchKind::Account, &address),
        (&address[..9], SearchKind::Account, &address),
        (&address, SearchKind::Account, &address),
        (&address.to_uppercase().replace("0X", "0x"), SearchKind::Account, &address),
        ("help", SearchKind::Datanet, "help"),
        ("page-4", SearchKind::Contribution, &ContributionId([4; 32]).to_string()),
        ("smol", SearchKind::Model, "smollm2"),
        ("2", SearchKind::Block, "2"),
        (&block[..20], SearchKind::Block, "2"),
        (&transaction[..20], SearchKind::Transaction, &transaction),
    ] {
        let hits = network.models.search(query);
        assert!(hits.iter().any(|hit| hit.kind == kind && hit.id == id), "{query}: {hits:?}");
    }
    for nothing in ["", "   ", "0x", "0xzzzz", "nothing at all", "999999", &"é".repeat(200)] {
        assert!(network.models.search(nothing).is_empty(), "{nothing}");
    }
}

#[test]
fn pages_end_where_the_list_ends() {
    let network = lively();
    let blocks = network.models.blocks(PageRequest { page: 2, per_page: 3 });
    assert_eq!((blocks.entries.len(), blocks.total, blocks.pages()), (1, 4, 2));
    assert!(network.models.blocks(PageRequest { page: u64::MAX, per_page: 3 }).entries.is_empty());
    assert_eq!(network.models.blocks(PageRequest { page: 0, per_page: 0 }).entries.len(), 1);
    assert_eq!(network.models.blocks(PageRequest { page: 1, per_page: usize::MAX }).per_page, 100);
}

#[test]
fn refused_transactions_are_shown_and_move_nothing() {
    let mut network = lively();
    let before = network.models.supply();
    let too_much = Action::Transfer { to: account(9), asset: Asset::Credit, amount: Amount(u64::MAX) };
    assert_eq!(network.act(CURATOR, too_much), Err(Rejection::BalanceTooLow));
    network.block();
    assert_eq!(network.models.supply(), before);
    let block = network.models.block(network.height, first(10)).unwrap();
    let rejection = block.transactions.entries[0].rejection.clone().unwrap();
    assert_eq!(rejection.number, Rejection::BalanceTooLow.number());
    let transaction = network.models.transaction(&block.transactions.entries[0].hash).unwrap();
    assert_eq!(transaction.event_list, Some(vec![]));
}

#[derive(Debug, Clone)]
enum Step {
    Transfer(u8, u8, u64, bool),
    Faucet(u8, u64),
    TopUp(u64),
    Answer(u64, u64, Vec<u64>, u64),
    Revoke(u8),
    Settle,
    CloseByGateway,
    Deposit(u8, u64, u8),
    Withdraw(u8, u64),
    Raise(bool, u64),
    Unbond(bool, u64),
    Release(bool),
    Block,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..6u8, 1..13u8, 0..4_000_000u64, any::<bool>()).prop_map(|(a, b, c, d)| Step::Transfer(a, b, c, d)),
        (1..13u8, 1..1_000_000u64).prop_map(|(a, b)| Step::Faucet(a, b)),
        (1..100_000u64).prop_map(Step::TopUp),
        (1..50_000u64, 0..5_000u64, proptest::collection::vec(1..1_000u64, 0..3), 0..1_000u64)
            .prop_map(|(a, b, c, d)| Step::Answer(a, b, c, d)),
        (0..3u8).prop_map(Step::Revoke),
        Just(Step::Settle),
        Just(Step::CloseByGateway),
        (1..13u8, 1..1_000_000u64, 0..6u8).prop_map(|(a, b, c)| Step::Deposit(a, b, c)),
        (1..13u8, 1..1_000_000u64).prop_map(|(a, b)| Step::Withdraw(a, b)),
        (any::<bool>(), 1..1_000_000_000u64).prop_map(|(a, b)| Step::Raise(a, b)),
        (any::<bool>(), 1..1_000_000_000u64).prop_map(|(a, b)| Step::Unbond(a, b)),
        any::<bool>().prop_map(Step::Release),
        Just(Step::Block),
    ]
}

/// Who has OPEN at stake, and as what.
fn bonded(provider: bool) -> (u8, Role) {
    if provider { (PROVIDER, Role::Provider) } else { (GATEWAY, Role::Gateway) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever happens on the ledger, the models say what its records say and lose nothing.
    #[test]
    fn random_histories_are_conserved(steps in proptest::collection::vec(step(), 1..40)) {
        let mut network = lively();
        let ids = [ContributionId([2; 32]), ContributionId([4; 32]), ContributionId([6; 32])];
        let channel = transaction::channel_id(&account(CONSUMER), &account(GATEWAY), &Hash([1; 32]));
        let (mut owed, mut issued, mut answers, mut closed, mut revoked) = (0, 0, 0, false, false);
        for step in steps {
            match step {
                Step::Transfer(from, to, amount, credit) => {
                    let asset = if credit { Asset::Credit } else { Asset::Open };
                    let _ = network.act(from, Action::Transfer { to: account(to), asset, amount: Amount(amount) });
                }
                Step::Faucet(to, amount) => {
                    let faucet = Action::Faucet { to: account(to), asset: Asset::Credit, amount: Amount(amount) };
                    let _ = network.act(CURATOR, faucet);
                }
                Step::TopUp(amount) => {
                    let _ = network.act(CONSUMER, Action::TopUpChannel { channel, amount: Amount(amount) });
                }
                Step::Answer(reference, premium, weights, unattributed) => {
                    if closed || revoked || owed + reference * 2 + premium > 1_500_000 { continue }
                    owed += reference * 2 + premium;
                    answers += 1;
                    issued += 1;
                    let shares = weights.iter().zip(ids).map(|(weight, id)| (name("help"), id, *weight)).collect();
                    network.answer(Answer {
                        id: &format!("answer-{issued}"),
                        gateway: GATEWAY, provider: PROVIDER, consumer: CONSUMER, model: "smollm2",
                        reference, premium, tokens: (1, 1), shares, unattributed,
                    });
                }
                Step::Revoke(index) => {
                    if answers > 0 { continue }
                    revoked = true;
                    let contribution = ids[usize::from(index)];
                    let _ = network.act(CURATOR, Action::RevokeContribution { datanet: name("help"), contribution });
                }
                Step::Settle => if answers > 0 { network.settle(GATEWAY, CONSUMER); answers = 0; },
                Step::CloseByGateway => {
                    if answers > 0 { continue }
                    closed = true;
                    let _ = network.act(GATEWAY, Action::CloseChannel { channel });
                }
                Step::Deposit(to, amount, reference) => {
                    let (to, reference) = (account(to), Hash([reference; 32]));
                    let deposit = Action::BridgeDeposit { to, amount: Amount(amount), reference };
                    let _ = network.act(1, deposit);
                }
                Step::Withdraw(from, amount) => {
                    let destination = "elsewhere".into();
                    let _ = network.act(from, Action::Withdraw { amount: Amount(amount), destination });
                }
                Step::Raise(provider, amount) => {
                    let (who, role) = bonded(provider);
                    let _ = network.act(who, Action::RaiseBond { role, amount: Amount(amount) });
                }
                Step::Unbond(provider, amount) => {
                    let (who, role) = bonded(provider);
                    let _ = network.act(who, Action::Unbond { role, amount: Amount(amount) });
                }
                Step::Release(provider) => {
                    let (who, role) = bonded(provider);
                    let epoch = network.timestamp_ms / network.parameters.epoch_ms;
                    let _ = network.act(who, Action::ReleaseBond { role, epochs: vec![epoch] });
                }
                Step::Block => { network.block(); }
            }
        }
        if answers > 0 { network.settle(GATEWAY, CONSUMER); }
        network.block();
        check_against_ledger(&network);
        prop_assert!(network.timestamp_ms > START_MS);
        for batch in network.models.batches(first(100)).entries {
            let batch = network.models.batch(batch.gateway.id, batch.number, first(100)).unwrap();
            prop_assert!(batch.adds_up);
            prop_assert!(batch.receipt_list.entries.len() as u64 == u64::from(batch.summary.receipts));
        }
    }
}
