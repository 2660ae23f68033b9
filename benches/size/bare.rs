//! The same questions in bare SQL, written by hand for the tables as they are: what a person who knows the schema would type. Where
//! the whole report is no single question, they ask for less than it shows, never for more.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use dealtrail::{
    args,
    domain::gaps,
    store::{Arg, Db, Store},
};

/// Row -> column -> number; rows of noughts are left out.
pub type Answer = BTreeMap<String, BTreeMap<String, i64>>;

/// One statement: its first column names the row, the others are numbers.
pub struct Part {
    sql: String,
    args: Vec<Arg<'static>>,
    columns: &'static [&'static str],
}

impl Part {
    pub const fn new(sql: String, args: Vec<Arg<'static>>, columns: &'static [&'static str]) -> Self {
        Self { sql, args, columns }
    }

    /// With other names for its numbers.
    pub fn renamed(self, columns: &'static [&'static str]) -> Self {
        Self { columns, ..self }
    }
}

/// A span of time, and now.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub now: DateTime<Utc>,
}

impl Span {
    pub fn ms(&self) -> Vec<Arg<'static>> {
        args![self.from.timestamp_millis(), self.to.timestamp_millis(), self.now.timestamp_millis()]
    }

    pub fn text(&self) -> Vec<Arg<'static>> {
        let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        args![text(self.from), text(self.to)]
    }
}

/// Runs the statements and adds up what they say.
pub async fn answer(store: &Store, parts: Vec<Part>) -> Answer {
    let mut all = Answer::new();
    for part in parts {
        let sql = dialect(&store.db, &part.sql);
        for r in store.db.rows(&sql, part.args).await.expect("an answer") {
            let row = all.entry(r.text(0)).or_default();
            for (i, column) in part.columns.iter().enumerate() {
                *row.entry((*column).to_owned()).or_default() += r.int(i + 1);
            }
        }
    }
    without_noughts(all)
}

pub fn without_noughts(mut all: Answer) -> Answer {
    for row in all.values_mut() {
        row.retain(|_, n| *n != 0);
    }
    all.retain(|_, row| !row.is_empty());
    all
}

/// What the two engines spell differently: JSON, lists in a text, moments in a text (`{epoch:TEXT}`, in seconds).
fn dialect(db: &Db, sql: &str) -> String {
    let lite = matches!(db, Db::Lite(_));
    let (people, body) = if lite {
        (r#"json_each('["' || replace(n.named, ' ', '","') || '"]') u"#, "r.body")
    } else {
        ("string_to_table(n.named, ' ') u(value)", "r.body::jsonb")
    };
    let sql = sql.replace("{people}", people).replace("{body}", body);
    let mut pieces = sql.split("{epoch:");
    let mut all = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (text, rest) = piece.split_once('}').expect("a closing brace");
        all.push_str(&if lite {
            format!("unixepoch({text})")
        } else {
            format!("cast(extract(epoch from cast({text} as timestamptz)) as bigint)")
        });
        all.push_str(rest);
    }
    all
}

/// As of now.
const HELD: &str =
    "(a.kind <> 'meeting' or (a.status in ('planned', 'held') and coalesce(a.ended_at, a.occurred_at) <= $3))";
pub const REAL: &str = "a.automatic = 0 and (a.origin = 'captured' or a.confirmed = 1) and a.kind <> 'note'";
/// Between people, in a thread.
const TALK: &str = "a.kind = 'email' and a.automatic = 0 and a.origin = 'captured' and a.thread is not null";
const QUOTE: &str = "a.kind = 'email' and a.tags like '%\"quote\"%'";
/// The last of each side before a mail of its thread.
const EARLIER: &str = "max(case when a.direction = 'inbound' then a.occurred_at end) over earlier as last_in, \
    max(case when a.direction = 'outbound' then a.occurred_at end) over earlier as last_out";
const MONTH: i64 = 30 * 24 * 3600 * 1000;

