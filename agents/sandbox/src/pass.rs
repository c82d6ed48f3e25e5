//! Passes descriptors over a unix socket: nothing has to be inherited, and so nothing can be by
//! mistake.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// How many go in one message.
const AT_MOST: usize = 2;

/// What carries them: a message cannot be empty.
const CARRIER: [u8; 1] = *b"d";

/// Sends up to two descriptors. Those of the caller stay open.
pub(crate) fn send(socket: impl AsFd, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(AT_MOST))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(ErrorKind::InvalidInput.into());
    }
    sendmsg(
        socket,
        &[IoSlice::new(&CARRIER)],
        &mut control,
        SendFlags::NOSIGNAL,
    )?;
    Ok(())
}

/// Receives one message's descriptors, which are not passed on to programs.
pub(crate) fn receive(socket: impl AsFd) -> io::Result<Vec<OwnedFd>> {
    let mut carrier = [0];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(AT_MOST))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut carrier)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    if received.bytes == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    let descriptors = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    Ok(descriptors.flatten().collect())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_descriptor_arrives_and_what_is_around_it_stays_in_order() {
        let (mut here, mut there) = UnixStream::pair().unwrap();
        let (reader, mut writer) = io::pipe().unwrap();
        here.write_all(b"before").unwrap();
        send(&here, &[reader.as_fd()]).unwrap();
        here.write_all(b"after").unwrap();
        drop((here, reader));
        let mut before = [0; 6];
        there.read_exact(&mut before).unwrap();

        let mut received = receive(&there).unwrap();

        writer.write_all(b"through").unwrap();
        drop(writer);
        let mut through = String::new();
        io::PipeReader::from(received.remove(0))
            .read_to_string(&mut through)
            .unwrap();
        let mut after = String::new();
        there.read_to_string(&mut after).unwrap();
        assert_eq!(
            (&before, through.as_str(), after.as_str()),
            (b"before", "through", "after")
        );
        assert!(received.is_empty());
        assert_eq!(
            receive(&there).unwrap_err().kind(),
            ErrorKind::UnexpectedEof
        );
    }
}
