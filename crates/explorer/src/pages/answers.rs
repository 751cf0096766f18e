//! Answers: the list, and the page of one answer with its sources, its money and how to check it.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use openledger_query::views::{AccountRef, Page, ReceiptSummary, ReceiptView, ShareView, SourceView};
use openledger_types::Amount;
use openledger_types::record::Role;
use serde::Deserialize;

use crate::ExplorerState;
use crate::context::{Frame, PageQuery, Pager, page};
use crate::errors::{explain, quoted};
use crate::flow::{Drawing, draw};
use crate::format;
use crate::library::{ContributionText, Opening, StoredReceipt};
use crate::spans::{Numbers, Passage, Piece, SourceKey, passages, pieces};

/// Sources listed on a page.
const SOURCES_MAX: usize = 50;
/// Colours that sources have; later ones share the last.
const COLOURS: usize = 8;

#[derive(Template)]
#[template(path = "answers.html")]
struct Answers {
    frame: Frame,
    receipts: Page<ReceiptSummary>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "answer.html")]
struct Answer {
    frame: Frame,
    receipt: ReceiptView,
    text: Text,
    pieces: Vec<Piece>,
    sources: Vec<Source>,
    sources_more: usize,
    unattributed_basis_points: u64,
    drawings: [Drawing; 2],
    stored: bool,
    certificate_bytes: Option<u64>,
    salt: Option<String>,
}

/// Whether the texts are shown.
enum Text {
    /// They are.
    Shown { question: String },
    /// No salt was brought.
    Closed,
    /// A salt was brought, and it is not this receipt's.
    WrongSalt,
    /// This node does not keep them.
    NotKept,
}

/// A source of the answer.
struct Source {
    number: usize,
    title: String,
    path: String,
    datanet: String,
    authors: Vec<AccountRef>,
    named: Vec<String>,
    license: Option<String>,
    basis_points: Option<u64>,
    earned: Amount,
    passages: Vec<Passage>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct SaltQuery {
    salt: Option<String>,
}

/// A bar of the picture of shares, in ten-thousandths of its width.
struct ShareBar {
    class: usize,
    x: u64,
    width: u64,
}

impl Answer {
    /// The shares as bars beside each other; what nobody explains is the rest.
    fn share_bars(&self) -> Vec<ShareBar> {
        let mut x = 0;
        let mut bars = Vec::new();
        for source in &self.sources {
            let width = source.basis_points.unwrap_or(0);
            bars.push(ShareBar { class: colour(source.number), x, width });
            x += width;
        }
        bars
    }
}

/// The class of a source's colour.
pub(crate) fn colour(number: impl std::borrow::Borrow<usize>) -> usize {
    (*number.borrow()).clamp(1, COLOURS)
}

pub(crate) async fn list(State(state): State<ExplorerState>, Query(query): Query<PageQuery>) -> Response {
    let receipts = state.models.receipts(query.request());
    let pager = Pager::new(&receipts, "/answers");
    page(StatusCode::OK, &Answers { frame: Frame::new(&state, "Answers", "answers"), receipts, pager })
}

fn unknown(state: &ExplorerState, id: &str) -> Response {
    let explanation = format!(
        "This node knows no receipt {}. It may belong to another gateway, or be older than what is kept here. A receipt file verifies without this page.",
        quoted(id)
    );
    explain(state, StatusCode::NOT_FOUND, "No such answer", explanation)
}

/// The opening, if the right salt was brought.
fn opened<'a>(stored: Option<&'a StoredReceipt>, salt: Option<&str>) -> Result<&'a Opening, Text> {
    let Some(opening) = stored.and_then(|stored| stored.opening.as_ref()) else {
        return Err(if salt.is_some() { Text::NotKept } else { Text::Closed });
    };
    let Some(salt) = salt else { return Err(Text::Closed) };
    let digits = salt.strip_prefix("0x").unwrap_or(salt);
    let matches =
        !opening.salt.is_empty() && hex::decode(digits).is_ok_and(|salt| same(&salt, &opening.salt));
    if matches { Ok(opening) } else { Err(Text::WrongSalt) }
}

/// Equality that takes as long for a near miss as for a far one.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

