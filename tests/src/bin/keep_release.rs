//! Keeps a small province of this build as a released one: `keep_release v0.1`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(release) = std::env::args().nth(1) else {
        eprintln!("keep_release NAME");
        return ExitCode::from(2);
    };
    match dongbo_tests::released::keep(&release) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}
