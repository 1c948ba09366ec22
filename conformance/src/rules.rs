//! The rules of the specification. Made from `docs/spec/` by `cargo xtask spec --write`; not to be edited.

use crate::rule::{Django, Level, Need, Profile, Rule, RuleId};

/// Every rule, in the order of the specification.
pub static RULES: &[Rule] = &[
    Rule {
        id: "key.short",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "A key of fewer than eight characters counts as no key",
        text: "A session opened with such a key, or with an empty one, has no key: nothing is looked up in the store, and the first\nsave makes a new key. The length counts characters, not bytes.",
        django: Django::Same(""),
        page: "keys.md",
        golden: include_str!("../golden/key.short.jsonl"),
    },
    Rule {
        id: "key.unknown-not-adopted",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "A key that loads no record is never adopted",
        text: "A session may be opened with a well-formed but unknown key. Its first read finds nothing. From then on the session is\nempty and has no key, and saving it makes a new one. So a visitor cannot choose the key under which somebody else\nwill log in (session fixation).",
        django: Django::Same(""),
        page: "keys.md",
        golden: include_str!("../golden/key.unknown-not-adopted.jsonl"),
    },
    Rule {
        id: "key.unread-unchanged",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "A session keeps the key it was given until something is read",
        text: "Opening a session does not look its key up. The key that was given is the session's key until the first read decides\nabout it.",
        django: Django::Same(""),
        page: "keys.md",
        golden: include_str!("../golden/key.unread-unchanged.jsonl"),
    },
    Rule {
        id: "key.fresh",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "Every created session gets a key of its own that was never issued before",
        text: "",
        django: Django::Same(""),
        page: "keys.md",
        golden: include_str!("../golden/key.fresh.jsonl"),
    },
    Rule {
        id: "key.format",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[Need::ServerSide],
        title: "A created key has 32 characters from `a`–`z` and `0`–`9`",
        text: "That is 165 bits. Stores whose key *is* the data (signed cookies) have keys of another form.",
        django: Django::Same(""),
        page: "keys.md",
        golden: include_str!("../golden/key.format.jsonl"),
    },
    Rule {
        id: "key.collision",
        version: 2,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::HookForceKeys, Need::RefusingInsert],
        title: "A generated key that is already taken is skipped",
        text: "If the key generator proposes a key that already has a record, the new session gets another key, and the record stays\nas it is. The suite forces the collision; by chance it would take 2^82 sessions.",
        django: Django::Same(""),
        page: "keys.md",
        golden: include_str!("../golden/key.collision.jsonl"),
    },
    Rule {
        id: "key.exact",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "Keys are compared exactly",
        text: "A key in another case, cut short, padded with a space, or continued after a NUL is a different key, and an unknown\none.",
        django: Django::Same("on SQLite; a case-insensitive database collation breaks it"),
        page: "keys.md",
        golden: include_str!("../golden/key.exact.jsonl"),
    },
    Rule {
        id: "key.tampered",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ClientSide],
        title: "A key without a valid signature opens an empty session, without an error",
        text: "Where the key is the data, its signature shows whether the application made it. A key that was cut, changed, signed\nwith another secret or for another purpose, or made up by a visitor is logged as a security event. The session keeps\nthe key as it came until a save gives it a new one.",
        django: Django::Differs(
            "it also marks such a session modified, so the session is stored although nobody changed it",
        ),
        page: "keys.md",
        golden: include_str!("../golden/key.tampered.jsonl"),
    },
    Rule {
        id: "key.forged.salt",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ClientSide],
        title: "A value signed for another purpose is not a session",
        text: "Applications sign other things with the same secret: data in a database, links that reset a password. Each purpose has\na salt of its own. A visitor who gets such a value must not be able to use it as a session.",
        django: Django::Same(""),
        page: "keys.md",
        golden: include_str!("../golden/key.forged.salt.jsonl"),
    },
    Rule {
        id: "key.forged.secret",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ClientSide],
        title: "A value signed with another secret is not a session",
        text: "",
        django: Django::Same(""),
        page: "keys.md",
        golden: include_str!("../golden/key.forged.secret.jsonl"),
    },
    Rule {
        id: "key.forged.signature",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ClientSide],
        title: "A value without a signature, with part of one, or with the signature of another value is not a session",
        text: "",
        django: Django::Same(""),
        page: "keys.md",
        golden: include_str!("../golden/key.forged.signature.jsonl"),
    },
    Rule {
        id: "key.rotated.fallback",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ClientSide, Need::HookRotate],
        title: "After the secret was replaced, what the one before signed is still accepted",
        text: "As long as that is listed as a fallback. Nobody is logged out because a secret was changed.",
        django: Django::Same("with `SECRET_KEY_FALLBACKS`"),
        page: "keys.md",
        golden: include_str!("../golden/key.rotated.fallback.jsonl"),
    },
    Rule {
        id: "key.rotated.newest",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ClientSide, Need::HookRotate],
        title: "What is signed is signed by the newest secret",
        text: "Fallbacks only verify. A store that went on to sign with one would make sessions that end with it, and whoever has the\nold secret could go on to forge them.",
        django: Django::Same(""),
        page: "keys.md",
        golden: include_str!("../golden/key.rotated.newest.jsonl"),
    },
    Rule {
        id: "key.rotated.given-up",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ClientSide, Need::HookRotate],
        title: "What was signed by a secret that is no longer listed is no session",
        text: "",
        django: Django::Same(""),
        page: "keys.md",
        golden: include_str!("../golden/key.rotated.given-up.jsonl"),
    },
    Rule {
        id: "key.hostile",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "A hostile key is an unknown key, and not an error",
        text: "Path separators, `..`, NUL, quotes, wildcards, other alphabets, ten thousand characters: the store looks such a key up\nlike any other, finds that it is unknown, and touches nothing outside the store.",
        django: Django::Same("on SQLite; PostgreSQL refuses NUL with an error"),
        page: "keys.md",
        golden: include_str!("../golden/key.hostile.jsonl"),
    },
    Rule {
        id: "lifecycle.open.lazy",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "Opening a session reads nothing",
        text: "A new object has the key it was given, and neither flag set, whether or not a record exists.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.open.lazy.jsonl"),
    },
    Rule {
        id: "lifecycle.load.stored",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "Reading returns what was saved",
        text: "An object opened on the key of a live record reads the data that the last successful save stored, whole.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.load.stored.jsonl"),
    },
    Rule {
        id: "lifecycle.load.once",
        version: 2,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[Need::ServerSide],
        title: "An object reads its record once",
        text: "After the first read the object works in memory: what others save later does not change what it sees.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.load.once.jsonl"),
    },
    Rule {
        id: "lifecycle.isolation",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "Sessions do not see each other's data",
        text: "With several records in the store, each key reads its own.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.isolation.jsonl"),
    },
    Rule {
        id: "lifecycle.create.stores",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`create` stores what is in memory under a new key, at once",
        text: "The new record holds the object's data, the object has the new key, and both flags are set.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.create.stores.jsonl"),
    },
    Rule {
        id: "lifecycle.create.unread",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`create` on an object that was not read starts empty and leaves the other record alone",
        text: "An object that was opened on a key but not read has nothing in memory. `create` stores an empty record under a new\nkey; the record under the old key stays as it was.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.create.unread.jsonl"),
    },
    Rule {
        id: "lifecycle.create.failed-leaves-no-key",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[Need::ServerSide],
        title: "A failed `create` leaves the object's key as it was",
        text: "`create` may fail (an expiry out of range, a store that is down). Then nothing was stored, and the object must not have\na key that leads to no record.",
        django: Django::Differs(
            "the object keeps the key that was drawn for it, which has no record; each later `save` then fails with `UpdateError`, and the data is lost",
        ),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.create.failed-leaves-no-key.jsonl"),
    },
    Rule {
        id: "lifecycle.save.no-key-creates",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "`save` without a key creates",
        text: "",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.save.no-key-creates.jsonl"),
    },
    Rule {
        id: "lifecycle.save.stores",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "`save` replaces the whole record",
        text: "Entries that were removed are gone from the record, and no other entry is added.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.save.stores.jsonl"),
    },
    Rule {
        id: "lifecycle.save.reads-first",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`save` of an object that was not read keeps the record's data",
        text: "The record is read first and written back; only its expiry moves.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.save.reads-first.jsonl"),
    },
    Rule {
        id: "lifecycle.save.no-resurrect",
        version: 2,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide, Need::RefusingSave],
        title: "Saving a session deleted elsewhere must not bring it back",
        text: "An object was read, its record was then deleted (log-out in another tab), and the object is saved: the save fails with\n`UpdateError`, and nothing is stored. A save never creates a record under an existing key.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.save.no-resurrect.jsonl"),
    },
    Rule {
        id: "lifecycle.save.refused",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide, Need::RefusingSave],
        title: "A save that stores nothing says so",
        text: "The record was deleted elsewhere, so there is nothing to replace: the answer is `UpdateError`. A store that answers\n\"done\" has thrown the visitor's data away without a word. Whether it stored nothing or brought the session back\n(`lifecycle.save.no-resurrect`), the suite sees by looking for the record after the save.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.save.refused.jsonl"),
    },
    Rule {
        id: "lifecycle.save.upsert",
        version: 1,
        level: Level::May,
        profile: Profile::Core,
        needs: &[Need::ServerSide, Need::Upsert],
        title: "Where one operation both creates and replaces, saving a session deleted elsewhere stores it again",
        text: "A store whose trait has no operation that only replaces says so, and its suite shows what follows: a log-out that overlaps\nwith a save of the same session is undone. What was saved last is what is stored; a deletion holds until the next save.",
        django: Django::Silent("its engines tell creating from saving"),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.save.upsert.jsonl"),
    },
    Rule {
        id: "lifecycle.save.unknown-unread",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[Need::ServerSide],
        title: "`save` of an unread object whose record is gone fails with `UpdateError` and leaves the object without a key",
        text: "The save reads first and finds no record, so the object loses its key, as after any read of an unknown key.",
        django: Django::Differs(
            "it fails with `UpdateError` too but leaves the object with a random key that was never stored",
        ),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.save.unknown-unread.jsonl"),
    },
    Rule {
        id: "lifecycle.save.new-key",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ClientSide],
        title: "Where the key is the data, saving gives a new key",
        text: "The previous key still opens what it held. Saving the same data in the same second gives the same key.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.save.new-key.jsonl"),
    },
    Rule {
        id: "lifecycle.save.last-wins",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[Need::ServerSide],
        title: "Of two objects on one record, the last save wins, whole",
        text: "The record is never a mixture of the two.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.save.last-wins.jsonl"),
    },
    Rule {
        id: "lifecycle.save.flags",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`save` sets `accessed` and leaves `modified` as it was",
        text: "The middleware looks at `modified` after the handler has run, so saving must not reset it.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.save.flags.jsonl"),
    },
    Rule {
        id: "lifecycle.save-must-create.taken",
        version: 2,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide, Need::RefusingInsert],
        title: "`save-must-create` on a key that is taken fails with `CreateError` and stores nothing",
        text: "The existing record stays as it was.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.save-must-create.taken.jsonl"),
    },
    Rule {
        id: "lifecycle.save-must-create.stores",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[Need::ServerSide],
        title: "`save-must-create` on a free key stores under that key, without reading",
        text: "It is the only operation that stores under a key it was given. The caller must never use it with a key that came from\na visitor.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.save-must-create.stores.jsonl"),
    },
    Rule {
        id: "lifecycle.delete.gone",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "A deleted record no longer loads",
        text: "",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.delete.gone.jsonl"),
    },
    Rule {
        id: "lifecycle.delete.idempotent",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "Deleting what is not there is not an error",
        text: "",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.delete.idempotent.jsonl"),
    },
    Rule {
        id: "lifecycle.delete.keeps-object",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`delete` leaves the object as it is",
        text: "Key, data and flags of the object stay; only the record goes.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.delete.keeps-object.jsonl"),
    },
    Rule {
        id: "lifecycle.delete.revokes-nothing",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[Need::ClientSide],
        title: "Where the key is the data, deleting revokes nothing",
        text: "There is no record to remove. A key that was given out opens its data until it expires, whatever was deleted, flushed\nor moved to another key since. A site that must be able to end a session for good needs another store; the capability\ntells it so.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.delete.revokes-nothing.jsonl"),
    },
    Rule {
        id: "lifecycle.delete.only-that",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "Deleting one session leaves every other",
        text: "",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.delete.only-that.jsonl"),
    },
    Rule {
        id: "lifecycle.flush.empties",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`flush` empties the object, forgets its key and sets both flags",
        text: "",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.flush.empties.jsonl"),
    },
    Rule {
        id: "lifecycle.flush.record-gone",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "`flush` deletes the record",
        text: "The old key opens nothing any more, whoever has it.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.flush.record-gone.jsonl"),
    },
    Rule {
        id: "lifecycle.clear.keeps-record",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`clear` keeps the key, and the record until the next save",
        text: "",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.clear.keeps-record.jsonl"),
    },
    Rule {
        id: "lifecycle.cycle.new-key",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "`cycle-key` moves the data to a new key, at once",
        text: "An application does this at log-in, so that a key known from before is worth nothing. When the call returns, the data\nis already stored under the new key.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.cycle.new-key.jsonl"),
    },
    Rule {
        id: "lifecycle.cycle.old-key-dead",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "`cycle-key` removes the old record",
        text: "",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.cycle.old-key-dead.jsonl"),
    },
    Rule {
        id: "lifecycle.cycle.no-record",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`cycle-key` of an object without a record creates one",
        text: "The object may have no key, or a key whose record is gone: what is in memory is stored under a new key.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.cycle.no-record.jsonl"),
    },
    Rule {
        id: "lifecycle.exists.stored",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "`exists` is true for a key that has a live record",
        text: "",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.exists.stored.jsonl"),
    },
    Rule {
        id: "lifecycle.exists.unknown",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "`exists` is false for a key that has no record",
        text: "Such a key was never issued, or its record was deleted or flushed, or `cycle-key` left it behind.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.exists.unknown.jsonl"),
    },
    Rule {
        id: "lifecycle.exists.unsupported",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[Need::ClientSide],
        title: "Where the key is the data, `exists` fails with `unsupported`",
        text: "Nobody keeps a list of what was signed.",
        django: Django::Differs("it returns false for every key, even for one that loads"),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.exists.unsupported.jsonl"),
    },
    Rule {
        id: "lifecycle.is-empty",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "A session is empty if it has no key and no data in memory",
        text: "Asking reads nothing and sets no flag. A session that has a key is never empty, even after `clear`.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.is-empty.jsonl"),
    },
    Rule {
        id: "lifecycle.all.listed",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide, Need::All],
        title: "`all` lists every session that would load, whole, and no other",
        text: "What was deleted is not in the list, nor is what has expired, also where it waits to be cleared. The list is in any order. It\nmay give keys, or data, or both.",
        django: Django::Silent("its sessions have no such operation"),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.all.listed.jsonl"),
    },
    Rule {
        id: "lifecycle.all.counted",
        version: 1,
        level: Level::Should,
        profile: Profile::Core,
        needs: &[Need::ServerSide, Need::Length],
        title: "`length` tells how many sessions would load",
        text: "What has expired may be counted until something has removed it.",
        django: Django::Silent("its sessions have no such operation"),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.all.counted.jsonl"),
    },
    Rule {
        id: "lifecycle.all.cleared",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide, Need::Clear],
        title: "After `clear` there is no session left",
        text: "It is a log-out of everybody. Sessions that are stored afterwards are there.",
        django: Django::Silent("its sessions have no such operation"),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.all.cleared.jsonl"),
    },
    Rule {
        id: "lifecycle.second-client",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::Shared],
        title: "A second handle on the same storage sees each change at once",
        text: "Two processes of a site open the same storage. What one of them stores or deletes, the other sees.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.second-client.jsonl"),
    },
    Rule {
        id: "lifecycle.other-storage",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide, Need::OtherStorage],
        title: "What is done in one storage touches no other",
        text: "Two sites use one server, each with a table, a directory or a prefix of its own. A key of the one is unknown to the other, also\nwhere both have a session under the same key; and what is deleted or cleared in the one is still there in the other.",
        django: Django::Silent("it has one storage in a process"),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.other-storage.jsonl"),
    },
    Rule {
        id: "lifecycle.reopen.persistent",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::Persistent],
        title: "Records survive a restart",
        text: "The storage is closed and opened again: every live record loads as before.",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.reopen.persistent.jsonl"),
    },
    Rule {
        id: "lifecycle.reopen.deleted-stays",
        version: 2,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide, Need::Persistent],
        title: "What was deleted before a restart stays deleted after it",
        text: "",
        django: Django::Same(""),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.reopen.deleted-stays.jsonl"),
    },
    Rule {
        id: "lifecycle.reopen.volatile",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::Volatile],
        title: "A store that does not persist is empty after a restart",
        text: "A store that declares itself volatile and yet finds old records again has declared something false.",
        django: Django::Silent("its `db` engine persists"),
        page: "lifecycle.md",
        golden: include_str!("../golden/lifecycle.reopen.volatile.jsonl"),
    },
    Rule {
        id: "dict.get",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`get` returns the value of an entry, or nothing if there is none",
        text: "",
        django: Django::Same(""),
        page: "dictionary.md",
        golden: include_str!("../golden/dict.get.jsonl"),
    },
    Rule {
        id: "dict.contains",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`contains` tells whether an entry exists, even if its value is null",
        text: "",
        django: Django::Same(""),
        page: "dictionary.md",
        golden: include_str!("../golden/dict.contains.jsonl"),
    },
    Rule {
        id: "dict.set",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`set` adds an entry or replaces its value",
        text: "A replaced entry keeps its place in the order.",
        django: Django::Same(""),
        page: "dictionary.md",
        golden: include_str!("../golden/dict.set.jsonl"),
    },
    Rule {
        id: "dict.set-default.present",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`set-default` of a present entry returns its value and changes nothing",
        text: "",
        django: Django::Same(""),
        page: "dictionary.md",
        golden: include_str!("../golden/dict.set-default.present.jsonl"),
    },
    Rule {
        id: "dict.set-default.absent",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`set-default` of an absent entry stores and returns the default",
        text: "",
        django: Django::Same(""),
        page: "dictionary.md",
        golden: include_str!("../golden/dict.set-default.absent.jsonl"),
    },
    Rule {
        id: "dict.pop.present",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`pop` removes an entry and returns its value",
        text: "With or without a default.",
        django: Django::Same(""),
        page: "dictionary.md",
        golden: include_str!("../golden/dict.pop.present.jsonl"),
    },
    Rule {
        id: "dict.pop.absent",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`pop` of an absent entry fails with `KeyError`",
        text: "",
        django: Django::Same(""),
        page: "dictionary.md",
        golden: include_str!("../golden/dict.pop.absent.jsonl"),
    },
    Rule {
        id: "dict.pop.default",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`pop` of an absent entry with a default returns the default and stores nothing",
        text: "",
        django: Django::Same(""),
        page: "dictionary.md",
        golden: include_str!("../golden/dict.pop.default.jsonl"),
    },
    Rule {
        id: "dict.remove.present",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`remove` removes an entry",
        text: "",
        django: Django::Same(""),
        page: "dictionary.md",
        golden: include_str!("../golden/dict.remove.present.jsonl"),
    },
    Rule {
        id: "dict.remove.absent",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`remove` of an absent entry fails with `KeyError`",
        text: "",
        django: Django::Same(""),
        page: "dictionary.md",
        golden: include_str!("../golden/dict.remove.absent.jsonl"),
    },
    Rule {
        id: "dict.update",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`update` sets each of the given entries and keeps the rest",
        text: "",
        django: Django::Same(""),
        page: "dictionary.md",
        golden: include_str!("../golden/dict.update.jsonl"),
    },
    Rule {
        id: "dict.clear",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`clear` removes every entry without reading the record",
        text: "",
        django: Django::Same(""),
        page: "dictionary.md",
        golden: include_str!("../golden/dict.clear.jsonl"),
    },
    Rule {
        id: "dict.listing",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`keys`, `values` and `items` list all entries, private ones included",
        text: "Entries such as `_session_expiry` are ordinary entries.",
        django: Django::Same(""),
        page: "dictionary.md",
        golden: include_str!("../golden/dict.listing.jsonl"),
    },
    Rule {
        id: "dict.nested.memory",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "A change inside a value is seen by the same object",
        text: "Reading returns the value that the object holds, not a copy: pushing to a list in the session changes the list.",
        django: Django::Same(""),
        page: "dictionary.md",
        golden: include_str!("../golden/dict.nested.memory.jsonl"),
    },
    Rule {
        id: "dict.nested.saved",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "A change inside a value is stored by an explicit `save`",
        text: "",
        django: Django::Same(""),
        page: "dictionary.md",
        golden: include_str!("../golden/dict.nested.saved.jsonl"),
    },
    Rule {
        id: "testcookie.worked",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "The test cookie worked if its mark is in the session",
        text: "`set-test-cookie` stores `testcookie` = `worked`; `test-cookie-worked` compares.",
        django: Django::Same(""),
        page: "dictionary.md",
        golden: include_str!("../golden/testcookie.worked.jsonl"),
    },
    Rule {
        id: "testcookie.delete",
        version: 2,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`delete-test-cookie` removes the mark, and sets `modified`",
        text: "Without the mark it fails with `KeyError`.",
        django: Django::Same(
            "but its asynchronous method does not set `modified`, so the mark stays in the store",
        ),
        page: "dictionary.md",
        golden: include_str!("../golden/testcookie.delete.jsonl"),
    },
    Rule {
        id: "tracking.new",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "A new object has neither flag",
        text: "This includes an object opened on a record: what others did to the record is not a change of this object.",
        django: Django::Same(""),
        page: "tracking.md",
        golden: include_str!("../golden/tracking.new.jsonl"),
    },
    Rule {
        id: "tracking.read",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "Reading sets `accessed` only",
        text: "",
        django: Django::Same(""),
        page: "tracking.md",
        golden: include_str!("../golden/tracking.read.jsonl"),
    },
    Rule {
        id: "tracking.write",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "Changing an entry sets both flags",
        text: "`set` and `update` do so; `set-default`, `pop` and `remove` do so where they changed something. So do the test cookie\nand `set-expiry`.",
        django: Django::Same(""),
        page: "tracking.md",
        golden: include_str!("../golden/tracking.write.jsonl"),
    },
    Rule {
        id: "tracking.set-default-present",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`set-default` of a present entry does not set `modified`",
        text: "",
        django: Django::Same(""),
        page: "tracking.md",
        golden: include_str!("../golden/tracking.set-default-present.jsonl"),
    },
    Rule {
        id: "tracking.pop-absent",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`pop` of an absent entry does not set `modified`",
        text: "With or without a default.",
        django: Django::Same(""),
        page: "tracking.md",
        golden: include_str!("../golden/tracking.pop-absent.jsonl"),
    },
    Rule {
        id: "tracking.remove-absent",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "A failed `remove` does not set `modified`",
        text: "",
        django: Django::Same(""),
        page: "tracking.md",
        golden: include_str!("../golden/tracking.remove-absent.jsonl"),
    },
    Rule {
        id: "tracking.update-empty",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`update` with nothing still sets `modified`",
        text: "",
        django: Django::Same(""),
        page: "tracking.md",
        golden: include_str!("../golden/tracking.update-empty.jsonl"),
    },
    Rule {
        id: "tracking.clear",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`clear` sets both flags",
        text: "",
        django: Django::Same(""),
        page: "tracking.md",
        golden: include_str!("../golden/tracking.clear.jsonl"),
    },
    Rule {
        id: "tracking.nested",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "A change inside a value does not set `modified`",
        text: "The object cannot see such a change. The application marks the session as modified, or saves explicitly.",
        django: Django::Same(""),
        page: "tracking.md",
        golden: include_str!("../golden/tracking.nested.jsonl"),
    },
    Rule {
        id: "tracking.is-empty",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "Asking whether the session is empty sets no flag",
        text: "",
        django: Django::Same(""),
        page: "tracking.md",
        golden: include_str!("../golden/tracking.is-empty.jsonl"),
    },
    Rule {
        id: "tracking.explicit-expiry",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "Asking for an age or date with an explicit expiry sets no flag",
        text: "With the expiry given there is nothing to read.",
        django: Django::Same(""),
        page: "tracking.md",
        golden: include_str!("../golden/tracking.explicit-expiry.jsonl"),
    },
    Rule {
        id: "tracking.expiry-none",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "Removing an expiry that was never set does not set `modified`",
        text: "",
        django: Django::Same(""),
        page: "tracking.md",
        golden: include_str!("../golden/tracking.expiry-none.jsonl"),
    },
    Rule {
        id: "tracking.untouched",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "Operations on the storage leave an object's flags alone",
        text: "Even a `delete` of the object's own record does.",
        django: Django::Same(""),
        page: "tracking.md",
        golden: include_str!("../golden/tracking.untouched.jsonl"),
    },
    Rule {
        id: "tracking.sticky",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "A flag that is set stays set",
        text: "",
        django: Django::Same(""),
        page: "tracking.md",
        golden: include_str!("../golden/tracking.sticky.jsonl"),
    },
    Rule {
        id: "expiry.default",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "A session lives for the cookie age, from its last save",
        text: "A record without an expiry of its own expires `cookie_age` seconds (1,209,600 by default: two weeks) after the instant\nat which it was saved.",
        django: Django::Same(""),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.default.jsonl"),
    },
    Rule {
        id: "expiry.seconds",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "An expiry in seconds counts from the last save",
        text: "",
        django: Django::Same(""),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.seconds.jsonl"),
    },
    Rule {
        id: "expiry.negative",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "A session with a negative expiry has expired at once",
        text: "The record is stored, and never loads.",
        django: Django::Same(""),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.negative.jsonl"),
    },
    Rule {
        id: "expiry.zero",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "An expiry of zero ends with the browser; the record lives for the cookie age",
        text: "",
        django: Django::Same(""),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.zero.jsonl"),
    },
    Rule {
        id: "expiry.duration",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "A duration is turned into a date at once",
        text: "It counts from `set-expiry`, not from the save, and is stored as that date. Fractions of a second count.",
        django: Django::Same(""),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.duration.jsonl"),
    },
    Rule {
        id: "expiry.at",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "A date is the instant of expiry, whatever its offset",
        text: "Saving again does not move it.",
        django: Django::Same(""),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.at.jsonl"),
    },
    Rule {
        id: "expiry.none",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "`set-expiry` with none returns to the default",
        text: "",
        django: Django::Same(""),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.none.jsonl"),
    },
    Rule {
        id: "expiry.entry",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "The expiry is kept in the entry `_session_expiry`",
        text: "Seconds are stored as an integer. A date is stored as ISO 8601 text with the offset it was given in, and with six\ndigits of microseconds unless they are zero, as Python's `datetime.isoformat` writes it.",
        django: Django::Same(""),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.entry.jsonl"),
    },
    Rule {
        id: "expiry.renewed",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "Saving renews the lifetime of a session",
        text: "This includes a session that was only read.",
        django: Django::Same(""),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.renewed.jsonl"),
    },
    Rule {
        id: "expiry.range",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "An expiry outside the years 1 to 9999 is refused when it is used",
        text: "`set-expiry` accepts it. Asking for the date, or saving, fails with `invalid-expiry`, and the record stays whole.",
        django: Django::Same("where the error is `OverflowError`"),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.range.jsonl"),
    },
    Rule {
        id: "expiry.unreadable",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "An unreadable expiry destroys neither the session nor its data",
        text: "Anybody may put anything into `_session_expiry`: text that is not a date, a list. The session reads as if it had no\nsuch expiry. Asking for the age or the date, or saving, fails with `invalid-expiry`, and the record stays whole.",
        django: Django::Same(
            "for text, where the error is `ValueError`. Of other values, it takes `true` for one second, and `false` and anything empty for no expiry; the rest fail with `TypeError`",
        ),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.unreadable.jsonl"),
    },
    Rule {
        id: "expiry.age",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "The expiry age is the number of seconds left, rounded down",
        text: "For a date: the seconds from now (or from the given modification instant) to the date, negative when it is past. For\nseconds: that number, whatever the instant. For zero or none: the cookie age.",
        django: Django::Same(""),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.age.jsonl"),
    },
    Rule {
        id: "expiry.date",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "The expiry date is the date that was set, or the modification instant plus the age",
        text: "",
        django: Django::Same(""),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.date.jsonl"),
    },
    Rule {
        id: "expiry.explicit",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "A caller may ask for the age or the date with a given modification instant and a given expiry",
        text: "A given expiry is used instead of the session's own.",
        django: Django::Same(""),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.explicit.jsonl"),
    },
    Rule {
        id: "expiry.browser-close",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "A session ends with the browser if its expiry is zero, or if it has none and the settings say so",
        text: "",
        django: Django::Same(""),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.browser-close.jsonl"),
    },
    Rule {
        id: "expiry.cookie-age",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "The session cookie age is the one in the settings",
        text: "",
        django: Django::Same(""),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.cookie-age.jsonl"),
    },
    Rule {
        id: "expiry.boundary",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "At the instant of its expiry a record no longer loads",
        text: "",
        django: Django::Same(""),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.boundary.jsonl"),
    },
    Rule {
        id: "expiry.not-early",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "A microsecond before its expiry a record still loads",
        text: "",
        django: Django::Same(""),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.not-early.jsonl"),
    },
    Rule {
        id: "expiry.signed-seconds",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[Need::ClientSide],
        title: "Where the key is the data, a lifetime counts from the whole second in which it was saved",
        text: "A signature carries its time in whole seconds. A session expires up to a second early, never late.",
        django: Django::Differs(
            "the key still loads at the very instant, and because its engine only knows the cookie age: a session with a shorter lifetime loads as long as any other",
        ),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.signed-seconds.jsonl"),
    },
    Rule {
        id: "expiry.dead",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "An expired record never loads",
        text: "Whether or not it was cleared.",
        django: Django::Same(""),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.dead.jsonl"),
    },
    Rule {
        id: "expiry.told",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[Need::ServerSide, Need::ExpiredKept, Need::ExpiresTold],
        title: "A load tells the instant at which the record expires",
        text: "It is the one with which the record was last saved. Whoever keeps a copy of the record goes by it, such as a cache in\nfront of the store: with a later one a session would live too long.\n\nA store that leaves expiry to a cache may know only by when the record is gone, and the rule does not bind it.",
        django: Django::Silent("its engines load data only"),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.told.jsonl"),
    },
    Rule {
        id: "expiry.kept",
        version: 2,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[Need::ServerSide, Need::ExpiredKept],
        title: "An expired record that was not cleared still holds its key",
        text: "It exists. A session that was read before the instant of expiry can still be saved, and lives again.",
        django: Django::Same(""),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.kept.jsonl"),
    },
    Rule {
        id: "expiry.gone",
        version: 2,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[Need::ExpiredGone, Need::RefusingSave],
        title: "In a store that removes expired records by itself, an expired record is gone",
        text: "It does not exist. Saving a session that was read before the instant of expiry fails with `UpdateError`.",
        django: Django::Silent("its `db` engine keeps expired records"),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.gone.jsonl"),
    },
    Rule {
        id: "expiry.clear.removes",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::Sweeps],
        title: "`clear-expired` removes every record that expired before now",
        text: "",
        django: Django::Same(""),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.clear.removes.jsonl"),
    },
    Rule {
        id: "expiry.clear.count",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[Need::Sweeps, Need::ExpiredKept],
        title: "`clear-expired` tells how many records it removed",
        text: "The rule does not bind a subject that never tells a number.",
        django: Django::Silent("its `clear_expired` returns nothing"),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.clear.count.jsonl"),
    },
    Rule {
        id: "expiry.clear.keeps-live",
        version: 2,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::Clears],
        title: "`clear-expired` removes nothing else",
        text: "",
        django: Django::Same(""),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.clear.keeps-live.jsonl"),
    },
    Rule {
        id: "expiry.clear.boundary",
        version: 1,
        level: Level::Should,
        profile: Profile::Django,
        needs: &[Need::Sweeps, Need::ExpiredKept],
        title: "A record that expires exactly now is left for the next clearing",
        text: "It does not load, so only `exists` can show it.",
        django: Django::Same(""),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.clear.boundary.jsonl"),
    },
    Rule {
        id: "expiry.clear.automatic",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[Need::Automatic],
        title: "Where the storage removes expired records by itself, `clear-expired` does nothing, and succeeds",
        text: "",
        django: Django::Silent("its `db` engine sweeps"),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.clear.automatic.jsonl"),
    },
    Rule {
        id: "expiry.clear.refused",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::NoClear],
        title: "A store that cannot clear refuses to",
        text: "The error is `unsupported`: pretending would let the storage grow for ever.",
        django: Django::Differs("its engines without clearing act as if they had cleared"),
        page: "expiry.md",
        golden: include_str!("../golden/expiry.clear.refused.jsonl"),
    },
    Rule {
        id: "data.json",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "Every JSON type survives a reload",
        text: "Null, booleans, integers, text, lists and objects, nested and empty ones too.",
        django: Django::Same(""),
        page: "data.md",
        golden: include_str!("../golden/data.json.jsonl"),
    },
    Rule {
        id: "data.text",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "Text survives to the last character",
        text: "This includes control characters, NUL, quotes, backslashes, and every delimiter of the formats in use (`:` `.` `,` `=`\n`-` `_` `/`).",
        django: Django::Same(""),
        page: "data.md",
        golden: include_str!("../golden/data.text.jsonl"),
    },
    Rule {
        id: "data.non-bmp",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "Characters beyond the basic plane survive",
        text: "",
        django: Django::Same(""),
        page: "data.md",
        golden: include_str!("../golden/data.non-bmp.jsonl"),
    },
    Rule {
        id: "data.names",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "An entry name can be any text",
        text: "It may be empty, contain dots or quotes, or look like a parser's own marker.",
        django: Django::Same(""),
        page: "data.md",
        golden: include_str!("../golden/data.names.jsonl"),
    },
    Rule {
        id: "data.names.surrogates",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::LoneSurrogatesKept],
        title: "Names with a lone surrogate survive",
        text: "They are not confused with one another: each is a name of its own.",
        django: Django::Same(""),
        page: "data.md",
        golden: include_str!("../golden/data.names.surrogates.jsonl"),
    },
    Rule {
        id: "data.floats",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "Floating-point numbers keep their value and stay floating-point numbers",
        text: "Where all numbers are floating-point numbers, as in JavaScript, a store says so (`numbers: doubles`). There `1.0` and `1`\nare one number, and so are `-0.0` and `0`.",
        django: Django::Same(""),
        page: "data.md",
        golden: include_str!("../golden/data.floats.jsonl"),
    },
    Rule {
        id: "data.large",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::Unlimited],
        title: "Large values survive whole",
        text: "The suite goes up to 4 MiB.",
        django: Django::Same(""),
        page: "data.md",
        golden: include_str!("../golden/data.large.jsonl"),
    },
    Rule {
        id: "data.too-large",
        version: 2,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::Limited],
        title: "A session larger than the store's limit is refused, and the record stays whole",
        text: "The error is `too-large`. The limit may come from the storage, such as a cookie's 4 KiB, or from a setting: in the Rust\nstores `max_data_bytes`, by default 1 MiB of JSON. A larger session is neither written nor read. It does not count as a\ncorrupt record, and no save replaces it unseen.",
        django: Django::Silent("its `db` engine has no limit"),
        page: "data.md",
        golden: include_str!("../golden/data.too-large.jsonl"),
    },
    Rule {
        id: "data.order",
        version: 1,
        level: Level::Should,
        profile: Profile::Core,
        needs: &[Need::OrderKept],
        title: "Entries keep the order in which they were first set",
        text: "",
        django: Django::Same(""),
        page: "data.md",
        golden: include_str!("../golden/data.order.jsonl"),
    },
    Rule {
        id: "data.integers.kept",
        version: 3,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::BigIntegersKept],
        title: "Integers keep all their digits",
        text: "This includes integers beyond 2^53, which a reader that uses floating-point numbers rounds, up to 64 bits with a sign.",
        django: Django::Same(""),
        page: "data.md",
        golden: include_str!("../golden/data.integers.kept.jsonl"),
    },
    Rule {
        id: "data.integers.huge.kept",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::HugeIntegersKept],
        title: "Integers beyond 64 bits keep all their digits",
        text: "This includes integers beyond the largest floating-point number. The suite goes up to 4,300 digits.",
        django: Django::Same(
            "up to the 4,300 digits that Python reads: a session with a longer integer, which only another writer can have stored, reads as empty",
        ),
        page: "data.md",
        golden: include_str!("../golden/data.integers.huge.kept.jsonl"),
    },
    Rule {
        id: "data.integers.refused",
        version: 2,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::BigIntegersRefused],
        title: "A store that cannot keep a big integer refuses it",
        text: "A big integer is one beyond 2^53.",
        django: Django::Silent("it keeps them"),
        page: "data.md",
        golden: include_str!("../golden/data.integers.refused.jsonl"),
    },
    Rule {
        id: "data.integers.huge.refused",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::HugeIntegersRefused],
        title: "A store that cannot keep an integer beyond 64 bits refuses it",
        text: "",
        django: Django::Silent("it keeps them"),
        page: "data.md",
        golden: include_str!("../golden/data.integers.huge.refused.jsonl"),
    },
    Rule {
        id: "data.non-finite.kept",
        version: 2,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::NonFiniteKept],
        title: "NaN and the infinities survive",
        text: "They are not JSON, but Python's `json` writes and reads them. A number beyond the range of floating point, such as\n`1e400`, is an infinity to Python; a store may keep either.",
        django: Django::Same(""),
        page: "data.md",
        golden: include_str!("../golden/data.non-finite.kept.jsonl"),
    },
    Rule {
        id: "data.non-finite.refused",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::NonFiniteRefused],
        title: "A store that cannot keep NaN and the infinities refuses them",
        text: "",
        django: Django::Silent("it keeps them"),
        page: "data.md",
        golden: include_str!("../golden/data.non-finite.refused.jsonl"),
    },
    Rule {
        id: "data.surrogates.kept",
        version: 2,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::LoneSurrogatesKept],
        title: "Lone surrogates survive",
        text: "A lone surrogate is half of a pair of UTF-16 code units. It is not text, but JSON can write it and Python keeps it:\nalone, between other characters, two in the wrong order, and before a whole pair.",
        django: Django::Same(""),
        page: "data.md",
        golden: include_str!("../golden/data.surrogates.kept.jsonl"),
    },
    Rule {
        id: "data.surrogates.refused",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::LoneSurrogatesRefused],
        title: "A store that cannot keep lone surrogates refuses them",
        text: "",
        django: Django::Silent("it keeps them"),
        page: "data.md",
        golden: include_str!("../golden/data.surrogates.refused.jsonl"),
    },
    Rule {
        id: "data.deep.kept",
        version: 2,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::DeepNestingKept],
        title: "Lists nested 300 deep survive",
        text: "",
        django: Django::Same(
            "and its reader goes deeper, depending on the version of Python: 993 levels in 3.10 and 3.11, 1,497 in 3.12 and 9,998 in 3.13, minus what the program itself has on its stack",
        ),
        page: "data.md",
        golden: include_str!("../golden/data.deep.kept.jsonl"),
    },
    Rule {
        id: "data.deep.refused",
        version: 2,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::DeepNestingRefused],
        title: "A store that cannot keep deep nesting refuses it",
        text: "Every reader has a limit, and a writer refuses what its reader refuses: no visitor's request may leave a record behind\nthat no later request can open. The Rust stores keep 1,000 levels, the session's own among them; what is deeper is\n`unrepresentable` when it is set, and nothing changes.",
        django: Django::Silent(
            "it keeps 300 levels. Data too deep for Python's reader, which another writer or a newer Python can have stored, reads as an empty session",
        ),
        page: "data.md",
        golden: include_str!("../golden/data.deep.refused.jsonl"),
    },
    Rule {
        id: "data.corrupt.empty",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[Need::HookDamage],
        title: "A record that does not decode reads as an empty session under the same key",
        text: "The record may be cut, overwritten, or signed with another secret. The visitor sees an empty session, the operator\nsees a security event in the log, and nobody sees an error page. The record itself is left as it is.",
        django: Django::Same(""),
        page: "data.md",
        golden: include_str!("../golden/data.corrupt.empty.jsonl"),
    },
    Rule {
        id: "data.corrupt.overwritten",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[Need::HookDamage],
        title: "Saving replaces a record that did not decode",
        text: "",
        django: Django::Same(""),
        page: "data.md",
        golden: include_str!("../golden/data.corrupt.overwritten.jsonl"),
    },
    Rule {
        id: "concurrent.delete.final",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "After an acknowledged deletion no load finds the session",
        text: "Whatever was under way when the session was deleted must not bring it back, now or later: a load that fills a cache, an\nupdate, a `touch`, a client that has gone away. A store that cannot prove that the session is gone fails with an error.",
        django: Django::Silent("its engines are not driven concurrently here"),
        page: "concurrency.md",
        golden: include_str!("../golden/concurrent.delete.final.jsonl"),
    },
    Rule {
        id: "concurrent.insert.one-wins",
        version: 2,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide, Need::RefusingInsert],
        title: "Of several insertions of one key exactly one succeeds",
        text: "The others fail because the key is taken, whether they overlap or come one after the other. Otherwise two visitors\nshare a session.",
        django: Django::Silent("its engines are not driven concurrently here"),
        page: "concurrency.md",
        golden: include_str!("../golden/concurrent.insert.one-wins.jsonl"),
    },
    Rule {
        id: "concurrent.load.latest",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "A load sees the last acknowledged write, or a later one",
        text: "Once an insertion or an update is acknowledged, no client reads an older record, and no client finds nothing. A\nforgetful store may have lost the record.",
        django: Django::Silent("its engines are not driven concurrently here"),
        page: "concurrency.md",
        golden: include_str!("../golden/concurrent.load.latest.jsonl"),
    },
    Rule {
        id: "concurrent.record.whole",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "A load returns one record that was written, whole",
        text: "It never returns a mixture of two writes, half of one, or something that does not decode, even while a write is under\nway or after it was abandoned.",
        django: Django::Silent("its engines are not driven concurrently here"),
        page: "concurrency.md",
        golden: include_str!("../golden/concurrent.record.whole.jsonl"),
    },
    Rule {
        id: "concurrent.clear.renewed",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide, Need::Sweeps, Need::ExpiredKept, Need::RefusingSave],
        title: "Clearing removes no session that is renewed meanwhile",
        text: "An expired session that was not cleared can still be saved, and lives again. An update that overlaps with\n`clear-expired` either renews the session, which then stays, or is refused because the record is gone. It must not be\nacknowledged and then lost.\n\nA store that looks for expired records first and removes them afterwards has to look again when it removes each.",
        django: Django::Silent("its engines are not driven concurrently here"),
        page: "concurrency.md",
        golden: include_str!("../golden/concurrent.clear.renewed.jsonl"),
    },
    Rule {
        id: "concurrent.order",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "All answers about a session fit one order of the operations",
        text: "The rules above are cases of this one. It covers whatever they do not name.",
        django: Django::Silent("its engines are not driven concurrently here"),
        page: "concurrency.md",
        golden: include_str!("../golden/concurrent.order.jsonl"),
    },
    Rule {
        id: "failure.no-lie",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide, Need::Parts],
        title: "What is acknowledged while a part fails has happened",
        text: "The store may report an error. It must not report a success that did not happen.",
        django: Django::Silent("its engines are not driven concurrently here"),
        page: "concurrency.md",
        golden: include_str!("../golden/failure.no-lie.jsonl"),
    },
    Rule {
        id: "failure.not-absence",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide, Need::Parts],
        title: "A failing part is never reported as \"no such session\"",
        text: "An application that is told that there is no session deletes the visitor's cookie.",
        django: Django::Silent("its engines are not driven concurrently here"),
        page: "concurrency.md",
        golden: include_str!("../golden/failure.not-absence.jsonl"),
    },
    Rule {
        id: "failure.recovers",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide, Need::Parts],
        title: "When nothing fails any more, the store works as before",
        text: "Every session can be read, changed and deleted at once, including those that a failed operation was about.",
        django: Django::Silent("its engines are not driven concurrently here"),
        page: "concurrency.md",
        golden: include_str!("../golden/failure.recovers.jsonl"),
    },
    Rule {
        id: "crash.acknowledged",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide, Need::Persistent, Need::HookForceKeys, Need::HookCrash],
        title: "What was acknowledged before the process was killed is there afterwards",
        text: "A load returns the last acknowledged write, or one that was under way after it. A session whose deletion was\nacknowledged stays deleted. The storage can be opened again, and each of its sessions read, changed and deleted,\nwithout anybody's help.",
        django: Django::Silent("its engines are not killed here"),
        page: "concurrency.md",
        golden: include_str!("../golden/crash.acknowledged.jsonl"),
    },
    Rule {
        id: "crash.whole",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide, Need::Persistent, Need::HookForceKeys, Need::HookCrash],
        title: "What was under way when the process was killed is there whole, or not at all",
        text: "A load never returns half of a record, a mixture of two, or something that does not decode. No key is taken and yet\nopens nothing.",
        django: Django::Silent("its engines are not killed here"),
        page: "concurrency.md",
        golden: include_str!("../golden/crash.whole.jsonl"),
    },
    Rule {
        id: "middleware.key",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "The session's key is the value of the session cookie",
        text: "If there are several cookies of that name, the last one counts; the profile `core` leaves open which. What else is in the header, malformed or not, changes\nnothing.",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.key.exact-name",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "Only a cookie of exactly that name is the session's",
        text: "Others are names that begin or end with it, differ in case, or have white space other than blanks and tabs around\nthem, and a cookie without a name whose value looks like one: `=__Host-id=…`. Browsers keep all of these apart, and\nleave some of them to neighbours of the site, such as its subdomains: whoever may set one must not choose the session.",
        django: Django::Differs(
            "it takes away every white space of Unicode around a name, such as U+00A0: such a cookie of a neighbour counts as the site's own",
        ),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.key.quoted",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "Quotes around the cookie's value are not part of the key",
        text: "Some programs between put them there.",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.key.long-header",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "A long header hides no cookie",
        text: "With 64 KiB of others' cookies before it the session's is found, or the request is refused with a status of the 400s.\nA header that is read in part would log visitors out.",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.key.hostile",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "Whatever the cookie's value is, it is no error",
        text: "Path separators, quotes, wildcards, other alphabets, ten thousand characters: a value that nobody issued opens an\nempty session, or the request is refused with a status of the 400s.",
        django: Django::Same("on SQLite"),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.key.not-logged",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "No key of a session stands in what the application writes into its logs or to its output",
        text: "Whoever reads a log could be every visitor in it. The first four characters tell sessions apart.",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.lazy",
        version: 2,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "A request that does not touch its session reads nothing, saves nothing, and sends no cookie",
        text: "Unless the setting `save_every_request` is on, or the value that the visitor brought counts as no key. Asking whether\nthe session is empty does not touch it.",
        django: Django::Same(
            "and neither does `if session`, which asks the same since 6.1 and is true of every session before",
        ),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.key.not-adopted",
        version: 2,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "A key that the application never issued is not adopted",
        text: "A session that is opened with such a key and then saved gets a new one. So nobody can choose the key under which\nsomebody else will log in.",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.key.unguessable",
        version: 2,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "Keys are drawn at random, from at least 2^128",
        text: "No two sessions get the same key, and one key tells nothing about the next.",
        django: Django::Same("with 32 characters from an alphabet of 36"),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.save.modified",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "A modified session is saved, and its cookie is set",
        text: "This holds if the status of the response is below 500. A response such as 404 is no reason to lose what the visitor did.",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.save.unmodified",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "An unmodified session is not saved",
        text: "Reading does not modify a session, nor does a change inside a value. With `save_every_request` it is saved all the same.",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.save.every-request",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "With `save_every_request`, every session that is not empty is saved, and its cookie is set",
        text: "So a session lives on as long as its visitor comes back. An unknown key becomes a new session without data.",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.save.empty",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "An empty session is never saved",
        text: "A visitor without a cookie does not get one for an empty session.",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.save.server-error",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "An answer of 500 or above saves nothing and sets no cookie",
        text: "What a handler did before it failed may be only half done.",
        django: Django::Same("though it may read the record once more for no reason"),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.save.explicit",
        version: 2,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "What the handler itself saved stays, whatever the response",
        text: "Where the key is the data, each save gives a new key, and the session is wherever its cookie is. So the cookie is then\nsent as if the session had been modified. A response of 500 or above sends none.",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.interrupted",
        version: 2,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[Need::ServerSide],
        title: "If a modified session is deleted while its request is handled, the response is 400, and the session stays deleted",
        text: "The response sets no cookie. So a slow request in one tab does not undo a log-out in another.",
        django: Django::Same("with `SessionInterrupted`"),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.cookie.age",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "The cookie of a session lives as long as the session",
        text: "`Max-Age` is the session's age in seconds, and `Expires` is the same instant for old browsers.",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.cookie.browser-close",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "The cookie of a session that ends with the browser has neither `Max-Age` nor `Expires`",
        text: "A session ends with the browser by the setting `expire_at_browser_close`, or by its own expiry of 0. A session's own\nexpiry overrides the setting.",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.cookie.new-key",
        version: 2,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "A session that got a new key sends it",
        text: "This happens at log-in (`cycle-key`), and when a session begins anew after `flush`.",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.cookie.kept",
        version: 2,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "A session that kept its key sends the same one",
        text: "",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.cookie.deleted",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "The cookie of an empty session is deleted",
        text: "This happens after a log-out, and where the key turned out to have no session; also if the status is 500 or above. A\nvisitor who brought no cookie is not told to delete one.",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.cookie.attributes",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "The cookie is sent as the settings say",
        text: "With `Path`, `Domain`, `Secure`, `HttpOnly` and `SameSite`. A response sets the cookie once.",
        django: Django::Differs(
            "it sends what no browser keeps: `SameSite=None` without `Secure`, and names with the prefixes `__Secure-` and `__Host-` without what the prefix promises. Here such settings are refused at start, by name",
        ),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.cookie.deleted-attributes",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[],
        title: "The cookie is deleted where it was set",
        text: "The deletion has the same `Path` and `Domain`, and `Secure` if browsers ask for it: where `SameSite` is `None`, and for\nnames with the prefixes `__Secure-` and `__Host-`.",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.vary.accessed",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "A response whose session was accessed has `Vary: Cookie`",
        text: "Names that are in `Vary` already stay, and `*` stays alone.",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.vary.sent",
        version: 2,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "A response that sets or deletes the cookie has `Vary: Cookie`",
        text: "",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.vary.untouched",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[],
        title: "A response whose session was not accessed may be shared",
        text: "The session adds no `Vary: Cookie` to it.",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.cache.private",
        version: 1,
        level: Level::Should,
        profile: Profile::Django,
        needs: &[],
        title: "A response that sets the session's cookie does not say `Cache-Control: public`",
        text: "A shared cache would keep the cookie of one visitor and hand it to the next: some caches look at `public` alone, and\nnot at `Vary`. Here `public` becomes `private`; the rest of the header stays.",
        django: Django::Differs("it leaves the header as the view wrote it"),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.overlap.reads",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "A request that changes nothing undoes nothing that another one saves meanwhile",
        text: "What it read before is not written back. With `save_every_request` it is, and the other one's change is lost.",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.overlap.writes",
        version: 1,
        level: Level::Must,
        profile: Profile::Django,
        needs: &[Need::ServerSide],
        title: "Of two requests that change the same session, the one that is saved last wins, as a whole",
        text: "The session then is what that request read and changed. Nothing is merged: what the other one changed after it was read is\nlost. Keep what must not be lost, such as a basket, in a database.",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.log-in",
        version: 2,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "After `cycle-key` the old key opens nothing, and the new one opens the data",
        text: "",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.log-out",
        version: 2,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "After `flush` the old key opens nothing",
        text: "",
        django: Django::Same(""),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.log-in.final",
        version: 1,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "A log-in in another request stays: the old key is dead, and the new one keeps its session",
        text: "A request that began under the old key is handled meanwhile. Whatever it does, it does not bring the old key back, and it\nchanges nothing under the new one.",
        django: Django::Same("with `SessionInterrupted` where the session was modified"),
        page: "middleware.md",
        golden: "",
    },
    Rule {
        id: "middleware.log-out.final",
        version: 2,
        level: Level::Must,
        profile: Profile::Core,
        needs: &[Need::ServerSide],
        title: "A session that is deleted while a request on it is under way stays deleted",
        text: "Somebody logs out while another request of theirs is handled. Whatever that request did with the session, its end does\nnot bring the session back. If the request itself logs somebody in afterwards (`cycle-key`), it begins a session under a\nnew key, and takes along what it had read.",
        django: Django::Same("with `SessionInterrupted` where the session was modified"),
        page: "middleware.md",
        golden: "",
    },
];

