//! Pages for when something is not there or does not work: what happened, what still works, what to do.

use std::any::Any;

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use super::desk::Frame;
use crate::store::StoreError;

#[derive(Template)]
#[template(path = "trouble.html")]
struct Plain<'a> {
    frame: Frame,
    said: &'a [&'a str],
}

/// Why a page could not be made.
#[derive(Debug)]
pub enum Trouble {
    NotFound,
    Store(StoreError),
    Template(askama::Error),
}

impl From<StoreError> for Trouble {
    fn from(e: StoreError) -> Self {
        Self::Store(e)
    }
}

impl From<askama::Error> for Trouble {
    fn from(e: askama::Error) -> Self {
        Self::Template(e)
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        match self {
            Self::NotFound => not_found(),
            Self::Store(error) => {
                tracing::error!(%error, "a page could not be read from the database");
                let said = [
                    "The database did not answer, so there is nothing to show just now.",
                    "Nothing is lost: reading goes on by itself and takes up where it stopped.",
                    "Load the page again in a moment. If it stays like this, the log and `dealtrail status` say more.",
                ];
                plain(StatusCode::SERVICE_UNAVAILABLE, "This page could not be read", &said)
            }
            Self::Template(error) => {
                tracing::error!(%error, "a page could not be written");
                broken()
            }
        }
    }
}

/// A page from its template.
pub fn show(page: &impl Template) -> Result<Response, Trouble> {
    Ok(Html(page.render()?).into_response())
}

fn plain(status: StatusCode, title: &str, said: &[&str]) -> Response {
    match (Plain { frame: Frame::bare(title), said }).render() {
        Ok(page) => (status, Html(page)).into_response(),
        Err(_) => (status, title.to_owned()).into_response(),
    }
}

pub fn not_found() -> Response {
    let said = [
        "There is no such page. A deal or an activity may have been removed in the CRM or the mailbox it came from, or the \
         address is mistyped.",
        "Start again from the gaps or from the list of deals.",
    ];
    plain(StatusCode::NOT_FOUND, "Nothing here", &said)
}

pub fn not_signed_in() -> Response {
    let said = [
        "These pages open with a sign-in link that works once.",
        "It stands in the terminal where dealtrail was started, in the line that begins with “Open” (`dealtrail demo`) or \
         “dealtrail is running” (`dealtrail run`).",
        "When it is used up, start dealtrail again: every start prints a fresh one. A running `dealtrail run` prints one on SIGHUP.",
    ];
    plain(StatusCode::UNAUTHORIZED, "Please sign in", &said)
}

pub fn used_link() -> Response {
    let said = [
        "This link does not sign in any more: it works once, and it belongs to one start of dealtrail.",
        "If you signed in with it in another window, that window still works.",
        "Otherwise start dealtrail again, or send a running `dealtrail run` SIGHUP: it prints a fresh link.",
    ];
    plain(StatusCode::UNAUTHORIZED, "The link is used up", &said)
}

pub fn foreign_host() -> Response {
    let said = [
        "These pages answer to the names of this machine only.",
        "Open them as http://127.0.0.1 or http://localhost, with the port that dealtrail printed.",
    ];
    plain(StatusCode::MISDIRECTED_REQUEST, "Another address", &said)
}

pub fn read_only() -> Response {
    let mut response =
        plain(StatusCode::METHOD_NOT_ALLOWED, "Read-only", &["These pages can be read, and change nothing."]);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

pub fn slow() -> Response {
    let said = [
        "The page took too long. A first reading of a large mailbox may be under way.",
        "Reading goes on; try again in a minute, or choose a shorter time.",
    ];
    plain(StatusCode::SERVICE_UNAVAILABLE, "This page takes too long", &said)
}

fn broken() -> Response {
    let said = [
        "The program made a mistake while it wrote this page. Nothing that was captured is affected, and the other pages work.",
        "The log says what happened; please report it.",
    ];
    plain(StatusCode::INTERNAL_SERVER_ERROR, "This page is broken", &said)
}

/// The payload of the panic is not looked at: it may hold content.
pub fn panicked(_payload: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a page ended in a fault of the program");
    broken()
}
