import { expect } from "chai";
import { renderBody, renderPage } from "../../../../driver/pages";
import type { StoryView } from "../../../../driver/report/story-view";
import { Drawing } from "../../../../driver/serve/drawing";
import { shared } from "../../../../driver/serve/shared";
import { FakeExhibit } from "./exhibits";

/** The charts' library numbers what it draws, on and on. */
const unnamed = (html: string): string => html.replace(/zr\d+/g, "zr");

describe("drawing beside the process's own work", () => {
  let drawing: Drawing;
  beforeEach(() => void (drawing = new Drawing()));
  afterEach(() => drawing.close());

  const view = (): StoryView => {
    const { story, view: now } = new FakeExhibit("production");
    story.hear({ t: 1001, event: "stage", stage: 0, weight: 5, message: "stage 1 of 1: weight 5" });
    return now();
  };

  it("gives what the pages give, each to whom it belongs", async () => {
    const one = view();
    const [page, body, again] = await Promise.all([drawing.page(one), drawing.body(one), drawing.page(one)]);
    expect(unnamed(page)).to.equal(unnamed(renderPage(one, { live: true })));
    expect(unnamed(body)).to.equal(unnamed(renderBody(one)));
    expect(unnamed(again)).to.equal(unnamed(page));
  });

  it("leaves this process free meanwhile", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await drawing.page(view());
    clearInterval(timer);
    expect(turns).to.be.greaterThan(3);
  });

  it("tells what cannot be drawn, and goes on", async () => {
    const broken = await drawing.body({} as StoryView).then(() => undefined, (error: Error) => error);
    expect(broken).to.be.instanceOf(Error);
    expect(await drawing.body(view())).to.include("weight 5");
  });

  it("lets nobody wait when it is ended, and begins anew when it is asked again", async () => {
    const left = drawing.page(view()).then(() => undefined, (error: Error) => error.message);
    await drawing.close();
    expect(await left).to.equal("the page could not be drawn");
    expect(await drawing.body(view())).to.include("weight 5");
  });
});

describe("an answer that is shared", () => {
  it("is asked for once by all who ask at the same time, or shortly after, and anew later", async () => {
    let asked = 0;
    const ask = shared(async () => ++asked, 50);
    expect(await Promise.all([ask(), ask(), ask()])).to.deep.equal([1, 1, 1]);
    expect(await ask()).to.equal(1);
    await new Promise((later) => setTimeout(later, 80));
    expect(await ask()).to.equal(2);
  });

  it("may be a failure, which is not kept for ever", async () => {
    let asked = 0;
    const ask = shared(() => (++asked === 1 ? Promise.reject(new Error("away")) : Promise.resolve(asked)), 0);
    expect(await ask().catch((error: Error) => error.message)).to.equal("away");
    await new Promise((later) => setTimeout(later, 5));
    expect(await ask()).to.equal(2);
  });
});
