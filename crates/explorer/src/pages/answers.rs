//! Answers: the list, and the page of one answer with its sources, its money and how to check it.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use openledger_attribution::Strength;
use openledger_query::views::{AccountRef, Page, ReceiptSummary, ReceiptView, ShareView, SourceView};
use openledger_receipt::SpanFacts;
use openledger_types::Amount;
use openledger_types::record::Role;
use serde::Deserialize;

use crate::ExplorerState;
use crate::context::{Frame, PageQuery, Pager, page};
use crate::contributors::{CONTRIBUTORS_MAX, Contributor, Contributors};
use crate::errors::{explain, quoted};
use crate::flow::{Drawing, draw};
use crate::format;
use crate::library::{Held, Opening, StoredReceipt};
use crate::marks::{Known, Piece, number, pieces};
use crate::spans::{Numbers, Passage, SourceKey, passages, places};

/// Sources listed on a page.
const SOURCES_MAX: usize = 50;

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
    contributors: Vec<Contributor>,
    contributors_more: usize,
    sources: Vec<Source>,
    sources_more: usize,
    common_basis_points: u64,
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
    colour: usize,
    title: String,
    path: String,
    datanet: String,
    authors: Vec<AccountRef>,
    named: Vec<String>,
    license: Option<String>,
    basis_points: Option<u64>,
    /// What of them is for help in the context.
    context_basis_points: u64,
    earned: Amount,
    passages: Vec<Passage>,
    /// Where its passages stand, when the text is not shown.
    places: Vec<String>,
    /// The length of a private text.
    bytes: Option<u64>,
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
    /// The contributors' parts as bars beside each other; what nobody explains is the rest.
    fn share_bars(&self) -> Vec<ShareBar> {
        let mut x = 0;
        let mut bars = Vec::new();
        for contributor in &self.contributors {
            bars.push(ShareBar { class: contributor.colour, x, width: contributor.basis_points });
            x += contributor.basis_points;
        }
        bars
    }

    /// The steps of strength, each with its class and what it means.
    fn strengths(&self) -> [(usize, &'static str, &'static str); 4] {
        let meanings = ["under 10 nats", "from 10", "from 20", "from 40"];
        let mut step = 0;
        Strength::ALL.map(|strength| {
            step += 1;
            (strength.step(), strength.name(), meanings[step - 1])
        })
    }

    /// Whether a source is paid for help in the context.
    fn has_context(&self) -> bool {
        self.sources.iter().any(|source| source.context_basis_points > 0)
    }

    /// Whether something on the page is common, or nearly word for word.
    fn has_class(&self, class: &str) -> bool {
        let has = |mark: &crate::marks::Mark| mark.class.split(' ').any(|word| word == class);
        self.pieces.iter().filter_map(|piece| piece.mark.as_ref()).any(has)
    }
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
    let shown = if opening.is_ok() { spans } else { &[] };
    // Footnotes count in the order of the text; what the text does not show follows by its share.
    if let Ok(opening) = &opening {
        number(&opening.answer, spans, &mut numbers);
    }
    for share in &receipt.shares {
        numbers.of((share.datanet.clone(), share.contribution));
    }
    let contributors = Contributors::of(&state.models, &receipt, &numbers);
    let texts = texts(&state, &numbers);
    let evidence =
        Evidence { texts: &texts, spans: shown, context: stored.as_ref().map(|stored| &stored.context) };
    let sources = sources(&state, &receipt, &numbers, &contributors, &evidence);
    let (text, pieces, salt) = match &opening {
        Ok(opening) => {
            let known = known(&numbers, &sources, &texts);
            let pieces = pieces(&opening.answer, spans, &mut numbers, &contributors, &known);
            (Text::Shown { question: opening.question.clone() }, pieces, query.salt.clone())
        }
        Err(Text::WrongSalt) => (Text::WrongSalt, Vec::new(), None),
        Err(Text::NotKept) => (Text::NotKept, Vec::new(), None),
        Err(_) => (Text::Closed, Vec::new(), None),
    };
    let attributed: u64 = receipt.summary.attributed_basis_points;
    let common = common_basis_points(spans, receipt.mass);
    let mut list = contributors.list;
    let content = Answer {
        frame: Frame::new(&state, format!("Answer {}", format::short(&id)), "answers"),
        common_basis_points: common,
        unattributed_basis_points: 10_000_u64.saturating_sub(attributed).saturating_sub(common),
        drawings: draw(&receipt),
        stored: stored.is_some(),
        certificate_bytes: stored.as_ref().and_then(|stored| stored.certificate_bytes),
        receipt,
        text,
        pieces,
        contributors_more: list.len().saturating_sub(CONTRIBUTORS_MAX),
        contributors: list.drain(..list.len().min(CONTRIBUTORS_MAX)).collect(),
        sources_more: numbers.order.len().saturating_sub(SOURCES_MAX),
        sources,
        salt,
    };
    page(StatusCode::OK, &content)
}

