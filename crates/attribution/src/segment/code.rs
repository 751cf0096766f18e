//! The byte code of words: prefix free, one byte for the 192 most frequent words, so that a text takes less than two
//! bytes a word and equal words are equal bytes.
//!
//! | first byte | bytes after it | what it is |
//! |---|---|---|
//! | 00 to BF | 0 | ranks from 0 |
//! | C0 to EF | 1 | ranks from 192 |
//! | F0 to FD | 2 | ranks from 12,480 |
//! | FE | 3 | ranks from 929,984 |
//! | FF | 0 | the end of a document |
//!
//! Absent: which word has which rank (`build` counts), and the order of words, which is alphabetical.

/// The code of the end of a document.
pub(crate) const SEPARATOR: u8 = 0xFF;

const BASE_2: usize = 192;
const BASE_3: usize = BASE_2 + (48 << 8);
const BASE_4: usize = BASE_3 + (14 << 16);

/// How many words can be told apart.
pub(crate) const VOCABULARY_MAX: usize = BASE_4 + (1 << 24);

/// Appends the code of the word of `rank`, which is below [`VOCABULARY_MAX`].
pub(crate) fn write(rank: usize, codes: &mut Vec<u8>) {
    if rank < BASE_2 {
        codes.push(rank as u8);
    } else if rank < BASE_3 {
        let rest = (rank - BASE_2) as u32;
        codes.extend_from_slice(&[0xC0 | (rest >> 8) as u8, rest as u8]);
    } else if rank < BASE_4 {
        let rest = (rank - BASE_3) as u32;
        codes.extend_from_slice(&[0xF0 + (rest >> 16) as u8, (rest >> 8) as u8, rest as u8]);
    } else {
        let rest = (rank - BASE_4) as u32;
        codes.extend_from_slice(&[0xFE, (rest >> 16) as u8, (rest >> 8) as u8, rest as u8]);
    }
}

/// The rank of the word whose code starts at `at`, and the length of the code; `None` at the end of a document and
/// where there is no whole code.
#[inline]
pub(crate) fn read(codes: &[u8], at: usize) -> Option<(usize, usize)> {
    let rest = codes.get(at..)?;
    let byte = |place: usize| rest.get(place).map(|byte| usize::from(*byte));
    let first = byte(0)?;
    match first {
        0x00..=0xBF => Some((first, 1)),
        0xC0..=0xEF => Some((BASE_2 + ((first - 0xC0) << 8) + byte(1)?, 2)),
        0xF0..=0xFD => Some((BASE_3 + ((first - 0xF0) << 16) + (byte(1)? << 8) + byte(2)?, 3)),
        0xFE => Some((BASE_4 + (byte(1)? << 16) + (byte(2)? << 8) + byte(3)?, 4)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_at_its_borders() {
        let rows = [
            (0, vec![0]),
            (191, vec![0xBF]),
            (192, vec![0xC0, 0]),
            (12_479, vec![0xEF, 0xFF]),
            (12_480, vec![0xF0, 0, 0]),
            (929_983, vec![0xFD, 0xFF, 0xFF]),
            (929_984, vec![0xFE, 0, 0, 0]),
            (VOCABULARY_MAX - 1, vec![0xFE, 0xFF, 0xFF, 0xFF]),
        ];
        for (rank, expected) in rows {
            let mut codes = vec![SEPARATOR];
            write(rank, &mut codes);
            assert_eq!(codes[1..], expected, "rank {rank}");
            assert_eq!(read(&codes, 1), Some((rank, expected.len())), "rank {rank}");
            assert_eq!(read(&codes[..codes.len() - 1], 1), None, "rank {rank} cut");
        }
        assert_eq!(read(&[SEPARATOR], 0), None);
    }
}
