//! A microphone that may go and come back.

use std::future::Future;
use std::time::Duration;

use tracing::warn;

use super::{DeviceError, Microphone};

/// How often a lost microphone is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a [`Capture`] gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// The next 16 kHz mono samples.
    Samples(Vec<f32>),
    /// The microphone is gone, for this reason. It is looked for from here on.
    Lost(DeviceError),
    /// It is there again; samples follow.
    Back,
}

/// Opens microphones and reads from them. Tests have one without a device.
pub(super) trait Source: Send {
    type Open: Send;
    fn open(&self) -> impl Future<Output = Result<Self::Open, DeviceError>> + Send;
    fn next(
        &self,
        open: &mut Self::Open,
    ) -> impl Future<Output = Result<Vec<f32>, DeviceError>> + Send;
}

/// The microphone that was chosen, whether it is plugged in or not.
pub struct Capture {
    inner: Looking<Chosen>,
}

impl Capture {
    /// Opens the microphone of this id or name, or the default one.
    ///
    /// # Errors
    /// As [`Microphone::open`]: one that is not there at the start is an error, and not looked for.
    pub async fn open(choice: Option<&str>) -> Result<Self, DeviceError> {
        let chosen = Chosen {
            choice: choice.map(str::to_owned),
        };
        let inner = Looking::open(chosen, LOOK_EVERY).await?;
        Ok(Self { inner })
    }

    /// The next samples; or that the microphone is gone, once; or that it is back, once. Never ends.
    pub async fn next(&mut self) -> Heard {
        self.inner.next().await
    }
}

struct Chosen {
    choice: Option<String>,
}

impl Source for Chosen {
    type Open = Microphone;

    async fn open(&self) -> Result<Microphone, DeviceError> {
        Microphone::open(self.choice.as_deref()).await
    }

    async fn next(&self, open: &mut Microphone) -> Result<Vec<f32>, DeviceError> {
        let samples = open.next().await?;
        let lost = open.take_lost();
        if lost > 0 {
            warn!(
                samples = lost,
                "the machine is too busy for its microphone: some of what it heard is lost"
            );
        }
        Ok(samples)
    }
}

pub(super) struct Looking<S: Source> {
    source: S,
    open: Option<S::Open>,
    every: Duration,
}

impl<S: Source> Looking<S> {
    pub(super) async fn open(source: S, every: Duration) -> Result<Self, DeviceError> {
        let open = Some(source.open().await?);
        Ok(Self {
            source,
            open,
            every,
        })
    }

    pub(super) async fn next(&mut self) -> Heard {
        if let Some(open) = &mut self.open {
            return match self.source.next(open).await {
                Ok(samples) => Heard::Samples(samples),
                Err(error) => {
                    // Closed at once: some devices come back only when nobody holds them.
                    self.open = None;
                    Heard::Lost(error)
                }
            };
        }
        loop {
            tokio::time::sleep(self.every).await;
            if let Ok(open) = self.source.open().await {
                self.open = Some(open);
                return Heard::Back;
            }
        }
    }
}
