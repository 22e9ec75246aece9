# Câu chữ của máy chủ cấp tỉnh. Mỗi lỗi nói: việc gì đã xảy ra, còn giữ được gì, cần làm gì.

# Lỗi: thư mục dữ liệu, khóa, đĩa
fault-no-data = Chưa biết thư mục dữ liệu. Hãy thêm --data DIR hoặc đặt biến DONGBO_SERVER_DATA. Chưa có gì thay đổi.
fault-no-province = { $path }: ở đây chưa có dữ liệu của tỉnh. Chưa có gì thay đổi. Kiểm tra lại đường dẫn, hoặc lập mới bằng lệnh init.
fault-province-exists = { $path }: ở đây đã có tệp. Chúng được giữ nguyên. Hãy chọn một thư mục mới cho init.
fault-exists = { $path }: đã có tệp tên này và được giữ nguyên. Hãy chọn tên khác, hoặc dùng --replace nếu lệnh có.
fault-in-use = { $path }: tiến trình { $pid } ({ $purpose }) đang dùng thư mục này. Chưa có gì thay đổi. Dừng tiến trình đó rồi làm lại.
fault-file-missing = { $path }: không có tệp này. Chưa có gì thay đổi. Kiểm tra lại đường dẫn.
fault-file-too-large = { $path }: tệp lớn quá { $max } MB. Chưa có gì được nhập. Hãy chia nhỏ tệp.
fault-disk-full = { $path }: đĩa đầy. Những gì đã ghi xong vẫn còn nguyên; lần ghi này không được giữ. Hãy giải phóng chỗ trống rồi làm lại.
fault-read-only = { $path }: không được phép ghi. Chưa có gì thay đổi. Kiểm tra quyền của thư mục và người chạy.
fault-storage = { $path }: không đọc hoặc ghi được. Những gì đã ghi xong vẫn còn. Kiểm tra đĩa, rồi chạy lệnh verify.
fault-damaged = { $path }: dữ liệu bị hỏng. Tệp được giữ nguyên, không sửa gì. Đừng ghi thêm; hãy khôi phục từ bản sao lưu gần nhất (restore). Các máy sẽ gửi lại phần còn thiếu.
fault-database-busy = { $path }: một tiến trình khác đang ghi. Việc này chưa được ghi; hãy làm lại sau ít phút.
fault-database-missing = { $path }: không có tệp dữ liệu. Nếu lần khôi phục trước bị ngắt giữa chừng, hãy chạy lại restore; tệp cũ vẫn ở bên cạnh.
fault-newer-version = { $path }: được ghi bởi một phiên bản mới hơn. Tệp được giữ nguyên. Hãy cập nhật dongbo-server rồi làm lại.
fault-not-a-database = { $path }: đây không phải dữ liệu của máy chủ Đồng Bộ. Tệp được giữ nguyên. Kiểm tra lại đường dẫn.
fault-wrong-key = { $path }: tệp khóa không mở được dữ liệu này. Không có gì thay đổi. Hãy đặt đúng tệp khóa của thư mục (key) vào chỗ cũ.
fault-wrong-passphrase = { $path }: sai mật khẩu. Không có gì thay đổi. Hãy thử lại với mật khẩu đúng.
fault-needs-passphrase = { $path }: khóa được bảo vệ bằng mật khẩu. Không có gì thay đổi. Hãy chỉ ra tệp mật khẩu bằng --passphrase-file.
fault-passphrase-too-short = Mật khẩu quá ngắn (cần ít nhất 8 ký tự). Chưa lập gì. Hãy chọn mật khẩu dài hơn.
fault-key-missing = { $path }: thiếu tệp khóa. Dữ liệu còn nguyên nhưng không mở được nếu thiếu khóa. Hãy chép lại tệp khóa đã cất cùng bản sao lưu.
fault-key-too-open = { $path }: người khác đọc được tệp khóa này. Chưa mở gì. Hãy chạy chmod 600 cho tệp rồi làm lại.
fault-key-damaged = { $path }: tệp khóa bị hỏng. Dữ liệu còn nguyên. Hãy chép lại tệp khóa đã cất cùng bản sao lưu.
fault-authority = Không dùng được khóa hoặc chứng thư của tỉnh (ca.pem, ca.key, server.pem, server.key). Dữ liệu còn nguyên. Hãy chép lại các tệp này từ bản cất giữ.
fault-certificate-unfit = Chứng thư không ghi được mục này: { $what }. Chưa lập gì. Hãy sửa tên tỉnh hoặc --names.
fault-address = Không mở được { $address }. Dữ liệu còn nguyên, máy chủ chưa chạy. Cổng có thể đang được dùng; hãy chọn cổng khác.
fault-log-filter = Không hiểu mức nhật ký. Máy chủ chưa chạy. Ví dụ đúng: --log info
fault-person = Tên người thực hiện trống, có ký tự không nhìn thấy được, hoặc dài quá { $max } byte. Chưa có gì thay đổi.
fault-unexpected = Lỗi bất ngờ. Những gì đã ghi xong vẫn còn. Hãy chạy verify và báo cho người phụ trách kỹ thuật.

