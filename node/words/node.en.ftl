# The node of a commune's office: every sentence for people. An error says what happened, what was kept, what to do.

# Joining
join-done = Joined { $province }. Scopes: { $scopes }.
join-first-sync-failed = The machine has joined, but the first exchange did not finish. Nothing is lost; run: dongbo-node sync
join-unknown-code = The province does not know this code. Nothing was made. Check the code or ask for a new one.
join-used-code = This code has let another machine in. Nothing was made. Ask the province for a new one.
join-expired-code = This code has expired. Nothing was made. Ask the province for a new one.
join-bad-request = The province could not read this machine's request (perhaps different versions). Nothing was made. Update the program.
join-author-taken = This machine's id is taken (chance, or a copied disk). Join once more.
join-too-many-tries = Too many tries from this address. Wait a few minutes and try again.
join-storage = The province's server cannot write at present. Try again later and tell the province.

# Salvage
salvage-done = The data were made anew; { $count } acts that were not sent are in them. The records come from the province.
salvage-aside = The old file is kept as: { $path }
salvage-first-sync-failed = The data were made anew, but the first exchange did not come to its end. Nothing is lost; run: dongbo-node sync
code-character = The code is wrong in group { $group }, character { $place }: not a letter or digit of a code. Type it again.
code-length = A code has 60 letters and digits after DB1; this one has { $found }. Type it in full.
code-checksum = At least one letter of the code is typed wrongly. Read it again group by group.
code-version = This code was made by a newer version. Update the program.

# Exchange
sync-in-step = In step with the province.
sync-moved = { $acts } acts sent, { $records } records changed here (up { $up }, down { $down }).
sync-refilled = { $count } scopes had another digest and were filled again.
sync-renewed = This machine's certificate was renewed.
sync-progress = sent { $acts } acts ({ $up }) · received { $records } records ({ $down })
sync-deliver-only = This machine may deliver and gets nothing. All that was entered has reached the province and waits there; ask to be invited again.
sync-rewound = The province holds more of this machine's acts than the machine does: its data were put back, or its disk was copied. Nothing was overwritten. One exchange by network sorts it out: dongbo-node sync
sync-went-back = The province's server no longer holds acts that it acknowledged: it was put back unannounced, and begins no new epoch though it was shown its own signature. All acts are here still; call the province.
sync-two-servers = This is not the server that this machine knows, nor does it descend from it. Everything here is kept; ask the province which server is real.
sync-diverged = Everything was sent, but digests differ even after filling again. Nothing is lost; run sync again, and tell the province if it stays so.
sync-confused = The server answered out of turn, or the two sides cannot agree on what was received. Everything here is kept; try again, and update the program if it stays so.
sync-waits-its-turn = The province serves others first. Everything here is kept; going on in { $seconds } seconds.
sync-come-back = The province serves others first and asks to come back in { $seconds } seconds. Who comes then goes before those who asked later.
watch-in-step = In step: { $acts } acts sent, { $records } records changed (up { $up }, down { $down }).
watch-waiting = Trying again in { $seconds } seconds.
watch-left = Stopped. Everything saved is kept.
link-unreachable = The province's server cannot be reached. Everything is saved here and will be sent when there is a link; check network and address.
link-cut = The link was cut. What was acknowledged is safe, the rest is still here; run sync again.
link-wrong-authority = The server that answered is not of this code's province. Nothing was sent; check address and code, or somebody stands between.
link-not-the-server = What answered has a certificate of the province but is not its server. Nothing was sent; check the address.
link-server-expired = The server's certificate has ended. Nothing was sent; tell the province.
link-refused = The server does not take this machine's certificate. Everything here is kept; ask the province to be invited again.
link-not-our-protocol = Something answers there, but not a server of Đồng Bộ. Nothing was sent; check address and port.
link-not-understood = The server's answer was not understood. Everything here is kept; perhaps the program needs an update.

