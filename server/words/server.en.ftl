# Sentences of the provincial server. Each fault says what happened, what was kept, what to do.

# Faults: data directory, key, disk
fault-no-data = Which data directory? Add --data DIR or set DONGBO_SERVER_DATA. Nothing was changed.
fault-no-province = { $path }: there is no province here. Nothing was changed. Check the path, or make one with init.
fault-province-exists = { $path }: there are files here already. They were left as they are. Choose a new directory for init.
fault-exists = { $path }: a file of this name is there and was left as it is. Choose another name, or --replace where the command has it.
fault-in-use = { $path }: process { $pid } ({ $purpose }) is using this directory. Nothing was changed. Stop that process and do it again.
fault-file-missing = { $path }: there is no such file. Nothing was changed. Check the path.
fault-file-too-large = { $path }: the file is larger than { $max } MB. Nothing was taken in. Divide the file.
fault-disk-full = { $path }: the disk is full. All that was saved before is kept; this write was not. Make room and do it again.
fault-read-only = { $path }: it may not be written. Nothing was changed. Check the permissions of the directory and who runs this.
fault-storage = { $path }: it cannot be read or written. All that was saved before is kept. Check the disk, then run verify.
fault-damaged = { $path }: the data is damaged. The file was left as it is. Write nothing more; restore the latest backup. Nodes will send again what it lacks.
fault-database-busy = { $path }: another process is writing. This was not written; do it again in a few minutes.
fault-database-missing = { $path }: the database is missing. If a restore was cut off, run restore again; the old file is beside it.
fault-newer-version = { $path }: a newer version wrote it. The file was left as it is. Update dongbo-server and do it again.
fault-not-a-database = { $path }: this is no database of the Đồng Bộ server. The file was left as it is. Check the path.
fault-wrong-key = { $path }: the key file does not open this database. Nothing was changed. Put the directory's own key file (key) back in its place.
fault-wrong-passphrase = { $path }: wrong passphrase. Nothing was changed. Try again with the right one.
fault-needs-passphrase = { $path }: the key is protected by a passphrase. Nothing was changed. Name its file with --passphrase-file.
fault-passphrase-too-short = The passphrase is too short (at least 8 characters). Nothing was made. Choose a longer one.
fault-key-missing = { $path }: the key file is missing. The data is whole and cannot be opened without it. Put back the key file that was kept with the backup.
fault-key-too-open = { $path }: others can read this key file. Nothing was opened. Run chmod 600 on it and do it again.
fault-key-damaged = { $path }: the key file is damaged. The data is whole. Put back the key file that was kept with the backup.
fault-authority = The province's keys or certificates cannot be used (ca.pem, ca.key, server.pem, server.key). The data is whole. Put these files back from where they are kept.
fault-certificate-unfit = A certificate cannot carry this: { $what }. Nothing was made. Change the province's name or --names.
fault-address = { $address } cannot be opened. The data is whole, the server does not run. The port may be in use; choose another.
fault-log-filter = The log level is not understood. The server does not run. A good one: --log info
fault-person = The person's name is empty, has characters that cannot be seen, or is longer than { $max } bytes. Nothing was changed.
fault-unexpected = Something unexpected happened. All that was saved before is kept. Run verify, and tell whoever looks after this machine.

