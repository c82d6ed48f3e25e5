//! How a device is opened, whichever it is.

use std::time::Duration;

use cpal::traits::StreamTrait;
use cpal::{
    BufferSize, Device, FromSample, SampleFormat, SizedSample, Stream, StreamConfig,
    SupportedBufferSize, SupportedStreamConfig,
};
use tokio::sync::oneshot;

use super::list::quiet;
use super::{DeviceError, Kind};

/// How long the sound system may take to open one.
const OPEN_WITHIN: Duration = Duration::from_secs(5);

/// Opens it on a thread of its own: a sound system that hangs takes only that with it.
pub(super) async fn beside<T: Send + 'static>(
    kind: Kind,
    thread: &str,
    open: impl FnOnce() -> Result<T, DeviceError> + Send + 'static,
) -> Result<T, DeviceError> {
    let failed = |reason: &str| DeviceError::Failed {
        kind,
        reason: reason.to_owned(),
    };
    let (answer, answered) = oneshot::channel();
    std::thread::Builder::new()
        .name(thread.to_owned())
        .spawn(move || {
            let _quiet = quiet();
            // Nobody listens after the limit; what was opened is then closed again.
            let _ = answer.send(open());
        })
        .map_err(|error| failed(&error.to_string()))?;
    match tokio::time::timeout(OPEN_WITHIN, answered).await {
        Ok(Ok(opened)) => opened,
        Ok(Err(_)) => Err(failed("it gave up")),
        Err(_) => Err(failed("it does not answer")),
    }
}

/// The form that a device prefers, with samples handed over once in a period, as far as it can have that.
pub(super) fn with_period(supported: &SupportedStreamConfig, period: Duration) -> StreamConfig {
    let mut config = supported.config();
    if let SupportedBufferSize::Range { min, max } = supported.buffer_size() {
        let wanted = frames(period, config.sample_rate);
        config.buffer_size = BufferSize::Fixed(wanted.clamp(*min, *max));
    }
    config
}

/// How many frames of this rate a period has.
pub(super) fn frames(period: Duration, rate: u32) -> u32 {
    let frames = period.as_millis() * u128::from(rate) / 1000;
    u32::try_from(frames).unwrap_or(u32::MAX)
}

/// What a stream does with its samples, of whichever form the device has them.
pub(super) trait Build {
    fn build<T>(self, device: &Device, config: StreamConfig) -> Result<Stream, cpal::Error>
    where
        T: SizedSample + FromSample<f32>,
        f32: FromSample<T>;
}

/// Builds a stream for the form of samples that a device has.
pub(super) fn build(
    kind: Kind,
    device: &Device,
    format: SampleFormat,
    config: StreamConfig,
    stream: impl Build,
) -> Result<Stream, DeviceError> {
    let failed = |error: cpal::Error| DeviceError::opening(kind, &error);
    let built = match format {
        SampleFormat::F32 => stream.build::<f32>(device, config),
        SampleFormat::F64 => stream.build::<f64>(device, config),
        SampleFormat::I8 => stream.build::<i8>(device, config),
        SampleFormat::I16 => stream.build::<i16>(device, config),
        SampleFormat::I32 => stream.build::<i32>(device, config),
        SampleFormat::U8 => stream.build::<u8>(device, config),
        SampleFormat::U16 => stream.build::<u16>(device, config),
        SampleFormat::U32 => stream.build::<u32>(device, config),
        other => {
            return Err(DeviceError::Unfit {
                kind,
                reason: format!("its samples are of the form {other}"),
            });
        }
    };
    built.map_err(failed)
}

/// Sets a stream going; one that goes already goes on.
pub(super) fn start(kind: Kind, stream: &Stream) -> Result<(), DeviceError> {
    let failed = |error: cpal::Error| DeviceError::opening(kind, &error);
    stream.play().map_err(failed)
}
