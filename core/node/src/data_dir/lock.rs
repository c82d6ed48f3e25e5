//! The lock that keeps a second node off a data folder, and tells commands where the node is.
//!
//! The system lets go of the lock with the process, however it ends, so what the file says counts
//! only while it is locked.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::data_dir::DataDir;

/// How long a start waits for the lock: a command that only looks who holds it has it for some
/// microseconds.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long it waits between two tries.
const PAUSE: Duration = Duration::from_millis(10);
/// The file holds one short object.
const MAX_BYTES: u64 = 4096;

/// Who runs on a data folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// Where it can be reached; none until it listens.
    pub url: Option<String>,
}

impl Holder {
    /// Returns who runs on the folder, if anybody does.
    ///
    /// # Errors
    /// The lock file cannot be read.
    pub fn find(dir: &DataDir) -> anyhow::Result<Option<Self>> {
        let path = dir.lock_file();
        let cannot = || format!("cannot read {}", path.display());
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(cannot),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => read(&file).with_context(cannot).map(Some),
            Err(TryLockError::Error(error)) => Err(error).with_context(cannot),
        }
    }
}

/// Holds a data folder until it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the folder, which must exist.
    ///
    /// # Errors
    /// Names the node that runs on it already.
    pub fn acquire(dir: &DataDir) -> anyhow::Result<Self> {
        let path = dir.lock_file();
        let cannot = || format!("cannot lock {}", path.display());
        let file = open(&path).with_context(cannot)?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(error).with_context(cannot),
                Err(TryLockError::WouldBlock) if started.elapsed() < PATIENCE => {
                    std::thread::sleep(PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    let holder = read(&file).with_context(cannot)?;
                    let pid = holder.pid;
                    match holder.url {
                        Some(url) => {
                            bail!("a node with pid {pid} is running on this folder at {url}")
                        }
                        None => bail!("a node with pid {pid} is starting on this folder"),
                    }
                }
            }
        }
        let mut lock = Self { file };
        lock.write(None).with_context(cannot)?;
        Ok(lock)
    }

    /// Tells commands where the node can be reached; call it once it listens.
    ///
    /// # Errors
    /// The lock file cannot be written.
    pub fn announce(&mut self, url: &str) -> anyhow::Result<()> {
        self.write(Some(url))
            .context("cannot write to the lock file where the node is")
    }

    fn write(&mut self, url: Option<&str>) -> std::io::Result<()> {
        let holder = Holder {
            pid: std::process::id(),
            url: url.map(str::to_owned),
        };
        let mut text = serde_json::to_vec(&holder)?;
        text.push(b'\n');
        // Over the old text in one write and then cut, so that a reader finds one whole object at
        // the beginning at any moment.
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&text)?;
        self.file.set_len(text.len() as u64)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The lock goes with the file. That the text stays behind does no harm.
        let _ = self.file.set_len(0);
    }
}

/// Returns the address under which this machine reaches a node that listens on `address`.
pub fn reachable_url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

fn read(mut file: &File) -> anyhow::Result<Holder> {
    file.seek(SeekFrom::Start(0))?;
    let mut text = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut text)?;
    let mut objects = serde_json::Deserializer::from_slice(&text).into_iter();
    match objects.next() {
        Some(Ok(holder)) => Ok(holder),
        _ => bail!("a node is starting or stopping on this folder; try again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, DataDir) {
        let folder = tempfile::tempdir().unwrap();
        let dir = DataDir::at(folder.path());
        (folder, dir)
    }

    #[test]
    fn a_second_node_is_told_who_holds_the_folder() {
        let (_folder, dir) = folder();
        let mut first = Lock::acquire(&dir).unwrap();
        let pid = std::process::id();

        let early = Lock::acquire(&dir).unwrap_err().to_string();
        first.announce("http://127.0.0.1:4747").unwrap();
        let late = Lock::acquire(&dir).unwrap_err().to_string();

        assert_eq!(
            early,
            format!("a node with pid {pid} is starting on this folder")
        );
        assert_eq!(
            late,
            format!("a node with pid {pid} is running on this folder at http://127.0.0.1:4747")
        );
    }

    #[test]
    fn the_folder_is_free_again_when_the_lock_is_dropped() {
        let (_folder, dir) = folder();

        drop(Lock::acquire(&dir).unwrap());

        assert_eq!(Holder::find(&dir).unwrap(), None);
        assert!(Lock::acquire(&dir).is_ok());
    }

    #[test]
    fn the_holder_is_found_while_it_holds() {
        let (_folder, dir) = folder();
        assert_eq!(Holder::find(&dir).unwrap(), None);

        let mut lock = Lock::acquire(&dir).unwrap();
        lock.announce("http://127.0.0.1:1").unwrap();

        let holder = Holder::find(&dir).unwrap().unwrap();
        assert_eq!(holder.url.as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(holder.pid, std::process::id());
    }

    #[test]
    fn what_a_killed_node_left_in_the_file_is_ignored() {
        let (_folder, dir) = folder();
        let left = r#"{"pid":1,"url":"http://127.0.0.1:9"}"#;
        std::fs::write(dir.lock_file(), left).unwrap();

        assert_eq!(Holder::find(&dir).unwrap(), None);
        assert!(Lock::acquire(&dir).is_ok());
    }

    #[test]
    fn a_node_on_every_address_is_reached_on_the_loopback_one() {
        let url = |address: &str| reachable_url(address.parse().unwrap());

        assert_eq!(url("0.0.0.0:80"), "http://127.0.0.1:80");
        assert_eq!(url("[::]:80"), "http://[::1]:80");
        assert_eq!(url("192.0.2.7:80"), "http://192.0.2.7:80");
    }
}