/// Sums of what a span's activities have alike, by whom they name: for each of these, and for all.
fn summed(wanted: &str, sums: &[&str]) -> String {
    let (mut each, mut all) = (String::new(), String::new());
    for (i, what) in sums.iter().enumerate() {
        each.push_str(&format!(", sum(case when {what} then 1 else 0 end) as n{i}"));
        all.push_str(&format!(", cast(sum(n.n{i}) as bigint)"));
    }
    format!(
        "with n as (select a.named{each} from activities a where a.occurred_at >= $1 and a.occurred_at < $2 and {wanted} and {HELD} \
         group by a.named) select u.value{all} from n, {{people}} group by u.value union all select 'all'{all} from n"
    )
}

/// Kinds, captured or typed, per rep and together.
pub fn counted(span: Span) -> Part {
    let sums = [
        "a.kind = 'email' and a.direction = 'outbound'",
        "a.kind = 'email' and a.direction = 'inbound'",
        "a.kind = 'meeting'",
        "a.kind = 'call'",
        "a.kind = 'call'",
        "a.direction = 'outbound' and a.tags like '%\"quote\"%'",
        "a.direction = 'inbound' and a.tags like '%\"order\"%'",
        "a.origin = 'captured'",
        "a.origin = 'typed'",
    ];
    let columns = &[
        "emails_sent",
        "emails_received",
        "meetings_held",
        "calls",
        "conversations",
        "quotes_sent",
        "purchase_orders",
        "captured",
        "typed",
    ];
    Part { sql: summed("1 = 1", &sums), args: span.ms(), columns }
}

/// Meetings, calls as conversations, quotes.
pub fn steps(span: Span) -> Part {
    let sums = ["a.kind = 'meeting'", "a.kind = 'call'", "a.kind = 'email' and a.direction = 'outbound'"];
    let wanted = format!("(a.kind in ('meeting', 'call') or ({QUOTE}))");
    Part { sql: summed(&wanted, &sums), args: span.ms(), columns: &["meetings", "conversations", "quotes"] }
}

/// Calls, which are conversations.
pub fn calls(span: Span, columns: &'static [&'static str]) -> Part {
    Part { sql: summed("a.kind = 'call'", &["a.kind = 'call'"]), args: span.ms(), columns }
}

/// Threads with a message that answers the other side's of the last 30 days.
pub fn threads(span: Span) -> Part {
    let before = span.from.timestamp_millis() - MONTH;
    let sql = format!(
        "with mails as (select a.thread, a.direction, a.occurred_at, a.named, {EARLIER} from activities a where {TALK} \
           and a.occurred_at >= {before} and a.occurred_at < $2 window earlier as (partition by a.thread order by a.occurred_at \
           rows between unbounded preceding and 1 preceding)), \
         n as (select distinct m.thread, m.named from mails m where m.occurred_at >= $1 \
           and m.occurred_at - case m.direction when 'inbound' then m.last_out else m.last_in end <= {MONTH}) \
         select u.value, count(distinct n.thread) from n, {{people}} group by u.value \
         union all select 'all', count(distinct n.thread) from n"
    );
    Part { sql, args: span.ms()[..2].to_vec(), columns: &["conversations"] }
}

/// `ways`: of each deal its owner, when it took each step first, and whether it is open.
fn ways(now: DateTime<Utc>) -> String {
    let now = now.timestamp_millis();
    format!(
        "touched as (select l.entity_id as deal, a.kind, a.direction, a.occurred_at, a.tags, {EARLIER} from links l \
           join activities a on a.id = l.activity where l.entity = 'deal' and a.kind <> 'note' and a.occurred_at <= {now} \
           and (a.kind <> 'meeting' or (a.status in ('planned', 'held') and coalesce(a.ended_at, a.occurred_at) <= {now})) \
           window earlier as (partition by l.entity_id, a.thread order by a.occurred_at rows between unbounded preceding and 1 preceding)), \
         firsts as (select t.deal, min(case when t.kind = 'call' or (t.kind = 'email' and t.occurred_at - case t.direction \
             when 'inbound' then t.last_out else t.last_in end <= {MONTH}) then t.occurred_at end) as talk, \
           min(case when t.kind = 'meeting' then t.occurred_at end) as meeting, \
           min(case when t.kind = 'email' and t.direction = 'outbound' and t.tags like '%\"quote\"%' then t.occurred_at end) as quote \
           from touched t group by t.deal), \
         ways as (select f.talk, f.meeting, f.quote, {{body}} ->> 'owner' as owner, \
           case when {{body}} ->> 'stage' = 'won' then {{epoch:{{body}} ->> 'closed_at'}} * 1000 end as won, \
           case when {{body}} ->> 'stage' in ('won', 'lost') then 0 else 1 end as open \
           from firsts f join crm_records r on r.kind = 'deal' and r.id = f.deal)"
    )
}

