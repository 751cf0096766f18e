//! What this node calls accounts on its pages. Absent: the accounts' own say; nothing here is on the ledger.

use anyhow::Result;
use openledger_query::ReadModels;
use openledger_types::AccountId;

use super::NodeConfig;
use super::embeddings::EmbeddingsSetting;
use super::library::Joined;
use super::secrets::Secrets;
use super::upstreams::UpstreamSetting;

/// Local labels of the network's own roles and of the authors that the snapshots name.
pub(super) fn name_accounts(
    models: &ReadModels,
    secrets: &Secrets,
    config: &NodeConfig,
    joined: &Joined,
) -> Result<()> {
    let roles = [
        ("provider", "this network's provider"),
        ("gateway", "this network's gateway"),
        ("builder", crate::models::DEFAULT.builder),
        ("tuner", "tuned the adapters of this node"),
        ("curator", "curator of the datanets"),
        ("consumer", "the first consumer"),
        ("treasury", "gives from the faucet"),
    ];
    for (key, note) in roles {
        let shown = if key == "builder" { crate::models::DEFAULT.builder } else { key };
        models.set_account_name(secrets.keys.account(key)?.account(), shown, note);
    }
    let engines = config.upstreams.iter().map(UpstreamSetting::builder);
    for key in engines.chain(config.embeddings.iter().map(EmbeddingsSetting::builder)) {
        models.set_account_name(
            secrets.keys.account(&key)?.account(),
            &key,
            "kept here for whoever made the model",
        );
    }
    name_authors(models, joined);
    Ok(())
}

/// Labels of the authors that these snapshots name.
pub(super) fn name_authors(models: &ReadModels, joined: &Joined) {
    for (datanet, sealed) in &joined.latest {
        for author in sealed.snapshot.entries().iter().flat_map(|entry| &entry.contribution.authors) {
            if let Some(account) = author.account {
                let note = format!("author in {datanet}, account not claimed yet");
                models.set_account_name(AccountId(account), &author.name, &note);
            }
        }
    }
}
