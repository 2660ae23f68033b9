//! `init`: writes the commented configuration to start from. It is the example that is kept in `config/`, word for word.

use std::{fs::OpenOptions, io::Write as _, path::PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::{Usage, output::say};

const TEMPLATE: &str = include_str!("../../config/dealtrail.example.toml");

/// Write a commented dealtrail.toml to start from
#[derive(Args, Debug)]
pub struct Init {
    /// The folder to write it into; made when it is missing
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
}

impl Init {
    /// # Errors
    /// [`Usage`] when there is a configuration already; else what kept the file from being written.
    pub fn run(self) -> anyhow::Result<u8> {
        let path = self.dir.join("dealtrail.toml");
        let shown = path.display();
        std::fs::create_dir_all(&self.dir)
            .with_context(|| format!("the folder {} could not be made", self.dir.display()))?;
        // Never over an existing file, not even one that appears just now.
        let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                let what = format!("{shown} is there already and stays as it is; choose another folder with --dir");
                return Err(Usage(what).into());
            }
            Err(e) => return Err(e).with_context(|| format!("{shown} could not be written")),
        };
        file.write_all(TEMPLATE.as_bytes()).with_context(|| format!("{shown} could not be written"))?;
        say!("Wrote {shown}. Three things to fill in, each explained there:")?;
        say!("  1. [organization] domains: the mail domains of your own people")?;
        say!("  2. [[user]]: who they are")?;
        say!("  3. [[connection]]: their mailboxes and calendars, and the CRM")?;
        let option = if self.dir.as_os_str() == "." { String::new() } else { format!(" --config {shown}") };
        say!("Then `dealtrail{option} check` says what will be read, and `dealtrail{option} sync` reads it.")?;
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_writes_once_and_never_over_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("new/folder");
        assert_eq!(Init { dir: folder.clone() }.run().unwrap(), 0);
        let path = folder.join("dealtrail.toml");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), TEMPLATE);
        crate::config::load(&path).unwrap();
        std::fs::write(&path, "mine").unwrap();
        let error = Init { dir: folder }.run().unwrap_err();
        assert!(error.is::<Usage>(), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }
}
