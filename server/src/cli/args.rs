//! The command line as clap reads it. Names of commands and options are a contract; the contract
//! is written down in `server/docs/CLI.md`.
//!
//! Help is Vietnamese first with English beside, since clap prints it before a language is known.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use dongbo_proto::id::{ActId, RecordId};
use dongbo_proto::limits::STICK_FRAMES_BYTES_MAX;
use dongbo_proto::words::Lang;

const EXAMPLES: &str = "Ví dụ · Examples:
  dongbo-server init --data /srv/dongbo --province 'Tỉnh ủy Bắc Giang' --units units.csv
  dongbo-server serve --data /srv/dongbo --listen 0.0.0.0:7443
  dongbo-server invite --data /srv/dongbo --scope 07201 --name 'Phường Thọ Xương'
  dongbo-server status --data /srv/dongbo --json

Mã thoát · Exit codes:
  0 xong · done            1 lỗi bất ngờ · unexpected   2 sai cú pháp · usage
  3 dữ liệu vào sai · bad input   4 không mở được cổng · address taken
  5 bị từ chối · refused   6 lưu trữ, khóa · storage    7 đang bận · busy
  8 xung đột, cần --settle · conflict   9 không có · not found   10 verify thấy lỗi · findings";

/// The server's command line.
#[derive(Debug, Parser)]
#[command(
    name = "dongbo-server",
    version,
    about = "Máy chủ cấp tỉnh của Đồng Bộ · The provincial server of Đồng Bộ",
    after_help = EXAMPLES,
    max_term_width = 110,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// What all commands have.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What all commands have.
#[derive(Debug, Args)]
pub struct Global {
    /// Thư mục dữ liệu của tỉnh · The province's data directory
    #[arg(long, global = true, env = "DONGBO_SERVER_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// In kết quả dạng JSON · Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Ngôn ngữ: vi, en · Language
    #[arg(long, global = true, env = "DONGBO_LANG", default_value = "vi", value_name = "LANG")]
    pub lang: Lang,
    /// Người thực hiện, ghi vào nhật ký · Who acts: it goes into the journal
    #[arg(long, global = true, env = "DONGBO_PERSON", value_name = "NAME")]
    pub person: Option<String>,
    /// Tệp có mật khẩu của khóa (dòng đầu) · File with the key's passphrase (first line)
    #[arg(long, global = true, env = "DONGBO_SERVER_PASSPHRASE_FILE", value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Moves the clock by so many seconds: for tests of wrong clocks.
    #[arg(
        long,
        global = true,
        hide = true,
        env = "DONGBO_CLOCK_OFFSET_S",
        default_value_t = 0,
        allow_hyphen_values = true,
        value_name = "SECONDS"
    )]
    pub clock_offset: i64,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lập dữ liệu của tỉnh: khóa, chứng thư, danh mục đơn vị · Make a province: keys, authority, units
    Init(InitArgs),
    /// Chạy máy chủ · Serve
    Serve(ServeArgs),
    /// Cấp mã mời dùng một lần; chỉ in mã · Make a one-time join code; prints only the code
    Invite(InviteArgs),
    /// Thu hồi một máy, có hiệu lực ngay · Revoke a node, at once
    Revoke(RevokeArgs),
    /// Danh sách máy · List the nodes
    Nodes,
    /// Tình trạng của tỉnh · How the province stands
    Status(StatusArgs),
    /// Đơn vị nào có liên lạc, đơn vị nào im lặng, tổng số còn thiếu gì; thoát 10 nếu có đơn vị im lặng ·
    /// Who is heard, who is quiet, what the totals miss; exits 10 if an organisation has gone quiet
    Fleet(FleetArgs),
    /// Các trường đang xung đột · List the fields in conflict
    Conflicts,
    /// Lịch sử của một hồ sơ · The history of a record
    History(RecordArgs),
    /// Những việc đang được giữ lại chờ tỉnh · Acts that are held for the province
    #[command(subcommand)]
    Held(HeldCommand),
    /// Mã kiểm (digest) của từng phạm vi · The digest of each scope
    Digest,
    /// Kiểm tra toàn bộ; thoát 10 nếu thấy lỗi · Check everything; exits 10 if anything is found
    Verify,
    /// Sao lưu khi đang chạy · Back up while serving
    Backup(BackupArgs),
    /// Khôi phục từ bản sao lưu, mở kỷ nguyên mới · Restore a backup; begins a new epoch
    Restore(RestoreArgs),
    /// Nhập hồ sơ đảng viên và sự kiện từ tệp JSONL · Import members and events from JSONL files
    Import(ImportArgs),
    /// Xem và sửa hồ sơ · Look at and edit records
    #[command(subcommand)]
    Record(RecordCommand),
    /// Rút lại một việc hoặc cả một đợt nhập · Take an act or a whole job back
    Undo(UndoArgs),
    /// Chuyển hồ sơ sang đơn vị khác hoặc cho xem tạm · Place a record in another scope
    Place(PlaceArgs),
    /// Trao đổi qua thẻ nhớ với máy không có mạng · Exchange by stick with a node that has no network
    #[command(subcommand)]
    Bundle(BundleCommand),
    /// Truy vấn SQL, chỉ đọc · Query with SQL, read-only
    Sql(SqlArgs),
}

