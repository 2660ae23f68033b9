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
    args: Vec<Arg>,
    columns: &'static [&'static str],
}

impl Part {
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
    fn ms(&self) -> Vec<Arg> {
        args![self.from.timestamp_millis(), self.to.timestamp_millis(), self.now.timestamp_millis()]
    }

    fn text(&self) -> Vec<Arg> {
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

/// What the two engines spell differently: JSON.
fn dialect(db: &Db, sql: &str) -> String {
    let (people, body) = match db {
        Db::Lite { .. } => ("json_each(a.participants) p", "r.body"),
        Db::Pg(_) => ("jsonb_array_elements(a.participants::jsonb) p(value)", "r.body::jsonb"),
    };
    sql.replace("{people}", people).replace("{body}", body)
}

const HELD: &str =
    "(a.kind <> 'meeting' or (a.status in ('planned', 'held') and coalesce(a.ended_at, a.occurred_at) <= $3))";
const REAL: &str = "a.automatic = 0 and (a.origin = 'captured' or a.confirmed = 1) and a.kind <> 'note'";
/// Whom it counts for.
const CREDITED: &str = "p.value ->> 'user' is not null and p.value ->> 'role' = case when a.kind = 'meeting' then case when \
    p.value ->> 'role' in ('organizer', 'required', 'optional') then p.value ->> 'role' end when a.kind = 'email' then \
    case when a.direction = 'inbound' then 'to' else 'from' end else p.value ->> 'role' end";

/// Kinds, captured or typed, per rep and together.
pub fn counted(span: Span) -> Part {
    const SUMS: &str = "sum(case when a.kind = 'email' and a.direction = 'outbound' then 1 else 0 end), \
        sum(case when a.kind = 'email' and a.direction = 'inbound' then 1 else 0 end), \
        sum(case when a.kind = 'meeting' then 1 else 0 end), sum(case when a.kind = 'call' then 1 else 0 end), \
        sum(case when a.kind = 'call' then 1 else 0 end), \
        sum(case when a.direction = 'outbound' and a.tags like '%\"quote\"%' then 1 else 0 end), \
        sum(case when a.direction = 'inbound' and a.tags like '%\"order\"%' then 1 else 0 end), \
        sum(case when a.origin = 'captured' then 1 else 0 end), sum(case when a.origin = 'typed' then 1 else 0 end)";
    let sql = format!(
        "select c.rep, {SUMS} from (select distinct a.id, p.value ->> 'user' as rep from activities a, {{people}} \
         where a.occurred_at >= $1 and a.occurred_at < $2 and {HELD} and {CREDITED}) c join activities a on a.id = c.id group by c.rep \
         union all select 'all', {SUMS} from activities a where a.occurred_at >= $1 and a.occurred_at < $2 and {HELD}"
    );
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
    Part { sql, args: span.ms(), columns }
}

/// Meetings, calls as conversations, quotes.
pub fn steps(span: Span) -> Part {
    const SUMS: &str = "sum(case when a.kind = 'meeting' then 1 else 0 end), sum(case when a.kind = 'call' then 1 else 0 end), \
        sum(case when a.direction = 'outbound' and a.tags like '%\"quote\"%' then 1 else 0 end)";
    let sql = format!(
        "select c.rep, {SUMS} from (select distinct a.id, p.value ->> 'user' as rep from activities a, {{people}} \
         where a.occurred_at >= $1 and a.occurred_at < $2 and (a.kind <> 'email' or a.tags like '%\"quote\"%') and {HELD} and {CREDITED}) c \
         join activities a on a.id = c.id group by c.rep \
         union all select 'all', {SUMS} from activities a where a.occurred_at >= $1 and a.occurred_at < $2 and {HELD}"
    );
    Part { sql, args: span.ms(), columns: &["meetings", "conversations", "quotes"] }
}

/// Threads with a message that answers the other side's of the last 30 days.
pub fn threads(span: Span) -> Part {
    let month = TimeDelta::days(30).num_milliseconds();
    let before = span.from.timestamp_millis() - month;
    let sql = format!(
        "with mails as (select a.id, a.thread, a.kind, a.direction, a.occurred_at, a.participants, \
           max(case when a.direction = 'inbound' then a.occurred_at end) over before as last_in, \
           max(case when a.direction = 'outbound' then a.occurred_at end) over before as last_out \
           from activities a where a.kind = 'email' and a.automatic = 0 and a.origin = 'captured' and a.thread is not null \
           and a.occurred_at >= {before} and a.occurred_at < $2 \
           window before as (partition by a.thread order by a.occurred_at rows between unbounded preceding and 1 preceding)), \
         answers as (select * from mails m where m.occurred_at >= $1 \
           and m.occurred_at - case m.direction when 'inbound' then m.last_out else m.last_in end <= {month}) \
         select p.value ->> 'user', count(distinct a.thread) from answers a, {{people}} where {CREDITED} group by p.value ->> 'user' \
         union all select 'all', count(distinct a.thread) from answers a"
    );
    Part { sql, args: span.ms()[..2].to_vec(), columns: &["conversations"] }
}

/// Calls of a rep, which are conversations.
pub fn calls(span: Span, columns: &'static [&'static str]) -> Part {
    let sql = format!(
        "select p.value ->> 'user', count(*) from activities a, {{people}} where a.kind = 'call' and a.occurred_at >= $1 \
         and a.occurred_at < $2 and {CREDITED} group by p.value ->> 'user'"
    );
    Part { sql, args: span.ms()[..2].to_vec(), columns }
}

/// Deals won in a span.
pub fn won(span: Span, columns: &'static [&'static str]) -> Part {
    let within = "r.kind = 'deal' and {body} ->> 'stage' = 'won' and {body} ->> 'closed_at' >= $1 and {body} ->> 'closed_at' < $2";
    let sql = format!(
        "select {{body}} ->> 'owner', count(*) from crm_records r where {within} group by {{body}} ->> 'owner' \
         union all select 'all', count(*) from crm_records r where {within}"
    );
    Part { sql, args: span.text(), columns }
}

