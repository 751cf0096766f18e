//! The table of models, and the resolution of lineages.

use openledger_types::Rejection::*;
use openledger_types::models::{Manifest, ManifestRecord, SnapshotReference, TitleRecord, title_of};
use openledger_types::record::ModelRecord;
use openledger_types::{AccountId, Action, Amount, BasisPoints, Event, ModelAction, Royalty};
use proptest::prelude::*;

use super::fixtures::manifest;
use super::lineage::resolve_lineage;
use super::titles::title_key;
use crate::StateKey;
use crate::tests::*;

fn shares(world: &World, model: &str) -> Vec<(AccountId, u16)> {
    let record: ModelRecord = world.record(&StateKey::Model(name(model))).unwrap();
    record.lineage.iter().map(|line| (line.account, line.share.0)).collect()
}

#[test]
fn lineages_sum_to_the_whole_and_are_bounded() {
    let mut world = World::new();
    let seventeen: Vec<(u8, u16)> = (20..37).map(|who| (who, 1)).collect();
    world.check([
        (4, model("tuned", Some("base"), &[]), Err(ModelUnknown)),
        (4, model("base", None, &[(1, 0)]), Err(RoyaltiesInvalid)),
        (4, model("base", None, &[(1, 5_000), (1, 5_000)]), Err(RoyaltiesInvalid)),
        (4, model("base", None, &[(1, 5_001), (2, 5_000)]), Err(RoyaltiesInvalid)),
        (4, model("base", None, &seventeen), Err(RoyaltiesInvalid)),
        (4, model("base", None, &seventeen[..16]), Err(RoyaltiesInvalid)),
        (4, model("base", None, &[(1, 3_333), (4, 1)]), Ok(())),
        (5, model("base", None, &[]), Err(ModelExists)),
        (5, model("tuned", Some("base"), &[(5, 3_000)]), Ok(())),
        (6, model("whole", Some("base"), &[(6, 10_000)]), Ok(())),
        (6, model("deep-1", Some("tuned"), &[]), Ok(())),
    ]);
    let title = |model: &str| title_of(&name(model));
    assert_eq!(shares(&world, "base"), [(account(1), 3_333), (title("base"), 6_667)]);
    // 7,000 left: floor(.3333 * 7000) = 2333 and floor(.6667 * 7000) = 4666; the one that is left goes to the parent's
    // first line.
    let tuned = [(title("tuned"), 3_000), (account(1), 2_334), (title("base"), 4_666)];
    assert_eq!(shares(&world, "tuned"), tuned);
    assert_eq!(shares(&world, "whole"), [(title("whole"), 10_000)]);
    assert_eq!(shares(&world, "deep-1"), tuned, "its builder asked for nothing");
    for depth in 2..6 {
        let parent = format!("deep-{}", depth - 1);
        world.accept(6, model(&format!("deep-{depth}"), Some(&parent), &[]));
    }
    world.check([
        (6, model("deep-6", Some("deep-5"), &[]), Ok(())),
        (6, model("deep-7", Some("deep-6"), &[]), Err(LineageTooDeep)),
    ]);
}

fn act(action: ModelAction) -> Action {
    Action::Models(action)
}

fn give(model: &str, to: u8) -> Action {
    act(ModelAction::TransferModel { model: name(model), to: account(to) })
}

fn delist(model: &str) -> Action {
    act(ModelAction::Delist { model: name(model) })
}

fn owned(world: &World, model: &str) -> TitleRecord {
    world.record(&title_key(&name(model))).unwrap()
}

#[test]
fn a_model_changes_hands_with_everything_that_its_line_earns_from_then_on() {
    let mut world = World::prepared();
    world.accept(TUNER, model("deeper", Some("tuned"), &[(TUNER, 1_000)]));
    world.check([
        (STRANGER, give("ghost", STRANGER), Err(ModelUnknown)),
        (STRANGER, give("base", STRANGER), Err(NotModelOwner)),
        (BASE_BUILDER, give("base", BASE_BUILDER), Err(NewOwnerInvalid)),
    ]);
    let to_a_title = ModelAction::TransferModel { model: name("base"), to: title_of(&name("tuned")) };
    world.check([(BASE_BUILDER, act(to_a_title), Err(NewOwnerInvalid))]);
    let settle = |world: &mut World| {
        let batch = world.batch(&[world.terms("deeper", 1_000_000, 0, &[], 1)]);
        world.accept(GATEWAY, settling(batch))
    };
    let before = settle(&mut world);
    let held = world.account(BASE_BUILDER).escrowed;
    let state = world.state.len();
    world.accept(BASE_BUILDER, give("base", STRANGER));
    assert_eq!(world.state.len(), state, "a transfer writes one record, however many descendants there are");
    let after = settle(&mut world);
    assert_eq!(world.account(BASE_BUILDER).escrowed, held, "what was paid before stays");
    assert_eq!(world.account(STRANGER).escrowed, held, "what is paid from now on goes to the new owner");
    let total = |events: &[Event]| -> u64 {
        let paid = events.iter().map(|event| match event {
            Event::Paid { liquid, escrowed, .. } => liquid.0 + escrowed.0,
            _ => 0,
        });
        paid.sum()
    };
    assert_eq!(total(&before), total(&after), "a transfer does not change what a batch pays");
    world.check([
        (BASE_BUILDER, give("base", BASE_BUILDER), Err(NotModelOwner)),
        (STRANGER, give("base", BASE_BUILDER), Ok(())),
    ]);
}

