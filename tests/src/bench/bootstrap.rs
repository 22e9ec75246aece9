//! Goals 2 and 6: a fresh node fetches the whole province into its encrypted tables, and what both stores then weigh.
//!
//! The clock runs from Hello until everything is visible and durable, and over a checkpoint of the replica; L's
//! likewise. The replica has its full-text index then; L has none. Deliberately absent: joining.

use std::time::Instant;

use anyhow::{Result, ensure};
use dongbo_proto::catalogue::kind;
use dongbo_sqlite::Knobs;

use super::goal::Finding;
use super::limit;
use super::machine::settle;
use super::plain::{Cipher, used_bytes};
use super::realm::{checkpoint_replica, ensure_in_step, registry_file, replica_file};
use super::report::{bytes, short, thousands};
use super::series::{Spread, alternate};
use super::suite::{Suite, alone};

/// Goal 2.
///
/// # Errors
/// What failed; nothing was measured then.
pub fn rate(suite: &mut Suite) -> Result<Vec<Finding>> {
    suite.loaded()?;
    let records = suite.load.len() as f64;
    let series =
        alternate(suite.runs, || limit_rate(suite, records), || product_rate(suite, records))?;
    let rate = |figure: f64| format!("{}/s", short(figure));
    let what = format!("{} records in {} scopes", thousands(records), suite.load.scopes.len());
    Ok(vec![
        Finding::of("2", what, series.ratios())
            .beside(rate(series.product()), rate(series.limit())),
    ])
}

fn limit_rate(suite: &Suite, records: f64) -> Result<f64> {
    let dir = suite.fresh("limit")?;
    let office = &suite.made()?.wide;
    let server =
        suite.serve(limit::serve(&suite.realm, dir.join("unused.db"), suite.load.clone()))?;
    let (address, path) = (server.address, dir.join("plain.db"));
    settle();
    let took = alone(async { limit::fetch(office.connect(address).await?, &path).await })??;
    suite.serve(server.end())?;
    Ok(records / took.as_secs_f64())
}

fn product_rate(suite: &Suite, records: f64) -> Result<f64> {
    let dir = suite.copy("loaded-server", "run-server")?;
    let node = suite.fresh("run-node")?;
    let office = &suite.made()?.wide;
    let mut replica = office.replica(&node)?;
    let (server, province) = suite.serve(suite.realm.serve(&dir))?;
    let address = server.address;
    settle();
    let took = alone(async {
        let channel = office.connect(address).await?;
        let begun = Instant::now();
        office.exchange(&mut replica, channel).await?;
        checkpoint_replica(&node)?;
        anyhow::Ok(begun.elapsed())
    })??;
    ensure_in_step(&province.store, &replica)?;
    ensure!(replica.count(kind::MEMBER)? == suite.load.len() as u64, "not all records came");
    drop(province);
    suite.serve(server.end())?;
    Ok(records / took.as_secs_f64())
}

/// Goal 6: both stores after the load, beside a plain table in the same encryption.
///
/// # Errors
/// What failed.
pub fn sizes(suite: &mut Suite) -> Result<Vec<Finding>> {
    suite.wide()?;
    let path = suite.fresh("limit")?.join("plain.db");
    let plain = suite.plain(&path, Knobs::SERVER, Cipher::On)?.bytes()? as f64;
    let server = used_bytes(&registry_file(&suite.path("loaded-server"))?)? as f64;
    let client = used_bytes(&replica_file(&suite.path("wide-node"))?)? as f64;
    let line = |id, what: &str, figure: f64| {
        Finding::of(id, what, Spread::exact(figure / plain)).beside(bytes(figure), bytes(plain))
    };
    Ok(vec![
        line("6s", "after the upload, journal included", server),
        line("6c", "after the bootstrap, full-text index included", client),
    ])
}
