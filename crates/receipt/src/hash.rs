//! Salted hashes of the texts. Prompts are guessable, so a hash alone would tell them; the salt is 32 bytes that
//! only the caller and who served the request know. Absent: the salt's generation.

use openledger_types::Hash;
use sha2::{Digest, Sha256};

const REQUEST_DOMAIN: &[u8] = b"openledger salted request v1\0";
const RESPONSE_DOMAIN: &[u8] = b"openledger salted response v1\0";

/// SHA-256 over a domain tag, the salt and the raw body of the request as it was received.
pub fn salted_request(salt: &[u8; 32], body: &[u8]) -> Hash {
    salted(REQUEST_DOMAIN, salt, body)
}

/// SHA-256 over a domain tag, the salt and the UTF-8 bytes of the answer.
pub fn salted_response(salt: &[u8; 32], answer: &str) -> Hash {
    salted(RESPONSE_DOMAIN, salt, answer.as_bytes())
}

fn salted(domain: &[u8], salt: &[u8; 32], text: &[u8]) -> Hash {
    let hasher = Sha256::new().chain_update(domain).chain_update(salt).chain_update(text);
    Hash(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn salt_text_and_direction_all_count() {
        let hash = salted_request(&[1; 32], b"text");
        assert_eq!(hash, salted_request(&[1; 32], b"text"));
        assert_ne!(hash, salted_request(&[2; 32], b"text"));
        assert_ne!(hash, salted_request(&[1; 32], b"texts"));
        assert_ne!(hash, salted_response(&[1; 32], "text"));
    }
}
