//! `review`: the queue of pending deal choices.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{
    Usage,
    lists::{Shown, fold, local},
    output::{self, Column, Format, say},
    shapes, wanted,
};
use crate::{
    app::App,
    domain::activity::Entity,
    store::{activities, activities::Chosen, lists::Filter},
};

/// Activities whose deal no rule could decide. The answer is remembered for the whole thread.
#[derive(Args, Debug)]
pub struct Review {
    #[command(subcommand)]
    pub action: Option<Action>,
    /// Who decides; else the first admin of the configuration
    #[arg(long, value_name = "EMAIL", global = true)]
    pub by: Option<String>,
    #[command(flatten)]
    pub shown: Shown,
}

#[derive(Debug, Subcommand)]
pub enum Action {
    /// What waits for a choice (the default)
    List,
    /// Take the tie as it is, or the first candidate
    Accept { activity: String },
    /// The activity belongs to none of its deals
    Reject { activity: String },
    /// The activity belongs to this deal
    Link { activity: String, deal: String },
}

impl Review {
    /// # Errors
    /// When the activity or deal does not exist, or the database fails.
    pub async fn run(self, app: &App) -> anyhow::Result<u8> {
        let (activity, choice) = match &self.action {
            None | Some(Action::List) => return self.list(app).await,
            Some(Action::Accept { activity }) => (activity, None),
            Some(Action::Reject { activity }) => (activity, Some(None)),
            Some(Action::Link { activity, deal }) => (activity, Some(Some(deal.clone()))),
        };
        let mut tx = app.store.begin().await?;
        let stored = activities::by_ids(&mut tx, std::slice::from_ref(activity)).await?.pop();
        drop(tx);
        let Some(stored) = stored else {
            return Err(Usage(format!("there is no activity {activity}; `dealtrail review` lists what waits")).into());
        };
        let current: Vec<String> = stored.activity.ids(Entity::Deal).map(str::to_owned).collect();
        let candidates: Vec<String> = current.iter().chain(&stored.activity.undecided).cloned().collect();
        let chosen: Vec<(String, bool)> = match choice {
            None => {
                vec![(candidates.first().cloned().ok_or_else(|| Usage("it has no candidate to accept".into()))?, true)]
            }
            Some(None) => candidates.iter().map(|d| (d.clone(), false)).collect(),
            Some(Some(deal)) => {
                let known = app.engine.known();
                if !known.directory.deals.contains_key(&deal) {
                    let all: Vec<&str> = known.directory.deals.keys().map(String::as_str).collect();
                    let what = format!("there is no deal {deal}");
                    return Err(wanted::refused(&what, &deal, &all, "`dealtrail deals` lists them").into());
                }
                let others = current.iter().filter(|d| **d != deal).map(|d| (d.clone(), false));
                others.chain([(deal.clone(), true)]).collect()
            }
        };
        let by = who(app, self.by.as_deref())?;
        for (deal, linked) in &chosen {
            let now = app.clock.now();
            app.engine
                .choose(&Chosen {
                    activity: activity.clone(),
                    deal: deal.clone(),
                    linked: *linked,
                    by: by.clone(),
                    at: now,
                })
                .await?;
        }
        for (deal, linked) in chosen {
            say!("activity {activity} {} deal {deal}", if linked { "now belongs to" } else { "does not belong to" })?;
        }
        Ok(0)
    }

    async fn list(&self, app: &App) -> anyhow::Result<u8> {
        let all = app.store.activities(&Filter { undecided: true, ..Filter::default() }).await?;
        let all = app.store.with_sightings(all).await?;
        let now = app.clock.now();
        let rows: Vec<_> = all
            .iter()
            .map(|(s, sightings)| {
                let mut row = shapes::activity(s, sightings, now);
                if self.shown.format == Format::Table {
                    row.insert("when".into(), json!(local(app, s.activity.occurred_at)));
                }
                row
            })
            .collect();
        let columns = [
            Column("when", "When"),
            Column("kind", "Kind"),
            Column("users", "Of"),
            Column("subject", "Subject"),
            Column("undecided", "Which deal"),
            Column("id", "Activity"),
        ];
        let empty = "Nothing waits for a choice. When a contact has several open deals and no rule can tell which, the activity appears here.";
        output::list(self.shown.format, &columns, &rows, empty)?;
        Ok(0)
    }
}

/// One of us who decides: the one named, else the first admin.
pub(super) fn who(app: &App, named: Option<&str>) -> Result<String, Usage> {
    let admin = || app.config.users.iter().find(|u| u.role == crate::config::UserRole::Admin).map(|u| u.email.clone());
    let Some(by) = named.map(str::to_owned).or_else(admin) else {
        return Err(Usage("who decides? no user is an admin, so say --by EMAIL".into()));
    };
    let known = app.engine.known();
    let user = known.directory.user(&fold(app, &by)).map(|u| u.email.clone());
    user.ok_or_else(|| {
        let all: Vec<&str> = known.directory.ours.users.iter().map(|u| u.email.as_str()).collect();
        let what = format!("there is no user {by} who could decide");
        wanted::refused(&what, &by, &all, "`dealtrail user list` shows them")
    })
}
