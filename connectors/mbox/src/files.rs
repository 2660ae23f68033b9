//! Finds the mbox files of a connection and names them.
//!
//! The path is one file, or a folder whose files are each one stream: what begins like an mbox is read, whatever its
//! name; other files (indexes, locks) are passed over. Thunderbird's `X.sbd` folders and Apple's `X.mbox/mbox` are
//! understood.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
};

use dealtrail_sdk::{
    Fault, FaultKind, Stream,
    folders::{FolderChoice, role_by_name},
};

const DEPTH_MAX: usize = 8;
const FILES_MAX: usize = 20_000;

/// The streams that are read. A file that the path names itself is read whatever it is called.
pub fn streams(root: &Path, choice: &FolderChoice) -> Result<Vec<Stream>, Fault> {
    let meta = fs::metadata(root).map_err(|e| fault(root, e))?;
    if meta.is_file() {
        let name = root.file_name().unwrap_or(root.as_os_str()).to_string_lossy().into_owned();
        return Ok(vec![Stream { id: name.clone(), role: role_by_name(stem(&name)), name }]);
    }
    let choice = FolderChoice { include: stems(&choice.include), exclude: stems(&choice.exclude) };
    let mut streams: Vec<Stream> = Vec::new();
    let mut files = 0;
    let mut open = vec![(PathBuf::new(), 0)];
    while let Some((path, depth)) = open.pop() {
        for (child, directory) in below(root, &path)? {
            files += 1;
            if files > FILES_MAX {
                let what = format!("{} holds more than {FILES_MAX} files; name a smaller folder", root.display());
                return Err(Fault::new(FaultKind::Malformed, what));
            }
            if directory && depth < DEPTH_MAX {
                open.push((child, depth + 1));
            } else if !directory && looks_like_mbox(&root.join(&child)) {
                let name = name(&child);
                streams.push(Stream {
                    id: child.to_string_lossy().into_owned(),
                    role: role_by_name(stem(&name)),
                    name,
                });
            }
        }
    }
    if streams.is_empty() {
        let what = format!("there is no mbox file in {}; correct the connection's `path`", root.display());
        return Err(Fault::new(FaultKind::Missing, what));
    }
    streams.retain(|s| choice.reads(stem(&s.name), s.role));
    streams.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)));
    Ok(streams)
}

/// The file of a stream.
pub fn locate(root: &Path, id: &str) -> PathBuf {
    if root.is_file() { root.to_owned() } else { root.join(id) }
}

fn below(root: &Path, path: &Path) -> Result<Vec<(PathBuf, bool)>, Fault> {
    let dir = root.join(path);
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(e) if path.as_os_str().is_empty() => return Err(fault(&dir, e)),
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(fault(&dir, e)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| fault(&dir, e))?;
        let name = entry.file_name();
        let kind = entry.file_type().map_err(|e| fault(&entry.path(), e))?;
        // links to files are followed, links to folders could lead in circles
        let file = kind.is_file() || (kind.is_symlink() && entry.path().is_file());
        if name.to_str().is_some_and(|n| !n.starts_with('.')) && (file || kind.is_dir()) {
            found.push((path.join(name), kind.is_dir()));
        }
    }
    Ok(found)
}

/// An empty file without another program's extension is an empty mbox; one that cannot be opened says so when read.
fn looks_like_mbox(path: &Path) -> bool {
    let ours = path.extension().is_none_or(|e| e.eq_ignore_ascii_case("mbox") || e.eq_ignore_ascii_case("mbx"));
    let mut start = Vec::new();
    match open(path).and_then(|f| f.take(64).read_to_end(&mut start)) {
        Ok(0) => ours,
        Ok(_) => {
            let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
            let text = text[text.iter().take_while(|b| **b == 0).count()..].trim_ascii_start();
            text.starts_with(b"From ") || (text.is_empty() && ours)
        }
        Err(_) => ours,
    }
}

/// `Work.sbd/Sent` is `Work/Sent`; `INBOX.mbox/mbox` is `INBOX.mbox`.
fn name(path: &Path) -> String {
    let mut levels: Vec<String> = path.iter().map(|l| l.to_string_lossy().into_owned()).collect();
    let folders = levels.len().saturating_sub(1);
    let apple = folders > 0 && levels[folders] == "mbox" && levels[folders - 1].ends_with(".mbox");
    if apple {
        levels.pop();
    }
    for level in levels.iter_mut().take(folders) {
        if let Some(plain) = level.strip_suffix(".sbd") {
            *level = plain.to_owned();
        }
    }
    levels.join("/")
}

/// A name without the extension: what folders are usually called, and what the setting `folders` may say.
fn stem(name: &str) -> &str {
    name.strip_suffix(".mbox").or_else(|| name.strip_suffix(".mbx")).unwrap_or(name)
}

fn stems(names: &[String]) -> Vec<String> {
    names.iter().map(|n| stem(n).to_owned()).collect()
}

/// Opens for reading; where the system allows it the time of access stays, by which programs tell new mail.
pub fn open(path: &Path) -> std::io::Result<File> {
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        use std::os::unix::fs::OpenOptionsExt;
        const NOATIME: i32 = 0o1_000_000;
        // refused for other people's files
        if let Ok(file) = OpenOptions::new().read(true).custom_flags(NOATIME).open(path) {
            return Ok(file);
        }
    }
    OpenOptions::new().read(true).open(path)
}

/// Says what is wrong with a file or folder, and what to do.
pub fn fault(path: &Path, e: std::io::Error) -> Fault {
    let path = path.display();
    match e.kind() {
        ErrorKind::NotFound => {
            Fault::from(FaultKind::Missing, format!("{path} is not there; correct the connection's `path`"), e)
        }
        ErrorKind::PermissionDenied => Fault::from(
            FaultKind::Refused,
            format!("{path} may not be read; give the user that dealtrail runs as the right to read it"),
            e,
        ),
        _ => Fault::from(FaultKind::Unreachable, format!("{path} could not be read ({e})"), e),
    }
}
