//! An account: what it holds, earned and spent, and the statement that explains it, each line with its receipts.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use openledger_query::views::{AccountView, StatementView};
use openledger_types::AccountId;

use crate::ExplorerState;
use crate::context::{Frame, PageQuery, Pager, page};
use crate::errors::{explain, quoted};
use crate::format;

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    frame: Frame,
    account: AccountView,
    statement: StatementView,
    pager: Pager,
}

pub(crate) async fn account(
    State(state): State<ExplorerState>,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Response {
    let Ok(address) = id.parse::<AccountId>() else {
        let explanation =
            format!("{} is not an address: expected 0x and 40 hexadecimal digits.", quoted(&id));
        return explain(&state, StatusCode::BAD_REQUEST, "Not an address", explanation);
    };
    let Some(account) = state.models.account(address) else {
        let explanation = format!("Nothing on this network ever named {address}. It can still receive.");
        return explain(&state, StatusCode::NOT_FOUND, "An account without a history", explanation);
    };
    let statement = state.models.statement(address, query.request());
    let pager = Pager::new(&statement.lines, format!("/accounts/{address}"));
    let title = format::called(&account.account);
    page(StatusCode::OK, &Account { frame: Frame::new(&state, title, ""), account, statement, pager })
}