/// `bundle`.
#[derive(Debug, Subcommand)]
pub enum BundleCommand {
    /// Ghi danh thiếp của tỉnh: máy chưa có mạng cần nó để gia nhập · Write the province's card: a node
    /// without a network needs it to join
    Card {
        /// Tệp danh thiếp · The card
        file: PathBuf,
    },
    /// Nhận gói của một máy và ghi gói trả lời · Take a node's bundle in and write the answer
    Import(BundleImportArgs),
}

/// `bundle import`.
#[derive(Debug, Args)]
#[command(after_help = "Ví dụ · Example:
  dongbo-server bundle import --data /srv/dongbo /media/usb/xa-a.bundle --out /media/usb/xa-a.answer")]
pub struct BundleImportArgs {
    /// Gói của máy · The node's bundle
    pub file: PathBuf,
    /// Gói trả lời; mặc định là FILE.answer · The answer; FILE.answer if not given
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Cỡ gói trả lời, nhiều nhất khoảng (byte) · Size of the answer, at most about (bytes)
    #[arg(long, default_value_t = STICK_FRAMES_BYTES_MAX, value_name = "BYTES",
        value_parser = clap::value_parser!(u64).range(1..=STICK_FRAMES_BYTES_MAX))]
    pub bytes_max: u64,
}

/// `init`.
#[derive(Debug, Args)]
#[command(after_help = "Ví dụ · Example:
  dongbo-server init --data /srv/dongbo --province 'Tỉnh ủy Bắc Giang' --units units.csv --names dongbo.example.vn")]
pub struct InitArgs {
    /// Tên của tỉnh · The province's name
    #[arg(long, value_name = "NAME")]
    pub province: String,
    /// Bảng các tổ chức đảng (CSV) · Table of units (CSV)
    #[arg(long, value_name = "FILE.csv")]
    pub units: PathBuf,
    /// Bảng thôn, bản, tổ dân phố (CSV) · Table of villages (CSV)
    #[arg(long, value_name = "FILE.csv")]
    pub villages: Option<PathBuf>,
    /// Tên máy hoặc địa chỉ ghi trong chứng thư · Host names or addresses for the certificate
    #[arg(long, value_delimiter = ',', value_name = "HOST,IP")]
    pub names: Vec<String>,
}

/// `serve`.
#[derive(Debug, Args)]
#[command(after_help = "Ví dụ · Example:
  dongbo-server serve --data /srv/dongbo --listen 0.0.0.0:7443 --log info
  dongbo-server serve --data /srv/dongbo --metrics 127.0.0.1:9464")]
pub struct ServeArgs {
    /// Địa chỉ và cổng; cổng 0 để hệ thống chọn · Address and port; port 0 lets the system choose
    #[arg(long, default_value = "0.0.0.0:7443", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// Mở số liệu cho Prometheus tại /metrics, chỉ trên chính máy này · Metrics for Prometheus at
    /// /metrics, on this machine only
    #[arg(long, value_name = "ADDR", value_parser = loopback)]
    pub metrics: Option<SocketAddr>,
    /// Mức nhật ký kỹ thuật (ra stderr) · Level of the technical log (to stderr)
    #[arg(long, env = "DONGBO_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,
    /// Nhật ký dạng JSON · The log as JSON lines
    #[arg(long)]
    pub log_json: bool,
}

/// An address of this machine alone: the metrics know no passwords.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "ADDR:PORT".to_owned())?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err("chỉ nhận địa chỉ của chính máy này, ví dụ 127.0.0.1:9464 · \
         only a loopback address: the metrics know no passwords"
        .to_owned())
}

/// `invite`.
#[derive(Debug, Args)]
#[command(after_help = "Ví dụ · Examples:
  dongbo-server invite --scope 07201 --name 'Phường Thọ Xương'
  dongbo-server invite --scope 07201 --scope 07204 --expires-hours 24
  dongbo-server invite --again 'Phường Thọ Xương'")]
