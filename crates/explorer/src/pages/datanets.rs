//! Datanets: the list, one datanet, one contribution with its text.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use openledger_query::views::{AuthorView, ContributionView, DatanetSummary, DatanetView, Page};
use openledger_types::{Amount, ContributionId, Name};
use serde::Deserialize;

use crate::ExplorerState;
use crate::context::{Frame, PageQuery, Pager, page};
use crate::errors::{explain, quoted};
use crate::library::{ContributionText, Held};

/// Authors shown before the rest is folded away.
const AUTHORS_SHOWN: usize = 10;

#[derive(Template)]
#[template(path = "datanets.html")]
struct Datanets {
    frame: Frame,
    datanets: Page<DatanetSummary>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "datanet.html")]
struct Datanet {
    frame: Frame,
    datanet: DatanetView,
    pager: Pager,
    earned_largest: u64,
}

#[derive(Template)]
#[template(path = "contribution.html")]
struct Contribution {
    frame: Frame,
    contribution: ContributionView,
    title: String,
    text: Option<ContributionText>,
    /// The length of a private text.
    bytes: Option<u64>,
    before: String,
    marked: String,
    after: String,
}

/// A passage of a text, in bytes.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct PassageQuery {
    from: Option<String>,
    to: Option<String>,
}

pub(crate) async fn list(State(state): State<ExplorerState>, Query(query): Query<PageQuery>) -> Response {
    let datanets = state.models.datanets(query.request());
    let pager = Pager::new(&datanets, "/datanets");
    page(StatusCode::OK, &Datanets { frame: Frame::new(&state, "Datanets", "datanets"), datanets, pager })
}

pub(crate) async fn datanet(
    State(state): State<ExplorerState>,
    Path(name): Path<String>,
    Query(query): Query<PageQuery>,
) -> Response {
    let found = name.parse::<Name>().ok().and_then(|name| state.models.datanet(&name, query.request()));
    let Some(datanet) = found else {
        let explanation = format!("No datanet is called {}. The list has all of them.", quoted(&name));
        return explain(&state, StatusCode::NOT_FOUND, "No such datanet", explanation);
    };
    let pager = Pager::new(&datanet.contribution_list, format!("/datanets/{}", datanet.summary.name));
    let earned = datanet
        .top_authors
        .iter()
        .map(|author| author.earned.liquid.0.saturating_add(author.earned.escrowed.0));
    let earned_largest = earned.max().unwrap_or(0);
    let frame = Frame::new(&state, datanet.summary.title.clone(), "datanets");
    page(StatusCode::OK, &Datanet { frame, datanet, pager, earned_largest })
}

pub(crate) async fn contribution(
    State(state): State<ExplorerState>,
    Path((name, id)): Path<(String, String)>,
    Query(query): Query<PassageQuery>,
) -> Response {
    let parsed = name.parse::<Name>().ok().zip(id.parse::<ContributionId>().ok());
    let found = parsed.and_then(|(name, id)| Some((state.models.contribution(&name, &id)?, name, id)));
    let Some((contribution, name, id)) = found else {
        let explanation = format!("The datanet {} holds no contribution {}.", quoted(&name), quoted(&id));
        return explain(&state, StatusCode::NOT_FOUND, "No such contribution", explanation);
    };
    let (text, bytes) = match state.library.contribution(&name, &id) {
        Some(Held::Open(text)) => (Some(text), None),
        Some(Held::Closed { bytes }) => (None, Some(bytes)),
        None => (None, None),
    };
    let body = text.as_ref().map(|text| text.text.as_str()).unwrap_or_default();
    let (before, marked, after) = divided(body, &query);
    let title = text.as_ref().map(|text| text.title.clone()).filter(|title| !title.is_empty());
    let title = title.unwrap_or_else(|| contribution.label.clone());
    let content = Contribution {
        frame: Frame::new(&state, title.clone(), "datanets"),
        contribution,
        title,
        before,
        marked,
        after,
        text,
        bytes,
    };
    page(StatusCode::OK, &content)
}

/// The text before the passage, the passage, and the text after it; no passage when the range is not on the text.
fn divided(text: &str, query: &PassageQuery) -> (String, String, String) {
    let position = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0);
    let (from, to): (usize, usize) = (position(&query.from), position(&query.to));
    match (text.get(..from), text.get(from..to), text.get(to..)) {
        (Some(before), Some(marked), Some(after)) => (before.to_owned(), marked.to_owned(), after.to_owned()),
        _ => (text.to_owned(), String::new(), String::new()),
    }
}

impl Datanet {
    /// Authors that are shown at once.
    fn first_authors(&self) -> &[AuthorView] {
        self.datanet.top_authors.get(..AUTHORS_SHOWN).unwrap_or(&self.datanet.top_authors)
    }

    /// Authors that are folded away.
    fn other_authors(&self) -> &[AuthorView] {
        self.datanet.top_authors.get(AUTHORS_SHOWN..).unwrap_or_default()
    }

    /// Length of an author's bar, in per cent of the longest.
    fn bar(&self, earned: Amount) -> u64 {
        let scaled = u128::from(earned.0) * 100;
        u64::try_from(scaled.checked_div(u128::from(self.earned_largest)).unwrap_or(0)).unwrap_or(0)
    }
}
