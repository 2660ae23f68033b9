//! The bare SQL about deals, contacts, findings and items.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use dealtrail::{args, domain::gaps};

use crate::bare::{Part, REAL, Span};

const HELD: &str =
    "(a.kind <> 'meeting' or (a.status in ('planned', 'held') and coalesce(a.ended_at, a.occurred_at) <= $3))";
const DAY: i64 = 24 * 3600 * 1000;

/// The worst live finding of each deal and subject.
pub fn worst() -> Part {
    let ranks: String =
        gaps::Rule::ALL.iter().enumerate().map(|(i, rule)| format!("when '{}' then {i} ", rule.as_str())).collect();
    let sql = format!(
        "select x.id, cast(1 as bigint), x.body from (select r.id, r.body, row_number() over (partition by r.subject order by \
         case r.state when 'open' then 0 else 1 end, case r.severity when 'high' then 0 when 'medium' then 1 else 2 end, \
         case r.rule {ranks} end, r.since desc, r.id) as place from findings r where r.state in ('open', 'unknown')) x \
         where x.place = 1"
    );
    Part::new(sql, vec![], &["worst"])
}

/// Items by owner, stream, week, outcome and reason; and how far each stream is complete.
pub fn items(span: Span) -> Vec<Part> {
    let (week, shift) = (7 * DAY, 3 * DAY);
    let sql = format!(
        "select c.owner || ' ' || n.week, n.n, case when n.outcome = 'captured' then n.n else 0 end, \
         case when n.outcome = 'skipped' then n.n else 0 end, s.connection, s.name, n.reason from (select i.stream, i.outcome, i.reason, \
           (i.occurred_at + {shift}) / {week} as week, count(*) as n from items i where i.outcome <> 'read' \
           and i.occurred_at >= $1 and i.occurred_at < $2 group by 1, 2, 3, 4) n \
         join streams s on s.id = n.stream join connections c on c.name = s.connection where c.gives <> 'crm'"
    );
    let items = Part::new(sql, span.ms()[..2].to_vec(), &["seen", "captured", "skipped"]);
    let sql = format!(
        "select g.owner || ' ' || ((a.occurred_at + {shift}) / {week}), count(distinct a.id), count(distinct case when a.origin = 'captured' then a.id end) \
         from sightings g join activities a on a.id = g.activity where g.typed = 1 and a.occurred_at >= $1 and a.occurred_at < $2 \
         group by g.owner, (a.occurred_at + {shift}) / {week}"
    );
    let typed = Part::new(sql, span.ms()[..2].to_vec(), &["typed", "confirmed"]);
    let sql = "select '', cast(0 as bigint), s.connection, s.name, s.complete_from, s.complete_to from streams s join connections c \
               on c.name = s.connection where c.gives <> 'crm' and s.gone = 0 and c.removed = 0";
    vec![items, typed, Part::new(sql.to_owned(), vec![], &["streams"])]
}

/// Contacts new in the span by what came first.
pub fn leads(span: Span) -> Part {
    let sql = format!(
        "with fresh as (select r.id, {{body}} ->> 'owner' as owner from crm_records r where r.kind = 'contact' \
           and {{body}} ->> 'created_at' >= $1 and {{body}} ->> 'created_at' < $2), \
         firsts as (select n.id, a.kind, a.direction, row_number() over (partition by n.id order by a.occurred_at) as place from fresh n \
           cross join links l cross join activities a where l.entity = 'contact' and l.entity_id = n.id and a.id = l.activity \
           and {REAL} and {HELD}) \
         select n.owner, count(*), sum(case when f.kind = 'email' and f.direction = 'inbound' then 1 else 0 end), \
         sum(case when f.kind = 'email' and f.direction = 'outbound' then 1 else 0 end), \
         sum(case when f.kind in ('meeting', 'call') then 1 else 0 end), sum(case when f.id is null then 1 else 0 end) \
         from fresh n left join firsts f on f.id = n.id and f.place = 1 group by n.owner"
    );
    let args = span.text().into_iter().chain(args![span.now.timestamp_millis()]).collect();
    Part::new(sql, args, &["leads", "inbound", "outbound", "meeting", "silent"])
}

