title = Đồng Bộ · a province in a box
subtitle = A real server, real nodes, real TLS; the people are made up. { $size }, seed { $seed }.
size-full = A whole province
size-tenth = A tenth of a province
size-hundredth = A hundredth of a province
trouble = The story cannot go on:

wait-binaries = Finding and building the two programs
wait-province = Making the province: units, keys, authority
wait-join = Machines join
wait-import = Offices import their lists
wait-province-import = The province imports the lists of the others
wait-exchange = Machines exchange with the province
wait-edits = Offices edit records
wait-look = Looking at each machine
wait-verify = Verifying each machine
wait-verify-province = Verifying the province

chapter-province = Making the province
province-made = A simulated province: { $members } members in { $units } organisations, { $scopes } of them grassroots organisations.
province-serves = The provincial server listens on { $address }, TLS 1.3 only, with certificates of the province's own authority.

chapter-load = Machines join, lists come in
load-joined = { $n } machines have joined, each with a one-time code; one office has two.
load-offices = { $offices } offices import their own lists: { $records } records. { $away } of them have no link yet.
load-rest = The province imports { $files } files of offices without a machine: { $records } records.
load-sent = With a link: { $acts } acts are sent to the province.

chapter-away = No link, and at work
away-pulled = Every wire is pulled.
away-edits = Each machine edits { $n } records; saved on the spot, waiting for nobody.
away-added = { $office } adds a new member.
away-rivals = { $office } has two machines: lan writes telephone { $first }, minh writes { $second }, for the same person; lan writes an e-mail as well, minh an employer.

chapter-back = The links come back
back-moved = { $acts } acts are sent and merged.
back-merged = Two different fields of one person: both are kept, on both machines.
back-conflict = The same field: { $winner } is shown (written later), { $other } is kept, and listed as a conflict on both machines and at the province.

chapter-settle = A conflict is settled at a commune
settle-asked = An edit of a field in conflict is asked back: someone must choose, nobody overwrites what they did not see.
settle-live = minh chooses { $value }; the other machine, connected, shows it after { $s } s.
settle-everywhere = No conflict is left anywhere.

chapter-clocks = Two wrong clocks
clocks-2035 = The machine whose clock says 2035 writes { $value } and sends it.
clocks-1999 = The machine whose clock says 1999 has seen that, and writes { $value }.
clocks-done = Knowing beats time: what the machine in 1999 wrote replaces what the one in 2035 wrote. No act is stuck.

chapter-request = What only the province decides
request-held = { $office } asks for a correction of a birth name. Act { $act } waits for the province; the old name is still shown.
request-approved = The province approves, on the grounds of { $grounds }; the new name is shown at the province and at the commune.

chapter-mistake = A wrong import, taken back
mistake-imported = { $office } imports a wrong list of { $n } people and sends it.
mistake-undone = One command takes back all { $n }; commune and province are as before.

restore-backup = The province makes a backup while the server runs.
chapter-crash = The power goes
crash-server = The server is killed (kill -9) while it receives a list, and is back after { $s } s. The node notices, and tries again by itself (exit code { $code }).
crash-server-done = All { $n } people of the list are at the province, each of them once.
crash-download = The wire breaks while the other machine hears of those { $n }: nobody sees half a list; with the wire back all are there.
crash-node = A node is killed (kill -9) while it sends { $n } edits that it had said were saved: all { $n } are still there, and arrive.

chapter-restore = The province's disk dies
restore-old = Restored from the old backup: { $n } members, { $lost } are missing.
restore-brought = The communes send again { $acts } acts that the province had lost; all machines are in step again.

chapter-revoke = A machine is stolen
revoke-cut = The province revokes the machine of { $office } while it is connected: cut after { $s } s (exit code { $code }).
revoke-held = What it writes is still taken in and waits for the province; nothing comes down to it any more.

chapter-audit = The promises

picture-province = PROVINCE
picture-second = (machine 2)
picture-members = { $n } members
picture-unsent = { $n } acts not sent
picture-in-step = in step
picture-behind = behind
picture-conflicts = { $n } { $n ->
    [one] conflict
   *[other] conflicts
 }
picture-held = { $n } waiting for the province

column-promise = Promise
column-how = How it was checked
column-found = Found
column-kept = Kept
found-broken = not kept
found-nothing = not checked

promise-1 = 1 · Durable
promise-2 = 2 · Nothing is lost
promise-3 = 3 · In step
promise-4 = 4 · Knowing beats time
promise-5 = 5 · Once
promise-6 = 6 · Whole
promise-7 = 7 · Need to know
promise-8 = 8 · Accountable
promise-9 = 9 · Heals
check-server-killed = kill -9 of the server in the middle of an exchange
check-node-killed = kill -9 of a node while it sends
check-equation = Entered = at the province + held + refused + not sent, each machine
check-both-values = Both values of the conflict are in the history
check-in-step = Digests of each scope, node against province
check-clocks = The machine in 1999 replaces what the one in 2035 wrote
check-once = Another exchange with nothing new
check-whole = The wire cut while a list comes down
check-need-to-know = Records of other offices searched for on each machine
check-revoked = A connected machine is revoked
check-named = Who and why, in the record's history
check-verified = verify at the province and on each machine
check-tampering = One byte changed in a copy of a node and of the province
check-restored = The province restored from an old backup
found-server-killed = { $n } of { $n } people, each once
found-node-killed = { $n } of { $n } acts
found-equation = { $acts } acts on { $n } machines, all right
found-both-values = both, in { $n } lines
found-in-step = { $n } machines, equal
found-clocks = right in all three places, nothing stuck
found-once = { $bytes } bytes at most
found-whole = 0, then { $n }, nothing between
found-need-to-know = { $n } records, none of others
found-revoked = cut after { $s } s, its act is held
found-named = { $n } lines with names, { $grounds }
found-verified = the province and { $n } machines, nothing
found-tampering = both were found
found-restored = { $acts } acts sent again
curtain-kept = Every promise was kept, in { $s } s.
curtain-broken = A promise was not kept (after { $s } s); see the line with ✗.

chapter-stay = The province stays up
stay-up = The server still listens on { $address }. Commands to try:
stay-enter = Press Enter to end; everything is cleaned up.
