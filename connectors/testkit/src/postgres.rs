//! A private PostgreSQL for tests: a cluster of its own in a temporary folder, on a free loopback port.
//!
//! It answers on loopback only, trusts whoever connects, and keeps nothing safe on disk. It ends when its handle is
//! dropped, and also when the test process dies in any way: the shell that started it waits for its standard input
//! to close. `DEALTRAIL_TEST_POSTGRES=postgres://...` points to a running server instead.

use std::{
    fmt,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use tempfile::TempDir;

use crate::ports;

/// The variable that names a running server to use instead of a private one.
pub const VARIABLE: &str = "DEALTRAIL_TEST_POSTGRES";

/// A running PostgreSQL.
pub struct Postgres {
    /// `postgres://user@host:port`, without a database.
    server: String,
    /// Folder of `psql`.
    bin: PathBuf,
    /// None when somebody else runs the server.
    own: Option<Own>,
    made: AtomicU32,
}

struct Own {
    shell: Child,
    /// Closing it stops the server.
    stdin: Option<ChildStdin>,
    _folder: TempDir,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Postgres({})", if self.own.is_some() { &self.server } else { VARIABLE })
    }
}

/// Starts the server as a child, says its process id, and stops it once standard input closes.
const WATCH: &str = r#"
"$1" -D "$2" -h 127.0.0.1 -p "$3" -k "$2" -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
    -c max_connections=200 -c shared_buffers=32MB -c listen_addresses=127.0.0.1 </dev/null >"$2/log" 2>&1 &
server=$!
echo $server
read -r _
kill -INT $server 2>/dev/null
wait $server
cd / && rm -rf "$4"
"#;

impl Postgres {
    /// The server that all tests of this process share; started by the first that asks.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts a private server, or takes the one that `DEALTRAIL_TEST_POSTGRES` names.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start; the message says what to do.
    pub fn start() -> Self {
        let bin = programs();
        if let Ok(url) = std::env::var(VARIABLE) {
            let server = without_database(url.trim()).to_owned();
            return Self { server, bin, own: None, made: AtomicU32::new(0) };
        }
        let mut last = String::new();
        // A port that was free may be taken before the server binds it.
        for _ in 0..5 {
            match launch(&bin, ports::free()) {
                Ok((own, port)) => {
                    let server = format!("postgres://{SUPERUSER}@127.0.0.1:{port}");
                    return Self { server, bin, own: Some(own), made: AtomicU32::new(0) };
                }
                Err(why) => last = why,
            }
        }
        panic!("PostgreSQL did not start: {last}");
    }

    /// Creates an empty database and gives its URL.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn fresh(&self) -> String {
        let n = self.made.fetch_add(1, Ordering::Relaxed);
        let name = format!("dealtrail_{}_{n}", unique());
        self.run("postgres", &format!("create database {name} template template0 encoding 'UTF8'"));
        with_database(&self.server, &name)
    }

    /// Drops a database that [`Self::fresh`] made, whoever is still connected.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn drop_database(&self, url: &str) {
        let name = url.split(['?', '#']).next().and_then(|u| u.rsplit('/').next()).unwrap_or_default();
        assert!(name.starts_with("dealtrail_"), "only databases made by fresh() are dropped");
        self.run("postgres", &format!("drop database if exists {name} with (force)"));
    }

    fn run(&self, database: &str, sql: &str) {
        let out = Command::new(self.bin.join("psql"))
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &with_database(&self.server, database), "-c", sql])
            .output()
            .unwrap_or_else(|e| panic!("cannot run psql: {e}"));
        assert!(out.status.success(), "PostgreSQL refused {sql:?}: {}", String::from_utf8_lossy(&out.stderr));
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(own) = &mut self.own {
            drop(own.stdin.take());
            let _ = own.shell.wait();
        }
    }
}

const SUPERUSER: &str = "dealtrail";

