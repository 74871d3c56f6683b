/**
 * The whole style of a page. Colours are told apart by people who see few of them (blue and orange, and never by colour alone), in a
 * light and a dark scheme; paper gets the light one.
 */
export const STYLE = `
:root{color-scheme:light dark;--ground:#fff;--ink:#1b1f24;--plain:#59636e;--rule:#d9dee4;--band:#eef2f6;--card:#f7f9fb;--stable:#0068b3;--canary:#c2500a;--limit:#8b2fb5;--good:#0a7a3f;--bad:#b3152c;--wait:#855700;--going:#0068b3}
@media (prefers-color-scheme:dark){:root{--ground:#12161b;--ink:#e6eaef;--plain:#a0abb6;--rule:#323b45;--band:#1e262e;--card:#181e24;--stable:#5db2f5;--canary:#ff9c57;--limit:#d79bff;--good:#55cb92;--bad:#ff8792;--wait:#e5b550;--going:#5db2f5}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif;overflow-wrap:anywhere;-webkit-text-size-adjust:100%}
main{max-width:1200px;margin:0 auto;padding:20px 16px 40px}
section{margin-top:36px}
h1,h2,h3,p,figure,dl,dd,ol,ul,pre{margin:0;padding:0}
h1{display:flex;gap:.4em;font-size:clamp(1.6rem,4.5vw,2.4rem);line-height:1.15;letter-spacing:-.01em}
h2{font-size:1.25rem;line-height:1.3;margin-bottom:12px}
h3{font-size:1rem;line-height:1.35;margin-bottom:4px}
small{font-size:.8125rem;font-weight:400;color:var(--plain)}
.where,.note,.nothing,caption,footer{color:var(--plain);font-size:.875rem}
.note{margin:-6px 0 14px;max-width:75ch}
.head{border-top:6px solid var(--tone);padding-top:14px}
.good{--tone:var(--good)}.bad{--tone:var(--bad)}.wait{--tone:var(--wait)}.going{--tone:var(--going)}
.head h1{color:var(--tone);margin:4px 0 10px}
.verdict{font-size:1.0625rem;max-width:80ch}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,160px),1fr));gap:12px 18px;margin-top:20px}
dt{color:var(--plain);font-size:.8125rem}
dd{font-weight:600}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,340px),1fr));gap:24px 22px}
figure{max-width:580px;min-width:0}
figcaption{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 14px;font-size:.875rem;margin-bottom:4px}
.keys{display:flex;flex-wrap:wrap;gap:0 12px;color:var(--plain);font-size:.8125rem}
.keys span{display:inline-flex;align-items:center;gap:5px}
.swatch{width:24px;height:8px;flex:none;fill:none}
.chart svg{display:block;width:100%;height:auto}
.chart text{font:11px system-ui,"Liberation Sans",sans-serif;font-variant-numeric:tabular-nums}
.chart text.small{font-size:10px}
details{font-size:.8125rem}
summary{color:var(--plain);cursor:pointer;width:max-content;max-width:100%}
table{border-collapse:collapse;width:100%;font-size:.875rem;font-variant-numeric:tabular-nums}
caption{text-align:left;padding-bottom:4px}
th,td{text-align:left;vertical-align:top;padding:5px 10px 5px 0;border-bottom:1px solid var(--rule);font-weight:400}
th{color:var(--plain)}
tbody th{color:inherit;font-weight:600}
details table{font-size:.75rem}
.figures td,.figures th:not(:first-child),details td{text-align:right}
.figures th small{display:block}
.stages td:not(:last-child),.stages th{white-space:nowrap}
.stages small{display:block;white-space:normal}
.journal th,.journal td:nth-child(-n+3){white-space:nowrap}
.journal td:last-child{width:100%}
.scroll{overflow-x:auto;min-width:0}
.scroll+.scroll{margin-top:20px}
.grid>section{margin-top:0;min-width:0}
.head+.grid{margin-top:32px}
.is-rollback,.is-fail .answer{color:var(--bad)}.is-promote,.is-measured,.is-pass .answer{color:var(--good)}.is-hold{color:var(--wait)}
.gate{border:1px solid var(--rule);border-radius:8px;padding:12px 14px;background:var(--card);min-width:0;display:flex;flex-direction:column}
.gate figure{margin-top:auto}
.gate.is-fail{border:2px solid var(--bad)}
.gate h3{display:flex;flex-wrap:wrap;gap:0 10px;align-items:baseline}
.answer{font-weight:600}
.sentence{font-size:.875rem;margin:4px 0 12px}
.timeline{list-style:none}
.timeline li{display:grid;grid-template-columns:4.6em 1.4em 1fr;gap:0 8px;padding:5px 0;border-bottom:1px solid var(--rule);font-size:.9375rem;color:inherit}
.timeline time,.on-update,.on-note{color:var(--plain);font-variant-numeric:tabular-nums}
.timeline .sign{text-align:center}
.on-stage .said,.on-end .said,.on-revert .said,.on-promote .said{font-weight:600}
.on-revert .sign,.timeline .is-rollback .sign{color:var(--bad)}.on-promote .sign,.on-split .sign,.timeline .is-promote .sign{color:var(--good)}
pre{font:.8125rem/1.45 ui-monospace,SFMono-Regular,Menlo,"Liberation Mono",monospace;white-space:pre-wrap;background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:12px 14px;columns:340px}
section ul{padding-left:1.2em}
footer{margin-top:28px}
#connection{position:sticky;top:0;z-index:1;text-align:center;font-size:.875rem;padding:4px 16px;background:var(--card);border-bottom:1px solid var(--rule);color:var(--plain)}
#connection:empty{display:none}
#connection[data-state=live]{color:var(--good)}
#connection[data-state=lost]{background:var(--bad);color:var(--ground);font-weight:600}
@media (max-width:520px){.timeline li{grid-template-columns:4.4em 1fr}.timeline .sign{display:none}.stages td,.stages th{padding-right:6px}}
@media print{
:root{color-scheme:light;--ground:#fff;--ink:#000;--plain:#444;--rule:#ccc;--band:#eef2f6;--card:#fff;--stable:#0068b3;--canary:#c2500a;--limit:#8b2fb5;--good:#0a7a3f;--bad:#b3152c;--wait:#855700;--going:#0068b3}
@page{size:A4;margin:14mm}
body{font-size:10.5pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}
main{padding:0;max-width:none}
section{margin-top:20pt}
.grid{grid-template-columns:1fr 1fr;gap:14pt}
figure,.gate,tr,.timeline li,.facts,h2,h3{break-inside:avoid}
h2,h3,.note,caption{break-after:avoid}
details,#connection{display:none}
.scroll{overflow:visible}
}
`.trim().replace(/\n/g, "");
