# Nút của văn phòng cấp xã: mọi câu nói với người dùng. Mỗi câu báo lỗi nói: chuyện gì, cái gì còn được giữ, cần làm gì.

# Gia nhập
join-done = Đã gia nhập { $province }. Phạm vi: { $scopes }.
join-first-sync-failed = Máy đã gia nhập, nhưng lần trao đổi đầu tiên chưa xong. Không mất gì; hãy chạy: dongbo-node sync
join-unknown-code = Tỉnh không biết mã mời này. Chưa có gì được tạo. Hãy xem lại mã hoặc xin mã mới.
join-used-code = Mã mời này đã được một máy khác dùng. Chưa có gì được tạo. Hãy xin tỉnh mã mới.
join-expired-code = Mã mời đã hết hạn. Chưa có gì được tạo. Hãy xin tỉnh mã mới.
join-bad-request = Tỉnh không đọc được yêu cầu của máy này (có thể khác phiên bản). Chưa có gì được tạo. Hãy cập nhật chương trình.
join-author-taken = Số hiệu của máy bị trùng (ngẫu nhiên, hoặc ổ đĩa bị sao chép). Hãy gia nhập lại lần nữa.
join-too-many-tries = Thử quá nhiều lần từ địa chỉ này. Hãy đợi vài phút rồi thử lại.
join-storage = Máy chủ của tỉnh hiện không ghi được. Hãy thử lại sau và báo cho tỉnh.

# Dựng lại dữ liệu
salvage-done = Đã dựng lại dữ liệu; giữ được { $count } việc chưa gửi. Hồ sơ sẽ về từ tỉnh.
salvage-aside = Tệp cũ để nguyên ở: { $path }
salvage-first-sync-failed = Dữ liệu đã dựng lại, nhưng lần trao đổi đầu tiên chưa xong. Không mất gì; hãy chạy: dongbo-node sync
code-character = Mã mời sai ở nhóm { $group }, ký tự thứ { $place }: không phải chữ hay số của mã. Hãy gõ lại.
code-length = Mã mời phải có 60 chữ và số sau DB1; mã này có { $found }. Hãy gõ lại cho đủ.
code-checksum = Mã mời gõ sai ít nhất một chữ. Hãy đọc lại từng nhóm.
code-version = Mã mời này do phiên bản mới hơn tạo ra. Hãy cập nhật chương trình.

