//! What a configuration says once it is read, and what people are told about mistakes.

use std::{collections::BTreeSet, fmt::Write as _};

use chrono_tz::Tz;
use dealtrail_sdk::{Fault, FaultKind, Field, Gives, Kind, Need, Setup, Source};

use super::*;
use crate::domain::span::Span;

/// Looks at its settings as a connector does, and goes no further.
fn connect(setup: Setup) -> Result<Box<dyn Source>, Fault> {
    #[derive(serde::Deserialize)]
    #[expect(dead_code, reason = "only their types matter")]
    struct Looked {
        host: Option<String>,
        port: Option<u16>,
        tls: Option<Tls>,
        password: Option<dealtrail_sdk::Secret>,
        username: Option<String>,
        #[serde(default)]
        folders: dealtrail_sdk::folders::FolderChoice,
    }
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Tls {
        Implicit,
        Starttls,
        None,
    }
    setup.settings.read::<Looked>()?;
    Err(Fault::new(FaultKind::Unreachable, "a test connects to nothing"))
}

const fn field(name: &'static str, need: Need) -> Field {
    Field { name, need, help: "What it is for." }
}

static MAIL: Kind = Kind {
    name: "imap",
    title: "Mail",
    gives: Gives::Mail,
    local: false,
    settings: &[
        field("host", Need::Required),
        field("port", Need::Optional),
        field("tls", Need::Optional),
        field("allow_insecure", Need::Optional),
        field("username", Need::Optional),
        field("password", Need::Secret),
        field("folders", Need::Optional),
        field("path", Need::Optional),
    ],
    connect,
};
static FILES: Kind = Kind {
    name: "csv",
    title: "Files",
    gives: Gives::Crm,
    local: true,
    settings: &[field("path", Need::Required)],
    connect,
};

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("dealtrail.toml"), &[&MAIL, &FILES])
}

fn fault(text: &str) -> String {
    parse(text).expect_err(text).to_string()
}

/// A configuration that is right, with lines put behind it.
fn with(rest: &str) -> String {
    format!("[organization]\ndomains = [\"acme.example\"]\n[[user]]\nemail = \"ana@acme.example\"\n{rest}")
}

