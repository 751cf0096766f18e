//! Headers of every reply: a content policy that allows this server's own stylesheet and script and nothing else.
//! Absent: caching of pages; they change with every block.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;

/// What a page may load.
pub(crate) const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
     connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Adds the headers to every reply of a router.
pub(crate) fn protected(router: Router) -> Router {
    router.layer(from_fn(|request: Request, next: Next| async move {
        let mut response: Response = next.run(request).await;
        protect(response.headers_mut());
        response
    }))
}

fn protect(headers: &mut HeaderMap) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    // A salt in an address must not travel to another site, nor stay in a cache.
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CACHE_CONTROL, "no-store");
}