# Trao đổi
sync-in-step = Đã khớp với tỉnh.
sync-moved = Đã gửi { $acts } việc, { $records } hồ sơ thay đổi ở đây (gửi { $up }, nhận { $down }).
sync-refilled = { $count } phạm vi lệch số đối chiếu và đã được nạp lại từ đầu.
sync-renewed = Chứng thư của máy đã được gia hạn.
sync-progress = gửi { $acts } việc ({ $up }) · nhận { $records } hồ sơ ({ $down })
sync-deliver-only = Máy này chỉ được nộp, không được nhận. Mọi việc đã nhập đã tới tỉnh và chờ xem xét; hãy liên hệ tỉnh để được mời lại.
sync-rewound = Tỉnh đang giữ nhiều việc của máy này hơn chính máy này: dữ liệu ở đây đã bị đưa về bản cũ, hoặc ổ đĩa bị sao chép. Không có gì bị ghi đè. Đồng bộ một lần qua mạng sẽ giải quyết: dongbo-node sync
sync-went-back = Máy chủ của tỉnh không còn giữ những việc nó đã xác nhận: nó đã bị đưa về bản cũ mà không báo, và không mở kỷ nguyên mới dù đã được trình chữ ký của chính nó. Mọi việc vẫn còn ở đây; hãy gọi cho tỉnh.
sync-two-servers = Đây không phải máy chủ mà máy này biết, cũng không nối tiếp từ nó. Mọi thứ ở đây được giữ nguyên; hãy hỏi tỉnh máy chủ nào là thật.
sync-diverged = Mọi việc đã gửi, nhưng số đối chiếu vẫn lệch sau khi nạp lại. Không mất gì; hãy chạy lại sync, nếu vẫn lệch thì báo cho tỉnh.
sync-confused = Máy chủ trả lời không đúng lượt, hoặc hai bên không thống nhất được đã nhận tới đâu. Mọi thứ ở đây được giữ nguyên; hãy thử lại, nếu vẫn vậy thì cập nhật chương trình.
sync-waits-its-turn = Tỉnh đang phục vụ các nơi đến trước. Dữ liệu tại đây còn nguyên; sẽ tiếp tục sau { $seconds } giây.
sync-come-back = Tỉnh đang phục vụ các nơi đến trước và hẹn quay lại sau { $seconds } giây. Ai đến đúng hẹn được phục vụ trước những nơi hỏi sau.
watch-in-step = Đã khớp: gửi { $acts } việc, { $records } hồ sơ thay đổi (gửi { $up }, nhận { $down }).
watch-waiting = Sẽ thử lại sau { $seconds } giây.
watch-left = Đã dừng. Mọi thứ đã lưu vẫn được giữ.
link-unreachable = Không liên lạc được với máy chủ của tỉnh. Mọi việc đã lưu ở máy này và sẽ được gửi khi có mạng; hãy xem lại mạng và địa chỉ.
link-cut = Đường truyền bị ngắt. Phần đã xác nhận không mất, phần còn lại vẫn ở máy này; hãy chạy lại sync.
link-wrong-authority = Máy chủ trả lời không thuộc tỉnh của mã mời này. Chưa gửi gì; hãy xem lại địa chỉ và mã, hoặc có kẻ chen giữa.
link-not-the-server = Nơi trả lời có chứng thư của tỉnh nhưng không phải máy chủ. Chưa gửi gì; hãy xem lại địa chỉ.
link-server-expired = Chứng thư của máy chủ đã hết hạn. Chưa gửi gì; hãy báo cho tỉnh.
link-refused = Máy chủ không nhận chứng thư của máy này. Mọi thứ ở đây được giữ nguyên; hãy xin tỉnh mời lại.
link-not-our-protocol = Có máy trả lời nhưng không phải máy chủ Đồng Bộ. Chưa gửi gì; hãy xem lại địa chỉ và cổng.
link-not-understood = Câu trả lời của máy chủ không hiểu được. Mọi thứ ở đây được giữ nguyên; có thể cần cập nhật chương trình.

# Tình trạng
status-who = { $province } · máy { $author } · máy chủ { $server }
status-equation = Đã nhập { $entered } việc = ở tỉnh { $merged } + chờ xem xét { $held } + bị từ chối { $refused } + chưa gửi { $unsent }.
status-balances = Khớp.
status-does-not-balance = KHÔNG KHỚP: hãy chạy verify và báo cho tỉnh.
status-contact = Liên lạc gần nhất { $heard }; biên nhận có chữ ký của tỉnh lúc { $signed }.
status-no-receipt = Chưa có biên nhận nào của tỉnh.
status-certificate = Chứng thư có hiệu lực đến { $ends } (còn { $days } ngày).
status-certificate-over = Chứng thư đã hết hạn từ { $ends }; lần trao đổi tới sẽ gia hạn.
status-guarded-file = Bảo vệ: tệp khóa. Bản sao của dữ liệu được mã hóa, nhưng ai lấy cả ổ đĩa thì đọc được; muốn chống mất trộm hãy đặt mật khẩu: dongbo-node passphrase set
status-guarded-passphrase = Bảo vệ: mật khẩu. Lấy mất ổ đĩa cũng không đọc được.
status-clock-wrong = Đồng hồ máy này đang sai ({ $local }). Việc đã nhập không bị ảnh hưởng, nhưng nên chỉnh lại.
status-forked = Sau vị trí { $at } máy này đã bị đưa về bản cũ, hoặc là bản sao: những việc nhập từ đó mang mã máy { $author }.
status-last = Lần trao đổi gần nhất kết thúc với: { $state } (như vậy từ { $since }, { $times } lần liền, gần nhất { $at }).
status-all-is-well = Không cần làm gì.
scope-in-step = đủ
scope-filling = đang nạp
scope-withdrawn = không còn được giao

