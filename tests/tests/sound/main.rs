//! Sound that is really played and heard, by sound servers of the tests' own. Sound runs in real time: on a
//! machine that is busy with other tests, pieces of it are lost that no person would lose. So these tests are a
//! program of their own, which runs beside no other.

mod devices;
mod push_to_talk;
mod spoken;

/// What was played was not heard as it was.
#[derive(Debug)]
struct Garbled(String);

impl std::fmt::Display for Garbled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "not heard as it was played: {}", self.0)
    }
}

impl std::error::Error for Garbled {}

/// Does it again, twice at most, where what was played was not heard as it was, and for no other reason. Where a
/// machine stands still for longer than a device has samples, as virtual ones do at times, a piece is lost by
/// nobody's fault. A fault of ours loses it each time.
async fn until_heard<F>(test: &str, work: impl Fn() -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    for _ in 0..2 {
        match work().await {
            Err(error) if error.is::<Garbled>() => eprintln!("{test}, once more: {error}"),
            done => return done,
        }
    }
    work().await
}