#[test]
fn a_delisted_model_gets_no_descendants_and_goes_on_paying() {
    let mut world = World::prepared();
    world.check([
        (STRANGER, delist("base"), Err(NotModelOwner)),
        (STRANGER, delist("ghost"), Err(ModelUnknown)),
        (BASE_BUILDER, delist("base"), Ok(())),
        (BASE_BUILDER, delist("base"), Err(ModelDelisted)),
        (STRANGER, model("late", Some("base"), &[]), Err(ModelDelisted)),
        (STRANGER, model("later", Some("tuned"), &[]), Ok(())),
    ]);
    let batch = world.batch(&[world.terms("base", 10_000, 0, &[], 1)]);
    world.accept(GATEWAY, settling(batch));
    assert_eq!(world.account(BASE_BUILDER).escrowed, Amount(1_800));
}

#[test]
fn a_manifest_is_sealed_before_its_adapter_and_binds_it() {
    let mut world = World::prepared();
    let register = |change: &dyn Fn(&mut Manifest)| {
        let mut manifest = manifest();
        change(&mut manifest);
        act(ModelAction::RegisterManifest { manifest })
    };
    let adapter = |name_: &str, manifest: &Manifest| {
        act(ModelAction::RegisterAdapter {
            name: name(name_),
            manifest: manifest.id(),
            royalties: vec![Royalty { account: account(TUNER), share: BasisPoints(4_000) }],
            license: "MIT".into(),
        })
    };
    let seal = Action::SealSnapshot {
        datanet: name("help"),
        version: 1,
        root: bytes32(2),
        index_root: bytes32(3),
        contributions: 4,
    };
    let repeated = |manifest: &mut Manifest| manifest.snapshots.push(manifest.snapshots[0].clone());
    let many = |manifest: &mut Manifest| {
        manifest.snapshots = (1..=65)
            .map(|version| SnapshotReference { datanet: name("help"), version, root: bytes32(2) })
            .collect();
    };
    world.check([
        (TUNER, adapter("answers", &manifest()), Err(ManifestUnknown)),
        (TUNER, register(&|_| {}), Err(SnapshotUnknown)),
        (CURATOR, seal, Ok(())),
        (TUNER, register(&|manifest| manifest.numerics = "x".repeat(513)), Err(TextTooLong)),
        (TUNER, register(&|manifest| manifest.snapshots.clear()), Err(ManifestInvalid)),
        (TUNER, register(&repeated), Err(ManifestInvalid)),
        (TUNER, register(&many), Err(ManifestInvalid)),
        (TUNER, register(&|manifest| manifest.base = name("ghost")), Err(ModelUnknown)),
        (TUNER, register(&|manifest| manifest.snapshots[0].root = bytes32(9)), Err(SnapshotUnknown)),
        (TUNER, register(&|_| {}), Ok(())),
        (STRANGER, register(&|_| {}), Err(ManifestExists)),
        (STRANGER, adapter("answers", &manifest()), Err(ManifestForeign)),
        (TUNER, adapter("base", &manifest()), Err(ModelExists)),
        (TUNER, adapter("answers", &manifest()), Ok(())),
        (TUNER, model("on-top", Some("answers"), &[]), Ok(())),
    ]);
    let record: ModelRecord = world.record(&StateKey::Model(name("answers"))).unwrap();
    assert_eq!((record.weights, record.parent), (manifest().weights, Some(name("base"))));
    let sealed: ManifestRecord =
        world.record(&StateKey::Models(super::ModelKey::Manifest(manifest().id()))).unwrap();
    assert_eq!((sealed.tuner, &sealed.licenses[..]), (account(TUNER), &["X".to_owned()][..]));
    assert_eq!(owned(&world, "answers").manifest, Some(manifest().id()));
    assert_eq!(owned(&world, "answers").licenses, ["X"]);
    assert_eq!(owned(&world, "on-top").licenses, ["X"], "licences are inherited down the lineage");
    assert_eq!(owned(&world, "on-top").manifest, None);
    world.check([
        (BASE_BUILDER, delist("base"), Ok(())),
        (TUNER, adapter("late", &manifest()), Err(ModelDelisted)),
    ]);
}

proptest! {
    #[test]
    fn every_resolved_lineage_is_whole_and_names_each_account_once(
        own in prop::collection::vec((0u8..6, 0u16..6_000), 0..5),
        parent in prop::collection::vec((0u8..6, 1u16..4_000), 0..4),
    ) {
        let lines = |pairs: &[(u8, u16)]| -> Vec<Royalty> {
            pairs.iter().map(|(who, share)| Royalty { account: account(*who), share: BasisPoints(*share) }).collect()
        };
        let base = vec![Royalty { account: account(9), share: BasisPoints::WHOLE }];
        let Some(parent) = resolve_lineage(&lines(&parent), &base) else { return Ok(()) };
        let Some(lineage) = resolve_lineage(&lines(&own), &parent) else { return Ok(()) };
        prop_assert_eq!(lineage.iter().map(|line| u32::from(line.share.0)).sum::<u32>(), 10_000);
        prop_assert!(lineage.iter().all(|line| line.share.0 > 0));
        let mut accounts: Vec<_> = lineage.iter().map(|line| line.account).collect();
        accounts.sort();
        accounts.dedup();
        prop_assert_eq!(accounts.len(), lineage.len());
    }
}
