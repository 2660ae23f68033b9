//! Every target over its corpus and a fixed number of changed inputs, the same on every machine.
//!
//! A find of a long run (`fuzz/run`) goes into `fuzz/corpus/NAME/` and is read here for ever after. A failure prints the
//! input as a command that repeats it.

use std::{fs, panic, path::PathBuf};

use dealtrail_fuzz::{
    Target,
    mutate::{self, Dice},
    target,
};

/// Changed inputs of one target.
const INPUTS: usize = 4_000;

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    assert!(files.len() >= 3, "{} holds too little", folder.display());
    files.iter().map(|f| fs::read(f).expect("a readable file")).collect()
}

fn run(name: &str) {
    let target = target(name).expect("a target of that name");
    let (corpus, words) = (corpus(name), mutate::words(target.words));
    assert!(words.len() > 5, "the words of {name} cannot be read");
    corpus.iter().for_each(|input| hold(target, input));
    let mut dice = Dice::of(name);
    for _ in 0..INPUTS {
        hold(target, &mutate::input(&mut dice, &corpus, &words));
    }
}

fn hold(target: &Target, input: &[u8]) {
    if let Err(cause) = panic::catch_unwind(|| (target.check)(input)) {
        let path = std::env::temp_dir().join(format!("dealtrail-{}-{}", target.name, std::process::id()));
        fs::write(&path, input).expect("a file for the input");
        eprintln!(
            "{}: the input is kept in {}; put it into fuzz/corpus/{0}/ once it is mended",
            target.name,
            path.display()
        );
        panic::resume_unwind(cause);
    }
}

#[test]
fn framer() {
    run("framer");
}

#[test]
fn structure() {
    run("structure");
}

#[test]
fn mail() {
    run("mail");
}

#[test]
fn calendar() {
    run("calendar");
}

#[test]
fn recurrence() {
    run("recurrence");
}

#[test]
fn sheet() {
    run("sheet");
}

#[test]
fn mbox() {
    run("mbox");
}

#[test]
fn dav() {
    run("dav");
}

#[test]
fn every_target_is_run() {
    let here = include_str!("short.rs");
    for target in dealtrail_fuzz::TARGETS {
        assert!(here.contains(&format!("run(\"{}\")", target.name)), "{} is not run", target.name);
    }
}
