//! An independent judge of the sample company, for its tests: it matches mail and meetings to deals as a reader of the
//! files could, and says which gaps a correct program finds. It shares no code with the rules of the program.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};

use super::office::{DAY, Office};
use super::plan::BLIND_UNTIL;
use super::plot::{LOST, Plant, WON};
use super::world::{Deal, Letter, Meeting, Party, Reply, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Evidence,
    /// Only our own mail, an unconfirmed meeting or a typed call.
    OneSided,
    Nothing,
    /// Nothing, but we were blind or a choice is pending.
    Unknown,
}

pub(super) struct Judge<'a> {
    office: &'a Office,
    world: &'a World,
    /// Deal of each letter, by thread, code, role or pending.
    letters: Vec<Tie>,
    meetings: Vec<Tie>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tie {
    Deal(usize),
    Pending(Vec<usize>),
    None,
}

impl<'a> Judge<'a> {
    pub(super) fn new(office: &'a Office, world: &'a World) -> Self {
        let deals = known(office, world);
        let mut threads: BTreeMap<&str, Tie> = BTreeMap::new();
        let mut letters = Vec::with_capacity(world.letters.len());
        for letter in &world.letters {
            let thread = letter.references.first().and_then(|id| threads.get(id.as_str())).cloned();
            let invitation = letter.extras.iter().any(|e| matches!(e, super::world::Extra::Invitation(..)));
            let machine = letter.headers.iter().any(|(name, _)| matches!(*name, "Auto-Submitted" | "Sensitivity"));
            let tie = match thread {
                _ if letter.place.is_some() || invitation || machine => Tie::None,
                Some(tie @ Tie::Deal(_)) => tie,
                _ => {
                    let parties = letter.to.iter().chain(&letter.cc).chain([&letter.from]);
                    by_code_or_role(&deals, &letter.subject, parties, letter.at)
                }
            };
            if letter.references.is_empty() {
                threads.insert(&letter.id, tie.clone());
            }
            letters.push(tie);
        }
        let meetings = world
            .meetings
            .iter()
            .map(|m| by_code_or_role(&deals, &m.summary, m.guests.iter().map(|g| &g.party), m.start.min(office.now)));
        Self { office, world, letters, meetings: meetings.collect() }
    }

    /// Ties that differ from the truth.
    pub(super) fn mismatched(&self) -> Vec<String> {
        let letters =
            self.world.letters.iter().zip(&self.letters).filter_map(|(letter, tie)| match (letter.deal, tie) {
                (Some(deal), Tie::Deal(found)) if deal == *found => None,
                // After the end of a deal, mail belongs to the company only.
                (_, Tie::None) | (None, Tie::Pending(_)) => None,
                _ => Some(format!("{:?} {:?} {tie:?}", letter.subject, letter.deal)),
            });
        let meetings = self.world.meetings.iter().zip(&self.meetings).filter_map(|(one, tie)| match (one.deal, tie) {
            (Some(deal), Tie::Deal(found)) if deal == *found => None,
            (None, Tie::None | Tie::Pending(_)) => None,
            _ => Some(format!("{:?} {:?} {tie:?}", one.summary, one.deal)),
        });
        letters.chain(meetings).collect()
    }

    pub(super) fn pending(&self) -> usize {
        self.letters.iter().chain(&self.meetings).filter(|t| matches!(t, Tie::Pending(_))).count()
    }

    fn at(&self, deal: &Deal, at: i64) -> DateTime<Utc> {
        self.office.moment(at, deal.zone())
    }

    /// Whether a rep's mailbox could show it.
    fn seen(&self, letter: &Letter) -> bool {
        let blind = self.office.date(-BLIND_UNTIL * DAY).and_time(chrono::NaiveTime::MIN).and_utc();
        super::disk::copies(letter, self.office).iter().any(|(rep, _)| *rep != 3 || letter.at >= blind)
    }

    fn letters_of(&self, deal: usize) -> impl Iterator<Item = &Letter> {
        self.world
            .letters
            .iter()
            .zip(&self.letters)
            .filter(move |(l, t)| **t == Tie::Deal(deal) && self.seen(l))
            .map(|(l, _)| l)
    }

