//! `bundle`: the province's end of a stick. Works while the server runs, as all commands do.
//!
//! Deliberately absent: the envelope (`proto::stick`) and what the bundle says (`service::stick`).

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dongbo_proto::id::AuthorId;
use dongbo_proto::limits::STICK_BYTES_MAX;
use dongbo_proto::stick::{SealingKey, StickError};
use dongbo_proto::wire::pb::join_reply::Refusal;
use dongbo_sqlite::files::replace_private;
use serde::Serialize;

use super::args::{BundleCommand, BundleImportArgs};
use super::context::{Context, unexpected};
use super::exit::Exit;
use super::fault::{Fault, Result};
use crate::registry::Error as RegistryError;
use crate::service::Province;
use crate::service::stick::{Answered, Unanswered, answer, card};
use crate::store::Executor;

/// What an answer is called where nobody names it: the bundle's name with this behind it.
const ANSWER_SUFFIX: &str = "answer";

/// Writes the card, or answers a bundle.
///
/// # Errors
/// The file is none that is taken here, or cannot be read or written.
pub fn run(ctx: &Context, command: &BundleCommand) -> Result<()> {
    match command {
        BundleCommand::Card { file } => write_card(ctx, file),
        BundleCommand::Import(args) => import(ctx, args),
    }
}

#[derive(Serialize)]
struct Card<'a> {
    path: &'a Path,
    province: String,
}

fn write_card(ctx: &Context, file: &Path) -> Result<()> {
    let (province, sealing) = province(ctx)?;
    let bytes = card(&province, &sealing).map_err(|e| fault(&e))?;
    replace_private(file, &bytes).map_err(|e| Fault::file(file, &e))?;
    let written = Card { path: file, province: province.ca.province().to_owned() };
    ctx.show(&written, |words| words.with("bundle-card", &[("path", &file.display())]))
}

#[derive(Serialize)]
struct Imported {
    answer: PathBuf,
    node: AuthorId,
    joined: bool,
    acts: u64,
    whole: bool,
    stopped: Option<&'static str>,
}

fn import(ctx: &Context, args: &BundleImportArgs) -> Result<()> {
    let out = args.out.clone().unwrap_or_else(|| args.file.with_added_extension(ANSWER_SUFFIX));
    if out == args.file {
        return Err(Fault::new(Exit::Usage, "bundle-same-file").at(&out));
    }
    let bytes = read(&args.file)?;
    let (province, sealing) = province(ctx)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| unexpected(&e))?;
    let answered = runtime.block_on(answer(&province, &sealing, &bytes, args.bytes_max));
    let answered = answered.map_err(|e| fault(&e))?;
    replace_private(&out, &answered.file).map_err(|e| Fault::file(&out, &e))?;
    tell(ctx, out, &answered)
}

fn tell(ctx: &Context, out: PathBuf, answered: &Answered) -> Result<()> {
    let imported = Imported {
        answer: out,
        node: answered.node,
        joined: answered.joined,
        acts: answered.acts,
        whole: answered.whole,
        stopped: answered.stopped.map(|stop| stop.key()),
    };
    ctx.show(&imported, |words| {
        let key = if answered.joined { "bundle-joined" } else { "bundle-done" };
        let args: [(&str, &dyn std::fmt::Display); 3] = [
            ("node", &imported.node),
            ("acts", &imported.acts),
            ("path", &imported.answer.display()),
        ];
        let mut said = words.with(key, &args);
        match imported.stopped {
            Some(why) => {
                let why = words.get(why);
                said = format!("{said}\n{}", words.with("bundle-stopped", &[("why", &why)]));
            }
            None if !imported.whole => said = format!("{said}\n{}", words.get("bundle-more")),
            None => {}
        }
        said
    })
}

/// A bundle, at most as large as any that is written.
fn read(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(|e| Fault::file(path, &e))?;
    let mut bytes = Vec::new();
    let most = STICK_BYTES_MAX as u64 + 1;
    file.take(most).read_to_end(&mut bytes).map_err(|e| Fault::file(path, &e))?;
    Ok(bytes)
}

fn province(ctx: &Context) -> Result<(Arc<Province>, SealingKey)> {
    let home = ctx.home()?;
    let (store, ca, signer) = (home.registry()?, home.authority()?, home.signer()?);
    let (clock, entropy) = (ctx.clock.clone(), ctx.entropy.clone());
    let province = Province::new(store, Executor::Inline, ca, signer, clock, entropy);
    Ok((Arc::new(province.with_sealing(home.sealing()?)), home.sealing()?))
}

fn fault(error: &Unanswered) -> Fault {
    match error {
        Unanswered::Stick(why) => stick(*why),
        Unanswered::Refused(refusal) => joining(*refusal),
        Unanswered::Stopped(stop) => RegistryError::Stop(*stop).into(),
        Unanswered::Authority(why) => Fault::new(Exit::Storage, "fault-authority").because(why),
    }
}

fn stick(why: StickError) -> Fault {
    let exit = match why {
        StickError::OtherProvince | StickError::OtherNode | StickError::Forged => Exit::Refused,
        StickError::WrongWay | StickError::NotOpened => Exit::Refused,
        _ => Exit::BadInput,
    };
    Fault::new(exit, why.key())
}

fn joining(refusal: Refusal) -> Fault {
    let key = match refusal {
        Refusal::UnknownCode => "bundle-unknown-code",
        Refusal::UsedCode => "bundle-used-code",
        Refusal::ExpiredCode => "bundle-expired-code",
        Refusal::AuthorTaken => "bundle-author-taken",
        _ => {
            return Fault::new(Exit::Refused, "bundle-refused").with_words("why", "stop-bad-frame");
        }
    };
    Fault::new(Exit::Refused, key)
}
