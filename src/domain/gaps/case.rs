//! One deal with everything that judging it needs: what is known of it, the activities tied to it, to its contacts and, just after
//! it was closed, to its company, and what our capture could see. The store fills it; nothing here reads a clock or a database.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Duration, Utc};

use super::{
    super::{
        activity::{Activity, Entity, Kind, Origin, Status},
        directory::{Deal, Directory, StageKind, Task, User},
        matching,
        thresholds::GapSettings,
        working::WorkCalendar,
    },
    backdrop::{self, Backdrop},
    evidence::{self, Side, Weight},
    moves,
    sight::{Capture, Needed, Sight},
    stays::Stays,
};

/// What all deals judged in one pass share.
#[derive(Debug)]
pub struct Facts<'a> {
    pub directory: &'a Directory,
    pub thresholds: &'a GapSettings,
    /// By the user's folded email. A user who is absent has nothing connected.
    pub captures: BTreeMap<String, Capture>,
    /// By the user's folded email: the user's own, else the team's, else the organisation's.
    pub calendars: &'a HashMap<String, WorkCalendar>,
    /// The organisation's, for owners who are no users of ours.
    pub calendar: WorkCalendar,
    /// How long won deals stayed in each stage: made of the same directory.
    pub stays: &'a Stays,
    pub now: DateTime<Utc>,
}

/// How an activity hangs together with the deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// Matched to the deal.
    Deal,
    /// Matched to one of the deal's contacts, who had no other open deal then.
    Contact,
    /// Of the deal's company, given to no deal, soon after the deal was closed.
    Company,
    /// The choice is pending, and this deal is one of the candidates.
    Pending,
}

#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    pub activity: &'a Activity,
    pub tie: Tie,
    pub weight: Weight,
}

impl Seen<'_> {
    pub fn at(&self) -> DateTime<Utc> {
        self.activity.occurred_at
    }

    pub fn is_partner(&self) -> bool {
        self.weight == Weight::OneSided(Side::Partner)
    }

    pub fn is_evidence(&self) -> bool {
        self.tie != Tie::Pending && self.weight == Weight::Evidence
    }

    /// Did people on it do something together? Our own mail says so too; a machine's mail, what is still to come and what
    /// was only typed do not.
    pub fn is_captured(&self) -> bool {
        match self.weight {
            Weight::Evidence => !self.activity.automatic,
            Weight::OneSided(Side::OurMail | Side::Partner) => true,
            Weight::OneSided(Side::UnconfirmedMeeting) => self.activity.origin == Origin::Captured,
            Weight::OneSided(Side::TypedCall) | Weight::Nothing => false,
        }
    }
}

#[derive(Debug)]
pub struct Case<'a> {
    pub facts: &'a Facts<'a>,
    pub deal: &'a Deal,
    /// Oldest first.
    pub seen: Vec<Seen<'a>>,
    /// Everything that the case was made with, whatever deal it belongs to; oldest first.
    pub near: Vec<&'a Activity>,
    /// What those of [`super::awaited`] did elsewhere: it may answer, and is otherwise no matter of this deal.
    pub elsewhere: Vec<&'a Activity>,
    pub backdrop: &'a Backdrop,
    /// Open or done; tied to the deal, or to a contact who has no other open deal now.
    pub tasks: Vec<&'a Task>,
}

impl<'a> Case<'a> {
    /// `activities`: at least those matched to the deal, those matched to one of its contacts (see [`Case::contacts_of`]),
    /// those whose undecided deals name it, and those of its company for which [`closed_lately`] holds. More of them, twice or
    /// in any order does no harm: what does not belong to the deal is left out here. `tasks` likewise.
    pub fn new(
        facts: &'a Facts<'a>,
        deal: &'a Deal,
        activities: impl IntoIterator<Item = &'a Activity>,
        tasks: impl IntoIterator<Item = &'a Task>,
    ) -> Self {
        let contacts = Self::contacts_of(facts.directory, deal);
        let mut near: Vec<&'a Activity> = activities.into_iter().collect();
        near.sort_by(|a, b| (a.occurred_at, &a.id).cmp(&(b.occurred_at, &b.id)));
        near.dedup_by(|a, b| a.id == b.id);
        let seen: Vec<Seen<'a>> = near
            .iter()
            .filter_map(|activity| {
                let tie = tie(facts.directory, deal, &contacts, activity)?;
                let weight = evidence::weigh(facts.directory, deal, activity, facts.now);
                Some(Seen { activity, tie, weight })
            })
            .collect();
        let mut tasks: Vec<&'a Task> = tasks
            .into_iter()
            .filter(|task| match (&task.deal, &task.contact) {
                (Some(id), _) => *id == deal.id,
                (None, Some(contact)) => {
                    let contact = facts.directory.survivor(contact);
                    contacts.contains(contact) && is_sole(facts.directory, deal, contact, facts.now)
                }
                (None, None) => false,
            })
            .collect();
        tasks.sort_by(|a, b| (a.due, &a.id).cmp(&(b.due, &b.id)));
        tasks.dedup_by(|a, b| a.id == b.id);
        Self { facts, deal, seen, near, elsewhere: vec![], backdrop: &backdrop::NOTHING, tasks }
    }

