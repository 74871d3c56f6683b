/** What an API server, or the way to it, answered, in one clause: the client's own message is the whole answer over many lines. */
export function clauseOf(error: unknown): string {
  const { body, code, message } = (error ?? {}) as { body?: unknown; code?: unknown; message?: string };
  try {
    const status = (typeof body === "string" ? JSON.parse(body) : body) as { message?: string } | undefined;
    if (status?.message) return status.message;
  } catch {
    // No Status object: a proxy's page, say.
  }
  if (typeof code === "number") return `it answered HTTP ${code}`;
  return String(message ?? error).split("\n")[0]!.replace(/\.$/, "");
}

/** The HTTP status of a refusal; undefined where nobody answered. */
export const statusOf = (error: unknown): number | undefined => (error as { code?: number }).code;

/** Answers undefined for an object that does not exist. */
export async function ifThere<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}
