//! Ogg/Opus, the form of voice notes.

use std::io::{Read, Seek};

use ogg::{OggReadError, Packet, PacketReader};
use opus_rs::OpusDecoder;

use super::gather::Gather;
use super::{CodecError, Ending};

/// What Opus decodes to, whatever it was made from.
pub(super) const OPUS_RATE: u32 = 48_000;

/// Samples in the longest packet there is, 120 ms.
const LONGEST_PACKET: usize = 5_760;

/// So many packets in a row that are no Opus, and the rest is given up.
const BARREN_PACKETS: u32 = 1_000;

pub(super) fn read(
    source: impl Read + Seek,
    gather: &mut Gather<'_>,
) -> Result<Ending, CodecError> {
    let mut packets = PacketReader::new(source);
    let first = packets
        .read_packet()
        .map_err(|error| not_read(&error))?
        .ok_or_else(|| CodecError::Unknown("an Ogg file with nothing in it".to_owned()))?;
    let head = Head::read(&first.data)?;
    let mut decoder = Decoder {
        opus: OpusDecoder::new(OPUS_RATE.cast_signed(), 1).map_err(CodecError::broken)?,
        gain: head.gain,
        skip: head.skip,
        serial: first.stream_serial(),
        decoded: 0,
        pcm: vec![0.0; LONGEST_PACKET],
    };
    // What follows is a page of comments.
    let mut is_comment = true;
    let mut barren = 0;
    let mut is_damaged = false;
    loop {
        let packet = match packets.read_packet() {
            Ok(Some(packet)) => packet,
            // A page with a wrong checksum is left out; what follows may be whole.
            Err(OggReadError::HashMismatch(..)) => {
                is_damaged = true;
                barren += 1;
                if barren > BARREN_PACKETS {
                    return Ok(Ending::Cut);
                }
                continue;
            }
            Err(OggReadError::ReadError(error))
                if error.kind() != std::io::ErrorKind::UnexpectedEof =>
            {
                return Err(CodecError::File(error));
            }
            // The end was not announced, or what is there is no page: the rest is missing.
            Ok(None) | Err(_) => return Ok(Ending::Cut),
        };
        barren += 1;
        if barren > BARREN_PACKETS {
            return Ok(Ending::Cut);
        }
        if packet.stream_serial() != decoder.serial {
            continue;
        }
        if std::mem::take(&mut is_comment) {
            continue;
        }
        if let Ok(samples) = decoder.decode(&packet) {
            barren = 0;
            if gather.take(samples, 1, OPUS_RATE)?.is_break() {
                return Ok(Ending::Stopped);
            }
        } else {
            is_damaged = true;
        }
        if packet.last_in_stream() {
            return Ok(if is_damaged {
                Ending::Cut
            } else {
                Ending::Whole
            });
        }
    }
}

struct Decoder {
    opus: OpusDecoder,
    gain: f32,
    /// Samples still to be left out: the decoder needs them to settle.
    skip: usize,
    serial: u32,
    /// Samples decoded, those left out included.
    decoded: u64,
    pcm: Vec<f32>,
}

impl Decoder {
    fn decode(&mut self, packet: &Packet) -> Result<&[f32], &'static str> {
        let length = self
            .opus
            .decode(&packet.data, LONGEST_PACKET, &mut self.pcm)?
            .min(LONGEST_PACKET);
        let before = self.decoded;
        self.decoded += length as u64;
        let start = self.skip.min(length);
        self.skip -= start;
        // The last page says how many samples there really are; the last packet is filled up.
        let mut end = length;
        if packet.last_in_stream() {
            let real = packet.absgp_page().saturating_sub(before);
            end = usize::try_from(real).map_or(length, |real| real.min(length));
        }
        let samples = &mut self.pcm[start..end.max(start)];
        if self.gain.to_bits() != 1.0f32.to_bits() {
            for sample in &mut *samples {
                *sample *= self.gain;
            }
        }
        Ok(samples)
    }
}

/// What the first packet says.
struct Head {
    skip: usize,
    gain: f32,
}

impl Head {
    fn read(packet: &[u8]) -> Result<Self, CodecError> {
        let Some(fields) = packet.strip_prefix(b"OpusHead") else {
            return Err(CodecError::Unknown("an Ogg file without Opus".to_owned()));
        };
        let [
            version,
            channels,
            skip_low,
            skip_high,
            _,
            _,
            _,
            _,
            gain_low,
            gain_high,
            mapping,
            ..,
        ] = *fields
        else {
            return Err(CodecError::broken("its Opus header is cut"));
        };
        if version >> 4 != 0 {
            return Err(CodecError::Unknown(format!("Opus of version {version}")));
        }
        if mapping != 0 || !(1..=2).contains(&channels) {
            let what = format!("Opus with {channels} channels in an arrangement of its own");
            return Err(CodecError::Unknown(what));
        }
        let gain = f32::from(i16::from_le_bytes([gain_low, gain_high])) / 256.0;
        Ok(Self {
            skip: usize::from(u16::from_le_bytes([skip_low, skip_high])),
            gain: 10.0f32.powf(gain / 20.0),
        })
    }
}

fn not_read(error: &OggReadError) -> CodecError {
    CodecError::broken(format!("its first page cannot be read ({error})"))
}
