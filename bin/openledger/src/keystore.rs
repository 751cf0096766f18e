//! Keys of a local user: one seed file and a list of names. The key of a name is derived from the seed, so the whole
//! store is one secret of 32 bytes.
//!
//! The seed file is readable by its owner alone. Absent: encryption at rest and hardware wallets; a wallet signs the
//! same EIP-712 data.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use openledger_types::{AccountSecret, ServiceSecret, sha256};

/// Names in one store.
const NAMES_MAX: usize = 100_000;

/// A key store in a folder.
pub struct Keystore {
    folder: PathBuf,
    seed: [u8; 32],
    names: BTreeSet<String>,
}

impl Keystore {
    /// Opens the store in `folder`, creating it when it does not exist. `seed` fixes the seed of a new store (for
    /// reproducible runs); otherwise it is random.
    pub fn open(folder: &Path, seed: Option<u64>) -> Result<Self> {
        let path = folder.join("seed");
        if !path.exists() {
            fs::create_dir_all(folder).with_context(|| format!("{} cannot be created", folder.display()))?;
            let bytes = match seed {
                Some(number) => sha256(format!("openledger/reproducible-seed/v1/{number}").as_bytes()).0,
                None => random_bytes()?,
            };
            write_secret(&path, &hex::encode(bytes))?;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let mut seed = [0u8; 32];
        hex::decode_to_slice(text.trim(), &mut seed).map_err(|_| {
            anyhow::anyhow!(
                "{} is damaged: expected 64 hexadecimal digits; restore it from a backup",
                path.display()
            )
        })?;
        let names = fs::read_to_string(folder.join("names")).unwrap_or_default();
        let names = names.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        Ok(Self { folder: folder.to_path_buf(), seed, names })
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

    /// Adds names; names that are there already stay. Returns how many were new.
    pub fn add<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) -> Result<usize> {
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
            let mut text = String::new();
            for name in &self.names {
                text.push_str(name);
                text.push('\n');
            }
            let temporary = self.folder.join("names.new");
            fs::write(&temporary, text)
                .with_context(|| format!("{} cannot be written", temporary.display()))?;
            fs::rename(&temporary, self.folder.join("names"))?;
        }
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
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("/dev/urandom cannot be read")?;
    Ok(bytes)
}

/// Thirty-two fresh random bytes.
pub fn fresh_secret() -> Result<[u8; 32]> {
    random_bytes()
}

/// Writes a text that only its owner may read.
pub fn write_secret(path: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all().with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_keeps_its_keys_and_a_seed_reproduces_them() {
        let one = tempfile::tempdir().unwrap();
        let two = tempfile::tempdir().unwrap();
        let account = Keystore::open(one.path(), Some(7)).unwrap().ensure("alice").unwrap().account();
        assert_eq!(Keystore::open(one.path(), None).unwrap().account("alice").unwrap().account(), account);
        assert_eq!(Keystore::open(two.path(), Some(7)).unwrap().ensure("alice").unwrap().account(), account);
        let random = tempfile::tempdir().unwrap();
        assert_ne!(Keystore::open(random.path(), None).unwrap().ensure("alice").unwrap().account(), account);
        assert!(Keystore::open(one.path(), None).unwrap().account("bob").is_err());
    }
}
