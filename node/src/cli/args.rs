//! The arguments, as clap reads them. Help is Vietnamese first, English beside.

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand};
use dongbo_proto::limits::STICK_FRAMES_BYTES_MAX;
use dongbo_proto::words::Lang;

const EXAMPLES: &str = "\
Ví dụ (Examples):
  # gia nhập tỉnh bằng mã mời (join with an invitation code)
  dongbo-node join --data ./xa-a --server may-chu.tinh.vn:7443 --code DB1-…
  # ghi một đảng viên (enter a member)
  dongbo-node member add --data ./xa-a --unit CB-012 --set full_name='Nguyễn Văn Đức' \\
      --set sex=M --set birth_date=1970-05-19
  # sửa, tìm, xem (edit, search, show)
  dongbo-node member edit ID --data ./xa-a --set phone=0000123456
  dongbo-node member search 'nguyen van duc' --data ./xa-a
  # trao đổi với tỉnh; giữ kết nối (exchange with the province; stay connected)
  dongbo-node sync --data ./xa-a
  dongbo-node sync --watch --data ./xa-a
  # mọi thứ đã nhập đang ở đâu (where everything that was entered is)
  dongbo-node status --data ./xa-a

Mã thoát (exit codes): 0 xong · 2 sai lệnh (usage) · 3 dữ liệu sai (bad data) · 4 mất liên lạc (no link) ·
5 bị từ chối (refused) · 6 lưu trữ (storage) · 7 đang bận (busy) · 8 cần --settle · 9 không tìm thấy
(not found) · 10 chưa khớp (not in step) · 1 lỗi khác (unexpected). Xem (see) node/docs/CLI.md.";

/// Nút của văn phòng cấp xã: làm việc khi mất mạng, trao đổi khi có mạng.
/// (The node of a commune's office: works offline, exchanges when there is a link.)
#[derive(Parser, Debug)]
#[command(name = "dongbo-node", version, after_help = EXAMPLES, max_term_width = 110)]
pub struct Args {
    /// Thư mục dữ liệu (Data directory)
    #[arg(long, global = true, env = "DONGBO_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// In JSON cho chương trình khác đọc (Print JSON for scripts)
    #[arg(long, global = true)]
    pub json: bool,
    /// Ngôn ngữ: vi hoặc en (Language)
    #[arg(long, global = true, env = "DONGBO_LANG", default_value_t = Lang::Vi)]
    pub lang: Lang,
    /// Người thực hiện (Who does it; the account of this computer if not given)
    #[arg(long, global = true, env = "DONGBO_PERSON", value_name = "NAME")]
    pub person: Option<String>,
    /// Tệp chứa mật khẩu mở dữ liệu (File that holds the passphrase)
    #[arg(long, global = true, env = "DONGBO_PASSPHRASE_FILE", value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Added to the wall clock; for tests and stories.
    #[arg(
        long,
        global = true,
        hide = true,
        env = "DONGBO_CLOCK_OFFSET_S",
        default_value_t = 0,
        allow_hyphen_values = true
    )]
    pub clock_offset: i64,
    /// Việc cần làm (What to do)
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Gia nhập một tỉnh bằng mã mời (Join a province with an invitation code)
    Join(Join),
    /// Trao đổi với tỉnh: gửi và nhận (Exchange with the province)
    Sync(Sync),
    /// Máy này đang thế nào; mọi thứ đã nhập ở đâu (How the node stands)
    Status,
    /// Đảng viên: ghi, sửa, xem, tìm (Members)
    #[command(subcommand)]
    Member(Records),
    /// Hồ sơ loại bất kỳ: ghi, sửa, xem, tìm (Records of any kind)
    Record(AnyKind),
    /// Các trường có nhiều giá trị khác nhau (Fields in conflict)
    #[command(subcommand)]
    Conflicts(Conflicts),
    /// Hoàn tác một việc, một lần nhập hoặc việc cuối (Take back an act, a job or the last act)
    Undo(Undo),
    /// Nhập hồ sơ từ tệp JSONL (Read records in from a JSONL file)
    Import(Import),
    /// Xuất hồ sơ ra JSONL, kèm phiên bản (Write records out with their versions)
    Export(Export),
    /// Tỉnh đã trả lời gì (What the province answered)
    Inbox(Inbox),
    /// Mã đối chiếu của từng phạm vi (Digest of each scope)
    Digest,
    /// Kiểm tra toàn bộ dữ liệu ở máy này (Check everything that is here)
    Verify,
    /// Dựng lại dữ liệu thay cho tệp bị hỏng, giữ mọi việc chưa gửi (Make the data anew in the place of
    /// a damaged file, with all that was not sent)
    Salvage(Salvage),
    /// Trao đổi qua thẻ nhớ khi không có mạng (Exchange by stick, without a network)
    #[command(subcommand)]
    Bundle(Bundle),
    /// Chạy câu lệnh SQL chỉ đọc (Run read-only SQL)
    Sql(Sql),
    /// Đặt hoặc bỏ mật khẩu mở dữ liệu (Set or remove the passphrase)
    #[command(subcommand)]
    Passphrase(Passphrase),
}

