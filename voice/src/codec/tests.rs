use std::io::Write;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::audio::{RATE, Sound};
use crate::test_support::{data, hertz, shared, tone};

/// A WAV file with these bytes of samples, whatever they say.
fn wav(channels: u16, rate: u32, bits: u16, claimed: u32, samples: &[u8]) -> Vec<u8> {
    let block = channels * bits / 8;
    let mut wav = b"RIFF".to_vec();
    wav.extend(claimed.saturating_add(36).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16u32.to_le_bytes());
    wav.extend(1u16.to_le_bytes());
    wav.extend(channels.to_le_bytes());
    wav.extend(rate.to_le_bytes());
    wav.extend((rate * u32::from(block)).to_le_bytes());
    wav.extend(block.to_le_bytes());
    wav.extend(bits.to_le_bytes());
    wav.extend(b"data");
    wav.extend(claimed.to_le_bytes());
    wav.extend(samples);
    wav
}

/// A second of 440 Hz came out, about this loud.
fn is_the_tone(clip: &Clip, loudness: f32) {
    let seconds = clip.duration().as_secs_f32();
    assert!((0.95..1.1).contains(&seconds), "{seconds} s");
    let middle = &clip.samples[4_000..12_000];
    let found = hertz(middle, RATE);
    assert!((found - 440.0).abs() < 4.0, "{found} Hz");
    let loudest = middle.iter().fold(0.0f32, |a, b| a.max(b.abs()));
    assert!((loudest - loudness).abs() < loudness / 3.0, "{loudest}");
}

#[test]
fn each_form_gives_the_tone_that_is_in_it() {
    for name in [
        "tone.flac",
        "tone.mp3",
        "tone.m4a",
        "tone-alac.m4a",
        "tone.opus",
    ] {
        eprintln!("{name}");

        let clip = decode(data(name), &Limits::default()).unwrap();

        is_the_tone(&clip, 0.106);
    }
}

#[test]
fn the_content_decides_and_not_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("note.wav");
    std::fs::copy(data("tone.mp3"), &path).unwrap();

    let clip = decode(path, &Limits::default()).unwrap();

    is_the_tone(&clip, 0.106);
}

#[test]
fn a_wav_file_that_does_not_know_its_length_is_read_to_its_end() {
    let samples: Vec<u8> = tone(440.0, 1.0, 16_000)
        .into_iter()
        .flat_map(|sample| ((sample * 16_384.0) as i16).to_le_bytes())
        .collect();
    let whole = wav(1, 16_000, 16, samples.len() as u32, &samples);
    // With a piece before the sound, of an odd length.
    let note = [b"note\x05\0\0\0hello\0".as_slice(), &whole[36..]].concat();
    let listed = [&whole[..36], &note].concat();
    for (mut bytes, data) in [(whole, 40), (listed, 54)] {
        for (riff, size) in [
            (u32::MAX, u32::MAX),
            (0, 0),
            (0x7fff_f024, 0x7fff_f000),
            (0x8000_0024, 0x8000_0000),
        ] {
            bytes[4..8].copy_from_slice(&riff.to_le_bytes());
            bytes[data..data + 4].copy_from_slice(&size.to_le_bytes());
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), &bytes).unwrap();

            let clip = decode(bytes.clone(), &Limits::default()).unwrap();
            let from_file = decode(file.path(), &Limits::default()).unwrap();

            is_the_tone(&clip, 0.25);
            assert_eq!(clip, from_file);
        }
    }
    // Nothing of it is there but its head.
    let bare = wav(1, 16_000, 16, u32::MAX - 100, &[]);
    assert!(decode(bare, &Limits::default()).is_err());
}

#[test]
fn eight_bits_in_stereo_at_8_khz_become_mono_at_16_khz() {
    let samples: Vec<u8> = tone(440.0, 1.0, 8_000)
        .into_iter()
        .flat_map(|sample| [(sample * 127.0 + 128.0) as u8, 128])
        .collect();
    let bytes = wav(2, 8_000, 8, samples.len() as u32, &samples);

    let clip = decode(bytes, &Limits::default()).unwrap();

    // Half of it, because one of the two channels is silent.
    is_the_tone(&clip, 0.25);
}

