//! The resolution of a lineage: who gets which part of the builder share.

use openledger_types::{AccountId, BasisPoints, Royalty, limits};

/// The royalties of a registration, with the title in the place of whoever registers.
pub(super) fn titled(royalties: &[Royalty], builder: AccountId, title: AccountId) -> Vec<Royalty> {
    let line = |royalty: &Royalty| Royalty {
        account: if royalty.account == builder { title } else { royalty.account },
        share: royalty.share,
    };
    royalties.iter().map(line).collect()
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
