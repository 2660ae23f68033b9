//! The one-way rule, held by reading the sources: who may use whom, who may name a connector, who writes SQL.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(dir) = folders.pop() {
        for entry in fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).expect("a readable source");
                all.push((path, text));
            }
        }
    }
    assert!(!all.is_empty(), "{folder} holds no sources");
    all
}

/// Code without comments, so that a document may say what code may not.
fn code(text: &str) -> String {
    text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Does the code use this module of the crate, under any of the ways to name it?
fn uses(text: &str, module: &str) -> bool {
    let code = code(text);
    [format!("crate::{module}::"), format!("crate::{module};"), format!("dealtrail::{module}::")]
        .iter()
        .any(|n| code.contains(n))
        || in_crate_group(&code, module)
}

/// `use crate::{ a, module::x }`.
fn in_crate_group(code: &str, module: &str) -> bool {
    code.split("use crate::{").skip(1).any(|rest| {
        let mut depth = 1;
        let mut item = String::new();
        for c in rest.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => {
                    if starts_with_module(&item, module) {
                        return true;
                    }
                    item.clear();
                    continue;
                }
                _ => {}
            }
            if depth == 0 {
                return starts_with_module(&item, module);
            }
            item.push(c);
        }
        false
    })
}

fn starts_with_module(item: &str, module: &str) -> bool {
    item.trim().strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn forbid(folder: &str, modules: &[&str]) {
    for (path, text) in sources(folder) {
        for module in modules {
            assert!(!uses(&text, module), "{} may not use {module}", path.display());
        }
    }
}

/// Tests of the pages start the whole program to have something to show.
fn forbid_outside_tests(folder: &str, modules: &[&str]) {
    for (path, text) in sources(folder).into_iter().filter(|(path, _)| !path.ends_with("tests.rs")) {
        for module in modules {
            assert!(!uses(&text, module), "{} may not use {module}", path.display());
        }
    }
}

#[test]
fn a_use_of_a_module_is_seen() {
    for code in [
        "use crate::engine::Engine;",
        "pub use crate::engine::Known;",
        "use crate::{\n    app::App,\n    engine::Engine,\n};",
        "use crate::{a::{b, c}, engine};",
        "fn f(e: &crate::engine::Engine) {}",
        "use dealtrail::engine::pass;",
    ] {
        assert!(uses(code, "engine"), "{code}");
    }
    for code in ["// crate::engine::Engine", "use crate::store::engine;", "use crate::{a::{engine}, engines::b};"] {
        assert!(!uses(code, "engine"), "{code}");
    }
}

#[test]
fn imports_go_one_way() {
    forbid("src/domain", &["store", "engine", "app", "cli", "web", "config", "registry", "clock", "demo"]);
    forbid("src/store", &["engine", "app", "cli", "web", "config", "registry", "clock", "demo"]);
    forbid("src/engine", &["app", "cli", "web", "config", "registry", "demo"]);
    forbid_outside_tests("src/web", &["engine", "app", "cli", "registry", "clock", "demo"]);
    forbid("src/demo", &["store", "engine", "app", "cli", "web"]);
}

#[test]
fn the_domain_is_pure() {
    for (path, text) in sources("src/domain") {
        let code = code(&text);
        for word in ["async fn", "sqlx", "tokio", "reqwest", "Utc::now", "std::fs", "std::net"] {
            assert!(!code.contains(word), "{} may not hold {word}", path.display());
        }
    }
}

#[test]
fn only_the_store_writes_sql() {
    for (path, text) in sources("src") {
        let in_store = path.starts_with(root().join("src/store"));
        let code = code(&text).to_lowercase();
        for word in ["sqlx::", "\"select ", "\"insert into ", "\"update ", "\"delete from "] {
            assert!(in_store || !code.contains(word), "{} may not hold {word}", path.display());
        }
    }
}

#[test]
fn a_connector_is_named_in_its_folder_and_the_registry_only() {
    let crates =
        ["dealtrail_imap", "dealtrail_maildir", "dealtrail_mbox", "dealtrail_caldav", "dealtrail_ics", "dealtrail_csv"];
    for (path, text) in sources("src") {
        let registry = path.ends_with("registry.rs");
        for name in crates {
            assert!(registry || !code(&text).contains(name), "{} may not name {name}", path.display());
        }
    }
    for connector in crates {
        let folder = format!("connectors/{}", connector.trim_start_matches("dealtrail_"));
        for (path, text) in sources(&folder) {
            let others = crates.iter().filter(|c| **c != connector);
            for other in others {
                assert!(!code(&text).contains(other), "{} may not name {other}", path.display());
            }
            assert!(!code(&text).contains("sqlx"), "{} may not use a database", path.display());
        }
    }
}

#[test]
fn documents_name_folders_that_exist() {
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap_or_else(|e| panic!("{document}: {e}"));
        for name in text.split('`').skip(1).step_by(2).filter(|n| looks_like_a_path(n)) {
            let path = name.split(['#', ' ', '*', '{']).next().unwrap_or(name).trim_end_matches('/');
            assert!(root().join(path).exists(), "{document} names {name}, which is not there");
        }
    }
}

/// `src/engine`, `connectors/sdk/`, `tests/run`: a place in the repository, not a command or a value.
fn looks_like_a_path(text: &str) -> bool {
    let roots = ["src/", "connectors/", "tests/", "benches/", "migrations/", "config/", "fuzz/"];
    let one_word = !text.contains(char::is_whitespace) && Path::new(text).is_relative();
    one_word && roots.iter().any(|r| text.starts_with(r))
}