/// Arguments of `join`.
#[derive(clap::Args, Debug)]
pub struct Join {
    /// Địa chỉ máy chủ của tỉnh (Address of the province's server)
    #[arg(long, value_name = "HOST:PORT")]
    pub server: String,
    /// Mã mời, DB1-… (Invitation code)
    #[arg(long, env = "DONGBO_CODE", hide_env_values = true)]
    pub code: String,
    /// Hỏi mật khẩu để bảo vệ dữ liệu (Ask for a passphrase that will protect the data)
    #[arg(long, conflicts_with = "passphrase_file")]
    pub ask_passphrase: bool,
    /// Tỉnh mời lại chính máy này; giữ dữ liệu và khóa đang có (The province invited this very machine
    /// again: keep its data and key)
    #[arg(long, conflicts_with_all = ["ask_passphrase"])]
    pub again: bool,
    /// Chưa nhận dữ liệu ngay (Do not exchange yet)
    #[arg(long)]
    pub no_sync: bool,
}

/// Arguments of `salvage`.
#[derive(clap::Args, Debug)]
pub struct Salvage {
    /// Mã mời lại chính máy này, DB1-… (Code with which the province invited this very machine again)
    #[arg(long, env = "DONGBO_CODE", hide_env_values = true)]
    pub code: String,
    /// Địa chỉ máy chủ, nếu đã đổi (Address of the province's server, if it has changed)
    #[arg(long, value_name = "HOST:PORT")]
    pub server: Option<String>,
    /// Chưa nhận dữ liệu ngay (Do not exchange yet)
    #[arg(long)]
    pub no_sync: bool,
}

/// What is done with a stick.
#[derive(Subcommand, Debug)]
pub enum Bundle {
    /// Ghi gói mang tới tỉnh; với --code là xin gia nhập (Write the bundle to carry to the province;
    /// with --code it asks to join)
    Export(BundleExport),
    /// Nhập gói trả lời hoặc danh thiếp của tỉnh (Take in an answer, or the province's card)
    Import {
        /// Tệp mang từ tỉnh về (The file that came back)
        file: PathBuf,
    },
}

/// Arguments of `bundle export`.
#[derive(clap::Args, Debug)]
pub struct BundleExport {
    /// Tệp gói sẽ ghi (The bundle to write)
    pub file: PathBuf,
    /// Danh thiếp của tỉnh, cần cho lần đầu (The province's card, needed the first time)
    #[arg(long, value_name = "FILE")]
    pub card: Option<PathBuf>,
    /// Mã mời, DB1-…: xin gia nhập (Invitation code: asks to join)
    #[arg(long, env = "DONGBO_CODE", hide_env_values = true, requires = "card")]
    pub code: Option<String>,
    /// Địa chỉ máy chủ của tỉnh, để sau này dùng mạng (Address of the server, for later)
    #[arg(long, value_name = "HOST:PORT")]
    pub server: Option<String>,
    /// Cỡ gói, nhiều nhất khoảng (byte) (Size of the bundle, at most about)
    #[arg(long, default_value_t = STICK_FRAMES_BYTES_MAX, value_name = "BYTES",
        value_parser = clap::value_parser!(u64).range(1..=STICK_FRAMES_BYTES_MAX))]
    pub bytes_max: u64,
}

/// Arguments of `sync`.
#[derive(clap::Args, Debug)]
pub struct Sync {
    /// Giữ kết nối, thay đổi đến ngay khi có (Stay connected: changes come as they happen)
    #[arg(long)]
    pub watch: bool,
}

