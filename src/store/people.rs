//! Users made by command or in the web app; those of the configuration file are not here.

use super::{Store, StoreError};
use crate::args;

#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Folded.
    pub email: String,
    pub name: String,
    /// `rep`, `manager` or `admin`.
    pub role: String,
    pub team: Option<String>,
    pub aliases: Vec<String>,
}

impl Store {
    pub async fn people(&self) -> Result<Vec<Person>, StoreError> {
        let sql = "select email, name, role, team, aliases from people where name <> '' order by email";
        let rows = self.db.rows(sql, vec![]).await?;
        rows.iter()
            .map(|r| {
                Ok(Person {
                    email: r.text(0),
                    name: r.text(1),
                    role: r.text(2),
                    team: r.opt_text(3),
                    aliases: serde_json::from_str(&r.text(4))?,
                })
            })
            .collect()
    }

    pub async fn save_person(&self, p: &Person) -> Result<(), StoreError> {
        let sql = "insert into people (email, name, role, team, aliases) values ($1, $2, $3, $4, $5) on conflict (email) do update \
                   set name = excluded.name, role = excluded.role, team = excluded.team, aliases = excluded.aliases";
        let aliases = serde_json::to_string(&p.aliases)?;
        self.db.exec(sql, args![&p.email, &p.name, &p.role, p.team.clone(), aliases]).await?;
        Ok(())
    }

    /// True when there was such a person.
    pub async fn remove_person(&self, email: &str) -> Result<bool, StoreError> {
        Ok(self.db.exec("delete from people where email = $1", args![email]).await? > 0)
    }

    /// Sets the password's hash, also for a user of the configuration file.
    pub async fn set_password(&self, email: &str, hash: &str) -> Result<(), StoreError> {
        let sql = "insert into people (email, name, role, team, aliases, password) values ($1, '', '', null, '[]', $2) \
                   on conflict (email) do update set password = excluded.password";
        self.db.exec(sql, args![email, hash]).await?;
        Ok(())
    }
}
