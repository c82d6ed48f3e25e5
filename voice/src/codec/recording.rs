//! WAV, FLAC, MP3 and M4A.

use std::io::ErrorKind;

use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use super::gather::Gather;
use super::source::Opened;
use super::{CodecError, Ending};

/// So many packets in a row without a sample, and the rest is given up: a table that promises
/// thousands of millions of empty ones takes a few bytes.
const BARREN_PACKETS: u32 = 5_000;

pub(super) fn read(opened: Opened, gather: &mut Gather<'_>) -> Result<Ending, CodecError> {
    let stream = MediaSourceStream::new(
        Box::new(opened),
        symphonia::core::io::MediaSourceStreamOptions::default(),
    );
    let mut format = symphonia::default::get_probe()
        .probe(
            &Hint::new(),
            stream,
            FormatOptions::default(),
            MetadataOptions::default(),
        )
        .map_err(not_opened)?;
    let track = format
        .default_track(TrackType::Audio)
        .ok_or_else(|| CodecError::Silent("it has no audio track".to_owned()))?;
    let id = track.id;
    let parameters = track
        .codec_params
        .as_ref()
        .and_then(|parameters| parameters.audio())
        .ok_or_else(|| CodecError::Unknown("its audio is of an unknown kind".to_owned()))?;
    if let (Some(samples), Some(rate)) = (track.num_frames, parameters.sample_rate) {
        gather.expect(samples, rate)?;
    }
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .map_err(not_opened)?;
    read_packets(format.as_mut(), decoder.as_mut(), id, gather)
}

fn read_packets(
    format: &mut dyn FormatReader,
    decoder: &mut dyn AudioDecoder,
    track: u32,
    gather: &mut Gather<'_>,
) -> Result<Ending, CodecError> {
    let mut samples: Vec<f32> = Vec::new();
    let mut barren = 0;
    let mut is_damaged = false;
    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => {
                return Ok(if is_damaged {
                    Ending::Cut
                } else {
                    Ending::Whole
                });
            }
            Err(Error::IoError(error)) if error.kind() != ErrorKind::UnexpectedEof => {
                return Err(CodecError::File(error));
            }
            // The container is no longer to be understood: what came before it is.
            Err(_) => return Ok(Ending::Cut),
        };
        barren += 1;
        if barren > BARREN_PACKETS {
            return Ok(Ending::Cut);
        }
        if packet.track_id != track {
            continue;
        }
        match decoder.decode(&packet) {
            Ok(decoded) if decoded.frames() > 0 => {
                barren = 0;
                let (channels, rate) = (decoded.num_planes(), decoded.spec().rate());
                decoded.copy_to_vec_interleaved(&mut samples);
                if gather.take(&samples, channels, rate)?.is_break() {
                    return Ok(Ending::Stopped);
                }
            }
            Ok(_) => {}
            // One bad packet is a click; the next may be whole.
            Err(Error::DecodeError(_) | Error::IoError(_)) => is_damaged = true,
            Err(_) => return Ok(Ending::Cut),
        }
    }
}

fn not_opened(error: Error) -> CodecError {
    match error {
        Error::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            CodecError::Unknown("it ends before it is clear what it is".to_owned())
        }
        Error::IoError(error) => CodecError::File(error),
        other => CodecError::Unknown(other.to_string()),
    }
}
