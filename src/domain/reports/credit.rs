//! Who an activity counts for. Rows of reps may add up to more than their team, which counts each activity once.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::super::{
    activity::{Activity, Direction, Entity, Kind, Participant, Role},
    directory::{Deal, Directory, User},
    matching,
};

/// An activity with what counting needs besides.
#[derive(Clone, Debug)]
pub struct Happened {
    pub activity: Activity,
    /// Then `occurred_at` is midnight UTC of the date.
    pub all_day: bool,
    pub thread: Option<String>,
    pub sightings: Vec<Sighting>,
    /// So many that count alike, of which this is one: more than one only where nobody asks which.
    pub times: u64,
}

/// In whose mailbox, calendar or CRM list it was seen.
#[derive(Clone, Debug, Default)]
pub struct Sighting {
    /// The connection's owner, or the owner of a typed entry; folded email.
    pub owner: Option<String>,
    /// Of a shared mailbox: the members. `None`: it is not shared.
    pub members: Option<Vec<String>>,
}

/// Whom it counts for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credit<'a> {
    /// Users' emails.
    pub users: BTreeSet<&'a str>,
    /// The teams of these users, and teams to which it counts without any one of them.
    pub teams: BTreeSet<&'a str>,
}

/// Sent to the From user; received to the To users, else the Cc users; a meeting to the users who organise or attend; else
/// to the owners of its sightings. A shared mailbox credits its team; what comes after a rep has left counts for the owner
/// of the deal.
pub fn credit<'a>(happened: &'a Happened, directory: &'a Directory) -> Credit<'a> {
    let activity = &happened.activity;
    let mut credit = Credit::default();
    let named = named(activity);
    if named.is_empty() {
        for sighting in &happened.sightings {
            match (&sighting.members, &sighting.owner) {
                (Some(members), owner) => {
                    let people = members.iter().chain(owner).filter_map(|email| directory.user(email));
                    credit.teams.extend(people.filter_map(|u| u.team.as_deref()));
                }
                (None, Some(owner)) => credit.add(owner, activity, directory),
                (None, None) => {}
            }
        }
    }
    for user in named {
        credit.add(user, activity, directory);
    }
    credit
}

/// The users that the activity itself names. The store keeps them beside it: another rule here needs a migration there.
pub fn named(activity: &Activity) -> BTreeSet<&str> {
    let with = |roles: &[Role]| -> BTreeSet<&str> {
        let people = activity.participants.iter().filter(|p| roles.contains(&p.role));
        people.filter_map(|p| p.user.as_deref()).collect()
    };
    match (activity.kind, activity.direction) {
        (Kind::Email, Some(Direction::Inbound)) => {
            let to = with(&[Role::To]);
            if to.is_empty() { with(&[Role::Cc]) } else { to }
        }
        (Kind::Email, _) => with(&[Role::From]),
        (Kind::Meeting, _) => with(&[Role::Organizer, Role::Required, Role::Optional]),
        (Kind::Call | Kind::Note, _) => with(Role::ALL),
    }
}

/// Participants of whom [`named`] names these users.
pub fn naming<'u>(kind: Kind, direction: Option<Direction>, users: impl Iterator<Item = &'u str>) -> Vec<Participant> {
    let role = match (kind, direction) {
        (Kind::Email, Some(Direction::Inbound)) => Role::To,
        (Kind::Meeting, _) => Role::Required,
        _ => Role::From,
    };
    let one = |user: &str| Participant {
        address: user.to_owned(),
        name: None,
        role,
        contact: None,
        user: Some(user.to_owned()),
    };
    users.map(one).collect()
}

