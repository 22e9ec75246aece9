# Why an act was held or refused
reason-needs-approval = needs the province's approval: this field is not edited freely
reason-not-writable = this office may not write this field
reason-unknown-record = the province does not hold this record
reason-creation-held = the creation of this record is held
reason-needs-newer-server = the server must be upgraded to read this
reason-deliver-only = this machine may only deliver
reason-record-left = the record has left this office
reason-over-limit = over a limit
reason-invalid-value = a value is not valid
reason-refused-by-province = refused by the province
reason-province-only = only the province may do this
# Why an exchange stops
stop-unknown-node = The server does not know this machine. Everything here is kept. Ask the province for a new invitation.
stop-forked = Two copies of this machine have written different things (a cloned disk or an old backup). Everything is kept. Call the province.
stop-bad-batch = The server did not get the data intact. Everything here is kept and will be sent again.
stop-bad-frame = The two sides do not understand each other (perhaps different versions). Everything is kept; update the program.
stop-busy = The server is busy. Everything here is kept; it will be tried again later.
stop-storage = The server cannot write (perhaps its disk is full). Everything here is kept; tell the province.
stop-revoked = This machine was revoked. What was saved here is still delivered and waits for the province.
# Why a file on a stick is not taken
stick-not-ours = This file is not a bundle of dongbo. Nothing was changed. Look whether it is the right file.
stick-newer = This bundle was written by a newer version. Nothing was changed. Update the program, then import it again.
stick-torn = This bundle is not whole: the copy was cut off or the stick is damaged. Nothing was changed. Copy it again, or export it again.
stick-too-large = This bundle is larger than any that is written. Nothing was changed. Look whether it is the right file.
stick-forged = This bundle was changed on its way, or was not written by the one that it names. Nothing was changed. Export it again, and carry it yourself.
stick-wrong-way = This bundle goes the other way: it is not one that this side imports. Nothing was changed. Take the other file.
stick-other-province = This bundle is for another province. Nothing was changed. Take it to the one that it is for.
stick-other-node = This bundle is for another machine. Nothing was changed. Take it to the machine that exported the request.
stick-not-opened = This bundle does not open here: it was sealed for another key, or changed on its way. Nothing was changed. Export it again; if it still does not open, fetch a fresh card of the province.
# Which rule a value breaks (never the value)
invalid-required = must not be empty
invalid-too-long = longer than { $max } characters
invalid-invisible = has characters that cannot be seen (control, zero-width, direction)
invalid-not-normal = not in Unicode normal form NFC
invalid-not-digits = must be { $min } to { $max } digits
invalid-not-a-date = not an existing date (write dd/mm/yyyy, mm/yyyy or yyyy-mm-dd)
invalid-not-a-full-date = day, month and year are needed
invalid-future = a date in the future
invalid-unknown-code = not in the table of codes
invalid-not-a-number = not a whole number
invalid-out-of-range = must be { $min } to { $max }
invalid-not-a-bool = must be yes or no
invalid-not-an-id = not the id of a record
invalid-wrong-type = wrong type of value
# What to look at again in a record
flag-official-too-early = official before 12 months of probation
flag-admitted-under-age = admitted under 18
flag-future-date = a date in the future
flag-decision-after-ceremony = decision to admit after the ceremony
flag-dates-equal = decision and ceremony on the same day
flag-party-age-assumed = date of decision unknown, party age counted from the ceremony
flag-ends-before-start = ends before it starts
flag-implausible-age = an improbable age
flag-foreign-letter = a name with a letter that is not Latin
flag-card-number-length = card number with neither 8 nor 12 digits
