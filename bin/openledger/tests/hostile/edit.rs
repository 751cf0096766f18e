//! Bytes changed as other bytes say: so whoever mutates the latter reaches what lies behind magic numbers and checksums.

/// `honest` with an edit for every four bytes of `data`: a place, what is done there, and with what.
pub(crate) fn edited(honest: &[u8], data: &[u8]) -> Vec<u8> {
    let mut bytes = honest.to_vec();
    for &[low, high, action, value] in data.as_chunks::<4>().0 {
        let Some(last) = bytes.len().checked_sub(1) else { break };
        let at = usize::from(u16::from_le_bytes([low, high])) * last / usize::from(u16::MAX);
        let other = usize::from(value) * last / usize::from(u8::MAX);
        match action % 8 {
            0 => bytes[at] = value,
            1 => bytes[at] ^= 1 << (value % 8),
            2 => bytes[at] = bytes[at].wrapping_add(value),
            3 => bytes[at] = bytes[other],
            4 => bytes[at..].iter_mut().take(usize::from(value)).for_each(|byte| *byte = value),
            5 => bytes.truncate(at + 1),
            6 => bytes.insert(at, value),
            _ => {
                bytes.remove(at);
            }
        }
    }
    bytes
}
