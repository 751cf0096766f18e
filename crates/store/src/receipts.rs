//! A gateway's receipts in one redb file: every append is one transaction that is on disk when it returns.

use std::path::{Path, PathBuf};

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_types::{Amount, ChannelId, Hash, Name};
use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use crate::StoreError;
use crate::error::failed;
use crate::records::{ChannelState, NewReceipt, StoredBatch, StoredReceipt};

/// The file's format.
const FORMAT: u64 = 1;
/// Bytes of one envelope, opening, line list, inclusion, certificate, material or batch.
const VALUE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Memory for cached pages.
const CACHE_BYTES: usize = 32 * 1024 * 1024;
/// Receipts returned by one [`ReceiptStore::range`].
const RANGE_MAX: u32 = 4_096;

const ABOUT: TableDefinition<&str, u64> = TableDefinition::new("about");
const RECEIPTS: TableDefinition<u64, &[u8]> = TableDefinition::new("receipts");
const SEQUENCES: TableDefinition<&str, u64> = TableDefinition::new("sequences");
const INCLUSIONS: TableDefinition<u64, &[u8]> = TableDefinition::new("inclusions");
const CERTIFICATES: TableDefinition<u64, &[u8]> = TableDefinition::new("certificates");
const MATERIALS: TableDefinition<u64, &[u8]> = TableDefinition::new("materials");
const CHANNELS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("channels");
const CARRIES: TableDefinition<&str, u64> = TableDefinition::new("carries");
const BATCHES: TableDefinition<u64, &[u8]> = TableDefinition::new("batches");
const KEYS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("keys");

/// The receipts of one gateway.
pub struct ReceiptStore {
    path: PathBuf,
    database: Database,
}

impl std::fmt::Debug for ReceiptStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReceiptStore({})", self.path.display())
    }
}

