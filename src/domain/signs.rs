//! What header fields and structure say about a mail: bounce, automatic, bulk, private, invitation. Word lists as data.

use dealtrail_sdk::record::{Mailbox, Message, Part};

use super::address;

const BOUNCE_SENDERS: &[&str] = &["mailer-daemon", "mail-daemon", "maildaemon", "postmaster", "mailerdaemon"];

/// Subjects of delivery failures, lower case, anywhere in the subject.
const BOUNCE_SUBJECTS: &[&str] = &[
    "undelivered mail returned",
    "undeliverable",
    "delivery status notification (failure)",
    "delivery failure",
    "mail delivery failed",
    "failure notice",
    "returned mail",
    "message not delivered",
    "delivery has failed",
    "non delivery report",
    "non-delivery",
    "mail system error",
    "unzustellbar",
    "nicht zustellbar",
    "zustellung fehlgeschlagen",
    "fehlgeschlagene zustellung",
    "echec de la remise",
    "échec de la remise",
    "non remis",
    "message non distribué",
    "no se pudo entregar",
    "no se ha podido entregar",
    "error de entrega",
    "mancato recapito",
    "recapito non riuscito",
    "onbestelbaar",
    "falha na entrega",
    "nie dostarczono",
];

/// Subjects that programs write over their auto-replies, lower case: at the start, and followed by nothing or by a mark
/// (`Automatic reply: Your offer`), never by more words.
const AUTO_SUBJECTS: &[&str] = &[
    "automatic reply",
    "auto reply",
    "autoreply",
    "auto-reply",
    "auto response",
    "autoresponse",
    "out of office",
    "out of the office",
    "out of office autoreply",
    "abwesenheitsnotiz",
    "abwesenheitsnachricht",
    "automatische antwort",
    "réponse automatique",
    "reponse automatique",
    "respuesta automática",
    "respuesta automatica",
    "risposta automatica",
    "resposta automática",
    "automatisch antwoord",
    "autosvar",
    "automatiskt svar",
    "automatisk svar",
    "automaattinen vastaus",
    "automatická odpověď",
    "automatyczna odpowiedź",
    "автоматический ответ",
    "自动回复",
    "自動応答",
    "不在通知",
    "자동 회신",
];

/// Starts of subjects that people choose for their absence, and that customers write as well (`Auto: Angebot`): only
/// together with a field that auto-replies bear.
const ABSENT_SUBJECTS: &[&str] = &[
    "auto:",
    "auto antwort",
    "auto response",
    "out of office",
    "out of the office",
    "ooo",
    "on vacation",
    "on holiday",
    "abwesend",
    "abwesenheit",
    "ich bin nicht im büro",
    "absence du bureau",
    "absent du bureau",
    "fuera de la oficina",
    "fuera de oficina",
    "fuori sede",
    "fuori ufficio",
    "ausência temporária",
    "afwezig",
    "poissaolo",
];

/// Senders that are machines, by the start of the local part.
const MACHINE_SENDERS: &[&str] = &[
    "no-reply",
    "noreply",
    "no_reply",
    "no.reply",
    "donotreply",
    "do-not-reply",
    "do_not_reply",
    "nicht-antworten",
    "notification",
    "notifications",
    "notify",
    "automailer",
    "auto-confirm",
    "mailer-daemon",
    "postmaster",
];

fn subject(mail: &Message) -> String {
    mail.subject.as_deref().unwrap_or("").trim().to_lowercase()
}

fn sender(mail: &Message) -> Option<&Mailbox> {
    mail.from.first().or(mail.sender.as_ref())
}

fn local_part(mail: &Message) -> String {
    let address = sender(mail).map_or("", |m| m.address.as_str());
    address.rsplit_once('@').map_or(address, |(local, _)| local).trim().to_lowercase()
}

fn null_return_path(mail: &Message) -> bool {
    mail.header("return-path").is_some_and(|p| matches!(p.trim(), "" | "<>"))
}