pub fn new_contacts(span: Span) -> Part {
    let within = "r.kind = 'contact' and {body} ->> 'created_at' >= $1 and {body} ->> 'created_at' < $2";
    let sql = format!(
        "select {{body}} ->> 'owner', count(*) from crm_records r where {within} group by {{body}} ->> 'owner' \
         union all select 'all', count(*) from crm_records r where {within}"
    );
    Part { sql, args: span.text(), columns: &["new_contacts"] }
}

/// The worst live finding of each deal and subject.
pub fn worst() -> Part {
    let ranks: String =
        gaps::Rule::ALL.iter().enumerate().map(|(i, rule)| format!("when '{}' then {i} ", rule.as_str())).collect();
    let sql = format!(
        "select x.id, cast(1 as bigint), x.body from (select r.id, r.body, row_number() over (partition by r.subject order by \
         case r.state when 'open' then 0 else 1 end, case r.severity when 'high' then 0 when 'medium' then 1 else 2 end, \
         case r.rule {ranks} end, {{body}} ->> 'since' desc, r.id) as place from findings r where r.state in ('open', 'unknown')) x \
         where x.place = 1"
    );
    Part { sql, args: vec![], columns: &["worst"] }
}

/// Items by owner and week.
pub fn items(span: Span) -> Part {
    let week = TimeDelta::days(7).num_milliseconds();
    let shift = TimeDelta::days(3).num_milliseconds();
    let sql = format!(
        "select c.owner || ' ' || ((i.occurred_at + {shift}) / {week}), count(*), sum(case when i.outcome = 'captured' then 1 else 0 end), \
         sum(case when i.outcome = 'skipped' then 1 else 0 end) from items i join streams s on s.id = i.stream \
         join connections c on c.name = s.connection where i.outcome <> 'read' and c.gives <> 'crm' \
         and i.occurred_at >= $1 and i.occurred_at < $2 group by c.owner, (i.occurred_at + {shift}) / {week}"
    );
    Part { sql, args: span.ms()[..2].to_vec(), columns: &["seen", "captured", "skipped"] }
}

/// Contacts new in the span by what came first.
pub fn leads(span: Span) -> Part {
    let sql = format!(
        "with fresh as (select r.id, {{body}} ->> 'owner' as owner from crm_records r where r.kind = 'contact' \
           and {{body}} ->> 'created_at' >= $1 and {{body}} ->> 'created_at' < $2), \
         firsts as (select n.id, a.kind, a.direction, row_number() over (partition by n.id order by a.occurred_at) as place from fresh n \
           join links l on l.entity = 'contact' and l.entity_id = n.id join activities a on a.id = l.activity where {REAL} and {HELD}) \
         select n.owner, count(*), sum(case when f.kind = 'email' and f.direction = 'inbound' then 1 else 0 end), \
         sum(case when f.kind = 'email' and f.direction = 'outbound' then 1 else 0 end), \
         sum(case when f.kind in ('meeting', 'call') then 1 else 0 end), sum(case when f.id is null then 1 else 0 end) \
         from fresh n left join firsts f on f.id = n.id and f.place = 1 group by n.owner"
    );
    let args = span.text().into_iter().chain(args![span.now.timestamp_millis()]).collect();
    Part { sql, args, columns: &["leads", "inbound", "outbound", "meeting", "silent"] }
}

