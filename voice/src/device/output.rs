//! A loudspeaker that is open.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cpal::traits::DeviceTrait;
use cpal::{
    BufferSize, Device, FromSample, SizedSample, Stream, StreamConfig, SupportedBufferSize,
};
use tokio::sync::Notify;

use super::list::find;
use super::opening::{Build, beside, start};
use super::{DeviceError, Kind};
use crate::audio::Sound;

/// Within this it must take some samples.
const TAKES_WITHIN: Duration = Duration::from_secs(2);

/// How often one sound is gone on with after a stumble, while none of it is taken in between.
const REOPENED_AT_MOST: usize = 3;

/// How often the device is tried then, and how long it is left alone between: a sound system that starts anew is
/// not there for a moment.
const OPENED_AT_MOST: usize = 3;
const OPENED_AFTER: Duration = Duration::from_millis(300);

/// How often in a second samples are asked for. Sound servers that stand behind ALSA stumble at the start where
/// it is more often, and do not get up again; and two such stretches are what still sounds after a stop. On a
/// machine that is so busy that it stumbles all the same, the stretch is doubled at each.
const PERIODS_PER_SECOND: u32 = 10;

/// The most tenths of a second that are asked for at once.
const STRETCH_MAX: u32 = 8;

/// How many such stretches wait in the device.
const PERIODS_BEHIND: u64 = 2;

const KIND: Kind = Kind::Loudspeaker;

/// A loudspeaker that is open.
pub struct Loudspeaker {
    choice: Option<String>,
    line: Arc<Line>,
    rate: u32,
    /// How many tenths of a second are asked for at once.
    stretch: u32,
    // Dropping it closes the device.
    stream: Option<cpal::Stream>,
}

/// What waits to be heard.
struct Line {
    // Guards the samples between whoever speaks and the thread of the sound system. Held for a copy only,
    // because that thread must not wait.
    queue: Mutex<Queue>,
    /// Rung when samples were taken, and when nothing more will be.
    moved: Notify,
}

#[derive(Default)]
struct Queue {
    samples: VecDeque<f32>,
    failed: Option<DeviceError>,
    /// How many frames of silence were taken since the last sample.
    silence: u64,
}

impl Loudspeaker {
    /// Opens the loudspeaker of this id or name (or part of one), or the default one. Wants a tokio runtime.
    ///
    /// # Errors
    /// None there, none of that name, in use, not allowed, unfit.
    pub async fn open(choice: Option<&str>) -> Result<Self, DeviceError> {
        let line = Arc::new(Line {
            queue: Mutex::default(),
            moved: Notify::new(),
        });
        let choice = choice.map(str::to_owned);
        let stretch = 1;
        let (stream, rate) = open_beside(choice.clone(), Arc::clone(&line), stretch).await?;
        Ok(Self {
            choice,
            line,
            rate,
            stretch,
            stream: Some(stream),
        })
    }

    /// Plays a sound and returns when all of it was taken.
    ///
    /// # Errors
    /// The device is gone, or takes nothing for two seconds.
    pub async fn play(&mut self, sound: Sound) -> Result<(), DeviceError> {
        let sound = sound
            .at_rate(self.rate)
            .map_err(|error| DeviceError::Unfit {
                kind: KIND,
                reason: error.to_string(),
            })?;
        {
            let mut queue = self.line.lock();
            queue.samples.extend(sound.samples);
            queue.silence = 0;
        }
        let (mut stumbles, mut left) = (0, usize::MAX);
        while let Err(error) = self.wait_until_taken().await {
            let now = self.line.lock().samples.len();
            stumbles = if now < left { 1 } else { stumbles + 1 };
            left = now;
            if stumbles > REOPENED_AT_MOST || self.reopen().await.is_err() {
                self.line.lock().samples.clear();
                return Err(error);
            }
        }
        Ok(())
    }

    /// Returns when all that was taken has sounded. A device that is closed before
    /// cuts the last word off.
    ///
    /// # Errors
    /// The device is gone, or takes nothing for two seconds.
    pub async fn finish(&mut self) -> Result<(), DeviceError> {
        let period = u64::from(self.rate / PERIODS_PER_SECOND * self.stretch);
        let behind = period * (PERIODS_BEHIND + 1);
        loop {
            let moved = self.line.moved.notified();
            {
                let queue = self.line.lock();
                if let Some(error) = &queue.failed {
                    return Err(error.clone());
                }
                if queue.silence >= behind {
                    return Ok(());
                }
            }
            if tokio::time::timeout(TAKES_WITHIN, moved).await.is_err() {
                return Err(DeviceError::Silent(KIND));
            }
        }
    }

