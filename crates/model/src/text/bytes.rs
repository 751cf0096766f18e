//! The alphabet of byte-level tokens: each byte is written as one printable character.
//!
//! Rule: printable bytes stand for themselves; the others take, in order, the characters from U+0100.
//! Absent: everything else. Source: the GPT-2 encoder, which all byte-level vocabularies follow.

/// The byte for which `character` stands in a byte-level token.
pub(super) fn byte_of(character: char) -> Option<u8> {
    let code = u32::from(character);
    match code {
        0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff => u8::try_from(code).ok(),
        0x100..=0x120 => u8::try_from(code - 0x100).ok(),
        0x121..=0x142 => u8::try_from(code - 0x121 + 0x7f).ok(),
        0x143 => Some(0xad),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::byte_of;

    #[test]
    fn every_byte_has_exactly_one_character() {
        let mut seen = [0_u32; 256];
        for character in '\0'..='\u{200}' {
            if let Some(byte) = byte_of(character) {
                seen[usize::from(byte)] += 1;
            }
        }
        assert!(seen.iter().all(|count| *count == 1), "{seen:?}");
        assert_eq!(byte_of('\u{120}'), Some(b' '));
        assert_eq!(byte_of('\u{10a}'), Some(b'\n'));
    }
}
