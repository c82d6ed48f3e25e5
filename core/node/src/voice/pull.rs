//! Fetches a file of the catalogue: goes on where it stopped, looks for room first, believes nothing that has
//! not the right size and hash, and puts it in its place in one step.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use hearth_voice::catalogue::{Hash, Item, sha256_of};
use reqwest::header::{CONTENT_RANGE, RANGE};
use reqwest::{Client, Response, StatusCode, Url};

use super::accepted::{self, Accepted};
use super::unpack::unpack;
use crate::data_dir::{make_private_folder, sync_folder};
use crate::output::text::size;

/// How often it is tried again where a connection breaks.
const TRIES: u32 = 5;
/// How much room is left on the disk for others.
const SPARE_BYTES: u64 = 64 * 1024 * 1024;
/// The most that is fetched where nobody knows the size.
const MOST_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// How things are fetched.
#[derive(Debug)]
pub struct Puller {
    client: Client,
    folder: PathBuf,
    /// A place that has the files under the last part of their addresses; none for the addresses themselves.
    from: Option<Url>,
    /// How long is waited before the first new try; each further one waits longer.
    pause: Duration,
}

/// Hears how many bytes there are, and how many there will be where that is known.
pub type Told<'a> = &'a mut (dyn FnMut(u64, Option<u64>) + Send);

/// What was fetched.
#[derive(Debug, PartialEq, Eq)]
pub struct Pulled {
    /// Its hash.
    pub sha256: String,
    /// Whether the hash was known before.
    pub is_verified: bool,
    /// Whether it was there already.
    pub was_here: bool,
}

/// Why one try ended.
enum Trouble {
    /// Another may succeed.
    Passing(anyhow::Error),
    /// Another would end the same.
    Final(anyhow::Error),
}

use Trouble::{Final, Passing};

impl Puller {
    /// Fetches into a folder, which is made when something is fetched.
    pub fn new(client: Client, folder: PathBuf, from: Option<Url>) -> Self {
        Self {
            client,
            folder,
            from,
            pause: Duration::from_secs(1),
        }
    }

    /// Fetches a file, unless it is there. What a try leaves behind is gone on with by the next.
    ///
    /// # Errors
    /// It cannot be had, there is no room, or it is not what the catalogue means; and where nobody knows its
    /// hash, unless the owner said that this does not matter.
    pub async fn pull(
        &self,
        item: &Item,
        accepts_unverified: bool,
        told: Told<'_>,
    ) -> anyhow::Result<Pulled> {
        if item.sha256 == Hash::Unknown && !accepts_unverified {
            bail!(
                "nobody here has seen {}, so that it cannot be verified; if you trust {}, add --accept-unverified",
                item.name,
                self.address(item)?
            );
        }
        make_private_folder(&self.folder)?;
        let place = self.folder.join(&item.name);
        if item.is_in(&self.folder) {
            let found = hash(&place).await?;
            let known = item.sha256.known().map(str::to_owned);
            let accepted = Accepted::read(&self.folder)?;
            if known.as_deref().or(accepted.hash(&item.name)) == Some(&found) {
                return Ok(Pulled {
                    sha256: found,
                    is_verified: known.is_some(),
                    was_here: true,
                });
            }
        }
        let mut part = Part::open(&self.folder, &item.name)?;
        let fetched = self.fetch(item, &mut part, told).await;
        if part.length == 0 {
            part.remove();
        }
        let sha256 = fetched?;
        self.put_in_place(item, part, &place).await?;
        if item.sha256 == Hash::Unknown {
            accepted::put(&self.folder, &item.name, Some(&sha256))?;
        }
        let sha256 = match &item.archive {
            Some(_) => hash(&place).await?,
            None => sha256,
        };
        Ok(Pulled {
            sha256,
            is_verified: item.sha256 != Hash::Unknown,
            was_here: false,
        })
    }

    fn address(&self, item: &Item) -> anyhow::Result<Url> {
        let Some(from) = &self.from else {
            return item
                .address
                .parse()
                .context("the catalogue's address is none");
        };
        let last = item.address.rsplit('/').next().unwrap_or(&item.name);
        let address = format!("{}/{last}", from.as_str().trim_end_matches('/'));
        address
            .parse()
            .with_context(|| format!("{address} is no address"))
    }

