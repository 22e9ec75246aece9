//! The province's machine: the real service over the simulated network, and beside it the program
//! with which people of the province work, which has the registry open for itself.

use std::path::Path;
use std::sync::Arc;

use dongbo_proto::code::{CaPin, JoinCode};
use dongbo_proto::id::{AuthorId, Epoch, ScopeId};
use dongbo_proto::seam::{Clock, Entropy, bytes};
use dongbo_proto::sign::Signer;
use dongbo_server::ca::{CA_VALIDITY_S, Ca, ServerIdentity};
use dongbo_server::registry;
use dongbo_server::service::tls::ServerTls;
use dongbo_server::service::{self, Province};
use dongbo_server::store::rows::InviteRow;
use dongbo_server::store::sqlite::SqliteStore;
use dongbo_server::store::{Executor, StoreHandle};
use dongbo_sqlite::{Access, DatabaseKey};
use tokio_util::sync::CancellationToken;

use super::clock::START_MS;
use super::net::Door;
use super::random::{Seeded, stream};
use super::world::{Node, Server, Shared};
use super::{Plan, courier, desk};

/// The registry's file.
const DATABASE: &str = "dongbo.db";
/// Validity of a join code, in milliseconds.
const INVITE_MS: i64 = 7 * 86_400_000;

/// What a host gives back when it cannot go on.
pub type Ended = Result<(), Box<dyn std::error::Error>>;

/// Makes the province: authority, registry, scopes. Answers the machine, the pin of its authority
/// and the scopes.
pub fn found(plan: &Plan, under: &Path) -> anyhow::Result<(Server, CaPin, Vec<ScopeId>)> {
    let dir = under.join("server");
    std::fs::create_dir(&dir)?;
    let entropy = Arc::new(Seeded::new(plan.seed, "server"));
    let draw = entropy.clone();
    let key = DatabaseKey::generate(&mut |b: &mut [u8]| draw.fill(b));
    let start_s = START_MS / 1_000;
    // An hour of grace, since the province's own clock may jump back by minutes.
    let ca = Ca::create("Tỉnh Thử", CA_VALIDITY_S, start_s - 3_600)?;
    ca.save(&dir)?;
    ca.server_identity(&dir, &[], start_s - 3_600)?;
    let store = open(&dir, &key, Access::Create)?;
    let epoch = Epoch(bytes(entropy.as_ref()));
    let codes: Vec<(String, String)> =
        (1..=plan.scopes()).map(|n| (format!("{n:03}"), format!("Xã {n}"))).collect();
    let scopes = store.write_now(|tx| {
        registry::found(tx, "Tỉnh Thử", epoch, START_MS)?;
        registry::make_scopes(tx, &codes)
    })?;
    let pin = CaPin::of_fingerprint(&ca.fingerprint());
    let clock = Arc::default();
    let (desk, wires, starts) = Default::default();
    let (image, rewinds, rewound_in) = Default::default();
    let sealing = courier::sealing_key(&Seeded::new(plan.seed, "sealing"));
    let server = Server {
        dir,
        key,
        clock,
        entropy,
        sealing,
        desk,
        wires,
        starts,
        image,
        rewinds,
        rewound_in,
    };
    Ok((server, pin, scopes))
}

/// Keeps a node's code, as `invite` does.
pub fn invite(server: &Server, node: &Node) -> anyhow::Result<()> {
    let store = open(&server.dir, &server.key, Access::ReadWrite)?;
    let row = InviteRow {
        code_hash: node.code.secret_hash(),
        name: node.name.clone(),
        scopes: node.scopes.clone(),
        again: None,
        created_ms: START_MS,
        expires_ms: START_MS + INVITE_MS,
        used_by: None,
    };
    Ok(store.write_now(|tx| registry::invite(tx, &row))?)
}

/// Invites a node again under the id that it writes under.
pub fn invite_again(
    world: &Shared,
    store: &StoreHandle,
    node: &Node,
    code: &JoinCode,
) -> Result<(), registry::Error> {
    let now_ms = world.server.clock.now_ms();
    let row = InviteRow {
        code_hash: code.secret_hash(),
        name: node.name.clone(),
        scopes: node.scopes.clone(),
        again: Some(node.author.get()),
        created_ms: now_ms,
        expires_ms: now_ms + INVITE_MS,
        used_by: None,
    };
    store.write_now(|tx| registry::invite(tx, &row))
}

fn open(dir: &Path, key: &DatabaseKey, access: Access) -> anyhow::Result<StoreHandle> {
    let store = SqliteStore::open(&dir.join(DATABASE), key.clone(), access)?;
    Ok(StoreHandle::new(Arc::new(store), Executor::Inline))
}

/// One life of the province's machine: until it is killed.
///
/// # Errors
/// Anything that keeps it from serving.
pub async fn live(world: Shared) -> Ended {
    let server = &world.server;
    server.starts.set(server.starts.get() + 1);
    let store = open(&server.dir, &server.key, Access::ReadWrite)?;
    *server.desk.borrow_mut() = Some(open(&server.dir, &server.key, Access::ReadWrite)?);
    let identity = ServerIdentity::load(&server.dir)?;
    let tls = Arc::new(ServerTls::new(&identity)?);
    let province = Arc::new(Province::new(
        store,
        Executor::Inline,
        Ca::load(&server.dir)?,
        Signer::from_pkcs8(identity.pkcs8())?,
        server.clock.clone(),
        server.entropy.clone(),
    ));
    let author = registry::Province::new(
        AuthorId(server.entropy.number()),
        bytes(server.entropy.as_ref()),
        Arc::new(Signer::from_pkcs8(identity.pkcs8())?),
    );
    let dice = stream(world.plan.seed, &format!("desk {}", server.starts.get()));
    tokio::task::spawn_local(desk::work(world.clone(), author, dice));
    let dice = stream(world.plan.seed, &format!("courier {}", server.starts.get()));
    tokio::task::spawn_local(courier::at_province(world.clone(), province.clone(), dice));
    tokio::task::spawn_local(server.wires.clone().until_killed());
    let door = Door::open(server.wires.clone()).await?;
    world.say("server", format_args!("serves, start {}", server.starts.get()));
    service::run(province, tls, door, CancellationToken::new()).await?;
    Ok(())
}
