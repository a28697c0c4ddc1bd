import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { PATIENCE_MS } from './until.js';

/** Debian's Chromium. */
const PROGRAM = '/usr/bin/chromium';
const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A real browser with a profile of its own. */
export class Browser {
  readonly #profile: string;
  readonly #context: BrowserContext;
  /** What pages have complained of since they were opened. */
  readonly complaints: string[] = [];

  private constructor(profile: string, context: BrowserContext) {
    this.#profile = profile;
    this.#context = context;
  }

  static async start(): Promise<Browser> {
    const profile = mkdtempSync(join(tmpdir(), 'ioth-browser-'));
    const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: PROGRAM,
      args: [...QUIET, ...sandbox],
      // all that a machine without a network has
      proxy: { server: 'http://127.0.0.1:9', bypass: '127.0.0.1,localhost' },
      timeout: PATIENCE_MS,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    return new Browser(profile, context);
  }

  /** Opens a page, of a size and in a colour scheme. */
  async open(url: string, { width = 1280, height = 800, scheme = 'light' as 'light' | 'dark' } = {}): Promise<Page> {
    const page = await this.#context.newPage();
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: scheme });
    await page.goto(url);
    return page;
  }

  async close(): Promise<void> {
    await this.#context.close();
    rmSync(this.#profile, { recursive: true, force: true });
  }
}
