//! What an account does on a network, through the HTTP interface as anybody would: sign, submit, contribute, seal, open
//! channels. `openledger up` fills a local network with exactly these steps.
//!
//! Every step can be repeated: what was done already is found on the ledger and skipped.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use openledger_attribution::Segment;
use openledger_client::Client;
use openledger_client::api::{
    RegisterKeyRequest, STATE_KEYS_MAX, StateReply, StateRequest, SubmitReply, UPLOAD_BYTES_MAX,
};
use openledger_datanet::{Contribution, Entry, SealedSnapshot};
use openledger_ledger::StateKey;
use openledger_types::datanets::{DatanetAction, Mix, Policy};
use openledger_types::record::{ChannelRecord, ContributionRecord, DatanetRecord, SnapshotRecord};
use openledger_types::transaction::channel_id;
use openledger_types::{
    AccountId, AccountSecret, Action, Amount, BasisPoints, ContributionId, Hash, Name, NewContribution,
    NewOwner, Transaction, codec, limits,
};

use crate::commitments::entry_of;
use crate::keystore::Keystore;

/// Acts for one account on one network.
pub struct Operator<'a> {
    /// The connection.
    pub client: &'a Client,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The account's key.
    pub secret: AccountSecret,
}

impl Operator<'_> {
    /// Signs an action with the next nonce, submits it and waits for finality. A rejection is an error here.
    pub async fn act(&self, action: Action) -> Result<SubmitReply> {
        let summary = action.summary();
        let nonce = self.client.nonce(&self.secret.account()).await?;
        let signed = Transaction { chain_id: self.chain_id, nonce, action }.sign(&self.secret);
        let reply = self.client.submit(&signed).await?;
        match &reply.rejection {
            None => Ok(reply),
            Some(rejection) => {
                bail!("the ledger refused \"{summary}\": {} (rejection {})", rejection.text, rejection.number)
            }
        }
    }

    /// Creates a datanet that its curator fills, unless it exists. Its answers are shared by reuse of words; with `context`, help
    /// in the context counts that much of it.
    pub async fn create_datanet(
        &self,
        name: &Name,
        title: &str,
        license: &str,
        context: BasisPoints,
    ) -> Result<()> {
        if let Some(record) = read::<DatanetRecord>(self.client, StateKey::Datanet(name.clone())).await? {
            if record.curator != self.secret.account() {
                bail!("the datanet {name} exists and belongs to {}; choose another name", record.curator);
            }
            if context != BasisPoints(0) {
                bail!(
                    "the datanet {name} exists already, and its policy stands; propose another with `openledger ledger act` and the action SetPolicy"
                );
            }
            return Ok(());
        }
        let (name, title, license) = (name.clone(), title.to_owned(), license.to_owned());
        let action = if context == BasisPoints(0) {
            Action::CreateDatanet { name, title, license }
        } else {
            let verbatim = BasisPoints(BasisPoints::WHOLE.0.saturating_sub(context.0));
            let mix = Mix { verbatim, context, influence: BasisPoints(0) };
            let policy = Box::new(Policy { licenses: vec![license], mix, ..Policy::imports_only() });
            Action::Datanets(DatanetAction::Create { name, title, policy })
        };
        self.act(action).await.map(drop)
    }

    /// A client that reads what this account may read, private datanets of its own included.
    pub async fn reader(&self) -> Result<Client> {
        let gateway = self.client.network().await?.gateway;
        Ok(self.client.reading_as(self.secret.clone(), self.chain_id, gateway))
    }

    /// Commits contributions and hands over their texts. Authors without an account get one in `keys`.
    /// Returns how many were new.
    pub async fn contribute(
        &self,
        keys: &mut Keystore,
        datanet: &Name,
        mut contributions: Vec<Contribution>,
        progress: &ProgressBar,
    ) -> Result<usize> {
        bind_authors(keys, &mut contributions)?;
        refuse_edited(&self.reader().await?, datanet, &contributions).await?;
        progress.set_length(contributions.len() as u64);
        let mut added = 0;
        for chunk in contributions.chunks(limits::CONTRIBUTIONS_PER_ACTION_MAX / 2) {
            let state_keys =
                chunk.iter().map(|contribution| StateKey::Contribution(datanet.clone(), id_of(contribution)));
            let known = read_many::<ContributionRecord>(self.client, state_keys.collect()).await?;
            let fresh: Vec<NewContribution> = chunk
                .iter()
                .zip(&known)
                .filter(|(_, record)| record.is_none())
                .map(|(contribution, _)| commitment(contribution))
                .collect::<Result<_>>()?;
            added += fresh.len();
            if !fresh.is_empty() {
                self.act(Action::Contribute { datanet: datanet.clone(), contributions: fresh }).await?;
            }
            put_texts(self.client, datanet, chunk).await?;
            progress.inc(chunk.len() as u64);
        }
        Ok(added)
    }

    /// Seals the next version of a datanet, unless the last one holds the same contributions. Returns the version.
    pub async fn seal(&self, datanet: &Name) -> Result<u32> {
        let Some(record) = read::<DatanetRecord>(self.client, StateKey::Datanet(datanet.clone())).await?
        else {
            bail!("there is no datanet {datanet}; create it with `openledger datanet create {datanet}`");
        };
        let entries = entries(&self.reader().await?, datanet, record.contributions).await?;
        let count = u32::try_from(entries.len()).context("too many contributions for one snapshot")?;
        let segment = Segment::build(datanet.as_str(), &entries)?;
        let snapshot = SealedSnapshot::seal(datanet.as_str(), entries, segment.root())?;
        let manifest = snapshot.to_manifest();
        if manifest.len() > UPLOAD_BYTES_MAX {
            bail!(
                "the snapshot of {datanet} would have {} bytes, at most {UPLOAD_BYTES_MAX} are accepted; use several datanets",
                manifest.len()
            );
        }
        let last =
            read::<SnapshotRecord>(self.client, StateKey::Snapshot(datanet.clone(), record.version)).await?;
        let version = match last {
            Some(last) if last.root == Hash(snapshot.root()) => record.version,
            _ => {
                let version = record.version + 1;
                self.act(Action::SealSnapshot {
                    datanet: datanet.clone(),
                    version,
                    root: Hash(snapshot.root()),
                    index_root: Hash(segment.root()),
                    contributions: count,
                })
                .await?;
                version
            }
        };
        let path = format!("/api/v1/datanets/{datanet}/snapshots/{version}");
        let _: serde_json::Value = self.client.put_bytes(&path, manifest).await?;
        Ok(version)
    }

    /// Opens a channel to `gateway` whose vouchers the API key `secret` signs, unless it is open already, and binds the
    /// key at the gateway. Returns the API key as clients send it, and what it may spend in total.
    pub async fn open_api_key(
        &self,
        gateway: AccountId,
        secret: &[u8; 32],
        deposit: Amount,
    ) -> Result<(String, Amount)> {
        let key = openledger_gateway::ApiKey::from_secret(*secret);
        let salt = openledger_types::sha256(key.expose().as_bytes());
        let channel = channel_id(&self.secret.account(), &gateway, &salt);
        let open: Option<ChannelRecord> = read(self.client, StateKey::Channel(channel)).await?;
        if open.is_none() {
            let authorizer = key.authorizer().account();
            self.act(Action::OpenChannel { gateway, authorizer, deposit, salt }).await?;
        }
        let bound = self.client.with_key(key.expose());
        bound.register_key(&RegisterKeyRequest { channel, name: "api key".into() }).await?;
        Ok((key.expose(), open.map_or(deposit, |record| record.deposit)))
    }
}

