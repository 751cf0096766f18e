//! Words of models beside their registration: training manifests, titles (who owns a model now), transfer, delisting.
//! Absent: the rules; they are in `ledger`.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{AccountId, Amount, Hash, Name, Royalty, codec, keys::keccak, sha256};

/// A sealed version of a datanet, as a manifest binds it.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
pub struct SnapshotReference {
    /// Which datanet.
    pub datanet: Name,
    /// Which version.
    pub version: u32,
    /// Its Merkle root.
    pub root: Hash,
}

/// What an adapter was made from and how: everything that a second run needs to come to the same weights.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Manifest {
    /// The model that was tuned.
    pub base: Name,
    /// The data, sorted, each once, 1 to `MANIFEST_SNAPSHOTS_MAX`.
    pub snapshots: Vec<SnapshotReference>,
    /// Hash of the training code.
    pub code: Hash,
    /// The numeric specification: kinds of numbers, order of sums, seed.
    pub numerics: String,
    /// Hash of the hyperparameters.
    pub hyperparameters: Hash,
    /// SHA-256 of the resulting weights file.
    pub weights: Hash,
}

impl Manifest {
    /// The manifest's identity: SHA-256 over its canonical bytes.
    pub fn id(&self) -> Hash {
        sha256(&codec::encode(self))
    }
}

/// The line of a lineage that belongs to whoever owns the model: an address without a key, derived from the model's name.
/// Descendants name the line, so a transfer of the model reaches all of them and touches none.
pub fn title_of(model: &Name) -> AccountId {
    let hash = keccak(format!("openledger title of {model}").as_bytes());
    let mut account = [0u8; 20];
    account.copy_from_slice(&hash.0[12..]);
    AccountId(account)
}

/// What builders ask for beside registering a model.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ModelAction {
    /// Seal how an adapter was made, before it is registered.
    RegisterManifest {
        /// What and how.
        manifest: Manifest,
    },
    /// Register the adapter that a manifest describes; base and weights are the manifest's. Sender: who sealed it.
    RegisterAdapter {
        /// Unique name.
        name: Name,
        /// The manifest.
        manifest: Hash,
        /// Who shares the builder share; what is left goes to the base's lineage.
        royalties: Vec<Royalty>,
        /// Licence of the weights.
        license: String,
    },
    /// Give a model away: its line in every lineage pays the new owner from now on. Sender: its owner.
    TransferModel {
        /// Which.
        model: Name,
        /// To whom.
        to: AccountId,
    },
    /// Take a model off the list: no new offers and no new descendants. Sender: its owner.
    Delist {
        /// Which.
        model: Name,
    },
}

impl ModelAction {
    /// The action's name, as wallets show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RegisterManifest { .. } => "Register manifest",
            Self::RegisterAdapter { .. } => "Register adapter",
            Self::TransferModel { .. } => "Transfer model",
            Self::Delist { .. } => "Delist model",
        }
    }

    /// What the action does, in plain words.
    pub fn summary(&self) -> String {
        match self {
            Self::RegisterManifest { manifest } => {
                let snapshots: Vec<String> = manifest
                    .snapshots
                    .iter()
                    .map(|snapshot| format!("version {} of {}", snapshot.version, snapshot.datanet))
                    .collect();
                format!(
                    "Seal how {} was tuned on {} to the weights {}",
                    manifest.base,
                    snapshots.join(", "),
                    manifest.weights
                )
            }
            Self::RegisterAdapter { name, manifest, royalties, license } => {
                let shares: Vec<String> = royalties
                    .iter()
                    .map(|line| {
                        format!("{} basis points of the builder share to {}", line.share.0, line.account)
                    })
                    .collect();
                format!(
                    "Register the adapter {name} of the manifest {manifest} under {license}: {}",
                    shares.join(", ")
                )
            }
            Self::TransferModel { model, to } => {
                format!("Give the model {model} and everything that it earns from now on to {to}")
            }
            Self::Delist { model } => format!("Take the model {model} off the list for good"),
        }
    }
}

/// What happened to models.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs, reason = "field names repeat the action's documented fields")]
pub enum ModelEvent {
    /// A manifest was sealed; `licenses` are those of its data.
    ManifestRegistered { id: Hash, tuner: AccountId, manifest: Manifest, licenses: Vec<String> },
    /// A model was registered with a manifest; its registration is the event before.
    AdapterRegistered { model: Name, manifest: Hash, licenses: Vec<String> },
    /// A model changed hands.
    ModelTransferred { model: Name, from: AccountId, to: AccountId },
    /// A model is offered no more.
    Delisted { model: Name },
}

/// A sealed manifest.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ManifestRecord {
    /// Who sealed it.
    pub tuner: AccountId,
    /// What and how.
    pub manifest: Manifest,
    /// Licences of the snapshots, sorted, each once.
    pub licenses: Vec<String>,
    /// Height at which it was sealed.
    pub height: u64,
}

/// Who owns a model, and what hangs on it. The registration itself never changes.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct TitleRecord {
    /// Which model.
    pub model: Name,
    /// Who owns it: its line in every lineage pays this account.
    pub owner: AccountId,
    /// The manifest of its training, if it named one.
    pub manifest: Option<Hash>,
    /// Licences of the data behind it, from the manifest and from the models below it, sorted, each once.
    pub licenses: Vec<String>,
    /// Height at which it was delisted.
    pub delisted_at: Option<u64>,
    /// Series of revenue notes issued on it so far.
    pub series: u64,
    /// The series that takes part of its earnings now.
    pub active_series: Option<u64>,
    /// What it earned lately, by epoch, increasing; kept where the network allows revenue notes.
    pub earned: Vec<Earned>,
}

/// An amount of one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Earned {
    /// Which epoch.
    pub epoch: u64,
    /// How much.
    pub amount: Amount,
}
