//! The gap rules by name, what each can be told, and the defaults. Data only.

use crate::domain::span::Span;

/// What a key takes, with its default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Standard {
    Span(Span),
    Count(u32),
    Number(f64),
    /// Words from a fixed list; none by default.
    Words(&'static [&'static str]),
    /// Words of any kind.
    Texts(&'static [&'static str]),
}

/// One key of a rule.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub name: &'static str,
    pub default: Standard,
    /// One sentence for people.
    pub help: &'static str,
}

/// One gap rule and what it can be told.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    pub name: &'static str,
    /// The first is the one that a plain value in `stages` sets.
    pub keys: &'static [Key],
    /// One sentence for people: when the rule fires.
    pub help: &'static str,
}

impl Spec {
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|k| k.name == name)
    }
}

/// The evidence that a stage may need (`missing_evidence`).
pub const EVIDENCE: &[&str] = &["quote_sent", "meeting_held", "purchase_order", "two_contacts", "buyer_reply"];

const fn key(name: &'static str, default: Standard, help: &'static str) -> Key {
    Key { name, default, help }
}

use Standard::{Count, Number, Span as Time, Texts, Words};

/// All rules, in the order of their definition.
pub static RULES: &[Spec] = &[
    Spec {
        name: "unsupported_advance",
        help: "a deal moved forward and the window around the move holds no evidence",
        keys: &[
            key("lookback", Time(Span::Days(14)), "how far before the move evidence counts"),
            key("grace", Time(Span::WorkDays(2)), "how long after the move evidence still counts"),
        ],
    },
    Spec {
        name: "one_sided_advance",
        help: "the same window holds only our own mail, an unconfirmed meeting, a typed call or partners",
        keys: &[],
    },
    Spec {
        name: "missing_evidence",
        help: "a stage needs evidence that is absent when a deal enters it",
        keys: &[
            key("needs", Words(EVIDENCE), "evidence that every stage needs; set it per stage"),
            key("grace", Time(Span::WorkDays(2)), "how long after entering the stage evidence still counts"),
        ],
    },
    Spec { name: "skipped_stage", help: "a forward move jumps over one or more stages", keys: &[] },
    Spec {
        name: "gone_quiet",
        help: "an open deal has had no evidence for a while and no meeting is planned soon",
        keys: &[
            key("after", Time(Span::WorkDays(10)), "how long without evidence is quiet"),
            key("planned_within", Time(Span::Days(14)), "a meeting planned this soon is enough"),
        ],
    },
    Spec {
        name: "no_reply",
        help: "our last message has had no answer",
        keys: &[
            key("after", Time(Span::WorkDays(5)), "how long, while the contact's usual reply time is unknown"),
            key("usual_factor", Number(3.0), "times the contact's usual reply time, once it is known"),
            key("usual_from", Count(5), "replies after which the usual reply time is known"),
        ],
    },
    Spec {
        name: "we_owe_reply",
        help: "a buyer's message has had no answer from any of us",
        keys: &[key("after", Time(Span::WorkHours(16)), "how long a buyer may wait")],
    },
    Spec {
        name: "no_next_step",
        help: "an open deal has no future meeting, open task or dated next step",
        keys: &[key("from_stage", Count(2), "the first stage of a pipeline, counted from 1, that needs a next step")],
    },
    Spec {
        name: "overdue_next_step",
        help: "a planned step is past its date and nothing has fulfilled it",
        keys: &[key("after", Time(Span::WorkDays(1)), "how long past its date")],
    },
    Spec {
        name: "no_follow_up",
        help: "a meeting with outsiders was held and nobody wrote to them afterwards",
        keys: &[key("after", Time(Span::WorkDays(2)), "how long after the meeting")],
    },
    Spec {
        name: "overdue_close",
        help: "a deal is open and its close date has passed",
        keys: &[key("after", Time(Span::Days(0)), "how long past the close date")],
    },
    Spec {
        name: "pushed_close",
        help: "the close date was moved later again and again",
        keys: &[key("times", Count(3), "how many moves are too many")],
    },
    Spec {
        name: "stalled",
        help: "a deal stays in its stage for far longer than won deals did",
        keys: &[
            key("after", Time(Span::Days(30)), "how long, while too few deals were won to compare with"),
            key("factor", Number(1.5), "times the percentile of won deals in that stage"),
            key("percentile", Number(75.0), "which percentile of won deals"),
            key("from_won", Count(20), "won deals that are enough to compare with"),
        ],
    },
    Spec {
        name: "single_threaded",
        help: "too few outsiders took part lately",
        keys: &[
            key("people", Count(1), "this many outsiders or fewer"),
            key("within", Time(Span::Days(60)), "how far back"),
            key("from_stage", Count(3), "the first stage of a pipeline, counted from 1, where it matters"),
            key("above_amount", Number(0.0), "an amount from which it matters in every stage; 0: none"),
        ],
    },
    Spec {
        name: "amount_dropped",
        help: "the amount of a deal fell",
        keys: &[key("percent", Number(10.0), "by more than this share")],
    },
    Spec {
        name: "commit_without_evidence",
        help: "a deal is committed in the forecast and has had no evidence for a while",
        keys: &[
            key("after", Time(Span::WorkDays(10)), "how long without evidence"),
            key("probability", Number(80.0), "percent from which a deal counts as committed"),
            key("categories", Texts(&["commit"]), "forecast categories that count as committed"),
        ],
    },
    Spec {
        name: "uncorroborated_log",
        help: "something typed into the CRM has no matching mail or meeting, or these say otherwise",
        keys: &[
            key("within", Time(Span::Days(1)), "how far a matching mail may lie from the typed time"),
            key("overlap_minutes", Count(30), "how far a matching meeting may lie from the typed time"),
        ],
    },
    Spec {
        name: "unlisted_stakeholder",
        help: "somebody of the deal's company takes part and is no contact, or has no role on the deal",
        keys: &[key("activities", Count(2), "from this many activities on")],
    },
    Spec {
        name: "phantom_contact",
        help: "a contact created by a rep has had no traffic at all",
        keys: &[key("after", Time(Span::Days(30)), "how long after it was created")],
    },
    Spec {
        name: "activity_without_deal",
        help: "much two-way activity with a company that has no open deal",
        keys: &[
            key("activities", Count(3), "from this many activities on"),
            key("within", Time(Span::Days(14)), "how far back"),
        ],
    },
    Spec { name: "competitor_mentioned", help: "a configured competitor is named in mail on the deal", keys: &[] },
];

/// The rule with this name.
pub fn spec(name: &str) -> Option<&'static Spec> {
    RULES.iter().find(|s| s.name == name)
}
