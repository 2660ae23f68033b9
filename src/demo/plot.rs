//! The sixty deals of the sample company and what is wrong with some of them. Data only.
//!
//! Times are working days before today: `last` is the latest stage move (or the creation of a lead that never moved),
//! `pace` the days spent in each stage before. Two deals that are open at the same time share no contact, except the
//! pairs that are meant to be ambiguous.

/// Stage indexes.
pub(super) const LEAD: usize = 0;
pub(super) const QUALIFIED: usize = 1;
pub(super) const DEMO: usize = 2;
pub(super) const PROPOSAL: usize = 3;
pub(super) const NEGOTIATION: usize = 4;
pub(super) const WON: usize = 5;
pub(super) const LOST: usize = 6;

/// Name, kind, probability of a stage, in the order of their positions.
pub(super) const STAGES: [(&str, &str, &str); 7] = [
    ("Lead", "open", "0.05"),
    ("Qualified", "open", "0.15"),
    ("Demo", "open", "0.30"),
    ("Proposal", "open", "0.50"),
    ("Negotiation", "open", "0.75"),
    ("Won", "won", "1"),
    ("Lost", "lost", "0"),
];

pub(super) const PRODUCTS: [&str; 5] = ["LineWatch", "PumpGuard", "ColdTrace", "EnergyDesk", "PressSense"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Open(usize),
    Won,
    /// Lost from this stage.
    Lost(usize),
}

/// What was planted on a deal; see [`Plant::rule`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plant {
    Healthy,
    /// The last move has nothing at all in its window.
    Unsupported,
    /// The same, and it jumps over stages.
    UnsupportedJump,
    /// Only our own mail (and an out-of-office reply) around the last move.
    OneSidedMail,
    /// Only a meeting nobody confirmed and a typed call around the last move.
    OneSidedMeeting,
    GoneQuiet,
    /// The same, and our last mail bounced.
    GoneQuietBounced,
    NoNextStep,
    OverdueClose,
    /// The evidence lies before the day from which the rep's mailbox is read.
    UnknownBlind,
    /// The only evidence is a mail whose deal nobody has chosen yet.
    UnknownPending,
    /// Shares contacts with another open deal; its own mail carries its code.
    Coded,
    /// The same, and it also receives mail that could belong to either.
    CodedVague,
    NoReply,
    WeOweReply,
    SingleThreaded,
    Competitor,
    AmountDropped,
    UnlistedStakeholder,
    NoFollowUp,
    CommitWithoutEvidence,
    PushedClose,
    PhantomContact,
    OverdueNextStep,
    Stalled,
    MissingEvidence,
    Uncorroborated,
    Contradicted,
    /// A jump over a stage that is well supported.
    SkippedStage,
    /// Moved by mistake and back within the hour: no finding at all.
    Misclick,
    /// The customer is met every week.
    Weekly,
    /// The order came through a purchasing portal.
    Portal,
}