#[test]
fn every_key_of_the_contract_is_read() {
    let config = parse(&with(
        r#"
        name = "Ana"
        role = "admin"
        team = "north"
        aliases = ["A.Lopez@acme.example"]
        until = 2030-01-31
        working_days = ["mon", "sat"]
        [[team]]
        name = "north"
        timezone = "Europe/Madrid"
        working_hours = ["08:00", "12:00"]
        [capture]
        since = "2026-01-01"
        exclude = ["*@private.example", "lawyer@firm.example"]
        [[connection]]
        name = "ana-mail"
        connector = "imap"
        owner = "a.lopez@acme.example"
        host = "127.0.0.1"
        tls = "none"
        since = "30d"
        exclude = ["*@mine.example"]
        share = "metadata"
        poll = "30s"
        folders = { exclude = ["Junk"] }
        [[connection]]
        name = "crm"
        connector = "csv"
        path = "crm"
        writeback = "dry-run"
        oauth = { client_id = "x" }
        [gaps]
        amount_for_high = 1e5
        [gaps.gone_quiet]
        after = "8wd"
        stages = { "Negotiation" = "5wd", "Enterprise/Proposal" = { after = "7wd", enabled = true }, "Parked" = false }
        [gaps.missing_evidence]
        stages = { "Proposal" = ["quote_sent"] }
        [gaps.stalled]
        enabled = false
        [matching]
        subaddress = { "X.example" = "-" }
        [documents]
        portals = ["orders@portal.example", "Portal2.example"]
        [privacy]
        retention = { text = "24m", activity = "60m" }
        [[quota]]
        rep = "ana@acme.example"
        per = "quarter"
        amount = 100000
        currency = "eur"
        "#,
    ))
    .unwrap();
    let mail = config.connection("ana-mail").unwrap();
    assert_eq!(mail.owner.as_deref(), Some("ana@acme.example"), "an alias becomes the user");
    let capture = config.capture_of(mail);
    assert_eq!(capture.since, Since::Span(Span::Days(30)));
    assert_eq!(capture.exclude, ["*@private.example", "lawyer@firm.example", "*@mine.example"]);
    assert_eq!((Sharing::of(&config).level(["ana-mail"]), mail.poll.as_secs()), (Level::Metadata, 30));
    assert_eq!(config.connection("crm").unwrap().writeback, Writeback::DryRun);
    let calendar = config.calendar_of(Some("A.Lopez+x@acme.example"));
    assert_eq!(calendar.zone, chrono_tz::Europe::Madrid);
    assert_eq!(calendar.days, [true, false, false, false, false, true, false]);
    assert_eq!(calendar.hours.1.to_string(), "12:00:00");
    assert_eq!(config.zone_of("nobody@acme.example"), Tz::UTC);
    assert_eq!(config.users[0].until.unwrap().to_string(), "2030-01-31");
    let quiet = config.gaps.rule("gone_quiet");
    assert_eq!(quiet.span("after", None, "New"), Span::WorkDays(8));
    assert_eq!(quiet.span("after", Some("Enterprise"), "Proposal"), Span::WorkDays(7));
    assert!(!quiet.enabled_in(None, "Parked") && !config.gaps.rule("stalled").enabled());
    assert_eq!(config.gaps.rule("missing_evidence").words("needs", None, "Proposal"), ["quote_sent"]);
    assert_eq!(config.matching.subaddress.get("x.example"), Some(&'-'));
    assert_eq!(config.documents.portals, ["orders@portal.example", "portal2.example"]);
    assert_eq!(config.privacy.retention.text, Some(Span::Months(24)));
    assert_eq!(config.quotas[0].currency, "EUR");
    assert_eq!(format!("{config:?} {mail:?}"), "Config(dealtrail.toml) Connection(ana-mail, imap)");
}

/// Mistakes that stand alone.
const BARE: &[&str] = &[
    "",
    "[organization]\nname = \"Acme\"\n",
    "[organization]\ndomains = []\n",
    "[organization]\ndomains = \"acme.example\"\n",
    "[organization]\ndomians = [\"acme.example\"]\n",
    "[organization]\ndomains = [\n  \"acme.example\",\n  \"ana@acme.example\",\n]\n",
    "[organization]\ndomains = [\"co.uk\"]\n",
    "[organization]\ndomains = [\"acme.example\"]\ntimezone = \"Europe/Berln\"\n",
    "[organization]\ndomains = [\"acme.example\"]\nworking_days = [\"mo\"]\n",
    "[organization]\ndomains = [\"acme.example\"]\nworking_hours = \"17:00-09:00\"\n",
    "[organization]\ndomains = [\"acme.example\"]\nholidays = [\"25.12.2026\"]\n",
    "[organisation]\ndomains = [\"acme.example\"]\n",
    "[organization\n",
    "domains = [\"a.example\", ]]\n",
];