# Faults: what was given
fault-bad-cell = { $path }, row { $row }, column { $column }: { $why }. Nothing of it was kept; correct it and do it again.
fault-row-length = { $path }, row { $row }: it has { $found } cells, { $wanted } are needed. Nothing was kept; correct the row and do it again.
fault-row-utf8 = { $path }, row { $row }: it is not UTF-8. Nothing was kept; save the file as CSV UTF-8 and do it again.
fault-row-malformed = { $path }, row { $row }: it cannot be read. Nothing was kept; correct it and do it again.
fault-table-empty = { $path }: the table has no rows. Nothing was made.
fault-column-missing = { $path }, row 1: the column { $column } is missing. Nothing was made; add it.
fault-no-scope = { $path }: there is no grassroots organisation, so there is no scope. Nothing was made; check the columns level and scope.
fault-import-none = { $bad } lines are wrong, { $good } are good. Nothing was taken in. Correct the lines above, or take the good ones with --keep-good.
fault-import-some = { $good } good lines were taken in; { $bad } wrong ones were left out. Correct those and import them by themselves.
why-code-twice = the code occurs twice
why-no-such-unit = there is no unit of this code
why-no-such-scope = there is no scope of this code
why-no-such-village = there is no village of this code
why-above-itself = the unit is above itself
why-not-json = not a JSON object
why-not-utf8 = not UTF-8
why-line-too-long = the line is too long
why-no-such-kind = there is no such kind of record
why-no-such-field = there is no such field
why-computed = this field is computed and cannot be given
why-no-such-record = the record that the line belongs to is not there
why-no-scope-of-unit = this unit belongs to no scope
why-id-twice = the id occurs twice in this import
why-record-exists = the province has this record already

# Faults: not found, not allowed
fault-no-such-scope = There is no scope { $code }. Nothing was changed. The command digest lists the codes.
fault-no-such-node = No node has the name or id { $node }. Nothing was changed. The command nodes lists them.
fault-several-nodes = Several nodes are called { $node }. Nothing was changed. Use one of the ids: { $ids }
fault-no-such-record = There is no record { $record }. Nothing was changed. Find it with record search.
fault-no-such-kind = There is no kind { $kind }. Kinds: { $kinds }
fault-no-such-field = The kind { $kind } has no field { $field }. Nothing was changed.
fault-computed-field = The field { $field } is computed and cannot be edited. Nothing was changed.
fault-field-twice = The field { $field } is set twice. Nothing was changed.
fault-bad-value = Field { $field }: { $why }. Nothing was changed; correct the value and do it again.
fault-set = --set FIELD=VALUE is needed. Nothing was changed.
fault-conflict = The field { $field } of record { $record } is in conflict. All its values are kept. Look with record show, then add --settle to settle it.
fault-grounds = The grounds are longer than { $max } bytes. Nothing was changed.
fault-reason = The reason is empty or longer than { $max } bytes. The act still waits.
fault-no-such-held = There is no held act { $act }. Nothing was changed. Look with held list.
fault-decided = The act { $act } was decided before. That decision stands.
fault-act-or-job = An act (AUTHOR:POSITION) or a job (UUID) is needed. Nothing was changed.
fault-no-such-act = There is no act { $id }. Nothing was changed.
fault-no-such-job = There is no job { $id }. Nothing was changed.
fault-place = One of --home, --guest with --as, or --leave is needed. Nothing was changed.
fault-place-reference = The reference belongs to every node and is not moved. Nothing was changed.
fault-undo-no-writes = The act { $act } writes no field (it places, decides or takes back), so it cannot be taken back. Nothing was changed. Use place, or write the right value.
fault-refused = It cannot be done: { $why }. Nothing was changed.
fault-unknown = There is no such thing ({ $what }). Nothing was changed.
fault-already = It is so already ({ $what }). Nothing was changed.
fault-too-many = Too many ({ $what }). Nothing was changed; divide it.
fault-sql = The SQL statement cannot be run. The data is unchanged.
fault-sql-writes = The command sql only reads. The data is unchanged.
fault-findings = { $count } things do not hold. Nothing was repaired. Copy everything as it is, and tell whoever looks after this machine.
fault-fleet-quiet = { $count } organisations have gone quiet for { $days } days. Nothing was changed. Call those offices; what they enter is not in the totals.

# init
init-done =
    Made { $province } in { $path }: { $units } units, { $villages } villages, { $scopes } scopes.
    Keep the files key, ca.key and server.key somewhere else too: without them a backup is of no use.
    Next: dongbo-server serve --data { $path } --listen 0.0.0.0:7443
