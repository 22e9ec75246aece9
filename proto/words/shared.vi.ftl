# Lý do một việc được giữ lại hoặc bị từ chối
reason-needs-approval = cần tỉnh phê duyệt vì trường này không được tự sửa
reason-not-writable = đơn vị không được ghi trường này
reason-unknown-record = tỉnh chưa có hồ sơ này
reason-creation-held = việc tạo hồ sơ này đang được giữ lại
reason-needs-newer-server = máy chủ cần được nâng cấp để đọc việc này
reason-deliver-only = máy này chỉ được nộp, không được nhận
reason-record-left = hồ sơ đã chuyển khỏi đơn vị
reason-over-limit = vượt quá giới hạn
reason-invalid-value = có giá trị không hợp lệ
reason-refused-by-province = tỉnh từ chối
reason-province-only = chỉ tỉnh được làm việc này
# Vì sao cuộc trao đổi dừng
stop-unknown-node = Máy chủ không biết máy này. Dữ liệu tại đây còn nguyên. Xin tỉnh cấp mã mời mới.
stop-forked = Hai bản của máy này đã ghi khác nhau (sao chép đĩa hoặc khôi phục bản cũ). Dữ liệu còn nguyên. Xin liên hệ tỉnh.
stop-bad-batch = Máy chủ không nhận được gói dữ liệu nguyên vẹn. Dữ liệu tại đây còn nguyên; lần sau sẽ gửi lại.
stop-bad-frame = Hai bên không hiểu nhau (có thể khác phiên bản). Dữ liệu còn nguyên; xin cập nhật chương trình.
stop-busy = Máy chủ đang bận. Dữ liệu tại đây còn nguyên; sẽ thử lại sau.
stop-storage = Máy chủ không ghi được (có thể đầy đĩa). Dữ liệu tại đây còn nguyên; xin báo tỉnh.
stop-revoked = Máy này đã bị thu hồi. Những việc đã ghi vẫn được nộp và chờ tỉnh xem xét.
# Vì sao một gói trên thẻ nhớ không được nhận
stick-not-ours = Tệp này không phải gói của dongbo. Không có gì thay đổi. Hãy xem lại có đúng tệp không.
stick-newer = Gói này do phiên bản mới hơn ghi. Không có gì thay đổi. Hãy cập nhật chương trình rồi nhập lại.
stick-torn = Gói này không trọn vẹn: chép dở, hoặc thẻ nhớ hỏng. Không có gì thay đổi. Hãy chép lại hoặc xuất lại.
stick-too-large = Gói này lớn hơn mọi gói được ghi ra. Không có gì thay đổi. Hãy xem lại có đúng tệp không.
stick-forged = Gói này đã bị sửa trên đường, hoặc không phải do nơi ghi tên trên gói viết. Không có gì thay đổi. Hãy xuất lại và tự tay mang đi.
stick-wrong-way = Gói này đi chiều ngược lại, không phải gói để nhập ở bên này. Không có gì thay đổi. Hãy lấy tệp kia.
stick-other-province = Gói này dành cho tỉnh khác. Không có gì thay đổi. Hãy mang tới đúng tỉnh đó.
stick-other-node = Gói này dành cho máy khác. Không có gì thay đổi. Hãy mang tới máy đã xuất yêu cầu.
stick-not-opened = Gói này không mở được ở đây: nó được niêm phong cho khóa khác, hoặc đã bị sửa trên đường. Không có gì thay đổi. Hãy xuất lại; nếu vẫn không mở được, hãy lấy danh thiếp mới của tỉnh.
# Giá trị vi phạm quy tắc nào (không bao giờ nhắc lại giá trị)
invalid-required = không được để trống
invalid-too-long = dài quá { $max } ký tự
invalid-invisible = có ký tự không nhìn thấy được (ký tự điều khiển, khoảng trắng rỗng, đảo chiều chữ)
invalid-not-normal = chưa ở dạng chuẩn Unicode NFC
invalid-not-digits = phải là { $min } đến { $max } chữ số
invalid-not-a-date = không phải ngày có thật (viết dd/mm/yyyy, mm/yyyy hoặc yyyy-mm-dd)
invalid-not-a-full-date = cần đủ ngày, tháng, năm
invalid-future = ngày ở tương lai
invalid-unknown-code = không có trong danh mục mã
invalid-not-a-number = không phải số nguyên
invalid-out-of-range = phải từ { $min } đến { $max }
invalid-not-a-bool = phải là có hoặc không
invalid-not-an-id = không phải mã bản ghi
invalid-wrong-type = sai kiểu giá trị
# Điều cần xem lại trong hồ sơ
flag-official-too-early = ngày chính thức trước khi đủ 12 tháng dự bị
flag-admitted-under-age = vào Đảng khi chưa đủ 18 tuổi
flag-future-date = ngày ở tương lai
flag-decision-after-ceremony = quyết định kết nạp sau lễ kết nạp
flag-dates-equal = ngày quyết định trùng ngày kết nạp
flag-party-age-assumed = chưa có ngày quyết định kết nạp, tuổi đảng tạm tính từ lễ kết nạp
flag-ends-before-start = kết thúc trước khi bắt đầu
flag-implausible-age = tuổi khó có thật
flag-foreign-letter = họ tên có chữ cái không phải chữ Latinh
flag-card-number-length = số thẻ không đủ 8 hoặc 12 chữ số
