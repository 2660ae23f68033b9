//! Real files against independent readers: what packages carry as test data, read by us in this process and by two
//! oracles each (CPython's email and Node's mailparser; recurring-ical-events and ical.js). Where both oracles say the
//! same, we must say it too, in 99.9 of 100 cases. What we read otherwise on purpose stands in `known`, counted openly.
//!
//! `tests/oracles/fetch` brings files and oracles into the build folder. Nothing of others is kept in the repository.
//! ORACLES_SHOW=1 prints every difference, also those between the oracles.

mod calendar;
mod known;
mod mail;

use std::{
    collections::HashSet,
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use known::Known;
use serde_json::Value;

/// Of ten thousand.
const GOAL: usize = 9_990;

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracles")
}

/// The folder with files and oracles, filled when it is not.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../oracles");
        let fetched = Command::new(scripts().join("fetch")).arg(&folder).status().expect("bash to run the script");
        assert!(fetched.success(), "tests/oracles/fetch could not bring the oracles; its message stands above");
        folder.canonicalize().expect("the folder that was just filled")
    })
}

/// One of others' files.
struct Sample {
    /// Package and path inside it.
    name: String,
    path: PathBuf,
    bytes: Vec<u8>,
}

/// All files with one of these endings, each content once, in order of their names.
fn samples(endings: &[&str]) -> Vec<Sample> {
    let root = folder().join("files");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(dir) = folders.pop() {
        for entry in fs::read_dir(&dir).expect("a readable folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| endings.iter().any(|ending| e == *ending)) {
                let name = path.strip_prefix(&root).expect("a file below the root").to_string_lossy().into_owned();
                let bytes = fs::read(&path).expect("a readable file");
                found.push(Sample { name, path, bytes });
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    let mut seen = HashSet::new();
    found.retain(|s| seen.insert(s.bytes.clone()));
    found
}

/// Asks one oracle about all files at once: an answer a line. The answers are kept: they change with nothing but the
/// script, the packages and the question.
fn ask(program: &str, script: &str, input: &Value, count: usize) -> Vec<Value> {
    let input = input.to_string();
    let mut key = blake3::Hasher::new();
    for part in [scripts().join(script), scripts().join("fetch")] {
        key.update(&fs::read(part).expect("a script of ours"));
    }
    let key = key.update(input.as_bytes()).finalize().to_hex();
    let kept = folder().join(format!("answers-{script}-{}", &key[..16]));
    let text = fs::read_to_string(&kept).unwrap_or_else(|_| {
        let text = run(program, script, input);
        fs::write(&kept, &text).expect("a writable build folder");
        text
    });
    let answers: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).expect("a line of JSON")).collect();
    assert_eq!(answers.len(), count, "{script} did not answer for every file");
    answers
}

fn run(program: &str, script: &str, input: String) -> String {
    let mut child = Command::new(program)
        .arg(scripts().join(script))
        .env("PYTHONPATH", folder().join("python"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NODE_MODULES", folder().join("node/node_modules"))
        .env("TZ", "UTC")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{program}: {e}; tests/run installs it"));
    let mut stdin = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("an oracle's answers");
    writer.join().expect("a writer").expect("an oracle that reads its input");
    // what the oracles say about bad files is of no use, unless they end over it
    assert!(output.status.success(), "{script} failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("JSON in UTF-8")
}

/// What came of a comparison.
#[derive(Default)]
struct Tally {
    /// What both oracles agree on and no entry of `known` takes out.
    agreed: usize,
    /// Of these: what we say too.
    right: usize,
    /// What we say beyond it.
    extra: usize,
    /// Differences listed in `known`, each with the reason.
    known: usize,
    differences: Vec<String>,
}

impl Tally {
    /// Hundredths of a percent; nothing compared is a failure, not a success.
    fn share(part: usize, whole: usize) -> usize {
        (part * 10_000).checked_div(whole).unwrap_or(0)
    }

    fn found(&self) -> usize {
        Self::share(self.right, self.agreed)
    }

    fn precision(&self) -> usize {
        Self::share(self.right, self.right + self.extra)
    }

    fn add(&mut self, other: Self) {
        self.agreed += other.agreed;
        self.right += other.right;
        self.extra += other.extra;
        self.known += other.known;
        self.differences.extend(other.differences);
    }
}

fn percent(hundredths: usize) -> String {
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

/// Writes the closing figures beside the files, where `tests/run` finds them, and to the output.
fn publish(name: &str, lines: &[String]) {
    let text = lines.join("\n") + "\n";
    print!("{text}");
    fs::write(folder().join(format!("figures-{name}")), text).expect("a writable build folder");
}

/// Every entry of the table must still be needed: one that is not hides the next mistake.
fn all_needed(table: &[Known], met: &HashSet<usize>) {
    let idle = |i: &usize| !met.contains(i);
    let idle: Vec<&str> = (0..table.len()).filter(idle).map(|i| table[i].file).collect();
    assert!(idle.is_empty(), "known differences that are none any more: {idle:?}");
}

/// The reasons that were met, for the closing figures.
fn reasons(table: &[Known], met: &HashSet<usize>) -> Vec<String> {
    table.iter().enumerate().filter(|(i, _)| met.contains(i)).map(|(_, k)| format!("  {}: {}", k.file, k.why)).collect()
}

fn show() -> bool {
    env::var_os("ORACLES_SHOW").is_some()
}
