import { expect } from "chai";
import type { EngineEvent } from "@pulumi/pulumi/automation";
import { explainUpdate } from "../../../driver/stack/diagnostics";

const diagnostic = (severity: string, message: string): EngineEvent => ({ sequence: 0, timestamp: 0, diagnosticEvent: { severity, message, color: "raw" } }) as unknown as EngineEvent;

describe("the explanation of a failed update", () => {
  it("is the engine's errors without colours, once each, and without the line that only says that it failed", () => {
    const events = [
      diagnostic("warning", "using a plugin from PATH"),
      diagnostic("error", "<{%reset%}>the Deployment failed to become ready<{%reset%}>\n"),
      diagnostic("error", "the Deployment failed to become ready"),
      diagnostic("error", "update failed"),
    ];
    expect(explainUpdate(events, "")).to.equal("the Deployment failed to become ready");
  });

  it("is the command's own error line when the engine reported none", () => {
    expect(explainUpdate([], "code: 255\nstderr: error: passphrase must be set\n")).to.equal("error: passphrase must be set");
  });
});