fn report_type(mail: &Message) -> Option<&'static str> {
    let content_type = mail.header("content-type")?.to_lowercase();
    if !content_type.trim_start().starts_with("multipart/report") {
        return None;
    }
    Some(if content_type.contains("delivery-status") {
        "delivery-status"
    } else if content_type.contains("disposition-notification") {
        "disposition-notification"
    } else {
        "other"
    })
}

/// RFC 3464 section 2.3.3: only `failed` is a bounce; delays and relays are notifications.
fn reported_failure(mail: &Message) -> Option<bool> {
    let status = mail.delivery_status.as_deref()?.to_lowercase();
    let actions: Vec<&str> = status.lines().filter_map(|l| l.trim().strip_prefix("action:")).map(str::trim).collect();
    if actions.is_empty() { None } else { Some(actions.iter().any(|a| a.starts_with("failed"))) }
}

/// A notice that mail could not be delivered. Headers alone find two thirds; sender, empty Return-Path and subject the rest.
pub fn is_bounce(mail: &Message) -> bool {
    if let Some(failed) = reported_failure(mail) {
        return failed;
    }
    let by_subject = || {
        let subject = subject(mail);
        BOUNCE_SUBJECTS.iter().any(|s| subject.contains(s))
    };
    let local = local_part(mail);
    let daemon = BOUNCE_SENDERS.iter().any(|s| local.starts_with(s));
    mail.header("x-failed-recipients").is_some()
        || report_type(mail) == Some("delivery-status") && (daemon || null_return_path(mail) || by_subject())
        || (daemon || null_return_path(mail)) && by_subject()
}

/// The addresses a bounce says are dead.
pub fn failed_recipients(mail: &Message) -> Vec<String> {
    let listed = mail.header("x-failed-recipients").unwrap_or("").split(',').map(str::to_owned);
    let status = mail.delivery_status.as_deref().unwrap_or("").lines().filter_map(|l| {
        let (name, value) = l.split_once(':')?;
        let wanted = name.trim().eq_ignore_ascii_case("final-recipient")
            || name.trim().eq_ignore_ascii_case("original-recipient");
        wanted.then(|| value.rsplit(';').next().unwrap_or("").to_owned())
    });
    listed.chain(status).map(|a| a.trim().to_owned()).filter(|a| a.contains('@')).collect()
}

/// Auto-replies and notifications (RFC 3834), by header, sender and subject.
pub fn is_automatic(mail: &Message) -> bool {
    let auto_submitted = mail
        .header("auto-submitted")
        .is_some_and(|v| !v.trim().is_empty() && !v.trim().to_lowercase().starts_with("no"));
    let precedence =
        mail.header("precedence").is_some_and(|v| v.trim().to_lowercase().replace('-', "_") == "auto_reply");
    let marked = ["x-autoreply", "x-autorespond", "x-autoresponder"]
        .iter()
        .any(|name| mail.header(name).is_some_and(|v| !v.trim().eq_ignore_ascii_case("no")));
    let subject = subject(mail);
    let local = local_part(mail);
    auto_submitted
        || precedence
        || marked
        || is_auto_subject(&subject)
        || hints_at_a_machine(mail) && ABSENT_SUBJECTS.iter().any(|s| subject.starts_with(s))
        || MACHINE_SENDERS
            .iter()
            .any(|s| local.strip_prefix(s).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphabetic())))
        || report_type(mail).is_some()
        || null_return_path(mail)
}

/// `Automatic reply: Offer`, not `Automatic reply settings for our shop`; `Out of office until 3 May`, not `Out of office
/// until Monday, can we sign before?`.
fn is_auto_subject(subject: &str) -> bool {
    const UNTIL: [&str; 8] = ["until ", "till ", "bis ", "jusqu", "hasta ", "fino a", "tot ", "through "];
    let ends = |rest: &str| {
        let rest = rest.trim_start();
        let a_date = || {
            let only = rest.split_whitespace().count() <= 5 && !rest.contains([',', '?', ':']);
            only && rest.contains(|c: char| c.is_ascii_digit()) && UNTIL.iter().any(|u| rest.starts_with(u))
        };
        rest.is_empty() || rest.starts_with([':', '：', '-', '–', '—', '(', '[', '|', '!', '.']) || a_date()
    };
    AUTO_SUBJECTS.iter().any(|s| subject.strip_prefix(s).is_some_and(ends))
}

