//! Every bomb against its readers, each in a process of its own with little memory, little processor time and the stack
//! of an ordinary thread: what is bounded ends in time, what is not is killed and named here.
//!
//! `DEALTRAIL_BOMB_SIZE=100000000 cargo test --release -p dealtrail-fuzz --test bombs` throws the largest ones.

use std::{
    fs,
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use dealtrail_fuzz::TARGETS;
use dealtrail_testkit::bombs::{self, Bomb, Kind};

/// Bytes of a bomb. What grows with the square of its size needs minutes at this one.
const SIZE: usize = 1_500_000;
/// Seconds of processor time for one bomb: many times what a build without optimisation needs.
const SECONDS: usize = 30;
/// Memory that reading one item may take, the item itself included.
const MEMORY: usize = 256 << 20;
/// Address space of the process: a guard behind the measured memory.
const SPACE: usize = 6 << 30;

fn size() -> usize {
    std::env::var("DEALTRAIL_BOMB_SIZE").ok().and_then(|s| s.parse().ok()).unwrap_or(SIZE)
}

/// A file of many items may take more: none of its bytes may take more than this many.
fn allowed(kind: Kind, length: usize) -> usize {
    match kind {
        Kind::Sheet => MEMORY.max(length * 48),
        Kind::Mbox => MEMORY.max(length * 16),
        _ => MEMORY,
    }
}

/// Readers take no more than this of one item: what is larger is cut or refused before it is read.
fn largest(kind: Kind) -> usize {
    match kind {
        Kind::Mail | Kind::Mbox | Kind::Dav => 64 << 20,
        Kind::Calendar => 50 << 20,
        Kind::Sheet | Kind::Imap => usize::MAX,
    }
}

/// Runs as a process of its own, started by `no_bomb_goes_off`.
#[test]
#[ignore = "started by the other test, once for each bomb"]
fn one_bomb() {
    let name = std::env::var("DEALTRAIL_BOMB").expect("the name of a bomb");
    let bomb = bombs::all().find(|b| b.name == name).expect("a bomb of that name");
    let bytes = bomb.bytes(size().min(largest(bomb.kind)));
    forget_peak();
    let before = memory("VmRSS");
    // the stack of the threads that read in the program
    let worker = thread::Builder::new().stack_size(2 << 20).spawn(move || {
        TARGETS.iter().filter(|t| t.bombs == Some(bomb.kind)).for_each(|t| (t.check)(&bytes));
        bytes.len()
    });
    let length = worker.expect("a thread").join().expect("no panic");
    let used = memory("VmHWM").saturating_sub(before) + length;
    println!("bomb: {length} bytes, {} KiB of memory, {} ms of processor time", used >> 10, processor());
    assert!(used <= allowed(bomb.kind, length), "{} MiB of memory", used >> 20);
}

/// A value of /proc/self/status in bytes; 0 where there is no such file.
fn memory(what: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix(what)).unwrap_or_default();
    line.split_whitespace().find_map(|w| w.parse::<usize>().ok()).unwrap_or(0) << 10
}

/// The peak counts from now on, where the system allows it.
fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Processor time so far in milliseconds.
fn processor() -> usize {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|f| f.parse::<usize>().ok()).sum::<usize>() * 10
}

#[test]
fn no_bomb_goes_off() {
    let all: Vec<&Bomb> = bombs::all().collect();
    let only = std::env::var("DEALTRAIL_BOMB_ONLY").unwrap_or_default();
    let all: Vec<&Bomb> = all.into_iter().filter(|b| b.name.contains(&only)).collect();
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from).min(4) {
            scope.spawn(|| {
                while let Some(bomb) = all.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if let Err(why) = defused(bomb) {
                        failed
                            .lock()
                            .expect("no thread panics")
                            .push(format!("{:?} \"{}\": {why}", bomb.kind, bomb.name));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no thread panics");
    assert!(failed.is_empty(), "{} of {} bombs went off:\n{}", failed.len(), all.len(), failed.join("\n"));
}

fn defused(bomb: &Bomb) -> Result<(), String> {
    let program = std::env::current_exe().expect("the path of this test");
    let limits = format!("ulimit -v {} && ulimit -t {SECONDS} && exec \"$0\" \"$@\"", SPACE >> 10);
    let mut command = Command::new("sh");
    command.arg("-c").arg(limits).arg(program).args([
        "--ignored",
        "--exact",
        "one_bomb",
        "--nocapture",
        "--test-threads=1",
    ]);
    command
        .env("DEALTRAIL_BOMB", bomb.name)
        .env("MALLOC_ARENA_MAX", "1")
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null());
    let out = command.output().expect("sh can be started");
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    let figures = said.lines().find(|l| l.contains("bomb: "));
    if std::env::var_os("DEALTRAIL_BOMB_FIGURES").is_some() {
        println!("{:?} \"{}\" {}", bomb.kind, bomb.name, figures.unwrap_or("went off"));
    }
    if out.status.success() && figures.is_some() {
        return Ok(());
    }
    let cause = said.lines().find(|l| l.contains("stack") || l.contains("memory")).or_else(|| {
        let at = said.lines().position(|l| l.contains("panicked at"))?;
        said.lines().nth(at + 1)
    });
    Err(format!("{} ({})", out.status, cause.unwrap_or("killed: too much processor time or memory")))
}