/// The ledger's id of a contribution.
pub fn id_of(contribution: &Contribution) -> ContributionId {
    ContributionId(contribution.id().0)
}

/// What the ledger holds of a contribution: co-authors have one part each.
fn commitment(contribution: &Contribution) -> Result<NewContribution> {
    let owners = contribution
        .authors
        .iter()
        .map(|author| {
            let account = author.account.context("every author was bound to an account")?;
            Ok(NewOwner { account: AccountId(account), parts: 1 })
        })
        .collect::<Result<_>>()?;
    Ok(NewContribution {
        id: id_of(contribution),
        cluster: Hash(contribution.cluster().0),
        owners,
        license: contribution.license.clone(),
        label: contribution.external_id.clone(),
    })
}

fn bind_authors(keys: &mut Keystore, contributions: &mut [Contribution]) -> Result<()> {
    let names: std::collections::BTreeSet<String> = contributions
        .iter()
        .flat_map(|contribution| &contribution.authors)
        .filter(|author| author.account.is_none())
        .map(|author| author_key(&author.name))
        .collect();
    keys.add(names.iter().map(String::as_str))?;
    let accounts: BTreeMap<String, AccountId> =
        names.iter().map(|name| Ok((name.clone(), keys.account(name)?.account()))).collect::<Result<_>>()?;
    for contribution in contributions {
        contribution.bind_accounts(|name| accounts.get(&author_key(name)).map(|account| account.0));
    }
    Ok(())
}

/// The key name of an author who has not claimed an account yet.
fn author_key(name: &str) -> String {
    format!("author: {name}")
}

