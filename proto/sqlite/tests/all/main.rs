//! Real files in temporary directories: what each kind of damage, misuse and crash is
//! called, and that nothing is lost by it. One binary, since each links SQLCipher.

mod backup;
mod build;
mod first_open;
mod house;
mod keyfile;
mod lock;
mod migrate;
mod open;
mod overflow;
mod pages;
mod released;
