//! Every copy of a message and every calendar instance has exactly one decision, and nothing else has one.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Score, event_key, place, text};
use crate::world::{Decision, Ties, World, days};

pub fn compare(world: &World, ties: &Ties, rows: &[Value], score: &mut Score) {
    let mut expected = expected(world, ties);
    for row in rows {
        let (connection, stream, key) = place(row);
        let slot = event_key(&key).filter(|_| connection.ends_with("-calendar")).map_or_else(
            || (connection.clone(), stream.clone(), key.clone()),
            |(uid, rec)| event_slot(&connection, uid, rec),
        );
        let Some((label, truth)) = expected.remove(&slot) else {
            let outcome = text(row, "outcome").unwrap_or_default();
            score.decisions.check(false, || format!("surplus: {connection} {stream} {key} ({outcome})"));
            continue;
        };
        judge(row, &label, truth, score);
    }
    for (slot, (label, truth)) in expected {
        let word = truth.outcome.word();
        score.decisions.check(false, || format!("missing: {label} {slot:?} should be {word}"));
    }
}

type Slot = (String, String, String);

/// What every row is to say, by its place, with a label for people.
fn expected<'a>(world: &'a World, ties: &Ties) -> BTreeMap<Slot, (String, &'a Decision)> {
    let mut all = BTreeMap::new();
    for (slot, &ix) in &ties.copies {
        let copy = &world.copies[ix];
        if let Some(truth) = &copy.truth {
            let mail = &world.mails[copy.mail];
            all.insert(slot.clone(), (format!("[{}] mail {}", mail.scene, mail.token), truth));
        }
    }
    for e in &world.events {
        let recurrence = e.recurrence_id.map_or_else(|| "-".to_owned(), days::basic);
        let slot = event_slot(&world.calendar_connection(e.owner), &e.uid, &recurrence);
        let label = format!("[{}] event {} {recurrence}", e.scene, e.uid);
        assert!(all.insert(slot, (label, &e.truth)).is_none(), "two truths about one instance");
    }
    all
}

fn event_slot(connection: &str, uid: &str, recurrence: &str) -> Slot {
    (connection.to_owned(), format!("event {uid}"), recurrence.to_owned())
}

fn judge(row: &Value, label: &str, truth: &Decision, score: &mut Score) {
    let (outcome, reason) = (text(row, "outcome").unwrap_or_default(), text(row, "reason"));
    let said = || format!("{outcome} {}", reason.unwrap_or_default());
    let right = outcome == truth.outcome.word();
    let wanted = format!("{} {}", truth.outcome.word(), truth.reason.unwrap_or_default());
    score.decisions.check(right, || format!("{label}: {} instead of {wanted}", said()));
    if truth.reason.is_some() {
        // An event among ourselves: `internal` stands before `no_outsider` in the list of reasons, but the words of the
        // latter fit it better; both readings are taken.
        let right = reason == truth.reason || (truth.reason == Some("no_outsider") && reason == Some("internal"));
        score.reasons.check(right, || format!("{label}: {} instead of {wanted}", said()));
    }
    if truth.activity.is_some() {
        let tied = text(row, "activity").is_some();
        score.decisions.check(tied, || format!("{label}: captured, but the row names no activity"));
    }
}
