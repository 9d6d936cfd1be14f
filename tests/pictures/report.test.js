// What a report must be in a browser, whatever its number of companies. The environment says which one is looked at:
//
// CHROMIUM         the program of the browser
// REPORT           the file of the report
// SYMBOLS          the number of its companies, 10, 500 or 600
// CAPTURES         an existing folder for screenshots and the PDF, for people to look at
// UPDATE_PICTURES  if set, the stored pictures become what the report looks like now; this needs pngquant

import assert from "node:assert/strict";
import {execFileSync} from "node:child_process";
import {existsSync, readFileSync, statSync} from "node:fs";
import {join} from "node:path";
import {after, before, test} from "node:test";
import {fileURLToPath} from "node:url";

import {launch, open} from "./browser.js";
import {compare, store} from "./picture.js";

const {REPORT, CAPTURES, UPDATE_PICTURES} = process.env;
const SYMBOLS = Number(process.env.SYMBOLS);
const AXE = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const DOCS = fileURLToPath(new URL("../../docs", import.meta.url));
const FONT = "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf";

/** What a report of this number of companies may take: KiB, milliseconds to its first paint, pages in print. */
const BUDGET = {10: {size: 60, paint: 100, pages: 6}, 500: {size: 400, paint: 500, pages: 60},
  600: {size: 200, paint: 500, pages: 20}}[SYMBOLS];

/** Up to this number of companies the page has the candles of each, and above it only of those that are pinned. */
const FEW = 20;

/** Up to this number each has a row of the table, and above it only those of the movers; the others are found, or sorted. */
const WHOLE = 500;

/** How many rows of the others are shown at once. */
const AT_ONCE = 100;

/** How much slower than the budget a busy machine may paint. */
const PAINT_SLACK = 5;

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

/** Gives a page of the report to `look`, after which it must still have done nothing that a report must not do. */
async function withPage(options, look) {
  const page = await open(browser, REPORT, options);
  try {
    await look(page);
    assert.deepEqual(page.faults, []);
  } finally {
    await page.close();
  }
}

/** A file in the folder of captures. */
const capture = (name) => join(CAPTURES, `report-${SYMBOLS}-${name}`);

for (const scheme of ["light", "dark"]) {
  for (const width of [1280, 420]) {
    test(`${width} pixels wide, ${scheme}`, () => withPage({width, scheme}, async (page) => {
      const whole = SYMBOLS > FEW ? {clip: {x: 0, y: 0, width, height: 5000}} : {fullPage: true};
      await page.screenshot({path: capture(`${width}-${scheme}.png`), ...whole});
      const content = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(content <= width, `the page is ${content} pixels wide and scrolls sideways`);
      assert.deepEqual(await misplacedTexts(page), []);
      // It takes seconds for many rows, which differ in nothing but their text.
      if (SYMBOLS > FEW && (width === 420) !== (scheme === "dark")) return;
      assert.deepEqual(await accessibilityFaults(page), []);
    }));
  }
}

/** Values that do not stand beside what they belong to, and texts of pictures that are cut off. */
const misplacedTexts = (page) => page.evaluate(() => {
  const box = (element) => element.getBoundingClientRect();
  const apart = [...document.querySelectorAll(".movers li")].filter((item) =>
    Math.abs(box(item.querySelector("a")).top - box(item.querySelector("b")).top) > 6);
  const cut = [...document.querySelectorAll("svg text")].filter((text) =>
    box(text).left < box(text.ownerSVGElement).left - 1 || box(text).right > box(text.ownerSVGElement).right + 1);
  return [...apart, ...cut].map((element) => element.textContent);
});

/** What axe-core finds, a line for each rule with the first elements that break it. */
async function accessibilityFaults(page) {
  await page.evaluate(AXE);
  const {violations, passes} = await page.evaluate(() =>
    axe.run({resultTypes: ["violations"], elementRef: false}));
  assert.ok(passes.some(({id}) => id === "color-contrast"), "axe-core has not looked at the contrast of colours");
  return violations.map(({id, help, nodes}) =>
    `${id}: ${help}: ${nodes.length} times, as in ${nodes.slice(0, 3).map(({html}) => html).join(" ")}`);
}

test("without scripts everything is there but the tools", () => withPage({width: 1280, scripts: false}, async (page) => {
  const hidden = await page.$$eval("section, h2, #companies tbody tr", (elements) =>
    elements.filter((element) => !element.checkVisibility()).map((element) => element.outerHTML.slice(0, 80)));
  assert.deepEqual(hidden, []);
  const rows = await shownRows(page);
  assert.ok(SYMBOLS > WHOLE ? rows.length > 14 && rows.length <= AT_ONCE : rows.length === SYMBOLS, `${rows.length} rows`);
  const tools = await page.$$eval("input, button", (elements) => elements.filter((element) => element.checkVisibility()).length);
  assert.equal(tools, 0);
}));

/** The cells of the rows of the table of companies that are shown, as text. */
const shownRows = (page) => page.$$eval("#companies tbody tr", (rows) =>
  rows.filter((row) => row.checkVisibility()).map((row) => [...row.cells].map((cell) => cell.textContent.trim())));

