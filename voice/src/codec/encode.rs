//! Sound to WAV and to voice notes.

use ogg::{PacketWriteEndInfo, PacketWriter};
use opus_rs::{Application, OpusEncoder};

use super::CodecError;
use super::opus::OPUS_RATE;
use crate::audio::Sound;

/// Samples in a packet, 20 ms: what every program that speaks Opus expects.
const PACKET: usize = 960;

/// Samples that the encoder lags behind, left out again by whoever decodes. Found by comparing what went in
/// with what came out.
const LAG: u16 = 312;

/// Bits in a second. Telegram's own voice notes have about as many.
const BITRATE: i32 = 32_000;

/// The largest packet there is.
const LARGEST_PACKET: usize = 1_275;

/// Packets in a page, one second, so that a reader can begin before all is there.
const PAGE: usize = 50;

/// Says which stream of a file a page belongs to; there is one only.
const SERIAL: u32 = 1;

/// Sound as a WAV file: 16 bits, mono, at its own rate.
///
/// # Errors
/// More samples than a WAV file can hold: about 12 hours.
pub fn encode_wav(sound: &Sound) -> Result<Vec<u8>, CodecError> {
    let length = u32::try_from(sound.samples.len() * 2)
        .ok()
        .filter(|length| *length < u32::MAX - 36)
        .ok_or_else(|| CodecError::Encode("it is too long for WAV".to_owned()))?;
    let mut wav = Vec::with_capacity(44 + sound.samples.len() * 2);
    wav.extend(b"RIFF");
    wav.extend((36 + length).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16u32.to_le_bytes());
    wav.extend(1u16.to_le_bytes());
    wav.extend(1u16.to_le_bytes());
    wav.extend(sound.rate.to_le_bytes());
    wav.extend((sound.rate.saturating_mul(2)).to_le_bytes());
    wav.extend(2u16.to_le_bytes());
    wav.extend(16u16.to_le_bytes());
    wav.extend(b"data");
    wav.extend(length.to_le_bytes());
    for sample in &sound.samples {
        wav.extend(to_sixteen_bits(*sample).to_le_bytes());
    }
    Ok(wav)
}

/// The nearest whole number of 16 bits.
#[expect(clippy::cast_possible_truncation, reason = "bounded before")]
fn to_sixteen_bits(sample: f32) -> i16 {
    (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

/// Sound as an Ogg/Opus file: 48 kHz, mono, about 4 KB for a second. Telegram takes it as a voice note.
///
/// # Errors
/// No sample at all, or a rate that no sound is recorded at.
pub fn encode_opus(sound: &Sound) -> Result<Vec<u8>, CodecError> {
    if sound.samples.is_empty() {
        return Err(CodecError::Encode("there is no sound".to_owned()));
    }
    let samples = sound.clone().at_rate(OPUS_RATE)?.samples;
    let mut encoder =
        OpusEncoder::new(OPUS_RATE.cast_signed(), 1, Application::Voip).map_err(refused)?;
    encoder.bitrate_bps = BITRATE;
    encoder.use_cbr = false;
    let mut writer = PacketWriter::new(Vec::new());
    writer.write_packet(head(sound.rate), SERIAL, PacketWriteEndInfo::EndPage, 0)?;
    writer.write_packet(tags(), SERIAL, PacketWriteEndInfo::EndPage, 0)?;

    let total = samples.len() + usize::from(LAG);
    let count = total.div_ceil(PACKET);
    let mut frame = [0.0; PACKET];
    let mut packet = [0; LARGEST_PACKET];
    for index in 0..count {
        let piece = samples.get(index * PACKET..).unwrap_or_default();
        let piece = &piece[..piece.len().min(PACKET)];
        frame[..piece.len()].copy_from_slice(piece);
        frame[piece.len()..].fill(0.0);
        let length = encoder
            .encode(&frame, PACKET, &mut packet)
            .map_err(refused)?;
        let (end, position) = if index + 1 == count {
            (PacketWriteEndInfo::EndStream, total)
        } else if (index + 1) % PAGE == 0 {
            (PacketWriteEndInfo::EndPage, (index + 1) * PACKET)
        } else {
            (PacketWriteEndInfo::NormalPacket, (index + 1) * PACKET)
        };
        writer.write_packet(packet[..length].to_vec(), SERIAL, end, position as u64)?;
    }
    Ok(writer.into_inner())
}

fn head(rate: u32) -> Vec<u8> {
    let mut head = b"OpusHead".to_vec();
    head.extend([1, 1]);
    head.extend(LAG.to_le_bytes());
    head.extend(rate.to_le_bytes());
    head.extend([0, 0, 0]);
    head
}

fn tags() -> Vec<u8> {
    // The length of a name, the name, and no comments.
    b"OpusTags\x06\0\0\0hearth\0\0\0\0".to_vec()
}

fn refused(reason: &'static str) -> CodecError {
    CodecError::Encode(reason.to_owned())
}
