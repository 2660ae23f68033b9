//! The means to tell one deal's story: a conversation, a meeting with its invitation and follow-up, a quote.
//!
//! When they happen is decided in `acts`. Everything is told in working minutes (`office`) and lands in the `World`;
//! what would lie in the future is dropped when the world is written.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use super::cast::{Lang, MIA, OLIVER, OWN_DOMAIN, SABINE, TOMASZ};
use super::dice::Dice;
use super::office::{DAY, Office, half_hour};
use super::phrases::{self, Facts, Say};
use super::plot::{NEGOTIATION, PRODUCTS, Plant};
use super::post::{self, Thread};
use super::world::{Deal, Extra, Guest, Letter, Meeting, Party, Quoted, Reply, Times, World};

/// The half hours that are taken, per rep.
pub(super) type Busy = [BTreeSet<i64>; 4];

pub(super) struct Teller<'a> {
    pub office: &'a Office,
    pub dice: Dice,
    pub world: &'a mut World,
    pub busy: &'a mut Busy,
    pub index: usize,
    pub deal: Deal,
    pub owner: Party,
    pub buyers: Vec<Party>,
    pub facts: Facts,
    pub thread: Option<Thread>,
    /// A colleague with a mailbox of his own who is kept in copy.
    pub peer: Option<Party>,
    /// The stage the deal is in while this is told.
    pub stage: usize,
    pub quotes: i64,
    /// While set, nothing told names the deal.
    pub unnamed: bool,
}

/// How a meeting comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// Accepted, sometimes with the invitation or the answer in the mail.
    Confirmed,
    /// Only in our own calendar, nobody answered, nothing in the mail.
    Silent,
    /// Called off: still in the calendar as cancelled.
    Cancelled,
}

impl<'a> Teller<'a> {
    pub(super) fn new(office: &'a Office, dice: &Dice, world: &'a mut World, busy: &'a mut Busy, index: usize) -> Self {
        let deal = world.deals[index].clone();
        let mut dice = dice.fork(&format!("story {}", deal.id));
        let firm = deal.firm();
        let owner = Party::own(deal.owner);
        let buyers = deal.row.people.iter().map(|p| Party::of(firm, *p)).collect();
        let facts = Facts {
            product: PRODUCTS[deal.row.product].to_owned(),
            site: deal.row.site.to_owned(),
            points: (deal.amount / 900 / 5 * 5).max(10).to_string(),
            amount: phrases::money(firm.lang, deal.amount, deal.currency),
        };
        let plain = matches!(deal.row.plant, Plant::Healthy | Plant::Weekly | Plant::Portal | Plant::SkippedStage);
        let peer = (plain && dice.chance(30)).then(|| Party::own(deal.owner ^ 1));
        Self {
            office,
            dice,
            world,
            busy,
            index,
            deal,
            owner,
            buyers,
            facts,
            thread: None,
            peer,
            stage: 0,
            quotes: 0,
            unnamed: false,
        }
    }

    pub(super) fn lang(&self) -> Lang {
        self.deal.firm().lang
    }

    pub(super) fn moment(&mut self, at: i64) -> DateTime<Utc> {
        self.office.moment(at, self.deal.zone()) + Duration::seconds(self.dice.between(0, 59))
    }

    /// A deal whose mail must name it, because its contacts have another open deal.
    fn coded(&self) -> bool {
        !self.unnamed && matches!(self.deal.row.plant, Plant::Coded | Plant::CodedVague | Plant::UnknownPending)
    }

    /// A conversation that starts afresh at `start` and is over before `limit`. Returns when the last mail was sent.
    pub(super) fn talk(&mut self, start: i64, limit: i64, who: usize, steps: &[Say]) -> i64 {
        self.thread = None;
        let author = self.buyers[who % self.buyers.len()].clone();
        self.go_on(start, limit, &author, steps)
    }

