//! Stories: the real program, in a process of its own, as its users meet it.

mod acceptance;
mod allowed;
mod care;
mod chat;
mod crash;
mod disk_full;
mod faults;
mod first_minutes;
mod inbox;
mod inbox_faults;
mod keyring;
mod kill;
mod life;
mod openapi;
mod proactive;
mod race;
mod random_runs;
mod readers;
mod reload;
mod runs;
mod sandbox;
mod start;
mod untrusted;
