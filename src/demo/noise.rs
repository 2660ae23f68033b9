//! The mail that is no deal: newsletters, machines, colleagues, strangers, prospects nobody has entered, private,
//! excluded and old mail, drafts, trash and spam. Each reason why a message is not captured occurs.

use chrono::{Duration, NaiveTime};

use super::cast::{BUSY_FIRM, EXCLUDED_DOMAIN, FIRMS, Firm, Lang, OURS, OWN_DOMAIN, REPS};
use super::chaff::{INTERNAL, MACHINES, NEWS, PROSPECTS, SPAM, STRANGERS};
use super::dice::Dice;
use super::office::{DAY, Office};
use super::phrases::{self, Facts, Say};
use super::post::{Thread, placed};
use super::world::{Folder, Letter, Party, World};

/// How many working days of mail there are.
const PAST: i64 = 105;
/// The day of the configuration's `capture.since`, in calendar days before today.
pub(super) const SINCE: i64 = 175;

pub(super) fn tell(office: &Office, dice: &Dice, world: &mut World) {
    for rep in 0..REPS {
        let mut desk = Desk { office, dice: dice.fork(&format!("noise {rep}")), rep: Party::own(rep), index: rep };
        for day in -PAST..=0 {
            desk.day(day * DAY, world);
        }
        desk.once(world);
    }
    prospects(office, &mut dice.fork("prospects"), world);
    busy_firm(office, &mut dice.fork("busy"), world);
}

struct Desk<'a> {
    office: &'a Office,
    dice: Dice,
    rep: Party,
    index: usize,
}

impl Desk<'_> {
    fn day(&mut self, day: i64, world: &mut World) {
        for _ in 0..self.dice.below(3) {
            let letter = self.newsletter(day);
            world.letters.push(letter);
        }
        for _ in 0..self.dice.below(3) {
            self.internal(day, world);
        }
        if self.dice.chance(45) {
            let letter = self.machine(day);
            world.letters.push(letter);
        }
        if self.dice.chance(16) {
            let (name, email, subject, text) = *self.dice.pick(&STRANGERS);
            let letter = self.one(&Party::other(name, email), day, subject, text);
            world.letters.push(letter);
        }
        if self.dice.chance(25) {
            let (name, email, subject) = *self.dice.pick(&SPAM);
            let letter = self.one(&Party::other(name, email), day, subject, "Click here.\n");
            world.letters.push(placed(letter, self.index, Folder::Junk));
        }
        if self.dice.chance(12) {
            let letter = self.newsletter(day);
            world.letters.push(placed(letter, self.index, Folder::Trash));
        }
    }

    fn one(&mut self, from: &Party, day: i64, subject: &str, text: &str) -> Letter {
        let at = self.office.moment(day + self.dice.between(0, 539), self.rep.zone);
        let rep = self.rep.clone();
        Thread::single(&mut self.dice, from, &rep, at, subject, text)
    }

    fn newsletter(&mut self, day: i64) -> Letter {
        let (name, email, subjects) = *self.dice.pick(&NEWS);
        let issue = self.dice.between(10, 400);
        let subject = format!("{} ({issue})", self.dice.pick(&subjects));
        let text =
            format!("{subject}\n\nRead online: https://www.{}/{issue}\n", email.rsplit_once('@').map_or("", |d| d.1));
        let mut letter = self.one(&Party::other(name, email), day, &subject, &text);
        let domain = email.rsplit_once('@').map_or("", |d| d.1);
        letter.headers.push(("List-Id", format!("<news.{domain}>")));
        letter.headers.push(("List-Unsubscribe", format!("<https://www.{domain}/u/{issue}>")));
        letter.headers.push(("Precedence", "bulk".to_owned()));
        letter
    }

    fn machine(&mut self, day: i64) -> Letter {
        let (name, email, subject, text) = *self.dice.pick(&MACHINES);
        let subject = subject.replace("{n}", &self.dice.between(1000, 9999).to_string());
        let mut letter = self.one(&Party::other(name, email), day, &subject, text);
        letter.headers.push(("Auto-Submitted", "auto-generated".to_owned()));
        letter
    }

    /// A colleague asks, somebody answers; reps are in both boxes.
    fn internal(&mut self, day: i64, world: &mut World) {
        let (subject, asked, answered) = *self.dice.pick(&INTERNAL);
        let mut other = self.dice.below(OURS.len());
        if other == self.index {
            other = super::cast::TOMASZ;
        }
        let other = Party::own(other);
        let (from, to) = if self.dice.chance(50) { (self.rep.clone(), other) } else { (other, self.rep.clone()) };
        let at = day + self.dice.between(0, 420);
        let mut thread = Thread::new(subject.to_owned());
        let text = format!("Hi {},\n\n{asked}\n\n{}\n", to.given, from.given);
        let first = self.office.moment(at, from.zone);
        let mut letter = thread.write(&mut self.dice, &from, vec![to.clone()], first, text);
        if self.dice.chance(10) {
            letter.to.push(Party::other("Team", &format!("team@{OWN_DOMAIN}")));
            letter.headers.push(("List-Id", format!("<team.{OWN_DOMAIN}>")));
        }
        world.letters.push(letter);
        if self.dice.chance(55) {
            let later = first + Duration::minutes(self.dice.between(10, 110));
            let text = format!("Hi {},\n\n{answered}\n\n{}\n", from.given, to.given);
            world.letters.push(thread.write(&mut self.dice, &to, vec![from], later, text));
        }
    }

    /// Mail of which a few are enough.
    fn once(&mut self, world: &mut World) {
        let doctor = Party::other("Praxis Dr. Seeler", &format!("praxis@{EXCLUDED_DOMAIN}"));
        for n in 0..3 {
            let letter = self.one(&doctor, -(20 + n * 25) * DAY, "Ihr Termin", "Bitte nüchtern erscheinen.\n");
            world.letters.push(letter);
        }
        // Private is a word of the sender, whoever it is.
        let firm = FIRMS.iter().rposition(|f| f.owner == self.index).unwrap_or(0);
        let friend = Party::of(&FIRMS[firm], FIRMS[firm].people.len() - 1);
        for n in 0..2 {
            let mut letter = self.one(&friend, -(12 + n * 30) * DAY, "Samstag", "Kommt ihr am Samstag zum Essen?\n");
            letter.headers.push(("Sensitivity", if n == 0 { "Private" } else { "Personal" }.to_owned()));
            world.letters.push(letter);
        }
        // Older than what is read at all.
        let firms: Vec<&Firm> = FIRMS.iter().filter(|f| f.owner == self.index).collect();
        for n in 0..6_i64 {
            let firm = firms[usize::try_from(n).unwrap_or(0) % firms.len()];
            let from = Party::of(firm, self.dice.below(firm.people.len()));
            let mut letter = self.one(&from, 0, "Danke für den Besuch", "Danke für den Prospekt, wir melden uns.\n");
            let day = self.office.today - Duration::days(SINCE + 10 + n * 7);
            letter.at = day.and_time(NaiveTime::MIN).and_utc() + Duration::minutes(self.dice.between(500, 900));
            world.letters.push(placed(letter, self.index, Folder::Archive));
        }
        for n in 0..2 {
            let at = self.office.moment(-(2 + n * 3) * DAY + 200, self.rep.zone);
            let to = Party::of(&FIRMS[firm], 0);
            let rep = self.rep.clone();
            let letter = Thread::single(&mut self.dice, &rep, &to, at, "Entwurf", "Noch nicht fertig.\n");
            world.letters.push(placed(letter, self.index, Folder::Drafts));
        }
    }
}