    /// The same, in the conversation that is under way.
    pub(super) fn go_on(&mut self, start: i64, limit: i64, author: &Party, steps: &[Say]) -> i64 {
        let mut at = start;
        let most = (limit - start).max(30) / i64::try_from(steps.len().max(1)).unwrap_or(1);
        for (n, say) in steps.iter().enumerate() {
            if n > 0 {
                // We answer within hours, they take a day or two.
                let wait = if say.inbound() { self.dice.between(150, 900) } else { self.dice.between(35, 300) };
                at += wait.min(most).max(10);
            }
            self.say(at, author, *say);
        }
        at
    }

    /// One mail.
    pub(super) fn say(&mut self, at: i64, buyer: &Party, say: Say) {
        let lang = self.lang();
        let (from, to) =
            if say.inbound() { (buyer.clone(), self.owner.clone()) } else { (self.owner.clone(), buyer.clone()) };
        let moment = self.moment(at);
        if self.thread.is_none() {
            let mut subject = phrases::subject(lang, say, &self.facts);
            let vague = matches!(say, Say::Vague | Say::VagueAnswer);
            if !vague && (self.coded() || (!say.inbound() && self.dice.chance(30))) {
                subject = format!("{subject} [{}]", self.deal.id);
            }
            self.thread = Some(Thread::new(subject));
        }
        let text = phrases::body(&mut self.dice, lang, say, &self.facts, &from, &to);
        let cc = self.copies(buyer, say);
        let extras = self.papers(say, moment);
        let (row, firm, index) = (self.deal.row, self.deal.firm(), self.index);
        let vague = matches!(say, Say::Vague | Say::VagueAnswer);
        let Some(thread) = self.thread.as_mut() else { return };
        let mut letter = thread.write(&mut self.dice, &from, vec![to], moment, text);
        letter.cc = cc;
        letter.extras = extras;
        letter.deal = (!vague).then_some(index);
        letter.evidence = say.inbound() && row.people.iter().any(|p| Party::of(firm, *p).email == from.email);
        self.alias(&mut letter);
        let note = !say.inbound() && !vague && self.dice.chance(4) && row.plant.rule().is_none();
        if note {
            let note = post::away(&mut self.dice, &letter, buyer);
            self.world.letters.push(note);
        }
        self.world.letters.push(letter);
    }

    /// Ana is also known under a shorter address.
    fn alias(&mut self, letter: &mut Letter) {
        if self.deal.owner == 0 && !letter.from.ours() && self.dice.chance(8) {
            for party in &mut letter.to {
                if party.rep == Some(0) {
                    party.email = format!("a.keller@{OWN_DOMAIN}");
                }
            }
        }
    }

    /// Who is kept in copy.
    fn copies(&mut self, buyer: &Party, say: Say) -> Vec<Party> {
        let mut cc = Vec::new();
        if matches!(say, Say::Vague | Say::VagueAnswer) {
            return cc;
        }
        // Somebody whom the CRM does not know never writes alone.
        let unlisted = self.buyers.iter().all(|b| b.email != buyer.email);
        for other in self.buyers.clone() {
            let often = self.stage >= 1 || self.dice.chance(40);
            if unlisted || (other.email != buyer.email && often && self.dice.chance(75)) {
                cc.push(other);
            }
        }
        if matches!(say, Say::Question | Say::Answer) && self.dice.chance(30) {
            cc.push(Party::own(TOMASZ));
        }
        if matches!(say, Say::Order | Say::Welcome) {
            cc.push(Party::own(SABINE));
        }
        if self.stage >= NEGOTIATION && self.dice.chance(35) {
            cc.push(Party::own(if self.deal.owner < 2 { MIA } else { OLIVER }));
        }
        if let Some(peer) = self.peer.clone()
            && self.dice.chance(45)
        {
            cc.push(peer);
        }
        cc
    }

