//! `config/dealtrail.example.toml` against the defaults: it must be right, and must name every setting.

use std::path::Path;

use super::{COMMON, Config, Writeback};
use crate::domain::thresholds::{RULES, Standard};

const EXAMPLE: &str = include_str!("../../config/dealtrail.example.toml");

/// The example with every `#key = value` and `#[section]` switched on.
fn whole_example() -> String {
    let on = |line: &str| line.strip_prefix('#').filter(|l| !l.starts_with(' ') && !l.is_empty()).map(str::to_owned);
    EXAMPLE.lines().map(|l| on(l).unwrap_or_else(|| l.to_owned()) + "\n").collect()
}

#[test]
fn the_example_names_every_setting_with_its_default() {
    let mut example: Config = toml::from_str(&whole_example()).map_err(|e| e.message().to_owned()).unwrap();
    let plain = Config::default();
    assert_eq!(example.public_url(), plain.public_url());
    example.server.public_url = None;
    assert_eq!(example.organization.domains, ["acme.example"]);
    example.organization.domains.clear();
    assert_eq!(example.matching.deal_code.as_deref(), Some("OPP-[0-9]+"));
    example.matching.deal_code = None;
    let mut gaps = plain.gaps.clone();
    for rule in RULES {
        let (now, usual) = (example.gaps.rule(rule.name), plain.gaps.rule(rule.name));
        assert!(now.enabled());
        for key in rule.keys {
            match key.default {
                Standard::Span(_) => {
                    assert_eq!(now.span(key.name, None, "x"), usual.span(key.name, None, "x"), "{}", key.name)
                }
                Standard::Count(_) => assert_eq!(now.count(key.name, None, "x"), usual.count(key.name, None, "x")),
                Standard::Number(_) => {
                    assert!((now.number(key.name, None, "x") - usual.number(key.name, None, "x")).abs() < 1e-9);
                }
                Standard::Words(_) | Standard::Texts(_) => {
                    assert_eq!(now.words(key.name, None, "x"), usual.words(key.name, None, "x"));
                }
            }
        }
    }
    gaps.amount_for_high = example.gaps.amount_for_high;
    assert_eq!(gaps, plain.gaps);
    example.gaps = gaps;
    let connection = &example.connections[0];
    assert!(connection.enabled && connection.poll.as_secs() == 300);
    assert_eq!(example.capture_of(connection), plain.capture);
    assert_eq!(connection.share.unwrap_or(example.privacy.share), plain.privacy.share);
    assert_eq!(example.connections.last().unwrap().writeback, Writeback::default());
    example.teams.clear();
    example.users.clear();
    example.connections.clear();
    example.partners.clear();
    example.targets.clear();
    example.quotas.clear();
    assert!(example == plain, "a value in the example is not the default");
}

/// The keys of a section, as its reader lists them when asked for one that it does not know.
fn known_keys(section: &str) -> Vec<String> {
    let text = if section.is_empty() { "\"\" = 1\n".to_owned() } else { format!("{section}\n\"\" = 1\n") };
    let error = toml::from_str::<Config>(&text).unwrap_err();
    let message = error.message();
    assert!(message.starts_with("unknown field"), "{section}: {message}");
    message.split('`').skip(1).step_by(2).skip(1).map(str::to_owned).collect()
}

#[test]
fn the_example_leaves_no_setting_out() {
    let example = whole_example();
    let text_of = |section: &str| -> String {
        let parts = example.split("\n[").filter(|p| format!("[{p}").starts_with(&format!("{section}\n")));
        parts.collect::<Vec<_>>().join("\n")
    };
    let mut missing = Vec::new();
    for top in known_keys("") {
        let list = matches!(top.as_str(), "team" | "user" | "connection" | "partner" | "target" | "quota");
        let section = if list { format!("[[{top}]]") } else { format!("[{top}]") };
        let keys = match top.as_str() {
            "connection" => COMMON.iter().filter(|k| **k != "oauth").map(|k| (*k).to_owned()).collect(),
            _ => known_keys(&section),
        };
        for key in keys {
            let there = text_of(&section).lines().any(|l| l.starts_with(&format!("{key} = ")))
                || example.contains(&format!("\n[{top}.{key}]\n"));
            if !there {
                missing.push(format!("{top}.{key}"));
            }
        }
    }
    for rule in RULES {
        for key in rule.keys.iter().map(|k| k.name).chain(["enabled", "stages"]) {
            if !text_of(&format!("[gaps.{}]", rule.name)).contains(&format!("\n{key} = ")) {
                missing.push(format!("gaps.{}.{key}", rule.name));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_example_is_right_as_it_stands_and_with_everything_on() {
    let at = Path::new("dealtrail.toml");
    Config::parse(EXAMPLE, at, crate::registry::KINDS).unwrap();
    let whole = Config::parse(&whole_example(), at, crate::registry::KINDS).unwrap();
    assert_eq!(whole.connections.len(), 5);
    assert_eq!(whole.warnings(), Vec::<String>::new());
}