#[test]
fn wav_comes_back_as_it_was() {
    let sound = Sound {
        rate: RATE,
        samples: tone(440.0, 1.0, RATE),
    };

    let clip = decode(encode_wav(&sound).unwrap(), &Limits::default()).unwrap();

    assert_eq!(clip.samples.len(), sound.samples.len());
    for (was, is) in sound.samples.iter().zip(&clip.samples) {
        assert!((was - is).abs() < 1.0 / 30_000.0, "{was} {is}");
    }
}

#[test]
fn a_voice_note_comes_back_at_the_same_time_and_loudness() {
    // A beep in silence shows when it is.
    let mut samples = vec![0.0; RATE as usize / 2];
    samples.extend(tone(600.0, 0.5, RATE));
    samples.extend(vec![0.0; RATE as usize / 4]);
    let sound = Sound {
        rate: RATE,
        samples,
    };

    let note = encode_opus(&sound).unwrap();
    let clip = decode(note.clone(), &Limits::default()).unwrap();

    assert_eq!(clip.samples.len(), sound.samples.len());
    let begins = clip.samples.iter().position(|s| s.abs() > 0.1).unwrap();
    assert!(begins.abs_diff(8_000) < 80, "begins at sample {begins}");
    let loudest = clip.samples[10_000..14_000]
        .iter()
        .fold(0.0f32, |a, b| a.max(b.abs()));
    assert!((loudest - 0.5).abs() < 0.1, "{loudest}");
    assert!(note.len() < 12_000, "{} bytes", note.len());
}

#[test]
fn a_voice_note_says_that_it_is_mono_at_48_khz_and_how_long() {
    let sound = Sound {
        rate: 24_000,
        samples: tone(300.0, 1.5, 24_000),
    };

    let note = encode_opus(&sound).unwrap();

    assert_eq!(&note[..4], b"OggS");
    assert_eq!(&note[28..36], b"OpusHead");
    assert_eq!(note[37], 1, "channels");
    let last = note.windows(4).rposition(|bytes| bytes == b"OggS").unwrap();
    assert_eq!(note[last + 5] & 4, 4, "the last page ends the stream");
    let position = u64::from_le_bytes(note[last + 6..last + 14].try_into().unwrap());
    assert_eq!(position, 72_000 + 312);
}

#[test]
fn a_voice_note_of_another_program_has_the_length_that_it_says() {
    let test = "a_voice_note_of_another_program_has_the_length_that_it_says";
    let Some(note) = shared(test, "silero_test.opus") else {
        return;
    };

    let clip = decode(note, &Limits::default()).unwrap();

    assert_eq!(clip.duration(), Duration::from_millis(8_064));
}

#[test]
fn nothing_at_all_is_said_to_be_empty() {
    let error = decode(Vec::new(), &Limits::default()).unwrap_err();

    assert!(matches!(error, CodecError::Empty), "{error}");
    assert!(error.to_string().contains("0 bytes"));
}

#[test]
fn a_recording_without_a_sample_is_said_to_hold_no_sound() {
    let error = decode(wav(1, 16_000, 16, 0, &[]), &Limits::default()).unwrap_err();

    assert!(
        matches!(error, CodecError::Silent(_) | CodecError::Unknown(_)),
        "{error}"
    );
}

#[test]
fn what_is_no_recording_is_told_what_to_use() {
    for bytes in [b"Dear diary, ".repeat(500), vec![0; 5_000]] {
        let error = decode(bytes, &Limits::default()).unwrap_err();

        assert!(error.to_string().contains("use WAV, FLAC"), "{error}");
    }
}

#[test]
fn ogg_without_opus_is_told_apart() {
    let error = decode(data("tone-vorbis.ogg"), &Limits::default()).unwrap_err();

    assert!(
        error.to_string().contains("Ogg file without Opus"),
        "{error}"
    );
}

#[test]
fn a_folder_is_no_recording() {
    let folder = tempfile::tempdir().unwrap();

    let error = decode(folder.path(), &Limits::default()).unwrap_err();

    assert!(error.to_string().contains("not a file"), "{error}");
}