/// How many contacts stand in each segment.
pub fn segments(span: Span) -> Part {
    let silent = (span.now - TimeDelta::days(30)).timestamp_millis();
    let sql = format!(
        "with seen as (select l.entity_id as contact, max(case when a.kind = 'email' and a.direction = 'outbound' then null else a.occurred_at end) as last_in, \
           max(case when a.kind = 'email' and a.direction = 'inbound' then null else a.occurred_at end) as last_out \
           from links l join activities a on a.id = l.activity where l.entity = 'contact' and a.occurred_at <= $3 and {REAL} and {HELD} \
           group by l.entity_id) \
         select 'silent', count(*) from seen where last_out is not null and last_in <= {silent} \
         union all select 'never_answered', count(*) from seen where last_in is null and last_out <= {silent} \
         union all select 'new', count(*) from crm_records r where r.kind = 'contact' and {{body}} ->> 'created_at' >= $1 and {{body}} ->> 'created_at' < $2 \
         union all select 'won_without_contact', count(*) from crm_records r left join seen on seen.contact = {{body}} -> 'contacts' -> 0 ->> 'contact' \
           where r.kind = 'deal' and {{body}} ->> 'stage' = 'won' and coalesce(last_in, 0) <= {silent} and coalesce(last_out, 0) <= {silent}"
    );
    let args = span.text().into_iter().chain(args![span.now.timestamp_millis()]).collect();
    Part { sql, args, columns: &["contacts"] }
}

/// Mentions of competitors by deal.
pub fn mentions(span: Span) -> Part {
    let sql = "select l.entity_id, count(*) from activities a join links l on l.activity = a.id where a.occurred_at >= $1 \
               and a.occurred_at < $2 and a.tags like '%\"competitor:%' and l.entity = 'deal' group by l.entity_id";
    Part { sql: sql.to_owned(), args: span.ms()[..2].to_vec(), columns: &["mentions"] }
}

/// Forward moves by owner, and those against which a finding stands.
pub fn moves(span: Span) -> Part {
    let sql = "select d.owner, count(*), sum(case when f.state in ('open', 'snoozed', 'explained') then 1 else 0 end) from \
         (select r.parent as deal, {body} ->> 'at' as at from crm_records r where r.kind = 'stage_change' and {body} ->> 'from' is not null \
           and {body} ->> 'to' <> 'lost' and {body} ->> 'at' >= $1 and {body} ->> 'at' < $2) m \
         join (select r.id, {body} ->> 'owner' as owner from crm_records r where r.kind = 'deal') d on d.id = m.deal \
         left join findings f on f.deal = m.deal and f.rule in ('unsupported_advance', 'one_sided_advance') and f.body like '%\"deal_at\":\"' || m.at || '%' \
         group by d.owner";
    Part { sql: sql.to_owned(), args: span.text(), columns: &["moves", "unbacked"] }
}

/// Open deals in the sure stage that close in the quarter.
pub fn committed(from: &str, to: &str) -> Part {
    let sql = "select {body} ->> 'owner', count(*) from crm_records r where r.kind = 'deal' and {body} ->> 'stage' = 's4' \
               and {body} ->> 'close_date' >= $1 and {body} ->> 'close_date' <= $2 group by {body} ->> 'owner'";
    Part { sql: sql.to_owned(), args: args![from, to], columns: &["deals"] }
}

/// Open tasks due in the span on deals that are open.
pub fn tasks(span: Span) -> Part {
    let sql = "select {body} ->> 'owner', count(*) from crm_records r join (select d.id, d.body as told from crm_records d where d.kind = 'deal') d \
               on d.id = r.parent where r.kind = 'task' and {body} ->> 'due' >= $1 and {body} ->> 'due' < $2 group by {body} ->> 'owner'";
    Part { sql: sql.to_owned(), args: span.text(), columns: &["steps"] }
}
