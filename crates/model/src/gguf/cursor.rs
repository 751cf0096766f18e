//! A reader over untrusted bytes that never runs past their end.

use super::{ARRAY_ELEMENTS_MAX, GgufError, NAME_BYTES_MAX, limit};

pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
    /// Elements of all arrays so far: each takes more memory than bytes of the file.
    elements: u64,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes, position: 0, elements: 0 }
    }

    /// Bytes read so far.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Bytes that are left.
    pub(super) fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// Counts the elements of one more array.
    pub(super) fn add_elements(&mut self, count: u64) -> Result<(), GgufError> {
        self.elements = self.elements.saturating_add(count);
        limit("elements of all metadata arrays", self.elements, ARRAY_ELEMENTS_MAX)
    }

    pub(super) fn truncated(&self, what: &str) -> GgufError {
        GgufError::Truncated { what: what.to_owned(), position: self.position as u64 }
    }

    pub(super) fn take(&mut self, length: u64, what: &str) -> Result<&'a [u8], GgufError> {
        let slice = usize::try_from(length)
            .ok()
            .and_then(|length| self.position.checked_add(length))
            .and_then(|end| self.bytes.get(self.position..end))
            .ok_or_else(|| self.truncated(what))?;
        self.position += slice.len();
        Ok(slice)
    }

    pub(super) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], GgufError> {
        let slice = self.take(N as u64, what)?;
        Ok(slice.try_into().expect("take returns as many bytes as asked for"))
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32, GgufError> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, what: &str) -> Result<u64, GgufError> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A text: its length in bytes as `u64`, then UTF-8.
    pub(super) fn text(&mut self, what: &str) -> Result<&'a str, GgufError> {
        let length = self.u64(what)?;
        let bytes = self.take(length, what)?;
        std::str::from_utf8(bytes).map_err(|_| GgufError::NotText { what: what.to_owned() })
    }

    /// A text of 1 to 256 bytes.
    pub(super) fn name(&mut self, what: &'static str) -> Result<&'a str, GgufError> {
        let name = self.text(what)?;
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(GgufError::NameLength { what, bytes: name.len() as u64 });
        }
        Ok(name)
    }
}