    /// What is attached.
    fn papers(&mut self, say: Say, at: DateTime<Utc>) -> Vec<Extra> {
        const PDF: &str = "application/pdf";
        const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        let number = 100 + self.index * 7 + usize::try_from(self.quotes).unwrap_or(0);
        let year = at.format("%Y");
        let short = self.deal.firm().short;
        let lang = self.lang();
        let name = match say {
            Say::Quote => {
                self.quotes += 1;
                self.world.quotes.push(Quoted { deal: self.index, amount: self.deal.amount, at });
                match lang {
                    Lang::En => format!("Quote {}.pdf", 2000 + number),
                    Lang::De => format!("Angebot-{year}-{number}.pdf"),
                    Lang::Fr => format!("Devis {year}-{number}.pdf"),
                    Lang::Es => format!("Oferta {year}-{number}.pdf"),
                }
            }
            Say::Contract => match lang {
                Lang::En => format!("Contract draft {short}.docx"),
                Lang::De => format!("Vertragsentwurf {short}.docx"),
                Lang::Fr => format!("Projet de contrat {short}.docx"),
                Lang::Es => format!("Borrador de contrato {short}.docx"),
            },
            Say::Order => match lang {
                Lang::En => format!("PO 4500{number}.pdf"),
                Lang::De => format!("Bestellung 4500{number}.pdf"),
                Lang::Fr => format!("Bon de commande 4500{number}.pdf"),
                Lang::Es => format!("Pedido 4500{number}.pdf"),
            },
            Say::Answer if self.dice.chance(15) => "Network sheet.pdf".to_owned(),
            Say::Update if self.dice.chance(20) => "image001.png".to_owned(),
            _ => return Vec::new(),
        };
        let media = match name.rsplit_once('.').map(|n| n.1) {
            Some("docx") => WORD,
            Some("png") => "image/png",
            _ => PDF,
        };
        vec![Extra::File(name, media)]
    }

    /// A meeting near `at`, never overlapping another of the owner's. Returns when it ends.
    pub(super) fn meet(&mut self, at: i64, minutes: i64, topic: &str, guests: &[usize], held: Held) -> i64 {
        let start = self.slot(at, minutes);
        let moment = self.office.moment(start, self.deal.zone());
        let buyers: Vec<Party> = guests.iter().map(|g| self.buyers[g % self.buyers.len()].clone()).collect();
        let by_buyer = held == Held::Confirmed && self.dice.chance(18);
        let answer = |dice: &mut Dice| match held {
            Held::Silent => Reply::None,
            // What lies ahead is not always answered yet; its invitation went by mail then.
            _ if start >= 0 && dice.chance(35) => Reply::None,
            _ => Reply::Accepted,
        };
        let mut list: Vec<Guest> = Vec::new();
        for (n, party) in buyers.iter().enumerate() {
            let reply = if n == 0 && held == Held::Confirmed && (start < 0 || by_buyer) {
                Reply::Accepted
            } else {
                answer(&mut self.dice)
            };
            list.push(Guest { party: party.clone(), reply, room: false });
        }
        let organizer = if by_buyer { buyers[0].clone() } else { self.owner.clone() };
        list.push(Guest { party: self.owner.clone(), reply: Reply::Accepted, room: false });
        self.colleagues(&mut list, held);
        let mut summary = format!("{topic} {}", self.deal.firm().short);
        if self.coded() {
            summary = format!("{summary} [{}]", self.deal.id);
        }
        // An invitation goes out days before; one for the future has gone out by now.
        let ahead =
            (start - self.dice.between(1, 4) * DAY - self.dice.between(25, 170)).min(-DAY + self.dice.between(0, 300));
        let stamp = self.moment(ahead);
        let meeting = Meeting {
            uid: format!("{:016x}@{}", self.dice.next(), organizer.email.rsplit_once('@').map_or("", |d| d.1)),
            start: moment,
            date: self.office.date(start),
            minutes,
            zone: self.deal.zone(),
            times: if self.dice.chance(60) { Times::Zone } else { Times::Utc },
            summary,
            notes: format!("https://meet.{OWN_DOMAIN}/{:06x}", self.dice.next() >> 40),
            organizer: Some(organizer),
            guests: list,
            owners: self.calendars(held),
            cancelled: held == Held::Cancelled,
            private: false,
            sequence: u32::from(held == Held::Cancelled),
            stamp,
            series: None,
            deal: (!self.unnamed).then_some(self.index),
            confirmed: held == Held::Confirmed,
        };
        if held != Held::Silent {
            self.mailed(&meeting, ahead, by_buyer);
        }
        self.world.meetings.push(meeting);
        start + minutes
    }