# Lỗi: dữ liệu vào
fault-bad-cell = { $path }, dòng { $row }, cột { $column }: { $why }. Không có gì được giữ lại; hãy sửa rồi làm lại.
fault-row-length = { $path }, dòng { $row }: có { $found } ô, cần { $wanted }. Không có gì được giữ lại; hãy sửa dòng này rồi làm lại.
fault-row-utf8 = { $path }, dòng { $row }: không phải chữ UTF-8. Không có gì được giữ lại; hãy lưu tệp ở dạng CSV UTF-8 rồi làm lại.
fault-row-malformed = { $path }, dòng { $row }: không đọc được dòng này. Không có gì được giữ lại; hãy sửa rồi làm lại.
fault-table-empty = { $path }: bảng không có dòng nào. Chưa lập gì.
fault-column-missing = { $path }, dòng 1: thiếu cột { $column }. Chưa lập gì; hãy thêm cột này.
fault-no-scope = { $path }: không có tổ chức cơ sở nào nên không có phạm vi đồng bộ. Chưa lập gì; kiểm tra cột level và scope.
fault-import-none = Có { $bad } dòng sai, { $good } dòng đúng. Không có gì được nhập. Hãy sửa các dòng trên, hoặc dùng --keep-good để nhập các dòng đúng.
fault-import-some = Đã nhập { $good } dòng đúng; { $bad } dòng sai bị bỏ lại. Hãy sửa các dòng đó và nhập riêng.
why-code-twice = mã bị trùng
why-no-such-unit = không có đơn vị mã này
why-no-such-scope = không có phạm vi mã này
why-no-such-village = không có thôn mã này
why-above-itself = đơn vị là cấp trên của chính nó
why-not-json = không phải một đối tượng JSON
why-not-utf8 = không phải chữ UTF-8
why-line-too-long = dòng quá dài
why-no-such-kind = không có loại hồ sơ này
why-no-such-field = không có trường này
why-computed = trường này do máy tính ra, không nhập
why-no-such-record = không có hồ sơ mà dòng này nói tới
why-no-scope-of-unit = đơn vị này không thuộc phạm vi đồng bộ nào
why-id-twice = mã hồ sơ bị trùng trong lần nhập
why-record-exists = hồ sơ đã có ở tỉnh

