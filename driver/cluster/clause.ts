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
