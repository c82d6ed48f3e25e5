//! All attacks.

mod files;
mod kernel;
mod machine;
mod network;
mod processes;

use crate::attack::Attack;

pub(crate) fn all() -> Vec<&'static Attack> {
    [
        machine::ATTACKS,
        files::ATTACKS,
        processes::ATTACKS,
        network::ATTACKS,
        kernel::ATTACKS,
    ]
    .concat()
    .leak()
    .iter()
    .collect()
}
