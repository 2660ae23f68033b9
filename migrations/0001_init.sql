-- One text for SQLite and PostgreSQL: see README.md beside this file for the portable subset.

create table meta (
  key text primary key,
  value text not null
);

create table connections (
  name text primary key,
  connector text not null,
  gives text not null,
  owner text,
  since_text text not null,
  since bigint not null,
  state text not null,
  failures bigint not null,
  next_due bigint not null,
  last_success bigint,
  last_error text,
  last_error_at bigint,
  removed bigint not null,
  content text not null
);

create table streams (
  id bigint primary key,
  connection text not null,
  wire text not null,
  name text not null,
  role text,
  cursor text,
  complete_from bigint,
  complete_to bigint,
  pass_began bigint,
  next_due bigint not null,
  lease_until bigint not null,
  lease_by text,
  failures bigint not null,
  last_success bigint,
  last_error text,
  shrunk_at bigint,
  attempting text,
  gone bigint not null,
  unique (connection, wire)
);

create table items (
  stream bigint not null,
  key text not null,
  resource text not null,
  version text,
  outcome text not null,
  reason text,
  detail text,
  message_id text,
  ical_uid text,
  recurrence_id bigint,
  occurred_at bigint,
  dated bigint,
  activity text,
  tags text,
  decided_at bigint not null,
  gone_at bigint,
  attempts bigint not null,
  retry_at bigint,
  recheck bigint not null,
  traces text,
  primary key (stream, key)
) /* keyed */;
create index items_resource on items (stream, resource) where resource <> key;
create index items_activity on items (activity) where activity is not null;
create index items_recheck on items (stream) where recheck = 1;
create index items_at on items (occurred_at) where outcome <> 'read';
create index items_unreadable on items (decided_at) where (outcome = 'quarantined' or attempts > 0) and gone_at is null;
create index items_retry on items (retry_at) where retry_at is not null;
create index items_traces on items (decided_at) where traces is not null;

create table blind (
  hash text not null,
  stream bigint not null,
  key text not null,
  primary key (hash, stream, key)
) /* keyed */;

create table activities (
  id text primary key,
  kind text not null,
  status text not null,
  confirmed bigint,
  direction text,
  occurred_at bigint not null,
  ended_at bigint,
  all_day bigint not null,
  time_uncertain bigint not null,
  subject text,
  text_state text not null,
  thread text,
  message_id text,
  dedupe text,
  ical_uid text,
  recurrence_id bigint,
  participants text not null,
  matches text not null,
  undecided text not null,
  tags text not null,
  automatic bigint not null,
  origin text not null,
  named text not null
);
create index activities_message_id on activities (message_id) where message_id is not null;
create index activities_dedupe on activities (dedupe) where dedupe is not null;
create index activities_uid on activities (ical_uid) where ical_uid is not null;
create index activities_thread on activities (thread);
create index activities_at on activities (occurred_at);
create index activities_days on activities (occurred_at) where ended_at - occurred_at >= 86400000;
create index activities_text on activities (text_state) where text_state = 'pending';

create table texts (
  activity text primary key,
  body text not null
);

create table links (
  entity text not null,
  entity_id text not null,
  activity text not null,
  primary key (entity, entity_id, activity)
) /* keyed */;

create table parties (
  address text not null,
  activity text not null,
  domain text not null,
  primary key (address, activity)
) /* keyed */;
create index parties_domain on parties (domain);

create table refs (
  ref text not null,
  activity text not null,
  primary key (ref, activity)
) /* keyed */;
create index refs_activity on refs (activity);

create table sightings (
  activity text not null,
  stream bigint not null,
  key text not null,
  owner text,
  direction text,
  typed bigint not null,
  gone_at bigint,
  body text,
  primary key (stream, key, activity)
) /* keyed */;
create index sightings_activity on sightings (activity);
create index sightings_typed on sightings (activity) where typed = 1;

create table crm_records (
  kind text not null,
  id text not null,
  stream bigint not null,
  key text not null,
  parent text,
  body text not null,
  primary key (kind, id)
) /* keyed */;
create index crm_records_stream on crm_records (stream, key);

create table choices (
  activity text not null,
  deal text not null,
  choice text not null,
  made_by text not null,
  made_at bigint not null,
  primary key (activity, deal)
) /* keyed */;

create table findings (
  id text primary key,
  rule text not null,
  subject text not null,
  deal text,
  occurrence text not null,
  state text not null,
  severity text not null,
  owner text,
  since bigint not null,
  late bigint not null,
  body text not null,
  unique (rule, subject, occurrence)
);
create index findings_deal on findings (deal);
-- findings by their weight, without their words
create index findings_weight on findings (state, owner, severity, rule, since, subject, id);
create index findings_subject on findings (subject);

create table reviews (
  deal text primary key,
  due bigint not null,
  waits bigint not null,
  lease_until bigint not null,
  judged_at bigint,
  signed_at bigint,
  backed text
);
create index reviews_due on reviews (due);
create index reviews_waits on reviews (deal) where waits = 1;

create table awaited (
  deal text not null,
  person text not null,
  primary key (deal, person)
) /* keyed */;
create index awaited_person on awaited (person, deal);

create table subject_reviews (
  subject text primary key,
  due bigint not null,
  waits bigint not null,
  judged_at bigint
);
create index subject_reviews_due on subject_reviews (due);
create index subject_reviews_waits on subject_reviews (subject) where waits = 1;

create table signals (
  address_hash text not null,
  kind text not null,
  at bigint not null,
  until bigint,
  primary key (address_hash, kind)
) /* keyed */;

create table rematch (
  activity text primary key
) /* keyed */;

create table people (
  email text primary key,
  name text not null,
  role text not null,
  team text,
  aliases text not null,
  password text
);
