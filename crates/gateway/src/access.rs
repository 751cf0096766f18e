//! Who may read the texts of a private datanet: its curator, the accounts that its curator gave a role, and the owners of
//! its contributions. Everybody else sees owners, lengths and roots.
//!
//! A request speaks for accounts in one of two ways that the network has already: an API key speaks for the account whose
//! signature makes its vouchers and, once it is bound here, for the consumer whose channel it is; a signed request
//! (`Authorization: OpenLedger UNTIL_MS.SIGNATURE`, EIP-712 over gateway, path and time) speaks for its signer.
//! Absent: passwords and sessions; texts of public datanets, which are anybody's.

use axum::http::{HeaderMap, StatusCode, header};
use openledger_ledger::{DatanetKey, StateKey};
use openledger_types::datanets::{DatanetRole, RulesRecord};
use openledger_types::record::{ChannelRecord, DatanetRecord};
use openledger_types::{AccountId, Name, Parameters, ReadMessage};

use crate::auth::{ApiKey, KeyRecord};
use crate::error::ApiError;
use crate::gateway::{Gateway, Library};

/// The scheme of signed requests.
const SCHEME: &str = "OpenLedger ";
/// How far ahead a signed request may be valid: whoever sees it on the way can repeat it until then.
pub const SIGNED_MS_MAX: u64 = 10 * 60 * 1000;

/// Whom a request speaks for; nobody when it is a stranger's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reader {
    accounts: Vec<AccountId>,
}

impl Gateway {
    /// Whom a request for `path` (with its query) speaks for, at a time in milliseconds. An API key that nobody bound
    /// is no error: it is a stranger's.
    ///
    /// # Errors
    /// A signed request that is malformed, too old or valid for too long, and a ledger that does not answer.
    pub async fn reader(&self, headers: &HeaderMap, path: &str, now_ms: u64) -> Result<Reader, ApiError> {
        if let Some(key) = ApiKey::from_headers(headers) {
            return self.reader_of_key(&key).await;
        }
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        match value.and_then(|value| value.strip_prefix(SCHEME)) {
            Some(proof) => {
                let signer = signer(self.config.chain_id, self.account(), path, proof.trim(), now_ms)?;
                Ok(Reader { accounts: vec![signer] })
            }
            None => Ok(Reader::default()),
        }
    }

    pub(crate) async fn reader_of_key(&self, key: &ApiKey) -> Result<Reader, ApiError> {
        let mut accounts = vec![key.authorizer().account()];
        if let Some(record) = self.store.key(&key.hash()).map_err(ApiError::unavailable)? {
            let record: KeyRecord = borsh::from_slice(&record).map_err(ApiError::unavailable)?;
            let channel: Option<ChannelRecord> =
                self.facts.get(&StateKey::Channel(record.channel)).await.map_err(ApiError::unavailable)?;
            accounts.extend(channel.map(|channel| channel.consumer));
        }
        Ok(Reader { accounts })
    }

