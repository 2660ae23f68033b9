//! The CRM comes out as it went in, and delivery reports have marked the addresses they are about.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Score, text};
use crate::world::World;

pub fn compare(world: &World, contacts: &[Value], deals: &[Value], score: &mut Score) {
    let rows: BTreeMap<&str, &Value> = contacts.iter().filter_map(|r| Some((text(r, "id")?, r))).collect();
    for c in world.crm.contacts.iter().filter(|c| c.merged_into.is_none()) {
        let row = rows.get(c.id.as_str());
        score.crm.check(row.is_some(), || format!("missing: contact {}", c.id));
        if let (Some(row), Some(dead)) = (row, c.dead) {
            let said = text(row, "address_dead_at").is_some();
            score.crm.check(said == dead, || format!("contact {}: dead {said} instead of {dead}", c.id));
        }
    }
    let known: BTreeSet<&str> = world.crm.contacts.iter().map(|c| c.id.as_str()).collect();
    for id in rows.keys() {
        score.crm.check(known.contains(id), || format!("surplus: contact {id}"));
    }
    score.crm.check(rows.len() == contacts.len(), || "a contact stands twice".into());
    let rows: BTreeMap<&str, &Value> = deals.iter().filter_map(|r| Some((text(r, "id")?, r))).collect();
    for d in &world.crm.deals {
        let changes = rows.get(d.id.as_str()).and_then(|r| r.get("stage_changes")).and_then(Value::as_array);
        let right = changes.is_some_and(|c| c.len() >= d.moves.len() && c.len() <= d.moves.len() + 1);
        score.crm.check(right, || format!("deal {}: missing, or with other stage changes", d.id));
    }
    score.crm.check(deals.len() == world.crm.deals.len(), || format!("{} deals", deals.len()));
}