pub struct InviteArgs {
    /// Mã đơn vị mà máy sẽ giữ; có thể nhiều · Code of a scope that the node will hold; repeatable
    #[arg(long = "scope", num_args = 1.., value_name = "CODE", required_unless_present = "again")]
    pub scopes: Vec<String>,
    /// Tên gọi của máy · What people call the node
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// Mã mời hết hạn sau bao nhiêu giờ · Hours after which the code is void
    #[arg(long, default_value_t = 72, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=8_760))]
    pub expires_hours: u32,
    /// Mời lại một máy đã có (máy hỏng, đĩa chép) · Invite a node again (lost or cloned disk)
    #[arg(long, value_name = "NODE")]
    pub again: Option<String>,
}

/// `revoke`.
#[derive(Debug, Args)]
#[command(after_help = "Ví dụ · Example:
  dongbo-server revoke 'Phường Thọ Xương'")]
pub struct RevokeArgs {
    /// Mã hoặc tên của máy · The node's id or name
    #[arg(value_name = "NODE")]
    pub node: String,
}

/// `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Máy im lặng quá số ngày này thì được nêu tên · Name nodes that were silent for so many days
    #[arg(long, default_value_t = 7, value_name = "DAYS")]
    pub silent_days: u32,
}

/// `fleet`.
#[derive(Debug, Args)]
#[command(after_help = "Ví dụ · Examples:
  dongbo-server fleet --data /srv/dongbo
  dongbo-server fleet --quiet-days 30 --all
  dongbo-server fleet --json

Mã thoát · Exit codes:
  0  mọi đơn vị có máy đều có liên lạc · every organisation that has a machine is heard
  10 có đơn vị im lặng quá số ngày · an organisation has been quiet for too long")]
pub struct FleetArgs {
    /// Quá số ngày này không liên lạc là im lặng · Not heard for so many days is quiet
    #[arg(long, default_value_t = 14, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub quiet_days: u32,
    /// Liệt kê cả các đơn vị không có gì phải xem · List those too of which nothing is the matter
    #[arg(long)]
    pub all: bool,
}

/// A record.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// Mã hồ sơ (UUID) · The record's id
    #[arg(value_name = "RECORD")]
    pub record: RecordId,
}

/// `held`.
#[derive(Debug, Subcommand)]
pub enum HeldCommand {
    /// Liệt kê · List
    List,
    /// Xem một việc · Show one
    Show(HeldArgs),
    /// Phê duyệt · Approve
    Approve(HeldArgs),
    /// Từ chối, kèm lý do · Refuse, with a reason
    Refuse(RefuseArgs),
}

/// A held act.
#[derive(Debug, Args)]
pub struct HeldArgs {
    /// Việc, dạng MÁY:SỐ · The act, as AUTHOR:POSITION
    #[arg(value_name = "ACT")]
    pub act: ActId,
    /// Căn cứ (số quyết định) · Grounds (the number of a decision)
    #[arg(long, value_name = "TEXT")]
    pub grounds: Option<String>,
}

