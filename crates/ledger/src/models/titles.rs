//! Manifests, titles, transfer and delisting.

use openledger_types::models::{Manifest, ManifestRecord, ModelAction, ModelEvent, TitleRecord, title_of};
use openledger_types::record::SnapshotRecord;
use openledger_types::{AccountId, Event, Hash, Name, Rejection, Royalty, limits};

use super::apply::{self, Sealed, register_sealed};
use super::key::ModelKey;
use crate::execute::{Transition, check_text};
use crate::state::{Applied, StateKey};

/// The key of a model's title.
pub(crate) fn title_key(model: &Name) -> StateKey {
    StateKey::Models(ModelKey::Title(title_of(model)))
}

/// The title under a line of a lineage; `None` when the line is an account's own.
pub(crate) fn title(transition: &mut Transition<'_>, line: AccountId) -> Applied<Option<TitleRecord>> {
    transition.view.get(&StateKey::Models(ModelKey::Title(line)))
}

fn manifest_key(id: Hash) -> StateKey {
    StateKey::Models(ModelKey::Manifest(id))
}

pub(crate) fn keys_of_action(action: &ModelAction) -> Vec<StateKey> {
    match action {
        ModelAction::RegisterManifest { manifest } => {
            let mut keys = apply::keys(&manifest.base, None);
            keys.push(manifest_key(manifest.id()));
            for snapshot in manifest.snapshots.iter().take(limits::MANIFEST_SNAPSHOTS_MAX) {
                keys.push(StateKey::Datanet(snapshot.datanet.clone()));
                keys.push(StateKey::Snapshot(snapshot.datanet.clone(), snapshot.version));
            }
            keys
        }
        ModelAction::RegisterAdapter { name, manifest, .. } => {
            let mut keys = apply::keys(name, None);
            keys.push(manifest_key(*manifest));
            keys
        }
        ModelAction::TransferModel { model, to } => {
            vec![title_key(model), StateKey::Models(ModelKey::Title(*to))]
        }
        ModelAction::Delist { model } => vec![title_key(model)],
    }
}

pub(crate) fn apply(transition: &mut Transition<'_>, action: &ModelAction) -> Applied {
    match action {
        ModelAction::RegisterManifest { manifest } => register_manifest(transition, manifest),
        ModelAction::RegisterAdapter { name, manifest, royalties, license } => {
            register_adapter(transition, name, *manifest, royalties, license)
        }
        ModelAction::TransferModel { model, to } => transfer(transition, model, *to),
        ModelAction::Delist { model } => delist(transition, model),
    }
}

fn register_manifest(transition: &mut Transition<'_>, manifest: &Manifest) -> Applied {
    check_text(&manifest.numerics)?;
    let snapshots = &manifest.snapshots;
    let increasing = snapshots.iter().zip(snapshots.iter().skip(1)).all(|(one, next)| one < next);
    if !(1..=limits::MANIFEST_SNAPSHOTS_MAX).contains(&snapshots.len()) || !increasing {
        return Err(Rejection::ManifestInvalid.into());
    }
    transition.view.model(&manifest.base)?;
    let id = manifest.id();
    if transition.view.get::<ManifestRecord>(&manifest_key(id))?.is_some() {
        return Err(Rejection::ManifestExists.into());
    }
    let mut licenses = Vec::new();
    for snapshot in snapshots {
        let key = StateKey::Snapshot(snapshot.datanet.clone(), snapshot.version);
        let sealed: Option<SnapshotRecord> = transition.view.get(&key)?;
        if sealed.is_none_or(|sealed| sealed.root != snapshot.root) {
            return Err(Rejection::SnapshotUnknown.into());
        }
        licenses.push(transition.view.datanet(&snapshot.datanet)?.license);
    }
    licenses.sort_unstable();
    licenses.dedup();
    let (tuner, height) = (transition.sender, transition.context.height);
    let record = ManifestRecord { tuner, manifest: manifest.clone(), licenses: licenses.clone(), height };
    transition.view.put(&manifest_key(id), &record);
    let manifest = manifest.clone();
    transition.emit(Event::Models(ModelEvent::ManifestRegistered { id, tuner, manifest, licenses }));
    Ok(())
}

fn register_adapter(
    transition: &mut Transition<'_>,
    name: &Name,
    id: Hash,
    royalties: &[Royalty],
    license: &str,
) -> Applied {
    let record: ManifestRecord = transition.view.get(&manifest_key(id))?.ok_or(Rejection::ManifestUnknown)?;
    if record.tuner != transition.sender {
        return Err(Rejection::ManifestForeign.into());
    }
    let base = record.manifest.base;
    transition.view.need(apply::keys(&base, None))?;
    let sealed = Sealed { manifest: Some(id), licenses: record.licenses };
    register_sealed(transition, name, record.manifest.weights, Some(&base), royalties, license, sealed)?;
    let licenses = owned(transition, name)?.licenses;
    transition.emit(Event::Models(ModelEvent::AdapterRegistered {
        model: name.clone(),
        manifest: id,
        licenses,
    }));
    Ok(())
}

/// The licences behind a model that is made now: its own data's and those behind the model below, which must be listed.
pub(super) fn inherit(
    transition: &mut Transition<'_>,
    parent: Option<&Name>,
    mut licenses: Vec<String>,
) -> Applied<Vec<String>> {
    if let Some(parent) = parent {
        let below = owned(transition, parent)?;
        if below.delisted_at.is_some() {
            return Err(Rejection::ModelDelisted.into());
        }
        licenses.extend(below.licenses);
    }
    licenses.sort_unstable();
    licenses.dedup();
    if licenses.len() > limits::LICENSES_MAX { Err(Rejection::LicensesTooMany.into()) } else { Ok(licenses) }
}

/// The title of a model that exists.
fn owned(transition: &mut Transition<'_>, model: &Name) -> Applied<TitleRecord> {
    Ok(transition.view.get(&title_key(model))?.ok_or(Rejection::ModelUnknown)?)
}

fn transfer(transition: &mut Transition<'_>, model: &Name, to: AccountId) -> Applied {
    let mut record = owned(transition, model)?;
    if record.owner != transition.sender {
        return Err(Rejection::NotModelOwner.into());
    }
    if to == record.owner || title(transition, to)?.is_some() {
        return Err(Rejection::NewOwnerInvalid.into());
    }
    let from = std::mem::replace(&mut record.owner, to);
    transition.view.put(&title_key(model), &record);
    transition.emit(Event::Models(ModelEvent::ModelTransferred { model: model.clone(), from, to }));
    Ok(())
}

fn delist(transition: &mut Transition<'_>, model: &Name) -> Applied {
    let mut record = owned(transition, model)?;
    if record.owner != transition.sender {
        return Err(Rejection::NotModelOwner.into());
    }
    if record.delisted_at.is_some() {
        return Err(Rejection::ModelDelisted.into());
    }
    record.delisted_at = Some(transition.context.height);
    transition.view.put(&title_key(model), &record);
    transition.emit(Event::Models(ModelEvent::Delisted { model: model.clone() }));
    Ok(())
}