    #[must_use]
    pub fn and_elsewhere(self, elsewhere: impl IntoIterator<Item = &'a Activity>) -> Self {
        Self { elsewhere: elsewhere.into_iter().collect(), ..self }
    }

    /// The first activity, near or elsewhere, for which this holds.
    pub fn first(&self, holds: impl Fn(&Activity) -> bool) -> Option<&'a Activity> {
        let near = self.near.iter().copied().find(|a| holds(a));
        let elsewhere = self.elsewhere.iter().copied().filter(|a| holds(a));
        near.into_iter().chain(elsewhere).min_by(|a, b| (a.occurred_at, &a.id).cmp(&(b.occurred_at, &b.id)))
    }

    /// The same with what is known beside the activities.
    #[must_use]
    pub fn before(self, backdrop: &'a Backdrop) -> Self {
        Self { backdrop, ..self }
    }

    /// The deal's contacts, each as the one that merged it in.
    pub fn contacts_of<'d>(directory: &'d Directory, deal: &'d Deal) -> BTreeSet<&'d str> {
        deal.contacts.iter().map(|role| directory.survivor(&role.contact)).collect()
    }

    /// Whose capture judging the deal asks for: who owned it at any time, whose planned steps are near, and who typed what is.
    /// Folded emails.
    pub fn watched<'d>(directory: &'d Directory, deal: &'d Deal, backdrop: &'d Backdrop) -> BTreeSet<&'d str> {
        let handed = deal.field_changes.iter().filter(|c| c.field == "owner");
        let had = handed.flat_map(|c| [&c.from, &c.to]).flatten().chain([&deal.owner]);
        let planned = directory.tasks_near(&deal.id).map(|task| &task.owner);
        let email = |owner: &'d String| directory.user(owner).map_or(owner.as_str(), |user| user.email.as_str());
        let typed = backdrop.typists.values().flatten();
        had.chain(planned).chain(typed).map(email).collect()
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.facts.now
    }

    pub fn is_open(&self) -> bool {
        match self.facts.directory.stages.get(&self.deal.stage) {
            Some(stage) => stage.kind == StageKind::Open,
            None => self.deal.closed_at.is_none_or(|closed| closed > self.now()),
        }
    }

    /// Nothing is asked of a lost deal any more.
    pub fn is_lost(&self) -> bool {
        self.facts.directory.stage_kind(&self.deal.stage) == StageKind::Lost
    }

    /// The owner at a moment: our user's email where the owner is one of us.
    pub fn owner_at(&self, at: DateTime<Utc>) -> &'a str {
        let owner = matching::owner_at(self.deal, at);
        self.facts.directory.user(owner).map_or(owner, |user| user.email.as_str())
    }

    pub fn user(&self, email: &str) -> Option<&'a User> {
        self.facts.directory.user(email)
    }

    pub fn calendar(&self, owner: &str) -> &'a WorkCalendar {
        self.facts.calendar_of(owner)
    }

    /// Could the capture of one owner see the span?
    pub fn sight_of(&self, owner: &str, needed: Needed) -> Sight {
        self.facts.sight_of(owner, needed)
    }

    /// Could the capture of whoever owned the deal see the span, each for his own time? What came later than `to` need not
    /// have been read; a connection that fails must have come as far as `until`.
    pub fn sight_over(&self, from: DateTime<Utc>, to: DateTime<Utc>, until: DateTime<Utc>) -> Sight {
        let handed = self.deal.field_changes.iter().filter(|c| c.field == "owner").map(|c| c.at);
        let mut starts: Vec<DateTime<Utc>> = handed.filter(|at| *at > from && *at <= until).collect();
        starts.push(from);
        starts.sort_unstable();
        let mut sight = Sight::default();
        for (i, start) in starts.iter().enumerate() {
            let needed = match starts.get(i + 1) {
                Some(end) => Needed { at: *start, from: *start, to: *end, failing_to: *end },
                None => Needed { at: until, from: *start, to: to.max(*start), failing_to: until },
            };
            sight.merge(self.sight_of(self.owner_at(*start), needed));
        }
        sight
    }

    /// Meetings with the deal's people that are still to end, soonest first; those with a pending choice are left out.
    pub fn planned(&self) -> impl Iterator<Item = &Seen<'a>> {
        self.seen.iter().filter(|s| s.tie != Tie::Pending && is_planned(s.activity, self.now()))
    }

    /// The outsiders who took part in an activity, each by the contact or else the address. A partner is not the buyer.
    pub fn outsiders(&self, seen: &Seen<'a>) -> BTreeSet<&'a str> {
        evidence::outsiders(self.facts.directory, self.deal, seen.activity)
    }

    /// What would count if it were known to belong to the deal.
    pub fn pending(&self) -> impl Iterator<Item = &Seen<'a>> {
        self.seen.iter().filter(|s| s.tie == Tie::Pending)
    }

    /// The last sign from the buyer's side since the deal was opened.
    pub fn last_sign(&self) -> Option<&Seen<'a>> {
        let open_since = moves::open_since(self.deal, self.facts.directory);
        self.evidence().next_back().filter(|s| open_since.is_none_or(|since| s.at() >= since))
    }

    pub fn evidence(&self) -> impl DoubleEndedIterator<Item = &Seen<'a>> {
        self.seen.iter().filter(|s| s.is_evidence())
    }
}

