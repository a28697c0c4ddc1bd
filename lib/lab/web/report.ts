import { writeFile } from 'node:fs/promises';
import { checkOptions } from '../../core/validate.js';
import type { ReportOptions } from './options.js';
import { pageFile } from './page-files.js';
import type { PageStart } from './protocol.js';
import { type ShownLab, startOf } from './shown-lab.js';

/** The element of the page that has the data of a report. */
const PLACE = '<script id="data" type="application/json"></script>';

/** Writes a page with the data in it. @throws {Error} of fs.writeFile */
export async function writeReport(shown: ShownLab, file: string | URL, options?: ReportOptions): Promise<void> {
  const { test } = checkOptions(options, ['test']);
  const start = await startOf(shown, { isLive: false, test: test && { name: test.name, error: test.error ?? '' } });
  await writeFile(file, pageWith(start));
}

function pageWith(start: PageStart): string {
  // what a host or a DNS answer is called must not end the element
  const data = JSON.stringify(start).replaceAll('<', '\\u003c');
  return pageFile('page.html').replace(PLACE, () => PLACE.replace('><', `>${data}<`));
}
