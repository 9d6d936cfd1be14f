// Screenshots that are stored, and compared with what a page looks like now.

import {execFileSync} from "node:child_process";
import {existsSync, readFileSync, writeFileSync} from "node:fs";
import pixelmatch from "pixelmatch";
import {PNG} from "pngjs";

/** How different a pixel's colour may be, from 0 to 1: `store` and other versions of Chromium change it by less. */
const THRESHOLD = 0.1;

/** The share of pixels that may differ by more. */
const TOLERANCE = 0.0005;

/** Stores a screenshot in 256 colours, which is a third of its size. */
export function store(screenshot, file) {
  try {
    writeFileSync(file, execFileSync("pngquant", ["--speed=1", "--strip", "256", "-"], {input: screenshot}));
  } catch (error) {
    if (error.code === "ENOENT") error.message = "to store a picture, install pngquant";
    throw error;
  }
}

/** What differs between a screenshot and the stored one, if anything; then `differences` becomes a picture of it. */
export function compare(screenshot, stored, differences) {
  if (!existsSync(stored)) return `there is no ${stored}; set UPDATE_PICTURES=1 to store it`;
  const [is, was] = [PNG.sync.read(Buffer.from(screenshot)), PNG.sync.read(readFileSync(stored))];
  const {width, height} = was;
  if (is.width !== width || is.height !== height) {
    return `the screenshot has ${is.width} x ${is.height} pixels, and ${stored} ${width} x ${height}; set UPDATE_PICTURES=1 to store it`;
  }
  const marked = new PNG({width, height});
  const differ = pixelmatch(was.data, is.data, marked.data, width, height, {threshold: THRESHOLD});
  if (differ <= TOLERANCE * width * height) return undefined;
  writeFileSync(differences, PNG.sync.write(marked));
  return `${differ} pixels differ from ${stored}: see ${differences}, and set UPDATE_PICTURES=1 to store what it looks like now`;
}
