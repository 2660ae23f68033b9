//! Settings put on top of the file for a dry run, as `--set KEY=VALUE` writes them: keys as in `dealtrail.toml`. They are checked
//! as the file is, and an error says what the file's would say. Reads the file; writes nothing.

use toml::{Table, Value};

use super::{Config, ConfigError, connection::plain, fault::Places};
use crate::domain::thresholds::{self, fold};

/// What a dry run can try: it judges what is stored, so what decides on reading and matching is beyond it.
const TRIABLE: &str = "a dry run tries keys of `gaps`, `capture.exclude` and the organization's `timezone`, `working_days`, \
                       `working_hours` and `holidays`";

/// A configuration with settings put on top.
#[derive(Debug)]
pub struct Changed {
    pub config: Config,
    /// Exclusions that the file does not have.
    pub kept_out: Vec<String>,
    /// Stages (`stage` or `pipeline/stage`) that the settings name: whether there are such stages only the CRM knows.
    pub stages: Vec<String>,
}

impl Config {
    /// This configuration's file with settings (`KEY=VALUE`, or `KEY+=VALUE` for one more entry of a list) on top.
    ///
    /// # Errors
    /// The first setting that is wrong, or that a dry run cannot try.
    pub fn changed(&self, settings: &[String]) -> Result<Changed, ConfigError> {
        let shown = self.file.display();
        let text = std::fs::read_to_string(&self.file)
            .map_err(|e| ConfigError::new(format!("cannot read the configuration {shown}: {}", plain(&e))))?;
        self.changed_text(&text, settings, crate::registry::KINDS)
    }

    pub(super) fn changed_text(
        &self,
        text: &str,
        settings: &[String],
        kinds: &[&dealtrail_sdk::Kind],
    ) -> Result<Changed, ConfigError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut table: Table = toml::from_str(text).map_err(|e| Places::new(&self.file, text).reading(&e))?;
        let mut changed = Changed { config: self.clone(), kept_out: Vec::new(), stages: Vec::new() };
        for setting in settings {
            let asked = Asked::parse(setting)?;
            let wrong = |message: &str| ConfigError::new(format!("--set {}: {message}", asked.shown));
            asked.put(&mut table).map_err(|message| wrong(&message))?;
            let text = toml::to_string(&table).map_err(|_| wrong("this cannot be written as TOML"))?;
            let place = format!("--set {}", asked.shown);
            changed.config = Self::parse_with(&text, &self.file, &Places::said(&place, &text), kinds)?;
            if !asked.is_triable() {
                return Err(wrong(&format!("{TRIABLE}; change this one in the file and run `dealtrail sync`")));
            }
            changed.stages.extend(asked.stage().map(str::to_owned));
        }
        changed.kept_out = self.kept_out_by(&changed.config)?;
        Ok(changed)
    }

    /// What the other excludes and this does not. What this excludes was never stored, so the other must exclude it too.
    fn kept_out_by(&self, other: &Self) -> Result<Vec<String>, ConfigError> {
        let (before, after) = (&self.capture.exclude, &other.capture.exclude);
        if let Some(lost) = before.iter().find(|rule| !after.contains(rule)) {
            return Err(ConfigError::new(format!(
                "--set capture.exclude: `{lost}` cannot be taken away in a dry run, what it keeps out was never stored; add to \
                 the list with `--set capture.exclude+=...`"
            )));
        }
        Ok(after.iter().filter(|rule| !before.contains(rule)).cloned().collect())
    }
}

/// One `KEY=VALUE`, taken apart.
struct Asked {
    /// The key as it was written: the value is never repeated.
    shown: String,
    path: Vec<String>,
    value: Value,
    /// `+=`
    adds: bool,
}

impl Asked {
    fn parse(setting: &str) -> Result<Self, ConfigError> {
        let wrong = || {
            let example = "such as gaps.gone_quiet.after=7wd or gaps.stalled.enabled=false";
            ConfigError::new(format!("--set: expected KEY=VALUE, {example}"))
        };
        let mut quoted = false;
        let at = setting.find(|c| {
            quoted ^= c == '"';
            c == '=' && !quoted
        });
        let (key, value) = at.map(|at| (&setting[..at], setting[at + 1..].trim())).ok_or_else(wrong)?;
        let (key, adds) = key.trim_end().strip_suffix('+').map_or((key, false), |key| (key, true));
        let key = key.trim();
        if key.is_empty() {
            return Err(wrong());
        }
        let path = path_of(key);
        // 7, true, ["a"] are as in the file; 7wd need not stand in quotation marks
        let read: Option<Table> = toml::from_str(&format!("v = {value}")).ok();
        let read = read.filter(|t| t.len() == 1).and_then(|mut t| t.remove("v"));
        let value = read.unwrap_or_else(|| Value::String(value.to_owned()));
        let lists = [&["capture", "exclude"][..], &["organization", "working_days"], &["organization", "holidays"]];
        let value = if adds || lists.contains(&&path.iter().map(String::as_str).collect::<Vec<_>>()[..]) {
            as_list(value)
        } else {
            value
        };
        Ok(Self { shown: key.to_owned(), path, value, adds })
    }

