//! What goes between the node and its worker: over standard input and output, each message as its length in
//! four bytes, its JSON, and for a clip the samples behind it, each as four bytes. All numbers begin with the
//! lowest byte.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest JSON. A transcript of five minutes has some tens of KB.
const LONGEST: u32 = 1024 * 1024;

/// The most samples behind a message: six minutes.
const MOST_SAMPLES: u32 = 6 * 60 * 16_000;

/// What the node says.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    /// Load a model, within so much memory.
    Load { model: PathBuf, memory_bytes: u64 },
    /// Transcribe the samples behind this.
    Transcribe(Task),
    /// Give up what has this number.
    Cancel { id: u64 },
}

/// One clip to transcribe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Task {
    /// Higher than any before.
    pub(super) id: u64,
    pub(super) language: Option<String>,
    pub(super) prompt: Option<String>,
    pub(super) wants_times: bool,
    pub(super) threads: usize,
    /// How many samples are behind it.
    pub(super) samples: u32,
}

/// What the worker says.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Report {
    /// The model is loaded.
    Ready,
    /// So much of a clip is done.
    Progress { id: u64, percent: u8 },
    /// A clip is done.
    Done {
        id: u64,
        segments: Vec<Heard>,
        language: Option<String>,
    },
    /// An order failed; the worker goes on. Without a number it was loading.
    Failed {
        id: Option<u64>,
        fault: Fault,
        reason: String,
    },
}

/// A timed piece of what was heard.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Heard {
    pub(super) start_ms: u64,
    pub(super) end_ms: u64,
    pub(super) text: String,
}

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fault {
    Model,
    Memory,
    Language,
    Engine,
    Cancelled,
}

/// A message as it is sent, without what is behind it.
pub(super) fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(message)?;
    let length = u32::try_from(json.len())
        .ok()
        .filter(|length| *length <= LONGEST)
        .ok_or_else(|| io::Error::other("the message is too long"))?;
    let mut bytes = length.to_le_bytes().to_vec();
    bytes.extend(json);
    Ok(bytes)
}

/// Samples as they are sent.
pub(super) fn encode_samples(samples: &[f32]) -> Vec<u8> {
    samples.iter().flat_map(|one| one.to_le_bytes()).collect()
}

/// Writes a message at once.
pub(super) fn write(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    to.write_all(&encode(message)?)?;
    to.flush()
}

/// Reads a message; none where the other side is gone.
pub(super) fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let mut json = vec![0; checked(length)?];
    from.read_exact(&mut json)?;
    Ok(Some(serde_json::from_slice(&json)?))
}

/// Reads the samples behind a message.
pub(super) fn read_samples(from: &mut impl Read, count: u32) -> io::Result<Vec<f32>> {
    if count > MOST_SAMPLES {
        return Err(io::Error::other("too many samples"));
    }
    let mut bytes = vec![0; count as usize * 4];
    from.read_exact(&mut bytes)?;
    let samples = bytes.chunks_exact(4);
    Ok(samples
        .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
        .collect())
}

/// As [`read`], without waiting on a thread.
pub(super) async fn receive<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    };
    let mut json = vec![0; checked(length)?];
    from.read_exact(&mut json).await?;
    Ok(Some(serde_json::from_slice(&json)?))
}

fn checked(length: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_le_bytes(length);
    if length > LONGEST {
        return Err(io::Error::other("the message is too long"));
    }
    Ok(length as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_arrives_as_it_was_sent() {
        let order = Order::Transcribe(Task {
            id: 7,
            language: Some("en".to_owned()),
            prompt: None,
            wants_times: true,
            threads: 2,
            samples: 3,
        });
        let samples = [0.25, -1.0, f32::MIN_POSITIVE];
        let mut bytes = encode(&order).unwrap();
        bytes.extend(encode_samples(&samples));

        let mut from = bytes.as_slice();

        assert_eq!(read::<Order>(&mut from).unwrap(), Some(order));
        assert_eq!(read_samples(&mut from, 3).unwrap(), samples);
        assert_eq!(read::<Order>(&mut from).unwrap(), None);
    }

    #[test]
    fn what_is_too_long_or_cut_off_is_refused_before_memory_is_taken() {
        let mut huge: &[u8] = &u32::MAX.to_le_bytes();
        let mut cut: &[u8] = &[9, 0, 0, 0, b'{'];
        let mut nothing: &[u8] = &[];

        assert!(read::<Order>(&mut huge).is_err());
        assert!(read::<Order>(&mut cut).is_err());
        assert!(read_samples(&mut nothing, u32::MAX).is_err());
    }
}
