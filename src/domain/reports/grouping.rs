//! How single people may be shown: by name, in teams only, or in no group below a size. Pure; what is asked of it is what the
//! reports and the pages show to others than the person concerned.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{
    super::directory::{Directory, User},
    Row, Table, Value,
    credit::{has_left, is_rep},
};

/// Below this size a group is not shown where a works council watches.
pub const SMALLEST_GROUP: usize = 5;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    #[default]
    People,
    /// Teams only.
    Teams,
    /// Groups of [`SMALLEST_GROUP`] or more only.
    LargeTeams,
}

/// The groups that may be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    pub teams: BTreeSet<String>,
    /// All together: not where their number, less the teams that are shown, would tell of a few.
    pub everybody: bool,
    /// There are teams that are not shown.
    pub hidden: bool,
}

impl Grouping {
    /// By the settings `privacy.no_ranking` and `privacy.works_council`.
    pub fn of(no_ranking: bool, works_council: bool) -> Self {
        match (works_council, no_ranking) {
            (true, _) => Self::LargeTeams,
            (false, true) => Self::Teams,
            (false, false) => Self::People,
        }
    }

    /// The setting that asks for it.
    pub fn setting(self) -> &'static str {
        match self {
            Self::LargeTeams => "privacy.works_council",
            Self::Teams | Self::People => "privacy.no_ranking",
        }
    }

    /// The groups of those who were still here at this moment. Who manages or sells nothing makes no group larger.
    pub fn shown(self, directory: &Directory, at: DateTime<Utc>) -> Shown {
        let users = &directory.ours.users;
        let here: Vec<&User> = users.iter().filter(|u| !has_left(u, at)).collect();
        let reps = |all: &[&User]| all.iter().filter(|u| is_rep(u, directory, at)).count();
        let of = |team: &str| here.iter().filter(|u| u.team.as_deref() == Some(team)).copied().collect::<Vec<_>>();
        let teams: BTreeSet<&str> = users.iter().filter_map(|u| u.team.as_deref()).collect();
        let sizes: BTreeMap<&str, usize> = teams.into_iter().map(|team| (team, reps(&of(team)))).collect();
        let large = |size: usize| self != Self::LargeTeams || size >= SMALLEST_GROUP;
        let teams: BTreeSet<String> =
            sizes.iter().filter(|(_, size)| large(**size)).map(|(team, _)| (*team).to_owned()).collect();
        let rest: Vec<&User> =
            here.iter().filter(|u| u.team.as_ref().is_none_or(|t| !teams.contains(t))).copied().collect();
        let everybody = large(reps(&here)) && (rest.is_empty() || large(reps(&rest)));
        Shown { hidden: teams.len() < sizes.len(), teams, everybody }
    }

    /// Leaves out of a report what it would tell of single people or small groups. `own`: it is one person's own page.
    pub fn narrow(self, table: &mut Table, directory: &Directory, at: DateTime<Utc>, own: bool) {
        if self == Self::People {
            return;
        }
        let shown = self.shown(directory, at);
        if let (Some(row), Some(team)) = (table.column("row"), table.column("team")) {
            table.rows.retain(|r| match (&r.cells[row], &r.cells[team]) {
                (Value::Text(kind), _) if kind == "rep" => own,
                (Value::Text(kind), Value::Text(team)) if kind == "team" => shown.teams.contains(team),
                (Value::Text(kind), _) if kind == "all" => shown.everybody,
                _ => true,
            });
        }
        if let Some(owner) = table.column("owner").filter(|_| !own) {
            table.rows.iter_mut().for_each(|r: &mut Row| r.cells[owner] = Value::None);
        }
        if !own {
            table.notes.push(self.note(&shown));
        }
    }

    fn note(self, shown: &Shown) -> String {
        let only = match self {
            Self::LargeTeams => format!("groups of {SMALLEST_GROUP} or more"),
            Self::Teams | Self::People => "teams".to_owned(),
        };
        let hidden = if shown.hidden || !shown.everybody { "; smaller ones are left out" } else { "" };
        format!("Only {only} are shown ({}){hidden}.", self.setting())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Column, office},
        *,
    };

    /// Users of these teams; `-` is none, a trailing `!` has left, a trailing `^` manages.
    fn users(teams: &[&str]) -> Vec<User> {
        let user = |(n, team): (usize, &&str)| User {
            email: format!("u{n}@acme.example"),
            name: format!("U{n}"),
            team: Some(team.trim_end_matches(['!', '^']).to_owned()).filter(|t| t != "-"),
            manager: team.ends_with('^'),
            aliases: vec![],
            until: team.ends_with('!').then(|| office::t("01-05")),
        };
        teams.iter().enumerate().map(user).collect()
    }

    /// With a deal for each who is in no team and manages nothing.
    fn directory(teams: &[&str]) -> Directory {
        let users = users(teams);
        let alone = users.iter().filter(|u| u.team.is_none());
        let deals = alone.map(|u| office::deal(&u.email, &u.email, 1.0, "EUR")).collect();
        office::directory(users, vec![], deals)
    }

    fn shown(grouping: Grouping, teams: &[&str]) -> (Vec<String>, bool, bool) {
        let shown = grouping.shown(&directory(teams), office::t("11-20"));
        (shown.teams.into_iter().collect(), shown.everybody, shown.hidden)
    }

    #[test]
    fn groups_that_may_be_shown() {
        let n = ["n"; 5];
        let with = |more: &[&'static str]| [&n[..], more].concat();
        let names = |all: &[&str]| all.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        for (teams, want, everybody, hidden) in [
            (with(&[]), names(&["n"]), true, false),
            // the rest would be told by what is left of all
            (with(&["s"]), names(&["n"]), false, true),
            (with(&["s", "s", "s", "-"]), names(&["n"]), false, true),
            (with(&["s", "s", "s", "s", "s"]), names(&["n", "s"]), true, false),
            (with(&["s", "s", "t", "t", "-"]), names(&["n"]), true, true),
            (with(&["n!", "s!"]), names(&["n"]), true, true),
            (vec!["n", "n", "n", "n", "n!"], names(&[]), false, true),
            (with(&["n^"]), names(&["n"]), true, false),
            (vec!["n", "n", "n", "n", "n^"], names(&[]), false, true),
            // what is left of all would be the manager's
            (with(&["-^"]), names(&["n"]), false, false),
            (vec!["-"; 5], names(&[]), true, false),
            (vec!["-"; 4], names(&[]), false, false),
            (vec![], names(&[]), false, false),
        ] {
            assert_eq!(shown(Grouping::LargeTeams, &teams), (want, everybody, hidden), "{teams:?}");
        }
        assert_eq!(shown(Grouping::Teams, &["n", "s", "-"]), (names(&["n", "s"]), true, false));
        assert_eq!(Grouping::of(true, true), Grouping::LargeTeams);
        assert_eq!((Grouping::of(true, false), Grouping::of(false, false)), (Grouping::Teams, Grouping::People));
    }

    fn table() -> Table {
        let column = |key: &str| Column { key: key.into(), title: key.into() };
        let row = |cells: [&str; 4]| Row {
            cells: cells.into_iter().map(|c| if c.is_empty() { Value::None } else { Value::Text(c.into()) }).collect(),
            evidence: BTreeMap::from([("sent".to_owned(), vec!["a".to_owned()])]),
        };
        let day = "2026-11-20".parse().expect("a date");
        Table {
            name: "activity".into(),
            from: day,
            to: day,
            columns: ["row", "rep", "team", "owner"].map(column).into(),
            rows: vec![
                row(["rep", "u0@acme.example", "n", "U0"]),
                row(["team", "", "n", "U0"]),
                row(["team", "", "s", ""]),
                row(["all", "", "", ""]),
            ],
            notes: vec![],
        }
    }

    #[test]
    fn what_is_left_of_a_report() {
        let left = |grouping: Grouping, teams: &[&str], own: bool| {
            let mut table = table();
            grouping.narrow(&mut table, &directory(teams), office::t("11-20"), own);
            let rows = table.rows.iter().map(|r| format!("{} {}", r.cells[0].text(), r.cells[2].text()));
            (rows.collect::<Vec<_>>().join(", "), table.notes.join(" "), table.text().contains("U0"))
        };
        let (n, s) = (["n"; 5], ["n", "n", "n", "n", "n", "s"]);
        assert_eq!(left(Grouping::People, &n, false), ("rep n, team n, team s, all ".into(), String::new(), true));
        let note = "Only teams are shown (privacy.no_ranking).".to_owned();
        assert_eq!(left(Grouping::Teams, &s, false), ("team n, team s, all ".into(), note, false));
        let note = "Only groups of 5 or more are shown (privacy.works_council)";
        assert_eq!(left(Grouping::LargeTeams, &n, false), ("team n, all ".into(), format!("{note}."), false));
        let less = format!("{note}; smaller ones are left out.");
        assert_eq!(left(Grouping::LargeTeams, &s, false), ("team n".into(), less, false));
        assert_eq!(left(Grouping::LargeTeams, &s, true), ("rep n, team n".into(), String::new(), true));
    }
}
