//! The registration of a model.

use openledger_types::models::{TitleRecord, title_of};
use openledger_types::record::ModelRecord;
use openledger_types::{BasisPoints, Event, Hash, Name, Rejection, Royalty, limits};

use super::lineage::{resolve_lineage, titled};
use super::titles::{self, title_key};
use crate::execute::{Transition, check_text};
use crate::state::{Applied, StateKey};

pub(crate) fn keys(name: &Name, parent: Option<&Name>) -> Vec<StateKey> {
    let models = std::iter::once(name).chain(parent);
    models.flat_map(|model| [StateKey::Model(model.clone()), title_key(model)]).collect()
}

pub(crate) fn register(
    transition: &mut Transition<'_>,
    name: &Name,
    weights: Hash,
    parent: Option<&Name>,
    royalties: &[Royalty],
    license: &str,
) -> Applied {
    let sealed = Sealed { manifest: None, licenses: Vec::new() };
    register_sealed(transition, name, weights, parent, royalties, license, sealed)
}

/// What a registration takes from a manifest.
pub(super) struct Sealed {
    pub(super) manifest: Option<Hash>,
    pub(super) licenses: Vec<String>,
}

pub(super) fn register_sealed(
    transition: &mut Transition<'_>,
    name: &Name,
    weights: Hash,
    parent: Option<&Name>,
    royalties: &[Royalty],
    license: &str,
    sealed: Sealed,
) -> Applied {
    check_text(license)?;
    let key = StateKey::Model(name.clone());
    if transition.view.get::<ModelRecord>(&key)?.is_some() {
        return Err(Rejection::ModelExists.into());
    }
    let parent_record = parent.map(|parent| transition.view.model(parent)).transpose()?;
    let (builder, title) = (transition.sender, title_of(name));
    let inherited = match &parent_record {
        Some(parent) => parent.lineage.clone(),
        None => vec![Royalty { account: title, share: BasisPoints::WHOLE }],
    };
    let own = titled(royalties, builder, title);
    let lineage = resolve_lineage(&own, &inherited).ok_or(Rejection::RoyaltiesInvalid)?;
    let depth = parent_record.map_or(Some(0), |parent| parent.depth.checked_add(1));
    let depth = depth
        .filter(|depth| usize::from(*depth) < limits::LINEAGE_DEPTH_MAX)
        .ok_or(Rejection::LineageTooDeep)?;
    let licenses = titles::inherit(transition, parent, sealed.licenses)?;
    let record = ModelRecord {
        builder,
        weights,
        parent: parent.cloned(),
        lineage: lineage.clone(),
        depth,
        license: license.to_owned(),
    };
    transition.view.put(&key, &record);
    let titled = TitleRecord {
        model: name.clone(),
        owner: builder,
        manifest: sealed.manifest,
        licenses,
        delisted_at: None,
        series: 0,
        active_series: None,
        earned: Vec::new(),
    };
    transition.view.put(&title_key(name), &titled);
    transition.emit(Event::ModelRegistered {
        name: name.clone(),
        builder,
        weights,
        parent: parent.cloned(),
        lineage,
        license: license.to_owned(),
    });
    Ok(())
}
