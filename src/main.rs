//! Parses the command line, runs it, prints the error chain.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use dealtrail::{
    alarm,
    cli::{self, Cli},
};

/// The readers of foreign mail and calendars recurse: they get room.
const STACK: usize = 16 << 20;

fn main() -> ExitCode {
    alarm::set();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = Cli::parse();
    let serves = match &cli.command {
        cli::Command::Run(_) => true,
        cli::Command::Demo(demo) => !demo.once,
        _ => false,
    };
    if !serves {
        // `dealtrail gaps | head` ends quietly; a server must outlive its readers
        sigpipe::reset();
    }
    match work(cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("dealtrail: {error:#}");
            ExitCode::from(cli::code_of(&error))
        }
    }
}

fn work(cli: Cli) -> anyhow::Result<u8> {
    cli::log(&cli)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_stack_size(STACK).enable_all().build();
    let runtime = runtime.context("the program could not start its worker threads")?;
    let outcome = runtime.block_on(cli::run(cli));
    runtime.shutdown_background();
    outcome
}