# Hồ sơ
record-added = Đã ghi { $kind } { $id }.
record-asked-for = Đã gửi đề nghị { $kind } { $id }: tỉnh phê duyệt thì mới có hiệu lực.
edit-changed = Đã sửa: { $fields }.
edit-requested = Chờ tỉnh phê duyệt: { $fields }.
edit-unchanged = Đã có giá trị này từ trước: { $fields }.
edit-act = Việc số { $act } (hoàn tác: dongbo-node undo { $act }).
show-title = { $kind } { $id } · { $home }
show-pending = chưa gửi
show-other = giá trị khác
list-count = { $count } hồ sơ.
history-created = tạo hồ sơ
history-retracts = hoàn tác { $act }
history-retracted = đã hoàn tác
history-partial = Đây chỉ là các việc của máy này; lịch sử đầy đủ cần có mạng.
fate-unsent = chưa gửi
fate-merged = đã vào sổ của tỉnh
fate-held = chờ tỉnh xem xét
fate-refused = tỉnh từ chối
conflicts-none = Không có trường nào có nhiều giá trị khác nhau.
conflicts-count = { $count } trường cần chọn. Mũi tên chỉ giá trị đang hiện. Chọn: dongbo-node conflicts settle MÃ-HỒ-SƠ --take VIỆC
undo-done = Đã hoàn tác { $count } việc. Giá trị trước đó trở lại; tỉnh sẽ biết ở lần trao đổi tới.
inbox-waiting = Các việc tỉnh đang giữ hoặc đã từ chối:
inbox-outcomes = Tỉnh đã trả lời thêm:
inbox-empty = Tỉnh chưa trả lời gì thêm.
col-code = Mã
col-name = Tên
col-state = Tình trạng
col-field = Trường
col-value = Giá trị
col-since = Từ lúc
col-when = Lúc
col-who = Ai
col-what = Làm gì
col-fate = Kết quả
col-record = Hồ sơ
col-act = Việc
col-number = Số
col-reason = Lý do
col-revision = Lần
col-digest = Số đối chiếu

# Nhập, xuất, SQL
import-done = Đã đọc { $rows } dòng: thêm { $added }, sửa { $changed }, không đổi { $unchanged }, chờ tỉnh duyệt { $requested }.
import-job = Lần nhập { $job } (hoàn tác cả lần: dongbo-node undo { $job }).
import-fault = Dòng { $row }, cột { $column }: { $why }
import-report = Báo cáo đầy đủ các dòng sai: { $file }
export-done = Đã xuất { $count } hồ sơ ra { $file }. Tệp chứa dữ liệu cá nhân: hãy giữ kín.
sql-hint = Mỗi dòng một câu lệnh chỉ đọc; Ctrl-D để thoát.
row-not-an-object = không phải một đối tượng JSON
row-not-utf8 = không phải UTF-8
row-too-long = dòng quá dài
row-unknown-kind = thiếu hoặc sai loại hồ sơ
row-reference = loại này do tỉnh ghi
row-unknown-field = không có trường này
row-unknown-field-near = không có trường này; có phải { $near }?
row-never-written = trường này do hệ thống tính
row-unknown-code = không có tổ chức hay thôn nào đang hoạt động có mã này
row-ambiguous-code = nhiều tổ chức có cùng mã này
row-given-twice = trường được cho hai lần
row-repeated-id = mã hồ sơ đã có ở dòng trước
row-bad-version = phiên bản không đúng dạng của tệp xuất
row-foreign-scope = tổ chức này thuộc phạm vi mà máy không giữ
row-which-scope = không rõ hồ sơ thuộc phạm vi nào; cần mã chi bộ
row-missing = hồ sơ mới phải có trường này

