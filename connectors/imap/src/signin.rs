//! Signing in: LOGIN, AUTHENTICATE PLAIN, XOAUTH2, OAUTHBEARER (RFC 9051, RFC 4616, RFC 7628).

use dealtrail_sdk::{Fault, FaultKind};

use crate::{
    answer::{Answer, State, Status},
    command::Command,
    names::base64,
    session::Session,
    settings::{Auth, Settings},
    sorting::Doing,
};

/// Signs in by the way that the settings and the server agree on.
///
/// # Errors
/// [`FaultKind::Unauthorized`] when the server refuses who we are, and whatever else stands in the way.
pub async fn sign_in(session: &mut Session, settings: &Settings) -> Result<(), Fault> {
    if !session.knows_capabilities() {
        session.must(Doing::Other("asking for extensions"), Command::new("CAPABILITY"), &mut |_| {}).await?;
    }
    let (user, secret) = (settings.username.as_str(), settings.secret.reveal());
    match settings.auth {
        Auth::Plain => plain(session, user, secret).await,
        Auth::Login if session.can("AUTH=PLAIN") => plain(session, user, secret).await,
        Auth::Login if session.can("LOGINDISABLED") => {
            let what = format!("{} takes no password here: use tls, or auth = \"xoauth2\"", session.place());
            Err(Fault::new(FaultKind::Refused, what))
        }
        Auth::Login => {
            let command = Command::new("LOGIN ").string(user)?.text(" ").string(secret)?;
            session.must(Doing::SigningIn, command, &mut |_| {}).await.map(drop)
        }
        Auth::Xoauth2 => {
            let words = format!("user={user}\x01auth=Bearer {secret}\x01\x01");
            authenticate(session, Doing::SigningInByToken, "XOAUTH2", &words, "").await
        }
        Auth::Oauthbearer => {
            let user = user.replace('=', "=3D").replace(',', "=2C");
            let words = format!(
                "n,a={user},\x01host={}\x01port={}\x01auth=Bearer {secret}\x01\x01",
                settings.host, settings.port
            );
            authenticate(session, Doing::SigningInByToken, "OAUTHBEARER", &words, "AQ==").await
        }
    }
}

async fn plain(session: &mut Session, user: &str, password: &str) -> Result<(), Fault> {
    authenticate(session, Doing::SigningIn, "PLAIN", &format!("\0{user}\0{password}"), "*").await
}

/// `refusal`: what to answer when the server, instead of its result, asks on: with OAuth that is how it explains a
/// refusal before it says NO.
async fn authenticate(
    session: &mut Session,
    doing: Doing,
    mechanism: &str,
    words: &str,
    refusal: &str,
) -> Result<(), Fault> {
    let response = base64(words.as_bytes());
    let mut waiting = Some(response);
    let mut start = format!("AUTHENTICATE {mechanism}");
    if session.can("SASL-IR")
        && let Some(response) = waiting.take()
    {
        start = format!("{start} {response}");
    }
    let tag = session.begin(&start).await?;
    // A server that asks on for ever is not one.
    for _ in 0..100 {
        match session.receive(None).await? {
            Answer::Continue => {
                let line = waiting.take().unwrap_or_else(|| refusal.to_owned());
                session.line(&line).await?;
            }
            Answer::Tagged(seen, status) if seen == tag => return finish(session, doing, &status),
            _ => {}
        }
    }
    Err(Fault::new(FaultKind::Malformed, format!("{} never came to the end of the sign-in", session.place())))
}

fn finish(session: &mut Session, doing: Doing, status: &Status) -> Result<(), Fault> {
    if status.state == State::Ok && status.code != "CAPABILITY" {
        // What was offered before the sign-in may differ from what is offered now.
        session.forget_capabilities();
    }
    session.judge(doing, status)
}
