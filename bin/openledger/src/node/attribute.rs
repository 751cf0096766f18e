//! `POST /api/v1/attribute`: which sealed texts hold the words of a text, and who owns them.
//!
//! Rated by API key and by address; of private texts it confirms no more than the gateway's allowance. Absent: the texts
//! of the sources, and receipts: a lookup is no answer and pays nobody.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, Uri};
use openledger_client::api::STATE_KEYS_MAX;
use openledger_gateway::ApiKey;
use openledger_ledger::StateKey;
use openledger_types::record::ContributionRecord;
use openledger_types::{ContributionId, Name, codec, limits};
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{ApiError, ApiState, Body, Shared, now_ms, unavailable};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lookup {
    text: String,
}

pub(super) async fn attribute(
    State(state): Shared,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    uri: Uri,
    Body(lookup): Body<Lookup>,
) -> Result<Json<Value>, ApiError> {
    let now_ms = now_ms();
    let path = uri.path_and_query().map_or(uri.path(), |path| path.as_str());
    let reader = state.gateway.reader(&headers, path, now_ms).await?;
    let key = ApiKey::from_headers(&headers);
    let text_of = |datanet: &str, id: &ContributionId| {
        let id = openledger_datanet::ContributionId(id.0);
        state.library.text(datanet, &id).map(|contribution| contribution.text)
    };
    let (gateway, ip) = (&state.gateway, address.ip());
    let found = gateway.lookup(&lookup.text, key.as_ref(), &reader, ip, now_ms, &text_of).await?;
    let owners = owners(&state, &found.attribution).await?;
    Ok(Json(json!({
        "attribution": found.attribution,
        "owners": owners,
        "private_words_left": found.private_words_left,
    })))
}

/// The owners of the sources, by datanet and contribution, as the ledger has them.
async fn owners(
    state: &ApiState,
    attribution: &openledger_attribution::Attribution,
) -> Result<Vec<Value>, ApiError> {
    let sources = attribution.spans.iter().flat_map(|span| &span.sources);
    let named: BTreeSet<(Name, ContributionId)> = sources
        .filter_map(|source| Some((source.datanet.parse().ok()?, ContributionId(source.contribution.0))))
        .collect();
    let named: Vec<(Name, ContributionId)> = named.into_iter().collect();
    let mut owners = Vec::with_capacity(named.len());
    for chunk in named.chunks(STATE_KEYS_MAX) {
        let key =
            |(datanet, id): &(Name, ContributionId)| StateKey::Contribution(datanet.clone(), *id).encode();
        let keys: Vec<Vec<u8>> = chunk.iter().map(key).collect();
        let values = state.chain.get_many(&keys).await.map_err(unavailable)?.values;
        for ((datanet, id), value) in chunk.iter().zip(values) {
            let Some(bytes) = value else { continue };
            let record: ContributionRecord =
                codec::decode("record", &bytes, limits::RECORD_BYTES_MAX).map_err(unavailable)?;
            owners.push(json!({ "datanet": datanet, "contribution": id, "owners": record.owners, "license": record.license }));
        }
    }
    Ok(owners)
}
