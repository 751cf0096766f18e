//! Receipts whose datanets mix reuse of words with the context: every share follows from spans, values and mixes, and a lie
//! about any of them fails where it can be seen.

use openledger_attribution::context::CONTEXT_VERSION;
use openledger_types::datanets::Mix;
use openledger_types::{BasisPoints, ContributionId, Hash, Name};
use proptest::prelude::*;

use super::world::{World, failures, name, passage, verified};
use crate::*;

/// 2^16, one nat.
const NAT: i64 = 65_536;

fn player(cluster: u8, datanet: &str, contribution: u8, place: u32) -> PlayerFacts {
    PlayerFacts {
        cluster: Hash([cluster; 32]),
        datanet: name(datanet),
        contribution: ContributionId([contribution; 32]),
        passages: vec![place],
    }
}

/// Rivers weighs words and context alike, mountains words alone. One passage of each was in the prompt: without them the
/// answer surprises by 8 nats, of which the first explains 5 and the second 1.
fn mixed() -> World {
    let mut world = World::new();
    let half = BasisPoints(5_000);
    let record = world.snapshots.get_mut(&name("rivers")).expect("it is sealed");
    record.mix = Mix { verbatim: half, context: half, influence: BasisPoints(0) };
    world.predicate.served.retrieval = vec![passage("rivers", 0x11), passage("mountains", 0x13)];
    let context = ContextFacts {
        version: CONTEXT_VERSION,
        mixes: vec![MixFacts { datanet: name("rivers"), verbatim: half, context: half }],
        players: vec![player(1, "rivers", 0x11, 0), player(2, "mountains", 0x13, 1)],
        values: vec![-8 * NAT, -2 * NAT, -6 * NAT, -2 * NAT],
    };
    remix(&mut world, context);
    world
}

/// The shares that follow from the spans and this context, and the settlement that follows from them.
fn remix(world: &mut World, context: ContextFacts) {
    let World { predicate, .. } = world;
    let facts = predicate.attribution.clone();
    let mixed = facts.mixed(context, &predicate.served, &predicate.response).expect("it is of this answer");
    predicate.attribution = mixed;
    world.settle();
}

fn context(world: &mut World) -> &mut ContextFacts {
    world.predicate.attribution.context.as_mut().expect("it is mixed")
}

#[test]
fn both_methods_are_mixed_by_the_datanet_of_each_owner() {
    let world = mixed();
    let facts = &world.predicate.attribution;
    let weights: Vec<(&str, u8, u64)> = facts
        .shares
        .iter()
        .map(|share| (share.datanet.as_str(), share.contribution.0[0], share.weight))
        .collect();
    // 300 by words and 625 by the context, halved; 300 by words, halved; 99 by words alone.
    assert_eq!(weights, [("mountains", 0x13, 99), ("rivers", 0x11, 462), ("rivers", 0x12, 150)]);
    assert_eq!((facts.common, facts.unattributed, facts.total), (51, 238, 1_000));
    assert_eq!(facts.method, "A+C");
    let file = world.file(true, true);
    let report = verified(&file);
    assert!(report.settled, "{:#?}", report.checks);
    let again = ReceiptFile::from_bytes(&file.to_bytes()).expect("it is canonical");
    assert_eq!(again.statement().expect("a statement").predicate(), &world.predicate);
}

