import { expect } from "chai";
import { withRemedy } from "../../../driver/stack/remedies";

describe("what Pulumi says of its own surroundings", () => {
  const told: readonly (readonly [string, string, RegExp])[] = [
    ["a state that is cut off", "error: failed to load checkpoint: place 1: unexpected end of JSON input", /: the stack's state is damaged, .*: put its latest whole copy back \(.*NAME\.json\.bak.*\)\.$/],
    ["a lock that is cut off", "error: unexpected end of JSON input", /: a lock of the stack is cut off, .*: `pulumi cancel` removes it\.$/],
    ["a wrong passphrase", "error: get stack secrets manager: incorrect passphrase", /: set PULUMI_CONFIG_PASSPHRASE.*\.$/],
  ];
  for (const [what, said, remedy] of told)
    it(`is told with what to do: ${what}`, () => expect(withRemedy(said)).to.match(remedy));

  it("stands alone where nobody knows what to do", () => expect(withRemedy("error: the moon is full")).to.equal("error: the moon is full."));
});