/// How many deals took each step after the one before, and twice the middle number of seconds it took them: of a rep's deals, where
/// there are five, else of all.
pub fn lags(span: Span) -> Part {
    let sql = format!(
        "with {}, \
         took as (select w.owner, 1 as step, w.meeting - w.talk as t from ways w \
           union all select w.owner, 2, w.quote - coalesce(w.meeting, w.talk) from ways w \
           union all select w.owner, 3, w.won - coalesce(w.quote, w.meeting, w.talk) from ways w), \
         placed as (select t.owner, t.step, t.t, row_number() over (partition by t.owner, t.step order by t.t) as place, \
           count(*) over (partition by t.owner, t.step) as n, row_number() over (partition by t.step order by t.t) as place_all, \
           count(*) over (partition by t.step) as n_all from took t where t.t >= 0), \
         own as (select p.owner, p.step, sum(p.t) * (1 + max(p.n) % 2) / 1000 as t from placed p \
           where p.n >= 5 and p.place in ((p.n + 1) / 2, (p.n + 2) / 2) group by p.owner, p.step), \
         together as (select p.step, sum(p.t) * (1 + max(p.n_all) % 2) / 1000 as t from placed p \
           where p.place_all in ((p.n_all + 1) / 2, (p.n_all + 2) / 2) group by p.step) \
         select o.owner, cast(max(case when t.step = 1 then coalesce(w.t, t.t) end) as bigint), \
           cast(max(case when t.step = 2 then coalesce(w.t, t.t) end) as bigint), \
           cast(max(case when t.step = 3 then coalesce(w.t, t.t) end) as bigint) \
           from (select distinct owner from ways) o cross join together t left join own w on w.owner = o.owner and w.step = t.step group by o.owner",
        ways(span.now)
    );
    Part { sql, args: vec![], columns: &["meetings_days", "quotes_days", "contracts_days"] }
}

/// Of the deals first talked to in each of these months how many took each step, by owner and together. A month: its name, and
/// from when to when.
pub fn cohorts(months: &[(String, DateTime<Utc>, DateTime<Utc>)], now: DateTime<Utc>) -> Part {
    let values = months
        .iter()
        .map(|(name, from, to)| format!("('{name}', {}, {})", from.timestamp_millis(), to.timestamp_millis()));
    let sums = "count(*), count(n.meeting), count(n.quote), count(n.won), cast(sum(n.open) as bigint) from n";
    let sql = format!(
        "with {}, months(month, since, until) as (values {}), \
         n as (select w.owner, m.month, w.meeting, w.quote, w.won, w.open from ways w join months m on w.talk >= m.since and w.talk < m.until) \
         select n.owner || ' ' || n.month, {sums} group by n.owner, n.month union all select 'all ' || n.month, {sums} group by n.month",
        ways(now),
        values.collect::<Vec<_>>().join(", ")
    );
    Part { sql, args: vec![], columns: &["deals", "meetings", "quotes", "contracts", "open"] }
}

