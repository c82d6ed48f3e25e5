//! What an attack can do to the host. Every one is looked for after every attack.

/// One kind of effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It held more than it may, or has what nobody should have: it left the file `done` to say so,
    /// which it makes only then.
    Done,
    /// A secret of the host is in its output.
    Learned,
    /// Something of the host outside the workspace is not what it was.
    Changed,
    /// A listener of the host heard of it.
    Heard,
    /// A process of the host is gone, or stands still.
    Hurt,
    /// A process of the run is still there.
    Left,
    /// Something lies in the workspace that the host would trip over.
    Litter,
    /// The terminal shows it.
    Typed,
    /// The node keeps more of its output than it should.
    Flood,
}

/// An effect, and what was seen of it.
pub(crate) type Seen = (Effect, String);
