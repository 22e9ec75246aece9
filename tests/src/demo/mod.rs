//! The demo: a province in a box, told as a story, that ends with a table of promises kept.
//!
//! Everything in it is real: the binaries that ship, as processes of their own, over real TLS, with the lists of a
//! generated province. The story is a play: a stage to speak from, a cast of machines, acts in their order, and a
//! ledger in which each promise is written down with what was found. Nothing is taken from memory that a machine can
//! be asked for.
//!
//! Deliberately absent: anything that only the demo could do. Every command here is one that a reader can type;
//! `--stay` leaves the province up and says which.

mod acts;
mod cast;
mod ledger;
mod picture;
mod play;
mod stage;
mod stay;

use std::process::ExitCode;

use clap::Parser;
use dongbo_proto::words::Lang;

use crate::harness::{Trouble, binaries};
use crate::province::Size;
use ledger::Ledger;
use play::Play;
use stage::Stage;

/// The seed of the demo where nobody names one.
const SEED_DEFAULT: u64 = 20_191_231;

/// Vietnamese words of the demo.
pub const VI: &str = include_str!("../../words/demo.vi.ftl");
/// English words of the demo.
pub const EN: &str = include_str!("../../words/demo.en.ftl");

/// Một tỉnh trong hộp · A province in a box: a server and a dozen communes as real processes on this machine, a story
/// of lost links, conflicts and crashes, and a table of the promises that were kept.
#[derive(Debug, Parser)]
#[command(
    name = "demo",
    after_help = "Ví dụ · Examples:
  cargo demo
  cargo demo --lang en
  cargo demo --size hundredth --lang en
  cargo demo --stay

Mã thoát · Exit codes: 0 every promise was kept · 1 one was not"
)]
pub struct Options {
    /// Cỡ tỉnh · Size of the province: full, tenth, hundredth
    #[arg(long, default_value = "tenth")]
    size: Size,
    /// Ngôn ngữ · Language: vi, en
    #[arg(long, env = "DONGBO_LANG", default_value = "vi")]
    lang: Lang,
    /// Hạt giống; cùng số thì cùng tỉnh · Seed: the same number gives the same province
    #[arg(long, default_value_t = SEED_DEFAULT)]
    seed: u64,
    /// Giữ tỉnh chạy và in các lệnh để thử · Keep it running and print commands to try
    #[arg(long)]
    stay: bool,
    /// In bảng kết quả dạng JSON (câu chuyện ra stderr) · Print the table as JSON, the story to stderr
    #[arg(long)]
    json: bool,
}

/// Tells the story; 0 only if every promise was kept.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    let stage = Stage::new(options.lang, options.json);
    stage.title(options.seed, options.size);
    let mut ledger = Ledger::default();
    let told = tell(options, &stage, &mut ledger);
    if let Err(trouble) = &told {
        stage.trouble(trouble);
    }
    if options.json {
        println!("{}", ledger.json());
    }
    ledger.show(&stage);
    let kept = told.is_ok() && ledger.all_kept();
    stage.curtain(kept);
    if let Ok(Some(play)) = told {
        stay::stay(play);
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The whole story; what is to stay up afterwards.
fn tell<'a>(
    options: &Options,
    stage: &'a Stage,
    ledger: &mut Ledger,
) -> Result<Option<Play<'a>>, Trouble> {
    stage.wait("wait-binaries", binaries).map_err(|e| Trouble(e.to_string()))?;
    let mut play = acts::open(stage, options.seed, options.size)?;
    acts::all(&mut play, ledger)?;
    Ok(options.stay.then_some(play))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dongbo_proto::words::Words;

    #[test]
    fn both_languages_have_the_same_words() {
        assert_eq!(Words::keys(VI), Words::keys(EN));
    }

    #[test]
    fn every_check_has_its_words() {
        let keys = Words::keys(EN);
        for check in ledger::Check::ALL {
            let (promise, how) = check.keys();
            assert!(keys.contains(&promise) && keys.contains(&how), "{promise} {how}");
        }
    }
}