async fn put_texts(client: &Client, datanet: &Name, contributions: &[Contribution]) -> Result<()> {
    let mut lines = Vec::new();
    for contribution in contributions {
        serde_json::to_writer(&mut lines, contribution)?;
        lines.push(b'\n');
    }
    let _: serde_json::Value = client.put_bytes(&format!("/api/v1/datanets/{datanet}/texts"), lines).await?;
    Ok(())
}

/// An edited text is another contribution: both cannot stand under one id. Found before anything is committed.
async fn refuse_edited(client: &Client, datanet: &Name, contributions: &[Contribution]) -> Result<()> {
    let stored = stored_texts(client, datanet).await?;
    let new: BTreeMap<&str, ContributionId> =
        contributions.iter().map(|new| (new.external_id.as_str(), id_of(new))).collect();
    let differing =
        |old: &&Contribution| new.get(old.external_id.as_str()).is_some_and(|id| *id != id_of(old));
    let edited: Vec<&Contribution> = stored.iter().filter(differing).collect();
    for chunk in edited.chunks(STATE_KEYS_MAX) {
        let keys = chunk.iter().map(|old| StateKey::Contribution(datanet.clone(), id_of(old)));
        let records = read_many::<ContributionRecord>(client, keys.collect()).await?;
        for (old, record) in chunk.iter().zip(records) {
            if record.is_some_and(|record| record.revoked_at.is_none()) {
                bail!(
                    "{:?} is in {datanet} with another text, authors or licence; revoke that one first: openledger datanet revoke {datanet} {}",
                    old.external_id,
                    id_of(old)
                );
            }
        }
    }
    Ok(())
}

async fn stored_texts(client: &Client, datanet: &Name) -> Result<Vec<Contribution>> {
    let bytes = client.get_bytes(&format!("/api/v1/datanets/{datanet}/texts")).await?;
    crate::node::library::parse_texts(&bytes)
}

/// The committed, unrevoked contributions of a datanet in the order of their commitments. The texts of all `committed` must be there.
async fn entries(client: &Client, datanet: &Name, committed: u64) -> Result<Vec<Entry>> {
    let contributions = stored_texts(client, datanet).await?;
    let missing = committed.saturating_sub(contributions.len() as u64);
    if missing > 0 {
        bail!(
            "the texts of {missing} contributions that are committed to {datanet} are missing; contribute their file again"
        );
    }
    let mut entries = Vec::with_capacity(contributions.len());
    for chunk in contributions.chunks(STATE_KEYS_MAX) {
        let keys =
            chunk.iter().map(|contribution| StateKey::Contribution(datanet.clone(), id_of(contribution)));
        let records = read_many::<ContributionRecord>(client, keys.collect()).await?;
        for (contribution, record) in chunk.iter().zip(records) {
            let record =
                record.with_context(|| format!("{} was never committed", contribution.external_id))?;
            entries.extend(entry_of(contribution, &record)?);
        }
    }
    entries.sort_by_key(|entry| entry.sequence);
    Ok(entries)
}

/// Reads one record of the finalized state.
pub async fn read<T: borsh::BorshDeserialize>(client: &Client, key: StateKey) -> Result<Option<T>> {
    Ok(read_many(client, vec![key]).await?.pop().flatten())
}

/// Reads records of the finalized state, at most [`STATE_KEYS_MAX`].
pub async fn read_many<T: borsh::BorshDeserialize>(
    client: &Client,
    keys: Vec<StateKey>,
) -> Result<Vec<Option<T>>> {
    let (_, values) = read_raw(client, &keys).await?;
    let decoded = |bytes: Vec<u8>| codec::decode("record", &bytes, limits::RECORD_BYTES_MAX);
    Ok(values.into_iter().map(|value| value.map(decoded).transpose()).collect::<Result<_, _>>()?)
}

/// The same as encoded, with the height that they are of.
pub async fn read_raw(client: &Client, keys: &[StateKey]) -> Result<(u64, Vec<Option<Vec<u8>>>)> {
    let request = StateRequest { keys: keys.iter().map(|key| hex::encode(key.encode())).collect() };
    let reply: StateReply = client.post("/api/v1/state", &request).await?;
    if reply.values.len() != keys.len() {
        bail!("the node answered {} values for {} keys", reply.values.len(), keys.len());
    }
    let decoded = reply.values.into_iter().map(|value| value.map(hex::decode).transpose());
    let values =
        decoded.collect::<Result<_, _>>().context("the node sent a record that is not hexadecimal")?;
    Ok((reply.height, values))
}
