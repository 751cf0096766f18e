//! The actions, keys and records of titles and manifests whose encodings are recorded.

use openledger_types::models::{Earned, Manifest, ManifestRecord, SnapshotReference, TitleRecord, title_of};
use openledger_types::{Action, Amount, BasisPoints, ModelAction, Royalty, codec};

use super::ModelKey;
use crate::StateKey;
use crate::tests::{account, bytes32, name};

pub(crate) fn manifest() -> Manifest {
    Manifest {
        base: name("base"),
        snapshots: vec![SnapshotReference { datanet: name("help"), version: 1, root: bytes32(2) }],
        code: bytes32(3),
        numerics: "f32, sums in order, seed 4".into(),
        hyperparameters: bytes32(5),
        weights: bytes32(6),
    }
}

pub(crate) fn actions() -> Vec<Action> {
    let royalties = vec![Royalty { account: account(1), share: BasisPoints(2) }];
    let actions = vec![
        ModelAction::RegisterManifest { manifest: manifest() },
        ModelAction::RegisterAdapter {
            name: name("tuned"),
            manifest: manifest().id(),
            royalties,
            license: "MIT".into(),
        },
        ModelAction::TransferModel { model: name("base"), to: account(1) },
        ModelAction::Delist { model: name("base") },
    ];
    actions.into_iter().map(Action::Models).collect()
}

pub(crate) fn keys() -> Vec<StateKey> {
    let keys = vec![ModelKey::Manifest(bytes32(1)), ModelKey::Title(title_of(&name("base")))];
    keys.into_iter().map(StateKey::Models).collect()
}

pub(crate) fn records() -> Vec<(&'static str, Vec<u8>)> {
    let sealed = ManifestRecord {
        tuner: account(1),
        manifest: manifest(),
        licenses: vec!["CC0-1.0".into()],
        height: 2,
    };
    let title = TitleRecord {
        model: name("base"),
        owner: account(1),
        manifest: Some(bytes32(2)),
        licenses: vec!["CC0-1.0".into()],
        delisted_at: Some(3),
        series: 4,
        active_series: Some(4),
        earned: vec![Earned { epoch: 5, amount: Amount(6) }],
    };
    vec![("ManifestRecord", codec::encode(&sealed)), ("TitleRecord", codec::encode(&title))]
}
