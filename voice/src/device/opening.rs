//! How a device is opened, whichever it is.

use std::time::Duration;

use cpal::traits::StreamTrait;
use cpal::{Device, FromSample, SampleFormat, SizedSample, Stream, StreamConfig};
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

/// What a stream does with its samples, of whichever form the device has them.
pub(super) trait Build {
    fn build<T>(self, device: &Device, config: StreamConfig) -> Result<Stream, cpal::Error>
    where
        T: SizedSample + FromSample<f32>,
        f32: FromSample<T>;
}

/// Builds a stream for the form of samples that a device has, and sets it going.
pub(super) fn start(
    kind: Kind,
    device: &Device,
    format: SampleFormat,
    config: StreamConfig,
    stream: impl Build,
) -> Result<Stream, DeviceError> {
    let failed = |error: cpal::Error| DeviceError::opening(kind, &error);
    let stream = match format {
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
    }
    .map_err(failed)?;
    stream.play().map_err(failed)?;
    Ok(stream)
}