    /// Whether a datanet's texts are private: by the policy in force, or by one to come. A datanet without rules on the
    /// ledger counts as private.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn is_private(&self, datanet: &Name, now_ms: u64) -> Result<bool, ApiError> {
        let key = StateKey::Datanets(DatanetKey::Rules(datanet.clone()));
        let rules: Option<RulesRecord> = self.facts.get(&key).await.map_err(ApiError::unavailable)?;
        let parameters: Parameters =
            self.facts.must(&StateKey::Parameters, "parameters").await.map_err(ApiError::unavailable)?;
        Ok(rules.is_none_or(|rules| is_private_at(&rules, parameters.epoch_at(now_ms))))
    }

    /// Whether somebody may read the texts of a datanet, private or not.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn may_read(&self, reader: &Reader, datanet: &Name, now_ms: u64) -> Result<bool, ApiError> {
        if !self.is_private(datanet, now_ms).await? {
            return Ok(true);
        }
        for account in &reader.accounts {
            if self.is_entitled(datanet, account).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn is_entitled(&self, datanet: &Name, account: &AccountId) -> Result<bool, ApiError> {
        let record: Option<DatanetRecord> =
            self.facts.get(&StateKey::Datanet(datanet.clone())).await.map_err(ApiError::unavailable)?;
        if record.is_some_and(|record| record.curator == *account) || (self.owns)(datanet, account) {
            return Ok(true);
        }
        for role in [DatanetRole::Reviewer, DatanetRole::Labeller, DatanetRole::Contributor] {
            let key = StateKey::Datanets(DatanetKey::Role(datanet.clone(), *account, role));
            let given: Option<u64> = self.facts.get(&key).await.map_err(ApiError::unavailable)?;
            if given.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The datanets of a library that somebody may not read, in order.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn closed_to(
        &self,
        library: &Library,
        reader: &Reader,
        now_ms: u64,
    ) -> Result<Vec<Name>, ApiError> {
        let mut closed = Vec::new();
        for snapshot in &library.snapshots {
            if !self.may_read(reader, &snapshot.datanet, now_ms).await? {
                closed.push(snapshot.datanet.clone());
            }
        }
        Ok(closed)
    }
}

/// The policy in force, and any that is to come.
fn is_private_at(rules: &RulesRecord, epoch: u64) -> bool {
    let to_come = rules.policies.iter().filter(|dated| dated.from_epoch > epoch);
    rules.at(epoch).private || to_come.into_iter().any(|dated| dated.policy.private)
}

/// What somebody is told who may not read.
pub fn closed(datanet: &Name) -> ApiError {
    ApiError::forbidden(
        "datanet_private",
        format!(
            "the texts of {datanet} are private: its curator, members and owners read them, with an API key of theirs or a signed request (docs/api.md); owners, lengths and roots are at /api/v1/datanets/{datanet}"
        ),
    )
}

/// What somebody is told who asks a model behind HTTP about private texts.
pub(crate) fn kept(datanet: &Name, model: &str) -> ApiError {
    ApiError::forbidden(
        "datanet_private",
        format!(
            "the texts of {datanet} are private and do not go to the engine behind {model}; ask a model of the tier \"exact\" (GET /v1/models), or leave {datanet} out"
        ),
    )
}

/// The signer of `UNTIL_MS.SIGNATURE`.
fn signer(
    chain_id: u64,
    gateway: AccountId,
    path: &str,
    proof: &str,
    now_ms: u64,
) -> Result<AccountId, ApiError> {
    let wrong = |message: &str| ApiError {
        status: StatusCode::UNAUTHORIZED,
        ..ApiError::forbidden("invalid_signature", format!("the signed request is refused: {message}"))
    };
    let form =
        "it is not `OpenLedger UNTIL_MS.SIGNATURE` with 130 hexadecimal digits; sign it as docs/api.md says";
    let (until, signature) = proof.split_once('.').ok_or_else(|| wrong(form))?;
    let valid_until_ms: u64 = until.parse().map_err(|_| wrong(form))?;
    let mut bytes = [0; 65];
    let digits = signature.strip_prefix("0x").unwrap_or(signature);
    hex::decode_to_slice(digits, &mut bytes).map_err(|_| wrong(form))?;
    if valid_until_ms < now_ms {
        return Err(wrong("its time is over; sign it again"));
    }
    if valid_until_ms > now_ms.saturating_add(SIGNED_MS_MAX) {
        return Err(wrong("it would be valid for more than ten minutes; sign it for a shorter time"));
    }
    let message = ReadMessage { chain_id, gateway, path: path.to_owned(), valid_until_ms };
    message.signer(&bytes).map_err(|error| wrong(&format!("{error}; sign it again")))
}

#[cfg(test)]
mod tests {
    use openledger_types::AccountSecret;
    use openledger_types::datanets::{Contributors, DatedPolicy, Policy};

    use super::*;

    #[test]
    fn a_signed_request_speaks_for_its_signer_at_one_gateway_for_one_path_and_a_while() {
        let (secret, gateway) = (AccountSecret::from_bytes([3; 32]).unwrap(), AccountId([9; 20]));
        let message = ReadMessage { chain_id: 31_337, gateway, path: "/a".into(), valid_until_ms: 5_000 };
        let proof = format!("5000.{}", hex::encode(message.sign(&secret)));
        let check = |chain_id, gateway, path: &str, proof: &str, now_ms| {
            signer(chain_id, gateway, path, proof, now_ms).ok() == Some(secret.account())
        };
        assert!(check(31_337, gateway, "/a", &proof, 5_000));
        assert!(check(31_337, gateway, "/a", &proof.replace("5000.", "5000.0x"), 0));
        for (chain_id, gateway, path, proof, now_ms) in [
            (31_338, gateway, "/a", proof.as_str(), 0),
            (31_337, AccountId([8; 20]), "/a", &proof, 0),
            (31_337, gateway, "/a?b", &proof, 0),
            (31_337, gateway, "/a", &proof, 5_001),
            (31_337, gateway, "/a", &proof.replace("5000.", "4999."), 0),
            (31_337, gateway, "/a", "5000", 0),
            (31_337, gateway, "/a", "5000.00", 0),
            (31_337, gateway, "/a", "", 0),
        ] {
            assert!(!check(chain_id, gateway, path, proof, now_ms), "{chain_id} {path} {proof} {now_ms}");
        }
        let far = ReadMessage { valid_until_ms: SIGNED_MS_MAX + 1, ..message };
        let proof = format!("{}.{}", SIGNED_MS_MAX + 1, hex::encode(far.sign(&secret)));
        let refused = signer(31_337, gateway, "/a", &proof, 0).unwrap_err();
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert!(refused.message.contains("shorter time"), "{}", refused.message);
    }

    #[test]
    fn a_datanet_is_private_by_the_policy_in_force_and_by_one_to_come() {
        let private = Policy { private: true, contributors: Contributors::Named, ..Policy::imports_only() };
        let public = Policy::imports_only();
        let mut rules = RulesRecord::beginning(public.clone(), 1);
        assert!(!is_private_at(&rules, 5));
        rules.policies.push(DatedPolicy { from_epoch: 10, policy: private });
        assert!(is_private_at(&rules, 5) && is_private_at(&rules, 10));
        rules.policies.push(DatedPolicy { from_epoch: 20, policy: public });
        assert!(is_private_at(&rules, 19));
        assert!(!is_private_at(&rules, 20));
    }
}