/// Arguments of `record`.
#[derive(clap::Args, Debug)]
pub struct AnyKind {
    /// Loại hồ sơ, ví dụ member, admission, unit (Kind of record)
    #[arg(long, global = true, default_value = "member")]
    pub kind: String,
    /// Việc cần làm (What to do)
    #[command(subcommand)]
    pub command: Records,
}

/// What is done with records.
#[derive(Subcommand, Debug)]
pub enum Records {
    /// Ghi một hồ sơ mới (Enter a record)
    Add(Add),
    /// Sửa một hồ sơ (Change a record)
    Edit(Edit),
    /// Xem một hồ sơ (Show a record)
    Show {
        /// Mã hồ sơ (Id)
        id: String,
    },
    /// Liệt kê (List)
    List(List),
    /// Tìm, không cần dấu (Search, without tone marks)
    Search {
        /// Từ cần tìm (Words)
        text: Vec<String>,
        /// Nhiều nhất (At most)
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Lịch sử một hồ sơ: ai, khi nào, sửa gì (History of a record)
    History {
        /// Mã hồ sơ (Id)
        id: String,
        /// Chỉ việc của máy này, không hỏi tỉnh (Only this node's acts; do not ask the province)
        #[arg(long)]
        here: bool,
    },
}

/// Who is asked and on what grounds.
#[derive(clap::Args, Debug, Default)]
pub struct Grounds {
    /// Căn cứ: số và ngày quyết định (Grounds: number and date of a decision)
    #[arg(long, value_name = "TEXT")]
    pub grounds: Option<String>,
}

/// Arguments of `add`.
#[derive(clap::Args, Debug)]
pub struct Add {
    /// Trường và giá trị, dùng nhiều lần (A field and its value; repeat)
    #[arg(long = "set", value_name = "FIELD=VALUE", action = ArgAction::Append)]
    pub sets: Vec<String>,
    /// Mã chi bộ (Code of the unit)
    #[arg(long, value_name = "CODE")]
    pub unit: Option<String>,
    /// Mã phạm vi lưu hồ sơ (Code of the scope that it belongs to)
    #[arg(long, value_name = "CODE")]
    pub scope: Option<String>,
    /// Căn cứ (Grounds)
    #[command(flatten)]
    pub grounds: Grounds,
}

/// Arguments of `edit`.
#[derive(clap::Args, Debug)]
pub struct Edit {
    /// Mã hồ sơ (Id)
    pub id: String,
    /// Trường và giá trị, dùng nhiều lần (A field and its value; repeat)
    #[arg(long = "set", value_name = "FIELD=VALUE", action = ArgAction::Append)]
    pub sets: Vec<String>,
    /// Xóa giá trị của trường (Clear a field)
    #[arg(long = "clear", value_name = "FIELD", action = ArgAction::Append)]
    pub clears: Vec<String>,
    /// Mã chi bộ mới (Code of the new unit)
    #[arg(long, value_name = "CODE")]
    pub unit: Option<String>,
    /// Các việc mà biểu mẫu đã hiện, thay vì các giá trị đang hiện (Acts that the form showed)
    #[arg(long, value_name = "ACT", num_args = 1.., action = ArgAction::Append)]
    pub over: Option<Vec<String>>,
    /// Trường đang có nhiều giá trị: giá trị này thay tất cả (Settle a field in conflict)
    #[arg(long)]
    pub settle: bool,
    /// Căn cứ (Grounds)
    #[command(flatten)]
    pub grounds: Grounds,
}

/// Arguments of `list`.
#[derive(clap::Args, Debug)]
pub struct List {
    /// Chỉ hồ sơ có giá trị này, dùng nhiều lần (Only those with this value; repeat)
    #[arg(long = "where", value_name = "FIELD=VALUE", action = ArgAction::Append)]
    pub wheres: Vec<String>,
    /// Chỉ hồ sơ của phạm vi này (Only those of this scope)
    #[arg(long, value_name = "CODE")]
    pub scope: Option<String>,
    /// Cột của bảng (Columns of the table)
    #[arg(long, value_name = "FIELD,…", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Cả hồ sơ đã hủy (Voided ones too)
    #[arg(long)]
    pub voided: bool,
    /// Nhiều nhất (At most)
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
    /// Bỏ qua (Pass over)
    #[arg(long, default_value_t = 0)]
    pub offset: usize,
}

/// What is done with conflicts.
#[derive(Subcommand, Debug)]
pub enum Conflicts {
    /// Liệt kê (List)
    List {
        /// Nhiều nhất (At most)
        #[arg(long, default_value_t = 1_000)]
        limit: usize,
    },
    /// Xem các giá trị của một hồ sơ (Show those of a record)
    Show {
        /// Mã hồ sơ (Id)
        id: String,
    },
    /// Chọn một giá trị hoặc ghi giá trị mới (Take one value, or write another)
    Settle(Settle),
}

/// Arguments of `conflicts settle`.
#[derive(clap::Args, Debug)]
pub struct Settle {
    /// Mã hồ sơ (Id)
    pub id: String,
    /// Chỉ trường này (Only this field)
    #[arg(long)]
    pub field: Option<String>,
    /// Lấy giá trị của việc này (Take the value of this act)
    #[arg(long, value_name = "ACT", action = ArgAction::Append)]
    pub take: Vec<String>,
    /// Lấy giá trị đang hiện (Take the values that are shown)
    #[arg(long, conflicts_with_all = ["take", "sets"])]
    pub shown: bool,
    /// Ghi giá trị này (Write this value)
    #[arg(long = "set", value_name = "FIELD=VALUE", action = ArgAction::Append)]
    pub sets: Vec<String>,
    /// Căn cứ (Grounds)
    #[command(flatten)]
    pub grounds: Grounds,
}

/// Arguments of `undo`.
#[derive(clap::Args, Debug)]
pub struct Undo {
    /// Mã việc hoặc mã lần nhập (Id of an act or of a job)
    #[arg(required_unless_present = "last", conflicts_with = "last")]
    pub what: Option<String>,
    /// Việc cuối cùng ở máy này (The last act of this node)
    #[arg(long)]
    pub last: bool,
}

/// Arguments of `import`.
#[derive(clap::Args, Debug)]
pub struct Import {
    /// Tệp JSONL; - là đầu vào chuẩn (JSONL file; - for standard input)
    pub file: PathBuf,
    /// Có dòng sai thì không nhập gì (Nothing if a row is bad; the default)
    #[arg(long, conflicts_with = "good_rows")]
    pub all_or_nothing: bool,
    /// Nhập các dòng đúng, ghi báo cáo các dòng sai (Keep the good rows, report the bad ones)
    #[arg(long)]
    pub good_rows: bool,
    /// Tên lần nhập (Name of the job)
    #[arg(long, value_name = "TEXT")]
    pub job_name: Option<String>,
    /// Tệp báo cáo; mặc định là FILE.report.jsonl (Report file)
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// Arguments of `export`.
#[derive(clap::Args, Debug)]
pub struct Export {
    /// Loại hồ sơ, dùng nhiều lần (Kind of record; repeat)
    #[arg(long, default_value = "member", action = ArgAction::Append)]
    pub kind: Vec<String>,
    /// Tệp kết quả; không có thì in ra (File; printed if not given)
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Arguments of `inbox`.
#[derive(clap::Args, Debug)]
pub struct Inbox {
    /// Sau số này (After this number)
    #[arg(long, default_value_t = 0)]
    pub after: u64,
    /// Nhiều nhất (At most)
    #[arg(long, default_value_t = 1_000)]
    pub limit: usize,
}

/// Arguments of `sql`.
#[derive(clap::Args, Debug)]
pub struct Sql {
    /// Câu lệnh; không có thì đọc từng dòng đầu vào (Statement; else lines of standard input)
    pub statement: Option<String>,
}

/// What is done with the passphrase.
#[derive(Subcommand, Debug)]
pub enum Passphrase {
    /// Đặt hoặc đổi (Set or change)
    Set {
        /// Tệp chứa mật khẩu mới; không có thì hỏi (File with the new one; asked for if not given)
        #[arg(long, value_name = "FILE")]
        new_passphrase_file: Option<PathBuf>,
    },
    /// Bỏ; dữ liệu chỉ còn được bảo vệ bởi tệp khóa (Remove: only the key file protects then)
    Remove,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn global_options_go_anywhere() {
        let words = "dongbo-node member edit 1 --set phone=1 --data d --json --lang en";
        let args = Args::try_parse_from(words.split(' ')).unwrap();
        assert!(args.json && args.lang == Lang::En && args.data.is_some());
    }
}