# Kiểm tra
verify-sound = Không thấy gì sai.
verify-found = { $count } điều không đúng. Đừng sửa bằng tay, đừng xóa gì; hãy báo cho tỉnh. Với mã mời lại chính máy này, dữ liệu được dựng lại: dongbo-node salvage --code …
found-page = trang { $where } của tệp dữ liệu bị hỏng
found-tree = cấu trúc tệp dữ liệu không đúng ({ $where })
found-damaged = dữ liệu tự mâu thuẫn ở { $where }
found-journal = sổ việc bị sửa hoặc đứt ở vị trí { $where }
found-inbox-gap = hộp trả lời thiếu ở { $where }
found-equation = phương trình không khớp ({ $where })
found-receipt = biên nhận không đúng chữ ký của tỉnh ({ $where })
found-checkpoint = xác nhận của tỉnh không đúng chữ ký ({ $where })
found-digest = số đối chiếu của phạm vi { $where } không khớp với hồ sơ
found-record = hồ sơ { $where } không đọc được hoặc không đúng dạng
found-view = hồ sơ { $where } không đúng với sổ việc
found-search = chỉ mục tìm kiếm không khớp ({ $where })
found-contested = danh sách xung đột không khớp ({ $where })
found-outbox-torn = sổ gửi bị cắt cuối ({ $where })
found-outbox-row = một dòng của sổ gửi không mở được ({ $where })
found-outbox-chain = sổ gửi không nối với sổ việc ({ $where })
found-outbox-behind = sổ gửi thiếu việc sau { $where }

# Mật khẩu
ask-passphrase = Mật khẩu:
ask-passphrase-again = Gõ lại mật khẩu:
ask-new-passphrase = Mật khẩu mới (ít nhất { $min } ký tự). Quên mật khẩu thì không ai mở được dữ liệu ở máy này.
key-missing = Không thấy tệp khóa trong { $dir }. Dữ liệu còn đó nhưng không mở được; hãy đưa tệp khóa về chỗ cũ.
key-exists = Đã có tệp khóa trong { $dir }. Không ghi đè; hãy dùng thư mục khác.
key-too-open = Tệp khóa trong { $dir } cho người khác đọc (quyền { $mode }). Chưa mở gì; hãy chạy: chmod 600 { $dir }/key
key-damaged = Tệp khóa trong { $dir } bị hỏng (dòng { $what }). Dữ liệu còn nguyên; hãy lấy lại bản sao của tệp khóa.
key-newer = Tệp khóa do phiên bản mới hơn ghi (dạng { $found }). Không đụng tới gì; hãy cập nhật chương trình.
key-wrong-passphrase = Sai mật khẩu. Dữ liệu không bị đụng tới; hãy thử lại.
key-needs-passphrase = Dữ liệu được bảo vệ bằng mật khẩu. Hãy cho --passphrase-file hoặc gõ ở cửa sổ lệnh.
key-passphrase-short = Mật khẩu quá ngắn. Chưa đổi gì; hãy chọn mật khẩu dài hơn.