/** The symbol and the bars of each company, in the order of the CSV. */
const companies = (page) => page.evaluate(() => {
  const lines = document.getElementById("lines")?.content.textContent.trim().split("\n").map((line) => line.split("\t"));
  const rows = [...document.querySelectorAll("#companies tbody tr")];
  return lines ? lines.map((line) => [line[0], line.at(-1)]) : rows.map((row) => [row.id, row.cells[row.cells.length - 1].textContent]);
});

/** The element that has the focus: where it is, and whether a person sees that it has it. */
const focused = (page) => page.evaluate(() => {
  const element = document.activeElement;
  const {left, top, right, bottom} = element.getBoundingClientRect();
  // The middle of what is in the window, unless something else covers it.
  const middle = (from, to, size) => (Math.max(from, 0) + Math.min(to, size)) / 2;
  const there = document.elementFromPoint(middle(left, right, innerWidth), middle(top, bottom, innerHeight));
  const style = getComputedStyle(element);
  return {
    id: element.id,
    text: element.textContent.trim().slice(0, 40),
    column: element.closest("#companies thead th")?.cellIndex,
    row: element.closest("#companies tbody tr")?.id,
    seen: element.contains(there) && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
  };
});

/** How often Tab is pressed at most: the links of the movers come first. */
const MOST_TABS = 200;

/** Presses Tab until an element has the focus for which `wanted` holds; each on the way must show it. */
async function tabTo(page, wanted) {
  for (let presses = 0; presses < MOST_TABS; presses++) {
    await page.keyboard.press("Tab");
    const element = await focused(page);
    assert.ok(element.seen, `nobody sees that this has the focus: ${JSON.stringify(element)}`);
    if (wanted(element)) return element;
  }
  return assert.fail(`${MOST_TABS} times Tab do not lead there`);
}

/** The number that a cell shows, such as 14,794,005 or −0.35%. */
const number = (text) => Number.parseFloat(text.replaceAll(",", "").replace("\u2212", "-"));

test("a column is sorted by keyboard", () => withPage({width: 1280}, async (page) => {
  const header = await page.$$eval("#companies thead th", (cells) => cells.map((cell) => cell.textContent.trim()));
  const volume = header.findIndex((name) => name.startsWith("Volume"));
  await tabTo(page, ({column}) => column === volume);
  for (const [order, sign] of [["descending", -1], ["ascending", 1]]) {
    await page.keyboard.press("Enter");
    const sorted = await page.$$eval("#companies thead th", (cells) => cells.map((cell) => cell.ariaSort));
    assert.deepEqual(sorted, header.map((_, column) => (column === volume ? order : null)));
    const volumes = (await shownRows(page)).map((row) => number(row[volume]));
    assert.equal(volumes.length, SYMBOLS > WHOLE ? AT_ONCE : SYMBOLS);
    assert.deepEqual(volumes, [...volumes].sort((a, b) => sign * (a - b)));
    const element = await focused(page);
    assert.ok(element.column === volume && element.seen, `the focus is at ${JSON.stringify(element)}`);
  }
}));

test("a company is found by keyboard", () => withPage({width: 1280}, async (page) => {
  const rows = await shownRows(page);
  const [symbol] = (await companies(page))[Math.floor(SYMBOLS / 2)];
  await page.keyboard.press("/");
  const field = await focused(page);
  assert.ok(field.id === "find" && field.seen, JSON.stringify(field));
  await page.keyboard.type(symbol.toLowerCase());
  const found = await shownRows(page);
  const isFound = found.some(([company]) => company.split(/\s/)[0] === symbol);
  assert.ok(found.length < SYMBOLS / 2 && isFound, `${symbol}: ${found}`);
  assert.equal(await shown(page), `${found.length} of ${SYMBOLS}`);
  await page.keyboard.press("Escape");
  assert.deepEqual(await shownRows(page), rows);
  assert.equal(await shown(page), `${rows.length} of ${SYMBOLS}`);
}));

/** What the page says of how many companies are shown. */
const shown = (page) => page.$eval("#shown", (element) => element.textContent);

test("companies with gaps are selected by keyboard", () => withPage({width: 1280}, async (page) => {
  const rows = await shownRows(page);
  const all = await companies(page);
  const most = Math.max(...all.map(([, bars]) => number(bars)));
  const gaps = all.filter(([, bars]) => number(bars) < most).map(([symbol]) => symbol);
  assert.ok(gaps.length > 0 && gaps.length < SYMBOLS, `${gaps.length} companies have gaps`);
  await tabTo(page, ({id}) => id === "gaps");
  await page.keyboard.press("Space");
  const symbols = (await shownRows(page)).map(([company]) => company.split(/\s/)[0]);
  assert.deepEqual(symbols, gaps.slice(0, SYMBOLS > WHOLE ? AT_ONCE : SYMBOLS));
  const isCut = symbols.length < gaps.length;
  assert.equal(await shown(page), `${symbols.length} of ${isCut ? `${gaps.length}, and of ${SYMBOLS} in all` : SYMBOLS}`);
  await page.keyboard.press("Space");
  assert.deepEqual(await shownRows(page), rows);
}));

