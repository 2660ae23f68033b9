//! The read-only pages: on loopback, behind a one-time sign-in link, made on the server, without scripts.
//!
//! It reads the store and the directory and changes nothing. Foreign text is cleaned where it enters a page and escaped by
//! the templates; no address of a link is made from it.

mod desk;
mod guard;
mod metrics;
mod picture;
mod session;
#[cfg(test)]
mod tests;
mod trouble;
mod ui;
mod words;

use std::{future::IntoFuture as _, io, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use axum::{Router, http::header, middleware, response::IntoResponse, routing::get};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

pub use self::desk::{Given, Running};
use self::{desk::Desk, session::Door};

/// Answers under way at the end get this long.
const DRAIN: Duration = Duration::from_secs(3);

const STYLE: &str = include_str!("assets/style.css");
const MARK: &str = include_str!("assets/mark.svg");

/// The pages, bound to their address but not yet served.
#[derive(Debug)]
pub struct Page {
    link: String,
    listener: TcpListener,
    router: Router,
}

impl Page {
    /// Takes the address at once, so that a taken one is known before anything else starts.
    ///
    /// # Errors
    /// When the address is not on this machine only, or is taken.
    pub async fn open(given: Given<'_>, listen: SocketAddr) -> anyhow::Result<Self> {
        if !listen.ip().is_loopback() {
            bail!(
                "serving the pages on {listen}: they are served to this machine only; listen on a loopback address such as \
                 127.0.0.1:{} (from elsewhere, use an SSH tunnel)",
                listen.port()
            );
        }
        let listener = TcpListener::bind(listen).await.map_err(|e| refused(e, listen))?;
        let bound = listener.local_addr().context("asking for the address of the pages")?;
        let (door, key) = Door::new(bound.port());
        let router = router(Desk::new(given, door));
        Ok(Self { link: format!("http://{bound}/sign-in?key={key}"), listener, router })
    }

    /// The link that signs in, once.
    pub fn sign_in(&self) -> &str {
        &self.link
    }

    /// Serves until `stop`; answers under way are finished.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let served = axum::serve(self.listener, self.router).with_graceful_shutdown(stop.clone().cancelled_owned());
        let overdue = async {
            stop.cancelled().await;
            tokio::time::sleep(DRAIN).await;
        };
        tokio::select! {
            done = served.into_future() => done.context("serving the pages"),
            () = overdue => Ok(()),
        }
    }
}

/// One sentence that says what to do.
fn refused(error: io::Error, listen: SocketAddr) -> anyhow::Error {
    let todo = match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!(
                "serving the pages on {listen}: the address is taken, perhaps by a dealtrail that runs already; stop it, or choose \
                 another port (`--listen` of demo, `server.listen` of the configuration)"
            )
        }
        io::ErrorKind::PermissionDenied => {
            format!("serving the pages on {listen}: the system does not allow this port; choose one above 1023")
        }
        _ => format!("serving the pages on {listen}: the address cannot be used on this machine; choose another"),
    };
    anyhow::Error::new(error).context(todo)
}

fn router(desk: Desk) -> Router {
    let desk = Arc::new(desk);
    Router::new()
        .route("/", get(ui::gaps::page))
        .route("/deals", get(ui::deals::page))
        .route("/deal/{id}", get(ui::deal::page))
        .route("/activities", get(ui::activities::page))
        .route("/activities/list", get(ui::activity_list::page))
        .route("/activity/{id}", get(ui::activity::page))
        .route("/coverage", get(ui::coverage::page))
        .route("/sign-in", get(guard::sign_in))
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(metrics::ready))
        .route("/metrics", get(metrics::page))
        .route("/assets/style.css", get(|| asset("text/css; charset=utf-8", STYLE)))
        .route("/assets/mark.svg", get(|| asset("image/svg+xml", MARK)))
        .fallback(|| async { trouble::not_found() })
        .layer(CatchPanicLayer::custom(trouble::panicked))
        .layer(middleware::from_fn_with_state(desk.clone(), guard::guard))
        .with_state(desk)
}

async fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=300")], text)
}