# Lưu trữ
db-missing = Không thấy tệp dữ liệu trong { $dir }. Hãy xem lại thư mục; nếu tệp đã mất, hãy xin tỉnh mã mời lại chính máy này rồi chạy: dongbo-node salvage --code …
db-newer = Dữ liệu do phiên bản mới hơn ghi (số { $found }, chương trình này biết đến { $known }). Không đụng tới gì; hãy cập nhật chương trình.
db-damaged = Tệp dữ liệu trong { $dir } bị hỏng. Việc chưa gửi vẫn còn trong outbox.log; đừng xóa gì. Hãy xin tỉnh mã mời lại chính máy này rồi chạy: dongbo-node salvage --code …
db-wrong-key = Tệp dữ liệu và tệp khóa trong { $dir } không thuộc về nhau. Không đụng tới gì; hãy lấy đúng tệp khóa.
db-not-ours = Tệp dữ liệu trong { $dir } không phải của chương trình này. Không đụng tới gì; hãy xem lại thư mục.
db-no-cipher = Chương trình này được dựng thiếu mã hóa và không được dùng. Hãy cài bản đúng.
db-contradicts = Dữ liệu tự mâu thuẫn ở { $what }. Không ghi gì thêm, không xóa gì; hãy chạy verify, xin tỉnh mã mời lại chính máy này rồi chạy: dongbo-node salvage --code …
db-rewound = Dữ liệu ở đây đã bị đưa về bản cũ (sổ việc dừng ở { $journal }, sổ gửi từ { $outbox }). Không ghi gì thêm; hãy xin tỉnh mã mời lại chính máy này rồi chạy: dongbo-node salvage --code …
db-unsalvageable = Thiếu việc từ { $from } đến { $to }: tỉnh không giữ, ở đây cũng không đọc được. Không đụng tới gì; hãy giữ nguyên thư mục và báo cho tỉnh.
disk-full = Hết chỗ trên ổ đĩa. Việc vừa làm chưa được lưu, mọi thứ trước đó còn nguyên; hãy dọn chỗ rồi làm lại.
disk-read-only = Không được phép ghi vào { $dir }. Chưa lưu gì; hãy xem quyền của thư mục.
disk-fault = Không đọc hoặc ghi được tệp ({ $why }). Việc vừa làm chưa được lưu; hãy kiểm tra ổ đĩa.
file-missing = Không thấy tệp này. Chưa làm gì; hãy xem lại tên tệp.
dir-busy = Thư mục { $dir } đang được tiến trình { $pid } dùng ({ $purpose }). Chưa làm gì; hãy đợi rồi thử lại.
dir-busy-unknown = Dữ liệu đang được một tiến trình khác dùng. Chưa làm gì; hãy đợi rồi thử lại.

