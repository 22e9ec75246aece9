//! Releases that do not exist yet: today's catalogue with a field, a kind and a code more, and one
//! rule changed, so that two releases can meet.
//!
//! The program `skewed` is both of today's programs with such a catalogue. What else a later release
//! may bring (other frames, other tables) is not played here.

use dongbo_proto::catalogue::Files;

/// The schema version of the release after this one.
pub const NEXT: u32 = 2;
/// And of the one after that.
pub const AFTER_NEXT: u32 = 3;

/// Brought by [`NEXT`]: a field of a member, which is searched.
const ACCOUNT: &str = r#"  { n = 60000, name = "app_account", type = "text(40)", vi = "Tài khoản ứng dụng", en = "App account", sens = "basic", write = "cell", read = "cell", rule = "authority", searched = true, since = 2, src = "" },
"#;
/// Brought by [`NEXT`]: a kind of record.
const COMMENDATION: &str = r#"
number = 60000
name = "commendation"
vi = "Khen thưởng"
en = "Commendation"
subject = "member"
since = 2
fields = [
  { n = 10, name = "member", type = "ref(member)", vi = "Đảng viên", en = "Member", sens = "internal", write = "cell", read = "cell", rule = "append", required = true, src = "" },
  { n = 11, name = "title", type = "text(80)", vi = "Danh hiệu", en = "Title", sens = "internal", write = "cell", read = "cell", rule = "authority", searched = true, src = "" },
]
"#;
/// Brought by [`NEXT`]: a code of the table of general education.
const CODE: &str = r#"
  { code = "remote", vi = "Học từ xa", en = "Remote learning" },"#;
/// Brought by [`AFTER_NEXT`]: another field of a member.
const LEVEL: &str = r#"  { n = 60001, name = "app_level", type = "int(0,9)", vi = "Mức ứng dụng", en = "App level", sens = "basic", write = "cell", read = "cell", rule = "authority", since = 3, src = "" },
"#;

/// The catalogue's files as a later release has them.
///
/// # Panics
/// If today's files are not as these changes expect them: a story runs them.
#[must_use]
pub fn files(version: u32) -> Files {
    let mut files = Files::embedded();
    let member = files.kinds.iter_mut().find(|text| text.contains("name = \"member\"\nvi"));
    let member = member.expect("the file of the member");
    let mut more = String::new();
    if version >= NEXT {
        more += ACCOUNT;
        one_rule_changed(member);
        let table = files.codes.find("name = \"general_education\"").expect("the table");
        let list = table + files.codes[table..].find('[').expect("its codes");
        files.codes.insert_str(list + 1, CODE);
    }
    if version >= AFTER_NEXT {
        more += LEVEL;
    }
    let end = member.rfind(']').expect("the end of the list of fields");
    member.insert_str(end, &more);
    if version >= NEXT {
        files.kinds.push(COMMENDATION.to_owned());
    }
    files
}

/// The telephone is written once from now on: of two first numbers the *earlier* is shown, and another
/// is a request.
fn one_rule_changed(member: &mut String) {
    let at = member.find("name = \"phone\"").expect("the telephone");
    let end = at + member[at..].find('\n').expect("its end");
    let line = member[at..end].replacen("rule = \"authority\"", "rule = \"write_once\"", 1);
    member.replace_range(at..end, &line);
}
