import * as fs from "node:fs";
import * as path from "node:path";
import { isJournal } from "../../components/record/check";
import { parseLines, type JournalEntry } from "../../components/record/format";
import { Story, type SavedStory } from "./story";

/** Ids come from the record too, which others may write: they must not lead out of the folder. */
const SAFE_ID = /^[a-z0-9.-]{1,200}$/;

const ENDINGS = { story: ".story.json", journal: ".journal.ndjson", report: ".html" } as const;

/** What a project's folder keeps of the rollouts of a stack that were driven from it. */
export class StoryFolder {
  constructor(private readonly folder: string) {}

  /** Of a rollout's report. Undefined when the id is none that a file can be named by. */
  report = (id: string): string | undefined => this.file(id, "report");

  /** Ids, the latest written first. */
  ids(): string[] {
    const names = list(this.folder).filter((name) => name.endsWith(ENDINGS.story));
    const written = (name: string): number => fs.statSync(path.join(this.folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    return names.map((name) => ({ id: name.slice(0, -ENDINGS.story.length), at: written(name) })).sort((a, b) => b.at - a.at).map(({ id }) => id);
  }

  /** Undefined when there is none, or none that can be read. */
  load(id: string): Story | undefined {
    const text = read(this.file(id, "story"));
    if (text === undefined) return undefined;
    try {
      const saved = JSON.parse(text) as SavedStory;
      return saved.format === 1 ? Story.of(saved) : undefined;
    } catch {
      return undefined;
    }
  }

  journal = (id: string): JournalEntry[] => parseLines<JournalEntry>(read(this.file(id, "journal")), isJournal);

  /** Rejects when the disk does not take it. */
  async save(id: string, story: Story): Promise<void> {
    await this.write(id, "story", JSON.stringify(story.saved()));
  }

  /** Writes a report and returns where. Rejects when the disk does not take it. */
  writeReport = (id: string, html: string): Promise<string> => this.write(id, "report", html);

  private file = (id: string, kind: keyof typeof ENDINGS): string | undefined => (SAFE_ID.test(id) ? path.join(this.folder, `${id}${ENDINGS[kind]}`) : undefined);

  private async write(id: string, kind: keyof typeof ENDINGS, text: string): Promise<string> {
    const file = this.file(id, kind);
    if (file === undefined) throw new Error(`no file can be named after the rollout ${JSON.stringify(id)}`);
    await fs.promises.mkdir(this.folder, { recursive: true });
    // Whoever reads it meanwhile, or after a crash, finds the one before.
    await fs.promises.writeFile(`${file}.new`, text);
    await fs.promises.rename(`${file}.new`, file);
    return file;
  }
}

function list(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch {
    return [];
  }
}

function read(file: string | undefined): string | undefined {
  try {
    return file === undefined ? undefined : fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