/// The contacts of each segment, with what is shown of them.
pub fn segments(span: Span) -> Part {
    let silent = (span.now - TimeDelta::days(30)).timestamp_millis();
    let told = "cast(1 as bigint), r.id, {body} ->> 'name', {body} ->> 'company', {body} ->> 'owner', r.last_in, r.last_out, r.deal, r.stage";
    let sql = format!(
        "with seen as materialized (select l.entity_id as contact, max(case when a.kind = 'email' and a.direction = 'outbound' then null else a.occurred_at end) as last_in, \
           max(case when a.kind = 'email' and a.direction = 'inbound' then null else a.occurred_at end) as last_out \
           from links l join activities a on a.id = l.activity where l.entity = 'contact' and a.occurred_at <= $3 and {REAL} and {HELD} \
           group by l.entity_id), \
         deals as materialized (select r.id, cast({{body}} -> 'contacts' -> 0 ->> 'contact' as text) as contact, {{body}} ->> 'stage' as stage from crm_records r where r.kind = 'deal'), \
         whole as materialized (select r.id, r.body, s.last_in, s.last_out, d.id as deal, d.stage from crm_records r left join seen s on s.contact = r.id \
           left join deals d on d.contact = r.id where r.kind = 'contact') \
         select 'silent', {told} from whole r where r.last_out is not null and r.last_in <= {silent} \
         union all select 'never_answered', {told} from whole r where r.last_in is null and r.last_out <= {silent} \
         union all select 'new', {told} from whole r where {{body}} ->> 'created_at' >= $1 and {{body}} ->> 'created_at' < $2 \
         union all select 'won_without_contact', {told} from whole r \
           where r.stage = 'won' and coalesce(r.last_in, 0) <= {silent} and coalesce(r.last_out, 0) <= {silent}"
    );
    let args = span.text().into_iter().chain(args![span.now.timestamp_millis()]).collect();
    Part::new(sql, args, &["contacts"])
}

/// Mentions of competitors by deal.
pub fn mentions(span: Span) -> Part {
    let sql = "select l.entity_id, count(*) from (select a.id from activities a where a.occurred_at >= $1 \
               and a.occurred_at < $2 and a.tags like '%\"competitor:%') m join links l on l.activity = m.id and l.entity = 'deal' \
               group by l.entity_id";
    Part::new(sql.to_owned(), span.ms()[..2].to_vec(), &["mentions"])
}

/// Forward moves by owner, and those against which a finding stands.
pub fn moves(span: Span) -> Part {
    let sql = "select d.owner, count(*), sum(case when f.state in ('open', 'snoozed', 'explained') then 1 else 0 end) from \
         (select r.parent as deal, {epoch:substr({body} ->> 'at', 1, 19) || 'Z'} as at from crm_records r where r.kind = 'stage_change' \
           and {body} ->> 'from' is not null and {body} ->> 'to' <> 'lost' and {body} ->> 'at' >= $1 and {body} ->> 'at' < $2) m \
         join (select r.id, {body} ->> 'owner' as owner from crm_records r where r.kind = 'deal') d on d.id = m.deal \
         left join findings f on f.deal = m.deal and f.rule in ('unsupported_advance', 'one_sided_advance') and f.occurrence like cast(m.at as text) || '___' \
         group by d.owner";
    Part::new(sql.to_owned(), span.text(), &["moves", "unbacked"])
}

