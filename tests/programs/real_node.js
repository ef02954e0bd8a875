// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Timers, files written asynchronously, and a worker thread.  In the middle all of them go on at
// what does not show in the results, until the file `go' is there.

const { Worker, isMainThread, parentPort } = require('worker_threads');
const crypto = require('crypto');
const fs = require('fs');

const ROUNDS = 20;

function digest(n) {
	let text = String(n);
	for (let i = 0; i < 2000; i++)
		text = crypto.createHash('sha256').update(text).digest('hex');
	return text;
}

if (!isMainThread) {
	parentPort.on('message', n => parentPort.postMessage(digest(n)));
} else {
	main();
}

async function main() {
	const worker = new Worker(__filename);
	const ask = n => new Promise(resolve => {
		worker.once('message', resolve);
		worker.postMessage(n);
	});
	const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
	const numbers = await fs.promises.open('numbers', 'w');
	let ticks = 0;
	const ticking = setInterval(() => ticks++, 5);

	const round = async n => {
		const [a, , b] = await Promise.all([ask(n), pause(2), fs.promises.readFile(__filename)]);
		return `${n} ${a} ${b.length}\n`;
	};
	for (let n = 0; n < ROUNDS; n++) {
		if (n === ROUNDS / 2) {
			console.log('half');
			while (!fs.existsSync('go')) {
				await fs.promises.writeFile('scratch', await round(n));
			}
		}
		await numbers.write(await round(n));
		console.log('round', n);
	}
	const before = ticks;
	await pause(50);
	console.log(ticks > before ? 'the timer goes' : 'the timer stands');
	clearInterval(ticking);
	await numbers.close();
	await worker.terminate();
	console.log('end');
}