/// Mistakes behind a right organisation and user.
const BEHIND_A_USER: &[&str] = &[
    "[[user]]\nname = \"Bob\"\n",
    "[[user]]\nemail = \"bob\"\n",
    "[[user]]\nemail = \"ANA@acme.example\"\n",
    "[[user]]\nemail = \"bob@acme.example\"\naliases = [\"ana+x@acme.example\"]\n",
    "role = \"boss\"\n",
    "team = \"nroth\"\n[[team]]\nname = \"north\"\n",
    "[[team]]\nname = \"north\"\n[[team]]\nname = \"north\"\n",
    "[database]\nurl = \"mysql://x\"\n",
    "[server]\nlisten = \"8420\"\n",
    "[capture]\nsince = \"180\"\n",
    "[capture]\nsince = 180\n",
    "[capture]\ncontent = \"all\"\n",
    "[capture]\nexclude = [\"a b\"]\n",
    "[capture]\nexclude = [\"*@*\"]\n",
    "[capture]\nexcludes = []\n",
    "[matching]\ndeal_code = \"OPP-[\"\n",
    "[matching]\ndeal_code = \"[0-9]*\"\n",
    "[matching]\nsubaddress = { \"x.example\" = \"--\" }\n",
    "[privacy]\nno_ranking = \"yes\"\n",
    "[privacy]\nwaiting_days = -1\n",
    "[privacy]\nretention = { text = \"two years\" }\n",
    "[gaps]\namount_for_high = \"much\"\n",
    "[gaps.gone_quit]\nafter = \"10wd\"\n",
    "[gaps.gone_quiet]\nafer = \"10wd\"\n",
    "[gaps.gone_quiet]\nafter = \"10 days\"\n",
    "[gaps.gone_quiet]\nenabled = \"no\"\n",
    "[gaps.gone_quiet]\nstages = { \"Negotiation\" = \"5\" }\n",
    "[gaps.gone_quiet]\nstages = { \"Negotiation\" = { afer = \"5wd\" } }\n",
    "[gaps.missing_evidence]\nstages = { \"Proposal\" = [\"quote\"] }\n",
    "[gaps.skipped_stage]\nstages = { \"Proposal\" = \"5wd\" }\n",
    "[gaps]\ngone_quiet = 5\n",
    "[[partner]]\ndomains = []\n",
    "[[target]]\nmetric = \"calls\"\nper = \"weekly\"\ngoal = 5\n",
    "[[target]]\nmetric = \"meetings\"\nper = \"week\"\ngoal = 5\n",
    "[[target]]\nmetric = \"conversation\"\nper = \"week\"\ngoal = 5\n",
    "[[quota]]\nrep = \"ana@acme.example\"\nper = \"quater\"\namount = 1\ncurrency = \"EUR\"\n",
    "[[quota]]\nrep = \"ana@acme.example\"\nper = \"year\"\namount = 0\ncurrency = \"EUR\"\n",
];

/// Mistakes in connections.
const CONNECTIONS: &[&str] = &[
    "[[connection]]\nconnector = \"imap\"\n",
    "[[connection]]\nname = \"m\"\nconnector = \"imapp\"\n",
    "[[connection]]\nname = \"m\"\nconnector = \"imap\"\nowner = \"ana@acme.example\"\n",
    "[[connection]]\nname = \"m\"\nconnector = \"imap\"\nhost = \"h\"\n",
    "[[connection]]\nname = \"m\"\nconnector = \"imap\"\nhost = \"h\"\nshared = true\n",
    "[[connection]]\nname = \"m\"\nconnector = \"imap\"\nhost = \"h\"\nowner = \"anna@acme.example\"\n",
    "[[connection]]\nname = \"m\"\nconnector = \"imap\"\nhost = \"h\"\nshared = true\nmembers = [\"zoe@x.example\"]\n",
    "[[connection]]\nname = \"crm\"\nconnector = \"csv\"\npath = \"crm\"\nhorizn = \"1d\"\n",
    "[[connection]]\nname = \"crm\"\nconnector = \"csv\"\npath = \"crm\"\n[[connection]]\nname = \"crm\"\nconnector = \"csv\"\npath = \"x\"\n",
    "[[connection]]\nname = \"crm\"\nconnector = \"csv\"\npath = \"crm\"\nwriteback = \"yes\"\n",
];

/// Mistakes behind a right mailbox.
const BEHIND_A_MAILBOX: &[&str] = &[
    "hots = \"h\"\n",
    "port = \"993\"\n",
    "port = 99999\n",
    "tls = \"ssl\"\n",
    "folders = { exclud = [] }\n",
    "username = 5\n",
    "password = { env = \"X\" }\nport = true\n",
    "zzzzzzzz = 1\n",
    "tls = \"none\"\n",
    "password = 12345\n",
    "password = { environment = \"X\" }\n",
    "poll = \"fast\"\n",
    "share = \"everything\"\n",
    "shared = \"yes\"\n",
    "members = [\"ana@acme.example\"]\n",
];

const MAILBOX: &str =
    "[[connection]]\nname = \"m\"\nconnector = \"imap\"\nowner = \"ana@acme.example\"\nhost = \"h\"\n";

