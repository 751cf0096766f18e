"""The peer of `cargo xtask bench ledger`: SQLite in memory does the postings that the ledger's batches wrote.

One transaction for each batch; each posting adds to a balance and writes a line that cites its batch. The time is that which
the process had a core. Prints JSON.
Absent: everything that the ledger checks before it posts (signatures, splits, ownership, bonds).
"""

import json
import sqlite3
import sys
import time

batches = {}
with open(sys.argv[1], encoding="ascii") as lines:
    for line in lines:
        batch, account, amount = line.split()
        batches.setdefault(int(batch), []).append((account, int(amount), int(batch)))

database = sqlite3.connect(":memory:", isolation_level=None)
database.execute("CREATE TABLE account (id TEXT PRIMARY KEY, balance INTEGER NOT NULL) WITHOUT ROWID")
database.execute("CREATE TABLE posting (account TEXT NOT NULL, amount INTEGER NOT NULL, batch INTEGER NOT NULL)")
accounts = sorted({account for postings in batches.values() for account, _, _ in postings})
database.executemany("INSERT INTO account VALUES (?, 0)", [(account,) for account in accounts])

begun = time.process_time()
for postings in batches.values():
    database.execute("BEGIN")
    database.executemany("UPDATE account SET balance = balance + ?2 WHERE id = ?1", [p[:2] for p in postings])
    database.executemany("INSERT INTO posting VALUES (?, ?, ?)", postings)
    database.execute("COMMIT")
seconds = time.process_time() - begun

count = sum(len(postings) for postings in batches.values())
total = sum(amount for postings in batches.values() for _, amount, _ in postings)
held = database.execute("SELECT sum(balance) FROM account").fetchone()[0]
assert held == total, "the balances are not the postings"
print(json.dumps({"sqlite": sqlite3.sqlite_version, "postings": count, "postings_per_s": count / seconds}))
