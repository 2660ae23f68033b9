//! What the options of lists and reports name: a rep, a deal, a contact, a state, a day. What nobody and nothing has is
//! refused with the nearest that is known: an empty list means that there is nothing, never that a name was mistyped.

use chrono::{Datelike as _, NaiveDate};

use super::{Usage, lists::fold};
use crate::{
    app::App,
    config::fault::nearest,
    domain::directory::{Contact, Directory},
};

/// The user with this address or alias, else somebody who owns something in the CRM.
///
/// # Errors
/// [`Usage`] when nobody has this address.
pub fn rep(app: &App, given: &str) -> Result<String, Usage> {
    let folded = fold(app, given);
    let known = app.engine.known();
    let dir = &known.directory;
    if let Some(user) = dir.user(&folded) {
        return Ok(user.email.clone());
    }
    let users = dir.ours.users.iter().flat_map(|u| std::iter::once(&u.email).chain(&u.aliases));
    let owners = dir.deals.values().map(|d| &d.owner).chain(dir.contacts.values().filter_map(|c| c.owner.as_ref()));
    let changed = dir.deals.values().flat_map(|d| d.field_changes.iter().filter(|c| c.field == "owner"));
    let owners = owners.chain(changed.filter_map(|c| c.from.as_ref()));
    let all: Vec<&str> = users.chain(owners).map(String::as_str).collect();
    if all.contains(&folded.as_str()) {
        return Ok(folded);
    }
    Err(refused(&format!("there is no rep {given}"), &folded, &all, "`dealtrail user list` shows them"))
}

/// Every address under which somebody works: his own first.
pub fn addresses(app: &App, rep: &str) -> Vec<String> {
    let known = app.engine.known();
    let aliases = known.directory.user(rep).map(|u| u.aliases.clone()).unwrap_or_default();
    std::iter::once(rep.to_owned()).chain(aliases).collect()
}

/// Is this owner, perhaps named by an alias, the rep that is wanted?
pub fn is_of(dir: &Directory, owner: &str, rep: Option<&str>) -> bool {
    rep.is_none_or(|rep| dir.user(owner).map_or(owner, |u| &u.email) == rep)
}

/// A deal of the CRM, or one that is gone there and still has findings.
///
/// # Errors
/// [`Usage`] when there is no such deal; else when the database fails.
pub async fn deal(app: &App, given: &str) -> anyhow::Result<String> {
    let known = app.engine.known();
    let deals = &known.directory.deals;
    if deals.contains_key(given) || !app.store.findings_of(given).await?.is_empty() {
        return Ok(given.to_owned());
    }
    let all: Vec<&str> = deals.keys().map(String::as_str).collect();
    Err(refused(&format!("there is no deal {given}"), given, &all, "`dealtrail deals` lists them").into())
}

/// A contact by id or by address; of a merged one, who took it in.
///
/// # Errors
/// [`Usage`] when there is no such contact.
pub fn contact(app: &App, given: &str) -> Result<String, Usage> {
    let known = app.engine.known();
    let dir = &known.directory;
    if let Some(contact) = dir.contact_by_address(&fold(app, given)) {
        return Ok(contact.id.clone());
    }
    if dir.contacts.contains_key(given) {
        return Ok(dir.survivor(given).to_owned());
    }
    let contacts = dir.contacts.values();
    let all: Vec<&str> = if given.contains('@') {
        contacts.flat_map(|c: &Contact| &c.emails).map(String::as_str).collect()
    } else {
        dir.contacts.keys().map(String::as_str).collect()
    };
    Err(refused(&format!("there is no contact {given}"), given, &all, "`dealtrail contacts` lists them"))
}

/// One of a few words.
///
/// # Errors
/// [`Usage`] with all of them.
pub fn one_of<'a>(what: &str, given: &str, all: &[&'a str]) -> Result<&'a str, Usage> {
    let found = all.iter().find(|word| given.eq_ignore_ascii_case(word));
    found.copied().ok_or_else(|| {
        let near = near(given, all).map_or_else(String::new, |n| format!("did you mean `{n}`? "));
        Usage(format!("there is no {what} `{given}`; {near}there are {}", all.join(", ")))
    })
}

/// A day as it is written on the command line.
///
/// # Errors
/// One sentence that says what is expected.
pub fn day(text: &str) -> Result<NaiveDate, String> {
    let day = text.parse().ok().filter(|d: &NaiveDate| (1900..=9999).contains(&d.year()));
    day.ok_or_else(|| "expected a day such as 2026-03-31".to_owned())
}

/// Refuses days in the wrong order.
///
/// # Errors
/// [`Usage`].
pub fn in_order(from: Option<NaiveDate>, to: Option<NaiveDate>) -> Result<(), Usage> {
    match (from, to) {
        (Some(from), Some(to)) if from > to => Err(Usage(format!("--from {from} is after --to {to}"))),
        _ => Ok(()),
    }
}

/// What is wrong, and the nearest that is known or where all are to be seen.
pub fn refused(what: &str, given: &str, all: &[&str], where_all: &str) -> Usage {
    if all.is_empty() {
        return Usage(format!("{what}; none is known yet, `dealtrail sync` reads them from the CRM"));
    }
    Usage(match near(given, all) {
        Some(near) => format!("{what}; did you mean `{near}`?"),
        None => format!("{what}; {where_all}"),
    })
}

/// Ids are short: where nothing but the length would agree, there is no nearest.
fn near<'a>(given: &str, all: &[&'a str]) -> Option<&'a str> {
    let folded = given.to_lowercase();
    let some = |name: &&&str| strsim::damerau_levenshtein(&folded, &name.to_lowercase()) < folded.chars().count();
    nearest(given, all.iter().filter(some).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_that_is_known() {
        let all = ["D1", "D27", "open", "ana@acme.example"];
        for (given, want) in [
            ("d1", Some("D1")),
            ("D2", Some("D1")),
            ("X9", None),
            ("opne", Some("open")),
            ("anna@acme.example", Some("ana@acme.example")),
            ("zoe@elsewhere.example", None),
            ("", None),
        ] {
            assert_eq!(near(given, &all), want, "{given}");
        }
        assert_eq!(
            refused("no", "x", &[], "there").0,
            "no; none is known yet, `dealtrail sync` reads them from the CRM"
        );
        assert_eq!(refused("no", "zzzzzz", &["a"], "see there").0, "no; see there");
    }

    #[test]
    fn words_and_days() {
        assert_eq!(one_of("state", "Open", &["open", "won"]).ok(), Some("open"));
        let said = one_of("state", "opened", &["open", "won"]).map_err(|e| e.0);
        assert_eq!(said, Err("there is no state `opened`; did you mean `open`? there are open, won".to_owned()));
        assert!(day("2026-03-31").is_ok() && day("2028-02-29").is_ok());
        for wrong in ["", "yesterday", "2026-02-30", "31.03.2026", "+99999-01-01", "0001-01-01"] {
            assert!(day(wrong).is_err_and(|e| e.contains("2026-03-31")), "{wrong}");
        }
        assert!(in_order(day("2026-03-31").ok(), day("2026-03-30").ok()).is_err());
        assert!(in_order(day("2026-03-31").ok(), day("2026-03-31").ok()).is_ok());
    }
}
