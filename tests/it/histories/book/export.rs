//! The CRM's export of the little world, and the configuration.

use std::fs;

use chrono::Duration;

use super::{Book, REPS, STAGES, THEM, start, text};

impl Book {
    fn csv(&self, name: &str, head: &str, rows: Vec<String>) {
        let text = std::iter::once(head.to_owned()).chain(rows).collect::<Vec<_>>().join("\n") + "\n";
        fs::write(self.dir.join("crm").join(format!("{name}.csv")), text).expect("a CSV file");
    }

    pub(super) fn write_crm(&self) {
        let created = text(start() - Duration::days(20));
        let filler = |row: fn(usize) -> String| (0..8).map(row).collect::<Vec<_>>();
        self.csv(
            "companies",
            "id,name,domains",
            vec!["C1,Buyer,buyer.example".into(), "C2,Other,other.example".into(), "C9,Filler,".into()],
        );
        let contacts = self.contacts.iter().enumerate().filter(|(_, c)| c.there).map(|(n, c)| {
            let second = if c.address { format!(";second{n}@home.example;pat@buyer.example") } else { String::new() };
            let merged = c.merged.map_or(String::new(), |m| format!("K{}", m + 1));
            let (company, name) = (c.company.unwrap_or_default(), &c.name);
            format!("K{},{name},{}{second},{company},{},{created},{merged}", n + 1, THEM[n], REPS[n % 2])
        });
        let rows =
            filler(|n| format!("F{n},Filler {n},f{n}@filler.example,C9,,,")).into_iter().chain(contacts).collect();
        self.csv("contacts", "id,name,emails,company_id,owner,created_at,merged_into", rows);
        self.csv(
            "stages",
            "id,pipeline,name,position,kind",
            [
                "s1,Sales,Lead,1,open",
                "s2,Sales,Proposal,2,open",
                "s3,Sales,Talks,3,open",
                "s4,Sales,Contract,4,open",
                "won,Sales,Won,5,won",
                "lost,Sales,Lost,6,lost",
            ]
            .map(str::to_owned)
            .to_vec(),
        );
        let deals = self.deals.iter().enumerate().filter(|(_, d)| d.there).map(|(n, d)| {
            let people: Vec<String> = d.people.iter().map(|p| format!("K{}", p + 1)).collect();
            let category = if d.commit { "commit" } else { "pipeline" };
            format!(
                "D{},Project {n},{},{},{},Sales,{},{},EUR,{},{category},{created}",
                n + 1,
                d.company,
                people.join(";"),
                REPS[d.owner],
                STAGES[d.stage],
                d.amount,
                d.close.date_naive()
            )
        });
        let head = "id,name,company_id,contact_ids,owner,pipeline,stage_id,amount,currency,close_date,forecast_category,created_at";
        let rows =
            filler(|n| format!("F{n},Old {n},C9,,ana@acme.example,Sales,lost,1,EUR,2025-01-01,pipeline,2024-01-01"));
        self.csv("deals", head, rows.into_iter().chain(deals).collect());
        let rows = filler(|n| format!("F{n},s1,lost,2025-01-01"));
        self.csv(
            "stage_changes",
            "deal_id,from_stage_id,to_stage_id,changed_at",
            rows.into_iter().chain(self.moves.clone()).collect(),
        );
        self.csv("deal_changes", "deal_id,field,from,to,changed_at", self.changes.clone());
        let rows = filler(|n| format!("TF{n},note,2024-01-0{},Old,,,ana@acme.example", n + 1));
        let typed = self.typed.iter().flatten().cloned();
        self.csv(
            "activities",
            "id,kind,occurred_at,subject,deal_id,contact_ids,owner",
            rows.into_iter().chain(typed).collect(),
        );
        let tasks = self.tasks.iter().map(|(row, done)| format!("{row},{}", done.map_or(String::new(), text)));
        self.csv("tasks", "id,deal_id,contact_id,owner,due,done_at", tasks.collect());
    }

    pub(super) fn write_config(&self) {
        let quote = if self.sketches { "\"sketch\"" } else { "" };
        let exclude = if self.excludes { "\"tom@buyer.example\"" } else { "" };
        let mut text = format!(
            "[database]\nurl = \"{}\"\n[organization]\ndomains = [\"acme.example\"]\ntimezone = \"Europe/Berlin\"\n\
             [capture]\nsince = \"2025-11-01\"\nhorizon = \"2026-12-31\"\nexclude = [{exclude}]\n\
             [documents]\nquote = [{quote}]\n\
             [competitors]\nnames = [\"Rivalsoft\"]\n[[partner]]\ndomains = [\"reseller.example\"]\n\
             [gaps.gone_quiet]\nafter = \"{}wd\"\n[gaps.missing_evidence]\nstages = {{ \"Talks\" = [\"meeting_held\", \"buyer_reply\"] }}\n\
             [gaps.activity_without_deal]\nactivities = 2\n[gaps.stalled]\nfrom_won = 1\n\
             [[target]]\nmetric = \"conversations\"\nper = \"quarter\"\ngoal = 9\n[[target]]\nmetric = \"emails_sent\"\nper = \"month\"\ngoal = 9\n\
             [[quota]]\nrep = \"ana@acme.example\"\nper = \"quarter\"\namount = 9000\ncurrency = \"EUR\"\n\
             [[connection]]\nname = \"crm\"\nconnector = \"csv\"\npath = \"crm\"\n",
            self.database, self.quiet
        );
        for rep in ["ana", "bob"] {
            text.push_str(&format!(
                "[[user]]\nemail = \"{rep}@acme.example\"\n\
                 [[connection]]\nname = \"{rep}-mail\"\nconnector = \"maildir\"\nowner = \"{rep}@acme.example\"\npath = \"mail/{rep}\"\n\
                 [[connection]]\nname = \"{rep}-cal\"\nconnector = \"ics\"\nowner = \"{rep}@acme.example\"\npath = \"cal/{rep}\"\n"
            ));
        }
        fs::write(self.config(), text).expect("the configuration");
    }
}
