//! The chain over its real runtime: disk, threads, loopback TCP. One binary, because linking the engine is slow.

mod counter;
mod crash;
mod damage;
mod four;
mod limits;
mod proofs;
mod single;
