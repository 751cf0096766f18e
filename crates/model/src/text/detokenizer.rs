//! Tokens to text while they arrive.
//!
//! Rule: the pieces joined are the text of all tokens joined; a character whose bytes are still
//! incomplete waits for the next token. Bytes that can never become a character are shown as U+FFFD.
//! Absent: stop strings; those are the engine's.

/// Collects bytes and gives out whole characters.
#[derive(Debug, Default)]
pub struct Detokenizer {
    /// At most three bytes of an incomplete character.
    pending: Vec<u8>,
}

impl Detokenizer {
    /// Adds the bytes of one token and returns the text that is complete.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut text = String::new();
        let mut rest = self.pending.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    rest = &[];
                    break;
                }
                Err(error) => {
                    let (valid, broken) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(valid));
                    let Some(length) = error.error_len() else {
                        rest = broken;
                        break;
                    };
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest = &broken[length..];
                }
            }
        }
        self.pending = rest.to_vec();
        text
    }

    /// Ends the text: an incomplete character becomes U+FFFD.
    pub fn finish(&mut self) -> String {
        let text = String::from_utf8_lossy(&self.pending).into_owned();
        self.pending.clear();
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_split_of_a_text_gives_the_text_back(text in "\\PC*", cuts in prop::collection::vec(any::<usize>(), 0..9)) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut detokenizer = Detokenizer::default();
            let mut joined = String::new();
            for pair in cuts.windows(2) {
                joined.push_str(&detokenizer.push(&bytes[pair[0]..pair[1]]));
            }
            joined.push_str(&detokenizer.finish());
            prop_assert_eq!(joined, text);
        }

        #[test]
        fn any_bytes_end_like_the_standard_library(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut detokenizer = Detokenizer::default();
            let mut joined = String::new();
            for byte in &bytes {
                joined.push_str(&detokenizer.push(&[*byte]));
                prop_assert!(detokenizer.pending.len() <= 3);
            }
            joined.push_str(&detokenizer.finish());
            prop_assert_eq!(joined, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}
