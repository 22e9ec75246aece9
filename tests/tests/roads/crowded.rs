//! More offices at once than the province lets in: everyone is served, in turn.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use dongbo_proto::sign::Signer;
use dongbo_server::ca::{Ca, ServerIdentity};
use dongbo_server::service::admission::Admission;
use dongbo_server::service::line::LineLimits;
use dongbo_server::service::tls::ServerTls;
use dongbo_server::service::{Province, run};
use dongbo_server::store::sqlite::SqliteStore;
use dongbo_server::store::{Executor, StoreHandle};
use dongbo_server::system::System;
use dongbo_sqlite::{Access, KeyFile};
use dongbo_tests::herd::workload;
use dongbo_tests::herd::{DAY_ACTS, Herd, SEED, Serves, TRIES_MAX, Town, Visit, raise_open_files};
use dongbo_tests::province::Size;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

const OFFICES: usize = 60;
/// One filling at a time, and four in the line.
const NARROW: LineLimits = LineLimits { units: 8, line: 4 };

/// The service in this process, with a narrow door.
struct Here {
    province: Arc<Province>,
    address: SocketAddr,
    shutdown: CancellationToken,
    _runtime: Runtime,
}

impl Here {
    fn open(dir: &Path) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let key = KeyFile::open(&dir.join("key"), None).expect("the key");
        let store = SqliteStore::open(&dir.join("dongbo.db"), key, Access::ReadWrite);
        let store = StoreHandle::new(Arc::new(store.expect("the registry")), Executor::Threads);
        let identity = ServerIdentity::load(dir).expect("an identity");
        let signer = Signer::from_pkcs8(identity.pkcs8()).expect("a signer");
        let (clock, entropy, ca) = (Arc::new(System), Arc::new(System), Ca::load(dir).expect("ca"));
        let mut province = Province::new(store, Executor::Threads, ca, signer, clock, entropy);
        province.door = Admission::new(NARROW);
        let province = Arc::new(province);
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        let shutdown = CancellationToken::new();
        let tls = Arc::new(ServerTls::new(&identity).expect("tls"));
        runtime.spawn(run(province.clone(), tls, listener, shutdown.clone()));
        Here { province, address, shutdown, _runtime: runtime }
    }
}

impl Serves for Here {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn memory(&self) -> u64 {
        0
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn sum(visits: &[Visit], of: impl Fn(&Visit) -> u32) -> u32 {
    visits.iter().map(of).sum()
}

/// Nobody comes before the moment that it was given, and what is served and what waits has bounds.
/// Fault 26: all offices at once at a door for few are all served, in turn. [I14 I15]
#[test]
fn sixty_offices_at_a_narrow_door_are_all_served_in_turn() {
    raise_open_files();
    let dir = tempfile::TempDir::with_prefix("dongbo-").expect("a directory");
    let load = workload(SEED, Size::Hundredth).expect("a load");
    let town = Town::found(&dir.path().join("province"), &load).expect("a province");
    let offices = town.admit(OFFICES).expect("offices");
    let seeder = town.admit_all().expect("an office");
    let here = Here::open(town.dir());
    seeder.uploads(&dir.path().join("seeder"), here.address, &load).expect("the members arrive");
    let herd = Herd { dir: dir.path(), load: &load };
    for acts in [0, DAY_ACTS] {
        let before = here.province.door.counts();
        let came = herd.comes(&offices, &here, acts).expect("everyone comes into step");
        let counts = here.province.door.counts();
        println!("{acts} acts each: {:?}, {counts:?}", came.took);
        assert!(counts.units_peak <= NARROW.units && counts.line_peak <= NARROW.line, "{counts:?}");
        assert_eq!(counts.early, 0, "come back is obeyed");
        let busy = u64::from(sum(&came.visits, |v| v.busy));
        assert_eq!(
            busy,
            counts.sent_back - before.sent_back,
            "and nobody was turned away otherwise"
        );
        assert!(busy > 0, "the door was narrow");
        let tries = came.visits.iter().map(|v| v.tries).max().unwrap_or_default();
        assert!(tries <= TRIES_MAX, "{tries} tries");
    }
    // Offices of one scope hear what the others brought after them.
    herd.comes(&offices, &here, 0).expect("everyone comes once more");
    town.all_in_step(&offices, dir.path()).expect("everyone holds what the province holds");
    assert_eq!(here.province.door.load(), (0, 0), "every place was given back");
}
