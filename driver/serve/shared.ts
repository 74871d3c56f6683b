/** Milliseconds for which an answer is as good as a new one. */
const FRESH = 1000;

/** Asks once for all who ask at the same time, or shortly after. */
export function shared<T>(ask: () => Promise<T>, fresh = FRESH): () => Promise<T> {
  let latest: { readonly answer: Promise<T>; until: number } | undefined;
  return () => {
    if (latest && Date.now() < latest.until) return latest.answer;
    const now = { answer: ask(), until: Infinity };
    const done = (): void => void (now.until = Date.now() + fresh);
    now.answer.then(done, done);
    latest = now;
    return now.answer;
  };
}