# Status
status-who = { $province } · machine { $author } · server { $server }
status-equation = Entered here { $entered } acts = at the province { $merged } + held for review { $held } + refused { $refused } + not yet sent { $unsent }.
status-balances = It balances.
status-does-not-balance = IT DOES NOT BALANCE: run verify and tell the province.
status-contact = Last contact { $heard }; receipt signed by the province { $signed }.
status-no-receipt = No receipt of the province yet.
status-certificate = Certificate valid until { $ends } ({ $days } days left).
status-certificate-over = The certificate ended { $ends }; the next exchange renews it.
status-guarded-file = Protection: key file. Copies of the data are encrypted, but whoever takes the whole disk can read it; against theft set a passphrase: dongbo-node passphrase set
status-guarded-passphrase = Protection: passphrase. A stolen disk cannot be read.
status-clock-wrong = This computer's clock is wrong ({ $local }). What was entered is not affected, but it should be set right.
status-forked = Behind position { $at } this machine was put back to an older state, or is a copy: what was entered here since stands under the id { $author }.
status-last = The last exchange ended with: { $state } (so since { $since }, { $times } times in a row, last { $at }).
status-all-is-well = Nothing to do.
scope-in-step = complete
scope-filling = filling
scope-withdrawn = withdrawn

# Records
record-added = Entered { $kind } { $id }.
record-asked-for = Asked for { $kind } { $id }: it takes effect when the province approves.
edit-changed = Changed: { $fields }.
edit-requested = Waiting for the province's approval: { $fields }.
edit-unchanged = Had this value already: { $fields }.
edit-act = Act { $act } (take back: dongbo-node undo { $act }).
show-title = { $kind } { $id } · { $home }
show-pending = not yet sent
show-other = other value
list-count = { $count } records.
history-created = created
history-retracts = took back { $act }
history-retracted = taken back
history-partial = These are this machine's own acts only; the whole history needs a link.
fate-unsent = not yet sent
fate-merged = in the registry
fate-held = held for review
fate-refused = refused
conflicts-none = No field has several different values.
conflicts-count = { $count } fields to settle. The arrow marks the value that is shown. Settle: dongbo-node conflicts settle RECORD --take ACT
undo-done = { $count } acts taken back. The values before return; the province learns of it at the next exchange.
inbox-waiting = Acts that the province holds or has refused:
inbox-outcomes = What the province answered later:
inbox-empty = The province has answered nothing more.
col-code = Code
col-name = Name
col-state = State
col-field = Field
col-value = Value
col-since = Since
col-when = When
col-who = Who
col-what = What
col-fate = Outcome
col-record = Record
col-act = Act
col-number = No.
col-reason = Reason
col-revision = Revision
col-digest = Digest

# Import, export, SQL
import-done = { $rows } rows read: { $added } added, { $changed } changed, { $unchanged } unchanged, { $requested } waiting for approval.
import-job = Job { $job } (take all of it back: dongbo-node undo { $job }).
import-fault = Row { $row }, column { $column }: { $why }
import-report = Full report of the bad rows: { $file }
export-done = { $count } records written to { $file }. The file holds personal data: keep it safe.
sql-hint = One statement a line, reading only; Ctrl-D ends.
row-not-an-object = not a JSON object
row-not-utf8 = not UTF-8
row-too-long = the line is too long
row-unknown-kind = kind of record missing or unknown
row-reference = this kind is written by the province
row-unknown-field = no such field
row-unknown-field-near = no such field; perhaps { $near }?
row-never-written = this field is computed
row-unknown-code = no unit or village in force has this code
row-ambiguous-code = several units have this code
row-given-twice = the field is given twice
row-repeated-id = the id was in an earlier row
row-bad-version = the version is not as an export writes it
row-foreign-scope = this unit belongs to a scope that the machine does not hold
row-which-scope = nothing says which scope the record belongs to; give the unit's code
row-missing = a new record needs this field

