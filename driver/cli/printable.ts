/** Characters of a line at most: what quotes a whole file or a page of a proxy is cut. */
const LINE = 2000;

const CONTROL = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

const escaped = (character: string): string => `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`;

/** A text that may quote anything, for a terminal: nothing in it moves the cursor, changes a colour or turns the writing round. */
export const printable = (text: string): string =>
  text.replace(CONTROL, escaped).split("\n").map((line) => (line.length > LINE ? `${line.slice(0, LINE)}…` : line)).join("\n");

/** An error of the argument parser, which quotes arguments as they are: line breaks in them would make lines of their own. */
export function printableError(text: string, args: readonly string[]): string {
  const broken = args.flatMap((arg) => [arg, arg.slice(arg.indexOf("=") + 1)]).filter((arg) => arg.includes("\n")).sort((a, b) => b.length - a.length);
  const whole = broken.reduce((said, arg) => said.replaceAll(arg, arg.replaceAll("\n", "\\n")), text);
  return `${printable(whole.trimEnd())}\n`;
}