impl Plant {
    /// The rule that finds it and the state of the finding, or nothing for deals that are in order.
    pub(super) fn rule(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::Unsupported | Self::UnsupportedJump => ("unsupported_advance", "open"),
            Self::OneSidedMail | Self::OneSidedMeeting => ("one_sided_advance", "open"),
            Self::GoneQuiet | Self::GoneQuietBounced => ("gone_quiet", "open"),
            Self::NoNextStep => ("no_next_step", "open"),
            Self::OverdueClose => ("overdue_close", "open"),
            Self::UnknownBlind | Self::UnknownPending => ("unsupported_advance", "unknown"),
            Self::NoReply => ("no_reply", "open"),
            Self::WeOweReply => ("we_owe_reply", "open"),
            Self::SingleThreaded => ("single_threaded", "open"),
            Self::Competitor => ("competitor_mentioned", "open"),
            Self::AmountDropped => ("amount_dropped", "open"),
            Self::UnlistedStakeholder => ("unlisted_stakeholder", "open"),
            Self::NoFollowUp => ("no_follow_up", "open"),
            Self::CommitWithoutEvidence => ("commit_without_evidence", "open"),
            Self::PushedClose => ("pushed_close", "open"),
            Self::PhantomContact => ("phantom_contact", "open"),
            Self::OverdueNextStep => ("overdue_next_step", "open"),
            Self::Stalled => ("stalled", "open"),
            Self::MissingEvidence => ("missing_evidence", "open"),
            Self::Uncorroborated | Self::Contradicted => ("uncorroborated_log", "open"),
            Self::SkippedStage => ("skipped_stage", "open"),
            Self::Healthy | Self::Coded | Self::CodedVague | Self::Misclick | Self::Weekly | Self::Portal => {
                return None;
            }
        })
    }

    /// One sentence: what is worth looking at.
    pub(super) fn why(self) -> &'static str {
        match self {
            Self::Unsupported => "moved forward although nobody from the customer wrote, met or called in its window",
            Self::UnsupportedJump => "jumped over two stages with nothing from the customer to show for it",
            Self::OneSidedMail => "moved forward on our own mails alone; the only answer is an out-of-office note",
            Self::OneSidedMeeting => "moved forward on a meeting that nobody confirmed and a call that was typed in",
            Self::GoneQuiet => "no word from the customer for three weeks, and no meeting ahead",
            Self::GoneQuietBounced => "quiet for three weeks, and our last mail bounced: the contact's address is dead",
            Self::NoNextStep => "lively, but nothing is planned: no meeting and no task",
            Self::OverdueClose => "still open although its close date has passed",
            Self::UnknownBlind => {
                "won before the day from which Ben's mailbox is read, so nobody is blamed for the silence"
            }
            Self::UnknownPending => {
                "its only evidence is a mail that may belong to another deal; one click in the review queue decides"
            }
            Self::NoReply => "our answer has been waiting for a reply for more than a week",
            Self::WeOweReply => "the customer asked something days ago and nobody answered",
            Self::SingleThreaded => "a large deal that hangs on one person",
            Self::Competitor => "the customer compares us with Sensorix",
            Self::AmountDropped => "its amount fell by a fifth",
            Self::UnlistedStakeholder => "somebody from the customer takes part who is not in the CRM",
            Self::NoFollowUp => "a meeting was held and nobody wrote afterwards",
            Self::CommitWithoutEvidence => {
                "forecast as commit, without a word from the customer for more than two weeks"
            }
            Self::PushedClose => "its close date has been pushed three times",
            Self::PhantomContact => "one of its contacts has never written, met or been written to",
            Self::OverdueNextStep => "the promised next step is a week late",
            Self::Stalled => "lively, but for two months in the same stage",
            Self::MissingEvidence => "went to Proposal without a quote",
            Self::Uncorroborated => "has a typed call that no mail and no meeting confirms",
            Self::Contradicted => "has a typed meeting that the calendar says was cancelled",
            Self::SkippedStage => "skipped the demo; well supported all the same",
            Self::CodedVague => "shares a contact with another deal: some of its mail waits in the review queue",
            Self::Weekly => "a weekly call with one date moved and one left out: a complete trail",
            Self::Portal => "its purchase order came through a portal, automatic mail that counts as evidence",
            Self::Misclick => "moved by mistake and back within the hour: no finding",
            Self::Healthy | Self::Coded => "in order",
        }
    }
}

/// One deal.
#[derive(Debug)]
pub(super) struct Row {
    pub firm: usize,
    /// Indexes of the firm's people who have a role on the deal.
    pub people: &'static [usize],
    pub product: usize,
    pub site: &'static str,
    pub amount: i64,
    pub end: End,
    pub last: i64,
    pub pace: i64,
    pub plant: Plant,
}

#[expect(clippy::too_many_arguments, reason = "one row of a table")]
const fn row(
    firm: usize,
    people: &'static [usize],
    product: usize,
    site: &'static str,
    amount: i64,
    end: End,
    last: i64,
    pace: i64,
    plant: Plant,
) -> Row {
    Row { firm, people, product, site, amount, end, last, pace, plant }
}

