//! The signed envelope: DSSE v1 (github.com/secure-systems-lab/dsse, protocol.md). Signatures are over the payload's bytes
//! as they are, never over a second serialisation. The gateway signs first, the provider countersigns.
//! Absent: which key is whose; that is in the ledger's records.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openledger_types::{ServiceKey, ServiceSecret, ServiceSignature};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The type of the payload: an in-toto statement.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A payload with its signatures. JSON: `{"payloadType", "payload", "signatures": [{"keyid", "sig"}]}`; payload and
/// signatures in standard base64, key ids as the service keys they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The bytes of the statement.
    pub payload: Vec<u8>,
    /// The gateway's, then the provider's.
    pub signatures: Vec<EnvelopeSignature>,
}

/// One signature over [`pre_authentication_encoding`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeSignature {
    /// Whose.
    pub key: ServiceKey,
    /// Ed25519, 64 bytes.
    pub signature: ServiceSignature,
}

/// What is signed: `DSSEv1`, the lengths, the payload type and the payload.
pub fn pre_authentication_encoding(payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

impl Envelope {
    /// An envelope with the gateway's signature.
    pub fn sign(payload: Vec<u8>, gateway: &ServiceSecret) -> Self {
        let signature = gateway.sign(&pre_authentication_encoding(&payload));
        Self { payload, signatures: vec![EnvelopeSignature { key: gateway.key(), signature }] }
    }

    /// Adds the provider's signature. It is not checked here; whoever adds it checks it.
    pub fn countersign(&mut self, key: ServiceKey, signature: ServiceSignature) {
        self.signatures.push(EnvelopeSignature { key, signature });
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeText {
    #[serde(rename = "payloadType")]
    payload_type: String,
    payload: String,
    signatures: Vec<SignatureText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureText {
    keyid: ServiceKey,
    sig: String,
}

impl Serialize for Envelope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let signatures = self.signatures.iter();
        let text = EnvelopeText {
            payload_type: PAYLOAD_TYPE.to_owned(),
            payload: STANDARD.encode(&self.payload),
            signatures: signatures
                .map(|line| SignatureText { keyid: line.key, sig: STANDARD.encode(line.signature) })
                .collect(),
        };
        text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Envelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let text = EnvelopeText::deserialize(deserializer)?;
        if text.payload_type != PAYLOAD_TYPE {
            return Err(D::Error::custom(format_args!("the payload type is not {PAYLOAD_TYPE}")));
        }
        let payload = STANDARD.decode(&text.payload).map_err(D::Error::custom)?;
        let mut signatures = Vec::with_capacity(text.signatures.len());
        for SignatureText { keyid, sig } in text.signatures {
            let bytes = STANDARD.decode(&sig).map_err(D::Error::custom)?;
            let signature = ServiceSignature::try_from(bytes)
                .map_err(|_| D::Error::custom("a signature does not have 64 bytes"))?;
            signatures.push(EnvelopeSignature { key: keyid, signature });
        }
        Ok(Self { payload, signatures })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_that_of_the_standard() {
        let expected = b"DSSEv1 28 application/vnd.in-toto+json 5 hello";
        assert_eq!(pre_authentication_encoding(b"hello"), expected);
    }

    #[test]
    fn envelopes_come_back_and_other_types_do_not() {
        let gateway = ServiceSecret::from_bytes([1; 32]);
        let provider = ServiceSecret::from_bytes([2; 32]);
        let mut envelope = Envelope::sign(b"{}".to_vec(), &gateway);
        envelope.countersign(provider.key(), provider.sign(&pre_authentication_encoding(b"{}")));
        let text = serde_json::to_string(&envelope).unwrap();
        assert!(text.starts_with(
            r#"{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"keyid":"0x"#
        ));
        assert_eq!(serde_json::from_str::<Envelope>(&text).unwrap(), envelope);
        for (from, to) in
            [("in-toto", "in-tuto"), ("e30=", "e30"), ("e30=", "e31="), ("\"sig\":\"", "\"sig\":\"AAAA")]
        {
            assert!(serde_json::from_str::<Envelope>(&text.replacen(from, to, 1)).is_err(), "{to}");
        }
    }
}
