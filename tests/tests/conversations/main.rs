//! Conversations of the two pure sessions, facing each other: recorded as goldens, and drawn at
//! random with cuts, news and saves at every moment.
//!
//! What the sessions ask for is answered by a replica and a province of a few lines each
//! (`fakes`); the real ones meet in the stories and in the simulator.

mod fakes;
mod golden;
mod random;
mod scripted;
mod table;