    /// Start and end of every instance, and the meeting.
    pub(super) fn meetings_of(&self, deal: usize) -> Vec<(DateTime<Utc>, DateTime<Utc>, &Meeting)> {
        let mut all = Vec::new();
        for (one, _) in self.world.meetings.iter().zip(&self.meetings).filter(|(_, t)| **t == Tie::Deal(deal)) {
            let outsiders = || one.guests.iter().filter(|g| !g.party.ours());
            if one.cancelled || outsiders().all(|g| g.reply == Reply::Declined) {
                continue;
            }
            let weeks = if one.series.is_some() { 0..12 } else { 0..1 };
            for week in weeks {
                let shift = Duration::weeks(week);
                if one.series.as_ref().is_none_or(|s| !s.left_out.contains(&(one.start + shift))) {
                    all.push((one.start + shift, one.end() + shift, one));
                }
            }
        }
        all
    }

    /// The moments of everything that counts as evidence.
    pub(super) fn evidence(&self, deal: usize) -> Vec<DateTime<Utc>> {
        let buyers: Vec<String> = {
            let firm = self.world.deals[deal].firm();
            self.world.deals[deal].row.people.iter().map(|p| Party::of(firm, *p).email).collect()
        };
        let domain = self.world.deals[deal].firm().domain;
        let mail = self
            .letters_of(deal)
            .filter(|l| l.headers.is_empty())
            .filter(|l| buyers.contains(&l.from.email) || l.from.email.ends_with(&format!("@{domain}")))
            .map(|l| l.at);
        let held = self
            .meetings_of(deal)
            .into_iter()
            .filter(|(_, end, one)| one.confirmed && *end <= self.office.now)
            .map(|(start, ..)| start);
        mail.chain(held).collect()
    }

    /// The moments of everything that shows that something was done: evidence, and our own mail.
    pub(super) fn signs(&self, deal: usize) -> Vec<DateTime<Utc>> {
        let ours = self.letters_of(deal).filter(|l| l.from.ours()).map(|l| l.at);
        ours.chain(self.evidence(deal)).collect()
    }

    /// What the window of the move to `moves[n]` holds.
    pub(super) fn window(&self, index: usize, n: usize) -> Found {
        let deal = &self.world.deals[index];
        let (entered, moved) = (self.at(deal, deal.moves[n - 1].0), self.at(deal, deal.moves[n].0));
        let from = entered.max(moved - Duration::days(14));
        let to = self.at(deal, deal.moves[n].0 + 2 * DAY);
        let inside = |at: DateTime<Utc>| at >= from && at <= to;
        // Later evidence resolves as well.
        if self.evidence(index).into_iter().any(|at| at >= from) {
            return Found::Evidence;
        }
        let pending = |tie: &Tie| matches!(tie, Tie::Pending(deals) if deals.contains(&index));
        let waits = self.world.letters.iter().zip(&self.letters).any(|(l, t)| inside(l.at) && pending(t))
            || self.world.meetings.iter().zip(&self.meetings).any(|(m, t)| inside(m.start) && pending(t));
        let blind = self.office.date(-BLIND_UNTIL * DAY).and_time(chrono::NaiveTime::MIN).and_utc();
        if waits || (deal.owner == 3 && from < blind) {
            return Found::Unknown;
        }
        let ours = self.letters_of(index).any(|l| l.from.ours() && inside(l.at));
        let meeting = self.meetings_of(index).iter().any(|(start, end, _)| inside(*start) && *end <= self.office.now);
        let typed = self.world.typed.iter().any(|t| t.deal == index && t.kind == "call" && inside(t.at));
        if ours || meeting || typed { Found::OneSided } else { Found::Nothing }
    }

