//! What rooms and machines sound like when nobody speaks: made, so that it is the same at each run.

use std::f64::consts::TAU;

/// Samples in a second of all that is made here.
const RATE: u32 = 16_000;

/// Noises in which nobody speaks.
pub const KINDS: [&str; 8] = [
    "silence",
    "hiss",
    "loud hiss",
    "fan",
    "hum",
    "typing",
    "chords",
    "tone",
];

/// So many seconds of a noise, as a WAV file.
///
/// # Panics
/// The kind is none of [`KINDS`], or hours are wanted.
pub fn wav(kind: &str, seconds: u32) -> Vec<u8> {
    let count = seconds * RATE;
    let mut out = b"RIFF".to_vec();
    out.extend((36 + count * 2).to_le_bytes());
    out.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    out.extend(RATE.to_le_bytes());
    out.extend((RATE * 2).to_le_bytes());
    out.extend(b"\x02\0\x10\0data");
    out.extend((count * 2).to_le_bytes());
    let mut made = made(kind);
    for n in 0..count {
        let sample = made(n).clamp(-1.0, 1.0) * 32_767.0;
        #[expect(clippy::cast_possible_truncation, reason = "clamped to what fits")]
        out.extend((sample as i16).to_le_bytes());
    }
    out
}

/// The samples of a noise, by their place.
fn made(kind: &str) -> Box<dyn FnMut(u32) -> f64> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    match kind {
        "silence" => Box::new(|_| 0.0),
        "hiss" => Box::new(move |_| random.next() * 0.02),
        "loud hiss" => Box::new(move |_| random.next() * 0.3),
        "fan" => {
            let mut rumble = 0.0;
            Box::new(move |_| {
                rumble += (random.next() - rumble) * 0.05;
                rumble * 0.8
            })
        }
        "hum" => Box::new(|n| {
            let parts = [(50.0, 1.0), (100.0, 0.5), (150.0, 0.3), (250.0, 0.2)];
            parts
                .iter()
                .map(|(hertz, loud)| sine(*hertz, n) * loud)
                .sum::<f64>()
                * 0.2
        }),
        // Clicks at uneven times, each of a rattle that dies out within some milliseconds.
        "typing" => {
            let (mut next, mut age) = (2_000, 0_u32);
            Box::new(move |n| {
                if n == next {
                    age = 0;
                    let gap = 2_000.0 + random.next().abs() * 1_500.0;
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "between 2000 and 3500"
                    )]
                    let gap = gap as u32;
                    next = n + gap;
                }
                age += 1;
                let click = 0.4 * (-f64::from(age) / 60.0).exp();
                random.next() * (0.003 + click)
            })
        }
        // Three tones that fade, half a second each.
        "chords" => Box::new(|n| {
            const CHORDS: [[f64; 3]; 3] = [
                [262.0, 330.0, 392.0],
                [220.0, 262.0, 330.0],
                [175.0, 220.0, 262.0],
            ];
            let (place, age) = (n / (RATE / 2), n % (RATE / 2));
            let chord = CHORDS[(place % 3) as usize];
            let sum: f64 = chord.iter().map(|hertz| sine(*hertz, age)).sum();
            sum * 0.25 * (-f64::from(age) / 3_000.0).exp()
        }),
        "tone" => Box::new(|n| sine(440.0, n) * 0.5),
        other => panic!("there is no noise called {other}"),
    }
}

fn sine(hertz: f64, n: u32) -> f64 {
    (hertz * TAU * f64::from(n) / f64::from(RATE)).sin()
}

/// Marsaglia's xorshift with 64 bits; from -1 to 1.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let top = u32::try_from(self.0 >> 32).unwrap_or_default();
        f64::from(top) / f64::from(u32::MAX) * 2.0 - 1.0
    }
}
