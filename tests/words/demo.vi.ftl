title = Đồng Bộ · một tỉnh trong hộp
subtitle = Máy chủ thật, máy xã thật, TLS thật; người là mô phỏng. { $size }, hạt giống { $seed }.
size-full = Cả tỉnh
size-tenth = Một phần mười tỉnh
size-hundredth = Một phần trăm tỉnh
trouble = Câu chuyện không đi tiếp được:

wait-binaries = Tìm và dựng hai chương trình
wait-province = Lập tỉnh: danh mục đơn vị, khóa, chứng thư
wait-join = Các máy tham gia
wait-import = Các đơn vị nhập danh sách
wait-province-import = Tỉnh nhập danh sách các đơn vị còn lại
wait-exchange = Các máy trao đổi với tỉnh
wait-edits = Các đơn vị sửa hồ sơ
wait-look = Xem từng máy
wait-verify = Kiểm tra từng máy
wait-verify-province = Kiểm tra tỉnh

chapter-province = Lập tỉnh
province-made = Một tỉnh mô phỏng: { $members } đảng viên, { $units } tổ chức đảng, trong đó { $scopes } tổ chức cơ sở.
province-serves = Máy chủ của tỉnh đang nghe ở { $address }, chỉ TLS 1.3, chứng thư do tỉnh tự cấp.

chapter-load = Các máy tham gia và nạp danh sách
load-joined = { $n } máy đã tham gia, mỗi máy bằng một mã dùng một lần; một đơn vị có hai máy.
load-offices = { $offices } đơn vị nhập danh sách của mình: { $records } hồ sơ. { $away } đơn vị nhập khi chưa có mạng.
load-rest = Tỉnh nhập { $files } tệp của các đơn vị chưa có máy: { $records } hồ sơ.
load-sent = Có mạng: { $acts } việc được gửi lên tỉnh.

chapter-away = Mất mạng, vẫn làm việc
away-pulled = Mọi đường dây đều bị rút.
away-edits = Mỗi máy sửa { $n } hồ sơ; lưu ngay tại chỗ, không đợi ai.
away-added = { $office } thêm một đảng viên mới.
away-rivals = { $office } có hai máy: lan ghi điện thoại { $first }, minh ghi { $second } cho cùng một người; lan còn ghi thư điện tử, minh ghi đơn vị công tác.

chapter-back = Có mạng trở lại
back-moved = { $acts } việc được gửi lên và gộp.
back-merged = Hai trường khác nhau của cùng một người: cả hai đều được giữ, ở cả hai máy.
back-conflict = Cùng một trường: { $winner } được hiện (ghi sau), { $other } được giữ lại, và được liệt kê là xung đột ở cả hai máy và ở tỉnh.

chapter-settle = Giải quyết xung đột ở xã
settle-asked = Sửa một trường đang xung đột thì bị hỏi lại: phải chọn, không ai ghi đè mà không biết.
settle-live = minh chọn { $value }; máy kia đang nối mạng thấy sau { $s } giây.
settle-everywhere = Hết xung đột ở mọi nơi.

chapter-clocks = Hai chiếc đồng hồ sai
clocks-2035 = Máy có đồng hồ 2035 ghi { $value } và gửi lên.
clocks-1999 = Máy có đồng hồ 1999 đã thấy giá trị ấy, ghi { $value }.
clocks-done = Ai đã thấy thì người ấy đúng: giá trị của máy 1999 thay giá trị của máy 2035. Không việc nào mắc lại.

chapter-request = Điều chỉ tỉnh được quyết
request-held = { $office } xin sửa họ tên khai sinh. Việc { $act } chờ tỉnh; tên cũ vẫn hiện.
request-approved = Tỉnh phê duyệt theo { $grounds }; tên mới hiện ở tỉnh và ở xã.

chapter-mistake = Nhập nhầm, rút lại
mistake-imported = { $office } nhập nhầm một danh sách { $n } người, và đã gửi lên tỉnh.
mistake-undone = Một lệnh rút lại cả { $n }; xã và tỉnh trở về như trước.

