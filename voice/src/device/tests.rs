use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use super::capture::{Looking, Source};
use super::list::choose;
use super::*;

fn there() -> Vec<(String, String)> {
    [
        ("alsa:hw:0", "Built-in Audio"),
        ("alsa:hw:1", "USB Headset"),
        ("alsa:hw:2", "USB Camera"),
    ]
    .map(|(id, name)| (id.to_owned(), name.to_owned()))
    .to_vec()
}

#[test]
fn a_device_is_chosen_by_its_id_its_name_or_a_part_that_fits_one() {
    assert_eq!(choose(&there(), "alsa:hw:1"), Some(1));
    assert_eq!(choose(&there(), "USB Camera"), Some(2));
    assert_eq!(choose(&there(), "headset"), Some(1));
    assert_eq!(choose(&there(), "usb"), None);
    assert_eq!(choose(&there(), "phone"), None);
}

#[test]
fn each_complaint_of_the_sound_system_says_what_to_do() {
    use cpal::{Error, ErrorKind};
    let kind = Kind::Microphone;
    let opening = |error: ErrorKind| DeviceError::opening(kind, &Error::new(error));

    assert_eq!(
        opening(ErrorKind::DeviceNotAvailable),
        DeviceError::None(kind)
    );
    assert_eq!(opening(ErrorKind::DeviceBusy), DeviceError::Busy(kind));
    assert_eq!(
        opening(ErrorKind::PermissionDenied),
        DeviceError::Denied(kind)
    );
    assert!(matches!(
        opening(ErrorKind::UnsupportedConfig),
        DeviceError::Unfit { .. }
    ));
    assert!(matches!(
        opening(ErrorKind::BackendError),
        DeviceError::Failed { .. }
    ));
    let running = |error: ErrorKind| DeviceError::running(kind, &Error::new(error));
    assert_eq!(running(ErrorKind::Xrun), None);
    assert_eq!(running(ErrorKind::DeviceChanged), None);
    assert_eq!(
        running(ErrorKind::StreamInvalidated),
        Some(DeviceError::Lost(kind))
    );
    let unknown = DeviceError::Unknown {
        kind,
        asked: "phone".to_owned(),
        there: vec!["Built-in Audio".to_owned()],
    };
    assert_eq!(
        unknown.to_string(),
        "there is no microphone named phone; there are: Built-in Audio"
    );
}

/// A microphone that opens and gives what a test lists.
struct Listed {
    opens: Mutex<VecDeque<Result<(), DeviceError>>>,
    gives: Mutex<VecDeque<Result<Vec<f32>, DeviceError>>>,
}

impl Source for Listed {
    type Open = ();

    async fn open(&self) -> Result<(), DeviceError> {
        self.opens.lock().unwrap().pop_front().unwrap()
    }

    async fn next(&self, (): &mut ()) -> Result<Vec<f32>, DeviceError> {
        self.gives.lock().unwrap().pop_front().unwrap()
    }
}

#[tokio::test]
async fn a_microphone_that_is_gone_is_looked_for_until_it_is_back() {
    let lost = DeviceError::Lost(Kind::Microphone);
    let none = DeviceError::None(Kind::Microphone);
    let listed = Listed {
        opens: Mutex::new([Ok(()), Err(none.clone()), Err(none), Ok(())].into()),
        gives: Mutex::new([Ok(vec![0.1]), Err(lost.clone()), Ok(vec![0.2])].into()),
    };
    let mut capture = Looking::open(listed, Duration::from_millis(1))
        .await
        .unwrap();

    assert_eq!(capture.next().await, Heard::Samples(vec![0.1]));
    assert_eq!(capture.next().await, Heard::Lost(lost));
    assert_eq!(capture.next().await, Heard::Back);
    assert_eq!(capture.next().await, Heard::Samples(vec![0.2]));
}

#[tokio::test]
async fn a_microphone_that_is_not_there_at_the_start_is_an_error() {
    let none = DeviceError::None(Kind::Microphone);
    let listed = Listed {
        opens: Mutex::new([Err(none.clone())].into()),
        gives: Mutex::default(),
    };

    let error = Looking::open(listed, Duration::from_millis(1))
        .await
        .err()
        .unwrap();

    assert_eq!(error, none);
}