# Verify
verify-sound = Nothing wrong was found.
verify-found = { $count } things do not hold. Do not mend them by hand, delete nothing; tell the province. With a code that invites this very machine again the data are made anew: dongbo-node salvage --code …
found-page = page { $where } of the data file is damaged
found-tree = the structure of the data file does not hold ({ $where })
found-damaged = the data contradict themselves at { $where }
found-journal = the journal was changed or broken at position { $where }
found-inbox-gap = the inbox has a gap at { $where }
found-equation = the equation does not balance ({ $where })
found-receipt = a receipt does not bear the province's signature ({ $where })
found-checkpoint = a checkpoint does not bear the province's signature ({ $where })
found-digest = the digest of scope { $where } does not match its records
found-record = record { $where } cannot be read or is malformed
found-view = record { $where } does not agree with the journal
found-search = the search index does not agree ({ $where })
found-contested = the list of conflicts does not agree ({ $where })
found-outbox-torn = the outbox is cut off at its end ({ $where })
found-outbox-row = a row of the outbox does not open ({ $where })
found-outbox-chain = the outbox does not follow the journal ({ $where })
found-outbox-behind = the outbox lacks acts after { $where }

# Passphrase
ask-passphrase = Passphrase:
ask-passphrase-again = The passphrase again:
ask-new-passphrase = New passphrase (at least { $min } characters). If it is forgotten, nobody can open the data on this machine.
key-missing = There is no key file in { $dir }. The data are there but do not open; put the key file back.
key-exists = There is a key file in { $dir } already. It is not overwritten; use another directory.
key-too-open = Others can read the key file in { $dir } (mode { $mode }). Nothing was opened; run: chmod 600 { $dir }/key
key-damaged = The key file in { $dir } is damaged (line { $what }). The data are untouched; bring a copy of the key file back.
key-newer = A newer version wrote the key file (format { $found }). Nothing was touched; update the program.
key-wrong-passphrase = Wrong passphrase. The data were not touched; try again.
key-needs-passphrase = The data are protected by a passphrase. Give --passphrase-file, or type it at a terminal.
key-passphrase-short = The passphrase is too short. Nothing was changed; choose a longer one.

# Storage
db-missing = There is no data file in { $dir }. Check the directory; if the file is lost, ask the province for a code that invites this very machine again, and run: dongbo-node salvage --code …
db-newer = A newer version wrote these data (number { $found }, this program knows { $known }). Nothing was touched; update the program.
db-damaged = The data file in { $dir } is damaged. Unsent acts are still in outbox.log; delete nothing. Ask the province for a code that invites this very machine again, and run: dongbo-node salvage --code …
db-wrong-key = Data file and key file in { $dir } do not belong together. Nothing was touched; bring the right key file.
db-not-ours = The data file in { $dir } is not of this program. Nothing was touched; check the directory.
db-no-cipher = This program was built without encryption and must not be used. Install the right build.
db-contradicts = The data contradict themselves at { $what }. Nothing more was written, nothing is deleted; run verify, ask the province for a code that invites this very machine again, and run: dongbo-node salvage --code …
db-rewound = The data here were put back (the journal ends at { $journal }, the outbox begins at { $outbox }). Nothing more was written; ask the province for a code that invites this very machine again, and run: dongbo-node salvage --code …
db-unsalvageable = Acts { $from } to { $to } are missing: neither the province has them, nor can they be read here. Nothing was touched; keep the directory as it is and tell the province.
disk-full = The disk is full. What was just done is not saved, everything before is intact; make room and do it again.
disk-read-only = { $dir } may not be written. Nothing was saved; check the directory's permissions.
disk-fault = A file could not be read or written ({ $why }). What was just done is not saved; check the disk.
file-missing = There is no such file. Nothing was done; check its name.
dir-busy = Process { $pid } is using { $dir } ({ $purpose }). Nothing was done; wait and try again.
dir-busy-unknown = Another process is using the data. Nothing was done; wait and try again.

