// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Chain STEPS: threads of a pool compute, make garbage and wait for each other; a line a step.

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

class Chain {
	static long compute(long x) {
		List<String> garbage = new ArrayList<>();

		for (int i = 0; i < 2000; i++) {
			x = x * 6364136223846793005L + 1442695040888963407L;
			garbage.add(Long.toHexString(x));
		}
		return x ^ garbage.get(1000).hashCode();
	}

	public static void main(String[] args) throws Exception {
		int steps = Integer.parseInt(args[0]);
		ExecutorService pool = Executors.newFixedThreadPool(3);
		long x = 1;

		for (int n = 0; n < steps; n++) {
			List<Future<Long>> results = new ArrayList<>();

			for (long i = 0; i < 3; i++) {
				long seed = x + i;

				results.add(pool.submit(() -> compute(seed)));
			}
			for (Future<Long> r : results)
				x = x * 31 + r.get();
			System.out.println(n + " " + Long.toHexString(x));
			Thread.sleep(10);
		}
		pool.shutdown();
		System.out.println("end");
	}
}