/// The sample that the documents show.
const DOCUMENTED: &str = r#"[database]
url = "sqlite:dealtrail.db"              # or postgres://user@host/db ; relative to this file

[server]
listen = "127.0.0.1:8420"
public_url = "http://127.0.0.1:8420"

[organization]
name = "Acme"
domains = ["acme.example"]               # internal
timezone = "Europe/Berlin"
working_days = ["mon", "tue", "wed", "thu", "fri"]
holidays = ["2026-12-25"]

[capture]
since = "180d"                           # back-fill: a span or a date
horizon = "365d"                         # how far ahead meetings are opened: a span or a date
content = "text"                         # metadata | subject | text
exclude = ["*@private.example", "lawyer@firm.example"]

[[team]]
name = "north"
manager = "mia@acme.example"

[[user]]
email = "ana@acme.example"
name = "Ana Lopez"
role = "rep"                             # rep | manager | admin
team = "north"
aliases = ["a.lopez@acme.example"]

[[connection]]                           # a mailbox
name = "ana-mail"
connector = "imap"
owner = "ana@acme.example"
host = "imap.acme.example"
port = 993
tls = "implicit"                         # implicit | starttls | none (none only to loopback unless allowed)
ca_file = "ca.pem"                       # optional
username = "ana"
password = { env = "ANA_PASSWORD" }      # or { file = "..." }, { secret = "NAME" }; or auth = "xoauth2" with an oauth table
folders = { exclude = ["Junk"] }         # default: all but drafts, spam, trash

[[connection]]                           # a mailbox on disk
name = "bob-mail"
connector = "maildir"                    # Maildir++ as Dovecot and mbsync lay it out; also "mbox"
owner = "bob@acme.example"
path = "mail/bob"

[[connection]]
name = "ana-calendar"
connector = "caldav"
owner = "ana@acme.example"
url = "https://dav.acme.example/ana/"    # server, principal, home or calendar: discovered
username = "ana"
password = { env = "ANA_PASSWORD" }

[[connection]]
name = "bob-calendar"
connector = "ics"                        # a file, a folder of .ics files, or an https/webcal feed
owner = "bob@acme.example"
path = "cal/bob"                         # or url = "..."

[[connection]]
name = "crm"
connector = "csv"                        # a CRM export on disk: contacts.csv companies.csv deals.csv stages.csv stage_changes.csv [activities.csv]
path = "crm"

[gaps]
amount_for_high = 50000                  # severity
[gaps.unsupported_advance]
lookback = "14d"                         # Nd calendar days, Nwd working days, Nwh working hours
grace = "2wd"
[gaps.gone_quiet]
after = "10wd"
stages = { "Negotiation" = "5wd", "Enterprise/Proposal" = "7wd" }   # stage, or pipeline/stage; every rule takes enabled = false and stages
[gaps.missing_evidence]
stages = { "Proposal" = ["quote_sent"], "Negotiation" = ["meeting_held", "buyer_reply"] }

[matching]
deal_code = "OPP-[0-9]+"                 # an explicit reference in subject or text
free_mail = ["mail.example"]             # added to the built-in list
subaddress = { "x.example" = "-" }       # default "+"
[documents]
quote = ["quote", "angebot", "devis"]    # added to the built-in patterns; also order, contract
portals = ["orders@portal.example"]
[competitors]
names = ["Rivalsoft"]
[privacy]
share = "subject"                        # metadata | subject | text
no_ranking = false
works_council = false
waiting_days = 400
retention = { text = "24m", activity = "60m" }
[connectors]
folder = "connectors.d"                  # connector descriptions of your own

[[partner]]
domains = ["reseller.example"]

[[target]]
metric = "conversations"                 # a column of the activity report
per = "week"
goal = 50
[[quota]]
rep = "ana@acme.example"
per = "quarter"
amount = 100000
currency = "EUR"
"#;

