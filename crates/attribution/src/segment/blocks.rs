//! Compressed blocks and the table that finds them: rows of a fixed form, one a block, that say where the block is
//! and what comes before it.
//!
//! Reading is bounded: a block says how long it is unpacked, nobody believes more than [`BLOCK_BYTES_MAX`], and zstd
//! stops there. Absent: what the blocks hold (`gaps`, `labels`).

use zstd::bulk::{Compressor, Decompressor};

/// A block is closed when it has this many entries: finding an occurrence unpacks one block.
const BLOCK_ENTRIES: usize = 1024;

/// A block is closed when it has this many bytes.
const BLOCK_BYTES: usize = 64 * 1024;

/// The longest block, unpacked: the last entry of one may hold two texts' worth of bytes.
const BLOCK_BYTES_MAX: usize = 1 << 20;

/// The cheapest level above 0. Measured on manuals: 3 makes the blocks 2.5 % smaller and the build 3 % longer.
const LEVEL: i32 = 1;

/// How many bytes a row takes.
pub(crate) const ROW_BYTES: usize = 24;

/// What the table says of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Row {
    /// The entries before it.
    pub(crate) first_entry: u32,
    /// The bytes of codes before it.
    pub(crate) first_code: u32,
    /// The bytes before it of the text in whose middle it begins.
    pub(crate) text_bytes: u32,
    /// Its length, unpacked.
    pub(crate) bytes: u32,
    /// Where it starts, packed.
    pub(crate) start: u64,
}

impl Row {
    fn write(&self, table: &mut Vec<u8>) {
        for number in [self.first_entry, self.first_code, self.text_bytes, self.bytes] {
            table.extend_from_slice(&number.to_le_bytes());
        }
        table.extend_from_slice(&self.start.to_le_bytes());
    }

    fn read(row: &[u8; ROW_BYTES]) -> Self {
        let (numbers, _) = row.as_chunks::<4>();
        let number = |place: usize| u32::from_le_bytes(numbers[place]);
        let start = u64::from(number(4)) | u64::from(number(5)) << 32;
        Self { first_entry: number(0), first_code: number(1), text_bytes: number(2), bytes: number(3), start }
    }
}

/// Blocks under construction. Rows are finished by `finish`, when the codes are known.
pub(crate) struct BlockWriter {
    compressor: Compressor<'static>,
    rows: Vec<Row>,
    packed: Vec<u8>,
    open: Vec<u8>,
    entries: u32,
}

impl BlockWriter {
    /// Fails when there is no memory for the packer.
    pub(crate) fn new() -> Result<Self, String> {
        let compressor = Compressor::new(LEVEL).map_err(|error| error.to_string())?;
        Ok(Self { compressor, rows: Vec::new(), packed: Vec::new(), open: Vec::new(), entries: 0 })
    }

    /// Appends one entry. `text_bytes` of its text come before it.
    pub(crate) fn push(&mut self, entry: &[u8], text_bytes: u32) -> Result<(), String> {
        self.room(text_bytes)?;
        self.extend(entry, 1);
        Ok(())
    }

    /// How many entries the open block takes, at most, and after how many bytes it takes no other one; at least one entry of any
    /// length. `text_bytes` of its text come before the next entry.
    pub(crate) fn room(&mut self, text_bytes: u32) -> Result<(usize, usize), String> {
        let room = |writer: &Self| {
            let row = writer.rows.last()?;
            let entries = BLOCK_ENTRIES - (writer.entries - row.first_entry) as usize;
            let bytes = BLOCK_BYTES.saturating_sub(writer.open.len());
            (entries > 0 && bytes > 0).then_some((entries, bytes))
        };
        if let Some(room) = room(self).filter(|_| !self.open.is_empty()) {
            return Ok(room);
        }
        self.close()?;
        let start = self.packed.len() as u64;
        self.rows.push(Row { first_entry: self.entries, text_bytes, start, ..Row::default() });
        Ok((BLOCK_ENTRIES, BLOCK_BYTES))
    }

    /// Appends as many entries as there is [room](Self::room) for, one behind the other.
    pub(crate) fn extend(&mut self, bytes: &[u8], entries: u32) {
        self.open.extend_from_slice(bytes);
        self.entries += entries;
    }

    fn close(&mut self) -> Result<(), String> {
        if let Some(row) = self.rows.last_mut().filter(|_| !self.open.is_empty()) {
            row.bytes = self.open.len() as u32;
            let packed = self.compressor.compress(&self.open).map_err(|error| error.to_string())?;
            self.packed.extend_from_slice(&packed);
            self.open.clear();
        }
        Ok(())
    }

    /// The table and the packed blocks. `code_of_entry` tells the bytes of codes before an entry.
    pub(crate) fn finish(mut self, code_of_entry: impl Fn(u32) -> u32) -> Result<(Vec<u8>, Vec<u8>), String> {
        self.close()?;
        let mut table = Vec::with_capacity(self.rows.len() * ROW_BYTES);
        for row in &mut self.rows {
            row.first_code = code_of_entry(row.first_entry);
            row.write(&mut table);
        }
        Ok((table, self.packed))
    }
}

/// Blocks where they stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Blocks<'a> {
    pub(crate) table: &'a [[u8; ROW_BYTES]],
    pub(crate) packed: &'a [u8],
}

impl Blocks<'_> {
    /// The row of a block, if there is one.
    pub(crate) fn row(&self, block: usize) -> Option<Row> {
        self.table.get(block).map(Row::read)
    }

    /// The last block for which `is_before` holds; rows rise.
    pub(crate) fn last(&self, is_before: impl Fn(&Row) -> bool) -> Option<usize> {
        self.table.partition_point(|row| is_before(&Row::read(row))).checked_sub(1)
    }

    /// Unpacks a block; `None` when it is damaged.
    pub(crate) fn unpack(&self, block: usize, unpacker: &mut Unpacker) -> Option<Vec<u8>> {
        let row = self.row(block)?;
        let start = usize::try_from(row.start).ok()?;
        let end =
            self.row(block + 1).map_or(Some(self.packed.len()), |next| usize::try_from(next.start).ok())?;
        let length = usize::try_from(row.bytes).ok().filter(|length| *length <= BLOCK_BYTES_MAX)?;
        let packed = self.packed.get(start..end)?;
        let bytes = unpacker.unpack(packed, length)?;
        (bytes.len() == length).then_some(bytes)
    }
}

/// What unpacking needs, made for the first block and kept.
pub(crate) struct Unpacker(Option<Decompressor<'static>>);

impl Unpacker {
    pub(crate) fn new() -> Self {
        Self(None)
    }

    fn unpack(&mut self, packed: &[u8], length: usize) -> Option<Vec<u8>> {
        if self.0.is_none() {
            self.0 = Decompressor::new().ok();
        }
        self.0.as_mut()?.decompress(packed, length).ok()
    }
}