    fn is_triable(&self) -> bool {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        match path[..] {
            ["gaps", ..] | ["capture", "exclude"] => true,
            ["organization", key] => ["timezone", "working_days", "working_hours", "holidays"].contains(&key),
            _ => false,
        }
    }

    /// The stage that a path below `gaps.RULE.stages` names.
    fn stage(&self) -> Option<&str> {
        match &self.path[..] {
            [gaps, _, stages, stage, ..] if gaps == "gaps" && stages == "stages" => Some(stage),
            _ => None,
        }
    }

    /// Writes it into the table, as an editor would into the file.
    fn put(&self, table: &mut Table) -> Result<(), String> {
        let (last, above) = self.path.split_last().expect("a key has a name");
        let mut here = table;
        for (depth, name) in above.iter().enumerate() {
            let name = self.known(here, depth, name);
            let inner = here.entry(name).or_insert_with(|| Value::Table(Table::new()));
            if !inner.is_table() && self.stage().is_some() && depth == 3 {
                *inner = Value::Table(self.in_full(inner.clone()));
            }
            here = match inner {
                Value::Table(inner) => inner,
                _ => return Err(format!("there is nothing to set below `{}`; {TRIABLE}", above[..=depth].join("."))),
            };
        }
        let name = self.known(here, above.len(), last);
        let value = match (here.get(&name), &self.value) {
            (Some(Value::Array(before)), Value::Array(more)) if self.adds => {
                Value::Array(before.iter().chain(more).cloned().collect())
            }
            (Some(before), _) if self.adds && !before.is_array() => return Err("this is no list: use `=`".to_owned()),
            // a plain value means the rule's first key: what else is set in that stage stays
            (Some(Value::Table(before)), value) if above.len() == 3 && !value.is_table() => {
                let mut merged = before.clone();
                merged.extend(self.in_full(value.clone()));
                Value::Table(merged)
            }
            (_, value) => value.clone(),
        };
        here.insert(name, value);
        Ok(())
    }

    /// The name that a stage has in the file already: stages are compared without case.
    fn known(&self, table: &Table, depth: usize, name: &str) -> String {
        let is_stage = depth == 3 && self.stage().is_some();
        let same = table.keys().find(|key| is_stage && fold(key) == fold(name));
        same.cloned().unwrap_or_else(|| name.to_owned())
    }

    /// What a plain value in `stages` means.
    fn in_full(&self, value: Value) -> Table {
        let first = self.path.get(1).and_then(|rule| thresholds::spec(rule)?.keys.first());
        let key = match (&value, first) {
            (Value::Boolean(_), _) | (_, None) => "enabled",
            (_, Some(key)) => key.name,
        };
        Table::from_iter([(key.to_owned(), value)])
    }
}

/// The names of a dotted key. What TOML would want in quotation marks (a stage with a space or a slash) may go without.
fn path_of(key: &str) -> Vec<String> {
    let read: Option<Table> = toml::from_str(&format!("{key} = 0")).ok();
    let Some(mut table) = read else { return key.split('.').map(|part| part.trim().to_owned()).collect() };
    let mut path = Vec::new();
    while let Some((name, value)) = table.into_iter().next() {
        path.push(name);
        table = match value {
            Value::Table(inner) => inner,
            _ => break,
        };
    }
    path
}