    async fn wait_until_taken(&self) -> Result<(), DeviceError> {
        let mut left = usize::MAX;
        loop {
            let moved = self.line.moved.notified();
            {
                let queue = self.line.lock();
                if let Some(error) = &queue.failed {
                    return Err(error.clone());
                }
                if queue.samples.is_empty() {
                    return Ok(());
                }
            }
            if tokio::time::timeout(TAKES_WITHIN, moved).await.is_err() {
                let now = self.line.lock().samples.len();
                if now >= left {
                    return Err(DeviceError::Silent(KIND));
                }
                left = now;
            }
        }
    }

    /// Goes on with what waits, on the same device opened anew.
    async fn reopen(&mut self) -> Result<(), DeviceError> {
        // First closed, because some devices open once only, and so that it complains no more.
        self.stream = None;
        self.line.lock().failed = None;
        self.stretch = (self.stretch * 2).min(STRETCH_MAX);
        let mut tries = 0;
        let (stream, rate) = loop {
            tries += 1;
            let line = Arc::clone(&self.line);
            match open_beside(self.choice.clone(), line, self.stretch).await {
                Err(_) if tries < OPENED_AT_MOST => tokio::time::sleep(OPENED_AFTER).await,
                opened => break opened?,
            }
        };
        if rate != self.rate {
            return Err(DeviceError::Lost(KIND));
        }
        self.stream = Some(stream);
        Ok(())
    }

    /// Throws away what waits to be heard. What the device has taken still sounds: a fifth of a second of it, or
    /// more on a machine that was too busy for that.
    pub fn hush(&mut self) {
        self.line.lock().samples.clear();
    }
}

impl Line {
    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fills what the sound system asks for: one sample for all channels of a frame, silence where none waits.
    fn fill<T>(&self, out: &mut [T], channels: usize)
    where
        T: SizedSample + FromSample<f32>,
    {
        let mut queue = self.lock();
        for frame in out.chunks_mut(channels) {
            let next = queue.samples.pop_front();
            queue.silence += u64::from(next.is_none());
            let sample = next.unwrap_or(0.0);
            frame.fill(T::from_sample_(sample));
        }
        drop(queue);
        self.moved.notify_waiters();
    }

    fn fail(&self, error: DeviceError) {
        self.lock().failed = Some(error);
        self.moved.notify_waiters();
    }
}

async fn open_beside(
    choice: Option<String>,
    line: Arc<Line>,
    stretch: u32,
) -> Result<(Stream, u32), DeviceError> {
    let open = move || open(choice.as_deref(), line, stretch);
    beside(KIND, "open loudspeaker", open).await
}

fn open(choice: Option<&str>, line: Arc<Line>, stretch: u32) -> Result<(Stream, u32), DeviceError> {
    let failed = |error: cpal::Error| DeviceError::opening(KIND, &error);
    let device = find(KIND, choice)?;
    let supported = device.default_output_config().map_err(failed)?;
    let mut config = supported.config();
    if let SupportedBufferSize::Range { min, max } = supported.buffer_size() {
        let wanted = config.sample_rate / PERIODS_PER_SECOND * stretch;
        config.buffer_size = BufferSize::Fixed(wanted.clamp(*min, *max));
    }
    let rate = config.sample_rate;
    let stream = start(KIND, &device, supported.sample_format(), config, line)?;
    Ok((stream, rate))
}

impl Build for Arc<Line> {
    fn build<T>(self, device: &Device, config: StreamConfig) -> Result<Stream, cpal::Error>
    where
        T: SizedSample + FromSample<f32>,
        f32: FromSample<T>,
    {
        let channels = usize::from(config.channels.max(1));
        let errors = Arc::clone(&self);
        device.build_output_stream(
            config,
            move |out: &mut [T], _| self.fill(out, channels),
            move |error| {
                if let Some(error) = DeviceError::running(KIND, &error) {
                    errors.fail(error);
                }
            },
            None,
        )
    }
}