#[test]
fn a_share_says_what_of_it_is_for_help() {
    let helped = |world: &World| {
        let Predicate { attribution, served, response, .. } = &world.predicate;
        attribution.context_weights(served, response)
    };
    // Half of 625, half of nothing; mountains pays words alone.
    assert_eq!(helped(&mixed()), Ok(vec![0, 312, 0]));
    assert_eq!(helped(&World::new()), Ok(vec![0, 0, 0]), "words alone");
    let mut lie = mixed();
    context(&mut lie).values.clear();
    assert!(helped(&lie).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever the model makes of the passages and whatever the mix is: the shares sum to the total, the receipt verifies and
    /// recomputes, and the order of the passages in the prompt does not matter where the likelihoods are the same.
    #[test]
    fn any_game_and_any_mix_sum_to_the_total(values in prop::array::uniform4(-20 * NAT..=0), points in 1u16..=10_000) {
        let mut world = mixed();
        let (verbatim, context) = (BasisPoints(10_000 - points), BasisPoints(points));
        let record = world.snapshots.get_mut(&name("rivers")).expect("it is sealed");
        record.mix = Mix { verbatim, context, influence: BasisPoints(0) };
        let mut facts = world.predicate.attribution.context.clone().expect("it is mixed");
        facts.mixes = vec![MixFacts { datanet: name("rivers"), verbatim, context }];
        facts.values = values.to_vec();
        remix(&mut world, facts.clone());
        let found = world.predicate.attribution.clone();
        let sum: u64 = found.shares.iter().map(|share| share.weight).sum();
        prop_assert_eq!(sum + found.common + found.unattributed, found.total);
        let Predicate { served, response, .. } = &world.predicate;
        let helped = found.context_weights(served, response).expect("of this answer");
        prop_assert!(found.shares.iter().zip(&helped).all(|(share, helped)| *helped <= share.weight));
        prop_assert!(verified(&world.file(true, true)).settled);

        world.predicate.served.retrieval.reverse();
        for player in &mut facts.players {
            player.passages = vec![1 - player.passages[0]];
        }
        remix(&mut world, facts);
        prop_assert_eq!(&world.predicate.attribution.shares, &found.shares);
        prop_assert!(verified(&world.file(true, true)).settled);
    }
}

/// A name, a change, and the steps that fail because of it.
type Row = (&'static str, fn(&mut World), &'static [&'static str]);

#[test]
fn a_lie_about_the_context_fails_at_its_step() {
    const SUMS: &[&str] = &["attribution sums"];
    let table: &[Row] = &[
        ("a value", |w| context(w).values[1] -= NAT, SUMS),
        (
            "a value, and shares that follow: only a model sees it",
            |w| {
                let mut lie = context(w).clone();
                lie.values[1] -= NAT;
                remix(w, lie);
            },
            &[],
        ),
        (
            "a mix, and shares that follow",
            |w| {
                let mut lie = context(w).clone();
                (lie.mixes[0].verbatim, lie.mixes[0].context) = (BasisPoints(4_000), BasisPoints(6_000));
                remix(w, lie);
            },
            &["state proofs"],
        ),
        (
            "no context at all, and shares that follow",
            |w| {
                let honest = World::new();
                w.predicate.attribution = honest.predicate.attribution;
                w.settle();
            },
            &["state proofs"],
        ),
        (
            "a context that no datanet asks for",
            |w| w.snapshots.get_mut(&name("rivers")).expect("it is sealed").mix = Mix::VERBATIM,
            &["state proofs"],
        ),
        ("the method's name", |w| w.predicate.attribution.method = "A".into(), SUMS),
        ("a version", |w| context(w).version = CONTEXT_VERSION + 1, SUMS),
        ("a value left out", |w| context(w).values.truncate(3), SUMS),
        ("a probability above one", |w| context(w).values[3] = 1, SUMS),
        ("a value beyond all", |w| context(w).values[0] = i64::MIN, SUMS),
        ("players swapped", |w| context(w).players.reverse(), SUMS),
        ("no players but values", |w| context(w).players.clear(), SUMS),
        ("another owner", |w| context(w).players[0].contribution = ContributionId([0x12; 32]), SUMS),
        ("a player of an unknown datanet", |w| context(w).players[0].datanet = name("seas"), SUMS),
        ("a passage twice", |w| context(w).players[1].passages = vec![0], SUMS),
        ("a passage that is not there", |w| context(w).players[1].passages = vec![2], SUMS),
        ("a player without passages", |w| context(w).players[1].passages.clear(), SUMS),
        (
            "a mix of more than all",
            |w| context(w).mixes[0].verbatim = BasisPoints(5_001),
            &["attribution sums", "state proofs"],
        ),
        (
            "a mix twice",
            |w| {
                let line = context(w).mixes[0].clone();
                context(w).mixes.push(line)
            },
            &["attribution sums", "state proofs"],
        ),
        ("no mix", |w| context(w).mixes.clear(), &["attribution sums", "state proofs"]),
    ];
    for (what, lie, expected) in table {
        let mut world = mixed();
        lie(&mut world);
        let report = verified(&world.file(true, true));
        assert_eq!(failures(&report), *expected, "{what}: {:#?}", report.checks);
    }
}

#[test]
fn more_players_than_are_ever_valued_are_refused() {
    let mut world = mixed();
    world.predicate.served.retrieval = vec![passage("rivers", 0x11); 17];
    context(&mut world).players =
        (0..17).map(|place| player(place, "rivers", 0x11, u32::from(place))).collect();
    let report = verified(&world.file(true, true));
    assert_eq!(failures(&report), ["attribution sums"]);
}

#[test]
fn recomputation_names_what_differs() {
    let table: [(fn(&mut World), &str); 5] = [
        (
            |w| context(w).values[1] -= NAT,
            "likelihood of set 1 of the texts is -131072; the receipt says -196608",
        ),
        (|w| context(w).values.truncate(3), "has 3 likelihoods, the method asks for 4"),
        (|w| context(w).players.reverse(), "texts in the context are others"),
        (|w| context(w).mixes[0].context = BasisPoints(1), "mixes the methods otherwise"),
        (|w| w.predicate.attribution.context = None, "leaves out the context"),
    ];
    let honest = mixed();
    let compare = |world: &World, found: &AttributionFacts| {
        let terms = |datanet: &Name, contribution: &ContributionId| honest.terms(datanet, contribution);
        let root = honest.predicate.served.index_root;
        recompute(&world.predicate, found, root, &honest.parameters, &honest.model.lineage, &terms)
    };
    assert_eq!(compare(&honest, &honest.predicate.attribution), Ok(()));
    for (lie, sentence) in table {
        let mut world = mixed();
        lie(&mut world);
        let differences = compare(&world, &honest.predicate.attribution).expect_err(sentence);
        assert!(differences.iter().any(|line| line.contains(sentence)), "{sentence}: {differences:#?}");
    }
    let verbatim = World::new().predicate.attribution;
    let differences = compare(&honest, &verbatim).expect_err("no datanet asks for it");
    assert!(differences.iter().any(|line| line.contains("give no weight")), "{differences:#?}");
}
