//! How the people of the sample company write to each other: threads, answers, attachments, invitations by mail,
//! out-of-office notes and bounces. It makes letters; `letter` turns them into bytes.

use chrono::{DateTime, Duration, Utc};

use super::cast::Lang;
use super::diary;
use super::dice::Dice;
use super::phrases;
use super::world::{Before, Extra, Folder, Letter, Meeting, Party, Reply};

/// A conversation that goes on.
#[derive(Clone, Debug)]
pub(super) struct Thread {
    pub subject: String,
    ids: Vec<String>,
    last: Option<Before>,
    /// Author of the latest mail.
    pub at: DateTime<Utc>,
}

impl Thread {
    pub(super) fn new(subject: String) -> Self {
        Self { subject, ids: Vec::new(), last: None, at: DateTime::UNIX_EPOCH }
    }

    /// Adds one mail to the conversation.
    pub(super) fn write(
        &mut self,
        dice: &mut Dice,
        from: &Party,
        to: Vec<Party>,
        at: DateTime<Utc>,
        text: String,
    ) -> Letter {
        let id = message_id(dice, &from.email);
        let subject =
            if self.ids.is_empty() { self.subject.clone() } else { phrases::answered(from.lang, &self.subject) };
        let letter = Letter {
            id: id.clone(),
            at,
            from: from.clone(),
            to,
            cc: Vec::new(),
            subject: subject.clone(),
            text: text.clone(),
            before: self.last.take(),
            references: self.ids.clone(),
            extras: Vec::new(),
            headers: Vec::new(),
            place: None,
            deal: None,
            evidence: false,
        };
        self.last = Some(Before { from: from.clone(), at, subject, text });
        self.ids.push(id);
        self.at = at;
        letter
    }

    /// A mail of a machine's or a stranger's making that starts and ends the conversation.
    pub(super) fn single(
        dice: &mut Dice,
        from: &Party,
        to: &Party,
        at: DateTime<Utc>,
        subject: &str,
        text: &str,
    ) -> Letter {
        Self::new(subject.to_owned()).write(dice, from, vec![to.clone()], at, text.to_owned())
    }
}

pub(super) fn message_id(dice: &mut Dice, email: &str) -> String {
    let domain = email.rsplit_once('@').map_or("local.example", |(_, d)| d);
    format!("{:012x}.{:08x}@{domain}", dice.next() >> 16, dice.next() >> 32)
}

/// The out-of-office note that answers a letter a minute later.
pub(super) fn away(dice: &mut Dice, letter: &Letter, from: &Party) -> Letter {
    let until = letter.at.date_naive() + Duration::days(dice.between(2, 6));
    let (subject, text) = phrases::away(from.lang, &letter.subject, until);
    let at = letter.at + Duration::seconds(dice.between(20, 90));
    let mut note = Thread::single(dice, from, &letter.from, at, &subject, &text);
    note.references = letter.references.iter().cloned().chain([letter.id.clone()]).collect();
    note.headers.push(("Auto-Submitted", "auto-replied".to_owned()));
    note.headers.push(("X-Auto-Response-Suppress", "All".to_owned()));
    note.headers.push(("Precedence", "auto_reply".to_owned()));
    note.deal = letter.deal;
    note
}

/// The report that an address is dead.
pub(super) fn bounce(dice: &mut Dice, letter: &Letter, address: &str) -> Letter {
    let daemon = Party::other("Mail Delivery System", "mailer-daemon@fernlicht.example");
    let text = format!(
        "This is the mail system at host mx1.fernlicht.example.\n\nYour message could not be delivered to one or more \
         recipients.\n\n<{address}>: host mx.{} said: 550 5.1.1 User unknown (in reply to RCPT TO command)\n",
        address.rsplit_once('@').map_or("", |(_, d)| d)
    );
    let at = letter.at + Duration::seconds(dice.between(5, 40));
    let mut report = Thread::single(dice, &daemon, &letter.from, at, "Undelivered Mail Returned to Sender", &text);
    report.references = vec![letter.id.clone()];
    report.headers.push(("Return-Path", "<>".to_owned()));
    report.headers.push(("Auto-Submitted", "auto-replied".to_owned()));
    report.extras.push(Extra::Bounce { address: address.to_owned(), message_id: letter.id.clone() });
    report.deal = letter.deal;
    report
}

/// The mail that brings an invitation, an update or a cancellation.
pub(super) fn invitation(
    dice: &mut Dice,
    meeting: &Meeting,
    method: &'static str,
    at: DateTime<Utc>,
) -> Option<Letter> {
    let from = meeting.organizer.clone()?;
    let lang = meeting.guests.iter().map(|g| g.party.lang).next().unwrap_or(Lang::En);
    let to: Vec<Party> =
        meeting.guests.iter().filter(|g| !g.room && g.party.email != from.email).map(|g| g.party.clone()).collect();
    if to.is_empty() {
        return None;
    }
    let prefix = match (method, lang, meeting.sequence) {
        ("CANCEL", Lang::De, _) => "Abgesagt: ",
        ("CANCEL", ..) => "Cancelled: ",
        (_, Lang::De, 0) => "Einladung: ",
        (_, _, 0) => "Invitation: ",
        (_, Lang::De, _) => "Aktualisiert: ",
        _ => "Updated: ",
    };
    let subject = format!("{prefix}{}", meeting.summary);
    let mut letter = Thread::new(subject).write(dice, &from, to, at, format!("{}\n", meeting.notes));
    letter.extras.push(Extra::Invitation(method, diary::by_mail(meeting, method, at, None)));
    letter.deal = meeting.deal;
    Some(letter)
}

/// A guest's answer by mail.
pub(super) fn reply(dice: &mut Dice, meeting: &Meeting, guest: usize, at: DateTime<Utc>) -> Option<Letter> {
    let to = meeting.organizer.clone()?;
    let guest = meeting.guests.get(guest)?;
    let word = match (guest.reply, guest.party.lang) {
        (Reply::None, _) => return None,
        (Reply::Accepted, Lang::De) => "Zugesagt: ",
        (Reply::Accepted, _) => "Accepted: ",
        (Reply::Declined, Lang::De) => "Abgelehnt: ",
        (Reply::Declined, _) => "Declined: ",
        (Reply::Tentative, _) => "Tentative: ",
    };
    let subject = format!("{word}{}", meeting.summary);
    let mut letter = Thread::single(dice, &guest.party, &to, at, &subject, "");
    letter.extras.push(Extra::Invitation("REPLY", diary::by_mail(meeting, "REPLY", at, Some(guest))));
    letter.deal = meeting.deal;
    Some(letter)
}

/// The same letter, kept in one folder of one rep.
pub(super) fn placed(mut letter: Letter, rep: usize, folder: Folder) -> Letter {
    letter.place = Some((rep, folder));
    letter
}
