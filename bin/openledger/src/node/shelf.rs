//! What the explorer's pages need beside the read models: receipts with their texts, and texts of contributions. The pages
//! are for everybody: of a private datanet they get lengths, and no certificate, which would show words of its texts.

use std::sync::Arc;

use openledger_explorer::{ContributionText, Held, StoredReceipt};
use openledger_gateway::{Gateway, receipt_file};
use openledger_query::ReadModels;
use openledger_receipt::ReceiptFile;
use openledger_types::{ContributionId, Name};

use super::library::Library;

/// The gateway's receipts and the node's library.
pub struct Shelf {
    /// Where receipts are.
    pub gateway: Arc<Gateway>,
    /// Where texts are.
    pub library: Arc<Library>,
    /// Which datanets are private.
    pub models: Arc<ReadModels>,
}

impl openledger_explorer::Library for Shelf {
    fn receipt(&self, id: &str) -> Option<StoredReceipt> {
        let store = self.gateway.store();
        let stored = store.by_id(id).ok().flatten()?;
        let mut file = ReceiptFile::from_bytes(&receipt_file(store, &stored, true)?).ok()?;
        let statement = file.statement().ok()?;
        let mut named = statement.predicate().attribution.spans.iter().flat_map(|span| &span.sources);
        if named.any(|source| self.models.is_private(&source.datanet)) {
            file.certificate = None;
        }
        StoredReceipt::of(&file).ok()
    }

    fn contribution(&self, datanet: &Name, id: &ContributionId) -> Option<Held> {
        let contribution = self.library.text(datanet.as_str(), &openledger_datanet::ContributionId(id.0))?;
        if self.models.is_private(datanet) {
            return Some(Held::Closed { bytes: contribution.text.len() as u64 });
        }
        Some(Held::Open(ContributionText {
            title: contribution.title,
            text: contribution.text,
            authors: contribution.authors.into_iter().map(|author| author.name).collect(),
            others: contribution.others,
            license: contribution.license,
            label: contribution.external_id,
        }))
    }
}