init-ignored = Columns that were not used: { $columns }
progress-units = Writing the reference
# Nodes
nodes-none = There are no nodes yet.
nodes-invited = Invited and not yet here: { $name }, until { $expires }
standing-good = good
standing-revoked = revoked, may only deliver
revoke-done = Revoked { $name } ({ $author }). Its open connections are cut at once; what it delivers waits for the province.
revoke-before = { $name } ({ $author }) had been revoked before.
# status
status-province = { $province }
status-serving = The server runs (process { $pid })
status-not-serving = The server does not run
status-epoch = Epoch { $epoch } (number { $epochs })
status-went-back = ATTENTION: at { $at } this registry found that it had been put back from an older copy (node { $node } showed this server's own signature over what it lacks). A new epoch began. Communes send again what they had sent; what the province itself did in between must be looked for, and revocations since that copy made again.
status-scopes = Scopes: { $scopes }
status-kind = Records of kind { $kind }: { $live } live, { $void } void
status-acts = Acts: { $merged } merged, { $held } held, { $refused } refused
status-conflicts = Fields in conflict: { $conflicts }; rows with one natural key: { $twins }
status-nodes = Nodes: { $nodes }, of which { $heard } were heard within { $days } days
status-silent = Silent for { $days } days: { $name } ({ $author })
status-size = Size: { $size }
status-backup = Last backup: { $when }
status-no-backup = There was no backup yet. Run dongbo-server backup FILE.
status-states = What is the matter:
status-all-is-well = Nothing is the matter.
# fleet
fleet-heard = { $expected } organisations are expected, with { $machines } machines. Heard within { $days } days: { $heard }.
fleet-quiet = { $count } of { $expected } organisations have not been heard from for { $days } days: their { $members } members are as of that time, the oldest as of { $since }.
fleet-deliver-only = { $count } organisations have only machines that may only deliver: what they bring is held, and their { $members } members are as before.
fleet-no-machine = { $count } organisations have no machine: their { $members } members are as the province entered them.
fleet-behind = { $machines } machines said that they hold { $acts } acts which have not arrived here.
fleet-held = { $acts } acts wait for the province's decision and are in no total.
fleet-all-well = Nothing is the matter with any machine.
heard-lately = heard
heard-quiet = quiet
heard-deliver-only = may only deliver
heard-no-machine = no machine
# Tables
head-node = Node
head-name = Name
head-scopes = Scopes
head-standing = Standing
head-acts = Merged / held / refused
head-contact = Last contact
head-act = Act
head-person = Person
head-since = Since
head-why = Why
head-scope = Scope
head-revision = Revision
head-digest = Digest
head-record = Record
head-shown = Contents
head-members = Members
head-heard = Heard
head-behind = Acts not here
head-certificate = Certificate, days left
head-last-end = Last exchange
head-in-backup = In the backup
head-known = Known
head-again = To be sent again
conflicts-none = There are no conflicts.
conflicts-twins = Perhaps the same ({ $kind }): { $records }
digest-none = There are no scopes yet.
held-none = Nothing is held.
held-approved = Approved { $act } (decision { $by }). The office hears of it at its next exchange.
held-refused = Refused { $act } (decision { $by }). The office reads the reason at its next exchange.
records-none = There are no records.
fate-merged = merged
fate-held = held
fate-refused = refused
fate-retracted = taken back
history-grounds = grounds: { $grounds }
edit-done = Saved (act { $act }).
undo-done =
    { $acts ->
        [one] Took back one act.
       *[other] Took back { $acts } acts.
    } The values before return; history keeps everything.
place-home = Record { $record } now belongs to { $name } ({ $scope }).
place-guest = { $name } ({ $scope }) may now see record { $record }.
place-leave = { $name } ({ $scope }) no longer sees record { $record }; it leaves that replica at the next exchange.
# import
import-job = Import { $job } (take it back with: dongbo-server undo { $job })
import-done = Imported { $records } records ({ $kinds }) in { $acts } acts, job { $job }.
import-bad-cell = { $path }, row { $row }, column { $column }: { $why }
import-bad-line = { $path }, row { $row }: { $why }
import-more-bad = … and { $more } more wrong lines.
progress-reading = Reading files
progress-import = Importing
# verify
verify-sound = Everything holds.
verify-no-pages = The server runs, so the pages of the file were not checked one by one; run this again while it is stopped to check those too.
finding-store = The database file is damaged: { $detail }
finding-journal-gap = The journal lacks act { $detail }
finding-fork = A journal that goes on as another author's does not begin where they part: { $detail }
finding-author-head = The head of an author's journal does not hold: { $detail }
finding-author-counts = The count of an author's acts does not hold: { $detail }
finding-frame-unreadable = The journal cannot be read at { $detail }
finding-author-chain = The journal was changed at { $detail }: the chain does not hold
finding-signature = The journal was changed at { $detail }: the signature does not hold
finding-outcome = The fates of acts do not hold at { $detail }
finding-held-lost = A held act was lost: { $detail }
finding-held-not-in-journal = A held act is not in the journal: { $detail }
finding-feed-gap = A scope's feed is broken at { $detail }
finding-revision-lost = A revision was lost: { $detail }
finding-scope-chain = A scope's chain does not hold at { $detail }
finding-scope-head = A scope's last revision does not hold: { $detail }
finding-placement-without-record = A placement has no record: { $detail }
finding-placement-not-home = A placement does not agree with its record: { $detail }
finding-record-without-placement = A record has no placement: { $detail }
finding-digest = The digest does not agree with the records of scope { $detail }
finding-other = { $code }: { $detail }
# backup, restore
progress-backup = Backing up
progress-restore = Restoring
backup-done = Backed up to { $path } ({ $size }), verified.
backup-keys = Keys and certificates were copied to { $path }. Keep them somewhere else than the backup.
backup-keep-keys = Keep the files key, ca.pem, ca.key, server.pem and server.key somewhere too: without them a backup is of no use.
restore-done = Restored from { $path }. The new epoch is { $epoch }.
restore-aside = The old database is kept as { $path }.
restore-standing = { $lines } lines of revocations and spent codes were taken over from the old database.
restore-next = Next: run serve again. Nodes notice the new epoch and send again what the backup lacks. Invitations that nobody used are void.
# restore --rehearse
rehearse-no-live = The registry in use cannot be read: what came after this backup is not known here, but what machines had said by then. They will send again what they hold.
rehearse-again = { $machines } machines would send { $acts } acts again.
rehearse-later-backup = Of these, { $acts } acts are in a later backup, so that machines need not keep them: restore the later one if you have it.
rehearse-joined = Joined since this backup, to be invited again: { $names }
rehearse-revoked = Revoked since this backup, taken over by a restore beside this registry: { $names }
rehearse-lost = Nobody can send again { $acts } acts of the province itself:
rehearse-nothing-changed = This was a rehearsal. Nothing was changed.
# bundle
bundle-card = The province's card is written to { $path }. It holds no secret. Next: make a join code (invite), and tell it to the commune in another way.
bundle-done = The bundle of machine { $node } is taken in ({ $acts } acts). The answer: { $path }. Carry it back to that machine and run: dongbo-node bundle import
bundle-joined = Machine { $node } has joined. The answer: { $path }. Carry it back to that machine and run: dongbo-node bundle import
bundle-more = The answer does not hold everything: once it is imported, that machine must export and send one more bundle.
bundle-stopped = The answer says why the exchange stops: { $why }
bundle-same-file = The answer would replace the bundle itself ({ $path }). Nothing was changed. Choose another name.
bundle-unknown-code = This province does not know the join code in the bundle. Nothing was changed. Make a new code.
bundle-used-code = The join code in the bundle was used before. Nothing was changed. Make a new code.
bundle-expired-code = The join code in the bundle has expired. Nothing was changed. Make a new code.
bundle-author-taken = The machine's id is taken (chance, or a copied disk). Nothing was changed. Join again in a new directory.
bundle-refused = The province could not take this bundle in: { $why } Nothing was changed.