# Lỗi: không tìm thấy, không được phép
fault-no-such-scope = Không có phạm vi mã { $code }. Chưa có gì thay đổi. Xem các mã bằng lệnh digest.
fault-no-such-node = Không có máy nào tên hoặc mã là { $node }. Chưa có gì thay đổi. Xem danh sách bằng lệnh nodes.
fault-several-nodes = Có nhiều máy tên { $node }. Chưa có gì thay đổi. Hãy dùng một trong các mã: { $ids }
fault-no-such-record = Không có hồ sơ { $record }. Chưa có gì thay đổi. Hãy tìm bằng record search.
fault-no-such-kind = Không có loại hồ sơ { $kind }. Các loại: { $kinds }
fault-no-such-field = Loại { $kind } không có trường { $field }. Chưa có gì thay đổi.
fault-computed-field = Trường { $field } do máy tính ra, không sửa được. Chưa có gì thay đổi.
fault-field-twice = Trường { $field } được ghi hai lần. Chưa có gì thay đổi.
fault-bad-value = Trường { $field }: { $why }. Chưa có gì thay đổi; hãy sửa giá trị rồi làm lại.
fault-set = Cần dạng --set TRƯỜNG=GIÁTRỊ. Chưa có gì thay đổi.
fault-conflict = Trường { $field } của hồ sơ { $record } đang xung đột. Mọi giá trị đều được giữ. Xem bằng record show, rồi thêm --settle để giải quyết.
fault-grounds = Căn cứ dài quá { $max } byte. Chưa có gì thay đổi.
fault-reason = Lý do trống hoặc dài quá { $max } byte. Việc vẫn được giữ lại.
fault-no-such-held = Không có việc { $act } đang được giữ. Chưa có gì thay đổi. Xem bằng held list.
fault-decided = Việc { $act } đã được quyết định trước đó. Quyết định cũ giữ nguyên.
fault-act-or-job = Cần một việc (MÁY:SỐ) hoặc một đợt (UUID). Chưa có gì thay đổi.
fault-no-such-act = Không có việc { $id }. Chưa có gì thay đổi.
fault-no-such-job = Không có đợt { $id }. Chưa có gì thay đổi.
fault-place = Cần một trong --home, --guest kèm --as, hoặc --leave. Chưa có gì thay đổi.
fault-place-reference = Danh mục chung thuộc về mọi máy, không chuyển đi được. Chưa có gì thay đổi.
fault-undo-no-writes = Việc { $act } không ghi trường nào (phân nơi giữ, quyết định, rút lại) nên không rút lại được. Chưa có gì thay đổi. Hãy dùng place hoặc ghi lại giá trị đúng.
fault-refused = Không làm được: { $why }. Chưa có gì thay đổi.
fault-unknown = Không có thứ được nói tới ({ $what }). Chưa có gì thay đổi.
fault-already = Đã như vậy từ trước ({ $what }). Chưa có gì thay đổi.
fault-too-many = Quá nhiều ({ $what }). Chưa có gì thay đổi; hãy chia nhỏ.
fault-sql = Câu lệnh SQL không chạy được. Dữ liệu không thay đổi.
fault-sql-writes = Lệnh sql chỉ được đọc. Dữ liệu không thay đổi.
fault-findings = Thấy { $count } điều không đúng. Không có gì bị sửa. Hãy sao lưu nguyên trạng và báo người phụ trách kỹ thuật.

# init
init-done =
    Đã lập { $province } tại { $path }: { $units } tổ chức, { $villages } thôn, { $scopes } phạm vi đồng bộ.
    Hãy cất riêng các tệp key, ca.key, server.key: thiếu chúng, bản sao lưu không dùng được.
    Tiếp theo: dongbo-server serve --data { $path } --listen 0.0.0.0:7443
