//! `export`: everything, streamed.

use std::io::{self, BufWriter, Write};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};

use super::{
    output::{self, Unwritten},
    shapes,
};
use crate::{app::App, domain::directory::Directory};

/// Writes everything of one kind to standard output, one object a line (jsonl) or a row each (csv).
#[derive(Args, Debug)]
pub struct Export {
    pub what: What,
    #[arg(long, value_enum, default_value_t = ExportFormat::Jsonl)]
    pub format: ExportFormat,
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
}

const PAGE: i64 = 500;

/// Writes rows as they come, in either format.
struct Sink<W: Write> {
    out: W,
    format: ExportFormat,
    head: bool,
}

impl<W: Write> Sink<W> {
    fn row(&mut self, row: &Map<String, Value>) -> io::Result<()> {
        match self.format {
            ExportFormat::Jsonl => {
                serde_json::to_writer(&mut self.out, row)?;
                self.out.write_all(b"\n")
            }
            ExportFormat::Csv => {
                let mut csv = csv::Writer::from_writer(&mut self.out);
                if !std::mem::replace(&mut self.head, true) {
                    csv.write_record(row.keys())?;
                }
                csv.write_record(row.values().map(|v| output::cell(Some(v))))?;
                csv.flush()
            }
        }
    }
}

impl Export {
    /// # Errors
    /// When the database fails or standard output is closed.
    pub async fn run(self, app: &App) -> anyhow::Result<u8> {
        // an error of the outside world is one of standard output: nothing else is written here
        self.write(app)
            .await
            .map_err(|e| e.downcast::<io::Error>().map_or_else(|e| e, |e| Unwritten::from(e).into()))?;
        Ok(0)
    }

    async fn write(self, app: &App) -> anyhow::Result<()> {
        let mut sink = Sink { out: BufWriter::new(io::stdout().lock()), format: self.format, head: false };
        let dir: &Directory = &app.engine.known().directory;
        match self.what {
            What::Activities => activities(app, &mut sink).await?,
            What::Decisions => decisions(app, &mut sink).await?,
            What::Gaps => {
                for f in app.store.findings().await? {
                    sink.row(&shapes::gap(&f))?;
                }
            }
            What::Deals => {
                let mut ids: Vec<&String> = dir.deals.keys().collect();
                ids.sort();
                for id in ids {
                    sink.row(&shapes::deal(&dir.deals[id], dir))?;
                }
            }
            What::Contacts => {
                let last = app.store.last_contacts(app.clock.now()).await?;
                let signals = app.store.signals(dir.contacts.values()).await?;
                let mut ids: Vec<&String> = dir.contacts.keys().collect();
                ids.sort();
                for id in ids {
                    sink.row(&shapes::contact(&dir.contacts[id], signals.get(id), &last))?;
                }
            }
        }
        sink.out.flush()?;
        Ok(())
    }
}

async fn activities<W: Write>(app: &App, sink: &mut Sink<W>) -> anyhow::Result<()> {
    let now = app.clock.now();
    let mut after = String::new();
    loop {
        let page = app.store.activities_after(&after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after.clone_from(&last.activity.id);
        for (stored, sightings) in &page {
            sink.row(&shapes::activity(stored, sightings, now))?;
        }
    }
}

async fn decisions<W: Write>(app: &App, sink: &mut Sink<W>) -> anyhow::Result<()> {
    let mut after = (0, String::new());
    loop {
        let page = app.store.decisions_after(after.0, &after.1, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = (last.stream_id, last.key.clone());
        for d in &page {
            sink.row(&shapes::decision(d))?;
        }
    }
}
