//! Keys of a local user: one seed file and a list of names. The key of a name is derived from the seed, so the whole
//! store is one secret of 32 bytes.
//!
//! The seed file is readable by its owner alone. Absent: encryption at rest and hardware wallets; a wallet signs the
//! same EIP-712 data.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use openledger_types::{AccountSecret, ServiceSecret, sha256};

use crate::files;

/// Names in one store.
const NAMES_MAX: usize = 100_000;

/// A key store in a folder.
pub struct Keystore {
    folder: PathBuf,
    seed: [u8; 32],
    names: BTreeSet<String>,
}

impl Keystore {
    /// Opens the store in `folder`.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("seed");
        let text = files::read_text(&path)?.with_context(|| {
            format!(
                "there are no keys in {}; start a network with `openledger up`, make a key with `openledger keys new`, or name another folder with --dir",
                folder.display()
            )
        })?;
        let mut seed = [0u8; 32];
        hex::decode_to_slice(text.trim(), &mut seed).map_err(|_| {
            anyhow::anyhow!(
                "{} is damaged: expected 64 hexadecimal digits; restore it from a backup",
                path.display()
            )
        })?;
        let names = read_names(folder)?;
        Ok(Self { folder: folder.to_path_buf(), seed, names })
    }

    /// Opens the store in `folder`, creating it when it does not exist. `seed` fixes the seed of a new store (for
    /// reproducible runs); otherwise it is random. A store that was made with another seed is an error.
    pub fn open_or_create(folder: &Path, seed: Option<u64>) -> Result<Self> {
        let fixed =
            seed.map(|number| sha256(format!("openledger/reproducible-seed/v1/{number}").as_bytes()).0);
        let bytes = match fixed {
            Some(bytes) => bytes,
            None => random_bytes()?,
        };
        let path = folder.join("seed");
        if !path.exists() {
            // Of two processes that start at once, one creates it, and both read the same.
            files::create(&path, format!("{}\n", hex::encode(bytes)).as_bytes())?;
        }
        let store = Self::open(folder)?;
        if fixed.is_some_and(|fixed| fixed != store.seed) {
            bail!("{} was made with another seed; leave out --seed, or choose another --dir", path.display());
        }
        Ok(store)
    }

    fn derive(&self, purpose: &str, name: &str) -> [u8; 32] {
        let mut bytes = format!("openledger/{purpose}/v1\0{name}\0").into_bytes();
        bytes.extend_from_slice(&self.seed);
        sha256(&bytes).0
    }

    /// The account key of a name that was added.
    pub fn account(&self, name: &str) -> Result<AccountSecret> {
        if !self.names.contains(name) {
            bail!(
                "there is no key named {name:?} in {}; create it with `openledger keys new {name}`",
                self.folder.display()
            );
        }
        self.derived_account(name)
    }

    fn derived_account(&self, name: &str) -> Result<AccountSecret> {
        AccountSecret::from_bytes(self.derive("account-key", name))
            .with_context(|| format!("the name {name:?} derives no valid key; choose another name"))
    }

    /// The service key (ed25519) of a name.
    pub fn service(&self, name: &str) -> ServiceSecret {
        ServiceSecret::from_bytes(self.derive("service-key", name))
    }

    /// Thirty-two secret bytes for another purpose (an API key, a validator).
    pub fn secret(&self, purpose: &str, name: &str) -> [u8; 32] {
        self.derive(purpose, name)
    }

    /// Adds names; names that are there already stay, those that another process added too. Returns how many were new.
    pub fn add<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) -> Result<usize> {
        let path = self.folder.join("names.lock");
        let lock = File::create(&path)
            .and_then(|lock| lock.lock().map(|()| lock))
            .with_context(|| format!("{} cannot be locked", path.display()))?;
        self.names = read_names(&self.folder)?;
        let before = self.names.len();
        for name in names {
            if name.is_empty() || name.len() > 200 || name.contains(['\n', '\0']) {
                bail!("{name:?} is not a key name: use 1 to 200 characters on one line");
            }
            self.names.insert(name.to_owned());
        }
        if self.names.len() > NAMES_MAX {
            bail!("{} holds {NAMES_MAX} names already; use another folder", self.folder.display());
        }
        if self.names.len() > before {
            let text: String = self.names.iter().flat_map(|name| [name.as_str(), "\n"]).collect();
            files::write(&self.folder.join("names"), text.as_bytes())?;
        }
        drop(lock);
        Ok(self.names.len() - before)
    }

    /// The account of a name, added when it is new.
    pub fn ensure(&mut self, name: &str) -> Result<AccountSecret> {
        self.add([name])?;
        self.derived_account(name)
    }

    /// All names with their accounts.
    pub fn list(&self) -> Result<Vec<(String, openledger_types::AccountId)>> {
        self.names.iter().map(|name| Ok((name.clone(), self.derived_account(name)?.account()))).collect()
    }
}

fn random_bytes() -> Result<[u8; 32]> {
    let mut bytes = [0u8; 32];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("/dev/urandom cannot be read")?;
    Ok(bytes)
}

fn read_names(folder: &Path) -> Result<BTreeSet<String>> {
    let text = files::read_text(&folder.join("names"))?.unwrap_or_default();
    Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(folder: &Path, seed: Option<u64>) -> Keystore {
        Keystore::open_or_create(folder, seed).unwrap()
    }

    #[test]
    fn a_store_keeps_its_keys_and_a_seed_reproduces_them() {
        let one = tempfile::tempdir().unwrap();
        let two = tempfile::tempdir().unwrap();
        let account = create(one.path(), Some(7)).ensure("alice").unwrap().account();
        assert_eq!(Keystore::open(one.path()).unwrap().account("alice").unwrap().account(), account);
        assert_eq!(create(two.path(), Some(7)).ensure("alice").unwrap().account(), account);
        let random = tempfile::tempdir().unwrap();
        assert_ne!(create(random.path(), None).ensure("alice").unwrap().account(), account);
        assert!(Keystore::open(one.path()).unwrap().account("bob").is_err());
    }

    #[test]
    fn reading_creates_nothing_and_another_seed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Keystore::open(folder.path()).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        create(folder.path(), Some(1));
        assert!(Keystore::open_or_create(folder.path(), Some(2)).is_err());
        create(folder.path(), None);
    }

    #[test]
    fn two_stores_of_one_folder_lose_no_names() {
        let folder = tempfile::tempdir().unwrap();
        let (mut one, mut two) = (create(folder.path(), None), create(folder.path(), None));
        one.add(["alice"]).unwrap();
        two.add(["bob"]).unwrap();
        assert_eq!(one.add(["carol"]).unwrap(), 1);
        let names: Vec<String> = Keystore::open(folder.path())
            .unwrap()
            .list()
            .unwrap()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["alice", "bob", "carol"]);
        std::fs::write(folder.path().join("names"), [0xff]).unwrap();
        assert!(two.add(["dave"]).is_err(), "a damaged list is not overwritten");
    }
}
