//! Sound that is really played and heard, by sound servers of the tests' own. Sound runs in real time: on a
//! machine that is busy with other tests, pieces of it are lost that no person would lose. So these tests are a
//! program of their own, which runs beside no other.

mod devices;
mod push_to_talk;
mod spoken;
