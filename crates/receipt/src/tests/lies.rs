//! Lies that gateway and provider both sign, and files whose state does not bear them out: each fails at its step.

use openledger_types::{Amount, BasisPoints, ChannelId, Hash, ServiceSecret};

use super::world::{
    BATCH_HEIGHT, World, account, check_proof, failures, name, network, passage, read_material, verified,
};
use crate::*;

/// A name, a change, and the steps that fail because of it.
type Row = (&'static str, fn(&mut World), &'static [&'static str]);

/// The answer of an engine whose arithmetic nobody can repeat.
fn of_an_engine(world: &mut World) {
    world.predicate.served.numeric_specification = 0;
    world.predicate.evidence = EvidenceFacts { commitment: String::new(), windows: 0 };
}

#[test]
fn whoever_verifies_is_told_when_nothing_stands_behind_the_model() {
    let said = |world: &World| {
        let report = verified(&world.file(true, true));
        report.checks.into_iter().find(|check| check.name == "statement").map(|check| check.detail).unwrap()
    };
    let mut world = World::new();
    assert!(!said(&world).contains("nothing stands"), "{}", said(&world));
    of_an_engine(&mut world);
    assert!(said(&world).contains("finds the answer consistent or not"), "{}", said(&world));
    world.predicate.served.weights = Hash::UNKNOWN;
    assert!(said(&world).contains("nothing stands behind which model answered"), "{}", said(&world));
}

/// Both keys sign the changed predicate; the ledger's records are unchanged.
#[test]
fn a_lie_signed_by_both_fails_at_its_step() {
    let table: &[Row] = &[
        ("id", |w| w.predicate.id.replace_range(14..15, "4"), &["statement"]),
        ("id upper-case", |w| w.predicate.id = w.predicate.id.to_uppercase(), &["statement"]),
        ("no previous", |w| w.predicate.previous = Hash([0; 32]), &["statement"]),
        ("snapshots unsorted", |w| w.predicate.served.snapshots.reverse(), &["statement"]),
        ("chain", |w| w.predicate.network.chain_id = 1, &["network", "voucher", "state proofs"]),
        ("genesis", |w| w.predicate.network.genesis = Hash([1; 32]), &["network"]),
        ("request", |w| w.predicate.request.salted_sha256 = Hash([1; 32]), &["texts"]),
        ("answer", |w| w.predicate.response.salted_sha256 = Hash([1; 32]), &["texts"]),
        ("span inside a character", |w| w.predicate.attribution.spans[0].end = 14, &["texts"]),
        ("span outside", |w| w.predicate.attribution.spans[2].end = 65, &["texts", "attribution sums"]),
        ("span empty", |w| w.predicate.attribution.spans[0].end = 0, &["attribution sums"]),
        ("spans unordered", |w| w.predicate.attribution.spans.swap(0, 1), &["attribution sums"]),
        (
            "common span with sources",
            |w| w.predicate.attribution.spans[0].common = true,
            &["attribution sums"],
        ),
        ("edits without runs", |w| w.predicate.attribution.spans[0].edits = 1, &["attribution sums"]),
        (
            "runs without edits",
            |w| w.predicate.attribution.spans[0].matched.push(RunFacts { start: 0, end: 30 }),
            &["attribution sums"],
        ),
        ("method", |w| w.predicate.attribution.method = "B".into(), &["attribution sums"]),
        ("sum", |w| w.predicate.attribution.total += 1, &["attribution sums"]),
        ("share moved", share_moved, &["attribution sums", "split"]),
        (
            "share moved and settled so",
            |w| {
                share_moved(w);
                w.settle()
            },
            &["attribution sums"],
        ),
        (
            "share moved with the mass of its spans, and settled so",
            |w| {
                mass_moved(w);
                w.settle()
            },
            &[],
        ),
        ("span without mass", |w| w.predicate.attribution.spans[1].mass = 0, &["attribution sums"]),
        ("mass beyond all", |w| w.predicate.attribution.spans[0].mass = u64::MAX, &["attribution sums"]),
        ("owner of a span", |w| w.predicate.attribution.spans[0].sources.reverse(), &["attribution sums"]),
        ("span of nobody", |w| w.predicate.attribution.spans[3].sources.clear(), &["attribution sums"]),
        (
            "common mass called unattributed",
            |w| {
                w.predicate.attribution.unattributed += 51;
                w.predicate.attribution.common = 0
            },
            &["attribution sums"],
        ),
        (
            "a share that cannot be paid is unattributed",
            |w| {
                w.predicate.attribution.unattributed += 99;
                w.predicate.attribution.shares.remove(0);
                w.settle()
            },
            &[],
        ),
        ("tokens", |w| w.predicate.usage.completion_tokens += 1, &["price", "split"]),
        ("price", |w| w.predicate.price.prompt_price = Amount(99), &["price", "split"]),
        (
            "fee not registered",
            |w| {
                w.predicate.price.router_fee = BasisPoints(501);
                w.settle()
            },
            &["split"],
        ),
        ("fee amount", |w| w.predicate.settlement.router_fee.0 += 1, &["price", "split"]),
        ("burn kept", burn_kept, &["split"]),
        ("line to another owner", |w| w.predicate.settlement.data[0].owner = account(0xEE), &["split"]),
        (
            "line to another builder",
            |w| w.predicate.settlement.builders[0].account = account(0xEE),
            &["split"],
        ),
        ("paid to another provider", |w| w.predicate.settlement.provider = account(0xEE), &["split"]),
        (
            "carry too large",
            |w| {
                w.predicate.settlement.carry_in = Amount(2_049);
                w.settle()
            },
            &["split"],
        ),
        ("inexact", |w| w.predicate.settlement.uplift.0 -= 1, &["split"]),
        (
            "voucher too low",
            |w| {
                w.predicate.payment.cumulative = Amount(9);
                w.authorize()
            },
            &["voucher"],
        ),
        ("voucher for another amount", |w| w.predicate.payment.cumulative.0 += 1, &["voucher"]),
        ("consumer", |w| w.predicate.payment.consumer = account(0xEE), &["voucher"]),
        ("voucher malformed", |w| w.predicate.payment.voucher[64] = 29, &["voucher"]),
        (
            "exact without weights",
            |w| w.predicate.served.weights = Hash::UNKNOWN,
            &["statement", "state proofs"],
        ),
        (
            "evidence of what cannot be repeated",
            |w| w.predicate.served.numeric_specification = 0,
            &["statement"],
        ),
        ("nothing behind the model", of_an_engine, &[]),
        ("weights", |w| w.predicate.served.weights = Hash([1; 32]), &["state proofs"]),
        ("snapshot root", |w| w.predicate.served.snapshots[1].root = Hash([1; 32]), &["state proofs"]),
        ("index root", |w| w.predicate.served.snapshots[1].index_root = Hash([1; 32]), &["state proofs"]),
        ("sequence", |w| w.predicate.sequence = 13, &["inclusion in the batch"]),
    ];
    for (what, lie, expected) in table {
        let mut world = World::new();
        lie(&mut world);
        let report = verified(&world.file(true, true));
        assert_eq!(failures(&report), *expected, "{what}: {:#?}", report.checks);
        assert_eq!((report.ok, report.settled), (expected.is_empty(), expected.is_empty()), "{what}");
    }
}

fn share_moved(world: &mut World) {
    world.predicate.attribution.shares[1].weight += 100;
    world.predicate.attribution.shares[2].weight -= 100;
}

/// So that the shares still are the masses of their spans.
fn mass_moved(world: &mut World) {
    share_moved(world);
    world.predicate.attribution.spans[0].mass += 100;
    world.predicate.attribution.spans[3].mass -= 100;
}

fn burn_kept(world: &mut World) {
    let split = &mut world.predicate.settlement.reference_split;
    split.provider = split.provider.plus(split.burn).unwrap();
    split.burn = Amount::ZERO;
}

/// The statement is honest by itself, but the ledger holds something else.
#[test]
fn records_that_say_otherwise_fail_at_their_step() {
    let table: &[Row] = &[
        ("channel of another", |w| w.channel.consumer = account(0xEE), &["voucher"]),
        ("channel with another authorizer", |w| w.channel.authorizer = account(0xEE), &["voucher"]),
        ("channel to another gateway", |w| w.channel.gateway = account(0xEE), &["voucher"]),
        (
            "gateway key",
            |w| w.gateway.service_key = ServiceSecret::from_bytes([8; 32]).key(),
            &["signatures"],
        ),
        (
            "provider key",
            |w| w.provider.service_key = ServiceSecret::from_bytes([8; 32]).key(),
            &["signatures"],
        ),
        ("lineage", |w| w.model.lineage.reverse(), &["split"]),
        (
            "owner",
            |w| {
                for record in w.contributions.values_mut() {
                    record.owners[0].account = account(0xEE);
                }
            },
            &["split"],
        ),
        ("split", |w| w.parameters.split.burn = BasisPoints(400), &["split"]),
        ("registered fee", |w| w.gateway.router_fee = BasisPoints(499), &["split"]),
        ("parameters of another chain", |w| w.parameters.chain_id = 1, &["state proofs"]),
        ("leaves", |w| w.batch.receipts = 6, &["inclusion in the batch"]),
        ("first receipt", |w| w.batch.first_receipt = 9, &["inclusion in the batch"]),
        ("charged", |w| w.batch.charged = Amount(10), &["inclusion in the batch"]),
        ("proofs before the batch", |w| w.proof_height = BATCH_HEIGHT - 1, &["finality"]),
        (
            "sealed later",
            |w| {
                for snapshot in w.snapshots.values_mut() {
                    snapshot.height = BATCH_HEIGHT + 1;
                }
            },
            &["finality"],
        ),
        (
            "committed later",
            |w| {
                for record in w.contributions.values_mut() {
                    record.height = BATCH_HEIGHT + 1;
                }
            },
            &["finality"],
        ),
    ];
    for (what, change, expected) in table {
        let mut world = World::new();
        change(&mut world);
        let report = verified(&world.file(true, true));
        assert_eq!(failures(&report), *expected, "{what}: {:#?}", report.checks);
        assert!(!report.ok && !report.settled && report.money_trail.is_empty());
    }
}

const NEED_PROOFS: &[&str] =
    &["signatures", "split", "voucher", "inclusion in the batch", "state proofs", "finality"];

#[test]
fn proofs_are_exactly_those_of_the_required_records() {
    let world = World::new();
    let file = world.file(true, true);
    let other = {
        let mut other = world.clone();
        other.predicate.gateway = account(0x62);
        other.file(true, true).inclusion.unwrap().proofs[1].clone()
    };
    let edits: [fn(&mut Vec<String>, &str); 6] = [
        |proofs, _| drop(proofs.pop()),
        |proofs, _| proofs.push(proofs[0].clone()),
        |proofs, _| proofs[1] = proofs[0].clone(),
        |proofs, other| proofs[1] = other.to_owned(),
        |proofs, _| proofs[3] = "00".into(),
        |proofs, _| proofs.clear(),
    ];
    for (number, edit) in edits.iter().enumerate() {
        let mut changed = file.clone();
        edit(&mut changed.inclusion.as_mut().unwrap().proofs, &other);
        assert_eq!(failures(&verified(&changed)), NEED_PROOFS, "edit {number}");
    }
    let mut reordered = file;
    reordered.inclusion.as_mut().unwrap().proofs.reverse();
    assert!(verified(&reordered).settled, "the order of the proofs means nothing");
}

#[test]
fn required_keys_have_a_fixed_order_and_no_repeats() {
    use openledger_ledger::StateKey;
    let mut predicate = World::new().predicate;
    let keys = required_keys(&predicate, 4);
    let snapshots = ["mountains", "rivers"].map(|datanet| StateKey::Snapshot(name(datanet), 2));
    let shares = [("mountains", 0x13), ("rivers", 0x11), ("rivers", 0x12)];
    let shares = shares
        .map(|(datanet, byte)| StateKey::Contribution(name(datanet), passage(datanet, byte).contribution));
    let mut expected = vec![
        StateKey::Parameters,
        StateKey::Gateway(account(0x61)),
        StateKey::Provider(account(0x51)),
        StateKey::Model(name("demo")),
        StateKey::Batch(account(0x61), 4),
        StateKey::Channel(ChannelId([0x72; 32])),
    ];
    expected.extend(snapshots);
    expected.extend(shares);
    assert_eq!(keys, expected);
    let repeated = predicate.attribution.shares[0].clone();
    predicate.attribution.shares.push(repeated);
    assert_eq!(required_keys(&predicate, 4), expected);
}

#[test]
fn a_lie_signed_by_the_gateway_alone_fails() {
    let mut world = World::new();
    let honest = world.file(true, true);
    mass_moved(&mut world);
    world.settle();
    let mut lied = world.file(true, true);
    lied.envelope.signatures[1] = honest.envelope.signatures[1].clone();
    assert_eq!(failures(&verified(&lied)), ["signatures"]);
    lied.envelope.signatures.truncate(1);
    assert_eq!(failures(&verified(&lied)), ["signatures"]);
    let mut thrice = honest.clone();
    thrice.envelope.signatures.push(honest.envelope.signatures[0].clone());
    assert_eq!(failures(&verified(&thrice)), ["signatures"]);
    let mut swapped = honest;
    swapped.envelope.signatures.swap(0, 1);
    assert_eq!(failures(&verified(&swapped)), ["signatures"]);
}

#[test]
fn a_stranger_cannot_sign_a_settled_receipt() {
    let mut file = World::new().file(false, true);
    let stranger = ServiceSecret::from_bytes([8; 32]);
    let message = pre_authentication_encoding(&file.envelope.payload);
    file.envelope.signatures[1] =
        EnvelopeSignature { key: stranger.key(), signature: stranger.sign(&message) };
    assert_eq!(failures(&verified(&file)), ["signatures"]);
}

#[test]
fn another_network_or_another_opening_is_refused() {
    let file = World::new().file(true, false);
    let other = NetworkRef { genesis: Hash([1; 32]), ..network() };
    assert_eq!(failures(&verify(&file.to_bytes(), &other, &check_proof, &read_material)), ["network"]);
    let edits: [fn(&mut Opening); 3] =
        [|o| o.salt[0] ^= 1, |o| o.request.push(' '), |o| o.answer = o.answer.replace("Elbe", "Oder")];
    for edit in edits {
        let mut changed = file.clone();
        edit(changed.opening.as_mut().unwrap());
        assert_eq!(failures(&verified(&changed)), ["texts"]);
    }
}

#[test]
fn the_first_receipt_has_no_previous_one() {
    let mut world = World::new();
    world.predicate.sequence = 1;
    assert_eq!(failures(&verified(&world.file(true, false))), ["statement"]);
    world.predicate.previous = Hash([0; 32]);
    assert!(verified(&world.file(true, false)).ok);
    world.predicate.sequence = 0;
    assert_eq!(failures(&verified(&world.file(true, false))), ["statement"]);
}

#[test]
fn a_revocation_does_not_break_old_receipts_and_the_trail_tells_it() {
    for (revoked_at, to_pool) in [(BATCH_HEIGHT + 1, false), (BATCH_HEIGHT, true), (BATCH_HEIGHT - 1, true)] {
        let mut world = World::new();
        for record in world.contributions.values_mut() {
            record.revoked_at = Some(revoked_at);
        }
        let report = verified(&world.file(false, true));
        assert!(report.settled, "{:?}", report.checks);
        let told = report.money_trail.iter().filter(|line| line.contains("was revoked at height")).count();
        assert_eq!(told > 0, to_pool, "{:#?}", report.money_trail);
    }
}

/// Every line of the trail but the first and the carry is money that left; together it is what came in.
#[test]
fn the_money_trail_sums_to_what_was_paid() {
    let world = World::new();
    let report = verified(&world.file(false, true));
    let amount = |line: &String| line.split(' ').next().unwrap().parse::<u64>().ok();
    let paid: u64 = report.money_trail.iter().filter_map(amount).sum();
    let lines = &world.predicate.settlement;
    let carried = lines.carry_in.0 + lines.charged().unwrap().0 - lines.carry_out.0;
    assert_eq!(paid, carried, "{:#?}", report.money_trail);
    for word in
        ["provider", "builder", "owner", "uplift pool", "verification", "burned", "carry", "router fee"]
    {
        assert!(
            report.money_trail.iter().any(|line| line.contains(word)),
            "{word} in {:#?}",
            report.money_trail
        );
    }
}