    /// Has all of what is fetched for an item in the part, and returns its hash.
    async fn fetch(&self, item: &Item, part: &mut Part, told: Told<'_>) -> anyhow::Result<String> {
        let archive = item.archive.as_ref();
        let expected = archive.map_or(&item.sha256, |archive| &archive.sha256);
        if expected.known().is_none() {
            // What a try left behind may be of another file, and nobody would notice.
            part.restart()?;
        }
        let was_begun = part.length > 0;
        self.download(item, part, told).await?;
        let found = hash(&part.path).await?;
        if expected.known().is_none_or(|known| known == found) {
            return Ok(found);
        }
        if was_begun {
            // The rest may have come from another file than the beginning: once more, from the beginning.
            part.restart()?;
            self.download(item, part, told).await?;
            let again = hash(&part.path).await?;
            if expected.known() == Some(&again) {
                return Ok(again);
            }
        }
        part.remove();
        bail!(
            "what came for {} has the hash {found} and not the one in the catalogue; it was thrown away",
            item.name
        )
    }

    async fn download(&self, item: &Item, part: &mut Part, told: Told<'_>) -> anyhow::Result<()> {
        let mut tries = 0;
        loop {
            match self.attempt(item, part, told).await {
                Ok(()) => return part.flush(),
                Err(Final(error)) => return Err(error),
                Err(Passing(error)) => {
                    tries += 1;
                    if tries == TRIES {
                        return Err(error.context(format!(
                            "{} was not fetched in {TRIES} tries; {} are kept, and the same command goes on from there",
                            item.name,
                            size(part.length)
                        )));
                    }
                    tokio::time::sleep(self.pause * tries).await;
                }
            }
        }
    }

    async fn attempt(&self, item: &Item, part: &mut Part, told: Told<'_>) -> Result<(), Trouble> {
        let expected = item.fetched_bytes();
        if expected == Some(part.length) {
            return Ok(());
        }
        if expected.is_some_and(|expected| part.length > expected) {
            part.restart().map_err(Final)?;
        }
        let address = self.address(item).map_err(Final)?;
        let mut request = self.client.get(address.clone());
        if part.length > 0 {
            request = request.header(RANGE, format!("bytes={}-", part.length));
        }
        let response = request
            .send()
            .await
            .map_err(|error| unreachable(&address, &error))?;
        check(&response, part, &address)?;
        let total = response.content_length().map(|rest| part.length + rest);
        if let (Some(total), Some(expected)) = (total, expected)
            && total != expected
        {
            return Err(Final(anyhow!(
                "{address} has {total} bytes, and {} should have {expected}",
                item.name
            )));
        }
        let total = expected.or(total);
        self.look_for_room(item, total, part.length)
            .map_err(Final)?;
        receive(response, part, total, &address, told).await
    }

    fn look_for_room(&self, item: &Item, total: Option<u64>, have: u64) -> anyhow::Result<()> {
        let unpacked = item.archive.as_ref().and(item.bytes).unwrap_or(0);
        let needed = total.unwrap_or(0).saturating_sub(have) + unpacked;
        let Some(room) = room(&self.folder) else {
            return Ok(());
        };
        if room < needed + SPARE_BYTES {
            bail!(
                "there is no room for {}: it needs {}, and {} has {}",
                item.name,
                size(needed + SPARE_BYTES),
                self.folder.display(),
                size(room)
            );
        }
        Ok(())
    }

    /// Unpacks where that is to be done, and gives the file its name.
    async fn put_in_place(&self, item: &Item, part: Part, place: &Path) -> anyhow::Result<()> {
        if let Some(archive) = &item.archive {
            let unpacked = self.folder.join(format!(".{}.unpacked", item.name));
            let most = item.bytes.unwrap_or(MOST_BYTES);
            let (from, to) = (part.path.clone(), unpacked.clone());
            let member = archive.member.clone();
            let unpacking = tokio::task::spawn_blocking(move || unpack(&from, &member, &to, most));
            let checked = async {
                unpacking.await??;
                let found = hash(&unpacked).await?;
                if item.sha256.known().is_some_and(|known| known != found) {
                    bail!(
                        "{} in the archive has the hash {found} and not the one in the catalogue",
                        item.name
                    );
                }
                Ok(fs::rename(&unpacked, place)?)
            };
            if let Err(error) = checked.await {
                let _ = fs::remove_file(&unpacked);
                return Err(error);
            }
            part.remove();
        } else {
            fs::rename(&part.path, place)?;
        }
        sync_folder(&self.folder)?;
        Ok(())
    }
}