test("a company is pinned by keyboard", () => withPage({width: 1280}, async (page) => {
  const rows = await shownRows(page);
  const wanted = await page.$eval("#companies tbody tr:nth-child(3)", (row) => row.id);
  await tabTo(page, ({row}) => row === wanted);
  const pinned = () => page.evaluate((symbol) => ({
    first: document.querySelector("#companies tbody tr").id === symbol,
    pressed: document.querySelector(`[id="${symbol}"] button`).ariaPressed,
    lines: [...document.querySelectorAll("#cmp .pin text")].map((label) => label.textContent.split(" ")[0]),
    candles: document.querySelectorAll("#panels figure").length,
  }), wanted);
  const candles = SYMBOLS > FEW ? [1, 0] : [SYMBOLS, SYMBOLS];
  await page.keyboard.press("Enter");
  assert.deepEqual(await pinned(), {first: true, pressed: "true", lines: [wanted], candles: candles[0]});
  const element = await focused(page);
  assert.ok(element.row === wanted && element.seen, `the focus is at ${JSON.stringify(element)}`);
  await page.screenshot({path: capture("pinned.png"), fullPage: SYMBOLS <= FEW});
  if (SYMBOLS <= FEW) assert.deepEqual(await accessibilityFaults(page), []);
  await page.keyboard.press("Enter");
  assert.deepEqual(await pinned(), {first: false, pressed: "false", lines: [], candles: candles[1]});
  assert.deepEqual(await shownRows(page), rows);
}));

test("it is printed on few pages, with the head of the table on each", (t) => withPage({width: 1280}, async (page) => {
  const file = capture("print.pdf");
  await page.pdf({path: file, preferCSSPageSize: true});
  const pages = execFileSync("pdftotext", ["-layout", file, "-"], {encoding: "utf8"}).split("\f").slice(0, -1);
  t.diagnostic(`${pages.length} pages`);
  assert.ok(pages.length > 0 && pages.length <= BUDGET.pages, `${pages.length} pages`);
  assert.ok(pages.every((text) => text.trim()), "a page is blank");
  // The movers of many companies fill the first page.
  const comparison = pages[SYMBOLS > WHOLE ? 1 : 0];
  assert.match(comparison, /The day in percent of the previous close[^]+ 16:00/, "the comparison is not where it should be");
  const ofTable = pages.filter((text) => /\d\d:\d\d .+ \d\d:\d\d .+% .+%/.test(text));
  const withHead = ofTable.filter((text) => /Company +Day +Close .+ Volume +Bars/.test(text));
  assert.ok(ofTable.length > 0 && withHead.length === ofTable.length, `${withHead.length} of ${ofTable.length} pages`);
}));

test("size and first paint are within the budget", async (t) => {
  const {size} = statSync(REPORT);
  const paints = [];
  for (let loads = 0; loads < 5; loads++) {
    await withPage({width: 1280}, async (page) => paints.push(await firstPaint(page)));
  }
  const [, , median] = paints.sort((a, b) => a - b);
  t.diagnostic(`${SYMBOLS} companies: ${(size / 1024).toFixed(1)} of ${BUDGET.size} KiB, ` +
    `first paint after ${median.toFixed(0)} of ${BUDGET.paint} ms (${paints.map((paint) => paint.toFixed(0)).join(", ")})`);
  assert.ok(size <= BUDGET.size * 1024, `${size} bytes`);
  assert.ok(median <= PAINT_SLACK * BUDGET.paint, `the first paint took ${paints.join(", ")} ms`);
});

/** When something was first painted, in milliseconds since the navigation began. */
const firstPaint = (page) => page.evaluate(() => new Promise((resolve) =>
  new PerformanceObserver((list) => resolve(list.getEntriesByName("first-contentful-paint")[0]?.startTime))
    .observe({type: "paint", buffered: true})));

test("it can be read with the common kinds of colour blindness", () => withPage({width: 1280}, async (page) => {
  for (const kind of ["deuteranopia", "protanopia", "tritanopia"]) {
    await page.emulateVisionDeficiency(kind);
    await page.screenshot({path: capture(`${kind}.png`)});
  }
}));

const skip = SYMBOLS > FEW ? "of few companies only" : !existsSync(FONT) && `there is no ${FONT}: install fonts-liberation`;
for (const [scheme, stored] of [["light", "report.png"], ["dark", "report-dark.png"]]) {
  test(`its ${scheme} colours look as stored`, {skip}, () => withPage({width: 1280, height: 1360, scheme}, async (page) => {
    const screenshot = await page.screenshot();
    const file = join(DOCS, stored);
    if (UPDATE_PICTURES) store(screenshot, file);
    assert.equal(compare(screenshot, file, capture(`differences-${scheme}.png`)), undefined);
  }));
}