# What a person gave
err-not-joined = { $dir } has not joined a province. Run: dongbo-node join --data { $dir } --server … --code …
err-already-joined = { $dir } holds the data of a machine already. Nothing was touched; use another directory.
err-not-damaged = The data in { $dir } are sound, so there is nothing to salvage. Nothing was touched, the code is not used.
err-identity-damaged = The file identity in { $dir } is damaged or not of this key file. The data are untouched; bring a copy of the file back.
err-node-key = The machine cannot make or use its own key. Nothing was done; try again.
err-certificate = The certificate kept here cannot be used. The data are untouched; ask the province to be invited again.
err-unknown-kind = There is no such kind of record. Nothing was saved.
err-unknown-kind-near = There is no such kind of record; perhaps { $near }? Nothing was saved.
err-unknown-field = { $kind } has no field { $field }. Nothing was saved; the fields are listed in proto/docs/FIELDS.md.
err-unknown-field-near = { $kind } has no field { $field }; perhaps { $near }? Nothing was saved.
err-not-a-pair = Write field=value, as in --set phone=0000123456. Nothing was saved.
err-given-twice = Field { $field } is given twice. Nothing was saved.
err-invalid = Field { $field }: { $why }. Nothing was saved; correct it and do it again.
err-missing = A new record still lacks: { $fields }. Nothing was saved.
err-never-written = Field { $field } is computed and never written by hand. Nothing was saved.
err-reference = { $kind } is written by the province. Nothing was saved; ask the province.
err-in-conflict = Field { $field } has { $count } different values. Nothing was saved; look with conflicts show, then add --settle if this value replaces them all.
err-nothing-to-settle = No such value waits to be settled. Nothing was saved.
err-bad-id = This is not the id of a record or an act. Nothing was done.
err-not-found = Record { $id } is not on this machine.
err-record-exists = Record { $id } is on this machine already. Nothing was saved.
err-unknown-scope = This machine does not hold scope { $code }. Nothing was saved.
err-which-scope = This machine holds several scopes ({ $codes }). Nothing was saved; add --unit or --scope.
err-unknown-code = No { $kind } in force has code { $code }. Nothing was saved.
err-ambiguous-code = Several of { $kind } have code { $code }. Nothing was saved; give the record's id.
err-nothing-to-undo = There is no act to take back.
err-not-undoable = This act is not of this machine or cannot be taken back. Nothing was done.
err-already-undone = Act { $act } was taken back before.
err-bad-rows = { $count } rows are bad, so none was read in. Correct the file, or add --good-rows to keep the good ones.
err-not-savable = This cannot be saved: { $why }. Nothing was saved.
err-not-read-only = Only statements that read are taken (SELECT, WITH, EXPLAIN, VALUES).
err-statement = The statement is not understood: { $why }
err-word = The server's word does not agree with what it signed before ({ $why }). Nothing was overwritten; tell the province.
err-unexpected = An unforeseen fault. Everything saved is kept; run verify and tell the province.

# The stick
bundle-exported = { $acts } acts are written to { $path }. Carry it to the province (dongbo-server bundle import), then import the answer on this machine.
bundle-left = { $count } acts found no room in the bundle. Nothing is lost; when the answer is imported, export one more.
bundle-asked = The request to join is written to { $path }. Carry it to the province (dongbo-server bundle import), then import the answer on this machine. Keep the directory { $dir } as it is until then.
bundle-taken = { $records } records changed here (read { $down }).
bundle-more = All that the answer held is taken in, but there is more. Nothing is lost; export another bundle (dongbo-node bundle export) and carry it to the province.
bundle-card-kept = The province's card is kept. Bundles can be exported now: dongbo-node bundle export
bundle-old-answer = This answer is older than what is here: the machine has exchanged with the province since it exported that bundle. Nothing was changed and nothing is lost. If something is still to be sent, export a new bundle.
bundle-no-card = This machine has no card of the province yet, so a bundle cannot be sealed. Nothing was written. Fetch the card from the province (dongbo-server bundle card) and add --card.
