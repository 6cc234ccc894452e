//! The web server of a cluster, or of the page alone: `/`, `/healthz`, `/metrics`, `/api/session`, `/api/live`.

mod live;
pub mod metrics;
mod page;

use std::net::{SocketAddr, TcpListener as StdListener, ToSocketAddrs};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use lab_core::{id::Endpoint, live::SessionInfo};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};

use crate::{
    failure::{Failure, Outcome, While},
    http::metrics::NodeFigures,
    node::{self, random_uuid},
    supervisor::Handle,
};

/// What the routes share.
#[derive(Clone)]
pub(crate) struct Server {
    /// The cluster behind it, if there is one.
    cluster: Option<Handle>,
    /// Proves that a page came from here. New for each run.
    token: String,
}

/// Binds the address of the page, or says who is in the way.
pub fn bind(address: &str) -> Outcome<(StdListener, SocketAddr)> {
    let resolved = address.to_socket_addrs().ok().and_then(|mut all| all.next());
    let Some(resolved) = resolved else {
        return Err(Failure::usage(format!(
            "--http {address} is no address: HOST:PORT is wanted, as in 127.0.0.1:8080"
        )));
    };
    let listener = StdListener::bind(resolved).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            Failure::new(format!("port {} of {} is in use", resolved.port(), resolved.ip()))
                .next("Choose another address for the page with --http HOST:PORT.")
        }
        _ => Failure::new(format!("cannot listen on {resolved}: {error}")),
    })?;
    let address = listener.local_addr().doing(|| "cannot listen for the page".into())?;
    listener.set_nonblocking(true).doing(|| "cannot listen for the page".into())?;
    Ok((listener, address))
}

/// Serves until the process ends.
pub async fn serve(listener: StdListener, cluster: Option<Handle>) -> Outcome {
    let server = Server { cluster, token: random_uuid().to_string() };
    let app = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/metrics", get(metrics::answer))
        .route("/api/session", get(session))
        .route("/api/live", get(live::upgrade))
        .fallback(get(page))
        .layer(middleware::from_fn(check_host))
        .with_state(server);
    let listener = TcpListener::from_std(listener).doing(|| "cannot serve the page".into())?;
    axum::serve(listener, app).await.doing(|| "the page's server has failed".into())
}

/// Binds the port of one node's figures, on this machine only, as the page.
pub fn bind_metrics(port: u16) -> Outcome<(StdListener, SocketAddr)> {
    let listener = node::bind(&Endpoint { host: "127.0.0.1".into(), port })?;
    let address = listener.local_addr().doing(|| "cannot listen for --metrics-port".into())?;
    listener.set_nonblocking(true).doing(|| "cannot listen for --metrics-port".into())?;
    Ok((listener, address))
}

/// Serves `/metrics` and `/healthz` of one node, which answers on `reports`.
pub async fn serve_node(listener: StdListener, reports: mpsc::Sender<oneshot::Sender<NodeFigures>>) -> Outcome {
    async fn figures(reports: &mpsc::Sender<oneshot::Sender<NodeFigures>>) -> Option<NodeFigures> {
        let (reply, answer) = oneshot::channel();
        reports.send(reply).await.ok()?;
        answer.await.ok()
    }
    type Reports = State<mpsc::Sender<oneshot::Sender<NodeFigures>>>;
    let metrics_of = |State(reports): Reports| async move {
        let figures: Vec<NodeFigures> = figures(&reports).await.into_iter().collect();
        metrics::response(&figures)
    };
    let health = |State(reports): Reports| async move {
        match figures(&reports).await.and_then(|figures| figures.report) {
            Some(report) if node::is_ready(&report) => (StatusCode::OK, "ok\n"),
            _ => (StatusCode::SERVICE_UNAVAILABLE, "not ready: it is fenced, or knows no leader of the quorum\n"),
        }
    };
    let app = Router::new()
        .route("/metrics", get(metrics_of))
        .route("/healthz", get(health))
        .layer(middleware::from_fn(check_host))
        .with_state(reports);
    let listener = TcpListener::from_std(listener).doing(|| "cannot serve the figures".into())?;
    axum::serve(listener, app).await.doing(|| "the server of the figures has failed".into())
}

async fn page(uri: Uri, headers: HeaderMap) -> Response {
    page::answer(uri.path(), &headers)
}

/// Other sites cannot read this: it carries no CORS header, and their names are refused as `Host`.
async fn session(State(server): State<Server>, headers: HeaderMap) -> Response {
    if !same_origin(&headers) {
        return (StatusCode::FORBIDDEN, "another site's page may not use this cluster\n").into_response();
    }
    let token = if server.cluster.is_some() { server.token.clone() } else { String::new() };
    Json(SessionInfo { live: server.cluster.is_some(), token }).into_response()
}

/// A name that leads here by DNS rebinding is not one of ours: only numbers and localhost are.
async fn check_host(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if is_own_host(host) {
        return next.run(request).await;
    }
    let text = format!("this server is not {host}: open it by its IP address or as localhost\n");
    (StatusCode::MISDIRECTED_REQUEST, text).into_response()
}

fn is_own_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok()
}

/// Browsers send `Origin` with WebSockets and with requests across sites; what is no browser sends none.
fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match text(header::ORIGIN) {
        None => true,
        Some(origin) => origin.split_once("://").map(|(_, authority)| authority) == text(header::HOST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_and_localhost_are_our_names() {
        for host in ["127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080", "10.0.0.7"] {
            assert!(is_own_host(host), "{host}");
        }
        for host in ["", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example"] {
            assert!(!is_own_host(host), "{host}");
        }
    }

    #[test]
    fn another_origin_is_refused() {
        let headers = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "127.0.0.1:8080".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            headers
        };
        assert!(same_origin(&headers(None)));
        assert!(same_origin(&headers(Some("http://127.0.0.1:8080"))));
        for origin in ["http://127.0.0.1:9999", "http://evil.example", "null", "http://localhost:8080"] {
            assert!(!same_origin(&headers(Some(origin))), "{origin}");
        }
    }
}
