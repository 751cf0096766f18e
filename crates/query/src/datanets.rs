//! Datanets as events describe them: contributions, owners, repeats, sealed versions, and what they earned.
//! Absent: texts, and the rule that decides who owns a cluster; the ledger has decided.

use std::collections::{BTreeMap, BTreeSet};

use openledger_types::{AccountId, ContributionId, Hash, Name, NewContribution, NewOwner};

/// A contribution.
#[derive(Debug, Clone)]
pub(crate) struct Contribution {
    pub(crate) sequence: u64,
    pub(crate) cluster: Hash,
    pub(crate) owners: Vec<NewOwner>,
    pub(crate) license: String,
    pub(crate) label: String,
    pub(crate) owns_cluster: bool,
    pub(crate) height: u64,
    pub(crate) revoked_at: Option<u64>,
    pub(crate) earned: i128,
    pub(crate) answers: u64,
}

/// A sealed version.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) version: u32,
    pub(crate) root: Hash,
    pub(crate) index_root: Hash,
    pub(crate) contributions: u32,
    pub(crate) height: u64,
    pub(crate) timestamp_ms: u64,
}

/// What an author did and earned in one datanet.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Author {
    pub(crate) contributions: u64,
    pub(crate) liquid: i128,
    pub(crate) escrowed: i128,
}

/// A datanet.
#[derive(Debug)]
pub(crate) struct Datanet {
    pub(crate) curator: AccountId,
    pub(crate) title: String,
    pub(crate) license: String,
    pub(crate) height: u64,
    pub(crate) contributions: BTreeMap<u64, ContributionId>,
    pub(crate) by_id: BTreeMap<ContributionId, Contribution>,
    pub(crate) committed: u64,
    pub(crate) repeats: u64,
    pub(crate) revoked: u64,
    pub(crate) authors: BTreeMap<AccountId, Author>,
    pub(crate) snapshots: Vec<Snapshot>,
    pub(crate) earned: i128,
    pub(crate) answers: u64,
    /// Since which epoch it is private or not, as the ledger keeps its policies: the one before, the one in force, the
    /// one to come.
    pub(crate) privacy: Vec<(u64, bool)>,
}

impl Datanet {
    /// Whether the policy in force, or one to come, is private. Without any policy it counts as private.
    pub(crate) fn is_private(&self, epoch: u64) -> bool {
        let past = self.privacy.iter().filter(|(from, _)| *from <= epoch).count();
        let live = self.privacy.get(past.saturating_sub(1)..).unwrap_or_default();
        live.is_empty() || live.iter().any(|(_, is_private)| *is_private)
    }
}

/// All datanets.
#[derive(Debug, Default)]
pub(crate) struct Datanets {
    pub(crate) by_name: BTreeMap<Name, Datanet>,
    pub(crate) homes: BTreeMap<ContributionId, Vec<Name>>,
    pub(crate) authors: BTreeSet<AccountId>,
    pub(crate) kept: usize,
    pub(crate) committed: u64,
}

impl Datanets {
    pub(crate) fn set_curator(&mut self, name: &Name, curator: AccountId) {
        if let Some(datanet) = self.by_name.get_mut(name) {
            datanet.curator = curator;
        }
    }

    pub(crate) fn create(
        &mut self,
        name: &Name,
        curator: AccountId,
        title: &str,
        license: &str,
        height: u64,
    ) {
        self.by_name.entry(name.clone()).or_insert_with(|| Datanet {
            curator,
            title: title.to_owned(),
            license: license.to_owned(),
            height,
            contributions: BTreeMap::new(),
            by_id: BTreeMap::new(),
            committed: 0,
            repeats: 0,
            revoked: 0,
            authors: BTreeMap::new(),
            snapshots: Vec::new(),
            earned: 0,
            answers: 0,
            privacy: Vec::new(),
        });
    }

    /// A policy was set. One that was to come and never was in force is replaced.
    pub(crate) fn set_policy(&mut self, name: &Name, now: u64, from_epoch: u64, is_private: bool) {
        let Some(datanet) = self.by_name.get_mut(name) else { return };
        datanet.privacy.retain(|(from, _)| *from <= now);
        datanet.privacy.push((from_epoch, is_private));
        let old = datanet.privacy.len().saturating_sub(3);
        datanet.privacy.drain(..old);
    }

    pub(crate) fn commit(
        &mut self,
        name: &Name,
        sequence: u64,
        new: &NewContribution,
        owns_cluster: bool,
        height: u64,
        contributions_max: usize,
    ) {
        let Some(datanet) = self.by_name.get_mut(name) else { return };
        self.committed += 1;
        datanet.committed += 1;
        datanet.repeats += u64::from(!owns_cluster);
        for owner in &new.owners {
            datanet.authors.entry(owner.account).or_default().contributions += 1;
            self.authors.insert(owner.account);
        }
        if self.kept >= contributions_max {
            return;
        }
        self.kept += 1;
        datanet.contributions.insert(sequence, new.id);
        let contribution = Contribution {
            sequence,
            cluster: new.cluster,
            owners: new.owners.clone(),
            license: new.license.clone(),
            label: new.label.clone(),
            owns_cluster,
            height,
            revoked_at: None,
            earned: 0,
            answers: 0,
        };
        datanet.by_id.insert(new.id, contribution);
        self.homes.entry(new.id).or_default().push(name.clone());
    }

    pub(crate) fn revoke(&mut self, name: &Name, id: &ContributionId, height: u64) {
        let Some(datanet) = self.by_name.get_mut(name) else { return };
        datanet.revoked += 1;
        if let Some(contribution) = datanet.by_id.get_mut(id) {
            contribution.revoked_at = Some(height);
        }
    }

    pub(crate) fn seal(&mut self, name: &Name, snapshot: Snapshot) {
        if let Some(datanet) = self.by_name.get_mut(name) {
            datanet.snapshots.push(snapshot);
        }
    }

    /// Books what an owner of a contribution was paid.
    pub(crate) fn earn(
        &mut self,
        name: &Name,
        id: &ContributionId,
        account: AccountId,
        liquid: i128,
        escrowed: i128,
    ) {
        let Some(datanet) = self.by_name.get_mut(name) else { return };
        datanet.earned += liquid + escrowed;
        let author = datanet.authors.entry(account).or_default();
        author.liquid += liquid;
        author.escrowed += escrowed;
        if let Some(contribution) = datanet.by_id.get_mut(id) {
            contribution.earned += liquid + escrowed;
        }
    }

    /// The datanet that holds a contribution; the first one when several hold the same text.
    pub(crate) fn home(&self, id: &ContributionId) -> Option<&Name> {
        self.homes.get(id)?.first()
    }

    /// A contribution with its datanet.
    pub(crate) fn find(&self, id: &ContributionId) -> Option<(&Name, &Contribution)> {
        let name = self.home(id)?;
        Some((name, self.by_name.get(name)?.by_id.get(id)?))
    }
}

/// What the source of a payment for data names (`datanet/contribution`, or a contribution alone).
pub(crate) fn parse_source(source: &str) -> Option<(Option<Name>, ContributionId)> {
    let (datanet, id) = match source.rsplit_once('/') {
        Some((datanet, id)) => (datanet.parse().ok(), id),
        None => (None, source),
    };
    Some((datanet, id.parse().ok()?))
}