#[test]
fn a_voice_note_that_is_cut_gives_what_there_is_and_says_so() {
    let sound = Sound {
        rate: RATE,
        samples: tone(440.0, 6.0, RATE),
    };
    let mut note = encode_opus(&sound).unwrap();
    note.truncate(note.len() / 2);
    let mut heard = Vec::new();

    let ending = decode_into(note, &Limits::default(), &mut |piece| {
        heard.extend_from_slice(piece);
        ControlFlow::Continue(())
    })
    .unwrap();

    assert_eq!(ending, Ending::Cut);
    let seconds = heard.len() as f32 / RATE as f32;
    assert!((1.5..3.5).contains(&seconds), "{seconds} s");
    assert!((hertz(&heard[8_000..16_000], RATE) - 440.0).abs() < 5.0);
}

#[test]
fn any_recording_cut_anywhere_gives_a_part_of_it_or_a_clear_error() {
    for name in [
        "tone.flac",
        "tone.mp3",
        "tone.m4a",
        "tone-alac.m4a",
        "tone.opus",
    ] {
        let whole = std::fs::read(data(name)).unwrap();
        for part in 1..20 {
            let bytes = whole[..whole.len() * part / 20].to_vec();

            match decode(bytes, &Limits::default()) {
                Ok(clip) => assert!(clip.duration() < Duration::from_millis(1_100)),
                Err(error) => assert!(!error.to_string().is_empty(), "{name} {part}"),
            }
        }
    }
}

#[test]
fn a_recording_of_four_hours_is_refused_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("meeting.wav");
    let length = 4 * 60 * 60 * 8_000;
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(&wav(1, 8_000, 8, length, &[])).unwrap();
    file.set_len(u64::from(length) + 44).unwrap();
    let mut pieces = 0;

    let error = decode_into(path, &Limits::default(), &mut |_| {
        pieces += 1;
        ControlFlow::Continue(())
    })
    .unwrap_err();

    assert!(
        error.to_string().contains("longer than 120 minutes"),
        "{error}"
    );
    assert_eq!(pieces, 0);
}

#[test]
fn a_recording_that_hides_its_length_is_stopped_at_the_limit() {
    let bytes = wav(1, 8_000, 8, u32::MAX, &vec![128; 8_000 * 20]);
    let limits = Limits {
        duration: Duration::from_secs(10),
        ..Limits::default()
    };

    let error = decode(bytes, &limits).unwrap_err();

    assert!(
        error.to_string().contains("longer than 10 seconds"),
        "{error}"
    );
}

#[test]
fn a_file_over_the_limit_is_refused_by_its_size() {
    let limits = Limits {
        bytes: 1_000,
        ..Limits::default()
    };

    let error = decode(data("tone.mp3"), &limits).unwrap_err();

    assert!(error.to_string().contains("limit of 1000"), "{error}");
}

#[test]
fn whoever_listens_can_stop() {
    let mut pieces = 0;

    let ending = decode_into(data("tone.flac"), &Limits::default(), &mut |_| {
        pieces += 1;
        ControlFlow::Break(())
    })
    .unwrap();

    assert_eq!((ending, pieces), (Ending::Stopped, 1));
}

#[test]
fn samples_that_are_no_numbers_become_silence() {
    let samples: Vec<u8> = [f32::NAN, f32::INFINITY, 7.0, 0.25]
        .into_iter()
        .cycle()
        .take(16_000)
        .flat_map(f32::to_le_bytes)
        .collect();
    let mut bytes = wav(1, RATE, 32, samples.len() as u32, &samples);
    bytes[20] = 3;

    let clip = decode(bytes, &Limits::default()).unwrap();

    assert_eq!(clip.samples[..4], [0.0, 0.0, 1.0, 0.25]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000), kind in 0..6usize) {
        let magics: [&[u8]; 6] = [
            b"RIFF\x10\x10\0\0WAVEfmt ",
            b"fLaC\0\0\0\x22",
            b"\xff\xfb\x90\x44",
            b"\0\0\0\x20ftypM4A ",
            b"OggS\0\x02",
            b"ID3\x04\0\0",
        ];

        let _ = decode([magics[kind], &bytes].concat(), &small());
    }

    #[test]
    fn no_damage_to_a_recording_makes_it_panic(
        which in 0..5usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
    ) {
        let names = ["tone.flac", "tone.mp3", "tone.m4a", "tone-alac.m4a", "tone.opus"];
        let mut bytes = std::fs::read(data(names[which])).unwrap();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }

        let _ = decode(bytes, &small());
    }
}

fn small() -> Limits {
    Limits {
        duration: Duration::from_secs(5),
        bytes: 1_000_000,
    }
}