impl<'a> Credit<'a> {
    fn add(&mut self, email: &'a str, activity: &'a Activity, directory: &'a Directory) {
        let Some(user) = directory.user(email) else { return };
        if !has_left(user, activity.occurred_at) {
            self.users.insert(&user.email);
            self.teams.extend(user.team.as_deref());
            return;
        }
        let deals = activity.ids(Entity::Deal).filter_map(|id| directory.deals.get(id));
        let heirs = deals.map(|deal| matching::owner_at(deal, activity.occurred_at));
        let heirs: Vec<&User> = heirs
            .filter_map(|owner| directory.user(owner))
            .filter(|heir| !has_left(heir, activity.occurred_at))
            .collect();
        if heirs.is_empty() {
            self.teams.extend(user.team.as_deref());
        }
        for heir in heirs {
            self.users.insert(&heir.email);
            self.teams.extend(heir.team.as_deref());
        }
    }
}

pub fn has_left(user: &User, at: DateTime<Utc>) -> bool {
    user.until.is_some_and(|until| until < at)
}

/// Somebody who sells: no manager, still here, and in a team or the owner of a deal.
pub fn is_rep(user: &User, directory: &Directory, at: DateTime<Utc>) -> bool {
    let owns = |deal: &Deal| directory.user(&deal.owner).is_some_and(|owner| owner.email == user.email);
    !user.manager && !has_left(user, at) && (user.team.is_some() || directory.deals.values().any(owns))
}

/// The emails of all who sell, as [`is_rep`] says.
pub fn reps(directory: &Directory, at: DateTime<Utc>) -> BTreeSet<&str> {
    directory.ours.users.iter().filter(|u| is_rep(u, directory, at)).map(|u| u.email.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::office::{
        ANA, BEN, CLEO, deal, directory, handed_over, happened, meeting, received, sent, t, users,
    };
    use super::*;

    #[test]
    fn who_gets_the_credit() {
        let mut users = users();
        users[0].until = Some(t("11-10"));
        let directory = directory(users, vec![], vec![handed_over(deal("d1", ANA, 1.0, "EUR"), "11-11", CLEO)]);
        let mut cc = received("m", "11-02", &["sales@acme.example"], "t");
        cc.activity.participants[0].user = None;
        let shared = cc.clone().seen_in_shared(&[BEN, CLEO]);
        cc.activity.participants.push(crate::domain::activity::Participant {
            role: Role::Cc,
            ..received("x", "11-02", &[BEN], "t").activity.participants[0].clone()
        });
        let mut declined = meeting("m", "11-02", &[BEN, CLEO]);
        let bens = declined.activity.participants.iter_mut().filter(|p| p.user.as_deref() == Some(BEN));
        bens.for_each(|p| p.role = Role::Declined);
        let cases: Vec<(&str, Happened, &[&str], &[&str])> = vec![
            ("who declined was not there", declined, &[CLEO], &["south"]),
            ("sent", sent("m", "11-02", ANA, "t").seen_by(BEN), &[ANA], &["north"]),
            ("received by two", received("m", "11-02", &[ANA, CLEO], "t"), &[ANA, CLEO], &["north", "south"]),
            ("received in copy", cc, &[BEN], &["north"]),
            ("a shared mailbox", shared, &[], &["north", "south"]),
            ("a blind copy", received("m", "11-02", &[], "t").seen_by(BEN), &[BEN], &["north"]),
            ("a meeting", meeting("m", "11-02", &[ANA, BEN]), &[ANA, BEN], &["north"]),
            ("a delegated calendar", meeting("m", "11-02", &[]).seen_by(CLEO), &[CLEO], &["south"]),
            ("typed", happened("c", Kind::Call, "11-02", &[]).typed_by(BEN), &[BEN], &["north"]),
            ("nobody", happened("c", Kind::Call, "11-02", &[]), &[], &[]),
            ("after she left", received("m", "11-12", &[ANA], "t").on("d1"), &[CLEO], &["south"]),
            ("after she left, no deal", received("m", "11-12", &[ANA], "t"), &[], &["north"]),
            ("nobody's user", sent("m", "11-02", "ghost@acme.example", "t"), &[], &[]),
        ];
        for (name, happened, users, teams) in cases {
            let credit = credit(&happened, &directory);
            assert_eq!(credit.users.iter().copied().collect::<Vec<_>>(), users, "{name}");
            assert_eq!(credit.teams.iter().copied().collect::<Vec<_>>(), teams, "{name}");
        }
    }
}
