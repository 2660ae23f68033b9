//! `export`: everything, streamed.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufWriter, IsTerminal as _, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};

use super::{
    Usage,
    columnar::Parquet,
    lists,
    output::{self, Unwritten},
    shapes::{self, Typed},
};
use crate::{app::App, domain::directory::Directory};

/// Writes everything of one kind, one object a line (jsonl), a row each (csv), or in typed columns (parquet).
#[derive(Args, Debug)]
pub struct Export {
    pub what: What,
    #[arg(long, value_enum, default_value_t = ExportFormat::Jsonl)]
    pub format: ExportFormat,
    /// Write to this file, which is replaced when all is written; else to standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    Activities,
    Decisions,
    Gaps,
    Deals,
    Contacts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    Jsonl,
    Csv,
    Parquet,
}

const PAGE: i64 = 500;

/// Writes rows as they come; where a works council watches, without who of us it was.
struct Sink {
    lines: Lines,
    /// [`lists::nameless`].
    nameless: Option<Vec<String>>,
}

impl Sink {
    fn row(&mut self, mut row: Map<String, Value>) -> io::Result<()> {
        if let Some(accounts) = &self.nameless {
            shapes::nameless(&mut row, accounts);
        }
        self.lines.row(&row)
    }
}

/// The formats.
enum Lines {
    Jsonl(Out),
    Csv(Box<csv::Writer<Out>>),
    Parquet(Box<Parquet<Out>>),
}

type Out = Box<dyn Write + Send>;

impl Lines {
    fn new(format: ExportFormat, columns: &[Typed], out: Out) -> io::Result<Self> {
        Ok(match format {
            ExportFormat::Jsonl => Self::Jsonl(Box::new(BufWriter::new(out))),
            ExportFormat::Csv => {
                let mut csv = csv::Writer::from_writer(out);
                csv.write_record(columns.iter().map(|c| c.name))?;
                Self::Csv(Box::new(csv))
            }
            ExportFormat::Parquet => Self::Parquet(Box::new(Parquet::new(out, columns)?)),
        })
    }

    fn row(&mut self, row: &Map<String, Value>) -> io::Result<()> {
        match self {
            Self::Jsonl(out) => {
                serde_json::to_writer(&mut *out, row)?;
                out.write_all(b"\n")
            }
            Self::Csv(csv) => Ok(csv.write_record(row.values().map(|v| output::cell(Some(v))))?),
            Self::Parquet(file) => file.row(row),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Jsonl(mut out) => out.flush(),
            Self::Csv(mut csv) => csv.flush(),
            Self::Parquet(file) => file.finish(),
        }
    }
}

/// Where the file is made: beside its place, so that nobody ever reads half of it. What is no plain file is written as it is.
fn place(output: &Path) -> io::Result<(PathBuf, Option<PathBuf>)> {
    // through a link, to what it leads to
    let last = fs::canonicalize(output).unwrap_or_else(|_| output.to_owned());
    if fs::metadata(&last).is_ok_and(|m| !m.is_file()) {
        return Ok((last, None));
    }
    let mut name = OsString::from(last.file_name().ok_or(io::ErrorKind::IsADirectory)?);
    name.push(".part");
    Ok((last.with_file_name(name), Some(last)))
}

impl Export {
    /// # Errors
    /// When the database fails, or standard output or the file cannot be written.
    pub async fn run(self, app: &App) -> anyhow::Result<u8> {
        let Some(output) = &self.output else {
            if self.format == ExportFormat::Parquet && io::stdout().is_terminal() {
                let what = "a parquet file is no text for a terminal; name a file with --output FILE, or send it into one with `> FILE`";
                return Err(Usage(what.to_owned()).into());
            }
            // an error of the outside world is one of standard output: nothing else is written here
            self.write(app, Box::new(io::stdout()))
                .await
                .map_err(|e| e.downcast::<io::Error>().map_or_else(|e| e, |e| Unwritten::from(e).into()))?;
            return Ok(0);
        };
        self.file(app, output).await.map_err(|e| match e.downcast::<io::Error>() {
            Ok(e) => anyhow::anyhow!("writing {} failed ({e}); what it held before is untouched", output.display()),
            Err(e) => e,
        })?;
        Ok(0)
    }

    async fn file(&self, app: &App, output: &Path) -> anyhow::Result<()> {
        let (made, last) = place(output)?;
        let written = match File::create(&made) {
            Ok(file) => self.write(app, Box::new(file)).await,
            Err(e) => return Err(e.into()),
        };
        let Some(last) = last else { return written };
        match written {
            Ok(()) => Ok(fs::rename(&made, last)?),
            Err(e) => {
                // the reason why it could not be written is what counts
                let _ = fs::remove_file(&made);
                Err(e)
            }
        }
    }

    fn columns(&self) -> &'static [Typed] {
        match self.what {
            What::Activities => shapes::ACTIVITY,
            What::Decisions => shapes::DECISION,
            What::Gaps => shapes::GAP,
            What::Deals => shapes::DEAL,
            What::Contacts => shapes::CONTACT,
        }
    }

    async fn write(&self, app: &App, out: Out) -> anyhow::Result<()> {
        let lines = Lines::new(self.format, self.columns(), out)?;
        let mut sink = Sink { lines, nameless: lists::nameless(app) };
        let dir: &Directory = &app.engine.known().directory;
        match self.what {
            What::Activities => activities(app, &mut sink).await?,
            What::Decisions => decisions(app, &mut sink).await?,
            What::Gaps => gaps(app, &mut sink).await?,
            What::Deals => {
                let mut ids: Vec<&String> = dir.deals.keys().collect();
                ids.sort();
                for id in ids {
                    sink.row(shapes::deal(&dir.deals[id], dir))?;
                }
            }
            What::Contacts => {
                let last = app.store.last_contacts(app.clock.now()).await?;
                let signals = app.store.signals(dir.contacts.values()).await?;
                let taken_over = dir.taken_over();
                let mut ids: Vec<&String> = dir.contacts.keys().collect();
                ids.sort();
                for id in ids {
                    sink.row(shapes::contact(&dir.contacts[id], &taken_over, signals.get(id), &last))?;
                }
            }
        }
        Ok(sink.lines.finish()?)
    }
}

async fn activities(app: &App, sink: &mut Sink) -> anyhow::Result<()> {
    let now = app.clock.now();
    let mut after = String::new();
    loop {
        let page = app.store.activities_after(&after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after.clone_from(&last.activity.id);
        for (stored, sightings) in &page {
            sink.row(shapes::activity(stored, sightings, now))?;
        }
    }
}

async fn decisions(app: &App, sink: &mut Sink) -> anyhow::Result<()> {
    let mut after = (0, String::new());
    loop {
        let page = app.store.decisions_after(after.0, &after.1, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = (last.stream_id, last.key.clone());
        for d in &page {
            sink.row(shapes::decision(d))?;
        }
    }
}

async fn gaps(app: &App, sink: &mut Sink) -> anyhow::Result<()> {
    let mut after = String::new();
    loop {
        let page = app.store.findings_after(&after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.id);
        for f in &page {
            sink.row(shapes::gap(f))?;
        }
    }
}