/// Fields that auto-replies bear, and that say too little alone.
fn hints_at_a_machine(mail: &Message) -> bool {
    let precedence = mail.header("precedence").map(|v| v.trim().to_lowercase());
    let of_a_list = ["list-id", "list-unsubscribe"].iter().any(|h| mail.header(h).is_some());
    mail.header("x-auto-response-suppress").is_some()
        || mail.header("x-loop").is_some()
        || !of_a_list && precedence.is_some_and(|v| matches!(v.as_str(), "bulk" | "junk"))
}

/// Newsletters and list mail: List-* (RFC 2369, RFC 2919) or Precedence.
pub fn is_bulk(mail: &Message) -> bool {
    let list = ["list-id", "list-unsubscribe", "list-post", "list-help", "list-subscribe"];
    list.iter().any(|h| mail.header(h).is_some())
        || mail
            .header("precedence")
            .is_some_and(|v| matches!(v.trim().to_lowercase().as_str(), "bulk" | "list" | "junk"))
}

/// The domain a list belongs to: of List-Id, else of List-Post or List-Unsubscribe.
pub fn list_domain(mail: &Message) -> Option<String> {
    if let Some(id) = mail.header("list-id") {
        let inner = id.rsplit_once('<').map_or(id, |(_, rest)| rest).trim_end_matches(['>', ' ']);
        return Some(address::fold_domain(inner));
    }
    let link = mail.header("list-post").or_else(|| mail.header("list-unsubscribe"))?;
    let first = link.split(',').next()?.trim().trim_start_matches('<').trim_end_matches('>');
    let host = match first.strip_prefix("mailto:") {
        Some(address) => address.split('?').next()?.rsplit_once('@')?.1,
        None => first.split("://").nth(1)?.split(['/', '?', ':']).next()?,
    };
    Some(address::fold_domain(host))
}

/// Sensitivity of RFC 2156 section 5.3.
pub fn is_private(mail: &Message) -> bool {
    mail.header("sensitivity").is_some_and(|v| {
        matches!(v.trim().to_lowercase().as_str(), "private" | "personal" | "company-confidential" | "confidential")
    })
}

/// Invitation, update, cancellation or reply (RFC 6047): a calendar part with a scheduling METHOD.
pub fn carries_meeting(mail: &Message) -> bool {
    mail.calendars.iter().any(|c| schedules(&c.text)) || lost_calendar(mail)
}

/// A part that schedules by its type, and whose text did not come: it is empty, or larger than any invitation.
pub fn lost_calendar(mail: &Message) -> bool {
    mail.calendars.is_empty() && mail.parts.iter().any(schedules_by_type)
}

fn schedules_by_type(part: &Part) -> bool {
    part.method.as_deref().is_some_and(|m| !m.trim().is_empty() && !m.trim().eq_ignore_ascii_case("publish"))
}

/// The METHOD line of a calendar text says that it schedules (RFC 5546), unlike PUBLISH or none.
pub fn schedules(text: &str) -> bool {
    text.lines()
        .filter_map(|l| l.trim().split_once(':'))
        .filter(|(name, _)| name.eq_ignore_ascii_case("METHOD"))
        .any(|(_, value)| !value.trim().eq_ignore_ascii_case("PUBLISH"))
}

/// A mail with an invitation carries a message of its own when the calendar is only attached beside a text: where it is
/// one of the forms of a multipart/alternative, the text just repeats it.
pub fn has_message_of_its_own(mail: &Message) -> bool {
    let alternative = mail.calendars.iter().any(|c| c.alternative && schedules(&c.text))
        || lost_calendar(mail) && mail.parts.iter().any(|p| p.alternative && schedules_by_type(p));
    let text = mail
        .parts
        .iter()
        .any(|p| p.media_type.starts_with("text/") && is_text(&p.media_type) && !p.attachment && p.size > 2);
    text && !alternative
}

fn is_text(media_type: &str) -> bool {
    matches!(media_type, "text/plain" | "text/html" | "text/enriched")
}

#[cfg(test)]
mod tests;