/// Makes a cluster and starts it; the error is for the panic.
fn launch(bin: &Path, port: u16) -> Result<(Own, u16), String> {
    let folder = tempfile::Builder::new().prefix("dealtrail-postgres-").tempdir().map_err(|e| e.to_string())?;
    let data = folder.path().join("data");
    std::fs::create_dir(&data).map_err(|e| e.to_string())?;
    let account = unprivileged();
    if let Some(account) = &account {
        // The server refuses to run as root; the folder around it must let its user through.
        let owned = Command::new("chown").arg(&account.name).args([folder.path(), &data]).status();
        if !owned.is_ok_and(|s| s.success()) {
            return Err(format!("cannot give its folder to the user {}", account.name));
        }
    }
    let made = run_as(account.as_ref(), &bin.join("initdb"))
        .args(["-D".as_ref(), data.as_os_str()])
        .args(["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"])
        .output()
        .map_err(|e| format!("cannot run initdb: {e}"))?;
    if !made.status.success() {
        return Err(format!("initdb failed: {}", String::from_utf8_lossy(&made.stderr)));
    }
    let mut shell = run_as(account.as_ref(), Path::new("/bin/sh"))
        .args(["-c", WATCH, "dealtrail-postgres"])
        .arg(bin.join("postgres"))
        .arg(&data)
        .arg(port.to_string())
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("cannot start a shell: {e}"))?;
    let stdin = shell.stdin.take();
    let mut pid = String::new();
    if let Some(stdout) = shell.stdout.take() {
        let _ = BufReader::new(stdout).read_line(&mut pid);
    }
    let mut own = Own { shell, stdin, _folder: folder };
    // Generous: the machine may be busy with a build.
    for _ in 0..1200 {
        let ready = Command::new(bin.join("pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-p", &port.to_string(), "-U", SUPERUSER, "-d", "postgres"])
            .status();
        // Somebody else on this port would answer too: the server's own log must say that it is ready.
        let log = std::fs::read_to_string(data.join("log")).unwrap_or_default();
        if log.contains("FATAL") {
            break;
        }
        if ready.is_ok_and(|s| s.success()) && log.contains("ready to accept connections") {
            return Ok((own, port));
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let log = std::fs::read_to_string(data.join("log")).unwrap_or_default();
    if let Some(mut stdin) = own.stdin.take() {
        let _ = stdin.write_all(b"\n");
    }
    let _ = own.shell.wait();
    Err(format!("its log ends with: {}", log.lines().rev().take(3).collect::<Vec<_>>().join(" | ")))
}

/// Folder of the newest installed PostgreSQL's programs.
fn programs() -> PathBuf {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| Some((e.file_name().to_str()?.parse().ok()?, e.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").exists() && bin.join("postgres").exists())
        .collect();
    found.sort();
    if let Some((_, bin)) = found.pop() {
        return bin;
    }
    // Not Debian: wherever the shell finds it.
    std::env::var_os("PATH")
        .iter()
        .flat_map(std::env::split_paths)
        .find(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
        .unwrap_or_else(|| {
            panic!(
                "PostgreSQL is not installed: install the Debian package `postgresql` (apt-get install postgresql), \
                 or set {VARIABLE}=postgres://user@127.0.0.1:5432 to a running server"
            )
        })
}

/// A user of this machine.
struct Account {
    name: String,
    group: String,
}

/// Whom to run the server as, when this process is root.
fn unprivileged() -> Option<Account> {
    let root = std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    if !root {
        return None;
    }
    let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let account = |name: &str| {
        let fields: Vec<&str> = known.lines().map(|l| l.split(':').collect()).find(|f: &Vec<&str>| f[0] == name)?;
        Some(Account { name: name.to_owned(), group: (*fields.get(3)?).to_owned() })
    };
    Some(["postgres", "nobody"].into_iter().find_map(account).expect("a machine has a user postgres or nobody"))
}

/// A command that runs as `account` (as ourselves when there is none), in a folder that anybody may enter.
fn run_as(account: Option<&Account>, program: &Path) -> Command {
    let mut command = match account {
        None => Command::new(program),
        Some(a) => {
            let mut c = Command::new("setpriv");
            c.args([&format!("--reuid={}", a.name), &format!("--regid={}", a.group), "--clear-groups"]);
            c.arg("--").arg(program);
            c
        }
    };
    command.current_dir("/").env_remove("PGDATA").env_remove("PGPORT").env("LC_ALL", "C");
    command
}

/// Differs between processes that share one server.
fn unique() -> String {
    let time = std::fs::metadata("/proc/self").and_then(|m| m.modified()).ok();
    let started = time.and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok()).map_or(0, |d| d.as_millis());
    format!("{}_{started}", std::process::id())
}

fn without_database(url: &str) -> &str {
    let authority = url.find("://").map_or(0, |at| at + 3);
    url[authority..].find('/').map_or(url, |at| &url[..authority + at])
}

fn with_database(server: &str, name: &str) -> String {
    format!("{server}/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(server: &Postgres, url: &str, sql: &str) -> String {
        let out =
            Command::new(server.bin.join("psql")).args(["-X", "-A", "-t", "-d", url, "-c", sql]).output().unwrap();
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    }

    #[test]
    fn databases_are_apart_and_the_server_ends_with_its_handle() {
        let server = Postgres::start();
        let (one, two) = (server.fresh(), server.fresh());
        assert_ne!(one, two);
        ask(&server, &one, "create table t (x text)");
        assert_eq!(ask(&server, &one, "select count(*) from t"), "0");
        assert_eq!(ask(&server, &two, "select count(*) from pg_tables where tablename = 't'"), "0");
        assert_eq!(ask(&server, &one, "show server_encoding"), "UTF8");
        server.drop_database(&two);
        assert_eq!(ask(&server, &two, "select 1"), "");
        if server.own.is_some() {
            let bin = server.bin.clone();
            drop(server);
            let after = Command::new(bin.join("psql")).args(["-X", "-d", &one, "-c", "select 1"]).output().unwrap();
            assert!(!after.status.success());
        }
    }

    #[test]
    fn urls() {
        assert_eq!(without_database("postgres://a@h:1/db?x=y"), "postgres://a@h:1");
        assert_eq!(without_database("postgres://a@h:1"), "postgres://a@h:1");
        assert_eq!(with_database("postgres://a@h", "d"), "postgres://a@h/d");
    }
}
