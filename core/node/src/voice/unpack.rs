//! One file out of an archive in the form of ZIP, as Python wheels are. The archive's hash was checked before.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, bail};
use flate2::read::DeflateDecoder;

/// How far from the end the list of files may begin to end: its own length, and that of the longest comment.
const END_WITHIN: u64 = 22 + 65_535;
/// The longest list of files that is read.
const LIST_BYTES: u32 = 16 * 1024 * 1024;

/// Writes the file called `member` to `target`, of which it may have `most` bytes.
///
/// # Errors
/// There is no such file, it has more bytes, or the archive is broken.
pub(crate) fn unpack(archive: &Path, member: &str, target: &Path, most: u64) -> anyhow::Result<()> {
    let broken = || format!("{} is no archive that can be read", archive.display());
    let mut file = BufReader::new(File::open(archive)?);
    let list = list(&mut file).with_context(broken)?;
    let place = find(&list, member)
        .with_context(broken)?
        .with_context(|| format!("there is no {member} in it"))?;
    file.seek(SeekFrom::Start(place.at))?;
    let mut head = [0; 30];
    file.read_exact(&mut head).with_context(broken)?;
    if head[..4] != *b"PK\x03\x04" {
        bail!(broken());
    }
    let skipped = i64::from(short(&head, 26)?) + i64::from(short(&head, 28)?);
    file.seek_relative(skipped)?;
    let packed = file.take(place.packed);
    let mut packed: Box<dyn Read> = match place.method {
        0 => Box::new(packed),
        8 => Box::new(DeflateDecoder::new(packed)),
        other => bail!("{member} is packed in a way that is not known here ({other})"),
    };
    let mut out = File::create(target)?;
    let written = io::copy(&mut (&mut packed).take(most + 1), &mut out).with_context(broken)?;
    if written > most {
        bail!("{member} has more than the {most} bytes that it should");
    }
    out.sync_all()?;
    Ok(())
}

struct Place {
    at: u64,
    packed: u64,
    method: u16,
}

/// The list of files at the end.
fn list(file: &mut (impl Read + Seek)) -> anyhow::Result<Vec<u8>> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(END_WITHIN)))?;
    let mut tail = Vec::new();
    file.take(END_WITHIN).read_to_end(&mut tail)?;
    let marked = tail.windows(4).rposition(|four| four == b"PK\x05\x06");
    let end = marked.context("it has no list of files")?;
    let (size, at) = (long(&tail, end + 12)?, long(&tail, end + 16)?);
    if size > LIST_BYTES {
        bail!("its list of files is too long");
    }
    file.seek(SeekFrom::Start(at.into()))?;
    let mut list = vec![0; size as usize];
    file.read_exact(&mut list)?;
    Ok(list)
}

fn find(list: &[u8], member: &str) -> anyhow::Result<Option<Place>> {
    let mut at = 0;
    while at < list.len() {
        if list.get(at..at + 4) != Some(b"PK\x01\x02") {
            bail!("its list of files makes no sense");
        }
        let name = usize::from(short(list, at + 28)?);
        let behind = usize::from(short(list, at + 30)?) + usize::from(short(list, at + 32)?);
        if list.get(at + 46..at + 46 + name) == Some(member.as_bytes()) {
            return Ok(Some(Place {
                at: long(list, at + 42)?.into(),
                packed: long(list, at + 20)?.into(),
                method: short(list, at + 10)?,
            }));
        }
        at += 46 + name + behind;
    }
    Ok(None)
}

fn short(bytes: &[u8], at: usize) -> anyhow::Result<u16> {
    let two = bytes.get(at..at + 2).and_then(|two| two.try_into().ok());
    Ok(u16::from_le_bytes(two.context("it breaks off")?))
}

fn long(bytes: &[u8], at: usize) -> anyhow::Result<u32> {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    Ok(u32::from_le_bytes(four.context("it breaks off")?))
}

/// An archive with one file, packed, for tests.
#[cfg(test)]
pub(crate) fn archive_of(member: &str, content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(content).unwrap();
    let packed = packed.finish().unwrap();
    let two = |number: usize| u16::try_from(number).unwrap().to_le_bytes();
    let four = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    let mut sizes = [0; 4].to_vec();
    sizes.extend(four(packed.len()));
    sizes.extend(four(content.len()));
    sizes.extend(two(member.len()));
    let mut archive = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0".to_vec();
    archive.extend(&sizes);
    archive.extend([0, 0]);
    archive.extend(member.as_bytes());
    archive.extend(&packed);
    let list = archive.len();
    archive.extend(b"PK\x01\x02\x14\0\x14\0\0\0\x08\0\0\0\0\0");
    archive.extend(&sizes);
    archive.extend([0; 16]);
    archive.extend(member.as_bytes());
    let size = archive.len() - list;
    archive.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    archive.extend(four(size));
    archive.extend(four(list));
    archive.extend([0, 0]);
    archive
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(archive: &[u8], member: &str, most: u64) -> Result<Vec<u8>, String> {
        let folder = tempfile::tempdir().unwrap();
        let (path, target) = (folder.path().join("a.whl"), folder.path().join("out"));
        std::fs::write(&path, archive).unwrap();
        unpack(&path, member, &target, most).map_err(|error| format!("{error:#}"))?;
        Ok(std::fs::read(target).unwrap())
    }

    #[test]
    fn a_file_comes_out_as_it_went_in() {
        let content: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
        let archive = archive_of("lib/one.so", &content);

        assert_eq!(said(&archive, "lib/one.so", 400_000), Ok(content));
    }

    #[test]
    fn what_is_missing_too_large_or_broken_is_told() {
        let archive = archive_of("lib/one.so", &[7; 1000]);

        assert!(
            said(&archive, "lib/two.so", 9)
                .unwrap_err()
                .contains("no lib/two.so")
        );
        assert!(
            said(&archive, "lib/one.so", 999)
                .unwrap_err()
                .contains("more than")
        );
        assert!(said(&archive[..40], "lib/one.so", 1000).is_err());
        assert!(said(b"", "lib/one.so", 1000).is_err());
    }
}