#[test]
fn the_documented_sample_is_right_once_its_people_are_listed() {
    let people = "\n[[user]]\nemail = \"bob@acme.example\"\n[[user]]\nemail = \"mia@acme.example\"\n";
    let read = |text: &str| Config::parse(text, Path::new("dealtrail.toml"), crate::registry::KINDS);
    let config = read(&format!("{DOCUMENTED}{people}")).unwrap();
    assert_eq!((config.connections.len(), config.warnings().len()), (5, 0));
    assert_eq!(config.gaps.rule("gone_quiet").span("after", Some("Enterprise"), "Proposal"), Span::WorkDays(7));
    assert_eq!(
        config.gaps.rule("missing_evidence").words("needs", None, "Negotiation"),
        ["meeting_held", "buyer_reply"]
    );
    let unknown = read(DOCUMENTED).unwrap_err().to_string();
    assert!(unknown.contains("`connection.owner`: bob@acme.example is no user"), "{unknown}");
}

#[test]
fn mistakes_are_named_with_line_key_and_what_is_expected() {
    let bare = BARE.iter().map(|t| (*t).to_owned());
    let user = BEHIND_A_USER.iter().chain(CONNECTIONS).map(|t| with(t));
    let mailbox = BEHIND_A_MAILBOX.iter().map(|t| with(&format!("{MAILBOX}{t}")));
    let cases: Vec<String> = bare.chain(user).chain(mailbox).collect();
    let mut said = String::new();
    for text in &cases {
        let last = text.strip_prefix(&with("")).unwrap_or(text).trim_end();
        let last = last.strip_prefix(MAILBOX).map_or_else(|| last.to_owned(), |rest| format!("... {rest}"));
        let fault = fault(text);
        assert!(!fault.contains("12345"), "a secret is never repeated");
        writeln!(said, "{}\n    {fault}", last.replace('\n', " | ")).unwrap();
    }
    insta::assert_snapshot!(said);
}

#[test]
fn secrets_are_looked_up_when_connecting() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("key"), "hidden\n").unwrap();
    let settings = |password: &str| {
        let text = with(&format!(
            "[[connection]]\nname = \"m\"\nconnector = \"imap\"\nowner = \"ana@acme.example\"\nhost = \"h\"\nport = 993\n\
             folders = {{ exclude = [\"Junk\"] }}\nsince = \"3d\"\npassword = {password}\n"
        ));
        let config = Config::parse(&text, &dir.path().join("dealtrail.toml"), &[&MAIL]).unwrap();
        config.connection_settings_with("m", &|name| (name == "kept").then(|| "sealed".to_owned()))
    };
    let ok = |password: &str| settings(password).unwrap().0;
    assert_eq!(
        serde_json::to_value(ok("\"plain\"")).unwrap(),
        serde_json::json!({ "host": "h", "port": 993, "folders": { "exclude": ["Junk"] }, "password": "plain" })
    );
    assert_eq!(ok("{ file = \"key\" }")["password"], "hidden");
    assert_eq!(ok("{ secret = \"kept\" }")["password"], "sealed");
    assert_eq!(ok("{ env = \"PATH\" }")["password"], std::env::var("PATH").unwrap());
    for (password, want) in [
        (
            "{ env = \"DEALTRAIL_NO_SUCH\" }",
            "connection `m`: `password` cannot be used: the environment variable DEALTRAIL_NO_SUCH is not set; set it before starting dealtrail",
        ),
        ("{ file = \"no\" }", "no cannot be read: there is no such file"),
        ("{ secret = \"gone\" }", "no secret named gone is stored; give it as { env = \"...\" } or { file = \"...\" }"),
    ] {
        let error = settings(password).unwrap_err().to_string();
        assert!(error.contains(want) && error.contains("connection `m`"), "{error}");
    }
    assert!(parse(&with("")).unwrap().connection_settings("m").unwrap_err().to_string().contains("no connection `m`"));
}

