//! Recomputation finds what both signers agreed to misstate.

use openledger_types::{Amount, BasisPoints, ContributionId, Hash, Name};

use super::world::{World, account, passage, verified};
use crate::*;

/// What an honest index and ledger give.
fn recomputed(world: &World, honest: &World) -> Result<(), Vec<String>> {
    let terms = |datanet: &Name, contribution: &ContributionId| honest.terms(datanet, contribution);
    recompute(
        &world.predicate,
        &honest.predicate.attribution,
        honest.predicate.served.index_root,
        &honest.parameters,
        &honest.model.lineage,
        &terms,
    )
}

#[test]
fn an_honest_receipt_comes_out_equal() {
    assert_eq!(recomputed(&World::new(), &World::new()), Ok(()));
}

/// A name, a change, and what one of the differences says.
type Row = (&'static str, fn(&mut World), &'static str);

#[test]
fn each_difference_is_one_sentence() {
    let table: &[Row] = &[
        ("share", |w| w.predicate.attribution.shares[0].weight += 1, "the weight 100; it is 99"),
        ("share left out", |w| drop(w.predicate.attribution.shares.remove(0)), "leaves out contribution"),
        ("unattributed", |w| w.predicate.attribution.unattributed = 0, "unattributed weight of 0; it is 250"),
        ("total", |w| w.predicate.attribution.total = 7, "total of 7; it is 1000"),
        ("common", |w| w.predicate.attribution.common = 0, "common weight of 0; it is 51"),
        ("version", |w| w.predicate.attribution.version = 9, "version 9"),
        ("table of words", |w| w.predicate.attribution.unigrams = 9, "with table 9, not"),
        ("span value", |w| w.predicate.attribution.spans[0].value = 1, "value 1, mass 300"),
        ("span mass", |w| w.predicate.attribution.spans[0].mass = 1, "mass 1, count 2"),
        ("span clusters", |w| w.predicate.attribution.spans[0].clusters = 9, "9 clusters"),
        ("span source", |w| w.predicate.attribution.spans[0].sources.reverse(), "its sources are others"),
        (
            "span left out",
            |w| drop(w.predicate.attribution.spans.remove(1)),
            "leaves out the span at bytes 22 to 34",
        ),
        (
            "span added",
            |w| {
                let mut span = w.predicate.attribution.spans[2].clone();
                span.end = 63;
                span.start = 40;
                span.sources = vec![passage("rivers", 0x12)];
                w.predicate.attribution.spans.push(span);
            },
            "span at bytes 40 to 63 that is not there",
        ),
        ("index", |w| w.predicate.served.index_root = Hash([1; 32]), "names the index 0x0101"),
        ("owner", |w| w.predicate.settlement.data[0].owner = account(0xEE), "to owner 0xeeee"),
        ("lines swapped", |w| w.predicate.settlement.data.reverse(), "not in the order of the rules"),
        ("burn", |w| w.predicate.settlement.reference_split.burn = Amount::ZERO, "0 uC for the burn; it is"),
        ("fee", |w| w.predicate.settlement.router_fee = Amount::ZERO, "0 uC for the router fee; it is"),
    ];
    for (what, lie, sentence) in table {
        let mut world = World::new();
        lie(&mut world);
        let differences = recomputed(&world, &World::new()).expect_err(what);
        assert!(differences.iter().any(|line| line.contains(sentence)), "{what}: {differences:#?}");
    }
}

/// Both keys sign a moved share and a settlement that follows from it: the file verifies, the index convicts it.
#[test]
fn what_both_signed_fails_recomputation() {
    let mut world = World::new();
    let facts = &mut world.predicate.attribution;
    (facts.shares[1].weight, facts.spans[0].mass) = (400, 400);
    (facts.shares[2].weight, facts.spans[3].mass) = (200, 200);
    world.settle();
    assert!(verified(&world.file(true, true)).settled);
    let differences = recomputed(&world, &World::new()).unwrap_err();
    let weights = differences.iter().filter(|line| line.contains("the weight")).count();
    assert_eq!(weights, 2, "{differences:#?}");
    assert!(differences.iter().any(|line| line.starts_with("The settlement pays")), "{differences:#?}");
}

#[test]
fn other_parameters_lineages_and_owners_give_other_lines() {
    let changes: [fn(&mut World); 3] = [
        |w| w.parameters.split.attributed = BasisPoints(7_000),
        |w| w.model.lineage[0].account = account(0xEE),
        |w| w.contributions.clear(),
    ];
    for change in changes {
        let mut honest = World::new();
        change(&mut honest);
        assert!(recomputed(&World::new(), &honest).is_err());
    }
}
