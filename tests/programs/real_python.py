# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Threads, a sqlite transaction, a C function that calls back, a file being written and a mapped
# one.  All are in the middle of something at "half"; until the file `go' is there the threads go
# on at what does not show in the results.

import ctypes
import hashlib
import mmap
import os
import queue
import sqlite3
import threading

ROUNDS = 40
libc = ctypes.CDLL(None)
Compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))


@Compare
def compare(a, b):
    return a[0] - b[0]


def sort(numbers):
    array = (ctypes.c_int * len(numbers))(*numbers)
    libc.qsort(array, len(numbers), ctypes.sizeof(ctypes.c_int), compare)
    return list(array)


def digest(n):
    data = b"%d" % n
    for _ in range(50):
        data = hashlib.sha256(data).digest()
    return data.hex()


def worker(jobs, results):
    for n in iter(jobs.get, None):
        results.put((n, digest(n)))


jobs, results = queue.Queue(), queue.Queue()
threads = [threading.Thread(target=worker, args=(jobs, results)) for _ in range(4)]
for thread in threads:
    thread.start()

database = sqlite3.connect("database", isolation_level=None)
database.execute("create table t (n integer primary key, text)")
database.execute("begin")
numbers = open("numbers", "w")
with open("map", "wb") as file:
    file.truncate(4096 * ROUNDS)
with open("map", "r+b") as file:
    mapped = mmap.mmap(file.fileno(), 0)


def round_of_work(r):
    for n in range(20):
        jobs.put(r * 20 + n)
    found = dict(results.get() for _ in range(20))
    order = sort([(7919 * n) % 1009 for n in range(r, r + 20)])
    return sorted(found.items()), order


for r in range(ROUNDS):
    if r == ROUNDS // 2:
        print("half", flush=True)
        while not os.path.exists("go"):
            round_of_work(r)
    found, order = round_of_work(r)
    database.executemany("insert into t values (?, ?)", found)
    print(r, *order, file=numbers)
    mapped[4096 * r:4096 * r + 64] = found[-1][1].encode()
    print("round", r)

for thread in threads:
    jobs.put(None)
for thread in threads:
    thread.join()
database.execute("commit")
for row in database.execute("select * from t order by n"):
    print(*row)
mapped.flush()
numbers.close()
print("end")
