/**
 * The live page's script: each message of `events` replaces what is in `<main>`; an `end` event says that nothing more will come. The
 * browser itself tries again after a loss. Plain JavaScript, because it runs as it stands here.
 */
export const LIVE_SCRIPT = `
(() => {
  const main = document.querySelector("main");
  const connection = document.getElementById("connection");
  const say = (state, text) => { connection.dataset.state = state; connection.textContent = text; };
  let lost;
  const source = new EventSource("events");
  source.onopen = () => { lost = undefined; say("live", "Live"); };
  source.onmessage = (message) => {
    const opened = new Set([...main.querySelectorAll("details[open]")].map((d) => d.id));
    main.innerHTML = message.data;
    for (const id of opened) if (id) document.getElementById(id)?.setAttribute("open", "");
  };
  source.addEventListener("end", () => { source.close(); say("ended", "The rollout has ended; this page is not updated any more."); });
  source.onerror = () => {
    lost ??= new Date();
    say("lost", "Connection lost at " + lost.toLocaleTimeString() + ": what is shown may be old. Trying again …");
  };
})();
`;