pub fn is_planned(activity: &Activity, now: DateTime<Utc>) -> bool {
    activity.kind == Kind::Meeting && activity.status_at(now) == Status::Planned
}

fn tie(directory: &Directory, deal: &Deal, contacts: &BTreeSet<&str>, activity: &Activity) -> Option<Tie> {
    if activity.ids(Entity::Deal).any(|id| id == deal.id) {
        return Some(Tie::Deal);
    }
    // A contested activity is nobody's evidence until somebody has chosen, whoever took part in it.
    if activity.undecided.contains(&deal.id) {
        return Some(Tie::Pending);
    }
    // What was given to another deal says nothing about this one.
    let elsewhere = activity.ids(Entity::Deal).next().is_some();
    let mut known = activity.ids(Entity::Contact).map(|id| directory.survivor(id)).filter(|id| contacts.contains(id));
    if !elsewhere && known.any(|contact| is_sole(directory, deal, contact, activity.occurred_at)) {
        return Some(Tie::Contact);
    }
    // Somebody whom the CRM does not know signs the order a day after the deal was won: no deal is open to give it to.
    let company = deal.company.as_deref().filter(|_| activity.is_loose())?;
    let of_company = activity.ids(Entity::Company).any(|id| id == company);
    let open = |id: &String| directory.deals.get(id).is_some_and(|d| directory.open_at(d, activity.occurred_at));
    let only = || !directory.deals_of_company(company).iter().any(open);
    (of_company && closed_lately(directory, deal, activity.occurred_at) && only()).then_some(Tie::Company)
}

/// So long after a deal was closed what its company does may still belong to it.
const AFTER: Duration = Duration::days(14);

/// Had the deal been closed a short time before?
pub fn closed_lately(directory: &Directory, deal: &Deal, at: DateTime<Utc>) -> bool {
    let lately = |closed: DateTime<Utc>| closed <= at && at - closed <= AFTER;
    closings(directory, deal).any(lately) && !directory.open_at(deal, at)
}

/// When it was closed first.
pub fn first_closed(directory: &Directory, deal: &Deal) -> Option<DateTime<Utc>> {
    closings(directory, deal).min()
}

fn closings(directory: &Directory, deal: &Deal) -> impl Iterator<Item = DateTime<Utc>> {
    let changes = deal.stage_changes.iter().filter(|c| directory.stage_kind(&c.to) != StageKind::Open);
    changes.map(|c| c.at).chain(deal.closed_at)
}

/// Has the contact no other open deal at that time?
fn is_sole(directory: &Directory, deal: &Deal, contact: &str, at: DateTime<Utc>) -> bool {
    let mut others = directory.deals_of_contact(contact).iter().filter(|id| **id != deal.id);
    !others.any(|id| directory.deals.get(id).is_some_and(|other| directory.open_at(other, at)))
}