/// What is committed for a quarter and what stands against it, and what became of what was committed for the eight before, by owner.
/// Backed is what has a sign and no finding, unless the deal moved after `fresh`: then the sign must lie in the window of its last move.
pub fn committed(quarters: &[(NaiveDate, NaiveDate)], fresh: DateTime<Utc>, span: Span) -> Vec<Part> {
    let (now, fresh) = (span.now.timestamp(), fresh.timestamp());
    let values: Vec<String> = quarters
        .iter()
        .enumerate()
        .map(|(i, (first, last))| {
            let at = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp();
            let i = i64::try_from(i).expect("few quarters");
            format!(
                "select {i} as n, '{first}' as first, '{last}' as last, {} as begins, {} as ends",
                at(*first),
                at(*last + TimeDelta::days(1))
            )
        })
        .collect();
    let with = format!(
        "with quarters as ({}), \
         deals as (select r.id, {{body}} ->> 'owner' as owner, {{body}} ->> 'stage' as stage, {{body}} ->> 'close_date' as closes, \
           cast(cast({{body}} ->> 'amount' as double precision) as bigint) as amount, case when {{body}} ->> 'stage' = 'won' then {{epoch:{{body}} ->> 'closed_at'}} end as won \
           from crm_records r where r.kind = 'deal'), ",
        values.join(" union all ")
    );
    let against = "select f.deal, max(case when f.state = 'unknown' then 0 else 1 end) as stands from findings f where f.state in ('open', 'unknown', 'snoozed', \
         'explained') and f.rule in ('unsupported_advance', 'one_sided_advance', 'commit_without_evidence', 'missing_evidence', 'gone_quiet') group by f.deal";
    let open = format!(
        "{with} against as ({against}), \
         moved as materialized (select s.deal, s.at, case when s.came > s.at - 1209600 then s.came else s.at - 1209600 end as since from (select r.parent as deal, \
           {{epoch:{{body}} ->> 'at'}} as at, lag({{epoch:{{body}} ->> 'at'}}) over (partition by r.parent order by {{body}} ->> 'at') as came, \
           row_number() over (partition by r.parent order by {{body}} ->> 'at' desc) as n from crm_records r where r.kind = 'stage_change') s \
           where s.n = 1 and s.at > {fresh}) \
         select d.owner, count(*), cast(sum(d.amount) as bigint), \
         cast(sum(case when g.deal is null and v.signed_at is not null and (m.deal is null or v.signed_at >= 1000 * m.since) then d.amount else 0 end) as bigint), \
         cast(sum(case when g.stands = 1 then d.amount else 0 end) as bigint), cast(sum(case when g.stands = 0 then d.amount else 0 end) as bigint) \
         from deals d join quarters q on q.n = 0 and d.closes >= q.first and d.closes <= q.last left join against g on g.deal = d.id \
         left join reviews v on v.deal = d.id left join moved m on m.deal = d.id where d.stage = 's4' group by d.owner"
    );
    let past = format!(
        "{with} stays as (select s.deal, s.came, s.went from (select r.parent as deal, {{body}} ->> 'to' as stage, {{epoch:{{body}} ->> 'at'}} as came, \
           lead({{epoch:{{body}} ->> 'at'}}) over (partition by r.parent order by {{body}} ->> 'at') as went from crm_records r where r.kind = 'stage_change') s \
           where s.stage = 's4' and s.came <= {now}) \
         select d.owner, count(*), cast(sum(d.amount) as bigint), sum(case when d.won >= q.begins and d.won < q.ends then 1 else 0 end), \
         cast(sum(case when d.won >= q.begins and d.won < q.ends then d.amount else 0 end) as bigint) from stays s join deals d on d.id = s.deal join quarters q \
         on q.n > 0 and d.closes >= q.first and d.closes <= q.last where s.came < q.ends and (s.went is null or s.went > q.begins) group by d.owner"
    );
    vec![
        Part::new(open, vec![], &["deals", "committed", "backed", "unbacked", "unknown"]),
        Part::new(past, vec![], &["kept_deals", "past_committed", "kept", "past_closed"]),
    ]
}

/// Steps due in the span, by owner and how they stand: a sign on the deal from the working day before on fulfils one.
pub fn tasks(span: Span) -> Part {
    let now = span.now.timestamp_millis();
    let weekday = format!("((t.day / {DAY} + 3) % 7)");
    let sql = format!(
        "with tasks as (select r.id, r.parent as deal, {{body}} ->> 'owner' as owner, {{epoch:{{body}} ->> 'due'}} * 1000 as due, \
           {{epoch:substr({{body}} ->> 'due', 1, 10)}} * 1000 as day from crm_records r where r.kind = 'task' \
           and {{body}} ->> 'due' >= $1 and {{body}} ->> 'due' < $2), \
         signs as (select t.id, max(a.occurred_at) as last from tasks t cross join links l cross join activities a \
           where l.entity = 'deal' and l.entity_id = t.deal and a.id = l.activity and a.occurred_at <= {now} and {REAL} and (a.kind <> 'meeting' or (a.confirmed = 1 \
           and a.status in ('planned', 'held') and coalesce(a.ended_at, a.occurred_at) <= {now})) group by t.id), \
         stands as (select t.id, t.owner, case when s.last >= t.day - case {weekday} when 0 then 3 when 6 then 2 else 1 end * {DAY} then 'fulfilled' \
           when f.state in ('open', 'snoozed', 'explained') then 'overdue' when f.state = 'unknown' then 'unknown' \
           when t.day + case {weekday} when 3 then 4 when 4 then 4 when 5 then 3 else 2 end * {DAY} <= {now} then 'unknown' else 'to_do' end as stands \
           from tasks t left join signs s on s.id = t.id left join findings f on f.deal = t.deal and f.rule = 'overdue_next_step' \
           and f.occurrence = t.id || ' ' || t.due) \
         select n.owner, count(*), sum(case when n.stands = 'fulfilled' then 1 else 0 end), sum(case when n.stands = 'overdue' then 1 else 0 end), \
         sum(case when n.stands = 'unknown' then 1 else 0 end), sum(case when n.stands = 'to_do' then 1 else 0 end) from stands n group by n.owner"
    );
    Part::new(sql, span.text(), &["steps", "fulfilled", "overdue", "unknown", "to_do"])
}