    /// The findings of the first five rules: rule and state.
    pub(super) fn findings(&self, index: usize) -> Vec<(&'static str, &'static str)> {
        let deal = &self.world.deals[index];
        let mut found = Vec::new();
        for n in 1..deal.moves.len() {
            let due = self.at(deal, deal.moves[n].0 + 2 * DAY);
            if deal.moves[n].1 == LOST || due >= self.office.now {
                continue;
            }
            match self.window(index, n) {
                Found::Evidence => {}
                Found::OneSided => found.push(("one_sided_advance", "open")),
                Found::Nothing => found.push(("unsupported_advance", "open")),
                Found::Unknown => found.push(("unsupported_advance", "unknown")),
            }
        }
        if deal.stage() >= WON {
            return found;
        }
        let ahead: Vec<DateTime<Utc>> =
            self.meetings_of(index).into_iter().map(|(start, ..)| start).filter(|s| *s > self.office.now).collect();
        let latest = self.evidence(index).into_iter().max().unwrap_or(DateTime::UNIX_EPOCH);
        let soon = ahead.iter().any(|s| *s - self.office.now <= Duration::days(14));
        if latest < self.at(deal, -10 * DAY) && !soon {
            found.push(("gone_quiet", "open"));
        }
        let task = self.world.tasks.iter().any(|t| t.deal == index && t.done.is_none());
        if deal.stage() >= 1 && ahead.is_empty() && !task {
            found.push(("no_next_step", "open"));
        }
        if deal.close < self.office.today {
            found.push(("overdue_close", "open"));
        }
        found
    }

    /// Outsiders who took part in the last sixty days.
    pub(super) fn outsiders(&self, index: usize) -> usize {
        let since = self.office.now - Duration::days(60);
        let mail = self
            .letters_of(index)
            .filter(|l| l.at >= since)
            .flat_map(|l| l.to.iter().chain(&l.cc).chain([&l.from]).map(|p| p.email.clone()));
        let met = self
            .meetings_of(index)
            .into_iter()
            .filter(|(start, end, _)| *start >= since && *end <= self.office.now)
            .flat_map(|(_, _, m)| m.guests.iter().map(|g| g.party.email.clone()).collect::<Vec<_>>());
        let all: std::collections::BTreeSet<String> =
            mail.chain(met).filter(|e| !e.ends_with("fernlicht.example")).collect();
        all.len()
    }

    /// A customer's mail of more than two working days ago, after which none of us wrote.
    pub(super) fn owed(&self, index: usize) -> bool {
        let deal = &self.world.deals[index];
        let last_in = self.letters_of(index).filter(|l| l.evidence).map(|l| l.at).max();
        let last_out = self.letters_of(index).filter(|l| l.from.ours()).map(|l| l.at).max();
        let closing =
            matches!(deal.row.plant, Plant::GoneQuiet | Plant::CommitWithoutEvidence | Plant::OverdueNextStep);
        !closing && last_in.is_some_and(|at| at < self.at(deal, -2 * DAY) && last_out.is_none_or(|out| out < at))
    }
}

/// Span and addresses of each deal, worked out once.
struct Known {
    code: String,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    emails: Vec<String>,
}

fn known(office: &Office, world: &World) -> Vec<Known> {
    let one = |deal: &Deal| {
        let (from, to) = (deal.moves[0].0, deal.moves[deal.moves.len() - 1].0);
        Known {
            code: format!("[{}]", deal.id),
            from: office.moment(from, deal.zone()),
            to: if deal.open() { DateTime::<Utc>::MAX_UTC } else { office.moment(to, deal.zone()) },
            emails: deal.row.people.iter().map(|p| Party::of(deal.firm(), *p).email).collect(),
        }
    };
    world.deals.iter().map(one).collect()
}

fn by_code_or_role<'p>(
    deals: &[Known],
    subject: &str,
    parties: impl Iterator<Item = &'p Party>,
    at: DateTime<Utc>,
) -> Tie {
    let open = |deal: &Known| deal.from <= at && at < deal.to;
    if let Some(n) = deals.iter().position(|d| subject.contains(&d.code)) {
        return if open(&deals[n]) { Tie::Deal(n) } else { Tie::None };
    }
    let emails: Vec<&str> = parties.map(|p| p.email.as_str()).collect();
    let takes_part = |d: &Known| d.emails.iter().any(|e| emails.contains(&e.as_str()));
    let mut all: Vec<usize> = (0..deals.len()).filter(|n| open(&deals[*n]) && takes_part(&deals[*n])).collect();
    match all.len() {
        0 => Tie::None,
        1 => Tie::Deal(all.remove(0)),
        _ => Tie::Pending(all),
    }
}
