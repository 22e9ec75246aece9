//! Pages written are counted exactly, and counting leaves the settings as they were.

use dongbo_sqlite::pages::{pages_written, wal_frames};
use dongbo_sqlite::rusqlite::{Connection, Result};
use dongbo_sqlite::{Access, Knobs};

use crate::house::House;

#[test]
fn an_edit_writes_one_page_and_a_commit_each_writes_it_again() {
    let mut conn = House::with_members(500).open(Access::ReadWrite).unwrap();
    let edits = |conn: &mut Connection| -> Result<()> {
        for n in 0..5 {
            conn.execute("UPDATE member SET phone = ?1 WHERE id = 7", [n])?;
        }
        Ok(())
    };
    assert_eq!(pages_written(&mut conn, edits).unwrap(), ((), 5));
    let together = |conn: &mut Connection| {
        let tx = conn.transaction()?;
        for n in 10..15 {
            tx.execute("UPDATE member SET phone = ?1 WHERE id = 7", [n])?;
        }
        tx.commit()
    };
    assert_eq!(pages_written(&mut conn, together).unwrap(), ((), 1));
    let autocheckpoint: u32 =
        conn.pragma_query_value(None, "wal_autocheckpoint", |row| row.get(0)).unwrap();
    let set = Knobs::NODE.wal_autocheckpoint_pages;
    assert_eq!((autocheckpoint, wal_frames(&conn).unwrap()), (set, 1));
}
