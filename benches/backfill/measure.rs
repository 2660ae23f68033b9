//! What a command costs: time by the wall, CPU of the process and what it waited for, peak memory. From /proc, so on Linux only.

use std::{
    fmt, fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Ticks a second that /proc counts CPU in: fixed for programs on Linux.
const TICKS: u64 = 100;

#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub wall: Duration,
    pub cpu: Duration,
    /// Bytes.
    pub peak: u64,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} s, {:.2} s CPU, {} MB", self.wall.as_secs_f64(), self.cpu.as_secs_f64(), self.peak >> 20)
    }
}

impl Cost {
    /// Each figure's own median.
    pub fn median(all: &[Self]) -> Self {
        fn middle<T: Ord + Copy>(mut list: Vec<T>) -> T {
            list.sort_unstable();
            list[list.len() / 2]
        }
        Self {
            wall: middle(all.iter().map(|c| c.wall).collect()),
            cpu: middle(all.iter().map(|c| c.cpu).collect()),
            peak: middle(all.iter().map(|c| c.peak).collect()),
        }
    }
}

/// Runs the commands side by side to a good end.
pub fn measure(commands: Vec<Command>) -> Cost {
    let before = cpu_of_children();
    let began = Instant::now();
    let mut running: Vec<(Child, u64)> = commands
        .into_iter()
        .map(|mut c| {
            let child = c.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("the program can be started");
            (child, 0)
        })
        .collect();
    let mut peak = 0;
    while !running.is_empty() {
        running.retain_mut(|(child, high)| {
            *high = high_water(child.id()).unwrap_or(*high);
            match child.try_wait().expect("the child is ours") {
                None => true,
                Some(status) => {
                    assert!(status.success(), "the program ended with {status}");
                    peak += *high;
                    false
                }
            }
        });
        std::thread::sleep(Duration::from_millis(5));
    }
    Cost { wall: began.elapsed(), cpu: cpu_of_children() - before, peak }
}

/// The most memory a process has held so far.
fn high_water(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

/// CPU of all children that have ended and were waited for.
fn cpu_of_children() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("/proc is there");
    let behind_the_name = stat.rsplit(')').next().expect("a name in parentheses");
    // the third field of stat is the first here; cutime is the sixteenth, cstime the seventeenth
    let ticks: u64 =
        behind_the_name.split_whitespace().skip(13).take(2).map(|f| f.parse::<u64>().expect("ticks")).sum();
    Duration::from_millis(ticks * 1000 / TICKS)
}
