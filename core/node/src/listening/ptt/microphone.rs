//! Where sound comes from: the microphone that was chosen. Tests have one without a device.

use std::future::Future;

use hearth_voice::device::{Capture, DeviceError, Heard};

/// Opens a microphone and reads from it.
pub(crate) trait Microphones: Send + 'static {
    /// One that is open.
    type Open: Send;

    /// Opens it.
    fn open(&self) -> impl Future<Output = Result<Self::Open, DeviceError>> + Send;

    /// The next samples, or that it is gone or back. May be dropped and called again.
    fn next(open: &mut Self::Open) -> impl Future<Output = Heard> + Send;
}

/// The microphone that the settings name, or the default one.
pub(crate) struct Chosen(pub(crate) Option<String>);

impl Microphones for Chosen {
    type Open = Capture;

    async fn open(&self) -> Result<Capture, DeviceError> {
        Capture::open(self.0.as_deref()).await
    }

    async fn next(open: &mut Capture) -> Heard {
        open.next().await
    }
}