use End::{Lost, Open, Won};
use Plant::{
    AmountDropped, Coded, CodedVague, CommitWithoutEvidence, Competitor, Contradicted, GoneQuiet, GoneQuietBounced,
    Healthy, Misclick, MissingEvidence, NoFollowUp, NoNextStep, NoReply, OneSidedMail, OneSidedMeeting, OverdueClose,
    OverdueNextStep, PhantomContact, Portal, PushedClose, SingleThreaded, SkippedStage, Stalled, Uncorroborated,
    UnknownBlind, UnknownPending, UnlistedStakeholder, Unsupported, UnsupportedJump, WeOweReply, Weekly,
};

#[rustfmt::skip]
pub(super) const DEALS: [Row; 60] = [
    // Ana
    row(0, &[0, 1], 0, "Containerterminal", 186_000, Open(NEGOTIATION), 8, 8, Unsupported),
    row(0, &[2, 3], 2, "Kühllager", 38_500, Open(DEMO), 9, 6, Contradicted),
    row(0, &[2, 3], 3, "Verwaltung", 52_000, Won, 34, 7, Healthy),
    row(1, &[0, 1], 0, "Abfüllung Süd", 64_000, Open(PROPOSAL), 6, 7, Misclick),
    row(1, &[1, 2], 2, "Gärkeller", 31_000, Lost(PROPOSAL), 45, 9, Healthy),
    row(2, &[0, 1], 1, "Wasserwerk", 120_000, Open(PROPOSAL), 12, 9, OverdueClose),
    row(2, &[2, 3], 3, "Netzleitstelle", 24_000, Open(QUALIFIED), 5, 6, Uncorroborated),
    row(2, &[2, 3], 1, "Hebewerke", 88_000, Won, 30, 8, Healthy),
    row(3, &[0, 1], 4, "Plattenzuschnitt", 29_500, Open(DEMO), 17, 7, GoneQuiet),
    row(3, &[1, 2], 0, "Lackierstraße", 35_000, Lost(DEMO), 50, 7, Healthy),
    row(4, &[0, 1], 3, "Schmelzwanne 2", 95_000, Open(NEGOTIATION), 7, 8, Weekly),
    row(4, &[2, 3], 0, "Schneidlinie", 41_000, Open(PROPOSAL), 10, 6, NoReply),
    row(5, &[0, 1], 2, "Verdichter", 57_000, Open(DEMO), 10, 7, UnknownPending),
    row(5, &[0, 1], 1, "Prüfstand", 22_500, Open(QUALIFIED), 17, 11, Coded),
    row(5, &[0, 2], 2, "Montagehalle", 48_000, Won, 40, 8, Healthy),
    row(6, &[0, 1], 3, "Dampfnetz", 18_000, Open(QUALIFIED), 6, 5, WeOweReply),
    row(6, &[1, 2], 4, "Kalander", 47_500, Won, 14, 8, Healthy),
    // Jonas
    row(7, &[0, 1], 4, "Presswerk", 48_000, Open(NEGOTIATION), 8, 10, UnsupportedJump),
    row(7, &[2, 3], 0, "Fräszentrum", 33_000, Open(PROPOSAL), 7, 6, Competitor),
    row(7, &[2, 3], 3, "Druckluft", 27_000, Lost(NEGOTIATION), 32, 8, Healthy),
    row(8, &[0], 1, "Dosieranlage", 75_000, Open(DEMO), 10, 8, SingleThreaded),
    row(8, &[1, 2], 1, "Technikum", 39_000, Won, 60, 7, Healthy),
    row(9, &[0, 1], 4, "Stanzerei", 56_000, Open(PROPOSAL), 9, 7, CodedVague),
    row(9, &[0, 2], 3, "Druckerei", 27_500, Open(QUALIFIED), 9, 7, Coded),
    row(9, &[3], 0, "Kaschierung", 19_000, Lost(QUALIFIED), 40, 8, Healthy),
    row(10, &[2], 2, "Filialkühlung", 12_000, Open(LEAD), 4, 6, Healthy),
    row(10, &[0, 1], 2, "Teiglager", 64_500, Won, 7, 7, Unsupported),
    row(11, &[0, 1], 0, "Sterile filling", 142_000, Open(PROPOSAL), 11, 10, AmountDropped),
    row(11, &[2, 3], 2, "Cold chain store", 35_000, Open(QUALIFIED), 7, 7, NoNextStep),
    row(11, &[2, 3], 3, "Utilities", 71_000, Won, 25, 8, Portal),
    row(12, &[0, 1], 4, "Prüflabor", 68_000, Open(NEGOTIATION), 8, 7, OneSidedMail),
    row(12, &[1, 2], 0, "Extrusion", 30_500, Lost(PROPOSAL), 48, 8, Healthy),
    // Claire
    row(13, &[0, 1], 3, "Four 3", 83_000, Open(PROPOSAL), 9, 8, UnlistedStakeholder),
    row(13, &[2], 0, "Emballage", 15_500, Open(LEAD), 7, 6, Healthy),
    row(13, &[2, 3], 1, "Circuit d'eau", 46_000, Won, 20, 7, Healthy),
    row(14, &[0, 1], 4, "Broyeurs", 31_500, Open(DEMO), 8, 7, OneSidedMeeting),
    row(14, &[1, 2], 0, "Ensachage", 26_000, Lost(DEMO), 40, 9, Healthy),
    row(15, &[0, 1], 1, "Almazara norte", 110_000, Open(NEGOTIATION), 6, 9, Healthy),
    row(15, &[2, 3], 0, "Envasado", 28_000, Open(DEMO), 10, 6, NoFollowUp),
    row(15, &[2, 3], 3, "Calderas", 59_000, Won, 28, 8, Healthy),
    row(16, &[0, 1], 2, "Túnel de congelado", 44_000, Open(PROPOSAL), 17, 7, CommitWithoutEvidence),
    row(16, &[1, 2], 0, "Línea de latas", 36_500, Won, 55, 7, Healthy),
    row(17, &[0, 1], 0, "Ready meals", 78_000, Open(NEGOTIATION), 10, 8, OverdueClose),
    row(17, &[2, 3], 2, "Blast chillers", 21_000, Open(QUALIFIED), 4, 5, PhantomContact),
    row(17, &[2, 3], 3, "Boiler house", 33_500, Lost(NEGOTIATION), 22, 8, Healthy),
    row(18, &[0, 1], 1, "Test bay", 52_500, Open(PROPOSAL), 5, 7, PushedClose),
    row(18, &[1, 2], 1, "Field service", 43_000, Won, 62, 7, Healthy),
    // Ben
    row(19, &[0, 1], 0, "Canning hall", 67_000, Open(DEMO), 9, 7, OverdueNextStep),
    row(19, &[2], 3, "Compressed air", 20_000, Open(LEAD), 5, 6, Healthy),
    row(19, &[2, 3], 1, "Syrup room", 58_000, Won, 77, 6, UnknownBlind),
    row(20, &[0, 1], 4, "Crusher line", 134_000, Open(PROPOSAL), 14, 8, NoNextStep),
    row(20, &[2], 1, "Wash plant", 26_500, Lost(QUALIFIED), 30, 7, Healthy),
    row(21, &[0, 1], 3, "Dryer section", 33_500, Open(QUALIFIED), 17, 6, GoneQuietBounced),
    row(21, &[1, 2], 1, "Stock prep", 49_000, Won, 27, 7, Healthy),
    row(22, &[0, 1], 4, "Molding line", 91_000, Open(NEGOTIATION), 9, 8, SkippedStage),
    row(22, &[2, 3], 3, "Induction furnaces", 40_000, Open(DEMO), 38, 6, Stalled),
    row(23, &[0, 1], 1, "High-pressure skid", 210_000, Open(PROPOSAL), 10, 9, MissingEvidence),
    row(23, &[1, 2], 3, "Intake station", 37_000, Lost(PROPOSAL), 41, 6, Healthy),
    row(24, &[0], 2, "Blast freezer", 26_000, Open(LEAD), 8, 6, Healthy),
    row(24, &[1, 2], 2, "Dock doors", 45_500, Won, 12, 8, Healthy),
];
