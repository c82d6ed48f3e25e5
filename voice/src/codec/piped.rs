//! WAV files that were written into a pipe: whoever wrote them could not go back to say how long they are, and
//! wrote a size that cannot be, such as nothing or four gigabytes. They are read to the end of the file.

use std::io::{Read, Result, Seek, SeekFrom};

/// Sizes from here on are what `sox`, `arecord` and `ffmpeg` write when they do not know.
const UNKNOWN_FROM: u32 = 0x7fff_0000;

/// How many pieces of a file are looked at before the one with the sound.
const PIECES_MAX: usize = 64;

/// Four bytes that stand somewhere else in a file than what is read.
pub(super) type Patch = (u64, [u8; 4]);

/// Returns the sizes of a WAV file of so many bytes as they should be, where it says that it does not know them.
/// The reader is left anywhere.
pub(super) fn patches(reader: &mut (impl Read + Seek), length: u64) -> Result<Vec<Patch>> {
    let mut head = [0; 12];
    reader.seek(SeekFrom::Start(0))?;
    if length < 12 || reader.read_exact(&mut head).is_err() {
        return Ok(Vec::new());
    }
    let is_wav = head.starts_with(b"RIFF") && head.ends_with(b"WAVE");
    if !is_wav || is_known(size_in(&head[4..8])) {
        return Ok(Vec::new());
    }
    let mut patches = vec![patch(4, length - 8)];
    let mut at = 12;
    for _ in 0..PIECES_MAX {
        let mut piece = [0; 8];
        reader.seek(SeekFrom::Start(at))?;
        if at + 8 > length || reader.read_exact(&mut piece).is_err() {
            break;
        }
        let size = size_in(&piece[4..8]);
        if piece.starts_with(b"data") {
            if !is_known(size) {
                patches.push(patch(at + 4, length - at - 8));
            }
            break;
        }
        // Pieces begin at even places.
        at += 8 + u64::from(size) + u64::from(size % 2);
    }
    Ok(patches)
}

/// Puts patches over what was read from a place.
pub(super) fn apply(patches: &[Patch], at: u64, read: &mut [u8]) {
    for (place, bytes) in patches {
        for (place, byte) in (*place..).zip(bytes) {
            let within = place.checked_sub(at).and_then(|n| usize::try_from(n).ok());
            if let Some(old) = within.and_then(|within| read.get_mut(within)) {
                *old = *byte;
            }
        }
    }
}

fn is_known(size: u32) -> bool {
    (1..UNKNOWN_FROM).contains(&size)
}

fn size_in(bytes: &[u8]) -> u32 {
    bytes.try_into().map_or(0, u32::from_le_bytes)
}

fn patch(at: u64, size: u64) -> Patch {
    (at, u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes())
}
