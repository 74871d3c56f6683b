import type { Published } from "./state";

/** What the launching process tells the supervisor over their channel. */
export type ToSupervisor =
  /** Comes with the listening socket, which belongs to the host's network although the supervisor's has its own. */
  | { readonly kind: "publish"; readonly service: Published; readonly port: number }
  | { readonly kind: "start"; readonly name: string }
  /** From now on the cluster outlives the process that started it. */
  | { readonly kind: "detach" };

export type ToLauncher =
  | { readonly kind: "published"; readonly service: Published }
  | { readonly kind: "progress"; readonly step: string }
  | { readonly kind: "ready" }
  | { readonly kind: "detached" }
  | { readonly kind: "failed"; readonly message: string };