pub(crate) async fn answer(
    State(state): State<ExplorerState>,
    Path(id): Path<String>,
    Query(query): Query<SaltQuery>,
) -> Response {
    let Some(receipt) = state.models.receipt(&id) else { return unknown(&state, &id) };
    let stored = state.library.receipt(&id);
    let opening = opened(stored.as_ref(), query.salt.as_deref());
    let mut numbers = Numbers::default();
    let spans = stored.as_ref().map(|stored| stored.spans.as_slice()).unwrap_or_default();
    let (text, pieces, salt) = match &opening {
        Ok(opening) => {
            let pieces = pieces(&opening.answer, spans, &mut numbers);
            (Text::Shown { question: opening.question.clone() }, pieces, query.salt.clone())
        }
        Err(Text::WrongSalt) => (Text::WrongSalt, Vec::new(), None),
        Err(Text::NotKept) => (Text::NotKept, Vec::new(), None),
        Err(_) => (Text::Closed, Vec::new(), None),
    };
    // Footnotes count in the order of the text; what the text does not show follows by its share.
    for share in &receipt.shares {
        numbers.of((share.datanet.clone(), share.contribution));
    }
    let shown = if opening.is_ok() { spans } else { &[] };
    let sources_more = numbers.order.len().saturating_sub(SOURCES_MAX);
    let sources = sources(&state, &receipt, &numbers, shown);
    let attributed: u64 = receipt.summary.attributed_basis_points;
    let content = Answer {
        frame: Frame::new(&state, format!("Answer {}", format::short(&id)), "answers"),
        unattributed_basis_points: 10_000_u64.saturating_sub(attributed),
        drawings: draw(&receipt),
        stored: stored.is_some(),
        certificate_bytes: stored.as_ref().and_then(|stored| stored.certificate_bytes),
        receipt,
        text,
        pieces,
        sources,
        sources_more,
        salt,
    };
    page(StatusCode::OK, &content)
}

fn sources(
    state: &ExplorerState,
    receipt: &ReceiptView,
    numbers: &Numbers,
    spans: &[crate::library::AnswerSpan],
) -> Vec<Source> {
    let shares: BTreeMap<SourceKey, &ShareView> =
        receipt.shares.iter().map(|share| ((share.datanet.clone(), share.contribution), share)).collect();
    let mut earned: BTreeMap<SourceKey, u64> = BTreeMap::new();
    for payout in receipt.payouts.iter().filter(|payout| payout.role == Role::Data) {
        if let Some(SourceView::Contribution { datanet: Some(datanet), id, .. }) = &payout.source {
            let sum = earned.entry((datanet.clone(), *id)).or_default();
            *sum = sum.saturating_add(payout.amount.0);
        }
    }
    let source = |(index, key): (usize, &SourceKey)| {
        let text = state.library.contribution(&key.0, &key.1);
        let share = shares.get(key).copied();
        let earned = Amount(earned.get(key).copied().unwrap_or(0));
        describe(state, index + 1, key, text.as_ref(), share, earned, spans)
    };
    numbers.order.iter().enumerate().take(SOURCES_MAX).map(source).collect()
}

fn describe(
    state: &ExplorerState,
    number: usize,
    key: &SourceKey,
    text: Option<&ContributionText>,
    share: Option<&ShareView>,
    earned: Amount,
    spans: &[crate::library::AnswerSpan],
) -> Source {
    let known = state.models.contribution(&key.0, &key.1);
    let label = known.as_ref().map(|known| known.label.clone()).filter(|label| !label.is_empty());
    let title = text.map(|text| text.title.clone()).filter(|title| !title.is_empty());
    let owners = known.as_ref().map(|known| known.owners.iter().map(|owner| owner.account.clone()).collect());
    Source {
        number,
        title: title.or(label).unwrap_or_else(|| format::short_id(&key.1)),
        path: format!("/datanets/{}/contributions/{}", key.0, key.1),
        datanet: key.0.to_string(),
        authors: owners.unwrap_or_default(),
        named: text.map(|text| text.authors.clone()).unwrap_or_default(),
        license: known.map(|known| known.license).or_else(|| text.map(|text| text.license.clone())),
        basis_points: share.map(|share| share.basis_points),
        earned,
        passages: text.map(|text| passages(spans, key, text)).unwrap_or_default(),
    }
}

/// The receipt's file: with the texts for whoever brings the salt, without them for anyone.
pub(crate) async fn download(
    State(state): State<ExplorerState>,
    Path(id): Path<String>,
    Query(query): Query<SaltQuery>,
) -> Response {
    let Some(stored) = state.library.receipt(&id) else { return unknown(&state, &id) };
    let file = match opened(Some(&stored), query.salt.as_deref()) {
        Ok(opening) => opening.file.clone(),
        Err(_) => stored.file,
    };
    let name: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect();
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"receipt-{name}.json\"")),
    ];
    (headers, file).into_response()
}