    fn colleagues(&mut self, list: &mut Vec<Guest>, held: Held) {
        if held == Held::Silent {
            return;
        }
        if let Some(peer) = self.peer.clone() {
            list.push(Guest { party: peer, reply: Reply::Accepted, room: false });
        }
        if self.dice.chance(25) {
            list.push(Guest { party: Party::own(TOMASZ), reply: Reply::Accepted, room: false });
        }
        if self.dice.chance(12) {
            let room = Party::other("Room Isar", &format!("room-isar@{OWN_DOMAIN}"));
            list.push(Guest { party: room, reply: Reply::Accepted, room: true });
        }
    }

    fn calendars(&self, held: Held) -> Vec<usize> {
        let peer = self.peer.as_ref().filter(|_| held != Held::Silent).and_then(|p| p.rep);
        [Some(self.deal.owner), peer].into_iter().flatten().collect()
    }

    /// The invitation, its answer, its cancellation, as far as they went by mail.
    fn mailed(&mut self, meeting: &Meeting, ahead: i64, by_buyer: bool) {
        let future_unanswered = meeting.guests.iter().any(|g| !g.party.ours() && g.reply == Reply::None);
        if !(by_buyer || meeting.cancelled || future_unanswered || self.dice.chance(45)) {
            return;
        }
        let at = self.moment(ahead);
        let mut first = meeting.clone();
        first.sequence = 0;
        let invitation = post::invitation(&mut self.dice, &first, "REQUEST", at);
        self.world.letters.extend(invitation);
        if !by_buyer {
            for guest in 0..meeting.guests.len() {
                if !meeting.guests[guest].party.ours() && !meeting.cancelled && self.dice.chance(60) {
                    let at = self.moment(ahead + self.dice.clone().between(20, 200));
                    let reply = post::reply(&mut self.dice, meeting, guest, at);
                    self.world.letters.extend(reply);
                }
            }
        }
        if meeting.cancelled {
            let at = self.moment(ahead + 240);
            let cancellation = post::invitation(&mut self.dice, meeting, "CANCEL", at);
            self.world.letters.extend(cancellation);
        }
    }

    /// The nearest free half hour of that day, or the wished one when the day is full.
    fn slot(&mut self, at: i64, minutes: i64) -> i64 {
        let wish = half_hour(at, minutes);
        let day = wish.div_euclid(DAY) * DAY;
        let length = (minutes + 29) / 30;
        let starts = (0..=(DAY - minutes) / 30).map(|n| day + n * 30);
        let busy = &mut self.busy[self.deal.owner];
        let free = |start: &i64| (0..length).all(|n| !busy.contains(&(start / 30 + n)));
        let start = starts.filter(free).min_by_key(|s| ((s - wish).abs(), *s)).unwrap_or(wish);
        for n in 0..length {
            busy.insert(start / 30 + n);
        }
        start
    }

    /// Our mail after a meeting.
    pub(super) fn follow_up(&mut self, end: i64) {
        self.thread = None;
        let buyer = self.buyers[0].clone();
        let at = end + self.dice.between(40, 240);
        self.say(at, &buyer, Say::FollowUp);
    }
}
