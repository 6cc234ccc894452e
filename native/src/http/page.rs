//! The page's files, compiled into the binary. A binary built before the page says how to build it.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../target/page"]
#[allow_missing = true]
struct Files;

const MISSING: &str = "<!doctype html><title>Kafka lab</title>\
    <h1>The page is not built into this binary</h1>\
    <p>Run <code>cargo xtask lab</code> in the project's folder: it builds the page and the binary.";

/// The file at `path`; the page itself at `/`. Where the build left a compressed twin and the browser takes it, that.
pub(super) fn answer(path: &str, request: &HeaderMap) -> Response {
    let name = match path.trim_start_matches('/') {
        "" => "index.html",
        name => name,
    };
    let Some(file) = Files::get(name) else {
        return match name {
            "index.html" => (StatusCode::SERVICE_UNAVAILABLE, Html(MISSING)).into_response(),
            _ => (StatusCode::NOT_FOUND, format!("there is no {path} here\n")).into_response(),
        };
    };
    let accepted = request.get(header::ACCEPT_ENCODING).and_then(|accepted| accepted.to_str().ok()).unwrap_or_default();
    let takes_brotli = accepted.split(',').any(|coding| coding.trim().split(';').next() == Some("br"));
    let twin = if takes_brotli { Files::get(&format!("{name}.br")) } else { None };
    let compressed = twin.is_some();
    let mut response = twin.unwrap_or(file).data.into_response();
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if compressed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    // Names carry a hash of the content, but the page itself and the service worker are looked for anew.
    let cache =
        if name.contains('-') && !name.ends_with(".html") { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "json" | "webmanifest" => "application/json",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