/// People who should be in the CRM and are not: their mail waits, and is found when somebody enters them.
fn prospects(office: &Office, dice: &mut Dice, world: &mut World) {
    for (n, (rep, name, email, subject)) in PROSPECTS.iter().enumerate() {
        let (rep, prospect) = (Party::own(*rep), Party::other(name, email));
        let mut thread = Thread::new((*subject).to_owned());
        let mut at = -(6 + i64::try_from(n).unwrap_or(0) * 4) * DAY + dice.between(0, 300);
        let turns = [
            (true, "we are looking into this for our plant and found your page. Could you tell us more?"),
            (false, "thank you for writing. May I call you this week to understand what you need?"),
            (true, "gladly, Wednesday afternoon is best. We would start with a handful of machines."),
            (false, "noted, I will call on Wednesday at three."),
        ];
        for (theirs, text) in turns {
            let (from, to) = if theirs { (&prospect, &rep) } else { (&rep, &prospect) };
            let text = format!("{}\n\n{text}\n\n{}\n", phrases::greeting(Lang::En, to), from.name);
            world.letters.push(thread.write(dice, from, vec![to.clone()], office.moment(at, rep.zone), text));
            at += dice.between(60, 420);
        }
    }
}

/// A customer without a deal who writes a lot: perhaps there should be one.
fn busy_firm(office: &Office, dice: &mut Dice, world: &mut World) {
    let firm = &FIRMS[BUSY_FIRM];
    let rep = Party::own(firm.owner);
    let facts = Facts {
        product: "PumpGuard".to_owned(),
        site: "Dock 4".to_owned(),
        points: "35".to_owned(),
        amount: String::new(),
    };
    for (n, say) in [Say::Question, Say::Update, Say::Question, Say::Question].into_iter().enumerate() {
        let person = Party::of(firm, n % firm.people.len());
        let mut thread = Thread::new(phrases::subject(Lang::En, say, &facts));
        let at = -(9 - i64::try_from(n).unwrap_or(0) * 2) * DAY + dice.between(0, 300);
        for (say, from, to, at) in [(say, &person, &rep, at), (Say::Answer, &rep, &person, at + dice.between(40, 200))]
        {
            let text = phrases::body(dice, Lang::En, say, &facts, from, to);
            world.letters.push(thread.write(dice, from, vec![to.clone()], office.moment(at, rep.zone), text));
        }
    }
}
