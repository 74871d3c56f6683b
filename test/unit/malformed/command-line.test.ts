import * as fs from "node:fs";
import { expect } from "chai";
import type { Command, Option } from "commander";
import * as fc from "fast-check";
import { commandLine } from "../../../driver/cli/program";
import { SETTINGS } from "../../../driver/settings";
import { ODD_VALUES, runs, slip } from "./breakages";
import { Desk, type Told } from "./desk";
import { CASES, count, expectRefusal, expectSentences } from "./oracle";

const STACK_FILE = "config:\n  canary:namespace: shop\n  canary:stable: v1\n  canary:services:\n    shop: { image: shop, port: 8080, hosts: [shop.example] }\n";

/** Texts that an argument or a variable may hold. */
const ODD_TEXTS: readonly string[] = [
  ...ODD_VALUES.filter((value): value is string => typeof value === "string" && !/^(undefined|NaN)$/.test(value)),
  "-1", "0", "101", "1e3", "0x1f", "1,2,3", ",", ",,", "5:60s,,25", "5:60", "-", "--", "---", "=", "a=b", "*", "?", "~", "$HOME", "`id`", "a;b", "a|b", "a&b", "\\", "'", '"', "a b", "\n", "a\nb: c", "\r\n", "\u001b[31mred\u001b[0m", "\u001b]0;title\u0007", "\u0007", "\u200b",
  "é", "日本語", "🙂".repeat(100), "x".repeat(100_000), "file:///etc/passwd", "http://", "https://[", "http://user:hush@", "/dev/null", "/", "..", "true", "yes", "latest", "v1.2.3", "http://127.0.0.1:1", "30s", "10", "99.9%", "prod", "staging",
];

const KUBECONFIG = "/nonexistent/kubeconfig";
/** How a command ends whose arguments were good: there is no cluster to touch. */
const GOOD = ["The cluster cannot be chosen: /nonexistent/kubeconfig", "The cluster cannot be chosen: /etc/passwd"];

interface Verb {
  /** How fast-check shows it. */
  readonly [fc.toStringMethod]: () => string;
  readonly name: string;
  readonly needs: readonly string[];
  readonly options: readonly Option[];
}

/** What completes words for a shell says nothing by design. */
const verbs: readonly Verb[] = commandLine([]).commands.filter((command) => !command.name().startsWith("complet")).map((command: Command) => ({
  [fc.toStringMethod]: () => command.name(),
  name: command.name(),
  needs: command.registeredArguments.map(() => (command.name() === "traffic" ? "10" : "v9")),
  options: command.options,
}));
const onStack = verbs.filter(({ options }) => options.some(({ long }) => long === "--stack"));
const takes = (option: Option): boolean => option.required || option.optional;