restore-backup = Tỉnh sao lưu khi máy chủ đang chạy.
chapter-crash = Mất điện giữa chừng
crash-server = Máy chủ bị kill -9 khi đang nhận một danh sách, và chạy lại sau { $s } giây. Máy xã thấy dây đứt và tự thử lại (mã thoát { $code }).
crash-server-done = Cả { $n } người trong danh sách đều có ở tỉnh, mỗi người một lần.
crash-download = Dây đứt khi máy kia đang nhận { $n } người ấy: không ai thấy nửa danh sách; nối lại thì có đủ.
crash-node = Máy xã bị kill -9 khi đang gửi { $n } việc đã báo là đã lưu: cả { $n } việc đều còn và đến tỉnh.

chapter-restore = Đĩa của tỉnh hỏng
restore-old = Khôi phục từ bản sao lưu cũ: còn { $n } đảng viên, thiếu { $lost }.
restore-brought = Các xã gửi lại { $acts } việc mà tỉnh đã mất; mọi máy lại khớp.

chapter-revoke = Một máy bị mất
revoke-cut = Tỉnh thu hồi máy của { $office } khi nó đang nối mạng: bị cắt sau { $s } giây (mã { $code }).
revoke-held = Những gì máy ấy ghi vẫn được nhận và chờ tỉnh xem; không có gì được gửi xuống nữa.

chapter-audit = Đối chiếu lời hứa

picture-province = TỈNH
picture-second = (máy 2)
picture-members = { $n } hồ sơ
picture-unsent = { $n } việc chưa gửi
picture-in-step = khớp với tỉnh
picture-behind = chưa khớp
picture-conflicts = { $n } xung đột
picture-held = { $n } việc chờ tỉnh

column-promise = Lời hứa
column-how = Kiểm bằng cách
column-found = Thấy
column-kept = Giữ
found-broken = không giữ được
found-nothing = chưa kiểm được

promise-1 = 1 · Bền
promise-2 = 2 · Không mất gì
promise-3 = 3 · Khớp
promise-4 = 4 · Biết hơn giờ
promise-5 = 5 · Một lần
promise-6 = 6 · Trọn vẹn
promise-7 = 7 · Chỉ điều cần biết
promise-8 = 8 · Có trách nhiệm
promise-9 = 9 · Tự lành
check-server-killed = kill -9 máy chủ giữa một cuộc trao đổi
check-node-killed = kill -9 máy xã khi đang gửi
check-equation = Đã nhập = ở tỉnh + chờ + bị từ chối + chưa gửi, từng máy
check-both-values = Hai giá trị xung đột đều có trong lịch sử
check-in-step = Mã kiểm của từng phạm vi, máy xã so với tỉnh
check-clocks = Máy 1999 thay điều máy 2035 ghi
check-once = Trao đổi lần nữa khi không có gì mới
check-whole = Cắt dây giữa lúc nhận một danh sách
check-need-to-know = Tìm hồ sơ của đơn vị khác trong từng máy
check-revoked = Thu hồi một máy đang nối mạng
check-named = Ai, vì sao, trong lịch sử của hồ sơ
check-verified = verify ở tỉnh và ở từng máy
check-tampering = Đổi một byte trong bản sao của xã và của tỉnh
check-restored = Khôi phục tỉnh từ bản sao lưu cũ
found-server-killed = { $n } của { $n } người, mỗi người một lần
found-node-killed = { $n } của { $n } việc
found-equation = { $acts } việc trên { $n } máy, đúng cả
found-both-values = cả hai, trong { $n } dòng
found-in-step = { $n } máy, bằng nhau
found-clocks = đúng ở cả ba nơi, không việc nào mắc
found-once = nhiều nhất { $bytes } byte
found-whole = 0 rồi { $n }, không có ở giữa
found-need-to-know = { $n } hồ sơ, không của ai khác
found-revoked = cắt sau { $s } giây, việc được giữ
found-named = { $n } dòng có tên, { $grounds }
found-verified = tỉnh và { $n } máy, không lỗi
found-tampering = cả hai bị phát hiện
found-restored = { $acts } việc được gửi lại
curtain-kept = Mọi lời hứa đều được giữ, trong { $s } giây.
curtain-broken = Có lời hứa không giữ được (sau { $s } giây); xem dòng ✗.

chapter-stay = Tỉnh vẫn chạy
stay-up = Máy chủ vẫn nghe ở { $address }. Các lệnh để thử (thêm --lang en nếu muốn):
stay-enter = Nhấn Enter để kết thúc; mọi thứ sẽ được dọn.
