//! A loudspeaker that is open.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cpal::traits::DeviceTrait;
use cpal::{Device, FromSample, SizedSample, Stream, StreamConfig};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::list::find;
use super::opening::{Build, beside, build, frames, start, with_period};
use super::{DeviceError, Kind};
use crate::audio::Sound;

/// Within this it must ask for samples.
const ASKS_WITHIN: Duration = Duration::from_secs(2);

/// How often one sound is gone on with after a stumble, while none of it is taken in between.
const STUMBLES_MAX: usize = 3;

/// How often the device is tried then, and how long it is left alone between: a sound system that starts anew is
/// not there for a moment.
const OPENED_AT_MOST: usize = 3;
const OPENED_AFTER: Duration = Duration::from_millis(300);

/// For how long a device asks for samples at once. Two such periods wait in it, and for as long the machine may
/// be too busy to give it more before a word is broken up. Sound servers that stand behind ALSA stumble at the
/// start with shorter ones, and do not get up again. On a machine that is so busy that it stumbles all the same,
/// the period is doubled at each.
const PERIOD: Duration = Duration::from_millis(250);
const PERIOD_MAX: Duration = Duration::from_secs(1);

/// How many periods wait in the device.
const PERIODS_BEHIND: u32 = 2;

const KIND: Kind = Kind::Loudspeaker;

/// A loudspeaker that is open.
pub struct Loudspeaker {
    choice: Option<String>,
    line: Arc<Line>,
    rate: u32,
    period: Duration,
    // Dropping it closes the device.
    stream: Option<Stream>,
    /// Whether it asks for samples.
    is_going: bool,
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
    waiting: VecDeque<f32>,
    /// What was taken last, silence with it: as much as waits in the device.
    taken: VecDeque<f32>,
    /// How many frames wait in the device.
    behind: usize,
    /// How many frames of silence were taken since the last sample.
    silence: usize,
    failed: Option<DeviceError>,
}

impl Queue {
    /// The next sample, or silence.
    fn take(&mut self) -> f32 {
        let next = self.waiting.pop_front();
        self.silence = next.map_or(self.silence + 1, |_| 0);
        let sample = next.unwrap_or_default();
        if self.taken.len() >= self.behind {
            self.taken.pop_front();
        }
        self.taken.push_back(sample);
        sample
    }

    /// Whether all of it was taken.
    fn is_taken(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether all of it has sounded. Sound servers are a period late.
    fn has_sounded(&self) -> bool {
        self.is_taken() && self.silence >= self.behind + self.behind / PERIODS_BEHIND as usize
    }

    /// Puts what a device had and lost back, without the silence before and after it, for one that will have
    /// `behind` frames: a piece of a word is better heard twice than never.
    fn put_back(&mut self, behind: usize) {
        let sounds = self.taken.len().saturating_sub(self.silence);
        let mut back: VecDeque<f32> = self.taken.drain(..).take(sounds).collect();
        while back.front() == Some(&0.0) {
            back.pop_front();
        }
        back.append(&mut self.waiting);
        self.waiting = back;
        self.behind = behind;
        self.failed = None;
    }

    fn clear(&mut self) {
        *self = Self {
            behind: self.behind,
            ..Self::default()
        };
    }
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
        let (stream, rate) = open_beside(choice.clone(), Arc::clone(&line), PERIOD).await?;
        line.lock().behind = behind(PERIOD, rate);
        Ok(Self {
            choice,
            line,
            rate,
            period: PERIOD,
            stream: Some(stream),
            is_going: false,
        })
    }

    /// Plays a sound and returns when all of it was taken.
    ///
    /// # Errors
    /// The device is gone, or asks for nothing for two seconds.
    pub async fn play(&mut self, sound: Sound) -> Result<(), DeviceError> {
        let sound = sound
            .at_rate(self.rate)
            .map_err(|error| DeviceError::Unfit {
                kind: KIND,
                reason: error.to_string(),
            })?;
        self.line.lock().waiting.extend(sound.samples);
        self.until(Queue::is_taken).await
    }

    /// Returns when all that was taken has sounded. A device that is closed before cuts the last word off.
    ///
    /// # Errors
    /// The device is gone, or asks for nothing for two seconds.
    pub async fn finish(&mut self) -> Result<(), DeviceError> {
        if !self.is_going {
            return Ok(());
        }
        self.until(Queue::has_sounded).await
    }

    /// Throws away what waits to be heard, here and in the device, which is closed until something is played
    /// again.
    pub fn hush(&mut self) {
        self.close();
        self.line.lock().clear();
    }

    /// Waits until it is so. A device that stumbles is gone on with, opened anew.
    async fn until(&mut self, is_so: impl Fn(&Queue) -> bool) -> Result<(), DeviceError> {
        let (mut stumbles, mut left) = (0, usize::MAX);
        let mut going = self.go().await;
        while going.is_ok() {
            let Err(error) = self.line.wait_for(&is_so).await else {
                return Ok(());
            };
            let now = self.line.lock().waiting.len();
            stumbles = if now < left { 1 } else { stumbles + 1 };
            left = now;
            // Closed before it is opened anew, because some devices open once only.
            self.close();
            self.period = (self.period * 2).min(PERIOD_MAX);
            self.line.lock().put_back(behind(self.period, self.rate));
            going = if stumbles <= STUMBLES_MAX {
                self.go().await.map_err(|_| error)
            } else {
                Err(error)
            };
        }
        self.hush();
        going
    }