/// The part of an answer that so many texts hold that it is nobody's.
fn common_basis_points(spans: &[SpanFacts], total: u64) -> u64 {
    let common =
        spans.iter().filter(|span| span.common).fold(0, |sum: u64, span| sum.saturating_add(span.mass));
    part_of(Some(common), total)
}

/// A weight in basis points of the answer's.
fn part_of(weight: Option<u64>, total: u64) -> u64 {
    let part = u128::from(weight.unwrap_or(0)) * 10_000 / u128::from(total.max(1));
    u64::try_from(part).unwrap_or(10_000).min(10_000)
}

/// What is told of sources beside their shares.
struct Evidence<'a> {
    texts: &'a BTreeMap<SourceKey, Held>,
    /// The spans that may be shown.
    spans: &'a [SpanFacts],
    /// Weights for help in the context.
    context: Option<&'a BTreeMap<SourceKey, u64>>,
}

/// The texts of the sources that are listed.
fn texts(state: &ExplorerState, numbers: &Numbers) -> BTreeMap<SourceKey, Held> {
    let listed = numbers.order.iter().take(SOURCES_MAX);
    listed.filter_map(|key| Some((key.clone(), state.library.contribution(&key.0, &key.1)?))).collect()
}

/// What cards show of the listed sources.
fn known<'a>(
    numbers: &Numbers,
    sources: &'a [Source],
    texts: &'a BTreeMap<SourceKey, Held>,
) -> BTreeMap<SourceKey, Known<'a>> {
    let known = |(key, source): (&SourceKey, &'a Source)| {
        let text = texts.get(key).and_then(Held::text).map(|text| text.text.as_str());
        (key.clone(), Known { who: source.who(), title: &source.title, text })
    };
    numbers.order.iter().zip(sources).map(known).collect()
}

fn sources(
    state: &ExplorerState,
    receipt: &ReceiptView,
    numbers: &Numbers,
    contributors: &Contributors,
    Evidence { texts, spans, context }: &Evidence<'_>,
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
        let held = texts.get(key);
        let text = held.and_then(Held::text);
        let known = state.models.contribution(&key.0, &key.1);
        let label = known.as_ref().map(|known| known.label.clone()).filter(|label| !label.is_empty());
        let title = text.map(|text| text.title.clone()).filter(|title| !title.is_empty());
        let owners =
            known.as_ref().map(|known| known.owners.iter().map(|owner| owner.account.clone()).collect());
        Source {
            number: index + 1,
            colour: contributors.colour(key),
            title: title.or(label).unwrap_or_else(|| format::short_id(&key.1)),
            path: format!("/datanets/{}/contributions/{}", key.0, key.1),
            datanet: key.0.to_string(),
            authors: owners.unwrap_or_default(),
            named: text.map(|text| text.authors.clone()).unwrap_or_default(),
            license: known.map(|known| known.license).or_else(|| text.map(|text| text.license.clone())),
            basis_points: shares.get(key).map(|share| share.basis_points),
            context_basis_points: part_of(context.and_then(|of| of.get(key)).copied(), receipt.mass),
            earned: Amount(earned.get(key).copied().unwrap_or(0)),
            passages: text.map(|text| passages(spans, key, &text.text)).unwrap_or_default(),
            places: if text.is_some() { Vec::new() } else { places(spans, key) },
            bytes: held.and_then(|held| match held {
                Held::Open(_) => None,
                Held::Closed { bytes } => Some(*bytes),
            }),
        }
    };
    numbers.order.iter().enumerate().take(SOURCES_MAX).map(source).collect()
}

impl Source {
    /// Its first owner, and that there are others.
    fn who(&self) -> String {
        let first = self.authors.first().map(format::called).or_else(|| self.named.first().cloned());
        let others = self.authors.len().max(self.named.len()).saturating_sub(1);
        match (first, others) {
            (None, _) => "unknown owner".to_owned(),
            (Some(first), 0) => first,
            (Some(first), 1) => format!("{first} and 1 other"),
            (Some(first), others) => format!("{first} and {others} others"),
        }
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
