/** What the API server answered, in one clause. */
export function clauseOf(error: unknown): string {
  const { body, message } = error as { body?: unknown; message?: string };
  try {
    const status = (typeof body === "string" ? JSON.parse(body) : body) as { message?: string } | undefined;
    if (status?.message) return status.message;
  } catch {
    // No Status object: a proxy's page, say.
  }
  return String(message ?? error).split("\n")[0]!.replace(/\.$/, "");
}
