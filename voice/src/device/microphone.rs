//! A microphone that is open.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cpal::traits::DeviceTrait;
use cpal::{Device, FromSample, SizedSample, Stream, StreamConfig};
use tokio::sync::mpsc;

use super::list::find;
use super::opening::{Build, beside, build, start, with_period};
use super::{DeviceError, Kind};
use crate::audio::RATE;
use crate::resample::Resampler;

/// Within this, samples must arrive: the first piece can be more than a second late on a busy machine.
const FIRST_WITHIN: Duration = Duration::from_secs(2);

/// How often it is opened until some do: a sound system that was held up at that moment never begins.
const OPENED_AT_MOST: usize = 3;

/// For how long the device keeps samples before it hands them over. For twice as long the machine may be too
/// busy to take them before a word is broken up.
const PERIOD: Duration = Duration::from_millis(50);

/// Pieces of some hundredths of a second that wait to be taken, a few seconds in all. Full means that nobody
/// takes them: then the newest are lost, and counted.
const WAITING: usize = 256;

const KIND: Kind = Kind::Microphone;

/// A microphone that is open: 16 kHz mono samples, as they come.
pub struct Microphone {
    pieces: mpsc::Receiver<Piece>,
    resampler: Resampler,
    lost: Arc<AtomicU64>,
    /// Taken by [`Microphone::open`] to see that there is sound.
    first: Option<Vec<f32>>,
    // Dropping it closes the device.
    _stream: Stream,
}

enum Piece {
    Samples(Vec<f32>),
    Failed(DeviceError),
}

struct Opened {
    stream: Stream,
    rate: u32,
}

impl Microphone {
    /// Opens the microphone of this id or name (or part of one), or the default one, and waits until samples
    /// arrive. Wants a tokio runtime.
    ///
    /// # Errors
    /// None there, none of that name, in use, not allowed, unfit, silent.
    pub async fn open(choice: Option<&str>) -> Result<Self, DeviceError> {
        let mut tries = 1;
        loop {
            match Self::open_once(choice).await {
                Err(DeviceError::Silent(_)) if tries < OPENED_AT_MOST => tries += 1,
                opened => return opened,
            }
        }
    }

    async fn open_once(choice: Option<&str>) -> Result<Self, DeviceError> {
        let (sender, pieces) = mpsc::channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let (choice, counted) = (choice.map(str::to_owned), Arc::clone(&lost));
        let open = move || open(choice.as_deref(), sender, counted);
        let opened = beside(KIND, "open microphone", open).await?;
        let resampler = Resampler::new(opened.rate, RATE).map_err(|error| DeviceError::Unfit {
            kind: KIND,
            reason: error.to_string(),
        })?;
        let mut microphone = Self {
            pieces,
            resampler,
            lost,
            first: None,
            _stream: opened.stream,
        };
        microphone.first = Some(microphone.next_piece(DeviceError::Silent(KIND)).await?);
        Ok(microphone)
    }

    /// The next samples, at least one. May be dropped and called again; nothing is lost by it.
    ///
    /// # Errors
    /// The device is gone, or gave nothing for two seconds. Then there is no more.
    pub async fn next(&mut self) -> Result<Vec<f32>, DeviceError> {
        match self.first.take() {
            Some(first) => Ok(first),
            None => self.next_piece(DeviceError::Lost(KIND)).await,
        }
    }

    /// How many samples, at the device's own rate, were lost because nobody took them, since this was asked last.
    pub fn take_lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }

    async fn next_piece(&mut self, when_silent: DeviceError) -> Result<Vec<f32>, DeviceError> {
        let mut samples = Vec::new();
        while samples.is_empty() {
            let piece = tokio::time::timeout(FIRST_WITHIN, self.pieces.recv());
            match piece.await {
                Ok(Some(Piece::Samples(piece))) => self.resampler.push(&piece, &mut samples),
                Ok(Some(Piece::Failed(error))) => return Err(error),
                Ok(None) => return Err(DeviceError::Lost(KIND)),
                Err(_) => return Err(when_silent),
            }
        }
        Ok(samples)
    }
}

fn open(
    choice: Option<&str>,
    sender: mpsc::Sender<Piece>,
    lost: Arc<AtomicU64>,
) -> Result<Opened, DeviceError> {
    let failed = |error: cpal::Error| DeviceError::opening(KIND, &error);
    let device = find(KIND, choice)?;
    let supported = device.default_input_config().map_err(failed)?;
    let config = with_period(&supported, PERIOD);
    let sink = Sink {
        channels: usize::from(config.channels.max(1)),
        sender,
        lost,
    };
    let rate = config.sample_rate;
    let stream = build(KIND, &device, supported.sample_format(), config, sink)?;
    start(KIND, &stream)?;
    Ok(Opened { stream, rate })
}

/// Where the sound system puts what it hears.
struct Sink {
    channels: usize,
    sender: mpsc::Sender<Piece>,
    lost: Arc<AtomicU64>,
}

impl Build for Sink {
    fn build<T>(self, device: &Device, config: StreamConfig) -> Result<Stream, cpal::Error>
    where
        T: SizedSample + FromSample<f32>,
        f32: FromSample<T>,
    {
        let errors = self.sender.clone();
        device.build_input_stream(
            config,
            move |samples: &[T], _| self.take(samples),
            move |error| {
                if let Some(error) = DeviceError::running(KIND, &error) {
                    // Full: whoever takes the pieces learns it by their end.
                    let _ = errors.try_send(Piece::Failed(error));
                }
            },
            None,
        )
    }
}

impl Sink {
    fn take<T>(&self, samples: &[T])
    where
        T: SizedSample,
        f32: FromSample<T>,
    {
        let share = 1.0 / self.channels as f32;
        let mono: Vec<f32> = samples
            .chunks_exact(self.channels)
            .map(|frame| {
                let sum: f32 = frame.iter().map(|s| f32::from_sample_(*s)).sum();
                (sum * share).clamp(-1.0, 1.0)
            })
            .collect();
        let count = mono.len() as u64;
        if self.sender.try_send(Piece::Samples(mono)).is_err() {
            self.lost.fetch_add(count, Ordering::Relaxed);
        }
    }
}
