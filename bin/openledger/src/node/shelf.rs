//! What the explorer's pages need beside the read models: receipts with their texts, and texts of contributions.

use std::sync::Arc;

use openledger_explorer::{ContributionText, StoredReceipt};
use openledger_gateway::{Gateway, receipt_file};
use openledger_receipt::ReceiptFile;
use openledger_types::{ContributionId, Name};

use super::library::Library;

/// The gateway's receipts and the node's library.
pub struct Shelf {
    /// Where receipts are.
    pub gateway: Arc<Gateway>,
    /// Where texts are.
    pub library: Arc<Library>,
}

impl openledger_explorer::Library for Shelf {
    fn receipt(&self, id: &str) -> Option<StoredReceipt> {
        let store = self.gateway.store();
        let stored = store.by_id(id).ok().flatten()?;
        let file = ReceiptFile::from_bytes(&receipt_file(store, &stored, true)?).ok()?;
        StoredReceipt::of(&file).ok()
    }

    fn contribution(&self, datanet: &Name, id: &ContributionId) -> Option<ContributionText> {
        let contribution = self.library.text(datanet.as_str(), &openledger_datanet::ContributionId(id.0))?;
        Some(ContributionText {
            title: contribution.title,
            text: contribution.text,
            authors: contribution.authors.into_iter().map(|author| author.name).collect(),
            others: contribution.others,
            license: contribution.license,
            label: contribution.external_id,
        })
    }
}
