//! Gaps as they were judged last.

use super::{Row, Store, StoreError, Tx, at, ms};
use crate::{
    args,
    domain::gaps::{Finding, Rule, Severity, State, Weighed},
};

fn finding(row: &Row) -> Result<Finding, StoreError> {
    Ok(serde_json::from_str(row.str(0))?)
}

/// `None`: of a rule that another version of the program knows.
fn weighed(row: &Row, state: State) -> Option<Weighed> {
    Some(Weighed {
        id: row.text(0),
        rule: Rule::parse(row.str(1))?,
        state,
        severity: Severity::parse(row.str(2))?,
        subject: row.text(3),
        owner: row.opt_text(4),
        since: at(row.int(5)),
    })
}

/// The place of a column's word in the order of all of them.
fn place<W: std::fmt::Display>(column: &str, all: &[W]) -> String {
    let whens: String = all.iter().enumerate().map(|(place, word)| format!(" when '{word}' then {place}")).collect();
    format!("case {column}{whens} end")
}

pub async fn of_deals(tx: &mut Tx, deals: &[String]) -> Result<Vec<Finding>, StoreError> {
    let rows = tx.rows_in("select body from findings where deal in ({in}) order by id", deals).await?;
    rows.iter().map(finding).collect()
}

/// Of contacts, companies and typed entries: by [`Finding::subject`].
pub async fn of_subjects(tx: &mut Tx, subjects: &[String]) -> Result<Vec<Finding>, StoreError> {
    let rows = tx.rows_in("select body from findings where subject in ({in}) order by id", subjects).await?;
    rows.iter().map(finding).collect()
}

/// By its id.
pub async fn by_id(tx: &mut Tx, id: &str) -> Result<Option<Finding>, StoreError> {
    let rows = tx.rows("select body from findings where id = $1", args![id]).await?;
    rows.first().map(finding).transpose()
}

/// Findings that still ask for something.
pub async fn live(tx: &mut Tx) -> Result<Vec<Finding>, StoreError> {
    let rows = tx.rows("select body from findings where state not in ('withdrawn', 'resolved')", vec![]).await?;
    rows.iter().map(finding).collect()
}

pub async fn save(tx: &mut Tx, all: &[Finding]) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(all.len());
    for f in all {
        rows.push(args![
            &f.id,
            f.rule.as_str(),
            f.subject(),
            f.deal.clone(),
            &f.key,
            f.state.as_str(),
            f.severity.as_str(),
            f.owner.clone(),
            ms(f.since),
            f.late,
            serde_json::to_string(f)?,
        ]);
    }
    let tail = "on conflict (id) do update set state = excluded.state, severity = excluded.severity, owner = excluded.owner, since = excluded.since, late = excluded.late, body = excluded.body";
    tx.insert(
        "insert into findings (id, rule, subject, deal, occurrence, state, severity, owner, since, late, body)",
        tail,
        rows,
    )
    .await
}

impl Store {
    /// All findings, by deal, then those on no deal.
    pub async fn findings(&self) -> Result<Vec<Finding>, StoreError> {
        let sql = "select body from findings order by case when deal is null then 1 else 0 end, deal, subject, id";
        self.db.read(sql, vec![], finding).await
    }

    /// What the findings in some states weigh, in no order: of these owners, or of all and nobody.
    pub async fn weighed(&self, states: &[State], owners: Option<&[String]>) -> Result<Vec<Weighed>, StoreError> {
        let mut all = Vec::new();
        for &state in states {
            let weighed = |r: &Row| Ok(weighed(r, state));
            let sql = format!("select id, rule, severity, subject, owner, since from findings where state = '{state}'");
            let found = match owners {
                Some(owners) => self.db.read_in(&format!("{sql} and owner in ({{in}})"), owners, weighed).await?,
                None => self.db.read(&sql, vec![], weighed).await?,
            };
            all.extend(found.into_iter().flatten());
        }
        Ok(all)
    }

    /// The worst finding of each subject among those in some states, in no order: what [`Weighed::worst_per_deal`] chooses.
    pub async fn worst(&self, states: &[State]) -> Result<Vec<Finding>, StoreError> {
        let among: Vec<String> = states.iter().map(|s| format!("'{s}'")).collect();
        let (state, rule) = (place("f.state", State::ALL), place("f.rule", Rule::ALL));
        let severity = place("f.severity", Severity::ALL);
        let sql = format!(
            "select x.body from (select f.body, row_number() over (partition by f.subject order by {state}, {severity} desc, \
             {rule}, f.since desc, f.id) as place from findings f where f.state in ({})) x where x.place = 1",
            among.join(", ")
        );
        self.db.read(&sql, vec![], finding).await
    }

    /// Of these owners, or of each, what a day's page may show: every open finding of the listed rules, and the worst of each of
    /// so many subjects. In no order.
    pub async fn shown(
        &self,
        owners: Option<&[String]>,
        listed: &[Rule],
        subjects: usize,
    ) -> Result<Vec<Finding>, StoreError> {
        let rules: Vec<String> = listed.iter().map(|rule| format!("'{rule}'")).collect();
        let of = if owners.is_some() { "owner in ({in})" } else { "owner is not null" };
        let order = "severity desc, rule, since desc, id";
        let sql = format!(
            "select f.body from findings f join (select y.id from (select x.id, x.word, x.among, row_number() over \
               (partition by x.owner, case when x.among = 1 then 1 else 0 end order by {order}) as place from (select w.*, \
                 row_number() over (partition by owner, subject order by {order}) as among from (select id, owner, subject, since, \
                   rule as word, {} as rule, {} as severity from findings where state = 'open' and {of}) w) x) y \
               where y.word in ({}) or (y.among = 1 and y.place <= {subjects})) z on z.id = f.id",
            place("rule", Rule::ALL),
            place("severity", Severity::ALL),
            rules.join(", ")
        );
        match owners {
            Some(owners) => self.db.read_in(&sql, owners, finding).await,
            None => self.db.read(&sql, vec![], finding).await,
        }
    }

    /// Some by their ids, in no order.
    pub async fn findings_by_ids(&self, ids: &[String]) -> Result<Vec<Finding>, StoreError> {
        self.db.read_in("select body from findings where id in ({in})", ids, finding).await
    }

    /// Those about a deal, whatever became of them.
    pub async fn findings_on(&self, deal: &str) -> Result<Vec<Finding>, StoreError> {
        self.db.read("select body from findings where deal = $1 order by subject, id", args![deal], finding).await
    }

    /// Those about contacts, companies and typed entries, by [`Finding::subject`].
    pub async fn findings_about(&self, subjects: &[String]) -> Result<Vec<Finding>, StoreError> {
        let sql = "select body from findings where subject in ({in}) order by subject, id";
        self.db.read_in(sql, subjects, finding).await
    }

    /// Findings after an id, in the order of their ids.
    pub async fn findings_after(&self, id: &str, most: i64) -> Result<Vec<Finding>, StoreError> {
        let sql = "select body from findings where id > $1 order by id limit $2";
        self.db.read(sql, args![id, most], finding).await
    }
}