/// How many of them, the first ones, are about stores.
pub(crate) const STORES: usize = 138;

/// How many, behind those, are about what overlaps and fails; the others are about applications.
pub(crate) const SCHEDULES: usize = 11;

/// `r[key.short]`: A key of fewer than eight characters counts as no key.
pub const KEY_SHORT: RuleId = RuleId(0);
/// `r[key.unknown-not-adopted]`: A key that loads no record is never adopted.
pub const KEY_UNKNOWN_NOT_ADOPTED: RuleId = RuleId(1);
/// `r[key.unread-unchanged]`: A session keeps the key it was given until something is read.
pub const KEY_UNREAD_UNCHANGED: RuleId = RuleId(2);
/// `r[key.fresh]`: Every created session gets a key of its own that was never issued before.
pub const KEY_FRESH: RuleId = RuleId(3);
/// `r[key.format]`: A created key has 32 characters from `a`–`z` and `0`–`9`.
pub const KEY_FORMAT: RuleId = RuleId(4);
/// `r[key.collision]`: A generated key that is already taken is skipped.
pub const KEY_COLLISION: RuleId = RuleId(5);
/// `r[key.exact]`: Keys are compared exactly.
pub const KEY_EXACT: RuleId = RuleId(6);
/// `r[key.tampered]`: A key without a valid signature opens an empty session, without an error.
pub const KEY_TAMPERED: RuleId = RuleId(7);
/// `r[key.forged.salt]`: A value signed for another purpose is not a session.
pub const KEY_FORGED_SALT: RuleId = RuleId(8);
/// `r[key.forged.secret]`: A value signed with another secret is not a session.
pub const KEY_FORGED_SECRET: RuleId = RuleId(9);
/// `r[key.forged.signature]`: A value without a signature, with part of one, or with the signature of another value is not a session.
pub const KEY_FORGED_SIGNATURE: RuleId = RuleId(10);
/// `r[key.rotated.fallback]`: After the secret was replaced, what the one before signed is still accepted.
pub const KEY_ROTATED_FALLBACK: RuleId = RuleId(11);
/// `r[key.rotated.newest]`: What is signed is signed by the newest secret.
pub const KEY_ROTATED_NEWEST: RuleId = RuleId(12);
/// `r[key.rotated.given-up]`: What was signed by a secret that is no longer listed is no session.
pub const KEY_ROTATED_GIVEN_UP: RuleId = RuleId(13);
/// `r[key.hostile]`: A hostile key is an unknown key, and not an error.
pub const KEY_HOSTILE: RuleId = RuleId(14);
/// `r[lifecycle.open.lazy]`: Opening a session reads nothing.
pub const LIFECYCLE_OPEN_LAZY: RuleId = RuleId(15);
/// `r[lifecycle.load.stored]`: Reading returns what was saved.
pub const LIFECYCLE_LOAD_STORED: RuleId = RuleId(16);
/// `r[lifecycle.load.once]`: An object reads its record once.
pub const LIFECYCLE_LOAD_ONCE: RuleId = RuleId(17);
/// `r[lifecycle.isolation]`: Sessions do not see each other's data.
pub const LIFECYCLE_ISOLATION: RuleId = RuleId(18);
/// `r[lifecycle.create.stores]`: `create` stores what is in memory under a new key, at once.
pub const LIFECYCLE_CREATE_STORES: RuleId = RuleId(19);
/// `r[lifecycle.create.unread]`: `create` on an object that was not read starts empty and leaves the other record alone.
pub const LIFECYCLE_CREATE_UNREAD: RuleId = RuleId(20);
/// `r[lifecycle.create.failed-leaves-no-key]`: A failed `create` leaves the object's key as it was.
pub const LIFECYCLE_CREATE_FAILED_LEAVES_NO_KEY: RuleId = RuleId(21);
/// `r[lifecycle.save.no-key-creates]`: `save` without a key creates.
pub const LIFECYCLE_SAVE_NO_KEY_CREATES: RuleId = RuleId(22);
/// `r[lifecycle.save.stores]`: `save` replaces the whole record.
pub const LIFECYCLE_SAVE_STORES: RuleId = RuleId(23);
/// `r[lifecycle.save.reads-first]`: `save` of an object that was not read keeps the record's data.
pub const LIFECYCLE_SAVE_READS_FIRST: RuleId = RuleId(24);
/// `r[lifecycle.save.no-resurrect]`: Saving a session deleted elsewhere must not bring it back.
pub const LIFECYCLE_SAVE_NO_RESURRECT: RuleId = RuleId(25);
/// `r[lifecycle.save.refused]`: A save that stores nothing says so.
pub const LIFECYCLE_SAVE_REFUSED: RuleId = RuleId(26);
/// `r[lifecycle.save.upsert]`: Where one operation both creates and replaces, saving a session deleted elsewhere stores it again.
pub const LIFECYCLE_SAVE_UPSERT: RuleId = RuleId(27);
/// `r[lifecycle.save.unknown-unread]`: `save` of an unread object whose record is gone fails with `UpdateError` and leaves the object without a key.
pub const LIFECYCLE_SAVE_UNKNOWN_UNREAD: RuleId = RuleId(28);
/// `r[lifecycle.save.new-key]`: Where the key is the data, saving gives a new key.
pub const LIFECYCLE_SAVE_NEW_KEY: RuleId = RuleId(29);
/// `r[lifecycle.save.last-wins]`: Of two objects on one record, the last save wins, whole.
pub const LIFECYCLE_SAVE_LAST_WINS: RuleId = RuleId(30);
/// `r[lifecycle.save.flags]`: `save` sets `accessed` and leaves `modified` as it was.
pub const LIFECYCLE_SAVE_FLAGS: RuleId = RuleId(31);
/// `r[lifecycle.save-must-create.taken]`: `save-must-create` on a key that is taken fails with `CreateError` and stores nothing.
pub const LIFECYCLE_SAVE_MUST_CREATE_TAKEN: RuleId = RuleId(32);
/// `r[lifecycle.save-must-create.stores]`: `save-must-create` on a free key stores under that key, without reading.
pub const LIFECYCLE_SAVE_MUST_CREATE_STORES: RuleId = RuleId(33);
/// `r[lifecycle.delete.gone]`: A deleted record no longer loads.
pub const LIFECYCLE_DELETE_GONE: RuleId = RuleId(34);
/// `r[lifecycle.delete.idempotent]`: Deleting what is not there is not an error.
pub const LIFECYCLE_DELETE_IDEMPOTENT: RuleId = RuleId(35);
/// `r[lifecycle.delete.keeps-object]`: `delete` leaves the object as it is.
pub const LIFECYCLE_DELETE_KEEPS_OBJECT: RuleId = RuleId(36);
/// `r[lifecycle.delete.revokes-nothing]`: Where the key is the data, deleting revokes nothing.
pub const LIFECYCLE_DELETE_REVOKES_NOTHING: RuleId = RuleId(37);
/// `r[lifecycle.delete.only-that]`: Deleting one session leaves every other.
pub const LIFECYCLE_DELETE_ONLY_THAT: RuleId = RuleId(38);
/// `r[lifecycle.flush.empties]`: `flush` empties the object, forgets its key and sets both flags.
pub const LIFECYCLE_FLUSH_EMPTIES: RuleId = RuleId(39);
/// `r[lifecycle.flush.record-gone]`: `flush` deletes the record.
pub const LIFECYCLE_FLUSH_RECORD_GONE: RuleId = RuleId(40);
/// `r[lifecycle.clear.keeps-record]`: `clear` keeps the key, and the record until the next save.
pub const LIFECYCLE_CLEAR_KEEPS_RECORD: RuleId = RuleId(41);
/// `r[lifecycle.cycle.new-key]`: `cycle-key` moves the data to a new key, at once.
pub const LIFECYCLE_CYCLE_NEW_KEY: RuleId = RuleId(42);
/// `r[lifecycle.cycle.old-key-dead]`: `cycle-key` removes the old record.
pub const LIFECYCLE_CYCLE_OLD_KEY_DEAD: RuleId = RuleId(43);
/// `r[lifecycle.cycle.no-record]`: `cycle-key` of an object without a record creates one.
pub const LIFECYCLE_CYCLE_NO_RECORD: RuleId = RuleId(44);
/// `r[lifecycle.exists.stored]`: `exists` is true for a key that has a live record.
pub const LIFECYCLE_EXISTS_STORED: RuleId = RuleId(45);
/// `r[lifecycle.exists.unknown]`: `exists` is false for a key that has no record.
pub const LIFECYCLE_EXISTS_UNKNOWN: RuleId = RuleId(46);
/// `r[lifecycle.exists.unsupported]`: Where the key is the data, `exists` fails with `unsupported`.
pub const LIFECYCLE_EXISTS_UNSUPPORTED: RuleId = RuleId(47);
/// `r[lifecycle.is-empty]`: A session is empty if it has no key and no data in memory.
pub const LIFECYCLE_IS_EMPTY: RuleId = RuleId(48);
/// `r[lifecycle.all.listed]`: `all` lists every session that would load, whole, and no other.
pub const LIFECYCLE_ALL_LISTED: RuleId = RuleId(49);
/// `r[lifecycle.all.counted]`: `length` tells how many sessions would load.
pub const LIFECYCLE_ALL_COUNTED: RuleId = RuleId(50);
/// `r[lifecycle.all.cleared]`: After `clear` there is no session left.
pub const LIFECYCLE_ALL_CLEARED: RuleId = RuleId(51);
/// `r[lifecycle.second-client]`: A second handle on the same storage sees each change at once.
pub const LIFECYCLE_SECOND_CLIENT: RuleId = RuleId(52);
/// `r[lifecycle.other-storage]`: What is done in one storage touches no other.
pub const LIFECYCLE_OTHER_STORAGE: RuleId = RuleId(53);
/// `r[lifecycle.reopen.persistent]`: Records survive a restart.
pub const LIFECYCLE_REOPEN_PERSISTENT: RuleId = RuleId(54);
/// `r[lifecycle.reopen.deleted-stays]`: What was deleted before a restart stays deleted after it.
pub const LIFECYCLE_REOPEN_DELETED_STAYS: RuleId = RuleId(55);
/// `r[lifecycle.reopen.volatile]`: A store that does not persist is empty after a restart.
pub const LIFECYCLE_REOPEN_VOLATILE: RuleId = RuleId(56);
/// `r[dict.get]`: `get` returns the value of an entry, or nothing if there is none.
pub const DICT_GET: RuleId = RuleId(57);
/// `r[dict.contains]`: `contains` tells whether an entry exists, even if its value is null.
pub const DICT_CONTAINS: RuleId = RuleId(58);
/// `r[dict.set]`: `set` adds an entry or replaces its value.
pub const DICT_SET: RuleId = RuleId(59);
/// `r[dict.set-default.present]`: `set-default` of a present entry returns its value and changes nothing.
pub const DICT_SET_DEFAULT_PRESENT: RuleId = RuleId(60);
/// `r[dict.set-default.absent]`: `set-default` of an absent entry stores and returns the default.
pub const DICT_SET_DEFAULT_ABSENT: RuleId = RuleId(61);
/// `r[dict.pop.present]`: `pop` removes an entry and returns its value.
pub const DICT_POP_PRESENT: RuleId = RuleId(62);
/// `r[dict.pop.absent]`: `pop` of an absent entry fails with `KeyError`.
pub const DICT_POP_ABSENT: RuleId = RuleId(63);
/// `r[dict.pop.default]`: `pop` of an absent entry with a default returns the default and stores nothing.
pub const DICT_POP_DEFAULT: RuleId = RuleId(64);
/// `r[dict.remove.present]`: `remove` removes an entry.
pub const DICT_REMOVE_PRESENT: RuleId = RuleId(65);
/// `r[dict.remove.absent]`: `remove` of an absent entry fails with `KeyError`.
pub const DICT_REMOVE_ABSENT: RuleId = RuleId(66);
/// `r[dict.update]`: `update` sets each of the given entries and keeps the rest.
pub const DICT_UPDATE: RuleId = RuleId(67);
/// `r[dict.clear]`: `clear` removes every entry without reading the record.
pub const DICT_CLEAR: RuleId = RuleId(68);
/// `r[dict.listing]`: `keys`, `values` and `items` list all entries, private ones included.
pub const DICT_LISTING: RuleId = RuleId(69);
/// `r[dict.nested.memory]`: A change inside a value is seen by the same object.
pub const DICT_NESTED_MEMORY: RuleId = RuleId(70);
/// `r[dict.nested.saved]`: A change inside a value is stored by an explicit `save`.
pub const DICT_NESTED_SAVED: RuleId = RuleId(71);
/// `r[testcookie.worked]`: The test cookie worked if its mark is in the session.
pub const TESTCOOKIE_WORKED: RuleId = RuleId(72);
/// `r[testcookie.delete]`: `delete-test-cookie` removes the mark, and sets `modified`.
pub const TESTCOOKIE_DELETE: RuleId = RuleId(73);
/// `r[tracking.new]`: A new object has neither flag.
pub const TRACKING_NEW: RuleId = RuleId(74);
/// `r[tracking.read]`: Reading sets `accessed` only.
pub const TRACKING_READ: RuleId = RuleId(75);
/// `r[tracking.write]`: Changing an entry sets both flags.
pub const TRACKING_WRITE: RuleId = RuleId(76);
/// `r[tracking.set-default-present]`: `set-default` of a present entry does not set `modified`.
pub const TRACKING_SET_DEFAULT_PRESENT: RuleId = RuleId(77);
/// `r[tracking.pop-absent]`: `pop` of an absent entry does not set `modified`.
pub const TRACKING_POP_ABSENT: RuleId = RuleId(78);
/// `r[tracking.remove-absent]`: A failed `remove` does not set `modified`.
pub const TRACKING_REMOVE_ABSENT: RuleId = RuleId(79);
/// `r[tracking.update-empty]`: `update` with nothing still sets `modified`.
pub const TRACKING_UPDATE_EMPTY: RuleId = RuleId(80);
/// `r[tracking.clear]`: `clear` sets both flags.
pub const TRACKING_CLEAR: RuleId = RuleId(81);
/// `r[tracking.nested]`: A change inside a value does not set `modified`.
pub const TRACKING_NESTED: RuleId = RuleId(82);
/// `r[tracking.is-empty]`: Asking whether the session is empty sets no flag.
pub const TRACKING_IS_EMPTY: RuleId = RuleId(83);
/// `r[tracking.explicit-expiry]`: Asking for an age or date with an explicit expiry sets no flag.
pub const TRACKING_EXPLICIT_EXPIRY: RuleId = RuleId(84);
/// `r[tracking.expiry-none]`: Removing an expiry that was never set does not set `modified`.
pub const TRACKING_EXPIRY_NONE: RuleId = RuleId(85);
/// `r[tracking.untouched]`: Operations on the storage leave an object's flags alone.
pub const TRACKING_UNTOUCHED: RuleId = RuleId(86);
/// `r[tracking.sticky]`: A flag that is set stays set.
pub const TRACKING_STICKY: RuleId = RuleId(87);
/// `r[expiry.default]`: A session lives for the cookie age, from its last save.
pub const EXPIRY_DEFAULT: RuleId = RuleId(88);
/// `r[expiry.seconds]`: An expiry in seconds counts from the last save.
pub const EXPIRY_SECONDS: RuleId = RuleId(89);
/// `r[expiry.negative]`: A session with a negative expiry has expired at once.
pub const EXPIRY_NEGATIVE: RuleId = RuleId(90);
/// `r[expiry.zero]`: An expiry of zero ends with the browser; the record lives for the cookie age.
pub const EXPIRY_ZERO: RuleId = RuleId(91);
/// `r[expiry.duration]`: A duration is turned into a date at once.
pub const EXPIRY_DURATION: RuleId = RuleId(92);
/// `r[expiry.at]`: A date is the instant of expiry, whatever its offset.
pub const EXPIRY_AT: RuleId = RuleId(93);
/// `r[expiry.none]`: `set-expiry` with none returns to the default.
pub const EXPIRY_NONE: RuleId = RuleId(94);
/// `r[expiry.entry]`: The expiry is kept in the entry `_session_expiry`.
pub const EXPIRY_ENTRY: RuleId = RuleId(95);
/// `r[expiry.renewed]`: Saving renews the lifetime of a session.
pub const EXPIRY_RENEWED: RuleId = RuleId(96);
/// `r[expiry.range]`: An expiry outside the years 1 to 9999 is refused when it is used.
pub const EXPIRY_RANGE: RuleId = RuleId(97);
/// `r[expiry.unreadable]`: An unreadable expiry destroys neither the session nor its data.
pub const EXPIRY_UNREADABLE: RuleId = RuleId(98);
/// `r[expiry.age]`: The expiry age is the number of seconds left, rounded down.
pub const EXPIRY_AGE: RuleId = RuleId(99);
/// `r[expiry.date]`: The expiry date is the date that was set, or the modification instant plus the age.
pub const EXPIRY_DATE: RuleId = RuleId(100);
/// `r[expiry.explicit]`: A caller may ask for the age or the date with a given modification instant and a given expiry.
pub const EXPIRY_EXPLICIT: RuleId = RuleId(101);
/// `r[expiry.browser-close]`: A session ends with the browser if its expiry is zero, or if it has none and the settings say so.
pub const EXPIRY_BROWSER_CLOSE: RuleId = RuleId(102);
/// `r[expiry.cookie-age]`: The session cookie age is the one in the settings.
pub const EXPIRY_COOKIE_AGE: RuleId = RuleId(103);
/// `r[expiry.boundary]`: At the instant of its expiry a record no longer loads.
pub const EXPIRY_BOUNDARY: RuleId = RuleId(104);
/// `r[expiry.not-early]`: A microsecond before its expiry a record still loads.
pub const EXPIRY_NOT_EARLY: RuleId = RuleId(105);
/// `r[expiry.signed-seconds]`: Where the key is the data, a lifetime counts from the whole second in which it was saved.
pub const EXPIRY_SIGNED_SECONDS: RuleId = RuleId(106);
/// `r[expiry.dead]`: An expired record never loads.
pub const EXPIRY_DEAD: RuleId = RuleId(107);
/// `r[expiry.told]`: A load tells the instant at which the record expires.
pub const EXPIRY_TOLD: RuleId = RuleId(108);
/// `r[expiry.kept]`: An expired record that was not cleared still holds its key.
pub const EXPIRY_KEPT: RuleId = RuleId(109);
/// `r[expiry.gone]`: In a store that removes expired records by itself, an expired record is gone.
pub const EXPIRY_GONE: RuleId = RuleId(110);
/// `r[expiry.clear.removes]`: `clear-expired` removes every record that expired before now.
pub const EXPIRY_CLEAR_REMOVES: RuleId = RuleId(111);
/// `r[expiry.clear.count]`: `clear-expired` tells how many records it removed.
pub const EXPIRY_CLEAR_COUNT: RuleId = RuleId(112);
/// `r[expiry.clear.keeps-live]`: `clear-expired` removes nothing else.
pub const EXPIRY_CLEAR_KEEPS_LIVE: RuleId = RuleId(113);
/// `r[expiry.clear.boundary]`: A record that expires exactly now is left for the next clearing.
pub const EXPIRY_CLEAR_BOUNDARY: RuleId = RuleId(114);
/// `r[expiry.clear.automatic]`: Where the storage removes expired records by itself, `clear-expired` does nothing, and succeeds.
pub const EXPIRY_CLEAR_AUTOMATIC: RuleId = RuleId(115);
/// `r[expiry.clear.refused]`: A store that cannot clear refuses to.
pub const EXPIRY_CLEAR_REFUSED: RuleId = RuleId(116);
/// `r[data.json]`: Every JSON type survives a reload.
pub const DATA_JSON: RuleId = RuleId(117);
/// `r[data.text]`: Text survives to the last character.
pub const DATA_TEXT: RuleId = RuleId(118);
/// `r[data.non-bmp]`: Characters beyond the basic plane survive.
pub const DATA_NON_BMP: RuleId = RuleId(119);
/// `r[data.names]`: An entry name can be any text.
pub const DATA_NAMES: RuleId = RuleId(120);
/// `r[data.names.surrogates]`: Names with a lone surrogate survive.
pub const DATA_NAMES_SURROGATES: RuleId = RuleId(121);
/// `r[data.floats]`: Floating-point numbers keep their value and stay floating-point numbers.
pub const DATA_FLOATS: RuleId = RuleId(122);
/// `r[data.large]`: Large values survive whole.
pub const DATA_LARGE: RuleId = RuleId(123);
/// `r[data.too-large]`: A session larger than the store's limit is refused, and the record stays whole.
pub const DATA_TOO_LARGE: RuleId = RuleId(124);
/// `r[data.order]`: Entries keep the order in which they were first set.
pub const DATA_ORDER: RuleId = RuleId(125);
/// `r[data.integers.kept]`: Integers keep all their digits.
pub const DATA_INTEGERS_KEPT: RuleId = RuleId(126);
/// `r[data.integers.huge.kept]`: Integers beyond 64 bits keep all their digits.
pub const DATA_INTEGERS_HUGE_KEPT: RuleId = RuleId(127);
/// `r[data.integers.refused]`: A store that cannot keep a big integer refuses it.
pub const DATA_INTEGERS_REFUSED: RuleId = RuleId(128);
/// `r[data.integers.huge.refused]`: A store that cannot keep an integer beyond 64 bits refuses it.
pub const DATA_INTEGERS_HUGE_REFUSED: RuleId = RuleId(129);
/// `r[data.non-finite.kept]`: NaN and the infinities survive.
pub const DATA_NON_FINITE_KEPT: RuleId = RuleId(130);
/// `r[data.non-finite.refused]`: A store that cannot keep NaN and the infinities refuses them.
pub const DATA_NON_FINITE_REFUSED: RuleId = RuleId(131);
/// `r[data.surrogates.kept]`: Lone surrogates survive.
pub const DATA_SURROGATES_KEPT: RuleId = RuleId(132);
/// `r[data.surrogates.refused]`: A store that cannot keep lone surrogates refuses them.
pub const DATA_SURROGATES_REFUSED: RuleId = RuleId(133);
/// `r[data.deep.kept]`: Lists nested 300 deep survive.
pub const DATA_DEEP_KEPT: RuleId = RuleId(134);
/// `r[data.deep.refused]`: A store that cannot keep deep nesting refuses it.
pub const DATA_DEEP_REFUSED: RuleId = RuleId(135);
/// `r[data.corrupt.empty]`: A record that does not decode reads as an empty session under the same key.
pub const DATA_CORRUPT_EMPTY: RuleId = RuleId(136);
/// `r[data.corrupt.overwritten]`: Saving replaces a record that did not decode.
pub const DATA_CORRUPT_OVERWRITTEN: RuleId = RuleId(137);
/// `r[concurrent.delete.final]`: After an acknowledged deletion no load finds the session.
pub const CONCURRENT_DELETE_FINAL: RuleId = RuleId(138);
/// `r[concurrent.insert.one-wins]`: Of several insertions of one key exactly one succeeds.
pub const CONCURRENT_INSERT_ONE_WINS: RuleId = RuleId(139);
/// `r[concurrent.load.latest]`: A load sees the last acknowledged write, or a later one.
pub const CONCURRENT_LOAD_LATEST: RuleId = RuleId(140);
/// `r[concurrent.record.whole]`: A load returns one record that was written, whole.
pub const CONCURRENT_RECORD_WHOLE: RuleId = RuleId(141);
/// `r[concurrent.clear.renewed]`: Clearing removes no session that is renewed meanwhile.
pub const CONCURRENT_CLEAR_RENEWED: RuleId = RuleId(142);
/// `r[concurrent.order]`: All answers about a session fit one order of the operations.
pub const CONCURRENT_ORDER: RuleId = RuleId(143);
/// `r[failure.no-lie]`: What is acknowledged while a part fails has happened.
pub const FAILURE_NO_LIE: RuleId = RuleId(144);
/// `r[failure.not-absence]`: A failing part is never reported as "no such session".
pub const FAILURE_NOT_ABSENCE: RuleId = RuleId(145);
/// `r[failure.recovers]`: When nothing fails any more, the store works as before.
pub const FAILURE_RECOVERS: RuleId = RuleId(146);
/// `r[crash.acknowledged]`: What was acknowledged before the process was killed is there afterwards.
pub const CRASH_ACKNOWLEDGED: RuleId = RuleId(147);
/// `r[crash.whole]`: What was under way when the process was killed is there whole, or not at all.
pub const CRASH_WHOLE: RuleId = RuleId(148);
/// `r[middleware.key]`: The session's key is the value of the session cookie.
pub const MIDDLEWARE_KEY: RuleId = RuleId(149);
/// `r[middleware.key.exact-name]`: Only a cookie of exactly that name is the session's.
pub const MIDDLEWARE_KEY_EXACT_NAME: RuleId = RuleId(150);
/// `r[middleware.key.quoted]`: Quotes around the cookie's value are not part of the key.
pub const MIDDLEWARE_KEY_QUOTED: RuleId = RuleId(151);
/// `r[middleware.key.long-header]`: A long header hides no cookie.
pub const MIDDLEWARE_KEY_LONG_HEADER: RuleId = RuleId(152);
/// `r[middleware.key.hostile]`: Whatever the cookie's value is, it is no error.
pub const MIDDLEWARE_KEY_HOSTILE: RuleId = RuleId(153);
/// `r[middleware.key.not-logged]`: No key of a session stands in what the application writes into its logs or to its output.
pub const MIDDLEWARE_KEY_NOT_LOGGED: RuleId = RuleId(154);
/// `r[middleware.lazy]`: A request that does not touch its session reads nothing, saves nothing, and sends no cookie.
pub const MIDDLEWARE_LAZY: RuleId = RuleId(155);
/// `r[middleware.key.not-adopted]`: A key that the application never issued is not adopted.
pub const MIDDLEWARE_KEY_NOT_ADOPTED: RuleId = RuleId(156);
/// `r[middleware.key.unguessable]`: Keys are drawn at random, from at least 2^128.
pub const MIDDLEWARE_KEY_UNGUESSABLE: RuleId = RuleId(157);
/// `r[middleware.save.modified]`: A modified session is saved, and its cookie is set.
pub const MIDDLEWARE_SAVE_MODIFIED: RuleId = RuleId(158);
/// `r[middleware.save.unmodified]`: An unmodified session is not saved.
pub const MIDDLEWARE_SAVE_UNMODIFIED: RuleId = RuleId(159);
/// `r[middleware.save.every-request]`: With `save_every_request`, every session that is not empty is saved, and its cookie is set.
pub const MIDDLEWARE_SAVE_EVERY_REQUEST: RuleId = RuleId(160);
/// `r[middleware.save.empty]`: An empty session is never saved.
pub const MIDDLEWARE_SAVE_EMPTY: RuleId = RuleId(161);
/// `r[middleware.save.server-error]`: An answer of 500 or above saves nothing and sets no cookie.
pub const MIDDLEWARE_SAVE_SERVER_ERROR: RuleId = RuleId(162);
/// `r[middleware.save.explicit]`: What the handler itself saved stays, whatever the response.
pub const MIDDLEWARE_SAVE_EXPLICIT: RuleId = RuleId(163);
/// `r[middleware.interrupted]`: If a modified session is deleted while its request is handled, the response is 400, and the session stays deleted.
pub const MIDDLEWARE_INTERRUPTED: RuleId = RuleId(164);
/// `r[middleware.cookie.age]`: The cookie of a session lives as long as the session.
pub const MIDDLEWARE_COOKIE_AGE: RuleId = RuleId(165);
/// `r[middleware.cookie.browser-close]`: The cookie of a session that ends with the browser has neither `Max-Age` nor `Expires`.
pub const MIDDLEWARE_COOKIE_BROWSER_CLOSE: RuleId = RuleId(166);
/// `r[middleware.cookie.new-key]`: A session that got a new key sends it.
pub const MIDDLEWARE_COOKIE_NEW_KEY: RuleId = RuleId(167);
/// `r[middleware.cookie.kept]`: A session that kept its key sends the same one.
pub const MIDDLEWARE_COOKIE_KEPT: RuleId = RuleId(168);
/// `r[middleware.cookie.deleted]`: The cookie of an empty session is deleted.
pub const MIDDLEWARE_COOKIE_DELETED: RuleId = RuleId(169);
/// `r[middleware.cookie.attributes]`: The cookie is sent as the settings say.
pub const MIDDLEWARE_COOKIE_ATTRIBUTES: RuleId = RuleId(170);
/// `r[middleware.cookie.deleted-attributes]`: The cookie is deleted where it was set.
pub const MIDDLEWARE_COOKIE_DELETED_ATTRIBUTES: RuleId = RuleId(171);
/// `r[middleware.vary.accessed]`: A response whose session was accessed has `Vary: Cookie`.
pub const MIDDLEWARE_VARY_ACCESSED: RuleId = RuleId(172);
/// `r[middleware.vary.sent]`: A response that sets or deletes the cookie has `Vary: Cookie`.
pub const MIDDLEWARE_VARY_SENT: RuleId = RuleId(173);
/// `r[middleware.vary.untouched]`: A response whose session was not accessed may be shared.
pub const MIDDLEWARE_VARY_UNTOUCHED: RuleId = RuleId(174);
/// `r[middleware.cache.private]`: A response that sets the session's cookie does not say `Cache-Control: public`.
pub const MIDDLEWARE_CACHE_PRIVATE: RuleId = RuleId(175);
/// `r[middleware.overlap.reads]`: A request that changes nothing undoes nothing that another one saves meanwhile.
pub const MIDDLEWARE_OVERLAP_READS: RuleId = RuleId(176);
/// `r[middleware.overlap.writes]`: Of two requests that change the same session, the one that is saved last wins, as a whole.
pub const MIDDLEWARE_OVERLAP_WRITES: RuleId = RuleId(177);
/// `r[middleware.log-in]`: After `cycle-key` the old key opens nothing, and the new one opens the data.
pub const MIDDLEWARE_LOG_IN: RuleId = RuleId(178);
/// `r[middleware.log-out]`: After `flush` the old key opens nothing.
pub const MIDDLEWARE_LOG_OUT: RuleId = RuleId(179);
/// `r[middleware.log-in.final]`: A log-in in another request stays: the old key is dead, and the new one keeps its session.
pub const MIDDLEWARE_LOG_IN_FINAL: RuleId = RuleId(180);
/// `r[middleware.log-out.final]`: A session that is deleted while a request on it is under way stays deleted.
pub const MIDDLEWARE_LOG_OUT_FINAL: RuleId = RuleId(181);
