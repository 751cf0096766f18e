//! Bytes as `0x` and lower-case hexadecimal digits in JSON, for arrays of fixed length.
//! Absent: any other spelling; upper case and missing prefixes are refused so that a text has one form.

use serde::{Deserialize, Deserializer, Serializer};

/// The digits of `bytes` after `0x`.
pub(crate) fn encode<const N: usize>(bytes: &[u8; N]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// The bytes behind `0x` and exactly `2 * N` lower-case digits.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.strip_prefix("0x")?;
    if digits.len() != 2 * N || digits.bytes().any(|digit| digit.is_ascii_uppercase()) {
        return None;
    }
    let mut bytes = [0u8; N];
    hex::decode_to_slice(digits, &mut bytes).ok()?;
    Some(bytes)
}

/// For `#[serde(with = ..)]` on `[u8; N]`.
pub(crate) mod fixed {
    use super::*;

    pub(crate) fn serialize<S: Serializer, const N: usize>(
        bytes: &[u8; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<[u8; N], D::Error> {
        let text = String::deserialize(deserializer)?;
        decode(&text).ok_or_else(|| {
            serde::de::Error::custom(format_args!("expected 0x and {} lower-case hexadecimal digits", 2 * N))
        })
    }
}

/// For `#[serde(with = ..)]` on `Option<[u8; N]>`.
pub(crate) mod optional {
    use super::*;

    pub(crate) fn serialize<S: Serializer, const N: usize>(
        bytes: &Option<[u8; N]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => serializer.serialize_str(&encode(bytes)),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<Option<[u8; N]>, D::Error> {
        match Option::<String>::deserialize(deserializer)? {
            None => Ok(None),
            Some(text) => decode(&text).map(Some).ok_or_else(|| {
                serde::de::Error::custom(format_args!(
                    "expected 0x and {} lower-case hexadecimal digits",
                    2 * N
                ))
            }),
        }
    }
}