init-ignored = Các cột không dùng tới: { $columns }
progress-units = Ghi danh mục
# Máy
nodes-none = Chưa có máy nào.
nodes-invited = Mã mời chưa dùng: { $name }, hết hạn { $expires }
standing-good = tốt
standing-revoked = đã thu hồi, chỉ được nộp
revoke-done = Đã thu hồi { $name } ({ $author }). Kết nối đang mở bị cắt ngay; việc máy đó nộp sẽ được giữ lại chờ tỉnh.
revoke-before = { $name } ({ $author }) đã bị thu hồi từ trước.
# status
status-province = { $province }
status-serving = Máy chủ đang chạy (tiến trình { $pid })
status-not-serving = Máy chủ không chạy
status-epoch = Kỷ nguyên { $epoch } (thứ { $epochs })
status-went-back = CHÚ Ý: lúc { $at } sổ này phát hiện mình đã bị đưa về một bản cũ hơn (nút { $node } trình chữ ký của chính máy chủ này trên những việc mà sổ không còn). Kỷ nguyên mới đã mở. Các xã gửi lại những gì đã gửi; những việc do chính cấp tỉnh làm trong khoảng đó phải tìm lại, và các lệnh thu hồi sau bản đó phải làm lại.
status-scopes = Phạm vi đồng bộ: { $scopes }
status-kind = Hồ sơ { $kind }: { $live } còn hiệu lực, { $void } đã hủy
status-acts = Các việc: { $merged } đã vào sổ, { $held } đang giữ lại, { $refused } bị từ chối
status-conflicts = Trường đang xung đột: { $conflicts }; hồ sơ trùng khóa: { $twins }
status-nodes = Máy: { $nodes }, trong đó { $heard } có liên lạc trong { $days } ngày qua
status-silent = Im lặng { $days } ngày: { $name } ({ $author })
status-size = Dung lượng: { $size }
status-backup = Sao lưu gần nhất: { $when }
status-no-backup = Chưa sao lưu lần nào. Hãy chạy dongbo-server backup FILE.
# Bảng
head-node = Máy
head-name = Tên
head-scopes = Phạm vi
head-standing = Tình trạng
head-acts = Vào sổ / giữ / từ chối
head-contact = Liên lạc cuối
head-act = Việc
head-person = Người
head-since = Từ lúc
head-why = Vì sao
head-scope = Phạm vi
head-revision = Bản
head-digest = Mã kiểm
head-record = Hồ sơ
head-shown = Nội dung
conflicts-none = Không có xung đột nào.
conflicts-twins = Có thể trùng ({ $kind }): { $records }
digest-none = Chưa có phạm vi nào.
held-none = Không có việc nào đang được giữ lại.
held-approved = Đã phê duyệt { $act } (quyết định { $by }). Đơn vị sẽ thấy trong hộp thư ở lần trao đổi tới.
held-refused = Đã từ chối { $act } (quyết định { $by }). Đơn vị sẽ đọc lý do ở lần trao đổi tới.
records-none = Không có hồ sơ nào.
fate-merged = đã vào sổ
fate-held = đang giữ lại
fate-refused = bị từ chối
fate-retracted = đã rút lại
history-grounds = căn cứ: { $grounds }
edit-done = Đã ghi (việc { $act }).
undo-done = Đã rút lại { $acts } việc. Giá trị trước đó trở lại; lịch sử vẫn giữ đủ.
place-home = Hồ sơ { $record } nay thuộc { $name } ({ $scope }).
place-guest = { $name } ({ $scope }) nay được xem hồ sơ { $record }.
place-leave = { $name } ({ $scope }) thôi xem hồ sơ { $record }; hồ sơ sẽ rời máy đó ở lần trao đổi tới.
# import
import-job = Đợt nhập { $job } (rút lại bằng: dongbo-server undo { $job })
import-done = Đã nhập { $records } hồ sơ ({ $kinds }) trong { $acts } việc, đợt { $job }.
import-bad-cell = { $path }, dòng { $row }, cột { $column }: { $why }
import-bad-line = { $path }, dòng { $row }: { $why }
import-more-bad = … và { $more } dòng sai nữa.
progress-reading = Đọc tệp
progress-import = Nhập hồ sơ
# verify
verify-sound = Mọi thứ đều đúng.
verify-no-pages = Máy chủ đang chạy nên chưa soát từng trang của tệp; hãy chạy lại khi máy chủ dừng để soát cả phần đó.
finding-store = Tệp dữ liệu bị hỏng: { $detail }
finding-journal-gap = Nhật ký thiếu việc { $detail }
finding-author-head = Đầu nhật ký của tác giả không khớp: { $detail }
finding-author-counts = Số việc đã đếm không khớp: { $detail }
finding-frame-unreadable = Không đọc được nhật ký tại { $detail }
finding-author-chain = Nhật ký bị sửa tại { $detail }: chuỗi mã không khớp
finding-signature = Nhật ký bị sửa tại { $detail }: chữ ký không đúng
finding-outcome = Kết quả của các việc không khớp tại { $detail }
finding-held-lost = Mất dấu việc đang giữ { $detail }
finding-held-not-in-journal = Việc đang giữ không có trong nhật ký: { $detail }
finding-feed-gap = Dòng thay đổi của phạm vi bị đứt tại { $detail }
finding-revision-lost = Mất bản { $detail }
finding-scope-chain = Chuỗi mã của phạm vi không khớp tại { $detail }
finding-scope-head = Bản cuối của phạm vi không khớp: { $detail }
finding-placement-without-record = Có nơi giữ mà không có hồ sơ: { $detail }
finding-placement-not-home = Nơi giữ không khớp hồ sơ: { $detail }
finding-record-without-placement = Hồ sơ không có nơi giữ: { $detail }
finding-digest = Mã kiểm không khớp với hồ sơ của phạm vi { $detail }
finding-other = { $code }: { $detail }
# backup, restore
progress-backup = Sao lưu
progress-restore = Khôi phục
backup-done = Đã sao lưu vào { $path } ({ $size }), đã kiểm tra.
backup-keys = Khóa và chứng thư đã chép vào { $path }. Hãy cất nơi khác với bản sao lưu.
backup-keep-keys = Hãy cất riêng các tệp key, ca.pem, ca.key, server.pem, server.key: thiếu chúng, bản sao lưu không dùng được.
restore-done = Đã khôi phục từ { $path }. Kỷ nguyên mới: { $epoch }.
restore-aside = Tệp cũ được giữ tại { $path }.
restore-standing = Đã lấy lại { $lines } dòng thu hồi, mã đã dùng từ tệp cũ.
restore-next = Tiếp theo: chạy lại serve. Các máy sẽ nhận ra kỷ nguyên mới và gửi lại những gì bản sao lưu chưa có. Các mã mời chưa dùng đã hết hiệu lực.
# bundle
bundle-card = Đã ghi danh thiếp của tỉnh vào { $path }. Trong đó không có bí mật. Tiếp theo: cấp mã mời (invite), báo mã cho máy ở xã bằng đường khác.
bundle-done = Đã nhận gói của máy { $node } ({ $acts } việc). Gói trả lời: { $path }. Hãy mang về máy đó và chạy: dongbo-node bundle import
bundle-joined = Máy { $node } đã gia nhập. Gói trả lời: { $path }. Hãy mang về máy đó và chạy: dongbo-node bundle import
bundle-more = Gói trả lời chưa hết: sau khi nhập nó, máy đó cần xuất và mang tới thêm một gói nữa.
bundle-stopped = Gói trả lời nói lý do dừng: { $why }
bundle-same-file = Tệp trả lời trùng với tệp đưa vào ({ $path }). Không có gì thay đổi. Hãy chọn tên khác.
bundle-unknown-code = Mã mời trong gói không có ở tỉnh này. Không có gì thay đổi. Hãy cấp mã mới.
bundle-used-code = Mã mời trong gói đã được dùng. Không có gì thay đổi. Hãy cấp mã mới.
bundle-expired-code = Mã mời trong gói đã hết hạn. Không có gì thay đổi. Hãy cấp mã mới.
bundle-author-taken = Số hiệu của máy bị trùng (ngẫu nhiên, hoặc ổ đĩa bị sao chép). Không có gì thay đổi. Hãy gia nhập lại trong một thư mục mới.
bundle-refused = Tỉnh không nhận được gói này: { $why } Không có gì thay đổi.
