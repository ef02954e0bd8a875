# SPDX-License-Identifier: LGPL-2.1-or-later
#
# chain.py STEPS: threads add to sums, the main thread hashes on and writes a line a step; a sorted
# database and a generator are in the middle of their work all the time.
import hashlib
import sqlite3
import sys
import threading
import time

steps = int(sys.argv[1])
sums = [0, 0]
stop = threading.Event()
barrier = threading.Barrier(3)


def add(which):
    for n in range(steps):
        sums[which] += n * (which + 1)
        barrier.wait()
        barrier.wait()


threads = [threading.Thread(target=add, args=(i,)) for i in range(2)]
for t in threads:
    t.start()
database = sqlite3.connect(":memory:")
database.execute("create table t (n integer, h text)")
squares = (n * n for n in range(steps))
digest = b"begin"
for n in range(steps):
    digest = hashlib.sha256(digest).digest()
    database.execute("insert into t values (?, ?)", (n, digest.hex()))
    barrier.wait()
    top = database.execute("select n from t order by h desc limit 1").fetchone()[0]
    print(n, digest.hex()[:16], sums[0], sums[1], next(squares), top, flush=n % 3 == 0)
    barrier.wait()
    time.sleep(0.01)
for t in threads:
    t.join()
print("end")
