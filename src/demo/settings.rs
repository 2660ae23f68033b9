//! The sample company's `dealtrail.toml`: only keys of the documented configuration, only paths below its folder.

use std::fmt::Write as _;

use chrono::Duration;

use super::cast::{
    COMPETITORS, EXCLUDED_DOMAIN, FREE_MAIL, OURS, OWN, OWN_DOMAIN, OWN_ZONE, PARTNER_DOMAIN, PORTAL, REPS,
};
use super::noise::SINCE;
use super::office::{DAY, Office};
use super::plan::BLIND_UNTIL;
use super::world::Party;

pub(super) fn text(office: &Office) -> String {
    let mut out = String::from(
        "# The sample company of `dealtrail demo`. Everything it names lies in this folder; the demo writes it anew\n\
         # together with mail, calendars and CRM export when they are older than a day.\n\n\
         [database]\nurl = \"sqlite:dealtrail.db\"\n\n",
    );
    organization(&mut out, office);
    for (name, manager) in [("dach", super::cast::MIA), ("international", super::cast::OLIVER)] {
        let _ = writeln!(out, "[[team]]\nname = \"{name}\"\nmanager = \"{}\"\n", Party::own(manager).email);
    }
    users(&mut out);
    connections(&mut out, office);
    rules(&mut out);
    out
}

fn organization(out: &mut String, office: &Office) {
    let holidays: Vec<String> = office.holidays.iter().map(|d| format!("\"{d}\"")).collect();
    let _ = write!(
        out,
        "[organization]\nname = \"{OWN}\"\ndomains = [\"{OWN_DOMAIN}\"]\ntimezone = \"{OWN_ZONE}\"\n\
         working_days = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"]\nholidays = [{}]\n\n\
         [capture]\nsince = \"{}\"\ncontent = \"text\"\nexclude = [\"*@{EXCLUDED_DOMAIN}\"]\n\n",
        holidays.join(", "),
        office.today - Duration::days(SINCE),
    );
}

fn users(out: &mut String) {
    for (n, one) in OURS.iter().enumerate().filter(|(_, o)| !o.role.is_empty()) {
        let _ = writeln!(
            out,
            "[[user]]\nemail = \"{}\"\nname = \"{} {}\"\nrole = \"{}\"",
            Party::own(n).email,
            one.given,
            one.family,
            one.role
        );
        if !one.team.is_empty() {
            let _ = writeln!(out, "team = \"{}\"", one.team);
        }
        if n == 0 {
            let _ = writeln!(out, "aliases = [\"a.keller@{OWN_DOMAIN}\"]");
        }
        if one.zone != OWN_ZONE {
            let _ = writeln!(out, "timezone = \"{}\"", one.zone);
        }
        out.push('\n');
    }
}

fn connections(out: &mut String, office: &Office) {
    for (n, one) in OURS.iter().enumerate().take(REPS) {
        let (key, owner) = (one.key, Party::own(n).email);
        let _ = writeln!(
            out,
            "[[connection]]\nname = \"{key}-mail\"\nconnector = \"maildir\"\nowner = \"{owner}\"\npath = \"mail/{key}\""
        );
        if key == "ben" {
            let _ = writeln!(
                out,
                "# Ben's mailbox moved that day; what came before lies on the old server and is not read.\n\
                 since = \"{}\"",
                office.date(-BLIND_UNTIL * DAY)
            );
        }
        let _ = writeln!(
            out,
            "\n[[connection]]\nname = \"{key}-calendar\"\nconnector = \"ics\"\nowner = \"{owner}\"\npath = \"cal/{key}\"\n"
        );
    }
    out.push_str("[[connection]]\nname = \"crm\"\nconnector = \"csv\"\npath = \"crm\"\n\n");
}

fn rules(out: &mut String) {
    let competitors: Vec<String> = COMPETITORS.iter().map(|c| format!("\"{c}\"")).collect();
    let _ = write!(
        out,
        "[gaps]\namount_for_high = 100000\n\n\
         [gaps.missing_evidence]\nstages = {{ \"Proposal\" = [\"quote_sent\"] }}\n\n\
         [matching]\ndeal_code = \"OPP-[0-9]+\"\nfree_mail = [\"{FREE_MAIL}\"]\n\n\
         [documents]\nportals = [\"{PORTAL}\"]\n\n\
         [competitors]\nnames = [{}]\n\n\
         [[partner]]\ndomains = [\"{PARTNER_DOMAIN}\"]\n\n\
         [[target]]\nmetric = \"conversations\"\nper = \"week\"\ngoal = 12\n\n",
        competitors.join(", ")
    );
    for n in 0..REPS {
        let (amount, currency) = if n == 3 { (180_000, "USD") } else { (150_000, "EUR") };
        let _ = writeln!(
            out,
            "[[quota]]\nrep = \"{}\"\nper = \"quarter\"\namount = {amount}\ncurrency = \"{currency}\"\n",
            Party::own(n).email
        );
    }
}
