//! What a command costs: time by the wall, CPU of the process, peak memory. From /proc, so on Linux only.

use std::{
    fs,
    io::Read as _,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Ticks a second that /proc counts CPU in: fixed for programs on Linux.
const TICKS: u64 = 100;
/// The first argument of this program where it is to do one thing alone.
pub const OWN: &str = "own";
/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(2);

#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    pub wall: Duration,
    pub cpu: Duration,
    /// Bytes; 0 where nobody looked.
    pub peak: u64,
}

impl Cost {
    /// Each figure's own median.
    pub fn median(all: &[Self]) -> Self {
        Self {
            wall: middle(all.iter().map(|c| c.wall)),
            cpu: middle(all.iter().map(|c| c.cpu)),
            peak: middle(all.iter().map(|c| c.peak)),
        }
    }
}

/// The median; of an even number the greater of the two in the middle.
pub fn middle<T: PartialOrd + Copy>(list: impl IntoIterator<Item = T>) -> T {
    quantile(list, 50)
}

/// The value that `percent` of all do not exceed.
pub fn quantile<T: PartialOrd + Copy>(list: impl IntoIterator<Item = T>, percent: usize) -> T {
    let mut list: Vec<T> = list.into_iter().collect();
    list.sort_by(|a, b| a.partial_cmp(b).expect("no figure is a NaN"));
    list[(list.len() * percent / 100).min(list.len() - 1)]
}

/// This program once more, to do one thing alone: what that costs is measured like any other program.
pub fn own(thing: &str, file: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program has a file"));
    command.args([OWN, thing]).arg(file);
    command
}

/// Runs a command to a good end: what it cost and what it printed.
pub fn measure(mut command: Command) -> (Cost, String) {
    let before = cpu_of_children();
    let began = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|e| panic!("{} cannot be started: {e}", command.get_program().display()));
    let (id, ended) = (child.id(), AtomicBool::new(false));
    let (mut said, mut complaints) = (String::new(), String::new());
    let (wall, peak) = thread::scope(|scope| {
        let peak = scope.spawn(|| {
            let mut high = 0;
            while !ended.load(Ordering::Relaxed) {
                high = memory(id, "VmHWM").unwrap_or(high);
                thread::sleep(LOOK);
            }
            high
        });
        child.stdout.take().expect("it is piped").read_to_string(&mut said).expect("it prints text");
        // a line or two: it waits in the pipe
        child.stderr.take().expect("it is piped").read_to_string(&mut complaints).expect("it prints text");
        let status = child.wait().expect("the child is ours");
        let wall = began.elapsed();
        ended.store(true, Ordering::Relaxed);
        assert!(status.success(), "{} ended with {status}: {said}{complaints}", command.get_program().display());
        (wall, peak.join().expect("it only reads /proc"))
    });
    (Cost { wall, cpu: cpu_of_children() - before, peak }, said)
}

/// A line of /proc/PROCESS/status in bytes: `VmHWM` is the most memory it held so far, `VmRSS` what it holds now.
pub fn memory(process: u32, line: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(':'))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

/// CPU that a process has used so far.
pub fn cpu_of(process: u32) -> Duration {
    // utime and stime
    ticks(&format!("/proc/{process}/stat"), 11)
}

/// CPU of all children that have ended and were waited for.
fn cpu_of_children() -> Duration {
    // cutime and cstime
    ticks("/proc/self/stat", 13)
}

/// The sum of two fields of a stat file, counted from behind the name: the third field of proc(5) is the first here.
fn ticks(file: &str, first: usize) -> Duration {
    let stat = fs::read_to_string(file).expect("the process is there");
    let behind_the_name = stat.rsplit(')').next().expect("a name in parentheses");
    let fields = behind_the_name.split_whitespace().skip(first).take(2);
    let ticks: u64 = fields.map(|f| f.parse::<u64>().expect("ticks")).sum();
    Duration::from_millis(ticks * 1000 / TICKS)
}