    /// Has the device ask for samples. Only once there are some: whatever it is given before them, it plays
    /// before them.
    async fn go(&mut self) -> Result<(), DeviceError> {
        if self.is_going {
            return Ok(());
        }
        if self.stream.is_none() {
            self.stream = Some(self.opened_anew().await?);
        }
        if let Some(stream) = &self.stream {
            start(KIND, stream)?;
        }
        self.is_going = true;
        Ok(())
    }

    async fn opened_anew(&self) -> Result<Stream, DeviceError> {
        let mut tries = 1;
        let (stream, rate) = loop {
            let line = Arc::clone(&self.line);
            match open_beside(self.choice.clone(), line, self.period).await {
                Err(_) if tries < OPENED_AT_MOST => sleep(OPENED_AFTER).await,
                opened => break opened?,
            }
            tries += 1;
        };
        if rate != self.rate {
            return Err(DeviceError::Lost(KIND));
        }
        Ok(stream)
    }

    fn close(&mut self) {
        self.stream = None;
        self.is_going = false;
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn wait_for(&self, is_so: impl Fn(&Queue) -> bool) -> Result<(), DeviceError> {
        loop {
            let moved = self.moved.notified();
            {
                let queue = self.lock();
                if let Some(error) = &queue.failed {
                    return Err(error.clone());
                }
                if is_so(&queue) {
                    return Ok(());
                }
            }
            if timeout(ASKS_WITHIN, moved).await.is_err() {
                return Err(DeviceError::Silent(KIND));
            }
        }
    }

    /// Fills what the sound system asks for: one sample for all channels of a frame, silence where none waits.
    fn fill<T>(&self, out: &mut [T], channels: usize)
    where
        T: SizedSample + FromSample<f32>,
    {
        let mut queue = self.lock();
        for frame in out.chunks_mut(channels) {
            frame.fill(T::from_sample_(queue.take()));
        }
        drop(queue);
        self.moved.notify_waiters();
    }

    fn fail(&self, error: DeviceError) {
        self.lock().failed = Some(error);
        self.moved.notify_waiters();
    }
}

/// How many frames wait in a device.
fn behind(period: Duration, rate: u32) -> usize {
    (frames(period, rate) * PERIODS_BEHIND) as usize
}

async fn open_beside(
    choice: Option<String>,
    line: Arc<Line>,
    period: Duration,
) -> Result<(Stream, u32), DeviceError> {
    let open = move || open(choice.as_deref(), line, period);
    beside(KIND, "open loudspeaker", open).await
}

fn open(
    choice: Option<&str>,
    line: Arc<Line>,
    period: Duration,
) -> Result<(Stream, u32), DeviceError> {
    let failed = |error: cpal::Error| DeviceError::opening(KIND, &error);
    let device = find(KIND, choice)?;
    let supported = device.default_output_config().map_err(failed)?;
    let config = with_period(&supported, period);
    let rate = config.sample_rate;
    let stream = build(KIND, &device, supported.sample_format(), config, line)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(samples: &[f32]) -> Queue {
        Queue {
            waiting: samples.iter().copied().collect(),
            behind: 4,
            ..Queue::default()
        }
    }

    fn taken(queue: &mut Queue, frames: usize) -> Vec<f32> {
        (0..frames).map(|_| queue.take()).collect()
    }

    #[test]
    fn what_waits_is_followed_by_silence_until_it_has_sounded() {
        let mut queue = queue(&[0.1, 0.2]);

        assert_eq!(taken(&mut queue, 7), [0.1, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(queue.is_taken() && !queue.has_sounded());
        queue.take();
        assert!(queue.has_sounded());
        queue.waiting.push_back(0.3);
        assert!(!queue.has_sounded());
        queue.take();
        assert!(queue.is_taken() && !queue.has_sounded());
    }

    #[test]
    fn what_a_device_had_and_lost_is_played_again_and_no_more() {
        let mut queue = queue(&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]);
        queue.failed = Some(DeviceError::Lost(KIND));
        taken(&mut queue, 6);

        queue.put_back(2);

        assert_eq!(queue.waiting, [0.3, 0.4, 0.5, 0.6, 0.7]);
        assert_eq!(queue.failed, None);
        taken(&mut queue, 5);
        queue.put_back(2);
        assert_eq!(queue.waiting, [0.6, 0.7]);
    }

    #[test]
    fn silence_is_not_played_again() {
        let mut queue = queue(&[0.1, 0.2]);
        taken(&mut queue, 3);

        queue.put_back(4);
        assert_eq!(queue.waiting, [0.1, 0.2]);

        taken(&mut queue, 6);
        queue.put_back(4);
        assert!(queue.waiting.is_empty());
    }
}
