//! The page's files, compiled into the binary. A binary built before the page says how to build it.

use axum::{
    http::{HeaderValue, StatusCode, header},
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

/// The file at `path`; the page itself at `/`.
pub(super) fn answer(path: &str) -> Response {
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
    let mut response = file.data.into_response();
    let headers = response.headers_mut();
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
