//! Questions about datanets and contributions.

use openledger_types::{AccountId, ContributionId, Name};

use super::ReadModels;
use crate::accounts::amount;
use crate::concentration::concentration;
use crate::datanets::{Author, Contribution, Datanet};
use crate::settings::PAGE_ENTRIES_MAX;
use crate::state::State;
use crate::views::{
    AuthorView, Concentration, ContributionView, DatanetSummary, DatanetView, OwnerView, Page, PageRequest,
    Paid, SnapshotView,
};

impl ReadModels {
    /// Datanets by name.
    pub fn datanets(&self, page: PageRequest) -> Page<DatanetSummary> {
        let state = self.read();
        let all = &state.datanets.by_name;
        page.of(all.len(), all.iter().map(|(name, datanet)| state.datanet_summary(name, datanet)))
    }

    /// One datanet with a page of its contributions.
    pub fn datanet(&self, name: &Name, page: PageRequest) -> Option<DatanetView> {
        let state = self.read();
        let datanet = state.datanets.by_name.get(name)?;
        let ids = page.of(datanet.contributions.len(), datanet.contributions.values());
        let Page { page, per_page, total, entries } =
            ids.map(|id| state.contribution_view(name, datanet, id));
        let contribution_list =
            Page { page, per_page, total, entries: entries.into_iter().flatten().collect() };
        let repeats = datanet.repeats.saturating_mul(10_000);
        Some(DatanetView {
            summary: state.datanet_summary(name, datanet),
            repeats_basis_points: repeats.checked_div(datanet.committed).unwrap_or(0),
            concentration: concentration_of(datanet),
            top_authors: state.top_authors(datanet),
            snapshots: datanet.snapshots.iter().rev().take(PAGE_ENTRIES_MAX).map(snapshot_view).collect(),
            contribution_list,
        })
    }

    /// One contribution.
    pub fn contribution(&self, name: &Name, id: &ContributionId) -> Option<ContributionView> {
        let state = self.read();
        let datanet = state.datanets.by_name.get(name)?;
        state.contribution_view(name, datanet, id)
    }

    /// Whether the texts of a datanet are private, by its policy in force or to come; one that is not known here counts
    /// as private.
    pub fn is_private(&self, name: &Name) -> bool {
        let state = self.read();
        state.datanets.by_name.get(name).is_none_or(|datanet| datanet.is_private(state.epoch()))
    }

    /// Whether an account owns a contribution of a datanet.
    pub fn owns_in(&self, name: &Name, account: &AccountId) -> bool {
        let state = self.read();
        let author = state.datanets.by_name.get(name).and_then(|datanet| datanet.authors.get(account));
        author.is_some_and(|author| author.contributions > 0)
    }
}

fn snapshot_view(snapshot: &crate::datanets::Snapshot) -> SnapshotView {
    SnapshotView {
        version: snapshot.version,
        root: snapshot.root,
        index_root: snapshot.index_root,
        contributions: snapshot.contributions,
        height: snapshot.height,
        timestamp_ms: snapshot.timestamp_ms,
    }
}

fn earned(author: &Author) -> i128 {
    author.liquid + author.escrowed
}

fn concentration_of(datanet: &Datanet) -> Concentration {
    let earns = datanet.earned > 0;
    let amounts = datanet
        .authors
        .values()
        .map(|author| if earns { earned(author) } else { i128::from(author.contributions) });
    let (top_basis_points, effective_authors_thousandths) = concentration(amounts);
    let basis = if earns { "earnings" } else { "contributions" }.to_owned();
    Concentration { basis, top_basis_points, effective_authors_thousandths }
}

impl State {
    /// The epoch of the latest block.
    fn epoch(&self) -> u64 {
        let latest = self.blocks.kept.back().map_or(0, |block| block.timestamp_ms);
        self.settings.parameters.epoch_at(latest)
    }

    fn datanet_summary(&self, name: &Name, datanet: &Datanet) -> DatanetSummary {
        let last = datanet.snapshots.last();
        DatanetSummary {
            name: name.clone(),
            title: datanet.title.clone(),
            license: datanet.license.clone(),
            curator: self.account_ref(datanet.curator),
            height: datanet.height,
            contributions: datanet.committed,
            repeats: datanet.repeats,
            revoked: datanet.revoked,
            authors: datanet.authors.len() as u64,
            version: last.map_or(0, |snapshot| snapshot.version),
            root: last.map(|snapshot| snapshot.root),
            earned: amount(datanet.earned),
            answers: datanet.answers,
            private: datanet.is_private(self.epoch()),
        }
    }

    fn top_authors(&self, datanet: &Datanet) -> Vec<AuthorView> {
        let mut authors: Vec<_> = datanet.authors.iter().collect();
        authors.sort_by_key(|(id, author)| {
            (std::cmp::Reverse(earned(author)), std::cmp::Reverse(author.contributions), **id)
        });
        let view = |(id, author): (&_, &Author)| AuthorView {
            account: self.account_ref(*id),
            contributions: author.contributions,
            earned: Paid { liquid: amount(author.liquid), escrowed: amount(author.escrowed) },
        };
        authors.into_iter().take(PAGE_ENTRIES_MAX).map(view).collect()
    }

    fn contribution_view(
        &self,
        name: &Name,
        datanet: &Datanet,
        id: &ContributionId,
    ) -> Option<ContributionView> {
        let Contribution { sequence, cluster, owners, license, label, owns_cluster, height, .. } =
            datanet.by_id.get(id)?;
        let found = datanet.by_id.get(id)?;
        let owners = owners
            .iter()
            .map(|owner| OwnerView { account: self.account_ref(owner.account), parts: owner.parts })
            .collect();
        Some(ContributionView {
            datanet: name.clone(),
            id: *id,
            sequence: *sequence,
            label: label.clone(),
            license: license.clone(),
            owners,
            cluster: *cluster,
            owns_cluster: *owns_cluster,
            height: *height,
            revoked_at: found.revoked_at,
            earned: amount(found.earned),
            answers: found.answers,
        })
    }
}