impl ReceiptStore {
    /// Opens the file, creating it when it does not exist.
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|error| StoreError::Io { path: folder.to_path_buf(), reason: error.to_string() })?;
        }
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create(file)
            .map_err(|error| failed(file, error))?;
        let store = Self { path: file.to_path_buf(), database };
        store.check_format()?;
        Ok(store)
    }

    fn check_format(&self) -> Result<(), StoreError> {
        let found = self.write(|transaction| {
            // Every table exists from here on, so that readers need not ask.
            transaction.open_table(RECEIPTS)?;
            transaction.open_table(SEQUENCES)?;
            transaction.open_table(INCLUSIONS)?;
            transaction.open_table(CERTIFICATES)?;
            transaction.open_table(MATERIALS)?;
            transaction.open_table(CHANNELS)?;
            transaction.open_table(CARRIES)?;
            transaction.open_table(BATCHES)?;
            transaction.open_table(KEYS)?;
            let mut about = transaction.open_table(ABOUT)?;
            let found = about.get("format")?.map(|value| value.value());
            if found.is_none() {
                about.insert("format", FORMAT)?;
            }
            Ok(found.unwrap_or(FORMAT))
        })?;
        if found == FORMAT {
            return Ok(());
        }
        Err(StoreError::WrongVersion { path: self.path.clone(), found, expected: FORMAT })
    }

    fn write<T>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let run = || -> Result<T, redb::Error> {
            let mut transaction = self.database.begin_write()?;
            transaction.set_durability(Durability::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        run().map_err(|error| failed(&self.path, error))
    }

    fn fault(&self, error: impl Into<redb::Error>) -> StoreError {
        failed(&self.path, error)
    }

    fn decode<T: BorshDeserialize>(&self, bytes: &[u8]) -> Result<T, StoreError> {
        T::try_from_slice(bytes)
            .map_err(|error| StoreError::Damaged { path: self.path.clone(), reason: error.to_string() })
    }

    /// Stores a receipt with the state it leaves behind and, where there is such, the material that its answer is replayed
    /// from. Both are on disk when this returns.
    pub fn append(&self, receipt: &NewReceipt, material: Option<&[u8]>) -> Result<(), StoreError> {
        let bytes = encode("receipt", receipt)?;
        limit("material", material.map_or(0, <[u8]>::len))?;
        let channel =
            encode("channel", &ChannelState { cumulative: receipt.cumulative, voucher: receipt.voucher })?;
        // Both checks are inside the transaction: of two appends at once, one is refused.
        let refused = self.write(|transaction| {
            let mut receipts = transaction.open_table(RECEIPTS)?;
            let expected = receipts.last()?.map_or(0, |(sequence, _)| sequence.value()) + 1;
            if receipt.sequence != expected {
                return Ok(Some(StoreError::SequenceNotNext { expected, given: receipt.sequence }));
            }
            let mut sequences = transaction.open_table(SEQUENCES)?;
            if sequences.get(receipt.id.as_str())?.is_some() {
                return Ok(Some(StoreError::IdKnown { id: receipt.id.clone() }));
            }
            sequences.insert(receipt.id.as_str(), receipt.sequence)?;
            receipts.insert(receipt.sequence, bytes.as_slice())?;
            if let Some(material) = material {
                transaction.open_table(MATERIALS)?.insert(receipt.sequence, material)?;
            }
            transaction.open_table(CHANNELS)?.insert(receipt.channel.0.as_slice(), channel.as_slice())?;
            transaction.open_table(CARRIES)?.insert(receipt.model.as_str(), receipt.carry_after.0)?;
            Ok(None)
        })?;
        refused.map_or(Ok(()), Err)
    }

    /// The number of the last receipt; 0 when there is none.
    pub fn last_sequence(&self) -> Result<u64, StoreError> {
        let read = || -> Result<u64, redb::Error> {
            let table = self.database.begin_read()?.open_table(RECEIPTS)?;
            Ok(table.last()?.map_or(0, |(sequence, _)| sequence.value()))
        };
        read().map_err(|error| self.fault(error))
    }

    /// SHA-256 of the last receipt's payload; zeros when there is none.
    pub fn previous_hash(&self) -> Result<Hash, StoreError> {
        let last = self.by_sequence(self.last_sequence()?)?;
        Ok(last.map_or(Hash([0; 32]), |receipt| receipt.payload_hash))
    }

    /// The receipt with this id.
    pub fn by_id(&self, id: &str) -> Result<Option<StoredReceipt>, StoreError> {
        let read = || -> Result<Option<u64>, redb::Error> {
            let table = self.database.begin_read()?.open_table(SEQUENCES)?;
            Ok(table.get(id)?.map(|sequence| sequence.value()))
        };
        match read().map_err(|error| self.fault(error))? {
            Some(sequence) => self.by_sequence(sequence),
            None => Ok(None),
        }
    }

    /// The receipt with this number.
    pub fn by_sequence(&self, sequence: u64) -> Result<Option<StoredReceipt>, StoreError> {
        Ok(self.range(sequence, 1)?.pop().filter(|receipt| receipt.sequence == sequence))
    }

    /// Receipts from `first` on, at most `count` and at most 4,096.
    pub fn range(&self, first: u64, count: u32) -> Result<Vec<StoredReceipt>, StoreError> {
        type Raw = (Vec<u8>, Option<Vec<u8>>);
        let read = || -> Result<Vec<Raw>, redb::Error> {
            let transaction = self.database.begin_read()?;
            let receipts = transaction.open_table(RECEIPTS)?;
            let inclusions = transaction.open_table(INCLUSIONS)?;
            let count = usize::try_from(count.min(RANGE_MAX)).unwrap_or(0);
            let mut found = Vec::new();
            for entry in receipts.range(first..)?.take(count) {
                let (sequence, bytes) = entry?;
                let inclusion = inclusions.get(sequence.value())?.map(|value| value.value().to_vec());
                found.push((bytes.value().to_vec(), inclusion));
            }
            Ok(found)
        };
        let found = read().map_err(|error| self.fault(error))?;
        found
            .into_iter()
            .map(|(bytes, inclusion)| Ok(StoredReceipt { receipt: self.decode(&bytes)?, inclusion }))
            .collect()
    }

    /// Stores the inclusions of a settled batch's receipts, all or none, and remembers that the batch has them.
    pub fn set_inclusion(&self, batch: u64, entries: &[(u64, Vec<u8>)]) -> Result<(), StoreError> {
        for (_, bytes) in entries {
            limit("inclusion", bytes.len())?;
        }
        self.change_batch(batch, |transaction, stored| {
            stored.included = true;
            let mut inclusions = transaction.open_table(INCLUSIONS)?;
            for (sequence, bytes) in entries {
                inclusions.insert(*sequence, bytes.as_slice())?;
            }
            Ok(())
        })
    }

    /// Stores the certificate of a receipt's spans. It is on disk when this returns.
    pub fn put_certificate(&self, sequence: u64, certificate: &[u8]) -> Result<(), StoreError> {
        limit("certificate", certificate.len())?;
        self.write(|transaction| {
            transaction.open_table(CERTIFICATES)?.insert(sequence, certificate)?;
            Ok(())
        })
    }

    /// The certificate of the receipt with this number, if it has one.
    pub fn certificate(&self, sequence: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.beside(CERTIFICATES, sequence)
    }

    /// What the answer of the receipt with this number is replayed from, if that is kept.
    pub fn material(&self, sequence: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.beside(MATERIALS, sequence)
    }

    fn beside(
        &self,
        table: TableDefinition<u64, &[u8]>,
        sequence: u64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let read = || -> Result<Option<Vec<u8>>, redb::Error> {
            let table = self.database.begin_read()?.open_table(table)?;
            Ok(table.get(sequence)?.map(|bytes| bytes.value().to_vec()))
        };
        read().map_err(|error| self.fault(error))
    }

    /// What was spent on a channel as of the last receipt.
    pub fn channel(&self, channel: &ChannelId) -> Result<Option<ChannelState>, StoreError> {
        let bytes = self.value(CHANNELS, &channel.0)?;
        bytes.map(|bytes| self.decode(&bytes)).transpose()
    }

    /// A model's rounding carry after its last receipt.
    pub fn carry(&self, model: &Name) -> Result<Amount, StoreError> {
        let read = || -> Result<u64, redb::Error> {
            let table = self.database.begin_read()?.open_table(CARRIES)?;
            Ok(table.get(model.as_str())?.map_or(0, |carry| carry.value()))
        };
        read().map(Amount).map_err(|error| self.fault(error))
    }

    /// Stores a batch before it is submitted. A number is used once, until [`ReceiptStore::drop_batch`].
    pub fn put_batch(
        &self,
        number: u64,
        first_receipt: u64,
        receipts: u32,
        batch: &[u8],
    ) -> Result<(), StoreError> {
        let stored = StoredBatch {
            number,
            first_receipt,
            receipts,
            bytes: batch.to_vec(),
            settled_at: None,
            included: false,
        };
        let bytes = encode("batch", &stored)?;
        let refused = self.write(|transaction| {
            let mut batches = transaction.open_table(BATCHES)?;
            if batches.get(number)?.is_some() {
                return Ok(Some(StoreError::BatchKnown { number }));
            }
            batches.insert(number, bytes.as_slice())?;
            Ok(None)
        })?;
        refused.map_or(Ok(()), Err)
    }

    /// Forgets a batch that the ledger refused. One that is settled stays.
    pub fn drop_batch(&self, number: u64) -> Result<(), StoreError> {
        let unsettled = self.batch(number)?.is_some_and(|stored| stored.settled_at.is_none());
        if !unsettled {
            return Ok(());
        }
        self.write(|transaction| {
            transaction.open_table(BATCHES)?.remove(number)?;
            Ok(())
        })
    }

    /// Changes a stored batch, and whatever else `change` writes, in one transaction; nothing when there is no such batch.
    fn change_batch(
        &self,
        number: u64,
        change: impl FnOnce(&WriteTransaction, &mut StoredBatch) -> Result<(), redb::Error>,
    ) -> Result<(), StoreError> {
        let damaged = self.write(|transaction| {
            let mut batches = transaction.open_table(BATCHES)?;
            let Some(bytes) = batches.get(number)?.map(|bytes| bytes.value().to_vec()) else {
                return Ok(None);
            };
            let mut stored = match self.decode::<StoredBatch>(&bytes) {
                Ok(stored) => stored,
                Err(damaged) => return Ok(Some(damaged)),
            };
            change(transaction, &mut stored)?;
            let bytes = borsh::to_vec(&stored).expect("writing to memory cannot fail");
            batches.insert(number, bytes.as_slice())?;
            Ok(None)
        })?;
        damaged.map_or(Ok(()), Err)
    }

    /// The batch with this number.
    pub fn batch(&self, number: u64) -> Result<Option<StoredBatch>, StoreError> {
        let read = || -> Result<Option<Vec<u8>>, redb::Error> {
            let table = self.database.begin_read()?.open_table(BATCHES)?;
            Ok(table.get(number)?.map(|bytes| bytes.value().to_vec()))
        };
        read().map_err(|error| self.fault(error))?.map(|bytes| self.decode(&bytes)).transpose()
    }

    /// Remembers that a batch is final at this height.
    pub fn mark_settled(&self, number: u64, height: u64) -> Result<(), StoreError> {
        self.change_batch(number, |_, stored| {
            stored.settled_at = Some(height);
            Ok(())
        })
    }

    /// Batches that are final and whose receipts lack the inclusion, oldest first.
    pub fn without_inclusion(&self) -> Result<Vec<StoredBatch>, StoreError> {
        Ok(self
            .batches()?
            .into_iter()
            .filter(|batch| batch.settled_at.is_some() && !batch.included)
            .collect())
    }

    /// The latest 64 batches; older ones are final and included, because batches are settled in order.
    fn batches(&self) -> Result<Vec<StoredBatch>, StoreError> {
        let read = || -> Result<Vec<Vec<u8>>, redb::Error> {
            let table = self.database.begin_read()?.open_table(BATCHES)?;
            let mut found = Vec::new();
            for entry in table.iter()?.rev().take(64) {
                found.push(entry?.1.value().to_vec());
            }
            found.reverse();
            Ok(found)
        };
        let found = read().map_err(|error| self.fault(error))?;
        found.iter().map(|bytes| self.decode(bytes)).collect()
    }

    /// Stores what is known of an API key, by the hash of its secret.
    pub fn put_key(&self, hash: &Hash, record: &[u8]) -> Result<(), StoreError> {
        limit("API key record", record.len())?;
        self.write(|transaction| {
            transaction.open_table(KEYS)?.insert(hash.0.as_slice(), record)?;
            Ok(())
        })
    }

    /// What is known of an API key.
    pub fn key(&self, hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        self.value(KEYS, &hash.0)
    }

    fn value(&self, table: TableDefinition<&[u8], &[u8]>, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let read = || -> Result<Option<Vec<u8>>, redb::Error> {
            let table = self.database.begin_read()?.open_table(table)?;
            Ok(table.get(key)?.map(|bytes| bytes.value().to_vec()))
        };
        read().map_err(|error| self.fault(error))
    }
}

fn encode<T: BorshSerialize>(what: &'static str, value: &T) -> Result<Vec<u8>, StoreError> {
    let bytes = borsh::to_vec(value).expect("writing to memory cannot fail");
    limit(what, bytes.len())?;
    Ok(bytes)
}

fn limit(what: &'static str, bytes: usize) -> Result<(), StoreError> {
    if bytes <= VALUE_BYTES_MAX {
        return Ok(());
    }
    Err(StoreError::TooLarge { what, bytes, bytes_max: VALUE_BYTES_MAX })
}