#[test]
fn what_is_risky_is_warned_about() {
    let text = "[organization]\ndomains = [\"gmail.com\"]\n[[team]]\nname = \"n\"\nmanager = \"m@acme.example\"\n\
        [[user]]\nemail = \"ana@acme.example\"\n[[connection]]\nname = \"m\"\nconnector = \"imap\"\nowner = \"ana@acme.example\"\nhost = \"h\"\npassword = \"hidden\"\n";
    let warnings = parse(text).unwrap().warnings().join("\n");
    assert!(!warnings.contains("hidden"));
    for want in [
        "connection `m`: `password` stands readable",
        "`organization.domains`: anybody",
        "`team.manager`: m@acme.example",
    ] {
        assert!(warnings.contains(want), "{warnings}");
    }
}

#[test]
fn the_database_stands_beside_the_file() {
    let url = |given: &str| {
        let text = with(&format!("[database]\nurl = \"{given}\"\n"));
        Config::parse(&text, Path::new("/etc/100%/dealtrail.toml"), &[]).unwrap().database_url()
    };
    assert_eq!(url("sqlite:dealtrail.db"), "sqlite:/etc/100%25/dealtrail.db");
    assert_eq!(url("sqlite:data/x.db?cache=private"), "sqlite:/etc/100%25/data/x.db?cache=private");
    assert_eq!(url("sqlite:/var/x.db"), "sqlite:/var/x.db");
    assert_eq!(url("sqlite:///var/x.db"), "sqlite:/var/x.db");
    assert_eq!(url("postgres://u@h/d"), "postgres://u@h/d");
    let memory = Config::parse(&with("[database]\nurl = \"sqlite::memory:\"\n"), Path::new("/etc/x.toml"), &[]);
    assert!(memory.unwrap_err().to_string().contains("sqlite:FILE"));
}

#[test]
fn finding_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let (here, there) = (dir.path().join("a.toml"), dir.path().join("b.toml"));
    std::fs::write(&here, "").unwrap();
    std::fs::write(&there, "").unwrap();
    let none = dir.path().join("none.toml");
    assert_eq!(choose(Some(here.clone()), Some(there.clone()), &[]), Ok(here.clone()));
    assert_eq!(choose(None, Some(there.clone()), &[&here]), Ok(there.clone()));
    assert_eq!(choose(None, None, &[&none, &there]), Ok(there));
    let named = choose(Some(none.clone()), None, &[&here]).unwrap_err().to_string();
    assert!(named.contains("none.toml, which --config names"), "{named}");
    let said = choose(None, None, &[&none]).unwrap_err().to_string();
    assert!(said.contains("dealtrail init") && said.contains("dealtrail demo"), "{said}");
    let missing = Config::load(&none).unwrap_err().to_string();
    assert!(missing.contains("none.toml: there is no such file"), "{missing}");
}

#[test]
fn the_fingerprint_follows_what_decides() {
    let base = with("[[connection]]\nname = \"crm\"\nconnector = \"csv\"\npath = \"crm\"\n");
    let print = |text: &str| parse(text).unwrap().fingerprint();
    let changed = [
        base.replace("acme.example\"]", "acme.example\", \"acme.test\"]"),
        base.replace("ana@", "anne@"),
        format!("{base}since = \"10d\"\n"),
        format!("{base}[capture]\nexclude = [\"x@y.example\"]\n"),
        format!("{base}[matching]\nfree_mail = [\"y.example\"]\n"),
        format!("{base}[[partner]]\ndomains = [\"y.example\"]\n"),
        format!("{base}[documents]\nquote = [\"y\"]\n"),
    ];
    let all: BTreeSet<String> = changed.iter().map(|t| print(t)).chain([print(&base)]).collect();
    assert_eq!(all.len(), changed.len() + 1);
    for same in
        [format!("{base}poll = \"1h\"\n"), format!("{base}[gaps.gone_quiet]\nafter = \"3d\"\n"), format!("# x\n{base}")]
    {
        assert_eq!(print(&same), print(&base));
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(\\[{1,2}(user|gaps|connection|organization)\\]{1,2}\n|[a-z]{1,8} = (1|\"x\"|\\[\"a\"\\]|\\{ a = 1 \\}|2026-01-01)\n|\\PC{0,6}\n){0,8}") {
        let _ = parse(&text);
    }
}
