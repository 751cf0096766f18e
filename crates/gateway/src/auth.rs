//! API keys. A key is `sk-ol-` and 64 hexadecimal digits; it is also the voucher signer of a payment channel (decision
//! 0007). The gateway keeps its hash and the channel, nothing that could spend.

use axum::http::{HeaderMap, header};
use borsh::{BorshDeserialize, BorshSerialize};
use openledger_types::{AccountSecret, ChannelId, Hash, sha256};

const PREFIX: &str = "sk-ol-";

/// An API key. Never printed.
#[derive(Clone)]
pub struct ApiKey {
    secret: [u8; 32],
}

impl ApiKey {
    /// The key with these secret bytes.
    pub fn from_secret(secret: [u8; 32]) -> Self {
        Self { secret }
    }

    /// Reads the bearer token. `None` for anything that is not a key; the text is not looked at further.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let digits = value.strip_prefix("Bearer ")?.trim().strip_prefix(PREFIX)?;
        let mut secret = [0u8; 32];
        hex::decode_to_slice(digits, &mut secret).ok()?;
        Some(Self { secret })
    }

    /// The text that clients send.
    pub fn expose(&self) -> String {
        format!("{PREFIX}{}", hex::encode(self.secret))
    }

    /// What is stored of it.
    pub fn hash(&self) -> Hash {
        sha256(self.expose().as_bytes())
    }

    /// The account whose signature makes a voucher for this key.
    pub fn authorizer(&self) -> AccountSecret {
        let mut counter = 0u8;
        loop {
            let mut bytes = b"openledger/voucher-key/v1\0".to_vec();
            bytes.push(counter);
            bytes.extend_from_slice(&self.secret);
            match AccountSecret::from_bytes(sha256(&bytes).0) {
                Ok(secret) => return secret,
                // One hash in 2^128 is no valid key; then the next one is taken.
                Err(_) => counter = counter.wrapping_add(1),
            }
        }
    }
}

/// What is stored of a key.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct KeyRecord {
    pub(crate) channel: ChannelId,
    pub(crate) name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_bearer_tokens_are_keys() {
        let key = ApiKey::from_secret([7; 32]);
        let parse = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            ApiKey::from_headers(&headers).map(|key| key.expose())
        };
        assert_eq!(parse(&format!("Bearer {}", key.expose())), Some(key.expose()));
        for wrong in ["", "Bearer", "Bearer sk-ol-", "Basic abc", "Bearer sk-ol-zz", "Bearer ' OR 1=1 --"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(parse(&format!("Bearer {}00", key.expose())), None);
        assert_ne!(ApiKey::from_secret([8; 32]).authorizer().account(), key.authorizer().account());
    }
}
