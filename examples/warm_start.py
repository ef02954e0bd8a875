#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Warm start: a program that takes long to start is checkpointed once it has started, and is started
# from there ever after.
#
#	$ ckpt examples/warm_start.py      once: makes the program `warm'
#	$ echo '{"a": 1}' | ./warm         as often as you like
#
# The arguments are those of the first time; what differs comes from standard input.

import ctypes
import sys

# What takes long.
import asyncio, concurrent.futures, decimal, email, http.server, json, logging.config, sqlite3
import unittest, xml.dom.minidom, xmlrpc.client

if hasattr(ctypes.CDLL(None), "ckpt_ckpt"):  # started by ckpt
    ctypes.CDLL(None).ckpt_ckpt(b"warm")

print(json.dumps(json.load(sys.stdin), indent=1, sort_keys=True))