# Điều người dùng cho vào
err-not-joined = Thư mục { $dir } chưa gia nhập tỉnh nào. Hãy chạy: dongbo-node join --data { $dir } --server … --code …
err-already-joined = Thư mục { $dir } đã có dữ liệu của một máy. Không đụng tới gì; hãy dùng thư mục khác.
err-not-damaged = Dữ liệu trong { $dir } không hỏng, nên không có gì phải dựng lại. Không đụng tới gì, mã mời chưa dùng.
err-identity-damaged = Tệp identity trong { $dir } bị hỏng hoặc không thuộc tệp khóa này. Dữ liệu còn nguyên; hãy lấy lại bản sao của tệp.
err-node-key = Máy không tạo hoặc không dùng được khóa của mình. Chưa làm gì; hãy thử lại.
err-certificate = Chứng thư giữ ở đây không dùng được. Dữ liệu còn nguyên; hãy xin tỉnh mời lại.
err-unknown-kind = Không có loại hồ sơ này. Chưa lưu gì.
err-unknown-kind-near = Không có loại hồ sơ này; có phải { $near }? Chưa lưu gì.
err-unknown-field = { $kind } không có trường { $field }. Chưa lưu gì; xem danh sách trường trong proto/docs/FIELDS.md.
err-unknown-field-near = { $kind } không có trường { $field }; có phải { $near }? Chưa lưu gì.
err-not-a-pair = Phải viết trường=giá trị, ví dụ --set phone=0000123456. Chưa lưu gì.
err-given-twice = Trường { $field } được cho hai lần. Chưa lưu gì.
err-invalid = Trường { $field }: { $why }. Chưa lưu gì; hãy sửa rồi làm lại.
err-missing = Hồ sơ mới còn thiếu: { $fields }. Chưa lưu gì.
err-never-written = Trường { $field } do hệ thống tính, không ghi bằng tay. Chưa lưu gì.
err-reference = { $kind } do tỉnh ghi. Chưa lưu gì; hãy đề nghị tỉnh.
err-in-conflict = Trường { $field } đang có { $count } giá trị khác nhau. Chưa lưu gì; xem bằng conflicts show, rồi thêm --settle nếu giá trị này thay tất cả.
err-nothing-to-settle = Không có giá trị nào như vậy đang chờ chọn. Chưa lưu gì.
err-bad-id = Đây không phải mã hồ sơ hay mã việc. Chưa làm gì.
err-not-found = Không có hồ sơ { $id } ở máy này.
err-record-exists = Hồ sơ { $id } đã có ở máy này. Chưa lưu gì.
err-unknown-scope = Máy này không giữ phạm vi { $code }. Chưa lưu gì.
err-which-scope = Máy này giữ nhiều phạm vi ({ $codes }). Chưa lưu gì; hãy thêm --unit hoặc --scope.
err-unknown-code = Không có { $kind } nào đang hoạt động có mã { $code }. Chưa lưu gì.
err-ambiguous-code = Nhiều { $kind } có cùng mã { $code }. Chưa lưu gì; hãy dùng mã hồ sơ.
err-nothing-to-undo = Không có việc nào để hoàn tác.
err-not-undoable = Việc này không phải của máy này hoặc không hoàn tác được. Chưa làm gì.
err-already-undone = Việc { $act } đã được hoàn tác từ trước.
err-bad-rows = { $count } dòng sai, nên không nhập dòng nào. Hãy sửa tệp, hoặc thêm --good-rows để nhập các dòng đúng.
err-not-savable = Việc này không lưu được: { $why }. Chưa lưu gì.
err-not-read-only = Chỉ nhận câu lệnh chỉ đọc (SELECT, WITH, EXPLAIN, VALUES).
err-statement = Câu lệnh không hiểu được: { $why }
err-word = Lời của máy chủ không khớp với những gì nó đã ký trước đây ({ $why }). Không có gì bị ghi đè; hãy báo cho tỉnh.
err-unexpected = Lỗi không lường trước. Mọi thứ đã lưu vẫn còn; hãy chạy verify và báo cho tỉnh.

# Thẻ nhớ
bundle-exported = Đã ghi { $acts } việc vào { $path }. Hãy mang tới tỉnh (dongbo-server bundle import), rồi nhập gói trả lời ở máy này.
bundle-left = Còn { $count } việc chưa vừa trong gói. Không mất gì; sau khi nhập gói trả lời, hãy xuất thêm gói nữa.
bundle-asked = Đã ghi yêu cầu gia nhập vào { $path }. Hãy mang tới tỉnh (dongbo-server bundle import), rồi nhập gói trả lời ở máy này. Tới lúc đó hãy giữ nguyên thư mục { $dir }.
bundle-taken = { $records } hồ sơ thay đổi ở đây (đọc { $down }).
bundle-more = Đã nhận mọi thứ có trong gói trả lời, nhưng chưa hết. Không mất gì; hãy xuất gói mới (dongbo-node bundle export) và mang tới tỉnh lần nữa.
bundle-card-kept = Đã giữ danh thiếp của tỉnh. Bây giờ có thể xuất gói: dongbo-node bundle export
bundle-old-answer = Gói trả lời này cũ hơn những gì máy đang có: máy đã trao đổi với tỉnh sau khi xuất gói đó. Không có gì thay đổi, không mất gì. Nếu còn việc chưa gửi, hãy xuất gói mới.
bundle-no-card = Máy này chưa có danh thiếp của tỉnh nên chưa niêm phong được gói. Chưa có gì được ghi. Hãy lấy danh thiếp ở tỉnh (dongbo-server bundle card) và thêm --card.
