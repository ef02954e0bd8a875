// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Threads compute, make garbage and fill a map, a writer writes.  In the middle all of them go on
// at what does not show in the results, until the file `go' is there.

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

class RealJava {
	static final int ROUNDS = 20, THREADS = 4;
	static final Path GO = Path.of("go");

	record Result(int n, String text) { }

	static Result compute(int n) {
		long x = n + 1;
		List<String> garbage = new ArrayList<>();

		for (int i = 0; i < 20000; i++) {
			x = x * 6364136223846793005L + 1442695040888963407L;
			garbage.add(Long.toHexString(x ^ (x >>> 29)));
		}
		String none = n % 3 == 0 ? null : garbage.get(n);
		try {
			return new Result(n, none.substring(1) + garbage.get(garbage.size() - 1));
		} catch (NullPointerException e) {
			return new Result(n, "none");
		}
	}

	static TreeMap<Integer, String> round(ExecutorService pool, int r)
			throws InterruptedException, ExecutionException {
		TreeMap<Integer, String> found = new TreeMap<>();
		List<Future<Result>> futures = new ArrayList<>();

		for (int i = 0; i < THREADS; i++) {
			int n = r * THREADS + i;
			futures.add(pool.submit(() -> compute(n)));
		}
		for (Future<Result> f : futures)
			found.put(f.get().n(), f.get().text());
		return found;
	}

	public static void main(String[] args) throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(THREADS);
		BufferedWriter numbers = Files.newBufferedWriter(Path.of("numbers"));

		for (int r = 0; r < ROUNDS; r++) {
			if (r == ROUNDS / 2) {
				System.out.println("half");
				while (!Files.exists(GO))
					round(pool, r);
			}
			numbers.write(round(pool, r) + "\n");
			long sum = IntStream.range(0, 100000).parallel().mapToLong(i -> i % 7).sum();
			System.out.println("round " + r + " sum " + sum);
			if (r % 7 == 0)
				System.gc();
		}
		pool.shutdown();
		numbers.close();
		System.out.println("end");
	}
}
