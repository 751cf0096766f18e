//! The registration of a model and the resolution of its lineage.

use openledger_types::record::ModelRecord;
use openledger_types::{BasisPoints, Event, Hash, Name, Rejection, Royalty, limits};

use crate::execute::{Transition, check_text};
use crate::state::{Applied, StateKey};

pub(crate) fn keys(name: &Name, parent: Option<&Name>) -> Vec<StateKey> {
    std::iter::once(name).chain(parent).map(|model| StateKey::Model(model.clone())).collect()
}

pub(crate) fn register(
    transition: &mut Transition<'_>,
    name: &Name,
    weights: Hash,
    parent: Option<&Name>,
    royalties: &[Royalty],
    license: &str,
) -> Applied {
    check_text(license)?;
    let key = StateKey::Model(name.clone());
    if transition.view.get::<ModelRecord>(&key)?.is_some() {
        return Err(Rejection::ModelExists.into());
    }
    let parent_record = parent.map(|parent| transition.view.model(parent)).transpose()?;
    let builder = transition.sender;
    let inherited = match &parent_record {
        Some(parent) => parent.lineage.clone(),
        None => vec![Royalty { account: builder, share: BasisPoints::WHOLE }],
    };
    let lineage = resolve_lineage(royalties, &inherited).ok_or(Rejection::RoyaltiesInvalid)?;
    let depth = parent_record.map_or(Some(0), |parent| parent.depth.checked_add(1));
    let depth = depth
        .filter(|depth| usize::from(*depth) < limits::LINEAGE_DEPTH_MAX)
        .ok_or(Rejection::LineageTooDeep)?;
    let record = ModelRecord {
        builder,
        weights,
        parent: parent.cloned(),
        lineage: lineage.clone(),
        depth,
        license: license.to_owned(),
    };
    transition.view.put(&key, &record);
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

/// Own royalties first, then what is left in proportion to the inherited lines; `None` when they are invalid.
pub(super) fn resolve_lineage(royalties: &[Royalty], inherited: &[Royalty]) -> Option<Vec<Royalty>> {
    let mut lineage: Vec<Royalty> = Vec::new();
    let mut left = BasisPoints::WHOLE.0;
    for royalty in royalties {
        if royalty.share.0 == 0 || lineage.iter().any(|line| line.account == royalty.account) {
            return None;
        }
        left = left.checked_sub(royalty.share.0)?;
        lineage.push(royalty.clone());
        if lineage.len() > limits::ROYALTIES_PER_MODEL_MAX {
            return None;
        }
    }
    let mut rest = left;
    let mut shares = Vec::with_capacity(inherited.len());
    for line in inherited {
        let product = u32::from(left).checked_mul(u32::from(line.share.0))?;
        let share = u16::try_from(product.checked_div(u32::from(BasisPoints::WHOLE.0))?).ok()?;
        rest = rest.checked_sub(share)?;
        shares.push(share);
    }
    if let Some(first) = shares.first_mut() {
        *first = first.checked_add(rest)?;
    }
    for (line, share) in inherited.iter().zip(shares).filter(|(_, share)| *share > 0) {
        match lineage.iter_mut().find(|own| own.account == line.account) {
            Some(own) => own.share.0 = own.share.0.checked_add(share)?,
            None => lineage.push(Royalty { account: line.account, share: BasisPoints(share) }),
        }
    }
    (lineage.len() <= limits::ROYALTIES_PER_MODEL_MAX).then_some(lineage)
}
