//! The `[gaps]` section -> [`GapSettings`], each key checked at its own place.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, MapAccess, Visitor},
};
use toml::Value;

use super::reading::Leaf;
use crate::domain::thresholds::{GapSettings, Given, RULES, Spec, spec};

/// Reads the section.
pub fn read<'de, D: Deserializer<'de>>(d: D) -> Result<GapSettings, D::Error> {
    let mut settings = GapSettings::default();
    d.deserialize_map(Section(&mut settings))?;
    Ok(settings)
}

struct Section<'a>(&'a mut GapSettings);

impl<'de> Visitor<'de> for Section<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let known: Vec<&str> = std::iter::once("amount_for_high").chain(RULES.iter().map(|r| r.name)).collect();
        while let Some(key) = map.next_key_seed(Known(&known))? {
            match spec(&key) {
                Some(spec) => map.next_value_seed(RuleTable { settings: &mut *self.0, spec })?,
                None => self.0.amount_for_high = map.next_value_seed(Leaf(amount))?,
            }
        }
        Ok(())
    }
}

fn amount(value: Value) -> Result<f64, String> {
    let n = value.as_float().or_else(|| value.as_integer().map(|n| n as f64));
    n.filter(|n| *n >= 0.0).ok_or_else(|| "expected an amount of 0 or more".to_owned())
}

/// One of the known keys; another is an error at its own place.
struct Known<'a>(&'a [&'a str]);

impl<'de> DeserializeSeed<'de> for Known<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<String, D::Error> {
        let key = String::deserialize(d)?;
        if self.0.contains(&key.as_str()) {
            return Ok(key);
        }
        let known: Vec<String> = self.0.iter().map(|k| format!("`{k}`")).collect();
        Err(de::Error::custom(format!("unknown field `{key}`, expected one of {}", known.join(", "))))
    }
}

/// The table of one rule.
struct RuleTable<'a> {
    settings: &'a mut GapSettings,
    spec: &'static Spec,
}

impl<'de> DeserializeSeed<'de> for RuleTable<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RuleTable<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let rule = self.spec.name;
        let known: Vec<&str> = ["enabled", "stages"].into_iter().chain(self.spec.keys.iter().map(|k| k.name)).collect();
        while let Some(key) = map.next_key_seed(Known(&known))? {
            if key == "stages" {
                map.next_value_seed(StageTable { settings: &mut *self.settings, spec: self.spec })?;
            } else {
                let settings = &mut *self.settings;
                map.next_value_seed(Leaf(|v| settings.set(rule, None, &key, &given(v)?)))?;
            }
        }
        Ok(())
    }
}

/// `stages = { "Proposal" = "7wd", "Enterprise/Proposal" = { after = "9wd", enabled = true }, "Parked" = false }`
struct StageTable<'a> {
    settings: &'a mut GapSettings,
    spec: &'static Spec,
}

impl<'de> DeserializeSeed<'de> for StageTable<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for StageTable<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let rule = self.spec.name;
        while let Some(stage) = map.next_key::<String>()? {
            let settings = &mut *self.settings;
            map.next_value_seed(Leaf(|value| match value {
                Value::Table(keys) => {
                    keys.into_iter().try_for_each(|(key, v)| settings.set(rule, Some(&stage), &key, &given(v)?))
                }
                value => settings.set_stage(rule, &stage, &given(value)?),
            }))?;
        }
        Ok(())
    }
}

/// A TOML value as the thresholds take it.
fn given(value: Value) -> Result<Given, String> {
    Ok(match value {
        Value::String(t) => Given::Text(t),
        Value::Integer(n) => Given::Whole(n),
        Value::Float(n) => Given::Number(n),
        Value::Boolean(b) => Given::Flag(b),
        Value::Array(list) => {
            let words: Option<Vec<String>> = list.iter().map(|v| v.as_str().map(str::to_owned)).collect();
            Given::List(words.ok_or_else(|| "expected a list of words in quotation marks".to_owned())?)
        }
        Value::Datetime(_) | Value::Table(_) => return Err("expected a threshold, not a table or a date".to_owned()),
    })
}