describe("a malformed command line", function () {
  this.timeout(240_000);
  const desk = new Desk();
  const KIND = "command lines";
  before(async () => {
    await desk.start();
    desk.write("Pulumi.dev.yaml", STACK_FILE);
  });
  after(() => desk.stop());
  afterEach(() => expect(fs.readFileSync(desk.path("Pulumi.dev.yaml"), "utf8")).to.equal(STACK_FILE));

  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Told> => desk.canary(args, { KUBECONFIG, ...env });
  const at = ["--stack", "dev"];
  const here = (): string[] => ["--cwd", desk.dir];

  async function refused(args: readonly string[], named: RegExp | readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
    count(KIND);
    const told = await run(args, env);
    expectRefusal(told, named);
    expect(told.stdout).to.equal("");
  }

  it("is refused with the verb that nobody knows, with the one that is meant where it is clear", async () => {
    await fc.assert(fc.asyncProperty(fc.constantFrom(...verbs), fc.nat(4), fc.nat(9), async ({ name }, kind, place) => {
      const word = slip(name, kind, place);
      if (!verbs.some((verb) => verb.name === word)) await refused([word, ...at], /^error: unknown command '/);
    }), runs(100));
    expect((await run(["deplyo"])).stderr).to.include("(Did you mean deploy?)");
  });

  it("is refused with the option that nobody knows", () =>
    fc.assert(fc.asyncProperty(fc.constantFrom(...verbs), fc.nat(), fc.nat(4), fc.nat(20), async ({ name, needs, options }, choice, kind, place) => {
      const { long } = options[choice % options.length]!;
      const word = `--${slip(long!.slice(2), kind, place)}`;
      if (!options.some((option) => option.long === word) && !"--help".startsWith(word)) await refused([name, ...needs, word], /^error: (unknown option '--|required option '-)/);
    }), runs(150)));

  it("is refused with the option whose value is missing", async () => {
    for (const { name, needs, options } of verbs) for (const option of options.filter(takes)) await refused([name, ...needs, option.long!], [`'${option.flags}' argument missing`]);
  });

  it("is refused with the argument that is missing or too much", async () => {
    for (const { name, needs } of onStack) {
      if (needs.length > 0) await refused([name, ...at, ...here()], ["missing required argument", "No version is named", "No rollout of"]);
      await refused([name, "v9", "v9", "v9", ...at, ...here()], ["too many arguments"]);
      await refused([name, ...needs, ...here()], ["--stack"]);
    }
  });

  it("is refused with the stack's name when it is none, and that never becomes a path", () =>
    fc.assert(fc.asyncProperty(fc.constantFrom(...onStack.filter(({ name }) => name !== "serve")), fc.constantFrom(...ODD_TEXTS, "../dev", "a/b/c/d", "/dev", "dev/", "x".repeat(101)), async ({ name, needs }, odd) => {
      count(KIND);
      const told = await run([name, ...needs, `--stack=${odd}`, ...here()]);
      if (name === "doctor" && told.code === 1) return expectSentences(told.stdout.split("\n")[0]!, "doctor");
      // Several stacks are told of one by one, on standard output.
      if (odd.includes(",") && told.stderr === "") {
        expect([told.code, told.changes]).to.deep.equal([64, []]);
        return expectSentences(told.stdout, name);
      }
      expectRefusal(told, ["--stack is", "cannot be read", "required option", "No version"]);
    }), runs(200)));

  it("is refused with the flag whose value cannot be used, or the value was meant so", () =>
    fc.assert(fc.asyncProperty(fc.constantFrom(...onStack.filter(({ name }) => !["init", "doctor", "preview", "serve"].includes(name))), fc.nat(), fc.constantFrom(...ODD_TEXTS), async ({ name, needs, options }, choice, odd) => {
      const valued = options.filter((option) => takes(option) && !["--stack", "--env", "--cwd"].includes(option.long!));
      const { long } = valued[choice % valued.length]!;
      await refused([name, ...needs, `${long}=${odd}`, "--yes", ...at, ...here()], [long!, ...GOOD, "names no server", "--stack is", "cannot be listened on"]);
    }), runs(CASES / 4)));

  it("is refused with the version or the weight that is none", () =>
    fc.assert(fc.asyncProperty(fc.constantFrom("deploy", "experiment", "traffic"), fc.constantFrom(...ODD_TEXTS), async (name, odd) => {
      await refused([name, "--yes", ...at, ...here(), "--", odd], [name === "traffic" ? "The weight is" : "The version is", ...GOOD, "No version is named"]);
    }), runs(150)));

  it("is refused with the folder that is none", async () => {
    for (const odd of ODD_TEXTS.filter((text) => !["", " ", "/", "..", "~"].includes(text))) {
      count(KIND);
      const told = await run(["deploy", "v9", ...at, `--cwd=${odd}`]);
      expectRefusal(told, ["Pulumi.yaml", "Pulumi.dev.yaml"]);
    }
  });

  it("is refused when it names two stacks, two versions or two weights", async () => {
    await refused(["deploy", "v9", ...at, "--env", "prod", ...here()], ["--env"]);
    await refused(["deploy", "v9", "--tag", "v8", ...at, ...here()], ["--tag"]);
    await refused(["deploy", "v9", "--canary-weight", "5", "--percentage", "6", ...at, ...here()], ["--percentage"]);
    await refused(["deploy", "v9", "--health-threshold", "95", "--error-threshold", "4", ...at, ...here()], ["--error-threshold"]);
  });

  it("never does more than its words say, whatever words come in whatever order", () =>
    fc.assert(fc.asyncProperty(fc.array(fc.oneof(fc.constantFrom(...verbs.filter(({ name }) => !["init", "doctor", "help", "monitor", "backtest", "serve"].includes(name)).map(({ name }) => name)), fc.constantFrom(...verbs.flatMap(({ options }) => options.map(({ long }) => long!))), fc.constantFrom(...ODD_TEXTS), fc.string()), { maxLength: 8 }), async (words) => {
      count(KIND);
      const told = await run([...words, ...here()]);
      expect(told.changes).to.deep.equal([]);
      if (told.code === 0) {
        expect(told.stdout).to.match(/^Usage: /);
        return;
      }
      // Without a verb the help is the answer.
      if (!told.stderr.startsWith("Usage: ") && told.code !== 1) expectRefusal(told, /./);
    }), runs(CASES / 4)));

  it("shows its stack trace with --debug only, and then keeps the sentence", async () => {
    const told = await run(["status", "--stack", "gone", ...here(), "--debug"]);
    expect(told.stderr).to.match(/^canary: UsageError: .*Pulumi\.gone\.yaml cannot be read.*\n +at /).and.to.include("caused by Error: ENOENT");
  });
});

describe("a malformed environment", function () {
  this.timeout(240_000);
  const desk = new Desk();
  before(async () => {
    await desk.start();
    desk.write("Pulumi.dev.yaml", STACK_FILE);
    desk.write("Pulumi.prod.yaml", STACK_FILE);
    desk.write("Pulumi.staging.yaml", STACK_FILE);
  });
  after(() => desk.stop());

  const namesIn = ({ names }: (typeof SETTINGS)[keyof typeof SETTINGS]): string[] => names.flatMap(({ env }) => (env === undefined ? [] : [env]));
  const variables = Object.values(SETTINGS).flatMap(namesIn);

  it("is refused with the variable whose value cannot be used, or the value was meant so", () =>
    fc.assert(fc.asyncProperty(fc.constantFrom(...variables), fc.constantFrom(...ODD_TEXTS.filter((text) => !text.includes("\0"))), fc.constantFrom("dev", "prod", "staging"), async (name, odd, stack) => {
      count("environments");
      const told = await desk.canary(["deploy", "v9", "--yes", "--stack", stack, "--cwd", desk.dir], { KUBECONFIG, [name]: odd });
      expectRefusal(told, [name, ...GOOD]);
    }), runs(CASES)));

  it("shows nothing of a variable that is secret, be it of use or not", async () => {
    const texts = [
      "hush", "http://user:hush@", "http://user:hush@[", "ftp://user:hush@shop.example", "http://user:hush@shop.example:99999", "http://us er:hush@shop.example", "http://user:hush@127.0.0.1:1",
      ...["users: [{user: {token: hush", "users: [{user: {token: hush}}]", "{clusters: [], contexts: [], users: [{name: hush, user: {token: hush}}]}"].map((kubeconfig) => Buffer.from(kubeconfig).toString("base64")),
    ];
    const secret = Object.values(SETTINGS).filter(({ secret }) => secret === true).flatMap(namesIn);
    expect(secret).to.include.members(["PROMETHEUS_URL", "PUSHGATEWAY_URL", "KUBE_CONFIG_PROD", "KUBE_CONFIG_STAGING"]);
    for (const name of secret)
      for (const text of texts) {
        const on = ["--stack", name === "KUBE_CONFIG_STAGING" ? "staging" : "prod", "--cwd", desk.dir];
        const told = await desk.canary(["deploy", "v9", "--yes", ...on], { KUBECONFIG, [name]: text });
        expectRefusal(told, [name, "The cluster cannot be chosen: "]);
        // Those that look use what they can, and say where they have looked.
        const looked = [told, await desk.canary(["deploy", "v9", "--debug", ...on], { KUBECONFIG, [name]: text }), await desk.canary(["status", ...on], { [name]: text }), await desk.canary(["doctor", ...on], { [name]: text })];
        for (const { args, stdout, stderr } of looked) {
          count("environments");
          for (const part of ["hush", text.slice(0, 16)]) expect(stdout + stderr, `${args.join(" ")} with ${name}=${text}`).not.to.include(part);
        }
      }
  });

  it("is refused when it names no stack that can be", async () => {
    for (const name of ["PULUMI_STACK", "DEPLOYMENT_ENVIRONMENT"])
      for (const odd of ODD_TEXTS.filter((text) => !text.includes("\0") && !["prod", "staging"].includes(text))) {
        count("environments");
        const told = await desk.canary(["deploy", "v9", "--cwd", desk.dir], { KUBECONFIG, [name]: odd });
        // Several stacks are told of one by one, on standard output.
        if (odd.includes(",") && told.stderr === "") expectSentences(told.stdout, "deploy");
        else expectRefusal(told, ["--stack is", "cannot be read", "--stack <name>", ...GOOD]);
      }
  });

  it("may lack a home folder", async () => {
    const { HOME: _, KUBECONFIG: __, ...rest } = desk.environment();
    const told = await desk.canary(["status", "--stack", "dev", "--cwd", desk.dir], { ...rest, HOME: "", KUBECONFIG: "" });
    count("environments");
    expectRefusal(told, ["The cluster cannot be chosen: there is no kubeconfig"]);
  });
});
