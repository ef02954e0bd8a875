// SPDX-License-Identifier: LGPL-2.1-or-later
//
// chain.js STEPS: a timer and a worker take turns, a line a step.
const { Worker, isMainThread, parentPort } = require('worker_threads');
const crypto = require('crypto');

const hash = (text) => crypto.createHash('sha256').update(text).digest('hex');

if (!isMainThread) {
	parentPort.on('message', (text) => parentPort.postMessage(hash(text)));
} else {
	const steps = Number(process.argv[2]);
	const worker = new Worker(__filename);
	let n = 0, text = 'begin';

	worker.on('message', (answer) => {
		text = answer;
		console.log(`${n++} ${text.slice(0, 16)}`);
		if (n === steps) {
			console.log('end');
			process.exit(0);
		}
		setTimeout(() => worker.postMessage(hash(text)), 10);
	});
	worker.postMessage(text);
}
