//! Models, and the network page: supply, pools, providers, gateways.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use openledger_query::views::{GatewayView, ModelView, Page, PageRequest, ProviderView};
use openledger_types::Name;

use crate::ExplorerState;
use crate::context::{Frame, PageQuery, Pager, page};
use crate::errors::{explain, quoted};

#[derive(Template)]
#[template(path = "models.html")]
struct Models {
    frame: Frame,
    models: Page<ModelView>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "model.html")]
struct Model {
    frame: Frame,
    model: ModelView,
}

#[derive(Template)]
#[template(path = "network.html")]
struct Network {
    frame: Frame,
    providers: Page<ProviderView>,
    gateways: Page<GatewayView>,
}

pub(crate) async fn models(State(state): State<ExplorerState>, Query(query): Query<PageQuery>) -> Response {
    let models = state.models.models(query.request());
    let pager = Pager::new(&models, "/models");
    page(StatusCode::OK, &Models { frame: Frame::new(&state, "Models", "models"), models, pager })
}

pub(crate) async fn model(State(state): State<ExplorerState>, Path(name): Path<String>) -> Response {
    let Some(model) = name.parse::<Name>().ok().and_then(|name| state.models.model(&name)) else {
        let explanation = format!("No model is called {}. The list has all of them.", quoted(&name));
        return explain(&state, StatusCode::NOT_FOUND, "No such model", explanation);
    };
    page(StatusCode::OK, &Model { frame: Frame::new(&state, model.name.to_string(), "models"), model })
}

pub(crate) async fn network(State(state): State<ExplorerState>) -> Response {
    let content = Network {
        frame: Frame::new(&state, "Network", "network"),
        providers: state.models.providers(PageRequest::first(100)),
        gateways: state.models.gateways(PageRequest::first(100)),
    };
    page(StatusCode::OK, &content)
}
