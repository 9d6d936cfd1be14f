// Headless Chromium, and pages that note whatever a report must not do.

import {fileURLToPath, pathToFileURL} from "node:url";
import puppeteer from "puppeteer-core";

const FONTS = fileURLToPath(new URL("fonts.conf", import.meta.url));

/** Starts the browser that `CHROMIUM` names. */
export function launch() {
  const args = ["--font-render-hinting=none", "--disable-lcd-text", "--force-color-profile=srgb", "--hide-scrollbars"];
  // Chromium's sandbox does not work for root, as whom containers run tests; the pages are our own.
  if (process.getuid() === 0) args.push("--no-sandbox");
  return puppeteer.launch({
    executablePath: process.env.CHROMIUM,
    args,
    env: {...process.env, FONTCONFIG_FILE: FONTS},
  });
}

/**
 * Opens the file in a page of the given width.
 *
 * `page.faults` are, at any time, the console messages, uncaught errors, requests and violations of the
 * Content-Security-Policy so far. None is of the file itself, the only thing that may be requested.
 */
export async function open(browser, file, {width, height = 900, scheme = "light", scripts = true}) {
  const page = await browser.newPage();
  const address = pathToFileURL(file).href;
  page.faults = [];
  page.on("console", (message) => page.faults.push(`console ${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => page.faults.push(`error: ${error.message}`));
  page.on("request", (request) => {
    // Chromium itself makes a data: URL of the filter by which it emulates colour blindness.
    if (request.url() !== address && !request.url().startsWith("data:")) page.faults.push(`request: ${request.url()}`);
  });
  await page.setViewport({width, height});
  await page.emulateMediaFeatures([{name: "prefers-color-scheme", value: scheme}]);
  await page.setJavaScriptEnabled(scripts);
  await page.exposeFunction("noteViolation", (text) => page.faults.push(`policy: ${text}`));
  await page.evaluateOnNewDocument(() =>
    document.addEventListener("securitypolicyviolation", (event) =>
      window.noteViolation(`${event.violatedDirective} ${event.blockedURI}`)));
  await page.goto(address, {waitUntil: "load"});
  return page;
}