fn as_list(value: Value) -> Value {
    match value {
        Value::Array(all) => Value::Array(all),
        Value::String(text) => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Value::Array(parts.map(|part| Value::String(part.to_owned())).collect())
        }
        one => Value::Array(vec![one]),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::domain::span::Span;

    const FILE: &str = "[organization]\ndomains = [\"acme.example\"]\n[capture]\nexclude = [\"lawyer@firm.example\"]\n\
                        [[user]]\nemail = \"ana@acme.example\"\n[gaps.gone_quiet]\nafter = \"9wd\"\n\
                        stages = { \"Negotiation\" = \"5wd\", \"Parked\" = false, \"Won back\" = { after = \"3wd\", enabled = true } }\n";

    fn changed(settings: &[&str]) -> Result<Changed, String> {
        let config = Config::parse(FILE, Path::new("dealtrail.toml"), &[]).expect("a configuration");
        let settings: Vec<String> = settings.iter().map(|s| (*s).to_owned()).collect();
        config.changed_text(FILE, &settings, &[]).map_err(|e| e.to_string())
    }

    #[test]
    fn settings_reach_what_they_name() {
        for (set, stage, days, on) in [
            ("gaps.gone_quiet.after=7wd", "New", 7, true),
            ("gaps.gone_quiet.after = \"7wd\"", "Negotiation", 5, true),
            ("gaps.gone_quiet.stages.Negotiation=6wd", "Negotiation", 6, true),
            ("gaps.gone_quiet.stages.negotiation=6wd", "Negotiation", 6, true),
            ("gaps.gone_quiet.stages.Sales/Price Quote=4wd", "Price Quote", 4, true),
            ("gaps.gone_quiet.stages.\"Sales/Price Quote\".after=4wd", "Price Quote", 4, true),
            ("gaps.gone_quiet.stages.Negotiation.enabled=false", "Negotiation", 5, false),
            ("gaps.gone_quiet.stages.parked=true", "Parked", 9, true),
            ("gaps.gone_quiet.stages.parked.after=2wd", "Parked", 2, false),
            ("gaps.gone_quiet.stages.Won back=8wd", "Won back", 8, true),
            ("gaps.gone_quiet.enabled=false", "New", 9, false),
        ] {
            let config = changed(&[set]).unwrap_or_else(|e| panic!("{set}: {e}")).config;
            let rule = config.gaps.rule("gone_quiet");
            assert_eq!(rule.span("after", Some("Sales"), stage), Span::WorkDays(days), "{set}");
            assert_eq!(rule.enabled_in(Some("Sales"), stage), on, "{set}");
        }
        let both = changed(&["gaps.gone_quiet.after=1wd", "gaps.pushed_close.times=5"]).expect("two settings").config;
        assert_eq!(both.gaps.rule("gone_quiet").span("after", None, "New"), Span::WorkDays(1));
        assert_eq!(both.gaps.rule("pushed_close").count("times", None, "New"), 5);
        let needs = changed(&["gaps.missing_evidence.needs=quote_sent, meeting_held"]).expect("words").config;
        assert_eq!(needs.gaps.rule("missing_evidence").words("needs", None, "New"), ["quote_sent", "meeting_held"]);
    }

    #[test]
    fn exclusions_are_added_and_working_time_is_changed() {
        let more = changed(&["capture.exclude+=*@private.example, eve@buyer.example"]).expect("two more");
        assert_eq!(more.kept_out, ["*@private.example", "eve@buyer.example"]);
        let whole = changed(&["capture.exclude=[\"lawyer@firm.example\", \"x.example\"]"]).expect("the whole list");
        assert_eq!(whole.kept_out, ["x.example"]);
        let week = changed(&["organization.working_days=mon,tue", "organization.holidays=2026-12-25"]).expect("a week");
        assert_eq!(week.config.organization.working_days, [true, true, false, false, false, false, false]);
        assert_eq!(week.config.organization.holidays.len(), 1);
        let stages = changed(&["gaps.stalled.stages.Lead=5d", "gaps.stalled.after=9d"]).expect("a stage").stages;
        assert_eq!(stages, ["Lead"]);
    }

    #[test]
    fn what_is_wrong_is_said_as_the_file_would_say_it() {
        for (set, parts) in [
            (
                "gaps.gone_quite.after=7wd",
                &["--set gaps.gone_quite.after: `gaps.gone_quite`", "did you mean `gone_quiet`?"][..],
            ),
            ("gaps.gone_quiet.afer=7wd", &["`gaps.gone_quiet.afer`", "did you mean `after`?"]),
            ("gap.gone_quiet.after=7wd", &["`gap` is not a known key", "did you mean `gaps`?"]),
            ("gaps.gone_quiet.after=7 days", &["`gaps.gone_quiet.after`", "a span such as"]),
            ("gaps.gone_quiet.enabled=off", &["true or false"]),
            ("gaps.gone_quiet.stages.Lead.afer=7wd", &["no key `afer`"]),
            ("gaps.pushed_close.times=-1", &["a whole number"]),
            ("gaps.gone_quiet", &["expected KEY=VALUE"]),
            ("=7wd", &["expected KEY=VALUE"]),
            ("gaps.gone_quiet.after+=7wd", &["no list"]),
            ("privacy.share=text", &["--set privacy.share: a dry run tries", "dealtrail sync"]),
            ("user.email=eve@acme.example", &["nothing to set below `user`"]),
            ("capture.exclude=x.example", &["`lawyer@firm.example` cannot be taken away", "capture.exclude+="]),
            ("capture.exclude+=***", &["expected a pattern that leaves something"]),
            ("organization.timezone=Europe/Berln", &["did you mean `Europe/Berlin`?"]),
        ] {
            let said = changed(&[set]).expect_err(set);
            for part in parts {
                assert!(said.contains(part), "{set}: {said}");
            }
            assert!(said.starts_with("--set") && !said.contains("line ") && !said.contains('\n'), "{set}: {said}");
        }
    }
}