/// Takes what comes, up to what is expected.
async fn receive(
    mut response: Response,
    part: &mut Part,
    total: Option<u64>,
    address: &Url,
    told: Told<'_>,
) -> Result<(), Trouble> {
    told(part.length, total);
    let broke_off = || anyhow!("the connection to {address} broke off");
    while let Some(bytes) = response.chunk().await.map_err(|_| Passing(broke_off()))? {
        if part.length + bytes.len() as u64 > total.unwrap_or(MOST_BYTES) {
            return Err(Final(anyhow!("{address} sends more than it should")));
        }
        part.write(&bytes).map_err(Final)?;
        told(part.length, total);
    }
    if total.is_some_and(|total| part.length < total) {
        return Err(Passing(broke_off()));
    }
    Ok(())
}

/// Looks at how a server answers, and has the part begin where what comes begins.
fn check(response: &Response, part: &mut Part, address: &Url) -> Result<(), Trouble> {
    let status = response.status();
    match status {
        // It sends everything, whatever was asked for.
        StatusCode::OK => part.restart().map_err(Final),
        StatusCode::PARTIAL_CONTENT => {
            let range = response.headers().get(CONTENT_RANGE);
            let range = range
                .and_then(|range| range.to_str().ok())
                .unwrap_or_default();
            if range.starts_with(&format!("bytes {}-", part.length)) {
                return Ok(());
            }
            part.restart().map_err(Final)?;
            Err(Passing(anyhow!(
                "{address} sends another part than was asked for"
            )))
        }
        StatusCode::RANGE_NOT_SATISFIABLE => {
            part.restart().map_err(Final)?;
            Err(Passing(anyhow!(
                "{address} has less than was fetched already"
            )))
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(Final(anyhow!(
            "there is nothing at {address}; another place can be named with --from"
        ))),
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => Err(
            Passing(anyhow!("{address} answers with status {}", status.as_u16())),
        ),
        status => Err(Final(anyhow!(
            "{address} answers with status {}",
            status.as_u16()
        ))),
    }
}

fn unreachable(address: &Url, error: &reqwest::Error) -> Trouble {
    let place = address.host_str().unwrap_or("the server");
    if error.is_redirect() {
        return Final(anyhow!(
            "{place} sends elsewhere in a way that is not followed"
        ));
    }
    if error.is_timeout() {
        return Passing(anyhow!("{place} does not answer"));
    }
    Passing(anyhow!("{place} cannot be reached; check the network"))
}

/// Returns the hash that a file had when its owner took it unverified.
///
/// # Errors
/// What was written down cannot be read.
pub fn accepted_hash(folder: &Path, file: &str) -> anyhow::Result<Option<String>> {
    Ok(Accepted::read(folder)?.hash(file).map(str::to_owned))
}

/// Forgets it.
///
/// # Errors
/// See [`accepted_hash`].
pub fn forget_accepted(folder: &Path, file: &str) -> anyhow::Result<()> {
    accepted::put(folder, file, None)
}

/// What there is of a file so far. Nobody else fetches the same meanwhile.
struct Part {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Part {
    fn open(folder: &Path, name: &str) -> anyhow::Result<Self> {
        let path = folder.join(format!(".{name}.part"));
        let shown = path.display().to_string();
        let file = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot write {shown}"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("{name} is being fetched by another command"),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {shown}"));
            }
        }
        let length = file.metadata()?.len();
        Ok(Self { path, file, length })
    }

    fn restart(&mut self) -> anyhow::Result<()> {
        self.file.set_len(0)?;
        self.length = 0;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let shown = || format!("cannot write {}", self.path.display());
        self.file.write_all(bytes).with_context(shown)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn flush(&self) -> anyhow::Result<()> {
        Ok(self.file.sync_all()?)
    }

    fn remove(&self) {
        // What stays is thrown away by the next try.
        let _ = fs::remove_file(&self.path);
    }
}

async fn hash(path: &Path) -> anyhow::Result<String> {
    let path = path.to_owned();
    let shown = path.display().to_string();
    let hash = tokio::task::spawn_blocking(move || sha256_of(&path, |_| true)).await?;
    hash.with_context(|| format!("cannot read {shown}"))
}

/// How much room there is for what a folder is to hold; none where nobody can tell.
#[cfg(unix)]
fn room(folder: &Path) -> Option<u64> {
    let disk = nix::sys::statvfs::statvfs(folder).ok()?;
    #[cfg_attr(
        target_os = "linux",
        expect(clippy::useless_conversion, reason = "a smaller number elsewhere")
    )]
    let blocks = u64::from(disk.blocks_available());
    Some(blocks.saturating_mul(disk.fragment_size()))
}

#[cfg(not(unix))]
fn room(_folder: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests;