/// `held refuse`.
#[derive(Debug, Args)]
pub struct RefuseArgs {
    /// Việc, dạng MÁY:SỐ · The act, as AUTHOR:POSITION
    #[arg(value_name = "ACT")]
    pub act: ActId,
    /// Lý do mà đơn vị sẽ đọc · The reason that the office will read
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// `backup`.
#[derive(Debug, Args)]
#[command(after_help = "Ví dụ · Example:
  dongbo-server backup /backup/dongbo-2026-11-23.db --with-ca /backup/keys")]
pub struct BackupArgs {
    /// Tệp sao lưu · The backup file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Thay tệp cũ cùng tên · Replace a file of this name
    #[arg(long)]
    pub replace: bool,
    /// Chép cả khóa và chứng thư vào thư mục này · Copy key and authority into this directory too
    #[arg(long, value_name = "DIR")]
    pub with_ca: Option<PathBuf>,
}

/// `restore`.
#[derive(Debug, Args)]
#[command(after_help = "Ví dụ · Example:
  dongbo-server restore /backup/dongbo-2026-11-23.db --data /srv/dongbo
  dongbo-server restore /backup/dongbo-2026-11-23.db --data /srv/dongbo --rehearse")]
pub struct RestoreArgs {
    /// Tệp sao lưu · The backup file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Chỉ nói trước: máy nào sẽ gửi lại gì, mất gì; không thay đổi gì · Only say beforehand who would
    /// send what again, and what is lost; changes nothing
    #[arg(long)]
    pub rehearse: bool,
}

/// `import`.
#[derive(Debug, Args)]
#[command(after_help = "Ví dụ · Example:
  dongbo-server import members/*.jsonl --grounds 'Công văn 12-CV/TU'")]
pub struct ImportArgs {
    /// Tệp JSONL, mỗi dòng một hồ sơ · JSONL files, one record a line
    #[arg(value_name = "FILE.jsonl", required = true)]
    pub files: Vec<PathBuf>,
    /// Giữ các dòng đúng, bỏ các dòng sai · Keep the good lines, leave the bad ones out
    #[arg(long)]
    pub keep_good: bool,
    /// Căn cứ · Grounds
    #[arg(long, value_name = "TEXT")]
    pub grounds: Option<String>,
}

/// `record`.
#[derive(Debug, Subcommand)]
pub enum RecordCommand {
    /// Xem một hồ sơ · Show a record
    Show(RecordArgs),
    /// Liệt kê hồ sơ của một loại · List records of a kind
    List(ListArgs),
    /// Tìm, không cần dấu · Search, without tone marks
    Search(SearchArgs),
    /// Sửa hồ sơ với quyền của tỉnh · Edit a record as the province
    Edit(EditArgs),
}

/// `record list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Loại hồ sơ: member, unit, village … · Kind of record
    #[arg(long, default_value = "member", value_name = "KIND")]
    pub kind: String,
    /// Chỉ của đơn vị này · Only of this scope
    #[arg(long, value_name = "CODE")]
    pub scope: Option<String>,
    /// Nhiều nhất bao nhiêu · At most so many
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub limit: usize,
    /// Tiếp sau hồ sơ này · Continue after this record
    #[arg(long, value_name = "RECORD")]
    pub after: Option<RecordId>,
}

/// `record search`.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// Chữ cần tìm · What to look for
    #[arg(value_name = "TEXT")]
    pub text: String,
    /// Loại hồ sơ · Kind of record
    #[arg(long, default_value = "member", value_name = "KIND")]
    pub kind: String,
    /// Nhiều nhất bao nhiêu · At most so many
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub limit: usize,
}

/// `record edit`.
#[derive(Debug, Args)]
#[command(after_help = "Ví dụ · Examples:
  dongbo-server record edit 0198… --set phone=0912345678 --person lan
  dongbo-server record edit 0198… --set phone=0912345678 --settle")]
pub struct EditArgs {
    /// Mã hồ sơ · The record's id
    #[arg(value_name = "RECORD")]
    pub record: RecordId,
    /// Trường và giá trị; giá trị rỗng là xóa · Field and value; an empty value clears
    #[arg(long = "set", value_name = "FIELD=VALUE", required = true)]
    pub set: Vec<String>,
    /// Cho phép giải quyết xung đột · Settle fields that are in conflict
    #[arg(long)]
    pub settle: bool,
    /// Căn cứ · Grounds
    #[arg(long, value_name = "TEXT")]
    pub grounds: Option<String>,
}

/// `undo`.
#[derive(Debug, Args)]
#[command(after_help = "Ví dụ · Examples:
  dongbo-server undo 3f2a91c07be4d511:42
  dongbo-server undo 0198a6f2-0c4e-7a51-8b1d-5f0c9a4e7d21")]
pub struct UndoArgs {
    /// Việc (MÁY:SỐ) hoặc đợt (UUID) · An act (AUTHOR:POSITION) or a job (UUID)
    #[arg(value_name = "ACT|JOB")]
    pub what: String,
    /// Căn cứ · Grounds
    #[arg(long, value_name = "TEXT")]
    pub grounds: Option<String>,
}

/// How much a guest sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GuestAs {
    /// A visitor card.
    Visitor,
    /// The file of a transfer under way.
    Transfer,
}

/// `place`.
#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("where").required(true).args(["home", "guest", "leave"]),
    after_help = "Ví dụ · Examples:
  dongbo-server place 0198… --guest 07204 --as transfer
  dongbo-server place 0198… --home 07204 --grounds '15-QĐ/TU'
  dongbo-server place 0198… --leave 07204"
)]
pub struct PlaceArgs {
    /// Mã hồ sơ · The record's id
    #[arg(value_name = "RECORD")]
    pub record: RecordId,
    /// Chuyển hẳn về đơn vị này · Move it to this scope
    #[arg(long, value_name = "CODE")]
    pub home: Option<String>,
    /// Cho đơn vị này xem · Let this scope see it
    #[arg(long, value_name = "CODE", requires = "projection")]
    pub guest: Option<String>,
    /// Xem được bao nhiêu · How much it sees
    #[arg(long = "as", value_name = "VIEW", requires = "guest")]
    pub projection: Option<GuestAs>,
    /// Thôi cho đơn vị này xem · No longer let this scope see it
    #[arg(long, value_name = "CODE")]
    pub leave: Option<String>,
    /// Căn cứ · Grounds
    #[arg(long, value_name = "TEXT")]
    pub grounds: Option<String>,
}

/// `sql`.
#[derive(Debug, Args)]
#[command(after_help = "Ví dụ · Example:
  dongbo-server sql \"SELECT code, name_full FROM unit LIMIT 5\"")]
pub struct SqlArgs {
    /// Câu lệnh; để trống thì đọc từ stdin · The statement; read from stdin if left out
    #[arg(value_name = "SQL")]
    pub statement: Option<String>,
}