/// What a day's pages hold: the open findings that stand on a list and the worst of each subject as suggestions, five for each
/// owner, with all that is shown of them, the day's meetings and what is told of them, and what was captured and what skipped since
/// the day before.
pub fn day(today: Span, since: Span) -> Vec<Part> {
    let rule = |name: &str| format!("cast(case when f.rule = '{name}' then 1 else 0 end as bigint)");
    let lists = ["we_owe_reply", "no_reply", "gone_quiet"].map(rule).join(", ");
    let findings = format!(
        "select f.owner, {lists}, f.body from findings f where f.state = 'open' and f.owner is not null \
         and f.rule in ('we_owe_reply', 'no_reply', 'gone_quiet')"
    );
    let ranks: String =
        gaps::Rule::ALL.iter().enumerate().map(|(i, rule)| format!("when '{}' then {i} ", rule.as_str())).collect();
    let worse = "x.severity, x.rule, x.since desc, x.id";
    let suggestions = format!(
        "with x as (select r.owner, r.subject, r.id, case r.severity when 'high' then 0 when 'medium' then 1 else 2 end as severity, \
           case r.rule {ranks} end as rule, r.since from findings r where r.state = 'open' and r.owner is not null), \
         worst as (select x.*, row_number() over (partition by x.owner, x.subject order by {worse}) as place from x), \
         few as (select x.owner, x.id, row_number() over (partition by x.owner order by {worse}) as n from worst x where x.place = 1) \
         select s.owner, cast(1 as bigint), f.body from few s join findings f on f.id = s.id where s.n <= 5"
    );
    // also those that began before and last into the day
    let there = format!(
        "a.occurred_at >= {} and a.occurred_at < $2 and (a.occurred_at >= $1 or a.ended_at > $1) and a.kind = 'meeting' \
         and a.status not in ('cancelled', 'declined')",
        (today.from - TimeDelta::days(3)).timestamp_millis()
    );
    let meetings = format!(
        "with n as (select a.named, count(*) as n from activities a where {there} \
         group by a.named) select u.value, cast(sum(n.n) as bigint) from n, {{people}} group by u.value"
    );
    // who meets about what
    let told =
        format!("select a.id, cast(1 as bigint), a.subject, a.participants, a.matches from activities a where {there}");
    let skipped = "select c.owner, count(*) from items i join streams s on s.id = i.stream join connections c on c.name = s.connection \
        where i.outcome = 'skipped' and i.occurred_at >= $1 and i.occurred_at < $2 group by c.owner";
    vec![
        Part { sql: findings, args: vec![], columns: &["they wait", "we wait", "quiet deals"] },
        Part { sql: suggestions, args: vec![], columns: &["suggestions"] },
        Part { sql: meetings, args: today.ms()[..2].to_vec(), columns: &["meetings"] },
        Part { sql: told, args: today.ms()[..2].to_vec(), columns: &["told"] },
        Part { sql: summed("a.origin = 'captured'", &["1 = 1"]), args: since.ms(), columns: &["captured"] },
        Part { sql: skipped.to_owned(), args: since.ms()[..2].to_vec(), columns: &["skipped"] },
    ]
}

/// Deals won in a span.
pub fn won(span: Span, columns: &'static [&'static str]) -> Part {
    let within = "r.kind = 'deal' and {body} ->> 'stage' = 'won' and {body} ->> 'closed_at' >= $1 and {body} ->> 'closed_at' < $2";
    let sql = format!(
        "with n as (select {{body}} ->> 'owner' as owner, count(*) as n from crm_records r where {within} group by {{body}} ->> 'owner') \
         select n.owner, n.n from n union all select 'all', cast(sum(n.n) as bigint) from n"
    );
    Part { sql, args: span.text(), columns }
}

pub fn new_contacts(span: Span) -> Part {
    let within = "r.kind = 'contact' and {body} ->> 'created_at' >= $1 and {body} ->> 'created_at' < $2";
    let sql = format!(
        "with n as (select {{body}} ->> 'owner' as owner, count(*) as n from crm_records r where {within} group by {{body}} ->> 'owner') \
         select n.owner, n.n from n union all select 'all', cast(sum(n.n) as bigint) from n"
    );
    Part { sql, args: span.text(), columns: &["new_contacts"] }
}
